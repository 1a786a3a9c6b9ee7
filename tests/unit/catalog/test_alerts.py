"""Conditions of alerts: what counts, what is news, and that one change is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.catalog.offers_for_tests import offer
from tradewind.catalog.alert_texts import summarize, tell
from tradewind.catalog.alerts import AlertState, Finding, look, see
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_alerts import AlertCondition

START = datetime(2026, 1, 1, tzinfo=UTC)
DOLLAR = 1_000_000


def below(micro: int, **more: Any) -> AlertCondition:
    return AlertCondition.model_validate({"kind": "price_below", "below_micro": micro, **more})


def drop(percent: float, **more: Any) -> AlertCondition:
    return AlertCondition.model_validate({"kind": "price_drop", "drop_percent": percent, **more})


def again(**more: Any) -> AlertCondition:
    return AlertCondition.model_validate({"kind": "available_again", **more})


def play(
    condition: AlertCondition, tables: list[list[Offer]], every_s: float = 3600, reference: int | None = None
) -> list[Finding | None]:
    """What is found, table after table."""
    state, found = AlertState(), []
    for step, offers in enumerate(tables):
        at = START + timedelta(seconds=every_s * step)
        state, finding = look(OfferTable.of(offers), condition, state, at, reference)
        # What is kept survives the database.
        state = AlertState.from_json(state.to_json())
        found.append(finding)
    return found


def prices_of(condition: AlertCondition, prices: list[float], **more: Any) -> list[int]:
    """At which steps it fires, for one offer whose price moves."""
    found = play(condition, [[offer(round(price * DOLLAR))] for price in prices], **more)
    return [step for step, finding in enumerate(found) if finding is not None]


def test_below_fires_once_until_it_was_back_above() -> None:
    assert prices_of(below(2 * DOLLAR), [2.5, 1.9, 1.9, 1.8, 1.7, 2.5, 1.9]) == [1, 6]


def test_a_price_at_the_limit_is_not_below_it() -> None:
    assert prices_of(below(2 * DOLLAR), [2.0, 2.0, 1.999999]) == [2]


def test_a_price_that_trembles_around_the_limit_is_told_once() -> None:
    assert prices_of(below(2 * DOLLAR), [1.99, 2.01, 1.99, 2.02, 1.98]) == [0]
    assert prices_of(below(2 * DOLLAR), [1.99, 2.04, 1.99]) == [0, 2]
    assert prices_of(below(2 * DOLLAR, rearm_percent=0), [1.99, 2.0, 1.99]) == [0, 2]


def test_a_further_step_is_told_where_it_is_stated() -> None:
    falling = [1.9, 1.8, 1.7, 1.6, 1.5, 1.4]
    assert prices_of(below(2 * DOLLAR), falling) == [0]
    assert prices_of(below(2 * DOLLAR, step_percent=10), falling) == [0, 2, 4]


def test_a_drop_is_measured_from_the_highest_price_since_the_last_message() -> None:
    assert prices_of(drop(10), [2.0, 1.9, 1.81, 1.8, 1.79, 1.7, 1.62]) == [3, 6]
    assert prices_of(drop(10), [2.0, 4.0, 3.7, 3.6]) == [3]


def test_a_drop_over_a_window_is_measured_from_its_highest_price() -> None:
    condition = drop(10, window_hours=24)
    assert prices_of(condition, [1.9, 1.8, 1.8, 1.79], reference=2 * DOLLAR) == [1]
    assert prices_of(condition, [1.8, 1.9, 1.8], reference=2 * DOLLAR) == [0, 2]
    assert prices_of(condition, [1.8, 1.7]) == []


def test_available_again_needs_to_have_been_away() -> None:
    there, gone = [offer(DOLLAR)], [offer(DOLLAR, availability=Availability.UNAVAILABLE)]
    assert [bool(each) for each in play(again(), [there, there, gone, gone, there, there])] == [
        False, False, False, False, True, False,
    ]  # fmt: skip
    assert [bool(each) for each in play(again(), [[], there])] == [False, True]
    assert [bool(each) for each in play(again(), [there, [], there])] == [False, False, True]


def test_available_again_is_quiet_for_a_while() -> None:
    there, gone = [offer(DOLLAR)], [offer(DOLLAR, is_available=False)]
    flapping = [gone, there] * 4
    assert sum(map(bool, play(again(), flapping, every_s=300))) == 1
    assert sum(map(bool, play(again(quiet_minutes=0), flapping, every_s=600))) == 4


def test_who_does_not_say_whether_it_can_be_had_is_not_available_again() -> None:
    unknown = [offer(DOLLAR, availability=Availability.UNKNOWN)]
    assert not any(play(again(), [unknown, unknown, [], unknown]))
    # As a price it counts: most price lists do not say.
    assert play(below(2 * DOLLAR), [unknown])[0] is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"flags": ("placeholder",)},
        {"flags": ("community", "placeholder")},
        {"flags": ("no_price",)},
        {"availability": Availability.UNAVAILABLE},
        {"is_available": False},
        {"accelerator_count": 0.0},
    ],
)
def test_what_is_no_price_never_fires(changes: dict[str, Any]) -> None:
    assert play(below(2 * DOLLAR), [[offer(1, **changes)]]) == [None]
    assert play(drop(50), [[offer(2 * DOLLAR)], [offer(1, **changes)]]) == [None, None]


def test_a_price_of_zero_never_fires() -> None:
    assert play(below(2 * DOLLAR), [[offer(0)]]) == [None]


def test_silence_is_not_a_high_price() -> None:
    cheap = [offer(DOLLAR)]
    assert [bool(each) for each in play(below(2 * DOLLAR), [cheap, [], cheap])] == [True, False, False]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, 6),
        ({"accelerators": ["h100-sxm"]}, 4),
        ({"accelerators": ["nvidia a100"]}, 1),
        ({"accelerators": ["H100-SXM", "A100-80GB"]}, 5),
        ({"min_count": 2}, 2),
        ({"max_count": 1}, 4),
        ({"min_count": 8, "max_count": 8}, 1),
        ({"min_memory_gb": 80}, 5),
        ({"providers": ["runpod"]}, 1),
        ({"regions": ["us-*"]}, 2),
        ({"regions": ["EU-NL", "us-west"]}, 5),
        ({"markets": ["spot"]}, 1),
        ({"providers": ["nobody"]}, 0),
    ],
)
def test_filters(filters: dict[str, Any], expected: int) -> None:
    table = OfferTable.of(
        [
            offer(1),
            offer(1, provider="runpod", region="us-west"),
            offer(1, accelerator_count=8.0, region="us-east"),
            offer(1, market="spot", accelerator_count=2.0),
            offer(1, accelerator="A100-80GB", accelerator_label="NVIDIA A100"),
            offer(1, accelerator=None, accelerator_memory_gb=None, accelerator_label="odd"),
        ]
    )
    assert see(table, below(1, filters=filters)).matching == expected


def test_a_part_of_an_accelerator_has_a_part_of_its_memory() -> None:
    table = OfferTable.of([offer(1, accelerator_count=0.05), offer(2)])
    assert see(table, below(1, filters={"min_memory_gb": 80})).matching == 1
    assert see(table, below(1, filters={"min_memory_gb": 4})).matching == 2


def test_a_price_is_of_one_accelerator_unless_told() -> None:
    table = OfferTable.of([offer(16 * DOLLAR, accelerator_count=8.0), offer(3 * DOLLAR, provider="runpod")])
    per_accelerator, per_machine = see(table, below(1)), see(table, below(1, per="hour"))
    assert per_accelerator.best_micro == 2 * DOLLAR
    assert per_machine.best_micro == 3 * DOLLAR
    assert per_accelerator.best_at is not None
    assert per_accelerator.best_at.accelerator_count == 8.0


def test_messages_say_what_where_and_how_much() -> None:
    condition = below(
        2 * DOLLAR, filters={"accelerators": ["H100-SXM"], "min_count": 1, "providers": ["vast"]}
    )
    finding = play(condition, [[offer(1_610_000)]])[0]
    assert finding is not None
    title, body = tell("cheap", condition, finding)
    assert title == "cheap: $1.61/GPU-h, vast, eu-nl: H100-SXM x1 (on demand)"
    assert body.splitlines() == [
        "vast, eu-nl: H100-SXM x1 (on demand) costs $1.61/GPU-h, below $2.00/GPU-h.",
        "Waited for: H100-SXM x1+, vast below $2.00/GPU-h.",
    ]
    fallen = play(drop(10), [[offer(2 * DOLLAR)], [offer(1_500_000)]])[1]
    assert fallen is not None
    assert tell("fall", drop(10), fallen)[0].startswith("fall: down 25 % to $1.50/GPU-h")
    back = play(again(), [[], [offer(DOLLAR)]])[1]
    assert back is not None
    assert "can be had again" in tell("back", again(), back)[1]
    assert summarize(drop(5, window_hours=24)) == (
        "any offer drops by 5 % against the highest of the last 24 h"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "price_below"},
        {"kind": "price_drop"},
        {"kind": "available_again", "below_micro": 5},
        {"kind": "price_below", "below_micro": 5, "window_hours": 3},
        {"kind": "price_below", "below_micro": 0},
        {"kind": "price_drop", "drop_percent": float("nan")},
        {"kind": "price_drop", "drop_percent": 100},
        {"kind": "price_below", "below_micro": 5, "filters": {"min_count": 8, "max_count": 1}},
        {"kind": "price_below", "below_micro": 5, "filters": {"markets": ["barter"]}},
        {"kind": "price_below", "below_micro": 5, "unknown": 1},
    ],
)
def test_conditions_without_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertCondition.model_validate(values)


ANY_OFFER = st.builds(
    offer,
    st.integers(0, 5 * DOLLAR),
    provider=st.sampled_from(["vast", "runpod"]),
    region=st.sampled_from(["eu-nl", "us-west"]),
    accelerator_count=st.sampled_from([0.0, 1.0, 8.0]),
    availability=st.sampled_from(list(Availability)),
    is_available=st.booleans(),
    flags=st.sampled_from([(), ("placeholder",), ("no_price",)]),
)
ANY_CONDITION = st.one_of(
    st.builds(below, st.integers(1, 4 * DOLLAR), step_percent=st.sampled_from([None, 10.0])),
    st.builds(drop, st.sampled_from([5.0, 30.0])),
    st.builds(again, quiet_minutes=st.sampled_from([0.0, 90.0])),
)


@given(condition=ANY_CONDITION, tables=st.lists(st.lists(ANY_OFFER, max_size=5), max_size=8), data=st.data())
def test_the_order_of_offers_does_not_matter(
    condition: AlertCondition, tables: list[list[Offer]], data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(offers)) for offers in tables]
    assert play(condition, tables) == play(condition, shuffled)


@given(condition=ANY_CONDITION, tables=st.lists(st.lists(ANY_OFFER, max_size=5), max_size=8))
def test_a_second_look_at_the_same_finds_nothing(
    condition: AlertCondition, tables: list[list[Offer]]
) -> None:
    twice = [table for table in tables for _ in range(2)]
    # The second looks change nothing of what the first ones find: those are the findings of a single play.
    found = play(condition, twice, every_s=1800)
    assert [each for each in found[1::2] if each is not None] == []
    assert found[::2] == play(condition, tables, every_s=3600)


@given(
    condition=st.builds(below, st.integers(1, 4 * DOLLAR), step_percent=st.sampled_from([None, 10.0])),
    prices=st.lists(st.integers(1, 5 * DOLLAR), max_size=30),
)
def test_between_two_findings_the_price_was_back_above_or_a_step_lower(
    condition: AlertCondition, prices: list[int]
) -> None:
    found = play(condition, [[offer(price)] for price in prices])
    steps = [step for step, finding in enumerate(found) if finding is not None]
    assert condition.below_micro is not None
    for first, second in pairwise(steps):
        earlier, later = found[first], found[second]
        assert earlier is not None
        assert later is not None
        went_back = any(price >= condition.below_micro * 1.02 for price in prices[first:second])
        is_further = condition.step_percent is not None and prices[second] <= prices[first] * 0.9
        assert went_back or is_further
        assert later.number == earlier.number + 1
        assert later != earlier
    assert all(prices[step] < condition.below_micro for step in steps)


@given(percent=st.sampled_from([5.0, 30.0]), prices=st.lists(st.integers(1, 5 * DOLLAR), max_size=30))
def test_every_drop_that_is_told_lies_under_a_higher_price_since_the_last(
    percent: float, prices: list[int]
) -> None:
    found = play(drop(percent), [[offer(price)] for price in prices])
    begin = 0
    for step, finding in enumerate(found):
        peak = max(prices[begin : step + 1])
        assert (finding is not None) == (prices[step] <= peak * (1 - percent / 100))
        if finding is not None:
            assert finding.reference_micro == peak
            begin = step
