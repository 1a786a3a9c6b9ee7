"""What Amazon SageMaker says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField
from tradewind.providers.aws.config_files import FILES

ABOUT = About(
    id="sagemaker",
    cloud_id="sagemaker",
    provider_type="aws-sagemaker",
    title="Amazon SageMaker training",
    kind="jobs",
    aliases=("amazon-sagemaker",),
    setup_steps=(
        "Create an AWS account and enable billing.",
        "Ask for the quota of each `ml.` machine type for training jobs, spot apart.",
        "Create an execution role that SageMaker may assume, with access to one S3 bucket.",
        "Create that bucket in the region where jobs are to run.",
        "Create an access key that may create, describe and stop training jobs and pass that role.",
        "Set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` where the Tradewind server starts.",
    ),
    api_docs="https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html",
    estimated_time="45 min, and up to days for the quota",
    pros=(
        "No machines to look after: a job starts them and ends them.",
        "A longest running time is part of every job, and AWS enforces it.",
        "Managed spot training resumes by itself from checkpoints in S3.",
        "Jobs over several machines are one request.",
    ),
    cons=(
        "Rates are about 15 to 40 percent above those of EC2 for the same machine.",
        "Starting a job takes 3 to 6 minutes.",
        "Commands run in a container that has to follow its conventions.",
        "A job that finds no machines fails instead of waiting.",
    ),
    credentials=(
        CredentialField(
            name="access_key_id", title="Access key id", environment="AWS_ACCESS_KEY_ID", is_secret=False
        ),
        CredentialField(
            name="secret_access_key", title="Secret access key", environment="AWS_SECRET_ACCESS_KEY"
        ),
        CredentialField(
            name="region",
            title="Region",
            environment="AWS_DEFAULT_REGION",
            is_secret=False,
            is_required=False,
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=(
        "The surcharge over EC2 and the start times come from reports, not from runs of ours.",
        "How a lack of capacity shows in a failed job is general knowledge.",
    ),
    files=FILES,
)
