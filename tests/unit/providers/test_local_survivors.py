"""An attempt whose directory was deleted is gone only when none of its processes is left."""

from __future__ import annotations

import os
import subprocess
import sys

from tradewind.providers.local.survivors import MARKER, end_marked


def test_processes_are_found_by_their_marker_and_ended() -> None:
    attempt = f"att_survivor_{os.getpid()}"
    with subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()"],
        env={**os.environ, MARKER: attempt},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert end_marked(attempt + "_other") == 0
        assert end_marked(attempt) == 1
        assert process.wait() == -9
    assert end_marked(attempt) == 0
