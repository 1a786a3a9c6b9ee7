"""Tradewind runs a training job wherever it is the best deal."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.client import Client, Job
    from tradewind.reporting import report

__version__ = "0.1.0"
__all__ = ["Client", "Job", "__version__", "report"]

#: Public names and the modules they live in; imported on first use, so that `import tradewind` costs nothing.
_LAZY = {"Client": "tradewind.client", "Job": "tradewind.client", "report": "tradewind.reporting"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
