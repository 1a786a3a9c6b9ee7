"""What Oracle Cloud Infrastructure says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, existing_file

ABOUT = About(
    id="oci",
    cloud_id="oci",
    provider_type="oci",
    title="Oracle Cloud Infrastructure",
    kind="machines",
    aliases=("oracle", "oracle-cloud"),
    setup_steps=(
        "Create an Oracle Cloud account and upgrade it to pay as you go.",
        "Ask for a raise of the service limits of the GPU shapes in your region.",
        "Create a compartment and a user group that may manage instances in it.",
        "Add an API signing key to a user and keep its configuration file.",
        "Compare with `tradewind offers --provider oci`: its price list is open and needs no account.",
    ),
    api_docs="https://docs.oracle.com/en-us/iaas/api/",
    estimated_time="30 min, and up to days for the limits",
    pros=(
        "Data that leaves it costs $0.0085 per GB, and 10 TB each month are free.",
        "Its price list is open: nobody has to log in to read it.",
        "Whole machines with RDMA networks between them, for training on many.",
        "Virtual machines are billed per second after the first minute.",
    ),
    cons=(
        "Bare metal has a minimum of one hour, and takes up to 20 minutes to start.",
        "Large accelerators come as whole machines of four or eight only.",
        "New accounts have no GPU limits.",
    ),
    credentials=(
        CredentialField(
            name="configuration_file",
            title="Configuration file",
            environment="OCI_CLI_CONFIG_FILE",
            is_secret=False,
            is_path=True,
            is_required=False,
            hint="Not needed for comparing prices.",
        ),
    ),
    has_multi_node=True,
    limits=(
        "Nothing but its price list has been looked at: no contract of its API is kept here.",
        "Its preemptible machines are not compared.",
    ),
    files=VendorFiles(
        tool="Oracle's command line",
        paths=("~/.oci/config",),
        read=existing_file("configuration_file", "~/.oci/config"),
    ),
)
