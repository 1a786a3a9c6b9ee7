"""Metrics of a job over time, read from the agent's records."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.jobs import find_attempt
from tradewind.control.series import read_metrics
from tradewind.control.submitting import find_job
from tradewind.domain.schemas_records import MetricsAnswer

router = APIRouter(tags=["metrics"])


@router.get("/jobs/{reference}/metrics")
async def metrics(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    names: Annotated[list[str] | None, Query()] = None,
    panel: Annotated[list[str] | None, Query()] = None,
    attempt: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None,
    max_points: Annotated[int, Field(ge=2, le=10_000)] = 500,
) -> MetricsAnswer:
    """What the job reported and what the agent measured, thinned to `max_points` per series.

    `panels` says which charts there are; `panel` asks for the series of some of them (`default`: those shown first).
    """
    context = services.context
    job = await context.store.read(lambda tx: find_job(tx, caller, reference))
    row = await context.store.read(lambda tx: find_attempt(tx, job.id, attempt))
    if row is None:
        return MetricsAnswer(job=job.id, attempt=attempt or 0, series=[])
    directory = context.attempt_directory(row.id)
    series, panels = await context.offload(
        read_metrics, directory, set(names or ()), set(panel or ()), max_points
    )
    return MetricsAnswer(job=job.id, attempt=row.number, series=series, panels=panels)
