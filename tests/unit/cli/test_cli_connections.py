"""Providers and connections on the command line; credentials are asked for or read, never shown."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, problem
from tradewind.cli.application import Application

HIDDEN = "very-hidden-key"
PROVIDER: dict[str, Any] = {
    "id": "lambda", "title": "Lambda Cloud", "kind": "machines", "runs": ["any_command"], "aliases": [],
    "capabilities": {"has_spot": False, "has_multi_node": False, "self_termination": "none", "gaps": {}},
    "has_spot": False, "self_termination": "none", "can_run": True, "connected": False, "connection": None,
    "setup_steps": ["Create an account.", "Create an API key."], "estimated_time": "10 min", "api_docs": "https://x",
    "credentials": [
        {"name": "api_key", "title": "API key", "environment": "LAMBDA_API_KEY", "is_secret": True,
         "is_required": True, "hint": "Console, API keys."},
        {"name": "region", "title": "Region", "environment": "LAMBDA_REGION", "is_secret": False,
         "is_required": False, "hint": ""},
    ],
    "settings": [{"name": "base_url", "title": "Address of its API", "is_list": False}],
    "config_tool": "SkyPilot", "config_files": ["~/.lambda_cloud/lambda_keys"],
    "policies": [], "limits": ["Billing by the minute is not checked."],
}  # fmt: skip
CONNECTION: dict[str, Any] = {
    "id": "conn_00000000000000000001", "provider": "lambda", "title": "Lambda Cloud", "name": "lambda",
    "state": "connected", "source": "stored", "settings": {"regions": ["us-east-1", "us-west-2"]},
    "account": {
        "identity": "ana@example.com", "regions": ["us-east-1"], "missing": ["instances:terminate"],
        "quotas": [{"name": "GPUs", "limit": 8.0, "used": 2.0, "region": "us-east-1"}], "notes": ["An estimate."],
    },
    "error": None, "examined_at": "2026-11-22T11:59:00Z", "created_at": "2026-11-22T11:00:00Z",
    "updated_at": "2026-11-22T11:00:00Z", "notes": [],
}  # fmt: skip
SHOWN = """\
Lambda Cloud (lambda): connected
  identity            ana@example.com
  regions             us-east-1
  quota               GPUs in us-east-1: 8, 2 used
  missing             instances:terminate
  note                An estimate.
  source              stored
  setting             regions = us-east-1, us-west-2
  examined            1m 00s ago
"""


@pytest.fixture(autouse=True)
def answers(server: FakeServer) -> None:
    server.on("GET", "/api/v1/providers/lambda", PROVIDER)
    server.on("PUT", "/api/v1/connections/lambda", CONNECTION)
    server.on("GET", "/api/v1/connections/lambda", CONNECTION)


def sent(server: FakeServer) -> Any:
    return json.loads(server.requests[-1].content)


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_connect_reads_lines_of_standard_input(
    server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, f"# mine\n\nexport LAMBDA_API_KEY='{HIDDEN}'\nregion=us-east-1\n")
    done = tw("connect", "lambda", "--stdin", "--setting", "base_url=http://127.0.0.1:9")
    assert (done.exit_code, done.out) == (0, SHOWN)
    assert "tradewind offers --provider lambda" in done.err
    assert sent(server) == {
        "source": "stored",
        "credentials": {"LAMBDA_API_KEY": HIDDEN, "region": "us-east-1"},
        "settings": {"base_url": "http://127.0.0.1:9"},
    }
    assert HIDDEN not in done.out + done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"LAMBDA_API_KEY={HIDDEN}\n{HIDDEN}\n", "line 2 of standard input is not NAME=value"),
        (f"{HIDDEN}=\n", "line 1 of standard input is not NAME=value"),
        ("# nothing\n", "standard input has no credentials"),
        ("X=" + "y" * 70_000, "standard input has more than credentials in it"),
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(
    server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    give(monkeypatch, text)
    done = tw("connect", "lambda", "--stdin")
    assert done.exit_code == 2
    assert said in done.err
    assert HIDDEN not in done.err
    assert [each.method for each in server.requests] == ["GET"]


def test_connect_asks_a_person_and_shows_nothing(
    server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, **_named: Any) -> str:
        asked.append((text, hide_input))
        return HIDDEN if hide_input else ""

    monkeypatch.setattr(Application, "can_ask", property(lambda _app: True))
    monkeypatch.setattr("click.prompt", prompt)
    done = tw("connect", "lambda")
    assert done.exit_code == 0
    assert asked == [
        ("API key (LAMBDA_API_KEY), not shown", True),
        ("Region (LAMBDA_REGION), may be left out", False),
    ]
    assert sent(server)["credentials"] == {"LAMBDA_API_KEY": HIDDEN}
    assert "How to get ready (about 10 min)\n  1. Create an account.\n  2. Create an API key.\n" in done.err
    assert HIDDEN not in done.out + done.err


def test_connect_without_a_terminal_says_how(
    server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, f"LAMBDA_API_KEY={HIDDEN}")
    done = tw("connect", "lambda")
    assert done.exit_code == 2
    assert "there is no terminal to ask for credentials at" in done.err
    assert "--stdin" in done.err


@pytest.mark.parametrize(
    ("flag", "source"), [("--from-environment", "environment"), ("--from-config", "config_file")]
)
def test_connect_with_what_the_server_has(server: FakeServer, tw: Run, flag: str, source: str) -> None:
    assert tw("connect", "lambda", flag).exit_code == 0
    assert sent(server) == {"source": source, "credentials": {}, "settings": {}}


@pytest.mark.parametrize("arguments", [("--stdin", "--from-config"), ("--setting", "regions")])
def test_options_that_do_not_go_together(tw: Run, arguments: tuple[str, ...]) -> None:
    assert tw("connect", "lambda", *arguments).exit_code == 2


def test_a_dry_run_stores_nothing(server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, f"LAMBDA_API_KEY={HIDDEN}")
    done = tw("connect", "lambda", "--stdin", "--dry-run")
    assert done.exit_code == 0
    assert "Dry run: nothing was stored, and nobody was asked." in done.err
    assert HIDDEN not in done.out + done.err
    assert tw("disconnect", "lambda", "--dry-run").exit_code == 0
    assert {each.method for each in server.requests} == {"GET"}


def test_a_key_that_is_not_taken(server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, f"LAMBDA_API_KEY={HIDDEN}")
    answer = problem(
        "TW-E200", 422, "Lambda Cloud does not take these credentials: invalid key", hint="check it"
    )
    server.on("PUT", "/api/v1/connections/lambda", answer)
    done = tw("connect", "lambda", "--stdin")
    assert done.exit_code == 2
    assert "Lambda Cloud does not take these credentials: invalid key" in done.err
    assert HIDDEN not in done.out + done.err


def test_a_policy_goes_to_standard_output_alone(server: FakeServer, tw: Run) -> None:
    policy = {
        "name": "ec2",
        "title": "IAM policy",
        "usage": "Attach it.",
        "text": '{\n  "Version": "2012-10-17"\n}\n',
    }
    server.on("GET", "/api/v1/providers/aws", {**PROVIDER, "id": "aws", "policies": [policy]})
    done = tw("connect", "aws", "--policy")
    assert json.loads(done.out) == {"Version": "2012-10-17"}
    assert "IAM policy. Attach it." in done.err
    none = tw("connect", "lambda", "--policy")
    assert (none.exit_code, "Lambda Cloud has no policies" in none.err) == (2, True)


def test_disconnect(server: FakeServer, tw: Run) -> None:
    server.on("DELETE", "/api/v1/connections/lambda", httpx2.Response(204))
    refused = tw("disconnect", "lambda")
    assert (refused.exit_code, "-y" in refused.err) == (2, True)
    done = tw("disconnect", "lambda", "-y")
    assert (done.exit_code, done.out) == (0, "lambda disconnected\n")


def test_providers_ls(server: FakeServer, tw: Run) -> None:
    items = [
        PROVIDER,
        {**PROVIDER, "id": "local", "title": "This machine", "kind": "owned", "connected": True},
        {**PROVIDER, "id": "aws", "title": "Amazon EC2", "connected": True, "connection": "connected"},
        {
            **PROVIDER,
            "id": "do",
            "title": "Droplets",
            "connected": True,
            "connection": "prices_only",
            "can_run": False,
        },
        {**PROVIDER, "id": "vast", "title": "Vast.ai", "connection": "refused"},
        {**PROVIDER, "id": "gcp", "title": "Google", "connection": "connected"},
    ]
    server.on("GET", "/api/v1/providers", {"items": items})
    assert (
        tw("providers", "ls").out
        == """\
PROVIDER  TITLE         KIND      RUNS JOBS  SPOT  CONNECTION
lambda    Lambda Cloud  machines  yes        no    -
local     This machine  owned     yes        no    connected
aws       Amazon EC2    machines  yes        no    connected
do        Droplets      machines  no         no    prices only
vast      Vast.ai       machines  yes        no    refused
gcp       Google        machines  yes        no    not usable
"""
    )
    listed = json.loads(tw("providers", "ls", "-o", "json").out)
    assert [(each["id"], each["kind"], each["connected"]) for each in listed][:2] == [
        ("lambda", "machines", False),
        ("local", "owned", True),
    ]
    assert listed[0]["capabilities"]["has_spot"] is False
    assert tw("providers", "ls", "--connected", "-o", "name").out.split() == ["local", "aws", "do"]


def test_providers_show(server: FakeServer, tw: Run) -> None:
    shown = tw("providers", "show", "lambda").out
    assert "  1. Create an account.\n" in shown
    assert "  LAMBDA_API_KEY  API key  Console, API keys.\n" in shown
    assert "~/.lambda_cloud/lambda_keys (SkyPilot)" in shown
    assert "ana@example.com" not in shown
    server.on("GET", "/api/v1/providers/lambda", {**PROVIDER, "connection": "connected", "connected": True})
    assert tw("providers", "show", "lambda").out.endswith(SHOWN)
    listed = json.loads(tw("providers", "show", "lambda", "-o", "json").out)
    assert listed["connection_details"]["account"]["identity"] == "ana@example.com"


def test_providers_validate(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/connections/lambda/validate", CONNECTION)
    done = tw("providers", "validate", "lambda")
    assert (done.exit_code, done.out) == (0, SHOWN)
    wrong = {**CONNECTION, "state": "refused", "error": "it does not take the key"}
    server.on("POST", "/api/v1/connections/lambda/validate", wrong)
    failed = tw("providers", "validate", "lambda")
    assert failed.exit_code == 1
    assert "Lambda Cloud (lambda): refused" in failed.out
    assert "  error               it does not take the key\n" in failed.out
