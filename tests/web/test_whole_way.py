"""The whole way, in one go: compared, configured, launched, watched, taken back, resumed and done; in two tabs."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.web.browser import Visit, watch
from tests.web.stage import Stage
from tests.web.training import Run

#: How long a page may take to follow the server on a machine that is busy with other things.
_PATIENCE_MS = 45_000
_NAME = "whole-way"


def test_from_the_comparison_to_a_finished_job_through_an_interruption_and_a_restart(
    own_stage: Stage, visit: Visit
) -> None:
    stage, page = own_stage, visit.page
    page.set_default_timeout(_PATIENCE_MS)
    stage.connect("vast")
    stage.runs[_NAME] = Run(seconds=3000, setup_s=30)
    stage.advance(60)

    compare(visit)
    # Whatever happens from here on, this page is never loaded again.
    page.evaluate("window.isTheSame = true")
    configure(page)
    job_id = launch(page)
    job = stage.job(job_id)
    assert (job["name"], job["spec"]["resources"]["spot"]) == (_NAME, "only")

    # A second tab sees it in the list as soon as it is there, and what becomes of it.
    second = page.context.new_page()
    second.set_default_timeout(_PATIENCE_MS)
    complaints = watch(second)
    second.goto(f"{stage.url}/jobs")
    second.evaluate("window.isTheSame = true")
    row = second.locator("tbody tr").filter(has=second.get_by_role("link", name=_NAME, exact=True))
    expect(row).to_be_visible()
    stage.until(job_id, "running")
    expect(head(page)).to_contain_text("Running")
    expect(row).to_contain_text("Running")

    # Logs and cost come by themselves.
    tab(page, "Logs")
    visit.tick(120)
    expect_newest_line(page, stage, job_id)
    before = cost_of(stage, job_id)
    expect(cost(page)).to_have_text(before)
    visit.tick(600)
    after = cost_of(stage, job_id)
    assert after != before
    expect(cost(page)).to_have_text(after)
    expect_newest_line(page, stage, job_id)

    # The other tab goes to the attempts of the job; then its cloud takes the machine back.
    row.get_by_role("link", name=_NAME, exact=True).click()
    tab(second, "Attempts")
    attempts = second.get_by_role("table", name="Attempts").locator("tbody tr")
    expect(attempts).to_have_count(1)
    stage.interrupt(job_id)
    visit.tick(30)
    expect(attempts.last).to_contain_text("Interrupted")
    expect(head(page)).not_to_contain_text("Running")
    expect(head(second)).not_to_contain_text("Running")

    # It goes on elsewhere, from its last checkpoint.
    stage.until(job_id, "running")
    visit.tick(60)
    assert stage.job(job_id)["attempt"] == 2
    for each in (page, second):
        expect(head(each)).to_contain_text("Running")
        expect(each.get_by_text("attempt 2", exact=False).first).to_be_visible()
    expect(attempts).to_have_count(2)
    expect(attempts.first).to_contain_text("went on from step")
    expect(page.get_by_role("combobox", name="Attempt")).to_have_value("Attempt 2 on vast")
    _log(page).press("g")
    expect(_log(page)).to_contain_text("resumed from")
    page.get_by_role("button", name="Follow").click()

    # The server is killed. Both tabs say so, and catch up by themselves when the next one is there.
    visit.complaints.allow_cuts()
    complaints.allow_cuts()
    stage.stop()
    for each in (page, second):
        expect(each.get_by_text("reconnecting")).to_be_visible()
    stage.resume()
    visit.tick(300)
    for each in (page, second):
        expect(each.get_by_text("reconnecting")).to_be_hidden()
        expect(cost(each)).to_have_text(cost_of(stage, job_id))
    expect_newest_line(page, stage, job_id)

    # It ends, and costs what the ledger says.
    ended = stage.until(job_id, "succeeded")
    assert ended["cost"]["is_final"]
    assert ended["cost"]["amount"]["micro"] > 0
    page.clock.set_fixed_time(stage.now)
    for each in (page, second):
        expect(head(each)).to_contain_text("Succeeded")
        expect(cost(each)).to_have_text(ended["cost"]["amount"]["text"])
        expect(each.get_by_text("it has ended")).to_be_visible()
        assert each.evaluate("window.isTheSame") is True
    expect(_log(page)).to_contain_text("saved model to out/model.pt")
    expect(attempts.first).to_contain_text("Succeeded")
    expect(attempts.last).to_contain_text("Interrupted")
    lines = stage.get(f"/jobs/{job_id}/cost")["lines"]
    assert sum(each["amount"]["micro"] for each in lines) == ended["cost"]["amount"]["micro"]
    complaints.check()


def compare(visit: Visit) -> None:
    """From the offers page's cards to the wizard."""
    page = visit.open("/offers?gpu=H100-SXM&market=spot&provider=vast")
    for kind in ("Cheapest", "Fastest", "Recommended"):
        expect(page.get_by_role("article", name=kind)).to_contain_text("H100 SXM")
    cheapest = page.get_by_role("article", name="Cheapest")
    expect(cheapest).to_contain_text("$")
    cheapest.get_by_role("link", name=re.compile("^Launch with .*H100 SXM at Vast")).click()


def configure(page: Page) -> None:
    """Every step of the wizard, up to the plan."""
    expect(page.get_by_role("heading", name="Source", exact=True)).to_be_visible()
    page.locator("[name=name]").fill(_NAME)
    following(page, "Data and outputs")
    page.locator("[name='checkpoints.path']").fill("ckpt")
    following(page, "Resources")
    expect(page.get_by_role("textbox", name="Accelerator 1")).to_have_value(re.compile("H100.SXM"))
    page.locator("label").filter(has_text=re.compile("^Hours$")).click()
    page.locator("[name='estimate.hours']").fill("1")
    following(page, "Configuration")
    page.locator("[name=run]").fill("python train.py")
    following(page, "Provider")
    expect(page.get_by_text("Only vast eu-nl.")).to_be_visible()
    expect(page.locator("[name='resources.spot']")).to_have_value("only")
    page.locator("[name='checkpoints.every']").fill("5m")
    page.locator("[name='constraints.budget']").fill("$20")
    page.locator("[name='constraints.max_duration']").fill("6h")
    following(page, "Review")
    expect(page.get_by_text("Cost, P10 to P90")).to_be_visible()
    expect(page.get_by_label("Job file", exact=True)).to_have_value(re.compile(f"name: {_NAME}"))


def following(page: Page, step: str) -> None:
    """To the next step, which must be this one."""
    page.get_by_role("button", name=f"Next: {step}").click()
    expect(page.get_by_role("heading", name=step, exact=True)).to_be_visible()


def launch(page: Page) -> str:
    """Starts it; the id of the job."""
    expect(page.get_by_role("button", name="Launch")).to_be_enabled()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/jobs/job_"))
    return page.url.rsplit("/", 1)[-1]


def tab(page: Page, name: str) -> None:
    """To a tab of the job."""
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", selected=True)).to_have_text(name)


def head(page: Page) -> Locator:
    """The job's name and state."""
    return page.get_by_role("heading", level=1)


def cost(page: Page) -> Locator:
    """What it has cost so far, as the page says."""
    return page.locator("text=/^Cost so far/").locator("xpath=following-sibling::*[1]")


def cost_of(stage: Stage, job_id: str) -> str:
    """What it has cost so far, as the API says."""
    return str(stage.job(job_id)["cost"]["amount"]["text"])


def _log(page: Page) -> Locator:
    return page.get_by_role("log")


def expect_newest_line(page: Page, stage: Stage, job_id: str) -> None:
    """The newest line of the log is in sight."""
    newest = stage.get(f"/jobs/{job_id}/logs/lines", start=-1)["lines"][0]
    line = _log(page).locator(f"[data-line='{newest['number'] + 1}']")
    expect(line).to_contain_text(newest["text"])
    expect(line).to_be_in_viewport()
