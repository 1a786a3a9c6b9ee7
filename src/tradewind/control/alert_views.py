"""Channels, alerts and firings as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from tradewind.catalog.alert_texts import summarize
from tradewind.catalog.alerts import AlertState
from tradewind.control.alert_desk import find_alert, own_rows
from tradewind.control.alert_words import (
    again_text,
    alert_actions,
    alert_badge,
    channel_actions,
    channel_badge,
    delivery_badge,
    kind_title,
    now_text,
    times,
)
from tradewind.control.views import money_view
from tradewind.db import price_tables
from tradewind.db.alert_rows import AlertRow, ChannelRow
from tradewind.db.owners import Caller, made_by
from tradewind.db.store import Transaction
from tradewind.domain.schemas_alerts import (
    AlertCondition,
    AlertKind,
    AlertPage,
    AlertView,
    AllFirings,
    ChannelPage,
    ChannelReference,
    ChannelView,
    DeliveryView,
    FiringPage,
    FiringView,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def channel_page(tx: Transaction, caller: Caller) -> ChannelPage:
    """The caller's channels by name."""
    return ChannelPage(items=_channel_views(tx, own_rows(tx, caller, ChannelRow)))


def channel_view(tx: Transaction, channel: ChannelRow) -> ChannelView:
    """A channel, without its address, and how its last messages went."""
    return _channel_views(tx, [channel])[0]


def _channel_views(tx: Transaction, channels: list[ChannelRow]) -> list[ChannelView]:
    table = price_tables.notifications
    mine = table.c.channel_id.in_([channel.id for channel in channels])
    newest = select(func.max(table.c.id)).where(mine).group_by(table.c.channel_id)
    last, sent = (
        {
            row.channel_id: row
            for row in tx.execute(select(table).where(table.c.id.in_(newest.where(condition))))
        }
        for condition in (table.c.tries > 0, table.c.state == "sent")
    )
    views = []
    for channel in channels:
        tried, delivered = last.get(channel.id), sent.get(channel.id)
        error = None if tried is None else tried.error
        views.append(
            ChannelView(
                id=channel.id,
                name=channel.name,
                kind=channel.kind,
                created_at=channel.created_at,
                last_sent_at=None if delivered is None else delivered.sent_at,
                last_error=error,
                kind_title=kind_title(channel.kind),
                badge=channel_badge(error, is_used=tried is not None),
                permitted=channel_actions(channel),
            )
        )
    return views


def alert_page(tx: Transaction, caller: Caller) -> AlertPage:
    """The caller's alerts by name."""
    return AlertPage(items=_alert_views(tx, caller, own_rows(tx, caller, AlertRow)))


def alert_view(tx: Transaction, caller: Caller, alert: AlertRow) -> AlertView:
    """An alert, what it saw last, and what its owner should know of it."""
    return _alert_views(tx, caller, [alert])[0]


def _alert_views(tx: Transaction, caller: Caller, alerts: list[AlertRow]) -> list[AlertView]:
    channels = {row.id: row for row in own_rows(tx, caller, ChannelRow)}
    errors = _errors(tx, [alert.id for alert in alerts])
    return [_alert_view(alert, channels, errors.get(alert.id, [])) for alert in alerts]


def _alert_view(alert: AlertRow, channels: dict[str, ChannelRow], errors: list[str]) -> AlertView:
    condition = AlertCondition.model_validate(alert.condition)
    state = AlertState.from_json(alert.state)
    told = [channels[each] for each in alert.channel_ids if each in channels]
    looked_us = state.looked_at_us
    return AlertView(
        id=alert.id,
        name=alert.name,
        summary=summarize(condition),
        condition=condition,
        channels=[ChannelReference(id=row.id, name=row.name, kind=row.kind) for row in told],
        is_muted=alert.is_muted,
        created_at=alert.created_at,
        fired_count=state.number,
        fired_at=alert.fired_at,
        looked_at=None if looked_us is None else _EPOCH + timedelta(microseconds=looked_us),
        best_price=None if state.best_micro is None else money_view(state.best_micro),
        matching_offers=state.matching,
        notes=_notes(condition, state, has_channel=bool(told), errors=errors),
        badge=alert_badge(alert, condition, state, errors, has_channel=bool(told)),
        permitted=alert_actions(alert),
        now_text=now_text(condition, state),
        again_text=again_text(condition),
        fired_text=f"fired {times(state.number)}" if state.number else "has not fired yet",
    )


def all_firings(tx: Transaction, caller: Caller, *, before: str | None, limit: int) -> AllFirings:
    """What all of the caller's alerts have found, newest first."""
    firings, alerts = price_tables.alert_firings, price_tables.price_alerts
    statement = (
        select(firings, alerts.c.name.label("alert_name"))
        .join(alerts, alerts.c.id == firings.c.alert_id)
        .where(made_by(caller, firings))
    )
    if before is not None:
        statement = statement.where(firings.c.id < before)
    rows = list(tx.execute(statement.order_by(firings.c.id.desc()).limit(limit + 1)))
    deliveries = _deliveries(tx, [row.id for row in rows])
    items = [_firing(row, row.alert_name, deliveries[row.id]) for row in rows[:limit]]
    return AllFirings(items=items, next_cursor=items[-1].id if len(rows) > limit else None)


def _firing(row: Any, alert: str, deliveries: list[DeliveryView]) -> FiringView:
    return FiringView(
        id=row.id,
        alert=alert,
        number=row.number,
        at=row.created_at,
        title=row.title,
        body=row.body,
        was_muted=row.was_muted,
        deliveries=deliveries,
    )


def firing_page(
    tx: Transaction, caller: Caller, reference: str, *, before: int | None, limit: int
) -> FiringPage:
    """What an alert has found, newest first, and what became of each message. Raises NotFoundError."""
    alert = find_alert(tx, caller, reference)
    firings = price_tables.alert_firings
    statement = select(firings).where(made_by(caller, firings), firings.c.alert_id == alert.id)
    if before is not None:
        statement = statement.where(firings.c.number < before)
    rows = list(tx.execute(statement.order_by(firings.c.number.desc()).limit(limit + 1)))
    deliveries = _deliveries(tx, [row.id for row in rows])
    items = [_firing(row, alert.name, deliveries[row.id]) for row in rows[:limit]]
    return FiringPage(items=items, next_before=items[-1].number if len(rows) > limit else None)


def _deliveries(tx: Transaction, firing_ids: list[str]) -> dict[str, list[DeliveryView]]:
    table, channels = price_tables.notifications, price_tables.notification_channels
    rows = tx.execute(
        select(table, channels.c.name)
        .join_from(table, channels, channels.c.id == table.c.channel_id)
        .where(table.c.firing_id.in_(firing_ids))
        .order_by(channels.c.name)
    )
    found: dict[str, list[DeliveryView]] = defaultdict(list)
    for row in rows:
        found[row.firing_id].append(
            DeliveryView(
                channel=row.name,
                state=row.state,
                tries=row.tries,
                error=row.error,
                sent_at=row.sent_at,
                badge=delivery_badge(row.name, row.state, row.error),
            )
        )
    return found


def _errors(tx: Transaction, alert_ids: list[str]) -> dict[str, list[str]]:
    """By alert, the messages of its last firing that did not get through, at least not yet."""
    firings, table = price_tables.alert_firings, price_tables.notifications
    last = (
        select(func.max(firings.c.id)).where(firings.c.alert_id.in_(alert_ids)).group_by(firings.c.alert_id)
    )
    rows = tx.execute(
        select(firings.c.alert_id, table.c.error)
        .join(firings, firings.c.id == table.c.firing_id)
        .where(table.c.firing_id.in_(last), table.c.error.is_not(None))
        .distinct()
        .order_by(table.c.error)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.alert_id].append(row.error)
    return found


def _notes(
    condition: AlertCondition, state: AlertState, *, has_channel: bool, errors: list[str]
) -> list[str]:
    notes = [f"the last message was not delivered: {error}" for error in errors]
    if state.problem:
        notes.append(state.problem)
    if not has_channel:
        notes.append("it has no channel: what it finds is kept, and nobody is told")
    if state.matching == 0:
        notes.append("no offer matches its filters now")
    elif condition.kind is AlertKind.AVAILABLE_AGAIN and state.matching and not state.known:
        notes.append("no matching offer says whether it can be had, so it will not fire")
    return notes
