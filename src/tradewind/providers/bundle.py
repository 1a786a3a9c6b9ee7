"""Builds the agent's zipapp out of the sources that are installed."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import tradewind

_PACKAGE: Final = "tradewind_agent"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MAIN: Final = """\
import sys

from {package}.main import main

sys.exit(main(sys.argv[1:], {version!r}))
"""


def build_bundle(target_dir: Path) -> Path:
    """Writes `agent-<hash>.pyz` into the directory unless it is there already, and returns its path.

    The same sources give the same bytes and so the same name; a running attempt keeps the agent it was started with.
    """
    data = _bundle()
    path = target_dir / f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz"
    if path.exists() and path.stat().st_size == len(data):
        return path
    target_dir.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def _bundle() -> bytes:
    sources = {"__main__.py": _MAIN.format(package=_PACKAGE, version=tradewind.__version__).encode()}
    root = files("tradewind")
    for name, data in _walk(root / "agent", ""):
        # The shim is a package of its own inside the bundle, with the real `report` beside it.
        place = f"shim/tradewind/{name[5:]}" if name.startswith("shim/") else f"{_PACKAGE}/{name}"
        sources[place] = data
    sources["shim/tradewind/reporting.py"] = (root / "reporting.py").read_bytes()
    buffer = io.BytesIO()
    # Not compressed: it is read at every start of an agent, and `zlib` would be one more module in its memory.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), sources[name])
    return buffer.getvalue()


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield f"{prefix}{entry.name}", entry.read_bytes()
