"""What rented machines cost: so far, and for good once the provider has confirmed that they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, insert, select

from tradewind.control.ranks import energy_on
from tradewind.db import tables
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.ledger.intervals import carbon_mg
from tradewind.ledger.rates import rate_of
from tradewind.ledger.rent import Stretch, bill, bill_rest
from tradewind.providers.base import PriceChange

#: In `observed`, of a machine that its provider accepted and then had no room for: it ran at no time, and cost nothing.
NEVER_RAN: Final = "never_ran"
_UNSETTLED: Final = (
    select(tables.nodes.c.id)
    .where(tables.nodes.c.attempt_id == bindparam("b_attempt"), tables.nodes.c.ended_at.is_(None))
    .limit(1)
)


def prices_of(node: NodeRow) -> list[tuple[datetime, int]]:
    """Changes of the price that the provider has told of, in order."""
    return [(datetime.fromisoformat(at), int(micro)) for at, micro in node.observed.get("prices") or []]


def prices_to_json(changes: Iterable[PriceChange]) -> list[list[object]]:
    """Changes of the price as a node's row keeps them."""
    return [[each.at.isoformat(), each.micro_per_hour] for each in changes]


def rented_from(node: NodeRow) -> datetime | None:
    """Since when it costs money; None while nobody has it."""
    if node.observed.get(NEVER_RAN):
        return None
    return node.billed_from or node.accepted_at


def held_from(node: NodeRow) -> datetime | None:
    """Since when the job that has it now, or nobody, pays for it: what was before is in the ledger."""
    settled_to = node.observed.get("settled_to")
    return rented_from(node) if settled_to is None else datetime.fromisoformat(settled_to)


def rent_until(node: NodeRow, until: datetime) -> list[Stretch]:
    """What is not in the ledger yet, as it would be if the machine ended then; empty while it costs nothing."""
    since = rented_from(node)
    if since is None or node.offer is None:
        return []
    rate, prices, settled_to = rate_of(node.offer), prices_of(node), node.observed.get("settled_to")
    if settled_to is None:
        return bill(rate, since, until, prices)
    cut = datetime.fromisoformat(settled_to)
    return bill_rest(rate, since, until, prices, cut, int(node.observed["settled_micro"]))


def settle_tenancy(tx: Transaction, node: NodeRow, until: datetime) -> NodeRow:
    """Writes what the job had of the machine to the ledger: from then on it is nobody's, or another job's."""
    charged = settle_rent(tx, node, until)
    observed = node.observed | {
        "settled_to": until.isoformat(),
        "settled_micro": int(node.observed.get("settled_micro", 0)) + charged,
    }
    return change(tx, node, attempt_id=None, job_id=None, observed=observed)


def unsettled_micro(tx: Transaction, job_id: str, now: datetime) -> int:
    """What the machines that a job still has, or had and that are not confirmed gone, come to so far."""
    table = tables.nodes
    rows = tx.execute(NodeRow.select().where(table.c.job_id == job_id, table.c.ended_at.is_(None)))
    return sum(stretch.amount_micro for row in rows for stretch in rent_until(NodeRow.of(row), now))


def settle_rent(tx: Transaction, node: NodeRow, ended_at: datetime) -> int:
    """Writes the machine's bill to the ledger, a row for each price it had. Its attempt lets go of what was held.

    Returns what it came to. A machine that nothing needed is written down as `orphan`, one that was kept for the next
    job as `idle`.
    """
    table = tables.attempts
    found = None
    if node.attempt_id is not None:
        found = tx.execute(AttemptRow.select().where(table.c.id == node.attempt_id)).first()
    attempt = None if found is None else AttemptRow.of(found)
    offer = node.offer or {}
    grams = float(offer.get("grams_co2e_per_kwh") or 0.0)
    stretches = rent_until(node, ended_at)
    for number, stretch in enumerate(stretches):
        # Energy was measured by the attempt as a whole: it stands beside the last stretch.
        energy_j = energy_on(tx, attempt, node.id) if attempt and number == len(stretches) - 1 else 0
        tx.execute(
            insert(tables.ledger).values(
                id=tx.new_id(ids.LEDGER), project_id=node.project_id, creator_id=node.creator_id, job_id=node.job_id,
                attempt_id=node.attempt_id, node_id=node.id, provider=node.provider,
                kind=_kind_of(node), started_at=stretch.started_at,
                ended_at=stretch.ended_at,
                duration_ms=round((stretch.ended_at - stretch.started_at).total_seconds() * 1000),
                quantity=stretch.seconds, rate_micro_per_unit=stretch.micro_per_hour, rate_per="hour",
                amount_micro=stretch.amount_micro, currency=rate_of(offer).currency, energy_j=energy_j,
                carbon_mg=carbon_mg(energy_j, grams), basis="modelled",
                note=f"{offer.get('instance_type', '')} in {offer.get('zone') or offer.get('region', '')}",
                accelerator=str(offer.get("accelerator") or "")[:64],
                accelerator_count=float(offer.get("accelerator_count") or 0.0) if offer.get("accelerator") else 0.0,
            )
        )  # fmt: skip
    return sum(each.amount_micro for each in stretches)


def _kind_of(node: NodeRow) -> str:
    if node.job_id is not None:
        return "compute"
    return "orphan" if node.observed.get("settled_to") is None else "idle"


def has_unsettled(tx: Transaction, attempt_id: str) -> bool:
    """True while the machine that was rented for an attempt is not confirmed gone."""
    return bool(tx.fetch(_UNSETTLED, {"b_attempt": attempt_id}))
