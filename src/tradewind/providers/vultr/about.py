"""What Vultr says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, document

ABOUT = About(
    id="vultr",
    cloud_id="vultr",
    provider_type="vultr",
    title="Vultr",
    kind="machines",
    aliases=("vultr-cloud-gpu",),
    setup_steps=(
        "Create a Vultr account with a payment method.",
        "Ask support for access to the larger GPU plans.",
        "Enable the API in the account and allow the address of your server.",
        "Compare with `tradewind offers --provider vultr`: its plans are open and need no account.",
    ),
    api_docs="https://www.vultr.com/api/",
    estimated_time="10 min",
    pros=(
        "Its list of plans is open: nobody has to log in to read it.",
        "Virtual machines with a part of a GPU, for small jobs at a small price.",
        "Virtual machines start in 3 to 5 minutes.",
    ),
    cons=(
        "Billed by the hour, with a minimum of one.",
        "Bare metal takes up to 55 minutes to start.",
        "No spot machines.",
    ),
    credentials=(
        CredentialField(
            name="api_key",
            title="API key",
            environment="VULTR_API_KEY",
            is_required=False,
            hint="Not needed for comparing prices.",
        ),
    ),
    limits=(
        "The form of the file of its command line is general knowledge.",
        "Nothing but its list of plans has been looked at: no contract of its API is kept here.",
        "Start times are the limits that others wait for, not measurements.",
    ),
    files=VendorFiles(
        tool="Vultr's command line",
        paths=("~/.vultr-cli.yaml",),
        read=document("yaml", {"api_key": ("api-key",)}, "~/.vultr-cli.yaml"),
    ),
)
