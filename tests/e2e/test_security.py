"""Nothing is open by accident."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.installation import Answer, Installation
from tests.e2e.processes import listening_ports, processes_of
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e
_SECRET = "hunter2-of-the-server"

_PROTECTED = [
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/info"),
    ("GET", "/api/v1/jobs"),
    ("POST", "/api/v1/jobs"),
    ("POST", "/api/v1/session-links"),
    ("PUT", f"/api/v1/workdirs/{'0' * 64}"),
    ("GET", "/api/v1/nowhere"),
    ("GET", "//healthz"),
    ("GET", "/healthz/../api/v1/info"),
]


@pytest.mark.parametrize(("method", "path"), _PROTECTED)
def test_without_a_valid_token_nothing_is_answered(shared: Installation, method: str, path: str) -> None:
    for header in (None, "Bearer wrong", "Bearer ", "Basic dTpw", f"Token {shared.token}"):
        headers = {} if header is None else {"Authorization": header}
        answer = shared.request(method, path, None, headers, token=None)
        assert answer.status == 401, answer
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json["code"] == "TW-E300"


def test_only_health_is_free_and_says_nothing(shared: Installation) -> None:
    for path in ("/healthz", "/readyz"):
        answer = shared.request("GET", path, token=None)
        assert answer.status == 200
        assert set(answer.json) == {"status", "version", "checks"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "10.0.0.1"]
)
def test_a_request_for_another_host_is_refused(shared: Installation, host: str) -> None:
    answer = shared.request("GET", "/api/v1/info", headers={"Host": host})
    assert answer.status == 403, answer
    assert shared.request("GET", "/healthz", headers={"Host": host}, token=None).status == 403


def test_a_request_from_a_foreign_page_is_refused(shared: Installation) -> None:
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{shared.port + 1}"):
        assert shared.request("GET", "/api/v1/info", headers={"Origin": origin}).status == 403, origin
    own = {"Origin": f"http://127.0.0.1:{shared.port}"}
    assert shared.request("GET", "/api/v1/info", headers=own).status == 200
    body = {"spec": {"version": 1, "name": "x", "run": "true"}}
    for site in ("cross-site", "same-site"):
        answer = shared.request("POST", "/api/v1/jobs", body, {"Sec-Fetch-Site": site})
        assert answer.status == 403
    assert shared.rows("SELECT id FROM jobs") == []


def test_a_link_signs_a_browser_in_once(shared: Installation) -> None:
    made = shared.request("POST", "/api/v1/session-links", {})
    assert made.status == 201
    url = urlsplit(made.json["url"])
    assert (url.hostname, url.port) == ("127.0.0.1", shared.port)
    path = f"{url.path}?{url.query}"
    first = shared.request("GET", path, token=None)
    assert first.status == 303
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    assert shared.request("GET", "/api/v1/info", headers=session, token=None).status == 200
    again = shared.request("GET", path, token=None)
    assert again.status == 401
    assert "set-cookie" not in again.headers
    # The code of a link is not a token, nor is a session.
    code = url.query.partition("=")[2]
    value = session["Cookie"].partition("=")[2]
    for secret in (code, value):
        assert _with_token(shared, secret).status == 401


def test_secrets_are_kept_as_hashes_and_files_for_their_owner(shared: Installation) -> None:
    for name in ("token", "server.json"):
        assert stat.S_IMODE((shared.state / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(shared.state.stat().st_mode) == 0o700
    kept = b"".join(path.read_bytes() for path in shared.state.glob("tradewind.db*"))
    assert shared.token.encode() not in kept
    assert shared.token not in shared.server_log()


def test_a_token_file_that_others_can_read_is_narrowed(cold: Installation) -> None:
    cold.start()
    cold.kill()
    token = cold.token
    (cold.state / "token").chmod(0o644)
    cold.start()
    assert stat.S_IMODE((cold.state / "token").stat().st_mode) == 0o600
    assert cold.token == token


def test_a_job_sees_nothing_of_the_servers_environment_but_what_is_listed(cold: Installation) -> None:
    cold.extra_environment = {
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "HF_TOKEN": _SECRET,
        "TRADEWIND_TOKEN": _SECRET,
        "UV_PUBLISH_TOKEN": _SECRET,
        "TWINE_PASSWORD": _SECRET,
        "LC_ALL": "C.UTF-8",
    }
    cold.start()
    job = cold.submit({"name": "env", "run": "env -0", "setup": "env", "env": {"MINE": "yes"}})
    assert cold.wait_until_ended(job)["status"] == "succeeded"
    printed = cold.raw_log(job)
    assert b"MINE=yes" in printed
    assert b"LC_ALL=C.UTF-8" in printed
    for where in (printed, cold.raw_log(job, "setup"), cold.server_log().encode()):
        assert _SECRET.encode() not in where
        assert cold.token.encode() not in where
    for path in cold.directory(cold.attempts(job)[0]["id"]).rglob("*.json*"):
        assert _SECRET not in path.read_text(encoding="utf-8"), path


def _tar(*members: tuple[str, bytes, str, bytes]) -> bytes:
    """A `.tar.gz` of (name, type, link target, content)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, target, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue())


_FILE, _LINK, _HARD = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("../escaped", _FILE, "", b"x")],
        [("a/../../escaped", _FILE, "", b"x")],
        [("OUTSIDE/escaped", _FILE, "", b"x")],
        [("out", _LINK, "..", b""), ("out/escaped", _FILE, "", b"x")],
        [("out", _LINK, "OUTSIDE", b""), ("out/escaped", _FILE, "", b"x")],
        [("here", _LINK, ".", b""), ("here/out", _LINK, "../token", b"")],
        [("late/out", _LINK, "../../x", b"")],
        [("out", _LINK, "d/../../state", b""), ("d", _LINK, ".", b"")],
        [("out", _LINK, "d/../token", b""), ("d", _LINK, ".", b"")],
        [("hard", _HARD, "/etc/passwd", b"")],
        [("fifo", tarfile.FIFOTYPE, "", b"")],
        [("disk", tarfile.BLKTYPE, "", b"")],
    ],
)
def test_a_workdir_archive_cannot_reach_out_of_its_folder(
    busy: Installation, members: list[tuple[str, bytes, str, bytes]]
) -> None:
    outside = str(busy.outside)
    data = _tar(
        *((n.replace("OUTSIDE", outside), k, t.replace("OUTSIDE", outside), c) for n, k, t, c in members)
    )
    digest = _upload(busy, data)
    job = busy.submit({"name": "tar", "run": "true", "resources": {"cpus": 0.1}}, workdir=digest)
    ended = busy.wait_until_ended(job)
    assert (ended["status"], ended["reason"]) == ("failed", "invalid"), ended
    assert "workdir archive" in ended["explanation"]
    assert [path for path in busy.home.rglob("escaped") if path.exists()] == []


def test_links_within_a_workdir_are_kept(busy: Installation) -> None:
    data = _tar(
        ("data/real", _FILE, "", b"content"),
        ("near", _LINK, "data/real", b""),
        ("data/up", _LINK, "../near", b""),
        ("nothing", _LINK, "data/none", b""),
    )
    job = busy.submit({"name": "links", "run": "cat near data/up"}, workdir=_upload(busy, data))
    assert busy.wait_until_ended(job)["status"] == "succeeded"
    assert busy.raw_log(job) == b"contentcontent"


def test_an_archive_that_is_not_what_it_says_is_refused(busy: Installation) -> None:
    wrong = busy.request("PUT", f"/api/v1/workdirs/{'0' * 64}", b"something else")
    assert wrong.status == 422
    assert "SHA-256" in wrong.json["detail"]
    assert busy.request("PUT", "/api/v1/workdirs/..%2f..%2fx", b"x").status in (404, 422)
    assert sorted(path.name for path in (busy.state / "workdirs").glob(".*")) == []
    job = busy.submit({"name": "noise", "run": "true"}, workdir=_upload(busy, b"not an archive"))
    ended = busy.wait_until_ended(job)
    assert (ended["status"], ended["reason"]) == ("failed", "invalid")
    assert "damaged" in ended["explanation"]


def test_nothing_listens_but_the_api(installation: Installation) -> None:
    job = installation.submit({"name": "quiet", "run": "sleep 60", "resources": {"cpus": 0.1}})
    installation.wait_for_status(job, "running")
    directory = installation.directory(installation.attempts(job)[0]["id"])
    eventually("the agent is there", (directory / "agent.json").exists)
    ours = {process.pid for process in processes_of(installation.home)}
    assert installation.server is not None
    named = {
        json.loads((directory / f"{name}.json").read_text())["pid"] for name in ("begun", "agent", "process")
    }
    assert named | {installation.server.pid} <= ours
    assert listening_ports(ours) == {("0100007F", installation.port)}
    installation.stop_job(job, now=True)
    installation.wait_until_ended(job)


def _with_token(installation: Installation, secret: str) -> Answer:
    return installation.request("GET", "/api/v1/info", token=secret)


def _upload(installation: Installation, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    answer = installation.request("PUT", f"/api/v1/workdirs/{digest}", data)
    assert answer.status in (200, 201), answer
    assert Path(installation.state / "workdirs" / f"{digest}.tar.gz").read_bytes() == data
    return digest
