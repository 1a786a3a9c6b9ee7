"""Writes docs/cli.md from the commands themselves. `--check` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tradewind.cli.lazy import LazyGroup
from tradewind.cli.main import tradewind

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

INTRODUCTION = """\
# Command line

<!-- Written by scripts/write_cli_docs.py (`make docs-cli`): change the commands, not this page. -->

`tradewind`, short `tw`. Start with `tradewind demo`, or `tradewind run FILE`.

- Answers go to standard output, everything else to standard error: plans, progress, hints, errors.
- `-o table|json|jsonl|csv|yaml|name` on every read; JSON has the fields of the HTTP API, lists are lists.
  `-F name,cost.amount.text` picks fields.
- A job is named by its id or by its name; a name means the newest job of that name.
- Ctrl-C while a job is shown leaves it running.
- Without a server configured, the one on this machine is meant; it is started when it is needed.

## Settings

A flag goes before the environment, that before `./tradewind.toml`, that before the user's `config.toml`.

| flag | environment | key | meaning |
| --- | --- | --- | --- |
| `--server` | `TRADEWIND_SERVER` | `server` | address of the server; default: the local one |
| `--token-file` | `TRADEWIND_TOKEN` (itself) | `token_file` | the token has no flag: others could see it |
| `--project` | `TRADEWIND_PROJECT` | `project` | project of new jobs; only the flag overrides the job file |
| `-o` | `TRADEWIND_OUTPUT` | `output` | form of answers |
| `--color` | `NO_COLOR`, `FORCE_COLOR` | | colours |
| | `TRADEWIND_NO_PROGRESS` | | no line that redraws itself |
| | `TRADEWIND_WORKDIR_LIMIT` | | most content of a workdir (500MB) |
| | `TRADEWIND_STATE_DIR`, `TRADEWIND_CONFIG_DIR` | | where the local server keeps its state; where `config.toml` is |
| | `TRADEWIND_SECRET_KEY_FILE` | | what the local server seals secrets with; else `secret.key` beside `config.toml` |

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done; also: detached from a job that goes on |
| 1 | it failed |
| 2 | the command or the job file is wrong |
| 3 | not signed in, or not allowed |
| 4 | there is no such thing |
| 5 | the present state, a policy or a budget forbids it |
| 6 | no place can run it |
| 7 | it took too long |
| 8 | the server does not answer |
| 70 | a fault in Tradewind; the error names the report to send |
| 100, 101, 103 | the job failed, has not ended, was cancelled (`run`, `jobs wait`) |
| 130 | interrupted, or answered no |
"""


def write_page() -> str:
    """The whole page."""
    assert isinstance(tradewind, LazyGroup)
    parts = [INTRODUCTION, *_describe(tradewind, "tradewind", None, 2)]
    return "\n".join(parts)


def _describe(command: click.Command, path: str, parent: click.Context | None, level: int) -> Iterator[str]:
    # Lines of one length, whatever terminal this runs in.
    context = click.Context(
        command,
        info_name=path.rsplit(" ", 1)[-1],
        parent=parent,
        max_content_width=100,
        terminal_width=100,
        help_option_names=["-h", "--help"],
    )
    yield f"{'#' * level} {path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, LazyGroup):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _describe(child, f"{path} {name}", context, min(level + 1, 4))


def main() -> int:
    """Writes the page, or with `--check` returns 1 if it is not current."""
    page = write_page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page else 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
