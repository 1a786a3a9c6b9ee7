"""The pages of nodes: slots, who holds them, what an hour costs, what waits, and giving a machine back."""

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


def test_every_node_shows_slots_holders_cost_and_why_it_is_there(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    expect(page).to_have_title("Nodes · Tradewind")
    known = visit.stage.get("/nodes")
    rows = page.get_by_role("list", name="Nodes", exact=True).locator("> li")
    expect(rows).to_have_count(len(known["items"]))
    for node in known["items"]:
        row = rows.filter(has=page.get_by_role("link", name=node["name"], exact=True)).first
        expect(row.get_by_text(node["badge"]["label"], exact=True)).to_be_visible()
        expect(row.get_by_role("list", name="Accelerators").get_by_role("listitem")).to_have_count(
            len(node["accelerators"])
        )
        expect(row).to_contain_text(node["cost_text"])
    expect(page.get_by_text(known["burn"]["per_hour"]["text"], exact=True).first).to_be_visible()


def test_what_waits_says_why_and_what_would_help(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    queue = visit.stage.get("/queue")
    waiting = page.get_by_role("list", name="Waiting jobs").locator("> li")
    expect(waiting).to_have_count(queue["total"])
    for number, item in enumerate(queue["items"]):
        line = waiting.nth(number)
        expect(line.get_by_role("link", name=item["name"], exact=True)).to_have_attribute(
            "href", f"/jobs/{item['job']}"
        )
        expect(line).to_contain_text(item["explanation"])
        expect(line.get_by_text(item["badge"]["label"], exact=True)).to_be_visible()
    assert any(item["helps"] for item in queue["items"])


def test_filters_stand_in_the_address_and_survive_a_reload(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    facets = visit.stage.get("/nodes")["facets"]
    page.get_by_role("radiogroup", name="Whose machines").get_by_text(re.compile("^Your own")).click()
    expect(page).to_have_url(re.compile(r"kind=own"))
    own = next(each["count"] for each in facets["kinds"] if each["name"] == "own")
    rows = page.get_by_role("list", name="Nodes", exact=True).locator("> li")
    expect(rows).to_have_count(own)
    page.get_by_role("group", name="State").get_by_role("button", name=re.compile("^Unreachable")).click()
    expect(page).to_have_url(re.compile("state=unreachable"))
    page.reload()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("borea")


def test_an_empty_list_says_what_to_loosen(visit: Visit) -> None:
    page = opened(visit, "/nodes?kind=rented&state=unreachable")
    expect(page.get_by_role("heading", name=re.compile(r"0 of \d+ nodes match"))).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(re.compile("/nodes$"))


def test_a_node_says_what_it_is_who_had_it_and_what_was_paid(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    running = next(each for each in visit.stage.get("/nodes")["items"] if each["is_rented"])
    page.get_by_role("link", name=running["name"], exact=True).first.click()
    expect(page).to_have_url(re.compile("/nodes/node_"))
    come_to_rest(page)
    for heading in ("Accelerators", "Held and working", "What it is", "What was paid", "Who had it"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_text("Instance type")).to_be_visible()
    expect(page.get_by_text(running["price_text"], exact=True)).to_be_visible()
    expect(page.get_by_role("table", name="Jobs that held it")).to_contain_text(
        running["holders"][0]["job_name"]
    )


def test_giving_back_asks_first_and_says_what_happens_to_the_job(visit: Visit) -> None:
    running = next(
        each
        for each in visit.stage.get("/nodes")["items"]
        if each["is_rented"] and "stop_now" in [action["id"] for action in each["permitted"]]
    )
    page = opened(visit, f"/nodes/{running['id']}")
    page.get_by_role("button", name="End at once").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("gets no time to write a checkpoint")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert visit.stage.get(f"/nodes/{running['id']}")["actions"] == ["stop"]
    page.get_by_role("button", name="Give back").click()
    expect(dialog).to_contain_text("goes on on another machine")
    dialog.get_by_role("button", name="Give back").click()
    expect(dialog).to_be_hidden()
    visit.tick(600)
    expect(page.get_by_text(re.compile("^(Being given back|Gone)$")).first).to_be_visible()


def test_a_machine_that_is_not_there(visit: Visit) -> None:
    visit.complaints.allow("404")
    page = opened(visit, "/nodes/node_00000000000000000000")
    expect(page.get_by_role("alert")).to_contain_text("no node")


def test_how_to_add_a_machine(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    page.get_by_role("button", name="Add a machine").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(visit.stage.get("/hosts")["public_key"].split()[0])
    expect(dialog).to_contain_text("tradewind hosts add")
    expect(page).to_have_url(re.compile("add=true"))
    assert_accessible(page)


def test_nodes_are_accessible(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    assert_accessible(page)
    page.get_by_role("list", name="Nodes", exact=True).get_by_role("link").first.click()
    come_to_rest(page)
    assert_accessible(page)


@pytest.mark.dark
@pytest.mark.phone
def test_nodes_fit_a_phone_in_the_dark(visit: Visit) -> None:
    page = opened(visit, "/nodes")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
