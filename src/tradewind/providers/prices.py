"""What a source of prices is: something that can be asked for the offers of one or more providers.

A source is found by the entry point group `tradewind.price_sources`, whose value is a factory that takes nothing and
returns a `PriceSource`. Everything it needs for talking to the world arrives in `Wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from tradewind.domain.clock import Clock
from tradewind.domain.errors import NotFoundError
from tradewind.domain.offers import Offer
from tradewind.providers.base import Offload
from tradewind.providers.plugins import BrokenPlugin, load_plugins

if TYPE_CHECKING:
    import httpx2

_GROUP = "tradewind.price_sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a source reaches the world: a client whose transport, timeouts and clock tests can swap."""

    http: httpx2.AsyncClient
    clock: Clock
    offload: Offload
    #: Credentials by name (`LAMBDA_API_KEY`), only those the source declared; values are never logged.
    credentials: Mapping[str, str]
    #: The source's own settings, for example `{"base_url": "http://127.0.0.1:4000"}`.
    settings: Mapping[str, Any]


class PriceSource(Protocol):
    """Lists offers with prices. Raises ProviderError, and nothing else, when it cannot.

    An empty answer is an answer: every offer of this source is gone.
    """

    #: For example `azure-retail`.
    id: str
    title: str
    #: Provider ids whose offers it brings; empty: it says so itself, offer by offer.
    providers: tuple[str, ...]
    #: Names of the credentials without which it cannot be asked; empty for an open price list.
    credentials: tuple[str, ...]
    #: How long its prices are good for.
    max_age: timedelta
    #: True where an answer is large or slow: asked only when the user has switched it on.
    is_opt_in: bool

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Every offer of the source, unavailable ones included; prices normalised to micro-dollars per machine hour."""
        ...


def source_names() -> tuple[str, ...]:
    """Ids of all installed sources. None of them is imported."""
    return tuple(sorted({point.name for point in entry_points(group=_GROUP)}))


def load_source(name: str) -> PriceSource:
    """The source of this id, the others left alone. Raises NotFoundError, or whatever its import raises."""
    for point in entry_points(group=_GROUP, name=name):
        return _accept(name, point.load())()
    raise NotFoundError(
        f"no price source is called {name!r}", hint=f"known sources: {', '.join(source_names())}"
    )


def known_sources() -> dict[str, Callable[[], PriceSource]]:
    """Factories of all installed sources, by id."""
    return load_plugins(_GROUP, _accept).found


def broken_sources() -> tuple[BrokenPlugin, ...]:
    """Sources that are installed but could not be loaded, with the reasons."""
    return load_plugins(_GROUP, _accept).broken


def _accept(name: str, loaded: object) -> Callable[[], PriceSource]:
    if not callable(loaded):
        raise TypeError(f"{name} is no factory: it cannot be called")
    return loaded
