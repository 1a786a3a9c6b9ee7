"""The deliberate mistakes, which have to be made before any adapter is imported; and the results of scenarios."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.providers.mutating import mutate

#: A file to which each scenario's result is added as a line of JSON: `scripts/write_provider_docs.py` makes it a table.
RESULTS: Final = "TRADEWIND_TEST_SCENARIOS"

mutate()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    mark, where = item.get_closest_marker("scenario"), os.environ.get(RESULTS)
    world = getattr(getattr(item, "cls", None), "world_type", None)
    if mark is None or where is None or world is None:
        return report
    # A fault at the end of a test, in its fixtures, is its own too: there the contract is held against it.
    if report.when == "call" or report.failed:
        line = {"provider": world.provider_id, "scenario": mark.args[0], "outcome": report.outcome}
        with Path(where).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
