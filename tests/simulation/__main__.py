"""Plays many seeds of the simulated control plane: `python -m tests.simulation --seeds 500 [--first S] [--workers 2]`.

With `--seed S` it plays that one and tells its story. Exit status 1 when an invariant was broken.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.simulation.mutations import MUTATIONS
from tests.simulation.quiet import be_quiet
from tests.simulation.scenario import run_seed


def play_one(seed: int, mutation: str | None = None) -> tuple[int, str | None, int]:
    """The seed, what was broken if anything, and how many commits it took."""
    be_quiet()
    shm = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="tradewind-sim-", dir=shm if shm.is_dir() else None))
    try:
        fleet = run_seed(seed, root, mutation)
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        return seed, f"{type(error).__name__}: {error}\n{notes}", 0
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return seed, None, fleet.store.commits


def main() -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=None)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--until-broken", action="store_true", help="stop at the first seed that is broken")
    parser.add_argument("--mutation", choices=sorted(MUTATIONS), default=None)
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order in which sets are gone through must be that of the seed as well.
        arguments = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, arguments, os.environ | {"PYTHONHASHSEED": "0"})
    if options.seed is not None:
        _, broken, commits = play_one(options.seed, options.mutation)
        print(broken or f"seed {options.seed}: nothing was broken in {commits:,} commits")
        return 1 if broken else 0
    first = secrets.randbelow(10**9) if options.first is None else options.first
    print(f"{options.seeds:,} seeds from {first} on; one alone: make simulate SEED=N", flush=True)
    started, done, commits, broken_seeds = time.monotonic(), 0, 0, []
    with ProcessPoolExecutor(options.workers) as pool:
        seeds = range(first, first + options.seeds)
        for seed, broken, more in pool.map(partial(play_one, mutation=options.mutation), seeds, chunksize=1):
            done, commits = done + 1, commits + more
            if broken is not None:
                broken_seeds.append(seed)
                print(f"seed {seed}: {broken.splitlines()[0]}", flush=True)
                if options.until_broken:
                    pool.shutdown(wait=False, cancel_futures=True)
                    print(f"broken after {done:,} seeds")
                    return 1
            if done % 100 == 0:
                spent = time.monotonic() - started
                print(
                    f"{done:,} of {options.seeds:,} seeds, {commits:,} commits, {len(broken_seeds)} broken, "
                    f"{spent / done:.2f} s each",
                    flush=True,
                )
    print(f"{done:,} seeds, {commits:,} commits checked, {len(broken_seeds)} broken: {broken_seeds[:20]}")
    return 1 if broken_seeds else 0


if __name__ == "__main__":
    sys.exit(main())
