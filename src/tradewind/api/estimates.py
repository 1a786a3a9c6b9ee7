"""What a job would take, before it runs, and how good earlier answers were."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.drafting import fill_gaps
from tradewind.control.predicting import fingerprint_of, past_runs, recent_outcomes
from tradewind.db.store import Transaction
from tradewind.domain.schemas_estimate import (
    AccuracyView,
    EstimateRequest,
    EstimateView,
    MemoryAnswer,
    MemoryRequest,
    ModelPage,
)
from tradewind.spec.loading import validate_mapping

router = APIRouter(tags=["estimates"])


@router.post("/estimates", status_code=200)
async def estimate(request: EstimateRequest, services: ServicesOf, caller: CallerOf) -> EstimateView:
    """Memory, hours, money, energy and carbon of a job file on each accelerator it may run on."""
    from tradewind.control.estimating import estimate_job

    spec = validate_mapping(fill_gaps(request.spec) if request.is_draft else request.spec)
    table = await services.catalog.table(caller)
    own = await services.shelf.offers()

    def answer(tx: Transaction) -> EstimateView:
        history = past_runs(tx, caller.project_id, fingerprint_of(spec))
        return estimate_job(spec, request.accelerators, table, own, history, recent_outcomes(tx, caller))

    return await services.context.store.read(answer)


@router.get("/estimates/accuracy")
async def estimate_accuracy(services: ServicesOf, caller: CallerOf) -> AccuracyView:
    """How far the caller's recent estimates were off."""
    from tradewind.control.estimating import accuracy

    return accuracy(await services.context.store.read(lambda tx: recent_outcomes(tx, caller)))


@router.get("/estimates/models")
async def estimate_models(
    caller: CallerOf,
    q: Annotated[str, Query(max_length=128)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
) -> ModelPage:
    """Models that may stand in `estimate.model`, by words of their name."""
    from tradewind.control.model_search import find_models

    return find_models(q, limit)


@router.post("/estimates/memory", status_code=200)
async def estimate_memory(request: MemoryRequest, services: ServicesOf, caller: CallerOf) -> MemoryAnswer:
    """How much accelerator memory the training of a model takes, and the fewest of each accelerator that have it."""
    from tradewind.control.model_search import find_memory

    table = await services.catalog.table(caller)
    return await services.context.offload(find_memory, request, table)
