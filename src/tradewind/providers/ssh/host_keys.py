"""Looks at the host keys that answer at an address, perhaps through another machine."""

from __future__ import annotations

import asyncssh

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.schemas_hosts import HostKeyView, HostProbe
from tradewind.providers.access import KeyPair
from tradewind.providers.base import Login
from tradewind.providers.ssh.about import ABOUT
from tradewind.providers.ssh.connection import Way, connect
from tradewind.providers.ssh.ways import fingerprint, see_host_key


class SshHostKeys:
    """Asks over SSH. `login` is the installation's own key, for the machine in between."""

    provider = ABOUT.id

    def __init__(self, login: KeyPair) -> None:
        self._key = login.private
        self.public_key = login.public

    async def see(self, probe: HostProbe, agent_path: str | None) -> HostKeyView:
        """The keys that answer there now.

        A machine in between is logged in to only when its key is given; else only that key is looked at.

        Raises:
            ProviderError: nobody answers, or the machine in between does not let this server in.
        """
        jump = probe.jump
        if jump is None:
            key = await see_host_key(probe.address, probe.port)
            return HostKeyView(host_key=key, fingerprint=fingerprint(key))
        if not jump.host_key:
            key = await see_host_key(jump.address, jump.port)
            return HostKeyView(
                host_key="", fingerprint="", jump_host_key=key, jump_fingerprint=fingerprint(key)
            )
        login = Login(host=jump.address, port=jump.port, user=jump.user, host_keys=(jump.host_key,))
        way = Way(key_file=probe.key_file, agent_path=agent_path)
        try:
            async with await connect(login, login.host_keys, self._key, way, None) as tunnel:
                key = await see_host_key(probe.address, probe.port, tunnel)
        except (OSError, asyncssh.Error) as error:
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                f"{jump.user}@{jump.address}:{jump.port} does not let this server through: {error}",
                hint="check its user and key",
            ) from None
        return HostKeyView(
            host_key=key,
            fingerprint=fingerprint(key),
            jump_host_key=jump.host_key,
            jump_fingerprint=fingerprint(jump.host_key),
        )

    def fingerprint(self, host_key: str) -> str:
        """`SHA256:...`. Raises ValueError for what is no key."""
        return fingerprint(host_key)
