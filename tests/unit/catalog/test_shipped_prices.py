"""The tables that ship: complete, dated, small, and free of the traps of the lists they came from."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pytest

from tradewind.catalog.sources.shipped import Reference2024, Shipped, read_table
from tradewind.domain.clock import SystemClock
from tradewind.domain.offers import Market, Offer
from tradewind.providers.normalising import HOST_INCLUDED, NO_PRICE, PLACEHOLDER, SPOT_EQUALS_ON_DEMAND
from tradewind.providers.prices import Wire

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared"))
P = ParamSpec("P")
T = TypeVar("T")


async def inline(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return fn(*args, **kwargs)


#: A source that touched the network would fail on its client.
WIRE = Wire(http=cast("object", None), clock=SystemClock(), offload=inline, credentials={}, settings={})  # type: ignore[arg-type]


@cache
def shipped() -> list[Offer]:
    return read_table("offers.csv", "shipped")


def one(provider: str, region: str, instance_type: str, market: Market = Market.ON_DEMAND) -> Offer:
    found = [
        each
        for each in shipped()
        if (each.provider, each.region, each.instance_type, each.market)
        == (provider, region, instance_type, market)
    ]
    assert len(found) == 1
    return found[0]


async def test_the_reference_prices_are_the_thirteen() -> None:
    offers = await Reference2024().fetch(WIRE)
    prices = {
        (each.provider, each.accelerator_label): each.rate.micro_per_unit / 1_000_000 for each in offers
    }
    assert prices == {
        ("runpod", "RTX 4090"): 0.69, ("runpod", "RTX 3090"): 0.44, ("runpod", "A100 40GB"): 1.89,
        ("runpod", "A100 80GB"): 2.49, ("runpod", "H100"): 4.25, ("runpod", "A10"): 0.79,
        ("lambda", "RTX 3090"): 0.50, ("lambda", "A100 40GB"): 1.10, ("lambda", "A100 80GB"): 1.29,
        ("lambda", "H100"): 2.49, ("lambda", "V100"): 0.50, ("together", "A100 80GB"): 2.00,
        ("together", "H100"): 3.50,
    }  # fmt: skip
    assert len(offers) == 13
    assert {each.source for each in offers} == {"reference-2024"}
    assert {each.seen_at for each in offers} == {datetime(2024, 1, 1, tzinfo=UTC)}
    assert {each.accelerator_memory_gb for each in offers} == {16, 24, 40, 80}
    assert {each.accelerator_count for each in offers} == {1}


async def test_every_provider_with_a_known_price_ships() -> None:
    offers = await Shipped().fetch(WIRE)
    priced = {each.provider for each in offers if NO_PRICE not in each.flags}
    assert priced >= {
        "runpod", "lambda", "vast", "aws", "azure", "gcp", "together", "coreweave", "digitalocean", "lyceum", "nebius",
        "verda", "paperspace", "crusoe", "scaleway", "vultr",
    }  # fmt: skip
    assert {each.source for each in offers} == {"shipped"}
    assert all(
        each.seen_at is not None and datetime(2026, 1, 1, tzinfo=UTC) <= each.seen_at for each in offers
    )
    assert {each.market for each in offers} == {"on_demand", "spot"}


def test_no_two_offers_are_the_same_thing() -> None:
    keys = [(each.provider, each.region, each.zone, each.instance_type, each.market) for each in shipped()]
    assert len(set(keys)) == len(keys)


def test_placeholders_have_no_price() -> None:
    odd = [each for each in shipped() if PLACEHOLDER in each.flags]
    assert odd
    assert all(NO_PRICE in each.flags and each.rate.micro_per_unit == 0 for each in odd)
    assert all(each.rate.micro_per_unit != 700_000_000 for each in shipped())
    assert one("gcp", "southamerica-west1", "v6e-8").rate.micro_per_unit == 21_600_000


def test_a_price_is_that_of_the_whole_machine() -> None:
    assert one("gcp", "us-central1", "a3-highgpu-1g").rate.micro_per_unit == 10_979_100
    assert one("gcp", "us-central1", "a3-highgpu-1g", Market.SPOT).rate.micro_per_unit == 6_571_000
    assert all(HOST_INCLUDED in each.flags for each in shipped() if each.instance_type.startswith("a3-"))
    assert one("aws", "us-east-1", "p5.48xlarge").rate.micro_per_unit == 55_040_000
    assert one("runpod", "", "8x NVIDIA H100 80GB HBM3").rate.micro_per_unit == 31_920_000
    assert one("together", "", "8x H100").accelerator_count == 8


def test_tpu_slices_count_chips() -> None:
    counts = {
        each.instance_type: each.accelerator_count
        for each in shipped()
        if (each.accelerator or "").startswith("TPU")
    }
    assert (counts["v2-8"], counts["v4-32"], counts["v5p-8"]) == (4, 16, 4)
    assert (counts["v5litepod-8"], counts["v6e-4"]) == (8, 4)


def test_forms_of_one_accelerator_are_kept_apart() -> None:
    keys = {(each.provider, each.instance_type): each.accelerator for each in shipped()}
    assert keys["lambda", "gpu_1x_h100_pcie"] == "H100-PCIe"
    assert keys["lambda", "gpu_1x_h100_sxm5"] == "H100-SXM"
    assert keys["azure", "Standard_NC40ads_H100_v5"] == "H100-NVL"
    assert keys["azure", "Standard_ND96isr_H100_v5"] == "H100-SXM"
    assert keys["runpod", "1x NVIDIA H100 NVL"] == "H100-NVL"
    assert keys["vast", "1x-H100_NVL-32-65536"] == "H100-NVL"
    assert keys["vast", "1x-RTX_3060_Ti-32-65536"] == "RTX-3060-Ti"
    assert keys["lambda", "gpu_8x_a100"] == "A100-SXM-40GB"
    assert keys["lyceum", "a100.1x"] == "A100-SXM-80GB"
    assert keys["gcp", "a2-ultragpu-8g"] == "A100-SXM-80GB"


def test_fractions_of_an_accelerator_are_fractions() -> None:
    assert one("azure", "eastus", "Standard_NV12ads_A10_v5").accelerator_count == pytest.approx(
        1 / 3, abs=1e-5
    )
    assert one("aws", "us-east-1", "g6f.2xlarge").accelerator_count == 0.25
    assert {each.accelerator_count for each in shipped() if not each.accelerator_count} == set()


def test_memory_is_that_of_one_accelerator() -> None:
    pairs = {
        (each.accelerator_memory_gb, each.accelerator_count)
        for each in shipped()
        if each.provider == "vast" and each.accelerator_label == "RTX_4090"
    }
    assert pairs == {(24, 1), (24, 2), (24, 4), (24, 5), (24, 8)}


def test_spot_at_the_price_on_demand_is_marked() -> None:
    h200 = one("azure", "australiaeast", "Standard_ND96isr_H200_v5", Market.SPOT)
    assert SPOT_EQUALS_ON_DEMAND in h200.flags
    assert SPOT_EQUALS_ON_DEMAND not in one("lyceum", "lyceum", "h100.1x", Market.SPOT).flags
    assert not [each for each in shipped() if each.provider == "vast" and each.market == "spot"]


def test_the_table_is_small() -> None:
    assert len(files("tradewind.catalog").joinpath("data", "offers.csv").read_bytes()) < 300_000


def test_every_row_names_where_its_price_came_from() -> None:
    text = files("tradewind.catalog").joinpath("data", "offers.csv").read_text(encoding="utf-8")
    assert all(row["origin"] for row in csv.DictReader(text.splitlines()))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collected prices are not at TRADEWIND_SHARED")
def test_the_tables_are_what_the_script_makes() -> None:
    environment = {**os.environ, "TRADEWIND_SHARED": str(SHARED)}
    script = ROOT / "scripts" / "write_shipped_offers.py"
    done = subprocess.run([sys.executable, script, "--check"], env=environment, check=False, timeout=60)
    assert done.returncode == 0, "run scripts/write_shipped_offers.py"
