"""What a look at a provider on a user's own account found, as it travels. Nothing of the account is in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView


class CheckStep(Answer):
    """One thing that was tried."""

    name: str
    outcome: Literal["passed", "failed"]
    #: A sentence without names, addresses and credentials.
    message: str
    seconds: float


class CheapestOffer(Answer):
    """The cheapest machine that is to be had now."""

    instance_type: str
    region: str
    zone: str | None
    market: str
    price_per_hour: MoneyView


class ProviderCheck(Answer):
    """The part that costs nothing: what it was asked, and what came of it."""

    provider: str
    #: Version of Tradewind.
    version: str
    steps: list[CheckStep] = Field(default_factory=list)
    cheapest: CheapestOffer | None = None
