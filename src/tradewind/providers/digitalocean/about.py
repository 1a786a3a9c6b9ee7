"""What DigitalOcean's GPU Droplets say of themselves."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField, SettingField
from tradewind.providers.vendor_files import VendorFiles, document

ABOUT = About(
    id="digitalocean",
    cloud_id="digitalocean",
    provider_type="digitalocean",
    title="DigitalOcean GPU Droplets",
    kind="machines",
    aliases=("do", "gpu-droplets"),
    setup_steps=(
        "Create a DigitalOcean account with a payment method.",
        "Ask for access to GPU Droplets and for the number of them you need.",
        "Create a personal access token that may read sizes and manage Droplets, SSH keys and tags.",
        "`tradewind connect digitalocean` asks for it; `DIGITALOCEAN_ACCESS_TOKEN` in its environment does too.",
        "Look at `tradewind offers --provider digitalocean`: it shows which regions have which sizes.",
    ),
    api_docs="https://docs.digitalocean.com/reference/api/",
    estimated_time="15 min",
    pros=(
        "Data that leaves it costs $0.01 per GB beyond an allowance.",
        "Prices and regions of every size are in its API.",
        "Machines can be listed and deleted by tag, so that none is forgotten.",
        "Has AMD MI300X and MI325X beside NVIDIA cards.",
    ),
    cons=(
        "No spot machines.",
        "A Droplet that is switched off goes on costing money.",
        "Creating has no token: a repeated call may rent twice.",
        "Only a few regions have GPUs.",
    ),
    credentials=(
        CredentialField(name="token", title="Personal access token", environment="DIGITALOCEAN_ACCESS_TOKEN"),
    ),
    has_multi_node=True,
    can_run=True,
    settings=(SettingField(name="image", title="Image, instead of the one for the size"),),
    limits=(
        "Of the file of doctl only the default context is read.",
        "Tested against its published API and a simulator; never run against the live service.",
        "Droplets of one region reach each other in the account's default VPC, those of other jobs too.",
        "Billing per second since 2026 is taken from a list of others, not from the vendor.",
        "That switched-off Droplets are billed is general knowledge.",
        "The names of its images with drivers are from others' scripts; another one can be set.",
        "Which sentence means no capacity is from others' reports: an unknown one counts as a wrong request.",
        "Nothing at DigitalOcean ends a Droplet when Tradewind is gone for good.",
        "The machine's SSH port is open to everybody; only Tradewind's key gets in.",
    ),
    files=VendorFiles(
        tool="doctl",
        paths=("~/.config/doctl/config.yaml", "~/Library/Application Support/doctl/config.yaml"),
        read=document(
            "yaml",
            {"token": ("access-token",)},
            "~/.config/doctl/config.yaml",
            "~/Library/Application Support/doctl/config.yaml",
        ),
    ),
)
