"""The web application in a real browser: what it loads, how smoothly it scrolls, what an open page costs the server."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from benchmarks.figures import Figure, Peer
from benchmarks.processes import memory_of
from benchmarks.script import run_script
from benchmarks.serving import serve, state_folder
from tests.web.browser import DESKTOP, launch, visit
from tests.web.many import JOBS, LINES, LONG, fill
from tests.web.stage import Stage

if TYPE_CHECKING:
    from benchmarks.serving import BenchServer
    from benchmarks.sizes import Size

DESCRIPTION: Final = "The web application"
_GOAL_LOAD_KB: Final = 300.0
_GOAL_WHEEL_MB: Final = 3.0
_GOAL_PAGE_MIB: Final = 0.1
#: Sixty pictures a second: the most that a screen shows.
_FRAME_MS: Final = 1000 / 60
#: What a picture may take before the next one is missed; the clock of the browser is this exact.
_LATE_MS: Final = _FRAME_MS + 0.5
#: From here on an eye sees that it stutters.
_GOAL_SLOW_FRAME_MS: Final = 50.0
#: What an open page takes of a server that keeps the pages' state itself (NiceGUI 3.18, two pages of the same kind).
_STATEFUL_PAGE_MIB: Final = 1.95
_MOST_PAGES: Final = 30
#: Opened and left first: what they make the server load for good is no page's own.
_WARM_PAGES: Final = 6
#: A browser keeps no more connections to one host, and each page has one for its stream.
_PAGES_PER_CONTEXT: Final = 4
_PATIENCE_MS: Final = 300_000
_STATIC: Final = Path(__file__).parent.parent / "src/tradewind/server/static"
#: Pixels per picture: as one reads along, and as one drags the scroll bar of a long log.
_READING: Final = 120
_DRAGGING: Final = 20_000

#: Scrolls an element there and back, and notes how long each picture took.
_SCROLL: Final = """
async (box, { seconds, speed }) => {
  const times = [];
  let travelled = 0;
  let way = 1;
  box.scrollTop = 0;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  let last = performance.now();
  const end = last + seconds * 1000;
  await new Promise((done) => {
    const step = (now) => {
      times.push(now - last);
      last = now;
      const before = box.scrollTop;
      box.scrollTop += way * speed;
      travelled += Math.abs(box.scrollTop - before);
      if (box.scrollTop === before) way = -way;
      if (now < end || times.length < 10) requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);
  });
  return { times: times.slice(2), travelled };
}
"""
#: Goes to the end, where a list asks for more, until it is as high as all of it.
_REACH_END: Final = """
([box, height]) => {
  box.scrollTop = box.scrollHeight;
  return box.scrollHeight >= height;
}
"""
_LEAST_ROW: Final = 36


def measure(size: Size) -> list[Figure]:
    """Bytes, frame times and memory, against the built application (`make web`)."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            with state_folder() as state, serve(state) as server:
                served = [*_loads(browser, server), *_pages(browser, server, size)]
            return [*served, *_scrolls(browser, size)]
        finally:
            browser.close()


def _loads(browser: Browser, server: BenchServer) -> list[Figure]:
    context = _signed_in(browser, server)
    received = _bytes_of(context.new_page(), f"{_url(server)}/")
    context.close()
    files = sum(path.stat().st_size for path in _STATIC.rglob("*") if path.is_file()) / 1e6
    return [
        Figure(
            name="first load, compressed",
            unit="kB",
            values=(received / 1000,),
            better="lower",
            goal=_GOAL_LOAD_KB,
            note="all that crosses the wire until the first page is at rest, with an empty cache",
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


def _signed_in(browser: Browser, server: BenchServer) -> BrowserContext:
    context = browser.new_context(viewport={"width": DESKTOP["width"], "height": DESKTOP["height"]})
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    with server.connect() as client:
        page.goto(client.session_link().url)
    page.close()
    return context


def _pages(browser: Browser, server: BenchServer, size: Size) -> list[Figure]:
    count, warm = (_MOST_PAGES, _WARM_PAGES) if size.runs > 1 else (2, 1)
    for context in _open(browser, server, warm):
        context.close()
    before = _settled_memory(server)
    contexts = _open(browser, server, count)
    after = _settled_memory(server)
    for context in contexts:
        context.close()
    return [
        Figure(
            name="server memory per open page",
            unit="MiB",
            # What others left free may be more than these took.
            values=(max(after - before, 0.0) / count,),
            better="lower",
            goal=_GOAL_PAGE_MIB,
            peer=Peer(name="pages whose state is on the server", value=_STATEFUL_PAGE_MIB),
            note=f"{count} pages of jobs, each with its stream; {before:.1f} MiB before, {after:.1f} MiB with them",
        )
    ]


def _open(browser: Browser, server: BenchServer, count: int) -> list[BrowserContext]:
    """Opens so many pages, each with its stream."""
    contexts: list[BrowserContext] = []
    for number in range(count):
        if number % _PAGES_PER_CONTEXT == 0:
            contexts.append(_signed_in(browser, server))
        page = contexts[-1].new_page()
        with page.expect_response(lambda answer: "/api/v1/stream" in answer.url):
            page.goto(f"{_url(server)}/jobs")
        page.get_by_role("heading", level=1).wait_for()
    return contexts


def _settled_memory(server: BenchServer) -> float:
    time.sleep(1)
    return memory_of([server.pid]).rss


def _scrolls(browser: Browser, size: Size) -> list[Figure]:
    seconds, jobs, lines = (10.0, JOBS, LINES) if size.runs > 1 else (0.5, 250, 5_000)
    with TemporaryDirectory(prefix="tradewind-bench-") as folder, Stage.open(Path(folder)) as stage:
        fill(stage, jobs, lines)
        with visit(browser, stage) as looking:
            page = looking.page
            page.context.set_default_timeout(_PATIENCE_MS)
            looking.open("/jobs")
            box = page.get_by_role("table", name="Jobs").locator("..")
            box.wait_for()
            page.wait_for_function(_REACH_END, arg=[box.element_handle(), jobs * _LEAST_ROW])
            listed = _scroll(box, seconds, _READING)
            looking.open(f"/jobs/{stage.job(LONG)['id']}/logs?stream=stdout")
            log = page.get_by_role("log")
            log.wait_for()
            log.press("g")
            page.locator("[data-line='1']").get_by_text("loss").wait_for()
            read = _scroll(log, seconds, _READING)
            dragged = _scroll(log, seconds, _DRAGGING)
    return [
        *_frames(f"jobs list, {jobs:,} jobs", listed),
        *_frames(f"log of {lines:,} lines, read along", read),
        *_frames(f"log of {lines:,} lines, dragged", dragged),
    ]


def _scroll(box: Locator, seconds: float, speed: int) -> dict[str, Any]:
    found: dict[str, Any] = box.evaluate(_SCROLL, {"seconds": seconds, "speed": speed})
    if not found["travelled"]:
        raise RuntimeError("there was nothing to scroll")
    return found


def _frames(what: str, scrolled: dict[str, Any]) -> list[Figure]:
    times = sorted(scrolled["times"])
    note = f"{len(times)} pictures over {scrolled['travelled']:,.0f} pixels, drawn by the processor"
    peer = Peer(name="60 pictures a second", value=_FRAME_MS)

    def at(share: float) -> tuple[float, ...]:
        return (times[min(int(len(times) * share), len(times) - 1)],)

    def over(limit_ms: float) -> tuple[float, ...]:
        return (sum(each > limit_ms for each in times) / len(times) * 100,)

    return [
        Figure(name=f"{what}: a frame", unit="ms", values=at(0.5), better="lower", peer=peer, note=note),
        Figure(
            name=f"{what}: 95th percentile",
            unit="ms",
            values=at(0.95),
            better="lower",
            goal=_GOAL_SLOW_FRAME_MS,
            peer=peer,
        ),
        Figure(name=f"{what}: longest", unit="ms", values=at(1.0), better="lower"),
        Figure(name=f"{what}: frames over 16.7 ms", unit="%", values=over(_LATE_MS), better="lower"),
        Figure(
            name=f"{what}: frames over 50 ms",
            unit="%",
            values=over(_GOAL_SLOW_FRAME_MS),
            better="lower",
            goal=1.0,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
