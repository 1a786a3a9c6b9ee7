"""What Ray clusters say of themselves."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="ray",
    cloud_id="ray",
    provider_type="ray",
    title="Ray",
    kind="jobs",
    runs=("any_command", "cluster"),
    aliases=("ray-cluster", "anyscale-ray"),
    setup_steps=(
        "Start a Ray cluster with its dashboard, on a network that only you can reach.",
        "Put a tunnel or a proxy with a login in front of port 8265: Ray itself asks for none.",
        "Check that `ray job list` answers at that address.",
        "Set `RAY_ADDRESS` to it where the Tradewind server starts.",
        "Import what an hour on the cluster costs with `tradewind prices import FILE`.",
    ),
    api_docs="https://docs.ray.io/en/latest/cluster/running-applications/job-submission/index.html",
    estimated_time="15 min, with a cluster that runs",
    pros=(
        "Uses a cluster that you have, and programs written for Ray as they are.",
        "The submission id makes a repeated submission harmless.",
        "Shares of an accelerator can be asked for.",
    ),
    cons=(
        "No login by default: whoever reaches the port can run anything.",
        "No longest running time: a forgotten job goes on.",
        "The cluster has no prices: they come from your own file.",
    ),
    credentials=(
        CredentialField(
            name="address",
            title="Address of the cluster",
            environment="RAY_ADDRESS",
            is_secret=False,
            hint="For example http://127.0.0.1:8265.",
        ),
    ),
    has_multi_node=True,
    limits=("Looked at with Ray 2.60 only.",),
)
