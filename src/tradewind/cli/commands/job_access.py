"""`tradewind ssh`, `tradewind cp`, `tradewind forward`: a running job's shell, files and ports."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, job_argument
from tradewind.cli.reaching import own_key, reached
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_access import AccessView

_rank_option = click.option(
    "--rank",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Which node, where it runs on several.",
)


@command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@job_argument
@_rank_option
@click.argument("what", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND...]")
def ssh(app: Application, job: str, rank: int, what: tuple[str, ...]) -> None:
    """Open a shell where a job runs, or run a command there.

    It begins in the job's working directory. `--rank` may also stand right behind JOB.
    """
    rank, what = _rank_behind_job(rank, what)
    access, key = _access(app, job, rank)
    if access.how == "here":
        program = list(what) or [os.environ.get("SHELL") or "/bin/sh"]
        _run(program, cwd=access.directory)
    with reached(access, key) as way:
        _run(way.shell(what))


@command("cp")
@_rank_option
@click.argument("source")
@click.argument("target")
def cp(app: Application, rank: int, source: str, target: str) -> None:
    """Copy files to or from a running job.

    One side is JOB:PATH, below the job's working directory: `tradewind cp digits:out/model.pt .`
    """
    jobs = [each for each in (_job_of(source), _job_of(target)) if each is not None]
    if len(jobs) != 1:
        raise InvalidInputError(
            "one of the two must be JOB:PATH, and the other a path here",
            hint="a path here that has a colon begins with ./",
        )
    access, key = _access(app, jobs[0], rank)
    ends = [f":{each.partition(':')[2]}" if _job_of(each) else each for each in (source, target)]
    if access.how == "here":
        here = [str(Path(access.directory) / each[1:]) if each.startswith(":") else each for each in ends]
        _run(["cp", "-R", "-p", "--", *here])
    with reached(access, key) as way:
        _run(way.copy(*ends))


@command("forward")
@job_argument
@_rank_option
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]PORT...")
def forward(app: Application, job: str, rank: int, ports: tuple[str, ...]) -> None:
    """Make ports of a job's machine appear here.

    For notebooks and TensorBoard; Ctrl-C ends it. Only this machine can use them: they listen on 127.0.0.1, here and
    there.
    """
    pairs = [_pair(each) for each in ports]
    access, key = _access(app, job, rank)
    if access.how == "here":
        raise InvalidInputError(
            f"{job} runs on this machine: its ports are here already",
            hint=f"http://127.0.0.1:{pairs[0][1]}",
        )
    for local, remote in pairs:
        app.say(f"http://127.0.0.1:{local} is port {remote} of {access.place}; Ctrl-C ends it")
    options = [word for local, remote in pairs for word in ("-L", f"127.0.0.1:{local}:127.0.0.1:{remote}")]
    with reached(access, key) as way:
        _run(way.ssh("-N", "-o", "ExitOnForwardFailure=yes", *options, way.target))


def _access(app: Application, job: str, rank: int) -> tuple[AccessView, Path]:
    key, public = own_key()
    return app.client.access(job, public, rank), key


def _rank_behind_job(rank: int, what: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Everything behind the job is the command's, but `--rank N` at its beginning is ours."""
    if what[:1] != ("--rank",):
        return rank, what
    if len(what) < 2 or not what[1].isdecimal():
        raise InvalidInputError("--rank needs a number", hint="for example `tradewind ssh digits --rank 1`")
    return int(what[1]), what[2:]


def _run(arguments: list[str], cwd: str | None = None) -> None:
    """Runs a program in the foreground, and ends as it ends."""
    try:
        done = subprocess.run(arguments, cwd=cwd, check=False)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None
    raise click.exceptions.Exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


def _job_of(text: str) -> str | None:
    """The job in `JOB:PATH`; None for a path here."""
    name, colon, _ = text.partition(":")
    return name if colon and name and "/" not in name else None


def _pair(text: str) -> tuple[int, int]:
    local, colon, remote = text.partition(":")
    try:
        pair = (int(local), int(remote if colon else local))
    except ValueError:
        pair = (0, 0)
    if not all(0 < port < 65536 for port in pair):
        raise InvalidInputError(f"{text!r} is no [LOCAL:]PORT", hint="for example 6006, or 16006:6006")
    return pair
