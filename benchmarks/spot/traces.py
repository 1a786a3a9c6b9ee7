"""Reads folders of spot traces: whichever of the four parts are there, whatever zones and lengths they have."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from tradewind.placement.spot.values import Bools

ONE_ZONE: Final = ("spot_v100_9zones", "spot_k80_v100_2022")
MULTINODE: Final = "spot_v100_multinode"
H100: Final = "spot_h100_gcp"
_H100_MACHINES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Spot over time: `up` is looks x zones. Prices are per hour, for all machines of the gang."""

    part: str
    name: str
    zones: tuple[str, ...]
    tick_s: float
    up: Bools
    spot_prices: tuple[float, ...]
    on_demand_prices: tuple[float, ...]


def read_one_zone(folder: Path, part: str) -> list[Series]:
    """One series for each file of a part with one machine. On-demand costs 1, spot 0.3: the ratio of the papers."""
    found = []
    for path in sorted((folder / part).glob("*.json")):
        tick_s, data = _read(path)
        found.append(_single(part, path.stem, tick_s, data >= 1))
    return found


def read_multinode(folder: Path) -> list[tuple[int, Series]]:
    """Gangs in one zone, with how many machines each has: that many at once, or it is not up."""
    found = []
    for path in sorted((folder / MULTINODE).glob("*node_*.json")):
        machines = int(path.stem.partition("node_")[0])
        tick_s, data = _read(path)
        found.append((machines, _single(MULTINODE, path.stem, tick_s, data >= machines)))
    return found


def read_h100(folder: Path, gang: int) -> Series | None:
    """All zones at once for a gang of so many machines of one GPU; None if the part is not there."""
    counts, prices = (
        folder / H100 / "h100_16_instances_created.csv",
        folder / H100 / "price_per_machine_hour.csv",
    )
    if not counts.is_file() or not prices.is_file():
        return None
    with prices.open(encoding="utf-8", newline="") as lines:
        per_gpu = {
            row["region"]: tuple(
                float(row[name]) / float(row["gpus"]) for name in ("spot_usd_per_h", "on_demand_usd_per_h")
            )
            for row in csv.DictReader(lines)
        }
    with counts.open(encoding="utf-8", newline="") as lines:
        head, *rows = csv.reader(lines)
    zones = tuple(zone for zone in head[1:] if zone.rpartition("-")[0] in per_gpu)
    columns = [head.index(zone) for zone in zones]
    up = np.array([[int(row[column] or 0) >= gang for column in columns] for row in rows], dtype=np.bool_)
    if len(rows) < 2 or not zones:
        return None
    times = [datetime.fromisoformat(row[0]).timestamp() for row in rows]
    pairs = [per_gpu[zone.rpartition("-")[0]] for zone in zones]
    return Series(
        part=H100,
        name=f"gang of {gang}",
        zones=zones,
        tick_s=float(round(float(np.median(np.diff(times))) / 60) * 60),
        up=up,
        spot_prices=tuple(pair[0] * gang for pair in pairs),
        on_demand_prices=tuple(pair[1] * gang for pair in pairs),
    )


def h100_gangs() -> tuple[int, ...]:
    """The gangs that are measured over many zones."""
    return (1, 8, _H100_MACHINES)


def _single(part: str, name: str, tick_s: float, up: Bools) -> Series:
    return Series(
        part=part,
        name=name,
        zones=(name,),
        tick_s=tick_s,
        up=np.asarray(up).reshape(-1, 1),
        spot_prices=(0.3,),
        on_demand_prices=(1.0,),
    )


def _read(path: Path) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return float(content["metadata"]["gap_seconds"]), np.array(content["data"], dtype=np.int64)
