"""Tradewind runs a training job wherever it is the best deal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.report import report as report

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Imported when first used: `import tradewind` in a training script must cost nothing."""
    if name == "report":
        from tradewind.report import report

        return report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
