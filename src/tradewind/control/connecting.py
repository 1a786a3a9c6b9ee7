"""Connecting providers, and letting go of them: what users ask for."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tradewind.control import connection_desk as desk
from tradewind.control.connection_desk import Findings
from tradewind.control.connections import Connections
from tradewind.control.credentials import has_paths, named_credentials, redact, secret_ones
from tradewind.control.examining import examine, failed
from tradewind.db.connection_rows import ConnectionRow
from tradewind.db.owners import Caller
from tradewind.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    ProviderError,
    ProviderFault,
    TradewindError,
)
from tradewind.domain.schemas_connections import ConnectionRequest, ConnectionState, CredentialSource
from tradewind.domain.secrets import Secret
from tradewind.providers.about import BASE_URL, About, find_about
from tradewind.providers.base import Handle, MachinePhase, MachineProvider

_WHERE: Final = {
    CredentialSource.ENVIRONMENT: "environment",
    CredentialSource.CONFIG_FILE: "vendor's files",
}


class Connecting:
    """Connects, examines and disconnects; takes effect on this server at once."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._context = connections.context

    async def connect(self, caller: Caller, provider: str, request: ConnectionRequest) -> ConnectionRow:
        """Examines the credentials, keeps them, and uses them from now on. What was connected before is replaced.

        Raises:
            NotFoundError: no provider is called so.
            InvalidInputError: something is missing or unknown, or the provider does not take the credentials.
            ForbiddenError: this server may not look into its own environment or files.
            ConflictError: the provider could not be asked, or machines are rented with other credentials.
        """
        about = find_about(provider)
        if about.kind == "owned":
            raise InvalidInputError(
                f"{about.title}: machines of your own have no vendor and no credentials",
                hint=f"`tradewind providers show {about.id}` says how they are used",
            )
        settings = _read_settings(about, request.settings)
        self._check_permission(about, request)
        if request.source is CredentialSource.STORED:
            credentials = named_credentials(about, request.credentials)
        elif request.credentials:
            raise InvalidInputError(
                f"credentials are given, though they are to be taken from the {_WHERE[request.source]}",
                hint="leave one of the two out",
            )
        else:
            credentials = await self._connections.credentials_from(about, request.source)
        rents = self._connections.rents(about.id)
        findings = Findings(state=ConnectionState.PRICES_ONLY)
        if rents:
            findings = await self._try_out(about, credentials, settings)
        secret = None
        if request.source is CredentialSource.STORED:
            secret = Secret(json.dumps({name: each.reveal() for name, each in credentials.items()}))
        row = await self._context.store.run(
            lambda tx: desk.put_connection(
                tx,
                caller,
                self._connections.sealer,
                about,
                request.source,
                secret,
                settings,
                findings,
                rents=rents,
            ),
            durable=True,
        )
        await self._connections.refresh()
        return row

    async def validate(self, caller: Caller, provider: str) -> ConnectionRow:
        """Examines a connection's credentials again, and notes what is said. A failure is noted, not raised.

        Raises:
            NotFoundError: the provider is not connected.
        """
        about = find_about(provider)
        row = await self._context.store.read(lambda tx: desk.find_connection(tx, caller, about))
        is_new = False
        try:
            credentials = await self._connections.credentials_of(about, row)
        except TradewindError as error:
            # Nobody was asked: what the provider last said still holds.
            findings = Findings(state=ConnectionState(row.state), error=error.message)
        else:
            findings, is_new = await self._examine_again(about, row, credentials)
        noted = findings
        row = await self._context.store.run(
            lambda tx: desk.note_findings(tx, row, noted, is_new=is_new), durable=True
        )
        await self._connections.refresh()
        return row

    async def _examine_again(
        self, about: About, row: ConnectionRow, credentials: dict[str, Secret]
    ) -> tuple[Findings, bool]:
        """What is said now, and whether these are other credentials than the ones in use."""
        if not self._connections.rents(about.id):
            findings = Findings(state=ConnectionState.PRICES_ONLY)
        else:
            try:
                findings = await self._try_out(about, credentials, row.settings)
            except TradewindError as error:
                return failed(row.state, error, self._context.clock.now()), False
        return findings, self._connections.uses_others(row, credentials)

    async def disconnect(self, caller: Caller, provider: str) -> None:
        """Forgets a connection. Raises NotFoundError, or ConflictError while machines are rented through it."""
        about = find_about(provider)
        await self._context.store.run(lambda tx: desk.remove_connection(tx, caller, about), durable=True)
        await self._connections.refresh()

    def _check_permission(self, about: About, request: ConnectionRequest) -> None:
        if self._connections.outside.is_own_machine:
            return
        what = None
        if request.source is not CredentialSource.STORED:
            what = f"look into its own {_WHERE[request.source]}"
        elif BASE_URL.name in request.settings:
            what = "call an address that its users name"
        elif paths := has_paths(about, named_credentials(about, request.credentials)):
            what = f"read a file that its users name ({', '.join(paths)})"
        if what is not None:
            raise ForbiddenError(
                f"this server has other users: it does not {what}",
                hint="whoever runs the server can allow it: `trusts_users = true` under [connections] in config.toml",
            )

    async def _try_out(
        self, about: About, credentials: dict[str, Secret], settings: dict[str, Any]
    ) -> Findings:
        """Examines credentials without using them for anything else."""
        secrets = secret_ones(about, credentials)
        async with self._connections.outside.make_http() as client:
            try:
                machines = await self._connections.build(about, credentials, settings, client)
            except ProviderError as error:
                raise InvalidInputError(redact(error.message, secrets), hint=error.hint) from None
            account = await examine(self._context.clock, about, machines, secrets)
            await self._check_machines(about, machines)
        return Findings(
            state=ConnectionState.CONNECTED, account=account, examined_at=self._context.clock.now()
        )

    async def _check_machines(self, about: About, machines: MachineProvider) -> None:
        """Makes sure that what is rented there is seen with these credentials too.

        With those of another account every machine would look as if it were gone, and would go on costing money.
        """
        for node in await self._context.store.read(lambda tx: desk.live_nodes(tx, about.id)):
            if node.handle is None and node.called_at is None:
                continue
            is_seen = False
            if node.handle is not None:
                try:
                    view = await machines.get(Handle(node.handle))
                    is_seen = view.phase is not MachinePhase.GONE
                except ProviderError as error:
                    if error.fault is not ProviderFault.NOT_FOUND:
                        raise ConflictError(
                            f"{about.title} could not be asked for {node.name}, which is rented there",
                            hint="try again in a moment",
                        ) from None
            if not is_seen:
                raise ConflictError(
                    f"{node.name} is rented from {about.title} and is not seen with these credentials: they may be of "
                    "another account",
                    hint="give credentials of the same account, or stop the jobs that run there first",
                    causes=("the connection was not changed",),
                )


def _read_settings(about: About, given: Mapping[str, str]) -> dict[str, Any]:
    known = {field.name: field for field in about.all_settings}
    settings: dict[str, Any] = {}
    for name, text in given.items():
        if name not in known:
            raise InvalidInputError(
                f"{about.title} has no setting called {name}",
                hint=f"known settings: {', '.join(sorted(known))}",
            )
        if name == BASE_URL.name:
            _check_address(text)
        if not re.fullmatch(known[name].pattern, text):
            raise InvalidInputError(
                f"{name} is not {known[name].title[0].lower()}{known[name].title[1:]}: {text!r}"
            )
        words = [word.strip() for word in text.split(",") if word.strip()]
        settings[name] = words if known[name].is_list else text
    return settings


def _check_address(text: str) -> None:
    """Returns if credentials may be sent there. Raises InvalidInputError."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        has_password = parts.username is not None
    except ValueError:
        host, has_password = "", False
    if not host or parts.scheme not in ("http", "https"):
        raise InvalidInputError("base_url is no address", hint="for example https://api.example.com")
    if has_password:
        raise InvalidInputError(
            "base_url has a user name in it", hint="settings are not secret: leave it out"
        )
    if parts.scheme == "http" and not _is_near(host):
        raise InvalidInputError(
            "base_url: credentials would be sent over the internet unencrypted", hint="write https://…"
        )


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"
