"""Writes the tables of states into docs/architecture.md; `--check` only says whether they are current."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from tradewind.domain.status import ATTEMPT_MOVES, JOB_MOVES, NODE_MOVES, TASK_MOVES

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "architecture.md"
_BEGIN: Final = "<!-- states -->\n"
_END: Final = "<!-- /states -->"


def render_table(name: str, moves: Mapping[StrEnum, frozenset[StrEnum]]) -> str:
    """One table: from each state, in the order of their declaration, to which it can go."""
    rows = [f"\n### {name}\n", "| from | to |", "| --- | --- |"]
    for state, wanted in moves.items():
        targets = ", ".join(f"`{other}`" for other in moves if other in wanted)
        rows.append(f"| `{state}` | {targets or 'ends here'} |")
    return "\n".join(rows) + "\n"


def render_page(text: str) -> str:
    """The page with its tables made anew."""
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} lacks the marks {_BEGIN.strip()} and {_END}")
    tables = (
        render_table("Job", JOB_MOVES)
        + render_table("Task", TASK_MOVES)
        + render_table("Attempt", ATTEMPT_MOVES)
        + render_table("Rented node", NODE_MOVES)
    )
    return f"{before}{_BEGIN}{tables}\n{_END}{after}"


def main() -> int:
    """Writes the tables, or with `--check` compares them."""
    text = PAGE.read_text(encoding="utf-8")
    page = render_page(text)
    if "--check" in sys.argv[1:]:
        if text == page:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is out of date: run `make docs-cli`", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
