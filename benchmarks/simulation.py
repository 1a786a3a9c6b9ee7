"""How fast job traces are replayed, and how far the replay agrees with another simulator of the same setting.

    python -m benchmarks.simulation --traces DIR [--json FILE]

DIR holds `philly_gavel/jobs.csv`: `vc, arrival_s, gpus, ..., v100_s`.
"""

from __future__ import annotations

import csv
import gc
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Peer, render_table
from benchmarks.machine import describe_machine
from benchmarks.script import end_cleanly, make_parser, write_json
from tradewind.domain.offer_table import OfferTable
from tradewind.estimate.tariff import tariff_for
from tradewind.placement.replay.arrivals import TraceTerms, jobs_of_trace
from tradewind.placement.replay.building import Built, build_world
from tradewind.placement.replay.engine import replay
from tradewind.placement.replay.imagined import imagined_machines
from tradewind.placement.replay.ranking import make_policy
from tradewind.placement.replay.summary import Summary, summarise
from tradewind.spec.trace import read_trace

DESCRIPTION: Final = "Simulation"
_FILE: Final = "philly_gavel/jobs.csv"
_GPUS: Final = 128
_MACHINES: Final = "16x V100:8"
_MOST_HOURS: Final = 48.0
_LOAD: Final = 0.9
_JOBS: Final = 1200
#: First come, first served, whoever is first holds up the others: mean and 99th percentile of hours from arrival to
#: end that another simulator found for 16 machines of 8 at load 0.9, the first 1200 jobs, run times cut at 48 h.
FIFO_ELSEWHERE: Final = {"11cb48": (25.2, 81.5), "b436b2": (30.1, 76.6)}


def load_factor(text: str, virtual_cluster: str) -> float:
    """How many times as fast the jobs must arrive for a load of 0.9 on 128 accelerators."""
    rows = [
        row for row in csv.DictReader(text.splitlines()) if row["vc"] == virtual_cluster and row["v100_s"]
    ][:_JOBS]
    work = sum(int(row["gpus"]) * min(float(row["v100_s"]), _MOST_HOURS * 3600) for row in rows)
    span = float(rows[-1]["arrival_s"]) - float(rows[0]["arrival_s"])
    return _LOAD / (work / (span * _GPUS))


def build(
    text: str,
    *,
    where: dict[str, str] | None = None,
    limit: int | None = None,
    speed_up: float = 1.0,
    strict: bool,
) -> Built:
    """The world of a trace on 16 machines with eight accelerators each."""
    trace = read_trace(text, _FILE, where=where, limit=limit)
    jobs = jobs_of_trace(trace, TraceTerms(max_hours=_MOST_HOURS, speed_up=speed_up), _FILE)
    own = imagined_machines(_MACHINES, tariff_for(None))
    return build_world(
        jobs.shapes, jobs.arrivals, table=OfferTable.of(()), owned=[own], is_strict_queue=strict
    )


def run(built: Built) -> tuple[Summary, float]:
    """The figures under first come, first served, and the seconds that the replay took."""
    gc.collect()
    start = time.perf_counter()
    outcome = replay(built.world, make_policy("owned-only", built))
    taken = time.perf_counter() - start
    return summarise(built.world, outcome), taken


def measure(text: str, runs: int) -> list[Figure]:
    """Speed on the whole trace, and agreement on two virtual clusters."""
    figures = []
    start = time.perf_counter()
    built = build(text, strict=True)
    taken = time.perf_counter() - start
    count = len(built.world.jobs)
    note = f"{count:,} jobs with known hours on 16 machines of 8"
    figures.append(
        Figure(
            name="read the trace and build the world", unit="s", values=(taken,), better="lower", note=note
        )
    )
    for name, is_strict in (("strict queue", True), ("whoever fits goes", False)):
        world = build(text, strict=is_strict)
        times = [run(world)[1] for _ in range(runs)]
        rates = tuple(count / each for each in times)
        figures.append(Figure(name=f"replay, {name}", unit="jobs/s", values=rates, better="higher"))
    for cluster, (mean, p99) in FIFO_ELSEWHERE.items():
        world = build(
            text, where={"vc": cluster}, limit=_JOBS, speed_up=load_factor(text, cluster), strict=True
        )
        found, _ = run(world)
        for what, seconds, other in (
            ("mean", found.turnaround_mean_s, mean),
            ("p99", found.turnaround_p99_s, p99),
        ):
            figures.append(
                Figure(
                    name=f"FIFO, {cluster}: arrival to end, {what}",
                    unit="h",
                    values=(seconds / 3600,),
                    better="lower",
                    peer=Peer(name="another simulator", value=other),
                )
            )
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Prints the table, and writes the JSON file that was asked for."""
    parser = make_parser(DESCRIPTION)
    parser.add_argument("--traces", type=Path, required=True, metavar="DIR", help="folder with philly_gavel/")
    parsed: Any = parser.parse_args(arguments)
    end_cleanly()
    text = (parsed.traces / _FILE).read_text(encoding="utf-8")
    machine = describe_machine()
    figures = measure(text, 1 if parsed.tiny else 5)
    print(render_table(figures))
    if parsed.json is not None:
        write_json(parsed.json, machine, {DESCRIPTION: figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
