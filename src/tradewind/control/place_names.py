"""Places as people and decisions name them: `lambda/us-east-1a/gpu_1x_a100 (spot)`."""

from __future__ import annotations

from tradewind.db.rows import AttemptRow
from tradewind.domain.offers import Offer


def place_name(offer: Offer) -> str:
    """A place in a word: `lambda/us-east-1a/gpu_1x_a100 (spot)`."""
    return f"{offer.provider}/{offer.zone or offer.region}/{offer.instance_type} ({offer.market})"


def place_of_attempt(attempt: AttemptRow) -> str:
    """Where an attempt runs, in the form of `place_name`."""
    offer = attempt.offer
    where = offer.get("zone") or offer.get("region")
    return f"{attempt.provider}/{where}/{offer['instance_type']} ({offer.get('market', 'owned')})"


def shown_place(attempt: AttemptRow) -> str:
    """Where an attempt runs, for people: `lambda/us-east-1a/gpu_1x_a100 (spot)`, or a machine's own name."""
    if attempt.is_rented:
        return place_of_attempt(attempt)
    name = attempt.offer.get("instance_type")
    return attempt.provider if name is None else f"{attempt.provider}/{name}"
