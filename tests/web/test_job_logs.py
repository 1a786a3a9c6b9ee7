"""The logs of a job in the browser: as they come, of every stream and attempt, searched, linked to, a million lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.many import write_lines
from tests.web.stage import Stage
from tests.web.training import Run

_BROKEN = (
    "Traceback (most recent call last):",
    '  File "train.py", line 9',
    "ValueError: the loss is not a number",
)


@pytest.fixture(scope="module")
def jobs(stage: Stage) -> dict[str, str]:
    """`long`: ended, 100,000 lines; `live`: runs; `broken`: failed with a traceback; `twice`: two attempts."""
    made = {}
    for name, run in (
        ("long", Run(seconds=30, setup_s=2)),
        ("broken", Run(seconds=90, step_s=3, fails_after_s=60, exit_code=1, last_words=_BROKEN)),
        ("live", Run(seconds=50_000, setup_s=2, step_s=1.0)),
    ):
        resources = {"accelerators": "RTX-4090:1", "providers": ["local"]}
        made[name] = str(stage.submit(run, name=name, resources=resources)["id"])
        stage.advance(120)
    attempt = stage.job(made["long"])["tasks"][0]["attempts"][0]
    write_lines(stage.folder / "state" / "attempts" / attempt["id"], 1_000_000, stage.now)
    stage.connect("vast")
    spot = {"accelerators": "H100-SXM:1", "spot": "only", "providers": ["vast"]}
    kept = {"checkpoints": {"path": "ckpt", "every": "5m"}, "constraints": {"max_duration": "9h"}}
    made["twice"] = str(stage.submit(Run(seconds=20_000), name="twice", resources=spot, **kept)["id"])
    stage.until(made["twice"], "running")
    stage.advance(600, 10)
    stage.interrupt(made["twice"])
    stage.advance(900, 10)
    return made


def _log(page: Page) -> Locator:
    return page.get_by_role("log")


def _line(page: Page, number: int) -> Locator:
    return _log(page).locator(f"[data-line='{number}']")


def _search(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Search the log")


def test_lines_of_a_running_job_come_by_themselves_and_the_newest_stays_in_sight(
    visit: Visit, jobs: dict[str, str]
) -> None:
    page = visit.open(f"/jobs/{jobs['live']}/logs")
    expect(_log(page)).to_contain_text("loss")
    expect(page.get_by_test_id("log-note")).to_have_text("Live: lines are kept as they come.")
    last = visit.stage.get(f"/jobs/{jobs['live']}/logs/lines", start=-1)["lines"][0]
    expect(_line(page, last["number"] + 1)).to_be_in_viewport()
    visit.tick(30)
    newer = visit.stage.get(f"/jobs/{jobs['live']}/logs/lines", start=-1)["lines"][0]
    assert newer["number"] > last["number"]
    expect(_line(page, newer["number"] + 1)).to_contain_text(newer["text"])
    expect(_line(page, newer["number"] + 1)).to_be_in_viewport()


def test_who_scrolls_away_is_left_alone(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['live']}/logs")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(_log(page)).to_contain_text("loss")
    _log(page).hover()
    page.mouse.wheel(0, -400)
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="To the first line (g)").click()
    expect(_line(page, 1)).to_be_in_viewport()
    visit.tick(20)
    expect(_line(page, 1)).to_be_in_viewport()
    _log(page).press("f")
    expect(follow).to_have_attribute("aria-pressed", "true")
    expect(_line(page, 1)).not_to_be_in_viewport()


def test_a_million_lines_open_at_the_end_and_any_of_them_is_there(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['long']}/logs?stream=stdout")
    expect(_line(page, 1_000_000)).to_be_in_viewport()
    _log(page).press("g")
    expect(_line(page, 1)).to_contain_text("step       0 |")
    page = visit.open(f"/jobs/{jobs['long']}/logs?stream=stdout#L555556")
    expect(_line(page, 555_556)).to_contain_text("step  555555 |")
    expect(_line(page, 555_556)).to_have_attribute("data-current", "true")
    expect(_line(page, 555_556)).to_be_in_viewport()
    assert page.locator("[data-line]").count() < 200


def test_a_search_goes_from_match_to_match_and_around(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['long']}/logs?stream=stdout#L1")
    expect(_line(page, 1)).to_be_in_viewport()
    _log(page).press("/")
    expect(_search(page)).to_be_focused()
    _search(page).fill("valueerror")
    expect(page.get_by_text("1 of 10 matches")).to_be_visible()
    expect(_line(page, 77_778).locator("mark")).to_have_text("ValueError")
    assert "q=valueerror" in page.url
    _log(page).press("n")
    expect(page.get_by_text("2 of 10 matches")).to_be_visible()
    expect(_line(page, 177_777)).to_be_in_viewport()
    _log(page).press("N")
    _log(page).press("N")
    expect(page.get_by_text("10 of 10 matches")).to_be_visible()
    expect(_line(page, 977_769)).to_be_in_viewport()
    _search(page).fill("no such thing")
    expect(page.get_by_text("0 of 1,000,000 lines match")).to_be_visible()


def test_expressions_and_case(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['long']}/logs?stream=stdout&q=step+%2B%5Cd5%3A&regex=true")
    expect(page.get_by_role("button", name="Regular expression")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text(re.compile("lines match|matches"))).to_be_visible()
    page.get_by_role("button", name="Match case").click()
    expect(page).to_have_url(re.compile("case=true"))
    visit.complaints.allow("422")
    _search(page).fill("(")
    expect(page.get_by_text("is no regular expression")).to_be_visible()


def test_errors_only_shows_nothing_else(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs")
    page.get_by_role("button", name="Errors only").click()
    expect(page.get_by_text(re.compile(r"^\d+ of \d+ lines match$"))).to_be_visible()
    expect(_log(page)).to_contain_text("ValueError: the loss is not a number")
    expect(_log(page)).not_to_contain_text("it/s")
    _search(page).fill("nowhere")
    expect(page.get_by_role("heading", name=re.compile(r"^0 of \d+ lines match$"))).to_be_visible()
    page.get_by_role("button", name="Show all lines").click()
    expect(_log(page)).to_contain_text("it/s")


def test_attempts_and_streams(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['twice']}/logs")
    attempt = page.get_by_role("combobox", name="Attempt")
    expect(attempt).to_have_value("Attempt 2 on vast")
    _log(page).press("g")
    expect(_log(page)).to_contain_text("resumed from")
    attempt.click()
    page.get_by_role("option", name="Attempt 1 on vast").click()
    expect(page).to_have_url(re.compile(r"attempt=1"))
    expect(page.get_by_test_id("log-note")).to_have_text("Complete: kept here, though the machine is gone.")
    page.get_by_role("combobox", name="Stream").click()
    page.get_by_role("option", name=re.compile("Set-up")).click()
    expect(_log(page)).to_contain_text("Collecting torch")
    expect(_log(page)).not_to_contain_text("loss")
    page.reload()
    expect(_log(page)).to_contain_text("Collecting torch")


def test_a_line_is_linked_to(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs")
    _log(page).press("g")
    _line(page, 5).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"#L5$"))
    expect(_line(page, 5)).to_have_attribute("data-current", "true")
    page.reload()
    expect(_line(page, 5)).to_have_attribute("data-current", "true")
    expect(_line(page, 5)).to_be_in_viewport()


def test_a_line_picked_among_errors_is_found_again_among_all(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['long']}/logs?stream=stdout&errors=true")
    expect(page.get_by_text("10 of 1,000,000 lines match")).to_be_visible()
    _line(page, 377_775).get_by_role("link").click()
    expect(_line(page, 377_775)).to_have_attribute("data-current", "true")
    expect(_line(page, 77_778)).to_be_in_viewport()
    page.get_by_role("button", name="Errors only").click()
    expect(_line(page, 377_775)).to_be_in_viewport()
    expect(_line(page, 377_775)).to_have_attribute("data-current", "true")
    expect(_line(page, 377_776)).to_contain_text("step  377775 |")


def test_times_and_wrapping_are_the_reader_s_choice(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs?stream=stdout")
    expect(_log(page)).to_contain_text("loss")
    assert _log(page).locator("time").count() == 0
    page.get_by_role("button", name="How lines are shown").click()
    page.get_by_role("menuitemcheckbox", name="Times").click()
    page.get_by_role("menuitemcheckbox", name="Wrap long lines").click()
    expect(_log(page).locator("time").last).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(_log(page).locator("[data-wrap]").last).to_be_visible()
    expect(_log(page)).to_have_attribute("aria-live", "off")


def test_what_was_written_is_downloaded_as_it_is(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs")
    expect(_log(page)).to_contain_text("loss")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as caught:
        page.get_by_role("menuitem", name=re.compile("Error output")).click()
    downloaded = Path(caught.value.path()).read_text()
    assert downloaded.endswith("ValueError: the loss is not a number\n")
    assert caught.value.suggested_filename == f"{jobs['broken']}-1-stderr.log"


@pytest.mark.parametrize("query", ["", "?q=loss&times=true", "?errors=true&q=nowhere"])
def test_nothing_serious_for_axe(visit: Visit, jobs: dict[str, str], query: str) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs{query}")
    expect(
        page.get_by_role("log").or_(page.get_by_role("heading", name=re.compile("lines match")))
    ).to_be_visible()
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.phone
def test_nothing_serious_for_axe_in_the_dark_on_a_phone(visit: Visit, jobs: dict[str, str]) -> None:
    page = visit.open(f"/jobs/{jobs['broken']}/logs?q=loss")
    expect(_log(page)).to_contain_text("loss")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_server_restarts_and_lines_go_on(own_stage: Stage, visit: Visit) -> None:
    job = own_stage.submit(Run(seconds=9000, setup_s=2, step_s=1.0), name="goes-on")
    own_stage.advance(30)
    page = visit.open(f"/jobs/{job['id']}/logs")
    expect(_log(page)).to_contain_text("loss")
    visit.complaints.allow_cuts()
    own_stage.restart()
    own_stage.advance(60)
    last = own_stage.get(f"/jobs/{job['id']}/logs/lines", start=-1)["lines"][0]
    expect(_line(page, last["number"] + 1)).to_contain_text(last["text"], timeout=20_000)
