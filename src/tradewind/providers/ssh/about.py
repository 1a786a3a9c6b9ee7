"""What machines reached over SSH say of themselves."""

from __future__ import annotations

from tradewind.providers.about import About, CredentialField

ABOUT = About(
    id="ssh",
    cloud_id="ssh",
    provider_type="ssh",
    title="Your machines over SSH",
    kind="owned",
    aliases=("ssh-hosts", "remote"),
    setup_steps=(
        "Make sure that you can log in to each machine with a key, without a password.",
        "Note each machine's host key: it is pinned and never accepted blindly.",
        "Load your private key into an SSH agent, or know the path of its file.",
        "Write down what an hour on each machine costs you, in a price file.",
        "Import it with `tradewind prices import FILE`; the machines then appear in comparisons.",
    ),
    api_docs="https://www.openssh.com/manual.html",
    estimated_time="10 min per machine",
    pros=(
        "Uses machines that you have or rent elsewhere already.",
        "No rent beyond what you pay for them anyway.",
        "No cloud account and no vendor's limits.",
    ),
    cons=(
        "Every machine must be kept up to date, and reachable, by you.",
        "Nothing switches a machine off when contact is lost.",
        "Several people on one machine have to agree on who uses which accelerator.",
    ),
    credentials=(
        CredentialField(
            name="agent",
            title="SSH agent",
            environment="SSH_AUTH_SOCK",
            is_secret=False,
            is_path=True,
            is_required=False,
            hint="The socket of a running agent; a key file does as well.",
        ),
    ),
    limits=("There is no list of prices for machines of your own: rates come from your price file.",),
)
