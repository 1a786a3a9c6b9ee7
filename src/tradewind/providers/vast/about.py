"""What Vast.ai says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, plain_file

ABOUT = About(
    id="vast",
    cloud_id="vast",
    provider_type="vast",
    title="Vast.ai",
    kind="machines",
    aliases=("vastai", "vast.ai"),
    setup_steps=(
        "Create a Vast.ai account and add credit: it is prepaid.",
        "Create an API key on the Keys page, with no more rights than it needs.",
        "Add your public SSH key to the account.",
        "Set `VAST_API_KEY` where the Tradewind server starts; searching for offers needs no key.",
        "Decide how reliable and how well verified a host must be: offers carry both.",
    ),
    api_docs="https://docs.vast.ai/api-reference",
    estimated_time="10 min",
    pros=(
        "Often the lowest price for consumer cards such as the RTX 3090 and 4090.",
        "Billed per second, with no minimum.",
        "Every offer states its host's reliability and its network price.",
        "An outbid machine is paused with its data and goes on when the bid wins again.",
    ),
    cons=(
        "A market of many hosts: quality and speed of links differ widely.",
        "Traffic is charged both ways, at each host's own price.",
        "Storage is billed for as long as it exists, also when stopped.",
        "Outbid machines are stopped without notice.",
        "No fast network between machines of different hosts.",
    ),
    credentials=(
        CredentialField(
            name="api_key",
            title="API key",
            environment="VAST_API_KEY",
            is_required=False,
            hint="Not needed for comparing prices.",
        ),
    ),
    has_spot=True,
    limits=(
        "Limits on the rate of requests are not published in figures.",
        "Its published API description contradicts its own client in places.",
    ),
    files=VendorFiles(
        tool="Vast.ai's command line",
        paths=("~/.config/vastai/vast_api_key", "~/.vast_api_key"),
        read=plain_file("api_key", "~/.config/vastai/vast_api_key", "~/.vast_api_key"),
    ),
)
