"""The load on the control plane: small, through a real server, and the check that follows it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from benchmarks.control import run_load
from benchmarks.control_check import Overheads, check_run
from benchmarks.control_loads import LARGE, SMALL

#: What must be noticed, and how to bring it about.
_TAMPERINGS = {
    "events have a gap": "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
    "exactly one ledger row": "DELETE FROM ledger WHERE id = (SELECT max(id) FROM ledger)",
    "reservations that are held": (
        "UPDATE reservations SET released_at = NULL WHERE id = (SELECT max(id) FROM reservations)"
    ),
    "attempts that did not succeed": "UPDATE attempts SET status = 'failed' WHERE id = (SELECT max(id) FROM attempts)",
    "did not succeed": "UPDATE jobs SET status = 'running' WHERE id = (SELECT max(id) FROM jobs)",
}


def test_the_loads_are_those_that_were_published() -> None:
    assert (SMALL.jobs, LARGE.jobs) == (15_000, 50_000)
    assert (SMALL.units, LARGE.units) == (600, 20_000)
    assert round(SMALL.work_s) == 66
    assert round(LARGE.work_s) == 4
    assert sum(1 for _ in SMALL.specs()) == SMALL.jobs


@pytest.mark.e2e
def test_a_small_load_runs_every_job_exactly_once_and_what_is_wrong_is_noticed() -> None:
    load = SMALL.reduced(queues=2, share=25)

    def check(state: Path, ids: list[str]) -> Overheads:
        found = check_run(state, ids)
        for what, tampering in _TAMPERINGS.items():
            kept = (state / "tradewind.db").read_bytes()
            with sqlite3.connect(state / "tradewind.db") as database:
                database.execute(tampering)
            database.close()
            with pytest.raises(RuntimeError, match=what):
                check_run(state, ids)
            (state / "tradewind.db").write_bytes(kept)
        with pytest.raises(RuntimeError, match="in the database"):
            check_run(state, ids[1:])
        return found

    outcome = run_load(load, check)
    assert outcome.jobs == load.jobs == 40
