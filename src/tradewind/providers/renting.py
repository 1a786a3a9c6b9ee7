"""What a provider that rents machines is made of, and where the installed ones are found.

A factory in the entry point group `tradewind.machines` takes a `Setup` and returns a `MachineProvider`. It only builds:
the first call to the vendor is the first method that needs one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from tradewind.domain.clock import Entropy
from tradewind.domain.errors import NotFoundError
from tradewind.domain.offers import Offer
from tradewind.providers.access import Access
from tradewind.providers.base import Login, MachineProvider
from tradewind.providers.prices import Wire

_GROUP: Final = "tradewind.machines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything a machine provider works with.

    `wire.credentials` are by the names of `CredentialField.environment`; `wire.settings` may hold `base_url`, and what
    the provider documents. `listed` gives the catalog's offers of this provider, for those whose own API tells no
    prices.
    """

    wire: Wire
    entropy: Entropy
    access: Access
    listed: Callable[[], Awaitable[list[Offer]]]


def login_for(
    setup: Setup, key: str, address: str, *, user: str, port: int | None = None, knows_host_key: bool = True
) -> Login:
    """How the machine of this key is reached at this address.

    The settings `ssh_port` and `ssh_user` are for images that want others than the provider's own. `knows_host_key`
    says that the machine was given its derived host key; else the first one that is seen is pinned.
    """
    settings = setup.wire.settings
    return Login(
        host=address,
        port=port if port is not None else int(settings.get("ssh_port", 22)),
        user=str(settings.get("ssh_user") or user),
        host_keys=(setup.access.host_key(key).public,) if knows_host_key else (),
    )


def rentable_providers() -> tuple[str, ...]:
    """Ids of all installed providers that rent machines. None of them is imported."""
    return tuple(sorted({point.name for point in entry_points(group=_GROUP)}))


def load_machines(provider_id: str) -> Callable[[Setup], MachineProvider]:
    """The provider's factory. Raises NotFoundError with the known ids, or whatever its import raises."""
    for point in entry_points(group=_GROUP, name=provider_id):
        factory: Callable[[Setup], MachineProvider] = point.load()
        return factory
    raise NotFoundError(
        f"no provider called {provider_id!r} rents machines",
        hint=f"those that do: {', '.join(rentable_providers())}",
    )
