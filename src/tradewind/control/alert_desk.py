"""What users do with channels and alerts. Each sees and changes only their own."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from sqlalchemy import delete, func, insert, select, update

from tradewind.catalog.alerts import AlertState
from tradewind.control.channel_kinds import kind_of
from tradewind.control.offer_names import resolve_filters
from tradewind.db import price_tables
from tradewind.db.alert_rows import AlertRow, ChannelRow
from tradewind.db.owners import Caller, made_by
from tradewind.db.rows import Row
from tradewind.db.sealing import Sealer, has_sealed, purpose_of
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tradewind.domain.schemas_alerts import AlertCondition, AlertPatch, AlertRequest, ChannelRequest

R = TypeVar("R", bound=Row)
MOST_CHANNELS: Final = 50
MOST_ALERTS: Final = 200


def add_channel(tx: Transaction, caller: Caller, sealer: Sealer, request: ChannelRequest) -> ChannelRow:
    """A new channel, its address sealed.

    Raises:
        InvalidInputError: the address is not one that is used.
        ConflictError: the name is taken, or there are too many.
        SecretKeyError: the key to seal it with is missing.
    """
    kind = kind_of(request.url)
    table = price_tables.notification_channels
    _check_new(tx, caller, table, request.name, "channel", MOST_CHANNELS)
    channel_id = tx.new_id(ids.CHANNEL)
    tx.execute(
        insert(table).values(
            id=channel_id,
            project_id=caller.project_id,
            creator_id=caller.user_id,
            name=request.name,
            kind=kind,
            url_ciphertext=sealer.seal(request.url, purpose_of(channel_id), has_sealed=has_sealed(tx)),
            created_at=tx.now,
        )
    )
    return ChannelRow.get(tx, channel_id)


def find_channel(tx: Transaction, caller: Caller, reference: str) -> ChannelRow:
    """The caller's channel with this id or name. Raises NotFoundError."""
    return _find(tx, caller, ChannelRow, reference, ids.CHANNEL, "channel", "tradewind channels ls")


def remove_channel(tx: Transaction, caller: Caller, reference: str) -> ChannelRow:
    """Removes a channel, what was still to be sent on it, and its place in alerts. Returns what was removed."""
    channel = find_channel(tx, caller, reference)
    notifications, alerts = price_tables.notifications, price_tables.price_alerts
    tx.execute(delete(notifications).where(notifications.c.channel_id == channel.id))
    for alert in own_rows(tx, caller, AlertRow):
        if channel.id in alert.channel_ids:
            left = [each for each in alert.channel_ids if each != channel.id]
            tx.execute(update(alerts).where(alerts.c.id == alert.id).values(channel_ids=left))
    table = price_tables.notification_channels
    tx.execute(delete(table).where(table.c.id == channel.id))
    return channel


def add_alert(tx: Transaction, caller: Caller, request: AlertRequest) -> AlertRow:
    """A new alert, due at once.

    Raises:
        NotFoundError: a channel is not there.
        ConflictError: the name is taken, or there are too many.
    """
    table = price_tables.price_alerts
    _check_new(tx, caller, table, request.name, "alert", MOST_ALERTS)
    alert_id = tx.new_id(ids.ALERT)
    tx.execute(
        insert(table).values(
            id=alert_id,
            project_id=caller.project_id,
            creator_id=caller.user_id,
            name=request.name,
            condition=_to_json(request.condition),
            channel_ids=_channel_ids(tx, caller, request.channels),
            state=AlertState().to_json(),
            is_muted=request.is_muted,
            created_at=tx.now,
            next_due_at=tx.now,
        )
    )
    tx.wake(table.name)
    return AlertRow.get(tx, alert_id)


def find_alert(tx: Transaction, caller: Caller, reference: str) -> AlertRow:
    """The caller's alert with this id or name. Raises NotFoundError."""
    return _find(tx, caller, AlertRow, reference, ids.ALERT, "alert", "tradewind alerts ls")


def change_alert(tx: Transaction, caller: Caller, reference: str, patch: AlertPatch) -> AlertRow:
    """An alert, changed. A new condition forgets what was seen, but not how often it has fired."""
    alert = find_alert(tx, caller, reference)
    table = price_tables.price_alerts
    values: dict[str, Any] = {}
    if patch.name is not None and patch.name != alert.name:
        _check_name(tx, caller, table, patch.name, "alert")
        values["name"] = patch.name
    if patch.channels is not None:
        values["channel_ids"] = _channel_ids(tx, caller, patch.channels)
    if patch.is_muted is not None:
        values["is_muted"] = patch.is_muted
    if patch.condition is not None and (condition := _to_json(patch.condition)) != alert.condition:
        number = AlertState.from_json(alert.state).number
        values |= {"condition": condition, "state": AlertState(number=number).to_json()}
        values |= {"next_due_at": tx.now, "wakes": table.c.wakes + 1}
        tx.wake(table.name)
    if values:
        tx.execute(update(table).where(table.c.id == alert.id).values(**values))
    return AlertRow.get(tx, alert.id)


def remove_alert(tx: Transaction, caller: Caller, reference: str) -> AlertRow:
    """Removes an alert with its history, and messages about it that are still to be sent. Returns what was removed."""
    alert = find_alert(tx, caller, reference)
    for table in (price_tables.notifications, price_tables.alert_firings):
        tx.execute(delete(table).where(table.c.alert_id == alert.id))
    alerts = price_tables.price_alerts
    tx.execute(delete(alerts).where(alerts.c.id == alert.id))
    return alert


def own_rows(tx: Transaction, caller: Caller, row_type: type[R]) -> list[R]:
    """All rows of a kind that the caller has made, by name."""
    table = row_type.table
    return [
        row_type.of(row)
        for row in tx.execute(row_type.select().where(made_by(caller, table)).order_by(table.c.name))
    ]


def _find(
    tx: Transaction, caller: Caller, row_type: type[R], reference: str, prefix: str, what: str, lister: str
) -> R:
    table = row_type.table
    by = table.c.id if ids.is_id(reference, prefix) else table.c.name
    row = tx.execute(row_type.select().where(made_by(caller, table), by == reference)).first()
    if row is None:
        raise NotFoundError(f"you have no {what} {reference!r}", hint=f"`{lister}` lists what you have")
    return row_type.of(row)


def _check_new(tx: Transaction, caller: Caller, table: Any, name: str, what: str, most: int) -> None:
    count = tx.execute(select(func.count()).select_from(table).where(made_by(caller, table))).scalar_one()
    if count >= most:
        raise ConflictError(f"you have {count} {what}s, and more are not kept", hint=f"remove a {what} first")
    _check_name(tx, caller, table, name, what)


def _check_name(tx: Transaction, caller: Caller, table: Any, name: str, what: str) -> None:
    # Of all projects: a user's names are unique wherever they work.
    taken = tx.execute(select(table.c.id).where(table.c.creator_id == caller.user_id, table.c.name == name))
    if taken.first() is not None:
        raise ConflictError(
            f"one of your {what}s is called {name!r} already",
            hint=f"give it another name, or remove that {what} first",
        )


def _channel_ids(tx: Transaction, caller: Caller, references: list[str]) -> list[str]:
    try:
        return list(dict.fromkeys(find_channel(tx, caller, each).id for each in references))
    except NotFoundError as error:
        raise InvalidInputError(
            f"channels: {error.message}", hint="`tradewind channels add NAME` makes one"
        ) from None


def _to_json(condition: AlertCondition) -> dict[str, Any]:
    resolved = condition.model_copy(update={"filters": resolve_filters(condition.filters)})
    return resolved.model_dump(mode="json")
