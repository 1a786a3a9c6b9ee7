"""How jobs end, as exit codes and as a last word."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tradewind.cli.application import Application
from tradewind.domain.errors import InvalidInputError, TimedOutError, TradewindError

if TYPE_CHECKING:
    from tradewind.domain.schemas import JobDetail

EXIT_UNFINISHED: Final = 101
_EXIT_CODES: Final = {"succeeded": 0, "failed": 100, "cancelled": 103}


def exit_code_of(job: Mapping[str, Any], *, propagate: bool = False) -> int:
    """0, 100, 101 or 103; with `propagate` the exit status of the training process where it has one."""
    if propagate and job["status"] in _EXIT_CODES and job.get("exit_code") is not None:
        return int(job["exit_code"])
    return _EXIT_CODES.get(str(job["status"]), EXIT_UNFINISHED)


def wait_for(app: Application, job: str, timeout: str | None) -> JobDetail:
    """The job once it has ended, or as it is when the time is up."""
    from tradewind.domain.units import parse_duration

    try:
        timeout_s = parse_duration(timeout).total_seconds() if timeout else None
    except ValueError as error:
        raise InvalidInputError(f"--timeout: {error}") from None
    try:
        return app.client.wait(job, timeout_s=timeout_s)
    except TimedOutError:
        view = app.client.job(job)
        app.say(f"{view.name} has not ended after {timeout}; it goes on")
        return view


def last_word(app: Application, job: Mapping[str, Any]) -> str:
    """State, duration, cost, how good the estimate was, checkpoints and last metrics of a job that has ended."""
    from tradewind.cli.wording import show_job

    checkpoint_count = None
    # The summary must not fail because a part of it cannot be had.
    with suppress(TradewindError):
        found = app.client.checkpoints(str(job["id"])).items
        checkpoint_count = sum(each.is_resumable for each in found)
    if "prediction" not in job:
        with suppress(TradewindError):
            prediction = app.client.job(str(job["id"])).prediction
            job = {**job, "prediction": None if prediction is None else prediction.model_dump(mode="json")}
    return show_job(job, app.now(), checkpoint_count=checkpoint_count)
