"""What Modal says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="modal",
    cloud_id="modal",
    provider_type="modal",
    title="Modal",
    kind="jobs",
    aliases=("modal-labs",),
    setup_steps=(
        "Create a Modal account and a workspace with a payment method.",
        "Set a spend limit for the workspace.",
        "Create a token in the settings, or with the vendor's command `modal token new`.",
        "Set `MODAL_TOKEN_ID` and `MODAL_TOKEN_SECRET` where the Tradewind server starts.",
    ),
    api_docs="https://modal.com/docs/reference",
    estimated_time="5 min",
    pros=(
        "Starts within seconds to 2 minutes, without any machine to look after.",
        "Billed per second, with no minimum.",
        "Every container has a time limit, which the vendor enforces.",
        "From T4 to B200, up to eight in one container.",
    ),
    cons=(
        "Containers with a GPU can be taken back in the middle of a run.",
        "Processors and memory are billed beside the GPU.",
        "`H100` may be given as a better card unless it is written `H100!`.",
        "Its interface is private to its own client and changes with each release.",
    ),
    credentials=(
        CredentialField(name="token_id", title="Token id", environment="MODAL_TOKEN_ID", is_secret=False),
        CredentialField(name="token_secret", title="Token secret", environment="MODAL_TOKEN_SECRET"),
    ),
    self_termination=SelfTermination.PROVIDER_TTL,
    limits=(
        "How much time is left after a container is told to stop has not been checked.",
        "The time limit is 300 seconds unless one is set.",
    ),
)
