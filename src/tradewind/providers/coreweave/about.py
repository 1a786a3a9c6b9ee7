"""What CoreWeave says of itself."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, existing_file

ABOUT = About(
    id="coreweave",
    cloud_id="coreweave",
    provider_type="coreweave",
    title="CoreWeave",
    kind="jobs",
    runs=("any_command", "cluster"),
    aliases=("core-weave", "cks"),
    setup_steps=(
        "Sign up with CoreWeave: accounts for GPUs are arranged with its sales team.",
        "Create a Kubernetes cluster (CKS) in the Cloud Console.",
        "Create an API access token there and download the kubeconfig of that cluster.",
        "Create a node pool of the instance type you want, in the default or the spot class.",
        "Set `KUBECONFIG` to that file where the Tradewind server starts.",
        "Import the hourly rates of your contract with `tradewind prices import FILE`: its API has none.",
    ),
    api_docs="https://docs.coreweave.com/products/cks/reference/node-pool",
    estimated_time="days, for the account",
    pros=(
        "InfiniBand between whole machines of H100 and newer, made for training on many of them.",
        "No fee for data that leaves it.",
        "Pods start in 1 to 2 minutes while the pool holds capacity.",
        "Spot pools fill up again by themselves when capacity returns.",
    ),
    cons=(
        "A node costs money while it is in the pool, whether a job runs or not.",
        "Prices cannot be read from its API.",
        "Kubernetes has to be understood, and whole machines of eight are the usual unit.",
        "Spot is not offered for GB200 and GB300.",
    ),
    credentials=(
        CredentialField(
            name="kubeconfig",
            title="Kubeconfig file",
            environment="KUBECONFIG",
            is_secret=False,
            is_path=True,
            hint="The path; the file itself holds the token.",
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    limits=(
        "Fields and scope of its node pools are transcribed from a page, not from a published schema.",
        "Billing per minute is general knowledge; its pages speak of hours.",
    ),
    files=VendorFiles(
        tool="kubectl",
        paths=("~/.kube/config",),
        read=existing_file("kubeconfig", "~/.kube/config"),
    ),
)
