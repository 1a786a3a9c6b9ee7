"""Reads price lists in the form of SkyPilot's catalogue, versions 7 and 8, and puts right what is known to be wrong.

A row is a machine type in a zone with `Price` and `SpotPrice`. Known faults: a spot price of 0.00 where none is known,
GB in `SizeInMiB`, the memory of all accelerators as that of one, TPU prices of 700.0, a last cell with a comma and no
quotes, accelerators priced without the machine around them.
"""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Market, Offer
from tradewind.hardware.names import identify
from tradewind.providers.normalising import (
    GIB,
    HOST_INCLUDED,
    Machine,
    keep_cheapest_of_each,
    make_offer,
    mark_odd_spot,
    read_amount,
)
from tradewind.providers.sizes import known_sizes
from tradewind.spec.text_files import MAX_TABLE_BYTES, read_text

#: In `flags`, with `no_price`: the list has the accelerators' price and not that of their machine.
HOST_EXCLUDED: Final = "host_excluded"
_NEEDED: Final = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "Region")
_LONGEST_INFO: Final = 4096
#: Machine types that are no machine of their own: what is rented is the slice named as accelerator.
_SLICES: Final = frozenset({"TPU-VM"})

_Row = Mapping[str, str]
_Hosts = Mapping[tuple[str, str, str], _Row]


def read_skypilot_csv(
    source: Path | str,
    provider: str,
    *,
    name: str | None = None,
    seen_at: datetime | None = None,
    source_id: str = "skypilot",
) -> list[Offer]:
    """The offers of one provider's `vms.csv`, or of its text; `name` is what errors call a text.

    Rows without a name or number that makes sense are left out.

    Raises:
        InvalidInputError: it is no such list, or more than half of its rows make no sense.
    """
    filename = name or (str(source) if isinstance(source, Path) else "SkyPilot catalogue")
    text = (
        read_text(source, MAX_TABLE_BYTES, filename)
        if isinstance(source, Path)
        else source.removeprefix("\ufeff")
    )
    try:
        rows = list(_rows(text, filename))
    except csv.Error as error:
        raise InvalidInputError(f"{filename}: not CSV: {error}", hint="check the quotes") from None
    hosts: _Hosts = {(row["InstanceType"], row["Region"], _zone(row)): row for row in rows if _is_host(row)}
    offers: list[Offer] = []
    odd_count = 0
    for row in rows:
        machine = _machine(row, provider)
        if machine is None:
            odd_count += 1
        elif machine.label is not None:
            offers += _offers(row, machine, hosts, source_id, seen_at)
    if odd_count * 2 > len(rows):
        raise InvalidInputError(
            f"{filename}: {odd_count} of {len(rows)} rows make no sense", hint="is it SkyPilot's vms.csv?"
        )
    return mark_odd_spot(keep_cheapest_of_each(offers))


def _rows(text: str, filename: str) -> Iterator[dict[str, str]]:
    reader = csv.reader(io.StringIO(text))
    columns = next(reader, [])
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise InvalidInputError(
            f"{filename}: line 1 has no column {', '.join(missing)}",
            hint="SkyPilot's vms.csv begins with InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,…",
        )
    last = len(columns) - 1
    for cells in reader:
        if any(cells):
            # The last cell may hold commas without quotes (`V1,V2`).
            whole = [*cells[:last], ",".join(cells[last:])]
            whole += [""] * (len(columns) - len(whole))
            yield {column: cell.strip() for column, cell in zip(columns, whole, strict=True)}


def _is_host(row: _Row) -> bool:
    return bool(row["InstanceType"]) and not row["AcceleratorName"]


def _zone(row: _Row) -> str:
    return row.get("AvailabilityZone", "")


def _machine(row: _Row, provider: str) -> Machine | None:
    """What a row offers; without a label where it has no accelerator; None where it makes no sense."""
    instance_type, label = row["InstanceType"], row["AcceleratorName"]
    if not instance_type and not label:
        return None
    if instance_type in _SLICES or not instance_type:
        instance_type = label.removeprefix("tpu-") if label.startswith("tpu-") else instance_type
    count = read_amount(row["AcceleratorCount"] or "0")
    size = known_sizes(provider).get(instance_type)
    if count is None or count < 0 or any(_number(row.get(key, "")) < 0 for key in ("vCPUs", "MemoryGiB")):
        return None
    if label and not count:
        # A slice of an accelerator is written as none.
        if size is None:
            return None
        count = Decimal(str(size.count))
    if label.startswith("tpu-"):
        count = Decimal(str(identify(label.removeprefix("tpu-")).count or count))
    return Machine(
        provider=provider,
        region=row["Region"],
        zone=_zone(row) or None,
        instance_type=instance_type or f"{_short(count)}x {label}",
        label=label or None,
        count=float(count),
        accelerator_memory_gb=size.accelerator_memory_gb
        if size
        else _memory_gb(row.get("GpuInfo", ""), float(count)),
        cpus=_number(row.get("vCPUs", "")),
        memory_bytes=int(_number(row.get("MemoryGiB", "")) * GIB),
    )


def _offers(
    row: _Row, machine: Machine, hosts: _Hosts, source: str, seen_at: datetime | None
) -> Iterator[Offer]:
    price, spot = read_amount(row["Price"]), read_amount(row.get("SpotPrice", ""))
    if not row["InstanceType"]:
        machine, price, spot = _with_host(machine, price, spot, hosts)
    # 0.00 on the spot market means that nobody knows, and then there is no such offer.
    if price is not None or not spot:
        yield make_offer(machine, dollars=price, market=Market.ON_DEMAND, source=source, seen_at=seen_at)
    if spot is not None and spot > 0:
        yield make_offer(machine, dollars=spot, market=Market.SPOT, source=source, seen_at=seen_at)


def _with_host(
    machine: Machine, price: Decimal | None, spot: Decimal | None, hosts: _Hosts
) -> tuple[Machine, Decimal | None, Decimal | None]:
    """The accelerators in the machine that takes them, if the list has it in this place; else without a price."""
    for name, size in known_sizes(machine.provider).items():
        host = hosts.get((name.partition("+")[0], machine.region, machine.zone or ""))
        if host is None or size.count != machine.count:
            continue
        if (
            identify(size.label, size.accelerator_memory_gb).key
            != identify(machine.label or "", machine.accelerator_memory_gb).key
        ):
            continue
        host_price, host_spot = read_amount(host["Price"]), read_amount(host.get("SpotPrice", ""))
        whole = replace(
            machine,
            instance_type=name,
            cpus=_number(host.get("vCPUs", "")),
            memory_bytes=int(_number(host.get("MemoryGiB", "")) * GIB),
            flags=(HOST_INCLUDED,),
        )
        return whole, _sum(price, host_price), _sum(spot, host_spot)
    return replace(machine, flags=(HOST_EXCLUDED,)), None, None


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return one + other if one and other else None


@lru_cache(maxsize=4096)
def _memory_gb(info: str, count: float) -> float | None:
    """The memory of one accelerator by `GpuInfo`, the text of a Python dictionary; None where it does not say."""
    try:
        said: Any = ast.literal_eval(info) if 0 < len(info) <= _LONGEST_INFO else None
        size = float(said["Gpus"][0]["MemoryInfo"]["SizeInMiB"])
        total = float(said.get("TotalGpuMemoryInMiB") or 0)
    except (
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        MemoryError,
        RecursionError,
    ):
        return None
    if not 0 < size < 10**9:
        return None
    if count > 1 and size == total:
        size /= count
    # Some lists write GB here; no accelerator on offer has less than a gigabyte.
    return size if size < 1000 else size / 1024


def _number(text: str) -> float:
    amount = read_amount(text)
    return 0.0 if amount is None else float(amount)


def _short(count: Decimal) -> str:
    return f"{count.normalize():f}"
