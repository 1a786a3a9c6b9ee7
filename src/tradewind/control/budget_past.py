"""What earlier periods came to, beside what a budget allows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, and_, func, literal_column, select, type_coerce

from tradewind.control.money_views import money_view
from tradewind.db import tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Period, Span, span_of
from tradewind.domain.schemas_budgets import PastPeriod
from tradewind.ledger.limits import in_scope

_MOST: Final = 6
_L: Final = tables.ledger
_DAY_US: Final = 86_400_000_000
_MOMENT: Final = timedelta(microseconds=1)
_NAMES: Final = {Period.DAY: "days", Period.WEEK: "weeks", Period.MONTH: "months"}


def past_periods(tx: Transaction, budget: BudgetRow) -> list[PastPeriod]:
    """The periods before this one since anything was spent, newest first. One query."""
    spans = _spans(budget.period, tx.now)
    if not spans:
        return []
    day = (type_coerce(_L.c.ended_at, BigInteger) // literal_column(str(_DAY_US), BigInteger)).label("day")
    rows = tx.execute(
        select(day, func.sum(_L.c.amount_micro))
        .where(
            and_(
                in_scope(budget, _L),
                _L.c.currency == budget.currency,
                _L.c.ended_at >= spans[-1].start,
                _L.c.ended_at < spans[0].end,
            )
        )
        .group_by("day")
    )
    days = {date(1970, 1, 1) + timedelta(days=int(row[0])): int(row[1]) for row in rows}
    found = []
    for span in spans:
        assert span.end is not None
        spent = sum(micro for each, micro in days.items() if span.start.date() <= each < span.end.date())
        amount = budget.amount_micro
        found.append(
            PastPeriod(
                label=_label(budget.period, span.start),
                since=span.start,
                until=span.end,
                spent=money_view(spent, budget.currency),
                percent=round(100 * spent / amount, 1) if amount else None,
                is_reached=amount is not None and spent > 0 and spent >= amount,
            )
        )
    while found and not found[-1].spent.micro:
        # Nothing was spent before: there was nobody yet who could have.
        found.pop()
    return found


def past_text(budget: BudgetRow, past: list[PastPeriod]) -> str:
    """In how many of them the amount would have been reached."""
    if budget.period is Period.TOTAL:
        return ""
    if not past:
        return f"nothing was spent in the {_NAMES[budget.period]} before"
    if budget.amount_micro is None:
        return ""
    count = sum(each.is_reached for each in past)
    if len(past) == 1:
        when = f"the {_NAMES[budget.period].removesuffix('s')} before"
        return f"it would {'' if count else 'not '}have been reached in {when}"
    when = f"the {len(past)} {_NAMES[budget.period]} before"
    if not count:
        return f"it would not have been reached in any of {when}"
    return f"it would have been reached in {count} of {when}"


def _spans(period: Period, now: datetime) -> list[Span]:
    if period is Period.TOTAL:
        return []
    found, start = [], span_of(period, now).start
    for _ in range(_MOST):
        span = span_of(period, start - _MOMENT)
        found.append(span)
        start = span.start
    return found


def _label(period: Period, start: datetime) -> str:
    if period is Period.MONTH:
        return f"{start:%B %Y}"
    return f"week from {start:%Y-%m-%d}" if period is Period.WEEK else f"{start:%Y-%m-%d}"
