"""Whoever ends an attempt signals parents before their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tradewind.agent import ending
from tradewind.agent.ending import Survivors, of_orphaned

CHAIN = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"


def test_parents_are_signalled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    signalled: list[int] = []
    monkeypatch.setattr(ending, "send", lambda pid, _number: signalled.append(pid))
    marker = f"att_order_{os.getpid()}"
    with subprocess.Popen(
        [sys.executable, "-c", CHAIN],
        env={**os.environ, "TRADEWIND_ATTEMPT": marker},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        try:
            assert Survivors(lambda: of_orphaned(marker, None, set())).ask_to_end()
            assert signalled[0] == parent.pid
            assert len(signalled) == 2
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
