"""The end that stands for an attempt on several nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.deciding import RankEnd, Verdict, judge_gang
from tradewind.control.ranks import attempt_of, name_of_rank
from tradewind.domain.causes import INTERRUPTIONS
from tradewind.domain.status import AttemptStatus, Reason

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WELL = Verdict(AttemptStatus.SUCCEEDED, Reason.EXITED, "the command ended with exit code 0")
BAD = Verdict(AttemptStatus.FAILED, Reason.EXITED, "the command ended with exit code 1")
TOLD = Verdict(AttemptStatus.INTERRUPTED, Reason.PEER_ENDED, "another rank of it ended")
LOST = Verdict(AttemptStatus.INTERRUPTED, Reason.NODE_LOST, "the machine could not be reached for too long")
STOPPED = Verdict(AttemptStatus.CANCELLED, Reason.STOPPED_BY_USER, "stopped by a user")
SPENT = Verdict(AttemptStatus.FAILED, Reason.BUDGET, "its budget is used up")


def ends(*verdicts: Verdict) -> list[RankEnd]:
    """In the order of their ends."""
    return [
        RankEnd(f"rank {number}", verdict, NOW + timedelta(seconds=number), exit_code=number)
        for number, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("found", "stop", "status", "reason"),
    [
        ((WELL, WELL), None, AttemptStatus.SUCCEEDED, Reason.EXITED),
        # A stop that came too late changes nothing.
        ((WELL, WELL), Reason.STOPPED_BY_USER, AttemptStatus.SUCCEEDED, Reason.EXITED),
        ((BAD, TOLD), Reason.PEER_ENDED, AttemptStatus.FAILED, Reason.EXITED),
        ((WELL, BAD), Reason.PEER_ENDED, AttemptStatus.FAILED, Reason.EXITED),
        # The others fail first when a machine goes away.
        ((BAD, LOST), Reason.PEER_ENDED, AttemptStatus.INTERRUPTED, Reason.NODE_LOST),
        ((TOLD, BAD, LOST), Reason.PEER_ENDED, AttemptStatus.INTERRUPTED, Reason.NODE_LOST),
        ((STOPPED, LOST), Reason.STOPPED_BY_USER, AttemptStatus.CANCELLED, Reason.STOPPED_BY_USER),
        ((BAD, SPENT), Reason.BUDGET, AttemptStatus.FAILED, Reason.BUDGET),
        ((LOST, SPENT), Reason.BUDGET, AttemptStatus.FAILED, Reason.BUDGET),
    ],
)
def test_which_end_stands_for_all(
    found: tuple[Verdict, ...], stop: Reason | None, status: AttemptStatus, reason: Reason
) -> None:
    end = judge_gang(ends(*found), stop, None)
    assert (end.verdict.status, end.verdict.reason) == (status, reason)


def test_it_says_which_rank_it_was() -> None:
    end = judge_gang(ends(TOLD, BAD), Reason.PEER_ENDED, None)
    assert end.verdict.explanation == "rank 1: the command ended with exit code 1"
    assert end.exit_code == 1


def test_where_all_were_told_to_stop_the_reason_for_that_stands() -> None:
    end = judge_gang(ends(TOLD, TOLD), Reason.PEER_ENDED, LOST)
    assert (end.verdict, end.exit_code) == (LOST, None)
    assert judge_gang(ends(TOLD, TOLD), Reason.PEER_ENDED, None).verdict.status is AttemptStatus.INTERRUPTED


@given(st.permutations([WELL, BAD, TOLD, LOST, BAD]))
def test_a_lost_machine_is_an_interruption_in_whatever_order_the_ranks_end(found: list[Verdict]) -> None:
    end = judge_gang(ends(*found), Reason.PEER_ENDED, None)
    assert end.verdict.reason is Reason.NODE_LOST
    assert end.verdict.reason in INTERRUPTIONS


@given(st.integers(0, 63))
def test_the_name_of_a_rank_leads_to_its_attempt(number: int) -> None:
    name = name_of_rank("att_01kdvdnegbmbm18y3hab", number)
    assert attempt_of(name) == "att_01kdvdnegbmbm18y3hab"
    assert (name == "att_01kdvdnegbmbm18y3hab") is (number == 0)
