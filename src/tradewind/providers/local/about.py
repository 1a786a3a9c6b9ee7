"""What the machine at hand says of itself."""

from __future__ import annotations

from tradewind.domain.offers import SelfTermination
from tradewind.providers.about import About

ABOUT = About(
    id="local",
    cloud_id="local",
    provider_type="local",
    title="This machine",
    kind="owned",
    aliases=("localhost", "this-machine", "on-prem"),
    setup_steps=(
        "Install the driver of your accelerators, so that `nvidia-smi` or `rocm-smi` shows them.",
        "Install Tradewind and run `tradewind doctor`: it says what was found and what is missing.",
        "Set `country`, or `electricity_price_usd_per_kwh`, under `[local]` in the settings; else an average is used.",
        "Write a job file; `tradewind plan FILE` shows what it would cost here.",
        "Start it with `tradewind run FILE`.",
    ),
    api_docs="/docs",
    estimated_time="2 min",
    pros=(
        "No rent: only electricity is paid for.",
        "Nothing to wait for when it is idle, and no machine to start.",
        "Data and environments are there already; nothing leaves the machine.",
        "Nobody takes it back in the middle of a run.",
    ),
    cons=(
        "Limited to the accelerators that are built in.",
        "Purchase and wear are not part of the price that is shown.",
        "Power cuts, heat and other users are yours to deal with.",
    ),
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    can_run=True,
    limits=("Power is modelled from processor threads, memory and rated watts unless a meter can be read.",),
)
