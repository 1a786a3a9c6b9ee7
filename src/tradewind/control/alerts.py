"""Alerts are looked at, and what they find is told: two controllers, and a watch on the prices.

What an alert found and the messages about it are written in one transaction with what it knows from then on, so a
change is in the outbox once, whatever crashes. A message may go out twice if the server dies between sending it and
noting that: it is sent at least once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import insert, select, update

from tradewind.catalog.alert_texts import tell
from tradewind.catalog.alerts import AlertState, Finding, look
from tradewind.control import leases
from tradewind.control.alert_prices import reference
from tradewind.control.alerting import Alerting
from tradewind.control.context import Context
from tradewind.control.notifying import TIME_LIMIT_S, DeliveryError, Message
from tradewind.control.runner import Apply
from tradewind.db import price_tables
from tradewind.db.alert_rows import AlertRow, ChannelRow, NotificationRow
from tradewind.db.owners import Caller, caller_for
from tradewind.db.sealing import purpose_of
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import InvalidInputError, SecretKeyError
from tradewind.domain.schemas_alerts import AlertCondition

log = structlog.get_logger(__name__)

#: However quiet the prices are, an alert is looked at this often: quiet times end, windows move on.
LOOK_EVERY: Final = timedelta(hours=1)
#: A message that cannot be delivered is given up after this many tries, about two hours.
MOST_TRIES: Final = 8
_FIRST_PAUSE_S: Final = 30.0
_LONGEST_PAUSE_S: Final = 3_600.0
#: How long a message waits behind another of its channel that is under way, if nobody wakes it before.
_BUSY_PAUSE: Final = timedelta(seconds=TIME_LIMIT_S)
_WATCH_EVERY_S: Final = 30.0


class AlertController:
    """Looks at the offers with an alert's eyes."""

    row_type = AlertRow

    def __init__(self, context: Context, alerting: Alerting) -> None:
        self._context = context
        self._alerting = alerting

    async def act(self, row: AlertRow, /) -> Apply[AlertRow]:
        """Compares the offers with what the alert knows. Nothing is told here; that is the outbox's work."""
        store, offload = self._context.store, self._context.offload
        condition = AlertCondition.model_validate(row.condition)
        caller = await store.read(lambda tx: _owner_of(tx, row))
        state = replace(AlertState.from_json(row.state), problem=None)
        highest = None
        try:
            highest = await store.read(lambda tx: reference(tx, caller, condition))
        except InvalidInputError as error:
            state = replace(state, problem=error.message)
        table = await self._alerting.shelf.table(caller)
        state, finding = await offload(look, table, condition, state, self._context.clock.now(), highest)

        def apply(tx: Transaction, current: AlertRow) -> datetime | None:
            if (current.condition, current.state) != (row.condition, row.state):
                # Its owner has changed it in the meantime: what was found is about something else.
                return tx.now
            values: dict[str, Any] = {"state": state.to_json()}
            if finding is not None:
                values["fired_at"] = tx.now
                _note(tx, current, condition, finding)
            table = price_tables.price_alerts
            tx.execute(update(table).where(table.c.id == current.id).values(**values))
            return tx.now + LOOK_EVERY

        return apply


class NotificationController:
    """Delivers what is in the outbox. Of one channel one message at a time, so a slow one holds up only itself."""

    row_type = NotificationRow

    def __init__(self, context: Context, alerting: Alerting) -> None:
        self._context = context
        self._alerting = alerting
        self._busy: set[str] = set()

    async def act(self, row: NotificationRow, /) -> Apply[NotificationRow]:
        """Sends a message that is still to be sent."""
        if row.state != "pending":
            return lambda _tx, _current: None
        if row.channel_id in self._busy:
            return lambda tx, _current: tx.now + _BUSY_PAUSE
        self._busy.add(row.channel_id)
        try:
            error = await self._try(row)
        finally:
            self._busy.discard(row.channel_id)
        return lambda tx, current: self._settle(tx, current, error)

    async def _try(self, row: NotificationRow) -> DeliveryError | None:
        channel = await self._context.store.read(lambda tx: ChannelRow.get(tx, row.channel_id))
        try:
            url = await self._context.offload(
                self._alerting.sealer.unseal, channel.url_ciphertext, purpose_of(channel.id)
            )
            await self._alerting.notifier.send(url, Message(title=row.title, body=row.body))
        except SecretKeyError as error:
            return DeliveryError(error.message, hint=error.hint)
        except DeliveryError as error:
            return error
        return None

    def _settle(self, tx: Transaction, row: NotificationRow, error: DeliveryError | None) -> datetime | None:
        table, tries = price_tables.notifications, row.tries + 1
        values: dict[str, Any] = {"tries": tries, "error": None}
        due_at: datetime | None = None
        if error is None:
            values |= {"state": "sent", "sent_at": tx.now}
        else:
            values["error"] = f"{error.reason}; {error.hint}" if error.hint else error.reason
            if error.is_final or tries >= MOST_TRIES:
                values["state"] = "failed"
            else:
                pause_s = min(_FIRST_PAUSE_S * 2.0 ** (tries - 1), _LONGEST_PAUSE_S)
                due_at = tx.now + timedelta(seconds=pause_s * (0.75 + self._context.entropy.uniform() / 2))
            log.info("notification.not_delivered", row=row.id, tries=tries, reason=error.reason)
        tx.execute(update(table).where(table.c.id == row.id).values(**values))
        waiting = (
            select(table.c.id)
            .where(table.c.channel_id == row.channel_id, table.c.state == "pending", table.c.tries == 0)
            .order_by(table.c.id)
            .limit(1)
        )
        leases.wake(tx, table, *tx.execute(waiting).scalars())
        return due_at


class PriceWatch:
    """Makes every alert due when a price source has a new snapshot."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: dict[str, int] | None = None

    async def run(self) -> None:
        """Runs until cancelled. New prices wake it at once; those of another server are seen within 30 s."""
        store, clock = self._context.store, self._context.clock
        with store.wakeups.subscribe(price_tables.price_sources.name) as woken:
            while True:
                woken.clear()
                try:
                    await self.look()
                except Exception:
                    log.exception("price_watch.failed")
                await clock.wait(woken, _WATCH_EVERY_S)

    async def look(self) -> bool:
        """Compares the versions with those seen last; True if the alerts were woken. The first look wakes them."""
        seen = await self._context.store.read(_versions)
        if seen == self._seen:
            return False
        await self._context.store.run(wake_alerts)
        self._seen = seen
        return True


def wake_alerts(tx: Transaction) -> None:
    """Makes every alert due now."""
    table = price_tables.price_alerts
    leases.wake(tx, table, *tx.execute(select(table.c.id)).scalars())


def _versions(tx: Transaction) -> dict[str, int]:
    table = price_tables.price_sources
    return {row.id: row.snapshot_version for row in tx.execute(select(table.c.id, table.c.snapshot_version))}


def _owner_of(tx: Transaction, row: AlertRow) -> Caller:
    return replace(caller_for(tx, row.creator_id), project_id=row.project_id)


def _note(tx: Transaction, alert: AlertRow, condition: AlertCondition, finding: Finding) -> None:
    """Writes what was found, and a message for each channel unless the alert is muted."""
    title, body = tell(alert.name, condition, finding)
    body = f"{body}\nSeen: {tx.now:%Y-%m-%d %H:%M} UTC."
    owner = {"project_id": alert.project_id, "creator_id": alert.creator_id}
    firing_id = tx.new_id(ids.FIRING)
    tx.execute(
        insert(price_tables.alert_firings).values(
            id=firing_id,
            alert_id=alert.id,
            number=finding.number,
            title=title,
            body=body,
            was_muted=alert.is_muted,
            created_at=tx.now,
            **owner,
        )
    )
    if alert.is_muted:
        return
    for channel_id in dict.fromkeys(alert.channel_ids):
        tx.execute(
            insert(price_tables.notifications).values(
                id=tx.new_id(ids.NOTIFICATION),
                channel_id=channel_id,
                alert_id=alert.id,
                firing_id=firing_id,
                key=f"{alert.id}:{finding.number}:{channel_id}",
                title=title,
                body=body,
                state="pending",
                created_at=tx.now,
                next_due_at=tx.now,
                **owner,
            )
        )
    tx.wake(price_tables.notifications.name)
