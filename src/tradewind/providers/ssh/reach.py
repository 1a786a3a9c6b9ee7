"""The way to rented machines: what control calls to run attempts on one."""

from __future__ import annotations

from pathlib import Path

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.access import Access
from tradewind.providers.base import Handle, Login, MachineHost, Offload
from tradewind.providers.ssh.bootstrap import Bundle
from tradewind.providers.ssh.connection import Links
from tradewind.providers.ssh.host import SshHost
from tradewind.providers.ssh.ways import way_of

#: Where everything of ours lies on a machine.
BASE = "~/.tradewind"


class SshReach:
    """Makes hosts out of logins; the connections behind them are kept. `attempts` is the folder of attempts here."""

    def __init__(
        self, access: Access, agent: Path, attempts: Path, clock: Clock, offload: Offload, *, base: str = BASE
    ) -> None:
        self._links = Links(access.login.private, Bundle(agent, base))
        self._attempts = attempts
        self._clock = clock
        self._offload = offload

    def __call__(self, provider: str, handle: Handle, login: Login | None) -> MachineHost:
        """The machine with this login. Raises ProviderError while its provider has not told of one."""
        if login is None:
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT, f"{provider} has not said yet how the machine is reached"
            )
        return SshHost(
            self._links.to(login, way_of(handle.values)), self._attempts, self._clock, self._offload
        )

    def close(self) -> None:
        """Ends every connection; what runs on the machines goes on."""
        self._links.close()
