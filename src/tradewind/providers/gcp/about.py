"""What Google Compute Engine says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField, Policy, SettingField
from tradewind.providers.gcp.config_files import FILES

ABOUT = About(
    id="gcp",
    cloud_id="gcp",
    provider_type="gcp-compute",
    title="Google Compute Engine",
    kind="machines",
    aliases=("gce", "google", "google-cloud"),
    setup_steps=(
        "Create a Google Cloud project and link a billing account.",
        "Enable the Compute Engine API and the Cloud Billing API.",
        "Ask for GPU quota, both the global one and that of each region.",
        "Create a service account with the role Compute Admin, or less (see the documentation), and download its key.",
        "Set `GOOGLE_APPLICATION_CREDENTIALS` to that file and `GOOGLE_CLOUD_PROJECT` for the Tradewind server.",
        "Set `ssh_from` of the connection to the address this server is seen from: SSH is open to it alone.",
        "Create an API key for the Cloud Billing catalogue if you want live prices, and set `GOOGLE_API_KEY` to it.",
    ),
    api_docs="https://cloud.google.com/compute/docs/reference/rest/v1",
    estimated_time="30 min, and up to days for the quota",
    pros=(
        "Billed per second, with a minimum of one minute.",
        "A machine can be given a longest life that Google itself enforces.",
        "Spot machines at 0.3 to 0.5 of the on-demand price, with hints on where there is capacity.",
        "Has TPUs beside GPUs.",
    ),
    cons=(
        "Data that leaves it costs $0.085 to $0.12 per GB.",
        "The GPU's price excludes its host: processors and memory are added.",
        "Installing the driver and rebooting takes 5 to 7.5 minutes where the image has none.",
        "No history of spot prices is published.",
    ),
    credentials=(
        CredentialField(
            name="service_account_file",
            title="Key file of a service account",
            environment="GOOGLE_APPLICATION_CREDENTIALS",
            is_secret=False,
            is_path=True,
            hint="The path of the JSON file.",
        ),
        CredentialField(name="project", title="Project", environment="GOOGLE_CLOUD_PROJECT", is_secret=False),
        CredentialField(
            name="api_key",
            title="API key for prices",
            environment="GOOGLE_API_KEY",
            is_required=False,
            hint="For the Cloud Billing catalogue only.",
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    can_run=True,
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    settings=(
        SettingField(name="project", title="The project, where the credentials name another"),
        SettingField(
            name="ssh_from",
            title="Who may log in to machines: this server's address as Google sees it, or networks",
            is_list=True,
        ),
        SettingField(name="image", title="Image or image family, instead of the usual one"),
        SettingField(name="disk_gb", title="Size of the disk", pattern=r"[1-9][0-9]{0,5}"),
        SettingField(name="network", title="Network, instead of `default`"),
        SettingField(name="subnetwork", title="Subnetwork"),
        SettingField(
            name="placement_policy",
            title="Compact placement policy that is there already, for jobs on several machines",
        ),
        SettingField(
            name="max_run_h",
            title="Hours after which Google ends a machine whatever happens",
            pattern=r"[1-9][0-9]{0,3}",
        ),
    ),
    limits=(
        "The minimal role is from the list of calls we make; it has not been tried against a live project.",
        "It was tested against a simulator that is held to Google's published API, never against Google itself.",
        "Billing per second and the 30 seconds between notice and shutdown are general knowledge, not checked here.",
        "A machine that switched itself off still pays for its disk, until it is found and deleted.",
        "The price of the boot disk and of the external address is not part of what is compared and accounted.",
        "The image with drivers is named by its family in Google's documentation; that it boots here is only believed.",
        "TPUs are rented by another API of Google's: they are compared here, not rented.",
        "Several machines for one job stand in one zone; near each other only where `placement_policy` names a policy.",
        "The firewall opens the way between the machines of one job, and the network `default` has it open for all.",
        "Whether the account may create machines shows when it does so for the first time.",
    ),
    files=FILES,
    policies=(
        Policy(
            name="role",
            title="Custom role for renting Compute Engine machines",
            usage="`gcloud iam roles create tradewind --project=PROJECT --file=FILE`, then grant that role and "
            "`roles/iam.serviceAccountUser` on nothing but what machines run as.",
            package="tradewind.providers.gcp",
            resource="policy_role.yaml",
        ),
    ),
)
