"""Runs attempts on a machine that is reached over SSH, with the same agent as on this one.

What the house reads of an attempt (records, logs, index) is mirrored into its directory here; the machine keeps the
originals, so any server may be killed, and any connection cut, at any time.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import NoRoomError, ProviderError, ProviderFault
from tradewind.providers.attempt_files import exit_of
from tradewind.providers.attempt_spec import Surroundings, agent_spec, first_control
from tradewind.providers.base import (
    AttemptRequest,
    Brought,
    DeviceUser,
    Exit,
    Greeting,
    Handle,
    Inventory,
    Observation,
    Offload,
    Phase,
    Survey,
)
from tradewind.providers.passed_variables import allowed_names
from tradewind.providers.ssh import mirror
from tradewind.providers.ssh.bringing import Bringer, list_files
from tradewind.providers.ssh.connection import Link
from tradewind.providers.ssh.inventory import device_user_of, inventory_of
from tradewind.providers.ssh.session import AgentSession, Answer, FarError
from tradewind.providers.ssh.tar_stream import tar_pieces

_START_S: Final = 60.0
#: An end by force waits for processes that were asked to go.
_REAP_S: Final = 120.0
#: To look through what came of a cut upload, which may be gigabytes.
_HASHING_S: Final = 600.0
#: Pieces of a working directory on their way at once.
_WINDOW: Final = 8
#: One poll takes in at most this many answers (2 MiB each); what is left comes with the next one.
_LOOKS: Final = 32
#: One folder for everybody on the machine.
_DEVICE_LOCKS: Final = "/tmp/tradewind-devices"  # noqa: S108 -- made as /tmp is, and links are not followed
_POWEROFF: Final = ("shutdown", "-P", "now")
_CANCEL: Final = ("shutdown", "-c")


class SshHost:
    """A `MachineHost`. `attempts` is the folder of attempt directories here."""

    def __init__(
        self,
        link: Link,
        attempts: Path,
        clock: Clock,
        offload: Offload,
    ) -> None:
        self._link = link
        self._attempts = attempts
        self._clock = clock
        self._offload = offload

    # -- the machine ---------------------------------------------------------------------------------------------

    async def greet(self) -> Greeting:
        # Its key may be known only once it has been talked to.
        inventory = await self.inventory()
        return Greeting(host_keys=self._link.host_keys, inventory=inventory)

    async def inventory(self) -> Inventory:
        """What the machine has. Raises ProviderError."""
        session = await self._link.session()
        return inventory_of(session.machine)

    async def device_users(self) -> tuple[DeviceUser, ...]:
        session = await self._link.session()
        if not session.machine.get("gpus"):
            return ()
        answer, _ = await session.ask("gpu_users", patience_s=60.0)
        return tuple(device_user_of(each) for each in answer.get("users") or [])

    async def guard(self, after_s: float) -> None:
        session = await self._link.session()
        first = () if session.machine.get("uid") == 0 else ("sudo", "-n")
        await session.ask(
            "guard", after_s=after_s, command=[*first, *_POWEROFF], cancel=[*first, *_CANCEL], patience_s=60.0
        )

    async def survey(self) -> Survey:
        answer, _ = await self._link.ask("survey", patience_s=_REAP_S)
        found = {
            kind: {str(each): Handle({"directory": str(each)}) for each in answer.get(kind) or []}
            for kind in ("running", "left")
        }
        return Survey(**found)

    async def forget(self, handle: Handle) -> None:
        """Removes the directory of an attempt that has ended. Raises ProviderError."""
        await self._link.ask("remove", attempt=_name(handle), patience_s=_REAP_S)

    async def let_in(self, handle: Handle, public_key: str | None) -> str:
        answer, _ = await self._link.ask("let_in", key=public_key, changes=True)
        return f"{answer['base']}/attempts/{_name(handle)}/work"

    # -- starting ------------------------------------------------------------------------------------------------

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        name = request.directory.name
        session = await self._link.session()
        found, _ = await session.ask("find", attempt=name)
        if not found.get("begun"):
            made, _ = await session.ask("mkdir", attempt=name)
            kept = await _kept(session, name) if made.get("has_kept") else {}
            await self._send_work(session, name, request.workdir, kept)
            await self._write(session, name, "control.json", first_control(request), if_absent=True)
            await self._write(session, name, "spec.json", self._spec(session, name, request))
            await session.ask("start", attempt=name, patience_s=_START_S, changes=True)
        # What was sent is not needed here any more, and is not what the attempt makes of it.
        await self._offload(_empty, request.workdir)
        return Handle({"directory": name, "key": key})

    def _spec(self, session: AgentSession, name: str, request: AttemptRequest) -> dict[str, Any]:
        machine = session.machine
        base = str(machine["base"])
        resume = request.resume_from
        there = Surroundings(
            workdir=f"{base}/attempts/{name}/work",
            environments_dir=f"{base}/environments",
            python=str(machine["python"]),
            # The submitter's folders mean nothing over there.
            search_path=str(machine["search_path"]),
            pass_env=allowed_names(machine.get("variables") or []),
            device_locks=_DEVICE_LOCKS,
            resume_from=None if resume is None else resume.relative_to(request.workdir).as_posix(),
        )
        return agent_spec(request, there)

    @staticmethod
    async def _write(
        session: AgentSession, attempt: str, name: str, value: dict[str, Any], *, if_absent: bool = False
    ) -> None:
        await session.ask("write", mirror.to_json(value), attempt=attempt, name=name, if_absent=if_absent)

    async def _send_work(
        self, session: AgentSession, name: str, work: Path, kept: dict[str, tuple[int, str]]
    ) -> None:
        """Sends the working directory, several pieces ahead of their answers. An answer says that one was taken.

        `kept` is what an earlier try has brought there, which was cut off.
        """
        pieces = tar_pieces(work, kept)
        waiting: deque[asyncio.Future[Answer]] = deque()
        is_first = True
        try:
            piece = await self._offload(next, pieces, None)
            while piece is not None:
                following = await self._offload(next, pieces, None)
                is_last = following is None
                flags = {"first": is_first, "last": is_last, "resume": bool(kept)}
                waiting.append(session.send("unpack", piece, attempt=name, **flags))
                is_first = False
                await session.drain()
                while len(waiting) > (0 if is_last else _WINDOW):
                    await session.answer(waiting.popleft(), "unpack", patience_s=_REAP_S)
                piece = following
        finally:
            for future in waiting:
                future.cancel()

    async def find(self, key: str) -> Handle | None:
        name = key.rpartition("/")[2]
        found, _ = await self._link.ask("find", attempt=name)
        if not (found.get("begun") or found.get("supervised")):
            return None
        return Handle({"directory": name, "key": key})

    # -- watching ------------------------------------------------------------------------------------------------

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        name = _name(handle)
        seen = await self._take_in(name)
        if not seen.get("there"):
            return await self._vanished(name, cursor)
        if seen.get("exit") is None and not seen.get("supervised"):
            # Nobody supervises it and nobody wrote down its end: end what is left of it, which writes it down.
            await self._link.ask("reap", attempt=name, patience_s=_REAP_S)
            seen = await self._take_in(name)
        records, cursor, more = await self._offload(mirror.read_new, self._attempts / name, cursor)
        ended = seen.get("exit")
        if ended is not None and not (seen.get("supervised") or seen.get("more") or more):
            return Observation(phase=Phase.GONE, records=records, cursor=cursor, exit=exit_of(ended))
        return Observation(phase=Phase.RUNNING, records=records, cursor=cursor)

    async def _take_in(self, name: str) -> dict[str, Any]:
        """Mirrors what is new. The last answer: where it says `more`, there was too much for one poll."""
        directory = self._attempts / name
        seen: dict[str, Any] = {}
        for _ in range(_LOOKS):
            sizes = await self._offload(mirror.sizes, directory)
            seen, body = await self._link.ask("look", attempt=name, sizes=sizes)
            try:
                await self._offload(mirror.take_in, directory, seen.get("pieces"), body)
            except OSError as error:
                raise NoRoomError(
                    f"what {self._link.name} says of {name} could not be written here: {error.strerror or error}",
                    hint="free some of the server's disk; nothing is lost, it is fetched again",
                ) from error
            if not seen.get("more"):
                break
        return seen

    async def _vanished(self, name: str, cursor: int) -> Observation:
        """Its directory is gone. What still runs of it is known by its marker; it has ended when none is left."""
        answer, _ = await self._link.ask("end_marked", attempt=name)
        if answer.get("ended"):
            return Observation(phase=Phase.RUNNING, cursor=cursor)
        ended = Exit(
            reason="vanished",
            message="its directory was deleted",
            exit_code=None,
            signal=None,
            started_at=None,
            ended_at=self._clock.now(),
        )
        return Observation(phase=Phase.GONE, cursor=cursor, exit=ended)

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        await self._control(handle, {"stop": {"reason": reason, "grace_s": grace_s}})

    async def renew(self, handle: Handle, sequence: int) -> None:
        await self._control(handle, {"lease_seq": sequence})

    async def _control(self, handle: Handle, changes: dict[str, Any]) -> None:
        try:
            await self._link.ask("control", attempt=_name(handle), values=changes)
        except FarError as error:
            if error.word != "gone":
                raise

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        self._link.watch(_name(handle), wake)

    # -- files ---------------------------------------------------------------------------------------------------

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        name = _name(handle)
        bringer = Bringer(self._link, name, self._attempts / name, self._clock, self._offload)
        return await bringer.bring(path, within_s)

    async def files(self, handle: Handle) -> list[str] | None:
        try:
            found, _ = await list_files(self._link, _name(handle))
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            return []
        return [each.path for each in found]


async def _kept(session: AgentSession, name: str) -> dict[str, tuple[int, str]]:
    answer, _ = await session.ask("kept", attempt=name, patience_s=_HASHING_S)
    return {
        str(path): (int(size), str(sha256)) for path, (size, sha256) in (answer.get("files") or {}).items()
    }


def _name(handle: Handle) -> str:
    return str(handle.values["directory"])


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
