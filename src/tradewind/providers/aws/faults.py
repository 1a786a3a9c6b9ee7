"""What Amazon's error codes mean. A table: every row has a test."""

from __future__ import annotations

from typing import Final

from tradewind.domain.errors import ProviderFault

#: Capacity codes come with status 500 as often as with 400: the code decides, never the status.
FAULTS: Final = {
    "InsufficientInstanceCapacity": ProviderFault.CAPACITY,
    "InsufficientHostCapacity": ProviderFault.CAPACITY,
    "InsufficientCapacity": ProviderFault.CAPACITY,
    "InsufficientReservedInstanceCapacity": ProviderFault.CAPACITY,
    "SpotMaxPriceTooLow": ProviderFault.CAPACITY,
    # This zone does not have the type, or not in this form: another place may.
    "Unsupported": ProviderFault.CAPACITY,
    "VcpuLimitExceeded": ProviderFault.QUOTA,
    "InstanceLimitExceeded": ProviderFault.QUOTA,
    "MaxSpotInstanceCountExceeded": ProviderFault.QUOTA,
    "VolumeLimitExceeded": ProviderFault.QUOTA,
    "MaxIOPSLimitExceeded": ProviderFault.QUOTA,
    "NetworkInterfaceLimitExceeded": ProviderFault.QUOTA,
    "SecurityGroupLimitExceeded": ProviderFault.QUOTA,
    "RulesPerSecurityGroupLimitExceeded": ProviderFault.QUOTA,
    "InsufficientFreeAddressesInSubnet": ProviderFault.QUOTA,
    "AuthFailure": ProviderFault.CREDENTIALS,
    "InvalidClientTokenId": ProviderFault.CREDENTIALS,
    "UnrecognizedClientException": ProviderFault.CREDENTIALS,
    "SignatureDoesNotMatch": ProviderFault.CREDENTIALS,
    "InvalidSignatureException": ProviderFault.CREDENTIALS,
    "IncompleteSignature": ProviderFault.CREDENTIALS,
    "ExpiredToken": ProviderFault.CREDENTIALS,
    "ExpiredTokenException": ProviderFault.CREDENTIALS,
    "RequestExpired": ProviderFault.CREDENTIALS,
    "UnauthorizedOperation": ProviderFault.PERMISSION,
    "AccessDenied": ProviderFault.PERMISSION,
    "AccessDeniedException": ProviderFault.PERMISSION,
    "OptInRequired": ProviderFault.PERMISSION,
    "PendingVerification": ProviderFault.PERMISSION,
    "Blocked": ProviderFault.PERMISSION,
    "RequestLimitExceeded": ProviderFault.RATE_LIMIT,
    "Throttling": ProviderFault.RATE_LIMIT,
    "ThrottlingException": ProviderFault.RATE_LIMIT,
    "RequestThrottled": ProviderFault.RATE_LIMIT,
    "TooManyRequestsException": ProviderFault.RATE_LIMIT,
    "EC2ThrottledException": ProviderFault.RATE_LIMIT,
    "InvalidInstanceID.NotFound": ProviderFault.NOT_FOUND,
    # The first call with this token had its effect, or is still having it.
    "IdempotentParameterMismatch": ProviderFault.AMBIGUOUS,
    "IdempotentInstanceTerminated": ProviderFault.INVALID,
}
#: What a user can do about a code that says more than its fault does.
HINTS: Final = {
    "VcpuLimitExceeded": "ask AWS (Service Quotas, EC2) for more vCPUs of this family, on-demand and spot apart",
    "MaxSpotInstanceCountExceeded": "ask AWS (Service Quotas, EC2) for more vCPUs of this family for spot",
    "UnauthorizedOperation": "give the user or role the permissions of `tradewind connect aws --policy`",
    "AccessDeniedException": "give the user or role the permissions of `tradewind connect aws --policy`",
    "PendingVerification": "AWS is still checking the account: wait for its e-mail",
    "OptInRequired": "the account is not signed up for this; open the AWS console once and finish the sign-up",
    "RequestExpired": "set the server's clock",
    "ExpiredToken": "the session token has run out: get a new one",
    "InsufficientFreeAddressesInSubnet": "free some addresses, or name another VPC in the setting `vpcs`",
}


def fault_of_code(code: str, status: int, unsure: ProviderFault) -> ProviderFault:
    """The fault of a refusal. `unsure` is what a server that failed leaves behind."""
    found = FAULTS.get(code)
    if found is not None:
        return found
    if status >= 500:
        return unsure
    return ProviderFault.RATE_LIMIT if status == 429 else ProviderFault.INVALID
