"""The tables of changes between statuses allow what they list and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.causes import CAUSES, INTERRUPTIONS, Allowance, cause_of, reasons_against
from tradewind.domain.status import (
    ATTEMPT_MOVES,
    JOB_MOVES,
    REASON_TEXT,
    TASK_MOVES,
    AttemptStatus,
    ForbiddenMoveError,
    JobStatus,
    Reason,
    TaskStatus,
    has_ended,
    move_attempt,
    move_job,
    move_task,
)


class Table(NamedTuple):
    """One kind of status with its table."""

    statuses: type[StrEnum]
    moves: Mapping[Any, frozenset[Any]]
    move: Callable[[Any, Any], Any]
    first: StrEnum
    ends: frozenset[str]


ENDS = frozenset({"succeeded", "failed", "cancelled"})
TABLES = [
    Table(JobStatus, JOB_MOVES, move_job, JobStatus.QUEUED, ENDS),
    Table(TaskStatus, TASK_MOVES, move_task, TaskStatus.WAITING, ENDS),
    Table(AttemptStatus, ATTEMPT_MOVES, move_attempt, AttemptStatus.CREATING, ENDS | {"interrupted"}),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_every_change_is_allowed_by_the_table_or_refused(table: Table) -> None:
    for current, wanted in product(table.statuses, repeat=2):
        if wanted in table.moves[current]:
            assert table.move(current, wanted) is wanted
        else:
            with pytest.raises(ForbiddenMoveError, match=f"cannot go from {current} to {wanted}"):
                table.move(current, wanted)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_ends_have_no_exits_and_everything_else_has(table: Table) -> None:
    assert set(table.moves) == set(table.statuses)
    assert {status for status in table.statuses if not table.moves[status]} == table.ends
    for status in table.statuses:
        assert has_ended(status) is (status in table.ends)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_every_status_can_be_reached_and_can_end(table: Table) -> None:
    reached, waiting = set(), [table.first]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting.extend(table.moves[status])
    assert reached == set(table.statuses)
    for status in table.statuses:
        assert status in table.ends or table.moves[status] & table.ends or any(
            table.moves[following] & table.ends for following in table.moves[status]
        )  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.statuses.__name__)
def test_nothing_moves_to_where_it_is(table: Table) -> None:
    assert not [status for status in table.statuses if status in table.moves[status]]


def test_what_stops_can_only_end() -> None:
    assert all(has_ended(status) for status in JOB_MOVES[JobStatus.STOPPING])
    assert all(has_ended(status) for status in ATTEMPT_MOVES[AttemptStatus.STOPPING])


def test_every_reason_has_a_sentence_and_one_fate() -> None:
    assert set(REASON_TEXT) == set(Reason)
    assert all(REASON_TEXT.values())


def test_what_ends_an_attempt_has_one_cause() -> None:
    waits = {reason for reason in Reason if reason.value.startswith("waiting_for")}
    of_nodes_and_jobs = {Reason.NOT_NEEDED, Reason.ORPHAN, Reason.NO_OFFER}
    assert set(CAUSES) == set(Reason) - waits - of_nodes_and_jobs
    assert Reason.STOPPED_BY_USER in reasons_against(Allowance.NEVER)
    assert not INTERRUPTIONS & reasons_against(Allowance.NEVER)


@given(st.sampled_from(sorted(CAUSES)), st.integers(0, 10**6))
def test_pauses_grow_to_five_minutes_and_no_further(reason: Reason, tries: int) -> None:
    cause = cause_of(reason)
    assert cause.pause_before(tries) <= cause.pause_before(tries + 1) <= timedelta(minutes=5)
