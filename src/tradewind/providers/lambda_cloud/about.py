"""What Lambda says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, document

ABOUT = About(
    id="lambda",
    cloud_id="lambda_labs",
    provider_type="lambda-labs",
    title="Lambda Cloud",
    kind="machines",
    aliases=("lambda-cloud",),
    setup_steps=(
        "Create a Lambda Cloud account with a payment method.",
        "Create an API key in the console.",
        "`tradewind connect lambda` asks for it; `LAMBDA_API_KEY` where the server starts does as well.",
        "Look at `tradewind offers --provider lambda`: with the key it shows which regions have capacity now.",
    ),
    api_docs="https://docs-api.lambda.ai/api/cloud",
    estimated_time="10 min",
    pros=(
        "No fee for data that leaves it.",
        "Price and present capacity of every machine type come in one answer.",
        "Machines come with drivers, CUDA and PyTorch installed.",
        "Plain on-demand terms: nobody takes a machine back in the middle of a run.",
    ),
    cons=(
        "Waiting for capacity is common.",
        "No spot price.",
        "Machines cannot be stopped, only given up.",
        "At most one launch in 12 seconds, and no token that makes a repeated one harmless.",
    ),
    credentials=(
        CredentialField(
            name="api_key", title="API key", environment="LAMBDA_API_KEY", hint="Console, API keys."
        ),
    ),
    can_run=True,
    limits=(
        "Tested against its published API and a simulator; never run against the live service.",
        "The key file that is read is that of another tool, SkyPilot: Lambda has none of its own that we know of.",
        "Billing by the minute is stated by others, not checked here.",
        "A state `preempted` is in its API although no interruptible machines are sold; what it means is not known.",
    ),
    files=VendorFiles(
        tool="SkyPilot",
        paths=("~/.lambda_cloud/lambda_keys",),
        read=document("lines", {"api_key": ("api_key",)}, "~/.lambda_cloud/lambda_keys"),
    ),
)
