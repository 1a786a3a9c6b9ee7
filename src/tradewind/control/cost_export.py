"""What a page of costs shows, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tradewind.domain.money import MICRO
from tradewind.domain.schemas_cost import JobCostPage
from tradewind.domain.schemas_overview import CostOverview

#: A spreadsheet takes what begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def groups_csv(seen: CostOverview) -> str:
    """One line for each group, and the whole."""
    head = (
        "since", "until", seen.by, "amount", "currency", "share", "basis", "jobs", "hours", "accelerator_hours",
        "idle_amount", "energy_kwh", "carbon_kg",
    )  # fmt: skip
    rows = [
        (
            seen.since.isoformat(), seen.until.isoformat(), row.group.get(seen.by, "total"),
            amount_text(row.amount.micro), row.amount.currency, f"{row.share:.6f}", row.basis,
            row.jobs, f"{row.hours:.4f}", f"{row.accelerator_hours:.4f}",
            amount_text(row.idle.micro if row.idle else 0), f"{row.energy_kwh:.6f}", f"{row.carbon_grams / 1000:.6f}",
        )
        for row in (*seen.rows, seen.total)
    ]  # fmt: skip
    return _csv(head, rows)


def series_csv(seen: CostOverview) -> str:
    """One line for each step and group."""
    head = (seen.step, seen.by, "amount", "currency")
    rows = [
        (start.isoformat(), series.label, amount_text(micro), series.total.currency)
        for number, start in enumerate(seen.starts)
        for series in seen.series
        for micro in (series.micro[number],)
    ]
    return _csv(head, rows)


def jobs_csv(page: JobCostPage) -> str:
    """One line for each job that ended: what was estimated, and what came."""
    head = (
        "ended_at", "job", "name", "outcome", "provider", "accelerator", "estimated_amount", "actual_amount",
        "currency", "ratio", "estimated_hours", "actual_hours",
    )  # fmt: skip
    rows = [
        (
            "" if each.ended_at is None else each.ended_at.isoformat(), each.job, each.name, each.outcome,
            each.provider, each.accelerator,
            "" if each.estimated is None else amount_text(each.estimated.micro),
            "" if each.actual is None else amount_text(each.actual.micro),
            (each.actual or each.estimated or page.actual).currency,
            _number(each.ratio), _number(each.estimated_hours), _number(each.actual_hours),
        )
        for each in page.items
    ]  # fmt: skip
    return _csv(head, rows)


def amount_text(micro: int) -> str:
    """An exact decimal, as spreadsheets read it."""
    return f"{Decimal(micro) / MICRO:f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    into = io.StringIO()
    writer = csv.writer(into, lineterminator="\r\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(each) for each in row])
    return into.getvalue()


def _harmless(cell: object) -> object:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        Decimal(cell)
    except ArithmeticError:
        return f"'{cell}"
    return cell
