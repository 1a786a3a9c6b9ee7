"""A metadata service on loopback, as the clouds have one on every machine: what it is asked, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

_TOKEN: Final = "AQAAAToken=="


class MetadataServer:
    """Answers by `answers` (path without query -> status, body); everything else is 404."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        #: Answers nothing but 401 without the newest token, as EC2 does.
        self.wants_token = False
        self.token = _TOKEN
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._note(self)
                status, body = outer.answers.get(self.path.partition("?")[0], (404, "not found"))
                if outer.wants_token and self.headers.get("X-aws-ec2-metadata-token") != outer.token:
                    status, body = 401, "unauthorized"
                self._send(status, body)

            def do_PUT(self) -> None:
                outer._note(self)
                has_ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdecimal()
                is_token = self.path == "/latest/api/token" and has_ttl
                self._send(*((200, outer.token) if is_token else (400, "bad request")))

            def _send(self, status: int, body: str) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_arguments: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [path for _, path, _ in self.asked]

    def _note(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append((handler.command, handler.path, headers))

    @contextmanager
    def serving(self) -> Iterator[MetadataServer]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
