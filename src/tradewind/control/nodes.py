"""The node controller: gives a node's free capacity to waiting tasks, by priority and then by age.

One controller holds a node's lease at a time, so capacity is never handed out twice. A task that fits no free
capacity holds back those behind it (no starvation of big jobs); one that could never fit is passed over and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select, update

from tradewind.control import health_desk, money, placing
from tradewind.control.budget_waiting import are_there_any, hold_back
from tradewind.control.context import Context
from tradewind.control.far_nodes import LOOK_LOST, electricity_rate, far_inventory, far_offer, note_lost
from tradewind.control.foretelling import foretell
from tradewind.control.job_files import jobs_by_id
from tradewind.control.others import sentence_of, taken_by_others, without_own
from tradewind.control.predicting import keep_prediction
from tradewind.control.queue import next_retry, pages
from tradewind.control.runner import Apply
from tradewind.control.specs import note_alternative, spec_of
from tradewind.control.tidying import Tidier
from tradewind.db import tables
from tradewind.db.rows import JobRow, NodeRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ProviderError
from tradewind.domain.money import Rate
from tradewind.domain.offers import Accelerator
from tradewind.domain.status import AttemptStatus, Desired, Reason
from tradewind.estimate.power import Watts, share_of
from tradewind.ledger import reservations
from tradewind.placement.choose import why_elsewhere
from tradewind.placement.demand import Demand, demand_of, node_count, pick_accelerators, titles_of
from tradewind.spec.models import JobSpec

_REFRESH: Final = timedelta(minutes=1)
#: The place of a task that was decided for this machine; for one that is reached over SSH it is the node's id.
OWNED: Final = "owned"
#: Tasks placed in one step; the rest waits for the next, which follows at once.
_PER_STEP: Final = 100
#: Attempts that have been placed and wait to be started: a backlog is better kept in the queue, where the next in the
#: order of priority comes first, than on machines that it only holds up.
_MOST_UNSTARTED: Final = 500
_CROWDED: Final = timedelta(milliseconds=100)
_UNSTARTED: Final = (
    select(func.count())
    .select_from(tables.allocations)
    .join(tables.attempts, tables.attempts.c.id == tables.allocations.c.attempt_id)
    .where(
        tables.allocations.c.node_id == bindparam("b_node"),
        tables.allocations.c.released_at.is_(None),
        tables.attempts.c.status == AttemptStatus.CREATING,
    )
)


@dataclass(frozen=True, slots=True)
class _Launch:
    """A task that fits, and what it would hold."""

    job: JobRow
    task: TaskRow
    spec: JobSpec
    place: placing.Place
    held: tuple[Accelerator, ...]
    rate: Rate
    watts: Watts


class NodeController:
    """Takes one step of one node at a time."""

    row_type = NodeRow

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tidier = Tidier(context)

    async def act(self, row: NodeRow) -> Apply[NodeRow]:
        inventory: dict[str, Any] | None = None
        is_due = self._context.clock.now() - row.last_seen_at >= _REFRESH
        if row.is_far and (is_due or row.lost_since is not None):
            try:
                inventory = await far_inventory(self._context, row)
            except (ProviderError, OSError) as error:
                trouble = getattr(error, "message", None) or str(error)
                return lambda tx, node: note_lost(tx, node, trouble)
            self._tidier.begin(row)
        elif is_due:
            inventory = asdict(await self._context.backends[row.provider].inventory())
        return lambda tx, node: self._place(tx, node, inventory)

    def _place(self, tx: Transaction, node: NodeRow, inventory: dict[str, Any] | None) -> datetime:
        if inventory is not None:
            inventory = without_own(tx, inventory)
            tx.execute(
                update(tables.nodes)
                .where(tables.nodes.c.id == node.id)
                .values(inventory=inventory, last_seen_at=tx.now, lost_since=None, explanation=None)
            )
        if node.lost_since is not None and inventory is None:
            return tx.now + LOOK_LOST
        capacity = Capacity.of(tx, node, inventory or node.inventory)
        if _is_crowded(tx, node, capacity):
            return tx.now + _CROWDED
        decided = None
        if self._context.has_choice:
            decided = node.id if node.is_far else OWNED
        launches: list[_Launch] = []
        for task, job in _with_jobs(tx, decided):
            if not self._try_place(tx, node, capacity, task, job, launches):
                # One that waits for its back-off may stand before the one that is held up here.
                break
            if len(launches) == _PER_STEP:
                break
        is_all = self._launch(tx, node, launches)
        if len(launches) == _PER_STEP or not is_all:
            return tx.now
        return min(next_retry(tx) or tx.now + _REFRESH, tx.now + _REFRESH)

    def _try_place(
        self,
        tx: Transaction,
        node: NodeRow,
        capacity: Capacity,
        task: TaskRow,
        job: JobRow,
        launches: list[_Launch],
    ) -> bool:
        """True if the task can be launched or is passed over; False if it has to wait and those behind it too."""
        if job.desired is Desired.STOP:
            return True
        spec = spec_of(job)
        fit = _find_fit(spec, node, capacity)
        if fit.held is None:
            placing.say_why(tx, job, fit.reason, fit.explanation)
            return fit.reason is Reason.NO_OFFER
        demand, held = fit.demand, fit.held
        watts = share_of(capacity.watts, capacity.cpus, capacity.accelerators, demand.cpus, held)
        offer = self._offer(node, watts, held) | note_alternative(spec, fit.alternative)
        rate = money.rate_of(offer)
        hold = money.hold_for(tx, spec, job.id, rate, watts.busy, accrued_micro=0, ran=timedelta(0))
        if hold is None:
            placing.refuse_for_budget(tx, job, task)
            return True
        place = placing.Place(
            node_id=node.id,
            node_name=node.name,
            provider=node.provider,
            offer=offer,
            currency=rate.currency,
            hold=hold,
            milli_cpus=demand.milli_cpus,
            memory_bytes=demand.memory_bytes,
            accelerators=[each.uuid for each in held],
        )
        launches.append(_Launch(job, task, spec, place, held, rate, watts))
        capacity.take(demand, held)
        return True

    def _launch(self, tx: Transaction, node: NodeRow, launches: list[_Launch]) -> bool:
        """False if a budget held one back: what it would have taken is for others."""
        # All that is read comes before all that is written, which is then a few statements for all of them.
        foretold = [
            foretell(tx, each.job.project_id, each.spec, each.held, each.rate, each.watts)
            if each.task.fence == 0
            else None
            for each in launches
        ]
        asks_budgets, is_all = are_there_any(tx), True
        for each, told in zip(launches, foretold, strict=True):
            # Each is asked for by itself: the one before counts already.
            if asks_budgets and (
                refusal := money.refused(
                    tx, each.job, node.provider, reservations.OWNED, each.rate, each.place.hold
                )
            ):
                hold_back(tx, each.job, each.task, refusal)
                is_all = False
                continue
            attempt_id = tx.new_id(ids.ATTEMPT)
            placing.put(tx, self._context.installation_id, each.job, each.task, attempt_id, each.place)
            self._context.files.remember(each.job)
            if told is not None:
                offer = {**each.place.offer, "provider": node.provider}
                is_first = each.job.attempt_id is None
                keep_prediction(tx, each.job, each.spec, attempt_id, offer, told, is_first=is_first)
        return is_all

    def _offer(self, node: NodeRow, watts: Watts, held: tuple[Accelerator, ...]) -> dict[str, Any]:
        tariff = self._context.tariff
        rate = electricity_rate(tariff)
        if node.is_far:
            return far_offer(node, watts, held, rate, tariff)
        return {
            "instance_type": node.name,
            "rate": rate,
            "watts_idle": watts.idle,
            "watts_max": watts.busy,
            "accelerators": [asdict(each) for each in held],
            "carbon_g_per_kwh": tariff.carbon_g_per_kwh,
            "note": f"{tariff.price_note}; {tariff.carbon_note}",
        }


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a job would hold of a machine now, as which of its alternatives; or why nothing."""

    demand: Demand
    held: tuple[Accelerator, ...] | None
    alternative: int = 0
    reason: Reason = Reason.NO_OFFER
    explanation: str = ""


def _find_fit(spec: JobSpec, node: NodeRow, capacity: Capacity) -> _Fit:
    """The first alternative that has room; else why it waits, or why none of them ever fits this machine."""
    fits = [_fit(each, node, capacity) for each in spec.alternatives()]
    for index, fit in enumerate(fits):
        if fit.held is not None:
            return replace(fit, alternative=index)
    if not spec.resources.any_of:
        return fits[0]
    waits = [fit for fit in fits if fit.reason is not Reason.NO_OFFER]
    said = "; ".join(f"{title}: {fit.explanation}" for title, fit in zip(titles_of(spec), fits, strict=True))
    return replace((waits or fits)[0], explanation=said)


def _fit(spec: JobSpec, node: NodeRow, capacity: Capacity) -> _Fit:
    demand = demand_of(spec)
    region = str((node.offer or {}).get("region") or "local")
    elsewhere = why_elsewhere(spec, node.provider, region, "owned")
    never = capacity.why_never(demand) if elsewhere is None else elsewhere[1]
    if node_count(spec) > 1:
        never = f"needs {node_count(spec)} nodes; this machine is one"
    if never is not None:
        return _Fit(demand, None, explanation=never)
    held = pick_accelerators(demand, capacity.free_accelerators)
    is_full = demand.milli_cpus > capacity.free_milli_cpus or demand.memory_bytes > capacity.free_bytes
    if held is None or is_full:
        return _Fit(demand, None, 0, Reason.WAITING_FOR_CAPACITY, capacity.why_not_now(demand))
    return _Fit(demand, held)


def _is_crowded(tx: Transaction, node: NodeRow, capacity: Capacity) -> bool:
    """True while the machine could not start another step's worth of attempts soon."""
    if capacity.jobs <= _MOST_UNSTARTED - _PER_STEP:
        return False
    unstarted: int = tx.fetch(_UNSTARTED, {"b_node": node.id})[0][0]
    return unstarted > _MOST_UNSTARTED - _PER_STEP


@dataclass(frozen=True, slots=True)
class _Held:
    """What of a node is held, and by how many jobs."""

    milli_cpus: int
    memory_bytes: int
    jobs: int
    accelerators: frozenset[str]


def _held_on(tx: Transaction, node_id: str, *, has_accelerators: bool) -> _Held:
    table = tables.allocations
    live = and_(table.c.node_id == node_id, table.c.released_at.is_(None))
    # A machine may be held by thousands of jobs: only devices have to be looked at one by one.
    milli_cpus, memory_bytes, jobs = tx.execute(
        select(
            func.coalesce(func.sum(table.c.milli_cpus), 0),
            func.coalesce(func.sum(table.c.memory_bytes), 0),
            func.count(),
        ).where(live)
    ).one()
    devices: set[str] = set()
    if has_accelerators:
        for uuids in tx.execute(select(table.c.accelerators).where(live)).scalars():
            devices.update(uuids)
    return _Held(int(milli_cpus), int(memory_bytes), int(jobs), frozenset(devices))


class Capacity:
    """What a node has and what of it is free."""

    def __init__(self, inventory: dict[str, Any], held: _Held) -> None:
        self.cpus = float(inventory["cpus"])
        self.memory_bytes = int(inventory["memory_bytes"])
        self.accelerators = tuple(Accelerator(**each) for each in inventory["accelerators"])
        self.watts = Watts(float(inventory["watts_idle"]), float(inventory["watts_max"]))
        self.free_milli_cpus = int(self.cpus * 1000) - held.milli_cpus
        self.free_bytes = self.memory_bytes - held.memory_bytes
        self.free_accelerators = tuple(
            each for each in self.accelerators if each.uuid not in held.accelerators
        )
        self.jobs = held.jobs
        self.resting: set[str] = set()
        #: Who else uses accelerators of it, in a sentence.
        self.others: str | None = None

    @classmethod
    def of(cls, tx: Transaction, node: NodeRow, inventory: dict[str, Any]) -> Capacity:
        """A node's capacity now."""
        capacity = cls(inventory, _held_on(tx, node.id, has_accelerators=bool(inventory["accelerators"])))
        if capacity.free_accelerators:
            capacity.let_rest(health_desk.devices_at_rest(tx, node.id))
        if taken := taken_by_others(node, inventory):
            capacity.leave_to_others(taken, sentence_of(inventory))
        return capacity

    def leave_to_others(self, devices: set[str], sentence: str | None) -> None:
        """Keeps devices from being handed out that somebody uses besides us; the sentence says who."""
        self.others = sentence
        self.free_accelerators = tuple(each for each in self.free_accelerators if each.uuid not in devices)

    def let_rest(self, devices: set[str]) -> None:
        """Keeps devices that broke a short while ago from being handed out."""
        self.resting = devices
        self.free_accelerators = tuple(each for each in self.free_accelerators if each.uuid not in devices)

    def take(self, demand: Demand, held: tuple[Accelerator, ...]) -> None:
        """Counts a placement that was just made."""
        self.free_milli_cpus -= demand.milli_cpus
        self.free_bytes -= demand.memory_bytes
        self.free_accelerators = tuple(each for each in self.free_accelerators if each not in held)
        self.jobs += 1

    def why_never(self, demand: Demand) -> str | None:
        """Why this node could not run it even when empty; None if it could."""
        if demand.cpus > self.cpus:
            return f"it asks for {demand.cpus:g} processors, there are {self.cpus:g}"
        if demand.memory_bytes > self.memory_bytes:
            return "it asks for more memory than there is"
        if pick_accelerators(demand, self.accelerators) is None:
            return f"it asks for {' or '.join(map(str, demand.accelerators))}, which is not there"
        return None

    def why_not_now(self, demand: Demand) -> str:
        """What it waits for."""
        used = self.cpus - self.free_milli_cpus / 1000
        running = f"{self.jobs} running job{'' if self.jobs == 1 else 's'}"
        if pick_accelerators(demand, self.free_accelerators) is None:
            if self.resting:
                names = ", ".join(sorted(self.resting))
                return f"waiting for a free accelerator: {names} had an error and is not used for 15 minutes"
            if self.others is not None:
                held = f", others are held by {running}" if self.jobs else ""
                return f"waiting for a free accelerator: {self.others}{held}"
            return f"waiting for a free accelerator: all that fit are held by {running}"
        return f"waiting for free capacity: {used:g} of {self.cpus:g} processors are held by {running}"


def _with_jobs(tx: Transaction, place: str | None) -> Iterator[tuple[TaskRow, JobRow]]:
    for page in pages(tx, place):
        jobs = jobs_by_id(tx, [task.job_id for task in page])
        for task in page:
            yield task, jobs[task.job_id]
