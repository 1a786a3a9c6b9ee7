"""Stands in for Tradewind in a job's environment that does not have it: only `tradewind.report` works.

An installed Tradewind further down `sys.path` is used instead of this.
"""

from __future__ import annotations

import importlib
import os
import sys
import types


def _installed() -> types.ModuleType | None:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    own, path = sys.modules.pop(__name__), sys.path[:]
    sys.path[:] = [entry for entry in path if os.path.abspath(entry or ".") != here]
    try:
        return importlib.import_module(__name__)
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
        sys.modules[__name__] = own
        return None
    finally:
        sys.path[:] = path


if _installed() is None:
    from tradewind.reporting import report

    __all__ = ["report"]
