"""Pages of jobs in any order, found by keyset: page 100 costs what page 1 costs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce

from tradewind.control.context import Context
from tradewind.control.job_filters import JobFilter
from tradewind.control.job_money import accruing_of
from tradewind.control.views import job_views
from tradewind.db import tables
from tradewind.db.columns import UtcTime
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.ids import JOB, is_id
from tradewind.domain.schemas import JobPage
from tradewind.domain.status import JobStatus, has_ended

Sort = Literal["newest", "oldest", "name", "cost", "elapsed", "status"]
_J: Final = tables.jobs
#: States in the order in which people look for them: what needs somebody first, then what runs, then what is over.
_RANKS: Final = {
    JobStatus.RUNNING: 0,
    JobStatus.STARTING: 1,
    JobStatus.STOPPING: 2,
    JobStatus.QUEUED: 3,
    JobStatus.FAILED: 4,
    JobStatus.CANCELLED: 5,
    JobStatus.SUCCEEDED: 6,
}
#: What the database can compare with.
_LARGEST_KEY: Final = 2**62
#: Orders that begin with the largest.
_DESCENDING: Final = frozenset({"newest", "cost", "elapsed"})


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The last job of a page: its key in the order, its id, and the time that the keys are as of."""

    key: Any
    job_id: str
    at: datetime

    def __str__(self) -> str:
        values = [self.key, self.job_id, self.at.isoformat()]
        return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, kind: type) -> _Cursor:
        """Raises InvalidInputError for what is none, or belongs to an order by another kind of key."""
        try:
            key, job_id, at = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            moment = datetime.fromisoformat(at)
            is_ours = type(key) is kind and is_id(job_id, JOB) and moment.tzinfo is not None
            if not is_ours or (kind is int and abs(key) > _LARGEST_KEY):
                raise ValueError(text)
            return cls(key, job_id, moment)
        except (ValueError, TypeError):
            raise InvalidInputError(
                "the cursor is not one of this list", hint="begin again without a cursor"
            ) from None


def job_page(
    context: Context,
    tx: Transaction,
    caller: Caller,
    wanted: JobFilter,
    *,
    sort: Sort = "newest",
    is_reversed: bool = False,
    limit: int,
    cursor: str | None,
) -> JobPage:
    """A page of the caller's jobs. Raises InvalidInputError for a cursor of another order."""
    conditions = wanted.conditions(caller)
    if sort in ("newest", "oldest"):
        ids = _by_age(tx, conditions, cursor, limit, newest_first=(sort == "newest") is not is_reversed)
        following = ids[limit - 1] if len(ids) > limit else None
    else:
        is_descending = (sort in _DESCENDING) is not is_reversed
        last = None if cursor is None else _Cursor.read(cursor, str if sort == "name" else int)
        at = tx.now if last is None else last.at
        if sort == "cost":
            found = _by_cost(context, tx, caller, conditions, last, limit, at, is_descending=is_descending)
        else:
            found = _by_key(tx, conditions, _key_of(sort, at), last, limit, is_descending=is_descending)
        ids = [each[1] for each in found]
        following = str(_Cursor(*found[limit - 1], at)) if len(found) > limit else None
    return JobPage(
        items=job_views(context, tx, caller, _rows(tx, caller, ids[:limit])), next_cursor=following
    )


def _rows(tx: Transaction, caller: Caller, ids: list[str]) -> list[JobRow]:
    rows = tx.execute(JobRow.select().where(visible_to(caller, _J), _J.c.id.in_(ids)))
    known = {row.id: JobRow.of(row) for row in rows}
    return [known[each] for each in ids]


def _by_age(
    tx: Transaction,
    conditions: list[ColumnElement[bool]],
    cursor: str | None,
    limit: int,
    *,
    newest_first: bool,
) -> list[str]:
    statement = select(_J.c.id).where(*conditions)
    if cursor is not None:
        if not is_id(cursor, JOB):
            raise InvalidInputError("the cursor is not one of this list", hint="begin again without a cursor")
        statement = statement.where(_J.c.id < cursor if newest_first else _J.c.id > cursor)
    order = _J.c.id.desc() if newest_first else _J.c.id
    return [str(each) for each in tx.execute(statement.order_by(order).limit(limit + 1)).scalars()]


def _key_of(sort: Sort, at: datetime) -> ColumnElement[Any]:
    if sort == "name":
        name: ColumnElement[Any] = _J.c.name
        return name
    if sort == "status":
        return case({status.value: rank for status, rank in _RANKS.items()}, value=_J.c.status, else_=9)
    # What has not begun has taken no time at all: less than the shortest run.
    now = UtcTime().process_bind_param(at, None)  # type: ignore[arg-type]
    ended = func.coalesce(type_coerce(_J.c.ended_at, BigInteger), now)
    return func.coalesce(ended - type_coerce(_J.c.started_at, BigInteger), -1)


def _by_key(
    tx: Transaction,
    conditions: list[ColumnElement[bool]],
    key: ColumnElement[Any],
    last: _Cursor | None,
    limit: int,
    *,
    is_descending: bool,
) -> list[tuple[Any, str]]:
    """By the key, and the newest first where it is the same."""
    statement = select(key.label("key"), _J.c.id).where(*conditions)
    if last is not None:
        is_behind = key < last.key if is_descending else key > last.key
        statement = statement.where(is_behind | ((key == last.key) & (_J.c.id < last.job_id)))
    order = key.desc() if is_descending else key
    rows = tx.execute(statement.order_by(order, _J.c.id.desc()).limit(limit + 1))
    return [(row[0], str(row[1])) for row in rows]


def _by_cost(
    context: Context,
    tx: Transaction,
    caller: Caller,
    conditions: list[ColumnElement[bool]],
    last: _Cursor | None,
    limit: int,
    at: datetime,
    *,
    is_descending: bool,
) -> list[tuple[Any, str]]:
    """By what they have cost with what runs up, as of one time for all pages; that is worked out here, not in SQL."""
    ledger = tables.ledger
    sums = (
        select(ledger.c.job_id, func.sum(ledger.c.amount_micro).label("micro"))
        .where(visible_to(caller, ledger), ledger.c.job_id.is_not(None))
        .group_by(ledger.c.job_id)
        .subquery()
    )
    rows = tx.execute(
        select(func.coalesce(sums.c.micro, 0), _J.c.id)
        .select_from(_J.outerjoin(sums, sums.c.job_id == _J.c.id))
        .where(*conditions)
    )
    settled = {str(row[1]): int(row[0]) for row in rows}
    for job_id, micro in unsettled_costs(context, tx, caller, at).items():
        if job_id in settled:
            settled[job_id] += micro
    # Ids grow with time: sorted by them first, the newest comes first among equals.
    ids = sorted(settled, reverse=True)
    ids.sort(key=lambda each: settled[each], reverse=is_descending)
    keys = [(settled[each], each) for each in ids]
    if last is None:
        return keys[: limit + 1]
    behind = (
        each
        for each in keys
        if (each[0] == last.key and each[1] < last.job_id)
        or (each[0] < last.key if is_descending else each[0] > last.key)
    )
    return [each for _, each in zip(range(limit + 1), behind, strict=False)]


def unsettled_costs(context: Context, tx: Transaction, caller: Caller, at: datetime) -> dict[str, int]:
    """What jobs have run up that is not in the ledger: of those that run, and of rented machines not yet gone."""
    return {job_id: each.micro for job_id, each in _accruing(context, tx, caller, at).items()}


def burn_micro(context: Context, tx: Transaction, caller: Caller) -> int:
    """What all that runs for the caller's jobs costs an hour now."""
    return sum(each.micro_per_hour for each in _accruing(context, tx, caller, tx.now).values())


def _accruing(context: Context, tx: Transaction, caller: Caller, at: datetime) -> Any:
    attempts, nodes = tables.attempts, tables.nodes
    ended = [each.value for each in JobStatus if has_ended(each)]
    live = tx.execute(
        AttemptRow.select()
        .join(_J, _J.c.attempt_id == attempts.c.id)
        .where(visible_to(caller, _J), _J.c.status.not_in(ended))
    )
    newest = {row.id: AttemptRow.of(row) for row in live}
    rented = tx.execute(
        select(nodes.c.job_id).where(
            visible_to(caller, nodes),
            nodes.c.is_rented,
            nodes.c.ended_at.is_(None),
            nodes.c.job_id.is_not(None),
        )
    ).scalars()
    job_ids = {str(each) for each in rented} | {each.job_id for each in newest.values()}
    return accruing_of(tx, sorted(job_ids), newest, context.tariff, at)
