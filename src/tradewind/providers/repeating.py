"""Which calls to a vendor may be made again, and when: the same for all, however they are spoken to.

A call that only reads is repeated a few times. One that changes something is repeated only when it is certain that it
had no effect, or that a second one is harmless.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from tradewind.domain.clock import Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.prices import Wire

T = TypeVar("T")
_TRIES: Final = 4
_LONGEST_WAIT_S: Final = 60.0
_LONGEST_SENTENCE: Final = 300


async def repeated(
    call: Callable[[], Awaitable[T]],
    wire: Wire,
    entropy: Entropy,
    *,
    is_safe: bool,
    is_repeatable: bool = False,
) -> T:
    """What the call returns. `is_safe`: it only reads; `is_repeatable`: the vendor makes a second one harmless.

    Raises:
        ProviderError: what the last try raised.
    """
    passing = {ProviderFault.RATE_LIMIT}
    if is_safe:
        passing.add(ProviderFault.PROVIDER_FAULT)
    if is_repeatable:
        passing.add(ProviderFault.AMBIGUOUS)

    def may_pass(error: BaseException) -> bool:
        is_near = isinstance(error, ProviderError) and (error.retry_after_s or 0) <= _LONGEST_WAIT_S
        return is_near and isinstance(error, ProviderError) and error.fault in passing

    def pause_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        hint_s = error.retry_after_s if isinstance(error, ProviderError) else None
        pause: float = min(0.5 * 2**state.attempt_number, 10.0) * (0.5 + entropy.uniform())
        return (hint_s or 0.0) + pause

    answer: T
    async for attempt in AsyncRetrying(
        sleep=wire.clock.sleep,
        stop=stop_after_attempt(_TRIES),
        wait=pause_s,
        retry=retry_if_exception(may_pass),
        reraise=True,
    ):
        with attempt:
            answer = await call()
    return answer


def clean_sentence(text: object, wire: Wire) -> str:
    """A vendor's sentence for a user: printable, short, and without anything that is a credential."""
    if not isinstance(text, str):
        return ""
    for value in wire.credentials.values():
        if len(value) >= 4:
            text = text.replace(value, "[secret]")
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:_LONGEST_SENTENCE]
