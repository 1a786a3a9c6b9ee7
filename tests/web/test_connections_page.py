"""Connections in the browser: cards by state, a guided form, secrets that never come out, machines over SSH."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest
from tests.web.stage import Stage
from tests.web.workstation import machine

pytestmark = pytest.mark.scene("rich")
SECRET = "key-of-the-stage"


def test_every_provider_is_a_card_under_its_heading(visit: Visit) -> None:
    known = visit.stage.get("/providers")
    page = visit.open("/connections")
    for group in known["groups"]:
        expect(page.get_by_role("heading", name=group["title"])).to_be_visible()
    by_id = {each["id"]: each for each in known["items"]}
    for group in known["groups"]:
        section = page.get_by_role("region", name=group["title"])
        expect(section.get_by_role("link")).to_have_count(len(group["providers"]))
        for name in group["providers"]:
            card = section.locator(f'a[href="/connections/{name}"]')
            expect(card).to_contain_text(by_id[name]["title"])
            expect(card).to_contain_text(by_id[name]["badge"]["label"])


def test_a_provider_is_found_by_any_of_its_names_and_the_address_keeps_the_word(visit: Visit) -> None:
    page = visit.open("/connections")
    page.get_by_label("Find a provider").fill("lambda-cloud")
    expect(page).to_have_url(re.compile("q=lambda-cloud"))
    expect(page.locator('a[href^="/connections/"]')).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Find a provider")).to_have_value("lambda-cloud")
    page.get_by_label("Find a provider").fill("nothing-like-it")
    expect(page.get_by_text(re.compile("0 of .* providers match"))).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_label("Find a provider")).to_have_value("")


def test_a_link_from_elsewhere_leads_to_the_provider(visit: Visit) -> None:
    page = visit.open("/connections?provider=vast")
    expect(page).to_have_url(re.compile(r"/connections/vast$"))


@pytest.mark.scene("empty")
def test_a_provider_is_connected_validated_and_disconnected(own_stage: Stage, visit: Visit) -> None:
    visit.complaints.allow("422", "400")
    page = visit.open("/connections/vast")
    expect(page.get_by_text("Not connected", exact=True)).to_be_visible()
    field = own_stage.get("/providers/vast")["credentials"][0]
    secret = page.get_by_label(field["title"])
    expect(secret).to_have_attribute("type", "password")
    secret.fill("wrong-key-of-somebody")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert "wrong-key-of-somebody" not in page.get_by_role("alert").inner_text()
    secret.fill(SECRET)
    page.get_by_role("button", name="Connect", exact=True).click()
    account = own_stage_account(page, own_stage)
    expect(page.get_by_role("region", name="This connection").or_(page.locator("body"))).to_contain_text(
        account
    )
    assert SECRET not in page.content()
    page.get_by_role("button", name="Validate now").click()
    expect(page.get_by_text("took the credentials")).to_be_visible()
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Not connected", exact=True)).to_be_visible()


def own_stage_account(page: object, stage: Stage) -> str:
    """Whose the credentials are, once the server has them."""
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    expect(page.get_by_role("button", name="Validate now")).to_be_visible()
    identity: str = stage.get("/connections/vast")["account"]["identity"]
    return identity


def test_the_least_permissions_can_be_copied(visit: Visit) -> None:
    policy = visit.stage.get("/providers/aws")["policies"][0]
    page = visit.open("/connections/aws")
    block = page.get_by_role("region", name=policy["title"])
    expect(block).to_contain_text('"Version"')
    expect(page.get_by_role("button", name=re.compile("^Copy")).first).to_be_visible()


def test_machines_over_ssh_are_listed_with_how_they_are(visit: Visit) -> None:
    hosts = visit.stage.get("/hosts")["items"]
    page = visit.open("/connections/ssh")
    listed = page.get_by_role("list", name="Machines").get_by_role("listitem")
    expect(listed).to_have_count(len(hosts))
    for host in hosts:
        one = listed.filter(has_text=host["where"])
        expect(one).to_contain_text(host["badge"]["label"])
        expect(one).to_contain_text(host["has"])


@pytest.mark.scene("empty")
def test_the_host_key_is_asked_about_before_a_machine_is_added(own_stage: Stage, visit: Visit) -> None:
    visit.complaints.allow("400", "404", "409", "422", "502", "503")
    page = visit.open("/connections/ssh")
    page.get_by_role("button", name="Add a machine").click()
    form = page.get_by_role("dialog", name="Add a machine")
    form.get_by_label("Name").fill("atlas")
    form.get_by_label(re.compile("^User")).fill("ana")
    form.get_by_label(re.compile("^Address")).fill("atlas.lab.invalid")
    form.get_by_role("button", name="Look at its key").click()
    expect(form.get_by_role("alert")).to_contain_text("No SSH server answers")
    form.get_by_label(re.compile("^Address")).fill("atlas.lab.example")
    form.get_by_role("button", name="Look at its key").click()
    expect(form).to_contain_text("Is this the key of atlas.lab.example?")
    fingerprint = own_stage.post("/hosts/probe", {"address": "atlas.lab.example"})["fingerprint"]
    expect(form).to_contain_text(fingerprint)
    assert own_stage.get("/hosts")["items"] == []


@pytest.mark.scene("empty")
def test_a_machine_behind_another_is_added_with_its_networks(own_stage: Stage, visit: Visit) -> None:
    visit.complaints.allow("422")
    own_stage.put_host("deep", machine("deep", "NVIDIA L40S", 2))
    keys = {
        name: own_stage.post("/hosts/probe", {"address": name})["fingerprint"]
        for name in ("gate.example", "10.0.0.7")
    }
    page = visit.open("/connections/ssh")
    page.get_by_role("button", name="Add a machine").click()
    form = page.get_by_role("dialog", name="Add a machine")
    form.get_by_label("Name").fill("deep")
    form.get_by_label(re.compile("^User")).fill("ana")
    form.get_by_label(re.compile("^Address")).fill("10.0.0.7")
    form.get_by_label("Go through another machine").check()
    form.get_by_label("User in between").fill("me")
    form.get_by_label("Address in between").fill("gate of ours")
    form.get_by_label("Port in between").fill("2222")
    form.get_by_label("Price of an hour").fill("0.40")
    form.get_by_role("button", name="Networks, region").click()
    form.get_by_label("Network", exact=True).fill("rack-1")
    form.get_by_label("Private address").fill("192.168.1.7")
    # What an address is, the server decides.
    form.get_by_role("button", name="Look at its key").click()
    expect(form.get_by_role("alert")).to_contain_text("address")
    form.get_by_label("Address in between").fill("gate.example")
    assert_accessible(page, '[role="dialog"]')
    form.get_by_role("button", name="Look at its key").click()
    # First the one in between: nothing goes through it before its key is known to be right.
    expect(form).to_contain_text("Is this the key of gate.example?")
    expect(form).to_contain_text(keys["gate.example"])
    form.get_by_role("button", name="Yes, go on").click()
    expect(form).to_contain_text("Is this the key of 10.0.0.7?")
    expect(form).to_contain_text(keys["10.0.0.7"])
    assert own_stage.get("/hosts")["items"] == []
    form.get_by_role("button", name="Yes, add it").click()
    expect(page.get_by_role("list", name="Machines")).to_contain_text("through me@gate.example:2222")
    (host,) = own_stage.get("/hosts")["items"]
    assert (host["jump"], host["network"], host["private_address"], host["region"]) == (
        "me@gate.example:2222",
        "rack-1",
        "192.168.1.7",
        "own",
    )
    assert host["price_per_hour"]["micro"] == 400_000


@pytest.mark.dark
def test_an_offer_that_needs_a_connection_leads_to_its_form(visit: Visit) -> None:
    page = visit.open("/offers?provider=azure")
    page.get_by_role("link", name=re.compile("^Connect ")).first.click()
    expect(page).to_have_url(re.compile(r"/connections/azure$"))
    expect(page.get_by_role("heading", name="Connect", exact=True)).to_be_visible()
    (first, *_) = visit.stage.get("/providers/azure")["credentials"]
    expect(page.get_by_label(first["title"])).to_be_visible()
    assert_accessible(page)


def test_a_provider_that_is_none_is_said_to_be_none(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = visit.open("/connections/nobody")
    expect(page.get_by_role("alert")).to_contain_text("nobody")
    expect(page.get_by_role("link", name="All connections")).to_be_visible()


@pytest.mark.parametrize("path", ["", "/aws", "/ssh", "/runpod", "/together"])
def test_it_is_accessible(visit: Visit, path: str) -> None:
    page = visit.open(f"/connections{path}")
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.phone
@pytest.mark.parametrize("path", ["", "/aws", "/ssh", "/gcp"])
def test_it_is_accessible_in_the_dark_on_a_phone(visit: Visit, path: str) -> None:
    page = visit.open(f"/connections{path}")
    come_to_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
