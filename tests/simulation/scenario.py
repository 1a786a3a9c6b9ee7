"""What one seed stands for: clouds with their moods, jobs, servers, and the accidents that befall them."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.simulation.clocks import START
from tests.simulation.fleet import Fleet, Replica
from tests.simulation.loop import run_simulated
from tests.simulation.mutations import mutated
from tests.simulation.oracle import lease_oracle
from tests.simulation.story import event_lines, tell
from tradewind.domain.offers import CreateIdempotency, SelfTermination
from tradewind.domain.status import JobStatus, Reason, has_ended
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Faults, Profile, Steps, Stock, Work

_ACCELERATORS = (("A100 80GB PCIe", "a100"), ("H100 SXM", "h100"), (None, "cpu"))


_PATIENCE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a seed decides beforehand."""

    seed: int
    profiles: list[Profile]
    jobs: list[dict[str, Any]]
    replicas: int
    accidents: float
    kills: int
    keep_idle_s: float = 0.0

    def describe(self) -> str:
        """The scenario in a few lines."""
        lines = [
            f"seed {self.seed}: {self.replicas} servers, {self.kills} kills, {len(self.jobs)} jobs, "
            f"{self.accidents:.1%} of transactions meet with an accident, machines are kept idle {self.keep_idle_s:g} s"
        ]
        for each in self.profiles:
            lines.append(
                f"  cloud {each.id}: create by {each.create_idempotency}, listings {each.list_lag_s:.0f} s late, "
                f"{len(each.stocks)} kinds of machine, quota {each.quota}, {each.faults}"
            )
        lines += [f"  job {each}" for each in self.jobs]
        return "\n".join(lines)


def make_scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = random.Random(f"scenario/{seed}")
    profiles = [_profile(chance, f"cloud{number}") for number in range(chance.choice([1, 1, 2, 3]))]
    return Scenario(
        seed=seed,
        profiles=profiles,
        jobs=_with_gangs(seed, [_job(chance, number) for number in range(chance.randint(1, 4))]),
        replicas=chance.choice([1, 2, 3]),
        accidents=chance.choice([0.0, 0.0, 0.01, 0.05]),
        kills=chance.choice([0, 3, 6, 10]),
        keep_idle_s=random.Random(f"idle/{seed}").choice([0.0, 0.0, 30.0, 600.0]),
    )


def _profile(chance: random.Random, name: str) -> Profile:
    way = chance.choice(list(CreateIdempotency))
    stocks: list[Stock] = []
    for zone in range(chance.randint(1, 3)):
        for accelerator, short in chance.sample(_ACCELERATORS, chance.randint(1, 2)):
            for market in chance.choice([("on_demand",), ("on_demand", "spot"), ("on_demand", "spot")]):
                stocks.append(_stock(chance, f"{name}-r{zone % 2}", zone, accelerator, short, market))
    if not any(each.market == "on_demand" and each.accelerator is None for each in stocks):
        # Every job can run somewhere, some day.
        stocks.append(_stock(chance, f"{name}-r0", 0, None, "cpu", "on_demand"))
    chaos = chance.choice([0.0, 0.02, 0.1])
    outages: list[tuple[datetime, datetime]] = []
    expired: list[tuple[datetime, datetime]] = []
    for spans in (outages, expired):
        if chance.random() < 0.25:
            begin = START + timedelta(seconds=chance.uniform(0, 900))
            spans.append((begin, begin + timedelta(seconds=chance.uniform(30, 900))))
    return Profile(
        id=name,
        create_idempotency=way,
        self_termination=chance.choice([SelfTermination.PROVIDER_TTL, SelfTermination.NONE]),
        list_lag_s=chance.choice([0.0, 0.0, 5.0, 60.0]),
        latency_s=chance.choice([0.1, 1.0, 5.0]),
        boot_s=(5.0, chance.choice([20.0, 120.0])),
        dead_on_arrival=chance.choice([0.0, 0.0, 0.1]),
        spot_mean_life_s=chance.choice([None, 120.0, 1000.0]),
        notice_s=chance.choice([0.0, 30.0, 120.0]),
        mean_life_s=chance.choice([None, None, 3000.0]),
        quota=chance.choice([1, 3, 100]),
        granularity_s=chance.choice([1, 1, 60, 3600]),
        minimum_s=chance.choice([0, 60, 600]),
        stocks=tuple(stocks),
        faults=Faults(
            lost_call=chaos / 2,
            lost_reply=chaos,
            duplicate=chaos / 2,
            rate_limit=chaos / 2,
            server_error=chaos / 2,
            odd_state=chaos / 2,
            outages=tuple(outages),
            expired_credentials=tuple(expired),
        ),
    )


def _stock(
    chance: random.Random, region: str, zone: int, accelerator: str | None, short: str, market: str
) -> Stock:
    price = chance.randrange(100_000, 4_000_000)
    if market == "spot":
        price //= 3
    times, prices, capacity = [START], [price], [chance.choice([0, 1, 2, 5])]
    for _ in range(chance.choice([0, 3, 10])):
        times.append(times[-1] + timedelta(seconds=chance.uniform(10, 900)))
        prices.append(max(int(prices[-1] * chance.uniform(0.7, 1.4)), 10_000))
        capacity.append(chance.choice([0, 1, 2, 5]))
    # In the long run there is capacity: a job that waits for ever would show nothing.
    times.append(times[-1] + timedelta(seconds=chance.uniform(10, 900)))
    prices.append(price)
    capacity.append(5)
    return Stock(
        region=region,
        zone=f"{region}{'abc'[zone]}",
        instance_type=f"{short}-1",
        accelerator=accelerator,
        accelerator_count=0.0 if accelerator is None else 1.0,
        market=market,
        cpus=8,
        memory_bytes=64 << 30,
        price_micro_per_hour=Steps(tuple(times), tuple(prices)),
        capacity=Steps(tuple(times), tuple(capacity)),
    )


def _with_gangs(seed: int, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In some runs some of the jobs need several machines at once."""
    chance = random.Random(f"gangs/{seed}")
    share = chance.choice([0.0, 0.0, 0.3, 1.0])
    for job in jobs:
        if chance.random() < share:
            job["resources"] = {**job["resources"], "nodes": chance.choice([2, 2, 3])}
    return jobs


def _job(chance: random.Random, number: int) -> dict[str, Any]:
    job: dict[str, Any] = {
        "name": f"job-{number}",
        "retry": {"failures": chance.choice([0, 3]), "interruptions": 1000, "node_failures": 1000},
        "strategy": chance.choice(["balanced", "cheapest", "fastest"]),
        "resources": {"spot": chance.choice(["auto", "auto", "never"])},
    }
    if chance.random() < 0.7:
        job["checkpoints"] = {"path": "ckpt", "every": chance.choice(["5s", "20s"]), "keep": 2}
    if chance.random() < 0.3:
        job["on_lost_contact"] = "checkpoint-and-stop"
    if chance.random() < 0.3:
        job["constraints"] = {"budget": chance.choice(["$0.05", "$1", "$50"])}
    return job


def work_of(seed: int, request: AttemptRequest) -> Work:
    """What an attempt does: the same for all attempts of a job, but for chance failures of some."""
    whole = random.Random(f"work/{seed}/{request.job_name}")
    rank = f"/{request.rank}" if request.rank else ""
    mine = random.Random(f"attempt/{seed}/{request.job_name}/{request.number}{rank}")
    # Only work that is kept lets a job on short-lived machines come to an end.
    seconds = whole.uniform(5, 150) if request.checkpoint_path else whole.uniform(2, 40)
    fails = mine.uniform(1, 20) if mine.random() < 0.15 else None
    return Work(seconds=seconds, setup_s=mine.uniform(0, 5), exit_code=0, fails_after_s=fails)


async def play(fleet: Fleet, scenario: Scenario) -> None:
    """Plays a scenario to its end, and checks what is left."""
    chance = random.Random(f"play/{scenario.seed}")
    await fleet.create()
    fleet.start_all()
    ids: list[str] = []
    for job in scenario.jobs:
        await asyncio.sleep(chance.choice([0.0, 0.5, 30.0]))
        ids.append(await fleet.submit(**job))
    for _ in range(scenario.kills):
        await asyncio.sleep(chance.uniform(0.0, 60.0))
        await _accident(fleet, chance, ids)
    fleet.start_all()
    # What waits by then for a price that nobody asks would wait for ever.
    asyncio.get_running_loop().call_later(
        _PATIENCE_S, lambda: late.append(asyncio.ensure_future(_stop_all(fleet)))
    )
    late: list[asyncio.Future[None]] = []
    jobs = await fleet.until_ended()
    for row in jobs:
        if row.status is JobStatus.FAILED:
            assert row.reason in (Reason.EXITED, Reason.BUDGET), f"{row.name} failed for {row.reason}"
    await fleet.drain()
    await fleet.store.read(fleet.watcher.check_at_the_end)


async def _stop_all(fleet: Fleet) -> None:
    for job in await fleet.jobs():
        if not has_ended(job.status):
            await fleet.stop(job.id)


async def _accident(fleet: Fleet, chance: random.Random, ids: list[str]) -> None:
    replica: Replica = chance.choice(fleet.replicas)
    what = chance.choice(["kill", "kill", "pause", "pause", "pause", "skew", "stop", "outage"])
    if what == "kill":
        await fleet.kill(replica)
        await asyncio.sleep(chance.choice([0.0, 0.5, 40.0]))
        fleet.start(replica)
    elif what == "pause" and replica.is_up:
        replica.gate.close()
        await asyncio.sleep(chance.choice([5.0, 45.0, 45.0, 120.0, 600.0]))
        replica.gate.open()
    elif what == "skew":
        replica.clock.skew = timedelta(seconds=chance.uniform(-400, 400))
    elif what == "stop":
        await fleet.stop(chance.choice(ids))
    elif what == "outage":
        for each in fleet.replicas:
            await fleet.kill(each)
        await asyncio.sleep(chance.choice([10.0, 60.0, 2400.0]))
        fleet.start_all()


def run_seed(
    seed: int, root: Path, mutation: str | None = None, *, keep_rows: bool = False, **options: Any
) -> Fleet:
    """Plays one seed. Raises what was violated, with the scenario and its story as notes.

    With `keep_rows` the events of all jobs are in the fleet's `told` afterwards.
    """
    scenario = make_scenario(seed)
    fleet = Fleet(
        seed, root, scenario.profiles, lambda request: work_of(seed, request), replicas=scenario.replicas,
        accidents=scenario.accidents, keep_idle=timedelta(seconds=scenario.keep_idle_s), **options,
    )  # fmt: skip

    async def main() -> None:
        try:
            await play(fleet, scenario)
            if keep_rows:
                fleet.told = await fleet.store.read(event_lines)
        except BaseException as error:
            error.add_note(scenario.describe())
            error.add_note(await tell(fleet))
            raise
        finally:
            await fleet.close()

    with mutated(mutation), lease_oracle(fleet.store.violations.append):
        run_simulated(seed, main())
    return fleet
