"""Finds a job's outputs by its patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pathspec

from tradewind.domain.errors import InvalidInputError


def find_outputs(workdir: Path, patterns: list[str]) -> list[PurePosixPath]:
    """Files below the workdir that match any pattern (`out/**`, `*.pt`), sorted; links are not followed."""
    files = (
        path.relative_to(workdir).as_posix()
        for folder, _folders, names in os.walk(workdir)
        for path in (Path(folder) / name for name in names)
        if path.is_file() and not path.is_symlink()
    )
    return match_outputs(files, patterns)


def match_outputs(files: Iterable[str], patterns: list[str]) -> list[PurePosixPath]:
    """Those of the files, named from the workdir on, that match any pattern, sorted."""
    spec = read_patterns(patterns)
    return sorted(PurePosixPath(each) for each in files if spec.match_file(each))


def read_patterns(patterns: list[str]) -> pathspec.GitIgnoreSpec:
    """The patterns of `outputs`, ready to match. Raises InvalidInputError when one cannot be understood."""
    try:
        return pathspec.GitIgnoreSpec.from_lines(f"/{pattern.lstrip('/')}" for pattern in patterns)
    except (ValueError, re.error) as error:
        raise InvalidInputError(
            f"outputs: {', '.join(patterns)}: {error}",
            hint="patterns are those of .gitignore, for example `out/**` or `*.pt`",
        ) from None
