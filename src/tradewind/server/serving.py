"""Runs the server process: takes the state folder, opens the database, listens, says where it is."""

from __future__ import annotations

import errno
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from tradewind.api.app import create_app
from tradewind.api.guard import hosts_from
from tradewind.api.services import Services
from tradewind.control.planning import OfferShelf
from tradewind.control.price_credentials import PriceCredentials
from tradewind.db.store import SqlStore
from tradewind.domain.clock import Clock, SystemClock, SystemEntropy
from tradewind.domain.errors import ConflictError
from tradewind.server.doctor import ServerDoctor
from tradewind.server.files import announce, read_or_make_token, take_lock, withdraw
from tradewind.server.reaching import Reaching
from tradewind.server.replicas import check_storage, host_id, make_storage
from tradewind.server.settings import Settings
from tradewind.server.wiring import (
    build_alerting,
    build_connections,
    build_context,
    build_prices,
    build_sealer,
    open_store,
    run_control_plane,
)

if TYPE_CHECKING:
    from tradewind.db.listening import Presence
    from tradewind.db.postgres import PostgresStore

log = structlog.get_logger(__name__)
_PORTS_TRIED: Final = 50
#: Where the web application is built to (`make web`).
PAGES: Final = Path(__file__).parent / "static"


def listen(settings: Settings) -> socket.socket:
    """A listening socket on the wanted port, or on the next free one where the user did not insist.

    Raises:
        ConflictError: the port is taken.
    """
    tries = 1 if settings.port_is_fixed else _PORTS_TRIED
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for port in range(settings.port, settings.port + tries):
        # With the protocol named, accepted connections are seen to be TCP and send small answers at once; without,
        # each answer on a kept connection waits 40 ms for the other side's delayed acknowledgement.
        candidate = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((settings.host, port))
        except OSError as error:
            candidate.close()
            if error.errno != errno.EADDRINUSE:
                raise ConflictError(f"cannot listen on {settings.host}:{port}: {error.strerror}") from None
            continue
        candidate.listen(512)
        return candidate
    raise ConflictError(
        f"port {settings.port} is taken",
        hint="give another with --port, or leave it out to take the next free one",
    )


class _Announcing(uvicorn.Server):
    """Announces the address once the server really answers."""

    def __init__(self, config: uvicorn.Config, settings: Settings, url: str) -> None:
        super().__init__(config)
        self._settings = settings
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        announce(self._settings.state, self._url, SystemClock().now())
        log.info("server.ready", url=self._url, pid=os.getpid())


async def _join(
    settings: Settings, store: SqlStore | PostgresStore, clock: Clock, stack: AsyncExitStack
) -> Presence | None:
    """A place among the servers of a database on PostgreSQL; None on SQLite, where the state folder's lock is that."""
    if isinstance(store, SqlStore):
        return None
    from tradewind.db.listening import Presence

    if settings.storage is not None:
        make_storage(settings.storage)
    presence = Presence(store, clock, shares_files=settings.storage is not None)
    stack.push_async_callback(presence.close)
    await presence.join()
    return presence


async def serve(settings: Settings) -> None:
    """Serves until told to end by SIGTERM or SIGINT. Jobs go on; the next server finds them again."""
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.state.chmod(0o700)
    lock = take_lock(settings.state)
    # What a killed server said of itself would send clients to an address that may be somebody else's by now.
    withdraw(settings.state)
    clock, entropy = SystemClock(), SystemEntropy()
    async with AsyncExitStack() as stack:
        stack.callback(os.close, lock)
        store = open_store(settings, clock, entropy)
        stack.callback(store.close)
        token = read_or_make_token(settings.state)
        presence = await _join(settings, store, clock, stack)
        is_alone = presence is None or presence.is_alone
        host = None if presence is None else host_id()
        context = await build_context(settings, store, clock, entropy, token, host=host, is_alone=is_alone)
        if settings.storage is not None:
            check_storage(settings.storage, context.installation_id, is_alone=is_alone)
        sock = listen(settings)
        stack.callback(sock.close)
        address = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{address}:{sock.getsockname()[1]}"
        credentials, sealer = PriceCredentials(os.environ), build_sealer(entropy)
        catalog, prices = await build_prices(settings, context, credentials, is_alone=is_alone)
        alerting = build_alerting(settings, context, catalog, sealer)
        connections = await build_connections(settings, context, sealer, catalog, credentials)
        connections.on_credentials = prices.credentials_changed
        stack.push_async_callback(connections.close)
        reaching = context.reach
        assert isinstance(reaching, Reaching)
        stack.callback(reaching.close)
        if presence is not None:
            await presence.let_others_in()
        await run_control_plane(context, alerting, prices, connections, stack, presence)
        services = Services(
            context=context,
            alerting=alerting,
            catalog=catalog,
            connections=connections,
            prices=prices,
            shelf=OfferShelf(context),
            doctor=ServerDoctor(context),
            hosts=reaching,
            url=url,
            started_at=clock.now(),
            database="sqlite" if presence is None else "postgresql",
        )
        app = create_app(services, hosts_from(settings.allowed_hosts, settings.host), PAGES)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=2,
            http="h11",
        )
        stack.callback(withdraw, settings.state)
        # Once it has shut down, uvicorn sends itself the signal again, which would end the process before the stack
        # unwinds: the controllers would be cut off and the database left open.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        await _Announcing(config, settings, url).serve([sock])
