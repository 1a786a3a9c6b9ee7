"""Runs attempts on this machine.

Everything about an attempt is in its directory, in the form of docs/agent-protocol.md. The server may be killed at
any instruction: the supervisor goes on, and whoever comes next finds it by its lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.hardware.local import detect
from tradewind.providers.attempt_files import is_supervised, read_exit, read_json, read_records, write_json
from tradewind.providers.attempt_spec import Surroundings, agent_spec, first_control
from tradewind.providers.base import (
    AttemptRequest,
    Brought,
    Exit,
    Handle,
    Inventory,
    Observation,
    Offload,
    Phase,
)
from tradewind.providers.local.survivors import end_marked
from tradewind.providers.own_offers import OwnTerms, offer_of, with_own_power
from tradewind.providers.passed_variables import allowed_names

_AGENT_TIMEOUT_S: Final = 30.0
_CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.UNIQUE_NAME,
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    shares_filesystem=True,
    gaps={
        "has_spot": "this machine is yours: nobody takes it back",
        "has_multi_node": "it is one machine",
        "has_images": "commands run on the machine itself, not in a container",
        "has_mig": "slices of an accelerator are not handed out here yet",
        "can_stop_and_start": "the machine is not switched off and on for jobs",
    },
)


class LocalPlatform:
    """A `JobPlatform` on this machine; `root` holds the attempt directories, `agent` is the zipapp."""

    id = "local"
    capabilities = _CAPABILITIES

    def __init__(self, root: Path, agent: Path, terms: Callable[[], OwnTerms], offload: Offload) -> None:
        self._root = root
        self._agent = agent
        self._terms = terms
        self._offload = offload
        self._watchers: set[int] = set()

    async def inventory(self) -> Inventory:
        machine = await self._offload(detect, self._root)
        found = Inventory(
            name=machine.name,
            cpus=machine.cpus,
            cpu_model=machine.cpu_model,
            memory_bytes=machine.memory_bytes,
            disk_free_bytes=machine.disk_free_bytes,
            accelerators=machine.accelerators,
            watts_idle=machine.watts_idle,
            watts_max=machine.watts_max,
            power_source=machine.power_source,
        )
        return with_own_power(found, self._terms())

    async def list_offers(self) -> list[Offer]:
        terms = self._terms()
        return [offer_of(await self.inventory(), self.id, terms.rate, terms.grams_co2e_per_kwh)]

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        await self._offload(self._write_request, request)
        try:
            answer = await self._call_agent("start", request.directory)
        except ProviderError as error:
            if error.fault is not ProviderFault.AMBIGUOUS:
                raise
            # Nobody knows whether it began. After this either it runs, or it has ended and can never begin.
            answer = await self._call_agent("reap", request.directory)
        if "error" in answer:
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"the agent could not start: {answer['error']}")
        return Handle({"directory": request.directory.name, "key": key})

    def _write_request(self, request: AttemptRequest) -> None:
        directory = request.directory
        if not (directory / "control.json").exists():
            write_json(directory / "control.json", first_control(request))
        if not (directory / "spec.json").exists():
            here = Surroundings(
                workdir=str(request.workdir),
                environments_dir=str(self._root.parent / "environments"),
                python=sys.executable,
                search_path=request.search_path,
                pass_env=allowed_names(os.environ),
                resume_from=None if request.resume_from is None else str(request.resume_from),
            )
            write_json(directory / "spec.json", agent_spec(request, here))

    async def find(self, key: str) -> Handle | None:
        """A key ends in the attempt's id, which names its directory."""
        directory = self._root / key.rpartition("/")[2]
        began = (directory / "begun.json").exists() or await self._offload(is_supervised, directory)
        return Handle({"directory": directory.name, "key": key}) if began else None

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        directory = self._directory(handle)
        observation = await self._offload(self._look, directory, cursor)
        if observation is not None:
            return observation
        # Nobody supervises it and nobody wrote down its end: end what is left of it, which writes it down.
        await self._call_agent("reap", directory)
        again = await self._offload(self._look, directory, cursor)
        return again or Observation(phase=Phase.UNKNOWN, cursor=cursor)

    def _look(self, directory: Path, cursor: int) -> Observation | None:
        if not directory.exists():
            # Its processes may have outlived it: it is gone only when a look finds none of them.
            if end_marked(directory.name):
                return Observation(phase=Phase.UNKNOWN, cursor=cursor)
            gone_at = self._root.stat().st_mtime
            return Observation(phase=Phase.GONE, cursor=cursor, exit=_vanished(gone_at))
        # The lock is looked at before the exit record: one that ends in between is seen as running once more.
        supervised = is_supervised(directory)
        ended = read_exit(directory)
        records, cursor, more = read_records(directory / "records.jsonl", cursor)
        if ended is not None and not supervised and not more:
            return Observation(phase=Phase.GONE, records=records, cursor=cursor, exit=ended)
        if ended is not None or supervised:
            return Observation(phase=Phase.RUNNING, records=records, cursor=cursor)
        return None

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        await self._offload(self._update_control, handle, {"stop": {"reason": reason, "grace_s": grace_s}})

    async def renew(self, handle: Handle, sequence: int) -> None:
        await self._offload(self._update_control, handle, {"lease_seq": sequence})

    def _update_control(self, handle: Handle, changes: dict[str, Any]) -> None:
        path = self._directory(handle) / "control.json"
        if path.parent.exists():
            write_json(path, (read_json(path) or {}) | changes)

    async def list_owned(self) -> list[Handle]:
        return await self._offload(self._list_supervised)

    def _list_supervised(self) -> list[Handle]:
        if not self._root.exists():
            return []
        return [
            Handle({"directory": directory.name})
            for directory in sorted(self._root.iterdir())
            if is_supervised(directory)
        ]

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:  # noqa: ARG002
        return Brought.SHARED

    async def files(self, handle: Handle) -> list[str] | None:  # noqa: ARG002
        return None

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        begun = await self._offload(read_json, self._directory(handle) / "begun.json")
        pid = int((begun or {}).get("pid") or 0)
        if not pid or not hasattr(os, "pidfd_open"):
            return
        # A recycled pid costs one wake-up for nothing: this is only a hint.
        with contextlib.suppress(OSError):
            self._wake_at_end(os.pidfd_open(pid), wake)

    def _wake_at_end(self, descriptor: int, wake: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            self._watchers.discard(descriptor)
            os.close(descriptor)
            wake()

        self._watchers.add(descriptor)
        loop.add_reader(descriptor, ended)

    def close(self) -> None:
        """Lets go of what watches running attempts; they go on."""
        for descriptor in self._watchers:
            os.close(descriptor)
        self._watchers.clear()

    def _directory(self, handle: Handle) -> Path:
        return self._root / str(handle.values["directory"])

    async def _call_agent(self, verb: str, directory: Path) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(self._agent), verb, "--dir", str(directory),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            output, complaint = await asyncio.wait_for(process.communicate(), _AGENT_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ProviderError(
                ProviderFault.AMBIGUOUS, f"the agent did not answer `{verb}` within {_AGENT_TIMEOUT_S:.0f} s"
            ) from None
        try:
            answer = json.loads(output)
        except ValueError:
            tail = complaint.decode(errors="replace").strip().splitlines()[-1:]
            raise ProviderError(
                ProviderFault.AMBIGUOUS, f"the agent gave no answer to `{verb}`", causes=tuple(tail)
            ) from None
        return answer if isinstance(answer, dict) else {}


def _vanished(at: float) -> Exit:
    return Exit(
        reason="vanished",
        message="its directory was deleted",
        exit_code=None,
        signal=None,
        started_at=None,
        ended_at=datetime.fromtimestamp(at, UTC),
    )


def create(*, root: Path, agent: Path, terms: Callable[[], OwnTerms], offload: Offload) -> LocalPlatform:
    """The provider's factory. `terms` is asked each time: they may change while the server runs."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalPlatform(root, agent, terms, offload)
