"""The catalogue of the gpuhunt project, read with its own library (extra `gpuhunt`): a fallback for prices.

The files are fetched here, because the library fetches them without a time limit; the library reads them.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import asking, read_body
from tradewind.providers.normalising import (
    GIB,
    Machine,
    keep_cheapest_of_each,
    make_offer,
    mark_odd_spot,
    read_amount,
)
from tradewind.providers.prices import Wire

_ADDRESS: Final = "https://dstack-gpu-pricing.s3.eu-west-1.amazonaws.com/v3"
#: Where its ids differ from ours.
_IDS: Final = {"lambdalabs": "lambda", "vastai": "vast"}
_MOST_BYTES: Final = 512 << 20
_MOST_VERSION_BYTES: Final = 1000
#: `us-central1-a`: a zone where a region is to be expected.
_ZONE: Final = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")
_DAY: Final = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)")
_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Gpuhunt:
    """Machines with accelerators, of the providers whose prices the project publishes.

    Settings: `base_url` (else the environment's `GPUHUNT_CATALOG_URL`, else the project's own address) and `providers`,
    a list of the library's ids. A provider whose file cannot be had is left out as long as another can.
    """

    id = "gpuhunt"
    title = "gpuhunt catalogue"
    providers: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    max_age = timedelta(hours=6)
    is_opt_in = True

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour, stamped with the day of the file. Raises ProviderError."""
        library = await wire.offload(_load_library)
        base = str(wire.settings.get("base_url") or os.environ.get("GPUHUNT_CATALOG_URL") or _ADDRESS).rstrip(
            "/"
        )
        offers: list[Offer] = []
        failures: list[ProviderError] = []
        wanted = list(wire.settings.get("providers") or library.providers)
        for provider in wanted:
            try:
                version, content = await _download(wire, f"{base}/{provider}", self.title)
                items = await wire.offload(_read, library, content, provider)
            except ProviderError as error:
                failures.append(error)
                continue
            seen_at = _day_of(version, wire.clock.now())
            offers += await wire.offload(_offers_of, items, self.id, seen_at)
        if failures and len(failures) == len(wanted):
            raise failures[0]
        return mark_odd_spot(keep_cheapest_of_each(offers))


class _Library:
    """What is used of the library."""

    def __init__(self, load: Any, providers: list[str]) -> None:
        self.load = load
        self.providers = providers


def _load_library() -> _Library:
    try:
        catalog = import_module("gpuhunt._internal.catalog")
        storage = import_module("gpuhunt._internal.storage")
        return _Library(storage.load, list(catalog.OFFLINE_PROVIDERS))
    except (ImportError, AttributeError) as error:
        is_absent = isinstance(error, ModuleNotFoundError) and error.name == "gpuhunt"
        raise ProviderError(
            ProviderFault.INVALID,
            "gpuhunt is not installed" if is_absent else "this version of gpuhunt has another form",
            hint="install it: pip install 'tradewind[gpuhunt]'",
        ) from None


async def _download(wire: Wire, url: str, title: str) -> tuple[str, bytes]:
    """The newest version of a provider's file, and the file."""
    async with asking(wire, "GET", f"{url}/version", headers={"accept": "*/*"}) as answer:
        said = await read_body(answer, title, _MOST_VERSION_BYTES)
    version = said.decode(errors="replace").strip()
    if not _VERSION.fullmatch(version):
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{title} has no version that can be read")
    async with asking(wire, "GET", f"{url}/{version}/catalog.zip", headers={"accept": "*/*"}) as answer:
        return version, await read_body(answer, title)


def _read(library: _Library, content: bytes, provider: str) -> list[Any]:
    """The items of a file, as the library understands them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.getinfo(f"{provider}.csv")
            if member.file_size > _MOST_BYTES:
                raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{provider}.csv of gpuhunt is too large")
            with archive.open(member) as file:
                return list(library.load(io.TextIOWrapper(file, "utf-8"), provider=provider))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, NotImplementedError, RuntimeError):
        message = f"gpuhunt's file for {provider} cannot be read"
        raise ProviderError(ProviderFault.PROVIDER_FAULT, message) from None


def _offers_of(items: Iterable[Any], source: str, seen_at: datetime) -> list[Offer]:
    return [offer for item in items for offer in _offers(item, source, seen_at)]


def _offers(item: Any, source: str, seen_at: datetime) -> Iterator[Offer]:
    if not item.gpu_count or not item.gpu_name:
        return
    said = _ZONE.fullmatch(item.location)
    machine = Machine(
        provider=_IDS.get(item.provider, item.provider),
        region=said[1] if said else item.location,
        zone=item.location if said else None,
        instance_type=item.instance_name,
        label=item.gpu_name,
        count=item.gpu_count,
        accelerator_memory_gb=item.gpu_memory,
        cpus=item.cpu,
        memory_bytes=int(item.memory * GIB),
        disk_bytes=int((item.disk_size or 0) * GIB),
        flags=tuple(flag.replace(",", "_") for flag in item.flags),
    )
    market = Market.SPOT if item.spot else Market.ON_DEMAND
    yield make_offer(machine, dollars=read_amount(item.price), market=market, source=source, seen_at=seen_at)


def _day_of(version: str, now: datetime) -> datetime:
    """Versions begin with the day of the file; another form counts as now."""
    said = _DAY.match(version)
    try:
        day = datetime(int(said[1]), int(said[2]), int(said[3]), tzinfo=UTC) if said else now
    except ValueError:
        day = now
    return min(day, now)
