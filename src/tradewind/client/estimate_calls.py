"""Estimates and the comparison of providers: the part of the client that speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_cloud, schemas_estimate

_API: Final = "/api/v1"
_CLOUD: Final = "/api/cloud"


class EstimateCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def estimate(
        self, spec: dict[str, Any], *, accelerators: list[str] | None = None
    ) -> schemas_estimate.EstimateView:
        """What a job file would take, on each accelerator it may run on or on those named (`H100:8`)."""
        from tradewind.domain import schemas_estimate

        request = schemas_estimate.EstimateRequest(spec=spec, accelerators=accelerators)
        response = await self._exchange.request(
            "POST", f"{_API}/estimates", json=request.model_dump(mode="json", exclude_none=True)
        )
        return schemas_estimate.EstimateView.model_validate_json(response.content)

    async def estimate_accuracy(self) -> schemas_estimate.AccuracyView:
        """How far the caller's recent estimates were off."""
        from tradewind.domain import schemas_estimate

        response = await self._exchange.request("GET", f"{_API}/estimates/accuracy")
        return schemas_estimate.AccuracyView.model_validate_json(response.content)

    async def compare_costs(self, question: schemas_cloud.CostComparison) -> schemas_cloud.ComparisonAnswer:
        """What so many hours cost on every platform and here."""
        from tradewind.domain import schemas_cloud

        response = await self._exchange.request(
            "POST", f"{_CLOUD}/compare-costs", json=question.model_dump(mode="json", exclude_none=True)
        )
        return schemas_cloud.ComparisonAnswer.model_validate_json(response.content)

    async def setup_instructions(self, platform: str) -> schemas_cloud.SetupInstructions:
        """How to get ready for a provider."""
        from tradewind.domain import schemas_cloud

        response = await self._exchange.request("GET", f"{_CLOUD}/setup-instructions/{platform}")
        return schemas_cloud.SetupInstructions.model_validate_json(response.content)
