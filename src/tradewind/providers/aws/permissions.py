"""What a user or role needs to be allowed: the policy for it, and how each part is tried without having an effect.

One table for both, so that what is documented is what is examined.
"""

from __future__ import annotations

from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.aws.calling import Aws

_INSTANCE: Final = "i-00000000000000000"
_GROUP: Final = "sg-00000000000000000"
_RULE: Final = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}]
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
    "ec2:AuthorizeSecurityGroupIngress": (
        "authorize_security_group_ingress",
        {"GroupId": _GROUP, "IpPermissions": _RULE},
    ),
    "ec2:RevokeSecurityGroupIngress": (
        "revoke_security_group_ingress",
        {"GroupId": _GROUP, "IpPermissions": _RULE},
    ),
    "ec2:CreateTags": (
        "create_tags",
        {"Resources": [_INSTANCE], "Tags": [{"Key": "tradewind", "Value": "examined"}]},
    ),
    "ec2:RunInstances": (
        "run_instances",
        {"ImageId": "ami-00000000000000000", "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1},
    ),
}
#: Allowed for tagged machines only, so it cannot be tried on one that does not exist.
_BOUNDED: Final = "ec2:TerminateInstances"
#: Needed too, and not to be tried beforehand.
_UNTRIED: Final = ("ec2:DescribeRegions", "ssm:GetParameter")
#: Without this one spot machines cannot be had in an account that never had one; it only makes Amazon's own role.
_FIRST_SPOT: Final[dict[str, Any]] = {
    "Effect": "Allow",
    "Action": "iam:CreateServiceLinkedRole",
    "Resource": "arn:aws:iam::*:role/aws-service-role/spot.amazonaws.com/*",
    "Condition": {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}},
}


def policy() -> dict[str, Any]:
    """The smallest IAM policy that Tradewind works with: it may end only machines that carry its tag."""
    actions = sorted({*TRIED, *_UNTRIED})
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": _BOUNDED,
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"Null": {"aws:ResourceTag/tradewind": "false"}},
            },
            _FIRST_SPOT,
        ],
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
