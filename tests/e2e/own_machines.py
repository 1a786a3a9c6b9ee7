"""Machines of a user's own, as tests have them: real SSH servers, each on an address of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.sshd_for_tests import Sshd


def key_pair(path: Path) -> tuple[str, str]:
    """A new key pair in a file: the private half, and the public one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


class Machine:
    """A real sshd with a host key of its own, and the key that lets its owner in."""

    def __init__(self, folder: Path, **options: Any) -> None:
        folder.mkdir(parents=True)
        self.key_file = folder / "owner"
        _, public = key_pair(self.key_file)
        private_host, self.host_key = key_pair(folder / "host")
        self.sshd = Sshd(folder, **options)
        self.sshd.start(private_host, public)

    @property
    def login(self) -> str:
        return f"{self.sshd.user}@{self.sshd.host}:{self.sshd.port}"

    @property
    def fingerprint(self) -> str:
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", "-"], input=self.host_key, capture_output=True, text=True, check=True
        )
        return shown.stdout.split()[1]
