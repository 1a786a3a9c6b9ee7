"""Deliberate mistakes in adapters: each must turn a test red, or the tests would not notice a vendor's change.

A test module lists its adapter's `MUTATIONS`: a renamed path, field, state, error code. `test_mutations.py` runs the
module's tests once for each, in a process of their own, in which the mistake is made as the adapter is imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "TRADEWIND_TEST_MUTATION"


@dataclass(frozen=True, slots=True)
class Mutation:
    """In the source of a module, every `old` is `new`."""

    module: str
    old: str
    new: str

    def environment(self) -> dict[str, str]:
        """What makes a process make this mistake."""
        return {VARIABLE: json.dumps(asdict(self))}


def mutate() -> None:
    """Makes the mistake that the environment asks for, if it does. Raises ValueError where the source has no `old`."""
    asked = os.environ.get(VARIABLE)
    if asked is None:
        return
    mutation = Mutation(**json.loads(asked))
    spec = importlib.util.find_spec(mutation.module)
    if spec is None or spec.origin is None:
        raise ValueError(f"there is no module {mutation.module}")
    source = Path(spec.origin).read_text(encoding="utf-8")
    if mutation.old not in source:
        raise ValueError(f"{mutation.module} has no {mutation.old!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[mutation.module] = module
    exec(compile(source.replace(mutation.old, mutation.new), spec.origin, "exec"), module.__dict__)
