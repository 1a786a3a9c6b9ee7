"""Whether the cloud is about to take this machine back: asked of the metadata service that only the machine reaches.

It is asked by a thread of its own, so that a service that is slow or missing never holds up the agent. Nothing is asked
through a proxy, and no redirection is followed.
"""

from __future__ import annotations

import json

from .clocks import wall_s
from .reclaim_kinds import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .reclaim_kinds import Kind

_TIMEOUT_S = 2.0
_LONGEST_PAUSE_S = 300.0
_LONGEST_ANSWER_BYTES = 1 << 16
#: Kept back of the time that is left: the end has to be written before the machine goes.
_KEPT_BACK_S = 5.0
_LEAST_GRACE_S = 1.0
_UNAUTHORIZED = 401


class Notice:
    """The machine will be taken: at this time (seconds since the epoch), if the cloud says when."""

    def __init__(self, kind: str, at: float | None, grace_s: float) -> None:
        self.kind = kind
        self.at = at
        self.grace_s = grace_s

    @property
    def message(self) -> str:
        """For a person."""
        return "the provider takes this machine back; {:.0f} s are left to write a checkpoint".format(
            self.grace_s
        )


class ReclaimWatch:
    """Looks for a notice every few seconds, and more and more rarely while nobody answers."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._kind_name = wanted["kind"]
        self._service = Service(KINDS[self._kind_name], wanted["base_url"])
        self._every_s = float(wanted["every_s"])
        self._found: Notice | None = None

    def start(self) -> None:
        """Begin to look; ends with the process."""
        from threading import Thread

        Thread(target=self._run, daemon=True).start()

    def take(self) -> Notice | None:
        """The notice that was found since the last call."""
        found, self._found = self._found, None
        return found

    def _run(self) -> None:
        from time import sleep

        failures = 0
        while True:
            try:
                notice = self._service.look()
                failures = 0
            except Exception:
                # Whatever it is that answers there, or does not: a job runs on without notices.
                notice = None
                failures += 1
            if notice is not None:
                self._found = Notice(self._kind_name, notice or None, self._grace_s(notice))
                return
            sleep(pause_s(self._every_s, failures))

    def _grace_s(self, at: float | None) -> float:
        return grace_s(KINDS[self._kind_name].notice_s, at, wall_s())


class Service:
    """One metadata service. `look` raises anything when it does not answer as such a service does."""

    def __init__(self, kind: Kind, base_url: str) -> None:
        self._kind = kind
        host, _, port = base_url.partition("://")[2].rstrip("/").partition(":")
        self._address = (host, int(port or 80))
        self._token: str | None = None
        self._name: str | None = None

    def look(self) -> float | None:
        """None: no notice. Otherwise when the machine is taken, or 0 if the cloud does not say when."""
        kind = self._kind
        if kind.name_path is not None and self._name is None:
            status, body = self._ask("GET", kind.name_path)
            self._name = body.strip() if status == 200 else None
        status, body = self._ask("GET", kind.path)
        if status in kind.statuses_of_nothing:
            return None
        if status != 200:
            raise ValueError("the metadata service answered {}".format(status))
        return kind.read(body, self._name)

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        headers = dict(self._kind.headers)
        if self._kind.token is not None:
            if self._token is None:
                self._token = self._fetch_token(self._kind.token)
            headers[self._kind.token.header] = self._token
        status, body = self._exchange(method, path, headers)
        if status == _UNAUTHORIZED:
            self._token = None
        return status, body

    def _fetch_token(self, token: Any) -> str:
        status, body = self._exchange("PUT", token.path, token.headers)
        if status != 200 or not body.isprintable():
            raise ValueError("the metadata service gave no token ({})".format(status))
        return body

    def _exchange(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        from http.client import HTTPConnection

        connection = HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_LONGEST_ANSWER_BYTES).decode("utf-8", "replace")
        finally:
            connection.close()


def pause_s(every_s: float, failures: int) -> float:
    """Until the next look, after so many failures in a row."""
    return min(every_s * 2.0 ** min(failures, 16), max(_LONGEST_PAUSE_S, every_s))


def grace_s(notice_s: float, at: float | None, now_s: float) -> float:
    """How long the command may take to end. `notice_s` is all that the cloud ever gives."""
    left_s = min(at - now_s, notice_s) if at else notice_s
    return max(left_s - _KEPT_BACK_S, _LEAST_GRACE_S)


def checked(wanted: dict[str, Any]) -> dict[str, Any]:
    """`reclaim_notice` of spec.json with what it leaves out filled in. Raises ValueError in words for a person."""
    kind = wanted.get("kind")
    if kind not in KINDS:
        raise ValueError("`kind` is {}; it must be {}".format(json.dumps(kind), " or ".join(sorted(KINDS))))
    base_url = wanted.get("base_url", "http://169.254.169.254")
    every_s = wanted.get("every_s", 5.0)
    if not isinstance(base_url, str) or not base_url.startswith("http://"):
        raise ValueError("`base_url` must begin with http://")
    if isinstance(every_s, bool) or not isinstance(every_s, (int, float)) or every_s <= 0:
        raise ValueError("`every_s` must be more than 0")
    return {"kind": kind, "base_url": base_url, "every_s": every_s}
