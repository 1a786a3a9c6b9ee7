"""Random runs of several servers on clouds where everything goes wrong; deliberate bugs; the same on PostgreSQL."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_for_tests import Server, empty_all_tables, running_server
from tests.simulation.clocks import SeededEntropy, SimulatedClock
from tests.simulation.mutations import MUTATIONS
from tests.simulation.scenario import run_seed
from tradewind.db.opening_postgres import open_postgres
from tradewind.db.postgres import PostgresStore
from tradewind.db.store import Store
from tradewind.domain.secrets import Secret

ROOT = Path(__file__).resolve().parents[2]
#: All different in each run; what a run found is repeated with `make simulate SEED=N`.
SEEDS = int(os.environ.get("TRADEWIND_SIMULATED_SEEDS", "500"))
FIRST = int(os.environ.get("TRADEWIND_SIMULATED_FIRST", secrets.randbelow(10**9)))
#: How many seeds a deliberate bug may outlive.
ENOUGH = 200


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_no_seed_breaks_anything() -> None:
    done = simulate("--seeds", str(SEEDS), "--first", str(FIRST), "--workers", "2")
    print(done.stdout)
    assert done.returncode == 0, f"seeds from {FIRST} on:\n{done.stdout}{done.stderr}"
    assert f"{SEEDS:,} seeds" in done.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_deliberate_bug_is_found(name: str) -> None:
    done = simulate("--seeds", str(ENOUGH), "--first", "1", "--mutation", name, "--until-broken")
    print(done.stdout)
    assert done.returncode == 1, f"{name} outlived {ENOUGH} seeds"
    assert "broken after" in done.stdout


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    stories = [run_seed(3, tmp_path / name, keep_rows=True).told for name in ("one", "two")]
    assert stories[0] == stories[1]
    assert len(stories[0]) > 10


@pytest.fixture(scope="module")
def database_server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.mark.slow
def test_the_same_runs_hold_on_postgresql(tmp_path: Path, database_server: Server) -> None:
    engine = open_postgres(Secret(database_server.migrated_database()))

    def make_store(clock: SimulatedClock, entropy: SeededEntropy) -> Store:
        empty_all_tables(engine)
        return PostgresStore(engine, clock, entropy, is_database_time=False, inline=True)

    for seed in range(FIRST, FIRST + 10):
        fleet = run_seed(seed, tmp_path / str(seed), make_store=make_store)
        assert fleet.store.commits > 10
