"""The pages of budgets: meters, burn-down and forecast, and setting, changing and removing one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest

pytestmark = pytest.mark.scene("rich")


def opened(visit: Visit, path: str) -> Page:
    page = visit.open(path)
    come_to_rest(page)
    return page


def test_every_budget_says_how_it_stands_and_what_happens(visit: Visit) -> None:
    page = opened(visit, "/budgets")
    expect(page).to_have_title("Budgets · Tradewind")
    for budget in visit.stage.get("/budgets")["items"]:
        card = page.locator("li").filter(has=page.get_by_role("link", name=budget["name"], exact=True)).first
        expect(card).to_contain_text(budget["used_text"])
        expect(card.get_by_text(budget["badge"]["label"], exact=True)).to_be_visible()
        expect(card.get_by_role("meter")).to_have_attribute(
            "aria-label", re.compile(re.escape(budget["meter"][0]["amount"]["text"]))
        )
        for sentence in budget["what_happens"]:
            expect(card).to_contain_text(sentence)


def test_a_budget_burns_down_to_a_date(visit: Visit) -> None:
    page = opened(visit, "/budgets")
    page.get_by_role("link", name="month", exact=True).click()
    expect(page).to_have_url(re.compile("/budgets/month$"))
    come_to_rest(page)
    budget = visit.stage.get("/budgets/month")
    expect(page.get_by_role("img", name=re.compile("^What is left of"))).to_be_visible()
    forecast = budget["forecast_text"]
    expect(page.get_by_text(forecast[0].upper() + forecast[1:])).to_be_visible()
    for notice in budget["notices"]:
        expect(page.get_by_text(notice["title"]).first).to_be_visible()
    assert_accessible(page)


def test_setting_one_shows_first_what_it_would_do(visit: Visit) -> None:
    page = opened(visit, "/budgets")
    page.get_by_role("button", name="New budget").click()
    expect(page).to_have_url(re.compile("new=true"))
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("tiny")
    dialog.get_by_role("textbox", name="Amount").fill("$0.01")
    dialog.get_by_role("radio", name=re.compile("Hold new jobs back")).check()
    expect(dialog.get_by_text(re.compile("^New jobs wait at once"))).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("textbox", name="Amount").fill("$5,000")
    expect(dialog.get_by_text("Nothing happens at once.")).to_be_visible()
    dialog.get_by_role("button", name="Set budget").click()
    expect(page).to_have_url(re.compile("/budgets/tiny$"))
    assert visit.stage.get("/budgets/tiny")["amount"]["text"] == "$5,000.00"

    page.get_by_role("button", name="Change").click()
    amount = dialog.get_by_role("textbox", name="Amount")
    expect(amount).to_have_value("5000.00")
    amount.fill("6000")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text(re.compile(r"of \$6,000\.00")).first).to_be_visible()

    page.get_by_role("button", name="Remove").click()
    expect(dialog).to_contain_text("What was spent stays in the ledger")
    dialog.get_by_role("button", name="Remove").click()
    expect(page).to_have_url(re.compile("/budgets$"))
    expect(page.get_by_role("link", name="tiny", exact=True)).to_have_count(0)


def test_the_server_says_what_is_wrong(visit: Visit) -> None:
    visit.complaints.allow("422", "409")
    page = opened(visit, "/budgets?new=true")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Amount").fill("much")
    expect(dialog.get_by_role("alert").first).to_contain_text("amount of money")
    dialog.get_by_role("textbox", name="Amount").fill("1")
    dialog.get_by_role("textbox", name="Name").fill("month")
    dialog.get_by_role("button", name="Set budget").click()
    expect(dialog.get_by_role("alert").filter(has_text="is called 'month' already")).to_be_visible()


def test_a_budget_that_is_not_there(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = opened(visit, "/budgets/nothing")
    expect(page.get_by_role("alert")).to_contain_text("no budget 'nothing'")


def test_budgets_are_accessible(visit: Visit) -> None:
    assert_accessible(opened(visit, "/budgets"))


@pytest.mark.dark
@pytest.mark.phone
def test_budgets_fit_a_phone_in_the_dark(visit: Visit) -> None:
    page = opened(visit, "/budgets")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    page.get_by_role("link", name="month", exact=True).click()
    come_to_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
