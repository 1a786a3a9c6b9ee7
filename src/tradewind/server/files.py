"""The files by which a local server is found: its lock, its address, its token."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from datetime import datetime
from pathlib import Path

import psutil

from tradewind import __version__
from tradewind.domain.errors import ConflictError
from tradewind.domain.paths import SERVER_FILE, SERVER_LOCK, TOKEN_FILE


def take_lock(state: Path) -> int:
    """Takes the state folder for this process; the lock ends with the process, however that ends.

    Raises:
        ConflictError: another server has it.
    """
    descriptor = os.open(state / SERVER_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        if not _try_lock(descriptor, fcntl.LOCK_SH):
            os.close(descriptor)
            raise ConflictError(
                f"a server is already using {state}", hint="`tradewind server status` shows it"
            ) from None
        # Nobody holds it for long: somebody only looked whether a server lives, and that takes an instant.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.001)
    return descriptor


def _try_lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def announce(state: Path, url: str, started_at: datetime) -> None:
    """Says where the server is, readable by its owner only."""
    me = psutil.Process()
    _write(
        state / SERVER_FILE,
        json.dumps(
            {
                "pid": me.pid,
                "url": url,
                "version": __version__,
                "started_at": started_at.isoformat(),
                "start_time": me.create_time(),
            }
        ),
    )


def withdraw(state: Path) -> None:
    """Takes the address back."""
    (state / SERVER_FILE).unlink(missing_ok=True)


def read_or_make_token(state: Path) -> str:
    """The local token, made on first use; a file that others can read is narrowed."""
    path = state / TOKEN_FILE
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        token = ""
    if token:
        path.chmod(0o600)
        return token
    token = secrets.token_urlsafe(32)
    _write(path, token + "\n")
    return token


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    temporary.replace(path)
