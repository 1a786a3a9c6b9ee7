"""Holds: the worst case, never over the budget, never longer than an hour."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.money import Quantity, Rate, worst_case_micro
from tradewind.ledger import reservations
from tradewind.ledger.intervals import Interval, carbon_mg, close_interval
from tradewind.ledger.reports import spend_by, spend_of_jobs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KWH = Rate(micro_per_unit=200_000, per=Quantity.KWH)


@given(
    st.floats(min_value=1, max_value=20_000),
    st.none() | st.floats(min_value=0, max_value=1e6),
    st.none() | st.integers(min_value=-1000, max_value=10**9),
)
@example(17.0, None, 35)
def test_a_hold_is_within_the_hour_the_time_left_and_the_budget(
    watts: float, left_s: float | None, budget: int | None
) -> None:
    left = None if left_s is None else timedelta(seconds=left_s)
    hold = reservations.plan_hold(NOW, KWH, watts, left, budget)
    if hold is None:
        assert budget is not None
        assert worst_case_micro(KWH, watts, reservations.SHORTEST.total_seconds()) >= budget - 1
        return
    stretch = hold.covers_until - NOW
    assert reservations.SHORTEST <= stretch <= reservations.ROLLING
    assert hold.amount_micro >= worst_case_micro(KWH, watts, stretch.total_seconds()) - 1
    assert budget is None or hold.amount_micro <= budget


rates = st.builds(
    Rate,
    micro_per_unit=st.integers(0, 100_000_000),
    per=st.sampled_from(Quantity),
    granularity=st.sampled_from([1, 60, 3600]),
    minimum=st.sampled_from([0, 60, 600, 3600]),
    minimum_micro=st.sampled_from([0, 10_000, 1_000_000]),
)


@given(
    rates,
    st.floats(0, 10_000),
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.sampled_from([timedelta(0), timedelta(minutes=10)]),
    st.none() | st.integers(0, 10**9),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_whenever_it_ends_it_costs_no_more_than_was_held(
    rate: Rate,
    watts: float,
    ran: timedelta,
    lag: timedelta,
    budget: int | None,
    when: float,
    load: float,
) -> None:
    """Held anew in the middle of a run: the charge for all of it stays within what had accrued and what is held."""
    used = ran.total_seconds() if rate.per is Quantity.HOUR else watts * ran.total_seconds()
    accrued = rate.charge(math.ceil(used)).micro
    hold = reservations.plan_hold(NOW, rate, watts, None, budget, lag=lag, used=used, accrued_micro=accrued)
    if hold is None:
        assert budget is not None
        shortest = (reservations.SHORTEST + lag).total_seconds()
        assert worst_case_micro(rate, watts, shortest, used=used) - accrued > budget - 2
        return
    assert budget is None or hold.amount_micro <= budget
    assert hold.accrued_micro == accrued
    more = (hold.covers_until - NOW + lag) * when
    if rate.per is Quantity.HOUR:
        # As an interval counts: whole seconds, rounded up.
        quantity = -(-(ran + more) // timedelta(seconds=1))
    else:
        quantity = round(used + watts * load * more.total_seconds())
    assert rate.charge(quantity).micro <= accrued + hold.amount_micro


@given(rates, st.integers(0, 10**10))
def test_the_largest_quantity_within_an_amount_costs_no_more_and_the_next_one_does(
    rate: Rate, micro: int
) -> None:
    most = rate.largest_within(micro)
    if most is None:
        assert rate.charge(10**9).micro <= micro
    elif most == 0:
        assert rate.charge(1).micro >= micro
    else:
        assert rate.charge(most).micro <= micro
        assert worst_case_micro(rate, 1.0, most + 1) > micro


def test_what_was_paid_for_already_is_not_held_again() -> None:
    by_the_hour = Rate(micro_per_unit=2_000_000, per=Quantity.HOUR, granularity=3600, minimum=3600)
    first = reservations.plan_hold(NOW, by_the_hour, 0, None, None)
    assert first is not None
    assert (first.amount_micro, first.hourly_micro) == (2_000_000, 2_000_000)
    with_lag = reservations.plan_hold(NOW, by_the_hour, 0, None, None, lag=timedelta(minutes=10))
    assert with_lag is not None
    assert with_lag.amount_micro == 4_000_000
    # Twenty minutes into an hour that is paid, half an hour more costs nothing.
    rest = reservations.plan_hold(
        NOW, by_the_hour, 0, timedelta(minutes=30), 0, used=1200.0, accrued_micro=2_000_000
    )
    assert rest is not None
    assert rest.amount_micro == 0


def test_rented_machines_go_on_costing_for_a_while() -> None:
    assert reservations.lag_of(KWH) == timedelta(0)
    assert reservations.lag_of(Rate(micro_per_unit=1, per=Quantity.HOUR)) == timedelta(minutes=10)


def test_the_worst_case_is_rounded_up() -> None:
    assert worst_case_micro(KWH, 1000, 3600) == 200_000
    assert worst_case_micro(KWH, 1000, 3600.001) == 200_001
    hourly = Rate(micro_per_unit=2_490_000, per=Quantity.HOUR, minimum=60)
    assert worst_case_micro(hourly, 0, 1) == 41_500


async def test_money_is_held_renewed_and_let_go(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        attempt = add_attempt(tx, job)
        owner = {"project_id": job.project_id, "creator_id": job.creator_id}
        first = reservations.Hold(100, tx.now + timedelta(hours=1))
        reservations.reserve(tx, **owner, job_id=job.id, attempt_id=attempt.id, currency="USD", hold=first)
        assert reservations.covered_until(tx, attempt.id) == first.covers_until
        second = reservations.Hold(200, tx.now + timedelta(hours=2))
        reservations.renew(tx, attempt.id, second)
        assert reservations.covered_until(tx, attempt.id) == second.covers_until
        reservations.release(tx, attempt.id)
        assert reservations.covered_until(tx, attempt.id) is None

    await store.run(play)


async def test_intervals_add_up_by_job_and_group(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        jobs = [add_job(tx, caller, name=name) for name in ("one", "two")]
        for job, energy_j in ((jobs[0], 3_600_000), (jobs[0], 1_800_000), (jobs[1], 9)):
            close_interval(
                tx,
                Interval(
                    project_id=job.project_id,
                    creator_id=job.creator_id,
                    job_id=job.id,
                    attempt_id=None,
                    node_id=None,
                    provider="simulated",
                    started_at=tx.now - timedelta(hours=1),
                    ended_at=tx.now,
                    rate=KWH,
                    energy_j=energy_j,
                    carbon_g_per_kwh=400,
                    basis="metered" if energy_j > 9 else "modelled",
                    note="",
                ),
            )
        spends = spend_of_jobs(tx, [job.id for job in jobs])
        assert spends[jobs[0].id].amount_micro == 300_000
        assert spends[jobs[0].id].carbon_mg == 600_000
        # 9 J at 0.20 $/kWh is half a micro-dollar, which goes to the even neighbour.
        assert spends[jobs[1].id].amount_micro == 0
        ((group, spend),) = spend_by(
            tx, caller, NOW - timedelta(days=1), NOW + timedelta(days=1), ["provider"]
        )
        assert (group, spend.jobs, spend.basis) == ({"provider": "simulated"}, 2, "mixed")
        assert spend.seconds == 3 * 3600
        assert spend_by(tx, caller, NOW + timedelta(days=1), NOW + timedelta(days=2), ["job"]) == []

    await store.run(play)


def test_carbon_is_counted_in_milligrams() -> None:
    assert carbon_mg(3_600_000, 475.0) == 475_000
    assert carbon_mg(0, 475.0) == 0


_HOURLY = st.builds(
    Rate,
    micro_per_unit=st.integers(1, 10**8),
    per=st.just(Quantity.HOUR),
    granularity=st.sampled_from([1, 60, 3600]),
    minimum=st.sampled_from([0, 600]),
)
_LEGS = st.builds(
    reservations.Leg,
    rate=_HOURLY | st.just(KWH),
    watts_max=st.floats(0, 5000),
    used=st.floats(0, 10_000),
)


@given(st.lists(_LEGS, min_size=2, max_size=5), st.none() | st.integers(0, 10**9))
def test_what_is_held_for_several_nodes_covers_each_at_its_own_rate(
    legs: list[reservations.Leg], budget: int | None
) -> None:
    first, *others = legs
    lag = timedelta(minutes=10)
    hold = reservations.plan_hold(
        NOW, first.rate, first.watts_max, None, budget, lag=lag, used=first.used,
        accrued_micro=first.accrued_micro, others=others,
    )  # fmt: skip
    shortest = sum(each.most_micro(reservations.SHORTEST + lag) for each in legs)
    if hold is None:
        assert budget is not None
        assert shortest > budget
        return
    stretch = hold.covers_until - NOW
    assert reservations.SHORTEST <= stretch <= reservations.ROLLING
    assert hold.amount_micro == sum(each.most_micro(stretch + lag) for each in legs)
    if budget is not None:
        assert hold.amount_micro <= budget
        longer = stretch + timedelta(seconds=1)
        is_longest = sum(each.most_micro(longer + lag) for each in legs) > budget
        assert stretch == reservations.ROLLING or is_longest


def test_two_nodes_alike_hold_twice_what_one_holds() -> None:
    rate = Rate(micro_per_unit=3_600_000, per=Quantity.HOUR)
    one = reservations.plan_hold(NOW, rate, 0.0, None, None)
    two = reservations.plan_hold(NOW, rate, 0.0, None, None, others=[reservations.Leg(rate, 0.0)])
    assert one is not None
    assert two is not None
    assert (two.amount_micro, two.hourly_micro) == (2 * one.amount_micro, 2 * one.hourly_micro)
