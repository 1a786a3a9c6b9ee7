"""Nodes, costs and budgets before anything has happened: each says what is missing, and what to do."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.axe import assert_accessible
from tests.web.browser import Visit
from tests.web.pictures import come_to_rest


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nodes", "Nothing waits: every job has a place."),
        ("/costs", "Nothing was closed in this range"),
        ("/costs?tab=estimates", "No job ended in this range"),
        ("/costs?tab=invoices", "No invoice was imported"),
        ("/budgets", "No budget is set"),
    ],
)
def test_nothing_there_yet(visit: Visit, path: str, says: str) -> None:
    page = visit.open(path)
    come_to_rest(page)
    expect(page.get_by_text(says)).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("path", ["/nodes", "/costs", "/budgets"])
def test_an_error_is_told_with_a_way_on(visit: Visit, path: str) -> None:
    visit.complaints.allow("500")
    visit.page.route(
        "**/api/v1/{nodes,cost/overview,budgets}*",
        lambda route: route.fulfill(
            status=500, content_type="application/problem+json",
            body='{"status": 500, "title": "broken", "detail": "the database is away", "hint": "wait a little"}',
        ),
    )  # fmt: skip
    page = visit.open(path)
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("The database is away", timeout=20_000)
    expect(alert).to_contain_text("Wait a little")
    visit.page.unroute_all()
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
