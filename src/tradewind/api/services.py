"""What the routes work with, and how they get at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request

from tradewind.catalog.shelf import Catalog
from tradewind.control.alerting import Alerting
from tradewind.control.connections import Connections
from tradewind.control.context import Context
from tradewind.control.hosts import HostKeys
from tradewind.control.planning import OfferShelf
from tradewind.control.prices import PriceController
from tradewind.db.owners import Caller
from tradewind.domain.schemas_server import Diagnosis
from tradewind.storage.log_lines import LogReader
from tradewind.storage.log_search import LogSearch


class Doctor(Protocol):
    """Looks the server over."""

    async def examine(self) -> list[Diagnosis]:
        """One line per check."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a route may use. `url` is where the server can be reached."""

    context: Context
    alerting: Alerting
    catalog: Catalog
    connections: Connections
    prices: PriceController
    shelf: OfferShelf
    doctor: Doctor
    hosts: HostKeys
    url: str
    started_at: datetime
    database: str
    log_reader: LogReader = field(default_factory=LogReader)
    log_search: LogSearch = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_search", LogSearch(self.log_reader))


async def services_of(request: Request) -> Services:
    """The services of the application that serves this request.

    A coroutine because a plain function would be sent to a thread for every request.
    """
    services: Services = request.app.state.services
    return services


async def caller_of(request: Request) -> Caller:
    """Who asks; the guard has made sure that there is someone."""
    caller: Caller = request.scope["tradewind.caller"]
    return caller


async def caller_or_nobody(request: Request) -> Caller | None:
    """Who asks, where it may be nobody."""
    return request.scope.get("tradewind.caller")


ServicesOf = Annotated[Services, Depends(services_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
CallerOrNobody = Annotated[Caller | None, Depends(caller_or_nobody)]
