"""What Kubernetes clusters say of themselves."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import VendorFiles, existing_file

ABOUT = About(
    id="kubernetes",
    cloud_id="kubernetes",
    provider_type="kubernetes",
    title="Kubernetes",
    kind="jobs",
    runs=("any_command", "cluster"),
    aliases=("k8s",),
    setup_steps=(
        "Install the device plugin or operator of your accelerators, so that nodes offer for example `nvidia.com/gpu`.",
        "Create a namespace with a resource quota.",
        "Create a service account in it that may manage jobs, pods, services, config maps and secrets, and read logs.",
        "Make a kubeconfig for that account, and check it with `kubectl auth can-i create jobs`.",
        "Set `KUBECONFIG` to its path where the Tradewind server starts.",
        "Import what an hour on your nodes costs with `tradewind prices import FILE`.",
    ),
    api_docs="https://kubernetes.io/docs/reference/",
    estimated_time="30 min, with a cluster that runs",
    pros=(
        "Uses a cluster that you have, with the quotas and priorities set there.",
        "A deadline is part of every job, and the cluster enforces it.",
        "The job's name makes a repeated create harmless.",
        "Training on several nodes, with an indexed job.",
    ),
    cons=(
        "The cluster has no prices: they come from your own file.",
        "Nodes cost money whether jobs run on them or not.",
        "Pods wait, unscheduled, when there is no room; they can be evicted as well.",
    ),
    credentials=(
        CredentialField(
            name="kubeconfig",
            title="Kubeconfig file",
            environment="KUBECONFIG",
            is_secret=False,
            is_path=True,
            hint="Its path; `~/.kube/config` where it is not set.",
        ),
    ),
    has_multi_node=True,
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=("Whether nodes are spot machines of a cloud depends on the cluster and is not told apart.",),
    files=VendorFiles(
        tool="kubectl",
        paths=("~/.kube/config",),
        read=existing_file("kubeconfig", "~/.kube/config"),
    ),
)
