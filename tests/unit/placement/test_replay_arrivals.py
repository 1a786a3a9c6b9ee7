"""Mixes and traces become kinds of jobs and arrivals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.placement.replay.arrivals import Jobs, TraceTerms, jobs_of_mix, jobs_of_trace
from tradewind.spec.mix import validate_mix
from tradewind.spec.trace import read_trace

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600


def mix_of(*entries: dict[str, Any], seed: int = 1, **more: Any) -> Jobs:
    jobs = [{"job": {"estimate": {"hours": 2}}, **entry} for entry in entries]
    return jobs_of_mix(validate_mix({"version": 1, "jobs": jobs, **more}), seed, START)


def trace_of(text: str, **terms: Any) -> Jobs:
    return jobs_of_trace(read_trace(text, "t.csv"), TraceTerms(**terms), "t.csv")


def test_jobs_come_at_once_or_in_steps_or_until_the_mix_is_over() -> None:
    found = mix_of({"count": 2, "start": "1h"}, {"count": 3, "every": "30m"}, {"every": "2h"}, length="5h")
    times = {shape: [a.arrival_s for a in found.arrivals if a.shape == shape] for shape in range(3)}
    assert times == {0: [3600, 3600], 1: [0, 1800, 3600], 2: [0, 7200, 14_400]}


def test_random_arrivals_follow_the_seed_and_their_rate() -> None:
    def times(seed: int) -> list[int]:
        return [
            each.arrival_s for each in mix_of({"arrivals": "poisson(4/h)"}, length="500h", seed=seed).arrivals
        ]

    assert times(1) == times(1) != times(2)
    assert times(1) == sorted(times(1))
    # Two thousand are expected, give or take 45.
    assert 1_800 < len(times(1)) < 2_200


def test_deadlines_count_from_arrival_or_are_points_in_time_and_sweeps_are_several_jobs() -> None:
    job = {"estimate": {"hours": 1}, "constraints": {"deadline": "2026-01-01T03:00Z", "budget": "$8"}}
    found = mix_of(
        {"job": job, "count": 1},
        {"job": job, "count": 1, "start": "1h", "deadline": "5h"},
        {"job": {**job, "sweep": {"lr": [0.1, 0.2], "seed": {"range": [0, 2]}}}, "budget": "$4"},
    )
    point, after, *sweep = found.arrivals
    assert (point.deadline_s, point.budget_micro) == (3 * HOUR, 8_000_000)
    assert after.deadline_s == 6 * HOUR
    assert [each.name for each in sweep] == [f"job-3-1.{task}" for task in (1, 2, 3, 4)]
    assert [each.budget_micro for each in sweep] == [1_000_000] * 4


def test_jobs_of_unknown_length_are_named() -> None:
    (note,) = mix_of({"job": {}}).notes
    assert note.startswith("job-1: nothing says how long it takes")


def test_lines_of_a_trace_share_shapes_and_large_jobs_take_whole_nodes() -> None:
    found = trace_of("arrival_s,gpus,v100_h,k80_h\n0,1,2,20\n60,1,2,20\n90,16,3,\n", max_hours=10)
    assert [each.shape for each in found.arrivals] == [0, 0, 1]
    small, large = found.shapes
    assert small.lengths.hours("K80", 1.0) is not None
    assert small.lengths.hours("K80", 1.0).p50 == 10  # type: ignore[union-attr]
    assert small.lengths.hours("A100-80GB-SXM", 1.0) is None
    assert (large.wanted.nodes_min, large.wanted.accelerators) == (2, (("V100", 8.0),))
    assert any("whole nodes of 8" in note for note in found.notes)
    assert any("cut to that" in note for note in found.notes)


def test_deadlines_can_be_made_and_time_can_be_squeezed() -> None:
    found = trace_of(
        "arrival_h,hours,on,deadline_h\n4,2,V100,\n8,2,V100,3\n", deadline_factor=1.5, speed_up=4.0
    )
    assert [each.arrival_s for each in found.arrivals] == [HOUR, 2 * HOUR]
    assert [each.deadline_s for each in found.arrivals] == [4 * HOUR, 5 * HOUR]


def test_hours_that_name_no_accelerator_need_one_from_elsewhere() -> None:
    text = "arrival_s,hours,gpus\n0,2,1\n"
    with pytest.raises(InvalidInputError, match="line 2: nothing says which accelerators"):
        trace_of(text)
    assert trace_of(text, gpus=("L4",)).shapes[0].wanted.accelerators == (("L4", 1.0),)
    assert trace_of(text.replace("2,1\n", "2,0\n")).shapes[0].wanted.accelerators == ()
