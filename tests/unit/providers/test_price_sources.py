"""What holds for every price source: it says what it is, and no answer whatever breaks it."""

from __future__ import annotations

import asyncio
import copy
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.providers import test_azure_prices as azure
from tests.unit.providers import test_digitalocean_prices as digitalocean
from tests.unit.providers import test_gcp_prices as gcp
from tests.unit.providers import test_lambda_prices as lambda_cloud
from tests.unit.providers import test_lyceum_prices as lyceum
from tests.unit.providers import test_oci_prices as oci
from tests.unit.providers import test_runpod_prices as runpod
from tests.unit.providers import test_vast_prices as vast
from tests.unit.providers import test_vultr_prices as vultr
from tests.unit.providers.price_lists import Vendor
from tradewind.domain.errors import ProviderError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market
from tradewind.providers.about import all_abouts
from tradewind.providers.prices import known_sources

KEYS = {
    name: f"secret-{name}"
    for name in (
        "LAMBDA_API_KEY", "DIGITALOCEAN_ACCESS_TOKEN", "LYCEUM_API_KEY", "GOOGLE_API_KEY", "RUNPOD_API_KEY",
    )
}  # fmt: skip
#: A good answer per path and source, with everything that the source reads.
GOOD: dict[str, dict[str, Any]] = {
    "lambda-types": {lambda_cloud.PATH: lambda_cloud.TYPES},
    "digitalocean-sizes": {digitalocean.PATH: {"sizes": digitalocean.PAGES[0], "links": {}}},
    "lyceum-pricing": {lyceum.PRICING: lyceum.LIST, lyceum.FREE: lyceum.STOCK},
    "runpod-catalog": {
        runpod.PATH: {"gpus": [runpod.kind("X", 24, 1, 2, dataCenters=[{"id": "a", "availability": "LOW"}])]}
    },
    "gcp-skus": {gcp.PATH: {"skus": gcp.FIRST + gcp.SECOND}},
    "azure-retail": {azure.PATH: {"Items": azure.FIRST + azure.SECOND, "NextPageLink": None}},
    "oci-list": {
        f"GET {oci.BASE}/shapes.json": {"items": oci.SHAPES},
        f"GET {oci.BASE}/products.json": {"items": oci.PRODUCTS},
    },
    "vultr-plans": {
        "GET /v2/plans": {"plans": vultr.PLANS, "meta": {"links": {"next": ""}}},
        "GET /v2/plans-metal": {"plans_metal": vultr.METAL},
    },
    "vast-search": {vast.PATH: {"offers": [vast.ask(1), vast.ask(2)]}},
}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["700", "0.00", "-1", "1e400", "NaN", "", "10" * 30]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("name", sorted(known_sources()))
def test_a_source_says_what_it_is(name: str) -> None:
    source = known_sources()[name]()
    assert source.id == name
    assert source.title
    assert source.max_age >= timedelta(minutes=5)
    assert set(source.providers) <= set(all_abouts())
    said = {field.environment for about in all_abouts().values() for field in about.credentials}
    assert {*source.credentials, *getattr(source, "optional_credentials", ())} <= said
    assert isinstance(source.is_opt_in, bool)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_good_answer_gives_offers_that_fit_into_a_table(name: str) -> None:
    offers = asyncio.run(known_sources()[name]().fetch(Vendor(GOOD[name]).wire(KEYS)))
    assert offers
    table = OfferTable.of(offers)
    assert len(table) == len(offers)
    assert {each.market for each in offers} <= {market.value for market in Market}
    assert all(("no_price" in each.flags) == (each.rate.micro_per_unit == 0) for each in offers)


def spoil(value: Any, places: list[int], odd: Any) -> Any:
    """The value with one thing in it replaced: `places` leads there."""
    if not places or not isinstance(value, dict | list) or not value:
        return odd
    keys = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[places[0] % len(keys)]
    value[key] = spoil(value[key], places[1:], odd)
    return value


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_answer_breaks_a_source(name: str, data: st.DataObject) -> None:
    answers = copy.deepcopy(GOOD[name])
    path = data.draw(st.sampled_from(sorted(answers)))
    for _ in range(data.draw(st.integers(1, 3))):
        answers[path] = spoil(
            answers[path], data.draw(st.lists(st.integers(0, 40), max_size=7)), data.draw(ODD)
        )
    # Servers do send NaN and Infinity, which Python's own reader takes.
    bodies = {route: json.dumps(answer).encode() for route, answer in answers.items()}
    vendor = Vendor({route: _answer(body) for route, body in bodies.items()})
    try:
        offers = asyncio.run(known_sources()[name]().fetch(vendor.wire(KEYS)))
    except ProviderError as error:
        said = f"{error.message} {error.hint} {error.causes}"
        assert not [key for key in KEYS.values() if key in said]
    else:
        OfferTable.of(offers)
        assert all(each.rate.micro_per_unit >= 0 for each in offers)


def _answer(body: bytes) -> Any:
    return lambda _: httpx2.Response(200, content=body)
