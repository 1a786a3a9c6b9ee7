"""Choosing a place: the cheapest that fits, and a reason for every other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Accelerator, Offer
from tradewind.estimate.power import Watts, share_of
from tradewind.placement.choose import choose
from tradewind.placement.demand import demand_of, matches, pick_accelerators
from tradewind.spec.models import JobSpec
from tradewind.spec.resources import AcceleratorRequest

GIB = 1 << 30


def gpu(name: str, index: int = 0) -> Accelerator:
    return Accelerator(name=name, memory_bytes=24 * GIB, index=index, uuid=f"GPU-{index}", tdp_watts=400.0)


HERE = Offer(
    provider="local",
    region="local",
    zone=None,
    instance_type="desk",
    cpus=16,
    memory_bytes=64 * GIB,
    disk_bytes=500 * GIB,
    accelerators=(gpu("NVIDIA GeForce RTX 4090", 0), gpu("NVIDIA GeForce RTX 4090", 1)),
    rate=Rate(micro_per_unit=200_000, per=Quantity.KWH),
    watts_low=200.0,
    watts_high=1000.0,
)


def spec(**keys: Any) -> JobSpec:
    return JobSpec.model_validate({"version": 1, "name": "a", "run": "true", **keys})


@pytest.mark.parametrize(
    ("keys", "constraint"),
    [
        ({"resources": {"cpus": 17}}, "resources.cpus"),
        ({"resources": {"memory": "65GB"}}, "resources.memory"),
        ({"resources": {"disk": "1TB"}}, "resources.disk"),
        ({"resources": {"accelerators": "RTX4090:3"}}, "resources.accelerators"),
        ({"resources": {"accelerators": ["H100", "A100-80GB"]}}, "resources.accelerators"),
        ({"resources": {"regions": ["eu-*"]}}, "resources.regions"),
        ({"resources": {"providers": ["runpod"]}}, "resources.providers"),
        ({"resources": {"spot": "only"}}, "resources.spot"),
        ({"constraints": {"max_price": "$0.001/h"}}, "constraints.max_price"),
    ],
)
def test_what_does_not_fit_is_excluded_by_its_constraint(keys: dict[str, Any], constraint: str) -> None:
    choice = choose(spec(**keys), [HERE])
    assert choice.offer is None
    assert [each.constraint for each in choice.excluded] == [constraint]
    assert choice.excluded[0].explanation in choice.reason


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"resources": {"cpus": "16+", "memory": "64GB", "accelerators": "RTX4090:2"}},
        {"resources": {"accelerators": ["H100", "RTX 4090"]}},
        {"resources": {"regions": ["lo*"], "providers": ["local", "runpod"]}},
    ],
)
def test_what_fits_is_chosen(keys: dict[str, Any]) -> None:
    assert choose(spec(**keys), [HERE]).offer == HERE


def test_the_cheaper_place_wins() -> None:
    dear = replace(HERE, instance_type="dear", rate=Rate(micro_per_unit=300_000, per=Quantity.KWH))
    choice = choose(spec(), [dear, HERE])
    assert choice.offer == HERE
    assert 0 < choice.price_micro_per_hour <= choice.price_max_micro_per_hour


def test_no_place_at_all_is_said() -> None:
    assert choose(spec(), []).reason == "no place is connected"


@pytest.mark.parametrize(
    ("asked", "name", "fits"),
    [
        ("H100", "NVIDIA H100 80GB HBM3", True),
        ("A100-80GB", "NVIDIA A100-SXM4-80GB", True),
        ("A100-80GB", "NVIDIA A100-SXM4-40GB", False),
        ("RTX 4090", "NVIDIA GeForce RTX 4090", True),
        ("RTX3090", "NVIDIA GeForce RTX 4090", False),
        ("A10", "NVIDIA A100-SXM4-40GB", False),
        ("A10", "NVIDIA A10", True),
        ("L4", "NVIDIA L40S", False),
        ("A100", "NVIDIA A100-SXM4-80GB", True),
        ("H100-SXM", "NVIDIA H100 PCIe", False),
    ],
)
def test_an_accelerator_is_recognised_by_what_its_name_means(asked: str, name: str, fits: bool) -> None:
    demand = demand_of(spec(resources={"accelerators": asked}))
    assert (pick_accelerators(demand, (gpu(name),)) is not None) is fits


def test_a_slice_is_looked_for_where_it_can_be_cut() -> None:
    request = AcceleratorRequest.model_validate({"mig": "3g.40gb"})
    assert matches(request, gpu("NVIDIA A100-SXM4-80GB"))
    assert not matches(request, gpu("NVIDIA A100-SXM4-40GB"))
    assert not matches(request, gpu("NVIDIA GeForce RTX 4090"))


def test_a_share_of_a_machine_draws_its_share() -> None:
    machine = Watts(200.0, 1000.0)
    whole = share_of(machine, 16, HERE.accelerators, 16, HERE.accelerators)
    assert (whole.idle, whole.busy) == (200.0, 1000.0)
    half = share_of(machine, 16, HERE.accelerators, 8, HERE.accelerators[:1])
    assert half.busy == pytest.approx(500.0)
    assert half.idle < half.expected < half.busy
