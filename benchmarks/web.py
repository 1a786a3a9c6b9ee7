"""The web application in a real browser: what it loads, how smoothly it scrolls, what an open page costs the server."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.figures import Figure, Peer
from benchmarks.processes import memory_of
from benchmarks.script import run_script
from benchmarks.serving import serve, state_folder
from benchmarks.sizes import Size
from tests.web.browser import DESKTOP, launch, visit
from tests.web.stage import Stage

if TYPE_CHECKING:
    from benchmarks.serving import BenchServer

DESCRIPTION: Final = "The web application"
_GOAL_LOAD_KB: Final = 300.0
_GOAL_WHEEL_MB: Final = 3.0
_GOAL_PAGE_MIB: Final = 0.1
#: Sixty pictures a second: the most that a screen shows.
_FRAME_MS: Final = 1000 / 60
#: From here on an eye sees that it stutters.
_GOAL_SLOW_FRAME_MS: Final = 50.0
#: What an open page takes of a server that keeps the pages' state itself (NiceGUI 3.18, two pages of the same kind).
_STATEFUL_PAGE_MIB: Final = 1.95
_MOST_PAGES: Final = 40
_STATIC: Final = Path(__file__).parent.parent / "src/tradewind/server/static"

#: Scrolls what is under the pointer by itself, and notes how long each picture took.
_SCROLL: Final = """
async ({ selector, seconds, speed }) => {
  const box = document.querySelector(selector) ?? document.scrollingElement;
  const times = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  await new Promise((done) => {
    const step = (now) => {
      times.push(now - last);
      last = now;
      box.scrollTop += speed;
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 2) box.scrollTop = 0;
      if (now < end) requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);
  });
  return { times: times.slice(2), height: box.scrollHeight };
}
"""


def measure(size: Size) -> list[Figure]:
    """Bytes, frame times and memory, against the built application (`make web`)."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            return [*_loads(browser), *_pages(browser, size), *_scrolls(browser, size)]
        finally:
            browser.close()


def _loads(browser: Browser) -> list[Figure]:
    with state_folder() as state, serve(state) as server:
        page = _signed_in(browser, server)
        received = _bytes_of(page, f"{_url(server)}/")
        page.context.close()
    files = sum(path.stat().st_size for path in _STATIC.rglob("*") if path.is_file()) / 1e6
    return [
        Figure(
            name="first load, compressed",
            unit="kB",
            values=(received / 1000,),
            better="lower",
            goal=_GOAL_LOAD_KB,
            note="all that crosses the wire until the first page stands, with an empty cache",
        ),
        Figure(
            name="the application's part of the wheel",
            unit="MB",
            values=(files,),
            better="lower",
            goal=_GOAL_WHEEL_MB,
            note="unpacked, each file plain and compressed",
        ),
    ]


def _bytes_of(page: Page, url: str) -> int:
    total = 0
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def finished(event: dict[str, Any]) -> None:
        nonlocal total
        total += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(1_000)
    return total


def _url(server: BenchServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def _signed_in(browser: Browser, server: BenchServer) -> Page:
    page = browser.new_context(viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]}).new_page()
    with server.connect() as client:
        page.goto(client.session_link().url)
    return page


def _pages(browser: Browser, size: Size) -> list[Figure]:
    count = _MOST_PAGES if size.runs > 1 else 2
    with state_folder() as state, serve(state) as server:
        first = _signed_in(browser, server)
        first.goto(f"{_url(server)}/jobs")
        # What the first pages make the server load for good is not theirs.
        for _ in range(4):
            first.goto(f"{_url(server)}/")
            first.goto(f"{_url(server)}/jobs")
        time.sleep(1)
        before = memory_of([server.pid]).rss
        pages = []
        for _ in range(count):
            page = first.context.new_page()
            page.goto(f"{_url(server)}/jobs")
            page.get_by_role("heading", level=1).wait_for()
            pages.append(page)
        time.sleep(1)
        after = memory_of([server.pid]).rss
        first.context.close()
    return [
        Figure(
            name="server memory per open page",
            unit="MiB",
            values=((after - before) / count,),
            better="lower",
            goal=_GOAL_PAGE_MIB,
            peer=Peer(name="pages whose state is on the server", value=_STATEFUL_PAGE_MIB),
            note=f"{count} pages of jobs, each with its stream; {before:.0f} MiB before, {after:.0f} MiB after",
        )
    ]


def _scrolls(browser: Browser, size: Size) -> list[Figure]:
    seconds = 8.0 if size.runs > 1 else 1.0
    with (
        TemporaryDirectory(prefix="tradewind-bench-") as folder,
        Stage.open(Path(folder), scene="many") as stage,
        visit(browser, stage) as looking,
    ):
        page = looking.open("/jobs")
        page.get_by_role("table").wait_for()
        jobs = page.evaluate(_SCROLL, {"selector": "div:has(> table)", "seconds": seconds, "speed": 120})
        long_job = stage.get("/jobs", name="many-lines")["items"][0]["id"]
        page = looking.open(f"/jobs/{long_job}?tab=logs")
        page.get_by_role("log").wait_for()
        page.wait_for_timeout(1_000)
        logs = page.evaluate(_SCROLL, {"selector": "[role=log]", "seconds": seconds, "speed": 240})
        complaints = looking.complaints.found
    if complaints:
        raise RuntimeError("\n".join(complaints))
    return [
        *_frames("jobs list, 10,000 jobs", jobs["times"]),
        *_frames("logs, 1,000,000 lines", logs["times"]),
    ]


def _frames(what: str, times: list[float]) -> list[Figure]:
    ordered = sorted(times)
    slow = sum(each > _GOAL_SLOW_FRAME_MS for each in times) / len(times) * 100
    peer = Peer(name="60 pictures a second", value=_FRAME_MS)
    return [
        Figure(
            name=f"{what}: a frame, 95th percentile",
            unit="ms",
            values=(ordered[int(len(ordered) * 0.95)],),
            better="lower",
            goal=_GOAL_SLOW_FRAME_MS,
            peer=peer,
            note=f"{len(times)} frames, median {ordered[len(ordered) // 2]:.1f} ms, drawn by the processor",
        ),
        Figure(name=f"{what}: frames over 50 ms", unit="%", values=(slow,), better="lower", goal=1.0),
    ]


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
