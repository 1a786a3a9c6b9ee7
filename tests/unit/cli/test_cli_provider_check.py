"""Trying a provider on a user's own account, from the command line: what is asked, what it writes, what it hides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer
from tradewind.cli.provider_report import redacted, submission_of
from tradewind.domain.schemas_check import CheapestOffer
from tradewind.spec.models import JobSpec

CHEAPEST: dict[str, Any] = {
    "instance_type": "gpu-1", "region": "north", "zone": None, "market": "on_demand",
    "price_per_hour": {"micro": 500_000, "currency": "USD", "text": "$0.50"},
}  # fmt: skip
CHECK: dict[str, Any] = {
    "provider": "lambda", "version": "1.0", "cheapest": CHEAPEST,
    "steps": [
        {"name": "identity", "outcome": "passed", "message": "known; 3 regions", "seconds": 0.2},
        {"name": "offers", "outcome": "passed", "message": "12 offers, 3 to be had", "seconds": 0.4},
    ],
}  # fmt: skip


def test_without_live_nothing_is_rented(server: FakeServer, tw: Run, tmp_path: Path) -> None:
    server.on("POST", "/api/v1/providers/lambda/check", CHECK)
    report = tmp_path / "report.json"
    result = tw("providers", "check", "lambda", "--report", str(report))
    assert result.exit_code == 0
    assert "ok  offers     12 offers, 3 to be had" in result.out
    assert [request.url.path for request in server.requests] == ["/api/v1/providers/lambda/check"]
    assert json.loads(report.read_text())["provider"] == "lambda"
    assert report.stat().st_mode & 0o077 == 0


def test_a_step_that_fails_is_an_exit_code(server: FakeServer, tw: Run, tmp_path: Path) -> None:
    steps = [{"name": "identity", "outcome": "failed", "message": "it said no: credentials", "seconds": 0.1}]
    server.on("POST", "/api/v1/providers/lambda/check", {**CHECK, "steps": steps, "cheapest": None})
    result = tw("providers", "check", "lambda", "--report", str(tmp_path / "report.json"))
    assert result.exit_code == 1
    assert "NO  identity   it said no: credentials" in result.out


def test_live_without_a_machine_to_be_had_says_so(server: FakeServer, tw: Run, tmp_path: Path) -> None:
    server.on("POST", "/api/v1/providers/lambda/check", {**CHECK, "cheapest": None})
    result = tw("providers", "check", "lambda", "--live", "-y", "--report", str(tmp_path / "report.json"))
    assert result.exit_code == 5
    assert "has no machine to be had now" in result.err


def test_the_job_is_a_job_file_with_limits() -> None:
    submission = submission_of("lambda", CheapestOffer.model_validate(CHEAPEST), 0.5)
    spec = JobSpec.model_validate(submission.spec)
    assert spec.constraints.budget_micro_usd == 500_000
    assert spec.constraints.max_duration is not None
    assert spec.constraints.max_duration.total_seconds() == 600
    assert spec.resources.providers == ("lambda",)


def test_a_report_hides_what_an_account_could_be_told_by() -> None:
    told = {
        "message": "machine i-0123456789abcdef0 at 10.1.2.3 of me@example.com",
        "more": ["550e8400-e29b-41d4-a716-446655440000", "2001:db8:0:1:2:3:4:5", 7],
    }
    assert redacted(told) == {
        "message": "machine [id] at [address] of [mail]",
        "more": ["[id]", "[address]", 7],
    }
