"""The face without an event loop, and the Python SDK."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import tradewind
from tests.unit.client.fakes import FakeServer, Pieces, job, log, sse
from tradewind.client.endpoint import FixedEndpoint
from tradewind.client.follow import JobEnded
from tradewind.client.snapshot import pack_workdir
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.schemas_records import LogChunk

ID = str(job()["id"])


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Iterator[tradewind.Client]:
    endpoint = FixedEndpoint("http://127.0.0.1:8000", "t")
    with tradewind.Client(endpoint=endpoint, transport=server.transport) as client:
        yield client


def test_run_uploads_submits_and_returns(
    server: FakeServer, client: tradewind.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("print('hello')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/one:/two")
    uploads: list[bytes] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        if request.method == "HEAD":
            return httpx2.Response(404)
        uploads.append(request.content)
        sha = request.url.path.rpartition("/")[2]
        return httpx2.Response(
            201, json={"sha256": sha, "size_bytes": len(request.content), "was_known": False}
        )

    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job(status="queued")))
    original = FakeServer._handle
    monkeypatch.setattr(
        FakeServer,
        "_handle",
        lambda self, request: take(request) if "/workdirs/" in request.url.path else original(self, request),
    )
    with tradewind.Client(
        endpoint=FixedEndpoint("http://127.0.0.1:8000", "t"), transport=server.transport
    ) as own:
        handle = own.run(tradewind.Job(name="digits", workdir=".", run="python train.py"))
    assert handle.id == ID
    assert not handle.has_ended
    sent = server.sent_json("POST", "/api/v1/jobs")
    assert sent["spec"] == {"version": 1, "name": "digits", "workdir": ".", "run": "python train.py"}
    assert sent["search_path"] == "/one:/two"
    assert sent["workdir"] == hashlib.sha256(uploads[0]).hexdigest()


def test_a_handle_waits_reads_and_stops(server: FakeServer, client: tradewind.Client) -> None:
    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job(status="queued")))
    server.on("GET", f"/api/v1/jobs/{ID}/wait", job())
    server.on("GET", f"/api/v1/jobs/{ID}", job(status="running"))
    server.on("POST", f"/api/v1/jobs/{ID}/stop", job(status="stopping"))
    server.on_stream(f"/api/v1/jobs/{ID}/logs", Pieces([sse("log", log("hi\n", 0), "1"), sse("end", job())]))
    handle = client.run(tradewind.Job(name="digits", run="true"))
    assert handle.refresh().status == "running"
    assert handle.stop(now=True).status == "stopping"
    assert server.sent_json("POST", f"/api/v1/jobs/{ID}/stop") == {"now": True}
    items = list(handle.logs())
    assert isinstance(items[0], LogChunk)
    assert items[0].text == "hi\n"
    assert isinstance(items[1], JobEnded)
    assert handle.wait().status == "succeeded"
    assert handle.has_ended


def test_a_workdir_that_the_server_has_is_not_sent_again(
    server: FakeServer, client: tradewind.Client, tmp_path: Path
) -> None:
    with pack_workdir(tmp_path) as snapshot:
        server.on("HEAD", f"/api/v1/workdirs/{snapshot.sha256}", httpx2.Response(200))
        assert client.upload_workdir(snapshot).was_known
    assert [request.method for request in server.requests] == ["HEAD"]


def test_a_job_from_a_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("version: 1\nname: a\nworkdir: src\nrun: echo\n")
    (tmp_path / "src").mkdir()
    found = tradewind.Job.from_file(path)
    assert found.find_workdir() == tmp_path / "src"
    path.write_text("version: 1\nnames: a\n")
    with pytest.raises(InvalidInputError):
        tradewind.Job.from_file(path)
    with pytest.raises(InvalidInputError, match="is not a folder"):
        tradewind.Job(name="a", workdir=str(tmp_path / "none")).find_workdir()


def test_a_stream_that_is_left_early_is_closed(server: FakeServer, client: tradewind.Client) -> None:
    server.on_stream(
        f"/api/v1/jobs/{ID}/logs", Pieces([sse("log", log("a", 0), "1"), sse("log", log("b", 1), "2")])
    )
    for item in client.logs(ID, follow_on=True):
        assert isinstance(item, LogChunk)
        break
    client.close()
    assert "tradewind-client" not in {thread.name for thread in threading.enumerate() if thread.is_alive()}


def test_errors_cross_the_threads_and_the_client_stays_usable(
    server: FakeServer, client: tradewind.Client
) -> None:
    with pytest.raises(NotFoundError):
        client.job("none")
    server.on("GET", "/api/v1/jobs/digits", job())
    assert client.job("digits").name == "digits"


def test_public_names_are_found_late() -> None:
    assert tradewind.Client.__module__ == "tradewind.client.synchronous"
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = tradewind.Nothing
