"""How Vast.ai says no: a code in `error`, often a general one, and a sentence in `msg` that has the exact one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderFault


@dataclass(frozen=True, slots=True)
class Code:
    """A word in `error` or `msg` that means something, with an example of both and where it was seen."""

    word: str
    fault: ProviderFault
    example: dict[str, str]
    source: str


#: The first that is found counts: the exact words stand before the general ones.
CODES: Final = (
    Code(
        "no_such_ask",
        ProviderFault.CAPACITY,
        {
            "error": "invalid_args",
            "msg": "error 404/3603: no_such_ask Instance type by id 7 is not available.",
        },
        "contract, PUT /api/v0/asks/{id}, 404 and 410",
    ),
    Code(
        "invalid_price",
        ProviderFault.CAPACITY,
        {"error": "invalid_price", "msg": "error 400/3471: bid is below the minimum"},
        "contract, PUT /api/v0/asks/{id}, 400: the least bid rose after it was searched for; the sentence is believed",
    ),
    Code(
        "insufficient_credit",
        ProviderFault.BALANCE,
        {"error": "insufficient_credit", "msg": "Your account lacks credit; see the billing page."},
        "clients of others; not in the contract",
    ),
    Code(
        "no_ssh_key_for_vm",
        ProviderFault.INVALID,
        {"error": "no_ssh_key_for_vm", "msg": "add a key first"},
        "contract, PUT /api/v0/asks/{id}, 400",
    ),
    Code(
        "auth_error",
        ProviderFault.CREDENTIALS,
        {"error": "auth_error", "msg": "Invalid user key"},
        "contract, GET /api/v0/instances/{id}, 401",
    ),
    Code(
        "invalid user key",
        ProviderFault.CREDENTIALS,
        {"error": "not_found", "msg": "Invalid user key"},
        "contract, POST /api/v0/bundles, where a wrong key is answered with 404",
    ),
    Code(
        "no_such_instance",
        ProviderFault.NOT_FOUND,
        {"error": "no_such_instance", "msg": "Instance 7 not found."},
        "clients of others; the contract says `not_found`",
    ),
    Code(
        "too frequent",
        ProviderFault.RATE_LIMIT,
        {"detail": "API requests too frequent endpoint threshold=4.5"},
        "contract, 429 of every call",
    ),
)


def classify(_status: int, body: Any) -> ProviderFault | None:
    """What a refused call means; None: its status says all there is."""
    if not isinstance(body, dict):
        return None
    said = " ".join(str(body.get(name) or "") for name in ("error", "msg", "detail")).lower()
    return next((code.fault for code in CODES if code.word in said), None)


def sentence(body: Any) -> str | None:
    """What Vast.ai says: the sentence, else the code."""
    if not isinstance(body, dict):
        return None
    said = body.get("msg") or body.get("detail") or body.get("error")
    return said if isinstance(said, str) else None
