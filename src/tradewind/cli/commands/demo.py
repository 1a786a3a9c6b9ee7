"""A real training in a minute, and what survives when the server does not."""

from __future__ import annotations

import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tradewind.cli.application import Application, show_path
from tradewind.cli.job_files import read_job_file
from tradewind.cli.options import command, yes_option
from tradewind.domain.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from tradewind.client.follow import WatchItem


#: Enough to see that it trains, and early enough that it still does.
_LINES_BEFORE_RESTART: Final = 3


@command("demo")
@click.option("--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep the example here.")
@click.option(
    "--show-restart", is_flag=True, help="Stop and start the server in the middle; nothing is lost."
)
@yes_option
def demo(app: Application, to: Path | None, show_restart: bool, yes: bool) -> int:
    """Train a small model on this machine, to see how it works."""
    from tradewind.cli.commands.run import show_until_end, submit_job

    if show_restart and app.settings.server is not None:
        raise InvalidInputError(
            "--show-restart stops the server, and the one that is configured is not of this machine",
            hint="leave out --show-restart, or unset TRADEWIND_SERVER",
        )
    folder = _copy_example(to)
    job = read_job_file(app, _find_job_file(folder))
    app.say(f"The example is in {show_path(folder)}: a job file and a training script, nothing else.")
    view = submit_job(app, job, yes=yes)
    restart = _Restart(app) if show_restart else None
    exit_code = show_until_end(app, view.id, on_item=restart.see if restart else None)
    if restart is not None:
        restart.report()
    app.hint(f"`tradewind jobs show {view.id}`, `tradewind jobs metrics {view.id}`, `tradewind open`")
    return exit_code


class _Restart:
    """Stops and starts the server once the job prints, and checks that no byte of output is missing."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._has_happened = False
        self._has_returned = False
        self._ends: dict[tuple[int, str], int] = {}
        self._gaps = 0
        self._lines = 0
        self._bytes = 0

    def see(self, item: WatchItem) -> bool:
        """Looks at each item before it is shown; not to be shown is the loss of contact that this caused itself."""
        from tradewind.client.follow import ContactLost, ContactRegained
        from tradewind.domain.schemas_records import LogChunk

        if isinstance(item, ContactLost | ContactRegained) and self._has_happened and not self._has_returned:
            self._has_returned = isinstance(item, ContactRegained)
            return False
        if not isinstance(item, LogChunk):
            return True
        key = (item.attempt, item.stream)
        self._gaps += item.offset != self._ends.get(key, 0)
        self._ends[key] = item.end
        self._bytes += item.end - item.offset
        if item.stream == "stdout":
            self._lines += item.text.count("\n")
        if not self._has_happened and self._lines >= _LINES_BEFORE_RESTART:
            self._has_happened = True
            local = self._app.local_server()
            stopped = local.stop()
            pid = f" (pid {stopped.pid})" if stopped else ""
            self._app.say(f"\n-- demo: stopped the server{pid}; the training goes on without it --")
            running, _ = local.start()
            self._app.say(f"-- demo: started it again (pid {running.pid}); it finds the training --\n")
        return True

    def report(self) -> None:
        """Says what was found."""
        if not self._has_happened:
            self._app.say("the job printed nothing, so the server was not restarted")
            return
        if self._gaps:
            raise ConflictError(f"the output has {self._gaps} gaps after the restart: please report this")
        self._app.say(
            f"The server was stopped and started in between: all {self._bytes:,} bytes of output, without a gap."
        )


def _copy_example(to: Path | None) -> Path:
    source = resources.files("tradewind") / "examples" / "digits"
    if not source.is_dir():
        raise NotFoundError(
            "this installation has no examples",
            hint="install Tradewind from a release, or clone its repository",
        )
    if to is not None and to.exists() and any(to.iterdir()):
        raise ConflictError(f"{to} is not empty", hint="name another folder with --to")
    # Not deleted afterwards: the example is there to be read and changed.
    folder = to or Path(tempfile.mkdtemp(prefix="tradewind-demo-"))
    with resources.as_file(source) as files:
        shutil.copytree(files, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _find_job_file(folder: Path) -> Path:
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if len(found) != 1:
        raise NotFoundError(f"the example in {folder} should have one job file and has {len(found)}")
    return found[0]
