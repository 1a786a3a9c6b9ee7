"""Tokens on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, problem

CI: dict[str, Any] = {
    "id": "tok_1", "name": "ci", "kind": "api", "title": "API token", "created_at": "2026-11-22T11:00:00Z",
    "expires_at": "2027-02-20T11:00:00Z", "used_at": None,
    "badge": {"label": "Never used", "tone": "quiet", "icon": "moon", "explanation": None},
    "is_current": False, "actions": [],
}  # fmt: skip
BROWSER: dict[str, Any] = {**CI, "id": "tok_2", "name": "browser", "kind": "session", "title": "Browser"}
OWN: dict[str, Any] = {**CI, "id": "tok_3", "name": "laptop", "is_current": True}
SECRET = "tw_only-once"


@pytest.fixture
def known(server: FakeServer) -> FakeServer:
    server.on("GET", "/api/v1/tokens", {"items": [CI, OWN, BROWSER]})
    return server


def asked(server: FakeServer, method: str) -> list[str]:
    return [each.url.path for each in server.requests if each.method == method]


def test_tokens_and_browsers_are_listed(known: FakeServer, tw: Run) -> None:
    listed = [" ".join(line.split()) for line in tw("tokens", "ls").out.splitlines()]
    assert any(
        line.startswith("ci token Never used") and line.endswith("2027-02-20 tok_1") for line in listed
    )
    assert any(line.startswith("browser browser") for line in listed)
    assert known.requests


def test_the_secret_alone_goes_to_standard_output(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/tokens", {**CI, "secret": SECRET})
    made = tw("tokens", "create", "ci", "--days", "90")
    assert made.out == f"{SECRET}\n"
    assert json.loads(server.requests[-1].content) == {"name": "ci", "expires_in_days": 90}
    assert json.loads(tw("tokens", "create", "ci", "-o", "json").out)["secret"] == SECRET


def test_a_dry_run_makes_and_revokes_nothing(known: FakeServer, tw: Run) -> None:
    assert "good for 90 days" in tw("tokens", "create", "ci", "--days", "90", "--dry-run").err
    assert "ci (API token) would be revoked" in tw("tokens", "revoke", "ci", "--dry-run").err
    assert asked(known, "POST") == asked(known, "DELETE") == []


def test_what_cannot_be_a_name_is_refused_before_anybody_is_asked(server: FakeServer, tw: Run) -> None:
    refused = tw("tokens", "create", "../x")
    assert refused.exit_code == 2
    assert "is not a name for a token" in refused.err
    assert server.requests == []


def test_tokens_are_revoked_by_name_and_browsers_by_id_each_once(known: FakeServer, tw: Run) -> None:
    for each in ("tok_1", "tok_2"):
        known.on("DELETE", f"/api/v1/tokens/{each}", {})
    gone = tw("tokens", "revoke", "ci", "tok_1", "tok_2", "-y")
    assert gone.exit_code == 0
    assert asked(known, "DELETE") == ["/api/v1/tokens/tok_1", "/api/v1/tokens/tok_2"]
    assert gone.out == "ci (API token) revoked\nbrowser (Browser) revoked\n"


def test_names_of_browsers_and_of_nothing_find_nothing(known: FakeServer, tw: Run) -> None:
    for name in ("browser", "nobody"):
        missing = tw("tokens", "revoke", "ci", name, "-y")
        assert missing.exit_code != 0
        assert f"you have no token '{name}'" in missing.err
    assert asked(known, "DELETE") == []


def test_what_the_server_refuses_is_said(known: FakeServer, tw: Run) -> None:
    known.on("POST", "/api/v1/tokens", problem("TW-E500", 409, "there is a token 'ci' already"))
    assert "there is a token 'ci' already" in tw("tokens", "create", "ci").err
