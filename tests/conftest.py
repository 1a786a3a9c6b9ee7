"""Properties are searched without a clock: how fast the machine is must not decide a test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("tradewind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewind")
