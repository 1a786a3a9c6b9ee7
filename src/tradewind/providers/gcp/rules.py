"""Firewall rules of a project, by their names."""

from __future__ import annotations

from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.gcp.faults import already_exists, operation_fault
from tradewind.providers.rest import Rest

_CONFLICT: Final = 409
_LOOK_EVERY_S: Final = 1.0
_LOOKS: Final = 20


class Rules:
    """Lists, makes and deletes them. `root` is the project's path. Every method raises ProviderError."""

    def __init__(self, api: Rest, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def called(self, root: str, prefix: str) -> list[dict[str, Any]]:
        """All rules whose names begin so."""
        query = {"filter": f'name eq "{prefix}.*"'}
        found = (await self._api.get(f"{root}/global/firewalls", query)).get("items") or []
        return [each for each in found if str(each["name"]).startswith(prefix)]

    async def insert(self, root: str, body: dict[str, Any], request_id: str | None = None) -> None:
        """Makes a rule, unless there is one of this name, and waits a while until it is there."""
        token = None if request_id is None else {"requestId": request_id}
        answer = await self._api.change(
            "POST", f"{root}/global/firewalls", body, token, is_repeatable=True, accepting=(_CONFLICT,)
        )
        if answer.status != _CONFLICT:
            await self._wait(f"{root}/global", answer.body)

    async def _wait(self, scope: str, operation: dict[str, Any]) -> None:
        """Until the rule is there, or for a while: the machine takes longer to boot."""
        for _ in range(_LOOKS):
            if operation.get("status") == "DONE":
                break
            await self._clock.sleep(_LOOK_EVERY_S)
            operation = await self._api.get(f"{scope}/operations/{operation['name']}")
        refused = operation_fault(operation)
        if refused is not None and not already_exists(operation):
            raise refused

    async def delete(self, root: str, name: str) -> None:
        """Deletes a rule. Does nothing where there is none."""
        try:
            await self._api.change("DELETE", f"{root}/global/firewalls/{name}", is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
