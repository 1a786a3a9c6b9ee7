"""What can be asked for over a connection, each a function of its request and the bytes with it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess

from ..durable import read_json, replace_file, replace_json
from .files import list_files, read_file
from .looking import is_supervised, look, wait_for_end
from .places import Places, RefusedError, plain_name
from .unpacking import Unpacking, partials, take_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AGENT_PATIENCE_S = 120
#: A later wish to stop replaces an earlier one; these only ever grow.
_GROWING = ("fence", "lease_seq")


class Operations:
    """The operations on one base directory. `program` runs the agent."""

    #: What takes its time: each gets a thread of its own, so that looks at other attempts need not wait for it.
    slow = frozenset(
        {"hello", "gpu_users", "start", "reap", "wait", "remove", "survey", "list", "guard", "end_marked"}
    )

    def __init__(self, places: Places, program: list[str], version: str) -> None:
        self._places = places
        self._program = program
        self._version = version
        self._unpacking: dict[str, Unpacking] = {}

    def run(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Carry out one request. Raises RefusedError, OSError, or what is wrong with its fields."""
        name = str(request.get("op"))
        operation = getattr(self, "_do_" + name, None)
        if operation is None:
            raise RefusedError("unknown", "this agent knows no operation {!r}".format(name))
        answer = operation(request, body)
        return answer if isinstance(answer, tuple) else (answer, b"")

    def _do_hello(self, _request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from .machine import describe

        return describe(self._places.base, self._version)

    def _do_gpu_users(self, _request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from ..gpu_users import find_users
        from ..gpus import find_gpus

        return {"users": find_users(find_gpus())}

    def _do_let_in(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from .letting_in import let_in

        key = request.get("key")
        return {"base": self._places.base, "added": let_in(key) if isinstance(key, str) else False}

    def _do_mkdir(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        directory = self._places.attempt(request.get("attempt"), must_exist=False)
        os.makedirs(directory, 0o700, exist_ok=True)
        return {"has_kept": bool(partials(directory))}

    def _do_write(self, request: dict[str, Any], body: bytes) -> dict[str, Any]:
        directory = self._places.attempt(request.get("attempt"))
        path = os.path.join(directory, plain_name(request.get("name")))
        if request.get("if_absent") and os.path.exists(path):
            return {"written": False}
        replace_file(path, body, durably=True)
        return {"written": True}

    def _do_kept(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        name = plain_name(request.get("attempt"))
        stream = self._unpacking.pop(name, None)
        if stream is not None:
            stream.suspend()
        return {"files": take_over(self._places.attempt(name))}

    def _do_unpack(self, request: dict[str, Any], body: bytes) -> dict[str, Any]:
        name = plain_name(request.get("attempt"))
        directory = self._places.attempt(name)
        if os.path.exists(os.path.join(directory, "begun.json")):
            raise RefusedError("begun", "attempt {} has begun already".format(name))
        if request.get("first"):
            resume = bool(request.get("resume"))
            if not resume:
                self._abandon(name)
            self._unpacking[name] = Unpacking(directory, resume=resume)
        stream = self._unpacking.get(name)
        if stream is None:
            raise RefusedError("refused", "the stream of {} was not begun".format(name))
        try:
            stream.feed(body)
            if request.get("last"):
                stream.finish()
                del self._unpacking[name]
        except BaseException:
            self._abandon(name)
            raise
        return {}

    def _abandon(self, name: str) -> None:
        stream = self._unpacking.pop(name, None)
        if stream is not None:
            stream.abandon()

    def close(self) -> None:
        """Stop what was begun on this connection and not ended; another one may go on with it."""
        for stream in list(self._unpacking.values()):
            stream.suspend()

    def _do_start(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        return self._agent("start", self._places.attempt(request.get("attempt")))

    def _do_reap(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        return self._agent("reap", self._places.attempt(request.get("attempt")))

    def _agent(self, verb: str, directory: str) -> dict[str, Any]:
        done = subprocess.run(
            [*self._program, verb, "--dir", directory],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            timeout=_AGENT_PATIENCE_S,
            check=False,
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            tail = done.stderr.decode("utf-8", "replace").strip()[-500:]
            raise RefusedError("failed", "the agent gave no answer to `{}`: {}".format(verb, tail)) from None
        if "error" in answer:
            raise RefusedError("failed", str(answer["error"]))
        return dict(answer)

    def _do_look(self, request: dict[str, Any], _body: bytes) -> tuple[dict[str, Any], bytes]:
        sizes = request.get("sizes")
        directory = self._places.attempt(request.get("attempt"), must_exist=False)
        return look(directory, sizes if isinstance(sizes, dict) else {})

    def _do_find(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        directory = self._places.attempt(request.get("attempt"), must_exist=False)
        return {
            "begun": os.path.exists(os.path.join(directory, "begun.json")),
            "supervised": is_supervised(directory),
        }

    def _do_end_marked(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from ..ending import send
        from ..processes import list_processes, marked

        table = list_processes()
        found = [
            pid
            for pid in marked(table, plain_name(request.get("attempt")))
            if pid in table and not table[pid].is_zombie
        ]
        for pid in found:
            send(pid, signal.SIGKILL)
        return {"ended": len(found)}

    def _do_wait(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        wait_for_end(self._places.attempt(request.get("attempt")))
        return {}

    def _do_control(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        directory = self._places.attempt(request.get("attempt"))
        changes = request.get("values")
        if not isinstance(changes, dict):
            raise RefusedError("refused", "control needs an object of values")
        lock = os.open(os.path.join(directory, ".control.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Two servers may talk to one machine for a moment: neither may undo what the other has written.
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = os.path.join(directory, "control.json")
            control = read_json(path) or {}
            for name, value in changes.items():
                known = control.get(name)
                if name in _GROWING and isinstance(known, int) and isinstance(value, int) and known > value:
                    continue
                control[name] = value
            replace_json(path, control, durably=True)
        finally:
            os.close(lock)
        return {"control": control}

    def _do_list(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        work = os.path.join(self._places.attempt(request.get("attempt")), "work")
        return list_files(work, str(request.get("path") or "."), str(request.get("after") or ""))

    def _do_read(self, request: dict[str, Any], _body: bytes) -> tuple[dict[str, Any], bytes]:
        work = os.path.join(self._places.attempt(request.get("attempt")), "work")
        return read_file(work, str(request.get("path")), int(request["offset"]), int(request["length"]))

    def _do_survey(self, _request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from .leavings import survey

        return survey(self._places.attempts)

    def _do_remove(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from .leavings import remove

        remove(self._places.attempts, plain_name(request.get("attempt")))
        return {}

    def _do_guard(self, request: dict[str, Any], _body: bytes) -> dict[str, Any]:
        from ..guard import renew

        command, cancel = request.get("command"), request.get("cancel") or []
        if not isinstance(command, list) or not command or not isinstance(cancel, list):
            raise RefusedError("refused", "guard needs a command")
        return renew(
            self._places.base,
            self._program,
            float(request["after_s"]),
            [str(part) for part in command],
            [str(part) for part in cancel],
        )
