"""Finds a job's outputs by its patterns."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

import pathspec

from tradewind.domain.errors import InvalidInputError


def find_outputs(workdir: Path, patterns: list[str]) -> list[PurePosixPath]:
    """Files below the workdir that match any pattern (`out/**`, `*.pt`), sorted; links are not followed."""
    spec = read_patterns(patterns)
    found = []
    for folder, folders, names in os.walk(workdir):
        folders.sort()
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(workdir).as_posix()
            if path.is_file() and not path.is_symlink() and spec.match_file(relative):
                found.append(PurePosixPath(relative))
    return sorted(found)


def read_patterns(patterns: list[str]) -> pathspec.GitIgnoreSpec:
    """The patterns of `outputs`, ready to match. Raises InvalidInputError when one cannot be understood."""
    try:
        return pathspec.GitIgnoreSpec.from_lines(f"/{pattern.lstrip('/')}" for pattern in patterns)
    except (ValueError, re.error) as error:
        raise InvalidInputError(
            f"outputs: {', '.join(patterns)}: {error}",
            hint="patterns are those of .gitignore, for example `out/**` or `*.pt`",
        ) from None
