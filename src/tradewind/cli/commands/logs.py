"""What a job printed."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Final

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, job_argument
from tradewind.cli.wording import parse_since
from tradewind.domain.errors import InvalidInputError

_STREAMS: Final = ("setup", "stdout", "stderr")


@command("logs")
@job_argument
@click.option(
    "-f", "--follow", is_flag=True, help="Go on until the job has ended. Ctrl-C stops the showing only."
)
@click.option("--stream", type=click.Choice(_STREAMS), help="Only this one. Default: all, as they came.")
@click.option("--attempt", type=click.IntRange(1), help="Only of this attempt. Default: all.")
@click.option(
    "--rank",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of which node, where it runs on several.",
)
@click.option("-n", "--tail", "tail_lines", type=click.IntRange(0), help="Only the last lines.")
@click.option("--since", metavar="TIME", help="Only what came since: 2m, 1h, or a time.")
@click.option(
    "--raw", is_flag=True, help="The exact bytes of one stream (stdout unless --stream names another)."
)
@click.option("--timestamps", is_flag=True, help="Put the time before each line.")
def logs(
    app: Application,
    job: str,
    follow: bool,
    stream: str | None,
    attempt: int | None,
    rank: int,
    tail_lines: int | None,
    since: str | None,
    raw: bool,
    timestamps: bool,
) -> None:
    """Show what a job printed."""
    is_partial = tail_lines is not None or since is not None
    if raw and (follow or timestamps or is_partial):
        raise InvalidInputError("--raw goes with --stream, --attempt and --rank only", hint="leave out --raw")
    # Bytes straight to a file or a pipe: by far the fastest way, and the same result for one stream.
    if raw or (stream and not follow and not timestamps and not is_partial and not sys.stdout.isatty()):
        _copy_bytes(app, job, stream or "stdout", attempt, rank)
        return
    try:
        start = parse_since(since, app.now()) if since else None
    except ValueError as error:
        raise InvalidInputError(f"--since: {error}") from None
    _show(app, job, follow, stream, attempt, rank, tail_lines, start, timestamps)


def _copy_bytes(app: Application, job: str, stream: str, attempt: int | None, rank: int) -> None:
    numbers = [attempt] if attempt is not None else _find_attempts(app, job, rank)
    sys.stdout.flush()
    output = sys.stdout.buffer
    for number in numbers:
        for piece in app.client.raw_logs(job, stream, attempt=number, rank=rank):
            output.write(piece)
    output.flush()


def _find_attempts(app: Application, job: str, rank: int) -> list[int]:
    detail = app.client.job(job)
    attempts = [attempt for task in detail.tasks for attempt in task.attempts]
    having = sorted({attempt.number for attempt in attempts if rank < attempt.nodes})
    # Asked for what no attempt has, the server says so.
    return having or sorted({attempt.number for attempt in attempts})


def _show(
    app: Application,
    job: str,
    follow: bool,
    stream: str | None,
    attempt: int | None,
    rank: int,
    tail_lines: int | None,
    since: datetime | None,
    timestamps: bool,
) -> None:
    from tradewind.cli.attach import say_detached, show_item
    from tradewind.cli.progress import StatusLine
    from tradewind.client.follow import JobEnded
    from tradewind.domain.schemas_records import LogChunk

    items = app.client.logs(
        job, follow_on=follow, stream=stream, attempt=attempt, tail_lines=tail_lines, since=since, rank=rank
    )
    stamp = _Stamps()
    output = sys.stdout
    is_fast = not output.isatty()
    line = StatusLine(app)
    try:
        for item in items:
            if isinstance(item, JobEnded):
                break
            if isinstance(item, LogChunk):
                if timestamps:
                    item.text = stamp.put_on(item)
                if is_fast and not item.dropped:
                    output.write(item.text)
                    if follow:
                        output.flush()
                    continue
            show_item(app, line, item)
    except KeyboardInterrupt:
        line.end()
        if follow:
            say_detached(app, job)


class _Stamps:
    """Puts a time before each line; a line that comes in pieces gets one."""

    def __init__(self) -> None:
        self._in_line: set[tuple[int, str]] = set()

    def put_on(self, chunk: object) -> str:
        from tradewind.domain.schemas_records import LogChunk

        assert isinstance(chunk, LogChunk)
        if not chunk.text:
            return ""
        at = chunk.at.astimezone().strftime("%H:%M:%S") if chunk.at else "--:--:--"
        key = (chunk.attempt, chunk.stream)
        lines = chunk.text.splitlines(keepends=True)
        stamped = "".join(
            line if index == 0 and key in self._in_line else f"{at} {line}"
            for index, line in enumerate(lines)
        )
        if chunk.text.endswith("\n"):
            self._in_line.discard(key)
        else:
            self._in_line.add(key)
        return stamped
