"""The server as in production, on a simulated place: `python -m benchmarks.control_place serve`.

Only here is the simulated place connected: no setting, no entry point and no request reaches it. It runs nothing. An
attempt takes the real time that its command names (`simulate 0.5` is half a second), and its end is announced, as the
local place does.

What the place saw goes to `place.json` in the state folder when the server ends: an account of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.providers.base import AttemptRequest, Handle, Observation, Phase
from tradewind.providers.simulated import SimulatedPlatform
from tradewind.providers.simulated.platform import Behaviour
from tradewind.server import __main__ as server_main
from tradewind.server import wiring

CPUS_VARIABLE: Final = "BENCHMARK_PLACE_CPUS"
COMMAND: Final = "simulate"
ACCOUNT: Final = "place.json"


def behave(request: AttemptRequest) -> Behaviour:
    """As long as its command says, at once from the moment it is accepted."""
    name, seconds = request.run.split()
    if name != COMMAND:
        raise ValueError(f"this place runs nothing but `{COMMAND} SECONDS`, not {request.run!r}")
    return Behaviour(runs_for=timedelta(seconds=float(seconds)), boot=timedelta(0))


class TimedPlace(SimulatedPlatform):
    """The simulated platform in real time. It forgets what is gone, as its memory is not what is measured."""

    def __init__(self, cpus: int) -> None:
        super().__init__(SystemClock(), SystemEntropy(), behave, cpus=cpus, latency_s=0.0)
        self.accepted = 0
        self.ended = 0
        self.repeated = 0
        self._gone: set[int] = set()

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        is_new = key not in self.machines
        handle = await super().submit(request, key)
        self.accepted += is_new
        # Whoever submits what has already run here has started it twice.
        self.repeated += hash(request.job_id) in self._gone
        return handle

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        key = handle.values["key"]
        seen = await super().poll(handle, cursor)
        if seen.phase is Phase.GONE:
            # What is gone may be looked at again, until its end is in the database: it is forgotten a little later.
            asyncio.get_running_loop().call_later(5.0, self._forget, key)
        return seen

    def _forget(self, key: str) -> None:
        machine = self.machines.pop(key, None)
        if machine is not None:
            self.ended += 1
            self._gone.add(hash(machine.request.job_id))

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        machine = self.machines[handle.values["key"]]
        ends = machine.started_at + machine.behaviour.boot + machine.behaviour.runs_for
        left_s = (ends - SystemClock().now()).total_seconds()
        asyncio.get_running_loop().call_later(max(left_s, 0.0) + 0.001, wake)

    def account(self) -> dict[str, int]:
        """What it saw."""
        alive = sum(self.is_alive(machine) for machine in self.machines.values())
        return {"accepted": self.accepted, "repeated": self.repeated, "alive": alive}


def main() -> int:
    """Runs the server on a place with so many processors; the exit status is the server's."""
    places: list[TimedPlace] = []

    def load(_provider_id: str) -> Callable[..., Any]:
        def make(**_options: Any) -> TimedPlace:
            places.append(TimedPlace(int(os.environ[CPUS_VARIABLE])))
            return places[-1]

        return make

    # The one connected place is this machine's in production: here it is the simulated one.
    vars(wiring)["load_provider"] = load
    status = server_main.main()
    account = Path(os.environ["TRADEWIND_STATE_DIR"]) / ACCOUNT
    account.write_text(json.dumps(places[0].account()), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
