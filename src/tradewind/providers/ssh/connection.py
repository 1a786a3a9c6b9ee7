"""One SSH connection per machine, kept and opened again on demand, with one agent at its far end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from tradewind.agent.serve.frames import GREETING
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.secrets import Secret
from tradewind.providers.base import Login
from tradewind.providers.ssh.bootstrap import MARK, Bundle
from tradewind.providers.ssh.session import PATIENCE_S, AgentSession, Answer, Wake

# It tells of every connection and channel otherwise.
asyncssh.set_log_level("WARNING")

_CONNECT_S: Final = 10.0
_LOGIN_S: Final = 20.0
#: From nothing to an agent that answers, its bytes sent over a slow line included.
_OPEN_S: Final = 90.0
_KEEPALIVE_S: Final = 15.0
_KEEPALIVES: Final = 4
_TAIL_BYTES: Final = 2000
#: Cheapest for both sides where processors have instructions for it; others stay allowed.
_CIPHERS: Final = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
_SERVING: Final = GREETING.removeprefix(MARK).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a machine of the user's own is reached: with which key, and through which other machine.

    `key_file` is a private key without a passphrase, `agent_path` the socket of an SSH agent; the installation's own
    key is tried besides.
    """

    key_file: str | None = None
    agent_path: str | None = None
    via: Login | None = None


class Link:
    """The way to one machine. It connects when something is asked, and again after it was cut off."""

    def __init__(self, login: Login, key: Secret, bundle: Bundle, way: Way | None = None) -> None:
        self.login = login
        self._key = key
        self._bundle = bundle
        self._way = way or Way()
        self._opening = asyncio.Lock()
        self._connections: list[asyncssh.SSHClientConnection] = []
        self._session: AgentSession | None = None
        self._wakes: dict[str, Wake] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: How often it has connected, and how often the agent's bytes were sent.
        self.connects = 0
        self.deliveries = 0
        #: What the machine is known by: what was told in advance, else what was seen first.
        self.host_keys = login.host_keys

    @property
    def name(self) -> str:
        """The machine in a sentence."""
        return f"{self.login.user}@{self.login.host}:{self.login.port}"

    async def session(self) -> AgentSession:
        """A conversation that is not over. Raises ProviderError."""
        async with self._opening:
            if self._session is None or self._session.is_over:
                self._let_go()
                try:
                    async with asyncio.timeout(_OPEN_S):
                        self._session = await self._open()
                except TimeoutError:
                    self._let_go()
                    raise ProviderError(
                        ProviderFault.PROVIDER_FAULT, f"{self.name} did not answer within {_OPEN_S:.0f} s"
                    ) from None
                except BaseException:
                    self._let_go()
                    raise
                for attempt in list(self._wakes):
                    self._wait(attempt)
            return self._session

    async def ask(
        self,
        op: str,
        body: bytes = b"",
        *,
        patience_s: float | None = PATIENCE_S,
        changes: bool = False,
        **fields: Any,
    ) -> Answer:
        """Asks the agent there. Raises ProviderError."""
        session = await self.session()
        return await session.ask(op, body, patience_s=patience_s, changes=changes, **fields)

    def watch(self, attempt: str, wake: Wake) -> None:
        """Calls `wake` when the attempt's supervisor is gone, as long as the connection holds or is made again."""
        self._wakes[attempt] = wake
        if self._session is not None and not self._session.is_over:
            self._wait(attempt)

    def _wait(self, attempt: str) -> None:
        session = self._session
        if session is None:
            return

        async def wait() -> None:
            with contextlib.suppress(ProviderError):
                await session.ask("wait", attempt=attempt, patience_s=None)
                wake = self._wakes.pop(attempt, None)
                if wake is not None:
                    wake()

        task = asyncio.ensure_future(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Ends the connection; what runs there goes on."""
        for task in self._tasks:
            task.cancel()
        self._let_go()

    def _let_go(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        for connection in reversed(self._connections):
            connection.close()
        self._connections.clear()

    # -- opening -------------------------------------------------------------------------------------------------

    async def _open(self) -> AgentSession:
        connection = await self._connect()
        self.connects += 1
        process = await self._run(connection)
        try:
            await self._arrive(process)
            session = AgentSession(process, self.name)
        except BaseException:
            process.close()
            raise
        # A machine that nobody asks any more ends the conversation; what led there goes with it.
        used = self._connections[::-1]

        def close(_done: object) -> None:
            for each in used:
                each.close()

        session.ended.add_done_callback(close)
        session.machine, _ = await session.ask("hello")
        return session

    async def _connect(self) -> asyncssh.SSHClientConnection:
        tunnel, via = None, self._way.via
        if via is not None:
            name = f"{via.user}@{via.host}:{via.port} (on the way to {self.name})"
            tunnel = await self._log_in(via, via.host_keys, None, name)
        connection = await self._log_in(self.login, self.host_keys, tunnel, self.name)
        if not self.host_keys:
            seen = connection.get_server_host_key()
            if seen is not None:
                self.host_keys = (seen.export_public_key("openssh").decode().strip(),)
        return connection

    async def _log_in(
        self,
        login: Login,
        host_keys: tuple[str, ...],
        tunnel: asyncssh.SSHClientConnection | None,
        name: str,
    ) -> asyncssh.SSHClientConnection:
        try:
            connection = await connect(login, host_keys, self._key, self._way, tunnel)
        except asyncssh.HostKeyNotVerifiable:
            raise _impostor(name) from None
        except asyncssh.KeyExchangeFailed as error:
            if host_keys and "host key" in str(error).lower():
                raise _impostor(name) from None
            raise _unreachable(name, error) from None
        except asyncssh.PermissionDenied:
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                f"{name} does not accept the key that is offered",
                hint="the key must be among the authorized keys of that user",
            ) from None
        except (OSError, asyncssh.Error) as error:
            raise _unreachable(name, error) from None
        self._connections.append(connection)
        return connection

    async def _run(self, connection: asyncssh.SSHClientConnection) -> asyncssh.SSHClientProcess[bytes]:
        try:
            return await connection.create_process(self._bundle.command, encoding=None)
        except (OSError, asyncssh.Error) as error:
            raise _unreachable(self.name, error) from None

    async def _arrive(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        """Follows the command until the agent serves."""
        try:
            while True:
                await process.stdout.readuntil(MARK)
                line = (await process.stdout.readuntil(b"\n")).strip()
                if line == _SERVING:
                    return
                if line == b"need":
                    self.deliveries += 1
                    process.stdin.write(self._bundle.data)
                    continue
                word, _, text = line.decode("utf-8", "replace").partition(" ")
                raise self._refusal(word, text)
        except asyncio.IncompleteReadError as error:
            tail = error.partial + await _rest(process)
            said = tail.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT,
                f"the agent could not be started on {self.name}",
                causes=tuple(each[:200] for each in said),
            ) from None
        except (OSError, asyncssh.Error) as error:
            raise _unreachable(self.name, error) from None

    def _refusal(self, word: str, text: str) -> ProviderError:
        kind, _, detail = text.partition(" ")
        if word == "error" and kind == "no_python":
            return ProviderError(
                ProviderFault.INVALID,
                f"there is no Python 3.8 or newer on {self.name}",
                hint="install python3 there, or choose an image that has it",
            )
        if word == "error" and kind == "full":
            return ProviderError(ProviderFault.INVALID, f"the disk of {self.name} is full: {detail}")
        if word == "error" and kind == "denied":
            return ProviderError(
                ProviderFault.PERMISSION, f"{self.name} does not let its user write there: {detail}"
            )
        return ProviderError(
            ProviderFault.PROVIDER_FAULT, f"the agent could not be started on {self.name}: {text}"
        )


def _impostor(name: str) -> ProviderError:
    return ProviderError(
        ProviderFault.CREDENTIALS,
        f"{name} does not have the host key that it is known by: it may be another machine, so nothing was sent to it",
        hint="if the machine was set up anew, remove it and add it again",
    )


def _unreachable(name: str, error: Exception) -> ProviderError:
    text = str(error) or type(error).__name__
    return ProviderError(ProviderFault.PROVIDER_FAULT, f"cannot reach {name}: {text}")


async def connect(
    login: Login,
    host_keys: tuple[str, ...],
    key: Secret,
    way: Way,
    tunnel: asyncssh.SSHClientConnection | None,
) -> asyncssh.SSHClientConnection:
    """A connection to a machine that is known by one of these keys; none given: by whichever it shows.

    Raises:
        ProviderError: a key file cannot be read.
        OSError, asyncssh.Error: it cannot be reached, is not the one that is meant, or does not let us in.
    """
    trusted = [asyncssh.import_public_key(each) for each in host_keys]
    return await asyncssh.connect(
        login.host,
        login.port,
        username=login.user,
        client_keys=_client_keys(key, way),
        known_hosts=(trusted, [], []) if trusted else None,
        tunnel=tunnel,
        # Nothing of whoever runs this server decides whom it trusts, or with what it logs in, unless it was said.
        config=None,
        agent_path=way.agent_path,
        preferred_auth="publickey",
        connect_timeout=_CONNECT_S,
        login_timeout=_LOGIN_S,
        keepalive_interval=_KEEPALIVE_S,
        keepalive_count_max=_KEEPALIVES,
        encryption_algs=_CIPHERS,
        compression_algs=None,
    )


def _client_keys(key: Secret, way: Way) -> list[asyncssh.SSHKey]:
    own = asyncssh.import_private_key(key.reveal())
    if way.key_file is None:
        return [own]
    try:
        return [asyncssh.read_private_key(way.key_file), own]
    except asyncssh.KeyImportError:
        raise ProviderError(
            ProviderFault.CREDENTIALS,
            f"{way.key_file} is no private key that can be read without a passphrase",
            hint="add the key to an SSH agent, and say that the agent is to be asked",
        ) from None
    except OSError as error:
        raise ProviderError(
            ProviderFault.CREDENTIALS, f"{way.key_file} cannot be read: {error.strerror or error}"
        ) from None


async def _rest(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
    with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
        async with asyncio.timeout(1.0):
            return await process.stderr.read(_TAIL_BYTES)
    return b""


class Links:
    """The links of one installation, one per machine."""

    def __init__(self, key: Secret, bundle: Bundle) -> None:
        self._key = key
        self._bundle = bundle
        self._links: dict[tuple[Login, Way | None], Link] = {}

    def to(self, login: Login, way: Way | None = None) -> Link:
        """The link to this machine, in the way that is said."""
        # One that was seen without knowing its key, and is now known by it, is the same machine.
        for key in ((login, way), (Login(host=login.host, port=login.port, user=login.user), way)):
            link = self._links.get(key)
            if link is not None and (not login.host_keys or set(link.host_keys) == set(login.host_keys)):
                return link
        link = self._links[login, way] = Link(login, self._key, self._bundle, way)
        return link

    def forget(self, login: Login) -> None:
        """Ends the connection to a machine that is given back."""
        for key in [key for key in self._links if key[0].host == login.host and key[0].port == login.port]:
            self._links.pop(key).close()

    def close(self) -> None:
        """Ends every connection."""
        for link in self._links.values():
            link.close()
        self._links.clear()
