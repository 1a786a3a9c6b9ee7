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
        "Make sure that you can log in to each machine with a key, without a password, and that it has Python 3.8.",
        "`tradewind hosts add NAME user@address --key FILE`: it shows the machine's host key and asks whether it is "
        "the right one.",
        "Or `tradewind hosts import ~/.ssh/config`, or a file with `hosts:`.",
        "Say what an hour of a machine costs you with `--price`; without it, its electricity is charged.",
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
        "People who work on a machine besides take accelerators when they like; jobs only keep out of their way.",
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
    can_run=True,
    has_multi_node=True,
    limits=(
        "A job on several machines needs them on one network that they share already; nothing is tunnelled.",
        "Who uses a machine's processors or memory without Tradewind is not seen; who uses its accelerators is.",
    ),
)
