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
from tradewind.spec.resources import MOST_ALTERNATIVES

_KEYS: Final = ("providers", "regions", "any_of", "ordered")


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


def hold_to(
    mapping: dict[str, Any], places: Sequence[PlaceChoice], *, is_ordered: bool = True
) -> PlacesAnswer:
    """The job file with its places replaced; without any it may go anywhere again.

    Several become alternatives: in order of preference, or (not `is_ordered`) as a set of which the best deal is taken.
    """
    spec = deepcopy(mapping)
    written = spec.get("resources")
    resources: dict[str, Any] = dict(written) if isinstance(written, dict) else {}
    for key in _KEYS:
        resources.pop(key, None)
    notes: list[str] = []
    if places:
        notes = _hold(resources, list(dict.fromkeys(places)), is_ordered=is_ordered)
    if resources:
        spec["resources"] = resources
    else:
        spec.pop("resources", None)
    return PlacesAnswer(spec=spec, text=_in_words(places, is_ordered=is_ordered), notes=notes)


def _hold(resources: dict[str, Any], places: Sequence[PlaceChoice], *, is_ordered: bool) -> list[str]:
    alternatives: list[dict[str, Any]] = []
    for place in places:
        one = _alternative(place)
        if one not in alternatives:
            alternatives.append(one)
    notes: list[str] = []
    if len(alternatives) > MOST_ALTERNATIVES:
        notes.append(
            f"a job file has at most {MOST_ALTERNATIVES} alternatives: the first {MOST_ALTERNATIVES} are kept"
        )
        alternatives = alternatives[:MOST_ALTERNATIVES]
    if len(alternatives) == 1:
        resources.pop("spot", None)
        resources.update(alternatives[0])
        return notes
    resources["any_of"] = alternatives
    if not is_ordered:
        resources["ordered"] = False
    return notes


def _alternative(place: PlaceChoice) -> dict[str, Any]:
    """What a job file says of one offer."""
    said: dict[str, Any] = {}
    accelerator = _accelerator(place)
    if accelerator is not None:
        said["accelerators"] = accelerator
    if place.market == Market.SPOT:
        said["spot"] = "only"
    elif place.market:
        said["spot"] = "never"
    said["providers"] = [place.provider]
    # Machines of one's own are in no region: naming some would rule them out.
    if place.region and not _is_owned(place.provider):
        said["regions"] = [place.region]
    return said


def _accelerator(place: PlaceChoice) -> str | None:
    if not place.accelerator or place.accelerator_count < 1:
        return None
    return f"{short_name(place.accelerator)}:{place.accelerator_count:g}"


def _is_owned(provider: str) -> bool:
    try:
        return find_about(provider).kind == "owned"
    except NotFoundError:
        return False


def _in_words(places: Sequence[PlaceChoice], *, is_ordered: bool) -> str:
    if not places:
        return "Any connected place that fits."
    # A provider without regions goes by its own name there.
    names = list(
        dict.fromkeys(" ".join(dict.fromkeys(filter(None, (each.provider, each.region)))) for each in places)
    )
    if is_ordered and len(names) > 1:
        return f"First {', then '.join(names)}: the next where the one before cannot be had."
    return f"Only {' or '.join(names)}."
