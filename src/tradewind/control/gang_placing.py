"""Places an attempt on several machines at hand: all of them are taken in one transaction, or none is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tradewind.control import money, placing
from tradewind.control.budget_waiting import hold_back
from tradewind.control.context import Context
from tradewind.control.far_nodes import electricity_rate, far_nodes, far_offer
from tradewind.control.gang_terms import terms_of_all
from tradewind.control.loops import lock_at_hand
from tradewind.control.nodes import Capacity
from tradewind.control.predicting import Foretold, keep_prediction
from tradewind.control.specs import note_alternative
from tradewind.db import tables
from tradewind.db.rows import JobRow, NodeRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.offers import Accelerator
from tradewind.domain.status import Reason
from tradewind.estimate.power import share_of
from tradewind.ledger import reservations
from tradewind.ledger.rates import rate_of
from tradewind.placement.demand import Demand, demand_of, pick_accelerators
from tradewind.spec.models import JobSpec

if TYPE_CHECKING:
    from tradewind.control.choosing import Chosen


@dataclass(frozen=True, slots=True)
class _Share:
    """What a rank would hold of one node."""

    node: NodeRow
    held: tuple[Accelerator, ...]
    offer: dict[str, Any]


def place_gang(
    tx: Transaction,
    context: Context,
    job: JobRow,
    task: TaskRow,
    spec: JobSpec,
    choice: Chosen,
    kept: Mapping[str, str],
) -> dict[str, str]:
    """Takes every node of the choice, if all have room now. Else they are kept for it: by id, with the job's name.

    `kept` are those that a gang before it in the queue waits for.
    """
    wanted = [(each.provider, each.instance_type) for each in choice.members]
    nodes = {(each.provider, each.name): each for each in far_nodes(tx)}
    if any(each not in nodes for each in wanted):
        placing.say_why(tx, job, Reason.WAITING_FOR_CAPACITY, "one of its machines does not answer any more")
        return {}
    members = _lock(tx, [nodes[each].id for each in wanted])
    taken = [kept[each.id] for each in members if each.id in kept]
    demand = demand_of(spec.alternative(choice.alternative))
    if taken:
        text = f"waiting for {len(wanted)} machines at once: some are kept for {taken[0]}"
        placing.say_why(tx, job, Reason.WAITING_FOR_CAPACITY, text)
        return {}
    shares, full = _shares(tx, context, members, demand)
    if full:
        names = ", ".join(each.name for each in full)
        text = f"waiting for {len(wanted)} machines at once: {names} {'has' if len(full) == 1 else 'have'} no room now"
        placing.say_why(tx, job, Reason.WAITING_FOR_CAPACITY, text)
        return {each.id: job.name for each in members}
    _put(tx, context, job, task, spec, choice, shares, demand)
    return {}


def _lock(tx: Transaction, node_ids: Sequence[str]) -> list[NodeRow]:
    """The nodes in the order of ranks, as they are now. They stay locked."""
    lock_at_hand(tx)
    rows = tx.execute(NodeRow.select().where(tables.nodes.c.id.in_(node_ids)))
    found = {node.id: node for node in map(NodeRow.of, rows)}
    return [found[each] for each in node_ids]


def _shares(
    tx: Transaction, context: Context, nodes: Sequence[NodeRow], demand: Demand
) -> tuple[list[_Share], list[NodeRow]]:
    shares, full = [], []
    for node in nodes:
        capacity = Capacity.of(tx, node, node.inventory)
        held = pick_accelerators(demand, capacity.free_accelerators)
        has_room = (
            demand.milli_cpus <= capacity.free_milli_cpus and demand.memory_bytes <= capacity.free_bytes
        )
        if held is None or not has_room:
            full.append(node)
            continue
        watts = share_of(capacity.watts, capacity.cpus, capacity.accelerators, demand.cpus, held)
        offer = far_offer(node, watts, held, electricity_rate(context.tariff), context.tariff)
        shares.append(_Share(node, held, offer))
    return shares, full


def _put(
    tx: Transaction,
    context: Context,
    job: JobRow,
    task: TaskRow,
    spec: JobSpec,
    choice: Chosen,
    shares: Sequence[_Share],
    demand: Demand,
) -> None:
    first, *others = [
        reservations.Leg(rate_of(each.offer), float(each.offer["watts_max"])) for each in shares
    ]
    hold = money.hold_for(
        tx, spec, job.id, first.rate, first.watts_max, accrued_micro=0, ran=timedelta(0), others=others
    )  # fmt: skip
    if hold is None:
        placing.refuse_for_budget(tx, job, task)
        return
    attempt_id, provider = tx.new_id(ids.ATTEMPT), shares[0].node.provider
    kept = note_alternative(spec, choice.alternative)
    terms = terms_of_all([each.offer for each in shares], attempt_id) | kept
    refusal = money.refused(tx, job, provider, reservations.OWNED, rate_of(terms), hold)
    if refusal is not None:
        hold_back(tx, job, task, refusal)
        return
    members = tuple(
        placing.Member(
            node_id=each.node.id,
            offer=each.offer | kept,
            milli_cpus=demand.milli_cpus,
            memory_bytes=demand.memory_bytes,
            accelerators=[device.uuid for device in each.held],
        )
        for each in shares
    )
    place = placing.Place(
        node_id=members[0].node_id,
        node_name=", ".join(each.node.name for each in shares),
        provider=provider,
        offer=terms,
        currency=rate_of(terms).currency,
        hold=hold,
        milli_cpus=demand.milli_cpus,
        memory_bytes=demand.memory_bytes,
        accelerators=members[0].accelerators,
        members=members,
    )
    placing.put(tx, context.installation_id, job, task, attempt_id, place)
    text = f"{place.node_name}: {choice.explanation}"
    placing.note_decision(tx, job, "place", text, choice.arithmetic, attempt_id)
    if task.fence == 0:
        offer = {**terms, "provider": provider}
        keep_prediction(
            tx, job, spec, attempt_id, offer, Foretold(hours=choice.hours, cost_micro=choice.cost_micro)
        )
