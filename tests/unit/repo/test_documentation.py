"""The documentation is complete, current, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind.cli.errors import _BUG_CODE
from tradewind.domain import errors
from tradewind.domain.causes import CAUSES, Allowance
from tradewind.domain.status import Reason
from tradewind.server.settings import _LOCAL_KEYS

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").glob("*.md"))
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    path = ROOT / page
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    wrong = [
        link
        for link in _LINK.findall(text)
        if not link.startswith(("http:", "https:", "#"))
        and not (path.parent / link.partition("#")[0]).exists()
    ]
    assert wrong == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")}
    assert {name for name in pages if f": {name}" not in navigation} == set()


def test_every_decision_is_in_the_list() -> None:
    listed = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    decisions = {path.name for path in (DOCS / "decisions").glob("0*.md")}
    assert decisions
    assert {name for name in decisions if f"({name})" not in listed} == set()


def test_every_error_code_is_explained() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    expected = {_BUG_CODE} | {f"{kind.code}" for kind in kinds if issubclass(kind, errors.TradewindError)}
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (TW-E\d+) \|", text, re.MULTILINE)) == expected


def test_error_codes_have_their_own_statuses() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (TW-E\d+) \|.*\| (\d+|-) \| (\d+) \|[^|]*\|$", text, re.MULTILINE)
    shown = {code: (http, status) for code, http, status in rows}
    for code, kind in errors.BY_CODE.items():
        assert shown[code] == (str(kind.http_status), str(kind.exit_code)), code


def test_every_reason_is_explained_with_its_retries() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_]+)` \|.*\| ([^|]+) \|$", text, re.MULTILINE))
    assert set(rows) == {reason.value for reason in Reason}
    fates = {allowance: f"by `retry.{allowance}`" for allowance in Allowance} | {Allowance.NEVER: "never"}
    for reason, cause in CAUSES.items():
        if cause.counts_against is Allowance.UNCOUNTED:
            assert rows[reason].endswith("and not counted")
        else:
            assert rows[reason] == fates[cause.counts_against], reason


def test_every_setting_is_explained() -> None:
    text = (DOCS / "money.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(\w+) = ", text[text.index("[local]") :], re.MULTILINE))
    assert shown == set(_LOCAL_KEYS)


@pytest.mark.parametrize("script", ["write_api_docs.py", "write_openapi.py", "write_state_docs.py"])
def test_what_is_made_from_the_code_is_current(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / script, "--check"], check=False)
    assert done.returncode == 0, "the documentation is out of date: run `make docs-cli`"
