"""Finds a job's outputs by its patterns."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pathspec


def find_outputs(workdir: Path, patterns: list[str]) -> list[PurePosixPath]:
    """Files below the workdir that match any pattern (`out/**`, `*.pt`), sorted; links are not followed."""
    spec = pathspec.GitIgnoreSpec.from_lines(f"/{pattern.lstrip('/')}" for pattern in patterns)
    found = []
    for folder, folders, names in os.walk(workdir):
        folders.sort()
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(workdir).as_posix()
            if path.is_file() and not path.is_symlink() and spec.match_file(relative):
                found.append(PurePosixPath(relative))
    return sorted(found)
