"""What must hold after every commit and at the end, checked against the clouds' own accounts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from tests.simulation.clocks import SimulatedClock
from tradewind.control.ranks import attempt_of
from tradewind.db import tables
from tradewind.db.fast import drive, is_fast
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction
from tradewind.domain.status import (
    ATTEMPT_MOVES,
    JOB_MOVES,
    AttemptStatus,
    JobStatus,
    has_ended,
)
from tradewind.providers.simulated import Machine, SimulatedCloud

_LIVE = "status IN ('creating', 'starting', 'running', 'stopping')"
_NOT_HELD = "NOT EXISTS (SELECT 1 FROM reservations AS r WHERE r.attempt_id = {} AND r.released_at IS NULL)"
#: Everything that is looked at after each commit, in one statement; what a row stands for is its first column.
_STATE = f"""
SELECT 'gone', id, provider, handle FROM nodes WHERE is_rented AND status = 'gone'
UNION ALL SELECT 'live', id, task_id, NULL FROM attempts WHERE {_LIVE}
UNION ALL SELECT 'not held', id, NULL, NULL FROM attempts WHERE {_LIVE} AND {_NOT_HELD.format("attempts.id")}
UNION ALL SELECT 'not held', attempt_id, NULL, NULL FROM nodes
WHERE is_rented AND ended_at IS NULL AND attempt_id IS NOT NULL AND {_NOT_HELD.format("nodes.attempt_id")}
"""
#: A job that waits says why by then, and when it is tried again.
_PATIENCE = timedelta(minutes=5)


def run_text(tx: Transaction, query: str) -> Iterable[Sequence[Any]]:
    """The rows of a query: it is made some thousand times a run, so SQLite's driver gets it as it is."""
    if is_fast(tx.connection):
        return drive(tx.connection, query)
    return tx.execute(text(query))


class Watcher:
    """Remembers what it has seen, so that a look after each commit is cheap."""

    def __init__(self, clouds: dict[str, SimulatedCloud], clock: SimulatedClock) -> None:
        self._clouds = clouds
        self._clock = clock
        self._known_keys: set[str] = set()
        self._gone: set[str] = set()
        #: Since when somebody is there to look after the jobs: after an outage nobody can have said why they wait.
        self.served_since: datetime | None = None

    def allow(self, key: str) -> None:
        """A story makes a machine under this key behind the control plane's back."""
        self._known_keys.add(key)

    def check_always(self, tx: Transaction) -> None:
        """Holds after every commit."""
        found: dict[str, list[tuple[str, Any, Any]]] = {"live": [], "gone": [], "not held": []}
        for kind, *columns in run_text(tx, _STATE):
            found[kind].append(tuple(columns))
        tasks = Counter(task for _, task, _ in found["live"])
        twice = [task for task, count in tasks.items() if count > 1]
        assert not twice, f"two live attempts of {twice}"
        now = self._clock.now()
        self._nothing_is_rented_without_an_intent(tx)
        self._what_runs_is_known({attempt for attempt, _, _ in found["live"]}, now)
        self._what_is_called_gone_is_gone(found["gone"], now)
        missing = [attempt for attempt, _, _ in found["not held"]]
        assert not missing, f"nothing is held for {missing}"

    def _nothing_is_rented_without_an_intent(self, tx: Transaction) -> None:
        keys = {each.key for each in self._machines()} - self._known_keys
        if keys:
            table = tables.intents
            found = set(tx.execute(select(table.c.key).where(table.c.key.in_(keys))).scalars())
            assert keys <= found, f"rented without an intent: {keys - found}"
            self._known_keys |= keys

    def _what_runs_is_known(self, live: set[str], now: object) -> None:
        running: dict[str, list[str]] = defaultdict(list)
        for cloud in self._clouds.values():
            for machine in cloud.living(cloud.now()):
                for process in machine.processes.values():
                    if process.ended_at is None:
                        running[process.request.job_id].append(process.request.attempt_id)
        # An attempt on several nodes runs once on each: under a name of its own, and together with no other attempt.
        twice = {
            job: names
            for job, names in running.items()
            if len(names) > 1 and (len(set(map(attempt_of, names))) > 1 or len(set(names)) < len(names))
        }
        assert not twice, f"runs twice at {now}: {twice}"
        dead = {attempt_of(each) for names in running.values() for each in names} - live
        assert not dead, f"it still runs, but its attempt has ended: {dead}"

    def _what_is_called_gone_is_gone(self, nodes: list[tuple[str, Any, Any]], now: object) -> None:
        for node_id, provider, kept in nodes:
            if node_id in self._gone:
                continue
            cloud = self._clouds[provider]
            handle = json.loads(kept) if isinstance(kept, str) else kept
            machine = cloud.machines[handle["id"]]
            assert machine.is_gone(cloud.now()), f"{node_id} is called gone at {now}, but {machine.id} lives"
            self._gone.add(node_id)

    def check_waiting(self, job: JobRow) -> None:
        """A job that waits for long has a stated reason, and the time of the next try."""
        if job.status is not JobStatus.QUEUED:
            return
        if job.reason is None:
            waited = self._clock.now() - max(job.created_at, self.served_since or job.created_at)
            assert waited < _PATIENCE or job.attempt_id is not None, f"{job.name} waits, and nobody says why"
            return
        assert job.explanation, f"{job.name} waits for {job.reason} without a sentence"

    # -- at the end ----------------------------------------------------------------------------------------------

    def unknown_machines(self, tx: Transaction) -> list[str]:
        """Machines that no row tells of."""
        table = tables.nodes
        rows = tx.execute(select(table.c.provider, table.c.handle).where(table.c.is_rented))
        known = {(row.provider, row.handle["id"]) for row in rows if row.handle is not None}
        return [
            machine.id
            for name, cloud in self._clouds.items()
            for machine in cloud.machines.values()
            if (name, machine.id) not in known
        ]

    def check_at_the_end(self, tx: Transaction) -> None:
        """Holds once every job has ended and everything is given back."""
        self.check_always(tx)
        assert not self.unknown_machines(tx)
        now = self._clock.now()
        self._the_ledger_is_the_bill(tx, now)
        intents = tables.intents
        still_open = tx.execute(select(intents.c.key).where(intents.c.closed_at.is_(None))).scalars().all()
        assert not still_open, f"open intents: {still_open}"
        allocations = tables.allocations
        assert not tx.execute(
            select(func.count()).select_from(allocations).where(allocations.c.released_at.is_(None))
        ).scalar_one(), "allocations of what has ended"
        self._gangs_were_whole(tx)
        self._stories_are_legal(tx)
        for machine in self._machines():
            for process in machine.processes.values():
                assert process.ended_at is not None

    def _the_ledger_is_the_bill(self, tx: Transaction, now: object) -> None:
        nodes, ledger = tables.nodes, tables.ledger
        sums = dict(
            tx.execute(
                select(ledger.c.node_id, func.sum(ledger.c.amount_micro)).group_by(ledger.c.node_id)
            ).all()
        )
        total = 0
        rows = tx.execute(select(nodes.c.id, nodes.c.provider, nodes.c.handle).where(nodes.c.is_rented))
        for row in rows:
            if row.handle is None:
                assert row.id not in sums, f"{row.id} was never rented and has a ledger row"
                continue
            cloud = self._clouds[row.provider]
            machine = cloud.machines[row.handle["id"]]
            bill = cloud.bill_micro(machine, cloud.now())
            total += bill
            assert int(sums.get(row.id, 0)) == bill, (
                f"{machine.id} cost {bill} by the cloud's bill, {sums.get(row.id, 0)} by the ledger"
            )
        everything = sum(
            cloud.bill_micro(machine, cloud.now())
            for cloud in self._clouds.values()
            for machine in cloud.machines.values()
        )
        assert total == everything, f"the ledger has {total} at {now}, the clouds billed {everything}"

    def _gangs_were_whole(self, tx: Transaction) -> None:
        """No rank of several began before every node of its attempt was there, and each was on one of its own."""
        ranks, nodes = tables.ranks, tables.nodes
        ready: dict[str, list[Any]] = defaultdict(list)
        rows = tx.execute(
            select(ranks.c.attempt_id, nodes.c.id, nodes.c.ready_at).join(
                nodes, nodes.c.id == ranks.c.node_id
            )
        )
        for row in rows:
            ready[row.attempt_id].append((row.id, row.ready_at))
        for attempt_id, found in ready.items():
            assert len({node for node, _ in found}) == len(found), f"{attempt_id} has a node twice: {found}"
        for machine in self._machines():
            for process in machine.processes.values():
                times = [at for _, at in ready.get(attempt_of(process.request.attempt_id), [])]
                is_whole = all(at is not None and at <= process.started_at for at in times)
                assert is_whole, (
                    f"{process.request.attempt_id} began on {machine.id} before all nodes were there"
                )

    def _stories_are_legal(self, tx: Transaction) -> None:
        events, jobs = tables.events, tables.jobs
        counters = dict(tx.execute(select(jobs.c.id, jobs.c.event_seq)).all())
        told: dict[str, list[tuple[int, str, dict[str, object]]]] = defaultdict(list)
        for row in tx.execute(
            select(events.c.job_id, events.c.seq, events.c.type, events.c.data).order_by(events.c.position)
        ):
            told[row.job_id].append((row.seq, row.type, row.data))
        for job_id, story in told.items():
            numbers = [seq for seq, _, _ in story]
            assert numbers == list(range(1, counters[job_id] + 1)), f"{job_id}: events {numbers}"
            self._moves_follow_the_table(job_id, story)

    @staticmethod
    def _moves_follow_the_table(job_id: str, story: list[tuple[int, str, dict[str, object]]]) -> None:
        job = JobStatus.QUEUED
        attempts: dict[object, AttemptStatus] = {}
        for _, kind, data in story:
            noun, _, word = kind.partition(".")
            if noun == "job" and word in {each.value for each in JobStatus} and "from" in data:
                wanted = JobStatus(word)
                assert data["from"] == job, f"{job_id}: from {data['from']}, but it was {job}"
                assert wanted in JOB_MOVES[job], f"{job_id}: {job} to {wanted}"
                job = wanted
            elif noun == "attempt" and word in {each.value for each in AttemptStatus} and "from" in data:
                number = data["attempt"]
                before = attempts.get(number, AttemptStatus.CREATING)
                after = AttemptStatus(word)
                assert after in ATTEMPT_MOVES[before], f"{job_id}: attempt {number} from {before} to {after}"
                attempts[number] = after
        assert has_ended(job), f"{job_id}: its story ends with {job}"

    def _machines(self) -> list[Machine]:
        return [machine for cloud in self._clouds.values() for machine in cloud.machines.values()]
