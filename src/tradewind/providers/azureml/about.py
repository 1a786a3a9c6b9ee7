"""What Azure Machine Learning says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="azureml",
    cloud_id="azureml",
    provider_type="azure-ml",
    title="Azure Machine Learning",
    kind="jobs",
    aliases=("azure-machine-learning", "aml"),
    setup_steps=(
        "Create an Azure subscription and a Machine Learning workspace in the region you want.",
        "Ask for the dedicated and the low-priority GPU quota of the workspace.",
        "Create a compute cluster that shrinks to no machines, or allow serverless jobs.",
        "Register an application with a client secret and the AzureML Data Scientist role on the workspace.",
        "Set `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` and `AZURE_SUBSCRIPTION_ID` for the server.",
    ),
    api_docs="https://learn.microsoft.com/en-us/rest/api/azureml/",
    estimated_time="45 min, and up to days for the quota",
    pros=(
        "The job's id is ours, so that a repeated create is harmless.",
        "A time limit is part of every job, and Azure enforces it.",
        "Serverless jobs leave no machines behind; spot is one setting.",
        "Distributed PyTorch over several machines is part of a job's description.",
    ),
    cons=(
        "The quota is apart from that of plain virtual machines.",
        "A cluster with a minimum above zero costs money while it idles.",
        "Data that leaves it costs as much as from any Azure machine.",
    ),
    credentials=(
        CredentialField(name="tenant_id", title="Tenant", environment="AZURE_TENANT_ID", is_secret=False),
        CredentialField(
            name="client_id", title="Application", environment="AZURE_CLIENT_ID", is_secret=False
        ),
        CredentialField(name="client_secret", title="Client secret", environment="AZURE_CLIENT_SECRET"),
        CredentialField(
            name="subscription_id", title="Subscription", environment="AZURE_SUBSCRIPTION_ID", is_secret=False
        ),
    ),
    has_spot=True,
    has_multi_node=True,
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=(
        "Where a running job's logs are to be read has not been checked.",
        "Prices are those of the virtual machines; a surcharge of the service is not known.",
    ),
)
