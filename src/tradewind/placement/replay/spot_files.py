"""Reads what was seen of spot machines: availability by zone, and prices, as public traces have them.

`ZONE.json`: `{"metadata": {"gap_seconds": 195}, "data": [1, 0, ...]}`: 1 = up, or how many machines were up.
`*_instances_created.csv`: `scheduled_at` and a column per zone with how many machines came up.
`spot_price_changes.csv`: `zone, from_tick, spot_usd_per_h`; ticks are those of the zone's own file.
`price_per_machine_hour.csv`: `region, machine_type, gpus, spot_usd_per_h, on_demand_usd_per_h`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Market, Offer
from tradewind.hardware.names import identify
from tradewind.placement.replay.courses import Course
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.world import MANY

#: How the zones of a cloud are written.
_CLOUDS: Final = (
    (re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]"), "aws"),
    (re.compile(r"[a-z]+-[a-z]+[0-9]+-[a-z]"), "gcp"),
)
_MOST_TICKS: Final = 2_000_000
_SOURCE: Final = "trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotTerms:
    """What the files leave open. Prices are micro-dollars per machine and hour."""

    gpu: str | None = None
    spot_micro: int | None = None
    on_demand_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Offers with their courses, and what a user should know of them."""

    offers: tuple[Offer, ...]
    courses: tuple[Course, ...]
    #: How long the longest was watched.
    length_s: int
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Zone:
    file: str
    zone: str
    gpu: str | None
    gpus: float
    gap_s: int
    ups: list[int]


def read_spot_files(files: Mapping[str, str], terms: SpotTerms) -> Traced:
    """What the files say, as offers of spot and of on-demand machines.

    Raises:
        InvalidInputError: a file is wrong, or says too little; the message names file and line.
    """
    zones: list[_Zone] = []
    changes: dict[str, list[tuple[int, int]]] = {}
    lists: dict[str, tuple[int, int]] = {}
    passed_over = []
    for name, text in sorted(files.items()):
        if name.endswith(".json"):
            zones.append(_read_zone(name, text))
        elif name.endswith("_instances_created.csv"):
            zones += _read_counts(name, text)
        elif name == "spot_price_changes.csv":
            changes = _read_changes(name, text)
        elif name == "price_per_machine_hour.csv":
            lists = _read_list(name, text)
        else:
            passed_over.append(name)
    if not zones:
        raise InvalidInputError(
            "no zone's availability is among the files",
            hint='a zone is a JSON file: {"metadata": {"gap_seconds": 600}, "data": [1, 1, 0]}',
        )
    if sum(len(zone.ups) for zone in zones) > _MOST_TICKS:
        raise InvalidInputError(f"more than {_MOST_TICKS:,} ticks", hint="take fewer zones")
    offers, courses, without_steady = [], [], 0
    for zone in zones:
        spot, steady = _prices(zone, changes, lists, terms)
        up = Series.of((tick * zone.gap_s, value) for tick, value in enumerate(zone.ups))
        offers.append(_offer(zone, terms, Market.SPOT, spot.values[0]))
        courses.append(Course(price=spot, up=_many(up), is_observed=True))
        if steady is None:
            without_steady += 1
        else:
            offers.append(_offer(zone, terms, Market.ON_DEMAND, steady))
            courses.append(Course(price=Series.constant(steady), is_observed=True))
    notes = []
    if passed_over:
        notes.append(f"files that were not used: {', '.join(passed_over[:12])}")
    if without_steady:
        notes.append("no on-demand price is known of the traced zones: give one with `--on-demand-price`")
    if any(max(zone.ups) <= 1 for zone in zones):
        notes.append("assumed: where a zone was only seen up or down, up means as many machines as wanted")
    return Traced(
        offers=tuple(offers),
        courses=tuple(courses),
        length_s=max(len(zone.ups) * zone.gap_s for zone in zones),
        notes=tuple(notes),
    )


def _many(up: Series) -> Series:
    """Up or down alone says nothing of how many."""
    if max(up.values) > 1:
        return up
    return Series(up.times, tuple(MANY if value else 0 for value in up.values))


def _read_zone(name: str, text: str) -> _Zone:
    try:
        said: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(
            f"{name}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    about = said.get("metadata") if isinstance(said, dict) else None
    gap = about.get("gap_seconds") if isinstance(about, dict) else None
    data = said.get("data") if isinstance(said, dict) else None
    if isinstance(gap, bool) or not isinstance(gap, int | float) or not 1 <= gap <= 1e6:
        raise InvalidInputError(
            f"{name}: `metadata.gap_seconds` is not a number of seconds",
            hint="it says how far the entries of `data` lie apart",
        )
    if (
        not isinstance(data, list)
        or not data
        or not all(type(each) is int and 0 <= each < MANY for each in data)
    ):
        raise InvalidInputError(
            f"{name}: `data` is not a list of whole numbers", hint="1 = up, 0 = down, or how many were up"
        )
    assert isinstance(about, dict)
    stem = name.removesuffix(".json")
    zone, gpu, gpus = about.get("zone"), about.get("gpu"), about.get("gpus", 1)
    return _Zone(
        file=name,
        zone=zone if isinstance(zone, str) and zone else stem,
        gpu=gpu.upper() if isinstance(gpu, str) and gpu else None,
        gpus=float(gpus) if isinstance(gpus, int | float) and 0 < gpus <= 1024 else 1.0,
        gap_s=round(gap),
        ups=data,
    )


def _read_counts(name: str, text: str) -> list[_Zone]:
    rows = _rows(name, text, ("scheduled_at",))
    names = [column for column in rows[0][1] if column != "scheduled_at"]
    first = last = None
    ups: dict[str, list[int]] = {zone: [] for zone in names}
    for line, row in rows:
        at = _time(name, line, row["scheduled_at"])
        first, last = first or at, at
        for zone in names:
            ups[zone].append(round(_number(name, line, row, zone)))
    assert first is not None
    assert last is not None
    gap_s = max(round((last - first).total_seconds() / max(len(rows) - 1, 1)), 1)
    # They were asked for in a steady rhythm; the small unsteadiness of the clock is left out.
    said = name.partition("_")[0].upper()
    gpu = said if identify(said).model is not None else None
    return [
        _Zone(file=name, zone=zone, gpu=gpu, gpus=1.0, gap_s=gap_s, ups=found) for zone, found in ups.items()
    ]


def _read_changes(name: str, text: str) -> dict[str, list[tuple[int, int]]]:
    rows = _rows(name, text, ("zone", "from_tick", "spot_usd_per_h"))
    points = [
        (
            row["zone"],
            round(_number(name, line, row, "from_tick")),
            round(_number(name, line, row, "spot_usd_per_h") * 1e6),
        )
        for line, row in rows
    ]
    points.sort()
    return {
        zone: [(tick, price) for _, tick, price in some] for zone, some in groupby(points, key=lambda p: p[0])
    }


def _read_list(name: str, text: str) -> dict[str, tuple[int, int]]:
    """Spot and on-demand price of one accelerator by region."""
    found = {}
    for line, row in _rows(name, text, ("region", "gpus", "spot_usd_per_h", "on_demand_usd_per_h")):
        gpus = _number(name, line, row, "gpus")
        spot, steady = (_number(name, line, row, key) for key in ("spot_usd_per_h", "on_demand_usd_per_h"))
        found[row["region"]] = (round(spot * 1e6 / gpus), round(steady * 1e6 / gpus))
    return found


def _prices(
    zone: _Zone,
    changes: Mapping[str, list[tuple[int, int]]],
    lists: Mapping[str, tuple[int, int]],
    terms: SpotTerms,
) -> tuple[Series, int | None]:
    """The course of the spot price, and the on-demand price."""
    listed = lists.get(_region(zone.zone))
    steady = terms.on_demand_micro
    if steady is None and listed is not None:
        steady = round(listed[1] * zone.gpus)
    if zone.zone in changes:
        return Series.of((tick * zone.gap_s, price) for tick, price in changes[zone.zone]), steady
    spot = terms.spot_micro
    if spot is None and listed is not None:
        spot = round(listed[0] * zone.gpus)
    if spot is None:
        raise InvalidInputError(
            f"{zone.file}: no spot price is known of {zone.zone}", hint="give one with `--spot-price`"
        )
    return Series.constant(spot), steady


def _offer(zone: _Zone, terms: SpotTerms, market: Market, micro: int) -> Offer:
    gpu = terms.gpu or zone.gpu
    if gpu is None:
        raise InvalidInputError(
            f"{zone.file}: it does not say which accelerator it is about", hint="name it with `--spot-gpu`"
        )
    said = identify(gpu)
    return Offer(
        provider=next((cloud for form, cloud in _CLOUDS if form.fullmatch(zone.zone)), ""),
        region=_region(zone.zone),
        zone=zone.zone,
        instance_type=f"{gpu}:{zone.gpus:g} {market.value.replace('_', '-')}",
        cpus=0.0,
        memory_bytes=0,
        disk_bytes=0,
        accelerator=said.key,
        accelerator_count=zone.gpus,
        market=market,
        rate=Rate(micro_per_unit=micro, per=Quantity.HOUR),
        source=_SOURCE,
    )


def _region(zone: str) -> str:
    """`us-east-1a` is in `us-east-1`, `us-east4-b` in `us-east4`."""
    return re.sub(r"(?<=[0-9])-?[a-z]$", "", zone)


def _rows(name: str, text: str, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = [column.strip() for column in reader.fieldnames or []]
    missing = [column for column in needed if column not in columns]
    if missing:
        raise InvalidInputError(f"{name}: line 1: there is no column `{missing[0]}`")
    rows = [(reader.line_num, row) for row in reader]
    for line, row in rows:
        if None in row or None in row.values():
            raise InvalidInputError(f"{name}: line {line}: it has not {len(columns)} cells")
    if not rows:
        raise InvalidInputError(f"{name}: it has no lines but the first")
    return rows


def _number(name: str, line: int, row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e12:
        raise InvalidInputError(f"{name}: line {line}, column `{column}`: {row[column]!r} is not a number")
    return value


def _time(name: str, line: int, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInputError(f"{name}: line {line}: {text!r} is not a time with a time zone")
    return at
