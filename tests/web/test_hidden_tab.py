"""Tabs that nobody sees: a browser gives one server six connections, and a seventh tab must not wait for the others."""

from __future__ import annotations

from playwright.sync_api import Page, Request, expect

from tests.web.browser import Visit
from tests.web.training import Run


def _is_stream(request: Request) -> bool:
    return "/api/v1/stream" in request.url


def _turn(page: Page, *, hidden: bool) -> None:
    """What the browser does when another tab is chosen, which a browser without windows never does."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_a_tab_that_nobody_sees_lets_its_stream_go_and_catches_up_when_it_is_seen(visit: Visit) -> None:
    page = visit.page
    with page.expect_request(_is_stream):
        visit.open("/jobs")
    with page.expect_event("requestfailed", _is_stream, timeout=30_000):
        _turn(page, hidden=True)
    visit.stage.submit(Run(seconds=60), name="came-meanwhile", resources={"providers": ["local"]})
    visit.stage.advance(30)
    expect(page.get_by_role("link", name="came-meanwhile", exact=True)).to_be_hidden()
    with page.expect_request(_is_stream):
        _turn(page, hidden=False)
    expect(page.get_by_role("link", name="came-meanwhile", exact=True)).to_be_visible(timeout=30_000)
    expect(page.get_by_text("reconnecting")).to_be_hidden()


def test_a_tab_that_was_opened_behind_another_one_keeps_no_stream_either(visit: Visit) -> None:
    page = visit.page
    page.add_init_script("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    with page.expect_event("requestfailed", _is_stream, timeout=30_000):
        visit.open("/jobs")
    with page.expect_request(_is_stream):
        _turn(page, hidden=False)
    expect(page.get_by_text("reconnecting")).to_be_hidden()
