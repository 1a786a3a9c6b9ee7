"""What a user or role needs to be allowed, tried without having an effect.

The policy is `policy_ec2.json`. What it allows for tagged things only cannot be tried on things that do not exist:
such a dry run is refused to those who may do it, too.
"""

from __future__ import annotations

from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.aws.calling import Aws

#: Action of EC2 -> the call and the parameters of its dry run. Nothing that these name exists.
TRIED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ec2:DescribeInstances": ("describe_instances", {}),
    "ec2:DescribeInstanceTypes": ("describe_instance_types", {}),
    "ec2:DescribeInstanceTypeOfferings": ("describe_instance_type_offerings", {}),
    "ec2:DescribeSpotPriceHistory": ("describe_spot_price_history", {}),
    "ec2:DescribeImages": ("describe_images", {"Owners": ["self"]}),
    "ec2:DescribeVpcs": ("describe_vpcs", {}),
    "ec2:DescribeSubnets": ("describe_subnets", {}),
    "ec2:DescribeSecurityGroups": ("describe_security_groups", {}),
    "ec2:CreateSecurityGroup": (
        "create_security_group",
        {"GroupName": "tradewind-examined", "Description": "never made"},
    ),
    "ec2:RunInstances": (
        "run_instances",
        {"ImageId": "ami-00000000000000000", "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1},
    ),
}


async def find_missing(aws: Aws, region: str) -> tuple[str, ...]:
    """The actions that these credentials may not take. Costs nothing and changes nothing."""
    missing = []
    for action, (operation, parameters) in TRIED.items():
        if not await aws.is_permitted(region, operation, **parameters):
            missing.append(action)
    return tuple(missing)


async def who(aws: Aws, region: str) -> str:
    """Whose credentials these are. Raises ProviderError if they are no good."""
    answer = await aws.read("sts", region, "get_caller_identity")
    name = answer.get("Arn")
    if not name:
        raise ProviderError(ProviderFault.PROVIDER_FAULT, "Amazon did not say whose credentials these are")
    return str(name)
