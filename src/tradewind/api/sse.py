"""Server-sent events: fast to write, resumable by id."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import StreamingResponse

KEEP_ALIVE: Final = b": keep-alive\n\n"
KEEP_ALIVE_S: Final = 15.0


def message(event: str, data: str, event_id: str | None = None) -> bytes:
    """One event; `data` is JSON on one line."""
    head = f"event: {event}\n" if event_id is None else f"id: {event_id}\nevent: {event}\n"
    return f"{head}data: {data}\n\n".encode()


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def stream(source: AsyncIterator[bytes]) -> StreamingResponse:
    """An answer that no proxy in between may hold back or keep."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(source, media_type="text/event-stream", headers=headers)
