"""Alerts in the browser: how they are, made with a preview, edited, muted; what fired; channels with a test."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage

pytestmark = pytest.mark.scene("rich")
TABS = ("alerts", "firings", "channels")


def test_each_alert_says_how_it_is(visit: Visit) -> None:
    alerts = visit.stage.get("/alerts")["items"]
    page = visit.open("/alerts")
    listed = page.get_by_role("list", name="Alerts").get_by_role("listitem")
    expect(listed).to_have_count(len(alerts))
    for alert in alerts:
        one = listed.filter(has_text=alert["name"])
        expect(one).to_contain_text(alert["badge"]["label"])
        expect(one).to_contain_text(alert["summary"])
        expect(one).to_contain_text(alert["now_text"])


def test_what_fired_is_a_tab_of_its_own_in_the_address(visit: Visit) -> None:
    firings = visit.stage.get("/firings", limit=20)["items"]
    assert firings
    page = visit.open("/alerts")
    page.get_by_role("tab", name="Firings").click()
    expect(page).to_have_url(re.compile(r"tab=firings"))
    listed = page.get_by_role("list", name="Firings").get_by_role("listitem")
    expect(listed).to_have_count(len(firings))
    expect(listed.first).to_contain_text(firings[0]["title"])
    page.reload()
    expect(listed.first).to_contain_text(firings[0]["title"])


@pytest.mark.scene("empty")
def test_an_alert_is_made_with_a_preview_then_edited_muted_and_removed(
    own_stage: Stage, visit: Visit
) -> None:
    page = visit.open("/alerts?new=true&gpu=H100-SXM")
    form = page.get_by_role("dialog", name="New alert")
    form.get_by_label("Name").fill("h100-bargain")
    expect(form.get_by_role("button", name="Add alert")).to_be_disabled()
    form.get_by_role("textbox", name="Below").fill("1.60")
    preview = form.get_by_role("status", name="Preview")
    expect(preview).to_contain_text("in the last 30 days")
    expect(preview).to_contain_text("below $1.60/GPU-h")
    form.get_by_role("button", name="Add alert").click()
    expect(form).to_have_count(0)
    made = page.get_by_role("list", name="Alerts").get_by_role("listitem").filter(has_text="h100-bargain")
    expect(made).to_contain_text("below $1.60/GPU-h")
    assert own_stage.get("/alerts/h100-bargain")["condition"]["below_micro"] == 1_600_000

    made.get_by_role("button", name="Edit").click()
    edit = page.get_by_role("dialog", name="Edit h100-bargain")
    expect(edit.get_by_role("textbox", name="Below")).to_have_value("1.6")
    edit.get_by_role("textbox", name="Below").fill("1.25")
    edit.get_by_role("button", name="Save").click()
    expect(made).to_contain_text("below $1.25/GPU-h")

    made.get_by_role("button", name="Mute").click()
    expect(made).to_contain_text("Muted")
    expect(made.get_by_role("button", name="Unmute")).to_be_visible()
    made.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(made).to_have_count(0)


def test_what_the_server_does_not_take_is_said_in_the_form(visit: Visit) -> None:
    visit.complaints.allow("409", "422")
    page = visit.open("/alerts?new=true")
    form = page.get_by_role("dialog", name="New alert")
    form.get_by_label("Name").fill("h100-cheap")
    form.get_by_role("textbox", name="Below").fill("2")
    form.get_by_role("button", name="Add alert").click()
    expect(form.get_by_role("alert")).to_contain_text("h100-cheap")


@pytest.mark.scene("empty")
def test_a_channel_is_added_tested_and_removed(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/alerts?tab=channels")
    page.get_by_role("textbox", name="Name").fill("ops")
    address = page.get_by_label("Address")
    expect(address).to_have_attribute("type", "password")
    address.fill("json://hooks.example/ops")
    page.get_by_role("button", name="Add channel").click()
    made = page.get_by_role("list", name="Channels").get_by_role("listitem").filter(has_text="ops")
    expect(made).to_contain_text("JSON webhook")
    expect(address).to_have_value("")
    assert "hooks.example" not in page.content()
    made.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("ops works")).to_be_visible()
    made.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(made).to_have_count(0)


@pytest.mark.scene("empty")
def test_where_there_is_none_the_page_says_what_for(own_stage: Stage, visit: Visit) -> None:
    page = visit.open("/alerts")
    expect(page.get_by_text("No alerts yet")).to_be_visible()
    come_to_rest(page)
    assert_accessible(page)
    page.get_by_role("tab", name="Firings").click()
    expect(page.get_by_text("Nothing has fired yet")).to_be_visible()


@pytest.mark.parametrize("tab", TABS)
def test_it_is_accessible(visit: Visit, tab: str) -> None:
    page = visit.open(f"/alerts?tab={tab}")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.parametrize("query", [*(f"tab={tab}" for tab in TABS), "new=true"])
def test_it_is_accessible_in_the_dark(visit: Visit, query: str) -> None:
    page = visit.open(f"/alerts?{query}")
    come_to_rest(page)
    assert_accessible(page)
