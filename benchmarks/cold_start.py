"""Cold start of the command line: processor seconds and wall clock of `--help` and `ls`, against an empty Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

from benchmarks.figures import Figure, Peer
from benchmarks.processes import Run, run_command
from benchmarks.script import run_script
from benchmarks.serving import environment_for, serve, state_folder
from benchmarks.sizes import Size

DESCRIPTION: Final = "Cold start of the command line"
_EMPTY: Final = (sys.executable, "-c", "pass")
_PROGRAM: Final = (
    sys.executable,
    "-c",
    "import sys; from tradewind.cli.main import main; sys.exit(main(sys.argv[1:]))",
)
_GOAL_HELP_MS: Final = 150.0
#: Libraries that help must not load: the web framework, the database layer, the HTTP client, what validates models.
_HEAVY: Final = frozenset(
    {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "httpx2", "pydantic", "rich", "psutil"}
)


def measure(size: Size) -> list[Figure]:
    """Milliseconds of each command; the runs take turns, so that a busy moment hits all of them."""
    commands = {"python -c pass": _EMPTY, "tradewind --help": (*_PROGRAM, "--help")}
    commands["tradewind ls (warm server)"] = (*_PROGRAM, "ls")
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    with state_folder() as state, serve(state):
        environment = environment_for(state)
        for turn in range(size.runs + 1):
            for name, arguments in commands.items():
                run = run_command(arguments, environment)
                # The first turn reads files that the others find in memory.
                if turn or size.runs == 1:
                    runs[name].append(run)
    figures = []
    for kind in ("CPU", "wall"):
        times = {name: tuple(1000 * _seconds(run, kind) for run in part) for name, part in runs.items()}
        for name in list(commands)[1:]:
            is_goal = kind == "CPU" and name == "tradewind --help"
            figures.append(
                Figure(
                    name=f"{name}, {kind}",
                    unit="ms",
                    values=times[name],
                    better="lower",
                    goal=_GOAL_HELP_MS if is_goal else None,
                    peer=Peer(name="python -c pass", value=statistics.median(times["python -c pass"])),
                )
            )
    return [*figures, _count_heavy_imports()]


def _seconds(run: Run, kind: str) -> float:
    return run.cpu_s if kind == "CPU" else run.wall_s


def _count_heavy_imports() -> Figure:
    code = (
        "import sys; from tradewind.cli.main import main; main(['--help']);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = sorted(_HEAVY & set(done.stderr.split()))
    return Figure(
        name="heavy libraries that --help imports",
        unit="libraries",
        values=(float(len(loaded)),),
        better="lower",
        goal=0.0,
        note=f"of {', '.join(sorted(_HEAVY))}" + (f"; loaded: {', '.join(loaded)}" if loaded else ""),
    )


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
