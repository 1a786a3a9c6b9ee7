"""What RunPod says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField, SettingField
from tradewind.providers.vendor_files import VendorFiles, document

ABOUT = About(
    id="runpod",
    cloud_id="runpod",
    provider_type="runpod",
    title="RunPod",
    kind="machines",
    aliases=("run-pod",),
    setup_steps=(
        "Create a RunPod account and add credit: it is prepaid.",
        "Set a spend limit that suits you; the default is $80 per hour.",
        "Create an API key in the settings.",
        "No SSH key has to be added: each pod is given the key of this installation as it starts.",
        "Set `RUNPOD_API_KEY` where the Tradewind server starts.",
    ),
    api_docs="https://docs.runpod.io/api-reference/overview",
    estimated_time="10 min",
    pros=(
        "Billed per second, with no stated minimum.",
        "No fee for data that comes or goes.",
        "A wide choice, from RTX 3070 to B300, in secure data centres and cheaper community machines.",
        "The catalogue says how likely each accelerator is to be had now.",
    ),
    cons=(
        "When the balance runs out all machines stop.",
        "Stopped volumes cost $0.20 per GB and month, twice what running ones do.",
        "`H100` may mean PCIe, NVL or SXM: look at the exact name.",
        "Creating has no token: pods are looked for by name before a call is repeated.",
    ),
    credentials=(
        CredentialField(
            name="api_key", title="API key", environment="RUNPOD_API_KEY", hint="Console, Settings, API keys."
        ),
    ),
    can_run=True,
    settings=(
        SettingField(name="image", title="Container image, instead of the usual one"),
        SettingField(name="disk_gb", title="The container's disk", pattern=r"[1-9][0-9]{0,5}"),
    ),
    limits=(
        "Two tools of RunPod write the same file in different forms; both are read, neither has been checked here.",
        "Nothing here was run against RunPod itself: it was tested against a stand-in held to its published API.",
        "Interruptible pods were in the first version of its API only, which is being retired: they are not rented.",
        "Clusters of several machines are in the second version of its API and are not rented yet.",
        "A community host may have no public address; its pod is given back when it is not ready in 20 minutes.",
        "That `runpod/pytorch` has what a job needs, and that the start command is split as by a shell, is believed.",
        "Nothing ends a pod that the server can no longer reach: whether a pod's own key could is not shown.",
    ),
    files=VendorFiles(
        tool="RunPod's command line",
        paths=("~/.runpod/config.toml", "~/.runpod/credentials.toml"),
        read=document(
            "toml",
            {"api_key": ("default.api_key", "apikey", "apiKey")},
            "~/.runpod/config.toml",
            "~/.runpod/credentials.toml",
        ),
    ),
)
