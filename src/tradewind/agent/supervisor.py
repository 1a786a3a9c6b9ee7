"""The supervisor: it runs setup and the command, keeps the agent alive, and writes how it ended.

It stays in memory for as long as the command runs and does as little as it can: one thread, one `poll`, no file
that is opened while the command runs. Everything it needs later is imported when it starts, so that it can still
write the end when the disk is full or its own zipapp has been deleted.
"""

from __future__ import annotations

import os
import select
import signal

from . import outcome
from .agent_process import AgentProcess
from .clocks import steady_s, wall_s
from .command_environment import command_environment, with_virtual_environment
from .durable import read_json, replace_json
from .ending import FINAL_GRACE_S, Survivors, of_supervisor, send
from .exit_record import write_exit
from .identity import identify
from .spawn import SpawnError, find_program, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .spec import Spec

_LAST_WORDS_S = 2.0
_RESCAN_S = 0.05
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Stop:
    """Why the command is being stopped, and when patience ends."""

    def __init__(self, reason: str, message: str, grace_s: float) -> None:
        self.reason = reason
        self.message = message
        self.kill_at_s = steady_s() + grace_s


class Supervisor:
    """One attempt from `begun.json` to `exit.json`. The process holds the attempt's lock and is a session leader."""

    def __init__(self, spec: Spec, directory: str, program: list[str]) -> None:
        self._spec = spec
        self._directory = directory
        self._program = program
        self._inherited = dict(os.environ)
        self._agent = AgentProcess(program, spec.attempt, directory)
        self._command: int | None = None
        self._statuses: dict[int, int] = {}
        self._stop: Stop | None = None
        self._phases: list[dict[str, Any]] = []
        self._energy_j = 0.0
        self._started_at: float | None = None
        self._deadline_s: float | None = None
        self._survivors = Survivors(self._running)
        self._wake_read, self._wake_write = os.pipe()

    def run(self) -> None:
        """After `begin`: run the attempt to its end. Returns when `exit.json` is written; raises OSError if not."""
        self._agent.start()
        end = self._setup_and_command()
        # From here on there is nothing left to stop, only to tidy up.
        self._deadline_s = None
        ended_at = wall_s()
        self._end_survivors()
        self._dismiss_agent(was_killed=(end.exit_code or 0) >= 128)
        write_exit(
            self._directory,
            end.reason,
            end.message,
            exit_code=end.exit_code,
            signal_number=end.signal_number,
            started_at=self._started_at,
            ended_at=ended_at,
            energy_j=self._energy_j,
            strays=self._survivors.count,
        )

    def _listen_to_signals(self) -> None:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def begin(self) -> None:
        """Say durably that this attempt has begun: after this, nobody ever starts it again. Raises OSError."""
        self._listen_to_signals()
        self._started_at = wall_s()
        begun = identify(os.getpid(), self._spec.attempt)
        begun["time"] = self._started_at
        begun["steady_s"] = steady_s()
        replace_json(os.path.join(self._directory, "begun.json"), begun, durably=True)
        if self._spec.max_duration_s is not None:
            self._deadline_s = steady_s() + self._spec.max_duration_s

    def _setup_and_command(self) -> outcome.Outcome:
        spec = self._spec
        environment = command_environment(spec, self._directory, self._inherited)
        try:
            if spec.checkpoint_dir is not None:
                os.makedirs(spec.checkpoint_dir, exist_ok=True)
            if spec.setup is not None:
                log = os.path.join(self._directory, "logs", "setup.log")
                prepare = [*self._program, "prepare", "--dir", self._directory]
                status = self._run_step("setup", prepare, environment, log, log)
                if self._stop is not None:
                    return self._stopped(status)
                prepared = read_json(os.path.join(self._directory, "environment.json"))
                if status != 0 or prepared is None or "path" not in prepared:
                    return outcome.of_failed_setup(status, prepared, log)
                environment = with_virtual_environment(environment, prepared["path"])
            arguments = _shell(spec.run, environment["PATH"])
            logs = [os.path.join(self._directory, "logs", name) for name in ("stdout.log", "stderr.log")]
            status = self._run_step("running", arguments, environment, logs[0], logs[1])
        except (SpawnError, OSError) as error:
            return outcome.Outcome("start_failed", "the command could not be started: {}".format(error))
        if self._stop is not None:
            return self._stopped(status)
        return outcome.of_command(status, logs[1])

    def _run_step(
        self, phase: str, arguments: list[str], environment: dict[str, str], stdout: str, stderr: str
    ) -> int | None:
        """Run one program to its end and return its wait status; None if it was stopped before it started."""
        self._turn(wait=False)
        if self._stop is not None:
            return None
        self._command = spawn(
            arguments, environment, workdir=self._spec.workdir, stdout=stdout, stderr=stderr
        )
        self._phases.append({"phase": phase, "t": wall_s()})
        self._say_what_runs()
        while self._command not in self._statuses:
            self._turn()
        return self._statuses.pop(self._command)

    def _say_what_runs(self) -> None:
        assert self._command is not None
        process = identify(self._command, self._spec.attempt)
        process["phases"] = self._phases
        try:
            replace_json(os.path.join(self._directory, "process.json"), process)
        except OSError:
            pass  # A full disk must not keep the command from running; the marker still finds the process.
        self._agent.order("look")

    def _turn(self, *, wait: bool = True) -> None:
        """One round of the loop: wait for something to happen, then deal with all that has."""
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        if self._agent.messages_fd is not None:
            poller.register(self._agent.messages_fd, select.POLLIN)
        poller.poll(self._time_to_next_ms() if wait else 0)
        self._reap()
        for message in self._agent.read_messages():
            self._hear(message)
        now_s = steady_s()
        if self._agent.start_at_s is not None and now_s >= self._agent.start_at_s:
            self._agent.start()
        if self._deadline_s is not None and now_s >= self._deadline_s:
            self._deadline_s = None
            text = "max_duration of {:g} s was reached".format(self._spec.max_duration_s or 0)
            self._begin_stop("max_duration", text, self._spec.grace_s)
        if self._stop is not None and now_s >= self._stop.kill_at_s:
            self._survivors_of_stop(signal.SIGKILL)

    def _time_to_next_ms(self) -> int | None:
        moments = [self._agent.start_at_s, self._deadline_s, self._stop.kill_at_s if self._stop else None]
        left_s = [moment - steady_s() for moment in moments if moment is not None]
        if not left_s:
            return None
        # While SIGKILL is being repeated its moment has passed; look again soon, but do not spin. A long wait is cut
        # short because `poll` does not count the time a machine sleeps.
        return int(1000 * min(max(min(left_s), _RESCAN_S if self._stop else 0.001), 60.0)) + 1

    def _reap(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._agent.pid:
                for message in self._agent.read_messages():
                    self._hear(message)
                self._agent.ended()
            elif pid == self._command:
                self._statuses[pid] = status

    def _hear(self, message: dict[str, Any]) -> None:
        energy_j = message.get("energy_j")
        if isinstance(energy_j, (int, float)):
            self._energy_j = max(self._energy_j, energy_j)
        if "stop" in message:
            self._begin_stop(
                str(message["stop"]), str(message.get("message", "")), float(message.get("grace_s", 0))
            )

    def _begin_stop(self, reason: str, message: str, grace_s: float) -> None:
        if self._stop is not None:
            # The first reason stays; a second request can only shorten the wait.
            self._stop.kill_at_s = min(self._stop.kill_at_s, steady_s() + grace_s)
            return
        self._stop = Stop(reason, message, grace_s)
        self._survivors_of_stop(signal.SIGTERM)

    def _survivors_of_stop(self, number: int) -> None:
        running = self._running()
        if number == signal.SIGTERM:
            self._survivors.note_asked(running)
        for process in running:
            send(process.pid, number)

    def _running(self) -> list[Any]:
        return of_supervisor(self._spec.attempt, self._command, self._agent.pid)

    def _stopped(self, status: int | None) -> outcome.Outcome:
        assert self._stop is not None
        return outcome.of_stop(self._stop.reason, self._stop.message, status)

    def _end_survivors(self) -> None:
        """End what outlived the command. Those of a stopped command keep the time they were promised."""
        deadline_s = steady_s() + min(self._spec.grace_s, FINAL_GRACE_S)
        if self._stop is not None:
            deadline_s = self._stop.kill_at_s
            self._stop.kill_at_s = steady_s() + 1e9
        while self._survivors.ask_to_end() if steady_s() < deadline_s else self._survivors.kill():
            select.select([self._wake_read], [], [], _RESCAN_S)
            self._turn(wait=False)

    def _dismiss_agent(self, *, was_killed: bool) -> None:
        """Let the agent read the last lines and say the last records; go on without it if it cannot."""
        if self._agent.pid is None:
            self._agent.start()
        self._agent.order("end killed" if was_killed else "end")
        give_up_at_s = steady_s() + _LAST_WORDS_S
        while self._agent.pid is not None:
            left_s = give_up_at_s - steady_s()
            if left_s <= 0:
                self._agent.kill()
                left_s = _RESCAN_S
            waiting_for = [self._wake_read]
            if self._agent.messages_fd is not None:
                waiting_for.append(self._agent.messages_fd)
            select.select(waiting_for, [], [], left_s)
            self._reap()
            for message in self._agent.read_messages():
                self._hear(message)


def _do_nothing(_number: int, _frame: object) -> None:
    """SIGCHLD only has to interrupt `poll`, and an ignored signal would not."""


def _shell(command: str, search_path: str) -> list[str]:
    for name in ("bash", "sh"):
        path = find_program(name, search_path) or find_program(name, os.defpath)
        if path is not None:
            return [path, "-c", command]
    raise SpawnError("neither bash nor sh is on PATH ({})".format(search_path))
