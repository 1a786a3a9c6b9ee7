"""On what it was measured, in words that name no host."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

from tradewind.hardware.local import cpu_model, usable_cpus, usable_memory_bytes


def describe_machine() -> dict[str, Any]:
    """Processors, memory, Python, the date, and how busy the machine was with other things."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processors": usable_cpus(),
        "processor_model": cpu_model(),
        "memory_gigabytes": round(usable_memory_bytes() / (1 << 30), 1),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_before": [round(value, 2) for value in os.getloadavg()],
    }
