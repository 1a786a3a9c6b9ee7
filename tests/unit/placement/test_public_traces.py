"""The replay on public traces, where they are: it agrees with another simulator, and spot policies keep deadlines."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.simulation import FIFO_ELSEWHERE, build, load_factor, run
from tradewind.domain.offer_table import OfferTable
from tradewind.placement.replay.arrivals import TraceTerms, jobs_of_trace
from tradewind.placement.replay.building import build_world
from tradewind.placement.replay.engine import replay
from tradewind.placement.replay.ranking import make_policy
from tradewind.placement.replay.spot_files import SpotTerms, read_spot_files
from tradewind.spec.trace import read_trace

_ROOT = Path(__file__).resolve().parents[3]


def _traces() -> Path:
    for folder in (_ROOT, *_ROOT.parents):
        if (found := folder / "shared" / "traces").is_dir():
            return found
    pytest.skip("the public traces are not here: there is no folder shared/traces beside this clone")


@pytest.mark.parametrize("cluster", FIFO_ELSEWHERE)
def test_first_come_first_served_agrees_with_another_simulator(cluster: str) -> None:
    text = (_traces() / "philly_gavel" / "jobs.csv").read_text(encoding="utf-8")
    speed = load_factor(text, cluster)
    found, _ = run(build(text, where={"vc": cluster}, limit=1200, speed_up=speed, strict=True))
    mean, p99 = FIFO_ELSEWHERE[cluster]
    assert found.turnaround_mean_s / 3600 == pytest.approx(mean, rel=0.08)
    assert found.turnaround_p99_s / 3600 == pytest.approx(p99, rel=0.08)


@pytest.mark.parametrize("policy", ["spot-greedy", "uniform-progress"])
def test_no_deadline_is_missed_in_zones_that_really_came_and_went(policy: str) -> None:
    folder = _traces() / "spot_k80_v100_2022"
    files = {each.name: each.read_text(encoding="utf-8") for each in folder.glob("*_v100_1.json")}
    traced = read_spot_files(files, SpotTerms(spot_micro=918_000, on_demand_micro=3_060_000))
    jobs = "arrival_h,v100_h,deadline_h,checkpoint_min\n" + "".join(
        f"{24 * day},48,52,10\n" for day in range(9)
    )
    found = jobs_of_trace(read_trace(jobs, "t.csv"), TraceTerms(), "t.csv")
    built = build_world(
        found.shapes,
        found.arrivals,
        table=OfferTable.of(traced.offers),
        courses=dict(enumerate(traced.courses)),
    )
    outcome = replay(built.world, make_policy(policy, built))
    steady = replay(built.world, make_policy("on-demand-only", built))
    assert not any(record.is_late for record in outcome.records)
    assert outcome.cost_micro < 0.75 * steady.cost_micro
