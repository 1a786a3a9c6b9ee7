"""`python -m benchmarks`: every benchmark, one table each."""

from __future__ import annotations

import sys
from typing import Final

from benchmarks import (
    agent_overhead,
    catalog,
    cold_start,
    control,
    first_line,
    idle_server,
    log_throughput,
    packages,
    rivals,
    ssh,
    submissions,
    web,
)
from benchmarks.figures import Figure, render_table
from benchmarks.machine import describe_machine
from benchmarks.script import Measure, end_cleanly, make_parser, size_of, write_json

ALL: Final[dict[str, tuple[str, Measure]]] = {
    module.__name__.rpartition(".")[2]: (module.DESCRIPTION, module.measure)
    for module in (
        cold_start,
        first_line,
        submissions,
        log_throughput,
        agent_overhead,
        idle_server,
        packages,
        catalog,
        control,
        ssh,
        web,
    )
}


def main() -> int:
    """Runs what is named, or everything; rivals only when asked for, as installing them takes minutes."""
    parser = make_parser("Measures Tradewind; nothing is asserted.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(ALL)}")
    parser.add_argument("--rivals", action="store_true", help="also install and measure SkyPilot and dstack")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in ALL]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(ALL)}")
    wanted = [ALL[name] for name in arguments.names or ALL]
    if arguments.rivals:
        wanted.append((rivals.DESCRIPTION, rivals.measure))
    end_cleanly()
    machine = describe_machine()
    print(*(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()), sep="\n")
    sections: dict[str, list[Figure]] = {}
    for title, measure in wanted:
        print(f"\n## {title}\n", flush=True)
        sections[title] = measure(size_of(arguments))
        print(render_table(sections[title]), flush=True)
        if arguments.json is not None:
            write_json(arguments.json, machine, sections)
    return 0


if __name__ == "__main__":
    sys.exit(main())
