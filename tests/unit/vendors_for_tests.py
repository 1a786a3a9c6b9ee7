"""A vendor in memory for tests of connections: accounts by key, and machines that only some accounts see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx2

from tradewind.control.connections import Outside
from tradewind.domain.errors import NotFoundError, ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.base import (
    Account,
    Handle,
    MachinePhase,
    MachineProvider,
    MachineView,
    OwnedMachine,
    Quota,
)
from tradewind.providers.renting import Setup
from tradewind.providers.vendor_files import Surroundings

GOOD = "key-of-the-first-account"
OTHER = "key-of-another-account"
ROTATED = "new-key-of-the-first-account"


class FakeMachines:
    """A `MachineProvider` that rents nothing new."""

    capabilities = Capabilities(
        create_idempotency=CreateIdempotency.TAG,
        self_termination=SelfTermination.NONE,
        list_lag=timedelta(0),
        gaps={"has_spot": "it sells none"},
    )

    def __init__(self, world: VendorWorld, provider_id: str, setup: Setup) -> None:
        self.id = provider_id
        self.world = world
        self.setup = setup
        self.key = "".join(setup.wire.credentials.values())

    async def examine(self) -> Account:
        self.world.examined.append(self.key)
        if self.world.error is not None:
            raise self.world.error
        account = self.world.accounts.get(self.key)
        if account is None:
            # A vendor that repeats what it was sent, as some do.
            raise ProviderError(ProviderFault.CREDENTIALS, f"the key {self.key} is not known")
        return account

    async def get(self, handle: Handle) -> MachineView:
        owner = self.world.machines.get(str(handle.values["id"]))
        account = self.world.accounts.get(self.key)
        if owner is None or account is None or owner != account.identity:
            raise ProviderError(ProviderFault.NOT_FOUND, "there is no such machine")
        return MachineView(phase=MachinePhase.READY)

    async def list_offers(self) -> list[Offer]:
        return await self.setup.listed()

    async def validate(self, offer: Offer) -> None:
        raise ProviderError(ProviderFault.CAPACITY, "sold out")

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        raise ProviderError(ProviderFault.CAPACITY, "sold out")

    async def find(self, key: str) -> Handle | None:
        return None

    async def keep(self, handle: Handle, until: datetime) -> None:
        return None

    async def terminate(self, handle: Handle) -> None:
        return None

    async def list_owned(self) -> list[OwnedMachine]:
        return []


@dataclass
class VendorWorld:
    """What connections find outside, under the control of a test."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    rentable: tuple[str, ...] = ("lambda",)
    is_own_machine: bool = True
    accounts: dict[str, Account] = field(
        default_factory=lambda: {
            GOOD: Account(
                identity="ana@example.com",
                regions=("us-east-1", "us-west-2"),
                quotas=(Quota(name="GPUs", limit=8.0, used=2.0, region="us-east-1"),),
                missing=("instances:terminate",),
                notes=("Quotas are an estimate.",),
            ),
            ROTATED: Account(identity="ana@example.com"),
            OTHER: Account(identity="ben@example.com"),
        }
    )
    #: Identity of the account that sees a machine, by its id.
    machines: dict[str, str] = field(default_factory=dict)
    #: Raised by every examination.
    error: Exception | None = None
    examined: list[str] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    clients: list[httpx2.AsyncClient] = field(default_factory=list)
    built: list[FakeMachines] = field(default_factory=list)

    def outside(self) -> Outside:
        """The world as connections see it."""
        return Outside(
            surroundings=Surroundings(environment=self.environment, home=self.home),
            make_http=self._make_http,
            rentable=lambda: self.rentable,
            loads=self._loads,
            listed=self._listed,
            is_own_machine=self.is_own_machine,
        )

    def _make_http(self) -> httpx2.AsyncClient:
        def refuse(request: httpx2.Request) -> httpx2.Response:
            raise AssertionError(f"nobody is to be asked: {request.url}")

        self.clients.append(httpx2.AsyncClient(transport=httpx2.MockTransport(refuse)))
        return self.clients[-1]

    def _loads(self, provider_id: str) -> Callable[[Setup], MachineProvider]:
        if provider_id not in self.rentable:
            raise NotFoundError(f"no provider called {provider_id!r} rents machines")

        def build(setup: Setup) -> MachineProvider:
            self.built.append(FakeMachines(self, provider_id, setup))
            return self.built[-1]

        return build

    async def _listed(self, provider_id: str) -> list[Offer]:
        return [each for each in self.offers if each.provider == provider_id]

    def write(self, path: str, text: str) -> Path:
        """A file in the home folder."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file
