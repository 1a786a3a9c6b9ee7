"""The prices page in a browser: courses, availability, changes, alerts, and what can be launched with now."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest

pytestmark = pytest.mark.scene("rich")


def opened(visit: Visit, query: str) -> Page:
    """The page once its chart is there."""
    page = visit.open(f"/prices{query}")
    expect(page.get_by_role("img", name=re.compile("^Price of one GPU-hour"))).to_be_visible(timeout=30_000)
    return page


def test_spot_is_drawn_beside_on_demand_with_their_ends_in_words(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    expect(page.get_by_role("heading", name="Price of H100 SXM", level=1)).to_be_visible()
    for market in ("On demand", "Spot"):
        now = page.get_by_role("group", name=f"{market} now")
        expect(now).to_contain_text("$")
    chart = page.get_by_role("img", name=re.compile("^Price of one GPU-hour"))
    text = chart.get_attribute("aria-label") or ""
    assert "On demand, middle: from $" in text
    assert "Spot, middle: from $" in text
    expect(page.get_by_role("img", name=re.compile("^Availability, Spot"))).to_be_visible()


def test_the_time_is_chosen_in_the_address(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    with page.expect_response(re.compile(r"/prices/history.*since=")):
        page.get_by_text("7 d", exact=True).click()
    assert parse_qs(urlsplit(page.url).query)["range"] == ["7d"]
    with page.expect_response(lambda answer: "/prices/history" in answer.url and "since" not in answer.url):
        page.get_by_text("All", exact=True).click()


def test_the_figures_can_be_read_as_a_table(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    page.get_by_role("button", name="View as table").click()
    figures = page.get_by_role("region", name="Figures")
    expect(figures.get_by_role("columnheader", name="Spot, middle")).to_be_visible()
    expect(figures.get_by_role("row").nth(1)).to_contain_text("$")


def test_changes_are_listed_in_words(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    changes = page.get_by_role("list", name="Changes").get_by_role("listitem")
    expect(changes.first).to_contain_text(re.compile(r"Rose|Fell|New|Gone|Availability"))
    expect(changes.first).to_contain_text("H100 SXM")
    before = changes.count()
    page.get_by_role("button", name="Show more").click()
    expect(changes.nth(before)).to_be_visible()


def test_an_alert_is_set_and_what_wins_now_can_be_launched_with(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    link = page.get_by_role("link", name=re.compile("^Launch with")).first
    assert (link.get_attribute("href") or "").startswith("/new?offer=vast")
    form = page.get_by_role("form", name="Alert me below")
    form.get_by_role("textbox", name="Alert me below").fill("0.75")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("H100-SXM-below-0.75")
    form.get_by_role("button", name="Set the alert").click()
    expect(page.get_by_text("The alert is set")).to_be_visible()
    alert = next(
        each for each in visit.stage.get("/alerts")["items"] if each["name"] == "H100-SXM-below-0.75"
    )
    assert alert["condition"]["below_micro"] == 750_000
    assert alert["condition"]["filters"]["providers"] == ["vast"]


def test_one_offer_has_a_page_of_its_own(visit: Visit) -> None:
    rows = visit.stage.get("/offers/explore", provider="vast", gpu="H100-SXM", market="spot")["items"]
    page = visit.open(
        f"/offers?provider=vast&gpu=H100-SXM&market=spot&offer={rows[0]['key'].replace('|', '%7C')}"
    )
    page.get_by_role("dialog").get_by_role("link", name="Full price history").click()
    expect(page.get_by_role("heading", name="Price of H100 SXM at Vast.ai", level=1)).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Launch with H100 SXM"))).to_be_visible()


def test_a_time_without_prices_says_so(visit: Visit) -> None:
    page = visit.open("/prices?gpu=H100-SXM&provider=nobody")
    expect(page.get_by_role("heading", name="No prices in this time")).to_be_visible()
    expect(page.get_by_text("Nothing has changed in this time.")).to_be_visible()


def test_it_is_accessible(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
def test_it_is_accessible_in_the_dark(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.phone
def test_it_fits_a_phone(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&provider=vast")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert_accessible(page)
