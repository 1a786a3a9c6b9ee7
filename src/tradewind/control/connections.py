"""What this server reaches connected providers through, kept up to date while it runs.

The rows are the truth: whoever connects a provider commits a row, and every server of the database builds what it needs
from it, at once where it hears of it and within half a minute where it does not. `Context.machines` is the dictionary
that controllers look into; it changes here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from tradewind.control import connection_desk as desk
from tradewind.control.access_seed import load_access
from tradewind.control.context import Context
from tradewind.control.credentials import redact, secret_ones, source_credentials
from tradewind.control.far_nodes import far_node_ids
from tradewind.control.price_credentials import PriceCredentials
from tradewind.db.connection_rows import ConnectionRow
from tradewind.db.sealing import Sealer, purpose_of
from tradewind.domain.errors import InvalidInputError, TradewindError
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_connections import CredentialSource
from tradewind.domain.secrets import Secret
from tradewind.providers.about import About, all_abouts
from tradewind.providers.base import MachineProvider
from tradewind.providers.prices import Wire
from tradewind.providers.renting import Setup
from tradewind.providers.vendor_files import Surroundings

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger(__name__)
_LONGEST_NAP_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What connections need of the world.

    `loads` gives a provider's factory, which imports it; `rentable` the ids of those that rent machines; `listed` the
    catalog's offers of a provider. `is_own_machine` is false where others use this server: then they may not make it
    read its own environment and files, nor call addresses that they name.
    """

    surroundings: Surroundings
    make_http: Callable[[], httpx2.AsyncClient]
    rentable: Callable[[], tuple[str, ...]]
    loads: Callable[[str], Callable[[Setup], MachineProvider]]
    listed: Callable[[str], Awaitable[list[Offer]]]
    is_own_machine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """A connection as this server uses it."""

    row_id: str
    version: int
    credentials: dict[str, Secret]


class Connections:
    """Keeps `context.machines` what the database says, and builds what reaches a provider."""

    def __init__(self, context: Context, sealer: Sealer, outside: Outside, prices: PriceCredentials) -> None:
        self.context = context
        self.sealer = sealer
        self.outside = outside
        self._prices = prices
        self._lock = asyncio.Lock()
        self._built: dict[str, _Built] = {}
        #: Why a connection cannot be used on this server, by its id.
        self._problems: dict[str, str] = {}
        #: Kept to the end: somebody may be in the middle of a call when its connection is replaced.
        self._clients: list[httpx2.AsyncClient] = []
        #: Set once anything can be rented.
        self.has_machines = asyncio.Event()
        #: Called when the credentials that prices are asked with have changed.
        self.on_credentials: Callable[[], Awaitable[None]] | None = None

    # -- what there is -------------------------------------------------------------------------------------------

    def rents(self, provider: str) -> bool:
        """True if this version rents machines there."""
        return provider in self.outside.rentable()

    def uses_others(self, row: ConnectionRow, credentials: Mapping[str, Secret]) -> bool:
        """True if this server works with other credentials for the connection than these."""
        built = self._built.get(row.provider)
        return built is not None and built.row_id == row.id and built.credentials != credentials

    def problem_of(self, row: ConnectionRow) -> str | None:
        """Why this server cannot use a connection, if so."""
        return self._problems.get(row.id)

    # -- keeping up ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follows what this and other servers connect, until cancelled."""
        with self.context.store.wakeups.subscribe(desk.TOPIC) as woken:
            while True:
                woken.clear()
                try:
                    await self.refresh()
                except Exception:
                    # The database may be away for a moment; what is connected stays so.
                    log.exception("connections.refresh_failed")
                await self.context.clock.wait(woken, _LONGEST_NAP_S)

    async def refresh(self) -> None:
        """Builds what has come or changed since the last look, and lets go of what is not connected any more."""
        async with self._lock:
            rows = await self.context.store.read(desk.all_connections)
            # Should two projects have connected one provider at the same moment, all servers use the same one.
            wanted: dict[str, ConnectionRow] = {}
            for row in rows:
                wanted.setdefault(row.provider, row)
            for provider in [each for each in self._built if each not in wanted]:
                self._let_go(provider)
            for row in wanted.values():
                built = self._built.get(row.provider)
                if built is None or (built.row_id, built.version) != (row.id, row.version):
                    await self._take_up(row)
            await self._look_at_hosts()
            kept = {row.id for row in rows}
            self._problems = {key: text for key, text in self._problems.items() if key in kept}
            has_changed = self._prices.take(self._for_prices())
        if has_changed and self.on_credentials is not None:
            await self.on_credentials()

    async def _look_at_hosts(self) -> None:
        """Machines of the user's own over SSH are looked after as rented ones are."""
        far = await self.context.store.read(far_node_ids)
        self.context.far.clear()
        self.context.far.update(far)
        if far:
            self.has_machines.set()

    async def close(self) -> None:
        """Closes every connection to a vendor."""
        for client in self._clients:
            await client.aclose()
        self._clients.clear()

    async def _take_up(self, row: ConnectionRow) -> None:
        credentials: dict[str, Secret] = {}
        client: httpx2.AsyncClient | None = None
        machines: MachineProvider | None = None
        try:
            about = all_abouts().get(row.provider)
            if about is None:
                raise InvalidInputError(f"no provider called {row.provider} is installed on this server")
            credentials = await self.credentials_of(about, row)
            if self.rents(about.id):
                client = self.outside.make_http()
                machines = await self.build(about, credentials, row.settings, client)
        except Exception as error:
            if client is not None:
                await client.aclose()
            self._let_go(row.provider)
            self._note_problem(row, error, credentials)
            return
        if client is not None:
            self._clients.append(client)
        self._problems.pop(row.id, None)
        self._built[row.provider] = _Built(row_id=row.id, version=row.version, credentials=credentials)
        if machines is None:
            self.context.machines.pop(row.provider, None)
        else:
            self.context.machines[row.provider] = machines
            self.has_machines.set()
        log.info("connections.taken_up", provider=row.provider, rents=machines is not None)

    def _note_problem(self, row: ConnectionRow, error: Exception, credentials: Mapping[str, Secret]) -> None:
        about = all_abouts().get(row.provider)
        if isinstance(error, TradewindError):
            said = redact(error.message, secret_ones(about, credentials) if about else credentials)
        else:
            # What an unexpected error says may hold anything.
            said = f"it cannot be loaded ({type(error).__name__})"
        if self._problems.get(row.id) != said:
            log.warning("connections.unusable", provider=row.provider, error=said)
        self._problems[row.id] = said

    def _let_go(self, provider: str) -> None:
        if self._built.pop(provider, None) is not None:
            self.context.machines.pop(provider, None)
            log.info("connections.let_go", provider=provider)

    def _for_prices(self) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for provider in sorted(self._built):
            for name, value in self._built[provider].credentials.items():
                found.setdefault(name, value)
        return found

    # -- credentials and what is built with them -----------------------------------------------------------------

    async def credentials_from(self, about: About, source: CredentialSource) -> dict[str, Secret]:
        """What is in this server's environment, or in the vendor's files. Raises InvalidInputError."""
        return await self.context.offload(source_credentials, about, source, self.outside.surroundings)

    async def credentials_of(self, about: About, row: ConnectionRow) -> dict[str, Secret]:
        """What a connection works with.

        Raises:
            InvalidInputError: something is missing where it is kept.
            SecretKeyError: what is stored does not open.
        """
        source = CredentialSource(row.source)
        if source is not CredentialSource.STORED:
            return await self.credentials_from(about, source)
        if row.secret_ciphertext is None:
            raise InvalidInputError("its credentials are missing", hint=f"`tradewind connect {about.id}`")
        unsealed = await self.context.offload(self.sealer.unseal, row.secret_ciphertext, purpose_of(row.id))
        return {name: Secret(value) for name, value in json.loads(unsealed.reveal()).items()}

    async def build(
        self,
        about: About,
        credentials: Mapping[str, Secret],
        settings: dict[str, Any],
        client: httpx2.AsyncClient,
    ) -> MachineProvider:
        """What rents machines with these credentials. Nobody is asked for anything yet."""
        context = self.context
        access = await load_access(
            context.store, self.sealer, context.entropy, context.offload, context.installation_id
        )
        factory = await context.offload(self.outside.loads, about.id)
        wire = Wire(
            http=client,
            clock=context.clock,
            offload=context.offload,
            credentials={name: value.reveal() for name, value in credentials.items()},
            settings=settings,
        )
        return factory(
            Setup(
                wire=wire,
                entropy=context.entropy,
                access=access,
                listed=lambda: self.outside.listed(about.id),
            )
        )
