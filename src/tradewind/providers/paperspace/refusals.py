"""What Paperspace means when it refuses to make a machine.

Its published API describes no error at all. Others read `code` and `message`; the sentences are from where somebody
met them, or `believed`. What is not here is what its status says.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tradewind.domain.errors import ProviderFault

#: Tried from the top: what is said, what it means, and where it was seen.
WORDINGS: Final = (
    (re.compile(r"out of capacity", re.I), ProviderFault.CAPACITY, "Paperspace/gradient-cli#327"),
    (re.compile(r"(no|insufficient|not enough) capacity", re.I), ProviderFault.CAPACITY, "believed"),
    (re.compile(r"outstanding balance|payment|credit card", re.I), ProviderFault.BALANCE, "believed"),
    (re.compile(r"quota|(machine|team|account) limit|request access", re.I), ProviderFault.QUOTA, "believed"),
)
#: These mean one thing only, whatever is said with them.
_CLEAR: Final = (401, 404, 429)


def classify_create(status: int, body: Any) -> ProviderFault | None:
    """What a refused create means; None where the status says all, and a server's fault stays one."""
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str) or status in _CLEAR:
        return None
    found = next((fault for pattern, fault, _ in WORDINGS if pattern.search(message)), None)
    # Which status a lack of machines comes with was not written down; the rest is never a fault of the server.
    return found if status < 500 or found is ProviderFault.CAPACITY else None
