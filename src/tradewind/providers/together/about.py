"""What Together AI says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="together",
    cloud_id="together_ai",
    provider_type="together-ai",
    title="Together AI",
    kind="jobs",
    runs=("fine_tune", "cluster"),
    aliases=("togetherai", "together-compute"),
    setup_steps=(
        "Create a Together AI account and add a payment method.",
        "Create an API key in the settings.",
        "For fine-tuning, put the data into JSON lines and upload it.",
        "For a cluster, choose Kubernetes or Slurm, the accelerator and a multiple of eight of them.",
        "Set `TOGETHER_API_KEY` where the Tradewind server starts.",
    ),
    api_docs="https://docs.together.ai/reference",
    estimated_time="5 min",
    pros=(
        "Fine-tuning of open models without any machine to look after, and with a price told beforehand.",
        "Clusters of H100, H200, B200 and newer with a fast network, for hours or reserved.",
        "Starts within 1 to 2 minutes where capacity is there.",
        "A cluster comes with Kubernetes or Slurm set up.",
    ),
    cons=(
        "Single machines are not rented: only fine-tuning jobs and clusters of eight or more accelerators.",
        "Fine-tuning takes the models and methods it offers, not your own program.",
        "Clusters are billed by the hour.",
        "Nothing ends a forgotten cluster.",
    ),
    credentials=(CredentialField(name="api_key", title="API key", environment="TOGETHER_API_KEY"),),
    has_spot=True,
    has_multi_node=True,
    limits=(
        "Hourly billing with a minimum of one hour is assumed for clusters.",
        "Error codes and limits on requests are not in its API description, which changes often.",
        "Preemptible accelerators exist within clusters; how they are taken back is not known.",
    ),
)
