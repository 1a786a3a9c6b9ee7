"""Names that users write in filters and preferences, as the offers have them."""

from __future__ import annotations

from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_alerts import AlertFilters
from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import identify
from tradewind.providers.about import find_about


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
    """The models that a name stands for: one, or every model of a family (`H100` is SXM, PCIe and NVL)."""
    family = [key for key in all_models() if key.casefold().startswith(f"{name.strip().casefold()}-")]
    found = identify(name)
    if found.model is not None and not found.is_guess:
        return [found.key]
    return family or [found.key]


def resolve_providers(names: list[str]) -> list[str]:
    """Providers by id, whatever alias was written."""
    return list(dict.fromkeys(_resolve_provider(name) for name in names))


def _resolve_provider(name: str) -> str:
    try:
        return find_about(name).id
    except NotFoundError:
        return name.strip().lower()
