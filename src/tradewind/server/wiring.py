"""Builds the control plane from its parts, in one readable list."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import ColumnElement, insert, select, true, update

from tradewind.catalog.shelf import Catalog
from tradewind.control import leases
from tradewind.control.access_seed import load_access
from tradewind.control.alert_prices import OfferShelf
from tradewind.control.alerting import Alerting
from tradewind.control.alerts import AlertController, NotificationController, PriceWatch
from tradewind.control.attempts import AttemptController
from tradewind.control.budgets import BudgetController
from tradewind.control.connections import Connections, Outside
from tradewind.control.context import Context
from tradewind.control.janitor import Janitor
from tradewind.control.jobs import JobController
from tradewind.control.live_offers import LiveOffers
from tradewind.control.local_runner import LocalRunner
from tradewind.control.loops import MARKET, MIGRATION, RENTALS, SWEEP, ensure_loops
from tradewind.control.market import MarketController
from tradewind.control.migrating import MigrationController
from tradewind.control.nodes import NodeController
from tradewind.control.notifying import AppriseNotifier
from tradewind.control.own_settings import OwnSettings
from tradewind.control.price_credentials import PriceCredentials
from tradewind.control.price_sources import Wanted, ensure_sources
from tradewind.control.prices import PriceController, Sources
from tradewind.control.rentals import RentalController
from tradewind.control.runner import LeaseRunner
from tradewind.control.sweeping import SweepController
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import Caller, ensure_defaults, store_token
from tradewind.db.sealing import Sealer, key_file
from tradewind.db.store import SqlStore, Store, Transaction
from tradewind.domain import ids
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import SecretKeyError
from tradewind.domain.offers import Offer
from tradewind.hardware.local import detect
from tradewind.providers.base import Inventory, JobPlatform
from tradewind.providers.bundle import build_bundle
from tradewind.providers.prices import load_source, source_names
from tradewind.providers.registry import load_provider
from tradewind.providers.renting import load_machines, rentable_providers
from tradewind.providers.vendor_files import Surroundings
from tradewind.server.reaching import Reaching
from tradewind.server.settings import Settings
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

if TYPE_CHECKING:
    import httpx2

    from tradewind.db.listening import Presence
    from tradewind.db.postgres import PostgresStore

# Conditions for the rows of each loop; made once, as statements are compiled once for each.
_IS_MARKET: Final = tables.loops.c.id == MARKET
_IS_MIGRATION: Final = tables.loops.c.id == MIGRATION
_IS_SWEEP: Final = tables.loops.c.id.startswith(SWEEP)
#: What drives a controller.
Runner = LeaseRunner[Any] | LocalRunner[Any]
#: How long to wait for a key file to come back.
_BETWEEN_KEYS_S: Final = 30.0
log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Blocking work away from the event loop."""
    return await asyncio.to_thread(fn, *args, **kwargs)


def open_store(settings: Settings, clock: Clock, entropy: Entropy) -> SqlStore | PostgresStore:
    """The store on PostgreSQL where that is set, else on the state folder's database; at the newest schema."""
    if settings.database_url is not None:
        from tradewind.db.opening_postgres import bring_postgres_up_to_date, open_postgres
        from tradewind.db.postgres import PostgresStore

        postgres = open_postgres(settings.database_url)
        bring_postgres_up_to_date(postgres)
        return PostgresStore(postgres, clock, entropy)
    path = settings.state / "tradewind.db"
    engine = open_sqlite(path)
    bring_up_to_date(engine, backup_of=path)
    return SqlStore(engine, clock, entropy)


async def build_context(
    settings: Settings,
    store: Store,
    clock: Clock,
    entropy: Entropy,
    token: str,
    *,
    host: str | None = None,
    is_alone: bool = True,
) -> Context:
    """The control plane's surroundings, with this machine as the one connected place.

    `host` names the machine where servers on others share the database; `is_alone` says that no other server lives.
    """
    installation_id, _ = await store.run(lambda tx: _first_rows(tx, token), durable=True)
    own = OwnSettings(settings.told, host, look=lambda: in_thread(detect, settings.files))
    await own.read(store)
    agent = await in_thread(build_bundle, settings.state / "agent")
    sealer = build_sealer(entropy)
    local: JobPlatform = load_provider("local")(
        root=settings.files / "attempts",
        agent=agent,
        terms=own.terms,
        offload=in_thread,
    )
    context = Context(
        store=store,
        clock=clock,
        entropy=entropy,
        backends={local.id: local},
        storage=DiskStorage(settings.files / "kept"),
        workdirs=Workdirs(settings.files / "workdirs"),
        root=settings.files,
        tariff=own.settled.tariff,
        own=own,
        installation_id=installation_id,
        offload=in_thread,
        log_cap_bytes=settings.log_cap_bytes,
        keep_idle=settings.keep_idle,
        reach=Reaching(
            lambda: load_access(store, sealer, entropy, in_thread, installation_id),
            agent,
            settings.files / "attempts",
            clock,
            in_thread,
        ),
        host=host,
    )
    if is_alone:
        await store.run(end_leases)
    await store.run(lambda tx: ensure_loops(tx, loops_of(context)))
    for backend in context.backends.values():
        await register_node(context, backend)
    return context


def end_leases(tx: Transaction) -> None:
    # No other server lives, a lock says so: what a killed one held need not run out first.
    for table in (
        tables.jobs,
        tables.attempts,
        tables.nodes,
        tables.loops,
        price_tables.price_alerts,
        price_tables.notifications,
        budget_tables.budgets,
    ):
        leases.end_all(tx, table)


def _first_rows(tx: Transaction, token: str) -> tuple[str, Caller]:
    installation_id, caller = ensure_defaults(tx, _user_name())
    store_token(tx, caller.user_id, "api", token, "local", None)
    return installation_id, caller


def _user_name() -> str:
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return "user"


async def register_node(context: Context, backend: JobPlatform) -> None:
    """Makes sure that the place's node has a row, with what it has now, and is looked after."""
    inventory = await backend.inventory()

    def register(tx: Transaction) -> None:
        _register(tx, backend.id, inventory, context.host)

    await context.store.run(register)


def _register(tx: Transaction, provider: str, inventory: Inventory, host: str | None) -> None:
    table = tables.nodes
    known = tx.execute(
        select(table.c.id)
        .where(table.c.provider == provider, true() if host is None else table.c.host == host)
        .order_by(table.c.id)
        .limit(1)
    ).scalar()
    others = select(table.c.name).where(table.c.provider == provider, table.c.id != (known or ""))
    name = inventory.name
    if name in tx.execute(others).scalars().all():
        # Two machines of one name: the other one keeps it.
        name = f"{name[:120]}-{(host or '')[:6]}"
    values: dict[str, Any] = {
        "name": name,
        "host": host,
        "inventory": asdict(inventory),
        "last_seen_at": tx.now,
        "next_due_at": tx.now,
    }
    if known is not None:
        tx.execute(update(table).where(table.c.id == known).values(**values))
        return
    project = tx.execute(select(tables.projects.c.id).order_by(tables.projects.c.id).limit(1)).scalar_one()
    user = tx.execute(select(tables.users.c.id).order_by(tables.users.c.id).limit(1)).scalar_one()
    tx.execute(
        insert(table).values(
            id=tx.new_id(ids.NODE),
            provider=provider,
            project_id=project,
            creator_id=user,
            created_at=tx.now,
            **values,
        )
    )


def build_alerting(settings: Settings, context: Context, shelf: OfferShelf, sealer: Sealer) -> Alerting:
    """What alerts work with: the offers, Apprise, and the key that addresses are sealed with."""
    return Alerting(
        shelf=shelf,
        notifier=AppriseNotifier(
            context.clock, context.offload, allow_private=settings.allow_private_addresses
        ),
        sealer=sealer,
    )


def build_sealer(entropy: Entropy) -> Sealer:
    """What seals secrets; its key file is read when it is first needed."""
    return Sealer(key_file(), entropy)


async def build_connections(
    settings: Settings, context: Context, sealer: Sealer, catalog: Catalog, credentials: PriceCredentials
) -> Connections:
    """What connected providers are reached through, with everything that is connected already."""

    async def listed(provider: str) -> list[Offer]:
        table = await catalog.table(None)
        words = table.words["provider"]
        if provider not in words:
            return []
        return table.offers((table.codes["provider"] == words.index(provider)).nonzero()[0].tolist())

    outside = Outside(
        surroundings=Surroundings(environment=os.environ, home=Path.home()),
        make_http=_make_vendor_http,
        rentable=rentable_providers,
        loads=load_machines,
        listed=listed,
        is_own_machine=settings.trusts_users,
    )
    connections = Connections(context, sealer, outside, credentials)
    await connections.refresh()
    await context.store.run(lambda tx: ensure_loops(tx, loops_of(context)))
    return connections


async def build_prices(
    settings: Settings, context: Context, credentials: PriceCredentials, *, is_alone: bool = True
) -> tuple[Catalog, PriceController]:
    """The offers, and who keeps them fresh. Raises InvalidInputError when the settings name an unknown source."""
    names, wanted = source_names(), Wanted.parse(settings.price_sources)
    wanted.check(names)
    sources = Sources(names=names, load=load_source, environment=credentials, make_http=_make_http)
    controller = PriceController(
        context.store, context.clock, context.entropy, context.offload, sources, wanted
    )
    await context.store.run(lambda tx: ensure_sources(tx, names, wanted, is_alone=is_alone))
    catalog = Catalog(context.store, context.offload)
    catalog.on_ask = controller.ask
    return catalog, controller


def _make_http() -> httpx2.AsyncClient:
    # Imported when the first list is asked for: a server that nobody asks for offers has no use for it.
    import httpx2

    return httpx2.AsyncClient(timeout=httpx2.Timeout(60.0, connect=10.0), follow_redirects=True)


def _make_vendor_http() -> httpx2.AsyncClient:
    import httpx2

    # No redirects: credentials go where they were meant to go.
    return httpx2.AsyncClient(timeout=httpx2.Timeout(60.0, connect=10.0), follow_redirects=False)


def alert_controllers_of(context: Context, alerting: Alerting) -> list[LeaseRunner[Any]]:
    """The controllers of alerts and of the messages they send, each with its runner."""
    store, clock, entropy = context.store, context.clock, context.entropy
    return [
        LeaseRunner(store, AlertController(context, alerting), clock, entropy, slots=2),
        LeaseRunner(store, NotificationController(context, alerting), clock, entropy, slots=8),
    ]


def controllers_of(context: Context) -> list[Runner]:
    """Every controller of jobs, each with its runner; those of rented machines where a provider rents any."""
    rental: list[Runner] = [*rental_controllers(context)] if context.machines else []
    return [*own_controllers(context), *rental]


def own_controllers(context: Context) -> list[Runner]:
    """The controllers that every server has."""
    store, clock, entropy = context.store, context.clock, context.entropy
    return [
        LocalRunner(store, JobController(), clock, entropy),
        LeaseRunner(
            store, AttemptController(context), clock, entropy, slots=256, only=context.drives_attempt()
        ),
        LeaseRunner(store, NodeController(context), clock, entropy, slots=8, only=context.is_at_hand()),
        LeaseRunner(store, BudgetController(context), clock, entropy, slots=2),
    ]


def rental_controllers(context: Context) -> list[LeaseRunner[Any]]:
    """The controllers of rented machines: who rents them, who looks after them, who finds those that are lost."""
    offers = LiveOffers(context)

    def runner(controller: Any, slots: int, only: ColumnElement[bool], topic: str) -> LeaseRunner[Any]:
        return LeaseRunner(
            context.store, controller, context.clock, context.entropy, slots=slots, only=only, topic=topic
        )

    return [
        runner(RentalController(context), 32, context.is_rental(), RENTALS),
        runner(MarketController(context, offers), 1, _IS_MARKET, MARKET),
        runner(MigrationController(context, offers), 1, _IS_MIGRATION, MIGRATION),
        runner(SweepController(context), 4, _IS_SWEEP, SWEEP),
    ]


def loops_of(context: Context) -> list[str]:
    """The loops that connected providers need."""
    if not context.has_choice:
        return []
    return [MARKET, MIGRATION, *(f"{SWEEP}{name}" for name in context.machines)]


async def _is_reach_ready(context: Context) -> bool:
    if isinstance(context.reach, Reaching):
        try:
            await context.reach.prepare()
        except SecretKeyError as error:
            # Whatever needs no SSH goes on; so does this, once the key file is back.
            log.warning("reach.no_keys", error=error.message)
            return False
    return True


async def _rent_once_connected(context: Context, connections: Connections) -> None:
    """Starts the controllers of rented machines with the first provider that has any; they run on until the end."""
    await connections.has_machines.wait()
    while not await _is_reach_ready(context):
        await context.clock.sleep(_BETWEEN_KEYS_S)
    async with asyncio.TaskGroup() as group:
        for controller in rental_controllers(context):
            group.create_task(controller.run())


async def run_control_plane(
    context: Context,
    alerting: Alerting,
    prices: PriceController,
    connections: Connections,
    stack: AsyncExitStack,
    presence: Presence | None = None,
) -> None:
    """Starts the controllers, the janitor and the watch on the prices; they end with the stack.

    Where there is a presence among other servers, their wake-ups are heard too.
    """
    runners = [*own_controllers(context), *alert_controllers_of(context, alerting)]
    runners.append(LeaseRunner(context.store, prices, context.clock, context.entropy, slots=16))
    loops = [runner.run() for runner in runners]
    loops += [connections.run(), _rent_once_connected(context, connections)]
    loops += [Janitor(context).run(), PriceWatch(context).run()]
    if context.own is not None:
        loops.append(context.own.run(context))
    if presence is not None:
        loops.append(presence.run())
    tasks = [asyncio.create_task(loop) for loop in loops]

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)
