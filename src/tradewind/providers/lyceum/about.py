"""What Lyceum says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, document

ABOUT = About(
    id="lyceum",
    cloud_id="lyceum",
    provider_type="lyceum",
    title="Lyceum",
    kind="machines",
    aliases=("lyceum-cloud", "lyceum-technology"),
    setup_steps=(
        "Create a Lyceum account and add credit: it is prepaid.",
        "Create an API key; it begins with `lk_`.",
        "`tradewind connect lyceum` asks for it; `LYCEUM_API_KEY` where the server starts does as well.",
        "Look at `tradewind offers --provider lyceum`: with the key it shows which machines are to be had now.",
    ),
    api_docs="https://docs.lyceum.technology",
    estimated_time="10 min",
    pros=(
        "Billed per second.",
        "Spot machines at about 0.38 of the on-demand price in the catalogue of May 2026.",
        "A short, clear list: A100, H100, H200, B200, B300 and L40S with one, two, four or eight of them.",
        "An address answers which machines are to be had.",
    ),
    cons=(
        "No way to stop a machine without giving it up, and no longest life.",
        "A lack of capacity is answered like a fault of the server.",
        "Several machines cannot be had as one cluster.",
    ),
    credentials=(
        CredentialField(
            name="api_key",
            title="API key",
            environment="LYCEUM_API_KEY",
            hint="The vendor's own tool keeps it in `~/.lyceum/config.json`; this variable's name is ours.",
        ),
    ),
    has_spot=True,
    can_run=True,
    limits=(
        "That `api_key` is the name of the key in the file of its command line is an assumption.",
        "Tested against recorded answers and a simulator; never run against the live service.",
        "Its API is known from its client and from recorded answers, not from a published description.",
        "A machine cannot be given a host key: the first one that it shows is pinned.",
        "It lives until it is given back: nothing at Lyceum ends it when Tradewind is gone for good.",
        "That a machine which failed costs nothing is not known; it is given back at once.",
        "A spot machine that was taken back is told by its state alone, and without notice.",
    ),
    files=VendorFiles(
        tool="Lyceum's command line",
        paths=("~/.lyceum/config.json",),
        read=document("json", {"api_key": ("api_key",)}, "~/.lyceum/config.json"),
    ),
)
