"""What Azure's error codes mean. The code decides, not the status: gone is only what Azure calls gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tradewind.domain.errors import ProviderFault

FAULTS: Final = {
    "SkuNotAvailable": ProviderFault.CAPACITY,
    "AllocationFailed": ProviderFault.CAPACITY,
    "ZonalAllocationFailed": ProviderFault.CAPACITY,
    "OverconstrainedAllocationRequest": ProviderFault.CAPACITY,
    "OverconstrainedZonalAllocationRequest": ProviderFault.CAPACITY,
    "QuotaExceeded": ProviderFault.QUOTA,
    "ResourceQuotaExceeded": ProviderFault.QUOTA,
    "PublicIPCountLimitReached": ProviderFault.QUOTA,
    "NetworkInterfaceCountLimitReached": ProviderFault.QUOTA,
    "InvalidAuthenticationToken": ProviderFault.CREDENTIALS,
    "InvalidAuthenticationTokenTenant": ProviderFault.CREDENTIALS,
    "ExpiredAuthenticationToken": ProviderFault.CREDENTIALS,
    "AuthenticationFailed": ProviderFault.CREDENTIALS,
    "SubscriptionNotFound": ProviderFault.CREDENTIALS,
    "InvalidSubscriptionId": ProviderFault.CREDENTIALS,
    "AuthorizationFailed": ProviderFault.PERMISSION,
    "LinkedAuthorizationFailed": ProviderFault.PERMISSION,
    "RequestDisallowedByPolicy": ProviderFault.PERMISSION,
    "MissingSubscriptionRegistration": ProviderFault.PERMISSION,
    "ReadOnlyDisabledSubscription": ProviderFault.BALANCE,
    "DisabledSubscription": ProviderFault.BALANCE,
    "ResourceNotFound": ProviderFault.NOT_FOUND,
    "ResourceGroupNotFound": ProviderFault.NOT_FOUND,
    "NotFound": ProviderFault.NOT_FOUND,
    "PlatformImageNotFound": ProviderFault.INVALID,
    "ImageNotFound": ProviderFault.INVALID,
    "PropertyChangeNotAllowed": ProviderFault.INVALID,
    "LocationNotAvailableForResourceType": ProviderFault.INVALID,
    # These had no effect, and pass: something else is still being done to the thing, or holds it.
    "TooManyRequests": ProviderFault.RATE_LIMIT,
    "SubscriptionRequestsThrottled": ProviderFault.RATE_LIMIT,
    "AnotherOperationInProgress": ProviderFault.RATE_LIMIT,
    "RetryableError": ProviderFault.RATE_LIMIT,
    "ReferencedResourceNotProvisioned": ProviderFault.RATE_LIMIT,
    "NicInUse": ProviderFault.RATE_LIMIT,
    "NicReservedForAnotherVm": ProviderFault.RATE_LIMIT,
    "PublicIPAddressCannotBeDeleted": ProviderFault.RATE_LIMIT,
    "ResourceGroupBeingDeleted": ProviderFault.RATE_LIMIT,
}
_ACTION: Final = re.compile(r"perform action '([\w./*-]+)'")


def classify(status: int, body: Any) -> ProviderFault | None:
    """The fault of a refused call. None: the status decides."""
    for code, message in _errors(body):
        fault = fault_of_code(code, message)
        if fault is not None:
            return fault
    # A proxy's 404, or one about the address itself, says nothing of the machine.
    return ProviderFault.PROVIDER_FAULT if status == 404 else None


def fault_of_code(code: str, message: str) -> ProviderFault | None:
    """What one of Azure's codes means; None where this version does not know it.

    `OperationNotAllowed` stands for a used up quota and for much else: the sentence tells.
    """
    if code == "OperationNotAllowed" and "quota" in message.casefold():
        return ProviderFault.QUOTA
    return FAULTS.get(code)


def sentence(body: Any) -> str | None:
    """Azure's code and sentence; of a missing permission the action that is missing, which is what helps."""
    for code, message in _errors(body):
        missing = _ACTION.search(message)
        return f"missing permission {missing.group(1)} ({code})" if missing else f"{code}: {message}"
    return None


def _errors(body: Any) -> Iterator[tuple[str, str]]:
    """The error, and what it says lies behind it."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return
    details = error.get("details")
    for each in (error, *(details if isinstance(details, list) else ())):
        if isinstance(each, dict):
            yield str(each.get("code") or ""), str(each.get("message") or "")
