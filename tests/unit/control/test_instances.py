"""Instances, platforms and kinds of GPU out of a table of offers and the machines at hand."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.unit.offers_for_tests import an_offer, offer_lists
from tradewind.control.instances import find_instances, show_platform
from tradewind.control.platforms import list_gpu_types, list_platforms, setup_instructions
from tradewind.control.shop import Shop, Wish, cheapest_each, provider_of
from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_cloud import Instance, InstanceQuery, PlatformQuery


def shop_of(*offers: Offer, own: tuple[Offer, ...] = ()) -> Shop:
    return Shop(table=OfferTable.of(offers), own=own)


def machine_here(**values: Any) -> Offer:
    """A machine at hand that draws 500 W in training, at $0.20 per kWh."""
    defaults: dict[str, Any] = {
        "provider": "local", "region": "local", "instance_type": "desk", "accelerator": "RTX-4090",
        "accelerator_memory_gb": 24.0, "market": "owned", "source": "live", "seen_at": None,
    }  # fmt: skip
    made = an_offer(0.0, **{**defaults, **values})
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    rate = Rate(micro_per_unit=200_000, per=Quantity.KWH)
    return Offer(**{**fields, "rate": rate, "watts_low": 500.0, "watts_high": 500.0})


def found(shop: Shop, **query: Any) -> list[Instance]:
    return find_instances(shop, InstanceQuery(**query)).instances


def test_a_part_of_a_gpu_has_a_part_of_its_memory() -> None:
    shop = shop_of(
        an_offer(0.45, provider="azure", accelerator="A10", accelerator_memory_gb=24.0, count=1 / 6),
        an_offer(3.2, provider="azure", accelerator="A10", accelerator_memory_gb=24.0),
    )
    part, whole = found(shop, gpu_type="A10")
    assert (part.gpu_count, part.memory_gb, part.hourly_rate_usd) == (0.1667, 4.0, 0.45)
    assert (whole.gpu_count, whole.memory_gb) == (1.0, 24.0)
    assert found(shop, min_memory_gb=5) == found(shop, min_memory_gb=24) == [whole]
    (cheapest,) = cheapest_each(shop.table, Wish())
    assert cheapest.accelerator_count == 1
    assert list_gpu_types(shop).details[0].from_hourly_rate_usd == 3.2
    assert list_platforms(shop).platforms[0].from_hourly_rate_usd == 3.2


def test_a_third_of_24_gb_is_8_gb() -> None:
    shop = shop_of(an_offer(1.3, accelerator="A10", accelerator_memory_gb=24.0, count=0.333333))
    assert [each.memory_gb for each in found(shop, min_memory_gb=8)] == [8.0]


def test_a_machine_with_several_gpus_is_priced_whole_and_its_kinds_by_one() -> None:
    shop = shop_of(an_offer(16.0, count=8))
    (one,) = found(shop)
    assert (one.gpu_count, one.memory_gb, one.hourly_rate_usd) == (8.0, 80.0, 16.0)
    (kind,) = list_gpu_types(shop).details
    assert (kind.name, kind.from_hourly_rate_usd) == ("A100 80GB", 2.0)


def test_a_kind_of_gpu_has_the_memory_of_its_smallest_form() -> None:
    shop = shop_of(
        an_offer(1.0, accelerator="V100-SXM2-32GB", accelerator_memory_gb=32.0),
        an_offer(2.0, accelerator="V100-SXM2-16GB", accelerator_memory_gb=16.0),
    )
    (kind,) = list_gpu_types(shop).details
    assert (kind.name, kind.memory_gb, kind.from_hourly_rate_usd) == ("V100", 16.0, 1.0)


def test_a_machine_without_an_accelerator_is_a_cpu() -> None:
    cpu = an_offer(0.1, accelerator=None, accelerator_memory_gb=None, count=0)
    shop = shop_of(cpu)
    (one,) = found(shop)
    assert (one.gpu_type, one.gpu_count, one.memory_gb) == ("CPU", 0.0, None)
    assert found(shop, min_memory_gb=1) == found(shop, gpu_type="H100") == []
    assert cheapest_each(shop.table, Wish()) == []
    assert list_gpu_types(shop).gpu_types == []


def test_a_price_that_nobody_can_pay_is_no_price() -> None:
    shop = shop_of(
        an_offer(None),
        an_offer(0.0),
        an_offer(0.01, flags=("placeholder",)),
        an_offer(2.0, instance_type="real"),
    )
    assert [each.instance_type for each in found(shop, market="any")] == ["real"]
    assert [each.instance_type for each in cheapest_each(shop.table, Wish())] == ["real"]
    nothing = find_instances(shop_of(an_offer(None)), InstanceQuery(platforms=["lambda"]))
    assert nothing.message == "no price is known for lambda_labs"


def test_what_cannot_be_had_says_so() -> None:
    (gone,) = found(shop_of(an_offer(1.0, is_available=False, availability=Availability.HIGH)))
    assert gone.availability == "unavailable"


def test_machines_at_hand_are_priced_by_their_electricity() -> None:
    shop = shop_of(an_offer(0.05), an_offer(0.5), own=(machine_here(),))
    cheap, own, dear = found(shop)
    assert (own.platform, own.gpu_type, own.hourly_rate_usd, own.market) == (
        "local",
        "RTX 4090",
        0.1,
        "owned",
    )
    assert cheap.hourly_rate_usd < own.hourly_rate_usd < dear.hourly_rate_usd
    assert found(shop, platforms=["local"]) == [own]
    assert found(shop, platforms=["lambda"]) == [cheap, dear]
    assert found(shop, min_memory_gb=48) == [cheap, dear]
    assert found(shop, market="spot") == []
    assert found(shop, limit=1) == [cheap]
    assert find_instances(shop, InstanceQuery(limit=1)).total == 3
    local = next(each for each in list_platforms(shop).platforms if each.id == "local")
    assert (local.instance_count, local.from_hourly_rate_usd, local.gpu_types) == (1, 0.1, ["RTX 4090"])
    assert "local" in next(each for each in list_gpu_types(shop).details if each.name == "RTX 4090").platforms


def test_nothing_says_which_wish_leaves_nothing() -> None:
    shop = shop_of(an_offer(1.0), an_offer(0.3, market="spot", accelerator="H100-SXM"))

    def why(**query: Any) -> str | None:
        return find_instances(shop, InstanceQuery(**query)).message

    assert why(gpu_type="T4") == "none of 2 offers has T4; /api/cloud/gpu-types lists what there is"
    assert why(min_memory_gb=100) == "none of 2 offers has 100 GB per GPU; the largest has 80 GB"
    assert (
        why(gpu_type="A100", min_memory_gb=100) == "none of 1 offer has 100 GB per GPU; the largest has 80 GB"
    )
    assert "market=any" in (why(gpu_type="H100") or "")
    assert why(platforms=["aws", "gcp"]) == "no price is known for aws, gcp"
    assert find_instances(shop_of(), InstanceQuery()).message == "no price is known for any platform"
    assert why() is None


@pytest.mark.parametrize("name", ["lambda", "lambda_labs", "Lambda-Labs", "LAMBDALABS"])
def test_a_provider_has_many_names(name: str) -> None:
    assert provider_of(shop_of(), name) == "lambda"


def test_a_provider_of_price_lists_alone_is_known_whether_or_not_it_is_in_this_list() -> None:
    shop = Shop(table=OfferTable.of([an_offer(provider="our-cluster")]), listed=frozenset({"theirs"}))
    assert provider_of(shop, "Our_Cluster") == "our-cluster"
    assert show_platform(shop, "theirs", PlatformQuery()).message == "no price is known for theirs"
    assert "Only its prices" in setup_instructions(shop, "theirs").cons[0]
    with pytest.raises(NotFoundError) as caught:
        provider_of(shop, "nobody")
    assert "our-cluster" in str(caught.value.hint)


def test_words_that_no_row_has_are_no_platforms() -> None:
    table = OfferTable.of([an_offer(provider="gone"), an_offer(provider="there")]).take([1])
    assert "gone" not in Shop(table=table).providers
    assert "there" in Shop(table=table).providers


@given(offer_lists, st.sampled_from(["on_demand", "spot", "reserved", "any"]), st.integers(1, 20))
def test_every_instance_is_an_offer_with_a_price_and_they_come_in_order(
    offers: list[Offer], market: Any, limit: int
) -> None:
    answer = find_instances(shop_of(*offers), InstanceQuery(market=market, limit=limit))
    steady = {"on_demand", "owned"} if market == "on_demand" else {market}
    fitting = [
        each
        for each in offers
        if each.rate.micro_per_unit > 0
        and "placeholder" not in each.flags
        and (market == "any" or each.market in steady)
    ]
    assert answer.total == len(fitting)
    assert answer.count == len(answer.instances) == min(limit, len(fitting))
    rates = [each.hourly_rate_usd for each in answer.instances]
    assert rates == sorted(round(each.rate.micro_per_unit / 1e6, 6) for each in fitting)[:limit]
    assert (answer.message is None) is bool(fitting)


@given(offer_lists)
def test_the_cheapest_of_each_kind_is_as_cheap_as_any_of_it(offers: list[Offer]) -> None:
    def kind(each: Offer) -> tuple[object, ...]:
        level = each.availability if each.is_available else Availability.UNAVAILABLE
        return each.provider, each.accelerator, each.accelerator_memory_gb, level

    best: dict[tuple[object, ...], int] = {}
    for each in offers:
        is_whole = each.accelerator is not None and each.accelerator_count >= 1
        if is_whole and each.rate.micro_per_unit > 0 and "placeholder" not in each.flags:
            best[kind(each)] = min(best.get(kind(each), 1 << 62), each.rate.micro_per_unit)
    chosen = cheapest_each(OfferTable.of(offers), Wish())
    prices = [each.rate.micro_per_unit for each in chosen]
    assert prices == sorted(prices)
    # Memory that nobody knows counts as none.
    merged: dict[tuple[object, ...], int] = {}
    for (provider, accelerator, memory, level), price in best.items():
        key = (provider, accelerator, memory or 0.0, level)
        merged[key] = min(merged.get(key, 1 << 62), price)
    got = {
        (provider, accelerator, memory or 0.0, level): each.rate.micro_per_unit
        for each in chosen
        for provider, accelerator, memory, level in [kind(each)]
    }
    assert got == merged
