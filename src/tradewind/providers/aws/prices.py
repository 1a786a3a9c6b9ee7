"""AWS's public bulk price list of EC2: one large CSV file per region, read as it arrives and kept nowhere."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import Sieve, ask, asking, base_url
from tradewind.providers.normalising import GB, GIB, Machine, keep_cheapest_of_each, make_offer, read_amount
from tradewind.providers.prices import Wire
from tradewind.providers.sizes import find_size

_INDEX: Final = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
#: A longer line is no price list.
_LONGEST_LINE: Final = 1 << 20
#: Lines of description before the line with the columns' names.
_MOST_LINES_BEFORE: Final = 20
#: What a row must say; others are reservations, other systems, dedicated hosts, or capacity that is paid for unused.
_WANTED: Final = {
    "TermType": {"OnDemand"},
    "Unit": {"Hrs", "Hours"},
    "Currency": {"USD"},
    "Tenancy": {"Shared"},
    "Operating System": {"Linux"},
    "CapacityStatus": {"Used"},
    "Pre Installed S/W": {"NA", ""},
    "MarketOption": {"OnDemand", ""},
}
#: Values that all wanted rows hold, looked for before a row is taken apart: most rows end here.
_MARKS: Final = (b'"OnDemand"', b'"Shared"', b'"Linux"', b'"Used"')
_NEEDED: Final = (
    "TermType",
    "PricePerUnit",
    "Instance Type",
    "Tenancy",
    "Operating System",
    "CapacityStatus",
)


class AwsBulk:
    """On-demand Linux machines with accelerators. The setting `regions` keeps it to some; all is several gigabytes."""

    id = "aws-bulk"
    title = "AWS bulk price list"
    providers: tuple[str, ...] = ("aws",)
    credentials: tuple[str, ...] = ()
    max_age = timedelta(hours=24)
    is_opt_in = True

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        base = base_url(wire, "https://pricing.us-east-1.amazonaws.com")
        index = (await ask(wire, "GET", f"{base}{_INDEX}")).get("regions")
        if not isinstance(index, dict):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{self.title} has no list of regions")
        wanted = wire.settings.get("regions") or sorted(index)
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        for region in wanted:
            entry = index.get(region)
            path = entry.get("currentVersionUrl") if isinstance(entry, dict) else None
            if not isinstance(path, str) or not path.startswith("/"):
                raise ProviderError(
                    ProviderFault.INVALID,
                    f"{self.title} has no region {region!r}",
                    hint=f"known regions: {', '.join(sorted(index))}",
                )
            url = base + path.removesuffix(".json") + ".csv"
            async for row in _rows(wire, url, self.title):
                offer = self._offer(row, region, sieve, now)
                if offer is not None:
                    offers.append(offer)
        sieve.finish()
        return keep_cheapest_of_each(offers)

    def _offer(self, row: dict[str, str], region: str, sieve: Sieve, now: datetime) -> Offer | None:
        if any(row.get(name, "") not in allowed for name, allowed in _WANTED.items()):
            return None
        instance_type = row["Instance Type"]
        size = find_size("aws", instance_type)
        said = _number(row.get("GPU", ""))
        if not instance_type or (size is None and not said):
            return None
        sieve.read_count += 1
        if read_amount(row["PricePerUnit"]) is None:
            sieve.skip()
            return None
        machine = Machine(
            provider="aws",
            region=row.get("Region Code") or region,
            instance_type=instance_type,
            label=size.label if size else instance_type.partition(".")[0],
            # The list counts a slice of an accelerator as one, the table of sizes as what it is.
            count=size.count if size else said,
            accelerator_memory_gb=size.accelerator_memory_gb if size else None,
            cpus=_number(row.get("vCPU", "")),
            memory_bytes=_bytes(row.get("Memory", "")),
        )
        return make_offer(
            machine,
            dollars=read_amount(row["PricePerUnit"]),
            market=Market.ON_DEMAND,
            source=self.id,
            seen_at=now,
        )


async def _rows(wire: Wire, url: str, title: str) -> AsyncIterator[dict[str, str]]:
    """Rows that may be wanted, one at a time."""
    columns: list[str] | None = None
    before = 0
    async with asking(wire, "GET", url, headers={"accept": "text/csv"}) as answer:
        async for lines in _lines(answer.aiter_bytes(), title):
            for line in lines:
                if columns is not None:
                    if all(mark in line for mark in _MARKS):
                        yield dict(zip(columns, _cells(line), strict=False))
                    continue
                before += 1
                cells = _cells(line)
                if "SKU" in cells and all(name in cells for name in _NEEDED):
                    columns = cells
                elif before > _MOST_LINES_BEFORE:
                    raise ProviderError(
                        ProviderFault.PROVIDER_FAULT, f"{title} has other columns than it had"
                    )
    if columns is None:
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{title} came without its columns")


async def _lines(chunks: AsyncIterator[bytes], title: str) -> AsyncIterator[list[bytes]]:
    """The whole lines of each piece, however the pieces are cut."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{title} has lines without end")
        yield whole
    yield [rest]


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode(errors="replace").rstrip("\r")]), [])


def _number(text: str) -> float:
    """A count, or 0 where there is none."""
    amount = read_amount(text)
    return float(amount) if amount is not None and 0 <= amount < 1_000_000 else 0.0


def _bytes(text: str) -> int:
    """`1,152 GiB` or `488 GB`; 0 where it says nothing."""
    number, _, unit = text.partition(" ")
    return int(_number(number) * (GB if unit.strip() == "GB" else GIB))
