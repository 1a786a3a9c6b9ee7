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
from tradewind.providers.base import MachineProvider
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
