"""How a rented machine is reached, as its row keeps it. Pure."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from tradewind.providers.base import Login


def login_to_json(login: Login) -> dict[str, Any]:
    """How a login is kept in a node's row."""
    return asdict(login) | {"host_keys": list(login.host_keys)}


def login_of(observed: dict[str, Any]) -> Login | None:
    """The login that a node's row keeps."""
    kept = observed.get("login")
    return None if not kept else Login(**(kept | {"host_keys": tuple(kept["host_keys"])}))


def merged(known: Login | None, told: Login | None) -> Login | None:
    """Where the machine is now, by what it has been known by: a key that was pinned once stays."""
    if told is None or known is None or told.host_keys:
        return told or known
    return replace(told, host_keys=known.host_keys)
