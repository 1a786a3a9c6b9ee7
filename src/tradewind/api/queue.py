"""What waits for a place, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.queue_views import queue_page
from tradewind.domain.schemas_queue import QueuePage

router = APIRouter(tags=["nodes"])


@router.get("/queue")
async def queue(
    services: ServicesOf,
    caller: CallerOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> QueuePage:
    """Jobs that wait, in the order in which they are looked at, each with why, until when, and what would help."""
    return await services.context.store.read(lambda tx: queue_page(tx, caller, limit=limit, cursor=cursor))
