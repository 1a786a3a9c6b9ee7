"""version, schema, completion, open, demo."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_cli_run import ID, PLAN
from tests.unit.client.fakes import FakeServer, Pieces, job, log, sse
from tradewind import __version__
from tradewind.cli.options import complete_job
from tradewind.client.local_server import LocalServer, RunningServer


def test_version(tw: Run) -> None:
    assert tw("version").out == f"tradewind {__version__}\n"
    assert tw("--version").out == f"tradewind {__version__}\n"
    assert json.loads(tw("version", "-o", "json").out)["version"] == __version__


def test_schema(tw: Run) -> None:
    assert json.loads(tw("schema").out)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_serves_both_names(tw: Run, shell: str) -> None:
    script = tw("completion", shell).out
    assert f"_TRADEWIND_COMPLETE={shell}_complete" in script
    assert f"_TW_COMPLETE={shell}_complete" in script


def test_jobs_are_completed_and_failures_are_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import click

    from tradewind.cli.application import Application
    from tradewind.client.synchronous import Client

    server = FakeServer()
    server.on(
        "GET", "/api/v1/jobs", {"items": [job(), job(name="dogs"), job(name="cats")], "next_cursor": None}
    )
    make = Application.make_client

    def with_fake(app: Application, **options: Any) -> Client:
        app.transport = server.transport
        return make(app, **options)

    monkeypatch.setattr(Application, "make_client", with_fake)
    context, parameter = click.Context(click.Command("x")), click.Argument(["job"])
    assert complete_job(context, parameter, "d") == ["digits", "dogs"]
    server.on("GET", "/api/v1/jobs", httpx2.Response(500))
    assert complete_job(context, parameter, "d") == []
    assert capsys.readouterr().err == ""


def test_open_prints_the_link(server: FakeServer, tw: Run) -> None:
    link = {"url": "http://tradewind.test/session/abc", "expires_at": "2026-11-22T12:05:00Z"}
    server.on("POST", "/api/v1/session-links", link)
    assert tw("open").out == "http://tradewind.test/session/abc\n"


def test_open_goes_to_the_page_of_a_job(server: FakeServer, tw: Run) -> None:
    link = {"url": "http://tradewind.test/login?code=abc", "expires_at": "2026-11-22T12:05:00Z"}
    server.on("POST", "/api/v1/session-links", link)
    server.on("GET", "/api/v1/jobs/digits", job(id=ID))
    assert tw("open", "digits").out == f"http://tradewind.test/login?code=abc&next=jobs/{ID}\n"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "package"
    folder = package / "examples" / "digits"
    folder.mkdir(parents=True)
    (folder / "job.yaml").write_text("version: 1\nname: digits\nrun: python train.py\n")
    (folder / "train.py").write_text("print('epoch 1')")
    monkeypatch.setattr(resources, "files", lambda _: package)
    return folder


def serve_demo(server: FakeServer, chunks: list[dict[str, Any]]) -> None:
    server.on("POST", "/api/v1/plans", PLAN)
    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job(status="queued")))
    server.on("GET", f"/api/v1/jobs/{ID}/checkpoints", {"items": []})
    server.on_stream(f"/api/v1/jobs/{ID}/events/stream", Pieces([sse("end", {})]))
    server.on_stream(
        f"/api/v1/jobs/{ID}/logs", Pieces([*(sse("log", chunk, "1") for chunk in chunks), sse("end", job())])
    )


def test_demo_copies_and_runs_the_example(server: FakeServer, tw: Run, place: Path, example: Path) -> None:
    serve_demo(server, [log("epoch 1\n", 0)])
    result = tw("demo", "--to", "mine")
    assert result.exit_code == 0, result.err
    assert result.out == "epoch 1\n"
    assert (place / "mine" / "train.py").read_text() == "print('epoch 1')"
    assert "The example is in mine: a job file and a training script" in result.err
    assert tw("demo", "--to", "mine").exit_code == 5


def test_demo_restarts_the_server_and_counts_the_gaps(
    server: FakeServer, tw: Run, example: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TRADEWIND_SERVER")
    running = RunningServer(7, "http://127.0.0.1:8000", "9.9", "")
    calls: list[str] = []
    monkeypatch.setattr(LocalServer, "find", lambda _: running)
    monkeypatch.setattr(LocalServer, "stop", lambda _: calls.append("stop") or running)  # type: ignore[func-returns-value]
    monkeypatch.setattr(LocalServer, "start", lambda _: calls.append("start") or (running, True))  # type: ignore[func-returns-value]
    serve_demo(server, [log("a\nb\n", 0), log("c\n", 4), log("d\n", 6)])
    result = tw("demo", "--show-restart", "--to", str(tmp_path / "one"))
    assert result.exit_code == 0, result.err
    assert calls == ["stop", "start"]
    assert "stopped and started in between: all 8 bytes of output, without a gap." in result.err
    serve_demo(server, [log("a\nb\nc\n", 0), log("d\n", 7)])
    torn = tw("demo", "--show-restart", "--to", str(tmp_path / "two"))
    assert torn.exit_code == 5
    assert "the output has 1 gaps after the restart" in torn.err


def test_demo_does_not_stop_a_server_elsewhere(tw: Run, example: Path) -> None:
    result = tw("demo", "--show-restart")
    assert result.exit_code == 2
    assert "the one that is configured is not of this machine" in result.err


def test_demo_without_the_example(tw: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    assert tw("demo").exit_code == 4
