"""The steps of an attempt on several nodes: all of its ranks start, or none; when one ends badly, all end.

One lease holds the whole attempt: its ranks have rows, but nobody looks after them one by one. The attempt's own row
tells of the first rank what a row of an attempt on one node tells (progress, metrics, health, checkpoints), and of all
of them together status, energy and money.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from tradewind.control import gang_looks, health_desk, keeping, leases, money
from tradewind.control.attempt_ends import (
    close_intents,
    end_attempt,
    end_before_start,
    note_reachable,
    note_unreachable,
    status_for,
    with_pruning,
)
from tradewind.control.attempt_steps import LOOK_FOR_MACHINE, LOOK_SOON, LOOK_UNREACHABLE, next_look
from tradewind.control.context import Context
from tradewind.control.deciding import RankEnd, Verdict, judge_gang
from tradewind.control.gang_looks import Look, Member
from tradewind.control.gang_starts import GangStart, Outcome
from tradewind.control.gang_terms import address_of
from tradewind.control.ranks import name_of_rank, nodes_of, ranks_of
from tradewind.control.records import Folded, fold
from tradewind.control.runner import Apply
from tradewind.control.specs import spec_of
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change, set_attempt_status
from tradewind.db.rows import AttemptRow, NodeRow, RankRow
from tradewind.db.store import Transaction
from tradewind.domain.status import REASON_TEXT, AttemptStatus, NodeStatus, Reason, has_ended

#: What an attempt's `observed` remembers of its gang: that ranks may have been started, and why they are stopped.
_BEGUN: Final = "gang_begun"
_CAUSE: Final = "gang_cause"


@dataclass(frozen=True, slots=True)
class _Stays:
    """A checkpoint or output is still on its way here: the rank stays open, and with it its machine."""

    kept: keeping.Kept
    outputs: keeping.Kept
    is_complete: bool


class GangSteps:
    """Takes one step of one such attempt at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        #: Ranks whose end their place was asked to announce since this process began.
        self._watched: set[str] = set()

    async def act(self, row: AttemptRow) -> Apply[AttemptRow]:
        """What an attempt that has not ended needs now."""
        members = await self._context.store.read(lambda tx: _members(tx, row))
        if row.status is not AttemptStatus.CREATING:
            return await self._watch(row, members)
        if row.observed.get(_BEGUN):
            return await self._start(row, members)
        return await self._prepare(row, members)

    # -- starting ------------------------------------------------------------------------------------------------

    async def _prepare(self, row: AttemptRow, members: list[Member]) -> Apply[AttemptRow]:
        """Nothing has run yet: the attempt waits until every node is there and answers, or ends with one of them."""
        left = next((each.node for each in members if _is_leaving(each.node)), None)
        if left is not None:
            verdict = end_before_start(row, left)
            return lambda tx, current: self._close_unstarted(tx, current, verdict)
        if row.stop_reason is not None:
            verdict = Verdict(status_for(row.stop_reason), row.stop_reason, REASON_TEXT[row.stop_reason])
            return lambda tx, current: self._close_unstarted(tx, current, verdict)
        if any(each.node.status is not NodeStatus.READY for each in members):
            # Their controllers wake it; this is for the case that a wake-up is lost.
            return lambda tx, _current: tx.now + LOOK_FOR_MACHINE
        start = GangStart(self._context, row)
        lost = [
            each for each, answers in zip(members, await start.reach(members), strict=True) if not answers
        ]
        if lost:
            return lambda tx, current: self._wait_for_answer(tx, current, lost)
        # What may have been done must be on disk before it is done.
        row, members = await self._context.store.run(lambda tx: _begin(tx, row), durable=True)
        return await self._start(row, members)

    def _wait_for_answer(self, tx: Transaction, row: AttemptRow, lost: list[Member]) -> datetime | None:
        for each in lost:
            row = note_unreachable(tx, each.node, row)
        given_up = next((each for each in lost if gang_looks.is_given_up(each.node, tx.now)), None)
        if given_up is None:
            return tx.now + LOOK_UNREACHABLE
        text = gang_looks.lost_for_too_long(given_up.node)
        self._close_unstarted(tx, row, Verdict(AttemptStatus.INTERRUPTED, Reason.START_FAILED, text))
        return None

    async def _start(self, row: AttemptRow, members: list[Member]) -> Apply[AttemptRow]:
        """Starts what is not started yet, unless one of them cannot be any more."""
        start = GangStart(self._context, row)
        outcomes = await start.start_all(members, is_off=_is_off(row, members, leases.claimed_at(row)))

        def apply(tx: Transaction, current: AttemptRow) -> datetime | None:
            ranks = ranks_of(tx, current.id)
            for rank, member, outcome in zip(list(ranks), members, outcomes, strict=True):
                current, ranks[rank.number] = _note_outcome(tx, current, rank, member.node, outcome)
            doubtful = [each for each in ranks if each.handle is None and not each.has_ended]
            failed = next((each for each in ranks if each.has_ended), None)
            is_off = failed is not None or _is_off(current, members, tx.now)
            if doubtful and not is_off:
                return tx.now + LOOK_UNREACHABLE
            if failed is not None and all(each.has_ended for each in ranks):
                end = _conclude(current, ranks, members)
                damaged = next((each.damaged for each in outcomes if each.damaged), None)
                self._close_unstarted(tx, current, end.verdict, damaged)
                return None
            current = self._accept(tx, current)
            if is_off:
                _stop_others(tx, current, ranks, members)
            return tx.now if is_off else tx.now + LOOK_SOON

        return apply

    def _accept(self, tx: Transaction, row: AttemptRow) -> AttemptRow:
        close_intents(tx, row.id, "fulfilled")
        message = f"started on {row.nodes} nodes of {row.provider}"
        return set_attempt_status(tx, row, AttemptStatus.STARTING, message, accepted_at=tx.now)

    def _close_unstarted(
        self, tx: Transaction, row: AttemptRow, verdict: Verdict, damaged: str | None = None
    ) -> None:
        if damaged is not None:
            keeping.set_damaged(tx, damaged)
        for rank in ranks_of(tx, row.id):
            if not rank.has_ended:
                change(tx, rank, outcome=verdict.status, reason=verdict.reason, ended_at=tx.now)
        end_attempt(tx, self._context.tariff, row, verdict, energy_j=0, ended_at=tx.now)
        self._clear_after(tx, row)

    # -- watching ------------------------------------------------------------------------------------------------

    async def _watch(self, row: AttemptRow, members: list[Member]) -> Apply[AttemptRow]:
        context = self._context
        now = leases.claimed_at(row)
        looks = await gang_looks.look_at_all(context, row, members, self._watched, now)
        folded = [_fold(row, each.rank, look) for each, look in zip(members, looks, strict=True)]
        spec = spec_of(await context.files.get(row.job_id))
        brought = await self._bring(row, looks[0], folded[0])

        def apply(tx: Transaction, current: AttemptRow) -> datetime | None:
            ranks = ranks_of(tx, current.id)
            before = current
            for member, look, news in zip(members, looks, folded, strict=True):
                number = member.rank.number
                is_kept = number > 0 or brought is None or brought.is_complete
                current, ranks[number] = _take_in(
                    tx, current, ranks[number], member.node, look, news, is_kept
                )
            if brought is not None:
                _keep(tx, current, brought)
            current = _take_in_all(tx, current, ranks, folded[0], looks)
            if any(look.seen is not None and look.seen.records for look in looks):
                is_up = looks[0].seen is not None and not ranks[0].has_ended
                job = context.files.known(row.job_id)
                current = health_desk.attend(tx, current, may_act=is_up, job=job)
            if any(look.told is not None for look in looks):
                current = _mark_stopping(tx, current)
            if all(each.has_ended for each in ranks):
                self._end(tx, current, ranks, members)
                return None
            return self._go_on(tx, current, before, ranks, members, looks, brought)

        if brought is None or not (brought.kept.copied or looks[0].verdict is not None):
            return apply
        return with_pruning(context, row, spec, apply)

    def _go_on(
        self,
        tx: Transaction,
        row: AttemptRow,
        before: AttemptRow,
        ranks: list[RankRow],
        members: list[Member],
        looks: Sequence[Look],
        brought: _Stays | None,
    ) -> datetime:
        row = _stop_others(tx, row, ranks, members)
        if row.stop_reason is None:
            row = money.keep_covered(tx, row, self._context.tariff)
        if row.stop_reason is not before.stop_reason or (brought is not None and not brought.is_complete):
            return tx.now
        if any(look.is_unreachable for look in looks):
            return tx.now + LOOK_UNREACHABLE
        return tx.now + next_look(row, tx.now)

    async def _bring(self, row: AttemptRow, look: Look, news: Folded) -> _Stays | None:
        """Checkpoints of the first rank, and at its end its outputs. None when there is nothing to bring."""
        if look.seen is None or look.host is None or look.handle is None:
            return None
        job = await self._context.files.get(row.job_id)
        try:
            return _Stays(*await gang_looks.bring(self._context, row, look, news, spec_of(job)))
        except gang_looks.OutOfReachError:
            look.forget()
            return None

    # -- ending --------------------------------------------------------------------------------------------------

    def _end(self, tx: Transaction, row: AttemptRow, ranks: list[RankRow], members: list[Member]) -> None:
        end = _conclude(row, ranks, members)
        verdict = health_desk.conclude(row, end.verdict)
        ended_at = max(each.ended_at or tx.now for each in ranks)
        end_attempt(
            tx, self._context.tariff, row, verdict, energy_j=row.energy_j, ended_at=ended_at,
            exit_code=end.exit_code, signal=end.signal,
        )  # fmt: skip
        self._clear_after(tx, row)

    def _clear_after(self, tx: Transaction, row: AttemptRow) -> None:
        names = [name_of_rank(row.id, number) for number in range(row.nodes)]
        tx.after_commit(lambda: self._clear(names))

    def _clear(self, names: Iterable[str]) -> None:
        for name in names:
            self._watched.discard(name)
            directory: Path = self._context.attempt_directory(name)
            shutil.rmtree(directory / "incoming", ignore_errors=True)
            shutil.rmtree(directory / "work", ignore_errors=True)


# -- what is known of all ranks together -----------------------------------------------------------------------------


def _members(tx: Transaction, row: AttemptRow) -> list[Member]:
    ranks = ranks_of(tx, row.id)
    nodes = nodes_of(tx, ranks)
    return [Member(rank, nodes[rank.node_id]) for rank in ranks]


def _begin(tx: Transaction, row: AttemptRow) -> tuple[AttemptRow, list[Member]]:
    """From now on ranks may run. They are told how they reach each other as it is now, and never otherwise."""
    current = leases.reread(tx, AttemptRow, row.id, row.lease_token or "")
    current = change(tx, current, observed={**current.observed, _BEGUN: True})
    members = [
        Member(change(tx, each.rank, address=address_of(each.node)), each.node)
        for each in _members(tx, current)
    ]
    return current, members


def _is_leaving(node: NodeRow) -> bool:
    return has_ended(node.status) or node.status is NodeStatus.TERMINATING


def _is_off(row: AttemptRow, members: list[Member], now: datetime) -> bool:
    """True when the gang can never be whole any more, or is not wanted."""
    return (
        row.stop_reason is not None
        or any(each.rank.has_ended for each in members)
        or any(_is_leaving(each.node) or gang_looks.is_given_up(each.node, now) for each in members)
    )


def _note_outcome(
    tx: Transaction, row: AttemptRow, rank: RankRow, node: NodeRow, outcome: Outcome
) -> tuple[AttemptRow, RankRow]:
    if outcome.is_unreachable:
        row = note_unreachable(tx, node, row)
    elif node.lost_since is not None and outcome.handle is not None:
        row = note_reachable(tx, node, row)
    if rank.has_ended:
        return row, rank
    if outcome.handle is not None and rank.handle is None:
        return row, change(tx, rank, handle=outcome.handle.values, accepted_at=tx.now)
    if outcome.verdict is not None:
        return row, _end_rank(tx, row, rank, node, outcome.verdict, tx.now)
    if outcome.tries != int(rank.observed.get("tries") or 0):
        rank = change(tx, rank, observed={**rank.observed, "tries": outcome.tries})
    return row, rank


def _fold(row: AttemptRow, rank: RankRow, look: Look) -> Folded:
    records = [] if look.seen is None else look.seen.records
    return fold(rank.observed if rank.number else row.observed, records)


def _take_in(
    tx: Transaction,
    row: AttemptRow,
    rank: RankRow,
    node: NodeRow,
    look: Look,
    news: Folded,
    is_kept: bool,
) -> tuple[AttemptRow, RankRow]:
    """What was seen of one rank goes into its row, and what users should know into the job's story."""
    if rank.has_ended:
        return row, rank
    if look.is_unreachable:
        return note_unreachable(tx, node, row), rank
    if node.lost_since is not None and look.seen is not None:
        row = note_reachable(tx, node, row)
    changes: dict[str, Any] = {}
    if look.handle is not None and rank.handle is None:
        changes |= {"handle": look.handle.values, "accepted_at": tx.now}
    if look.seen is not None:
        changes |= _news_of(tx, row, rank, look, news)
    changes = {name: value for name, value in changes.items() if getattr(rank, name) != value}
    if changes:
        rank = change(tx, rank, **changes)
    if look.verdict is not None and is_kept:
        ended_at = look.ended_at or tx.now
        if look.seen is not None and look.seen.exit is not None:
            # A machine's clock may be off: a rank never ends before it was accepted or after now.
            ended_at = min(max(ended_at, rank.accepted_at or rank.created_at), tx.now)
            if look.seen.exit.energy_j is not None:
                rank = change(tx, rank, energy_j=max(rank.energy_j, round(look.seen.exit.energy_j)))
        rank = _end_rank(tx, row, rank, node, look.verdict, min(ended_at, tx.now), look)
    return row, rank


def _news_of(tx: Transaction, row: AttemptRow, rank: RankRow, look: Look, news: Folded) -> dict[str, Any]:
    assert look.seen is not None
    kept = dict(news.observed) if rank.number else dict(rank.observed)
    for name, value in (("stop_told", look.told), ("lease_renewed_at", look.renewed_at)):
        if value is not None:
            kept[name] = value
    if rank.number == 0 and news.is_running:
        kept["phase"] = "running"
    changes: dict[str, Any] = {"cursor": look.seen.cursor, "observed": kept}
    if news.energy_j is not None:
        changes["energy_j"] = max(rank.energy_j, round(news.energy_j))
    if rank.started_at is None and news.running_since_s:
        changes["started_at"] = datetime.fromtimestamp(news.running_since_s, UTC)
    for kind, message, data, at in news.notices:
        said = message if rank.number == 0 else f"rank {rank.number}: {message}"
        when = datetime.fromtimestamp(at, UTC) if at else None
        append_event(tx, row.job_id, kind, said, {**data, "rank": rank.number}, at=when)
    return changes


def _end_rank(
    tx: Transaction,
    row: AttemptRow,
    rank: RankRow,
    node: NodeRow,
    verdict: Verdict,
    at: datetime,
    look: Look | None = None,
) -> RankRow:
    exit_ = None if look is None or look.seen is None else look.seen.exit
    name = gang_looks.name_of(rank, node)
    data = {"attempt": row.number, "rank": rank.number, "reason": verdict.reason}
    append_event(tx, row.job_id, "attempt.rank_ended", f"{name}: {verdict.explanation}", data)
    return change(
        tx,
        rank,
        outcome=verdict.status,
        reason=verdict.reason,
        explanation=verdict.explanation,
        exit_code=None if exit_ is None else exit_.exit_code,
        signal=None if exit_ is None else exit_.signal,
        ended_at=at,
    )


def _take_in_all(
    tx: Transaction, row: AttemptRow, ranks: list[RankRow], first: Folded, looks: Sequence[Look]
) -> AttemptRow:
    """The attempt's own row: the first rank's story, the energy of all, and that all of them run."""
    observed = row.observed
    if looks[0].seen is not None:
        # What this step itself has noted on the row stays.
        noted: dict[str, Any] = {key: row.observed[key] for key in ("health", _CAUSE) if key in row.observed}
        observed = {**first.observed, **noted}
    errors = dict(observed.get("gpu_errors") or {})
    for rank in ranks[1:]:
        errors |= rank.observed.get("gpu_errors") or {}
    if errors:
        observed = {**observed, "gpu_errors": errors}
    changes: dict[str, Any] = {
        "observed": observed,
        "energy_j": max(row.energy_j, sum(r.energy_j for r in ranks)),
    }
    starts = [each.started_at for each in ranks if each.started_at is not None]
    runs = len(starts) == len(ranks)
    if runs and row.started_at is None:
        changes["started_at"] = max(starts)
    changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if "observed" in changes:
        tx.wake(f"job:{row.job_id}")
    if runs and row.status is AttemptStatus.STARTING:
        leases.wake(tx, tables.jobs, row.job_id)
        text = f"the command runs on {len(ranks)} nodes"
        return set_attempt_status(tx, row, AttemptStatus.RUNNING, text, **changes)
    return change(tx, row, **changes) if changes else row


def _keep(tx: Transaction, row: AttemptRow, brought: _Stays) -> None:
    keeping.adopt_checkpoints(tx, row, brought.kept.copied)
    for path in brought.kept.spare:
        tx.after_commit(partial(keeping.remove_spare, path))
    for complaint in (*brought.kept.complaints, *brought.outputs.complaints):
        append_event(tx, row.job_id, "attempt.warning", complaint)
    if brought.is_complete:
        keeping.record_outputs(tx, row, brought.outputs.copied)


def _mark_stopping(tx: Transaction, row: AttemptRow) -> AttemptRow:
    if row.status is AttemptStatus.STOPPING:
        return row
    leases.wake(tx, tables.jobs, row.job_id)
    reason = row.stop_reason or Reason.STOPPED_BY_USER
    return set_attempt_status(tx, row, AttemptStatus.STOPPING, f"told to stop: {REASON_TEXT[reason]}")


def _stop_others(tx: Transaction, row: AttemptRow, ranks: list[RankRow], members: list[Member]) -> AttemptRow:
    """All or nothing: when one rank has ended badly, or is lost for too long, the others are told to stop."""
    if row.stop_reason is not None:
        return row
    cause: Verdict | None = None
    name = ""
    for rank, member in zip(ranks, members, strict=True):
        if rank.has_ended and rank.outcome is not AttemptStatus.SUCCEEDED and rank.outcome and rank.reason:
            cause = Verdict(rank.outcome, rank.reason, rank.explanation or REASON_TEXT[rank.reason])
        elif not rank.has_ended and gang_looks.is_given_up(member.node, tx.now):
            text = gang_looks.lost_for_too_long(member.node)
            cause = Verdict(AttemptStatus.INTERRUPTED, Reason.NODE_LOST, text)
        if cause is not None:
            name = gang_looks.name_of(rank, member.node)
            break
    if cause is None:
        return row
    text = f"{name}: {cause.explanation}; the other ranks are stopped"
    append_event(
        tx, row.job_id, "attempt.stopping_all", text, {"attempt": row.number, "reason": cause.reason}
    )
    kept = {"status": cause.status, "reason": cause.reason, "explanation": f"{name}: {cause.explanation}"}
    return change(tx, row, stop_reason=Reason.PEER_ENDED, observed={**row.observed, _CAUSE: kept})


def _conclude(row: AttemptRow, ranks: list[RankRow], members: list[Member]) -> RankEnd:
    kept = row.observed.get(_CAUSE)
    first = None
    if kept is not None:
        first = Verdict(AttemptStatus(kept["status"]), Reason(kept["reason"]), str(kept["explanation"]))
    ends = []
    for rank, member in zip(ranks, members, strict=True):
        assert rank.outcome is not None
        reason = rank.reason or Reason.VANISHED
        verdict = Verdict(rank.outcome, reason, rank.explanation or REASON_TEXT[reason])
        ends.append(
            RankEnd(
                name=gang_looks.name_of(rank, member.node),
                verdict=verdict,
                ended_at=rank.ended_at or row.created_at,
                exit_code=rank.exit_code,
                signal=rank.signal,
            )
        )
    end = judge_gang(ends, row.stop_reason, first)
    return replace(end, ended_at=max(each.ended_at for each in ends))
