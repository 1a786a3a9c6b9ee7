"""How many jobs there are of what: for the filters of a list, and for what to say where nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Text, cast, func, select

from tradewind.control.context import Context
from tradewind.control.job_badges import JOB_LOOKS, status_badge
from tradewind.control.job_filters import FILTER_LABELS, JobFilter, each_tag
from tradewind.control.job_list import burn_micro
from tradewind.control.job_money import per_hour_view
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.schemas_job_parts import FacetsView, JobFacetView, LooserView
from tradewind.domain.status import JobStatus

_J: Final = tables.jobs
#: More values of one kind than so many are no choice any more: the most frequent ones are shown.
_MOST: Final = 50
Counted = Iterable[tuple[str, int]]


def job_facets(context: Context, tx: Transaction, caller: Caller, wanted: JobFilter) -> FacetsView:
    """Each kind is counted among what the other filters let through, so that a choice can be widened, too."""
    total = _count(tx, caller, JobFilter())
    matching = _count(tx, caller, wanted) if wanted.set_names() else total
    looser = _looser(tx, caller, wanted) if total and not matching else []
    return FacetsView(
        total=total,
        matching=matching,
        status=_statuses(tx, caller, wanted),
        provider=_facet(_by_attempt(tx, caller, wanted, "providers", tables.attempts.c.provider)),
        accelerator=_facet(_by_attempt(tx, caller, wanted, "accelerators", tables.attempts.c.accelerator)),
        creator=_facet(_by_creator(tx, caller, wanted)),
        tag=_facet(_by_tag(tx, caller, wanted)),
        per_hour=per_hour_view(burn_micro(context, tx, caller)),
        empty_text=_empty_text(total, matching, looser),
        looser=looser,
    )


def _count(tx: Transaction, caller: Caller, wanted: JobFilter, *, without: str | None = None) -> int:
    conditions = wanted.conditions(caller, without=without)
    return int(tx.execute(select(func.count()).select_from(_J).where(*conditions)).scalar_one())


def _statuses(tx: Transaction, caller: Caller, wanted: JobFilter) -> list[JobFacetView]:
    """All of them, in the order of a job's life: a filter that jumps about is hard to hit."""
    conditions = wanted.conditions(caller, without="statuses")
    rows = tx.execute(select(_J.c.status, func.count()).where(*conditions).group_by(_J.c.status))
    counts = {str(row[0]): int(row[1]) for row in rows}
    return [
        JobFacetView(
            value=status,
            label=JOB_LOOKS[status][0],
            count=counts.get(status, 0),
            badge=status_badge(status),
        )
        for status in JobStatus
    ]


def _by_attempt(tx: Transaction, caller: Caller, wanted: JobFilter, name: str, column: Any) -> Counted:
    attempts = tables.attempts
    rows = tx.execute(
        select(column, func.count())
        .select_from(_J.join(attempts, attempts.c.id == _J.c.attempt_id))
        .where(*wanted.conditions(caller, without=name), column != "")
        .group_by(column)
        .order_by(func.count().desc(), column)
        .limit(_MOST)
    )
    return [(str(row[0]), int(row[1])) for row in rows]


def _by_creator(tx: Transaction, caller: Caller, wanted: JobFilter) -> Counted:
    users = tables.users
    rows = tx.execute(
        select(users.c.name, func.count())
        .select_from(_J.join(users, users.c.id == _J.c.creator_id))
        .where(*wanted.conditions(caller, without="creators"))
        .group_by(users.c.name)
        .order_by(func.count().desc(), users.c.name)
        .limit(_MOST)
    )
    return [(str(row[0]), int(row[1])) for row in rows]


def _by_tag(tx: Transaction, caller: Caller, wanted: JobFilter) -> Counted:
    each = each_tag()
    # Most jobs have none, and a JSON column is not compared with anything but as text.
    has_tags = cast(_J.c.tags, Text) != "{}"
    rows = tx.execute(
        select(each.c.key, each.c.value, func.count())
        .select_from(_J)
        .join(each, each.c.key.is_not(None))
        .where(*wanted.conditions(caller, without="tags"), has_tags)
        .group_by(each.c.key, each.c.value)
        .order_by(func.count().desc(), each.c.key, each.c.value)
        .limit(_MOST)
    )
    return [(f"{row[0]}={row[1]}", int(row[2])) for row in rows]


def _facet(counted: Counted) -> list[JobFacetView]:
    return [JobFacetView(value=value, label=value, count=count) for value, count in counted]


def _looser(tx: Transaction, caller: Caller, wanted: JobFilter) -> list[LooserView]:
    """Which filter to take away for anything to match, the one that lets most through first."""
    found = []
    for name in wanted.set_names():
        count = _count(tx, caller, wanted, without=name)
        if count:
            found.append(LooserView(filter=name, label=FILTER_LABELS[name], matching=count))
    return sorted(found, key=lambda each: -each.matching)


def _empty_text(total: int, matching: int, looser: list[LooserView]) -> str | None:
    if matching:
        return None
    if not total:
        return "There are no jobs yet."
    jobs = f"0 of {total:,} job{'' if total == 1 else 's'} match."
    if looser:
        best = looser[0]
        match = "1 job matches" if best.matching == 1 else f"{best.matching:,} jobs match"
        return f"{jobs} Without {best.label}, {match}."
    return f"{jobs} No single filter is to blame: clear them all."
