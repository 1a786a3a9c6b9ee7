"""The attempt controller: creates, watches, stops and closes one try in one place."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from tradewind.control import health_desk, keeping, leases, money
from tradewind.control.attempt_ends import (
    close_intents,
    end_attempt,
    end_before_start,
    end_with_machine,
    note_reachable,
    note_unreachable,
    status_for,
    with_pruning,
)
from tradewind.control.attempt_steps import (
    BRING_LAST_S,
    BRING_S,
    FINAL_FAULTS,
    LOOK_FOR_MACHINE,
    LOOK_SOON,
    LOOK_UNREACHABLE,
    START_TRIES,
    intent_key,
    next_look,
)
from tradewind.control.context import Context
from tradewind.control.deciding import Verdict, judge
from tradewind.control.gangs import GangSteps
from tradewind.control.ranks import earlier_handles
from tradewind.control.records import Folded, fold
from tradewind.control.rent_money import has_unsettled
from tradewind.control.runner import Apply
from tradewind.control.specs import spec_of
from tradewind.control.starting import (
    GRACE_S,
    LEASE_TTL,
    CheckpointDamagedError,
    build_request,
    start_failure,
)
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change, set_attempt_status
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError, ProviderError, ProviderFault, TooLargeError
from tradewind.domain.status import (
    REASON_TEXT,
    AttemptStatus,
    NodeStatus,
    Reason,
    has_ended,
)
from tradewind.ledger import reservations
from tradewind.providers.base import AttemptHost, Exit, Handle, Observation, Phase
from tradewind.spec.models import JobSpec

V = TypeVar("V")
log = structlog.get_logger(__name__)


class AttemptController:
    """Takes one step of one attempt at a time."""

    row_type = AttemptRow

    def __init__(self, context: Context) -> None:
        self._context = context
        #: Attempts that have not ended here and whose end the place was asked to announce since this process began.
        self._watched: set[str] = set()
        self._gangs = GangSteps(context)

    def prepare(self, tx: Transaction, rows: Sequence[AttemptRow]) -> None:
        """What the steps of these rows will ask for, in one query."""
        reservations.look_up(tx, [row.id for row in rows if row.status is AttemptStatus.RUNNING])

    async def act(self, row: AttemptRow) -> Apply[AttemptRow]:
        if has_ended(row.status):
            return self._release_if_settled
        if row.is_gang:
            return await self._gangs.act(row)
        if row.status is AttemptStatus.CREATING:
            return await self._create(row)
        return await self._watch(row)

    def _release_if_settled(self, tx: Transaction, row: AttemptRow) -> None:
        """Lets go of what was held for a rented machine, once that is confirmed gone: until then it may cost."""
        if row.is_rented and not has_unsettled(tx, row.id):
            money.let_go(tx, row.id)

    # -- creating ------------------------------------------------------------------------------------------------

    async def _create(self, row: AttemptRow) -> Apply[AttemptRow]:
        node = await self._node_of(row)
        if node is not None and node.status is not NodeStatus.READY:
            return self._wait_for_machine(row, node)
        backend = self._context.host_of(row, node)
        key = intent_key(self._context.installation_id, row.id)
        try:
            handle = await backend.find(key)
        except ProviderError:
            if node is None:
                raise
            return lambda tx, current: _out_of_reach(tx, node, current)
        if handle is None and row.stop_reason is not None:
            verdict = Verdict(status_for(row.stop_reason), row.stop_reason, REASON_TEXT[row.stop_reason])
            return lambda tx, current: self._close_unstarted(tx, current, verdict)
        if handle is None:
            job = await self._context.files.get(row.job_id)
            if node is not None and node.is_rented:
                await self._or_later(self._forget_earlier(row, node))
            try:
                request = await build_request(self._context, job, row)
                handle = await backend.submit(request, key)
            except (InvalidInputError, TooLargeError, CheckpointDamagedError, OSError) as error:
                reason, text = start_failure(error)
                failed = AttemptStatus.INTERRUPTED if reason is Reason.START_FAILED else AttemptStatus.FAILED
                damaged = error.checkpoint_id if isinstance(error, CheckpointDamagedError) else None
                verdict = Verdict(failed, reason, text)
                return lambda tx, current: self._close_unstarted(tx, current, verdict, damaged)
            except ProviderError as error:
                if error.fault not in FINAL_FAULTS and row.lease_failures + 1 < START_TRIES:
                    raise
                if error.fault is ProviderFault.AMBIGUOUS:
                    if node is None:
                        raise
                    return lambda tx, current: _out_of_reach(tx, node, current)
                verdict = Verdict(AttemptStatus.INTERRUPTED, Reason.START_FAILED, error.message)
                return lambda tx, current: self._close_unstarted(tx, current, verdict)
        accepted = handle
        await self._watch_end(backend, row, accepted)
        return lambda tx, current: _accept(tx, current, accepted, node)

    async def _node_of(self, row: AttemptRow) -> NodeRow | None:
        """The machine that the attempt is on, where it is reached over a network; None on this one."""
        if not (row.is_rented or row.is_far):
            return None
        node = await self._context.store.read(lambda tx: NodeRow.get(tx, row.node_id))
        return node if node.is_rented or node.is_far else None

    async def _forget_earlier(self, row: AttemptRow, node: NodeRow) -> None:
        """Removes what earlier attempts have left on a machine that was kept for the next one."""
        handles = await self._context.store.read(lambda tx: earlier_handles(tx, node.id, row.id))
        for handle in handles:
            await self._context.machine_of(node).forget(Handle(handle))

    def _wait_for_machine(self, row: AttemptRow, node: NodeRow) -> Apply[AttemptRow]:
        """Nothing has run yet: the attempt waits for its machine, or ends with it."""
        if has_ended(node.status) or node.status is NodeStatus.TERMINATING:
            verdict = end_before_start(row, node)
        elif row.stop_reason is not None:
            reason, text = row.stop_reason, REASON_TEXT[row.stop_reason]
            verdict = Verdict(status_for(reason), reason, text)
        else:
            # The machine's controller wakes it; this is for the case that the wake-up is lost.
            return lambda tx, _current: tx.now + LOOK_FOR_MACHINE
        return lambda tx, current: self._close_unstarted(tx, current, verdict)

    def _close_unstarted(
        self, tx: Transaction, row: AttemptRow, verdict: Verdict, damaged: str | None = None
    ) -> None:
        if damaged is not None:
            keeping.set_damaged(tx, damaged)
        self._end(tx, row, verdict, energy_j=0, ended_at=tx.now, exit_=None)

    # -- watching ------------------------------------------------------------------------------------------------

    async def _watch(self, row: AttemptRow) -> Apply[AttemptRow]:
        context = self._context
        node = await self._node_of(row)
        if node is not None and node.status is NodeStatus.GONE:
            spec = spec_of(await self._context.files.get(row.job_id))
            return self._with_cleaning(
                row, spec, lambda tx, current: self._end_with_machine(tx, current, node)
            )
        backend = context.host_of(row, node)
        handle = Handle(row.handle or {})
        try:
            if row.id not in self._watched:
                await self._watch_end(backend, row, handle)
            told = await self._or_later(self._tell_to_stop(backend, row, handle))
            seen = await backend.poll(handle, row.cursor)
        except (ProviderError, OSError):
            if node is None:
                raise
            return lambda tx, current: _out_of_reach(tx, node, current)
        folded = fold(row.observed, seen.records)
        if told is not None:
            folded.observed["stop_told"] = told
        renewed_at = await self._or_later(self._renew_lease(backend, row, handle, folded))
        wanted = folded.observed.pop("to_bring", {}) | folded.checkpoints
        within_s = BRING_LAST_S if seen.phase is Phase.GONE else BRING_S
        outputs = keeping.Kept()
        try:
            kept = await keeping.copy_checkpoints(context, row, backend, handle, wanted, within_s)
            if seen.phase is Phase.GONE and kept.is_complete:
                spec = spec_of(await context.files.get(row.job_id))
                outputs = await keeping.copy_outputs(context, row, backend, handle, spec, within_s)
        except ProviderError:
            if node is None:
                raise
            # What was seen is seen again: the cursor stays where it was.
            return lambda tx, current: _out_of_reach(tx, node, current)
        copied = kept.copied
        # Until everything is here the attempt stays open, and with it the machine.
        has_ended_here = seen.phase is Phase.GONE and kept.is_complete and outputs.is_complete
        if kept.pending:
            folded.observed["to_bring"] = kept.pending
        if renewed_at is not None:
            folded.observed["lease_renewed_at"] = renewed_at

        def apply(tx: Transaction, current: AttemptRow) -> datetime | None:
            if node is not None and node.lost_since is not None:
                current = note_reachable(tx, node, current)
            current = self._take_in(tx, current, seen, folded)
            if seen.records:
                may_act, job = seen.phase is not Phase.GONE, context.files.known(row.job_id)
                current = health_desk.attend(tx, current, may_act=may_act, job=job)
            keeping.adopt_checkpoints(tx, current, copied)
            for path in kept.spare:
                tx.after_commit(partial(keeping.remove_spare, path))
            for complaint in (*kept.complaints, *outputs.complaints):
                append_event(tx, current.job_id, "attempt.warning", complaint)
            if told is not None:
                current = self._mark_stopping(tx, current)
            if has_ended_here and seen.exit is not None:
                keeping.record_outputs(tx, current, outputs.copied)
                self._end_seen(tx, current, seen.exit)
                return None
            current = money.keep_covered(tx, current, self._context.tariff)
            is_bringing = bool(kept.pending) or seen.phase is Phase.GONE
            return tx.now if is_bringing else tx.now + next_look(current, tx.now)

        if not has_ended_here and not copied:
            return apply
        spec = spec_of(await self._context.files.get(row.job_id))
        if has_ended_here:
            return self._with_cleaning(row, spec, apply)
        return with_pruning(context, row, spec, apply)

    async def _or_later(self, telling: Awaitable[V | None]) -> V | None:
        """Tells the place something; when it cannot be told now, that must not keep us from seeing how it is."""
        try:
            return await telling
        except (ProviderError, OSError) as error:
            log.warning("attempt.not_told", error=repr(error))
            return None

    async def _tell_to_stop(
        self, backend: AttemptHost, row: AttemptRow, handle: Handle
    ) -> list[object] | None:
        """Passes a wish to stop on to the place; again when it has become more urgent. What was told, if anything."""
        if row.stop_reason is None:
            return None
        job = await self._context.store.read(lambda tx: JobRow.get(tx, row.job_id))
        grace_s = GRACE_S if job.stop_grace_s is None else job.stop_grace_s
        wanted: list[object] = [row.stop_reason.value, grace_s]
        if row.observed.get("stop_told") == wanted:
            return None
        await backend.stop(handle, row.stop_reason, grace_s)
        return wanted

    async def _renew_lease(
        self, backend: AttemptHost, row: AttemptRow, handle: Handle, folded: Folded
    ) -> float | None:
        now = leases.claimed_at(row).timestamp()
        last = float(folded.observed.get("lease_renewed_at") or 0)
        if now - last < LEASE_TTL.total_seconds() / 5:
            return None
        await backend.renew(handle, int(now))
        return now

    def _take_in(self, tx: Transaction, row: AttemptRow, seen: Observation, folded: Folded) -> AttemptRow:
        changes: dict[str, object] = {}
        if seen.cursor != row.cursor or folded.observed != row.observed:
            changes = {"cursor": seen.cursor, "observed": folded.observed}
            tx.wake(f"job:{row.job_id}")
        if folded.energy_j is not None:
            changes["energy_j"] = max(row.energy_j, round(folded.energy_j))
        for kind, message, data, at in folded.notices:
            append_event(
                tx, row.job_id, kind, message, data, at=datetime.fromtimestamp(at, UTC) if at else None
            )
        started = row.started_at
        if started is None and folded.running_since_s:
            started = datetime.fromtimestamp(folded.running_since_s, UTC)
            changes["started_at"] = started
        if folded.is_running and row.status is AttemptStatus.STARTING:
            leases.wake(tx, tables.jobs, row.job_id)
            return set_attempt_status(tx, row, AttemptStatus.RUNNING, "the command runs", **changes)
        return change(tx, row, **changes) if changes else row

    def _mark_stopping(self, tx: Transaction, row: AttemptRow) -> AttemptRow:
        if row.status is AttemptStatus.STOPPING:
            return row
        leases.wake(tx, tables.jobs, row.job_id)
        reason = row.stop_reason or Reason.STOPPED_BY_USER
        return set_attempt_status(tx, row, AttemptStatus.STOPPING, f"told to stop: {REASON_TEXT[reason]}")

    async def _watch_end(self, backend: AttemptHost, row: AttemptRow, handle: Handle) -> None:
        self._watched.add(row.id)
        await backend.watch(handle, partial(self._context.nudge, row.id))

    # -- ending --------------------------------------------------------------------------------------------------

    def _end_seen(self, tx: Transaction, row: AttemptRow, exit_: Exit) -> None:
        energy = row.energy_j if exit_.energy_j is None else max(row.energy_j, round(exit_.energy_j))
        # A machine's clock may be off: an attempt never ends before it was accepted or after now.
        ended_at = min(max(exit_.ended_at, row.accepted_at or row.created_at), tx.now)
        verdict = health_desk.conclude(row, judge(exit_, row.stop_reason))
        self._end(tx, row, verdict, energy_j=energy, ended_at=ended_at, exit_=exit_)

    def _end_with_machine(self, tx: Transaction, row: AttemptRow, node: NodeRow) -> None:
        """The machine is confirmed gone: whatever ran there has ended, and how it ended is not known."""
        verdict = end_with_machine(row, node)
        self._end(tx, row, verdict, energy_j=row.energy_j, ended_at=node.ended_at or tx.now, exit_=None)

    def _end(
        self,
        tx: Transaction,
        row: AttemptRow,
        verdict: Verdict,
        *,
        energy_j: int,
        ended_at: datetime,
        exit_: Exit | None,
    ) -> None:
        end_attempt(
            tx,
            self._context.tariff,
            row,
            verdict,
            energy_j=energy_j,
            ended_at=ended_at,
            exit_code=exit_.exit_code if exit_ else None,
            signal=exit_.signal if exit_ else None,
        )

    def _with_cleaning(self, row: AttemptRow, spec: JobSpec, apply: Apply[AttemptRow]) -> Apply[AttemptRow]:
        work = self._context.attempt_directory(row.id) / "work"

        def applied(tx: Transaction, current: AttemptRow) -> datetime | None:
            due = apply(tx, current)
            tx.after_commit(partial(self._forget, row.id, work))
            return due

        return with_pruning(self._context, row, spec, applied)

    def _forget(self, attempt_id: str, work: Path) -> None:
        self._watched.discard(attempt_id)
        shutil.rmtree(work.with_name("incoming"), ignore_errors=True)
        try:
            work.rmdir()
        except OSError:
            shutil.rmtree(work, ignore_errors=True)


def _out_of_reach(tx: Transaction, node: NodeRow, row: AttemptRow) -> datetime:
    note_unreachable(tx, node, row)
    return tx.now + LOOK_UNREACHABLE


def _accept(tx: Transaction, row: AttemptRow, handle: Handle, node: NodeRow | None) -> datetime:
    if node is not None and node.lost_since is not None:
        row = note_reachable(tx, node, row)
    close_intents(tx, row.id, "fulfilled")
    message = f"started on {row.provider}"
    set_attempt_status(tx, row, AttemptStatus.STARTING, message, handle=handle.values, accepted_at=tx.now)
    # Its job is starting already, and stays so until the command runs: nobody need look at it.
    return tx.now + LOOK_SOON
