"""Holds what a run left in the database against what was asked for: every job once, nothing left over."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.control_place import ACCOUNT, COMMAND

_ONCE: Final = {
    "jobs that did not succeed": "SELECT count(*) FROM jobs WHERE status != 'succeeded'",
    "tasks that did not succeed": "SELECT count(*) FROM tasks WHERE status != 'succeeded'",
    "attempts that did not succeed": "SELECT count(*) FROM attempts WHERE status != 'succeeded' OR number != 1",
    "jobs without exactly one attempt": (
        "SELECT count(*) FROM jobs WHERE (SELECT count(*) FROM attempts WHERE attempts.job_id = jobs.id) != 1"
    ),
    "attempts without exactly one ledger row": (
        "SELECT count(*) FROM attempts WHERE (SELECT count(*) FROM ledger WHERE ledger.attempt_id = attempts.id) != 1"
    ),
    "ledger rows that do not cover the run": "SELECT count(*) FROM ledger WHERE ended_at < started_at",
    "jobs whose events have a gap": (
        "SELECT count(*) FROM jobs JOIN (SELECT job_id, count(*) AS n, min(seq) AS low, max(seq) AS high FROM events"
        " GROUP BY job_id) AS told ON told.job_id = jobs.id"
        " WHERE told.n != jobs.event_seq OR told.low != 1 OR told.high != jobs.event_seq"
    ),
    "jobs without events": "SELECT count(*) FROM jobs WHERE id NOT IN (SELECT job_id FROM events)",
    "allocations that are held": "SELECT count(*) FROM allocations WHERE released_at IS NULL",
    "reservations that are held": "SELECT count(*) FROM reservations WHERE released_at IS NULL",
    "intents that are open": "SELECT count(*) FROM intents WHERE closed_at IS NULL",
    "predictions that are open": "SELECT count(*) FROM predictions WHERE closed_at IS NULL",
}
#: Seconds between being placed and its capacity being free again, less the time that it took at the place.
_OVERHEAD: Final = f"""
SELECT (l.released_at - l.created_at) / 1e6 - CAST(substr(json_extract(j.spec, '$.run'), {len(COMMAND) + 2}) AS REAL)
FROM allocations AS l JOIN attempts AS a ON a.id = l.attempt_id JOIN jobs AS j ON j.id = a.job_id ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Overheads:
    """Seconds that a job held its units longer than it ran."""

    p50: float
    p95: float


def check_run(state: Path, ids: list[str]) -> Overheads:
    """Raises RuntimeError unless each of these jobs, and nothing else, succeeded exactly once. For an ended server."""
    database = sqlite3.connect(f"file:{state / 'tradewind.db'}?mode=ro", uri=True)
    try:
        found = {row[0] for row in database.execute("SELECT id FROM jobs")}
        if found != set(ids) or len(ids) != len(found):
            raise RuntimeError(f"{len(ids)} jobs were accepted, {len(found)} are in the database")
        for what, query in _ONCE.items():
            (count,) = database.execute(query).fetchone()
            if count:
                raise RuntimeError(f"{count} {what}")
        overheads = [row[0] for row in database.execute(_OVERHEAD)]
    finally:
        database.close()
    account = json.loads((state / ACCOUNT).read_text(encoding="utf-8"))
    if account != {"accepted": len(ids), "repeated": 0, "alive": 0}:
        raise RuntimeError(f"{len(ids)} jobs were accepted, but the place's own account says {account}")
    return Overheads(overheads[len(overheads) // 2], overheads[len(overheads) * 95 // 100])
