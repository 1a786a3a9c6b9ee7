"""Where the server is, and what token it wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tradewind.client.local_server import LocalServer, RunningServer
from tradewind.client.settings import Settings
from tradewind.domain.errors import UnreachableError
from tradewind.domain.paths import state_dir


class Endpoint(Protocol):
    """Asked again after each failure to connect: the server may have come back elsewhere."""

    def resolve(self) -> tuple[str, str | None]:
        """Base URL without a trailing slash, and the token. Raises UnreachableError when none runs."""
        ...


class FixedEndpoint:
    """A server at an address that was configured."""

    def __init__(self, url: str, token: str | None) -> None:
        self._answer = (url.rstrip("/"), token)

    def resolve(self) -> tuple[str, str | None]:
        return self._answer


class LocalEndpoint:
    """The server of this machine, wherever it listens since its last start."""

    def __init__(self, server: LocalServer, token: str | None = None) -> None:
        self._server = server
        self._token = token

    def resolve(self) -> tuple[str, str | None]:
        running = self._server.find()
        if running is None:
            raise UnreachableError(
                "no local server is running", hint="start it with `tradewind server start`"
            )
        return running.url, self._token or self._server.read_token()


def find_endpoint(
    settings: Settings,
    *,
    local: LocalServer | None = None,
    start: bool = True,
    on_start: Callable[[RunningServer], None] | None = None,
) -> Endpoint:
    """The configured server, else the local one, which is started if it does not run and `start` is set."""
    token = settings.read_token()
    if settings.server is not None:
        return FixedEndpoint(settings.server, token)
    local = local or LocalServer(state_dir())
    if start and local.find() is None:
        running, was_started = local.start()
        if was_started and on_start is not None:
            on_start(running)
    return LocalEndpoint(local, token)
