"""`tradewind.report(step=100, loss=0.12)`: say how training goes, from inside a job.

It runs in the user's environment: standard library only, CPython 3.8 or newer. The same file travels in the agent's
zipapp for jobs that do not have Tradewind installed.
"""

from __future__ import annotations

import json
import math
import os

_CHANNEL = "TRADEWIND_METRICS"


def report(**values: object) -> None:
    """Record numbers: `step`, `total_steps`, `epoch`, `total_epochs` and `progress` (0..1), or any metric by its name.

    Anything that `float()` takes is a number, a tensor with one element too. Outside a job it does nothing. Raises
    TypeError for a value that is no number; never raises because of a full disk.
    """
    line = json.dumps({name: _number(name, value) for name, value in values.items()}) + "\n"
    path = os.environ.get(_CHANNEL)
    if not path or not values:
        return
    try:
        # One write of a file opened for appending: lines of several processes do not mix.
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
    except OSError:
        return


def _number(name: str, value: object) -> int | float | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, (str, bytes, bool)) or value is None:
        raise TypeError(_complaint(name, value))
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise TypeError(_complaint(name, value)) from error
    # JSON has no NaN and no infinity; the agent understands these words.
    return number if math.isfinite(number) else str(number)


def _complaint(name: str, value: object) -> str:
    return f"tradewind.report: {name} must be a number, not {type(value).__name__}"
