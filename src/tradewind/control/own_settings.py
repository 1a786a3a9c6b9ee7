"""What is set of the machine that a server is on, while the server runs: electricity, grid, power.

The rows are the truth, and every server of the database follows them. What has begun keeps the rate it began with: an
attempt's offer is written down as it is placed, and nothing here touches one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from sqlalchemy import and_, delete, insert, select, true, update

from tradewind.db import tables
from tradewind.db.owners import Caller, is_owner
from tradewind.db.store import Store, Transaction
from tradewind.domain.errors import ForbiddenError, InvalidInputError, TradewindError
from tradewind.domain.money import Quantity, Rate
from tradewind.estimate.own_figures import (
    Origin,
    OwnFigures,
    PowerPrice,
    Settled,
    check,
    check_watts,
    settle,
)
from tradewind.providers.own_offers import OwnTerms

if TYPE_CHECKING:
    from tradewind.control.context import Context

log = structlog.get_logger(__name__)
#: What servers listen on for changes of settings.
TOPIC: Final = "settings"
_LONGEST_NAP_S: Final = 30.0
#: These are of one machine; the others of all.
_OF_MACHINE: Final = frozenset({"watts_idle", "watts_max"})
_S: Final = tables.installation_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFigures:
    """What was set, and when and by whom last."""

    figures: OwnFigures
    updated_at: datetime | None = None
    updated_by: str | None = None


class Found(Protocol):
    """A machine as it was found: what it is called, and what its parts are thought to draw."""

    @property
    def name(self) -> str: ...
    @property
    def watts_idle(self) -> float: ...
    @property
    def watts_max(self) -> float: ...


class OwnSettings:
    """Keeps the tariff, and what the machine at hand draws, what was told and what is set.

    `told` is what the environment and the configuration file of this server say; `host` names its machine where servers
    on others share the database; `look` finds the machine itself.
    """

    def __init__(
        self,
        told: Mapping[Origin, OwnFigures],
        host: str | None = None,
        *,
        look: Callable[[], Awaitable[Found]],
    ) -> None:
        self.told = dict(told)
        self.host = host
        self.look = look
        self.stored = StoredFigures(figures=OwnFigures())
        self.settled = settle(self.told)

    def terms(self) -> OwnTerms:
        """What the machine at hand costs, emits and draws from now on."""
        tariff = self.settled.tariff
        return OwnTerms(
            rate=Rate(micro_per_unit=tariff.micro_usd_per_kwh, per=Quantity.KWH),
            grams_co2e_per_kwh=tariff.carbon_g_per_kwh,
            watts_idle=self.settled.watts_idle.value,
            watts_max=self.settled.watts_max.value,
        )

    async def read(self, store: Store) -> bool:
        """Looks at what is set. True if something else holds than before."""
        stored = await store.read(lambda tx: read_stored(tx, self.host))
        self.stored = stored
        try:
            settled = settle({**self.told, Origin.SETTINGS: stored.figures})
        except InvalidInputError as error:
            # Set by a server of another version: what held so far still does.
            log.warning("settings.impossible", error=error.message)
            return False
        is_new, self.settled = settled != self.settled, settled
        return is_new

    async def refresh(self, context: Context) -> None:
        """Lets what is set now hold from now on."""
        before = self.settled
        if not await self.read(context.store):
            return
        context.use_tariff(self.settled.tariff)
        log.info("settings.changed", tariff=self.settled.tariff.price_note)
        if (before.watts_idle, before.watts_max) != (self.settled.watts_idle, self.settled.watts_max):
            await _note_power(context)

    async def run(self, context: Context) -> None:
        """Follows what this and other servers set, until cancelled."""
        with context.store.wakeups.subscribe(TOPIC) as woken:
            while True:
                woken.clear()
                try:
                    await self.refresh(context)
                except Exception:
                    # The database may be away for a moment; what holds goes on holding.
                    log.exception("settings.refresh_failed")
                await context.clock.wait(woken, _LONGEST_NAP_S)


async def _note_power(context: Context) -> None:
    """What is placed next is to be metered by what the machine is said to draw now."""
    for backend in list(context.backends.values()):
        try:
            found = asdict(await backend.inventory())
        except TradewindError as error:
            log.warning("settings.no_inventory", provider=backend.id, error=error.message)
            continue
        await context.store.run(partial(_put_inventory, backend.id, context.host, found))


def _put_inventory(provider: str, host: str | None, found: dict[str, Any], tx: Transaction) -> None:
    nodes = tables.nodes
    is_here = true() if host is None else nodes.c.host == host
    own = and_(nodes.c.provider == provider, nodes.c.is_rented.is_(False), is_here)
    tx.execute(update(nodes).where(own).values(inventory=found))


def read_stored(tx: Transaction, host: str | None) -> StoredFigures:
    """What is set for this machine."""
    users = tables.users
    known = {_name(field.name, host): field.name for field in fields(OwnFigures)}
    rows = tx.execute(
        select(_S, users.c.name.label("user_name"))
        .join(users, users.c.id == _S.c.user_id)
        .where(_S.c.name.in_(sorted(known)))
        .order_by(_S.c.updated_at, _S.c.name)
    ).all()
    values = {known[row.name]: _from_json(known[row.name], row.value) for row in rows}
    last = rows[-1] if rows else None
    return StoredFigures(
        figures=OwnFigures(**values),
        updated_at=None if last is None else last.updated_at,
        updated_by=None if last is None else str(last.user_name),
    )


def write_stored(
    tx: Transaction, caller: Caller, host: str | None, figures: OwnFigures, found: tuple[float, float] | None
) -> None:
    """Sets these figures, and unsets those that are None. `found` is what the machine's parts are thought to draw.

    Raises:
        ForbiddenError: the caller is no owner.
        InvalidInputError: a figure is impossible.
    """
    if not is_owner(tx, caller):
        raise ForbiddenError(
            "what counts for the whole installation is set by owners of a team",
            hint="ask an owner of the team",
        )
    check(figures)
    if found is not None and (figures.watts_idle is None) != (figures.watts_max is None):
        check_watts(
            found[0] if figures.watts_idle is None else figures.watts_idle,
            found[1] if figures.watts_max is None else figures.watts_max,
        )
    kept = read_stored(tx, host).figures
    for field in fields(OwnFigures):
        value, name = getattr(figures, field.name), _name(field.name, host)
        if value == getattr(kept, field.name):
            continue
        tx.execute(delete(_S).where(_S.c.name == name))
        if value is not None:
            tx.execute(
                insert(_S).values(name=name, value=_to_json(value), user_id=caller.user_id, updated_at=tx.now)
            )
    tx.wake(TOPIC)


def _name(field: str, host: str | None) -> str:
    return f"local.{field}@{host}" if host is not None and field in _OF_MACHINE else f"local.{field}"


def _to_json(value: Any) -> Any:
    return (
        {"amount": f"{value.amount:f}", "currency": value.currency}
        if isinstance(value, PowerPrice)
        else value
    )


def _from_json(field: str, value: Any) -> Any:
    if field == "electricity_price":
        return PowerPrice(amount=Decimal(value["amount"]), currency=str(value["currency"]))
    return value if isinstance(value, str) else float(value)


def unset_settled(own: OwnSettings, without: str) -> Settled:
    """What would hold if this one figure were not set on the page."""
    stored = {field.name: getattr(own.stored.figures, field.name) for field in fields(OwnFigures)}
    return settle({**own.told, Origin.SETTINGS: OwnFigures(**{**stored, without: None})})
