"""Places that exist in memory only: test tools. No entry point names them, so no user is ever offered one."""

from tradewind.providers.simulated.cloud import Machine, SimulatedCloud, SimulatedHost
from tradewind.providers.simulated.market import Steps, Stock
from tradewind.providers.simulated.platform import Behaviour, SimulatedPlatform
from tradewind.providers.simulated.process import Process, Work
from tradewind.providers.simulated.profile import Faults, Profile

__all__ = [
    "Behaviour",
    "Faults",
    "Machine",
    "Process",
    "Profile",
    "SimulatedCloud",
    "SimulatedHost",
    "SimulatedPlatform",
    "Steps",
    "Stock",
    "Work",
]
