"""What Paperspace says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField, SettingField

ABOUT = About(
    id="paperspace",
    cloud_id="paperspace",
    provider_type="paperspace",
    title="Paperspace",
    kind="machines",
    aliases=("paperspace-core", "gradient"),
    setup_steps=(
        "Create a Paperspace account and a team with a payment method.",
        "Ask for access to the machine types you want: large ones need approval.",
        "Create an API key in the team's settings.",
        "`tradewind connect paperspace` asks for it; `PAPERSPACE_API_KEY` where the server starts does as well.",
        "Look at `tradewind offers --provider paperspace`: what has no template any more is shown as not to be had.",
    ),
    api_docs="https://docs.digitalocean.com/reference/paperspace/",
    estimated_time="15 min",
    pros=(
        "A machine is switched off by Paperspace after a number of hours, at the latest after a week.",
        "Small professional cards such as the A4000 are cheap.",
        "No fee for data that leaves it is known.",
    ),
    cons=(
        "A fading product: DigitalOcean's GPU Droplets are its successor.",
        "No spot machines and no tags; machines are told apart by name only.",
        "Its API has no price list.",
        "Large machines take up to 10 minutes to start, and storage is billed by the month.",
    ),
    credentials=(
        CredentialField(name="api_key", title="API key of the team", environment="PAPERSPACE_API_KEY"),
    ),
    can_run=True,
    settings=(
        SettingField(name="template", title="Template, instead of the usual one"),
        SettingField(name="disk_gb", title="Size of the disk", pattern=r"[1-9][0-9]{0,5}"),
        SettingField(
            name="auto_shutdown_hours",
            title="Hours after which a machine switches itself off",
            pattern=r"[1-9][0-9]{0,3}",
        ),
    ),
    limits=(
        "Tested against the API in its own tool and a simulator; never run against the live service.",
        "Kept working, not developed: when the product ends is not known.",
        "Its timer switches a machine off; disk and address go on costing money until the machine is deleted.",
        "Whether the timer counts from the start or from the last use is not known: a job beyond it is moved.",
        "Prices are the catalog's until a machine tells its own; the disk, billed by the month, is not counted.",
        "Names of regions, machine types and templates are from other lists and have not been checked.",
        "The way in is a startup script: that it runs as root on the first boot is known from tools of others.",
        "Its API describes no errors: an unknown sentence is read by its status alone.",
    ),
)
