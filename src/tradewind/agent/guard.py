"""`guard`: switches the machine off when nobody has renewed it for so long.

A process of its own, detached from whoever started it, one for a base directory. What it is to do lies in
`guard.json`: `{"after_s": ..., "command": [...], "renewal": n}`. Replacing that file renews it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from .clocks import steady_s
from .durable import read_json, replace_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_NAP_S = 5.0
_AGAIN_S = 60.0
_PATIENCE_S = 10.0
_NAME = "guard.json"


def renew(
    base: str, program: list[str], after_s: float, command: list[str], cancel: list[str]
) -> dict[str, Any]:
    """Say that somebody is there, and start the guard unless it lives.

    `cancel` is run once the guard lives: it takes back what would have switched the machine off until then.
    """
    known = read_json(os.path.join(base, _NAME)) or {}
    renewal = int(known.get("renewal") or 0) + 1
    replace_json(
        os.path.join(base, _NAME), {"after_s": after_s, "command": command, "renewal": renewal}, durably=True
    )
    started = not is_alive(base)
    if started:
        subprocess.run(
            [*program, "guard", "--dir", base],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        deadline = steady_s() + _PATIENCE_S
        while not is_alive(base):
            if steady_s() > deadline:
                raise OSError("the guard did not start")
            time.sleep(0.01)
        if cancel:
            # Nothing to cancel is no error.
            subprocess.run(
                cancel, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=_PATIENCE_S, check=False,
            )  # fmt: skip
    return {"started": started, "renewal": renewal}


def is_alive(base: str) -> bool:
    """True while a guard holds the lock of the base directory."""
    from .serve.looking import is_supervised

    return is_supervised(_folder(base))


def guard(base: str) -> int:
    """Detach, and stay until it has to act. The process that was called returns at once."""
    from .lock import take_lock

    folder = _folder(base)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.fork() != 0:
        return 0
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    lock = take_lock(folder)
    if lock is None:
        os._exit(0)
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    try:
        _stay(base)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(1)


def _stay(base: str) -> None:
    order: dict[str, Any] = {}
    renewed_at = steady_s()
    while True:
        # What cannot be read for a moment is no renewal and no order to go.
        found = read_json(os.path.join(base, _NAME))
        if found is not None and found != order:
            order = found
            renewed_at = steady_s()
        after_s = float(order.get("after_s") or 1800.0)
        left_s = renewed_at + after_s - steady_s()
        if left_s <= 0:
            command = order.get("command")
            if isinstance(command, list) and command:
                subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, check=False)
            # The machine is on its way down. If it is not, it is told again.
            renewed_at = steady_s() - after_s + _AGAIN_S
            continue
        time.sleep(min(left_s, _LONGEST_NAP_S))


def _folder(base: str) -> str:
    return os.path.join(base, "guard")
