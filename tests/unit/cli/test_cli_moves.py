"""Moving a job, why it runs where it does, and the janitor, on the command line."""

from __future__ import annotations

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer

MOVE = {
    "job": "job_1", "place": "a/x/gpu (spot)", "target": "b/y/gpu (spot)", "explanation": "to finish here costs $4.00",
    "arithmetic": {"saving_micro": 1}, "is_begun": False,
}  # fmt: skip
SWEEP = {
    "looked_at": ["cloud"], "problems": {}, "given_back_before": 3, "saved_micro_per_hour": 2_000_000,
    "orphans": [
        {"provider": "cloud", "machine": "inst/node_1", "micro_per_hour": 1_500_000, "action": "is given back"}
    ],
}  # fmt: skip


def test_a_dry_run_moves_nothing(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/jobs/digits/migrate", MOVE)
    result = tw("jobs", "migrate", "digits", "--dry-run")
    assert result.exit_code == 0
    assert "would move from a/x/gpu (spot) to b/y/gpu (spot): to finish here costs $4.00" in result.out


def test_a_move_asks_first_and_then_says_where_to_look(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/jobs/digits/migrate", {**MOVE, "is_begun": True})
    result = tw("jobs", "migrate", "digits", "--to", "b", "-y")
    assert result.exit_code == 0
    assert result.out.startswith("moves from a/x/gpu (spot)")


def test_decisions_are_a_table(server: FakeServer, tw: Run) -> None:
    item: dict[str, object] = {
        "kind": "stay",
        "at": "2026-01-01T10:00:00Z",
        "attempt": None,
        "explanation": "it is best",
        "arithmetic": {},
    }
    server.on("GET", "/api/v1/jobs/digits/decisions", {"items": [item]})
    result = tw("jobs", "decisions", "digits")
    assert "2026-01-01 10:00:00  stay" in result.out
    assert "it is best" in result.out


def test_the_janitor_lists_what_belongs_to_nothing(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/sweeps", SWEEP)
    result = tw("janitor", "--dry-run")
    assert "inst/node_1" in result.out
    assert "$1.50" in result.out
    assert "3 machines, $2.00 an hour" in result.err


def test_the_janitor_says_when_there_is_nothing(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/sweeps", {**SWEEP, "orphans": [], "given_back_before": 0})
    result = tw("janitor")
    assert "nothing belongs to nobody (cloud)" in result.err
