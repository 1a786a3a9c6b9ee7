"""What can be wrong on this machine, found without a server."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final, TypedDict

from tradewind.client.local_server import LocalServer
from tradewind.client.settings import Settings
from tradewind.domain.paths import TOKEN_FILE, state_dir
from tradewind.domain.units import format_bytes

_OLDEST_PYTHON: Final = (3, 11)
_LOW_DISK_BYTES: Final = 2 << 30
_EMPTY_DISK_BYTES: Final = 200 << 20
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "9p",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "glusterfs",
        "fuse.sshfs",
    }
)


class Finding(TypedDict):
    """One line of the report."""

    name: str
    status: str
    message: str
    fix: str | None


def diagnose(settings: Settings, local: LocalServer) -> list[Finding]:
    """What was found, in the order in which it is worth mending."""
    state = state_dir()
    return [
        _check_python(),
        _check_state(state),
        check_file_system(state, _read_mounts()),
        check_disk(state, shutil.disk_usage(_nearest(state)).free),
        _check_token(settings, state / TOKEN_FILE),
        _check_server(settings, local),
    ]


def _check_python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return _finding("python", "error", f"Python {version} is too old", "use Python 3.11 or newer")
    return _finding("python", "ok", f"Python {version}")


def _check_state(state: Path) -> Finding:
    place = _nearest(state)
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        return _finding(
            "state folder",
            "error",
            f"{state} cannot be written: {error.strerror}",
            "set TRADEWIND_STATE_DIR to a folder of yours",
        )
    return _finding("state folder", "ok", f"{state} can be written")


def check_file_system(state: Path, mounts: list[tuple[str, str]]) -> Finding:
    """Judges the file system that holds the state; `mounts` are mount points and their types."""
    place = str(_nearest(state).resolve())
    best = ("", "")
    for point, kind in mounts:
        if place == point or place.startswith(point.rstrip("/") + "/"):
            # The last of equal length is the one mounted on top.
            best = (point, kind) if len(point) >= len(best[0]) else best
    if best[1] in _NETWORK_FILE_SYSTEMS:
        return _finding(
            "file system",
            "error",
            f"{state} is on a network file system ({best[1]}), where SQLite loses data",
            "set TRADEWIND_STATE_DIR to a folder on a local disk, or TRADEWIND_DATABASE_URL to PostgreSQL",
        )
    return _finding("file system", "ok", f"local ({best[1]})" if best[1] else "type unknown here")


def check_disk(state: Path, free_bytes: int) -> Finding:
    """Judges the space that is left for logs and checkpoints."""
    text = f"{format_bytes(free_bytes)} free for logs and checkpoints"
    if free_bytes < _EMPTY_DISK_BYTES:
        return _finding("free space", "error", text, f"free some space on the disk of {state}")
    if free_bytes < _LOW_DISK_BYTES:
        return _finding("free space", "warning", text, f"free some space on the disk of {state}")
    return _finding("free space", "ok", text)


def _check_token(settings: Settings, own: Path) -> Finding:
    if settings.token:
        return _finding("token", "ok", "from the environment")
    path = settings.token_file or own
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        if settings.server:
            return _finding("token", "warning", "no token is set for the server", "set TRADEWIND_TOKEN")
        return _finding("token", "ok", "the local server makes one at its first start")
    if mode & 0o077:
        return _finding("token", "error", f"{path} can be read by others ({mode:03o})", f"chmod 600 {path}")
    return _finding("token", "ok", f"{path} is private")


def _check_server(settings: Settings, local: LocalServer) -> Finding:
    if settings.server:
        return _finding("server", "ok", f"configured: {settings.server}")
    running = local.find()
    if running is None:
        return _finding("server", "ok", "no local server runs; the first command that needs one starts it")
    return _finding("server", "ok", f"{running.url} (pid {running.pid}, version {running.version})")


def _read_mounts() -> list[tuple[str, str]]:
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    mounts = []
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].replace("\\040", " ")
        mounts.append((point, after.split(" ")[0]))
    return mounts


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path if os.path.isdir(path) else path.parent  # noqa: PTH112


def _finding(name: str, status: str, message: str, fix: str | None = None) -> Finding:
    return {"name": name, "status": status, "message": message, "fix": fix}
