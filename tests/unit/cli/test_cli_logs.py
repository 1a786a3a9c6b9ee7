"""`logs`: streams, stamps, and the fast way to exact bytes."""

from __future__ import annotations

import os
import sys

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, Pieces, job, log, sse
from tradewind.cli.application import Application
from tradewind.cli.main import main

LOGS = "/api/v1/jobs/digits/logs"


def test_all_streams_as_they_came(server: FakeServer, tw: Run) -> None:
    chunks = [log("a\n", 0, stream="setup"), log("b\n", 0), log("c\n", 0, stream="stderr")]
    server.on_stream(LOGS, Pieces([*(sse("log", chunk, "1") for chunk in chunks), sse("end", job())]))
    result = tw("logs", "digits")
    assert (result.exit_code, result.out, result.err) == (0, "a\nb\nc\n", "")
    assert dict(server.requests[0].url.params) == {"follow": "false"}


def test_choices_go_to_the_server(server: FakeServer, tw: Run) -> None:
    server.on_stream(LOGS, Pieces([sse("end", job())]))
    tw("logs", "digits", "-f", "--stream", "stderr", "--attempt", "2", "-n", "5", "--since", "2m")
    assert dict(server.requests[0].url.params) == {
        "follow": "true", "stream": "stderr", "attempt": "2", "tail": "5", "since": "2026-11-22T11:58:00+00:00",
    }  # fmt: skip
    assert tw("logs", "digits", "--since", "yesterday").exit_code == 2


def test_timestamps_are_put_before_lines_not_before_pieces(server: FakeServer, tw: Run) -> None:
    chunks = [log("one\ntw", 0), log("o\n", 6), log("thr", 8), log("ee\n", 11)]
    server.on_stream(LOGS, Pieces([*(sse("log", chunk, "1") for chunk in chunks), sse("end", job())]))
    assert tw("logs", "digits", "--timestamps").out == "11:59:00 one\n11:59:00 two\n11:59:00 three\n"


def test_dropped_output_is_said(server: FakeServer, tw: Run) -> None:
    chunk = log("", 0, dropped=5 << 20, end=5 << 20)
    server.on_stream(
        LOGS, Pieces([sse("log", chunk, "1"), sse("log", log("end\n", 5 << 20), "2"), sse("end", job())])
    )
    result = tw("logs", "digits")
    assert result.out == "end\n"
    assert result.err == "-- 5.0 MB of output were dropped here: the log limit was reached --\n"


def test_one_stream_into_a_file_is_copied_byte_by_byte(
    server: FakeServer, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    contents = {"1": b"first \xff\xfe\r\n", "2": b"second\n"}

    def piece(request: httpx2.Request) -> httpx2.Response:
        whole = contents[request.url.params["attempt"]]
        rest = whole[int(request.url.params["offset"]) :]
        return httpx2.Response(200, content=rest, headers={"X-Next-Offset": str(len(whole))})

    attempts = job()["tasks"][0]["attempts"]
    two = [{**attempts[0], "number": number} for number in (2, 1)]
    server.on("GET", "/api/v1/jobs/digits", job(tasks=[{**job()["tasks"][0], "attempts": two}]))
    server.on("GET", f"{LOGS}/raw", piece)
    assert main(["logs", "digits", "--stream", "stderr"], Application(transport=server.transport)) == 0
    assert capfdbinary.readouterr().out == b"".join(contents.values())
    assert {request.url.params["stream"] for request in server.sent("GET", f"{LOGS}/raw")} == {"stderr"}
    assert main(["logs", "digits", "--raw", "--attempt", "2"], Application(transport=server.transport)) == 0
    assert capfdbinary.readouterr().out == b"second\n"


def test_raw_does_not_go_with_following(server: FakeServer, tw: Run) -> None:
    result = tw("logs", "digits", "--raw", "-f")
    assert result.exit_code == 2
    assert "--raw goes with --stream, --attempt and --rank only" in result.err


def test_a_reader_that_has_enough_ends_it_quietly(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.on_stream(LOGS, Pieces([sse("log", log("x\n", 0), "1"), sse("end", job())]))

    class Closed:
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            return os.dup(1)

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["logs", "digits"], Application(transport=server.transport)) == 0
    assert capfd.readouterr().err == ""
