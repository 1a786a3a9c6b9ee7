"""Looks at every rank of an attempt on several nodes at once: how it is, and what it is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from tradewind.control import keeping
from tradewind.control.attempt_ends import end_with_machine
from tradewind.control.attempt_steps import BRING_LAST_S, BRING_S, intent_key
from tradewind.control.context import Context
from tradewind.control.deciding import Verdict, judge
from tradewind.control.ranks import name_of_rank
from tradewind.control.records import Folded
from tradewind.control.starting import GRACE_S, LEASE_TTL
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, RankRow
from tradewind.domain.errors import ProviderError
from tradewind.domain.status import REASON_TEXT, AttemptStatus, NodeStatus, Reason
from tradewind.domain.units import format_duration
from tradewind.providers.base import AttemptHost, Handle, Observation, Phase
from tradewind.spec.models import JobSpec

log = structlog.get_logger(__name__)
#: A machine of the user's own that does not answer for so long takes its gang with it. Rented ones are given up after
#: the same time by whoever looks after them.
UNREACHABLE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Member:
    """A rank, and the node that it is on."""

    rank: RankRow
    node: NodeRow


class OutOfReachError(Exception):
    """What was to be brought could not be: nobody answers any more."""


@dataclass(slots=True, kw_only=True)
class Look:
    """One look at one rank. Without anything: it had ended before."""

    host: AttemptHost | None = None
    handle: Handle | None = None
    seen: Observation | None = None
    #: How it ended, if it has.
    verdict: Verdict | None = None
    ended_at: datetime | None = None
    is_unreachable: bool = False
    told: list[object] | None = None
    renewed_at: float | None = None

    def forget(self) -> None:
        """What was seen is seen again: its cursor stays where it was."""
        self.seen, self.verdict, self.is_unreachable = None, None, True


def name_of(rank: RankRow, node: NodeRow) -> str:
    """What people call a rank."""
    offer = node.offer or {}
    place = f"{offer.get('instance_type', node.name)} {node.id[-4:]}" if node.is_rented else node.name
    return f"rank {rank.number} ({place})"


def is_given_up(node: NodeRow, now: datetime) -> bool:
    """True of a machine of the user's own that has not answered for too long."""
    return not node.is_rented and node.lost_since is not None and now - node.lost_since >= UNREACHABLE


def lost_for_too_long(node: NodeRow) -> str:
    """What is said of such a machine."""
    return f"{node.name} could not be reached for {format_duration(UNREACHABLE)}"


async def look_at_all(
    context: Context, row: AttemptRow, members: Sequence[Member], watched: set[str], now: datetime
) -> list[Look]:
    """A look at each; what must be told is told on the way."""
    wanted = await _wanted(context, row)
    return list(await asyncio.gather(*(_look(context, row, each, watched, wanted, now) for each in members)))


async def _wanted(context: Context, row: AttemptRow) -> list[object] | None:
    """What the ranks are to be told: why they stop, and how long they may take."""
    if row.stop_reason is None:
        return None
    job = await context.store.read(lambda tx: JobRow.get(tx, row.job_id))
    return [row.stop_reason.value, GRACE_S if job.stop_grace_s is None else job.stop_grace_s]


async def _look(
    context: Context,
    row: AttemptRow,
    member: Member,
    watched: set[str],
    wanted: list[object] | None,
    now: datetime,
) -> Look:
    rank, node = member.rank, member.node
    if rank.has_ended:
        return Look()
    if node.status is NodeStatus.GONE:
        return Look(verdict=end_with_machine(row, node), ended_at=node.ended_at)
    name = name_of_rank(row.id, rank.number)
    try:
        host = context.machine_of(node)
        handle = Handle(rank.handle) if rank.handle is not None else None
        if handle is None:
            handle = await host.find(intent_key(context.installation_id, name))
        if handle is None:
            # Nobody knew whether it was started: it was not, and is not any more.
            return Look(verdict=_never_started(row), ended_at=now)
        if name not in watched:
            watched.add(name)
            await host.watch(handle, partial(context.nudge, row.id))
        told = await _tell(host, rank, handle, wanted)
        seen = await host.poll(handle, rank.cursor)
    except (ProviderError, OSError):
        return Look(is_unreachable=True)
    look = Look(host=host, handle=handle, seen=seen, told=told)
    if seen.phase is Phase.GONE and seen.exit is not None:
        look.verdict, look.ended_at = judge(seen.exit, row.stop_reason), seen.exit.ended_at
    else:
        look.renewed_at = await _renew(host, rank, handle, now)
    return look


def _never_started(row: AttemptRow) -> Verdict:
    reason = row.stop_reason or Reason.START_FAILED
    status = AttemptStatus.CANCELLED if reason is Reason.STOPPED_BY_USER else AttemptStatus.INTERRUPTED
    return Verdict(status, reason, f"not started: {REASON_TEXT[reason]}")


async def _tell(
    host: AttemptHost, rank: RankRow, handle: Handle, wanted: list[object] | None
) -> list[object] | None:
    """Passes a wish to stop on; again when it has become more urgent. What was told, if anything."""
    if wanted is None or rank.observed.get("stop_told") == wanted:
        return None
    try:
        await host.stop(handle, str(wanted[0]), float(str(wanted[1])))
    except (ProviderError, OSError) as error:
        # When it cannot be told now, that must not keep us from seeing how it is.
        log.warning("gang.not_told", error=repr(error))
        return None
    return wanted


async def _renew(host: AttemptHost, rank: RankRow, handle: Handle, now: datetime) -> float | None:
    last = float(rank.observed.get("lease_renewed_at") or 0)
    if now.timestamp() - last < LEASE_TTL.total_seconds() / 5:
        return None
    try:
        await host.renew(handle, int(now.timestamp()))
    except (ProviderError, OSError) as error:
        log.warning("gang.not_renewed", error=repr(error))
        return None
    return now.timestamp()


async def bring(
    context: Context, row: AttemptRow, look: Look, news: Folded, spec: JobSpec
) -> tuple[keeping.Kept, keeping.Kept, bool]:
    """Checkpoints of the first rank that are not here yet, and at its end its outputs; whether all of it is here.

    Raises OutOfReachError.
    """
    assert look.seen is not None
    assert look.host is not None
    assert look.handle is not None
    wanted = news.observed.pop("to_bring", {}) | news.checkpoints
    is_gone = look.seen.phase is Phase.GONE
    within_s = BRING_LAST_S if is_gone else BRING_S
    outputs = keeping.Kept()
    try:
        kept = await keeping.copy_checkpoints(context, row, look.host, look.handle, wanted, within_s)
        if is_gone and kept.is_complete:
            outputs = await keeping.copy_outputs(context, row, look.host, look.handle, spec, within_s)
    except ProviderError as error:
        raise OutOfReachError from error
    if kept.pending:
        news.observed["to_bring"] = kept.pending
    return kept, outputs, kept.is_complete and outputs.is_complete
