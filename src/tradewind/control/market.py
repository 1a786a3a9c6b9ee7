"""The market controller: decides for every waiting task where it runs, and rents a machine where that is the answer.

There is one for all servers. It plans over the machines at hand and what connected providers offer, less what was
refused lately; so the next place after a refusal is the plan's runner-up. What it decides is checked again in the
transaction that acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import bindparam, or_, select

from tradewind.control import leases, placing
from tradewind.control.budget_waiting import hold_back
from tradewind.control.context import Context
from tradewind.control.far_nodes import far_nodes
from tradewind.control.gang_placing import place_gang
from tradewind.control.gang_terms import gang_providers
from tradewind.control.live_offers import LiveOffers
from tradewind.control.loops import wake_placers
from tradewind.control.nodes import OWNED, Capacity
from tradewind.control.predicting import Foretold, PastRun, fingerprint_of, past_runs
from tradewind.control.queue import waiting
from tradewind.control.refusals import Refusal, live_refusals, without_refused
from tradewind.control.renting import describe, rent
from tradewind.control.runner import Apply
from tradewind.control.share_done import share_kept
from tradewind.control.spot_history import Seen, spot_seen
from tradewind.db import tables
from tradewind.db.columns import UtcTime
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import JobRow, LoopRow, NodeRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.offers import Offer
from tradewind.domain.status import Desired, NodeStatus, Reason, TaskStatus
from tradewind.spec.models import JobSpec

if TYPE_CHECKING:
    from tradewind.control.choosing import Chosen

log = structlog.get_logger(__name__)
_REFRESH: Final = timedelta(minutes=1)
_NO_OFFER_PAUSE: Final = timedelta(minutes=5)
#: Tasks decided in one step; the rest waits for the next, which follows at once.
_PER_STEP: Final = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task to decide for, with what is known of its job."""

    task: TaskRow
    job: JobRow
    spec: JobSpec
    history: list[PastRun]
    #: Of the work, what a checkpoint has; only looked up where there is a deadline.
    share_done: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What one step decides on: the tasks, the machines at hand with room, and what was refused."""

    waiting: list[Waiting]
    free: dict[str, Capacity]
    refusals: list[Refusal]
    #: What was seen of spot places; only looked up where there is a deadline.
    seen: dict[str, list[Seen]]
    has_more: bool


class MarketController:
    """Takes one step over the whole queue."""

    row_type = LoopRow

    def __init__(self, context: Context, offers: LiveOffers) -> None:
        self._context = context
        self._offers = offers

    async def act(self, row: LoopRow) -> Apply[LoopRow]:
        scene = await self._context.store.read(_look)
        if not scene.waiting:
            return lambda tx, _loop: _next_look(tx)
        own, market = await self._offers.own(), await self._offers.market()
        together = gang_providers(self._context)
        chosen = await self._context.offload(
            _choose_all, scene, own, market, leases.claimed_at(row), together
        )

        def apply(tx: Transaction, _loop: LoopRow) -> datetime:
            # Machines that a gang waits for: by id, the name of its job. Those behind it in the queue do not get them.
            kept: dict[str, str] = {}
            for each, choice in zip(scene.waiting, chosen, strict=True):
                self._carry_out(tx, each, choice, kept)
            return tx.now if scene.has_more else _next_look(tx)

        return apply

    def _carry_out(self, tx: Transaction, each: Waiting, choice: Chosen, kept: dict[str, str]) -> None:
        table = tables.tasks
        found = tx.execute(TaskRow.select().where(table.c.id == each.task.id).with_for_update()).one()
        task, job = TaskRow.of(found), JobRow.get(tx, each.job.id)
        is_same = (task.status, task.fence) == (TaskStatus.WAITING, each.task.fence)
        if not is_same or job.desired is Desired.STOP:
            return
        if not choice.is_own and choice.offer and choice.offer.provider not in self._context.machines:
            # It was disconnected while this was being decided.
            return
        if choice.warning:
            append_event(tx, job.id, "job.warning", choice.warning)
            job = JobRow.get(tx, job.id)
        if choice.members:
            kept |= place_gang(tx, self._context, job, task, each.spec, choice, kept)
        elif choice.is_own:
            place = _own_place(tx, choice.offer)
            if place in kept:
                text = (
                    f"waiting for free capacity: the machine is kept for {kept[place]}, which needs several"
                )
                placing.say_why(tx, job, Reason.WAITING_FOR_CAPACITY, text)
                return
            change(tx, task, place=place)
            wake_placers(tx)
        elif choice.offer is None:
            again = choice.next_try_at or tx.now + _NO_OFFER_PAUSE
            placing.say_why(tx, job, choice.reason or Reason.NO_OFFER, choice.explanation, again)
        else:
            self._rent(tx, each, job, task, choice.offer, choice)

    def _rent(
        self, tx: Transaction, each: Waiting, job: JobRow, task: TaskRow, offer: Offer, choice: Chosen
    ) -> None:
        foretold = Foretold(hours=choice.hours, cost_micro=choice.cost_micro)
        attempt_id = rent(
            tx,
            self._context.installation_id,
            job,
            task,
            each.spec,
            offer,
            foretold,
            alternative=choice.alternative,
            on_demand_micro=choice.on_demand_micro,
        )
        if attempt_id is None:
            placing.refuse_for_budget(tx, job, task)
            return
        if not isinstance(attempt_id, str):
            hold_back(tx, job, task, attempt_id)
            return
        placing.note_decision(
            tx, job, "place", f"{describe(offer)}: {choice.explanation}", choice.arithmetic, attempt_id
        )


def _own_place(tx: Transaction, offer: Offer | None) -> str:
    """The place that a task is to have on a machine at hand."""
    if offer is not None:
        for node in far_nodes(tx):
            if (node.provider, node.name) == (offer.provider, offer.instance_type):
                return node.id
    return OWNED


def _look(tx: Transaction) -> Scene:
    found: list[Waiting] = []
    has_more = False
    for task in waiting(tx):
        if task.place is not None:
            continue
        if len(found) == _PER_STEP:
            has_more = True
            break
        job = JobRow.get(tx, task.job_id)
        if job.desired is Desired.STOP:
            continue
        if job.next_try_at is not None and job.next_try_at > tx.now and job.reason in _WAITS:
            continue
        spec = JobSpec.model_validate(job.spec)
        history = past_runs(tx, job.project_id, fingerprint_of(spec))
        done = share_kept(tx, task.id) if spec.constraints.deadline is not None else 0.0
        found.append(Waiting(task, job, spec, history, done))
    nodes = tables.nodes
    free = {}
    if found:
        at_hand = nodes.c.is_rented.is_(False) & (nodes.c.status == NodeStatus.READY)
        for row in tx.execute(NodeRow.select().where(at_hand)):
            node = NodeRow.of(row)
            capacity = Capacity.of(tx, node, node.inventory)
            free[f"{node.provider}/{node.name}"] = capacity
            if not node.is_far:
                free[node.provider] = capacity
    has_deadline = any(each.spec.constraints.deadline is not None for each in found)
    seen = spot_seen(tx) if has_deadline else {}
    return Scene(found, free, live_refusals(tx), seen, has_more)


#: Reasons with a time before which nothing will have changed.
_WAITS: Final = frozenset({Reason.NO_CAPACITY, Reason.NO_OFFER, Reason.WAITING_FOR_SPOT})


_NEXT_TASK: Final = (
    select(tables.tasks.c.not_before)
    .where(
        tables.tasks.c.not_before > bindparam("b_now", type_=UtcTime()),
        tables.tasks.c.status == TaskStatus.WAITING,
    )
    .order_by(tables.tasks.c.not_before)
    .limit(1)
)
_NEXT_JOB: Final = (
    select(tables.jobs.c.next_try_at)
    .where(
        tables.jobs.c.next_try_at > bindparam("b_now", type_=UtcTime()),
        or_(*(tables.jobs.c.reason == each.value for each in sorted(_WAITS))),
    )
    .order_by(tables.jobs.c.next_try_at)
    .limit(1)
)


def _choose_all(
    scene: Scene, own: list[Offer], market: list[Offer], now: datetime, together: frozenset[str]
) -> list[Chosen]:
    # Imported here: it brings numpy, which a server without connected providers has no use for.
    from tradewind.control.choice_plans import Situation
    from tradewind.control.choosing import choose_place
    from tradewind.control.same_offer import on_demand_price

    allowed = without_refused(market, scene.refusals)
    kept: set[tuple[str, str]] = set()
    found: list[Chosen] = []

    def choose(each: Waiting, places: list[Offer]) -> Chosen:
        situation = Situation(
            spec=each.spec,
            history=each.history,
            own=places,
            free=scene.free,
            market=market,
            allowed=allowed,
            refusals=scene.refusals,
            together=together,
            now=now,
        )
        return choose_place(situation, each.task.wish, each.share_done, scene.seen)

    for each in scene.waiting:
        # Machines that somebody before it waits for are for others only where there is nothing else: then they wait.
        left = [offer for offer in own if (offer.provider, offer.instance_type) not in kept] if kept else own
        chosen = choose(each, left)
        if chosen.offer is None and len(left) < len(own):
            chosen = choose(each, own)
        if not chosen.has_room:
            kept |= {(offer.provider, offer.instance_type) for offer in chosen.members}
        found.append(chosen)
    return [
        each
        if each.is_own or each.offer is None
        else replace(each, on_demand_micro=on_demand_price(each.offer, market))
        for each in found
    ]


def _next_look(tx: Transaction) -> datetime:
    times = [tx.now + _REFRESH]
    for statement in (_NEXT_TASK, _NEXT_JOB):
        times += [row[0] for row in tx.fetch(statement, {"b_now": tx.now})]
    return min(times)
