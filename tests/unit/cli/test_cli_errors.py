"""Errors are part of the product: their whole text is looked at here."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, job, problem
from tradewind.cli.application import Application
from tradewind.cli.errors import format_error
from tradewind.domain.errors import BY_CODE, InvalidInputError, TradewindError


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("TW-E200", 422, 2), ("TW-E201", 422, 2), ("TW-E202", 413, 2), ("TW-E300", 401, 3), ("TW-E301", 403, 3),
        ("TW-E400", 404, 4), ("TW-E500", 409, 5), ("TW-E600", 409, 6), ("TW-E700", 500, 7), ("TW-E800", 500, 8),
        ("TW-E100", 500, 1), ("TW-E900", 500, 1),
    ],
)  # fmt: skip
def test_exit_codes(server: FakeServer, tw: Run, code: str, status: int, exit_code: int) -> None:
    server.on("GET", "/api/v1/jobs/x", problem(code, status, "no"))
    assert tw("jobs", "show", "x").exit_code == exit_code
    assert code in BY_CODE or code in ("TW-E100", "TW-E900")


def test_the_whole_style(capsys: pytest.CaptureFixture[str]) -> None:
    error = InvalidInputError(
        "job.yaml: 2 problems",
        hint="see `tradewind schema`",
        causes=("first", "second"),
        details=[
            {
                "file": "job.yaml",
                "where": "runs",
                "line": 3,
                "column": 1,
                "message": "unknown key",
                "hint": "`run`",
            },
            {"where": "name", "line": None, "column": None, "message": "is missing", "hint": None},
        ],
    )
    assert (
        format_error(Application(), error)
        == """\
error: TW-E200 job.yaml: 2 problems
  job.yaml:3:1: runs: unknown key
    hint: `run`
  name: is missing
  caused by: first
  caused by: second

hint: see `tradewind schema`"""
    )


def test_colours_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    error = TradewindError("no")
    assert format_error(Application(flags={"color": "always"}), error) == "\x1b[31merror:\x1b[0m TW-E100 no"
    assert format_error(Application(), error) == "error: TW-E100 no"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in format_error(Application(), error)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in format_error(Application(), error)
    assert "\x1b" in format_error(Application(flags={"color": "always"}), error)


def test_debug_shows_the_traceback_and_the_request(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs/x", problem("TW-E400", 404, "no", request_id="req_7"))
    result = tw("--debug", "jobs", "show", "x")
    assert "request req_7" in result.err
    assert "Traceback (most recent call last)" in result.err
    assert "Traceback" not in tw("jobs", "show", "x").err
    assert "Traceback" in tw("jobs", "show", "x", "--debug").err


def test_a_fault_of_ours_leaves_a_report_and_no_traceback(
    server: FakeServer, tw: Run, tmp_path: Path
) -> None:
    server.on("GET", "/api/v1/jobs/x", httpx2.Response(200, json={"id": "not a job"}))
    result = tw("jobs", "show", "x")
    assert result.exit_code == 70
    (report,) = (tmp_path / "state" / "reports").iterdir()
    assert result.err == (
        "error: TW-E999 something unexpected happened: ValidationError\n"
        "  caused by: a fault in Tradewind, not in what you did\n\n"
        f"hint: please report it with the file {report}\n"
    )
    text = report.read_text()
    assert "Traceback" in text
    assert "secret-token" not in text


def test_a_report_that_cannot_be_written_is_shown(
    server: FakeServer, tw: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "file").write_text("")
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(place / "file"))
    server.on("GET", "/api/v1/jobs/x", httpx2.Response(200, json={}))
    result = tw("jobs", "show", "x")
    assert result.exit_code == 70
    assert "the report could not be written" in result.err


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["ls", "--bogus"], "No such option '--bogus'.", "tradewind ls --help"),
        (["frobnicate"], "No such command 'frobnicate'.", "tradewind --help"),
        (["jobs", "show"], "Missing argument 'JOB'.", "tradewind jobs show --help"),
        (
            ["ls", "-n", "0"],
            "Invalid value for '-n' / '--limit': 0 is not in the range",
            "tradewind ls --help",
        ),
        (["ls", "-o", "xml"], "'xml' is not one of 'table', 'json'", "tradewind ls --help"),
    ],
)
def test_mistakes_in_the_command_itself(tw: Run, arguments: list[str], message: str, hint: str) -> None:
    result = tw(*arguments)
    assert result.exit_code == 2
    assert result.err.startswith("error: TW-E200 ")
    assert message in result.err
    assert f"\n\nhint: see `{hint}` for what it takes\n" in result.err
    assert result.out == ""


def test_a_command_that_is_nearly_right_is_named(tw: Run) -> None:
    assert "Did you mean one of: 'logs', 'ls'?" in tw("lgos").err


def test_a_group_alone_shows_its_help(tw: Run) -> None:
    result = tw("jobs")
    assert result.exit_code == 2
    assert result.err.startswith("Usage: tradewind jobs [OPTIONS] COMMAND [ARGS]...")
    assert "error" not in result.err


def test_settings_that_are_wrong(tw: Run, place: Path) -> None:
    (place / "tradewind.toml").write_text("sever = 'x'")
    result = tw("ls")
    assert result.exit_code == 2
    assert "unknown key 'sever'" in result.err


def test_a_terminal_without_our_signs_still_works(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tradewind.cli.main import main

    server.on("GET", "/api/v1/jobs/digits", job())
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["jobs", "show", "digits"], Application(transport=server.transport)) == 0
    assert "project default ? by local" in (tmp_path / "out").read_text(encoding="ascii")
