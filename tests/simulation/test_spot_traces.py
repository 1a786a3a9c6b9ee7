"""Jobs with a deadline on the real coming and going of spot machines: public traces, replayed by a simulated cloud."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulation.clocks import START
from tests.simulation.fleet import Fleet
from tests.simulation.test_rented import by, cloud, machines, play, stock
from tradewind.domain.status import JobStatus
from tradewind.providers.simulated import Steps, Work

SHARED = Path(os.environ.get("TRADEWIND_SHARED", Path(__file__).resolve().parents[3] / "shared"))
TRACES = SHARED / "traces" / "spot_v100_9zones"
#: The on-demand price of the traces' machine, and what spot costs of it.
ON_DEMAND = 3_060_000
SPOT = ON_DEMAND * 3 // 10


def capacity(zone: str, first_tick: int) -> Steps:
    trace = json.loads((TRACES / f"{zone}.json").read_text())
    return Steps.of_series(
        trace["data"][first_tick : first_tick + 400], START, trace["metadata"]["gap_seconds"]
    )


@pytest.mark.slow
@pytest.mark.skipif(not TRACES.is_dir(), reason=f"no traces at {TRACES.name}: set TRADEWIND_SHARED")
@pytest.mark.parametrize("first_tick", [900, 7200])
def test_the_deadline_holds_for_less_than_on_demand(tmp_path: Path, first_tick: int) -> None:
    zones = sorted(path.stem for path in TRACES.glob("*-*.json"))[:3]

    async def story(fleet: Fleet) -> None:
        await fleet.submit(**by(8))
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert job.ended_at is not None
        assert job.ended_at <= START + timedelta(hours=8)

    stocks = [stock(zone, SPOT, "spot", capacity(zone, first_tick)) for zone in zones]
    fleet = play(
        tmp_path, story, cloud(*stocks, stock(zones[0], ON_DEMAND)), work=Work(seconds=7200, setup_s=0)
    )
    place = fleet.clouds["cloud"]
    cost = sum(place.bill_micro(each, each.ends_at) for each in machines(fleet) if each.ends_at)
    assert 0 < cost < 2 * ON_DEMAND
