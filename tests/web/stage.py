"""The stage of the browser tests: the real server in a thread of its own, simulated machines, a clock that waits.

    with Stage.open(folder, scene="rich") as stage:
        job = stage.submit(name="digits", run="python train.py")["id"]
        stage.advance(300)                      # five minutes, and all that happens in them
        stage.interrupt(job)                    # its cloud takes the machine back
        stage.restart()                         # the server is killed; the next one has the same state and port

`python -m tests.web.stage --scene rich --port 8123` keeps it running for people to look at.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import structlog

from tests.simulation.clocks import SeededEntropy
from tests.web.clock import START, StageClock, settle
from tests.web.clouds import PROFILES, StageCloud, StagePrices
from tests.web.server import TARIFF, TOKEN, StageServer, World
from tests.web.training import Run
from tests.web.workstation import Box, FarHost, Workstation, machine
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, Rate
from tradewind.providers.base import AttemptRequest, Inventory

T = TypeVar("T")
_PATIENCE_S = 300.0


class Stage:
    """A server to look at. Every method may be called from any thread but the server's own."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        seed: int = 7,
        begin: datetime = START,
        inline_store: bool = True,
    ) -> None:
        # What the server has no answer to is a test's business; the rest would hide it.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        self.folder = folder
        self.clock = StageClock(begin)
        #: What jobs do, by the name of the job; others do the usual.
        self.runs: dict[str, Run] = {}
        #: Names of machines over SSH that do not answer.
        self.away: set[str] = set()
        self.world = self._world(seed)
        self._sock = socket.create_server(("127.0.0.1", port), backlog=256)
        self.url = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self._inline_store = inline_store
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run_loop, name="stage", daemon=True)
        self.server: StageServer
        self.api: httpx2.Client

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, scene: str = "empty", **options: Any) -> Iterator[Stage]:
        """A stage with a scene on it, until the block ends."""
        from tests.web.scenes import SCENES

        stage = cls(folder, begin=SCENES[scene].begin, **options)
        stage.start()
        try:
            SCENES[scene].put_on(stage)
            yield stage
        finally:
            stage.close()

    # -- its life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread and the server."""
        self._thread.start()
        self.api = httpx2.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60.0
        )
        self.call(self._start_server)

    def close(self) -> None:
        """Ends the server and the thread."""
        self.api.close()
        self.call(self._stop_server)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=30)
        self._loop.close()
        self._sock.close()

    def restart(self) -> None:
        """The server is killed, and another one begins on the same state and port."""
        self.stop()
        self.call(self._start_server)

    def stop(self) -> None:
        """The server is killed. Requests wait, unanswered, until `resume`."""
        self.call(self._stop_server)

    def resume(self) -> None:
        """Begins again after `stop`."""
        self.call(self._start_server)

    async def _start_server(self) -> None:
        self.server = StageServer(
            self.world, self.folder / "state", self._sock, inline_store=self._inline_store
        )
        await self.server.start()
        await settle()

    async def _stop_server(self) -> None:
        await self.server.stop()

    # -- time and chance -----------------------------------------------------------------------------------------

    def advance(self, seconds: float, grain_s: float | None = None) -> None:
        """Moves time on, and lets everything happen that is due: first come, first served.

        With a grain time moves in such steps, which is faster; without one, in steps of a second at least.
        """
        grain = min(max(seconds / 600, 1.0), 5.0) if grain_s is None else grain_s
        self.call(lambda: self.clock.advance(seconds, grain))

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.clock.now()

    def interrupt(self, job_id: str) -> str:
        """The cloud takes back the machine that the job is on. Returns the machine's name there."""
        attempt, node = self.call(lambda: self.server.context.store.read(lambda tx: _place_of(tx, job_id)))
        cloud = self.world.clouds[attempt.provider]
        machine_id = str((node.handle or {})["id"])

        async def take() -> None:
            cloud.take_back(cloud.machines[machine_id])

        self.call(take)
        return machine_id

    # -- what people do ------------------------------------------------------------------------------------------

    def submit(self, does: Run | None = None, /, **spec: Any) -> dict[str, Any]:
        """Submits a job file given as keywords; `does` is what the job does. Returns the job as the API shows it."""
        mapping: dict[str, Any] = {"version": 1, "name": "job", "run": "python train.py", **spec}
        if does is not None:
            self.runs[mapping["name"]] = does
        job: dict[str, Any] = self.post("/jobs", {"spec": mapping})
        return job

    def job(self, reference: str) -> dict[str, Any]:
        """A job as the API shows it."""
        found: dict[str, Any] = self.get(f"/jobs/{reference}")
        return found

    def until(
        self, reference: str, status: str, within_s: float = 3600.0, grain_s: float = 5.0
    ) -> dict[str, Any]:
        """Moves time on until the job has this status."""
        for _ in range(int(within_s / grain_s) + 1):
            job = self.job(reference)
            if job["status"] == status:
                return job
            self.advance(grain_s, grain_s)
        raise AssertionError(f"{reference} is {job['status']} after {within_s:g} s: {job['explanation']}")

    def get(self, path: str, **query: Any) -> Any:
        """What the API answers."""
        return _answer(self.api.get(path, params=query))

    def post(self, path: str, body: Any = None) -> Any:
        """What the API answers."""
        return _answer(self.api.post(path, json={} if body is None else body))

    def sign_in_link(self) -> str:
        """An address that signs a browser in, once."""
        link: str = self.post("/session-links")["url"]
        return link

    def connect(self, provider: str, secret: str = "key-of-the-stage") -> Any:
        """Connects one of the stage's clouds."""
        fields = self.get(f"/providers/{provider}")["credentials"]
        names = [each["name"] for each in fields if each["is_required"]] or [fields[0]["name"]]
        body = {"source": "stored", "credentials": dict.fromkeys(names, secret)}
        return _answer(self.api.put(f"/connections/{provider}", json=body))

    def add_host(self, name: str, inventory: Inventory, **spec: Any) -> Any:
        """Adds a machine of the user's own over SSH."""
        self.put_host(name, inventory)
        address = f"{name}.lab.example"
        key = self.post("/hosts/probe", {"address": address})["host_key"]
        return self.post("/hosts", {"name": name, "address": address, "user": "ana", "host_key": key, **spec})

    def put_host(self, name: str, inventory: Inventory) -> None:
        """There is such a machine, whether or not the server knows of it."""
        box = Box(inventory=inventory, clock=self.clock, behave=self.behave, processes={})
        self.world.hosts[name] = FarHost(box, is_away=lambda: name in self.away)

    # -- inside --------------------------------------------------------------------------------------------------

    def behave(self, request: AttemptRequest) -> Run:
        """What a job does, by its name; the number of a task does not matter."""
        name = request.job_name
        return self.runs.get(name) or self.runs.get(re.sub(r"-\d+$", "", name)) or Run(seconds=1800.0)

    def call(self, fn: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs a coroutine function in the server's thread, and waits for it."""
        return asyncio.run_coroutine_threadsafe(fn(), self._loop).result(_PATIENCE_S)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _world(self, seed: int) -> World:
        clock, entropy = self.clock, SeededEntropy(seed)
        clouds = {
            each.id: StageCloud(clock, SeededEntropy(seed + number + 1), each, self.behave)
            for number, each in enumerate(PROFILES)
        }
        box = Box(inventory=machine("breeze", "RTX-4090", 2), clock=clock, behave=self.behave, processes={})
        rate = Rate(micro_per_unit=TARIFF.micro_usd_per_kwh, per=Quantity.KWH)
        world = World(
            clock=clock,
            entropy=entropy,
            names=SeededEntropy(seed + 100),
            clouds=clouds,
            workstation=Workstation(box, rate, TARIFF.carbon_g_per_kwh),
        )
        for source, title, provider in (
            ("vast-search", "Vast.ai search", "vast"),
            ("lambda-types", "Lambda instance types", "lambda"),
            ("runpod-catalog", "RunPod catalogue", "runpod"),
        ):
            world.sources[source] = StagePrices(source, title, clouds[provider], clock)
        return world


def _answer(response: httpx2.Response) -> Any:
    if response.is_error:
        raise AssertionError(
            f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
        )
    return response.json() if response.content else None


def _place_of(tx: Transaction, job_id: str) -> tuple[AttemptRow, NodeRow]:
    table = AttemptRow.table
    row = tx.execute(
        AttemptRow.select().where(table.c.job_id == job_id).order_by(table.c.number.desc()).limit(1)
    ).first()
    assert row is not None, f"{job_id} has no attempt"
    attempt = AttemptRow.of(row)
    assert attempt.node_id is not None
    return attempt, NodeRow.get(tx, attempt.node_id)


if __name__ == "__main__":
    from tests.web.looking import main

    main()
