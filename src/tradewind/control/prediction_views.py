"""What was foretold of a job beside what came, as a user reads it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Row, select

from tradewind.control.money_views import money_view
from tradewind.db import price_tables
from tradewind.db.store import Transaction
from tradewind.domain.schemas import BandView, PredictionView
from tradewind.domain.status import JobStatus
from tradewind.ledger.reports import amounts_of_jobs

_TABLE: Final = price_tables.predictions
#: Estimates closer than this are called right.
_CLOSE: Final = 0.005


def prediction_view(tx: Transaction, job_id: str, currency: str) -> PredictionView | None:
    """The prediction of a job; None for one that was never placed."""
    row = tx.execute(select(_TABLE).where(_TABLE.c.job_id == job_id).limit(1)).first()
    if row is None:
        return None
    hours = _hours(row)
    # The rent of a machine is settled after its job has ended, and so after the prediction was closed.
    settled = amounts_of_jobs(tx, select(_TABLE.c.job_id).where(_TABLE.c.id == row.id))
    actual: int | None = None if row.closed_at is None else settled.get(job_id, row.actual_cost_micro)
    is_finished = row.outcome == JobStatus.SUCCEEDED
    error = None
    if hours is not None and is_finished and row.actual_hours:
        error = abs(hours.p50 - row.actual_hours) / row.actual_hours
    return PredictionView(
        hours=hours,
        cost=None if row.cost_micro is None else money_view(round(row.cost_micro["p50"]), currency),
        energy_kwh=None if row.energy_kwh is None else row.energy_kwh["p50"],
        actual_hours=row.actual_hours,
        actual_cost=None if actual is None else money_view(actual, currency),
        actual_energy_kwh=row.actual_energy_kwh,
        error=error,
        implied_hours=None if row.closed_at is None or is_finished else row.implied_hours,
        text=_text(row, hours, actual, currency),
    )


def _hours(row: Row[Any]) -> BandView | None:
    said = row.hours
    if said is None:
        return None
    return BandView(
        p10=said["p10"], p50=said["p50"], p90=said["p90"], layer=row.layer, basis=said.get("basis", row.layer)
    )


def _text(row: Row[Any], hours: BandView | None, actual_micro: int | None, currency: str) -> str:
    if hours is None:
        return ""
    said = f"estimated {show_hours(hours.p50)} ({show_hours(hours.p10)} to {show_hours(hours.p90)})"
    if row.closed_at is None:
        parts = [said]
        if row.cost_micro is not None:
            parts.append(money_view(round(row.cost_micro["p50"]), currency).text)
        if row.energy_kwh is not None:
            parts.append(_show_energy(row.energy_kwh["p50"]))
        return f"{', '.join(parts)}, from {hours.basis}"
    if row.outcome == "moved":
        return f"took {show_hours(row.actual_hours)} on more than one kind of machine; {said} on the first"
    if row.outcome != JobStatus.SUCCEEDED or not row.actual_hours:
        pace = (
            "" if not row.implied_hours else f"; at its pace all of it takes {show_hours(row.implied_hours)}"
        )
        return f"{said}; it did not finish{pace}"
    text = f"took {show_hours(row.actual_hours)}: {apart(row.actual_hours / hours.p50, 'longer', 'shorter')}"
    if row.cost_micro is not None and row.cost_micro["p50"] and actual_micro is not None:
        cost = money_view(actual_micro, currency).text
        text += f"; {cost}, {apart(actual_micro / row.cost_micro['p50'], 'more', 'less')}"
    if row.energy_kwh is not None and row.energy_kwh["p50"] and row.actual_energy_kwh is not None:
        text += (
            f"; {_show_energy(row.actual_energy_kwh)}, "
            f"{apart(row.actual_energy_kwh / row.energy_kwh['p50'], 'more', 'less')}"
        )
    return text


def apart(ratio: float, above: str, below: str) -> str:
    """How what came compares with what was estimated."""
    if abs(ratio - 1) < _CLOSE:
        return "as estimated"
    if ratio >= 2:
        return f"{ratio:.3g} times the estimate"
    return f"{100 * abs(ratio - 1):.0f} % {above if ratio > 1 else below} than estimated"


def _show_energy(kwh: float) -> str:
    """However little, never as a power of ten."""
    return f"{Decimal(f'{kwh:.3g}'):f} kWh"


def show_hours(hours: float) -> str:
    """A length in the unit that suits it: `2.0 h`, `12.5 min`, `41 s`."""
    if hours >= 1:
        return f"{hours:,.0f} h" if hours >= 100 else f"{hours:.1f} h"
    minutes = hours * 60
    return f"{minutes:.1f} min" if minutes >= 1 else f"{minutes * 60:.1f} s"
