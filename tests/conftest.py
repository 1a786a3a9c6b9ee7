"""What all tests share. Properties are searched without a clock: how fast the machine is must not decide a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.network_for_tests import Network, why_no_network

settings.register_profile("tradewind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewind")


@pytest.fixture
def network() -> Iterator[Network]:
    """A network that the test is in."""
    if why := why_no_network():
        pytest.skip(why)
    made = Network()
    try:
        with made.entered():
            yield made
    finally:
        made.end()
