"""Stands in for `python -m tradewind.server serve`: the same lock, the same files, the same signals, nothing else."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import signal
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    state = Path(os.environ["TRADEWIND_STATE_DIR"])
    if "--fail" in sys.argv:
        print("no: the disk is full", flush=True)
        sys.exit(3)
    lock = os.open(state / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    port = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 0
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    (state / "token").write_text("local-token")
    said = {
        "pid": os.getpid(),
        "url": f"http://127.0.0.1:{server.server_port}",
        "version": "9.9",
        "started_at": "2026-11-22T12:00:00Z",
        "start_time": 1,
    }
    partial = state / "server.json.new"
    partial.write_text(json.dumps(said))
    partial.rename(state / "server.json")
    server.serve_forever()


if __name__ == "__main__":
    main()
