"""Starts the ranks of an attempt on several nodes, each under a key of its own: a second call has no second effect."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tradewind.control.attempt_ends import end_with_machine, status_for
from tradewind.control.attempt_steps import FINAL_FAULTS, START_TRIES, intent_key
from tradewind.control.context import Context
from tradewind.control.deciding import Verdict
from tradewind.control.gang_looks import Member
from tradewind.control.gang_terms import environment_of
from tradewind.control.ranks import as_attempt, earlier_handles, name_of_rank
from tradewind.control.starting import CheckpointDamagedError, Part, build_request, start_failure
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, RankRow
from tradewind.domain.errors import InvalidInputError, ProviderError, ProviderFault, TooLargeError
from tradewind.domain.status import REASON_TEXT, AttemptStatus, NodeStatus, Reason, has_ended
from tradewind.providers.base import Handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of starting one rank: it is there, it never will be, or nobody knows yet."""

    handle: Handle | None = None
    verdict: Verdict | None = None
    is_unreachable: bool = False
    tries: int = 0
    #: The checkpoint that was found to be damaged.
    damaged: str | None = None


class GangStart:
    """One try at starting what is not started yet."""

    def __init__(self, context: Context, row: AttemptRow) -> None:
        self._context = context
        self._row = row

    async def reach(self, members: Sequence[Member]) -> list[bool]:
        """Whether each node answers now; what earlier attempts have left there is removed on the way."""
        return list(await asyncio.gather(*(self._reach(each) for each in members)))

    async def _reach(self, member: Member) -> bool:
        try:
            await self._context.machine_of(member.node).find(self._key(member.rank))
        except (ProviderError, OSError):
            return False
        await self._forget_earlier(member.node)
        return True

    async def start_all(self, members: Sequence[Member], *, is_off: bool) -> list[Outcome]:
        """Every rank that is not started is, unless it `is_off`: then it is only looked for what was started."""
        job = await self._context.files.get(self._row.job_id)
        ranks = [each.rank for each in members]
        return list(await asyncio.gather(*(self._start(job, each, ranks, is_off=is_off) for each in members)))

    async def _start(self, job: JobRow, member: Member, ranks: Sequence[RankRow], *, is_off: bool) -> Outcome:
        rank, node, tries = member.rank, member.node, int(member.rank.observed.get("tries") or 0)
        if rank.has_ended or rank.handle is not None:
            return Outcome(handle=None if rank.handle is None else Handle(rank.handle), tries=tries)
        if has_ended(node.status):
            return Outcome(verdict=end_with_machine(self._row, node), tries=tries)
        if node.status is NodeStatus.TERMINATING:
            # Something may run there until it is gone.
            return Outcome(tries=tries)
        key = self._key(rank)
        try:
            host = self._context.machine_of(node)
            handle = await host.find(key)
        except (ProviderError, OSError):
            return Outcome(is_unreachable=True, tries=tries)
        if handle is not None:
            return Outcome(handle=handle, tries=tries)
        if is_off:
            return Outcome(verdict=never_started(self._row), tries=tries)
        part = Part(
            rank.number, name_of_rank(self._row.id, rank.number), environment_of(self._row, rank, ranks)
        )
        try:
            request = await build_request(self._context, job, as_attempt(self._row, rank), part)
            return Outcome(handle=await host.submit(request, key), tries=tries)
        except (InvalidInputError, TooLargeError, CheckpointDamagedError, OSError) as error:
            reason, text = start_failure(error)
            status = AttemptStatus.INTERRUPTED if reason is Reason.START_FAILED else AttemptStatus.FAILED
            damaged = error.checkpoint_id if isinstance(error, CheckpointDamagedError) else None
            return Outcome(verdict=Verdict(status, reason, text), tries=tries, damaged=damaged)
        except ProviderError as error:
            return _after(error, tries)

    def _key(self, rank: RankRow) -> str:
        return intent_key(self._context.installation_id, name_of_rank(self._row.id, rank.number))

    async def _forget_earlier(self, node: NodeRow) -> None:
        """Removes what earlier attempts have left on this node; what cannot be removed now is in nobody's way."""
        handles = await self._context.store.read(lambda tx: earlier_handles(tx, node.id, self._row.id))
        for handle in handles:
            try:
                await self._context.machine_of(node).forget(Handle(handle))
            except (ProviderError, OSError):
                return


def never_started(row: AttemptRow) -> Verdict:
    """A rank that is not there, and will not be."""
    reason = row.stop_reason or Reason.PEER_ENDED
    return Verdict(status_for(reason), reason, f"not started: {REASON_TEXT[reason]}")


def _after(error: ProviderError, tries: int) -> Outcome:
    outcome = Outcome(tries=tries + 1, is_unreachable=error.fault is ProviderFault.AMBIGUOUS)
    is_final = error.fault in FINAL_FAULTS or tries + 1 >= START_TRIES
    if is_final and error.fault is not ProviderFault.AMBIGUOUS:
        verdict = Verdict(AttemptStatus.INTERRUPTED, Reason.START_FAILED, error.message)
        return replace(outcome, verdict=verdict)
    return outcome
