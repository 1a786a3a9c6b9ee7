"""The way to machines over SSH, made when it is first needed: most servers never load what speaks SSH."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.schemas_hosts import HostKeyView, HostProbe
from tradewind.providers.access import Access
from tradewind.providers.base import Handle, Login, MachineHost, Offload
from tradewind.providers.ssh.about import ABOUT

if TYPE_CHECKING:
    from tradewind.providers.ssh.host_keys import SshHostKeys
    from tradewind.providers.ssh.reach import SshReach


class Reaching:
    """`Context.reach`, and the look at host keys; `load` opens the installation's keys."""

    provider = ABOUT.id

    def __init__(
        self,
        load: Callable[[], Awaitable[Access]],
        agent: Path,
        attempts: Path,
        clock: Clock,
        offload: Offload,
    ) -> None:
        self._load = load
        self._agent = agent
        self._attempts = attempts
        self._clock = clock
        self._offload = offload
        self._lock = asyncio.Lock()
        self._made: tuple[SshReach, SshHostKeys] | None = None

    async def prepare(self) -> tuple[SshReach, SshHostKeys]:
        """Gets ready. Raises SecretKeyError when the installation's keys cannot be opened."""
        async with self._lock:
            if self._made is None:
                access = await self._load()
                self._made = await self._offload(self._make, access)
            return self._made

    def _make(self, access: Access) -> tuple[SshReach, SshHostKeys]:
        from tradewind.providers.ssh.host_keys import SshHostKeys
        from tradewind.providers.ssh.reach import SshReach

        reach = SshReach(access, self._agent, self._attempts, self._clock, self._offload)
        return reach, SshHostKeys(access.login)

    def __call__(self, provider: str, handle: Handle, login: Login | None) -> MachineHost:
        """The machine with this login. Raises ProviderError while that cannot be had."""
        if self._made is None:
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT,
                "this installation's SSH keys are not open",
                hint="the server's log says why; `tradewind doctor` helps",
            )
        return self._made[0](provider, handle, login)

    async def public_key(self) -> str:
        """The public half of the installation's key. Raises SecretKeyError."""
        return (await self.prepare())[1].public_key

    async def see(self, probe: HostProbe, agent_path: str | None) -> HostKeyView:
        """The keys that answer there now. Raises ProviderError, SecretKeyError."""
        return await (await self.prepare())[1].see(probe, agent_path)

    def fingerprint(self, host_key: str) -> str:
        """`SHA256:...`. Raises ValueError for what is no key."""
        from tradewind.providers.ssh.ways import fingerprint

        return fingerprint(host_key)

    def close(self) -> None:
        """Ends every connection; what runs on the machines goes on."""
        if self._made is not None:
            self._made[0].close()
