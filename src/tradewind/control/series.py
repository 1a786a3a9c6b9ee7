"""Turns an agent's records into series of points, thinned so that a chart or a terminal can show them."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from tradewind.control.metric_panels import label_of, panels_of
from tradewind.control.records import number, time_s
from tradewind.domain.schemas_records import MetricPanel, MetricPoint, MetricSeries

_SYSTEM: Final = {"cpu_percent": "%", "memory_bytes": "bytes", "watts": "W"}
_GPU: Final = {"util_percent": "%", "memory_bytes": "bytes", "watts": "W", "temperature_c": "°C"}
#: Stands for the charts that are shown without being asked for.
DEFAULT: Final = "default"
_Raw = tuple[float, float | None, float]


def read_metrics(
    directory: Path, names: set[str], wanted: set[str], max_points: int
) -> tuple[list[MetricSeries], list[MetricPanel]]:
    """Series of an attempt, and the charts that all of them make.

    Where `names` or `wanted` (ids of charts, or `default`) say which, only those series are there.
    """
    user, system = _read(directory)
    panels = panels_of(sorted(user), sorted(system))
    chosen = set(names)
    for panel in panels:
        if panel.id in wanted or (panel.is_default and DEFAULT in wanted):
            chosen |= set(panel.names)
    is_all = not names and not wanted
    found = [
        _series(name, "user", None, points, max_points)
        for name, points in sorted(user.items())
        if is_all or name in chosen
    ]
    for name, points in sorted(system.items()):
        if is_all or name in chosen:
            unit = _SYSTEM.get(name) or _GPU.get(name.partition(".")[2])
            found.append(_series(name, "system", unit, points, max_points))
    return found, panels


def _read(directory: Path) -> tuple[dict[str, list[_Raw]], dict[str, list[_Raw]]]:
    user: dict[str, list[_Raw]] = defaultdict(list)
    system: dict[str, list[_Raw]] = defaultdict(list)
    try:
        with (directory / "records.jsonl").open("rb") as file:
            for line in file:
                if b'"metrics"' in line or b'"sample"' in line:
                    _take(line, user, system)
    except FileNotFoundError:
        pass
    return {name: each for name, each in user.items() if each}, {
        name: each for name, each in system.items() if each
    }


def _take(line: bytes, user: dict[str, list[_Raw]], system: dict[str, list[_Raw]]) -> None:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return
    if not isinstance(record, dict):
        return
    at = time_s(record.get("t"))
    values, gpus = record.get("values"), record.get("gpus")
    if record.get("type") == "metrics":
        for name, value in values.items() if isinstance(values, dict) else ():
            _add(user[name], at, record.get("step"), value)
    elif record.get("type") == "sample":
        for name in _SYSTEM:
            _add(system[name], at, None, record.get(name))
        for place, gpu in enumerate(gpus if isinstance(gpus, list) else ()):
            for name in _GPU if isinstance(gpu, dict) else ():
                _add(system[f"gpu{place}.{name}"], at, None, gpu.get(name))


def _add(points: list[_Raw], at: float, step: object, value: object) -> None:
    found = number(value)
    if found is not None:
        points.append((at, number(step), found))


def _series(
    name: str, kind: Literal["user", "system"], unit: str | None, points: list[_Raw], max_points: int
) -> MetricSeries:
    kept = thin(points, max_points)
    return MetricSeries(
        name=name,
        kind=kind,
        unit=unit,
        label=label_of(name),
        total_points=len(points),
        points=[
            MetricPoint(at=datetime.fromtimestamp(at, UTC), step=step, value=value)
            for at, step, value in kept
        ],
    )


def thin(points: list[_Raw], max_points: int) -> list[_Raw]:
    """At most `max_points` of the points: the first, the last, and the lowest and highest of each stretch between.

    Spikes survive; evenly picked points would lose them.
    """
    if len(points) <= max_points:
        return points
    stretches = max((max_points - 2) // 2, 1)
    inner = points[1:-1]
    kept = [points[0]]
    for stretch in range(stretches):
        part = inner[stretch * len(inner) // stretches : (stretch + 1) * len(inner) // stretches]
        if part:
            lowest, highest = min(part, key=lambda each: each[2]), max(part, key=lambda each: each[2])
            kept += sorted({lowest, highest}, key=lambda each: each[0])
    return [*kept[: max_points - 1], points[-1]]
