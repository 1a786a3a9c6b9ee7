"""This machine as an offer."""

from __future__ import annotations

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Accelerator, Availability
from tradewind.providers.base import Inventory
from tradewind.providers.own_offers import offer_of

GIB = 1 << 30
RATE = Rate(micro_per_unit=200_000, per=Quantity.KWH)


def machine(*accelerators: Accelerator) -> Inventory:
    return Inventory(
        name="desk",
        cpus=16,
        cpu_model="some processor",
        memory_bytes=64 * GIB,
        disk_free_bytes=500 * GIB,
        accelerators=accelerators,
        watts_idle=100,
        watts_max=900,
        power_source="made up",
    )


def gpu(name: str, memory_gib: float, index: int) -> Accelerator:
    return Accelerator(name=name, memory_bytes=int(memory_gib * GIB), index=index, uuid=f"GPU-{index}")


def test_accelerators_are_named_as_everywhere() -> None:
    offer = offer_of(
        machine(gpu("NVIDIA GeForce RTX 4090", 23.99, 0), gpu("NVIDIA GeForce RTX 4090", 23.99, 1)),
        "local", RATE, 400.0,
    )  # fmt: skip
    assert (offer.accelerator, offer.accelerator_count, offer.accelerator_memory_gb) == ("RTX-4090", 2, 24)
    assert offer.accelerator_label == "NVIDIA GeForce RTX 4090"
    assert offer.availability is Availability.HIGH
    assert (offer.instance_type, offer.watts_high, offer.grams_co2e_per_kwh) == ("desk", 900, 400)


def test_a_mixed_machine_is_shown_under_what_it_has_most_of() -> None:
    two = offer_of(
        machine(gpu("Tesla T4", 15, 0), gpu("Tesla T4", 15, 1), gpu("NVIDIA A10", 22.5, 2)), "local", RATE, 1
    )
    assert (two.accelerator, two.accelerator_count, len(two.accelerators)) == ("T4", 2, 3)
    even = offer_of(machine(gpu("Tesla T4", 15, 0), gpu("NVIDIA A10", 22.5, 1)), "local", RATE, 1)
    assert (even.accelerator, even.accelerator_count) == ("A10", 1)


def test_an_accelerator_that_nobody_knows_keeps_its_name() -> None:
    offer = offer_of(machine(gpu("FooChip 9", 11.5, 0)), "local", RATE, 1)
    assert (offer.accelerator, offer.accelerator_count, offer.accelerator_memory_gb) == ("FooChip 9", 1, 11.5)


def test_a_machine_without_accelerators_has_none() -> None:
    offer = offer_of(machine(), "local", RATE, 1)
    assert (offer.accelerator, offer.accelerator_count, offer.accelerator_memory_gb) == (None, 0, None)
    assert offer.accelerator_label is None
