"""A real OpenSSH server on a loopback port, as tests use it for a machine: started, cut off, ended with all it ran."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

_SSHD: Final = "/usr/sbin/sshd"
_PATIENCE_S: Final = 20.0
#: Names the machine that a process runs on, in its environment.
_MARK: Final = "TW_TEST_MACHINE"


class Sshd:
    """One machine: `home` is the home folder of whoever logs in, `port` where it listens on the loopback address.

    Its own files lie in `folder`. It runs as the current user, so logins are for `user`. `inside` goes before its
    command, where it is started in surroundings of its own.
    """

    def __init__(
        self,
        folder: Path,
        path: str = os.environ["PATH"],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        inside: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.user = getpass.getuser()
        self.host = host
        self.port = port
        self._path = path
        self._inside = list(inside)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, host_private_key: str, authorized_key: str, home: Path | None = None) -> int:
        """Starts it with this host key (OpenSSH's private form) for this public key; returns its port."""
        self.home = home or self.home
        self.home.mkdir(parents=True, exist_ok=True)
        # Root's sshd drops its rights into this folder before anybody has logged in.
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        key = self.folder / "host_key"
        key.unlink(missing_ok=True)
        key.write_text(host_private_key)
        key.chmod(0o600)
        (self.folder / "authorized_keys").write_text(authorized_key + "\n")
        self.port = self.port or free_port()
        self._write_programs()
        config = {
            "Port": self.port,
            "ListenAddress": self.host,
            "HostKey": key,
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "Subsystem": "sftp internal-sftp",
            "PrintMotd": "no",
            "PrintLastLog": "no",
            "MaxStartups": "200",
            "MaxSessions": "100",
            "SetEnv": f'"HOME={self.home}" "PATH={self.folder}/bin:{self._path}" "{_MARK}={self._mark}"',
        }
        text = "".join(f"{name} {value}\n" for name, value in config.items())
        (self.folder / "sshd_config").write_text(text)
        return self._listen()

    def _write_programs(self) -> None:
        """What would switch this very machine off only says so: see `shutdowns`."""
        programs = {
            "shutdown": f'#!/bin/sh\necho "$@" >> {self.folder}/shutdown.log\n',
            "sudo": '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n',
        }
        (self.folder / "bin").mkdir(exist_ok=True)
        for name, text in programs.items():
            (self.folder / "bin" / name).write_text(text)
            (self.folder / "bin" / name).chmod(0o755)

    @property
    def shutdowns(self) -> list[str]:
        """With what `shutdown` was called, in order."""
        log = self.folder / "shutdown.log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def _mark(self) -> str:
        return str(self.folder)

    def _listen(self) -> int:
        before = self._listenings()
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._inside, _SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"sshd ended: {(self.folder / 'sshd.log').read_text()[-2000:]}")
            if self._answers(before):
                return self.port
            time.sleep(0.01)
        raise AssertionError("sshd does not listen")

    def _answers(self, before: int) -> bool:
        # In surroundings of its own it may not be reached from here.
        if self._inside:
            return self._listenings() > before
        with socket.socket() as attempt:
            return attempt.connect_ex((self.host, self.port)) == 0

    def _listenings(self) -> int:
        """How often it has said that it listens."""
        log = self.folder / "sshd.log"
        return log.read_bytes().count(b"Server listening on") if log.exists() else 0

    def restart(self) -> int:
        """Listens again on the same port with the same files."""
        self.stop_listening()
        return self._listen()

    def stop_listening(self) -> None:
        """Takes no new connections; those that are open stay."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def cut(self) -> None:
        """Ends every connection that is open, and what the far side holds for it; new ones are taken."""
        for process in self._sessions():
            _kill(process)

    def kill(self) -> None:
        """The machine dies: sshd, its sessions and every process that was started on it."""
        sessions = self._sessions()
        self.stop_listening()
        for process in sessions:
            _kill(process)
        # What starts others is ended before it can start more: until a look finds none.
        while found := self.processes():
            for process in found:
                _kill(process)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs on the machine."""
        # A job's command has the home folder of the machine, but not the mark: only some variables are passed on.
        marks = {(_MARK, self._mark), ("HOME", str(self.home))}
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and marks & set(process.environ().items()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _sessions(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=False)
        except psutil.NoSuchProcess:
            return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
        process.wait(_PATIENCE_S)
    except psutil.Error:
        return


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sshd(folder: Path, host_private_key: str, authorized_key: str) -> Iterator[Sshd]:
    """A machine for the length of a `with`; nothing of it is left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = Sshd(folder)
    machine.start(host_private_key, authorized_key)
    try:
        yield machine
    finally:
        machine.kill()
        shutil.rmtree(machine.home, ignore_errors=True)
