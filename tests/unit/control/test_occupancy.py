"""How busy an attempt was by five minutes, and what a node shows of that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.node_usage import Hold, usage_over
from tradewind.control.occupancy import STEP_S, Busy, add_sample, busy_in
from tradewind.control.records import fold

NOW = datetime(2026, 1, 1, 12, 2, tzinfo=UTC)
START = NOW.timestamp() // STEP_S * STEP_S


def test_samples_of_five_minutes_are_one_step() -> None:
    steps: list[list[float]] = []
    for at, percent in ((START, 20.0), (START + 5, 40.0), (START + STEP_S, 100.0)):
        steps = add_sample(steps, at, 250.0, [percent, percent])
    found = busy_in(steps)
    assert found[int(START)] == Busy(cpus=2.5, accelerators=0.6)
    assert found[int(START) + STEP_S].accelerators == 2.0


def test_what_nobody_measured_is_not_nothing() -> None:
    steps = add_sample([], START, 50.0, [])
    assert busy_in(steps)[int(START)].accelerators is None
    assert busy_in(add_sample(steps, START + 1, 50.0, [0.0]))[int(START)].accelerators == 0.0


def test_a_clock_that_is_put_back_counts_nothing_twice() -> None:
    steps = add_sample([], START, 100.0, [])
    assert add_sample(steps, START - STEP_S, 100.0, []) == steps
    assert add_sample(steps, 0.0, 100.0, []) == steps


@given(
    st.lists(
        st.tuples(st.floats(0, 20_000), st.floats(-10, 900), st.lists(st.floats(-5, 130), max_size=4)),
        max_size=80,
    )
)
def test_steps_stay_few_and_in_order(samples: list[tuple[float, float, list[float]]]) -> None:
    steps: list[list[float]] = []
    for after, cpus, gpus in samples:
        steps = add_sample(steps, START + after, cpus, gpus)
    assert len(steps) <= 13
    starts = [step[0] for step in steps]
    assert starts == sorted(set(starts))
    for seen in busy_in(steps).values():
        assert seen.cpus >= 0
        assert seen.accelerators is None or 0 <= seen.accelerators <= 4


def test_records_are_folded_into_steps() -> None:
    record = {"type": "sample", "t": START, "cpu_percent": 150, "gpus": [{"uuid": "a", "util_percent": 30}]}
    folded = fold({}, [record, record | {"t": START + 5}])
    assert folded.observed["occupancy"] == [[START, 2, 3.0, 0.6]]


def hold(minutes_ago: float, *, accelerators: float = 1, busy: float | None = 0.5, until: float = 0) -> Hold:
    since = NOW - timedelta(minutes=minutes_ago)
    steps = {int(START) - STEP_S * back: Busy(cpus=1.0, accelerators=busy) for back in range(14)}
    return Hold(
        since=since, until=NOW - timedelta(minutes=until), accelerators=accelerators, cpus=2.0, busy=steps
    )


def test_allocation_stands_beside_utilisation() -> None:
    usage = usage_over([hold(30), hold(60)], 8.0, 4.0, NOW - timedelta(hours=1), NOW)
    assert usage is not None
    # One of four for the hour, another for half of it; each half busy.
    assert (usage.unit, usage.allocated_percent, usage.utilised_percent) == ("accelerators", 37.5, 18.8)
    assert usage.text == "38 % of the accelerators held by jobs, 19 % worked, in the last hour"
    assert len(usage.steps) == 13


def test_a_node_that_is_new_is_not_shown_as_idle_for_the_hour() -> None:
    usage = usage_over([hold(2)], 8.0, 1.0, NOW - timedelta(minutes=2), NOW)
    assert usage is not None
    assert (usage.allocated_percent, usage.utilised_percent) == (100.0, 50.0)
    assert "in the last 2m" in usage.text
    assert usage_over([], 8.0, 1.0, NOW, NOW) is None


def test_without_accelerators_processors_are_shown() -> None:
    usage = usage_over([hold(60)], 8.0, 0.0, NOW - timedelta(hours=1), NOW)
    assert usage is not None
    assert (usage.unit, usage.allocated_percent, usage.utilised_percent) == ("processors", 25.0, 12.5)


def test_what_was_not_measured_is_said() -> None:
    usage = usage_over([hold(60, busy=None)], 8.0, 1.0, NOW - timedelta(hours=1), NOW)
    assert usage is not None
    assert usage.utilised_percent is None
    assert "not measured" in usage.text


@given(
    st.lists(
        st.tuples(st.floats(0, 120), st.floats(0, 60), st.integers(1, 2), st.floats(0, 1) | st.none()),
        max_size=4,
    ),
    st.floats(1, 60),
)
def test_nothing_works_that_is_not_held(
    spans: list[tuple[float, float, int, float | None]], minutes: float
) -> None:
    holds = [hold(ago, accelerators=many, busy=busy, until=until) for ago, until, many, busy in spans]
    usage = usage_over(holds, 8.0, 8.0, NOW - timedelta(minutes=minutes), NOW)
    assert usage is not None
    assert 0 <= usage.allocated_percent <= 100
    for step in usage.steps:
        assert step.utilised_percent is None or step.utilised_percent <= step.allocated_percent + 0.1
