"""Ways to machines of the user's own, as plain JSON; and the first look at a host key."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Final

import asyncssh

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Login
from tradewind.providers.ssh.connection import Way

_PATIENCE_S: Final = 15.0


def way_to_json(way: Way) -> dict[str, Any]:
    """A way as a node's row keeps it."""
    via = None if way.via is None else asdict(way.via) | {"host_keys": list(way.via.host_keys)}
    return {"key_file": way.key_file, "agent_path": way.agent_path, "via": via}


def way_of(values: dict[str, Any]) -> Way | None:
    """The way that a node's handle keeps; None for a rented machine."""
    kept = values.get("way")
    if kept is None:
        return None
    via = kept.get("via")
    return Way(
        key_file=kept.get("key_file"),
        agent_path=kept.get("agent_path"),
        via=None if via is None else Login(**(via | {"host_keys": tuple(via["host_keys"])})),
    )


async def see_host_key(host: str, port: int, tunnel: Any = None) -> str:
    """The host key that answers there now, in OpenSSH's form. Whether it is the right one, somebody has to say.

    Raises ProviderError when nobody answers.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            key = await asyncssh.get_server_host_key(host, port, tunnel=tunnel or (), config=None)
    except (OSError, asyncssh.Error, TimeoutError) as error:
        text = str(error) or type(error).__name__
        raise ProviderError(
            ProviderFault.PROVIDER_FAULT,
            f"no SSH server answers at {host}:{port}: {text}",
            hint="check the address and the port, and that a firewall lets this server in",
        ) from None
    if key is None:
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{host}:{port} shows no host key")
    return key.export_public_key("openssh").decode().strip()


def fingerprint(public_key: str) -> str:
    """`SHA256:...`, as `ssh-keygen -l` shows it. Raises ValueError for what is no key."""
    try:
        return str(asyncssh.import_public_key(public_key).get_fingerprint("sha256"))
    except asyncssh.KeyImportError:
        raise ValueError("that is no public key in OpenSSH's form") from None
