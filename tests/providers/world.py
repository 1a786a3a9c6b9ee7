"""What the contract suite needs of every provider: the real adapter, a counterpart, and what the counterpart knows."""

from __future__ import annotations

import base64
import getpass
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

import httpx2

from tests.providers.clock import HurriedClock
from tests.providers.contracts import Contract
from tests.providers.wire_server import Fault, Reply, Request, WireServer
from tests.simulation.clocks import SeededEntropy, inline
from tests.sshd_for_tests import free_port
from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Offer
from tradewind.domain.secrets import Secret
from tradewind.providers.access import Access
from tradewind.providers.base import MachineProvider, Offload
from tradewind.providers.prices import Wire
from tradewind.providers.renting import Setup, load_machines

INSTALLATION = "inst_0123456789abcdefghjk"
OTHER_INSTALLATION = "inst_zzzzzzzzzzzzzzzzzzzz"


def node_key(number: int = 1, installation: str = INSTALLATION) -> str:
    """The key of a machine, as the control plane makes it."""
    return f"{installation}/node_{number:020d}"


def access_of(installation: str = INSTALLATION) -> Access:
    """The keys of an installation."""
    seed = base64.b64encode(installation.encode().ljust(32, b".")[:32]).decode()
    return Access(installation_id=installation, seed=Secret(seed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """Something that the vendor charges for at this moment, by the name or label it was given."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What the vendor's own account has of one machine."""

    name: str
    began_at: datetime
    ended_at: datetime | None
    micro_per_hour: int


class World(ABC):
    """One provider's adapter and its counterpart, for one test. An async context manager."""

    #: Id of the provider.
    provider_id: ClassVar[str]
    #: The credentials that the adapter gets, by name. No test may find their values in an error.
    credentials: ClassVar[Mapping[str, str]]
    #: Names of those credentials that are no secrets: whose they are, not what proves it.
    open_credentials: ClassVar[frozenset[str]] = frozenset()
    #: What the vendor's names for things look like in `Offer.instance_type` and `region`, of what can be had.
    instance_type: ClassVar[str]
    region: ClassVar[str]
    #: Scenario number -> why this provider has no such thing, in words for a user.
    gaps: ClassVar[Mapping[int, str]] = {}
    #: What kind of machine the vendor takes back.
    reclaimed_market: ClassVar[str] = "on_demand"
    #: What every path of the vendor's API begins with.
    prefix: ClassVar[str] = ""

    def __init__(self) -> None:
        self.clock = HurriedClock()
        self.entropy = SeededEntropy(1)
        self.access = access_of()
        self.server = WireServer(self.handle, self.contract(), prefix=self.prefix)
        self.ssh_port = free_port()
        #: Where the adapter's blocking calls run.
        self.offload: Offload = inline
        self.http: httpx2.AsyncClient
        self.provider: MachineProvider

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        # Everything is on loopback, and reading the list of authorities takes a tenth of a second.
        self.http = httpx2.AsyncClient(timeout=httpx2.Timeout(10.0), verify=False)
        self.provider = self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()
        await self.server.__aexit__(*exc)
        if exc[0] is None:
            assert self.server.problems == []

    def connect(self, credentials: Mapping[str, str] | None = None) -> MachineProvider:
        """An adapter of its own, as a server that starts makes one. Credentials may be other ones."""
        wire = Wire(
            http=self.http,
            clock=self.clock,
            offload=self.offload,
            credentials=credentials or self.credentials,
            settings=self.settings(),
        )
        setup = Setup(wire=wire, entropy=self.entropy, access=self.access, listed=self.listed)
        return load_machines(self.provider_id)(setup)

    def settings(self) -> Mapping[str, Any]:
        """The connection's settings: where the counterpart is, and who logs in to its machines on which port."""
        return {"base_url": self.server.url, "ssh_port": self.ssh_port, "ssh_user": getpass.getuser()}

    async def listed(self) -> list[Offer]:
        """The catalog's offers of this provider."""
        return []

    async def offer(self, market: str = "on_demand") -> Offer:
        """One that can be had."""
        return next(
            each
            for each in await self.provider.list_offers()
            if each.is_available
            and (each.instance_type, each.region, each.market) == (self.instance_type, self.region, market)
        )

    # -- the counterpart -----------------------------------------------------------------------------------------

    @abstractmethod
    def contract(self) -> Contract | None:
        """What the exchanges are held to."""

    @abstractmethod
    async def handle(self, request: Request) -> Reply:
        """What the vendor does."""

    @abstractmethod
    def boot_data(self, name: str) -> str | None:
        """What the vendor hands to the machine of this name as it boots; None where it has no such thing."""

    def host_material(self, name: str) -> tuple[str, str]:
        """The private host key and the authorized key of a machine, from what the vendor handed to it."""
        data = self.boot_data(name)
        assert data is not None
        document = json.loads(data.removeprefix("#cloud-config\n"))
        (authorized,) = document["ssh_authorized_keys"]
        return document["ssh_keys"]["ed25519_private"], authorized

    @abstractmethod
    def living(self) -> list[Living]:
        """Everything that costs money now."""

    @abstractmethod
    def billed(self) -> list[Billed]:
        """The vendor's account, machines that are gone included."""

    @abstractmethod
    async def boot(self) -> None:
        """Whatever is starting is running now."""

    @abstractmethod
    async def end(self) -> None:
        """Whatever is being terminated is gone now."""

    @abstractmethod
    async def reclaim(self, name: str) -> None:
        """The vendor takes a machine back."""

    async def switch_off(self, name: str) -> None:
        """The machine switches itself off; only where that ends the cost."""
        raise NotImplementedError

    @abstractmethod
    async def add_foreign(self, name: str) -> None:
        """Somebody else rents a machine with the same account and calls it so."""

    @abstractmethod
    async def surprise(self, name: str) -> None:
        """The machine is in a state that no version of the contract has, with a field that none has."""

    @abstractmethod
    def is_create(self, request: Request) -> bool:
        """True for the call that begins to cost money."""

    @abstractmethod
    def refusals(self) -> Mapping[ProviderFault, Reply]:
        """How the vendor words each kind of no to a create call. Every word of it is in its documents."""

    def refuse_create(self, fault: ProviderFault, times: int = 1) -> Fault:
        """The next create is refused so."""
        refusal = Fault(self.refusals()[fault], self.is_create, times)
        self.server.faults.append(refusal)
        return refusal

    # -- gangs; only where a job can be on several machines ------------------------------------------------------

    def reaches(self, name: str, other: str) -> bool:
        """Whether a machine gets through to another one's private address, at every port."""
        raise NotImplementedError

    def made_for_gangs(self) -> list[str]:
        """What there is that was made for a gang as a whole, by name."""
        return []
