"""What a job with a deadline costs on spot: `python benchmarks/spot_deadline.py --traces DIR [--json FILE]`.

DIR has any of the folders spot_v100_9zones, spot_k80_v100_2022, spot_v100_multinode and spot_h100_gcp; other zones,
weeks and lengths will do. Costs are simulated in the tick model of `tradewind.placement.spot.replay` and divided by the
omniscient optimum of the same model. Every policy sees what lies before the start of a run and the run so far. Looking
is free.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.progress import Progress

from benchmarks.spot.runs import (
    OURS,
    UNIFORM_PROGRESS,
    Grid,
    Run,
    count_missed,
    count_runs,
    p95_ratio,
    run_all,
    total_ratio,
)
from benchmarks.spot.tables import table_of
from benchmarks.spot.traces import ONE_ZONE, Series, h100_gangs, read_h100, read_multinode, read_one_zone

_V100: Final = Grid(
    work_h=48, deadlines_h=(52, 60, 70, 96), changeovers_s=(180, 720), starts=8, history_h=168
)
_OF_2022: Final = Grid(work_h=48, deadlines_h=(52, 70), changeovers_s=(180, 720), starts=6, history_h=72)
_MULTINODE: Final = Grid(work_h=48, deadlines_h=(60, 96), changeovers_s=(360,), starts=4, history_h=72)
_GANGS: Final = Grid(
    work_h=100,
    deadlines_h=(110, 150, 200),
    changeovers_s=(360,),
    starts=5,
    history_h=0,
    moves=True,
    has_own_starts=True,
)
_BY_PART: Final = dict(zip(ONE_ZONE, (_V100, _OF_2022), strict=True))
_LARGEST_GANG: Final = max(h100_gangs())


@dataclass(frozen=True, slots=True)
class Section:
    """One table: the series and the grid of its runs."""

    title: str
    series: tuple[tuple[Series, Grid], ...]


def sections_of(folder: Path) -> list[Section]:
    """What the folder allows to measure, single zones first, then gangs."""
    one = [(series, _BY_PART[part]) for part in ONE_ZONE for series in read_one_zone(folder, part)]
    found = [Section("one zone", tuple(one))]
    many = [(series, _MULTINODE) for _, series in read_multinode(folder)]
    found.append(Section("gangs in one zone", tuple(many)))
    for gang in h100_gangs():
        series = read_h100(folder, gang)
        if series is not None:
            title = f"gang of {gang} over {len(series.zones)} zones"
            found.append(Section(title, ((series, _GANGS),)))
    return [section for section in found if any(count_runs(series, grid) for series, grid in section.series)]


def metrics_of(found: dict[str, list[Run]]) -> dict[str, float | int | None]:
    """The figures that goals are set for; null where the folder lacks what they need."""
    one = found.get("one zone", [])
    largest = [
        run
        for title, runs in found.items()
        if title.startswith(f"gang of {_LARGEST_GANG} over")
        for run in runs
    ]
    everything = [run for runs in found.values() for run in runs]
    return {
        "single_zone_ratio": _rounded(total_ratio(one, OURS)),
        "single_zone_p95": _rounded(p95_ratio(one, OURS)),
        "missed_deadlines": count_missed(everything, OURS) if everything else None,
        "uniform_progress_ratio": _rounded(total_ratio(one, UNIFORM_PROGRESS)),
        "gang16_ratio": _rounded(total_ratio(largest, OURS)),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables and writes the metrics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=Path, required=True, metavar="DIR", help="folder of spot traces")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the metrics to this file")
    chosen = parser.parse_args(arguments)
    if not chosen.traces.is_dir():
        parser.error(f"{chosen.traces} is not a folder")
    sections = sections_of(chosen.traces)
    found: dict[str, list[Run]] = {}
    console = Console(width=None if sys.stdout.isatty() else 160)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = sum(count_runs(series, grid) for section in sections for series, grid in section.series)
        bar = progress.add_task("runs", total=total)
        for section in sections:
            runs = found.setdefault(section.title, [])
            for series, grid in section.series:
                progress.update(bar, description=f"{section.title}: {series.name}")
                for run in run_all(series, grid):
                    runs.append(run)
                    progress.advance(bar)
    if not found:
        console.print(f"{chosen.traces} has no spot traces that a run fits into")
    for title, runs in found.items():
        console.print(table_of(f"{title}: cost / omniscient optimum", runs))
    metrics = metrics_of(found)
    for name, value in metrics.items():
        console.print(f"{name}: {'null' if value is None else value}")
    if chosen.json is not None:
        text = json.dumps({"metrics": metrics}, indent=2) + "\n"
        chosen.json.write_text(text, encoding="utf-8")
    return 0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    sys.exit(main())
