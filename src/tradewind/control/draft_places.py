"""Holds a job file to the offers that somebody chose. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.offers import Market, Offer
from tradewind.domain.schemas_drafts import PlacesAnswer
from tradewind.hardware.names import short_name
from tradewind.providers.about import find_about

_KEYS: Final = ("providers", "regions")


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """An offer, as far as a job file can ask for it."""

    provider: str
    region: str
    accelerator: str
    accelerator_count: float
    market: str


def read_key(key: str) -> PlaceChoice:
    """The offer that a key names: `provider|region|zone|instance_type|accelerator|count|market`.

    Raises InvalidInputError.
    """
    parts = [part.replace("%7C", "|").replace("%25", "%") for part in key.split("|")]
    try:
        provider, region, _zone, _instance_type, accelerator, count, market = parts
        return PlaceChoice(provider, region, accelerator, float(count or 0), market)
    except ValueError:
        raise InvalidInputError(
            f"{key!r} does not name an offer", hint="take `key` from GET /api/v1/offers/explore"
        ) from None


def write_key(offer: Offer) -> str:
    """The key of an offer, as `read_key` takes it."""
    parts = (offer.provider, offer.region, offer.zone or "", offer.instance_type, offer.accelerator or "")
    texts = [*parts, f"{offer.accelerator_count:g}", offer.market]
    return "|".join(text.replace("%", "%25").replace("|", "%7C") for text in texts)


def hold_to(mapping: dict[str, Any], places: Sequence[PlaceChoice]) -> PlacesAnswer:
    """The job file with its places replaced; without any it may go anywhere again.

    A job file names providers, regions and accelerators apart from each other, so several offers allow every
    combination of theirs; `notes` say where that is more than what was chosen.
    """
    spec = deepcopy(mapping)
    written = spec.get("resources")
    resources: dict[str, Any] = dict(written) if isinstance(written, dict) else {}
    for key in _KEYS:
        resources.pop(key, None)
    notes: list[str] = []
    if places:
        notes = _hold(resources, places)
    if resources:
        spec["resources"] = resources
    else:
        spec.pop("resources", None)
    return PlacesAnswer(spec=spec, text=_in_words(places), notes=notes)


def _hold(resources: dict[str, Any], places: Sequence[PlaceChoice]) -> list[str]:
    providers = list(dict.fromkeys(place.provider for place in places))
    resources["providers"] = providers
    regions = list(dict.fromkeys(place.region for place in places if place.region))
    # Machines of one's own are in no region: naming some would rule them out.
    is_anywhere = any(not place.region or _is_owned(place.provider) for place in places)
    if regions and not is_anywhere:
        resources["regions"] = regions
    wanted = list(dict.fromkeys(filter(None, map(_accelerator, places))))
    if wanted:
        resources["accelerators"] = wanted if len(wanted) > 1 else wanted[0]
    markets = {place.market for place in places} - {""}
    if markets == {Market.SPOT}:
        resources["spot"] = "only"
    elif markets and Market.SPOT not in markets:
        resources["spot"] = "never"
    else:
        resources.pop("spot", None)
    notes = []
    count = len(providers) * max(len(regions), 1) * max(len(wanted), 1)
    if count > len(places) > 1:
        notes.append(
            "a job file names providers, regions and accelerators apart from each other: every combination of those"
            " chosen will do, and the strategy decides among them"
        )
    if len(places) > 1:
        notes.append("an order of preference is not supported by this version")
    return notes


def _accelerator(place: PlaceChoice) -> str | None:
    if not place.accelerator or place.accelerator_count < 1:
        return None
    return f"{short_name(place.accelerator)}:{place.accelerator_count:g}"


def _is_owned(provider: str) -> bool:
    try:
        return find_about(provider).kind == "owned"
    except NotFoundError:
        return False


def _in_words(places: Sequence[PlaceChoice]) -> str:
    if not places:
        return "Any connected place that fits."
    # A provider without regions goes by its own name there.
    names = list(
        dict.fromkeys(" ".join(dict.fromkeys(filter(None, (each.provider, each.region)))) for each in places)
    )
    return f"Only {' or '.join(names)}."
