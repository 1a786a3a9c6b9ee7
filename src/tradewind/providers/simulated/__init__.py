"""A place that exists in memory only: a test tool. No entry point names it, so no user is ever offered it."""

from tradewind.providers.simulated.platform import Behaviour, SimulatedPlatform

__all__ = ["Behaviour", "SimulatedPlatform"]
