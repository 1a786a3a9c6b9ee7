"""The arithmetic of budgets: what fits is let through, what does not is refused with figures and a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.budgets import Action, Period, Span, span_of
from tradewind.domain.money import MICRO
from tradewind.ledger.budgets import Launch, Limits, Usage, is_stoppable, must_stop, reached, refuse
from tradewind.ledger.forecast import Running, forecast, trailing_hourly_micro

NOW = datetime(2026, 3, 18, 13, 30, tzinfo=UTC)
SPAN = span_of(Period.MONTH, NOW)
HARD = [Action.BLOCK_NEW, Action.STOP_SPOT, Action.STOP_ALL]


def limits(**changes: object) -> Limits:
    values: dict[str, object] = {
        "id": "bud_1", "name": "vision", "period": Period.MONTH, "currency": "USD", "action": Action.BLOCK_NEW,
    }  # fmt: skip
    return Limits(**(values | changes))  # type: ignore[arg-type]


def launch(worst: int = MICRO, hourly: int = MICRO, **changes: object) -> Launch:
    values: dict[str, object] = {
        "project_id": "proj_1", "team_id": "team_1", "creator_id": "user_1", "provider": "p", "market": "spot",
        "hourly_micro": hourly, "worst_case_micro": worst, "currency": "USD", "job_id": "job_new",
    }  # fmt: skip
    return Launch(**(values | changes))  # type: ignore[arg-type]


micros = st.integers(0, 10**12)
jobs = st.frozensets(st.sampled_from([f"job_{n}" for n in range(6)]))


@given(
    st.builds(Usage, spent_micro=micros, committed_micro=micros, hourly_micro=micros, job_ids=jobs),
    st.none() | micros,
    st.none() | micros,
    st.none() | st.integers(0, 6),
    st.sampled_from(HARD),
    micros,
    micros,
)
def test_what_is_let_through_fits_every_limit_and_what_fits_is_let_through(
    usage: Usage,
    amount: int | None,
    rate: int | None,
    count: int | None,
    action: Action,
    worst: int,
    hourly: int,
) -> None:
    budget = limits(amount_micro=amount, max_hourly_micro=rate, max_concurrent_jobs=count, action=action)
    refusal = refuse(budget, usage, launch(worst, hourly), SPAN, NOW)
    fits = (
        (amount is None or usage.spent_micro + usage.committed_micro + worst <= amount)
        and (rate is None or usage.hourly_micro + hourly <= rate)
        and (count is None or len(usage.job_ids) + 1 <= count)
    )
    assert (refusal is None) == fits
    if refusal is not None:
        assert refusal.next_try_at > NOW
        assert "vision" in refusal.text


@given(micros, micros, micros)
def test_a_soft_budget_holds_nothing_back(spent: int, amount: int, worst: int) -> None:
    budget = limits(amount_micro=amount, action=Action.NOTIFY)
    assert refuse(budget, Usage(spent_micro=spent), launch(worst), SPAN, NOW) is None


def test_a_refusal_says_what_it_waits_for() -> None:
    budget = limits(amount_micro=10 * MICRO)
    for usage, worst, waits_for, at in (
        (Usage(spent_micro=9_500_000), MICRO, "next_period", datetime(2026, 4, 1, tzinfo=UTC)),
        (Usage(committed_micro=9_500_000), MICRO, "an_end", NOW + timedelta(minutes=5)),
        (Usage(), 11 * MICRO, "a_change", NOW + timedelta(hours=1)),
    ):
        refusal = refuse(budget, usage, launch(worst), SPAN, NOW)
        assert refusal is not None
        assert (refusal.waits_for, refusal.next_try_at, refusal.limit) == (waits_for, at, "amount")
    refusal = refuse(budget, Usage(spent_micro=9_500_000), launch(), SPAN, NOW)
    assert refusal is not None
    assert refusal.text == (
        "budget vision has $0.50 left of $10.00 a month ($9.50 spent this month, $0.00 for what runs), "
        "and this may cost $1.00 until it is looked at again"
    )
    for_good = limits(amount_micro=10 * MICRO, period=Period.TOTAL)
    refusal = refuse(for_good, Usage(spent_micro=10 * MICRO), launch(), span_of(Period.TOTAL, NOW), NOW)
    assert refusal is not None
    assert not refusal.can_pass


def test_what_lasts_longest_is_said() -> None:
    budget = limits(amount_micro=10 * MICRO, max_concurrent_jobs=1)
    usage = Usage(spent_micro=10 * MICRO, job_ids=frozenset({"job_1"}))
    refusal = refuse(budget, usage, launch(), SPAN, NOW)
    assert refusal is not None
    assert (refusal.limit, refusal.waits_for) == ("amount", "next_period")


def test_another_attempt_of_a_job_that_runs_is_no_further_job() -> None:
    budget = limits(max_concurrent_jobs=1)
    usage = Usage(job_ids=frozenset({"job_1"}))
    assert refuse(budget, usage, launch(job_id="job_1"), SPAN, NOW) is None
    assert refuse(budget, usage, launch(), SPAN, NOW) is not None


def test_another_currency_is_not_compared() -> None:
    euros = launch(currency="EUR")
    refusal = refuse(limits(amount_micro=10**15), Usage(), euros, SPAN, NOW)
    assert refusal is not None
    assert (refusal.limit, refusal.can_pass) == ("currency", False)
    assert refuse(limits(max_concurrent_jobs=3), Usage(), euros, SPAN, NOW) is None


@pytest.mark.parametrize(
    ("used", "expected"), [(0, []), (499, []), (500, [50]), (800, [50, 80]), (10_000, [50, 80, 100])]
)
def test_thresholds_are_reached_at_their_share(used: int, expected: list[int]) -> None:
    assert reached([100, 50, 80], used, 1000) == expected
    assert reached([50], used, None) == []


def test_what_runs_is_told_before_the_amount_is_used_up() -> None:
    budget = limits(amount_micro=1_000_000, action=Action.STOP_ALL)
    minute = timedelta(minutes=1)
    assert not must_stop(budget, 989_999, 600_000, minute)
    assert must_stop(budget, 990_000, 600_000, minute)
    assert not must_stop(limits(amount_micro=1, action=Action.BLOCK_NEW), 10**9, 0, minute)
    assert is_stoppable(Action.STOP_ALL, "owned")
    assert [is_stoppable(Action.STOP_SPOT, each) for each in ("spot", "on_demand")] == [True, False]
    assert not is_stoppable(Action.BLOCK_NEW, "spot")


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(Period),
)
def test_a_time_lies_in_its_period_and_the_next_begins_where_it_ends(at: datetime, period: Period) -> None:
    span = span_of(period, at)
    assert span.start <= at
    assert span_of(period, span.start) == span
    if span.end is None:
        assert period is Period.TOTAL
        return
    assert at < span.end
    assert span_of(period, span.end).start == span.end
    assert span_of(period, span.end - timedelta(microseconds=1)) == span
    assert span.start.hour == span.start.minute == 0
    assert period is not Period.MONTH or span.start.day == span.end.day == 1
    assert period is not Period.WEEK or span.start.weekday() == 0


def test_a_forecast_adds_what_runs_and_what_is_usual() -> None:
    span = Span(NOW - timedelta(days=1), NOW + timedelta(hours=10))
    running = [Running(2 * MICRO, timedelta(hours=2)), Running(30 * MICRO, timedelta(hours=30))]
    seen = forecast(50 * MICRO, running, 500_000, span, NOW, 80 * MICRO)
    # Two more hours of the one, ten of the other, and half a dollar an hour beside them.
    assert seen.amount_micro == (50 + 2 + 10 + 5) * MICRO
    assert (seen.until, seen.runs_out_at) == (span.end, None)
    tight = forecast(50 * MICRO, running, 500_000, span, NOW, 58_500_000)
    assert tight.runs_out_at == NOW + timedelta(hours=5)
    assert forecast(5, [], 0, span, NOW, 5).runs_out_at == NOW


def test_the_usual_is_a_mean_of_the_time_there_was() -> None:
    hour = timedelta(hours=1)
    assert trailing_hourly_micro(168 * MICRO, NOW - 500 * hour, NOW) == MICRO
    assert trailing_hourly_micro(48 * MICRO, NOW - 48 * hour, NOW) == MICRO
    assert trailing_hourly_micro(24 * MICRO, NOW - hour, NOW) == MICRO
    assert trailing_hourly_micro(0, None, NOW) == 0
