"""When two attempts may use the same environment: the same setup, the same files that it names, the same Python."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess

_WORD = re.compile(r"[\w./@+~-]+")
_REQUIREMENTS_LINE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)
_ASK_PYTHON = "import sys, sysconfig; print(sys.version, sys.base_prefix, sysconfig.get_platform())"
_LARGEST_LIST_BYTES = 1 << 20
_WITHOUT_MEANING = ("__pycache__",)
_WITHOUT_MEANING_ENDINGS = (".egg-info", ".pyc")
_NOT_COPIED = (".git", ".hg", ".svn")


def environment_key(setup: str, workdir: str, python: str) -> str:
    """A name for the environment that this setup makes. Raises OSError or SubprocessError if Python cannot be run."""
    asked = subprocess.run(
        [python, "-I", "-c", _ASK_PYTHON], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    parts = [setup, asked.stdout.decode("utf-8", "replace")]
    for path in sorted(named_files(setup, workdir)):
        parts.append(os.path.relpath(path, workdir))
        parts.append(_hash_of(path))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def named_files(setup: str, workdir: str) -> set[str]:
    """The files of the workdir that a setup names, whole folders included, and those that requirements files name."""
    found: set[str] = set()
    for word in _WORD.findall(setup):
        _collect(os.path.join(workdir, word), os.path.realpath(workdir), found)
    return found


def _collect(path: str, inside: str, found: set[str]) -> None:
    path = os.path.realpath(path)
    if path in found or (path != inside and not path.startswith(inside + os.sep)):
        return
    if os.path.isdir(path):
        for folder, folders, names in os.walk(path):
            folders[:] = [
                name for name in folders if name not in _NOT_COPIED and not _is_without_meaning(name)
            ]
            found.update(os.path.join(folder, name) for name in names if not _is_without_meaning(name))
    elif os.path.isfile(path):
        found.add(path)
        if os.path.getsize(path) <= _LARGEST_LIST_BYTES:
            with open(path, encoding="utf-8", errors="replace") as file:
                for other in _REQUIREMENTS_LINE.findall(file.read()):
                    _collect(os.path.join(os.path.dirname(path), other), inside, found)


def snapshot_workdir(workdir: str) -> dict[str, tuple[int, int]]:
    """Size and time of every file, apart from what Python leaves behind by itself."""
    found = {}
    for folder, folders, names in os.walk(workdir):
        folders[:] = [name for name in folders if not _is_without_meaning(name)]
        for name in names:
            path = os.path.join(folder, name)
            if not _is_without_meaning(name):
                try:
                    stat = os.lstat(path)
                except OSError:
                    continue
                found[os.path.relpath(path, workdir)] = (stat.st_size, stat.st_mtime_ns)
    return found


def why_private(workdir: str, before: dict[str, tuple[int, int]], environment: str) -> str | None:
    """Why no other attempt may use an environment that was just made; None if any may."""
    after = snapshot_workdir(workdir)
    changed = sorted(name for name in set(before) | set(after) if before.get(name) != after.get(name))
    if changed:
        others = " and {} more".format(len(changed) - 1) if len(changed) > 1 else ""
        return "setup changed {}{} in the working directory".format(changed[0], others)
    if _points_into(environment, workdir):
        return "setup installed something that stays in the working directory"
    return None


def _points_into(environment: str, workdir: str) -> bool:
    """True for editable installs: the environment would go on using the files of an attempt that is gone."""
    inside = {os.path.realpath(workdir).encode(), os.path.abspath(workdir).encode()}
    for folder, _, names in os.walk(os.path.join(environment, "lib")):
        for name in names:
            if not (name.endswith((".pth", ".egg-link")) or name.startswith("__editable__")):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read()
            if any(path in text for path in inside):
                return True
    return False


def _is_without_meaning(name: str) -> bool:
    return name in _WITHOUT_MEANING or name.endswith(_WITHOUT_MEANING_ENDINGS)


def _hash_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
