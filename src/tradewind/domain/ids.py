"""Prefixed, sortable ids: `job_01k9zq3m7t4d…` is a kind, a time and 50 random bits, in Crockford's base 32."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from tradewind.domain.clock import Entropy

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
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
    milliseconds = int(now.timestamp() * 1000)
    number = (milliseconds << 50) | (int.from_bytes(entropy.token(7), "big") >> 6)
    digits = []
    for _ in range(20):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def is_id(text: str, prefix: str) -> bool:
    """True if the text has the form of an id of this kind."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None
