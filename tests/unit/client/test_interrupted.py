"""A reader that is interrupted where nobody could cancel its step still gets its stream closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tradewind.client.endpoint import FixedEndpoint
from tradewind.client.synchronous import Client


def test_a_step_that_nobody_cancelled_is_ended_with_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    async def batches() -> AsyncIterator[list[int]]:
        try:
            yield [1]
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with Client(endpoint=FixedEndpoint("http://127.0.0.1:9", "t")) as client:
        items = client.iterate(batches())
        assert next(items) == 1
        real = client.run_coroutine
        interrupts = iter([True])

        def interrupted(coroutine: Any, **options: Any) -> Any:
            if next(interrupts, False):
                # Control-C between the start of the step and the wait for it.
                asyncio.run_coroutine_threadsafe(coroutine, client._loop)
                real(asyncio.sleep(0))
                raise KeyboardInterrupt
            return real(coroutine, **options)

        monkeypatch.setattr(client, "run_coroutine", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(items)
        assert ended == [True]
