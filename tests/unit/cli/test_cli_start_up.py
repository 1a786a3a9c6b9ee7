"""Start-up stays cheap, and the list of commands tells the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tradewind.cli.lazy import LazyGroup
from tradewind.cli.main import tradewind

HEAVY = (
    "pydantic",
    "fastapi",
    "sqlalchemy",
    "httpx2",
    "rich",
    "asyncio",
    "yaml",
    "tradewind.spec",
    "tradewind.client",
)


def loaded_by(*arguments: str) -> set[str]:
    program = (
        "import json, sys\n"
        "from tradewind.cli.main import main\n"
        f"main({list(arguments)!r})\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["jobs", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(*arguments)
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_importing_the_package_imports_nothing() -> None:
    program = "import sys, tradewind; print('tradewind.client' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def walk(group: LazyGroup, path: str) -> Iterator[tuple[str, str, click.Command]]:
    context = click.Context(group)
    for part in group.sections.values():
        for name, lazy in part.items():
            command = group.get_command(context, name)
            assert command is not None
            yield f"{path} {name}", lazy.summary, command
            if isinstance(command, LazyGroup):
                yield from walk(command, f"{path} {name}")


def test_summaries_repeat_the_first_line_of_the_help() -> None:
    assert isinstance(tradewind, LazyGroup)
    found = list(walk(tradewind, "tradewind"))
    assert len(found) > 25
    for path, summary, command in found:
        assert (command.help or "").splitlines()[0] == summary, path
        if path != "tradewind jobs checkpoints":
            # The one command that stands in two groups.
            assert path.rsplit(" ", 1)[1] == command.name, path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, (path, parameter.name)
