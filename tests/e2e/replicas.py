"""Several servers on one PostgreSQL: killed at random and started again, asked through whichever is up."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.installation import Answer, Installation
from tests.e2e.waiting import eventually

_BETWEEN_TRIES_S = 0.05


class Replica(Installation):
    """One server of several that share a database, files and what their jobs write outside."""

    def __init__(self, home: Path, url: str, shared: Path, outside: Path) -> None:
        super().__init__(home)
        self._url = url
        self._shared = shared
        self.outside = outside
        self.extra_environment |= {"TRADEWIND_DATABASE_URL": url, "TRADEWIND_STORAGE": str(shared)}

    def directory(self, attempt_id: str) -> Path:
        return self._shared / "attempts" / attempt_id

    def rows(self, statement: str) -> list[dict[str, Any]]:
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(self._url) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement.encode()).fetchall()


class Killer:
    """Kills one replica after the other, at random, and starts it again at once."""

    def __init__(self, replicas: list[Replica], chance: random.Random, kills: int, every_s: float) -> None:
        self._replicas = replicas
        self._chance = chance
        self._wanted = kills
        self._every_s = every_s
        self.kills = 0
        self.took_s = 0.0
        self._error: BaseException | None = None
        self._is_told_to_stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def __enter__(self) -> None:
        """While the block runs it kills, if it has not done with that before."""

    def __exit__(self, *_: object) -> None:
        self._is_told_to_stop.set()
        self._thread.join()

    @property
    def is_done(self) -> bool:
        """Whether it has stopped killing. Raises what stopped it before its time."""
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _work(self) -> None:
        due = begun = time.monotonic()
        try:
            while self.kills < self._wanted:
                due += self._every_s
                if self._is_told_to_stop.wait(max(0.0, due - time.monotonic())):
                    return
                self._kill(self._chance.choice(self._replicas))
                self.took_s = time.monotonic() - begun
        except BaseException as error:
            self._error = error

    def _kill(self, replica: Replica) -> None:
        assert replica.server is not None
        status = replica.server.poll()
        assert status is None, f"a server ended by itself with {status}:\n{replica.server_log()[-3000:]}"
        replica.kill()
        replica.spawn_server()
        self.kills += 1


def ask(
    replicas: list[Replica],
    chance: random.Random,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """What a replica that is up answers. Who gets no answer, or that of one that cannot work, asks another one."""
    answers: list[Answer] = []

    def try_one() -> bool:
        try:
            answer = chance.choice(replicas).request(method, f"/api/v1{path}", body, headers, timeout_s=10)
        except (OSError, http.client.HTTPException):
            return False
        answers.append(answer)
        return answer.status < 500

    # Where servers are killed before they are up, nobody answers until the killing ends.
    eventually(f"somebody answers {method} {path}", try_one, timeout_s=300)
    return answers[-1]


class Follower:
    """Reads the stream of all events, going on elsewhere after its last one whenever a server leaves it."""

    def __init__(
        self, replicas: list[Replica], chance: random.Random, is_enough: Callable[[int], bool]
    ) -> None:
        self.positions: list[int] = []
        #: How often it was connected.
        self.connections = 0
        self._replicas = replicas
        self._chance = chance
        self._is_enough = is_enough
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def last(self) -> int:
        """The position of the newest event it has seen."""
        return self.positions[-1] if self.positions else 0

    def join(self, timeout_s: float) -> None:
        """Waits until it has seen enough."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), f"the stream stands at event {self.last}"

    def _follow(self) -> None:
        while not self._is_enough(self.last):
            try:
                self._read(self._chance.choice(self._replicas))
            except (OSError, http.client.HTTPException):
                time.sleep(_BETWEEN_TRIES_S)

    def _read(self, replica: Replica) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=20)
        headers = {"Authorization": f"Bearer {replica.token}", "Last-Event-ID": str(self.last)}
        try:
            connection.request("GET", "/api/v1/events/stream", headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(f"status {response.status}")
            self.connections += 1
            fields: dict[bytes, bytes] = {}
            while not self._is_enough(self.last):
                line = response.readline()
                if not line:
                    return
                if line.strip():
                    name, _, value = line.strip().partition(b":")
                    fields[name] = value.strip()
                    continue
                # Only an empty line makes a message whole.
                if b"id" in fields:
                    position = int(fields[b"id"])
                    assert json.loads(fields[b"data"])["position"] == position
                    self.positions.append(position)
                fields = {}
        finally:
            connection.close()
