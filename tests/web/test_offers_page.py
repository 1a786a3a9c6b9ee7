"""The offers page in a browser: what it shows, its filters in the address, views, comparison, details, files."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest

pytestmark = pytest.mark.scene("rich")


def table(page: Page) -> Locator:
    """The offers as a table."""
    return page.get_by_role("table", name="Offers")


def opened(visit: Visit, query: str = "") -> Page:
    """The page once its offers are there."""
    page = visit.open(f"/offers{query}")
    expect(page.get_by_text(re.compile(r"^[\d,]+ (of [\d,]+ )?offers?$"))).to_be_visible(timeout=30_000)
    return page


def asked(page: Page) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(page.url).query)


def test_cards_rows_and_sources_are_there(visit: Visit) -> None:
    page = opened(visit)
    for kind in ("Cheapest", "Fastest", "Recommended"):
        card = page.get_by_role("article", name=kind)
        expect(card).to_be_visible()
        expect(card).to_contain_text(re.compile(r"\$|Starts"))
    expect(page.get_by_role("article", name="Cheapest")).to_contain_text("The lowest total of")
    heads = table(page).get_by_role("columnheader")
    expect(heads.filter(has_text="Total, 10 h")).to_have_attribute("aria-sort", "ascending")
    expect(table(page)).to_contain_text("$")
    expect(page.get_by_text(re.compile("^Prices from 4 sources"))).to_be_visible()
    expect(page.get_by_text("Again in 30 s")).to_be_visible()


def test_the_machine_at_hand_is_a_row_and_can_be_launched_with(visit: Visit) -> None:
    page = opened(visit, "?market=owned")
    row = table(page).get_by_role("row").filter(has_text="This machine")
    expect(row).to_contain_text("2x RTX 4090")
    expect(row).to_contain_text("High")
    launch = row.get_by_role("link", name="Launch with 2x RTX 4090 at This machine")
    assert re.match(r"^/new\?offer=local", launch.get_attribute("href") or "")


def test_filters_live_in_the_address_and_survive_a_reload(visit: Visit) -> None:
    page = opened(visit)
    page.get_by_role("button", name="GPU", exact=True).click()
    page.get_by_role("textbox", name="Find in GPU").fill("H100 S")
    page.get_by_role("checkbox", name=re.compile("^H100 SXM:")).check()
    chips = page.get_by_role("group", name="Filters that are set")
    expect(chips).to_contain_text("H100 SXM")
    assert asked(page)["gpu"] == ["H100-SXM"]
    page.reload()
    expect(chips).to_contain_text("H100 SXM")
    expect(table(page).get_by_role("row").nth(1)).to_contain_text("H100 SXM")
    page.get_by_role("button", name="Without H100 SXM").click()
    expect(chips).to_be_hidden()
    assert "gpu" not in asked(page)


def test_the_count_of_a_filter_is_what_it_gives(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM")
    page.get_by_role("button", name="Terms", exact=True).click()
    spot = page.get_by_role("checkbox", name=re.compile("^Spot:"))
    name = spot.get_attribute("aria-label") or ""
    count = re.findall(r"[\d,]+", name)[0]
    spot.check()
    expect(page.get_by_text(re.compile(rf"^{count} of [\d,]+ offers$"))).to_be_visible()


def test_the_server_orders_them(visit: Visit) -> None:
    page = opened(visit, "?gpu=A100")
    table(page).get_by_role("button", name="Per GPU-h").click()
    head = table(page).get_by_role("columnheader").filter(has_text="Per GPU-h")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert asked(page)["sort"] == ["gpu_price"]
    assert asked(page)["descending"] == ["true"]
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="Soonest started").click()
    page.wait_for_url(re.compile("sort=start"))


def test_totals_are_for_the_hours_that_are_typed(visit: Visit) -> None:
    page = opened(visit, "?market=owned&provider=local")
    row = table(page).get_by_role("row").nth(1)
    before = row.get_by_role("cell").nth(5).inner_text()
    hours = page.get_by_role("textbox", name="Hours of work")
    hours.fill("20")
    hours.press("Enter")
    expect(table(page).get_by_role("columnheader").filter(has_text="Total, 20 h")).to_be_visible()
    expect(row.get_by_role("cell").nth(5)).not_to_have_text(before)
    assert asked(page)["hours"] == ["20"]


def test_nothing_fits_and_what_to_give_up_is_said(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100:8&max_price=0.20")
    expect(page.get_by_role("heading", name=re.compile("^None of [0-9,]+ offers fits"))).to_be_visible()
    loosen = page.get_by_role("button", name=re.compile(r"^Without max price \$0\.20.h: \d+ offers"))
    count = re.findall(r": (\d+) offers", loosen.inner_text())[0]
    loosen.click()
    expect(page.get_by_text(re.compile(rf"^{count} of [\d,]+ offers$"))).to_be_visible()
    assert_accessible(page)


def test_one_offer_in_full(visit: Visit) -> None:
    page = opened(visit, "?provider=vast&gpu=H100-SXM")
    table(page).get_by_role("button", name=re.compile("^H100 SXM")).first.click()
    drawer = page.get_by_role("dialog", name="Offer")
    expect(drawer.get_by_role("heading", name="H100 SXM", exact=True)).to_be_visible()
    expect(drawer.get_by_role("region", name="For and against")).to_be_visible()
    expect(drawer.get_by_role("region", name="Set up Vast.ai").get_by_role("listitem").first).to_be_visible()
    chart = drawer.get_by_role("img", name=re.compile("Price of one GPU-hour"))
    expect(chart).to_be_visible()
    # It fills its place, though the drawer had no width when it was made.
    has_room = "(chart) => chart.querySelector('.u-wrap').clientWidth > chart.clientWidth - 2"
    assert chart.evaluate(has_room)
    assert asked(page)["offer"][0].startswith("vast|eu-nl|")
    come_to_rest(page)
    assert_accessible(page)
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_be_hidden()
    assert "offer" not in asked(page)


def test_an_alert_is_set_from_an_offer(visit: Visit) -> None:
    page = opened(visit, "?provider=vast&gpu=H100-SXM&market=spot")
    table(page).get_by_role("button", name=re.compile("^H100 SXM")).first.click()
    form = page.get_by_role("form", name="Alert me below")
    form.get_by_role("textbox", name="Alert me below").fill("0.5")
    form.get_by_role("textbox", name="Name").fill("cheap-h100")
    expect(form.get_by_text(re.compile("It would have fired"))).to_be_visible()
    form.get_by_role("button", name="Set the alert").click()
    expect(page.get_by_text("The alert is set")).to_be_visible()
    assert "cheap-h100" in [each["name"] for each in visit.stage.get("/alerts")["items"]]


def test_an_offer_that_is_gone_is_said_to_be(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = opened(visit, "?offer=aws%7Cmoon%7C%7Cx%7C%7C1%7Cspot")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("not in the price lists any more")


def test_offers_are_compared_side_by_side(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&market=on_demand")
    for at in (0, 1):
        box = table(page).get_by_role("checkbox").nth(at)
        box.click()
        expect(box).to_be_checked()
    bar = page.get_by_role("region", name="Offers to compare")
    expect(bar).to_contain_text("2 of 4 picked")
    bar.get_by_role("button", name="Compare").click()
    side = page.get_by_role("dialog", name="Offers side by side")
    expect(side.get_by_role("row").filter(has_text="Per hour").first).to_contain_text("$")
    expect(side.get_by_text("best").first).to_be_visible()
    assert len(asked(page)["compare"]) == 2
    assert_accessible(page)
    side.get_by_role("button", name=re.compile("^Leave out")).first.click()
    expect(side.get_by_role("columnheader")).to_have_count(2)


def test_a_view_is_saved_opened_and_removed(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&max_price=30")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("textbox", name="Name of this view").fill("H100 under $30")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Views (1)")).to_be_visible()
    page = opened(visit)
    page.get_by_role("button", name="Views (1)").click()
    page.get_by_role("menuitem", name=re.compile(r"^H100 under \$30")).click()
    expect(page.get_by_role("group", name="Filters that are set")).to_contain_text("At most $30.00/h")
    page.get_by_role("button", name="Views (1)").click()
    page.get_by_role("button", name="Remove view H100 under $30").click()
    expect(page.get_by_role("button", name="Views", exact=True)).to_be_visible()


def test_the_file_has_what_is_shown(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit, "?gpu=H100-SXM&sort=gpu_price")
    text = page.get_by_text(re.compile(r"^\d+ of [\d,]+ offers$")).inner_text()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    path = tmp_path / "offers.csv"
    download.value.save_as(path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert f"{len(rows)} of" in text
    first = table(page).get_by_role("row").nth(1)
    expect(first).to_contain_text(rows[0]["instance_type"])


def test_it_asks_again_after_half_a_minute_unless_it_is_paused(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM")
    with page.expect_response(re.compile("/offers/explore")):
        visit.tick(31)
    expect(page.get_by_text("Again in 30 s")).to_be_visible()
    page.get_by_role("button", name="Pause refreshing").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    visit.tick(120)
    with page.expect_response(re.compile("/offers/explore")):
        page.get_by_role("button", name="Refresh now").click()
    assert len([each for each in seen if "/offers/explore" in each]) == 1


def test_many_offers_are_in_the_page_only_where_they_are_seen(visit: Visit) -> None:
    page = opened(visit)
    box = page.get_by_role("region", name="Offers", exact=True)
    assert int(table(page).get_attribute("aria-rowcount") or 0) > 3_000
    assert table(page).get_by_role("row").count() < 60
    with page.expect_response(re.compile("cursor=")):
        box.evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
    assert table(page).get_by_role("row").count() < 60


def test_an_error_of_the_server_is_told_with_what_to_do(visit: Visit) -> None:
    visit.complaints.allow("422")
    page = visit.open("/offers?on=abacus")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("nothing is known of the speed of 'abacus'", ignore_case=True)
    expect(alert).to_contain_text("leave it out", ignore_case=True)


def test_a_failed_source_is_named(visit: Visit) -> None:
    def with_failure(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["sources"] = {
            "badge": {"label": "1 failed", "tone": "warning", "icon": "alert", "explanation": None},
            "text": "1 source failed: azure (403).", "failures": [], "newest_at": None,
        }  # fmt: skip
        route.fulfill(response=answer, json=body)

    visit.page.route("**/offers/explore?*", with_failure)
    page = opened(visit)
    expect(page.get_by_text("1 source failed: azure (403).")).to_be_visible()


@pytest.mark.phone
def test_a_phone_shows_cards(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM")
    cards = page.get_by_role("list", name="Offers").get_by_role("listitem")
    expect(cards).to_have_count(30)
    page.get_by_role("button", name=re.compile("^Show more")).click()
    expect(cards).to_have_count(60)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    assert_accessible(page)


def test_table_and_cards_are_accessible(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM&launchable=true")
    assert_accessible(page)
    page.get_by_text("Cards", exact=True).click()
    expect(page.get_by_role("list", name="Offers")).to_be_visible()
    assert_accessible(page)
    assert asked(page)["view"] == ["cards"]


@pytest.mark.dark
def test_it_is_accessible_in_the_dark(visit: Visit) -> None:
    page = opened(visit, "?gpu=H100-SXM")
    come_to_rest(page)
    assert_accessible(page)
