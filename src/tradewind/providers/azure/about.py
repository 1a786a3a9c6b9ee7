"""What Azure's virtual machines say of themselves."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField, Policy, SettingField

ABOUT = About(
    id="azure",
    cloud_id="azure",
    provider_type="azure-vm",
    title="Azure Virtual Machines",
    kind="machines",
    aliases=("azure-virtual-machines", "microsoft"),
    setup_steps=(
        "Create an Azure subscription with pay-as-you-go billing.",
        "Ask for vCPU quota of the NC and ND families in each region you want, spot apart.",
        "Register an application with a client secret as Contributor of the subscription or one group, or `az login`.",
        "Set `AZURE_SUBSCRIPTION_ID` (an application: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`).",
        "Set `ssh_from` to the server's public address, which alone may log in, and `resource_group` to keep to one.",
        "Compare with `tradewind offers --provider azure`: its price list is open and needs no account.",
    ),
    api_docs="https://learn.microsoft.com/en-us/rest/api/compute/virtual-machines",
    estimated_time="30 min, and up to days for the quota",
    pros=(
        "Its price list is open: nobody has to log in to read it.",
        "Spot machines at 0.18 to 0.26 of the on-demand price in the catalogue of May 2026.",
        "InfiniBand between the ND machines, for training on many of them.",
        "Creating by name is harmless to repeat, and an eviction can be rehearsed.",
    ),
    cons=(
        "Data that leaves it costs $0.087 per GB.",
        "A machine that is merely shut down goes on costing money until it is deallocated.",
        "Slow to start: 5.8 minutes on average, 11 for two machines.",
        "Addresses and disks stay behind, and are billed, unless they are deleted with the machine.",
    ),
    credentials=(
        CredentialField(
            name="tenant_id",
            title="Tenant",
            environment="AZURE_TENANT_ID",
            is_secret=False,
            is_required=False,
        ),
        CredentialField(
            name="client_id",
            title="Application",
            environment="AZURE_CLIENT_ID",
            is_secret=False,
            is_required=False,
        ),
        CredentialField(
            name="client_secret",
            title="Client secret",
            environment="AZURE_CLIENT_SECRET",
            is_required=False,
            hint="Without one your own login on the server is used.",
        ),
        CredentialField(
            name="subscription_id", title="Subscription", environment="AZURE_SUBSCRIPTION_ID", is_secret=False
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    can_run=True,
    settings=(
        SettingField(
            name="ssh_from",
            title="Who may log in to machines: this server's address as Azure sees it, or networks",
            is_list=True,
        ),
        SettingField(name="regions", title="Only these regions", is_list=True),
        SettingField(name="resource_group", title="A resource group that is there already"),
        SettingField(name="image", title="Image, instead of the usual one"),
        SettingField(name="disk_gb", title="Size of the disk", pattern=r"[1-9][0-9]{0,5}"),
        SettingField(name="disk_type", title="Kind of the disk"),
        SettingField(
            name="proximity_placement_group",
            title="Id of a proximity placement group that is there already, for all machines",
        ),
        SettingField(name="login_url", title="Where tokens are had, instead of Microsoft's own address"),
    ),
    limits=(
        "The minimal role is from the list of calls we make; it has not been tried against a live subscription.",
        "Billing per second is general knowledge; some machine types are said to be metered per minute.",
        "The 30 seconds' notice of an eviction have not been checked here.",
        "All machines of an installation in a region reach each other, not only those of one job.",
        "A disk and a public address come on top of the price shown, a few cents an hour.",
        "Nothing ends a machine that the server cannot reach any more: switched off from inside it is still billed.",
        "That the standard image, `microsoft-dsvm:ubuntu-hpc:2204`, fits every size with accelerators is believed.",
    ),
    policies=(
        Policy(
            name="role",
            title="Custom role for renting virtual machines in one resource group",
            usage="Put the ids of your subscription and resource group in, `az role definition create "
            "--role-definition FILE`, then assign the role to the application.",
            package="tradewind.providers.azure",
            resource="policy_role.json",
        ),
    ),
)
