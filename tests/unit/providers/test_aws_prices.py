"""AWS: a large file per region, of which few lines are wanted and none is kept."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, dollars
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Offer
from tradewind.providers.aws.prices import AwsBulk

INDEX = "GET /offers/v1.0/aws/AmazonEC2/current/region_index.json"
LIST = "GET /offers/v1.0/aws/AmazonEC2/2026/us-east-1/index.csv"
REGIONS = {
    "regions": {
        "us-east-1": {
            "regionCode": "us-east-1",
            "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/2026/us-east-1/index.json",
        }
    }
}
COLUMNS = (
    "SKU", "TermType", "Unit", "PricePerUnit", "Currency", "Instance Type", "vCPU", "Memory", "GPU", "Tenancy",
    "Operating System", "CapacityStatus", "Pre Installed S/W", "MarketOption", "Region Code",
)  # fmt: skip
BEFORE = ('"FormatVersion","v1.0"', '"Disclaimer","For information, only"', '"Version","2026"')


def row(instance_type: str, price: str, gpus: str = "", **more: str) -> dict[str, str]:
    return {
        "SKU": "X", "TermType": "OnDemand", "Unit": "Hrs", "PricePerUnit": price, "Currency": "USD",
        "Instance Type": instance_type, "vCPU": "192", "Memory": "2,048 GiB", "GPU": gpus, "Tenancy": "Shared",
        "Operating System": "Linux", "CapacityStatus": "Used", "Pre Installed S/W": "NA", "MarketOption": "OnDemand",
        "Region Code": "us-east-1",
    } | {name.replace("_", " "): value for name, value in more.items()}  # fmt: skip


def file_of(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, quoting=csv.QUOTE_ALL, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return "\n".join(BEFORE) + "\n" + out.getvalue()


ROWS = [
    row("p5.48xlarge", "55.0400000000", "8"),
    row("p5.48xlarge", "0.0000000000", "8", CapacityStatus="AllocatedCapacityReservation"),
    row("p5.48xlarge", "55.0400000000", "8", CapacityStatus="UnusedCapacityReservation"),
    row("p5.48xlarge", "60.0", "8", Tenancy="Dedicated"),
    row("p5.48xlarge", "70.0", "8", Operating_System="Windows"),
    row("p5.48xlarge", "65.0", "8") | {"Pre Installed S/W": "SQL Std"},
    row("p5.48xlarge", "200000", "8", TermType="Reserved", Unit="Quantity"),
    row("g6f.2xlarge", "0.475", "1"),
    row("trn1.32xlarge", "21.5"),
    row("z9.large", "3.5", "2", Memory="488 GB"),
    row("c7i.large", "0.08925"),
]


async def offers_of(answer: Any, **settings: Any) -> list[Offer]:
    return await AwsBulk().fetch(Vendor({INDEX: REGIONS, LIST: answer}).wire(settings=settings))


def text(body: str) -> Any:
    return lambda _: httpx2.Response(200, content=body.encode())


async def test_machines_with_accelerators_on_demand() -> None:
    offers = await offers_of(text(file_of(*ROWS)))
    assert {each.instance_type: dollars(each) for each in offers} == {
        "p5.48xlarge": 55.04,
        "g6f.2xlarge": 0.475,
        "trn1.32xlarge": 21.5,
        "z9.large": 3.5,
    }
    by_name = {each.instance_type: each for each in offers}
    p5 = by_name["p5.48xlarge"]
    assert (p5.accelerator_count, p5.cpus, p5.memory_bytes, p5.region) == (8, 192, 2048 * 2**30, "us-east-1")
    assert by_name["g6f.2xlarge"].accelerator_count == 0.25
    assert by_name["trn1.32xlarge"].accelerator_count == 16
    z9 = by_name["z9.large"]
    assert (z9.accelerator_label, z9.accelerator_count, z9.memory_bytes) == ("z9", 2, 488 * 10**9)


async def test_a_region_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ProviderError, match="no region 'mars'") as caught:
        await offers_of(text(""), regions=["mars"])
    assert caught.value.fault is ProviderFault.INVALID
    assert caught.value.hint == "known regions: us-east-1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "without its columns"),
        (file_of(columns=COLUMNS[:5]) + "x\n" * 20, "other columns"),
        (file_of(row("p5.48xlarge", "n/a", "8")), "1 of 1 rows"),
    ],
)
async def test_other_forms_are_faults(body: str, words: str) -> None:
    with pytest.raises(ProviderError, match=words) as caught:
        await offers_of(text(body))
    assert caught.value.fault is ProviderFault.PROVIDER_FAULT


async def test_the_file_is_read_as_it_comes() -> None:
    """Eight megabytes of rows that nobody wants, in pieces that end anywhere, take little memory."""
    head = file_of(row("p5.48xlarge", "55.04", "8")).encode()
    other = (
        ",".join(f'"{value}"' for value in row("c7i.large", "1", TermType="Reserved").values()) + "\n"
    ).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        block = other * 500
        for _ in range(8_000_000 // len(block)):
            yield block[:777]
            yield block[777:]

    tracemalloc.start()
    try:
        offers = await offers_of(lambda _: httpx2.Response(200, content=pieces()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [dollars(each) for each in offers] == [55.04]
    assert peak < 2_000_000


async def test_a_line_without_end_is_cut_off() -> None:
    with pytest.raises(ProviderError, match="lines without end"):
        await offers_of(text(file_of(*ROWS) + "x" * 3_000_000))
