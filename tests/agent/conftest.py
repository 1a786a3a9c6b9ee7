"""Attempts as real processes, with nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.attempts import Attempt
from tradewind.providers.bundle import build_bundle

_OLDEST_PYTHON = "3.8"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's zipapp."""
    return build_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def make_attempt(tmp_path: Path, bundle: Path) -> Iterator[Callable[..., Attempt]]:
    """Makes attempts that are ended with the test."""
    made: list[Attempt] = []

    def make(name: str = "one", directory: Path | None = None, python: str = sys.executable) -> Attempt:
        attempt = Attempt(directory or tmp_path / name, bundle, python)
        made.append(attempt)
        return attempt

    yield make
    for attempt in made:
        attempt.end()
        attempt.assert_nothing_left()


@pytest.fixture
def attempt(make_attempt: Callable[..., Attempt]) -> Attempt:
    """One attempt, not started."""
    return make_attempt()


@pytest.fixture(scope="session")
def oldest_python() -> str:
    """The oldest Python that the agent promises to run on; skips where there is none."""
    candidates = [shutil.which(f"python{_OLDEST_PYTHON}")]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path / "bin" / "python") for path in sorted(versions.glob(f"{_OLDEST_PYTHON}.*"))]
    for candidate in candidates:
        # A pyenv shim exists for versions that are not selected, and then fails.
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    pytest.skip(f"there is no Python {_OLDEST_PYTHON} here")
