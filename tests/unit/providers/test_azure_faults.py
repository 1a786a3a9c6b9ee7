"""Every row of the table of Azure's error codes, and what is no row."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tradewind.domain.errors import ProviderFault
from tradewind.providers.azure.faults import FAULTS, classify, sentence

_QUOTA: Final = "Operation could not be completed as it results in exceeding approved LowPriorityCores Quota."
ROWS: Final = [
    (409, "SkuNotAvailable", "", ProviderFault.CAPACITY),
    (409, "AllocationFailed", "", ProviderFault.CAPACITY),
    (409, "ZonalAllocationFailed", "", ProviderFault.CAPACITY),
    (409, "OverconstrainedAllocationRequest", "", ProviderFault.CAPACITY),
    (409, "OverconstrainedZonalAllocationRequest", "", ProviderFault.CAPACITY),
    # Behind a gateway, too, the code decides.
    (500, "AllocationFailed", "", ProviderFault.CAPACITY),
    (409, "QuotaExceeded", "", ProviderFault.QUOTA),
    (409, "ResourceQuotaExceeded", "", ProviderFault.QUOTA),
    (400, "PublicIPCountLimitReached", "", ProviderFault.QUOTA),
    (400, "NetworkInterfaceCountLimitReached", "", ProviderFault.QUOTA),
    (409, "OperationNotAllowed", _QUOTA, ProviderFault.QUOTA),
    (409, "OperationNotAllowed", "The disk is attached to a machine.", None),
    (401, "InvalidAuthenticationToken", "", ProviderFault.CREDENTIALS),
    (401, "InvalidAuthenticationTokenTenant", "", ProviderFault.CREDENTIALS),
    (401, "ExpiredAuthenticationToken", "", ProviderFault.CREDENTIALS),
    (401, "AuthenticationFailed", "", ProviderFault.CREDENTIALS),
    (404, "SubscriptionNotFound", "", ProviderFault.CREDENTIALS),
    (400, "InvalidSubscriptionId", "", ProviderFault.CREDENTIALS),
    (403, "AuthorizationFailed", "", ProviderFault.PERMISSION),
    (403, "LinkedAuthorizationFailed", "", ProviderFault.PERMISSION),
    (403, "RequestDisallowedByPolicy", "", ProviderFault.PERMISSION),
    (409, "MissingSubscriptionRegistration", "", ProviderFault.PERMISSION),
    (409, "ReadOnlyDisabledSubscription", "", ProviderFault.BALANCE),
    (403, "DisabledSubscription", "", ProviderFault.BALANCE),
    (404, "ResourceNotFound", "", ProviderFault.NOT_FOUND),
    (404, "ResourceGroupNotFound", "", ProviderFault.NOT_FOUND),
    (404, "NotFound", "", ProviderFault.NOT_FOUND),
    (404, "PlatformImageNotFound", "", ProviderFault.INVALID),
    (404, "ImageNotFound", "", ProviderFault.INVALID),
    (409, "PropertyChangeNotAllowed", "", ProviderFault.INVALID),
    (400, "LocationNotAvailableForResourceType", "", ProviderFault.INVALID),
    (429, "TooManyRequests", "", ProviderFault.RATE_LIMIT),
    (429, "SubscriptionRequestsThrottled", "", ProviderFault.RATE_LIMIT),
    (409, "AnotherOperationInProgress", "", ProviderFault.RATE_LIMIT),
    (429, "RetryableError", "", ProviderFault.RATE_LIMIT),
    (429, "ReferencedResourceNotProvisioned", "", ProviderFault.RATE_LIMIT),
    (400, "NicInUse", "", ProviderFault.RATE_LIMIT),
    (400, "NicReservedForAnotherVm", "", ProviderFault.RATE_LIMIT),
    (400, "PublicIPAddressCannotBeDeleted", "", ProviderFault.RATE_LIMIT),
    (409, "ResourceGroupBeingDeleted", "", ProviderFault.RATE_LIMIT),
    (500, "InternalServerError", "", None),
    (400, "InvalidParameter", "", None),
    # Nothing is gone because an address is wrong.
    (404, "InvalidResourceType", "", ProviderFault.PROVIDER_FAULT),
]


def body(code: str, message: str = "", *details: tuple[str, str]) -> dict[str, Any]:
    """Azure's no."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = [{"code": inner, "message": text} for inner, text in details]
    return {"error": error}


@pytest.mark.parametrize(("status", "code", "message", "fault"), ROWS)
def test_each_code(status: int, code: str, message: str, fault: ProviderFault | None) -> None:
    assert classify(status, body(code, message)) is fault


def test_each_row_of_the_table_is_here() -> None:
    assert set(FAULTS) <= {code for _, code, _, _ in ROWS}


def test_what_lies_behind_a_general_code_decides() -> None:
    behind = body("DeploymentFailed", "It failed.", ("Other", ""), ("ZonalAllocationFailed", "No room."))
    assert classify(409, behind) is ProviderFault.CAPACITY


@pytest.mark.parametrize("unreadable", [None, "<html>", [], {}, {"error": "no"}, {"error": {"details": 3}}])
def test_a_404_of_somebody_else_is_no_word_about_a_machine(unreadable: object) -> None:
    assert classify(404, unreadable) is ProviderFault.PROVIDER_FAULT
    assert classify(503, unreadable) is None


def test_a_missing_permission_is_said_first() -> None:
    text = (
        "The client 'c' with object id 'o' does not have authorization to perform action "
        "'Microsoft.Network/publicIPAddresses/write' over scope '/subscriptions/s'."
    )
    said = sentence(body("AuthorizationFailed", text))
    assert said == "missing permission Microsoft.Network/publicIPAddresses/write (AuthorizationFailed)"
    assert sentence(body("SkuNotAvailable", "Not here.")) == "SkuNotAvailable: Not here."
    assert sentence("<html>") is None
