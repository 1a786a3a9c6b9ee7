"""Makes a repeated POST harmless: under the same key the same request gets the same answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel

from tradewind.control.submitting import recall, remember, request_hash
from tradewind.db.owners import Caller
from tradewind.db.store import Store, Transaction

M = TypeVar("M", bound=BaseModel)
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255, min_length=1)]


async def once(
    store: Store,
    caller: Caller,
    key: str | None,
    path: str,
    body: BaseModel | None,
    model: type[M],
    fn: Callable[[Transaction], M],
) -> M:
    """Runs `fn` in one durable transaction, or recalls what it answered the first time."""
    if key is None:
        return await store.run(fn, durable=True)
    digest = request_hash(path, body.model_dump(mode="json") if body else None)

    def guarded(tx: Transaction) -> M:
        known = recall(tx, caller, key, digest)
        if known is not None:
            return model.model_validate(known)
        answer = fn(tx)
        remember(tx, caller, key, digest, answer.model_dump(mode="json"))
        return answer

    return await store.run(guarded, durable=True)
