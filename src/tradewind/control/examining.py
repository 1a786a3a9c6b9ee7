"""Asks a provider whose credentials these are, and says in words what went wrong."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from tradewind.control.connection_desk import Findings
from tradewind.control.credentials import Credentials, redact
from tradewind.control.patience import within
from tradewind.domain.clock import Clock
from tradewind.domain.errors import (
    ConflictError,
    InvalidInputError,
    ProviderError,
    ProviderFault,
    TradewindError,
)
from tradewind.domain.schemas_connections import ConnectionState
from tradewind.providers.about import About
from tradewind.providers.base import Account, MachineProvider

#: A provider that has not answered by then has failed.
TIME_LIMIT_S: Final = 60.0
_LONGEST_ERROR: Final = 500
#: After these the credentials are no good; after anything else nobody knows.
_REFUSALS: Final = frozenset({ProviderFault.CREDENTIALS, ProviderFault.PERMISSION})
_NOTHING_CHANGED: Final = "nothing was stored"


async def examine(
    clock: Clock, about: About, provider: MachineProvider, secrets: Credentials
) -> dict[str, Any]:
    """What the provider says of the credentials, as a connection keeps it.

    Raises:
        InvalidInputError: it does not take them.
        ConflictError: it could not be asked.
    """
    try:
        account = await within(clock, provider.examine(), TIME_LIMIT_S)
    except Exception as error:
        raise _in_words(about, error, secrets) from None
    return _account_json(account, secrets)


def failed(state: str, error: TradewindError, at: datetime) -> Findings:
    """What is noted of a connection whose credentials were examined in vain."""
    is_refused = isinstance(error, InvalidInputError)
    kept = ConnectionState.REFUSED if is_refused else ConnectionState(state)
    return Findings(state=kept, error=error.message, examined_at=at)


def _in_words(about: About, error: Exception, secrets: Credentials) -> TradewindError:
    if isinstance(error, ProviderError):
        said = redact(error.message, secrets)[:_LONGEST_ERROR]
        hint = None if error.hint is None else redact(error.hint, secrets)
        if error.fault in _REFUSALS:
            return InvalidInputError(
                f"{about.title} does not take these credentials: {said}",
                hint=hint,
                causes=(_NOTHING_CHANGED,),
            )
    else:
        # What an unexpected error says may hold anything.
        said = str(error) if isinstance(error, TimeoutError) else type(error).__name__
        hint = None
    return ConflictError(
        f"{about.title} could not be asked whose credentials these are: {said}",
        hint=hint or "try again in a moment",
        causes=(_NOTHING_CHANGED,),
    )


def _account_json(account: Account, secrets: Credentials) -> dict[str, Any]:
    return {
        "identity": redact(account.identity, secrets),
        "regions": list(account.regions),
        "quotas": [asdict(quota) for quota in account.quotas],
        "missing": [redact(each, secrets) for each in account.missing],
        "notes": [redact(each, secrets) for each in account.notes],
    }
