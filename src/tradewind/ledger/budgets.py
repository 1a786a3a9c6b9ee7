"""The arithmetic of budgets. Pure: values in, values out.

What a budget has to bear is what closed intervals of the period came to, what running things had used up when money
was last held for them, and that money. So it is the most that everything in its scope can have cost, whatever happens
until the holds end; a launch is let through only if it still fits with the most that it can add.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from tradewind.domain.budgets import Action, Period, Span, each, now_in
from tradewind.domain.money import format_money

Limit = Literal["amount", "max_cost_per_hour", "max_concurrent_jobs", "currency"]
#: What waits for something to end is woken when it does; this is how long it waits if nobody wakes it.
LOOK_AGAIN: Final = timedelta(minutes=5)
#: What cannot pass before somebody changes the budget is woken by the change.
LOOK_LATER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a budget allows; None: as much as you like."""

    id: str
    name: str
    period: Period
    currency: str
    action: Action
    amount_micro: int | None = None
    max_hourly_micro: int | None = None
    max_concurrent_jobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What has been used of a budget's scope. `committed_micro`: accrued and held, of what runs."""

    spent_micro: int = 0
    committed_micro: int = 0
    hourly_micro: int = 0
    job_ids: frozenset[str] = frozenset()

    @property
    def bound_micro(self) -> int:
        """The most that all of it can come to until the holds end."""
        return self.spent_micro + self.committed_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Something that is about to cost money. `worst_case_micro` is the hold: the most until it is looked at again."""

    project_id: str
    team_id: str
    creator_id: str
    provider: str
    market: str
    hourly_micro: int
    worst_case_micro: int
    currency: str
    #: Another attempt of a job that runs already is no further job.
    job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why something cannot begin now, and when it is worth trying again."""

    budget_id: str
    budget_name: str
    limit: Limit
    #: A sentence with the figures.
    text: str
    #: What lets it pass: time, an end of something that runs, or only somebody who changes the budget.
    waits_for: Literal["next_period", "an_end", "a_change"]
    next_try_at: datetime

    @property
    def can_pass(self) -> bool:
        """True if it can pass without anybody doing anything."""
        return self.waits_for != "a_change"


def refuse(limits: Limits, usage: Usage, launch: Launch, span: Span, now: datetime) -> Refusal | None:
    """The strongest reason of one budget against a launch; None if it fits."""
    found = [
        refusal
        for refusal in (
            _by_currency(limits, launch, now),
            _by_amount(limits, usage, launch, span, now),
            _by_rate(limits, usage, launch, now),
            _by_count(limits, usage, launch, now),
        )
        if refusal is not None
    ]
    return strongest(found)


def strongest(refusals: Iterable[Refusal]) -> Refusal | None:
    """The one that lasts longest."""
    return max(refusals, key=lambda each: (not each.can_pass, each.next_try_at), default=None)


def left_micro(limits: Limits, usage: Usage) -> int | None:
    """What can still be held; below zero where more is used than there is. None: no limit."""
    return None if limits.amount_micro is None else limits.amount_micro - usage.bound_micro


def reached(thresholds: Sequence[int], used_micro: int, amount_micro: int | None) -> list[int]:
    """The thresholds, in per cent, that what was used has reached, lowest first. Nothing used reaches none."""
    if amount_micro is None or used_micro <= 0:
        return []
    return sorted(percent for percent in thresholds if used_micro * 100 >= amount_micro * percent)


def must_stop(limits: Limits, used_micro: int, hourly_micro: int, margin: timedelta) -> bool:
    """Whether what runs has to be told now: within the margin, at full load, the amount would be used up."""
    if limits.amount_micro is None or limits.action not in (Action.STOP_SPOT, Action.STOP_ALL):
        return False
    soon = -(-hourly_micro * int(margin.total_seconds()) // 3600)
    return used_micro + soon >= limits.amount_micro


def is_stoppable(action: Action, market: str) -> bool:
    """Whether a budget with this action ends what runs in this market."""
    return action is Action.STOP_ALL or (action is Action.STOP_SPOT and market == "spot")


def _by_currency(limits: Limits, launch: Launch, now: datetime) -> Refusal | None:
    counts_money = limits.amount_micro is not None and limits.action is not Action.NOTIFY
    if launch.currency == limits.currency or not (counts_money or limits.max_hourly_micro is not None):
        return None
    text = f"budget {limits.name} is in {limits.currency}, the price in {launch.currency}: they cannot be compared"
    return _refusal(limits, "currency", text, "a_change", now + LOOK_LATER)


def _by_amount(limits: Limits, usage: Usage, launch: Launch, span: Span, now: datetime) -> Refusal | None:
    amount, worst = limits.amount_micro, launch.worst_case_micro
    if amount is None or limits.action is Action.NOTIFY or usage.bound_micro + worst <= amount:
        return None

    def show(micro: int) -> str:
        return format_money(micro, limits.currency)

    text = (
        f"budget {limits.name} has {show(max(amount - usage.bound_micro, 0))} left of {show(amount)} "
        f"{each(limits.period)} ({show(usage.spent_micro)} spent {now_in(limits.period)}, "
        f"{show(usage.committed_micro)} for what runs), and this may cost {show(worst)} until it is looked at again"
    )
    if worst > amount or (usage.spent_micro + worst > amount and span.end is None):
        return _refusal(limits, "amount", f"{text}; raise the budget", "a_change", now + LOOK_LATER)
    if usage.spent_micro + worst > amount:
        assert span.end is not None
        return _refusal(limits, "amount", text, "next_period", span.end)
    return _refusal(limits, "amount", text, "an_end", _soon(span, now))


def _by_rate(limits: Limits, usage: Usage, launch: Launch, now: datetime) -> Refusal | None:
    most = limits.max_hourly_micro
    if most is None or usage.hourly_micro + launch.hourly_micro <= most:
        return None

    def show(micro: int) -> str:
        return format_money(micro, limits.currency)

    text = (
        f"budget {limits.name} allows {show(most)} an hour; what runs costs up to {show(usage.hourly_micro)} an hour, "
        f"and this would add {show(launch.hourly_micro)}"
    )
    if launch.hourly_micro > most:
        return _refusal(limits, "max_cost_per_hour", f"{text}; raise the limit", "a_change", now + LOOK_LATER)
    return _refusal(limits, "max_cost_per_hour", text, "an_end", now + LOOK_AGAIN)


def _by_count(limits: Limits, usage: Usage, launch: Launch, now: datetime) -> Refusal | None:
    most = limits.max_concurrent_jobs
    if most is None or launch.job_id in usage.job_ids or len(usage.job_ids) < most:
        return None
    jobs = "1 job" if most == 1 else f"{most} jobs"
    text = f"budget {limits.name} allows {jobs} at a time, and {len(usage.job_ids)} run"
    if not most:
        return _refusal(
            limits, "max_concurrent_jobs", f"{text}; raise the limit", "a_change", now + LOOK_LATER
        )
    return _refusal(limits, "max_concurrent_jobs", text, "an_end", now + LOOK_AGAIN)


def _soon(span: Span, now: datetime) -> datetime:
    soon = now + LOOK_AGAIN
    return soon if span.end is None else min(soon, span.end)


def _refusal(
    limits: Limits,
    limit: Limit,
    text: str,
    waits_for: Literal["next_period", "an_end", "a_change"],
    at: datetime,
) -> Refusal:
    return Refusal(
        budget_id=limits.id,
        budget_name=limits.name,
        limit=limit,
        text=text,
        waits_for=waits_for,
        next_try_at=at,
    )
