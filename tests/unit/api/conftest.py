"""The real application over an in-memory store, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from tests.simulation.clocks import inline
from tests.unit.catalog.offers_for_tests import offer
from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import a_context
from tests.unit.vendors_for_tests import VendorWorld
from tradewind.api.app import create_app
from tradewind.api.services import Services
from tradewind.catalog.shelf import Catalog
from tradewind.control.alerting import Alerting
from tradewind.control.connections import Connections
from tradewind.control.context import Context
from tradewind.control.notifying import DeliveryError, Message
from tradewind.control.own_settings import OwnSettings
from tradewind.control.planning import OfferShelf
from tradewind.control.price_credentials import PriceCredentials
from tradewind.control.price_sources import Wanted, ensure_sources
from tradewind.control.prices import PriceController, Sources
from tradewind.db import tables
from tradewind.db.owners import Caller, caller_for, store_token
from tradewind.db.sealing import Sealer
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_hosts import HostKeyView, HostProbe
from tradewind.domain.schemas_server import Diagnosis
from tradewind.domain.secrets import Secret
from tradewind.hardware.local import Machine, detect
from tradewind.providers.prices import load_source, source_names


class Shelf:
    """Offers that the test sets."""

    def __init__(self) -> None:
        self.offers: list[Offer] = [offer(3_000_000)]

    async def table(self, caller: Caller) -> OfferTable:
        return OfferTable.of(self.offers)


class Postman:
    """Takes messages, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Message]] = []
        self.error: DeliveryError | None = None

    async def send(self, url: Secret, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append((url.reveal(), message))


class NoDoctor:
    """Has nothing to say."""

    async def examine(self) -> list[Diagnosis]:
        return []


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def postman() -> Postman:
    return Postman()


class NoHosts:
    """A place without SSH: whoever looks at a host key is told so."""

    provider = "ssh"

    async def public_key(self) -> str:
        return "ssh-ed25519 AAAA tests"

    async def see(self, probe: HostProbe, agent_path: str | None) -> HostKeyView:
        raise ProviderError(
            ProviderFault.PROVIDER_FAULT, f"no SSH server answers at {probe.address}:{probe.port}"
        )

    def fingerprint(self, host_key: str) -> str:
        return f"SHA256:{host_key[-8:]}"


@pytest.fixture
def own() -> OwnSettings:
    """Nothing is said of this machine."""

    async def look() -> Machine:
        return detect(Path("/"))

    return OwnSettings({}, look=look)


@pytest.fixture
def context(store: SqlStore, caller: Caller, clock: HandClock, tmp_path: Path, own: OwnSettings) -> Context:
    return a_context(store, clock, tmp_path, own=own)


@pytest.fixture
def alerting(shelf: Shelf, postman: Postman, tmp_path: Path) -> Alerting:
    sealer = Sealer(tmp_path / "config" / "secret.key", SystemEntropy())
    return Alerting(shelf=shelf, notifier=postman, sealer=sealer)


def add_user(tx: Transaction, name: str) -> Caller:
    """Another user of the same team and project."""
    first = tx.execute(tables.team_members.select()).first()
    assert first is not None
    user_id = tx.new_id("user")
    tx.execute(insert(tables.users).values(id=user_id, name=name, created_at=tx.now))
    tx.execute(insert(tables.team_members).values(team_id=first.team_id, user_id=user_id, role="member"))
    return caller_for(tx, user_id)


Api = httpx2.AsyncClient


@pytest.fixture
def world(tmp_path: Path) -> VendorWorld:
    """What connections find outside."""
    return VendorWorld(home=tmp_path / "home")


@pytest.fixture
def connections(context: Context, alerting: Alerting, world: VendorWorld) -> Connections:
    return Connections(context, alerting.sealer, world.outside(), PriceCredentials({}))


@pytest.fixture
async def connect(
    store: SqlStore,
    caller: Caller,
    context: Context,
    alerting: Alerting,
    connections: Connections,
    clock: HandClock,
) -> AsyncIterator[Callable[[str], Api]]:
    """Clients of the users `ana` (who owns the place) and `ben`."""
    wanted = Wanted.parse("shipped")
    prices = PriceController(
        store,
        clock,
        SystemEntropy(),
        inline,
        Sources(names=source_names(), load=load_source, environment={}, make_http=httpx2.AsyncClient),
        wanted,
    )
    catalog = Catalog(store, inline)
    catalog.on_ask = prices.ask
    await store.run(lambda tx: ensure_sources(tx, source_names(), wanted))
    services = Services(
        context=context,
        alerting=alerting,
        catalog=catalog,
        connections=connections,
        prices=prices,
        shelf=OfferShelf(context),
        doctor=NoDoctor(),
        hosts=NoHosts(),
        url="http://127.0.0.1",
        started_at=clock.now(),
        database="sqlite",
    )

    def admit(tx: Transaction) -> None:
        for user in (caller, add_user(tx, "ben")):
            store_token(tx, user.user_id, "api", f"token-of-{user.user_name}", "test", None)

    await store.run(admit)
    app: Any = create_app(services, frozenset())
    clients = []

    def make(user: str) -> Api:
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://127.0.0.1/api/v1",
            headers={"Authorization": f"Bearer token-of-{user}"},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def api(connect: Callable[[str], Api]) -> Api:
    return connect("ana")
