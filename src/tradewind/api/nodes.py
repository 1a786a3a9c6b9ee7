"""Nodes: what is rented or at hand, who holds it, what it costs; giving one back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.node_desk import stop_node
from tradewind.control.node_views import find_node, list_nodes, node_views
from tradewind.db.store import Transaction
from tradewind.domain.schemas_nodes import NodeList, NodeStop, NodeView

router = APIRouter(tags=["nodes"])


@router.get("/nodes")
async def nodes(
    services: ServicesOf,
    caller: CallerOf,
    is_all: Annotated[bool, Query(alias="all")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> NodeList:
    """Machines at hand, and rented ones, newest first; `all` lists those that have ended as well."""

    def read(tx: Transaction) -> NodeList:
        return NodeList(items=node_views(tx, list_nodes(tx, caller, is_all=is_all, limit=limit)))

    return await services.context.store.read(read)


@router.get("/nodes/{reference}")
async def node(reference: str, services: ServicesOf, caller: CallerOf) -> NodeView:
    """One node, by its id or name."""
    return await services.context.store.read(lambda tx: node_views(tx, [find_node(tx, caller, reference)])[0])


@router.post("/nodes/{reference}/stop")
async def stop(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    request: Request,
    how: NodeStop | None = None,
    key: Key = None,
) -> NodeView:
    """Gives a rented machine back. Its job writes a checkpoint first, unless `now`, and goes on elsewhere."""
    wanted = how or NodeStop()

    def end(tx: Transaction) -> NodeView:
        return node_views(tx, [stop_node(tx, caller, reference, now=wanted.now)])[0]

    return await once(services.context.store, caller, key, request.url.path, wanted, NodeView, end)
