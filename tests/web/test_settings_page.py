"""Settings in the browser: electricity and carbon with their origin, own prices, preferences, tokens, the server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage

pytestmark = pytest.mark.scene("rich")
TABS = ("power", "prices", "preferences", "tokens", "server")


def test_each_figure_says_who_said_it(visit: Visit) -> None:
    seen = visit.stage.get("/settings")
    page = visit.open("/settings")
    for item in seen["items"]:
        expect(page.get_by_text(item["title"], exact=True).first).to_be_visible()
        expect(page.get_by_text(item["origin_text"], exact=True).first).to_be_visible()
    expect(page.get_by_text(seen["hour_text"])).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()


@pytest.mark.scene("empty")
def test_a_price_is_set_and_unset_and_holds_at_once(own_stage: Stage, visit: Visit) -> None:
    visit.complaints.allow("422")
    page = visit.open("/settings")
    price = page.get_by_role("textbox", name="Electricity price")
    price.fill("400")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be right")
    price.fill("0.25")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds for what begins from now on.")).to_be_visible()
    expect(page.get_by_text("0.250 USD/kWh (your own electricity price)", exact=False).first).to_be_visible()
    assert own_stage.server.context.tariff.micro_usd_per_kwh == 250_000
    page.get_by_role("combobox", name="Carbon zone").click()
    page.get_by_role("combobox", name="Carbon zone").fill("Norway")
    page.get_by_role("option", name=re.compile("Norway")).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("by the carbon zone", exact=False).first).to_be_visible()
    page.get_by_role("textbox", name="Electricity price").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("from local.electricity_price_usd_per_kwh in config.toml").first).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    # "Save" is disabled while the answer is on its way, too, and "otherwise" has named the file before.
    expect(page.get_by_text("0.250 USD/kWh (your own electricity price)", exact=False)).to_have_count(0)
    assert own_stage.server.context.tariff.micro_usd_per_kwh == 310_000


@pytest.mark.scene("empty")
def test_what_is_typed_while_an_answer_is_on_its_way_is_kept(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/settings")
    held: list[Route] = []
    page.route(
        "**/api/v1/settings",
        lambda route: held.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    page.get_by_role("textbox", name="Electricity price").fill("0.25")
    page.get_by_role("button", name="Save").click()
    idle = page.get_by_role("textbox", name="Power at rest")
    idle.fill("42")
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()
    expect(page.get_by_text("your own electricity price", exact=False).first).to_be_visible()
    expect(idle).to_have_value("42")
    expect(page.get_by_role("button", name="Save")).to_be_enabled()


@pytest.mark.scene("empty")
def test_a_price_of_ones_own_is_added_and_removed(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/settings?tab=prices")
    page.get_by_role("button", name="Add a price").click()
    form = page.get_by_role("dialog", name="Add a price of your own")
    form.get_by_role("combobox", name="Provider").fill("slurm")
    form.get_by_role("textbox", name="Machine", exact=True).fill("rack-a")
    form.get_by_role("combobox", name="GPU", exact=True).fill("H100 SXM")
    form.get_by_role("textbox", name="GPUs in the machine").fill("8")
    form.get_by_role("textbox", name="Price", exact=True).fill("12.50")
    form.get_by_role("button", name="Add price").click()
    table = page.get_by_role("table", name="Your prices")
    expect(table).to_contain_text("rack-a")
    expect(table).to_contain_text("$12.50/h")
    expect(table).to_contain_text("8x H100 SXM")
    offers = own_stage.get("/offers", provider="slurm")["items"]
    assert [each["price_micro"] for each in offers] == [12_500_000]
    table.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(table).to_have_count(0)


@pytest.mark.scene("empty")
def test_a_token_is_shown_once_and_revoked(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/settings?tab=tokens")
    page.get_by_label("Name").fill("ci runner")
    page.get_by_role("button", name="Make token").click()
    secret = page.get_by_role("region", name="Token", exact=True)
    expect(secret).to_contain_text("tw_")
    text = secret.inner_text().strip()
    made = page.get_by_role("list", name="API tokens").get_by_role("listitem").filter(has_text="ci runner")
    expect(made).to_contain_text("Never used")
    sessions = page.get_by_role("list", name="Browser sessions").get_by_role("listitem")
    expect(sessions.first).to_contain_text("In use here")
    page.reload()
    expect(made).to_be_visible()
    assert text not in page.content()
    made.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(made).to_have_count(0)
    names = [each["name"] for each in own_stage.get("/tokens")["items"]]
    assert "ci runner" not in names


@pytest.mark.scene("empty")
def test_preferences_are_kept(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/settings?tab=preferences")
    page.get_by_role("combobox", name="Currency").click()
    page.get_by_role("option", name="EUR").click()
    page.get_by_role("combobox", name="Regions").fill("eu-*")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert own_stage.get("/preferences")["values"]["display_currency"] == "EUR"
    page.reload()
    expect(page.get_by_text(re.compile("USD per EUR"))).to_be_visible()
    expect(page.get_by_text("eu-*", exact=True)).to_be_visible()


def test_colours_follow_the_choice(visit: Visit) -> None:
    page = visit.open("/settings?tab=preferences")
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


def test_the_server_says_what_it_is(visit: Visit) -> None:
    info = visit.stage.get("/info")
    page = visit.open("/settings?tab=server")
    expect(page.get_by_text(info["version"], exact=True)).to_be_visible()
    expect(page.get_by_text(info["installation"], exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Reference of the HTTP API")).to_be_visible()


@pytest.mark.parametrize("tab", TABS)
def test_it_is_accessible(visit: Visit, tab: str) -> None:
    page = visit.open(f"/settings?tab={tab}")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.phone
@pytest.mark.parametrize("tab", TABS)
def test_it_is_accessible_in_the_dark_on_a_phone(visit: Visit, tab: str) -> None:
    page = visit.open(f"/settings?tab={tab}")
    come_to_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)


@pytest.mark.parametrize("scheme", [pytest.param("dark", marks=pytest.mark.dark), "light"])
def test_the_reference_of_the_api_needs_nothing_from_elsewhere(visit: Visit, scheme: str) -> None:
    page = visit.open("/settings?tab=server")
    page.get_by_role("link", name="Reference of the HTTP API").click()
    expect(page.get_by_role("heading", name="HTTP API")).to_be_visible()
    page.get_by_text("A page of jobs, the newest first").first.click()
    page.get_by_role("link", name="JobPage").first.click()
    # What a link leads to is opened, though it was closed.
    expect(page.locator("#model-JobPage table")).to_be_visible()
    assert_accessible(page)


def test_the_examination_says_what_is_wrong_and_what_to_do(visit: Visit) -> None:
    page = visit.open("/settings?tab=server")
    checks = visit.stage.get("/doctor")["checks"]
    lines = page.get_by_role("list", name="Examination").get_by_role("listitem")
    expect(lines).to_have_count(len(checks))
    for line, check in zip(lines.all(), checks, strict=True):
        expect(line).to_contain_text(check["name"])
        expect(line).to_contain_text(check["message"])
    expect(lines.last).to_contain_text("tradewind connect lyceum")


@pytest.mark.phone
def test_the_tab_in_use_is_in_view_on_a_phone(visit: Visit) -> None:
    page = visit.open("/settings?tab=server")
    expect(page.get_by_role("tab", name="Server")).to_be_in_viewport(ratio=0.9)
