"""The list of jobs in the browser: found, ordered, chosen and stopped; the address holds all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage
from tests.web.training import Run


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two jobs that ran, one that failed, one that runs and one that waits for a budget to be raised."""
    with Stage.open(tmp_path_factory.mktemp("stage")) as made:
        for name in ("digits-01", "digits-02"):
            job = made.submit(Run(seconds=60), name=name, tags={"sweep": "lr"})
            made.until(job["id"], "succeeded")
        job = made.submit(Run(seconds=60, exit_code=1), name="broken")
        made.until(job["id"], "failed")
        job = made.submit(Run(seconds=7200), name="long")
        made.until(job["id"], "running")
        made.advance(120)
        made.connect("vast")
        made.submit(
            Run(seconds=60),
            name="waits",
            resources={"accelerators": "H100-SXM:8", "spot": "never", "providers": ["vast"]},
            constraints={"max_price": "$0.01/h"},
        )
        made.advance(30)
        yield made


def _expect_names(page: Page, *names: str) -> None:
    expect(page.locator("tbody tr a")).to_have_text(list(names))
    come_to_rest(page)


def _row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr", has=page.get_by_role("link", name=name, exact=True))


def test_a_list_shows_how_each_job_is_and_why(visit: Visit) -> None:
    page = visit.open("/jobs")
    expect(page.get_by_role("table", name="Jobs")).to_be_visible()
    _expect_names(page, "waits", "long", "broken", "digits-02", "digits-01")
    expect(page.get_by_text("5 in all")).to_be_visible()
    expect(_row(page, "long")).to_contain_text("Running")
    expect(_row(page, "broken")).to_contain_text("exit code 1")
    waits = visit.stage.job("waits")
    row = _row(page, "waits")
    expect(row).to_contain_text(waits["state"]["label"])
    expect(row).to_contain_text(waits["waiting"]["text"])
    expect(row).to_contain_text("next try")
    assert_accessible(page)


def test_what_is_pointed_at_says_more(visit: Visit) -> None:
    page = visit.open("/jobs")
    known = next(each for each in visit.stage.get("/jobs")["items"] if each["name"] == "broken")
    line = page.get_by_role("row").filter(has_text="broken")
    hint = page.get_by_role("tooltip")
    line.get_by_text(known["state"]["label"], exact=True).first.hover()
    expect(hint).to_have_text(known["state"]["explanation"])
    line.get_by_role("time").hover()
    expect(hint).to_contain_text(known["created_at"][:4])
    page.mouse.move(0, 0)
    expect(hint).to_have_count(0)


@pytest.mark.dark
def test_it_is_accessible_in_the_dark(visit: Visit) -> None:
    page = visit.open("/jobs")
    _expect_names(page, "waits", "long", "broken", "digits-02", "digits-01")
    assert_accessible(page)


def test_filters_live_in_the_address_and_say_what_they_leave(visit: Visit) -> None:
    page = visit.open("/jobs")
    page.get_by_role("group", name="State").get_by_role("button", name=re.compile("Succeeded")).click()
    expect(page).to_have_url(re.compile(r"status=succeeded"))
    expect(page.get_by_text("2 of 5 match")).to_be_visible()
    _expect_names(page, "digits-02", "digits-01")
    page.get_by_label("Search jobs").fill("02")
    expect(page).to_have_url(re.compile(r"q=02"))
    expect(page.get_by_text("1 of 5 match")).to_be_visible()
    page.reload()
    _expect_names(page, "digits-02")
    expect(page.get_by_label("Search jobs")).to_have_value("02")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("5 in all")).to_be_visible()
    assert "?" not in page.url
    # What a filter would leave is told before it is chosen.
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Tag").click()
    page.get_by_role("option", name="sweep=lr").click()
    expect(page).to_have_url(re.compile(r"tag=sweep%3Dlr"))
    expect(page.get_by_text("2 of 5 match")).to_be_visible()


def test_an_empty_answer_offers_the_filter_to_loosen(visit: Visit) -> None:
    page = visit.open("/jobs?q=digits&status=failed")
    expect(page.get_by_text("0 of 5 jobs match")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Without the state: 2").click()
    _expect_names(page, "digits-02", "digits-01")
    expect(page).to_have_url(re.compile(r"/jobs\?q=digits$"))


def test_the_server_sorts_and_the_table_says_so(visit: Visit) -> None:
    page = visit.open("/jobs")
    page.get_by_role("button", name="Elapsed").click()
    expect(page.get_by_role("columnheader", name="Elapsed")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("tbody tr").first).to_contain_text("long")
    page.get_by_role("button", name="Job", exact=True).click()
    expect(page.get_by_role("columnheader", name="Job", exact=True)).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.locator("tbody tr").first).to_contain_text("broken")
    expect(page).to_have_url(re.compile(r"sort=name&order=asc"))
    page.get_by_role("button", name="Job", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("waits")


def test_a_row_leads_to_its_job_by_keyboard_and_by_mouse(visit: Visit) -> None:
    page = visit.open("/jobs")
    page.get_by_role("link", name="broken", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("broken")
    page.go_back()
    _row(page, "long").get_by_text("Running").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("long")


def test_a_server_that_is_away_is_said_to_be(visit: Visit) -> None:
    visit.page.route(
        re.compile(r"/api/v1/jobs\?"),
        lambda route: route.fulfill(
            status=400,
            content_type="application/problem+json",
            body=json.dumps(
                {
                    "type": "about:blank",
                    "title": "No",
                    "status": 400,
                    "code": "TW-E400",
                    "hint": None,
                    "causes": [],
                    "errors": [],
                    "detail": "the list cannot be read",
                    "request_id": None,
                }
            ),
        ),
    )
    visit.complaints.allow("400")
    page = visit.open("/jobs")
    expect(page.get_by_text("the list cannot be read")).to_be_visible()


def test_what_happens_elsewhere_is_seen_at_once(own_stage: Stage, visit: Visit) -> None:
    first = own_stage.submit(Run(seconds=7200), name="one")
    own_stage.until(first["id"], "running")
    page = visit.open("/jobs")
    expect(_row(page, "one")).to_contain_text("Running")
    own_stage.submit(Run(seconds=60), name="two")
    expect(_row(page, "two")).to_be_visible()
    own_stage.until("two", "succeeded")
    expect(_row(page, "two")).to_contain_text("Succeeded")


def test_many_are_stopped_and_run_again_together(own_stage: Stage, visit: Visit) -> None:
    for name in ("one", "two"):
        own_stage.until(own_stage.submit(Run(seconds=7200), name=name)["id"], "running")
    own_stage.until(own_stage.submit(Run(seconds=5), name="done")["id"], "succeeded")
    page = visit.open("/jobs")
    page.get_by_label("Select all that are loaded").check()
    bar = page.get_by_role("region", name="Chosen jobs")
    expect(bar).to_contain_text("3 chosen")
    bar.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog", name="Stop")
    expect(dialog).to_contain_text("Stop: 2 jobs? (1 needs nothing) Together they cost $")
    assert_accessible(page, ".mantine-Modal-root")
    dialog.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopping: 2 jobs")).to_be_visible()
    own_stage.until("one", "cancelled")
    own_stage.until("two", "cancelled")
    expect(_row(page, "two")).to_contain_text("Cancelled")
    _row(page, "two").get_by_label("Select this row").check()
    page.get_by_role("region", name="Chosen jobs").get_by_role("button", name="Run again").click()
    dialog = page.get_by_role("dialog", name="Run again")
    expect(dialog).to_contain_text("Run again: 1 job?")
    dialog.get_by_role("button", name="Run again").click()
    expect(_row(page, "two")).to_have_count(2)


def test_the_first_run_says_how_to_begin(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/jobs")
    expect(page.get_by_text("There are no jobs yet.")).to_be_visible()
    expect(page.get_by_role("link", name="Start the first one")).to_have_attribute(
        "href", re.compile("/new$")
    )
    assert_accessible(page)


@pytest.mark.phone
def test_a_phone_shows_what_matters(visit: Visit) -> None:
    page = visit.open("/jobs")
    _expect_names(page, "waits", "long", "broken", "digits-02", "digits-01")
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide
    expect(page.get_by_role("columnheader", name="Cost")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Owner")).to_be_hidden()
    assert_accessible(page)
