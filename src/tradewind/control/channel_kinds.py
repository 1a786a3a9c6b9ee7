"""Which addresses a message may be sent to: kinds that are known, options that are harmless, hosts that are allowed.

Least privilege: Apprise knows some 150 services, among them ones that write to the system's log, show windows on the
server's desktop, run code or read files of the server into the message. Only what is listed here is used.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """What may be said of the services behind a scheme."""

    #: The user names the host, so it is checked. False: the service's own, fixed host.
    has_own_host: bool = False
    #: What is sent can be read on the way; only for hosts on this machine or a private network.
    is_plain: bool = False
    #: Takes headers and fields of the user's own (`+X-Key=…`).
    has_fields: bool = False


_HOSTED: Final = ChannelKind(has_own_host=True)
_HOSTED_PLAIN: Final = ChannelKind(has_own_host=True, is_plain=True)
_WEBHOOK: Final = ChannelKind(has_own_host=True, has_fields=True)
_WEBHOOK_PLAIN: Final = ChannelKind(has_own_host=True, is_plain=True, has_fields=True)
_SERVICE: Final = ChannelKind()

KINDS: Final[dict[str, ChannelKind]] = {
    # Webhooks. `https` is a chat service's own webhook address, or else a JSON webhook.
    "https": _WEBHOOK, "json": _WEBHOOK_PLAIN, "jsons": _WEBHOOK, "xml": _WEBHOOK_PLAIN, "xmls": _WEBHOOK,
    "form": _WEBHOOK_PLAIN, "forms": _WEBHOOK,
    # Mail: the connection is upgraded where the server can; what a user's mail server takes is the user's affair.
    "mailto": _HOSTED, "mailtos": _HOSTED,
    # Chat and push with a server of one's own.
    "mmost": _HOSTED_PLAIN, "mmosts": _HOSTED, "rocket": _HOSTED_PLAIN, "rockets": _HOSTED,
    "ntfy": _HOSTED_PLAIN, "ntfys": _HOSTED, "gotify": _HOSTED_PLAIN, "gotifys": _HOSTED,
    # Services whose address names the host all the same: `zulip` takes `organization.any.host`.
    "workflow": _HOSTED, "workflows": _HOSTED, "zulip": _HOSTED,
    # Chat, push and on-call services.
    "slack": _SERVICE, "discord": _SERVICE, "gchat": _SERVICE, "tgram": _SERVICE, "webex": _SERVICE,
    "wxteams": _SERVICE, "pover": _SERVICE, "pagerduty": _SERVICE, "opsgenie": _SERVICE,
}  # fmt: skip
#: Options that say to whom and how to send. Others read files (`template`, `pgppub`), hide a failure (`optional`),
#: follow redirects to elsewhere (`redirect`), skip certificates (`verify`) or hold the sender up (`retry`, `rto`).
OPTIONS: Final = frozenset(
    {
        "to", "from", "name", "cc", "bcc", "reply", "format", "smtp", "mode", "user", "pass", "token", "topic",
        "topics", "channel", "channels", "thread", "priority", "tags", "method", "image", "footer", "avatar",
        "silent", "mention", "ping", "stream", "region", "click",
    }
)  # fmt: skip
_HINT: Final = (
    "for example slack://…, mailtos://user:password@host, discord://…, jsons://host/path, ntfys://host/topic"
)
#: Where clouds answer a machine's questions about itself, besides the link-local addresses.
_METADATA: Final = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def kind_of(url: Secret) -> str:
    """The scheme of an address. Nothing of the address itself is ever in the error.

    Raises:
        InvalidInputError: it is no address, of a kind that is not used, or with an option that is not allowed.
    """
    text = url.reveal().strip()
    scheme, separator, rest = text.partition("://")
    kind = scheme.lower()
    if not separator or not kind.isalnum() or not kind.isascii() or not rest:
        raise InvalidInputError("this is not the address of a channel", hint=_HINT)
    if any(not sign.isprintable() or sign.isspace() for sign in text):
        raise InvalidInputError(
            "the address of a channel has no spaces and no control characters", hint=_HINT
        )
    if kind == "http":
        raise InvalidInputError(
            "an http:// address would be sent unencrypted",
            hint="write https://…, or json://… on your own network",
        )
    if kind not in KINDS:
        raise InvalidInputError(
            f"channels of the kind {kind[:32]!r} are not used",
            hint=f"{_HINT}. Kinds: {', '.join(sorted(KINDS))}",
        )
    check_options(kind, (name for name, _ in _options(rest)))
    return kind


def check_options(kind: str, names: Iterable[str]) -> None:
    """Returns if all of these options of an address are allowed. Raises InvalidInputError."""
    for name in names:
        folded = name.strip().lower()
        if folded in OPTIONS or (KINDS[kind].has_fields and folded[:1] in "+-:" and len(folded) > 1):
            continue
        if kind == "https":
            # The query of a webhook's own address belongs to the address.
            continue
        raise InvalidInputError(
            f"the option {folded[:32]!r} in the address of a channel is not allowed",
            hint=f"allowed: {', '.join(sorted(OPTIONS))}",
        )


def check_addresses(kind: str, addresses: Iterable[str], *, allow_private: bool) -> None:
    """Returns if the host that has these network addresses may be sent to.

    Raises:
        InvalidInputError: it is on this machine or a private network and that is not allowed, or it is a place where
            nobody is to be told anything (link-local, multicast, a cloud's metadata service), or it is out in the
            world and what is sent could be read on the way.
    """
    for text in addresses:
        address = _plain(ipaddress.ip_address(text.partition("%")[0]))
        if address in _METADATA or not _is_sensible(address):
            raise InvalidInputError(
                "the channel's host has an address that no message is sent to (link-local, multicast, unspecified)",
                hint="name a host on the internet, on your own network or on this machine",
            )
        if not address.is_global and not allow_private:
            raise InvalidInputError(
                "the channel's host is on the server's own machine or network, and this server does not send there",
                hint="whoever runs the server can allow it: `allow_private_addresses = true` under [notify] "
                "in config.toml",
            )
        if address.is_global and KINDS[kind].is_plain:
            raise InvalidInputError(
                f"a {kind}:// address would be sent over the internet unencrypted", hint=f"write {kind}s://…"
            )


def _options(rest: str) -> list[tuple[str, str]]:
    query = rest.partition("?")[2].replace(";", "&")
    # A plus sign is part of a name here, not a space.
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)


def _plain(address: Address) -> Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else ipaddress.IPv4Address(mapped)


def _is_sensible(address: Address) -> bool:
    return not (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or str(address) == "255.255.255.255"
    )
