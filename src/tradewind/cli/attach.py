"""Shows a job as it happens, until it ends or the reader has seen enough."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from tradewind.cli.application import Application
from tradewind.cli.progress import Poller, StatusLine, draw_bar
from tradewind.cli.wording import show_cents, show_clock, show_progress
from tradewind.client.follow import AttemptStarted, ContactLost, ContactRegained, JobEnded, WatchItem
from tradewind.domain.errors import TradewindError
from tradewind.domain.schemas import JobView
from tradewind.domain.schemas_records import EventView, LogChunk
from tradewind.domain.units import format_bytes

#: Events of the whole story that a reader of the live one has just been told in other words.
_SAID_BY_ANOTHER: Final = frozenset(
    {
        "job.queued",
        "job.starting",
        "job.running",
        "attempt.succeeded",
        "attempt.failed",
        "attempt.cancelled",
        "attempt.interrupted",
    }
)


def attach(
    app: Application, job_id: str, *, on_item: Callable[[WatchItem], bool] | None = None
) -> JobView | None:
    """The job as it ended, after showing its events (standard error) and its output (standard output).

    None if the reader pressed Ctrl-C: the job goes on. `on_item` sees each item first, and says whether it
    is shown.
    """
    with ExitStack() as stack:
        line = stack.enter_context(StatusLine(app))
        if app.shows_progress:
            stack.enter_context(Poller(lambda: _show_progress(app, job_id, line)))
        try:
            for item in app.client.watch(job_id):
                is_shown = on_item is None or on_item(item)
                if isinstance(item, JobEnded):
                    return item.job
                if is_shown:
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
        if item.type in _SAID_BY_ANOTHER:
            return
        at = show_clock(item.at.isoformat())
        line.say(_dim(app, f"{at}  {item.message}"))
    elif isinstance(item, ContactLost):
        advice = f" ({item.error.hint})" if item.error.hint else ""
        line.say(_dim(app, f"-- {item.error.message}; the job goes on; trying again{advice} --"))
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
    state = draw_bar(fraction) if fraction is not None else job.get("explanation") or job["status"]
    rest = show_progress({**progress, "fraction": None})
    line.show(" · ".join(part for part in (state, show_cents(job["cost"]["amount"]), rest) if part))


def _dim(app: Application, text: str) -> str:
    return app.paint(text, "dim", is_error_stream=True)
