"""What DigitalOcean means when it refuses a create.

Its errors have an id that says no more than the status, and a sentence. Which sentences there are is published
nowhere: each row has the place where somebody met it, and `believed` where nobody showed it word for word. A sentence
that is not here is what its status says: a 422 is a request that is wrong, and is not asked again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderFault


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence of DigitalOcean's, what it means, and where it was seen."""

    pattern: re.Pattern[str]
    fault: ProviderFault
    source: str


def _wording(pattern: str, fault: ProviderFault, source: str) -> Wording:
    return Wording(re.compile(pattern, re.IGNORECASE), fault, source)


#: Tried from the top.
WORDINGS: Final = (
    _wording(r"exceed your .*limit", ProviderFault.QUOTA, "OpenRouterLabs/spawn#2865"),
    _wording(r"(droplet|gpu) limit", ProviderFault.QUOTA, "believed"),
    _wording(r"size is currently restricted", ProviderFault.QUOTA, "digitalocean/api-v2#36"),
    _wording(r"size is not available in (this|the)", ProviderFault.CAPACITY, "ChainSafe/forest-iac#437"),
    _wording(r"size is unavailable", ProviderFault.CAPACITY, "inlets/inlets-operator#111"),
    _wording(r"region is not available", ProviderFault.CAPACITY, "kelda/kelda#1359"),
    _wording(r"(out of|no|insufficient|not enough) capacity", ProviderFault.CAPACITY, "believed"),
    _wording(r"payment (method|is) ?.*required|billing information", ProviderFault.BALANCE, "believed"),
)  # fmt: skip


def classify(status: int, body: Any) -> ProviderFault | None:
    """What a refused call means; None where the status says all."""
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str) or status not in (403, 422):
        return None
    return next((each.fault for each in WORDINGS if each.pattern.search(message)), None)
