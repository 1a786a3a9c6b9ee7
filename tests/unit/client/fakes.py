"""A server, a clock and a die under the control of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        await self.sleep(timeout_s)
        return event.is_set()


class FakeEntropy:
    """Chance that counts."""

    def __init__(self) -> None:
        self.count = 0

    def token(self, byte_count: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(byte_count, "big")

    def uniform(self) -> float:
        return 1.0


class Pieces(httpx2.AsyncByteStream):
    """A body in given pieces; with `breaks` the connection is lost after the last."""

    def __init__(self, pieces: list[bytes], *, breaks: bool = False) -> None:
        self._pieces = pieces
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._breaks:
            raise httpx2.ReadError("connection reset by peer")


Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


@dataclass
class FakeServer:
    """Answers by method and path; a list of answers is used up one by one, the last one stays."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer | dict[str, Any]) -> None:
        """Sets the answers; a mapping is a 200 with JSON."""
        self.answers[method, path] = [
            httpx2.Response(200, json=answer) if isinstance(answer, dict) else answer for answer in answers
        ]

    def on_stream(self, path: str, *bodies: Pieces) -> None:
        """Sets event streams to be given one after the other."""
        self.answers["GET", path] = [httpx2.Response(200, stream=body) for body in bodies]

    def sent(self, method: str, path: str) -> list[httpx2.Request]:
        """The requests that came for this method and path."""
        return [r for r in self.requests if r.method == method and r.url.path == path]

    def sent_json(self, method: str, path: str) -> Any:
        """The body of the last request for this method and path."""
        return json.loads(self.sent(method, path)[-1].content)

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._handle)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answers = self.answers.get((request.method, request.url.path))
        if answers is None:
            return problem("TW-E400", 404, f"the fake has no {request.method} {request.url.path}")
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        # A fresh response each time: one that was read cannot be given out again.
        if isinstance(answer.stream, Pieces):
            return httpx2.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(code: str, status: int, detail: str, **fields: Any) -> httpx2.Response:
    """An error as the server sends it."""
    body = {
        "type": "about:blank",
        "title": "error",
        "status": status,
        "detail": detail,
        "code": code,
        **fields,
    }
    return httpx2.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


def sse(event: str, data: Any, id: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"id: {id}\n" if id is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def money(micro: int, text: str) -> dict[str, Any]:
    """A MoneyView."""
    return {"micro": micro, "currency": "USD", "text": text}


def job(**changes: Any) -> dict[str, Any]:
    """A JobDetail that has succeeded."""
    return {
        "id": "job_00000000000000000001",
        "name": "digits",
        "project": "default",
        "creator": "local",
        "status": "succeeded",
        "desired": "run",
        "reason": "exited",
        "explanation": "the command ended with exit status 0",
        "next_try_at": None,
        "provider": "local",
        "node": "here",
        "accelerators": None,
        "attempt": 1,
        "exit_code": 0,
        "created_at": "2026-11-22T11:58:00Z",
        "started_at": "2026-11-22T11:58:02Z",
        "ended_at": "2026-11-22T11:59:32Z",
        "progress": {
            "fraction": 1.0, "step": None, "total_steps": None, "epoch": 20.0, "total_epochs": 20.0,
            "metrics": {"loss": 0.0123, "accuracy": 0.971}, "at": None, "eta_seconds": None,
        },
        "cost": {
            "amount": money(420, "$0.00042"), "reserved": money(0, "$0.00"), "energy_kwh": 0.0012,
            "carbon_grams": 0.45, "basis": "modelled", "notes": ["65 W at $0.30/kWh"], "is_final": True,
        },
        "tags": {},
        "actions": ["retry"],
        "tasks": [
            {
                "id": "task_00000000000000000001", "index": 0, "status": "succeeded",
                "attempts": [
                    {
                        "id": "att_00000000000000000001", "number": 1, "status": "succeeded", "reason": "exited",
                        "explanation": "the command ended with exit status 0", "exit_code": 0, "signal": None,
                        "provider": "local", "node": "here", "created_at": "2026-11-22T11:58:00Z",
                        "started_at": "2026-11-22T11:58:02Z", "ended_at": "2026-11-22T11:59:32Z",
                        "resumed_from": None,
                    }
                ],
            }
        ],
        "spec": {"version": 1, "name": "digits", "run": "python train.py"},
        **changes,
    }  # fmt: skip


def log(
    text: str, offset: int, *, attempt: int = 1, stream: str = "stdout", **changes: Any
) -> dict[str, Any]:
    """A LogChunk."""
    return {
        "attempt": attempt, "stream": stream, "rank": 0, "offset": offset, "end": offset + len(text.encode()),
        "at": "2026-11-22T11:59:00Z", "text": text, "dropped": 0, **changes,
    }  # fmt: skip


def event(seq: int, message: str) -> dict[str, Any]:
    """An EventView."""
    return {
        "position": 100 + seq, "job": "job_00000000000000000001", "seq": seq, "type": "job.changed",
        "at": "2026-11-22T11:58:00Z", "actor": "system", "message": message, "data": {},
    }  # fmt: skip
