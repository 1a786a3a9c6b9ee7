"""`kill -9` of the server, at random moments, twenty times over: nothing is lost and nothing runs twice."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
from typing import Any

import pytest

from tests.e2e.books import check_books, check_logs, runs
from tests.e2e.installation import ENDED, Installation
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
_KILLS = 20


def test_twenty_kills_lose_nothing(installation: Installation) -> None:
    seed = int(os.environ.get("TRADEWIND_E2E_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"TRADEWIND_E2E_SEED={seed}")
    chance = random.Random(seed)
    wanted = _Wanted(installation)
    wanted.add_long_ones()
    for number in range(_KILLS):
        wanted.add_short_ones(number, chance)
        if number == 10:
            wanted.stop("to-be-stopped")
        _kill_at_random_moment(installation, chance)
        installation.spawn_server()
        # Half of the kills may fall on a server that is still starting.
        if chance.random() < 0.5:
            installation.wait_until_ready()
    installation.wait_until_ready()
    wanted.submit_what_was_refused()
    ids = wanted.ids
    eventually(
        "every job has ended",
        lambda: all(installation.job(job)["status"] in ENDED for job in ids.values()),
        timeout_s=120,
    )
    wanted.check_statuses()
    check_books(installation)
    _check_runs_and_logs(installation)


def _kill_at_random_moment(installation: Installation, chance: random.Random) -> None:
    server = installation.server
    assert server is not None
    try:
        status = server.wait(timeout=chance.uniform(0.05, 2.5))
    except subprocess.TimeoutExpired:
        installation.kill()
    else:
        raise AssertionError(
            f"the server ended by itself with {status}:\n{installation.server_log()[-3000:]}"
        )


def _check_runs_and_logs(installation: Installation) -> None:
    attempts = installation.rows("SELECT id, job_id, number, started_at, status FROM attempts")
    started = runs(installation)
    assert set(started.values()) == {1}
    known = {attempt["id"] for attempt in attempts}
    assert set(started) <= known
    assert {attempt["id"] for attempt in attempts if attempt["started_at"] is not None} <= set(started)
    for attempt in attempts:
        if attempt["status"] != "cancelled" and attempt["id"] in started:
            check_logs(installation, attempt["id"], attempt["job_id"], attempt["number"])


class _Wanted:
    """Jobs, each under a key of its own: what a dying server did not answer is asked again with the same key."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._open: dict[str, dict[str, Any]] = {}
        self._expected: dict[str, str] = {}
        self.ids: dict[str, str] = {}

    def add(self, name: str, expected: str, spec: dict[str, Any]) -> None:
        """Asks for a job that must end as `expected`."""
        self._expected[name] = expected
        self._open[name] = {"name": name, **spec}
        self._try(name)

    def _try(self, name: str) -> None:
        try:
            self.ids[name] = self._installation.submit(self._open[name], key=f"key-{name}")
        except (OSError, http.client.HTTPException):
            return
        del self._open[name]

    def add_long_ones(self) -> None:
        """Jobs that are under way while the server dies again and again."""
        worker = self._installation.run_worker
        small = {"resources": {"cpus": 0.2}}
        self.add("long-1", "succeeded", {"run": worker(120, 0.1), **small})
        self.add("long-2", "succeeded", {"run": worker(60, 0.2), **small})
        checkpoints = {"checkpoints": {"path": "ckpt", "keep": 2}, "outputs": ["ckpt/**"]}
        self.add("long-checkpoints", "succeeded", {"run": worker(24, 0.5), **small, **checkpoints})
        self.add("with-setup", "succeeded", {"setup": "echo made > made", "run": worker(5, 0.1), **small})
        self.add("fails-twice", "failed", {"run": worker(3, 0.1, 3), "retry": {"failures": 1}, **small})
        self.add("to-be-stopped", "cancelled", {"run": worker(1200, 0.1), **small})
        whole = {"resources": {"cpus": 1.0}}
        for number in range(6):
            self.add(f"queued-{number}", "succeeded", {"run": worker(10, 0.1), **whole})

    def add_short_ones(self, number: int, chance: random.Random) -> None:
        """A few jobs that are over at once."""
        for each in range(chance.randrange(1, 4)):
            spec = {"run": self._installation.run_worker(2, 0.02), "resources": {"cpus": 0.1}}
            self.add(f"short-{number}-{each}", "succeeded", spec)

    def submit_what_was_refused(self) -> None:
        """Asks again for what got no answer, and once more for all that did."""
        for name in list(self._open):
            self._try(name)
        assert self._open == {}

    def stop(self, name: str) -> None:
        """Stops a job, asking until there is an answer."""
        if name not in self.ids:
            self._try(name)
        self._installation.wait_until_ready()
        self._installation.stop_job(self.ids[name])

    def check_statuses(self) -> None:
        """Each ended as it should, each key made one job, and nobody asked for any other."""
        found = self._installation.rows("SELECT id, name, status FROM jobs")
        assert {row["name"]: row["status"] for row in found} == self._expected
        assert {row["name"]: row["id"] for row in found} == self.ids
        assert len(found) == len(self._expected)
