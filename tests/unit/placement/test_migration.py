"""Moves pay for what they cost, and never go back and forth."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tradewind.placement.migration import (
    LEAST_STAY,
    LOOKS,
    Alternative,
    Stay,
    cost_of_moving,
    cost_of_staying,
    weigh,
)

DOLLAR = 1_000_000


def stay(**changes: object) -> Stay:
    values: dict[str, object] = {
        "place": "a", "micro_per_hour": 4 * DOLLAR, "hours_left": 10.0, "hours_at_stake": 0.25,
        "stayed": timedelta(hours=2), "termination_hours": 0.1,
    }  # fmt: skip
    return Stay(**(values | changes))  # type: ignore[arg-type]


def other(**changes: object) -> Alternative:
    values: dict[str, object] = {
        "place": "b", "micro_per_hour": 2 * DOLLAR, "hours_left": 10.0, "hours_at_stake": 0.25, "setup_hours": 0.1,
    }  # fmt: skip
    return Alternative(**(values | changes))  # type: ignore[arg-type]


def test_the_cost_of_a_move_has_all_of_its_parts() -> None:
    assert cost_of_staying(stay()) == 40 * DOLLAR
    # 10 h left, a quarter done again, 6 minutes of set-up at 2 $; 6 minutes more of the old one at 4 $; traffic.
    moving = cost_of_moving(stay(), other(egress_micro=300_000))
    assert moving == round(2 * DOLLAR * 10.35) + 300_000 + 400_000


def test_it_moves_when_another_place_was_cheaper_often_enough() -> None:
    first = weigh(stay(), [other()], 0.25, None, 0)
    assert (first.target, first.candidate, first.looks) == (None, "b", 1)
    second = weigh(stay(), [other()], 0.25, first.candidate, first.looks)
    assert second.target == "b"
    assert "47 % less" in second.explanation
    assert second.arithmetic["saving_micro"] == 40 * DOLLAR - cost_of_moving(stay(), other())


def test_it_stays_where_the_saving_is_below_the_threshold_or_not_worth_a_move() -> None:
    assert weigh(stay(), [other()], 0.6, "b", LOOKS).target is None
    assert weigh(stay(hours_left=0.01), [other(hours_left=0.01)], 0.1, "b", LOOKS).target is None
    assert weigh(stay(), [], 0.1, None, 0).explanation == "there is no other place"


def test_it_stays_for_a_while_before_it_moves_again() -> None:
    verdict = weigh(stay(stayed=LEAST_STAY / 2), [other()], 0.1, "b", 5)
    assert verdict.target is None
    assert "has been here" in verdict.explanation


def test_a_place_that_was_left_is_gone_back_to_for_twice_the_threshold() -> None:
    assert weigh(stay(), [other(was_left_lately=True)], 0.25, "b", LOOKS).target is None
    assert weigh(stay(), [other(was_left_lately=True)], 0.2, "b", LOOKS).target == "b"


@given(
    prices=st.lists(
        st.tuples(st.integers(1, 5 * DOLLAR), st.integers(1, 5 * DOLLAR)), min_size=2, max_size=60
    ),
    threshold=st.floats(0.01, 0.9),
)
def test_however_prices_cross_moves_are_few_and_each_pays(
    prices: list[tuple[int, int]], threshold: float
) -> None:
    """Two places, a look every five minutes: no two moves within the shortest stay."""
    here, moved_at, left = 0, timedelta(0), set[int]()
    candidate, looks = None, 0
    moves: list[timedelta] = []
    for number, pair in enumerate(prices):
        now = timedelta(minutes=5 * number)
        mine = stay(place=str(here), micro_per_hour=pair[here], hours_left=20.0, stayed=now - moved_at)
        there = other(
            place=str(1 - here), micro_per_hour=pair[1 - here], hours_left=20.0,
            was_left_lately=1 - here in left,
        )  # fmt: skip
        verdict = weigh(mine, [there], threshold, candidate, looks)
        candidate, looks = verdict.candidate, verdict.looks
        if verdict.target is not None:
            assert cost_of_moving(mine, there) <= cost_of_staying(mine) * (1 - threshold) + 1
            left.add(here)
            here, moved_at, candidate, looks = 1 - here, now, None, 0
            moves.append(now)
    gaps = [second - first for first, second in itertools.pairwise(moves)]
    assert all(gap >= LEAST_STAY for gap in gaps)
