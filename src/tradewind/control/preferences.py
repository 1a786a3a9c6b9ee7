"""What a user prefers: places, currency, order, saved views."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import insert, select, update

from tradewind.control.offer_names import resolve_filters, resolve_providers
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_alerts import CurrencyView, Preferences, PreferencesView
from tradewind.estimate.currencies import known_currencies

DEFAULT_CURRENCY: Final = "USD"


def read_preferences(tx: Transaction, caller: Caller) -> PreferencesView:
    """The caller's preferences; a user who never set any has none."""
    row = _row(tx, caller)
    values = Preferences() if row is None else Preferences.model_validate(row._mapping["values"])
    rate = known_currencies()[values.display_currency or DEFAULT_CURRENCY]
    return PreferencesView(
        values=values,
        updated_at=None if row is None else row.updated_at,
        currency=CurrencyView(
            code=rate.code,
            usd_per_unit=str(rate.usd_per_unit),
            source=rate.source,
            as_of=rate.as_of,
            is_assumed=rate.is_assumed,
        ),
        known_currencies=sorted(known_currencies()),
    )


def preferences_of(tx: Transaction, caller: Caller) -> Preferences:
    """What the caller prefers, without what is needed to show it."""
    row = _row(tx, caller)
    return Preferences() if row is None else Preferences.model_validate(row._mapping["values"])


def _row(tx: Transaction, caller: Caller) -> Any:
    table = price_tables.preferences
    return tx.execute(select(table).where(table.c.user_id == caller.user_id)).first()


def write_preferences(tx: Transaction, caller: Caller, values: Preferences) -> PreferencesView:
    """Replaces the caller's preferences.

    Raises:
        InvalidInputError: no rate is known for the display currency.
    """
    currency = values.display_currency
    if currency is not None and currency not in known_currencies():
        raise InvalidInputError(
            f"display_currency: no rate is known for {currency}",
            hint=f"currencies with a rate: {', '.join(sorted(known_currencies()))}",
        )
    table = price_tables.preferences
    row = {"values": _resolve(values).model_dump(mode="json", exclude_none=True), "updated_at": tx.now}
    _lock(tx, caller)
    mine = table.c.user_id == caller.user_id
    if tx.execute(update(table).where(mine).values(row)).rowcount == 0:
        tx.execute(insert(table).values({"user_id": caller.user_id, **row}))
    return read_preferences(tx, caller)


def locked_preferences(tx: Transaction, caller: Caller) -> Preferences:
    """The caller's preferences to be changed and written back: nobody else writes them in between."""
    _lock(tx, caller)
    return read_preferences(tx, caller).values


def _lock(tx: Transaction, caller: Caller) -> None:
    """Two pages that save at once must not lose each other's change, nor both insert."""
    tx.execute(select(tables.users.c.id).where(tables.users.c.id == caller.user_id).with_for_update())


def _resolve(values: Preferences) -> Preferences:
    """The same with the names of providers and accelerators resolved."""
    changed: dict[str, object] = {}
    if values.providers is not None:
        changed["providers"] = resolve_providers(values.providers)
    if values.default_filters is not None:
        changed["default_filters"] = resolve_filters(values.default_filters)
    if values.saved_views is not None:
        changed["saved_views"] = [
            view.model_copy(update={"filters": resolve_filters(view.filters)}) for view in values.saved_views
        ]
    return values.model_copy(update=changed)
