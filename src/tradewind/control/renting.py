"""Rents a machine for a waiting task: its row, its intent, the attempt and the hold are one commit before the call.

Where one like it is kept idle, that one is taken.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from tradewind.control import idling, money, placing
from tradewind.control.gang_terms import terms_of_all
from tradewind.control.loops import RENTALS
from tradewind.control.offer_json import offer_from_json, offer_to_json
from tradewind.control.predicting import Foretold, keep_prediction
from tradewind.control.rent_money import unsettled_micro
from tradewind.control.specs import note_alternative
from tradewind.db import tables
from tradewind.db.rows import JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.offers import Offer
from tradewind.ledger.limits import Refusal
from tradewind.ledger.reports import ON_DEMAND
from tradewind.ledger.reservations import Leg
from tradewind.placement.demand import demand_of, node_count
from tradewind.placement.estimates import Place
from tradewind.spec.models import JobSpec


def node_key(installation_id: str, node_id: str) -> str:
    """The deterministic key under which a provider knows a machine (invariant 1)."""
    return f"{installation_id}/{node_id}"


def rent(
    tx: Transaction,
    installation_id: str,
    job: JobRow,
    task: TaskRow,
    spec: JobSpec,
    offer: Offer,
    foretold: Foretold,
    *,
    alternative: int = 0,
    on_demand_micro: int | None = None,
) -> str | Refusal | None:
    """Plans to rent this offer for the task, for one of its job's alternatives. Returns the attempt's id.

    `on_demand_micro` is what an hour of the same machine costs on demand: reports say by it what spot has saved.

    None when the job's own budget does not reach; a refusal when another one does not allow it now.
    """
    watts = (Place.kilowatts(offer.accelerator, offer.accelerator_count) or 0.0) * 1000
    nodes = node_count(spec)
    hold = money.hold_for(
        tx,
        spec,
        job.id,
        offer.rate,
        watts,
        accrued_micro=unsettled_micro(tx, job.id, tx.now),
        ran=timedelta(0),
        others=[Leg(offer.rate, watts)] * (nodes - 1),
    )
    if hold is None:
        return None
    refusal = money.refused(tx, job, offer.provider, offer.market, offer.rate, hold)
    if refusal is not None:
        return refusal
    attempt_id = tx.new_id(ids.ATTEMPT)
    mine, kept = spec.alternative(alternative), note_alternative(spec, alternative)
    # Those who rent machines open the way between the machines of one gang: new ones join those that are idle.
    gang = None if nodes == 1 else idling.gang_at_hand(tx, job, offer) or attempt_id
    members = tuple(
        _take_one(tx, installation_id, job, mine, offer, watts, attempt_id, on_demand_micro, gang, kept)
        for _ in range(nodes)
    )
    first, name = members[0], describe(offer)
    terms = first.offer if nodes == 1 else terms_of_all([each.offer for each in members], attempt_id)
    placing.put(
        tx, installation_id, job, task, attempt_id,
        placing.Place(
            node_id=first.node_id, node_name=name if nodes == 1 else f"{nodes} x {name}", provider=offer.provider,
            offer=terms, currency=offer.rate.currency, hold=hold, milli_cpus=first.milli_cpus,
            memory_bytes=first.memory_bytes, accelerators=first.accelerators,
            members=members if nodes > 1 else (),
        ),
    )  # fmt: skip
    if task.fence == 0:
        keep_prediction(tx, job, spec, attempt_id, {**terms, "provider": offer.provider}, foretold)
    tx.wake(RENTALS)
    return attempt_id


def _take_one(
    tx: Transaction,
    installation_id: str,
    job: JobRow,
    spec: JobSpec,
    offer: Offer,
    watts: float,
    attempt_id: str,
    on_demand_micro: int | None,
    gang: str | None,
    kept: dict[str, int],
) -> placing.Member:
    """One machine: an idle one that is just such a one, or one that is to be rented."""
    idle = idling.find_idle(tx, job, offer, gang)
    if idle is None:
        node_id, devices = _plan_node(tx, installation_id, job, offer, attempt_id, gang), []
    else:
        node_id, offer = idling.take_over(tx, idle, job, attempt_id).id, offer_from_json(idle.offer or {})
        devices = list(idle.inventory.get("accelerators") or [])
    return placing.Member(
        node_id=node_id,
        # A machine that is yet to boot tells of its devices when it is met.
        offer=attempt_terms(offer, watts) | kept | {"accelerators": devices, ON_DEMAND: on_demand_micro},
        milli_cpus=demand_of(spec).milli_cpus,
        memory_bytes=offer.memory_bytes,
        accelerators=[each["uuid"] for each in devices],
    )


def _plan_node(
    tx: Transaction, installation_id: str, job: JobRow, offer: Offer, attempt_id: str, gang: str | None
) -> str:
    """The row of a machine that is to be rented, and the intent (invariant 1). Returns the node's id."""
    node_id = tx.new_id(ids.NODE)
    owner = {"project_id": job.project_id, "creator_id": job.creator_id}
    kept = offer_to_json(offer)
    tx.execute(
        insert(tables.nodes).values(
            id=node_id, **owner, provider=offer.provider, name=node_id, inventory={}, is_rented=True,
            status="creating", desired="keep", key=node_key(installation_id, node_id), offer=kept,
            attempt_id=attempt_id, job_id=job.id, observed={} if gang is None else {idling.GANG: gang},
            created_at=tx.now, last_seen_at=tx.now,
            next_due_at=tx.now,
        )
    )  # fmt: skip
    tx.execute(
        insert(tables.intents).values(
            id=tx.new_id(ids.INTENT), **owner, key=node_key(installation_id, node_id), node_id=node_id,
            provider=offer.provider, request=kept, state="open", created_at=tx.now,
        )
    )  # fmt: skip
    return node_id


def attempt_terms(offer: Offer, watts: float) -> dict[str, Any]:
    """What an attempt's row keeps of where it runs."""
    kept = offer_to_json(offer)
    return {
        "instance_type": offer.instance_type,
        "region": offer.region,
        "zone": offer.zone,
        "market": offer.market,
        "accelerator": offer.accelerator,
        "accelerator_count": offer.accelerator_count,
        "rate": kept["rate"],
        "watts_idle": watts * 0.2,
        "watts_max": watts,
        "accelerators": [],
        "carbon_g_per_kwh": offer.grams_co2e_per_kwh or 0.0,
        "note": f"{offer.market} price of {offer.provider}",
    }


def describe(offer: Offer) -> str:
    """An offer in a few words: `gpu_1x_a100 in us-east-1 (spot)`."""
    return f"{offer.instance_type} in {offer.zone or offer.region} ({offer.market})"
