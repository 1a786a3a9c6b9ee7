"""Where requests may read and write: below the base directory, through no link that leads out."""

from __future__ import annotations

import os
import re

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


class RefusedError(Exception):
    """Why a request was not carried out. `code` is for programs, the text for a person."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Places:
    """The directories below one base."""

    def __init__(self, base: str) -> None:
        self.base = os.path.realpath(base)
        self.attempts = os.path.join(self.base, "attempts")

    def attempt(self, name: object, *, must_exist: bool = True) -> str:
        """The directory of an attempt."""
        path = os.path.join(self.attempts, plain_name(name))
        if must_exist and not os.path.isdir(path):
            raise RefusedError("gone", "there is no attempt {}".format(name))
        return path


def plain_name(name: object) -> str:
    """A name without any directory in it."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise RefusedError("refused", "{!r} is not a plain name".format(name))
    return name


def open_below(folder: str, path: object) -> int:
    """A descriptor of a file or folder below the folder, open for reading. The caller closes it.

    Links are followed as long as they stay inside. What is checked is what is opened: every step on the resolved way
    is taken from the one before it and through no link.
    """
    if not isinstance(path, str) or "\0" in path:
        raise RefusedError("refused", "{!r} is not a path".format(path))
    root = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(root, path))
    if target != root and not target.startswith(root + os.sep):
        raise RefusedError("refused", "{!r} leads out of the working directory".format(path))
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(root, flags)
    for step in target[len(root) :].split(os.sep):
        if not step:
            continue
        try:
            below = os.open(step, flags, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd
