"""What the tests train: steps that write awkward bytes, metrics and checkpoints, and a second copy of every byte.

    worker.py FOLDER STEPS STEP_S [EXIT_CODE]

In FOLDER: `runs` has a line for each time an attempt's command was started; `<attempt>.stdout` and `.stderr` the
very bytes it wrote; `<attempt>.steps` the steps it did. It resumes from TRADEWIND_CHECKPOINT.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time


def append(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, data)
    os.close(fd)


class Twice:
    """Writes to a stream of this process and to a file of its own."""

    def __init__(self, stream: int, path: str) -> None:
        self._stream = stream
        self._copy = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.write(self._stream, rest)
            os.write(self._copy, rest[:written])
            rest = rest[written:]


def main() -> int:
    folder, steps, step_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    exit_code = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    attempt = os.environ["TRADEWIND_ATTEMPT"]
    append(os.path.join(folder, "runs"), attempt.encode() + b"\n")
    private = os.path.join(folder, attempt)
    out, err = Twice(1, private + ".stdout"), Twice(2, private + ".stderr")
    chance = random.Random(attempt)
    first = 0
    resumed_from = os.environ.get("TRADEWIND_CHECKPOINT")
    if resumed_from:
        with open(resumed_from, encoding="utf-8") as file:
            first = json.load(file)["step"]
        out.write(f"resumed from step {first}\n".encode())
    for step in range(first + 1, steps + 1):
        ending = chance.choice([b"\n", b"\n", b"\r\n", b"\r", b""])
        out.write(f"step {step} ü€𝄞 ".encode() + chance.randbytes(20) + ending)
        if step % 3 == 0:
            err.write(b"warning at step %d \xff\xfe\n" % step)
        append(private + ".steps", b"%d\n" % step)
        append(os.environ["TRADEWIND_METRICS"], json.dumps({"step": step, "loss": 1 / step}).encode() + b"\n")
        checkpoints = os.environ.get("TRADEWIND_CHECKPOINT_DIR")
        if checkpoints:
            path = os.path.join(checkpoints, f"step-{step:06d}.json")
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump({"step": step}, file)
            os.replace(path + ".new", path)
        time.sleep(step_s)
    out.write(b"the end, without a newline")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
