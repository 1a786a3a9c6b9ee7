"""Properties are searched without a clock: how fast the machine is must not decide a test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tradewind", deadline=None)
settings.load_profile("tradewind")
