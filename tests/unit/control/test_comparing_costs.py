"""What so many hours cost everywhere: offers, facts and the user's own machine put together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.unit.control.test_instances import machine_here, shop_of
from tests.unit.offers_for_tests import an_offer, offer_lists
from tradewind.control.comparing import compare_costs
from tradewind.control.shop import Shop
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_cloud import ComparisonAnswer, ComparisonSummary, CostComparison


def compare(shop: Shop, **request: Any) -> ComparisonAnswer:
    return compare_costs(shop, CostComparison(**{"training_hours": 10, **request}))


def summary(answer: ComparisonAnswer) -> ComparisonSummary:
    assert answer.summary is not None
    return answer.summary


def test_each_platform_has_one_option_per_gpu_the_cheapest_that_can_be_had() -> None:
    answer = compare(
        shop_of(
            an_offer(1.0, availability=Availability.UNAVAILABLE, region="sold-out"),
            an_offer(3.0, region="dear"),
            an_offer(2.0, region="good"),
            an_offer(0.2, market="spot"),
            an_offer(0.3, market="reserved"),
            an_offer(0.1, count=1 / 7),
            an_offer(2.5, provider="vast"),
        )
    )
    assert [(each.platform, each.region) for each in answer.options] == [
        ("lambda_labs", "good"),
        ("vast", "us-east-1"),
    ]
    assert answer.options[0].hourly_rate == "$2.00/hr"
    assert summary(answer).cheapest.cost == answer.options[0].cost


def test_where_nothing_can_be_had_it_is_said() -> None:
    answer = compare(
        shop_of(an_offer(1.0, is_available=False), an_offer(2.0, provider="vast", is_available=False))
    )
    assert {each.availability for each in answer.options} == {"unavailable"}
    assert "none of them can be had now" in answer.notes
    assert "none of them can be had now" in summary(answer).recommended.reason


def test_the_machine_at_hand_takes_part_with_its_own_electricity() -> None:
    shop = shop_of(an_offer(2.0), own=(machine_here(),))
    answer = compare(shop)
    assert summary(answer).cheapest.platform == "local"
    local = answer.options[0]
    assert (local.cost, local.hourly_rate, local.gpu, local.price_source) == (
        "$1.00",
        "$0.10/hr",
        "RTX 4090",
        "local",
    )
    assert local.energy_kwh == pytest.approx(5.0)
    assert local.pros
    assert summary(answer).savings_vs_local == "0.0%"
    # It has 24 GB: too small to be chosen, still something to compare with.
    large = compare(shop, min_memory_gb=80)
    assert summary(large).cheapest.platform == "lambda_labs"
    assert any("24 GB" in note for note in large.notes)
    assert {each.platform for each in compare(shop, platforms=["lambda"]).options} == {"lambda_labs"}
    assert {each.platform for each in compare(shop, platforms=["local"]).options} == {"local"}
    said = compare(shop, local_gpu_type="RTX 4090", local_electricity_cost=0.5)
    assert next(each for each in said.options if each.platform == "local").cost == "$5.00"
    named = compare(shop, local_gpu_type="RTX 4090")
    assert next(each for each in named.options if each.platform == "local").cost == "$1.00"


def test_a_machine_at_hand_without_an_accelerator_is_no_place_to_compare() -> None:
    cpu = machine_here(accelerator=None, accelerator_memory_gb=None, count=0)
    answer = compare(shop_of(an_offer(2.0), own=(cpu,)))
    assert [each.platform for each in answer.options] == ["lambda_labs"]
    alone = compare(shop_of(own=(cpu,)), platforms=["local"])
    assert alone.summary is None
    assert "local_electricity_cost" in (alone.message or "")


def test_what_is_of_unknown_speed_cannot_win_by_the_hours_of_another() -> None:
    shop = shop_of(an_offer(0.01, accelerator="Quux-1"), an_offer(2.0, provider="vast"))
    assert summary(compare(shop)).cheapest.gpu == "Quux-1"
    scaled = compare(shop, reference_gpu="A100 80GB")
    assert summary(scaled).cheapest.platform == "vast"
    assert [each.training_hours for each in scaled.options] == [10, pytest.approx(10, rel=0.2)]
    assert any("Quux-1" in note for note in scaled.notes)
    alone = compare(shop_of(an_offer(0.01, accelerator="Quux-1")), reference_gpu="H100")
    assert alone.summary is None
    assert "Quux-1" in (alone.message or "")


def test_faster_gpus_take_fewer_hours_where_hours_are_scaled() -> None:
    shop = shop_of(
        an_offer(2.0), an_offer(3.0, accelerator="H100-SXM"), an_offer(16.0, provider="vast", count=8)
    )
    hours = {
        (each.gpu, each.gpu_count): each.training_hours
        for each in compare(shop, reference_gpu="A100-80GB-SXM").options
    }
    assert hours["A100 80GB", 1] == pytest.approx(10)
    assert hours["H100", 1] < 8
    assert hours["A100 80GB", 8] < 2
    with pytest.raises(InvalidInputError) as caught:
        compare(shop, reference_gpu="Quux")
    assert caught.value.details[0]["where"] == "body.reference_gpu"


def test_a_shipped_price_says_its_age_and_a_live_one_does_not() -> None:
    seen = datetime(2025, 3, 4, tzinfo=UTC)
    answer = compare(
        shop_of(an_offer(1.0, source="shipped", seen_at=seen), an_offer(2.0, provider="vast", source="vast-offers"))
    )  # fmt: skip
    old, live = answer.options
    assert answer.notes == ["1 of 2 prices are from tables that ship with Tradewind, seen 2025-03-04"]
    assert compare(shop_of(an_offer(2.0, source="vast-offers"))).notes == []
    assert any("2025-03-04" in con for con in old.cons)
    assert not any("price is of" in con for con in live.cons)
    assert old.seen_at == "2025-03-04T00:00:00+00:00"


def test_set_up_times_of_2024_count_only_where_they_were_asked_for() -> None:
    shop = shop_of(an_offer(1.0, source="reference-2024"))
    assert compare(shop, price_source="reference-2024").options[0].setup_time == "immediate"
    assert compare(shop).options[0].setup_time != "immediate"


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(NotFoundError):
        compare(shop_of(), platforms=["nobody"])


_positive = st.floats(1e-300, 1e5) | st.sampled_from([1e-300, 1e-7, 1.0])
_requests = st.fixed_dictionaries(
    {"training_hours": st.floats(1e-300, 876_000, exclude_min=False)},
    optional={
        "local_gpu_type": st.sampled_from(["RTX 4090", "H100:8", "Quux", "H100:0", "H100:999999999"]),
        "local_electricity_cost": _positive,
        "electricity_price_usd_per_kwh": st.floats(0, 1000),
        "local_power_watts": st.floats(1e-300, 1e6),
        "min_memory_gb": st.floats(0, 1e6),
        "reference_gpu": st.sampled_from(["RTX 4090", "H100:8", "T4", "H100:0.001", "H100:99999"]),
        "price_source": st.just("shipped"),
    },
)


@given(_requests, offer_lists, st.booleans())
@settings(max_examples=200)
def test_every_request_has_an_answer_of_finite_numbers(
    request: dict[str, Any], offers: list[Offer], has_own: bool
) -> None:
    own = (machine_here(),) if has_own else ()
    try:
        answer = compare(shop_of(*offers, an_offer(1.5, accelerator="H100-SXM"), own=own), **request)
    except InvalidInputError:
        return
    said = json.loads(answer.model_dump_json(), parse_constant=pytest.fail)
    costs = [each["cost_usd"] for each in said["options"]]
    assert costs == sorted(costs)
    assert all(cost >= 0 for cost in costs)
    if said["summary"] is None:
        assert said["message"]
        return
    assert any(each["cost"] == said["summary"]["cheapest"]["cost"] for each in said["options"])
    assert said["summary"]["recommended"]["reason"]
