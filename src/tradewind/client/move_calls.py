"""Where jobs run: the part of the client that moves them, looks after machines, and asks what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_moves as schemas

_API: Final = "/api/v1"


class MoveCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def migrate(self, job: str, to: str | None = None, *, dry_run: bool = False) -> schemas.MoveView:
        """Moves a running job to the best other place, or to the one named (`provider` or `provider/zone`)."""
        response = await self._exchange.request(
            "POST", f"{_API}/jobs/{quote(job, safe='')}/migrate", json={"to": to, "dry_run": dry_run}
        )
        from tradewind.domain.schemas_moves import MoveView

        return MoveView.model_validate_json(response.content)

    async def decisions(self, job: str) -> list[schemas.DecisionView]:
        """What was decided about where a job runs, with its arithmetic, the newest first."""
        response = await self._exchange.request("GET", f"{_API}/jobs/{quote(job, safe='')}/decisions")
        from tradewind.domain.schemas_moves import DecisionList

        return DecisionList.model_validate_json(response.content).items

    async def sweep(self, *, dry_run: bool = False) -> schemas.SweepView:
        """Looks over every connection for machines that belong to nothing, and gives them back."""
        response = await self._exchange.request("POST", f"{_API}/sweeps", json={"dry_run": dry_run})
        from tradewind.domain.schemas_moves import SweepView

        return SweepView.model_validate_json(response.content)
