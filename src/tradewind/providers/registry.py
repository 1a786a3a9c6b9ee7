"""Finds providers by entry point, so that one that is installed later is found without a change here."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from tradewind.domain.errors import NotFoundError

_GROUP = "tradewind.providers"


def known_providers() -> list[str]:
    """Ids of all installed providers."""
    return sorted(point.name for point in entry_points(group=_GROUP))


def load_provider(provider_id: str) -> Callable[..., Any]:
    """The provider's factory. Raises NotFoundError with the known ids."""
    for point in entry_points(group=_GROUP):
        if point.name == provider_id:
            factory: Callable[..., Any] = point.load()
            return factory
    known = ", ".join(known_providers())
    raise NotFoundError(f"no provider is called {provider_id!r}", hint=f"known providers: {known}")
