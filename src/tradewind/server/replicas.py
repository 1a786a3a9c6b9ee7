"""What servers of one database have in common: a folder with the files of jobs. And what they have not: a machine."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Final

from tradewind.domain.errors import ConflictError, InvalidInputError

#: Says in a shared folder whose it is.
MARKER: Final = "tradewind-installation"
_MACHINE_ID: Final = Path("/etc/machine-id")


def host_id() -> str:
    """What this machine is known by among the servers of one database; the same until it is renamed or set up anew.

    Processes of jobs can be looked after by any server on the machine, and by none elsewhere. The name is part of it
    because containers made from one image may all have the same machine id.
    """
    try:
        machine = _MACHINE_ID.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        machine = ""
    return hashlib.sha256(f"{machine}/{socket.gethostname()}".encode()).hexdigest()[:32]


def make_storage(storage: Path) -> None:
    """Makes the shared folder where it is not there. Raises InvalidInputError when it cannot be written to."""
    try:
        storage.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(storage, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise InvalidInputError(
            f"TRADEWIND_STORAGE: {storage} is not a folder that this user can write to",
            hint="mount it, or name another one",
        )


def check_storage(storage: Path, installation_id: str, *, is_alone: bool) -> None:
    """Makes sure that the shared folder is the one that the other servers of the database use.

    Raises:
        ConflictError: it belongs to another database, or the other servers use another folder.
    """
    marker = storage / MARKER
    try:
        owner = marker.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        owner = None
    if owner is None and is_alone:
        temporary = marker.with_name(f".{MARKER}.{os.getpid()}")
        temporary.write_text(f"{installation_id}\n", encoding="ascii")
        temporary.replace(marker)
        return
    if owner is None:
        raise ConflictError(
            f"TRADEWIND_STORAGE: {storage} is not the folder that the other servers of this database use",
            hint="name the same folder for all of them; is it mounted?",
        )
    if owner != installation_id:
        raise ConflictError(
            f"TRADEWIND_STORAGE: {storage} belongs to another installation ({owner})",
            hint="name a folder of this installation's own",
        )
