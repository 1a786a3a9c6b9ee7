"""gpuhunt's files, fetched with limits and read by its own library."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import NOW, Vendor
from tradewind.catalog.sources import gpuhunt
from tradewind.catalog.sources.gpuhunt import Gpuhunt
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Offer

pytest.importorskip("gpuhunt", reason="the extra gpuhunt is not installed")


def item(provider: str, name: str, location: str, price: float, count: int, **more: Any) -> Any:
    kind = import_module("gpuhunt._internal.models").CatalogItem
    fields = {
        "cpu": 26, "memory": 234.0, "gpu_name": "H100", "gpu_memory": 80.0, "spot": False, "disk_size": None,
    } | more  # fmt: skip
    if count:
        fields["gpu_vendor"] = import_module("gpuhunt").AcceleratorVendor.NVIDIA
    else:
        fields |= {"gpu_name": None, "gpu_memory": None}
    return kind(
        provider=provider, instance_name=name, location=location, price=price, gpu_count=count, **fields
    )


def archive(folder: Path, provider: str, *items: Any) -> bytes:
    import_module("gpuhunt._internal.storage").dump(items, str(folder / f"{provider}.csv"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(folder / f"{provider}.csv", f"{provider}.csv")
    return out.getvalue()


def routes(provider: str, version: str, content: bytes) -> dict[str, object]:
    return {
        f"GET /v3/{provider}/version": lambda _: httpx2.Response(200, text=f"{version}\n"),
        f"GET /v3/{provider}/{version}/catalog.zip": lambda _: httpx2.Response(200, content=content),
    }


async def offers_of(vendor: Vendor, *providers: str) -> list[Offer]:
    settings = {"base_url": "http://127.0.0.1:4000/v3/", "providers": list(providers)}
    return await Gpuhunt().fetch(vendor.wire(settings=settings))


async def test_items_become_offers_of_the_day_of_the_file(tmp_path: Path) -> None:
    items = [
        item("gcp", "a3-highgpu-8g", "us-central1-a", 87.83, 8, flags=["gcp-x"]),
        item("gcp", "a3-highgpu-8g", "us-central1-a", 52.57, 8, spot=True),
        item("gcp", "n2-standard-4", "us-central1-a", 0.2, 0),
    ]
    one = item("lambdalabs", "gpu_1x_h100_pcie", "us-west-1", 3.29, 1, disk_size=1000.0)
    vendor = Vendor(
        routes("gcp", "20261105-0830", archive(tmp_path, "gcp", *items))
        | routes("lambdalabs", "latest", archive(tmp_path, "lambdalabs", one))
    )
    offers = await offers_of(vendor, "gcp", "lambdalabs")
    assert [
        (each.provider, each.region, each.zone, each.market, each.rate.micro_per_unit) for each in offers
    ] == [
        ("gcp", "us-central1", "us-central1-a", "on_demand", 87_830_000),
        ("gcp", "us-central1", "us-central1-a", "spot", 52_570_000),
        ("lambda", "us-west-1", None, "on_demand", 3_290_000),
    ]
    assert [each.seen_at for each in offers] == [datetime(2026, 11, 5, tzinfo=UTC)] * 2 + [NOW]
    assert {each.source for each in offers} == {"gpuhunt"}
    assert offers[0].flags == ("gcp-x",)
    assert offers[0].memory_bytes == 234 * 2**30
    assert (offers[2].accelerator_count, offers[2].disk_bytes) == (1, 1000 * 2**30)


async def test_one_provider_that_fails_does_not_take_the_others(tmp_path: Path) -> None:
    good = routes(
        "aws", "20261101", archive(tmp_path, "aws", item("aws", "p5.48xlarge", "us-east-1", 55.04, 8))
    )
    vendor = Vendor(good | {"GET /v3/oci/version": lambda _: httpx2.Response(500)})
    assert len(await offers_of(vendor, "oci", "aws")) == 1
    with pytest.raises(ProviderError, match="answered 500") as caught:
        await offers_of(vendor, "oci")
    assert caught.value.fault is ProviderFault.PROVIDER_FAULT


@pytest.mark.parametrize(
    ("version", "content", "words"),
    [
        ("../../etc", b"", "no version"),
        ("2026 11", b"", "no version"),
        ("x" * 2000, b"", "more than 1000 bytes"),
        ("20261101", b"not a zip", "cannot be read"),
    ],
)
async def test_odd_files_are_faults(version: str, content: bytes, words: str) -> None:
    with pytest.raises(ProviderError, match=words):
        await offers_of(Vendor(routes("aws", version, content)), "aws")


async def test_an_archive_without_the_file_is_a_fault(tmp_path: Path) -> None:
    content = archive(tmp_path, "gcp", item("gcp", "a", "r", 1.0, 1))
    with pytest.raises(ProviderError, match="file for aws cannot be read"):
        await offers_of(Vendor(routes("aws", "20261101", content)), "aws")


async def test_an_archive_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpuhunt, "_MOST_BYTES", 10)
    content = archive(tmp_path, "aws", item("aws", "a", "r", 1.0, 1))
    with pytest.raises(ProviderError, match="too large"):
        await offers_of(Vendor(routes("aws", "20261101", content)), "aws")


async def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name="gpuhunt")

    monkeypatch.setattr(gpuhunt, "import_module", absent)
    with pytest.raises(ProviderError, match="gpuhunt is not installed") as caught:
        await offers_of(Vendor({}), "aws")
    assert caught.value.fault is ProviderFault.INVALID
    assert "tradewind[gpuhunt]" in (caught.value.hint or "")
