"""Google's words for no, in ours. They come in an error's body, and inside of operations that have failed."""

from __future__ import annotations

from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import hint_of

#: `reason` of an error's `details`: what is wrong with the project itself. It says more than the others.
DETAILS: Final = {
    "BILLING_DISABLED": ProviderFault.BALANCE,
    "SERVICE_DISABLED": ProviderFault.PERMISSION,
    "CONSUMER_SUSPENDED": ProviderFault.BALANCE,
    "CONSUMER_INVALID": ProviderFault.INVALID,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": ProviderFault.PERMISSION,
}
#: `error.errors[].reason`.
REASONS: Final = {
    "accountDisabled": ProviderFault.BALANCE,
    "billingNotEnabled": ProviderFault.BALANCE,
    "authError": ProviderFault.CREDENTIALS,
    "required": ProviderFault.INVALID,
    "forbidden": ProviderFault.PERMISSION,
    "accessNotConfigured": ProviderFault.PERMISSION,
    "insufficientPermissions": ProviderFault.PERMISSION,
    "conditionNotMet": ProviderFault.PERMISSION,
    "quotaExceeded": ProviderFault.QUOTA,
    "limitExceeded": ProviderFault.QUOTA,
    "rateLimitExceeded": ProviderFault.RATE_LIMIT,
    "userRateLimitExceeded": ProviderFault.RATE_LIMIT,
    "invalid": ProviderFault.INVALID,
    "badRequest": ProviderFault.INVALID,
    "notFound": ProviderFault.NOT_FOUND,
    # Something else is happening to it: in a moment it will be possible.
    "resourceNotReady": ProviderFault.PROVIDER_FAULT,
    "resourceInUseByAnotherResource": ProviderFault.PROVIDER_FAULT,
}
#: `code` of an operation's errors; some calls have the same words in `reason`.
CODES: Final = {
    "ZONE_RESOURCE_POOL_EXHAUSTED": ProviderFault.CAPACITY,
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": ProviderFault.CAPACITY,
    "REGION_RESOURCE_POOL_EXHAUSTED": ProviderFault.CAPACITY,
    "STOCKOUT": ProviderFault.CAPACITY,
    "RESOURCE_POOL_EXHAUSTED": ProviderFault.CAPACITY,
    "QUOTA_EXCEEDED": ProviderFault.QUOTA,
    "RESOURCE_OPERATION_RATE_EXCEEDED": ProviderFault.RATE_LIMIT,
    "RATE_LIMIT_EXCEEDED": ProviderFault.RATE_LIMIT,
    "PERMISSIONS_ERROR": ProviderFault.PERMISSION,
    "CONDITION_NOT_MET": ProviderFault.PERMISSION,
    "RESOURCE_NOT_FOUND": ProviderFault.INVALID,
    "UNSUPPORTED_OPERATION": ProviderFault.INVALID,
    "INVALID_USAGE": ProviderFault.INVALID,
    "INVALID_FIELD_VALUE": ProviderFault.INVALID,
}
#: There is one of this name already.
ALREADY_EXISTS: Final = frozenset({"alreadyExists", "RESOURCE_ALREADY_EXISTS"})
_LONGEST: Final = 300


def classify(_status: int, body: Any) -> ProviderFault | None:
    """What a refused call means, by the first word in it that is known. None: its status decides."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None
    for word in _reasons(error.get("details")):
        if word in DETAILS:
            return DETAILS[word]
    for word in _reasons(error.get("errors")):
        known = REASONS.get(word) or CODES.get(word)
        if known is not None:
            return known
    return None


def _reasons(entries: Any) -> list[str]:
    if not isinstance(entries, list):
        return []
    return [str(each.get("reason") or each.get("code")) for each in entries if isinstance(each, dict)]


def operation_errors(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """What went wrong with an operation; empty while it runs, and where it went well."""
    errors = (operation.get("error") or {}).get("errors") or []
    return [each for each in errors if isinstance(each, dict)]


def already_exists(body: dict[str, Any]) -> bool:
    """True where an operation, or a call, failed because there is one of this name."""
    error = body.get("error")
    return isinstance(error, dict) and any(each in ALREADY_EXISTS for each in _reasons(error.get("errors")))


def operation_fault(operation: dict[str, Any]) -> ProviderError | None:
    """Why an operation failed; None where it has not."""
    errors = operation_errors(operation)
    if not errors and not operation.get("httpErrorStatusCode"):
        return None
    codes = [str(each.get("code") or "") for each in errors]
    fault = next((CODES[code] for code in codes if code in CODES), ProviderFault.PROVIDER_FAULT)
    said = str(errors[0].get("message") or "") if errors else str(operation.get("httpErrorMessage") or "")
    clean = "".join(sign if sign.isprintable() else " " for sign in said).strip()[:_LONGEST]
    words = ": ".join(each for each in (codes[0] if codes else "", clean) if each)
    return ProviderError(
        fault, f"Google could not make it: {words or 'no reason given'}", hint=hint_of(fault)
    )
