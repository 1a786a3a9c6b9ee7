"""The verbs of the zipapp: `python -I -S agent.pyz VERB --dir DIR`."""

from __future__ import annotations

import json
import os
import sys

from . import PROTOCOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHOWN = ("start", "reap", "serve", "guard", "version")
_INTERNAL = ("watch", "prepare")


def main(arguments: list[str], version: str) -> int:
    """Run one verb and return the process's exit code. Verbs that end at once print one JSON object."""
    verb = arguments[0] if arguments else ""
    try:
        if verb == "version":
            answer: dict[str, Any] = {"version": version, "protocols": list(PROTOCOLS)}
        elif verb in _SHOWN or verb in _INTERNAL:
            return _run(verb, _directory(arguments[1:], is_made=verb == "serve"), version)
        else:
            raise ValueError("unknown verb {!r}; there are {}".format(verb, ", ".join(_SHOWN)))
    except Exception as error:
        answer = {"error": str(error) or repr(error)}
    return _print(answer)


def _run(verb: str, directory: str, version: str) -> int:
    program = [sys.executable, "-I", "-S", os.path.abspath(sys.argv[0])]
    if verb == "watch":
        from .watch import watch

        return watch(directory, version)
    if verb == "prepare":
        from .prepare import prepare

        return prepare(directory)
    if verb == "serve":
        from .serve.serving import serve

        return serve(directory, program, version)
    if verb == "guard":
        from .guard import guard

        return guard(directory)
    if verb == "start":
        from .start import start

        return _print(start(directory, program))
    from .reap import reap

    return _print(reap(directory))


def _directory(arguments: list[str], *, is_made: bool) -> str:
    if len(arguments) != 2 or arguments[0] != "--dir":
        raise ValueError("expected: --dir DIRECTORY")
    directory = os.path.abspath(os.path.expanduser(arguments[1]))
    if not is_made and not os.path.isdir(directory):
        raise ValueError("{} is not a directory".format(directory))
    return directory


def _print(answer: dict[str, Any]) -> int:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    return 1 if "error" in answer else 0
