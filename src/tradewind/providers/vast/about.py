"""What Vast.ai says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField, SettingField
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
        "No SSH key has to be added: each instance is given the key of this installation as it starts.",
        "Set `VAST_API_KEY` where the Tradewind server starts; searching for offers needs no key.",
        "Decide how reliable and how well verified a host must be: offers carry both.",
    ),
    api_docs="https://docs.vast.ai/api-reference",
    estimated_time="10 min",
    pros=(
        "Often the lowest price for consumer cards such as the RTX 3090 and 4090.",
        "Billed per second, with no minimum.",
        "Every offer states its host's reliability and its network price.",
        "The least bid that would win a machine is in the search, beside its fixed price.",
    ),
    cons=(
        "A market of many hosts: quality and speed of links differ widely.",
        "Traffic is charged both ways, at each host's own price.",
        "Storage is billed for as long as it exists, also when stopped.",
        "Outbid machines are stopped without notice; they are given back, since their disk is charged for.",
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
    can_run=True,
    settings=(
        SettingField(name="image", title="Container image, instead of the usual one"),
        SettingField(name="disk_gb", title="The disk; offers include its price", pattern=r"[1-9][0-9]{0,5}"),
        SettingField(
            name="bid_factor", title="Bid this many times the least bid", pattern=r"[0-9]{1,3}(\.[0-9]{1,3})?"
        ),
        SettingField(name="include_unverified", title="Anything: hosts that Vast has not verified too"),
    ),
    limits=(
        "Nothing here was run against Vast.ai itself: it was tested against a stand-in held to its published API.",
        "Limits on the rate of requests are not published in figures; those of its examples are kept to.",
        "Its published API description contradicts its own client in places; the client is followed.",
        "Offers include a disk of 50 GB; a job that asks for more needs the setting `disk_gb`.",
        "What data that arrives costs is not part of the comparison; what leaves is.",
        "That `vastai/pytorch` has what a job needs, and that a second port is mapped, is believed.",
        "Nothing ends an instance that the server can no longer reach: whether its own key could is not shown.",
    ),
    files=VendorFiles(
        tool="Vast.ai's command line",
        paths=("~/.config/vastai/vast_api_key", "~/.vast_api_key"),
        read=plain_file("api_key", "~/.config/vastai/vast_api_key", "~/.vast_api_key"),
    ),
)
