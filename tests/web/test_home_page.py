"""The first page in the browser: what runs and costs, what waits and why, what wants a look, and what to do first."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage

pytestmark = pytest.mark.scene("rich")


def test_what_runs_what_it_costs_and_what_waits(visit: Visit) -> None:
    seen = visit.stage.get("/overview")
    page = visit.open("/")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text(seen["running"]["per_hour_text"], exact=True)).to_be_visible()
    expect(page.get_by_text(seen["running"]["text"], exact=True)).to_be_visible()
    running = page.get_by_role("list", name="Running now")
    expect(running.get_by_role("listitem")).to_have_count(len(seen["running"]["items"]))
    first = seen["running"]["items"][0]
    expect(running.get_by_role("link", name=first["name"], exact=True)).to_have_attribute(
        "href", f"/jobs/{first['id']}"
    )
    waiting = page.get_by_role("list", name="Waiting, and why")
    for group in seen["waiting"]["groups"]:
        expect(waiting.get_by_text(group["explanation"])).to_be_visible()
    failed = page.get_by_role("list", name="Failed lately")
    expect(failed.get_by_text("resnet50-imagenet-08")).to_be_visible()


def test_budgets_cheapest_offers_and_what_wants_a_look(visit: Visit) -> None:
    seen = visit.stage.get("/overview")
    assert seen["budgets"]
    assert seen["cheapest"]
    page = visit.open("/")
    budgets = page.get_by_role("list", name="Budgets")
    expect(budgets.get_by_role("listitem")).to_have_count(len(seen["budgets"]))
    expect(budgets.get_by_role("meter", name=re.compile(seen["budgets"][0]["name"]))).to_be_visible()
    cheapest = page.get_by_role("list", name="Cheapest now")
    for offer in seen["cheapest"]:
        expect(cheapest.get_by_role("link", name=offer["title"], exact=True)).to_be_visible()
        expect(cheapest.get_by_text(offer["price_text"]).first).to_be_visible()
    look = page.get_by_role("list", name="Wants a look")
    for item in seen["attention"]:
        expect(look.get_by_text(item["title"], exact=True).first).to_be_visible()


@pytest.mark.scene("empty")
def test_cost_counts_up_and_a_new_job_appears(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/")
    running = page.get_by_role("list", name="Running now")
    expect(page.get_by_text("nothing runs", exact=True)).to_be_visible()
    job = own_stage.submit(name="shown-at-once")
    own_stage.until(job["id"], "running")
    expect(running.get_by_role("link", name="shown-at-once")).to_be_visible()


@pytest.mark.scene("empty")
def test_first_steps_are_done_by_doing_them(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/")
    steps = page.get_by_role("list", name="First steps")
    expect(steps.get_by_role("listitem")).to_have_count(5)
    # The stage's configuration file says what electricity costs.
    expect(steps.get_by_role("img", name="Done")).to_have_count(1)
    own_stage.submit(name="first")
    expect(steps.get_by_role("img", name="Done")).to_have_count(2)
    own_stage.connect("vast")
    expect(steps.get_by_role("img", name="Done")).to_have_count(3)
    expect(page.get_by_text("3 of 5 done")).to_be_visible()
    expect(steps.get_by_role("link", name="Go: Set a budget")).to_have_attribute("href", "/budgets")
    page.get_by_role("button", name="Hide").click()
    expect(steps).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Running now")).to_be_visible()
    expect(steps).to_have_count(0)


@pytest.mark.scene("empty")
def test_where_nothing_runs_the_page_says_what_to_do(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/")
    expect(page.get_by_text("nothing runs", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Start a job")).to_have_attribute("href", "/new")
    expect(page.get_by_text("No budget is set: nothing is held back.")).to_be_visible()
    come_to_rest(page)
    assert_accessible(page)


def test_an_error_is_told_and_mended_by_asking_again(visit: Visit) -> None:
    visit.complaints.allow("500")
    is_broken = [True]

    def answer(route: Route) -> None:
        if is_broken[0]:
            route.fulfill(
                status=500,
                content_type="application/problem+json",
                body='{"type": "about:blank", "title": "Broken", "status": 500, "detail": "the database is away", '
                '"code": "TW-E700", "hint": "wait a moment", "causes": [], "errors": [], "request_id": "r1"}',
            )
        else:
            route.continue_()

    visit.page.route("**/api/v1/overview", answer)
    page = visit.open("/")
    expect(page.get_by_role("alert")).to_contain_text("The database is away", timeout=30_000)
    is_broken[0] = False
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("list", name="Running now")).to_be_visible()


def test_it_is_accessible(visit: Visit) -> None:
    page = visit.open("/")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.phone
def test_it_is_accessible_in_the_dark_on_a_phone_and_nothing_sticks_out(visit: Visit) -> None:
    page = visit.open("/")
    come_to_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
