"""How one part of the client asks the server one question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange, Parameters

_A = TypeVar("_A", bound=BaseModel)
API: Final = "/api/v1"


class Calls:
    """What the parts of `AsyncClient` share."""

    _exchange: Exchange

    async def _ask(
        self,
        answer: type[_A],
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        parameters: Parameters | None = None,
        timeout_s: float | None = None,
    ) -> _A:
        """The answer to a request below `/api/v1`. The same idempotency `key` twice has one effect."""
        response = await self._exchange.request(
            method,
            API + path,
            json=body,
            parameters=parameters,
            headers={"Idempotency-Key": key} if key else None,
            timeout_s=timeout_s,
        )
        return answer.model_validate_json(response.content)


def quoted(reference: str) -> str:
    """An id or a name as one part of a path."""
    return quote(reference, safe="")
