"""Three servers on one PostgreSQL, one of them killed every second: every job ends as it should, and nothing is left.

By default 120 jobs and 30 kills; with TRADEWIND_E2E_LONG=1 500 jobs and 120 kills. TRADEWIND_E2E_SEED repeats a run's
choices, as far as the machine lets it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.books import check_books, runs
from tests.e2e.installation import ENDED, LONG
from tests.e2e.processes import processes_of
from tests.e2e.replicas import Follower, Killer, Replica, ask
from tests.e2e.waiting import eventually
from tests.postgres_for_tests import running_server
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.status import AttemptStatus, JobStatus, move_attempt, move_job

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
_JOBS, _KILLS = (500, 120) if LONG else (120, 30)
_BETWEEN_KILLS_S = 1.0
_BATCH = 10


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Replica]]:
    with running_server() as database:
        url = database.new_database()
        made = [
            Replica(tmp_path / f"server-{number}", url, tmp_path / "shared", tmp_path / "outside")
            for number in range(3)
        ]
        (tmp_path / "outside").mkdir()
        with contextlib.ExitStack() as closing:
            for replica in made:
                closing.callback(replica.close)
            yield made
        assert processes_of(tmp_path) == []


def test_a_server_killed_every_second_loses_nothing(replicas: list[Replica]) -> None:
    seed = int(os.environ.get("TRADEWIND_E2E_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"TRADEWIND_E2E_SEED={seed}")
    chance = random.Random(seed)
    begun = time.monotonic()
    for replica in replicas:
        replica.start()
    end: list[int] = []
    follower = Follower(replicas, random.Random(seed + 1), lambda last: bool(end) and last >= end[0])
    killer = Killer(replicas, random.Random(seed + 2), _KILLS, _BETWEEN_KILLS_S)
    wanted = _Wanted(replicas, chance, killer)
    with killer:
        wanted.submit_and_stop()
        eventually("the killing ends", lambda: killer.is_done, timeout_s=300)
    for replica in replicas:
        replica.wait_until_ready()
    first = replicas[0]
    eventually(
        "every job has ended",
        lambda: not first.rows(f"SELECT id FROM jobs WHERE status NOT IN ({_in_sql(ENDED)}) LIMIT 1"),
        timeout_s=600,
    )
    end_s = time.monotonic() - begun
    end.append(int(first.rows("SELECT max(position) AS last FROM events")[0]["last"]))
    wanted.check_statuses()
    check_books(first)
    _check_stories(first)
    _check_runs(first)
    _check_sums(first)
    follower.join(60)
    assert follower.positions == [
        row["position"] for row in first.rows("SELECT position FROM events ORDER BY position")
    ]
    _check_nothing_is_left(replicas)
    attempts = first.rows("SELECT status FROM attempts")
    print(
        f"{len(wanted.ids)} jobs, {wanted.submitted_among_kills} of them submitted among the kills,"
        f" {len(attempts)} attempts: {dict(Counter(row['status'] for row in attempts))}\n"
        f"{killer.kills} kills in {killer.took_s:.0f} s, all jobs ended after {end_s:.0f} s;"
        f" {len(follower.positions)} events over {follower.connections} connections"
    )


def _in_sql(values: frozenset[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


class _Wanted:
    """Jobs of every kind, each batch under a key of its own: what a dying server did not answer is asked again."""

    def __init__(self, replicas: list[Replica], chance: random.Random, killer: Killer) -> None:
        self._replicas = replicas
        self._killer = killer
        self._chance = chance
        self._outside = replicas[0].outside
        self._expected: dict[str, str] = {}
        self._attempts: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        #: How many were submitted before the killing ended.
        self.submitted_among_kills = 0

    def submit_and_stop(self) -> None:
        """Submits them all, the last ones when the killing is about to end; stops some that wait or run."""
        to_stop: list[str] = []
        for first in range(0, _JOBS, _BATCH):
            due = first / _JOBS * 0.9 * _KILLS
            eventually("it is time for the next", lambda due=due: self._is_time(due))  # type: ignore[misc]
            names = [self._choose(number) for number in range(first, first + _BATCH)]
            self._submit(f"batch-{first}", names)
            # Those of the batch before have had time to start.
            for name in to_stop:
                self._stop(name)
            to_stop = [name for name in names if self._expected[name] == "cancelled"]
        for name in to_stop:
            self._stop(name)

    def _is_time(self, kills: float) -> bool:
        return self._killer.is_done or self._killer.kills >= kills

    def _choose(self, number: int) -> str:
        kind = self._chance.choices(
            ["succeeds", "fails", "retried", "resumes", "works", "stopped"], [60, 12, 12, 6, 6, 4]
        )[0]
        name = f"{kind}-{number}"
        self._expected[name] = {"fails": "failed", "stopped": "cancelled"}.get(kind, "succeeded")
        self._attempts[name] = 2 if kind in ("retried", "resumes") else 1
        return name

    def _submit(self, key: str, names: list[str]) -> None:
        specs = [
            {
                "version": 1,
                "name": name,
                "resources": {"cpus": 0.1},
                **self._spec_of(name.split("-")[0], name),
            }
            for name in names
        ]
        path = os.environ.get("PATH")
        body = {"jobs": [{"spec": spec, "workdir": None, "search_path": path} for spec in specs]}
        answer = ask(self._replicas, self._chance, "POST", "/jobs/batch", body, {"Idempotency-Key": key})
        assert answer.status == 201, answer
        self.ids |= dict(zip(names, answer.json["ids"], strict=True))
        if not self._killer.is_done:
            self.submitted_among_kills += len(names)

    def _spec_of(self, kind: str, name: str) -> dict[str, Any]:
        folder = shlex.quote(str(self._outside))
        told = f'echo "$TRADEWIND_ATTEMPT" >> {folder}/runs'
        pause = f"sleep {self._chance.choice([0, 0, 0.2, 1, 3])}"
        mark = f"{folder}/{name}"
        if kind == "fails":
            return {"run": f"{told}; {pause}; exit 3"}
        if kind == "stopped":
            return {"run": f"{told}; exec sleep 900"}
        if kind == "retried":
            again = f"[ -e {mark} ] || {{ : > {mark}; exit 3; }}"
            return {"run": f"{told}; {pause}; {again}", "retry": {"failures": 1}}
        if kind == "resumes":
            resume = (
                f'if [ -n "${{TRADEWIND_CHECKPOINT:-}}" ]; then cp "$TRADEWIND_CHECKPOINT" {mark}; exit 0; fi'
            )
            save = 'cd "$TRADEWIND_CHECKPOINT_DIR"; echo half > new; mv new step-000003.json; exit 3'
            return {
                "run": f"{told}; {resume}; {pause}; {save}", "retry": {"failures": 1},
                "checkpoints": {"path": "ckpt", "keep": 2},
            }  # fmt: skip
        if kind == "works":
            sum_up = "sum(number * number for number in range(200_000))"
            return {"run": f"{told}; {shlex.join([sys.executable, '-I', '-S', '-c', sum_up])}"}
        return {"run": f"{told}; {pause}"}

    def _stop(self, name: str) -> None:
        answer = ask(self._replicas, self._chance, "POST", f"/jobs/{self.ids[name]}/stop", {"now": False})
        assert answer.status == 200, answer

    def check_statuses(self) -> None:
        """Each ended as it should after as many attempts, each key made one job, and there is no other."""
        first = self._replicas[0]
        found = first.rows("SELECT id, name, status FROM jobs")
        assert {row["name"]: row["status"] for row in found} == self._expected
        assert sorted((row["name"], row["id"]) for row in found) == sorted(self.ids.items())
        counts = Counter(
            row["name"]
            for row in first.rows("SELECT name FROM jobs JOIN attempts ON attempts.job_id = jobs.id")
        )
        stopped = {name for name, status in self._expected.items() if status == "cancelled"}
        assert {name: counts[name] for name in self.ids if name not in stopped} == {
            name: count for name, count in self._attempts.items() if name not in stopped
        }
        assert all(counts[name] <= 1 for name in stopped)
        for name in self.ids:
            if name.startswith("resumes-"):
                assert (self._outside / name).read_text() == "half\n", name


def _check_stories(replica: Replica) -> None:
    """Every change of status follows from the one before and is one that the tables of changes allow."""
    jobs: dict[str, JobStatus] = {}
    attempts: dict[tuple[str, int], AttemptStatus] = {}
    for event in replica.rows("SELECT job_id, type, data FROM events ORDER BY job_id, seq"):
        data = event["data"] or {}
        if "to" not in data:
            continue
        if "attempt" in data:
            key = (event["job_id"], data["attempt"])
            assert data["from"] == attempts.get(key, AttemptStatus.CREATING), event
            attempts[key] = move_attempt(AttemptStatus(data["from"]), AttemptStatus(data["to"]))
        else:
            assert data["from"] == jobs.get(event["job_id"], JobStatus.QUEUED), event
            jobs[event["job_id"]] = move_job(JobStatus(data["from"]), JobStatus(data["to"]))
    assert jobs == {row["id"]: row["status"] for row in replica.rows("SELECT id, status FROM jobs")}
    assert attempts == {
        (row["job_id"], row["number"]): row["status"]
        for row in replica.rows("SELECT job_id, number, status FROM attempts")
    }


def _check_runs(replica: Replica) -> None:
    """The command of each attempt was started once; only of one that was stopped early perhaps never."""
    started = runs(replica)
    assert {attempt: count for attempt, count in started.items() if count != 1} == {}
    attempts = replica.rows("SELECT id, status FROM attempts")
    assert set(started) <= {row["id"] for row in attempts}
    assert {row["id"] for row in attempts if row["status"] != "cancelled"} <= set(started)


def _check_sums(replica: Replica) -> None:
    """Each row of the ledger is its quantity at its rate, and a job has cost what its rows say."""
    sums: Counter[str] = Counter()
    for row in replica.rows("SELECT * FROM ledger"):
        rate = Rate(micro_per_unit=row["rate_micro_per_unit"], per=Quantity(row["rate_per"]))
        assert row["amount_micro"] == rate.charge(row["quantity"]).micro, row
        assert row["ended_at"] >= row["started_at"], row
        sums[row["job_id"]] += row["amount_micro"]
    for row in replica.rows("SELECT id FROM jobs"):
        assert replica.job(row["id"])["cost"]["amount"]["micro"] == sums[row["id"]]


def _check_nothing_is_left(replicas: list[Replica]) -> None:
    # A server that starts clears what a killed one left.
    replicas[0].stop()
    replicas[0].start()
    attempts = replicas[0].directory("any").parent
    eventually("no workdir is left", lambda: not list(attempts.glob("*/work")), timeout_s=30)
    servers = {replica.server.pid for replica in replicas if replica.server is not None}
    root = attempts.parents[1]
    eventually(
        "only the servers run", lambda: {each.pid for each in processes_of(root)} <= servers, timeout_s=30
    )
