"""Keeps a rented machine for the next job, for a while, when its own has ended: a pool without a name.

What the job had of the machine is settled as it ends; what nobody has is written down as `idle`. The next job of the
same user and project that would rent just such a machine, at no lower price, gets this one.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from tradewind.control import leases
from tradewind.control.budget_waiting import are_there_any
from tradewind.control.loops import MARKET, RENTALS
from tradewind.control.offer_json import offer_from_json
from tradewind.control.rent_money import prices_of, rented_from, settle_tenancy
from tradewind.db import tables
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.causes import cause_of
from tradewind.domain.offers import Offer
from tradewind.domain.status import NodeDesired, NodeStatus, Reason

#: What a rented machine's `observed` has: the attempt for whose gang it was rented. It keeps it when that has ended.
GANG: Final = "gang"
#: An idle machine is looked at this often.
_LOOK = timedelta(seconds=30)
#: After these the machine is not wanted any more, though nothing is wrong with it.
_LEFT_BEHIND = frozenset({Reason.MIGRATED, Reason.GIVEN_BACK, Reason.BUDGET})


def may_stay(tx: Transaction, node: NodeRow, keep_idle: timedelta) -> bool:
    """True if a machine whose attempt has ended is kept: it is in order, and nobody limits what may be spent.

    Nothing is held for a machine that no job has. Where a budget or limit is set, only what is held may be spent.
    """
    if not keep_idle or node.status is not NodeStatus.READY or node.desired is not NodeDesired.KEEP:
        return False
    if node.attempt_id is None or node.job_id is None or rented_from(node) is None:
        return False
    if node.lost_since is not None or "reclaim_at" in node.observed:
        return False
    reason = AttemptRow.get(tx, node.attempt_id).reason
    if reason is None or reason in _LEFT_BEHIND or cause_of(reason).is_places_doing:
        return False
    return not are_there_any(tx)


def begin_idle(tx: Transaction, node: NodeRow, keep_idle: timedelta) -> datetime:
    """The job lets go of the machine; from now on it is nobody's. When it is to be looked at again."""
    attempt_id = node.attempt_id
    node = settle_tenancy(tx, node, tx.now)
    node = change(tx, node, observed=node.observed | {"idle_since": tx.now.isoformat()})
    if attempt_id is not None:
        leases.wake(tx, tables.attempts, attempt_id)
    leases.wake(tx, tables.loops, MARKET, topic=MARKET)
    # As often as one that runs: whatever ends it without a word from us has to be put off.
    return tx.now + min(keep_idle / 2, _LOOK)


def stay_idle(tx: Transaction, node: NodeRow, keep_idle: timedelta) -> datetime | None:
    """When an idle machine is to be looked at again; None: it was kept for long enough."""
    since = node.observed.get("idle_since")
    if since is None or are_there_any(tx) or "reclaim_at" in node.observed:
        return None
    until = datetime.fromisoformat(since) + keep_idle
    return None if until <= tx.now else min(until, tx.now + _LOOK)


def find_idle(tx: Transaction, job: JobRow, offer: Offer, gang: str | None = None) -> NodeRow | None:
    """An idle machine of this user and project that is what the offer would be, at no higher price. It stays locked.

    With `gang`, only one that was rented for that gang: others may not be reached by its machines.
    """
    for node in _idle_such(tx, job, offer):
        if gang is None or node.observed.get(GANG) == gang:
            return node
    return None


def gang_at_hand(tx: Transaction, job: JobRow, offer: Offer) -> str | None:
    """The gang of which most such machines are idle; None where there is none. They stay locked."""
    idle = Counter(str(node.observed[GANG]) for node in _idle_such(tx, job, offer) if GANG in node.observed)
    return max(sorted(idle), key=lambda gang: idle[gang], default=None)


def _idle_such(tx: Transaction, job: JobRow, offer: Offer) -> list[NodeRow]:
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select()
        .where(
            table.c.is_rented, table.c.status == NodeStatus.READY, table.c.desired == NodeDesired.KEEP,
            table.c.attempt_id.is_(None), table.c.lost_since.is_(None), table.c.provider == offer.provider,
            table.c.project_id == job.project_id, table.c.creator_id == job.creator_id,
        )
        .order_by(table.c.id)
        .with_for_update()
    )  # fmt: skip
    return [
        node
        for node in map(NodeRow.of, rows)
        if "idle_since" in node.observed and "reclaim_at" not in node.observed and _is_such(node, offer)
    ]


def _is_such(node: NodeRow, offer: Offer) -> bool:
    kept = offer_from_json(node.offer or {})
    names = ("region", "zone", "instance_type", "market", "accelerator", "accelerator_count")
    if any(getattr(kept, name) != getattr(offer, name) for name in names):
        return False
    prices = prices_of(node)
    price = prices[-1][1] if prices else kept.rate.micro_per_unit
    return price <= offer.rate.micro_per_unit


def take_over(tx: Transaction, node: NodeRow, job: JobRow, attempt_id: str) -> NodeRow:
    """The machine is this attempt's. What it cost while nobody had it is settled."""
    node = settle_tenancy(tx, node, tx.now)
    observed = {key: value for key, value in node.observed.items() if key != "idle_since"}
    node = change(tx, node, attempt_id=attempt_id, job_id=job.id, observed=observed)
    leases.wake(tx, tables.nodes, node.id, topic=RENTALS)
    return node
