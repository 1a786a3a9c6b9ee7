"""Puts what a job made onto this machine, without trusting the names inside."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tradewind.domain.errors import ConflictError, InvalidInputError


def unpack_tar(pieces: Iterable[bytes], destination: Path) -> int:
    """Unpacks a tar stream into a folder that must not exist yet, or be empty; returns the number of files.

    Nothing appears at `destination` unless all of it arrived. Files and folders are all that there may be: what would
    land outside, links and devices are refused.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise ConflictError(
            f"{destination} already exists and is not empty", hint="name another folder with --to"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    try:
        with tempfile.TemporaryFile(dir=partial.parent) as spool:
            for piece in pieces:
                spool.write(piece)
            spool.seek(0)
            with tarfile.open(fileobj=spool, mode="r:*") as archive:
                count = sum(_extract(archive, member, partial) for member in archive)
        if destination.exists():
            destination.rmdir()
        partial.chmod(0o755)
        partial.rename(destination)
    except tarfile.TarError as error:
        raise InvalidInputError(
            "the archive from the server was not unpacked", causes=(str(error),)
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> bool:
    """Writes one member; True if it is a file. By hand: `tarfile` has its filters from Python 3.11.4 on only."""
    relative = PurePosixPath(member.name)
    if relative.is_absolute() or ".." in relative.parts:
        raise tarfile.TarError(f"{member.name!r} would land outside the folder")
    target = folder.joinpath(*relative.parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return False
    source = archive.extractfile(member) if member.isreg() else None
    if source is None:
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
        if file.tell() != member.size:
            raise tarfile.TarError(f"{member.name!r} is not whole")
    return True


def place_file(
    pieces: Iterable[bytes], folder: Path, path: str, sha256: str, *, overwrite: bool
) -> Path | None:
    """Writes one file below `folder`; None if it is there already with this content.

    Raises:
        InvalidInputError: its path would lead outside, or the content is not what was announced.
        ConflictError: another file is there, and `overwrite` is not set.
    """
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise InvalidInputError(f"the server named a file outside the folder: {path!r}")
    target = folder.joinpath(*relative.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise InvalidInputError(f"{target} leads outside {folder} through a link")
    if target.exists():
        if target.is_file() and _hash_file(target) == sha256:
            return None
        if not overwrite:
            raise ConflictError(
                f"{target} already exists with other content",
                hint="use --overwrite, or another folder with --to",
            )
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    partial = Path(name)
    try:
        digest = hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != sha256:
            raise InvalidInputError(f"{path} did not arrive whole", hint="try again")
        partial.chmod(0o644)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
