"""Where a job's time went: nothing is counted twice and nothing is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.job_timeline import timeline
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.domain.status import AttemptStatus, JobStatus

T0 = datetime(2026, 1, 1, tzinfo=UTC)
_MOMENTS = st.none() | st.integers(0, 5000)


def _job(**values: Any) -> JobRow:
    names = dict.fromkeys(JobRow._names())
    return JobRow(
        **{**names, "desired": "run", "status": "running", "created_at": T0, "spec": {}, "tags": {}, **values}
    )


def _attempt(number: int, **values: Any) -> AttemptRow:
    names = dict.fromkeys(AttemptRow._names())
    offer = {"instance_type": "gpu-1", "zone": "z1", "market": "spot"}
    blank = {
        "number": number,
        "status": "running",
        "provider": "cloud",
        "offer": offer,
        "observed": {},
        "node_id": f"n{number}",
    }
    return AttemptRow(**{**names, **blank, **values})


def _node(**values: Any) -> NodeRow:
    names = dict.fromkeys(NodeRow._names())
    return NodeRow(**{**names, "status": "ready", "desired": "keep", "observed": {}, **values})


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else T0 + timedelta(seconds=seconds)


def test_a_job_that_was_interrupted_shows_the_gap_and_who_made_it_wait() -> None:
    first = _attempt(
        1, created_at=_at(10), accepted_at=_at(100), started_at=_at(130), ended_at=_at(1000),
        status="interrupted", explanation="the provider took the machine back",
    )  # fmt: skip
    second = _attempt(2, created_at=_at(1060), accepted_at=_at(1100), started_at=_at(1110))
    nodes = {
        "n1": _node(accepted_at=_at(20), ready_at=_at(90)),
        # Kept idle from before: nobody waited for it.
        "n2": _node(accepted_at=_at(5), ready_at=_at(50)),
    }
    found = timeline(_job(), [first, second], nodes, T0 + timedelta(seconds=1200))
    assert [(each.kind, each.seconds, each.owner) for each in found] == [
        ("queue", 10, "queue"), ("provisioning", 10, "cloud"), ("host_start", 70, "cloud"),
        ("delivery", 10, "tradewind"), ("setup", 30, "job"), ("running", 870, "job"), ("gap", 60, "queue"),
        ("delivery", 40, "tradewind"), ("setup", 10, "job"), ("running", 90, "job"),
    ]  # fmt: skip
    gap = found[6]
    assert (gap.tone, gap.explanation) == ("warning", "the provider took the machine back")
    assert [each.is_startup for each in found] == [True] * 5 + [False] * 5
    assert found[-1].ended_at is None


def test_what_follows_the_last_attempt_is_no_gap() -> None:
    only = _attempt(1, created_at=_at(0), started_at=_at(10), ended_at=_at(50), status="failed")
    job = _job(status=JobStatus.FAILED, ended_at=_at(60))
    found = timeline(job, [only], {}, T0 + timedelta(days=1))
    assert (found[-1].kind, found[-1].seconds, found[-1].attempt) == ("finishing", 10, 1)
    assert not any(each.kind == "gap" for each in found)


def test_a_job_that_waits_says_why() -> None:
    (only,) = timeline(_job(status="queued", explanation="no room"), [], {}, T0 + timedelta(seconds=5))
    assert (only.kind, only.seconds, only.explanation, only.ended_at) == ("queue", 5, "no room", None)


def test_a_cancelled_job_that_never_ran_has_one_closed_stretch() -> None:
    job = _job(status=JobStatus.CANCELLED, ended_at=_at(0))
    (only,) = timeline(job, [], {}, T0 + timedelta(days=1))
    assert (only.seconds, only.ended_at) == (0, T0)


@given(
    attempts=st.lists(
        st.tuples(st.integers(0, 5000), _MOMENTS, _MOMENTS, _MOMENTS, _MOMENTS, _MOMENTS), max_size=4
    ),
    ended=_MOMENTS,
)
def test_the_stretches_meet_and_add_up_whatever_the_clocks_of_machines_say(
    attempts: list[tuple[int, Any, Any, Any, Any, Any]], ended: int | None
) -> None:
    rows, nodes = [], {}
    for number, (created, accepted, started, over, rented, ready) in enumerate(attempts, 1):
        status = AttemptStatus.RUNNING if over is None else AttemptStatus.INTERRUPTED
        rows.append(
            _attempt(
                number,
                created_at=_at(created),
                accepted_at=_at(accepted),
                started_at=_at(started),
                ended_at=_at(over),
                status=status,
            )
        )
        nodes[f"n{number}"] = _node(accepted_at=_at(rented), ready_at=_at(ready))
    rolled_up = JobStatus.RUNNING if ended is None else JobStatus.FAILED
    now = T0 + timedelta(seconds=6000)
    found = timeline(_job(status=rolled_up, ended_at=_at(ended)), rows, nodes, now)
    end = now if ended is None else T0 + timedelta(seconds=ended)
    if not found:
        # A job that ended as it came has no stretch of time.
        assert ended == 0
        return
    assert found[0].started_at == T0
    assert sum(each.seconds for each in found) == (end - T0).total_seconds()
    for before, after in pairwise(found):
        assert before.ended_at == after.started_at
    assert all(each.seconds >= 0 for each in found)
    assert (found[-1].ended_at is None) == (ended is None)
