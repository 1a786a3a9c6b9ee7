"""What Lyceum's answers say of a machine: since when it is there, and where it is reached."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Login
from tradewind.providers.renting import Setup, login_for

#: The vendor's pages say root; its image lets in nobody but this one.
_USER: Final = "lyceum"


def created_at(vm: dict[str, Any]) -> datetime | None:
    """When it was made. Some answers leave the zone out and mean UTC; None where it is no time."""
    try:
        moment = datetime.fromisoformat(str(vm.get("created_at")))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def login_of(vm: dict[str, Any], setup: Setup) -> Login | None:
    """How to log in; None while it has no address. No host key: a create takes none, and none is told of.

    Raises:
        ProviderError: the address is neither one nor one with a port. A guess might be somebody else's machine.
    """
    text = str(vm.get("ip_address") or "").strip()
    if not text:
        return None
    host, port = _split(text)
    return login_for(setup, "", host, user=_USER, port=port, knows_host_key=False)


def _split(text: str) -> tuple[str, int | None]:
    host, bracket, rest = text.removeprefix("[").partition("]") if text.startswith("[") else (text, "", "")
    if not bracket and text.count(":") == 1:
        host, _, number = text.partition(":")
        rest = f":{number}"
    try:
        address = str(ip_address(host))
        port = int(rest.removeprefix(":")) if rest else None
    except ValueError:
        address, port = "", None
    if not address or (port is not None and not 1 <= port <= 65535):
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"Lyceum's address {text[:80]!r} cannot be read")
    return address, port
