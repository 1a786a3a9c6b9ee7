"""Shows a job as it happens, until it ends or the reader has seen enough."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tradewind.cli.application import Application
from tradewind.cli.progress import Poller, StatusLine, draw_bar
from tradewind.cli.wording import show_clock, show_cost, show_progress
from tradewind.client.follow import AttemptStarted, ContactLost, ContactRegained, JobEnded, WatchItem
from tradewind.domain.errors import TradewindError
from tradewind.domain.schemas import EventView, JobView, LogChunk
from tradewind.domain.units import format_bytes


def attach(
    app: Application, job_id: str, *, on_item: Callable[[WatchItem], None] | None = None
) -> JobView | None:
    """The job as it ended, after showing its events (standard error) and its output (standard output).

    None if the reader pressed Ctrl-C: the job goes on. `on_item` sees each item first.
    """
    with ExitStack() as stack:
        line = stack.enter_context(StatusLine(app))
        if app.shows_progress:
            stack.enter_context(Poller(lambda: _show_progress(app, job_id, line)))
        try:
            for item in app.client.watch(job_id):
                if on_item is not None:
                    on_item(item)
                if isinstance(item, JobEnded):
                    return item.job
                show_item(app, line, item)
        except KeyboardInterrupt:
            line.end()
            say_detached(app, job_id)
            return None
    return app.client.job(job_id)


def show_item(app: Application, line: StatusLine, item: WatchItem) -> None:
    """Writes one thing that happened."""
    if isinstance(item, LogChunk):
        line.put(item.text)
        if item.dropped:
            size = format_bytes(item.dropped)
            line.say(_dim(app, f"-- {size} of output were dropped here: the log limit was reached --"))
    elif isinstance(item, EventView):
        at = show_clock(item.at.isoformat())
        line.say(_dim(app, f"{at}  {item.message}"))
    elif isinstance(item, ContactLost):
        line.say(_dim(app, f"-- {item.error.message}; the job goes on; trying again --"))
    elif isinstance(item, ContactRegained):
        line.say(_dim(app, "-- the server is back --"))
    elif isinstance(item, AttemptStarted) and item.attempt > 1:
        line.say(_dim(app, f"-- attempt {item.attempt} --"))


def say_detached(app: Application, job_id: str) -> None:
    """Says that the job goes on, and how to end it."""
    app.say(
        f"\ndetached; the job goes on. Follow it with `tradewind logs -f {job_id}`,"
        f" stop it with `tradewind stop {job_id}`"
    )


def _show_progress(app: Application, job_id: str, line: StatusLine) -> None:
    try:
        job: dict[str, Any] = app.client.job(job_id).model_dump(mode="json")
    except TradewindError:
        # The stream says it when contact is lost; the line stays as it was.
        return
    progress = job.get("progress") or {}
    fraction = progress.get("fraction")
    parts = [str(job["status"]) if fraction is None else draw_bar(fraction)]
    rest = show_progress({**progress, "fraction": None})
    line.show(" · ".join(part for part in (*parts, rest, show_cost(job["cost"])) if part))


def _dim(app: Application, text: str) -> str:
    return app.paint(text, "dim", is_error_stream=True)
