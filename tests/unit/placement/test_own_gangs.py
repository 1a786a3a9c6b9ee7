"""Machines at hand that run a job together: on one network, alike, all of them or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.money import Quantity, Rate, rate_of_all
from tradewind.domain.offers import Accelerator, Offer
from tradewind.placement.choose import choose, hourly_micro
from tradewind.placement.gangs import choose_gang, find_gangs
from tradewind.spec.models import JobSpec

GIB = 1 << 30


def host(name: str, gpus: str = "NVIDIA H100", count: int = 2, **more: Any) -> Offer:
    devices = tuple(
        Accelerator(name=gpus, memory_bytes=80 * GIB, index=index, uuid=f"{name}-{index}", tdp_watts=700.0)
        for index in range(count)
    )
    return Offer(
        **{
            "provider": "ssh", "region": "own", "zone": None, "instance_type": name, "cpus": 32,
            "memory_bytes": 256 * GIB, "disk_bytes": 900 * GIB, "accelerators": devices, "network": "lab",
            "rate": Rate(micro_per_unit=1_000_000, per=Quantity.HOUR), "watts_low": 200.0, "watts_high": 2000.0,
            **more,
        }
    )  # fmt: skip


def spec(nodes: int = 2, **resources: Any) -> JobSpec:
    wanted = {"nodes": nodes, "accelerators": "H100:2", **resources}
    return JobSpec.model_validate({"version": 1, "name": "a", "run": "true", "resources": wanted})


def names(gang: Any) -> list[str]:
    return [each.instance_type for each in gang.offers]


def test_the_cheapest_on_one_network_are_taken() -> None:
    dear = host("dear", rate=Rate(micro_per_unit=9_000_000, per=Quantity.HOUR))
    ((gang,), excluded) = find_gangs(spec(), [dear, host("b"), host("a")])
    assert (names(gang), excluded) == (["a", "b"], [])
    assert hourly_micro(gang.offer.rate, gang.watts.expected) == 2_000_000
    choice = choose_gang(spec(), [dear, host("b"), host("a")])
    assert choice.offer is not None
    assert (choice.offer.instance_type, choice.price_micro_per_hour) == ("a + b", 2_000_000)


@pytest.mark.parametrize(
    ("per", "said"),
    [
        (Quantity.KWH, "your own machine; you pay for electricity only"),
        (Quantity.HOUR, "your own machine, at the price you gave it"),
    ],
)
def test_a_machine_alone_says_what_one_pays_for_it(per: Quantity, said: str) -> None:
    choice = choose(spec(nodes=1), [host("a", rate=Rate(micro_per_unit=300_000, per=per))])
    assert choice.reason == f"a is the only connected place that fits ({said})"


def test_those_with_room_come_first() -> None:
    cheap, others = host("a", rate=Rate(micro_per_unit=1, per=Quantity.HOUR)), [host("b"), host("c")]
    room = {"b": others[0].accelerators, "c": others[1].accelerators}
    ((gang,), _) = find_gangs(spec(), [cheap, *others], lambda offer: room.get(offer.instance_type))
    assert (names(gang), gang.has_room) == (["b", "c"], True)
    ((gang,), _) = find_gangs(
        spec(), [cheap, *others], lambda offer: room.get(offer.instance_type[:1] and "b")
    )
    assert gang.has_room
    ((gang,), _) = find_gangs(spec(), [cheap, *others], lambda _offer: None)
    assert not gang.has_room


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        ([host("a", network=None)], "needs 2 nodes; this machine is one"),
        (
            [host("a"), host("b", network="office")],
            "needs 2 nodes on one network; 1 machine that fits is on lab",
        ),
        ([host("a"), host("b", region="eu")], "needs 2 nodes on one network; 1 machine that fits is on lab"),
        ([host("a"), host("b", count=1)], "needs 2 nodes on one network; 1 machine that fits is on lab"),
    ],
)
def test_what_is_in_none_says_why(offers: list[Offer], said: str) -> None:
    gangs, excluded = find_gangs(spec(), offers)
    assert gangs == []
    assert said in [each.explanation for each in excluded]
    assert {each.constraint for each in excluded} <= {"resources.nodes", "resources.accelerators"}
    choice = choose_gang(spec(), offers)
    assert choice.offer is None
    assert said in choice.reason


def test_machines_with_different_accelerators_are_no_gang() -> None:
    wanted = spec(accelerators=["H100:2", "A100-80GB:2"])
    gangs, excluded = find_gangs(wanted, [host("a"), host("b", gpus="NVIDIA A100 80GB PCIe")])
    assert gangs == []
    assert len(excluded) == 2
    both = [
        host("a"),
        host("b"),
        host("c", gpus="NVIDIA A100 80GB PCIe"),
        host("d", gpus="NVIDIA A100 80GB PCIe"),
    ]
    gangs, _ = find_gangs(wanted, both)
    assert sorted(map(names, gangs)) == [["a", "b"], ["c", "d"]]


def test_max_price_is_of_all_together() -> None:
    offers = [host("a"), host("b")]
    limited = spec().model_copy()
    assert find_gangs(limited, offers)[0]
    wanted = JobSpec.model_validate(
        {**spec().model_dump(mode="json", exclude_none=True), "constraints": {"max_price": "$1.50/h"}}
    )
    gangs, excluded = find_gangs(wanted, offers)
    assert gangs == []
    assert [each.constraint for each in excluded] == ["constraints.max_price"]


_RATES = st.builds(
    Rate, micro_per_unit=st.integers(0, 10**8), per=st.sampled_from(list(Quantity)), granularity=st.just(1)
)


@given(st.lists(st.tuples(_RATES, st.floats(0, 5000)), min_size=1, max_size=5))
def test_one_rate_for_all_comes_to_what_each_comes_to(parts: list[tuple[Rate, float]]) -> None:
    rates, watts = [rate for rate, _ in parts], [drawn for _, drawn in parts]
    together = hourly_micro(rate_of_all(rates, watts), sum(watts))
    apart = sum(hourly_micro(rate, drawn) for rate, drawn in parts)
    # Each is rounded up by itself, in joules and in money.
    a_joule = sum(rate.micro_per_unit / 3_600_000 for rate in rates)
    assert abs(together - apart) <= len(parts) + a_joule


def test_a_share_of_each_is_what_is_drawn() -> None:
    half = replace(host("a"), watts_high=4000.0)
    ((gang,), _) = find_gangs(spec(accelerators="H100:1"), [half, host("b")])
    assert len(gang.held) == 1
    assert gang.watts.busy > 1400.0
