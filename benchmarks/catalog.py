"""The catalogue: 150,000 offers loaded, asked and shown, beside gpuhunt and SkyPilot on the same rows.

The rows have the shape of the table that ships, the largest at hand: each of its offers again and again in zones of
its own, at prices that differ. That is more rows than any provider's list has today, not more kinds of machine.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.figures import Figure, Peer
from benchmarks.processes import run_command
from benchmarks.script import run_script
from benchmarks.serving import environment_for, serve, state_folder
from benchmarks.sizes import FULL, Size
from tradewind.catalog.explaining import why_nothing
from tradewind.catalog.merging import Part, merge
from tradewind.catalog.query import OfferFilter, select
from tradewind.catalog.ranks import rank_of
from tradewind.catalog.sources.shipped import read_table
from tradewind.domain.money import Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer

DESCRIPTION: Final = "The catalogue of 150,000 offers"
_ROWS: Final = 150_000
_TINY_ROWS: Final = 4_000
_MICRO: Final = 1_000_000
#: Asked of all three: eight A100 in one machine, on any terms, the cheapest first.
_WANTED: Final = OfferFilter(accelerators=("A100",), count_min=8, count_max=8)
#: Our providers as gpuhunt calls them; it knows no others.
_GPUHUNT_NAMES: Final = {"aws": "aws", "azure": "azure", "gcp": "gcp", "lambda": "lambdalabs"}
_SKYPILOT_CLOUDS: Final = ("aws", "azure", "gcp", "lambda")
_SKYPILOT_COLUMNS: Final = (
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "vCPUs",
    "MemoryGiB",
    "GpuInfo",
    "Price",
    "SpotPrice",
    "Region",
    "AvailabilityZone",
)
#: Where an interpreter with SkyPilot is; without it SkyPilot is left out.
_SKYPILOT_PYTHON: Final = "TRADEWIND_SKYPILOT_PYTHON"


def measure(size: Size) -> list[Figure]:
    """Loading, queries, the table on the terminal, and the peers that are here."""
    offers = list(_market(_ROWS if size is FULL else _TINY_ROWS))
    repeats = size.runs
    table, packed, figures = _our_figures(offers, repeats)
    peers = [peer for make in (_gpuhunt, _skypilot) if (peer := make(offers, size.repeats)) is not None]
    warm = _times(lambda: select(table, _WANTED), repeats)
    figures.append(
        Figure(
            name="query, 8 x A100, warm",
            unit="ms",
            values=warm,
            better="lower",
            goal=10.0,
            note=_note(len(packed)),
        )
    )
    figures += [
        Figure(
            name=f"query, 8 x A100, warm, beside {peer.name}",
            unit="ms",
            values=warm,
            better="lower",
            peer=peer,
            note=f"{peer.name} takes {peer.value / _median(warm):,.0f} times as long",
        )
        for peer in peers
    ]
    return figures + _terminal(size)


def _our_figures(offers: list[Offer], repeats: int) -> tuple[OfferTable, bytes, list[Figure]]:
    table = OfferTable.of(offers)
    packed = table.to_bytes()
    part = Part(
        name="list", rank=rank_of("list", {}), fetched_at=datetime(2026, 1, 1, tzinfo=UTC), table=table
    )
    shipped = replace(
        part, name="shipped", rank=rank_of("shipped", {}), table=table.take(range(len(table) // 10))
    )
    dear = replace(_WANTED, price_micro_max=1000)

    def figure(name: str, goal: float | None, work: Callable[[], object], runs: int = repeats) -> Figure:
        return Figure(name=name, unit="ms", values=_times(work, runs), better="lower", goal=goal)

    return table, packed, [
        figure("load from the database's bytes", 400.0, lambda: OfferTable.from_bytes(packed)),
        figure("merge two sources", None, lambda: merge([part, shipped])),
        figure("first query of a new table", None, lambda: select(OfferTable.from_bytes(packed), _WANTED)),
        figure("the 50 cheapest of all, warm", 10.0, lambda: select(table, OfferFilter(), limit=50)),
        figure("why nothing fits, warm", 10.0, lambda: why_nothing(table, dear)),
        figure("columns from offers as Python objects", None, lambda: OfferTable.of(offers), min(repeats, 3)),
    ]  # fmt: skip


def _market(rows: int) -> Iterator[Offer]:
    """The offers that ship, in ever more zones, a little dearer in each."""
    shapes = [
        offer
        for offer in read_table("offers.csv", "shipped")
        if offer.provider in _SKYPILOT_CLOUDS and offer.rate.micro_per_unit and not offer.flags
    ]
    for number in range(rows):
        offer, turn = shapes[number % len(shapes)], number // len(shapes)
        micro = offer.rate.micro_per_unit * (1000 + turn) // 1000
        rate = Rate(micro_per_unit=micro, per=offer.rate.per, currency=offer.rate.currency)
        yield replace(offer, zone=f"{offer.region}-{turn}", rate=rate)


def _gpuhunt(offers: list[Offer], repeats: int) -> Peer | None:
    """Its own query over the same rows, already in its memory, which is more than it does by itself."""
    try:
        gpuhunt: Any = import_module("gpuhunt")
        internal: Any = import_module("gpuhunt._internal.catalog")
    except ImportError as error:
        print(f"gpuhunt is left out: {error}", file=sys.stderr)
        return None
    catalog = internal.Catalog(balance_resources=False, auto_reload=False)
    by_provider: dict[str, list[Any]] = {name: [] for name in _GPUHUNT_NAMES.values()}
    for offer in offers:
        name = _GPUHUNT_NAMES[offer.provider]
        by_provider[name].append(
            gpuhunt.CatalogItem(
                provider=name,
                instance_name=offer.instance_type,
                location=offer.zone or offer.region,
                price=offer.rate.micro_per_unit / _MICRO,
                cpu=int(offer.cpus),
                memory=offer.memory_bytes / (1 << 30),
                gpu_count=int(offer.accelerator_count),
                gpu_name=(offer.accelerator or "").split("-")[0] or None,
                gpu_memory=offer.accelerator_memory_gb,
                spot=offer.market == "spot",
                disk_size=None,
                gpu_vendor=gpuhunt.AcceleratorVendor.NVIDIA if offer.accelerator_count else None,
            )
        )
    catalog.catalog = {
        name: internal.ProviderCatalog(version="1", items=items) for name, items in by_provider.items()
    }
    catalog.loaded_at = 0.0
    names = list(by_provider)

    def ask() -> list[Any]:
        found: list[Any] = catalog.query(provider=names, gpu_name="A100", min_gpu_count=8, max_gpu_count=8)
        return found

    if not ask():
        print("gpuhunt is left out: it finds none of the rows", file=sys.stderr)
        return None
    return Peer(name="gpuhunt", value=_median(_times(ask, repeats)))


#: Run by the interpreter that has SkyPilot: its own listing by accelerator, in process and warm.
_SKYPILOT_SCRIPT: Final = """
import json, sys, time
from sky import catalog
clouds = sys.argv[1].split(",")
def ask():
    return catalog.list_accelerators(gpus_only=True, name_filter="^A100", quantity_filter=8, clouds=clouds,
        case_sensitive=False, all_regions=True, require_price=True)
found = ask()
times = []
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    found = ask()
    times.append((time.perf_counter() - began) * 1000)
print(json.dumps({"times": times, "found": sum(len(each) for each in found.values())}))
"""


def _skypilot(offers: list[Offer], repeats: int) -> Peer | None:
    """Its own listing of A100 x 8 over the same rows, in its own process, warm; the import does not count."""
    python = os.environ.get(_SKYPILOT_PYTHON)
    if not python:
        print(f"SkyPilot is left out: {_SKYPILOT_PYTHON} names no interpreter", file=sys.stderr)
        return None
    with TemporaryDirectory(prefix="tradewind-bench-", ignore_cleanup_errors=True) as home:
        for cloud in _SKYPILOT_CLOUDS:
            _write_skypilot(Path(home), cloud, [offer for offer in offers if offer.provider == cloud])
        environment = {**os.environ, "HOME": home, "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
        arguments = [python, "-c", _SKYPILOT_SCRIPT, ",".join(_SKYPILOT_CLOUDS), str(repeats)]
        try:
            done = subprocess.run(
                arguments, env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False
            )
            answer = json.loads(done.stdout.splitlines()[-1])
        except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
            said = done.stderr.strip().splitlines()[-1:] if "done" in locals() else [str(error)]
            print(f"SkyPilot is left out: {said}", file=sys.stderr)
            return None
    if not answer["found"]:
        print("SkyPilot is left out: it finds none of the rows", file=sys.stderr)
        return None
    return Peer(name="SkyPilot", value=_median(tuple(answer["times"])))


def _write_skypilot(home: Path, cloud: str, offers: list[Offer]) -> None:
    """One cloud's catalogue in the place and form of version 8."""
    folder = home / ".sky" / "catalogs" / "v8" / cloud
    folder.mkdir(parents=True)
    with (folder / "vms.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_SKYPILOT_COLUMNS)
        for offer in offers:
            price = offer.rate.micro_per_unit / _MICRO
            is_spot = offer.market == "spot"
            name = (offer.accelerator or "").split("-")[0]
            memory = int((offer.accelerator_memory_gb or 0) * 1024)
            facts = {"Gpus": [{"Name": name, "MemoryInfo": {"SizeInMiB": memory}}]} if name else ""
            row: list[object] = [offer.instance_type, name, offer.accelerator_count or "", offer.cpus]
            row += [offer.memory_bytes / (1 << 30), facts, "" if is_spot else price, price if is_spot else ""]
            writer.writerow([*row, offer.region, offer.zone])


def _terminal(size: Size) -> list[Figure]:
    """The whole table of a server with what ships, printed by the command line, with the start of its process."""
    found = []
    with state_folder() as state, serve(state):
        environment = {**environment_for(state), "TRADEWIND_NO_PROGRESS": "1"}
        for name, more in (("the whole shipped table", ["--all"]), ("a page of 50", [])):
            command = [sys.executable, "-m", "tradewind.cli", "offers", *more]
            run_command(command, environment)
            values = _times(lambda command=command: run_command(command, environment), size.repeats)  # type: ignore[misc]
            goal = 300.0 if more else None
            found.append(
                Figure(
                    name=f"`offers`: {name} on the terminal",
                    unit="ms",
                    values=values,
                    better="lower",
                    goal=goal,
                )
            )
    return found


def _times(work: Callable[[], object], runs: int) -> tuple[float, ...]:
    """Milliseconds of each of so many runs, after one that does not count."""
    work()
    found = []
    for _ in range(max(runs, 1)):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return tuple(found)


def _median(values: tuple[float, ...]) -> float:
    return sorted(values)[len(values) // 2]


def _note(size_bytes: int) -> str:
    return f"synthetic rows in the shape of the shipped table; {size_bytes / 1e6:.1f} MB in the database"


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
