"""Reports over the ledger: spend by group, spend of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError

_L: Final = tables.ledger
#: What spend can be grouped by, besides `tag:NAME`.
GROUPS: Final = ("project", "team", "provider", "user", "job", "accelerator", "kind", "day")
#: In the terms of an attempt: what an hour of the same machine costs on demand.
ON_DEMAND: Final = "on_demand_micro_per_hour"
_TAG: Final = "tag:"
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What closed intervals come to. `basis` is metered, modelled, mixed or none."""

    amount_micro: int = 0
    energy_j: int = 0
    carbon_mg: int = 0
    seconds: float = 0.0
    jobs: int = 0
    basis: str = "none"
    #: Of the amount: for rented machines that had no job.
    idle_micro: int = 0
    accelerator_hours: float = 0.0


def spend_of_jobs(tx: Transaction, job_ids: Iterable[str]) -> dict[str, Spend]:
    """Spend per job, for jobs that have any."""
    wanted = list(job_ids)
    if not wanted:
        return {}
    rows = tx.execute(select(_L.c.job_id, *_sums()).where(_L.c.job_id.in_(wanted)).group_by(_L.c.job_id))
    return {str(row[0]): _spend(row[1:]) for row in rows}


def amounts_of_jobs(tx: Transaction, job_ids: Select[tuple[str]]) -> dict[str, int]:
    """Micro-units per job, for the jobs that a query gives and that have any."""
    amount = func.sum(_L.c.amount_micro)
    rows = tx.execute(select(_L.c.job_id, amount).where(_L.c.job_id.in_(job_ids)).group_by(_L.c.job_id))
    return {str(row[0]): int(row[1]) for row in rows}


def spend_by(
    tx: Transaction,
    caller: Caller,
    since: datetime,
    until: datetime,
    by: list[str],
    only: Mapping[str, str] | None = None,
) -> list[tuple[dict[str, str], Spend]]:
    """Spend in a period, grouped, the dearest first. An interval counts where it ended. `only`: of these groups."""
    # By their labels: a database that is given the same expression with other parameters sees another expression.
    groups = [_column(name).label(f"group_{number}") for number, name in enumerate(by)]
    statement = (
        select(*groups, *_sums())
        .join_from(_L, tables.projects, tables.projects.c.id == _L.c.project_id)
        .join(tables.teams, tables.teams.c.id == tables.projects.c.team_id)
        .join(tables.users, tables.users.c.id == _L.c.creator_id)
        .outerjoin(tables.jobs, tables.jobs.c.id == _L.c.job_id)
        .where(visible_to(caller, _L), _L.c.ended_at >= since, _L.c.ended_at < until)
        .where(*(_is_in(name, value) for name, value in (only or {}).items()))
        .group_by(*(label.name for label in groups))
        .order_by(func.sum(_L.c.amount_micro).desc())
    )
    found = []
    for row in tx.execute(statement):
        names = {name: _show(name, value) for name, value in zip(by, row[: len(by)], strict=True)}
        found.append((names, _spend(row[len(by) :])))
    if by == ["day"]:
        found.sort(key=lambda each: each[0]["day"])
    return [each for each in found if each[1].jobs or each[1].amount_micro]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """Closed time of rented machines with a job, all of one kind: what it was, and what it came to.

    `on_demand_micro` is what an hour of the same machine cost on demand when it was rented; None: nobody wrote it down.
    """

    market: str
    accelerator: str
    accelerator_count: float
    on_demand_micro: int | None
    billed_s: int
    seconds: float
    amount_micro: int


def rented_time(
    tx: Transaction, caller: Caller, since: datetime, until: datetime, only: Mapping[str, str] | None = None
) -> list[Rented]:
    """What was rented by the hour for jobs in a period, by its kind and its price on demand."""
    offer = tables.attempts.c.offer
    groups = [
        offer["market"].as_string().label("market"),
        cast(offer[ON_DEMAND].as_string(), BigInteger).label("on_demand"),
        # Attempts have columns of these names too.
        _L.c.accelerator.label("device"),
        _L.c.accelerator_count.label("device_count"),
    ]
    rows = tx.execute(
        select(*groups, func.sum(_L.c.quantity), func.sum(_L.c.duration_ms), func.sum(_L.c.amount_micro))
        .join_from(_L, tables.attempts, tables.attempts.c.id == _L.c.attempt_id)
        .join(tables.projects, tables.projects.c.id == _L.c.project_id)
        .join(tables.teams, tables.teams.c.id == tables.projects.c.team_id)
        .join(tables.users, tables.users.c.id == _L.c.creator_id)
        .outerjoin(tables.jobs, tables.jobs.c.id == _L.c.job_id)
        .where(visible_to(caller, _L), _L.c.ended_at >= since, _L.c.ended_at < until)
        .where(_L.c.kind == "compute", _L.c.rate_per == "hour")
        .where(*(_is_in(name, value) for name, value in (only or {}).items()))
        .group_by(*(each.name for each in groups))
    )
    return [
        Rented(
            market=row[0],
            on_demand_micro=row[1],
            accelerator=row[2],
            accelerator_count=float(row[3]),
            billed_s=int(row[4]),
            seconds=int(row[5]) / 1000,
            amount_micro=int(row[6]),
        )
        for row in rows
        if row[0] in ("spot", "on_demand", "reserved")
    ]


def is_group(name: str) -> bool:
    """Whether spend can be grouped by this."""
    return name in GROUPS or (name.startswith(_TAG) and len(name) > len(_TAG))


def _column(name: str) -> ColumnElement[Any]:
    if name.startswith(_TAG):
        tag: ColumnElement[Any] = tables.jobs.c.tags[name.removeprefix(_TAG)].as_string()
        return tag
    if name == "day":
        return type_coerce(_L.c.ended_at, BigInteger) // literal_column(str(_DAY_US), BigInteger)
    return {
        "project": tables.projects.c.name,
        "team": tables.teams.c.name,
        "provider": _L.c.provider,
        "user": tables.users.c.name,
        "job": tables.jobs.c.name,
        "accelerator": _L.c.accelerator,
        "kind": _L.c.kind,
        "basis": _L.c.basis,
    }[name]


def _is_in(name: str, value: str) -> ColumnElement[bool]:
    """The condition for rows of one group, as `_show` names it."""
    column = _column(name)
    if name == "day":
        try:
            number = (date.fromisoformat(value) - date(1970, 1, 1)).days
        except ValueError:
            raise InvalidInputError(f"{value!r} is no day", hint="write for example 2026-01-31") from None
        return column == number
    return func.coalesce(column, "") == value


def _show(name: str, value: Any) -> str:
    if name == "day":
        return (date(1970, 1, 1) + timedelta(days=int(value))).isoformat()
    return "" if value is None else str(value)


def _sums() -> list[ColumnElement[Any]]:
    return [
        func.coalesce(func.sum(_L.c.amount_micro), 0),
        func.coalesce(func.sum(_L.c.energy_j), 0),
        func.coalesce(func.sum(_L.c.carbon_mg), 0),
        func.coalesce(func.sum(_L.c.duration_ms), 0),
        func.count(_L.c.job_id.distinct()),
        func.min(_L.c.basis),
        func.max(_L.c.basis),
        func.coalesce(func.sum(case((_L.c.kind == "idle", _L.c.amount_micro), else_=0)), 0),
        func.coalesce(func.sum(_L.c.duration_ms * _L.c.accelerator_count), 0.0),
    ]


def _spend(sums: Any) -> Spend:
    amount, energy, carbon, milliseconds, jobs, lowest, highest, idle, accelerator_ms = sums
    basis = "none" if lowest is None else lowest if lowest == highest else "mixed"
    return Spend(
        amount_micro=int(amount),
        energy_j=int(energy),
        carbon_mg=int(carbon),
        seconds=int(milliseconds) / 1000,
        jobs=int(jobs),
        basis=basis,
        idle_micro=int(idle),
        accelerator_hours=float(accelerator_ms) / 3_600_000,
    )
