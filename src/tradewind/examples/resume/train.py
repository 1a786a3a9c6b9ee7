"""Survives being interrupted: what a training script does so that its next attempt goes on where this one ended.

Standard library only. It fits a line through noisy points by gradient descent, and fails once on purpose.

- `TRADEWIND_CHECKPOINT_DIR` is where checkpoints go. What appears there, and then stays as it is, is kept.
- `TRADEWIND_CHECKPOINT` is the checkpoint to go on from; it is not set in a first attempt.
- SIGTERM means that there is time for one more checkpoint, and then it is over.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

CHECKPOINT_DIR = Path(os.environ.get("TRADEWIND_CHECKPOINT_DIR", "ckpt"))
STEPS_BETWEEN_CHECKPOINTS = 20


def save_checkpoint(state):
    """Writes a checkpoint that is either complete or not there."""
    CHECKPOINT_DIR.mkdir(parents=True, exist_ok=True)
    path = CHECKPOINT_DIR / f"step-{state['step']:06}.json"
    # A name that ends in .tmp is not taken for a checkpoint.
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    print(f"wrote {path.name}")


def load_state():
    """The state of the checkpoint to go on from, or a first one."""
    path = os.environ.get("TRADEWIND_CHECKPOINT")
    if path is None:
        return {"step": 0, "slope": 0.0, "offset": 0.0}
    state = json.loads(Path(path).read_text())
    print(f"resumed from {Path(path).name}")
    return state


def make_points():
    """Points near the line y = 3x + 1, the same in every attempt."""
    chance = random.Random(7)
    xs = [chance.uniform(-1, 1) for _ in range(500)]
    return [(x, 3 * x + 1 + chance.gauss(0, 0.1)) for x in xs]


def descend(state, points, rate=0.1):
    """One step down the slope of the squared error. Returns the error before it."""
    errors = [state["slope"] * x + state["offset"] - y for x, y in points]
    slope = sum(error * x for error, (x, _) in zip(errors, points, strict=True)) / len(points)
    offset = sum(errors) / len(points)
    state["slope"] -= rate * 2 * slope
    state["offset"] -= rate * 2 * offset
    state["step"] += 1
    return sum(error**2 for error in errors) / len(points)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--fail-at", type=int, help="fail at this step, in a first attempt only")
    parser.add_argument("--step-time-s", type=float, default=0.05, help="how long a step takes at least")
    options = parser.parse_args()

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    is_first = "TRADEWIND_CHECKPOINT" not in os.environ
    state = load_state()
    points = make_points()
    while state["step"] < options.steps:
        loss = descend(state, points)
        # Tradewind reads progress and metrics from lines like this one; nothing need be imported.
        print(f"step {state['step']}/{options.steps} loss={loss:.5f}")
        if stop or state["step"] % STEPS_BETWEEN_CHECKPOINTS == 0:
            save_checkpoint(state)
        if stop:
            sys.exit(128 + signal.SIGTERM)
        if is_first and state["step"] == options.fail_at:
            # A checkpoint counts once it has lain still for a moment; a real crash seldom waits for it.
            time.sleep(3)
            sys.exit("failed on purpose: the next attempt goes on from the last checkpoint")
        time.sleep(options.step_time_s)

    Path("out").mkdir(exist_ok=True)
    Path("out/result.json").write_text(json.dumps(state) + "\n")
    print(f"y = {state['slope']:.3f} x + {state['offset']:.3f} after {state['step']} steps")


if __name__ == "__main__":
    main()
