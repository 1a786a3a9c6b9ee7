"""A probe: the job itself, run for a short while to see its pace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tradewind.cli.application import Application
from tradewind.cli.commands.run import submit_job
from tradewind.cli.ending import exit_code_of
from tradewind.cli.job_files import JobFile
from tradewind.cli.render import clean
from tradewind.domain.errors import InvalidInputError, TimedOutError
from tradewind.domain.units import format_duration, parse_duration

if TYPE_CHECKING:
    from tradewind.domain.schemas import JobDetail

_LEAST: Final = timedelta(seconds=15)
_LOOK_EVERY_S: Final = 1.0
#: Beyond the probe itself, for a server that stops it where this command was ended; and for its `setup`.
_MARGIN: Final = timedelta(minutes=1)
_SETUP: Final = timedelta(minutes=30)
#: Ends that a probe is meant to have.
_MEANT: Final = frozenset({"max_duration", "stopped_by_user"})


def read_length(text: str) -> timedelta:
    """How long a probe runs.

    Raises:
        InvalidInputError: not a duration, or too short to see a pace in.
    """
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise InvalidInputError(
            f"--probe: {error}", hint="the job file comes first: FILE --probe 60s"
        ) from None
    if length < _LEAST:
        raise InvalidInputError(
            f"--probe {text} is too short to see a pace in", hint=f"give it {format_duration(_LEAST)} or more"
        )
    return length


def probe_job(app: Application, job: JobFile, length: timedelta, *, yes: bool) -> int:
    """Runs the job for this long where it is placed, and says what was seen. The exit code: 0 if a pace could be.

    Raises:
        InvalidInputError: nobody is there to ask and `-y` was not given.
        click.Abort: the answer is no.
    """
    span = format_duration(length)
    app.say(f"A probe runs {clean(job.name)} here and now for {span}, as a job of its own.")
    view = submit_job(app, _as_probe(job, length), yes=yes, question=f"Run {job.name} for {span}?")
    try:
        ended = _until_seen(app, view.id, length)
    except KeyboardInterrupt:
        app.client.stop(view.id)
        raise
    return _say_what_was_seen(app, ended.model_dump(mode="json"))


def _as_probe(job: JobFile, length: timedelta) -> JobFile:
    """The same work under the same name, so that it counts as an earlier run of the job; bounded, and tried once."""
    mapping = dict(job.mapping)
    longest = length + _MARGIN + (_SETUP if mapping.get("setup") else timedelta(0))
    constraints = dict(mapping.get("constraints") or {})
    if constraints.get("max_duration") is not None:
        longest = min(longest, parse_duration(constraints["max_duration"]))
    mapping["constraints"] = {**constraints, "max_duration": f"{longest.total_seconds():g}s"}
    mapping["retry"] = {"interruptions": 0, "failures": 0}
    mapping["tags"] = {**(mapping.get("tags") or {}), "probe": format_duration(length)}
    mapping.pop("outputs", None)
    return replace(job, mapping=mapping)


def _until_seen(app: Application, job_id: str, length: timedelta) -> JobDetail:
    """The job once it has ended: by itself, or stopped after it ran for this long. Its set-up does not count."""
    running_since = None
    is_stopped = False
    while True:
        try:
            return app.client.wait(job_id, timeout_s=_LOOK_EVERY_S)
        except TimedOutError:
            now = app.now()
        if running_since is None and app.client.job(job_id).started_at is not None:
            running_since = now
        if running_since is not None and now - running_since >= length and not is_stopped:
            app.client.stop(job_id)
            is_stopped = True


def _say_what_was_seen(app: Application, job: dict[str, Any]) -> int:
    prediction, progress = job.get("prediction") or {}, job.get("progress") or {}
    if job["status"] == "succeeded":
        app.say("The job came to its end within the probe: that is a whole run, and counts as one.")
        return 0
    if job.get("reason") not in _MEANT:
        app.say(f"The probe {job['status']}: {clean(job.get('explanation') or 'nobody knows why')}")
        app.hint(f"`tradewind logs {job['id']}` shows its output")
        return exit_code_of(job)
    implied = prediction.get("implied_hours")
    if implied is not None:
        done = f"{100 * progress['fraction']:.3g} % of it was done; " if progress.get("fraction") else ""
        app.say(f"{done}at this pace all of it takes {format_duration(implied * 3600)}.".capitalize())
    elif progress.get("fraction") is None:
        app.say("warning: the job reported no progress, so its pace is not known")
        app.hint(
            'have it print lines such as "epoch 3/20", or call `tradewind.report(step=..., total_steps=...)`'
        )
    else:
        app.say("warning: the job reported too little progress to see its pace, or a bar that starts over")
        app.hint("give it more time: `--probe 5m`")
    return 0
