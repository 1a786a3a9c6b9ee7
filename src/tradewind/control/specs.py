"""Job files of jobs, read once: a job's file never changes, and every step of its life asks for it."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any, Final

from tradewind.db.rows import AttemptRow, JobRow
from tradewind.spec.models import JobSpec

_KEPT: Final = 1024
_known: OrderedDict[str, tuple[dict[str, Any], JobSpec]] = OrderedDict()


def spec_of(job: JobRow) -> JobSpec:
    """The job's file."""
    known = _known.get(job.id)
    if known is not None and known[0] == job.spec:
        return known[1]
    spec = JobSpec.model_validate(job.spec)
    _known[job.id] = (job.spec, spec)
    if len(_known) > _KEPT:
        # Another thread may have emptied it meanwhile.
        with contextlib.suppress(KeyError):
            _known.popitem(last=False)
    return spec


#: In what an attempt keeps of where it runs: which of the job's alternatives it is.
ALTERNATIVE: Final = "alternative"


def alternative_of(attempt: AttemptRow) -> int | None:
    """Which of its job's alternatives an attempt is; None where the job has none."""
    return attempt.offer.get(ALTERNATIVE)


def spec_at(job: JobRow, attempt: AttemptRow) -> JobSpec:
    """The job's file with the resources that this attempt was placed for."""
    return spec_of(job).alternative(alternative_of(attempt))


def note_alternative(spec: JobSpec, index: int) -> dict[str, int]:
    """What an attempt keeps of its alternative; nothing for a job that has none."""
    return {ALTERNATIVE: index} if spec.resources.any_of else {}
