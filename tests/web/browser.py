"""Chromium from the system's packages, and pages in it that let nothing go wrong unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Route

from tests.web.stage import Stage

#: Without any of them Chromium calls home, asks for a sandbox that containers have not, or draws by a GPU of its own.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
#: What a stream that was cut says in Chromium, where a test has killed the server: not an error of the page.
_CUT = ("net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE", "net::ERR_INCOMPLETE_CHUNKED_ENCODING")


def chromium() -> str:
    """The path of the browser. Skips the test where there is none."""
    named = os.environ.get("TRADEWIND_CHROMIUM")
    for candidate in (named, "/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    pytest.skip("there is no Chromium (Debian: apt-get install chromium; or name it: TRADEWIND_CHROMIUM)")


def launch(playwright: Playwright) -> Browser:
    """Starts the browser."""
    return playwright.chromium.launch(
        executable_path=chromium(), headless=True, args=list(_FLAGS), ignore_default_args=["--headless"]
    )


@dataclass
class Complaints:
    """What went wrong on a page. `allow` takes pieces of text that are no fault of it."""

    found: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def allow(self, *texts: str) -> None:
        """What holds one of these texts is expected from now on, and what was found of it is forgotten."""
        self._allowed += texts
        self.found = [each for each in self.found if not self._is_allowed(each)]

    def allow_cuts(self) -> None:
        """The server is about to be killed: connections will break."""
        self.allow(*_CUT, "net::ERR_CONNECTION_REFUSED", "net::ERR_ABORTED", "net::ERR_FAILED")

    def add(self, text: str) -> None:
        """Notes something, unless it is expected."""
        if not self._is_allowed(text):
            self.found.append(text)

    def check(self) -> None:
        """Fails if anything went wrong."""
        assert not self.found, "the page complains:\n" + "\n".join(self.found)

    def _is_allowed(self, text: str) -> bool:
        return any(each in text for each in self._allowed)


def watch(page: Page) -> Complaints:
    """Notes console errors, errors of the page, failed requests and violations of the content security policy."""
    complaints = Complaints()

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.add(f"console {message.type}: {message.text}")

    def failed(request: Request) -> None:
        # A request that the page itself gave up (it went elsewhere, a newer one replaced it) has not failed.
        if request.failure != "net::ERR_ABORTED":
            complaints.add(f"request failed: {request.method} {request.url}: {request.failure}")

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.add(f"error: {error}"))
    page.on("requestfailed", failed)
    return complaints


def _guard(route: Route) -> None:
    host = urlsplit(route.request.url).hostname
    if host in ("127.0.0.1", "localhost"):
        route.continue_()
    else:
        route.abort("blockedbyclient")


@dataclass
class Visit:
    """A signed-in page, and what it complains of."""

    page: Page
    complaints: Complaints
    stage: Stage

    def open(self, path: str = "/") -> Page:
        """Goes to a path of the app."""
        self.page.goto(f"{self.stage.url}{path}")
        return self.page

    def tick(self, seconds: float) -> None:
        """Moves the server's time on, and the browser's clock with it."""
        self.stage.advance(seconds)
        self.page.clock.set_fixed_time(self.stage.now)


@contextmanager
def visit(
    browser: Browser,
    stage: Stage,
    *,
    viewport: dict[str, int] | None = None,
    scheme: str = "light",
    signs_in: bool = True,
    is_phone: bool = False,
) -> Iterator[Visit]:
    """A page in a context of its own: its clock stands where the server's does, and it reaches nothing but loopback."""
    size = viewport or (PHONE if is_phone else DESKTOP)
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
        is_mobile=is_phone,
        has_touch=is_phone,
        device_scale_factor=2 if is_phone else 1,
        service_workers="block",
    )
    try:
        context.set_default_timeout(30_000)
        page = context.new_page()
        context.route("**/*", _guard)
        page.clock.install(time=stage.now)
        page.clock.set_fixed_time(stage.now)
        complaints = watch(page)
        if signs_in:
            page.goto(stage.sign_in_link())
        yield Visit(page, complaints, stage)
        complaints.check()
    finally:
        context.close()
