"""The shell around each benchmark: arguments, the table, the JSON file."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, render_table
from benchmarks.machine import describe_machine
from benchmarks.sizes import FULL, TINY, Size

Measure = Callable[[Size], list[Figure]]


def make_parser(description: str) -> argparse.ArgumentParser:
    """The arguments every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every single run to this file")
    parser.add_argument("--tiny", action="store_true", help="only see that it runs; the figures mean nothing")
    return parser


def end_cleanly() -> None:
    """Makes SIGTERM leave through every `finally`: no server and no job of a benchmark outlives it."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))


def size_of(arguments: argparse.Namespace) -> Size:
    """How much to measure."""
    return TINY if arguments.tiny else FULL


def run_script(description: str, measure: Measure, arguments: Sequence[str] | None = None) -> int:
    """Runs one benchmark as a command."""
    parsed = make_parser(description).parse_args(arguments)
    end_cleanly()
    machine = describe_machine()
    figures = measure(size_of(parsed))
    print(render_table(figures))
    if parsed.json is not None:
        write_json(parsed.json, machine, {description: figures})
    return 0


def write_json(path: Path, machine: Mapping[str, Any], sections: Mapping[str, Sequence[Figure]]) -> None:
    """Writes the machine and every single run."""
    record = {
        "machine": dict(machine),
        "sections": {title: [figure.as_record() for figure in part] for title, part in sections.items()},
    }
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
