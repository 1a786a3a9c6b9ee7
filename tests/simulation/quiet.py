"""Logs of a simulated run would be most of its time: what matters is in its story."""

from __future__ import annotations

import logging

import structlog


def be_quiet() -> None:
    """Drops log lines below critical."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
