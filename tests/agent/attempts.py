"""An attempt as real processes, as tests start, watch and end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

_PATIENCE_S = 20.0


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = _PATIENCE_S) -> Any:
    """What the condition returns once it is true; fails the test when patience ends."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {patience_s:.0f} s for {what}")


class Attempt:
    """One attempt directory and the processes that belong to it."""

    def __init__(self, directory: Path, bundle: Path, python: str = sys.executable) -> None:
        self.directory = directory
        self.workdir = directory / "work"
        self.workdir.mkdir(parents=True)
        self.name = f"att_{directory.name}_{os.getpid()}"
        self.bundle = bundle
        self.python = python
        self.spec: dict[str, Any] = {
            "protocol": 1, "attempt": self.name, "job": "job_1", "job_name": "digits", "run": "true",
            "workdir": str(self.workdir), "environments_dir": str(directory.parent / "environments"),
            "python": sys.executable, "pass_env": ["HOME", "LANG"], "search_path": os.environ["PATH"],
            "grace_s": 5, "fence": 1, "sample_every_s": 1.0, "cpus": 1,
            "power": {"idle_watts": 10.0, "max_watts": 45.0},
        }  # fmt: skip
        self.control: dict[str, Any] = {"fence": 1, "lease_seq": 0, "stop": None}

    def verb(self, verb: str) -> dict[str, Any]:
        """The answer of a verb."""
        done = subprocess.run(
            [self.python, "-I", "-S", str(self.bundle), verb, "--dir", str(self.directory)],
            capture_output=True, check=False, timeout=_PATIENCE_S,
        )  # fmt: skip
        assert done.stdout, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if "error" in answer else 0)
        return answer

    def write_spec(self, **changes: Any) -> None:
        self.spec.update(changes)
        (self.directory / "spec.json").write_text(json.dumps(self.spec))
        self.change_control()

    def change_control(self, **changes: Any) -> None:
        self.control.update(changes)
        temporary = self.directory / ".control.new"
        temporary.write_text(json.dumps(self.control))
        temporary.replace(self.directory / "control.json")

    def start(self, run: str, **changes: Any) -> dict[str, Any]:
        """Start it; the command is a shell's."""
        self.write_spec(run=run, **changes)
        answer = self.verb("start")
        assert answer.get("started") is True, answer
        return answer

    def script(self, source: str, then: str | None = None) -> str:
        """A command that runs a Python program, and perhaps another command after it."""
        (self.workdir / "program.py").write_text(source)
        return f"exec {sys.executable} program.py" if then is None else f"{sys.executable} program.py; {then}"

    def json(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.directory / name).read_text())
        return value

    def wait(self, patience_s: float = _PATIENCE_S) -> dict[str, Any]:
        """The exit record, once there is one."""
        wait_until((self.directory / "exit.json").exists, "exit.json", patience_s)
        return self.json("exit.json")

    def run(self, run: str, **changes: Any) -> dict[str, Any]:
        self.start(run, **changes)
        return self.wait()

    def wait_for_agent(self, other_than: int | None = None) -> int:
        """The agent's pid, once there is one (another one)."""

        def look() -> int | None:
            try:
                pid: int = self.json("agent.json")["pid"]
            except (OSError, ValueError):
                return None
            return pid if pid != other_than else None

        pid: int = wait_until(look, "the agent")
        return pid

    def wait_for_stdout(self, text: bytes) -> None:
        path = self.directory / "logs" / "stdout.log"
        wait_until(lambda: path.exists() and text in path.read_bytes(), f"{text!r} on stdout")

    def log(self, name: str = "stdout") -> bytes:
        return (self.directory / "logs" / f"{name}.log").read_bytes()

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        path = self.directory / "records.jsonl"
        text = path.read_text() if path.exists() else ""
        found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [record for record in found if kind is None or record["type"] == kind]

    def supervisor(self) -> int:
        pid: int = self.json("begun.json")["pid"]
        return pid

    def processes(self) -> list[int]:
        """Every process that still runs of it: command, supervisor and agent."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                is_ours = self.name in process.environ().values() or str(self.directory) in process.cmdline()
            except psutil.Error:
                continue
            if is_ours:
                found.append(process.pid)
        return found

    def assert_nothing_left(self) -> None:
        wait_until(lambda: not self.processes(), f"the processes of {self.name} to end")

    def end(self) -> None:
        """Whatever is left, ended by force."""
        if (self.directory / "begun.json").exists() and not (self.directory / "exit.json").exists():
            pid = self.supervisor()
            if pid in self.processes():
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: pid not in self.processes(), "the supervisor to be gone")
            self.spec["grace_s"] = 0
            self.write_spec()
            wait_until(lambda: self.verb("reap")["state"] == "ended", "what was left to be reaped")
