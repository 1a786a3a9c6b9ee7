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
from tradewind.control.offer_json import offer_from_json
from tradewind.control.place_names import place_name, place_of_attempt
from tradewind.control.predicting import split_runs
from tradewind.control.refusals import Refusal, as_they_are, live_refusals, without_refused
from tradewind.control.remaining import Remaining, remaining_of
from tradewind.control.runner import Apply
from tradewind.control.running import Running, read_running
from tradewind.control.share_done import at_risk, share_now
from tradewind.control.specs import alternative_of
from tradewind.control.spot_history import Seen, spot_seen
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow, LoopRow
from tradewind.db.store import Transaction
from tradewind.domain.offers import Offer
from tradewind.domain.status import AttemptStatus, Desired, Reason
from tradewind.placement.estimates import JobEstimates
from tradewind.placement.migration import Stay, Verdict, weigh
from tradewind.spec.models import JobSpec

EVERY: Final = timedelta(minutes=5)
#: A decision to stay is written down again after so long, though nothing has changed.
_SAID_AGAIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Scene:
    running: list[Running]
    refusals: list[Refusal]
    seen: dict[str, list[Seen]]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Whether a job leaves its place, and where to; without a target it waits for a place to come."""

    verdict: Verdict
    leaves: bool = False
    target: Offer | None = None


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
        outcomes = await self._context.offload(_weigh_all, scene, market, kept, now)

        def apply(tx: Transaction, loop: LoopRow) -> datetime:
            candidates: dict[str, Any] = {}
            for each, outcome in zip(scene.running, outcomes, strict=True):
                said = kept.get(each.job.id, {})
                candidates[each.job.id] = self._carry_out(tx, each, outcome, said)
            state = {**loop.state, "candidates": candidates}
            tx.execute(update(tables.loops).where(tables.loops.c.id == loop.id).values(state=state))
            return tx.now + EVERY

        return apply

    def _carry_out(
        self, tx: Transaction, each: Running, outcome: _Outcome, said: dict[str, Any]
    ) -> dict[str, Any]:
        verdict = outcome.verdict
        attempt = AttemptRow.get(tx, each.attempt.id)
        is_same = attempt.status is AttemptStatus.RUNNING and attempt.stop_reason is None
        job = JobRow.get(tx, each.job.id)
        if outcome.leaves and is_same and job.desired is Desired.RUN:
            begin_move(tx, job, attempt, outcome.target, verdict.explanation, verdict.arithmetic, actor=None)
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
        # What would be weighed is one machine: an attempt on several is not moved.
        if not attempt.is_rented or attempt.is_gang:
            continue
        job = JobRow.get(tx, attempt.job_id)
        spec = JobSpec.model_validate(job.spec)
        may_move = spec.migrate is not None or spec.constraints.deadline is not None
        if may_move and job.desired is Desired.RUN:
            found.append(read_running(tx, job, attempt, spec))
    has_deadline = any(each.spec.constraints.deadline is not None for each in found)
    return _Scene(found, live_refusals(tx), spot_seen(tx) if has_deadline else {})


def _weigh_all(scene: _Scene, market: list[Offer], kept: dict[str, Any], now: datetime) -> list[_Outcome]:
    allowed = without_refused(market, scene.refusals)
    outcomes = []
    for each in scene.running:
        outcome = None
        if each.spec.constraints.deadline is not None:
            outcome = _rule_one(each, scene, market, now)
        if outcome is None and each.spec.migrate is not None:
            verdict, target = weigh_one(each, allowed, kept.get(each.job.id, {}), now)
            outcome = _Outcome(verdict, target is not None, target)
        outcomes.append(outcome or _Outcome(_nothing_known(each)))
    return outcomes


def _rule_one(each: Running, scene: _Scene, market: list[Offer], now: datetime) -> _Outcome | None:
    """Where a job with a deadline should be; None where nobody can say how long it takes."""
    from tradewind.control.deadlines import Standing, rule

    estimates = JobEstimates(each.spec, *split_runs(each.history))
    here = offer_from_json(each.node.offer or {})
    band = estimates.hours(here.accelerator, here.accelerator_count or 1.0)
    standing = Standing(
        share_done=share_now(each.attempt, now, None if band is None else band.p90),
        place=here,
        at_risk=at_risk(each.attempt, each.checkpoint_at, now),
    )
    places = as_they_are(market, scene.refusals)
    near = each.spec.up_to(alternative_of(each.attempt))
    ruling = rule(near, places, standing, each.history, scene.seen, now)
    if near != each.spec and (ruling is None or not ruling.arithmetic["is_guaranteed"]):
        # What it would rather have does not end it by its deadline: what else is allowed may.
        any_ruling = rule(each.spec, places, standing, each.history, scene.seen, now)
        if any_ruling is not None and any_ruling.arithmetic["is_guaranteed"]:
            ruling = any_ruling
    if ruling is None:
        return None
    target = None if ruling.offer is None else place_name(ruling.offer)
    stays = target == place_of_attempt(each.attempt)
    verdict = Verdict(
        target=None if stays else target,
        candidate=None,
        looks=0,
        explanation=ruling.explanation,
        arithmetic=ruling.arithmetic | {"other": target, "place": place_of_attempt(each.attempt)},
    )
    return _Outcome(verdict, not stays, None if stays else ruling.offer)


def _nothing_known(each: Running) -> Verdict:
    return Verdict(
        target=None,
        candidate=None,
        looks=0,
        explanation="nobody can say how long it still takes, so a move cannot be weighed",
        arithmetic={"place": place_of_attempt(each.attempt)},
    )


def weigh_one(
    each: Running, allowed: list[Offer], said: dict[str, Any], now: datetime
) -> tuple[Verdict, Offer | None]:
    """Whether one job should move, and to which offer."""
    from tradewind.control.move_costs import alternatives_of

    remaining = remaining_of(each.attempt, each.spec, each.history, each.checkpoint_at, now)
    if remaining is None:
        return _nothing_known(each), None
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
