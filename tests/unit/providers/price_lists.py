"""Stand-ins for the servers of price lists, which refuse every request that was not to be expected."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import httpx2
import pytest

from tradewind.domain.clock import SystemClock
from tradewind.domain.offers import Offer
from tradewind.providers.prices import PriceSource, Wire

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared")) / "contracts"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
P = ParamSpec("P")
T = TypeVar("T")
Answer = Callable[[httpx2.Request], httpx2.Response]


class FixedClock(SystemClock):
    """Stands still."""

    def now(self) -> datetime:
        return NOW


async def inline(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs at once."""
    return fn(*args, **kwargs)


class Vendor:
    """Answers by method and path; keeps what it was asked. Anything else is a mistake of the source."""

    def __init__(self, routes: Mapping[str, Answer | object]) -> None:
        self.routes = dict(routes)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.routes.get(f"{request.method} {request.url.path}")
        assert answer is not None, f"nobody has {request.method} {request.url}"
        return answer(request) if callable(answer) else httpx2.Response(200, json=answer)

    def wire(
        self, credentials: Mapping[str, str] | None = None, settings: Mapping[str, Any] | None = None
    ) -> Wire:
        """A wire whose client can reach this vendor only."""
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self))
        return Wire(
            http=client,
            clock=FixedClock(),
            offload=inline,
            credentials=credentials or {},
            settings=settings or {},
        )


async def fetch(source: PriceSource, vendor: Vendor, **credentials: str) -> list[Offer]:
    """The offers of a source at this vendor; every one must be stamped with the source and the time."""
    offers = await source.fetch(vendor.wire(credentials))
    assert {each.source for each in offers} <= {source.id}
    assert {each.seen_at for each in offers} <= {NOW}
    assert all(each.rate.currency == "USD" for each in offers)
    return offers


def contract(path: str, kind: str = "OpenApiContract", **more: str) -> Any:
    """The published contract with its strict checker; skips where the contracts or the checker's library are absent."""
    if not (CONTRACTS / path).exists():
        pytest.skip("the providers' contracts are not at TRADEWIND_SHARED")
    pytest.importorskip("jsonschema", reason="the contracts' checker needs jsonschema")
    place = importlib.util.spec_from_file_location("strict_check", CONTRACTS / "tools" / "strict_check.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    with warnings.catch_warnings():
        # It leaves the closing of its files to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return getattr(module, kind)(
            str(CONTRACTS / path), **{name: str(CONTRACTS / value) for name, value in more.items()}
        )


def faults_of(checker: Any, vendor: Vendor) -> list[str]:
    """What the contract has against the requests that a vendor was sent."""
    return [
        fault
        for request in vendor.requests
        for fault in checker.request(
            request.method, str(request.url), json.loads(request.content) if request.content else None
        )
    ]


def by_type(offers: list[Offer], market: str = "on_demand") -> dict[str, Offer]:
    """Offers of one market by their machine type, which must be unique."""
    found = [each for each in offers if each.market == market]
    assert len({each.instance_type for each in found}) == len(found)
    return {each.instance_type: each for each in found}


def dollars(offer: Offer) -> float:
    """The price of an hour of the whole machine."""
    return offer.rate.micro_per_unit / 1_000_000
