"""The rental controller: creates a rented machine, watches it, and gives it back until its provider says it is gone.

Nothing rented is ever lost (invariant 1): the intent is committed before the call; a call that may have had its effect
is followed by what the provider declares to be safe; "gone" is written only after the provider said so, and rent counts
until then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import update

from tradewind.control import idling, leases, meeting, refusals
from tradewind.control.connection_desk import is_connected
from tradewind.control.context import Context
from tradewind.control.logins import login_of, login_to_json, merged
from tradewind.control.offer_json import offer_from_json
from tradewind.control.rent_money import NEVER_RAN, prices_to_json, settle_rent
from tradewind.control.renting import describe
from tradewind.control.runner import Apply
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change, set_node_status
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import CreateIdempotency, SelfTermination
from tradewind.domain.status import REASON_TEXT, NodeDesired, NodeStatus, Reason, has_ended
from tradewind.domain.units import format_duration
from tradewind.providers.base import GangProvider, Handle, MachinePhase, MachineProvider, MachineView

log = structlog.get_logger(__name__)
#: A create call that was not answered by then has reached the provider or never will.
CALL_LIFETIME: Final = timedelta(minutes=2)
#: How long a machine lives without another word from us, where the provider can end it by itself.
KEEP: Final = timedelta(minutes=30)
#: A machine whose attempt cannot be reached for so long is given up.
UNREACHABLE: Final = timedelta(minutes=10)
_LOOK_STARTING: Final = timedelta(seconds=3)
_LOOK_READY: Final = timedelta(seconds=30)
_LOOK_ENDING: Final = timedelta(seconds=4)
_LONGEST_LOOK_ENDING: Final = timedelta(minutes=1)
#: Told again after this long, if the machine is still there.
_TELL_AGAIN: Final = timedelta(minutes=1)
#: A machine that does not go away is worth a word after this long.
_OVERDUE: Final = timedelta(minutes=15)
_NO_CONNECTION: Final = timedelta(minutes=5)
_OTHERS_TURN: Final = timedelta(seconds=5)
_TRIES: Final = 4
#: How a provider's no is called in the story of the job.
_REASONS: Final = {ProviderFault.CAPACITY: Reason.NO_CAPACITY, ProviderFault.QUOTA: Reason.NO_QUOTA}
#: After these nobody knows whether something was made.
_UNCERTAIN: Final = frozenset({ProviderFault.AMBIGUOUS, ProviderFault.NOT_FOUND})
#: It runs no more, whether or not something of it is left.
_OVER: Final = frozenset({MachinePhase.GONE, MachinePhase.STOPPED})
#: These may pass by themselves within a minute.
_PASSING: Final = frozenset({ProviderFault.PROVIDER_FAULT, ProviderFault.RATE_LIMIT})


class RentalController:
    """Takes one step of one rented machine at a time."""

    row_type = NodeRow

    def __init__(self, context: Context) -> None:
        self._context = context

    async def act(self, row: NodeRow) -> Apply[NodeRow]:
        if has_ended(row.status):
            return lambda _tx, _row: None
        provider = self._context.machines.get(row.provider)
        if provider is None:
            return _without_connection
        if row.status is NodeStatus.CREATING:
            return await self._create(row, provider)
        if row.status is NodeStatus.TERMINATING:
            return await self._end(row, provider)
        return await self._watch(row, provider)

    # -- creating ------------------------------------------------------------------------------------------------

    async def _create(self, row: NodeRow, provider: MachineProvider) -> Apply[NodeRow]:
        assert row.key is not None
        assert row.offer is not None
        way = provider.capabilities.create_idempotency
        is_wanted = row.desired is NodeDesired.KEEP
        may_exist = row.called_at is not None
        if not may_exist and not is_wanted:
            return lambda tx, node: _refuse(tx, node, Reason.NOT_NEEDED, REASON_TEXT[Reason.NOT_NEEDED])
        may_repeat = way in (CreateIdempotency.TOKEN, CreateIdempotency.UNIQUE_NAME)
        if may_exist and not (may_repeat and is_wanted and not row.observed.get("must_find")):
            return await self._find(row, provider)
        keep_until = leases.claimed_at(row) + KEEP
        if not may_exist:
            # What may have been done must be on disk before it is done.
            await self._context.store.run(lambda tx: _note_call(tx, row), durable=True)
        try:
            offer, gang = offer_from_json(row.offer), row.observed.get(idling.GANG)
            if gang is not None and isinstance(provider, GangProvider):
                handle = await provider.create_member(offer, row.key, keep_until, str(gang))
            else:
                handle = await provider.create(offer, row.key, keep_until)
        except ProviderError as error:
            fault, message, after = error.fault, error.message, error.retry_after_s
            if fault in _UNCERTAIN:
                return _look_later
            if may_exist:
                # An earlier call may have had its effect all the same.
                return lambda tx, node: _must_find(tx, node)
            return lambda tx, node: self._refused(tx, node, fault, message, after)
        return lambda tx, node: _accept(tx, node, handle, keep_until)

    async def _find(self, row: NodeRow, provider: MachineProvider) -> Apply[NodeRow]:
        """Looks for what a call may have made, once the provider's listing would show it."""
        assert row.key is not None
        assert row.called_at is not None
        shows_at = row.called_at + CALL_LIFETIME + provider.capabilities.list_lag
        if leases.claimed_at(row) < shows_at:
            return lambda _tx, _node: shows_at
        if provider.capabilities.create_idempotency is CreateIdempotency.NONE:
            text = "nobody knows whether the machine was made; the sweeper gives it back if it appears"
            return lambda tx, node: _refuse(tx, node, Reason.START_FAILED, text, state="parked")
        found = await provider.find(row.key)
        if found is not None:
            handle, keep_until = found, leases.claimed_at(row) + KEEP
            return lambda tx, node: _accept(tx, node, handle, keep_until)
        if row.desired is NodeDesired.END:
            return lambda tx, node: _refuse(tx, node, Reason.NOT_NEEDED, REASON_TEXT[Reason.NOT_NEEDED])
        return _call_again

    def _refused(
        self, tx: Transaction, node: NodeRow, fault: ProviderFault, message: str, after_s: float | None
    ) -> datetime | None:
        """The provider said no, and nothing was made."""
        tries = int(node.observed.get("tries", 0)) + 1
        if fault in _PASSING and tries < _TRIES and node.desired is NodeDesired.KEEP:
            change(tx, node, called_at=None, observed=node.observed | {"tries": tries})
            return tx.now + timedelta(seconds=max(after_s or 0.0, 2.0**tries))
        _refuse(tx, node, *_note_refusal(tx, node, fault, message))
        return None

    # -- watching ------------------------------------------------------------------------------------------------

    async def _watch(self, row: NodeRow, provider: MachineProvider) -> Apply[NodeRow]:
        if row.desired is NodeDesired.END:
            reason = row.reason or Reason.NOT_NEEDED
            return lambda tx, node: _begin_end(tx, node, reason, node.explanation or REASON_TEXT[reason])
        now = leases.claimed_at(row)
        guarded_until = None
        if row.status is NodeStatus.READY:
            # Before the provider is asked: it is not the provider that the machine must hear from.
            guarded_until = await meeting.keep_guarded(self._context, provider, row, now)
        view = await self._look(row, provider)
        keep_until = row.keep_until
        is_there = view.phase not in _OVER
        if is_there and keep_until is not None and keep_until - now < KEEP / 2:
            await provider.keep(Handle(row.handle or {}), now + KEEP)
            keep_until = now + KEEP
        met = meeting.Meeting()
        if row.status is NodeStatus.STARTING and view.phase is MachinePhase.READY:
            met = await meeting.meet(self._context, row, view.login)

        def apply(tx: Transaction, node: NodeRow, view: MachineView = view) -> datetime | None:
            node, view = _note_fault(tx, node, view)
            node = _take_in(tx, node, view)
            if guarded_until is not None:
                node = change(tx, node, observed=node.observed | {"guarded_until": guarded_until})
            if keep_until != node.keep_until:
                node = change(tx, node, keep_until=keep_until)
            if view.phase is MachinePhase.GONE:
                _gone(tx, node, view, _end_reason(node, view) or Reason.VANISHED)
                return None
            reason = _end_reason(node, view)
            if reason is not None:
                return _begin_end(tx, node, reason, view.explanation or REASON_TEXT[reason])
            if node.attempt_id is None and node.status is NodeStatus.READY:
                return idling.stay_idle(tx, node, self._context.keep_idle) or _end_idle(tx, node)
            if not _is_needed(tx, node):
                if idling.may_stay(tx, node, self._context.keep_idle):
                    return idling.begin_idle(tx, node, self._context.keep_idle)
                return _begin_end(tx, node, Reason.NOT_NEEDED, REASON_TEXT[Reason.NOT_NEEDED])
            if node.status is NodeStatus.STARTING and met.greeting is not None:
                found = meeting.take_in(tx, node, _attempt_of(tx, node), met)
                set_node_status(
                    tx,
                    node,
                    NodeStatus.READY,
                    f"{_name(node)} is ready",
                    ready_at=tx.now,
                    last_seen_at=tx.now,
                    **found,
                )
                _wake_attempt(tx, node)
                refusals.forgive(tx, offer_from_json(node.offer or {}))
                guards = provider.capabilities.self_termination is SelfTermination.POWEROFF_ENDS_BILLING
                return tx.now if guards else tx.now + _LOOK_READY
            if node.status is NodeStatus.STARTING:
                return self._wait_for_boot(tx, meeting.note_trouble(tx, node, met), provider)
            if node.lost_since is not None and tx.now - node.lost_since >= UNREACHABLE:
                text = f"{_name(node)} could not be reached for {format_duration(UNREACHABLE)}"
                return _begin_end(tx, node, Reason.NODE_LOST, text)
            return tx.now + (_LOOK_STARTING if view.reclaim_at is not None else _LOOK_READY)

        return apply

    def _wait_for_boot(self, tx: Transaction, node: NodeRow, provider: MachineProvider) -> datetime:
        timeout = provider.capabilities.boot_timeout
        if tx.now - (node.accepted_at or node.created_at) < timeout:
            return tx.now + _LOOK_STARTING
        text = f"{_name(node)} was not ready after {format_duration(timeout)}"
        if node.observed.get("trouble"):
            text += f": {node.observed['trouble']}"
        refusals.note_refusal(tx, offer_from_json(node.offer or {}), ProviderFault.PROVIDER_FAULT, text)
        return _begin_end(tx, node, Reason.START_FAILED, text)

    async def _look(self, row: NodeRow, provider: MachineProvider) -> MachineView:
        """How the machine is. What the provider does not know is gone, unless it may not show it yet."""
        try:
            return await provider.get(Handle(row.handle or {}))
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
        shown_by = (row.accepted_at or row.created_at) + CALL_LIFETIME + provider.capabilities.list_lag
        if leases.claimed_at(row) < shown_by:
            return MachineView(phase=MachinePhase.UNKNOWN)
        return MachineView(phase=MachinePhase.GONE)

    # -- ending --------------------------------------------------------------------------------------------------

    async def _end(self, row: NodeRow, provider: MachineProvider) -> Apply[NodeRow]:
        view = await self._look(row, provider)
        if view.phase is MachinePhase.GONE:
            reason = row.reason or Reason.NOT_NEEDED
            return lambda tx, node: _gone(tx, _take_in(tx, node, view), view, reason)
        now = leases.claimed_at(row).timestamp()
        told_at = float(row.observed.get("told_at") or 0.0)
        tells = now - told_at >= _TELL_AGAIN.total_seconds()
        if tells:
            await provider.terminate(Handle(row.handle or {}))

        def apply(tx: Transaction, node: NodeRow) -> datetime:
            node = _take_in(tx, node, view)
            if tells:
                node = change(tx, node, observed=node.observed | {"told_at": now})
            asked_at = float(node.observed.get("asked_at") or now)
            waited = timedelta(seconds=max(tx.now.timestamp() - asked_at, 0.0))
            _warn_if_overdue(tx, node, waited)
            return tx.now + min(max(_LOOK_ENDING, waited / 4), _LONGEST_LOOK_ENDING)

        return apply


# -- transitions, each in one transaction ----------------------------------------------------------------------------


def _without_connection(tx: Transaction, node: NodeRow) -> datetime | None:
    """This server does not reach its provider: nothing is forgotten, and rent counts on."""
    if is_connected(tx, node.provider):
        # Another server does, or this one will in a moment.
        return tx.now + _OTHERS_TURN
    if node.status is NodeStatus.CREATING and node.called_at is None:
        # It was to be rented when the connection went: nobody was asked for anything.
        _refuse(tx, node, Reason.REFUSED, f"{node.provider} is not connected any more")
        return None
    if node.job_id is not None and not node.observed.get("no_connection"):
        text = (
            f"{node.provider} is not connected any more: {_name(node)} may still cost money; "
            "connect it again, or end the machine with the provider"
        )
        append_event(tx, node.job_id, "node.unreachable_provider", text, {"node": node.id})
        change(tx, node, observed=node.observed | {"no_connection": True})
    return tx.now + _NO_CONNECTION


def _note_call(tx: Transaction, row: NodeRow) -> None:
    node = leases.reread(tx, NodeRow, row.id, row.lease_token or "")
    change(tx, node, called_at=tx.now)


def _look_later(tx: Transaction, _node: NodeRow) -> datetime:
    """The answer was lost. What may be done now depends on the provider; `called_at` says that something may be."""
    return tx.now + timedelta(seconds=5)


def _must_find(tx: Transaction, node: NodeRow) -> datetime:
    change(tx, node, observed=node.observed | {"must_find": True})
    return tx.now


def _call_again(tx: Transaction, node: NodeRow) -> datetime:
    """Nothing was made by the calls so far: the next one is a first one."""
    observed = {key: value for key, value in node.observed.items() if key != "must_find"}
    change(tx, node, called_at=None, observed=observed)
    return tx.now


def _accept(tx: Transaction, node: NodeRow, handle: Handle, keep_until: datetime) -> datetime:
    _close_intent(tx, node, "fulfilled")
    set_node_status(
        tx, node, NodeStatus.STARTING, f"{_name(node)} is rented: it boots",
        handle=handle.values, accepted_at=tx.now, keep_until=keep_until,
    )  # fmt: skip
    return tx.now + timedelta(seconds=1)


def _refuse(tx: Transaction, node: NodeRow, reason: Reason, text: str, state: str = "failed") -> None:
    _close_intent(tx, node, state)
    set_node_status(tx, node, NodeStatus.REFUSED, text, reason=reason, explanation=text)
    _wake_attempt(tx, node)


def _begin_end(tx: Transaction, node: NodeRow, reason: Reason, text: str) -> datetime:
    observed = node.observed | {"asked_at": tx.now.timestamp()}
    set_node_status(
        tx, node, NodeStatus.TERMINATING, f"{_name(node)} is given back: {text}",
        desired=NodeDesired.END, reason=reason, explanation=text, observed=observed,
    )  # fmt: skip
    _wake_attempt(tx, node)
    return tx.now


def _end_idle(tx: Transaction, node: NodeRow) -> datetime:
    return _begin_end(tx, node, Reason.NOT_NEEDED, "no job needed it for as long as it was to be kept")


def _note_refusal(tx: Transaction, node: NodeRow, fault: ProviderFault, message: str) -> tuple[Reason, str]:
    """Leaves the place alone for a while. Returns how the no is called, and what to say of it."""
    offer = offer_from_json(node.offer or {})
    pause = format_duration(refusals.note_refusal(tx, offer, fault, message) - tx.now)
    return _REASONS.get(fault, Reason.REFUSED), f"{describe(offer)}: {message}; not asked again for {pause}"


def _gone(tx: Transaction, node: NodeRow, view: MachineView, reason: Reason) -> None:
    started = node.billed_from or node.accepted_at or tx.now
    ended_at = max(min(_stopped_at(node) or view.billed_until or tx.now, tx.now), started)
    settle_rent(tx, node, ended_at)
    _close_intent(tx, node, "ended")
    text = node.explanation if node.reason is not None else (view.explanation or REASON_TEXT[reason])
    set_node_status(
        tx,
        node,
        NodeStatus.GONE,
        f"{_name(node)} is gone",
        reason=reason,
        explanation=text,
        ended_at=ended_at,
    )
    _wake_attempt(tx, node)


def _take_in(tx: Transaction, node: NodeRow, view: MachineView) -> NodeRow:
    """Keeps what the provider says of price, billing and an announced end."""
    changes: dict[str, Any] = {}
    observed = dict(node.observed)
    if view.billed_from is not None and node.billed_from is None:
        changes["billed_from"] = view.billed_from
    if view.private_address is not None:
        observed["private_address"] = view.private_address
    login = merged(login_of(observed), view.login)
    if login is not None and login != login_of(observed):
        observed["login"] = login_to_json(login)
    if view.phase is MachinePhase.STOPPED and view.billed_until is not None:
        # Once it is deleted nobody says any more when it stopped.
        observed.setdefault("stopped_at", view.billed_until.isoformat())
    prices = prices_to_json(view.price_changes)
    # A provider that has forgotten the machine tells no prices: what it told before still holds.
    if prices and prices != observed.get("prices"):
        observed["prices"] = prices
    if view.reclaim_at is not None and "reclaim_at" not in observed:
        observed["reclaim_at"] = view.reclaim_at.isoformat()
        if node.job_id is not None:
            text = f"{node.provider} takes {_name(node)} back at {view.reclaim_at:%H:%M:%S} UTC"
            append_event(tx, node.job_id, "node.reclaim_announced", text, {"node": node.id})
        _stop_for_reclaim(tx, node)
    if observed != node.observed:
        changes["observed"] = observed
    return change(tx, node, **changes) if changes else node


def _note_fault(tx: Transaction, node: NodeRow, view: MachineView) -> tuple[NodeRow, MachineView]:
    """A create call that was accepted came to nothing: its place is left alone for a while, as after a no."""
    if view.fault is None or node.status is not NodeStatus.STARTING:
        return node, view
    until = refusals.note_refusal(tx, offer_from_json(node.offer or {}), view.fault, view.explanation)
    said = f"{view.explanation}; not asked again for {format_duration(until - tx.now)}"
    view = replace(view, explanation=said)
    if view.fault not in _REASONS and view.phase not in _OVER:
        return node, view
    return change(tx, node, observed=node.observed | {NEVER_RAN: True}), view


def _end_reason(node: NodeRow, view: MachineView) -> Reason | None:
    """Why it ends, where the provider says so."""
    if view.was_reclaimed:
        is_there = view.phase is not MachinePhase.GONE
        # It never ran, and exists: the next attempt had better look elsewhere.
        return Reason.START_FAILED if is_there and node.status is NodeStatus.STARTING else Reason.RECLAIMED
    if view.fault is None:
        return Reason.VANISHED if view.phase in _OVER else None
    if node.status is NodeStatus.STARTING:
        return _REASONS.get(view.fault, Reason.START_FAILED)
    return Reason.NODE_LOST


def _stopped_at(node: NodeRow) -> datetime | None:
    said = node.observed.get("stopped_at")
    return None if said is None else datetime.fromisoformat(str(said))


def _stop_for_reclaim(tx: Transaction, node: NodeRow) -> None:
    """Tells the attempt to write a checkpoint and end before the machine is taken."""
    attempt = _attempt_of(tx, node)
    if attempt is not None and not has_ended(attempt.status) and attempt.stop_reason is None:
        change(tx, attempt, stop_reason=Reason.RECLAIMED)
        leases.wake(tx, tables.attempts, attempt.id)


def _attempt_of(tx: Transaction, node: NodeRow) -> AttemptRow | None:
    if node.attempt_id is None:
        return None
    return AttemptRow.find(tx, node.attempt_id)


def _is_needed(tx: Transaction, node: NodeRow) -> bool:
    attempt = _attempt_of(tx, node)
    return attempt is not None and not has_ended(attempt.status)


def _close_intent(tx: Transaction, node: NodeRow, state: str) -> None:
    table = tables.intents
    tx.execute(update(table).where(table.c.node_id == node.id).values(state=state, closed_at=tx.now))


def _wake_attempt(tx: Transaction, node: NodeRow) -> None:
    if node.attempt_id is not None:
        leases.wake(tx, tables.attempts, node.attempt_id)


def _warn_if_overdue(tx: Transaction, node: NodeRow, waited: timedelta) -> None:
    """Says once that a machine does not go away: it is never written off."""
    if waited < _OVERDUE or node.observed.get("overdue"):
        return
    log.warning("rental.still_there", node=node.id, provider=node.provider, waited_s=waited.total_seconds())
    change(tx, node, observed=node.observed | {"overdue": True})
    if node.job_id is not None:
        text = (
            f"{_name(node)} is still there {format_duration(waited)} after it was given back, and may cost money; "
            f"it is asked again until {node.provider} confirms that it is gone"
        )
        append_event(tx, node.job_id, "node.overdue", text, {"node": node.id})


def _name(node: NodeRow) -> str:
    offer = node.offer or {}
    return f"{offer.get('instance_type', node.name)} in {offer.get('zone') or offer.get('region') or node.provider}"
