"""Prefixed, sortable ids: `job_01k9zq3m7t4d…` is a kind, a time and 50 random bits, in Crockford's base 32."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from tradewind.domain.clock import Entropy

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_ID: Final = re.compile(r"[a-z]{2,5}_[0-9a-hjkmnp-tv-z]{20}")

JOB: Final = "job"
TASK: Final = "task"
ATTEMPT: Final = "att"
NODE: Final = "node"
ALLOCATION: Final = "alloc"
RANK: Final = "rank"
INTENT: Final = "int"
RESERVATION: Final = "res"
CHECKPOINT: Final = "ckpt"
ARTIFACT: Final = "art"
LEDGER: Final = "led"
USER: Final = "user"
TEAM: Final = "team"
PROJECT: Final = "proj"
TOKEN: Final = "tok"
PLAN: Final = "plan"
INSTALLATION: Final = "inst"
PRICE_SOURCE: Final = "src"
PREDICTION: Final = "pred"
CHANNEL: Final = "chan"
ALERT: Final = "alert"
FIRING: Final = "fire"
NOTIFICATION: Final = "note"
BUDGET: Final = "bud"
NOTICE: Final = "tell"
INVOICE: Final = "inv"
INVOICE_LINE: Final = "line"
DECISION: Final = "dec"
CONNECTION: Final = "conn"


def new_id(prefix: str, now: datetime, entropy: Entropy) -> str:
    """A new id. Ids made later sort after ids made earlier, to the millisecond."""
    return _format(prefix, _first_number(now, entropy))


class IdsInOrder:
    """Ids of one moment that sort in the order in which they are made: jobs of one batch start in that order."""

    def __init__(self, now: datetime, entropy: Entropy) -> None:
        self._now = now
        self._entropy = entropy
        self._last: int | None = None

    def new(self, prefix: str) -> str:
        """The next one."""
        if self._last is None:
            self._last = _first_number(self._now, self._entropy)
        else:
            # Far enough apart that two that began close to each other stay apart.
            self._last += 1 + int.from_bytes(self._entropy.token(4), "big")
        return _format(prefix, self._last)


def _first_number(now: datetime, entropy: Entropy) -> int:
    milliseconds = int(now.timestamp() * 1000)
    return (milliseconds << 50) | (int.from_bytes(entropy.token(7), "big") >> 6)


def _format(prefix: str, number: int) -> str:
    pairs = []
    for _ in range(10):
        number, pair = divmod(number, 1024)
        pairs.append(_PAIRS[pair])
    return f"{prefix}_{''.join(reversed(pairs))}"


def is_id(text: str, prefix: str) -> bool:
    """True if the text has the form of an id of this kind."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None
