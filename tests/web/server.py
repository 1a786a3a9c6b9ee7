"""The real server on the stage's clock: the same controllers, store, routes and guard as in production."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import uvicorn

from tests.simulation.clocks import SeededEntropy, inline
from tests.web.clock import StageClock
from tests.web.clouds import StageCloud, StagePrices
from tests.web.workstation import FarHost, StageKeys, Workstation
from tradewind.api.app import create_app
from tradewind.api.services import Services
from tradewind.catalog.shelf import Catalog
from tradewind.control.alerting import Alerting
from tradewind.control.connections import Connections, Outside
from tradewind.control.context import Context
from tradewind.control.loops import ensure_loops
from tradewind.control.notifying import Message
from tradewind.control.own_settings import OwnSettings
from tradewind.control.planning import OfferShelf
from tradewind.control.price_credentials import PriceCredentials
from tradewind.control.price_sources import Wanted, ensure_sources
from tradewind.control.prices import PriceController, Sources
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import ensure_defaults, store_token
from tradewind.db.sealing import Sealer
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_server import Diagnosis
from tradewind.domain.secrets import Secret
from tradewind.estimate.own_figures import Origin, OwnFigures, PowerPrice, settle
from tradewind.providers.base import Handle, JobPlatform, Login, MachineHost
from tradewind.providers.prices import PriceSource, load_source
from tradewind.providers.vendor_files import Surroundings
from tradewind.server.serving import PAGES
from tradewind.server.wiring import end_leases, loops_of, register_node, run_control_plane
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "token-of-the-stage"
USER = "ana"
#: What config.toml says of the machine that the stage is on.
TOLD = {Origin.CONFIG_FILE: OwnFigures(country="DEU", electricity_price=PowerPrice(amount=Decimal("0.31")))}
TARIFF = settle(TOLD).tariff


class Postman:
    """Takes messages to channels; nothing leaves the machine."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Message]] = []

    async def send(self, url: Secret, message: Message) -> None:
        self.taken.append((url.reveal(), message))


class StageDoctor:
    """Looks the stage over."""

    async def examine(self) -> list[Diagnosis]:
        return [
            Diagnosis(name="database", status="ok", message="SQLite, in order"),
            Diagnosis(
                name="disk",
                status="warning",
                message="2.1 GB free",
                fix="make room, or keep fewer checkpoints with `checkpoints.keep`",
            ),
            Diagnosis(
                name="lyceum",
                status="error",
                message="Lyceum does not take these credentials: the key was revoked",
                fix="run `tradewind connect lyceum`",
            ),
        ]


@dataclass(kw_only=True)
class World:
    """What is there whether or not the server is: clouds, machines, letters."""

    clock: StageClock
    entropy: SeededEntropy
    #: Where ids come from. Apart, because how often the others are asked depends on how busy this machine is.
    names: SeededEntropy
    clouds: dict[str, StageCloud]
    workstation: Workstation
    #: By the name of the host.
    hosts: dict[str, FarHost] = field(default_factory=dict)
    postman: Postman = field(default_factory=Postman)
    sources: dict[str, StagePrices] = field(default_factory=dict)
    #: For how long rented machines are kept for the next job.
    keep_idle: timedelta = timedelta(minutes=12)

    def reach(self, provider: str, handle: Handle, login: Login | None) -> MachineHost:
        """The way to a machine: of a cloud, or of the user's own."""
        if provider in self.clouds:
            return self.clouds[provider].host(handle)
        return self.hosts[str(handle.values["name"])]


class StageServer:
    """One life of the server. It is opened, served and closed in the event loop of the stage."""

    def __init__(self, world: World, state: Path, sock: socket.socket, *, inline_store: bool = True) -> None:
        self.world = world
        self.state = state
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self._sock = sock
        self._inline_store = inline_store
        self._stack = AsyncExitStack()
        self._uvicorn: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.context: Context
        self.services: Services

    async def start(self) -> None:
        """Opens the state, starts the controllers and answers."""
        world, clock, entropy = self.world, self.world.clock, self.world.entropy
        self.state.mkdir(parents=True, exist_ok=True)
        engine = open_sqlite(self.state / "tradewind.db")
        bring_up_to_date(engine)
        store = SqlStore(engine, clock, world.names, inline=self._inline_store)
        self._stack.callback(store.close)
        installation, _ = await store.run(_first_rows)
        local: JobPlatform = world.workstation
        own = OwnSettings(TOLD, look=local.inventory)
        await own.read(store)
        self.context = context = Context(
            store=store,
            clock=clock,
            entropy=entropy,
            backends={local.id: local},
            storage=DiskStorage(self.state / "kept"),
            workdirs=Workdirs(self.state / "workdirs"),
            root=self.state,
            tariff=own.settled.tariff,
            own=own,
            installation_id=installation,
            offload=inline,
            reach=world.reach,
            keep_idle=world.keep_idle,
        )
        await store.run(end_leases)
        await register_node(context, local)
        sealer = Sealer(self.state / "secret.key", entropy)
        credentials = PriceCredentials({})
        catalog, prices = await self._prices(context, credentials)
        connections = await self._connections(context, sealer, catalog, credentials)
        alerting = Alerting(shelf=catalog, notifier=world.postman, sealer=sealer)
        await run_control_plane(context, alerting, prices, connections, self._stack)
        self.services = Services(
            context=context,
            alerting=alerting,
            catalog=catalog,
            connections=connections,
            prices=prices,
            shelf=OfferShelf(context),
            doctor=StageDoctor(),
            hosts=StageKeys(),
            url=self.url,
            started_at=clock.now(),
            database="sqlite",
        )
        await self._serve(create_app(self.services, frozenset(), PAGES))

    async def _prices(
        self, context: Context, credentials: PriceCredentials
    ) -> tuple[Catalog, PriceController]:
        names = ("shipped", *self.world.sources)
        wanted = Wanted()

        def load(name: str) -> PriceSource:
            return self.world.sources[name] if name in self.world.sources else load_source(name)

        sources = Sources(names=names, load=load, environment=credentials, make_http=_no_network)
        store = context.store
        controller = PriceController(store, context.clock, context.entropy, context.offload, sources, wanted)
        await store.run(lambda tx: ensure_sources(tx, names, wanted))
        catalog = Catalog(store, context.offload)
        catalog.on_ask = controller.ask
        return catalog, controller

    async def _connections(
        self, context: Context, sealer: Sealer, catalog: Catalog, credentials: PriceCredentials
    ) -> Connections:
        clouds = self.world.clouds

        async def listed(provider: str) -> list[Offer]:
            return clouds[provider].offers_now()

        outside = Outside(
            surroundings=Surroundings(environment={}, home=self.state / "home"),
            make_http=lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(_refuse)),
            rentable=lambda: tuple(sorted(clouds)),
            loads=lambda provider: lambda setup: clouds[provider].opened(setup.wire.credentials),
            listed=listed,
            is_own_machine=True,
        )
        connections = Connections(context, sealer, outside, credentials)
        await connections.refresh()
        await context.store.run(lambda tx: ensure_loops(tx, loops_of(context)))
        self._stack.push_async_callback(connections.close)
        return connections

    async def _serve(self, app: Any) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=1, http="h11",
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        # The listening socket is the stage's: it stays open while the server is down, so that the port stays its own.
        self._serving = asyncio.ensure_future(self._uvicorn.serve([self._sock.dup()]))
        while not self._uvicorn.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Ends it wherever it is, as a killed process would: what it had begun is found by the next one."""
        if self._uvicorn is not None and self._serving is not None:
            self._uvicorn.should_exit = True
            self._uvicorn.force_exit = True
            await self._serving
            self._cut(self._uvicorn.server_state)
        await self._stack.aclose()
        self.world.clock.forget()

    @staticmethod
    def _cut(state: Any) -> None:
        # The system closes what a killed process had open; streams would stay for ever otherwise, and be silent.
        for task in list(state.tasks):
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()


def _first_rows(tx: Transaction) -> tuple[str, Any]:
    installation, caller = ensure_defaults(tx, USER)
    store_token(tx, caller.user_id, "api", TOKEN, "stage", None)
    return installation, caller


async def _refuse(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError(f"the stage has no network: {request.url.host} was asked")


@asynccontextmanager
async def _no_network() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(_refuse)) as client:
        yield client
