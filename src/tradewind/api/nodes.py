"""Nodes: what is rented or at hand, who holds it, what it costs; giving one back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.node_desk import stop_node
from tradewind.control.node_detail import node_detail
from tradewind.control.node_lists import Wanted, node_page
from tradewind.control.node_views import node_views
from tradewind.db.store import Transaction
from tradewind.domain.schemas_nodes import NodeDetail, NodeList, NodeStop, NodeView

router = APIRouter(tags=["nodes"])
_Names = Annotated[list[Annotated[str, Query(max_length=64)]] | None, Query(max_length=32)]


@router.get("/nodes")
async def nodes(
    services: ServicesOf,
    caller: CallerOf,
    is_all: Annotated[bool, Query(alias="all")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    state: _Names = None,
    provider: _Names = None,
    kind: Literal["own", "rented"] | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> NodeList:
    """Machines at hand, and rented ones, newest first; `all` lists those that have ended as well."""
    wanted = Wanted(is_all=is_all, states=tuple(state or ()), providers=tuple(provider or ()), kind=kind)
    context = services.context

    def read(tx: Transaction) -> NodeList:
        return node_page(tx, caller, wanted, context.keep_idle, limit=limit, cursor=cursor)

    return await context.store.read(read)


@router.get("/nodes/{reference}")
async def node(reference: str, services: ServicesOf, caller: CallerOf) -> NodeDetail:
    """One node, by its id or name, with who had it and what was paid."""
    context = services.context
    return await context.store.read(lambda tx: node_detail(tx, caller, reference, context.keep_idle))


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
    wanted, context = how or NodeStop(), services.context

    def end(tx: Transaction) -> NodeView:
        return node_views(tx, [stop_node(tx, caller, reference, now=wanted.now)], context.keep_idle)[0]

    return await once(context.store, caller, key, request.url.path, wanted, NodeView, end)
