"""One conversation with an agent on another machine: framed requests and answers over one SSH channel."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Final

import asyncssh

from tradewind.agent.serve.frames import LARGEST_BODY_BYTES, LARGEST_HEADER_BYTES, LENGTHS
from tradewind.domain.errors import ProviderError, ProviderFault

#: How long an answer may take when nothing else is said. Also what bounds a look at a machine that went silent.
PATIENCE_S: Final = 30.0
#: What the far side's own refusals mean here.
_FAULTS: Final = {
    "full": ProviderFault.INVALID,
    "denied": ProviderFault.PERMISSION,
    "refused": ProviderFault.INVALID,
    "unknown": ProviderFault.INVALID,
    "gone": ProviderFault.NOT_FOUND,
}

Answer = tuple[dict[str, Any], bytes]


class FarError(ProviderError):
    """The agent there did not do what it was asked. `word` is its own for why."""

    def __init__(self, fault: ProviderFault, message: str, word: str) -> None:
        super().__init__(fault, message)
        self.word = word


class AgentSession:
    """Requests may be sent before earlier ones are answered; answers come in any order."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], name: str) -> None:
        self._process = process
        self._name = name
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last = 0
        #: What `hello` said.
        self.machine: dict[str, Any] = {}
        self.is_over = False
        self.ended = asyncio.ensure_future(self._read())

    def send(self, op: str, body: bytes = b"", **fields: Any) -> asyncio.Future[Answer]:
        """Sends a request; the future gets its answer, or ConnectionError when the conversation ends before."""
        self._last += 1
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self.is_over:
            future.set_exception(ConnectionError("the connection broke"))
            return future
        number = self._last
        self._waiting[number] = future
        future.add_done_callback(lambda _done: self._waiting.pop(number, None))
        header = json.dumps({**fields, "op": op, "id": number}).encode()
        try:
            self._process.stdin.write(LENGTHS.pack(len(header), len(body)) + header + body)
        except OSError as error:
            # It was cut since we last heard of it: nothing of this was sent.
            future.cancel()
            self.close()
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT, f"the connection to {self._name} broke before `{op}`: {error}"
            ) from None
        return future

    async def drain(self) -> None:
        """Waits until there is room for more to be sent."""
        with contextlib.suppress(OSError, asyncssh.Error):
            await self._process.stdin.drain()

    async def ask(
        self,
        op: str,
        body: bytes = b"",
        *,
        patience_s: float | None = PATIENCE_S,
        changes: bool = False,
        **fields: Any,
    ) -> Answer:
        """Sends a request and waits for its answer.

        `changes` says that it has an effect: when nobody knows whether it had, the error is `AMBIGUOUS`.
        """
        return await self.answer(self.send(op, body, **fields), op, patience_s=patience_s, changes=changes)

    async def answer(
        self,
        future: asyncio.Future[Answer],
        op: str,
        *,
        patience_s: float | None = PATIENCE_S,
        changes: bool = False,
    ) -> Answer:
        """Waits for the answer to what was sent. Raises ProviderError."""
        lost = ProviderFault.AMBIGUOUS if changes else ProviderFault.PROVIDER_FAULT
        try:
            async with asyncio.timeout(patience_s):
                header, body = await future
        except TimeoutError:
            # A machine that does not answer one request will not answer the next one on this connection.
            self.close()
            raise ProviderError(
                lost, f"{self._name} did not answer `{op}` within {patience_s:.0f} s"
            ) from None
        except ConnectionError as error:
            raise ProviderError(
                lost, f"the connection to {self._name} broke during `{op}`: {error}"
            ) from None
        if "error" in header:
            code = str(header.get("code") or "failed")
            raise FarError(
                _FAULTS.get(code, ProviderFault.PROVIDER_FAULT), _sentence(self._name, code, header), code
            )
        return header, body

    async def _read(self) -> None:
        problem = "it was closed"
        reader = self._process.stdout
        try:
            while True:
                lengths = await reader.readexactly(LENGTHS.size)
                header_bytes, body_bytes = LENGTHS.unpack(lengths)
                if header_bytes > LARGEST_HEADER_BYTES or body_bytes > LARGEST_BODY_BYTES:
                    problem = "the other side sent something that is no answer"
                    return
                header = json.loads(await reader.readexactly(header_bytes))
                body = await reader.readexactly(body_bytes)
                number = header.get("id") if isinstance(header, dict) else None
                future = self._waiting.get(number) if isinstance(number, int) else None
                if future is not None and not future.done():
                    future.set_result((header, body))
        except (asyncio.IncompleteReadError, asyncssh.Error, OSError) as error:
            problem = str(error) if not isinstance(error, asyncio.IncompleteReadError) else problem
        except ValueError:
            problem = "the other side sent something that is no answer"
        finally:
            self.is_over = True
            for future in list(self._waiting.values()):
                if not future.done():
                    future.set_exception(ConnectionError(problem))
                    # Whoever was to be told may be gone.
                    future.exception()
            self._process.close()

    def close(self) -> None:
        """Ends the conversation; what it had started goes on."""
        self.is_over = True
        self._process.close()


def _sentence(name: str, code: str, header: dict[str, Any]) -> str:
    text = str(header["error"])[:500]
    if code == "full":
        return f"the disk of {name} is full ({text}); free some of it, or choose a larger one"
    if code == "denied":
        return f"{name} does not let its user write there ({text})"
    return f"{name}: {text}"


Wake = Callable[[], None]
