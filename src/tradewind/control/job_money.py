"""What jobs cost now: what the ledger has, what runs up, what an hour costs, what was foretold. Batched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from tradewind.control.accruing import running_interval
from tradewind.control.money_views import money_view
from tradewind.control.ranks import as_attempt, ranks_by_attempt
from tradewind.control.rent_money import prices_of, rent_until, rented_from
from tradewind.db import price_tables, tables
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import JOULES_PER_KWH, hourly_worst_micro
from tradewind.domain.schemas import CostView, MoneyView
from tradewind.domain.status import has_ended
from tradewind.domain.units import parse_money_micro
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.intervals import amount_of, carbon_mg
from tradewind.ledger.rates import rate_of
from tradewind.ledger.reports import Spend

BASIS_LABELS: Final = {
    "metered": "metered",
    "modelled": "estimated",
    "billed": "billed",
    "mixed": "partly metered",
    "none": "",
}


@dataclass(slots=True)
class Accruing:
    """What a job's machines run up that is not in the ledger yet."""

    micro: int = 0
    energy_j: int = 0
    carbon_mg: int = 0
    basis: str | None = None
    micro_per_hour: int = 0
    by_attempt: dict[str, int] = field(default_factory=dict)

    def add(self, attempt_id: str | None, micro: int, energy_j: int, grams_per_kwh: float) -> None:
        """Counts one machine."""
        self.micro += micro
        self.energy_j += energy_j
        self.carbon_mg += carbon_mg(energy_j, grams_per_kwh)
        if attempt_id is not None:
            self.by_attempt[attempt_id] = self.by_attempt.get(attempt_id, 0) + micro


def accruing_of(
    tx: Transaction, job_ids: Sequence[str], newest: Mapping[str, AttemptRow], tariff: Tariff, now: datetime
) -> dict[str, Accruing]:
    """By job; `newest` has the newest attempt of each, by its id. Two queries at most, however many there are."""
    found: dict[str, Accruing] = defaultdict(Accruing)
    attempts = dict(newest)
    rented = _rented(tx, job_ids)
    if missing := {str(each.attempt_id) for each in rented if each.attempt_id} - attempts.keys():
        rows = tx.execute(AttemptRow.select().where(tables.attempts.c.id.in_(missing)))
        attempts |= {row.id: AttemptRow.of(row) for row in rows}
    for node in rented:
        _add_rent(found[str(node.job_id)], node, attempts.get(node.attempt_id or ""), now)
    wanted = set(job_ids)
    metered = [
        each
        for each in newest.values()
        if each.job_id in wanted and not each.is_rented and not has_ended(each.status)
    ]
    ranks = ranks_by_attempt(tx, [each.id for each in metered if each.is_gang])
    for attempt in metered:
        for each in ranks.get(attempt.id, ()):
            part = as_attempt(attempt, each)
            _add_meter(found[attempt.job_id], part, tariff, min(now, each.ended_at or now), each.has_ended)
        if not attempt.is_gang:
            _add_meter(found[attempt.job_id], attempt, tariff, now)
    return found


def _rented(tx: Transaction, job_ids: Sequence[str]) -> list[NodeRow]:
    if not job_ids:
        return []
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select().where(table.c.job_id.in_(job_ids), table.c.is_rented, table.c.ended_at.is_(None))
    )
    return [NodeRow.of(row) for row in rows]


def _add_rent(sum_: Accruing, node: NodeRow, attempt: AttemptRow | None, now: datetime) -> None:
    if node.offer is None or rented_from(node) is None:
        return
    prices = prices_of(node)
    micro = sum(stretch.amount_micro for stretch in rent_until(node, now))
    grams = float(node.offer.get("grams_co2e_per_kwh") or 0.0)
    sum_.add(node.attempt_id, micro, 0 if attempt is None else attempt.energy_j, grams)
    sum_.micro_per_hour += prices[-1][1] if prices else rate_of(node.offer).micro_per_unit
    sum_.basis = "modelled"


def _add_meter(
    sum_: Accruing, attempt: AttemptRow, tariff: Tariff, until: datetime, is_over: bool = False
) -> None:
    if attempt.accepted_at is None:
        return
    interval = running_interval(attempt, tariff, energy_j=attempt.energy_j, until=until)
    sum_.add(attempt.id, amount_of(interval).micro, attempt.energy_j, interval.carbon_g_per_kwh)
    if not is_over:
        sum_.micro_per_hour += hourly_worst_micro(rate_of(attempt.offer), watts_now(attempt))
    sum_.basis = interval.basis


def watts_now(attempt: AttemptRow) -> float:
    """What it drew when it was last looked at; the most that it can draw while nobody knows."""
    watts = (attempt.observed.get("sample") or {}).get("watts")
    return float(attempt.offer["watts_max"] if watts is None else watts)


def per_hour_view(micro: int, currency: str = "USD") -> MoneyView:
    """An amount for each hour: `$1.29/h`."""
    view = money_view(micro, currency)
    return view.model_copy(update={"text": f"{view.text}/h"})


def cap_of(job: JobRow) -> MoneyView | None:
    """The job's own budget; read from its file, which was checked as it came."""
    constraints = job.spec.get("constraints")
    budget = constraints.get("budget") if isinstance(constraints, dict) else None
    return None if budget is None else money_view(parse_money_micro(budget))


def estimates_of(tx: Transaction, job_ids: Sequence[str]) -> dict[str, int]:
    """What jobs were foretold to cost as they were first placed, in micro-units, where anybody could say."""
    if not job_ids:
        return {}
    table = price_tables.predictions
    rows = tx.execute(
        select(table.c.job_id, table.c.cost_micro).where(
            table.c.job_id.in_(job_ids), table.c.cost_micro.is_not(None)
        )
    )
    # A JSON column may hold JSON's null.
    return {str(row[0]): round(row[1]["p50"]) for row in rows if row[1]}


def holds_of(tx: Transaction, job_ids: Sequence[str]) -> dict[str, int]:
    """The worst case that is held for jobs now, in micro-units."""
    if not job_ids:
        return {}
    table = tables.reservations
    rows = tx.execute(
        select(table.c.job_id, func.sum(table.c.amount_micro))
        .where(table.c.job_id.in_(job_ids), table.c.released_at.is_(None))
        .group_by(table.c.job_id)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def cost_view(
    job: JobRow,
    attempt: AttemptRow | None,
    spend: Spend,
    accruing: Accruing,
    reserved_micro: int,
    estimate_micro: int | None,
) -> CostView:
    """What a job has cost, with how that is known."""
    basis = spend.basis if accruing.basis is None else accruing.basis
    notes = [] if attempt is None else [str(attempt.offer.get("note", ""))]
    if attempt is not None and basis == "modelled" and not attempt.is_rented:
        notes.append("energy modelled from the machine's parts: no power meter could be read")
    currency = rate_of(attempt.offer).currency if attempt is not None else "USD"
    costs_now = accruing.micro_per_hour > 0 or not has_ended(job.status)
    return CostView(
        amount=money_view(spend.amount_micro + accruing.micro, currency),
        reserved=money_view(reserved_micro, currency),
        energy_kwh=(spend.energy_j + accruing.energy_j) / JOULES_PER_KWH,
        carbon_grams=(spend.carbon_mg + accruing.carbon_mg) / 1000,
        basis="metered" if basis == "metered" else "none" if basis == "none" else "modelled",
        # On a rented machine more than one basis means that an invoice has corrected what was estimated.
        basis_label=BASIS_LABELS["billed" if basis == "mixed" and attempt and attempt.is_rented else basis],
        notes=[note for note in notes if note],
        is_final=has_ended(job.status) and accruing.micro_per_hour == 0,
        per_hour=per_hour_view(accruing.micro_per_hour, currency) if costs_now else None,
        estimate=None if estimate_micro is None else money_view(estimate_micro, currency),
        cap=cap_of(job),
    )
