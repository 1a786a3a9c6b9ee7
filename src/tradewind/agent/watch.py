"""The agent: looks at the attempt a few times a second and says what it sees."""

from __future__ import annotations

import json
import os
import select
import time

from . import PROTOCOLS
from .checkpoints import CheckpointWatch
from .clocks import steady_s
from .durable import read_json, replace_json
from .exit_record import has_ended
from .identity import identify
from .limits import ControlFile, memory_stop, reclaim_stop
from .lock import take_lock
from .log_cap import LogCap
from .log_files import LogFile
from .memory import recall
from .reclaim import ReclaimWatch
from .records import Records
from .sampling import Sampler, shared_once_bytes
from .sources import Channel, LogSource
from .spec import read_spec
from .voice import Voice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .limits import Stop

_BETWEEN_LOOKS_S = 0.25
_BETWEEN_LOOKS_AT_NOTHING_S = 0.5
_QUIET_AFTER_S = 5.0
_BETWEEN_MEMORY_CHECKS_S = 1.0
_BETWEEN_CURSORS_S = 5.0
_ORDERS, _MESSAGES = 0, 1


def watch(directory: str, version: str) -> int:
    """Watch the attempt until the supervisor says that it is over, or is gone. Returns the exit code."""
    agent = Agent(directory)
    agent.introduce(version)
    orders = agent.run()
    if orders is None:
        agent.survive_supervisor()
    else:
        agent.finish(was_killed="killed" in orders)
    # Nothing is left to tidy up, and what waits for the attempt's end need not wait for the interpreter's.
    os._exit(0)


class Agent:
    """Everything that is looked at, and when."""

    def __init__(self, directory: str, *, messages_fd: int | None = _MESSAGES) -> None:
        self._directory = directory
        self._messages_fd = messages_fd
        self._spec = spec = read_spec(directory)
        begun = read_json(os.path.join(directory, "begun.json")) or {}
        self._records = Records(directory)
        self._memory = recall(directory, self._records, begun.get("time") or time.time())
        self._voice = Voice(self._records, self._memory)
        logs = os.path.join(directory, "logs")
        self._logs = {
            name: LogFile(os.path.join(logs, name + ".log")) for name in ("setup", "stdout", "stderr")
        }
        self._caps = [
            LogCap(name, log, spec.log_cap_bytes, self._voice, self._memory)
            for name, log in self._logs.items()
            if spec.log_cap_bytes
        ]
        self._log_sources = [
            LogSource(name, self._logs[name], self._voice, self._memory) for name in ("stdout", "stderr")
        ]
        self._channel = Channel(os.path.join(directory, "metrics.jsonl"), self._voice, self._memory)
        self._checkpoints = None
        if spec.checkpoint_dir is not None:
            self._checkpoints = CheckpointWatch(
                spec.checkpoint_dir, spec.workdir, self._memory.begun_at, self._voice, self._memory
            )
        self._control = ControlFile(spec, directory, begun.get("steady_s") or steady_s())
        self._sampler = Sampler(spec, begun.get("pid") or os.getppid(), self._voice, self._memory)
        self._reclaim = None if spec.reclaim_notice is None else ReclaimWatch(spec.reclaim_notice)
        self._asked: tuple[str, float] | None = None
        self._phases_mtime_ns = 0
        now_s = steady_s()
        self._next_sample_s = now_s + min(1.0, spec.sample_every_s)
        self._next_memory_check_s = now_s
        self._next_cursor_s = now_s + _BETWEEN_CURSORS_S
        self._grew_at_s = now_s

    def introduce(self, version: str) -> None:
        """Say which process this is."""
        identity = identify(os.getpid(), self._spec.attempt)
        identity.update(state="running", version=version, protocols=list(PROTOCOLS))
        try:
            replace_json(os.path.join(self._directory, "agent.json"), identity)
        except OSError:
            pass  # The disk is full; watching goes on.

    def run(self) -> str | None:
        """Look again and again until ordered to end (returns the order) or the supervisor is gone (returns None)."""
        poller = select.poll()
        poller.register(_ORDERS, select.POLLIN)
        if self._reclaim is not None:
            self._reclaim.start()
        while True:
            self._look()
            is_quiet = steady_s() - self._grew_at_s > _QUIET_AFTER_S
            wait_s = _BETWEEN_LOOKS_AT_NOTHING_S if is_quiet else _BETWEEN_LOOKS_S
            if poller.poll(int(wait_s * 1000)):
                orders = os.read(_ORDERS, 4096).decode()
                if not orders:
                    return None
                if "end" in orders:
                    return orders

    def finish(self, *, was_killed: bool, is_late: bool = False) -> None:
        """Say everything that has not been said: nothing of the attempt runs any more.

        When that has been so for nobody knows how long, no energy is counted for the time.
        """
        self._say_phases()
        self._look_at_output(is_last=True)
        if self._checkpoints is not None:
            self._checkpoints.look(is_last=True, was_killed=was_killed)
        self._channel.say_last()
        self._speak(now=True)
        if not is_late:
            self._sampler.sample()
        self._records.write()
        self._tell({"energy_j": self._memory.energy_j})

    def survive_supervisor(self) -> None:
        """The supervisor is gone: end what it left and write the end in its place."""
        while True:
            lock = take_lock(self._directory)
            if lock is not None:
                break
            # Either its command has just been forked and not executed, or `reap` is at work, which does all this.
            if has_ended(self._directory):
                return
            time.sleep(0.05)
        if has_ended(self._directory):
            os.close(lock)
            return
        from .reap import end_orphaned

        # Taken before the last sample, which no longer finds them below the supervisor.
        known = self._sampler.known
        end_orphaned(self._spec, self._directory, known, before_writing=lambda: self.finish(was_killed=True))
        os.close(lock)

    def _look(self) -> None:
        now_s = steady_s()
        self._ask_to_stop(self._control.look())
        self._look_for_reclaim()
        self._say_phases()
        self._look_at_output()
        if self._checkpoints is not None:
            self._checkpoints.look()
        if self._spec.memory_limit_bytes is not None and now_s >= self._next_memory_check_s:
            self._next_memory_check_s = now_s + _BETWEEN_MEMORY_CHECKS_S
            self._check_memory(self._spec.memory_limit_bytes)
        if now_s >= self._next_sample_s:
            self._next_sample_s = now_s + self._spec.sample_every_s
            self._sampler.sample(max(0.0, now_s - self._grew_at_s))
            self._tell({"energy_j": self._memory.energy_j})
        self._speak()
        self._records.write()
        if now_s >= self._next_cursor_s:
            self._next_cursor_s = now_s + _BETWEEN_CURSORS_S
            self._save_cursor()

    def _look_at_output(self, *, is_last: bool = False) -> None:
        grew = {name: log.look() for name, log in self._logs.items()}
        while is_last and any(log.offset < log.size() for log in self._logs.values()):
            grew = {name: log.look() or grew[name] for name, log in self._logs.items()}
        channel_offset = self._channel.offset
        for source in self._log_sources:
            source.look(grew=grew[source.name], is_last=is_last)
        self._channel.look(is_last=is_last)
        if any(grew.values()) or self._channel.offset > channel_offset:
            self._grew_at_s = steady_s()
        for cap in self._caps:
            cap.enforce()

    def _speak(self, *, now: bool = False) -> None:
        for source in self._log_sources:
            source.source.speak(now=now)
        self._channel.source.speak(now=now)

    def _save_cursor(self) -> None:
        self._speak(now=True)
        if not self._records.write():
            return
        for source in self._log_sources:
            self._memory.offsets[source.name] = source.offset
        self._memory.offsets[self._channel.name] = self._channel.offset
        self._records.save_cursor(self._memory.snapshot())

    def _say_phases(self) -> None:
        path = os.path.join(self._directory, "process.json")
        try:
            changed_ns = os.stat(path).st_mtime_ns
        except OSError:
            return
        if changed_ns != self._phases_mtime_ns:
            self._phases_mtime_ns = changed_ns
            phases = (read_json(path) or {}).get("phases", [])
            for phase in phases[self._memory.phases_said :]:
                if phase["phase"] == "running":
                    self._say_environment()
                self._voice.say("phase", phase=phase["phase"], t=phase["t"])
        if not self._memory.is_environment_said:
            self._say_environment()

    def _say_environment(self) -> None:
        if self._spec.setup is None or self._memory.is_environment_said:
            return
        environment = read_json(os.path.join(self._directory, "environment.json"))
        if environment is not None and "path" in environment:
            self._voice.say(
                "environment",
                key=environment["key"],
                cached=environment["cached"],
                reason=environment["reason"],
                path=environment["path"],
            )

    def _check_memory(self, limit_bytes: int) -> None:
        processes = self._sampler.tree()
        if sum(process.memory_bytes for process in processes) <= limit_bytes:
            return
        # The sum counts memory that forked workers share once for each of them.
        used_bytes = shared_once_bytes(processes)
        if used_bytes > limit_bytes:
            self._ask_to_stop(memory_stop(limit_bytes, used_bytes, self._spec.grace_s))

    def _look_for_reclaim(self) -> None:
        notice = None if self._reclaim is None else self._reclaim.take()
        if notice is None:
            return
        if not self._memory.is_reclaim_said:
            self._voice.say(
                "reclaim_notice", service=notice.kind, at=notice.at, grace_s=round(notice.grace_s, 3)
            )
        self._ask_to_stop(reclaim_stop(notice))

    def _ask_to_stop(self, stop: Stop | None) -> None:
        if stop is None:
            return
        request = (stop.reason, stop.grace_s)
        # Once; and again when told to be less patient.
        if self._asked is None or stop.grace_s < self._asked[1]:
            self._asked = request
            self._tell(stop.as_message())

    def _tell(self, message: dict[str, object]) -> None:
        if self._messages_fd is None:
            return
        try:
            os.write(self._messages_fd, json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # The supervisor is gone; the next look at its orders will show it.
