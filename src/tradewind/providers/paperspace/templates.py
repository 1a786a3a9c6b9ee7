"""Which template a machine starts from, and what the catalog's machines are called here.

Paperspace lists its templates with the machine types that each of them runs on: the only list of types in its API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Offer

#: Other lists' names for Paperspace's regions and types. Believed: nobody publishes both side by side.
_REGIONS: Final = {
    "newyork-usa-1": "East Coast (NY2)",
    "ny2": "East Coast (NY2)",
    "ca1": "West Coast (CA1)",
    "ams1": "Europe (AMS1)",
}
_TYPES: Final = {"A100-sxm4-80GB": "A100-80G", "V100-32GB": "V100-32G"}
#: The template with drivers and CUDA, by a part of its name; any other Ubuntu comes after it.
_BEST: Final = "ml-in-a-box"


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and the least disk that it needs."""

    id: str
    least_gb: int


def type_of(offer: Offer) -> str:
    """What Paperspace calls the machine."""
    return _TYPES.get(offer.instance_type, offer.instance_type)


def region_of(offer: Offer) -> str:
    """What Paperspace calls the region."""
    return _REGIONS.get(offer.region, offer.region)


def types_of(templates: list[dict[str, Any]]) -> frozenset[str]:
    """Every machine type that some template runs on."""
    return frozenset(label for each in templates for label in _labels(each))


def choose_template(templates: list[dict[str, Any]], machine_type: str, wanted: str | None) -> Template:
    """The template that was asked for, else the best one for the type.

    Raises:
        ProviderError: there is no such type, or nothing that it could start from.
    """
    if wanted:
        # One of the user's own may be in no list.
        found = next((each for each in templates if each.get("id") == wanted), None)
        return Template(str(wanted), _least_gb(found or {}))
    if machine_type not in types_of(templates):
        raise ProviderError(ProviderFault.INVALID, f"Paperspace has no machine type {machine_type}")
    fitting = [each for each in templates if machine_type in _labels(each) and _is_ubuntu(each)]
    if not fitting:
        raise ProviderError(
            ProviderFault.INVALID,
            f"Paperspace has no Ubuntu template for {machine_type}",
            hint="set `template` to the id of one that has an SSH server",
        )
    best = max(fitting, key=lambda each: (_BEST in _plain(each.get("name")), str(each.get("name"))))
    return Template(str(best["id"]), _least_gb(best))


def _labels(template: dict[str, Any]) -> list[str]:
    types = template.get("availableMachineTypes") or []
    return [str(each.get("machineTypeLabel")) for each in types if each.get("isAvailable")]


def _is_ubuntu(template: dict[str, Any]) -> bool:
    return "ubuntu" in _plain(template.get("operatingSystemLabel")) or _BEST in _plain(template.get("name"))


def _least_gb(template: dict[str, Any]) -> int:
    return int(template.get("defaultSizeGb") or 0)


def _plain(text: object) -> str:
    return str(text or "").casefold()
