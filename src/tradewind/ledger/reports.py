"""Reports over the ledger: spend by group, spend of jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction

_L: Final = tables.ledger
#: What spend can be grouped by.
GROUPS: Final = ("project", "provider", "user", "job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What closed intervals come to. `basis` is metered, modelled, mixed or none."""

    amount_micro: int = 0
    energy_j: int = 0
    carbon_mg: int = 0
    seconds: float = 0.0
    jobs: int = 0
    basis: str = "none"


def spend_of_jobs(tx: Transaction, job_ids: Iterable[str]) -> dict[str, Spend]:
    """Spend per job, for jobs that have any."""
    wanted = list(job_ids)
    if not wanted:
        return {}
    rows = tx.execute(select(_L.c.job_id, *_sums()).where(_L.c.job_id.in_(wanted)).group_by(_L.c.job_id))
    return {str(row[0]): _spend(row[1:]) for row in rows}


def spend_by(
    tx: Transaction, caller: Caller, since: datetime, until: datetime, by: list[str]
) -> list[tuple[dict[str, str], Spend]]:
    """Spend in a period, grouped, the dearest first. An interval counts where it ended."""
    columns: dict[str, ColumnElement[Any]] = {
        "project": tables.projects.c.name,
        "provider": _L.c.provider,
        "user": tables.users.c.name,
        "job": tables.jobs.c.name,
    }
    groups = [columns[name] for name in by]
    statement = (
        select(*groups, *_sums())
        .join_from(_L, tables.projects, tables.projects.c.id == _L.c.project_id)
        .join(tables.users, tables.users.c.id == _L.c.creator_id)
        .outerjoin(tables.jobs, tables.jobs.c.id == _L.c.job_id)
        .where(visible_to(caller, _L), _L.c.ended_at >= since, _L.c.ended_at < until)
        .group_by(*groups)
        .order_by(func.sum(_L.c.amount_micro).desc())
    )
    found = []
    for row in tx.execute(statement):
        names = dict(zip(by, (str(value) for value in row[: len(by)]), strict=True))
        found.append((names, _spend(row[len(by) :])))
    return [each for each in found if each[1].jobs]


def _sums() -> list[ColumnElement[Any]]:
    return [
        func.coalesce(func.sum(_L.c.amount_micro), 0),
        func.coalesce(func.sum(_L.c.energy_j), 0),
        func.coalesce(func.sum(_L.c.carbon_mg), 0),
        func.coalesce(func.sum(_L.c.duration_ms), 0),
        func.count(_L.c.job_id.distinct()),
        func.min(_L.c.basis),
        func.max(_L.c.basis),
    ]


def _spend(sums: Any) -> Spend:
    amount, energy, carbon, milliseconds, jobs, lowest, highest = sums
    basis = "none" if lowest is None else lowest if lowest == highest else "mixed"
    return Spend(
        amount_micro=int(amount),
        energy_j=int(energy),
        carbon_mg=int(carbon),
        seconds=int(milliseconds) / 1000,
        jobs=int(jobs),
        basis=basis,
    )
