"""Accessibility: axe-core on the page as it stands."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_BAD = frozenset({"serious", "critical"})


@cache
def _source() -> str:
    if not _AXE.exists():
        pytest.skip("axe-core is not there: `npm ci` in web/ brings it")
    return _AXE.read_text(encoding="utf-8")


def violations(page: Page, within: str | None = None) -> list[dict[str, Any]]:
    """Everything that axe finds, on the whole page or below one element."""
    # By the protocol and not as a script element: the content security policy forbids those.
    page.evaluate(f"() => {{ {_source()} }}")
    found: dict[str, Any] = page.evaluate(
        "(within) => axe.run(within ?? document, {resultTypes: ['violations']})", within
    )
    result: list[dict[str, Any]] = found["violations"]
    return result


def assert_accessible(page: Page, within: str | None = None) -> None:
    """Fails if axe finds anything serious or critical."""
    bad = [each for each in violations(page, within) if each["impact"] in _BAD]
    told = [
        f"{each['impact']}: {each['id']}: {each['help']}\n"
        + "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in each["nodes"][:5])
        for each in bad
    ]
    assert not bad, "axe has found:\n" + "\n".join(told)
