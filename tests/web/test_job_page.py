"""One job in the browser: what it does, where its time and money went, and an interruption seen as it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage
from tests.web.training import Run

SPOT = {"accelerators": "H100-SXM:1", "spot": "only", "providers": ["vast"]}


def _spot_job(stage: Stage, name: str, seconds: float = 7200) -> str:
    job = stage.submit(
        Run(seconds=seconds),
        name=name,
        resources=SPOT,
        checkpoints={"path": "ckpt", "every": "5m"},
        constraints={"max_duration": "6h", "budget": "$40"},
        tags={"team": "vision"},
        estimate={"hours": 2.0},
    )
    return str(job["id"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A job on a spot machine that was taken back once and went on, one that has failed, and one on this machine."""
    with Stage.open(tmp_path_factory.mktemp("stage")) as made:
        made.connect("vast")
        spot = _spot_job(made, "tuned")
        made.until(spot, "running")
        made.advance(900)
        made.interrupt(spot)
        made.advance(900)
        made.until(spot, "running")
        failed = made.submit(Run(seconds=30, exit_code=3, last_words=("boom",)), name="broken")
        made.until(failed["id"], "failed")
        made.until(made.submit(Run(seconds=7200), name="here")["id"], "running")
        made.advance(60)
        yield made


def _open(visit: Visit, name: str, tab: str = "") -> Page:
    page = visit.open(f"/jobs/{visit.stage.job(name)['id']}{tab and '/' + tab}")
    come_to_rest(page)
    return page


def test_the_head_says_what_the_api_says(visit: Visit) -> None:
    page = _open(visit, "tuned")
    job = visit.stage.job("tuned")
    head = page.get_by_role("heading", level=1)
    expect(head).to_contain_text("tuned")
    expect(head).to_contain_text("Running")
    expect(page.get_by_text(job["cost"]["per_hour"]["text"], exact=True)).to_be_visible()
    expect(page.get_by_text(f"cap {job['cost']['cap']['text']}")).to_be_visible()
    for action in job["permitted"]:
        expect(page.get_by_role("button", name=action["label"], exact=True)).to_be_visible()
    startup = page.get_by_role("list", name="Start-up", exact=True)
    for each in (each for each in job["timeline"] if each["is_startup"]):
        expect(startup).to_contain_text(each["label"])
    expect(page.get_by_role("list", name="From submission to now")).to_contain_text("Between attempts")
    expect(page.get_by_text(f"tradewind ssh {job['id']}")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("events", "Interrupted"),
        ("cost", "Against its estimate and its cap"),
        ("checkpoints", "Resumable"),
        ("attempts", "went on from step"),
        ("files", "No output was kept"),
        ("spec", "max_duration: 6h"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_tab_has_its_address_and_is_accessible(visit: Visit, tab: str, shown: str, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = _open(visit, "tuned", tab)
    expect(page.get_by_role("tab", selected=True)).to_have_text(re.compile(tab, re.IGNORECASE))
    expect(page.get_by_text(shown).first).to_be_visible()
    assert_accessible(page)


def test_tabs_change_the_address(visit: Visit) -> None:
    page = _open(visit, "tuned")
    page.get_by_role("tab", name="Attempts").click()
    expect(page).to_have_url(re.compile(r"/attempts$"))
    page.get_by_role("tab", name="Overview").click()
    expect(page).to_have_url(re.compile(r"/jobs/job_[0-9a-z]+$"))


def test_attempts_are_shown_across_places_with_why_each_ended(visit: Visit) -> None:
    page = _open(visit, "tuned", "attempts")
    job = visit.stage.job("tuned")
    second, first = page.get_by_role("table", name="Attempts").locator("tbody tr").all()
    attempts = job["tasks"][0]["attempts"]
    expect(first).to_contain_text(attempts[0]["explanation"])
    expect(first).to_contain_text(attempts[0]["cost"]["text"])
    expect(first).to_contain_text("from the beginning")
    expect(second).to_contain_text("Running")
    expect(second).to_contain_text("went on from step")
    expect(page.get_by_role("img", name=re.compile("attempt 1 on vast: interrupted"))).to_be_visible()


def test_the_parts_of_the_cost_are_the_whole(visit: Visit) -> None:
    page = _open(visit, "tuned", "cost")
    cost = visit.stage.get(f"/jobs/{visit.stage.job('tuned')['id']}/cost")
    assert sum(each["amount"]["micro"] for each in cost["lines"]) == cost["cost"]["amount"]["micro"]
    table = page.get_by_role("table", name="Parts of the cost")
    for line in cost["lines"]:
        expect(table).to_contain_text(line["detail"])
    expect(table).to_contain_text("estimated, runs up")
    expect(page.get_by_role("list", name="Cost, estimate and cap")).to_contain_text("$40.00")
    expect(page.get_by_text("not metered by job")).to_be_visible()


def test_what_was_decided_comes_with_its_figures(visit: Visit) -> None:
    page = _open(visit, "tuned", "events")
    expect(page.get_by_text("submitted by ana")).to_be_visible()
    page.get_by_text("What was decided").click()
    expect(page).to_have_url(re.compile(r"show=decisions"))
    expect(page.get_by_text("Likely to take").first).to_be_visible()
    assert_accessible(page)


def test_a_checkpoint_can_be_brought_here(visit: Visit) -> None:
    page = _open(visit, "tuned", "checkpoints")
    with page.expect_download() as started:
        page.get_by_role("link", name=re.compile("Download ")).first.click()
    assert started.value.suggested_filename.endswith(".tar")


def test_the_file_is_shown_in_every_form(visit: Visit) -> None:
    page = _open(visit, "tuned", "spec")
    expect(page.get_by_role("region", name="Job file")).to_contain_text("name: tuned")
    expect(page.get_by_role("region", name="Command")).to_contain_text("tradewind run tuned.yaml")
    page.get_by_text("JSON", exact=True).click()
    expect(page).to_have_url(re.compile(r"as=json"))
    expect(page.get_by_role("region", name="Job file as JSON")).to_contain_text('"name": "tuned"')
    page.get_by_text("Inspect", exact=True).click()
    expect(page.get_by_role("region", name="Job as the API has it")).to_contain_text('"permitted"')
    link = page.get_by_role("link", name="Clone and edit")
    expect(link).to_have_attribute("href", re.compile(r"/new\?clone=job_"))


def test_a_job_that_failed_says_why_and_may_run_again(visit: Visit) -> None:
    page = _open(visit, "broken")
    expect(page.get_by_role("status").filter(has_text="exit code 3")).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    dialog = page.get_by_role("dialog", name="Run again")
    expect(dialog).to_contain_text("It becomes a new job")
    before = page.url
    dialog.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: url != before)
    expect(page.get_by_role("heading", level=1)).to_contain_text("broken")


def test_a_job_that_is_not_there_is_said_not_to_be(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = visit.open("/jobs/job_01k00000000000000000")
    expect(page.get_by_text("There is no job job_01k00000000000000000")).to_be_visible()
    expect(page.get_by_role("link", name="See all jobs")).to_be_visible()
    assert_accessible(page)


def test_a_name_is_an_address_too(visit: Visit) -> None:
    page = visit.open("/jobs/here")
    expect(page.get_by_role("heading", level=1)).to_contain_text("here")


@pytest.mark.phone
def test_a_phone_shows_the_whole_job(visit: Visit) -> None:
    page = _open(visit, "tuned")
    for tab in ("", "events", "cost", "attempts", "checkpoints"):
        page = _open(visit, "tuned", tab)
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), tab
    assert_accessible(page)


def test_a_move_is_weighed_before_it_is_made(visit: Visit) -> None:
    page = _open(visit, "tuned")
    page.get_by_role("button", name="Move", exact=True).click()
    dialog = page.get_by_role("dialog", name="Move tuned")
    dialog.get_by_label("Where to").fill("nowhere")
    visit.complaints.allow("409")
    dialog.get_by_role("button", name="Look").click()
    expect(dialog).to_contain_text("no other place at nowhere")
    expect(dialog.get_by_role("button", name="Move it")).to_be_disabled()
    assert_accessible(page, ".mantine-Modal-root")


def test_an_interruption_and_what_follows_are_seen_in_every_tab(own_stage: Stage, visit: Visit) -> None:
    own_stage.connect("vast")
    job = _spot_job(own_stage, "live", seconds=2400)
    own_stage.until(job, "running")
    page = visit.open(f"/jobs/{job}")
    second = page.context.new_page()
    second.goto(f"{own_stage.url}/jobs/{job}/attempts")
    heads = [each.get_by_role("heading", level=1) for each in (page, second)]
    for head in heads:
        expect(head).to_contain_text("Running")
    cost = page.locator("text=Cost so far").locator("xpath=following-sibling::*[1]")
    before = cost.inner_text()
    visit.tick(900)
    expect(cost).not_to_have_text(before, timeout=10_000)
    own_stage.interrupt(job)
    visit.tick(30)
    rows = second.get_by_role("table", name="Attempts").locator("tbody tr")
    expect(rows.last).to_contain_text("Interrupted")
    expect(page.get_by_role("list", name="From submission to now")).to_contain_text("Between attempts")
    visit.tick(900)
    own_stage.until(job, "running")
    for head in heads:
        expect(head).to_contain_text("Running")
    expect(page.get_by_text("attempt 2").first).to_be_visible()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("went on from step")
    own_stage.until(job, "succeeded")
    for head in heads:
        expect(head).to_contain_text("Succeeded")


def test_a_stop_asks_first_with_what_it_costs(own_stage: Stage, visit: Visit) -> None:
    own_stage.until(own_stage.submit(Run(seconds=7200), name="here")["id"], "running")
    page = visit.open("/jobs/here")
    page.get_by_role("button", name="Stop", exact=True).click()
    dialog = page.get_by_role("dialog", name="Stop")
    expect(dialog).to_contain_text(re.compile(r"Stop here\? .* It costs \$[0-9.]+/h now\."))
    dialog.get_by_role("button", name="Stop").click()
    own_stage.until("here", "cancelled")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_the_page_comes_back_when_its_server_does(own_stage: Stage, visit: Visit) -> None:
    job = own_stage.submit(Run(seconds=600), name="here")["id"]
    own_stage.until(job, "running")
    page = visit.open(f"/jobs/{job}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Running")
    visit.complaints.allow_cuts()
    own_stage.restart()
    own_stage.until(job, "succeeded")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=20_000)
