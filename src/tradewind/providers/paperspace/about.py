"""What Paperspace says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField

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
        "Pick a region and an operating system template.",
        "Set `PAPERSPACE_API_KEY` where the Tradewind server starts.",
    ),
    api_docs="https://docs.digitalocean.com/reference/paperspace/",
    estimated_time="15 min",
    pros=(
        "A machine can switch itself off after a number of hours, which the vendor enforces.",
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
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=(
        "When the product ends is not known.",
        "Free traffic and the names of its machine types have not been checked.",
    ),
)
