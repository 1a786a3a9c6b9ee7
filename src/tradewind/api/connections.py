"""Providers, and the connections to them. Credentials go in and never come out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.connecting import Connecting
from tradewind.control.connection_desk import find_connection
from tradewind.control.connection_views import connection_page, connection_view, provider_page, provider_view
from tradewind.control.provider_check import check_provider
from tradewind.domain.schemas_check import ProviderCheck
from tradewind.domain.schemas_connections import (
    ConnectionPage,
    ConnectionRequest,
    ConnectionView,
    ProviderPage,
    ProviderView,
)
from tradewind.providers.about import find_about

router = APIRouter(tags=["connections"])
_Provider = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/providers")
async def list_providers(services: ServicesOf, caller: CallerOf) -> ProviderPage:
    """Every provider that is known: what it can do, whether it is connected, and how it is."""
    return await services.context.store.read(
        lambda tx: provider_page(tx, caller, services.connections, services.hosts.provider)
    )


@router.get("/providers/{provider}")
async def show_provider(provider: _Provider, services: ServicesOf, caller: CallerOf) -> ProviderView:
    """One provider, by any of its names."""
    return await services.context.store.read(
        lambda tx: provider_view(tx, caller, services.connections, services.hosts.provider, provider)
    )


@router.post("/providers/{provider}/check")
async def check(provider: _Provider, services: ServicesOf, caller: CallerOf) -> ProviderCheck:
    """Asks a connected provider everything that costs nothing; the answer has nothing of the account in it."""
    return await check_provider(services.context, find_about(provider).id)


@router.get("/connections")
async def list_connections(services: ServicesOf, caller: CallerOf) -> ConnectionPage:
    """The project's connections by provider, without their credentials."""
    return await services.context.store.read(lambda tx: connection_page(tx, caller, services.connections))


@router.get("/connections/{provider}")
async def show_connection(provider: _Provider, services: ServicesOf, caller: CallerOf) -> ConnectionView:
    """One connection: whose the credentials are, and what they allow."""
    row = await services.context.store.read(lambda tx: find_connection(tx, caller, find_about(provider)))
    return connection_view(row, services.connections, services.context.clock.now())


@router.put("/connections/{provider}")
async def put_connection(
    provider: _Provider, request: ConnectionRequest, services: ServicesOf, caller: CallerOf
) -> ConnectionView:
    """Connects a provider, or replaces its connection. Credentials are examined first, and sealed; they take effect at
    once. What the provider does not take is not stored."""
    row = await Connecting(services.connections).connect(caller, provider, request)
    return connection_view(row, services.connections, services.context.clock.now())


@router.delete("/connections/{provider}", status_code=204)
async def delete_connection(provider: _Provider, services: ServicesOf, caller: CallerOf) -> Response:
    """Forgets a connection and its credentials; refused while machines are rented through it."""
    await Connecting(services.connections).disconnect(caller, provider)
    return Response(status_code=204)


@router.post("/connections/{provider}/validate")
async def validate_connection(provider: _Provider, services: ServicesOf, caller: CallerOf) -> ConnectionView:
    """Examines the credentials again; what is wrong with them is in `error`."""
    row = await Connecting(services.connections).validate(caller, provider)
    return connection_view(row, services.connections, services.context.clock.now())
