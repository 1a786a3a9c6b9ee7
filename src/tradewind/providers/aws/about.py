"""What Amazon EC2 says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField, Policy, SettingField
from tradewind.providers.aws.config_files import FILES

ABOUT = About(
    id="aws",
    cloud_id="aws",
    provider_type="aws-ec2",
    title="Amazon EC2",
    kind="machines",
    aliases=("ec2", "amazon", "amazon-ec2"),
    setup_steps=(
        "Create an AWS account and enable billing.",
        "Ask for vCPU quota of the P and G families, spot apart, in each region you want; new accounts have none.",
        "Create an IAM user or role with the policy of `tradewind connect aws --policy`, and an access key for it.",
        "Install the client: `pip install 'tradewind[aws]'`.",
        "Give it: `tradewind connect aws`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` where the server starts.",
        "For live prices name the source `aws-bulk` in the price settings: its list is large.",
    ),
    api_docs="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html",
    estimated_time="30 min, and up to days for the quota",
    pros=(
        "Billed per second, with a minimum of 60 seconds.",
        "Spot machines with a history of their prices, and two minutes' notice before one is taken back.",
        "Fast networks between the large machines, for training on several of them.",
        "A repeated create call with the same token starts one machine only.",
    ),
    cons=(
        "Data that leaves it costs $0.09 per GB.",
        "On-demand prices of large accelerators are well above those of GPU clouds.",
        "Quotas have to be asked for; large accelerators are often not to be had.",
        "Volumes of stopped machines go on costing money.",
    ),
    credentials=(
        CredentialField(
            name="access_key_id", title="Access key id", environment="AWS_ACCESS_KEY_ID", is_secret=False
        ),
        CredentialField(
            name="secret_access_key", title="Secret access key", environment="AWS_SECRET_ACCESS_KEY"
        ),
        CredentialField(
            name="session_token",
            title="Session token",
            environment="AWS_SESSION_TOKEN",
            is_required=False,
            hint="Only with temporary credentials.",
        ),
        CredentialField(
            name="region",
            title="Region",
            environment="AWS_DEFAULT_REGION",
            is_secret=False,
            is_required=False,
            hint="For example us-east-1.",
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    can_run=True,
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    limits=(
        "Keys that come from single sign-on are not read from its files: they are short-lived.",
        "Never run against the live service: tested against an emulator that is held to AWS's own description of EC2.",
        "Billing per second and the reason given for a reclaimed machine are general knowledge, not checked here.",
        "The disk (200 GB unless set otherwise) and data that leaves are billed apart, and are not in the price shown.",
        "Spot is taken to cost what its price history says at each moment; AWS may charge by other steps.",
        "The name under which AWS publishes its image with NVIDIA's driver is what others use, not checked here.",
        "That switching off ends the bill holds for machines started with shutdown behaviour `terminate`.",
    ),
    files=FILES,
    policies=(
        Policy(
            name="ec2",
            title="IAM policy for renting EC2 machines",
            usage="Attach it to the user or role whose access key Tradewind is given: "
            "`aws iam create-policy --policy-name tradewind --policy-document file://FILE`.",
            package="tradewind.providers.aws",
            resource="policy_ec2.json",
        ),
    ),
    settings=(
        SettingField(name="regions", title="Only these regions", is_list=True),
        SettingField(
            name="ssh_from", title="Who may log in, as networks such as 203.0.113.7/32", is_list=True
        ),
        SettingField(name="address_url", title="What tells the address that this server is seen under"),
        SettingField(name="ami", title="Image id, or region=image for each", is_list=True),
        SettingField(name="vpcs", title="Other VPCs than the default, as region=vpc", is_list=True),
        SettingField(
            name="disk_gb", title="Size of the disk in GB, instead of 200", pattern="[1-9][0-9]{1,4}"
        ),
        SettingField(
            name="address", title="private, where the VPC is reached by other ways", pattern="public|private"
        ),
        SettingField(name="placement_group", title="Placement group that machines are put into"),
    ),
)
