"""Writes the table of docs/providers/README.md from what the contract suite finds: provider by scenario.

    python scripts/write_provider_docs.py

Runs the scenarios of every provider (some minutes). A scenario without any test, or with one that fails or skips, is no
pass. What a provider has no part in is shown with the reason.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
PAGE = ROOT / "docs" / "providers" / "README.md"
BEGIN, END = "<!-- scenarios: begin -->", "<!-- scenarios: end -->"


def main() -> int:
    """Returns the exit code: 1 where something failed, and the table says so."""
    results = run_scenarios()
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", encoding="utf-8")
    failed = [key for key, outcomes in results.items() if outcomes - {"passed"}]
    print(f"{len(results)} scenarios of providers, {len(failed)} not passed: {failed}")
    return 1 if failed else 0


def run_scenarios() -> dict[tuple[str, int], set[str]]:
    """The outcomes of each provider's tests, by scenario."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "scenarios.jsonl"
        lines.touch()
        tests = [str(each) for each in sorted((ROOT / "tests" / "providers").glob("test_*_contract.py"))]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-n",
                "2",
                "--dist",
                "loadfile",
                *tests,
            ],
            cwd=ROOT,
            env={**os.environ, "TRADEWIND_TEST_SCENARIOS": str(lines)},
            check=False,
        )
        found: dict[tuple[str, int], set[str]] = defaultdict(set)
        for line in lines.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            found[one["provider"], one["scenario"]].add(one["outcome"])
    return found


def worlds() -> dict[str, dict[int, str]]:
    """Every provider that has contract tests, with its gaps."""
    from tests.providers.suite import ProviderContract

    for path in sorted((ROOT / "tests" / "providers").glob("test_*_contract.py")):
        importlib.import_module(f"tests.providers.{path.stem}")
    found = {}
    pending = list(ProviderContract.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if hasattr(kind, "world_type"):
            found[kind.world_type.provider_id] = dict(kind.world_type.gaps)
    return dict(sorted(found.items()))


def table(results: dict[tuple[str, int], set[str]]) -> str:
    """The table in Markdown, with a note for each gap."""
    from tests.providers.suite import SCENARIOS

    known, notes = worlds(), []
    lines = [
        f"| scenario | {' | '.join(known)} |",
        f"| --- | {' | '.join('---' for _ in known)} |",
    ]
    for number, title in SCENARIOS.items():
        cells = []
        for provider, gaps in known.items():
            outcomes = results.get((provider, number), set())
            if number in gaps:
                notes.append(f"{provider}, {number}: {gaps[number]}")
                cells.append(f"none ({len(notes)})")
            else:
                cells.append("passes" if outcomes == {"passed"} else "FAILS" if outcomes else "NOT TESTED")
        lines.append(f"| {number}. {title} | {' | '.join(cells)} |")
    lines += ["", *(f"({place}) {note}.  " for place, note in enumerate(notes, 1))]
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    sys.exit(main())
