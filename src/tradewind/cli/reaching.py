"""Reaches a running job with OpenSSH's own programs: its shell, its files, its ports."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tradewind.domain.errors import NotSupportedError
from tradewind.domain.paths import config_dir

if TYPE_CHECKING:
    from tradewind.domain.schemas_access import AccessView


def own_key() -> tuple[Path, str]:
    """This user's key for running jobs, made when it is first needed: its file, and its public half."""
    path = config_dir() / "ssh" / "id_ed25519"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        program = find_program("ssh-keygen")
        command = [program, "-q", "-t", "ed25519", "-N", "", "-C", "tradewind", "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path, path.with_suffix(".pub").read_text(encoding="ascii").strip()


def find_program(name: str) -> str:
    """The path of one of OpenSSH's programs. Raises NotSupportedError when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise NotSupportedError(
            f"{name} is not installed here",
            hint="install OpenSSH's client (Debian: apt-get install openssh-client)",
        )
    return found


@dataclass(frozen=True, slots=True)
class Reached:
    """A way to a job's machine: what `ssh` and `scp` are told."""

    access: AccessView
    options: tuple[str, ...]

    @property
    def target(self) -> str:
        """User and address."""
        return f"{self.access.user}@{self.access.host}"

    def ssh(self, *more: str) -> list[str]:
        """An `ssh` command; what follows are its options, and then what runs there."""
        return [find_program("ssh"), *self.options, "-p", str(self.access.port), *more]

    def shell(self, command: tuple[str, ...]) -> list[str]:
        """A shell in the job's working directory, or a command there."""
        what = shlex.join(command) if command else 'exec "${SHELL:-/bin/sh}" -l'
        there = f"cd {shlex.quote(self.access.directory)} && {what}"
        return self.ssh("-t" if not command else "-T", self.target, there)

    def copy(self, source: str, target: str) -> list[str]:
        """An `scp` command; a path that begins with a colon is below the job's working directory."""
        both = [self._far(each[1:]) if each.startswith(":") else each for each in (source, target)]
        return [find_program("scp"), *self.options, "-P", str(self.access.port), "-r", "-p", "--", *both]

    def _far(self, path: str) -> str:
        whole = path if path.startswith("/") else f"{self.access.directory}/{path}"
        host = f"[{self.access.host}]" if ":" in self.access.host else self.access.host
        return f"{self.access.user}@{host}:{whole}"


@contextmanager
def reached(access: AccessView, key: Path) -> Iterator[Reached]:
    """A way to the machine, which is known by the host keys that the server has pinned, and by no others."""
    with TemporaryDirectory(prefix="tradewind-ssh-") as folder:
        known = Path(folder) / "known_hosts"
        name = access.host if access.port == 22 else f"[{access.host}]:{access.port}"
        known.write_text("".join(f"{name} {each}\n" for each in access.host_keys), encoding="ascii")
        options = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
        options += ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        if access.how == "key":
            # Nothing of the user's own settings has a say on a machine that was rented an hour ago.
            options += ["-F", "/dev/null", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
        elif access.key_file is not None and os.access(access.key_file, os.R_OK):
            options += ["-i", access.key_file]
        if access.jump is not None:
            options += ["-J", access.jump]
        yield Reached(access, tuple(options))
