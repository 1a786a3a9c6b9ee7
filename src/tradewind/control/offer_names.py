"""Names that users write in filters and preferences, as the offers have them."""

from __future__ import annotations

import re
from typing import Final

from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.schemas_alerts import AlertFilters
from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import identify
from tradewind.providers.about import find_about

_MEMORY: Final = re.compile(r"\d\s*g(i?b)?\b", re.IGNORECASE)


def resolve_filters(filters: AlertFilters) -> AlertFilters:
    """The filters with every name resolved. What nobody knows is kept: a user's own price file may have it."""
    accelerators = [key for name in filters.accelerators for key in resolve_accelerator(name)]
    return filters.model_copy(
        update={
            "accelerators": list(dict.fromkeys(accelerators)),
            "providers": resolve_providers(filters.providers),
        }
    )


def resolve_accelerator(name: str) -> list[str]:
    """The models that a name stands for: one, or all that it leaves open (`H100` is SXM, PCIe and NVL).

    Raises:
        InvalidInputError: the name says how many, which is a filter of its own.
    """
    found = identify(name)
    if found.count is not None and ":" in name:
        raise InvalidInputError(
            f"{name!r} names a count as well", hint="give the count by itself: `min_count`, or --count"
        )
    if found.model is None or not found.is_guess:
        return [found.key]
    memory_gb = found.model.memory_gb if _MEMORY.search(name) else None
    family = found.key.partition("-")[0]
    return [
        key
        for key, model in all_models().items()
        if key.partition("-")[0] == family and memory_gb in (None, model.memory_gb)
    ]


def resolve_providers(names: list[str]) -> list[str]:
    """Providers by id, whatever alias was written."""
    return list(dict.fromkeys(_resolve_provider(name) for name in names))


def _resolve_provider(name: str) -> str:
    try:
        return find_about(name).id
    except NotFoundError:
        return name.strip().lower()
