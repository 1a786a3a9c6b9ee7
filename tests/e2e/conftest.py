"""Installations for the end-to-end tests; each fails its test when it leaves a process behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own, whose server has not been started."""
    installation = Installation(tmp_path / "tradewind")
    try:
        yield installation
    finally:
        installation.close()


@pytest.fixture
def installation(cold: Installation) -> Installation:
    """An installation of the test's own, running: for tests that kill or configure it."""
    cold.start()
    return cold


def _one_for_the_module(factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(factory.mktemp("shared") / "tradewind")
    try:
        installation.start()
        yield installation
    finally:
        installation.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One running installation for the tests of a module that leave it as they found it."""
    yield from _one_for_the_module(tmp_path_factory)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One running installation for the tests of a module that run jobs under names of their own."""
    yield from _one_for_the_module(tmp_path_factory)
