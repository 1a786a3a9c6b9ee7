"""Moves running jobs to better places: by policy (`migrate:` in the job file), or because a user asks for it.

A move is a stop with a checkpoint, and a wish for the task's next place. The market controller fulfils the wish where
it can, and otherwise places the task like any other: a job that was told to move is never left without a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import update

from tradewind.control import leases, placing
from tradewind.control.context import Context
from tradewind.control.live_offers import LiveOffers
from tradewind.control.place_names import place_name, place_of_attempt
from tradewind.control.refusals import Refusal, live_refusals, without_refused
from tradewind.control.remaining import Remaining, remaining_of
from tradewind.control.runner import Apply
from tradewind.control.running import Running, read_running
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow, LoopRow
from tradewind.db.store import Transaction
from tradewind.domain.offers import Offer
from tradewind.domain.status import AttemptStatus, Desired, Reason
from tradewind.placement.migration import Stay, Verdict, weigh
from tradewind.spec.models import JobSpec

EVERY: Final = timedelta(minutes=5)
#: A decision to stay is written down again after so long, though nothing has changed.
_SAID_AGAIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Scene:
    running: list[Running]
    refusals: list[Refusal]


class MigrationController:
    """Looks over everything that runs and may move."""

    row_type = LoopRow

    def __init__(self, context: Context, offers: LiveOffers) -> None:
        self._context = context
        self._offers = offers

    async def act(self, row: LoopRow) -> Apply[LoopRow]:
        scene = await self._context.store.read(_look)
        if not scene.running:
            return _rest
        market = await self._offers.market()
        now = leases.claimed_at(row)
        kept: dict[str, Any] = row.state.get("candidates") or {}
        verdicts = await self._context.offload(_weigh_all, scene, market, kept, now)

        def apply(tx: Transaction, loop: LoopRow) -> datetime:
            candidates: dict[str, Any] = {}
            for each, (verdict, target) in zip(scene.running, verdicts, strict=True):
                said = kept.get(each.job.id, {})
                candidates[each.job.id] = self._carry_out(tx, each, verdict, target, said)
            state = {**loop.state, "candidates": candidates}
            tx.execute(update(tables.loops).where(tables.loops.c.id == loop.id).values(state=state))
            return tx.now + EVERY

        return apply

    def _carry_out(
        self, tx: Transaction, each: Running, verdict: Verdict, target: Offer | None, said: dict[str, Any]
    ) -> dict[str, Any]:
        attempt = AttemptRow.get(tx, each.attempt.id)
        is_same = attempt.status is AttemptStatus.RUNNING and attempt.stop_reason is None
        job = JobRow.get(tx, each.job.id)
        if target is not None and is_same and job.desired is Desired.RUN:
            begin_move(tx, job, attempt, target, verdict.explanation, verdict.arithmetic, actor=None)
        elif is_same and _is_news(tx, verdict, said):
            placing.note_decision(tx, job, "stay", verdict.explanation, verdict.arithmetic, attempt.id)
            said = {"said_at": tx.now.timestamp()}
        return {
            "place": verdict.candidate,
            "looks": verdict.looks,
            "said_at": said.get("said_at", tx.now.timestamp()),
            "other": verdict.arithmetic.get("other"),
        }


def begin_move(
    tx: Transaction,
    job: JobRow,
    attempt: AttemptRow,
    target: Offer | None,
    explanation: str,
    arithmetic: dict[str, Any],
    actor: str | None,
) -> None:
    """Tells the attempt to write a checkpoint and end, and keeps where its task is to go next."""
    wish = None if target is None else wish_for(target, tx.now)
    tx.execute(update(tables.tasks).where(tables.tasks.c.id == attempt.task_id).values(wish=wish))
    to = "another place" if target is None else place_name(target)
    said = f"moving to {to}: {explanation}"
    if actor is None:
        append_event(tx, job.id, "job.migrating", said, arithmetic)
    else:
        append_event(tx, job.id, "job.migrating", said, arithmetic, actor=actor)
    placing.note_decision(tx, job, "migrate", said, arithmetic, attempt.id)
    change(tx, attempt, stop_reason=Reason.MIGRATED)
    leases.wake(tx, tables.attempts, attempt.id)


def wish_for(offer: Offer, now: datetime) -> dict[str, Any]:
    """A place as a task's row keeps it; a wish that could not be fulfilled within ten minutes is dropped."""
    return {
        "provider": offer.provider,
        "region": offer.region,
        "zone": offer.zone,
        "instance_type": offer.instance_type,
        "market": offer.market,
        "until": (now + timedelta(minutes=10)).isoformat(),
    }


def _rest(tx: Transaction, loop: LoopRow) -> datetime:
    if loop.state.get("candidates"):
        state = {**loop.state, "candidates": {}}
        tx.execute(update(tables.loops).where(tables.loops.c.id == loop.id).values(state=state))
    return tx.now + EVERY


def _is_news(tx: Transaction, verdict: Verdict, said: dict[str, Any]) -> bool:
    if said.get("other") != verdict.arithmetic.get("other"):
        return True
    return tx.now.timestamp() - float(said.get("said_at", 0.0)) >= _SAID_AGAIN.total_seconds()


def _look(tx: Transaction) -> _Scene:
    table = tables.attempts
    rows = tx.execute(
        AttemptRow.select().where(table.c.status == AttemptStatus.RUNNING, table.c.stop_reason.is_(None))
    )
    found = []
    for attempt in map(AttemptRow.of, rows):
        if not attempt.offer.get("market"):
            continue
        job = JobRow.get(tx, attempt.job_id)
        spec = JobSpec.model_validate(job.spec)
        if spec.migrate is not None and job.desired is Desired.RUN:
            found.append(read_running(tx, job, attempt, spec))
    return _Scene(found, live_refusals(tx))


def _weigh_all(
    scene: _Scene, market: list[Offer], kept: dict[str, Any], now: datetime
) -> list[tuple[Verdict, Offer | None]]:
    allowed = without_refused(market, scene.refusals)
    return [weigh_one(each, allowed, kept.get(each.job.id, {}), now) for each in scene.running]


def weigh_one(
    each: Running, allowed: list[Offer], said: dict[str, Any], now: datetime
) -> tuple[Verdict, Offer | None]:
    """Whether one job should move, and to which offer."""
    from tradewind.control.move_costs import alternatives_of

    remaining = remaining_of(each.attempt, each.spec, each.history, each.checkpoint_at, now)
    if remaining is None:
        nothing = Verdict(
            target=None,
            candidate=None,
            looks=0,
            explanation="nobody can say how long it still takes, so a move cannot be weighed",
            arithmetic={"place": place_of_attempt(each.attempt)},
        )
        return nothing, None
    others, offers = alternatives_of(each, remaining, allowed, now)
    assert each.spec.migrate is not None
    verdict = weigh(
        stay_of(each, remaining, now),
        others,
        each.spec.migrate.when_cheaper_by / 100,
        said.get("place"),
        int(said.get("looks", 0)),
    )
    return verdict, offers.get(verdict.target or "")


def stay_of(each: Running, remaining: Remaining, now: datetime) -> Stay:
    """What it costs to stay."""
    prices = each.node.observed.get("prices") or []
    micro = int(prices[-1][1]) if prices else int(each.attempt.offer["rate"]["micro_per_unit"])
    return Stay(
        place=place_of_attempt(each.attempt),
        micro_per_hour=micro,
        hours_left=remaining.hours_left,
        hours_at_stake=remaining.hours_at_stake,
        stayed=now - (each.attempt.accepted_at or each.attempt.created_at),
        termination_hours=5 / 60,
    )
