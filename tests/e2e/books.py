"""What must be true of the database and of the world once every job has ended, whatever was killed before."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.e2e.installation import ENDED, Installation

_ATTEMPT_ENDS = frozenset({"succeeded", "failed", "cancelled", "interrupted"})


def check_books(installation: Installation) -> None:
    """Everything has ended, is told without gaps, is paid for once and holds nothing any more."""
    jobs = installation.rows("SELECT id, name, status, event_seq FROM jobs")
    assert {job["name"]: job["status"] for job in jobs if job["status"] not in ENDED} == {}
    _check_stories(installation, jobs)
    attempts = installation.rows(
        "SELECT id, job_id, number, status, accepted_at FROM attempts ORDER BY number"
    )
    assert [attempt for attempt in attempts if attempt["status"] not in _ATTEMPT_ENDS] == []
    _check_numbers(attempts)
    accepted = Counter(attempt["id"] for attempt in attempts if attempt["accepted_at"] is not None)
    intervals = Counter(row["attempt_id"] for row in installation.rows("SELECT attempt_id FROM ledger"))
    assert intervals == accepted
    every = Counter(attempt["id"] for attempt in attempts)
    for table in ("reservations", "allocations", "intents"):
        found = installation.rows(f"SELECT * FROM {table}")
        assert Counter(row["attempt_id"] for row in found) == every, table
        end = "closed_at" if table == "intents" else "released_at"
        assert [row for row in found if row[end] is None] == [], table
    assert {row["state"] for row in installation.rows("SELECT state FROM intents")} <= {"ended", "failed"}


def _check_stories(installation: Installation, jobs: list[dict[str, Any]]) -> None:
    for job in jobs:
        story = installation.rows(
            f"SELECT seq, position FROM events WHERE job_id = '{job['id']}' ORDER BY seq"
        )
        assert [event["seq"] for event in story] == list(range(1, job["event_seq"] + 1)), job["name"]
        positions = [event["position"] for event in story]
        assert positions == sorted(set(positions)), job["name"]


def _check_numbers(attempts: list[dict[str, Any]]) -> None:
    numbers: dict[str, list[int]] = {}
    for attempt in attempts:
        numbers.setdefault(attempt["job_id"], []).append(attempt["number"])
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))


def runs(installation: Installation) -> Counter[str]:
    """How often the command of each attempt was started, as the commands themselves say."""
    path = installation.outside / "runs"
    return Counter(path.read_text(encoding="ascii").split()) if path.exists() else Counter()


def check_logs(installation: Installation, attempt_id: str, job_id: str, number: int) -> None:
    """Both streams are, byte for byte, what the worker wrote: in the file, and as the server serves it."""
    for stream in ("stdout", "stderr"):
        private = installation.outside / f"{attempt_id}.{stream}"
        wrote = private.read_bytes() if private.exists() else b""
        kept = (installation.directory(attempt_id) / "logs" / f"{stream}.log").read_bytes()
        assert kept == wrote, f"{attempt_id} {stream}"
        assert installation.raw_log(job_id, stream, number) == wrote, f"{attempt_id} {stream}"
