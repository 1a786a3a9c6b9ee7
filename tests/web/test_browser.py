"""The browser in front of the stage: signed in, in the server's time, and with nothing going wrong unseen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.web.browser import Visit, watch
from tests.web.browser import visit as open_visit
from tests.web.stage import Stage


def test_the_page_is_signed_in_and_lives_in_the_server_s_time(visit: Visit) -> None:
    page = visit.open("/")
    assert page.title() == "Tradewind"
    assert page.evaluate("Date.now()") == round(visit.stage.now.timestamp() * 1000)
    assert page.evaluate("fetch('/api/v1/info').then(answer => answer.status)") == 200


@pytest.mark.phone
@pytest.mark.dark
def test_a_marked_test_has_a_phone_and_a_dark_scheme(visit: Visit) -> None:
    page = visit.open("/")
    assert page.evaluate("innerWidth") == 390
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('broken')", "console error: broken"),
        ("void Promise.reject(new Error('oh'))", "error: oh"),
        (
            "fetch('https://elsewhere.example/x').catch(() => 0)",
            "violates the following Content Security Policy",
        ),
    ],
)
def test_what_goes_wrong_on_a_page_fails_the_test(
    browser: Browser, stage: Stage, script: str, complaint: str
) -> None:
    def visits() -> None:
        with open_visit(browser, stage) as visit:
            visit.open("/")
            visit.page.evaluate(script)
            # What the page says comes with the answers to what it is asked.
            visit.page.wait_for_timeout(50)

    with pytest.raises(AssertionError, match="complains") as failure:
        visits()
    assert complaint in str(failure.value)


def test_nobody_is_signed_in_without_a_link(browser: Browser, stage: Stage) -> None:
    with open_visit(browser, stage, signs_in=False) as visit:
        visit.complaints.allow("401")
        visit.open("/")
        assert visit.page.evaluate("fetch('/api/v1/info').then(answer => answer.status)") == 401
        assert watch(visit.page).found == []
