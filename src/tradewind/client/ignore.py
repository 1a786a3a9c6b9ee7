"""Which files of a workdir are left behind: `.gitignore` and `.tradewindignore`, nested as git does it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pathspec import GitIgnoreSpec, RegexPattern

from tradewind.domain.errors import InvalidInputError

#: Never packed, whatever the ignore files say: version control, environments and caches are made again elsewhere.
ALWAYS_SKIPPED: Final = frozenset({".git", ".venv", "node_modules", "__pycache__"})
#: Read in this order, so a line in `.tradewindignore` can take back one in `.gitignore`.
IGNORE_FILES: Final = (".gitignore", ".tradewindignore")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or folder to pack. `path` is relative to the root, with `/` between its parts."""

    path: str
    status: os.stat_result


def walk_workdir(root: str, ignore: Iterable[str] = ()) -> Iterator[Entry]:
    """What is to be packed, in a fixed order. Sockets, pipes and devices are passed over.

    Raises InvalidInputError where a folder or an ignore file cannot be read.
    """
    yield from _walk(root, "", [], GitIgnoreSpec.from_lines(ignore))


def _walk(
    root: str, folder: str, rules: list[tuple[str, GitIgnoreSpec]], extra: GitIgnoreSpec
) -> Iterator[Entry]:
    here = os.path.join(root, folder)  # noqa: PTH118  (text paths: a workdir may hold 100,000 files)
    rules = [*rules, *((folder, spec) for spec in _read_rules(here))]
    try:
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    except OSError as error:
        raise InvalidInputError(
            f"the folder {here} cannot be read",
            causes=(str(error.strerror),),
            hint="make it readable, or name it in .tradewindignore",
        ) from None
    for entry in entries:
        if entry.name in ALWAYS_SKIPPED:
            continue
        path = f"{folder}{entry.name}"
        is_folder = entry.is_dir(follow_symlinks=False)
        if _is_ignored(path + "/" if is_folder else path, rules, extra):
            continue
        if is_folder:
            yield Entry(path, entry.stat(follow_symlinks=False))
            yield from _walk(root, path + "/", rules, extra)
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            yield Entry(path, entry.stat(follow_symlinks=False))


def _read_rules(folder: str) -> Iterator[GitIgnoreSpec]:
    for name in IGNORE_FILES:
        path = os.path.join(folder, name)  # noqa: PTH118
        try:
            with open(path, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
                spec = GitIgnoreSpec.from_lines(lines.read().splitlines())
        except (FileNotFoundError, IsADirectoryError):
            continue
        except OSError as error:
            raise InvalidInputError(f"{path} cannot be read", causes=(str(error.strerror),)) from None
        except ValueError as error:
            raise InvalidInputError(f"{path} has a pattern that is not valid", causes=(str(error),)) from None
        if len(spec.patterns):
            yield spec


def _is_ignored(path: str, rules: list[tuple[str, GitIgnoreSpec]], extra: GitIgnoreSpec) -> bool:
    # What the caller names comes first; then the last rule that speaks of a path, so deeper files override.
    for base, spec in [("", extra), *reversed(rules)]:
        for pattern in reversed(spec.patterns):
            assert isinstance(pattern, RegexPattern)
            if pattern.include is not None and _names(pattern, path[len(base) :]):
                return pattern.include
    return False


def _names(pattern: RegexPattern, path: str) -> bool:
    """True if the pattern speaks of this very path; pathspec also matches all that lies below what it speaks of.

    The difference matters: in git, `*.log` and `!b` leave `b/a.log` ignored. A folder above that is ignored is never
    entered, so nothing below it is asked about.
    """
    if pattern.regex is None:
        return False
    ends = [match.end() for match in pattern.regex.finditer(path)]
    if pattern.regex.groupindex:
        return len(path) in ends
    # `d/**` has no end in its expression: it speaks of all that lies below `d`, and not of `d`.
    return bool(ends) and (ends[0] < len(path) or not path.endswith("/"))
