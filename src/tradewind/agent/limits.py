"""When the command must be stopped: told to, fenced off, out of contact, or too large."""

from __future__ import annotations

import os

from .clocks import steady_s, wall_s
from .durable import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .reclaim import Notice
    from .spec import Spec

_GRACE_WITHOUT_MEMORY_S = 10.0


class Stop:
    """A request to the supervisor."""

    def __init__(self, reason: str, message: str, grace_s: float) -> None:
        self.reason = reason
        self.message = message
        self.grace_s = grace_s

    def as_message(self) -> dict[str, Any]:
        """What goes through the pipe."""
        return {"stop": self.reason, "message": self.message, "grace_s": self.grace_s}


class ControlFile:
    """Reads `control.json` when it was replaced, and keeps the lease."""

    def __init__(self, spec: Spec, directory: str, begun_steady_s: float) -> None:
        self._spec = spec
        self._path = os.path.join(directory, "control.json")
        self._begun_steady_s = begun_steady_s
        self._version: tuple[int, int] | None = None
        self._lease_seq: Any = None
        self._renewed_at_s = begun_steady_s
        self._stop: dict[str, Any] | None = None
        self._fence = 0

    def look(self) -> Stop | None:
        """Why to stop now, if there is a reason."""
        self._read()
        spec = self._spec
        if self._fence > spec.fence:
            text = "a newer attempt took over (fence {}, ours is {})".format(self._fence, spec.fence)
            return Stop("fenced", text, spec.grace_s)
        if self._stop is not None:
            reason = str(self._stop.get("reason") or "stopped_by_user")
            grace_s = self._stop.get("grace_s")
            grace_s = float(grace_s) if isinstance(grace_s, (int, float)) else spec.grace_s
            return Stop(reason, str(self._stop.get("message") or reason.replace("_", " ")), grace_s)
        if spec.lease_ttl_s is not None and spec.on_lost_contact == "checkpoint-and-stop":
            silent_s = steady_s() - self._renewed_at_s
            if silent_s > spec.lease_ttl_s:
                text = "the control plane was not heard of for {:.0f} s".format(silent_s)
                return Stop("lost_contact", text, spec.grace_s)
        return None

    def _read(self) -> None:
        try:
            stat = os.stat(self._path)
        except OSError:
            return
        version = (stat.st_mtime_ns, stat.st_ino)
        if version == self._version:
            return
        control = read_json(self._path)
        if control is None:
            return
        is_first = self._version is None
        self._version = version
        stop = control.get("stop")
        self._stop = stop if isinstance(stop, dict) else None
        fence = control.get("fence")
        self._fence = fence if isinstance(fence, int) else 0
        if is_first or control.get("lease_seq") != self._lease_seq:
            self._lease_seq = control.get("lease_seq")
            # An agent that was just started did not see when it was renewed; the file's time is what is left of it.
            age_s = max(0.0, wall_s() - stat.st_mtime) if is_first else 0.0
            self._renewed_at_s = max(self._begun_steady_s, steady_s() - age_s)


def memory_stop(limit_bytes: int, used_bytes: int, grace_s: float) -> Stop:
    """The request when the attempt uses more memory than it may."""
    text = "it used {:.2f} GiB of memory and may use {:.2f} GiB".format(
        used_bytes / 2**30, limit_bytes / 2**30
    )
    return Stop("memory_limit", text, min(grace_s, _GRACE_WITHOUT_MEMORY_S))


def reclaim_stop(notice: Notice) -> Stop:
    """The request when the provider takes the machine back."""
    return Stop("reclaimed", notice.message, notice.grace_s)
