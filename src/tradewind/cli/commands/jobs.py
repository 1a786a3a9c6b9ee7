"""`tradewind jobs …`."""

from __future__ import annotations

from typing import Final

import click

from tradewind.cli.lazy import Lazy, LazyGroup

_AT: Final = "tradewind.cli.commands."
_SECTIONS: Final = {
    "Look": {
        "ls": Lazy(_AT + "job_views:list_jobs", "List jobs, newest first."),
        "show": Lazy(_AT + "job_views:show", "Show one job: state, reason, cost, attempts."),
        "events": Lazy(_AT + "job_views:events", "Show everything that happened to a job."),
        "decisions": Lazy(
            _AT + "job_moves:decisions", "Show why a job runs where it does, with the figures."
        ),
        "metrics": Lazy(_AT + "job_metrics:metrics", "Show what a job reported and what was measured."),
        "checkpoints": Lazy(
            _AT + "checkpoints:list_checkpoints", "List the checkpoints of a job, newest first."
        ),
    },
    "Act": {
        "stop": Lazy(_AT + "job_actions:stop", "Stop jobs: gracefully, or at once with --now."),
        "migrate": Lazy(_AT + "job_moves:migrate", "Move a running job to another place."),
        "retry": Lazy(_AT + "job_actions:retry", "Run a job again, as a new job."),
        "wait": Lazy(_AT + "job_actions:wait", "Wait until a job has ended."),
    },
}


@click.group("jobs", cls=LazyGroup, sections=_SECTIONS)
def jobs() -> None:
    """List, inspect, stop, move, retry and await jobs."""
