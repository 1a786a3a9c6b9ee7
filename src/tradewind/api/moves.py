"""Where jobs run: moving one, and what was decided."""

from __future__ import annotations

from fastapi import APIRouter, Request

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.moving import decisions_of, find_move, make_move
from tradewind.control.submitting import find_job
from tradewind.control.sweep_desk import sweep_now
from tradewind.db.store import Transaction
from tradewind.domain.schemas_moves import DecisionList, MoveRequest, MoveView, SweepRequest, SweepView

router = APIRouter(tags=["jobs"])


@router.post("/jobs/{reference}/migrate")
async def migrate(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    request: Request,
    where: MoveRequest | None = None,
    key: Key = None,
) -> MoveView:
    """Moves a running job to another place: it writes a checkpoint, ends, and goes on there."""
    wanted = where or MoveRequest()
    context = services.context
    move = await find_move(context, caller, reference, wanted.to)
    if wanted.dry_run:
        return move.view

    def begin(tx: Transaction) -> MoveView:
        make_move(tx, caller, move)
        return move.view.model_copy(update={"is_begun": True})

    return await once(context.store, caller, key, request.url.path, wanted, MoveView, begin)


@router.get("/jobs/{reference}/decisions")
async def decisions(reference: str, services: ServicesOf, caller: CallerOf) -> DecisionList:
    """What was decided about where a job runs, with its arithmetic, the newest first."""
    return await services.context.store.read(
        lambda tx: DecisionList(items=decisions_of(tx, find_job(tx, caller, reference)))
    )


@router.post("/sweeps")
async def sweep(services: ServicesOf, caller: CallerOf, how: SweepRequest | None = None) -> SweepView:
    """Looks over every connection for machines that belong to nothing, and gives them back."""
    return await sweep_now(services.context, dry_run=how is not None and how.dry_run)
