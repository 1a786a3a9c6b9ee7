"""Comparing what so many hours cost in many places and here."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.billing import BillingRule
from tradewind.domain.offers import Availability
from tradewind.placement.compare import (
    LOWEST_COST,
    WORTH_FASTER_SETUP,
    Here,
    Option,
    Place,
    Question,
    compare,
    show_minutes,
)

RUNPOD: Final = {"RTX 4090": 0.69, "A100 40GB": 1.89, "A100 80GB": 2.49, "H100": 4.25}
LAMBDA: Final = {"RTX 3090": 0.50, "A100 40GB": 1.10, "A100 80GB": 1.29, "H100": 2.49, "V100": 0.50}
TOGETHER: Final = {"A100 80GB": 2.00, "H100": 3.50}
MEMORY: Final = {"RTX 4090": 24, "RTX 3090": 24, "A100 40GB": 40, "A100 80GB": 80, "H100": 80, "V100": 16}


def places_of(
    platform: str, prices: dict[str, float], minutes: float, availability: Availability
) -> list[Place]:
    return [
        Place(
            platform=platform,
            gpu=gpu,
            memory_gb=MEMORY[gpu],
            rate_micro_per_hour=round(price * 1_000_000),
            setup_minutes=minutes,
            availability=availability,
            price_source="reference-2024",
        )
        for gpu, price in prices.items()
    ]


REFERENCE: Final = [
    *places_of("runpod", RUNPOD, 2, Availability.HIGH),
    *places_of("lambda_labs", LAMBDA, 0, Availability.MEDIUM),
    *places_of("together_ai", TOGETHER, 1, Availability.HIGH),
]
QUESTION: Final = Question(
    training_hours=10,
    min_memory_gb=80,
    local_electricity_cost=2.50,
    platforms=("runpod", "lambda_labs", "together_ai"),
    price_source="reference-2024",
)


def place(name: str, rate: float, minutes: float = 0, **more: object) -> Place:
    made = Place(
        platform=name, gpu="H100", memory_gb=80, rate_micro_per_hour=round(rate * 1e6), setup_minutes=minutes,
        availability=Availability.HIGH,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_worked_example() -> None:
    answer = compare(QUESTION, REFERENCE)
    assert answer.cheapest
    assert answer.fastest
    assert answer.recommended
    assert (answer.cheapest.place.platform, answer.cheapest.place.gpu) == ("lambda_labs", "A100 80GB")
    assert (answer.cheapest.cost, answer.cheapest.hourly_rate) == ("$12.90", "$1.29/hr")
    assert answer.savings_vs_local == "48.4%"
    assert answer.recommended == answer.cheapest
    assert answer.reason == LOWEST_COST
    assert (answer.fastest.place.platform, answer.fastest.setup_time) == ("together_ai", "1 min")
    assert [each.cost for each in answer.options] == [
        "$12.90",
        "$20.00",
        "$24.90",
        "$24.90",
        "$25.00",
        "$35.00",
        "$42.50",
    ]


def test_running_here_can_be_the_cheapest() -> None:
    answer = compare(
        Question(training_hours=10, local_gpu_type="H100", local_electricity_cost=0.12),
        REFERENCE,
        Here(gpu="H100", memory_gb=80),
    )
    assert answer.cheapest
    assert answer.cheapest.place.platform == "local"
    assert (answer.cheapest.cost, answer.savings_vs_local) == ("$1.20", "0.0%")
    assert answer.fastest == answer.cheapest


def test_a_machine_here_that_is_too_small_never_wins() -> None:
    question = replace(QUESTION, local_gpu_type="RTX 4090", local_electricity_cost=0.10)
    answer = compare(question, REFERENCE, Here(gpu="RTX 4090", memory_gb=24))
    assert answer.cheapest
    assert answer.cheapest.place.platform == "lambda_labs"
    assert any("24 GB" in note for note in answer.notes)


def test_electricity_can_be_given_physically() -> None:
    question = Question(training_hours=10, electricity_price_usd_per_kwh=0.25, local_power_watts=400)
    (local,) = compare(question, []).options
    assert (local.cost, local.hourly_rate) == ("$1.00", "$0.10/hr")
    assert local.energy_kwh == pytest.approx(4.0)
    (by_watts,) = compare(replace(question, local_power_watts=None), [], Here(watts=800.0)).options
    assert by_watts.cost == "$2.00"


def test_without_a_price_here_there_is_no_saving_and_it_is_said() -> None:
    answer = compare(Question(training_hours=1, local_gpu_type="RTX 4090"), REFERENCE)
    assert answer.savings_vs_local is None
    assert "local_electricity_cost" in answer.notes[0]


def test_nothing_that_fits_is_explained() -> None:
    answer = compare(Question(training_hours=1, min_memory_gb=141), REFERENCE)
    assert (answer.options, answer.cheapest) == ((), None)
    assert answer.message
    assert "80 GB" in answer.message
    assert "141 GB" in answer.message


def test_a_place_within_a_fifth_that_sets_up_faster_is_recommended() -> None:
    answer = compare(Question(training_hours=10), [place("slow", 1.0, 10), place("quick", 1.2, 1)])
    assert answer.cheapest
    assert answer.recommended
    assert (answer.cheapest.place.platform, answer.recommended.place.platform) == ("slow", "quick")
    assert "20.0%" in answer.reason
    dearer = compare(Question(training_hours=10), [place("slow", 1.0, 10), place("quick", 1.21, 1)])
    assert dearer.recommended == dearer.cheapest


def test_what_cannot_be_had_is_shown_and_never_wins() -> None:
    sold_out = place("gone", 0.5, availability=Availability.UNAVAILABLE)
    answer = compare(Question(training_hours=10), [sold_out, place("there", 1.0)])
    assert answer.cheapest
    assert answer.cheapest.place.platform == "there"
    assert len(answer.options) == 2
    assert compare(Question(training_hours=10), [sold_out]).notes == ("none of them can be had now",)


def test_waiting_for_capacity_counts() -> None:
    scarce = place("scarce", 1.0, 0, availability=Availability.LOW)
    answer = compare(Question(training_hours=10), [scarce, place("plenty", 3.0, 5)])
    assert answer.fastest
    assert answer.fastest.place.platform == "plenty"


def test_billing_and_billed_setup_count() -> None:
    by_hour = place(
        "hourly",
        1.0,
        10,
        billing=BillingRule(granularity_s=3600),
        billed_setup_minutes=5.0,
        platform="hourly",
    )
    (option,) = compare(Question(training_hours=10), [by_hour]).options
    assert option.cost == "$11.00"


def test_hours_are_scaled_only_where_asked_for() -> None:
    places = [place("a", 1.0, accelerator="H100-SXM"), place("b", 1.0, accelerator="odd")]
    answer = compare(
        Question(training_hours=10, reference_gpu="RTX 4090"),
        places,
        scale=lambda key, _: 4.0 if key == "H100-SXM" else None,
    )
    assert [(each.place.platform, each.hours) for each in answer.options] == [("a", 4.0), ("b", 10)]
    assert len(answer.notes) == 1
    assert [each.hours for each in compare(Question(training_hours=10), places).options] == [10, 10]


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "immediate"), (0.4, "1 min"), (1, "1 min"), (9.2, "10 min")]
)
def test_minutes_in_words(minutes: float, text: str) -> None:
    assert show_minutes(minutes) == text


some_places = st.builds(
    Place,
    platform=st.sampled_from(["a", "b", "c"]),
    gpu=st.sampled_from(["A100 80GB", "H100", "T4"]),
    gpu_count=st.sampled_from([1.0, 8.0]),
    memory_gb=st.none() | st.sampled_from([16.0, 80.0]),
    rate_micro_per_hour=st.integers(1, 100_000_000),
    availability=st.sampled_from(Availability),
    setup_minutes=st.floats(0, 60),
)


@given(
    places=st.lists(some_places, max_size=12),
    hours=st.floats(0.001, 1000),
    local=st.none() | st.floats(0, 50),
    memory=st.none() | st.just(40.0),
)
def test_the_summary_keeps_its_words(
    places: list[Place], hours: float, local: float | None, memory: float | None
) -> None:
    answer = compare(
        Question(training_hours=hours, local_electricity_cost=local, min_memory_gb=memory), places
    )
    keys = [(each.place.platform, each.place.gpu) for each in answer.options]
    assert len(keys) == len(set(keys))
    assert [each.cost_micro for each in answer.options] == sorted(each.cost_micro for each in answer.options)
    if not answer.options:
        assert answer.message
        return
    assert answer.cheapest
    assert answer.fastest
    assert answer.recommended
    there: list[Option] = [each for each in answer.options if not math.isinf(each.finish_minutes)]
    standing = there or list(answer.options)
    assert answer.cheapest.cost_micro == min(each.cost_micro for each in standing)
    assert answer.recommended.cost_micro <= answer.cheapest.cost_micro * WORTH_FASTER_SETUP
    clouds = [each for each in standing if each.place.platform != "local"]
    if clouds:
        assert answer.fastest.finish_minutes == min(each.finish_minutes for each in clouds)
