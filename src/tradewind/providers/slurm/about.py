"""What Slurm clusters say of themselves."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="slurm",
    cloud_id="slurm",
    provider_type="slurm",
    title="Slurm",
    kind="jobs",
    runs=("any_command", "cluster"),
    aliases=("slurm-cluster", "hpc"),
    setup_steps=(
        "Get an account on the cluster and know your partitions, accounts and quality-of-service names.",
        "Check that `sinfo` shows the partition, and `sbatch` takes `--gres=gpu:1`.",
        "Set up a key for SSH to the login node, or ask for a token of slurmrestd.",
        "Choose a folder on the shared file system for working directories and checkpoints.",
        "Import what an hour costs you with `tradewind prices import FILE`; it may be nothing.",
    ),
    api_docs="https://slurm.schedmd.com/rest_api.html",
    estimated_time="20 min, with an account",
    pros=(
        "Uses an institute's cluster, often at no price for its members.",
        "Made for training on many nodes, usually with a fast network.",
        "A time limit is part of every job, and the cluster enforces it.",
        "Queues, fair shares and requeueing are in good hands.",
    ),
    cons=(
        "Waiting in the queue may take from minutes to days.",
        "Longest running times are the site's to decide.",
        "Submitting has no token: jobs are found again by name and comment.",
        "There is no price in it.",
    ),
    credentials=(
        CredentialField(
            name="token",
            title="Token of slurmrestd",
            environment="SLURM_JWT",
            is_required=False,
            hint="Not needed where the login node is used over SSH.",
        ),
    ),
    has_multi_node=True,
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=("Versions differ in their REST interface: 22.05 and 0.0.41 to 0.0.45 were looked at.",),
)
