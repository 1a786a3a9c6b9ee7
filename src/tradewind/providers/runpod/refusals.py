"""How RunPod says no. Its API has no codes: one status covers several reasons, and only a sentence tells them apart.

Each row names where its words were seen. What no row knows is judged by the status alone, so that a sentence that has
been worded anew makes a refusal less exact, and never a machine unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderFault


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence that means something: the words (any case), what they mean, an example and where it was seen."""

    words: str
    fault: ProviderFault
    example: str
    source: str


WORDINGS: Final = (
    Wording(
        "no longer any instances available",
        ProviderFault.CAPACITY,
        "There are no longer any instances available with the requested specifications. Please refresh and try again.",
        "bodies of status 400 recorded from API v2 in August 2026; runpodctl issue 189; dstack issue 1740",
    ),
    Wording(
        "no instances (are )?(currently )?available",
        ProviderFault.CAPACITY,
        "There are no instances currently available",
        "believed: said of API v1 with status 500, not seen in a primary source",
    ),
    Wording(
        "not have the resources to deploy",
        ProviderFault.CAPACITY,
        "This machine does not have the resources to deploy your pod. Please try a different machine",
        "fast-stable-diffusion issue 2484",
    ),
    Wording(
        "not enough free gpus",
        ProviderFault.CAPACITY,
        "There are not enough free GPUs on the host machine to start this pod.",
        "runpod-python issue 168",
    ),
    Wording(
        "could not be placed",
        ProviderFault.CAPACITY,
        "This GPU and data center combination could not be placed.",
        "the text on POST /v2/pods in the published contract",
    ),
    Wording(
        "insufficient balance",
        ProviderFault.BALANCE,
        "Insufficient balance.",
        "the text on POST /v2/pods in the published contract, there with status 402",
    ),
)
#: Statuses under which a sentence may mean anything; elsewhere the status is exact.
_VAGUE: Final = frozenset({400, 500, 502, 503})


def classify(status: int, body: Any) -> ProviderFault | None:
    """What a refused call means; None: its status says all there is."""
    if status not in _VAGUE:
        return None
    said = sentence(body) or ""
    for wording in WORDINGS:
        if re.search(wording.words, said, re.IGNORECASE):
            return wording.fault
    return None


def sentence(body: Any) -> str | None:
    """What RunPod says, with each violation of the contract that it lists."""
    if not isinstance(body, dict):
        return None
    parts = [body.get("detail") or body.get("message") or body.get("error") or body.get("title")]
    errors = body.get("errors")
    parts += errors if isinstance(errors, list) else []
    return " ".join(each for each in parts if isinstance(each, str)) or None
