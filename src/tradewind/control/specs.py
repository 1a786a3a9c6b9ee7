"""Job files of jobs, read once: a job's file never changes, and every step of its life asks for it."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any, Final

from tradewind.db.rows import JobRow
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
