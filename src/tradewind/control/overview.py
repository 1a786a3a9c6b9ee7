"""Costs of a range as one page shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select

from tradewind.control.cost_words import (
    KNOWN_BY,
    group_choices,
    group_label,
    group_view,
    hours_text,
    percent_text,
)
from tradewind.control.costing import cost_outlook
from tradewind.control.local_alternative import here_of
from tradewind.control.money_views import money_view
from tradewind.control.saving_views import savings_views
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.money import format_money
from tradewind.domain.schemas_overview import (
    Before,
    CostGroup,
    CostOverview,
    CostSeries,
    IdleWaste,
    KnownBy,
    RangeChoice,
)
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.reports import Spend, rented_time, spend_by
from tradewind.ledger.stepping import Step, starts_in, step_for, stepped, ticks

#: As many groups have a colour of their own; what the others cost is one series.
_MOST_SERIES: Final = 8
_MOST_ROWS: Final = 200
#: From so many times on, per cents say little.
_MANY_TIMES: Final = 3
_TAGS_FROM_JOBS: Final = 500
_MOST_TAGS: Final = 20
_OTHERS: Final = "\x00others"
RANGES: Final = {
    "today": "Today",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "last_month": "Last month",
    "year": "This year",
}
_COUNTS: Final = "an interval counts on the day on which it ended, in UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What an overview is asked of."""

    since: datetime
    until: datetime
    by: str
    only: Mapping[str, str]
    #: The accelerator to compare with, instead of those at hand.
    local: str | None = None
    step: Step | None = None


def cost_overview(tx: Transaction, caller: Caller, tariff: Tariff, asked: Range) -> CostOverview:
    """Everything that one page of costs shows. Raises InvalidInputError."""
    since, until, only = asked.since, asked.until, asked.only
    by_day = ["day"] if asked.by == "day" else ["day", asked.by]
    cells = spend_by(tx, caller, since, until, by_day, only)
    groups = spend_by(tx, caller, since, until, [asked.by], only)
    whole = whole_of(tx, caller, since, until, only)
    step = asked.step or step_for(since, until)
    starts = starts_in(since, until, step)
    rows = _rows(asked.by, groups, whole.amount_micro)
    series = _series(asked.by, cells, starts, step)
    here = here_of(tx, caller, tariff, asked.local)
    times = rented_time(tx, caller, since, until, only)
    outlook = cost_outlook(tx, caller, tariff)
    notes = [_COUNTS]
    if outlook.running.micro:
        notes.append(f"{outlook.running.text} of what runs now is not closed yet, and not in these figures")
    return CostOverview(
        since=since,
        until=until,
        by=asked.by,
        only=dict(only),
        step=step,
        starts=starts,
        series=series,
        ticks=[money_view(each) for each in ticks(_highest(series))],
        rows=rows[:_MOST_ROWS],
        more_rows=max(len(rows) - _MOST_ROWS, 0),
        total=group_view("", "", whole, whole.amount_micro),
        before=_before(tx, caller, asked, whole.amount_micro),
        known_by=_known_by(spend_by(tx, caller, since, until, ["basis"], only), whole.amount_micro),
        running=outlook.running,
        running_jobs=outlook.running_jobs,
        cost_per_hour=outlook.cost_per_hour,
        savings=savings_views(times, here),
        idle=_idle(spend_by(tx, caller, since, until, ["kind"], only), whole.amount_micro),
        groups=group_choices(_tags(tx, caller)),
        ranges=[RangeChoice(name=name, label=label) for name, label in RANGES.items()],
        notes=notes,
    )


def whole_of(
    tx: Transaction, caller: Caller, since: datetime, until: datetime, only: Mapping[str, str]
) -> Spend:
    """All of it as one group; a job that is in several groups counts once."""
    found = spend_by(tx, caller, since, until, [], only)
    return found[0][1] if found else Spend()


def _rows(by: str, groups: list[tuple[dict[str, str], Spend]], total_micro: int) -> list[CostGroup]:
    return [group_view(by, names[by], spend, total_micro) for names, spend in groups]


def _series(
    by: str, cells: list[tuple[dict[str, str], Spend]], starts: list[date], step: Step
) -> list[CostSeries]:
    amounts: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
    for names, spend in cells:
        key = "all" if by == "day" else names[by]
        amounts[key].append((date.fromisoformat(names["day"]), spend.amount_micro))
    sums = {key: sum(micro for _, micro in days) for key, days in amounts.items()}
    order = sorted(sums, key=lambda key: (-sums[key], key))
    # One more than there is room for would only be called "others".
    shown = order if len(order) <= _MOST_SERIES else order[: _MOST_SERIES - 1]
    rest = [day for key in order[len(shown) :] for day in amounts[key]]
    found = [_one_series(by, key, amounts[key], starts, step) for key in shown]
    if rest:
        others = _one_series(by, _OTHERS, rest, starts, step)
        label = f"{len(order) - len(shown)} others"
        found.append(others.model_copy(update={"key": "others", "label": label}))
    return found


def _highest(series: list[CostSeries]) -> int:
    return max((sum(step) for step in zip(*(each.micro for each in series), strict=True)), default=0)


def _one_series(
    by: str, key: str, days: list[tuple[date, int]], starts: list[date], step: Step
) -> CostSeries:
    micro = stepped(days, starts, step)
    return CostSeries(
        key=key,
        label="all of it" if by == "day" else group_label(by, key),
        micro=micro,
        texts=[format_money(each) for each in micro],
        total=money_view(sum(micro)),
    )


def _before(tx: Transaction, caller: Caller, asked: Range, now_micro: int) -> Before:
    length = asked.until - asked.since
    since = asked.since - length
    micro = whole_of(tx, caller, since, asked.since, asked.only).amount_micro
    days = -(-length // timedelta(days=1))
    when = f"the {days} days before" if days > 1 else "the day before"
    change = None
    if micro > 0:
        change = now_micro / micro - 1
        if abs(change) < 0.005:
            text = f"as much as in {when}"
        elif change >= _MANY_TIMES - 1:
            text = f"{change + 1:,.0f} times what it was in {when}"
        else:
            text = f"{percent_text(abs(change))} {'more' if change > 0 else 'less'} than in {when}"
    else:
        text = f"nothing was spent in {when}"
    return Before(since=since, until=asked.since, amount=money_view(micro), text=text, change=change)


def _known_by(groups: list[tuple[dict[str, str], Spend]], total_micro: int) -> list[KnownBy]:
    names = {"modelled": "estimated", "metered": "metered", "billed": "billed"}
    return [
        KnownBy.model_validate(
            {
                "name": names[group["basis"]],
                "label": KNOWN_BY[group["basis"]].label,
                "amount": money_view(spend.amount_micro).model_dump(),
                "share": spend.amount_micro / total_micro if total_micro > 0 else 0.0,
                "explanation": KNOWN_BY[group["basis"]].explanation or "",
            }
        )
        for group, spend in groups
        if group["basis"] in names
    ]


def _idle(groups: list[tuple[dict[str, str], Spend]], total_micro: int) -> IdleWaste:
    idle = next((spend for group, spend in groups if group["kind"] == "idle"), Spend())
    share = idle.amount_micro / total_micro if total_micro > 0 else 0.0
    hours = hours_text(idle)
    money = format_money(idle.amount_micro)
    if not idle.amount_micro:
        text = "no rented machine was paid for without a job"
    else:
        text = f"{money}, {percent_text(share)} of it all, for {hours} without a job"
    return IdleWaste(
        amount=money_view(idle.amount_micro),
        share=share,
        hours_text=hours,
        text=text,
        help="how long a machine is kept for the next job is set by `machines.keep_idle` in config.toml",
    )


def _tags(tx: Transaction, caller: Caller) -> list[str]:
    """Names of tags on the newest jobs, the most used first."""
    jobs = tables.jobs
    rows = tx.execute(
        select(jobs.c.tags).where(visible_to(caller, jobs)).order_by(jobs.c.id.desc()).limit(_TAGS_FROM_JOBS)
    )
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for name in row.tags or {}:
            counts[name] += 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_TAGS]
