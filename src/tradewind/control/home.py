"""The first page: what runs and what it costs, what waits and why, what failed, what costs money for nothing.

A fixed number of statements, however many jobs there are; no provider is asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from tradewind.control.connections import Connections
from tradewind.control.context import Context
from tradewind.control.costing import cost_outlook
from tradewind.control.home_attention import attention
from tradewind.control.home_budgets import budget_lines
from tradewind.control.home_checklist import checklist
from tradewind.control.money_views import money_view
from tradewind.control.node_money import burn_view
from tradewind.control.rent_money import prices_of, rent_until
from tradewind.control.views import job_views
from tradewind.control.waiting_help import waiting_badge
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import format_money
from tradewind.domain.schemas_cost import CostOutlook
from tradewind.domain.schemas_home import (
    CheapOffer,
    FailingSummary,
    IdleMachine,
    IdleSummary,
    JobName,
    OverviewView,
    RunningSummary,
    WaitingGroup,
    WaitingSummary,
)
from tradewind.domain.status import REASON_TEXT, JobStatus, NodeStatus, Reason, has_ended
from tradewind.ledger.rates import rate_of

_J: Final = tables.jobs
_SHOWN: Final = 5
_NAMES: Final = 3
_LATELY: Final = timedelta(days=3)
_ACTIVE: Final = (JobStatus.RUNNING, JobStatus.STOPPING)
_NOT_LOOKED: Final = "nobody has looked at it yet: that takes a moment"


def overview(
    context: Context,
    connections: Connections,
    tx: Transaction,
    caller: Caller,
    cheapest: list[CheapOffer],
) -> OverviewView:
    """Everything of the first page but the offers, which are looked up in memory."""
    counts = _counts(tx, caller)
    idle = idle_machines(tx, caller)
    budgets, budget_count = budget_lines(tx, caller, context.tariff)
    return OverviewView(
        at=tx.now,
        running=_running(context, tx, caller, counts),
        waiting=_waiting(tx, caller),
        failing=_failing(context, tx, caller),
        budgets=budgets,
        budget_count=budget_count,
        idle=idle,
        cheapest=cheapest,
        attention=attention(tx, caller, connections, budgets),
        checklist=checklist(tx, caller, context),
    )


def _counts(tx: Transaction, caller: Caller) -> dict[str, int]:
    live = [each.value for each in JobStatus if not has_ended(each)]
    rows = tx.execute(
        select(_J.c.status, func.count())
        .where(visible_to(caller, _J), _J.c.status.in_(live))
        .group_by(_J.c.status)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def _running(context: Context, tx: Transaction, caller: Caller, counts: dict[str, int]) -> RunningSummary:
    outlook = cost_outlook(tx, caller, context.tariff)
    rows = tx.execute(
        JobRow.select()
        .where(visible_to(caller, _J), _J.c.status.in_((*_ACTIVE, JobStatus.STARTING)))
        .order_by(_J.c.id.desc())
        .limit(_SHOWN)
    )
    count, starting = sum(counts.get(each, 0) for each in _ACTIVE), counts.get(JobStatus.STARTING, 0)
    burn = burn_view(tx, caller)
    text = f"{count} running" if count else "nothing runs"
    return RunningSummary(
        count=count,
        starting=starting,
        text=f"{text}, {starting} starting" if starting else text,
        per_hour=burn.per_hour,
        per_hour_text=f"{burn.per_hour.text}/h",
        per_hour_basis=burn.basis,
        **_month(outlook),
        items=job_views(context, tx, caller, [JobRow.of(row) for row in rows]),
    )


def _month(outlook: CostOutlook) -> dict[str, Any]:
    spent = money_view(outlook.spent.micro + outlook.running.micro)
    return {
        "spent_month": spent,
        "spent_text": f"{spent.text} this month",
        "forecast_text": f"{outlook.forecast.amount.text} by the end of it at this pace",
    }


def _rented(tx: Transaction, caller: Caller) -> list[NodeRow]:
    nodes = tables.nodes
    ended = [each.value for each in NodeStatus if has_ended(each)]
    rows = tx.execute(
        NodeRow.select()
        .where(visible_to(caller, nodes), nodes.c.is_rented, nodes.c.status.not_in(ended))
        .order_by(nodes.c.id)
    )
    return [NodeRow.of(row) for row in rows]


def _price(node: NodeRow) -> int:
    prices = prices_of(node)
    return prices[-1][1] if prices else rate_of(node.offer or {}).micro_per_unit


def _waiting(tx: Transaction, caller: Caller) -> WaitingSummary:
    is_mine = (visible_to(caller, _J), _J.c.status == JobStatus.QUEUED)
    reason = func.coalesce(_J.c.reason, "")
    groups = tx.execute(
        select(
            reason,
            func.count(),
            func.min(_J.c.created_at, type_=_J.c.created_at.type),
            func.min(_J.c.next_try_at, type_=_J.c.next_try_at.type),
        )
        .where(*is_mine)
        .group_by(reason)
        .order_by(func.count().desc(), reason)
    ).all()
    ranked = (
        select(
            _J.c.id,
            _J.c.name,
            _J.c.explanation,
            reason.label("why"),
            func.row_number().over(partition_by=reason, order_by=_J.c.id).label("place"),
        )
        .where(*is_mine)
        .subquery()
    )
    oldest: dict[str, list[Any]] = {}
    for row in tx.execute(select(ranked).where(ranked.c.place <= _NAMES).order_by(ranked.c.id)):
        oldest.setdefault(row.why, []).append(row)
    count = sum(row[1] for row in groups)
    return WaitingSummary(
        count=count,
        text=f"{count} {'job waits' if count == 1 else 'jobs wait'}" if count else "nothing waits",
        groups=[_group(row[0], row[1], row[2], row[3], oldest[row[0]]) for row in groups],
    )


def _group(
    reason: str, count: int, since: datetime, next_try_at: datetime | None, oldest: list[Any]
) -> WaitingGroup:
    known = REASON_TEXT[Reason(reason)] if reason else _NOT_LOOKED
    explanation = oldest[0].explanation or known
    return WaitingGroup(
        reason=reason,
        badge=waiting_badge(Reason(reason) if reason else None, explanation).model_copy(
            update={"explanation": None}
        ),
        explanation=explanation,
        count=count,
        since=since,
        next_try_at=next_try_at,
        jobs=[JobName(id=row.id, name=row.name) for row in oldest],
        link="/jobs?status=queued",
    )


def _failing(context: Context, tx: Transaction, caller: Caller) -> FailingSummary:
    since = tx.now - _LATELY
    failed = (visible_to(caller, _J), _J.c.status == JobStatus.FAILED, _J.c.ended_at >= since)
    count = int(tx.execute(select(func.count()).where(*failed)).scalar_one())
    rows = (
        tx.execute(JobRow.select().where(*failed).order_by(_J.c.ended_at.desc()).limit(_SHOWN))
        if count
        else ()
    )
    return FailingSummary(
        count=count,
        since=since,
        text=f"{count} failed in the last 3 days" if count else "none failed in the last 3 days",
        items=job_views(context, tx, caller, [JobRow.of(row) for row in rows]),
    )


def idle_machines(tx: Transaction, caller: Caller) -> IdleSummary:
    """Rented machines that have no job and cost money all the same."""
    idle = [
        node
        for node in _rented(tx, caller)
        if node.status is NodeStatus.READY and node.attempt_id is None and "idle_since" in node.observed
    ]
    hourly = sum(map(_price, idle))
    text = "no rented machine stands idle"
    if idle:
        many = "machine stands" if len(idle) == 1 else "machines stand"
        text = f"{len(idle)} rented {many} idle at {format_money(hourly)}/h"
    return IdleSummary(
        count=len(idle),
        per_hour=money_view(hourly),
        text=text,
        items=[_idle(node, tx.now) for node in idle[:_SHOWN]],
    )


def _idle(node: NodeRow, now: datetime) -> IdleMachine:
    offer, currency = node.offer or {}, rate_of(node.offer or {}).currency
    micro = sum(each.amount_micro for each in rent_until(node, now))
    price = money_view(_price(node), currency)
    where = offer.get("zone") or offer.get("region") or "?"
    return IdleMachine(
        id=node.id,
        name=f"{offer.get('instance_type', node.name)} in {where}",
        provider=node.provider,
        per_hour=price,
        cost=money_view(micro, currency),
        since=datetime.fromisoformat(node.observed["idle_since"]),
        text=f"{price.text}/h, kept for the next job of its user",
    )
