"""The report of `tradewind providers check`: what a stranger may see of it, as a file and as text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from tradewind.domain.schemas import JobSubmission
from tradewind.domain.schemas_check import CheapestOffer

#: What a report must not have: addresses, and ids by which an account could be told.
_HIDDEN: Final = (
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b"), "[address]"),
    (re.compile(r"\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b", re.IGNORECASE), "[address]"),
    (re.compile(r"\b(?:i|vol|eni|sg|subnet|vpc|ami)-[0-9a-f]{8,17}\b"), "[id]"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), "[mail]"),
)
_MINUTES: Final = 10


def submission_of(provider: str, cheapest: CheapestOffer, max_usd: float) -> JobSubmission:
    """A job of a few seconds on the provider's cheapest machine, that may cost this much and no more."""
    script = "import platform; print('tradewind check', platform.machine())"
    return JobSubmission(
        spec={
            "version": 1,
            "name": "provider-check",
            "run": f'python3 -c "{script}"; nvidia-smi -L 2>/dev/null || true',
            "resources": {
                "providers": [provider],
                "regions": [cheapest.region] if cheapest.region else [],
                "spot": "only" if cheapest.market == "spot" else "never",
            },
            "strategy": "cheapest",
            "constraints": {"budget": f"${max_usd:.2f}", "max_duration": f"{_MINUTES}m"},
            "retry": {"interruptions": 0, "failures": 0, "node_failures": 0},
            "tags": {"tradewind": "provider-check"},
        }
    )


def redacted(value: Any) -> Any:
    """The same without addresses, ids and mail addresses."""
    if isinstance(value, dict):
        return {key: redacted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [redacted(each) for each in value]
    if not isinstance(value, str):
        return value
    for pattern, instead in _HIDDEN:
        value = pattern.sub(instead, value)
    return value


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Writes the report, readable by its owner only until they show it to somebody."""
    text = json.dumps(redacted(report), indent=2, sort_keys=True) + "\n"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
