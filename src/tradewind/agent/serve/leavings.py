"""What attempts have left on the machine: looked over, and removed."""

from __future__ import annotations

import os
import shutil

from ..exit_record import has_ended
from .looking import is_supervised
from .places import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: No attempt is called so: a removal that was cut short is known by its name, and is no attempt any more.
_DOOMED = ".{}.removed"


def survey(attempts: str) -> dict[str, Any]:
    """The attempts that run here, and those that only have a directory left; ends removals that were cut short."""
    running, left = [], []
    for name in _names(attempts):
        path = os.path.join(attempts, name)
        if name.startswith(".") and name.endswith(".removed"):
            shutil.rmtree(path, ignore_errors=True)
        elif is_supervised(path):
            running.append(name)
        elif os.path.isdir(path):
            left.append(name)
    return {"running": running, "left": left}


def remove(attempts: str, name: str) -> None:
    """Remove what an attempt has left. Raises RefusedError while it runs, or when nobody wrote down its end."""
    path = os.path.join(attempts, name)
    if not os.path.isdir(path):
        return
    if is_supervised(path) or (os.path.exists(os.path.join(path, "begun.json")) and not has_ended(path)):
        raise RefusedError("running", "{} has not ended".format(name))
    doomed = os.path.join(attempts, _DOOMED.format(name))
    shutil.rmtree(doomed, ignore_errors=True)
    # At once, as seen by everybody else: half a directory would look like an attempt without an end.
    os.rename(path, doomed)
    shutil.rmtree(doomed)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
