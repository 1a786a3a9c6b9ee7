"""Keeps a stage running for people to look at, and takes orders on standard input."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.web.stage import Stage

_ORDERS = """orders:
  advance SECONDS     time moves on (a minute without a number)
  run                 time moves on by itself, a second every second, until a line is typed
  interrupt JOB       the cloud takes the job's machine back
  restart             the server is killed and begins again
  link                another sign-in link
  quit"""


def main() -> None:
    """`python -m tests.web.stage`."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.stage")
    parser.add_argument("--scene", default="rich")
    parser.add_argument("--port", type=int, default=8123)
    options = parser.parse_args()

    from tests.web.stage import Stage

    folder = Path(tempfile.mkdtemp(prefix="tradewind-stage-"))
    try:
        began = time.monotonic()
        with Stage.open(folder, scene=options.scene, port=options.port) as stage:
            print(
                f"scene {options.scene} in {time.monotonic() - began:.1f} s, {stage.now:%Y-%m-%d %H:%M} UTC"
            )
            print(f"sign in: {stage.sign_in_link()}\n{_ORDERS}", flush=True)
            _take_orders(stage)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_orders(stage: Stage) -> None:
    # Without anybody to give orders (a background process) it stays until it is ended.
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "quit":
                return
            _obey(stage, word, rest.strip())
        except (AssertionError, KeyError, ValueError) as error:
            print(f"{type(error).__name__}: {error}", flush=True)
    while True:
        time.sleep(3600)


def _obey(stage: Stage, word: str, rest: str) -> None:
    if word == "advance":
        stage.advance(float(rest or 60))
    elif word == "interrupt":
        stage.interrupt(rest)
    elif word == "restart":
        stage.restart()
    elif word == "link":
        print(stage.sign_in_link())
    elif word == "run":
        _run(stage)
    elif word:
        print(_ORDERS)
    print(f"{stage.now:%Y-%m-%d %H:%M:%S} UTC", flush=True)


def _run(stage: Stage) -> None:
    import select

    while not select.select([sys.stdin], [], [], 1.0)[0]:
        stage.advance(1.0)
    sys.stdin.readline()
