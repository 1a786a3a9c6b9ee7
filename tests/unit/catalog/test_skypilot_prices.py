"""Lists in SkyPilot's form, with the faults that they are known to have."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.catalog.sources.skypilot import HOST_EXCLUDED, read_skypilot_csv
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Offer
from tradewind.providers.normalising import HOST_INCLUDED, NO_PRICE, PLACEHOLDER, SPOT_EQUALS_ON_DEMAND

ROOT = Path(__file__).resolve().parents[3]
RECORDED = (
    Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared")) / "contracts/lyceum/recorded/vms.csv"
)
HEAD = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,"
    "Region,AvailabilityZone,Arch"
)
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def info(size: float, total: float | None = None) -> str:
    return (
        f"\"{{'Gpus': [{{'Name': 'X', 'Count': 1, 'MemoryInfo': {{'SizeInMiB': {size}}}}}], "
        f"'TotalGpuMemoryInMiB': {total or size}}}\""
    )


def read(*lines: str, provider: str = "acme", head: str = HEAD) -> dict[tuple[str, str], Offer]:
    offers = read_skypilot_csv("\n".join([head, *lines]), provider, seen_at=WHEN)
    assert {each.seen_at for each in offers} <= {WHEN}
    assert {each.source for each in offers} <= {"skypilot"}
    return {(each.instance_type, each.market): each for each in offers}


def micro(offers: dict[tuple[str, str], Offer]) -> dict[tuple[str, str], int]:
    return {key: each.rate.micro_per_unit for key, each in offers.items()}


def test_a_row_is_a_machine_in_a_zone() -> None:
    offers = read("p5.48xlarge,H100,8,192,2048,,55.04,20.1,us-east-1,us-east-1a,x86_64")
    assert micro(offers) == {("p5.48xlarge", "on_demand"): 55_040_000, ("p5.48xlarge", "spot"): 20_100_000}
    offer = offers["p5.48xlarge", "on_demand"]
    assert (offer.region, offer.zone, offer.accelerator_count) == ("us-east-1", "us-east-1a", 8)
    assert (offer.cpus, offer.memory_bytes) == (192, 2048 * 2**30)


def test_a_spot_price_of_nothing_is_unknown() -> None:
    offers = read('1x-H100,H100,1,8,64,,1.8,0.00,"Florida, US",,', '2x-H100,H100,2,8,64,,3.6,,", US",,')
    assert set(offers) == {("1x-H100", "on_demand"), ("2x-H100", "on_demand")}
    assert offers["2x-H100", "on_demand"].region == "US"


def test_a_spot_price_that_saves_nothing_is_marked() -> None:
    assert read("m,H200,8,1,1,,110.24,110.24,r,,")["m", "spot"].flags == (SPOT_EQUALS_ON_DEMAND,)


def test_only_spot_is_known() -> None:
    assert set(read("m,B200,8,1,1,,,13.69,r,,")) == {("m", "spot")}
    assert read("m,B200,8,1,1,,,,r,,")["m", "on_demand"].flags == (NO_PRICE,)


def test_memory_in_gb_in_mib_and_of_all_together() -> None:
    offers = read(
        f"a,Zeta Q1,1,1,1,{info(96)},1,,r,,",
        f"b,Zeta Q2,1,1,1,{info(98304)},1,,r,,",
        f"c,Zeta Q3,4,1,1,{info(98304 * 4)},1,,r,,",
        f"d,Zeta Q4,4,1,1,{info(98304, 98304 * 4)},1,,r,,",
        "e,Zeta Q5,1,1,1,\"__import__('os').abort()\",1,,r,,",
        "f,Zeta Q6,1,1,1,\"{'Gpus': []}\",1,,r,,",
    )
    assert {key[0]: each.accelerator_memory_gb for key, each in offers.items()} == {
        "a": 96, "b": 96, "c": 96, "d": 96, "e": None, "f": None,
    }  # fmt: skip


def test_placeholders_of_tpus() -> None:
    offers = read(
        "TPU-VM,tpu-v6e-8,1,,,,700.0,700.0,us-central1,us-central1-b,",
        "TPU-VM,tpu-v6e-8,1,,,,21.6,700.0,us-east1,us-east1-b,",
        provider="gcp",
    )
    assert all(each.rate.micro_per_unit in {0, 21_600_000} for each in offers.values())
    assert offers["v6e-8", "spot"].flags == (PLACEHOLDER, NO_PRICE)


def test_tpu_slices_count_chips() -> None:
    offers = read("TPU-VM,tpu-v6e-8,1,,,,21.6,,r,,", "TPU-VM,tpu-v3-8,1,,,,8.8,,r,,", provider="gcp")
    assert offers["v6e-8", "on_demand"].accelerator_count == 8
    assert offers["v3-8", "on_demand"].accelerator_count == 4


def test_accelerators_without_their_machine_get_it_or_no_price() -> None:
    offers = read(
        ",L4,1,,,,0.56,0.2,us-central1,us-central1-a,",
        "g2-standard-4,,,4,16,,0.14,0.05,us-central1,us-central1-a,",
        ",T4,1,,,,0.35,0.14,us-central1,us-central1-a,",
        provider="gcp",
    )
    with_host = offers["g2-standard-4", "on_demand"]
    assert (with_host.rate.micro_per_unit, with_host.cpus, with_host.flags) == (700_000, 4, (HOST_INCLUDED,))
    assert offers["g2-standard-4", "spot"].rate.micro_per_unit == 250_000
    alone = offers["1x T4", "on_demand"]
    assert (alone.rate.micro_per_unit, set(alone.flags)) == (0, {HOST_EXCLUDED, NO_PRICE})
    assert len(offers) == 3


def test_a_last_cell_with_a_comma() -> None:
    head = HEAD + ",HyperVGenerations"
    offers = read(
        "Standard_NC4as_T4_v3,T4,1,4,28,,0.526,0.1,eastus,,x86_64,V1,V2", provider="azure", head=head
    )
    assert micro(offers)["Standard_NC4as_T4_v3", "on_demand"] == 526_000


def test_slices_written_as_none_are_fractions() -> None:
    offers = read("Standard_NV6ads_A10_v5,A10,0,6,55,,0.454,,eastus,,", provider="azure")
    assert offers["Standard_NV6ads_A10_v5", "on_demand"].accelerator_count == pytest.approx(1 / 6, abs=1e-5)


def test_rows_without_accelerators_are_left_out() -> None:
    assert read("n2-standard-4,,,4,16,,0.19,0.05,us-central1,us-central1-a,") == {}


def test_other_files_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="line 1 has no column InstanceType"):
        read_skypilot_csv("a,b\n1,2\n", "aws")
    with pytest.raises(InvalidInputError, match="2 of 3 rows"):
        read("m,L4,1,1,1,,1,,r,,", "m,L4,x,1,1,,1,,r,,", ",,1,1,1,,1,,r,,")
    with pytest.raises(InvalidInputError, match="mine: line 1 has no column"):
        read_skypilot_csv("", "aws", name="mine")


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, f"{HEAD}\n{text}", f"{HEAD}\nm,L4,1,1,1,{text}"):
        with suppress(InvalidInputError):
            assert isinstance(read_skypilot_csv(whole, "aws"), list)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded catalogue is not at TRADEWIND_SHARED")
def test_a_recorded_catalogue_is_read_whole() -> None:
    offers = read_skypilot_csv(RECORDED, "lyceum", seen_at=WHEN)
    assert len(offers) == 48
    assert not [each for each in offers if each.flags]
    by_key = {(each.instance_type, each.market): each for each in offers}
    assert by_key["a100.8x", "spot"].rate.micro_per_unit == 6_400_008
    assert by_key["a100.8x", "spot"].accelerator_memory_gb == 80
