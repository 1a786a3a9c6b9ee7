"""What Google Vertex AI says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField
from tradewind.providers.gcp.config_files import FILES

ABOUT = About(
    id="vertex",
    cloud_id="vertex",
    provider_type="gcp-vertex",
    title="Google Vertex AI",
    kind="jobs",
    aliases=("vertex-ai", "google-vertex"),
    setup_steps=(
        "Create a Google Cloud project and link a billing account.",
        "Enable the Vertex AI API and Cloud Storage.",
        "Ask for the quota of custom training GPUs in each region you want.",
        "Create a bucket in that region for data and checkpoints.",
        "Create a service account with the Vertex AI User role and download its key file.",
        "Set `GOOGLE_APPLICATION_CREDENTIALS` and `GOOGLE_CLOUD_PROJECT` where the Tradewind server starts.",
    ),
    api_docs="https://cloud.google.com/vertex-ai/docs/reference/rest",
    estimated_time="45 min, and up to days for the quota",
    pros=(
        "No machines to look after: a job starts them and ends them.",
        "A time limit is part of every job, and Google enforces it.",
        "Jobs can wait for capacity, use spot machines, and be restarted when a worker fails.",
        "Several worker pools make up one job, for training on many machines.",
    ),
    cons=(
        "A management fee comes on top of the machine's price.",
        "Starting a job takes 3 to 8 minutes.",
        "Jobs have no name that makes a repeated create harmless.",
        "Only containers and Python packages are run.",
    ),
    credentials=(
        CredentialField(
            name="service_account_file",
            title="Key file of a service account",
            environment="GOOGLE_APPLICATION_CREDENTIALS",
            is_secret=False,
            is_path=True,
        ),
        CredentialField(name="project", title="Project", environment="GOOGLE_CLOUD_PROJECT", is_secret=False),
    ),
    has_spot=True,
    has_multi_node=True,
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=(
        "Billing in steps of 30 seconds is assumed, not published where we looked.",
        "How logs are read and how a lack of capacity shows has not been checked.",
    ),
    files=FILES,
)
