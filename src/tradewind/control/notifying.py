"""Sends one message to one channel: the `Notifier` protocol, and Apprise behind it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tradewind.control.channel_kinds import KINDS, check_addresses, check_options, kind_of
from tradewind.domain.clock import Clock
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.secrets import Secret
from tradewind.providers.base import Offload

#: Longer than Apprise's own limits on connecting and reading, which end the thread that sends.
TIME_LIMIT_S: Final = 30.0
_SOCKET_LIMIT_S: Final = 8.0
INSTALL_HINT: Final = (
    "install it beside the server: `pip install 'tradewind[notify]'`, then restart the server"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told."""

    title: str
    body: str


class DeliveryError(Exception):
    """A message could not be delivered. The reason is made of fixed words: nothing of an address is in it.

    `is_final` says that trying again cannot help.
    """

    def __init__(self, reason: str, *, hint: str | None = None, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_final = is_final


class Notifier(Protocol):
    """Delivers messages."""

    async def send(self, url: Secret, message: Message) -> None:
        """Returns once the service has taken the message. Raises DeliveryError, within a bounded time."""
        ...


class AppriseNotifier:
    """Delivers through Apprise, which is imported when the first message is sent."""

    def __init__(self, clock: Clock, offload: Offload, *, allow_private: bool) -> None:
        self._clock = clock
        self._offload = offload
        self._allow_private = allow_private
        self._left: set[asyncio.Future[None]] = set()

    async def send(self, url: Secret, message: Message) -> None:
        sending = asyncio.ensure_future(
            self._offload(_deliver, url, message, allow_private=self._allow_private)
        )
        ended = asyncio.Event()
        sending.add_done_callback(lambda _: ended.set())
        try:
            if not await self._clock.wait(ended, TIME_LIMIT_S):
                raise DeliveryError(f"no answer within {TIME_LIMIT_S:g} s")
        finally:
            if not sending.done():
                # A thread cannot be ended from outside. It ends by its own limits, and nobody asks for its outcome.
                self._left.add(sending)
                sending.add_done_callback(self._forget)
        await sending

    def _forget(self, sending: asyncio.Future[None]) -> None:
        self._left.discard(sending)
        if not sending.cancelled():
            sending.exception()


def missing_notifier() -> str | None:
    """What is missing before anything can be sent; None: nothing is."""
    if importlib.util.find_spec("apprise") is None:
        return f"nothing can be sent yet: Apprise is not installed; {INSTALL_HINT}"
    return None


def _deliver(url: Secret, message: Message, *, allow_private: bool) -> None:
    try:
        kind, plugin = _make_plugin(url)
        check_addresses(kind, _resolve(kind, plugin), allow_private=allow_private)
    except InvalidInputError as error:
        raise DeliveryError(error.message, hint=error.hint, is_final=True) from None
    except DeliveryError:
        raise
    except Exception as error:
        # Whatever Apprise raises may quote the address: only the kind of the error is told.
        raise DeliveryError(f"Apprise cannot make use of the address ({type(error).__name__})") from None
    for name in ("socket_connect_timeout", "socket_read_timeout"):
        setattr(plugin, name, _SOCKET_LIMIT_S)
    heard = _Heard()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    try:
        is_taken = plugin.notify(title=message.title, body=message.body, notify_type="info")
    except Exception as error:
        raise DeliveryError(f"the service could not be told ({type(error).__name__})") from None
    finally:
        logger.removeHandler(heard)
    if not is_taken:
        raise heard.to_error()


def _make_plugin(url: Secret) -> tuple[str, Any]:
    """The kind and Apprise's own object for an address; raises InvalidInputError or DeliveryError."""
    kind = kind_of(url)
    try:
        import apprise
        from apprise import plugins
    except ImportError:
        raise DeliveryError("Apprise, which sends messages, is not installed", hint=INSTALL_HINT) from None
    _quieten()
    # Without types of its own.
    read: Callable[[str], dict[str, Any] | None] = plugins.url_to_dict
    text = url.reveal().strip()
    parsed = read(text)
    if parsed is None and kind == "https":
        kind, text = "jsons", "jsons" + text[len("https") :]
        parsed = read(text)
    if parsed is None:
        raise InvalidInputError(f"this is not a complete {kind}:// address")
    kind = str(parsed.get("schema"))
    # Once more, as Apprise reads it: an address must not mean something else to it than to the check.
    if kind not in KINDS:
        raise InvalidInputError(f"channels of the kind {kind[:32]!r} are not used")
    check_options(kind, parsed.get("qsd") or ())
    asset = apprise.AppriseAsset(
        async_mode=False,
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
    )
    plugin = apprise.Apprise.instantiate(text, asset=asset)
    if plugin is None:
        raise InvalidInputError(f"this is not a complete {kind}:// address")
    return kind, plugin


def _resolve(kind: str, plugin: Any) -> list[str]:
    """The network addresses of the host that a plugin would connect to; none for a service's own host."""
    if not KINDS[kind].has_own_host or getattr(plugin, "mode", None) == "cloud":
        return []
    host = getattr(plugin, "smtp_host", None) or plugin.host
    if kind == "zulip":
        # An organization without a domain of its own is at the service's.
        host = f"{plugin.organization}.{plugin.hostname}"
    try:
        found = socket.getaddrinfo(str(host).strip("[]"), plugin.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        raise DeliveryError("the channel's host is not known") from None
    return [str(entry[4][0]) for entry in found]


def _quieten() -> None:
    """Apprise's log quotes addresses: it goes to whoever listens for one delivery, and nowhere else."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())


#: What a line of Apprise's log says, and how that is told. Only the groups, which are digits, are taken over.
_SIGNS: Final = (
    (re.compile(r"error=(\d{3})\b"), "the service answered {}"),
    (
        re.compile(r"(?i)no email recipients|no .{0,20} recipients|no .{0,20}targets"),
        "nobody is named to be told",
    ),
    (
        re.compile(r"(?i)certificate verify failed|CERTIFICATE_VERIFY_FAILED"),
        "its certificate is not trusted",
    ),
    (re.compile(r"Socket Exception: .*?\((535), "), "the mail server refused user and password ({})"),
    (re.compile(r"Socket Exception: .*?\(([45]\d\d), b['\"]"), "the mail server answered {}"),
    (re.compile(r"(?i)Connection refused"), "the service refused the connection"),
    (re.compile(r"(?i)timed out|Timeout"), "the service did not answer in time"),
    (re.compile(r"(?i)NameResolutionError|Name or service not known"), "the channel's host is not known"),
    (re.compile(r"(?i)connection error"), "the connection to the service failed"),
)
#: Statuses of services and mail servers that a second try does not change.
_FINAL: Final = frozenset({"400", "401", "403", "404", "405", "410", "422", "535", "550", "551", "553"})


class _Heard(logging.Handler):
    """What one delivery, in one thread, has logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._thread = threading.get_ident()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._lines.append(record.getMessage())

    def to_error(self) -> DeliveryError:
        """The reason for a refusal."""
        for pattern, reason in _SIGNS:
            for line in self._lines:
                if line.startswith(("JSON Payload", "Loaded ")):
                    continue
                match = pattern.search(line)
                if match is not None:
                    digits = next((group for group in match.groups() if group), "")
                    return DeliveryError(reason.format(digits), is_final=digits in _FINAL)
        return DeliveryError("the service did not take the message")
