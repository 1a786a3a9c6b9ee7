"""How a simulated cloud behaves: what it promises, how slow it is, and what goes wrong with it how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradewind.domain.offers import Capabilities, CreateIdempotency, SelfTermination
from tradewind.providers.simulated.market import Stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Probabilities per call, and spans of time in which all of them fail."""

    #: The call never arrives, and nobody can tell.
    lost_call: float = 0.0
    #: The call has its effect, and the answer never arrives.
    lost_reply: float = 0.0
    #: The call arrives twice.
    duplicate: float = 0.0
    rate_limit: float = 0.0
    server_error: float = 0.0
    #: A look at a machine answers with a word that nobody knows.
    odd_state: float = 0.0
    outages: tuple[tuple[datetime, datetime], ...] = ()
    expired_credentials: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One cloud. Times are in seconds."""

    id: str
    create_idempotency: CreateIdempotency = CreateIdempotency.TOKEN
    self_termination: SelfTermination = SelfTermination.PROVIDER_TTL
    #: Listings and look-ups show what happened only so long afterwards.
    list_lag_s: float = 0.0
    latency_s: float = 0.2
    boot_s: tuple[float, float] = (30.0, 90.0)
    #: Share of machines that never become ready.
    dead_on_arrival: float = 0.0
    #: From the request until it is gone; it costs money until then.
    termination_s: tuple[float, float] = (5.0, 40.0)
    #: Mean time between interruptions of one spot machine; None: only when capacity falls.
    spot_mean_life_s: float | None = None
    #: How long before it is taken a spot machine is told; 0: not at all.
    notice_s: float = 0.0
    #: How it tells the machine itself, in the agent's words; None: not at all.
    reclaim_notice: str | None = None
    #: Mean time until a machine breaks; None: never.
    mean_life_s: float | None = None
    quota: int = 100
    #: Whether its machines reach each other.
    has_multi_node: bool = True
    #: Ended machines stay in listings for so long.
    shows_ended_s: float = 7200.0
    granularity_s: int = 1
    minimum_s: int = 0
    stocks: tuple[Stock, ...] = ()
    faults: Faults = field(default_factory=Faults)

    @property
    def capabilities(self) -> Capabilities:
        """What it declares."""
        return Capabilities(
            create_idempotency=self.create_idempotency,
            self_termination=self.self_termination,
            list_lag=timedelta(seconds=self.list_lag_s),
            boot_timeout=timedelta(minutes=10),
            has_multi_node=self.has_multi_node,
            has_spot=any(each.market == "spot" for each in self.stocks),
            reclaim_notice=self.reclaim_notice,
        )
