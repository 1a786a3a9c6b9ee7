"""Every deliberate mistake in an adapter turns one of its tests red."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.providers.contracts import ROOT
from tests.providers.mutating import Mutation

_FOLDER: Final = Path(__file__).parent
#: All of them take half an hour; the first few of each adapter are looked at every time.
_ALL: Final = bool(os.environ.get("TRADEWIND_ALL_MUTATIONS"))
_USUAL: Final = 3


def all_mutations() -> list[tuple[str, Mutation]]:
    """Every module of contract tests with each of its mutations."""
    found = []
    for path in sorted(_FOLDER.glob("test_*_contract.py")):
        module = importlib.import_module(f"tests.providers.{path.stem}")
        assert len(module.MUTATIONS) >= 3, f"{path.name}: rename a path, a field and an enum at least"
        found += [(path.stem, each) for each in module.MUTATIONS[: None if _ALL else _USUAL]]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stem", "mutation"), all_mutations(), ids=lambda each: str(getattr(each, "new", each))
)
def test_a_mistake_is_noticed(stem: str, mutation: Mutation) -> None:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        # To be killed at every call takes long, and notices nothing of this kind that the others do not.
        [*command, "-k", "not killed and not twenty", str(_FOLDER / f"{stem}.py")],
        cwd=ROOT,
        env={**os.environ, **mutation.environment()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    # 1: tests ran and failed. Anything else is no answer, a mistake that cannot be made among it.
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
