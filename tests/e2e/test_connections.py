"""A provider is connected on a real server, against a vendor on loopback; nothing of the key is ever seen again."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e
_KEY = "hunter2-of-the-vendor"
_WRONG = "hunter3-nobody-knows"


class _Vendor(BaseHTTPRequestHandler):
    """As much of Lambda's API as a connection without machines asks for."""

    asked: list[tuple[str, bool]]

    def do_GET(self) -> None:
        is_known = self.headers.get("authorization") == f"Bearer {_KEY}"
        self.asked.append((self.path.partition("?")[0], is_known))
        if not is_known:
            # It repeats what it was sent, as some do.
            said = f"API key {self.headers.get('authorization')} was invalid"
            return self._answer(401, {"error": {"code": "global/invalid-api-key", "message": said}})
        regions = [{"name": "us-east-1", "description": "Virginia"}]
        return self._answer(200, {"data": regions if self.path.endswith("/regions") else []})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
        return None


@contextmanager
def vendor() -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """A vendor's address, and what it was asked: path, and whether the key was right."""
    asked: list[tuple[str, bool]] = []
    handler = type("Handler", (_Vendor,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def connect(installation: Installation, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """`tradewind connect`, with the key on standard input."""
    command = [sys.executable, "-m", "tradewind.cli", "connect", "lambda", "--stdin"]
    return subprocess.run(
        [*command, "--setting", f"base_url={url}"],
        env=installation.environment(),
        cwd=installation.home,
        input=f"LAMBDA_API_KEY={key}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def listed(installation: Installation) -> dict[str, Any]:
    """`tradewind providers ls -o json`, by id."""
    shown = installation.cli("providers", "ls", "-o", "json")
    assert shown.returncode == 0, shown.stderr
    return {each["id"]: each for each in json.loads(shown.stdout)}


def test_a_connection_outlives_the_server_and_hides_its_key(installation: Installation) -> None:
    before = listed(installation)
    assert (before["lambda"]["connected"], before["local"]["connected"]) == (False, True)
    with vendor() as (url, asked):
        wrong = connect(installation, url, _WRONG)
        assert wrong.returncode == 2
        assert "Lambda Cloud does not take these credentials" in wrong.stderr
        assert listed(installation)["lambda"]["connected"] is False
        done = connect(installation, url, _KEY)
        assert done.returncode == 0, done.stderr
        assert "Lambda Cloud (lambda): connected" in done.stdout
        assert "us-east-1" in done.stdout

        # The controllers of rented machines begin with the connection, and the sweeper asks what we have there.
        def swept() -> bool:
            return ("/api/v1/instances", True) in asked

        eventually("the provider is swept", swept)
        after = listed(installation)["lambda"]
        assert (after["kind"], after["connected"], after["connection"]) == ("machines", True, "connected")
        assert after["capabilities"]["create_idempotency"] == "tag"
        installation.kill()
        asked.clear()
        installation.start()
        assert listed(installation)["lambda"]["connected"] is True
        eventually("the provider is swept again", swept)
        checked = installation.cli("providers", "validate", "lambda")
        assert checked.returncode == 0, checked.stderr
    # The vendor is gone: what is known stays, and what is wrong is said.
    lost = installation.cli("providers", "validate", "lambda")
    assert lost.returncode == 1
    assert "cannot be reached" in lost.stdout
    shown = installation.cli("providers", "show", "lambda")
    outputs = [each.stdout + each.stderr for each in (wrong, done, checked, lost, shown)]
    for text in (installation.server_log(), *outputs):
        assert _KEY not in text
        assert _WRONG not in text
    kept = [path for path in installation.home.rglob("*") if path.is_file()]
    assert installation.state / "tradewind.db" in kept
    secrets = (_KEY.encode(), _WRONG.encode())
    assert [path for path in kept if any(each in path.read_bytes() for each in secrets)] == []
    assert stat.S_IMODE((installation.home / "config" / "secret.key").stat().st_mode) == 0o600
    gone = installation.cli("disconnect", "lambda", "-y")
    assert gone.returncode == 0, gone.stderr
    assert listed(installation)["lambda"]["connected"] is False


def test_credentials_of_the_environment_are_never_stored(cold: Installation) -> None:
    cold.extra_environment["LAMBDA_API_KEY"] = _KEY
    cold.start()
    with vendor() as (url, asked):
        done = cold.cli("connect", "lambda", "--from-environment", "--setting", f"base_url={url}")
        assert done.returncode == 0, done.stderr
        assert asked
        assert all(is_known for _, is_known in asked)
    kept = [path for path in cold.home.rglob("*") if path.is_file()]
    assert [path for path in kept if _KEY.encode() in path.read_bytes()] == []
    # Without the variable the next server cannot use the connection, and says so.
    cold.kill()
    del cold.extra_environment["LAMBDA_API_KEY"]
    cold.start()
    assert listed(cold)["lambda"]["connected"] is False
    shown = cold.cli("providers", "show", "lambda")
    assert "this server cannot use it: LAMBDA_API_KEY (API key) is not set in the environment" in shown.stdout
