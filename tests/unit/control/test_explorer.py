"""The offers page: rows, order, counts per filter, cards, what to give up, and that all of them agree."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.unit.control.test_instances import machine_here
from tests.unit.offers_for_tests import SEEN, an_offer, offer_lists
from tradewind.control.explorer import explorer_page, sources_health
from tradewind.control.explorer_detail import compare_offers, offer_detail
from tradewind.control.explorer_export import COLUMNS, export_portions
from tradewind.control.explorer_summary import search_query
from tradewind.control.goods import Goods, goods_of, with_told_machine
from tradewind.control.offer_keys import find_rows
from tradewind.control.refusals import Refusal
from tradewind.control.shop import Shop
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_explorer import (
    ExplorerExport,
    ExplorerPage,
    ExplorerQuery,
    ExplorerRow,
    ExplorerSearch,
    Facet,
    OfferQuestion,
    OffersQuestion,
    WorkTerms,
)

NOW = SEEN + timedelta(minutes=4)
_LISTS = {name for name, field in ExplorerSearch.model_fields.items() if "list" in str(field.annotation)}


def goods(*offers: Offer, own: tuple[Offer, ...] = (), runnable: frozenset[str] = frozenset()) -> Goods:
    return goods_of(OfferTable.of(offers), own, runnable)


def page(given: Goods, **query: Any) -> ExplorerPage:
    return explorer_page(given, ExplorerQuery(**query), sources_health([], []), NOW)


def only(given: Goods, **query: Any) -> ExplorerRow:
    (row,) = page(given, **query).items
    return row


def facet(shown: ExplorerPage, name: str) -> Facet:
    return next(each for each in shown.facets if each.name == name)


def counts(shown: ExplorerPage, name: str) -> dict[str, int]:
    return {each.value: each.count for each in facet(shown, name).values}


def search_of(query: str) -> ExplorerSearch:
    """What a query string asks, read as the server reads it."""
    values = parse_qs(query)
    return ExplorerSearch.model_validate(
        {name: found if name in _LISTS else found[0] for name, found in values.items()}
    )


def test_a_row_says_what_it_costs_by_the_hour_by_the_gpu_hour_and_for_the_work() -> None:
    row = only(goods(an_offer(16.0, count=8, provider="lambda", accelerator="H100-SXM")), hours=10)
    assert row.price is not None
    assert row.price.text == "$16.00"
    assert row.gpu_price is not None
    assert row.gpu_price.text == "$2.00"
    assert row.total is not None
    assert row.total.micro >= 160_000_000
    assert row.total_note.startswith("10 h of training")
    assert (row.title, row.market_title) == ("8x H100 SXM", "On demand")
    assert row.total_memory_gb == 640
    assert (row.age.label, row.seen_at, row.source) == ("Fresh", SEEN, "list")
    assert row.work is not None
    assert row.work.micro < row.gpu_price.micro
    assert row.carbon_text is not None
    assert row.carbon_text.endswith("CO2e")
    assert row.resources.accelerators == ["H100-SXM:8"]


@pytest.mark.parametrize(
    ("level", "label", "icon"),
    [
        (Availability.HIGH, "High", "check"),
        (Availability.MEDIUM, "Medium", "clock"),
        (Availability.LOW, "Low", "alert"),
        (Availability.UNAVAILABLE, "Unavailable", "cross"),
        (Availability.UNKNOWN, "Unknown", "question"),
    ],
)
def test_availability_is_text_and_picture(level: Availability, label: str, icon: str) -> None:
    row = only(goods(an_offer(availability=level)))
    assert (row.availability.label, row.availability.icon, row.availability_level) == (label, icon, level)


def test_all_five_levels_look_different() -> None:
    badges = [only(goods(an_offer(availability=level))).availability for level in Availability]
    assert len({(each.tone, each.icon) for each in badges}) == len({each.icon for each in badges}) == 5


def test_ages_have_a_word() -> None:
    def age(**ago: float) -> str:
        return only(goods(an_offer(seen_at=NOW - timedelta(**ago)))).age.label

    assert [age(minutes=4), age(hours=5), age(days=3), age(days=90)] == ["Fresh", "Today", "Days old", "Old"]
    assert only(goods(an_offer(seen_at=None))).age.label == "Unknown age"


def test_the_machine_at_hand_is_a_row_at_the_price_of_its_electricity() -> None:
    given = goods(an_offer(2.0), own=(machine_here(grams_co2e_per_kwh=400.0),))
    own = page(given, hours=10, market=["owned"]).items[0]
    assert own.is_own
    assert own.launch.is_possible
    assert own.price is not None
    assert own.price.text == "$0.10"
    assert own.total is not None
    assert own.total.text == "$1.00"
    assert own.total_note == "10 h of training at about 500 W."
    assert (own.energy_kwh, own.carbon_text) == (5.0, "2 kg CO2e")
    assert own.seen_at == NOW
    assert [each.provider for each in page(given).items] == ["local", "lambda"]


def test_what_a_machine_at_hand_says_replaces_what_lists_say_of_its_provider() -> None:
    given = goods(an_offer(9.0, provider="local"), an_offer(2.0), own=(machine_here(),))
    assert [each.provider for each in page(given).items] == ["local", "lambda"]


def test_the_user_may_say_what_their_own_machine_costs() -> None:
    terms = WorkTerms.model_validate({"local_cost": "2.50", "local_gpu": "RTX 4090"})
    given = goods_of(OfferTable.of([an_offer(1.0)]), with_told_machine([], terms), frozenset())
    shown = page(given, hours=10)
    own = next(each for each in shown.items if each.is_own)
    assert own.total is not None
    assert own.total.text == "$25.00"
    assert own.title == "RTX 4090"
    assert own.total_note == "10 h of training at the rate you gave."
    cheapest = shown.cards[0]
    assert cheapest.savings is not None
    assert cheapest.savings.startswith("Saves 5")
    with pytest.raises(InvalidInputError, match="no GPU is called"):
        with_told_machine([], WorkTerms.model_validate({"local_cost": "1", "local_gpu": "abacus"}))


def test_cards_say_which_is_cheapest_fastest_and_recommended_and_why() -> None:
    given = goods(
        an_offer(1.0, provider="azure", availability=Availability.LOW),
        an_offer(1.1, provider="runpod"),
        an_offer(0.2, provider="gcp", market="spot"),
        own=(machine_here(),),
    )
    shown = page(given, hours=10, provider=["azure", "runpod", "gcp"])
    cheapest, fastest, recommended = shown.cards
    assert [each.kind for each in shown.cards] == ["cheapest", "fastest", "recommended"]
    assert (cheapest.row.provider, fastest.row.provider, recommended.row.provider) == (
        "azure",
        "runpod",
        "runpod",
    )
    assert "more than the cheapest" in recommended.reason
    assert cheapest.row.total is not None
    assert cheapest.headline.startswith(cheapest.row.total.text)
    # The machine at hand is filtered away, and still what savings are told against.
    assert cheapest.savings is not None
    assert "as much as your machine ($1.00)" in cheapest.savings
    assert any("Spot from" in note for note in shown.notes)
    spot = page(given, hours=10, market=["spot"])
    assert {each.row.provider for each in spot.cards} == {"gcp"}
    assert any("can be taken back" in note for note in spot.notes)


def test_where_here_is_the_cheapest_nothing_is_saved() -> None:
    shown = page(goods(an_offer(2.0), own=(machine_here(),)), hours=10)
    assert shown.cards[0].row.is_own
    assert shown.cards[0].savings is None


def test_what_is_sold_out_wins_only_where_everything_is() -> None:
    gone = an_offer(1.0, availability=Availability.UNAVAILABLE)
    assert page(goods(gone, an_offer(5.0, provider="aws"))).cards[0].row.provider == "aws"
    alone = page(goods(gone))
    assert alone.cards[0].row.provider == "lambda"
    assert "none of them can be had now" in alone.notes


def test_hours_are_scaled_where_it_is_said_what_they_were_measured_on() -> None:
    given = goods(an_offer(1.0, accelerator="H100-SXM"), an_offer(1.0, accelerator="Mystery X"))
    shown = page(given, hours=10, on="A100 80GB")
    fast, unknown = shown.items
    assert fast.hours is not None
    assert fast.hours < 10
    assert (unknown.hours, unknown.total, unknown.finish_text) == (None, None, "–")
    assert "cannot be carried over" in unknown.total_note
    assert [each.row.accelerator for each in shown.cards] == ["H100-SXM"] * 3
    with pytest.raises(InvalidInputError, match="nothing is known of the speed"):
        page(given, on="abacus")


def test_the_total_of_spot_counts_interruptions() -> None:
    steady = only(goods(an_offer(1.0)), hours=100)
    spot = only(goods(an_offer(1.0, market="spot")), hours=100)
    assert steady.total is not None
    assert spot.total is not None
    assert spot.total.micro > steady.total.micro
    assert "expected interruptions" in spot.total_note


def test_a_place_that_refused_counts_as_taken() -> None:
    refusal = Refusal(
        provider="lambda", region="us-east-1", zone="", instance_type="gpu_1x_a100", market="on_demand",
        fault="capacity", message="none left", until=NOW,
    )  # fmt: skip
    table = OfferTable.of([an_offer(1.0), an_offer(1.0, region="us-west-1")])
    levels = {
        each.region: each.availability_level
        for each in page(goods_of(table, (), frozenset(), [refusal])).items
    }
    assert levels == {"us-east-1": Availability.UNAVAILABLE, "us-west-1": Availability.HIGH}
    assert {each.availability_level for each in page(goods_of(table, (), frozenset())).items} == {
        Availability.HIGH
    }


def test_where_jobs_can_run_is_said_and_can_be_asked_for() -> None:
    given = goods(
        an_offer(1.0, provider="lambda"), an_offer(2.0, provider="runpod"), an_offer(3.0, provider="nobody"),
        runnable=frozenset({"lambda"}),
    )  # fmt: skip
    here, other, unknown = (each.launch for each in page(given).items)
    assert here.is_possible
    assert here.reason is None
    assert (other.is_possible, other.connect_provider) == (False, "runpod")
    assert other.reason == "Connect RunPod first."
    assert unknown.connect_provider is None
    assert "cannot run jobs" in str(unknown.reason)
    assert [each.provider for each in page(given, launchable=True).items] == ["lambda"]
    assert counts(page(given), "launchable") == {"true": 1}


def test_an_empty_answer_says_how_many_each_loosening_gives() -> None:
    given = goods(an_offer(3.0), an_offer(4.0, market="spot"), an_offer(0.1, accelerator="T4"))
    shown = page(given, gpu=["A100"], max_price="0.20")
    assert shown.items == []
    assert shown.cards == []
    texts = {each.constraint: each.text for each in shown.loosenings}
    assert texts["max_price"] == "Without max price $0.20/h: 2 offers ($3.00/h would do)"
    assert texts["accelerator"].startswith("Without the GPU A100: 1 offer")
    assert shown.why_nothing is not None
    assert "none of them at most" in shown.why_nothing
    hopeless = page(given, gpu=["H100"], max_price="0.01")
    assert [each.text for each in hopeless.loosenings] == ["Without any filter: 3 offers"]


def test_the_number_in_a_gpu_name_can_be_given_up_alone() -> None:
    shown = page(goods(an_offer(3.0, count=4)), gpu=["A100:8"])
    queries = {each.constraint: each.query for each in shown.loosenings}
    assert queries["count"] == "gpu=A100"


def test_chips_name_every_filter_and_lead_out_of_it() -> None:
    shown = page(
        goods(an_offer(accelerator="H100-SXM")),
        gpu=["H100-SXM"],
        provider=["lambda"],
        max_price="5",
        hours=20,
    )
    assert [each.text for each in shown.chips] == ["H100 SXM", "Lambda Cloud", "At most $5.00/h"]
    assert search_of(shown.chips[0].query).gpu == []
    assert search_of(shown.chips[0].query).hours == 20
    assert shown.summary == "H100 SXM, Lambda Cloud, at most $5.00/h; for 20 h"


def test_parts_of_a_gpu_can_be_chosen_by_their_count() -> None:
    given = goods(an_offer(0.4, count=1 / 6), an_offer(2.0))
    (value,) = [each for each in facet(page(given), "count").values if each.label == "1/6"]
    chosen = page(given, count=float(value.value))
    assert chosen.matching == 1
    assert [each.is_chosen for each in facet(chosen, "count").values if each.label == "1/6"] == [True]


def test_detail_has_pros_cons_steps_billing_and_the_same_elsewhere() -> None:
    given = goods(
        an_offer(2.0), an_offer(1.5, provider="runpod"), an_offer(9.0, provider="runpod", region="x")
    )
    key = page(given, provider=["lambda"]).items[0].key
    shop = Shop(table=given.table)
    detail = offer_detail(given, shop, OfferQuestion(offer=key, hours=5), NOW)
    assert detail.row.key == key
    assert detail.pros
    assert detail.cons
    assert detail.setup.steps
    assert detail.setup.title == "Set up Lambda Cloud"
    assert detail.billing.startswith("Billed by the")
    assert [(each.provider, each.region) for each in detail.alternatives] == [("runpod", "us-east-1")]
    with pytest.raises(NotFoundError, match="not in the price lists any more"):
        offer_detail(given, shop, OfferQuestion(offer=key.replace("us-east-1", "moon")), NOW)
    with pytest.raises(InvalidInputError, match="not the key of an offer"):
        offer_detail(given, shop, OfferQuestion(offer="nonsense"), NOW)


def test_offers_side_by_side_mark_the_best_of_each_line() -> None:
    given = goods(an_offer(2.0), an_offer(1.5, provider="runpod"))
    keys = [each.key for each in page(given, sort="provider").items]
    answer = compare_offers(given, OffersQuestion(offer=[*keys, keys[0].replace("us-east-1", "moon")]), NOW)
    assert [each.provider for each in answer.items] == ["lambda", "runpod"]
    lines = {each.label: each for each in answer.lines}
    assert (lines["Per hour"].values, lines["Per hour"].best) == (["$2.00", "$1.50"], [1])
    assert lines["Memory per GPU"].best == []
    assert len(answer.gone) == 1


def test_failed_sources_are_named_in_a_line() -> None:
    from tradewind.domain.schemas_offers import SourceFailure

    at = datetime(2026, 1, 1, tzinfo=UTC)
    health = sources_health([], [SourceFailure(name="azure", error="403", tried_at=at, fetched_at=None)])
    assert (health.text, health.badge.tone, health.badge.label) == (
        "1 source failed: azure (403).",
        "warning",
        "1 failed",
    )


# What must hold for any market.

_searches = st.fixed_dictionaries(
    {},
    optional={
        "provider": st.lists(st.sampled_from(("a", "b", "lambda")), max_size=2),
        "market": st.lists(st.sampled_from(("spot", "on_demand", "owned")), max_size=2, unique=True),
        "min_memory": st.sampled_from((8, 40, 80)),
        "availability": st.sampled_from(("high", "low")),
        "max_price": st.sampled_from(("0.5", "1000")),
        "min_count": st.sampled_from((1, 4)),
        "unpriced": st.booleans(),
        "launchable": st.booleans(),
        "hours": st.sampled_from((0.5, 10, 1000)),
        "on": st.sampled_from(("A100", "H100:8")),
        "sort": st.sampled_from(
            ("total", "price", "gpu_price", "work", "start", "finish", "availability", "memory", "provider", "age")
        ),
        "descending": st.booleans(),
    },
)  # fmt: skip


def _known(offers: list[Offer]) -> list[Offer]:
    """No offer twice: a market's table has each once."""
    kept = {}
    for each in offers:
        kept[
            (each.provider, each.region, each.zone, each.instance_type, each.accelerator, each.accelerator_count,
             each.market)
        ] = each  # fmt: skip
    return list(kept.values())


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known), _searches, st.booleans())
def test_each_count_is_how_many_there_are_with_that_value(
    offers: list[Offer], search: dict[str, Any], has_own: bool
) -> None:
    given = goods(*offers, own=(machine_here(),) if has_own else (), runnable=frozenset({"a"}))
    shown = page(given, **search)
    for each in shown.facets:
        for value in each.values:
            asked = [value.value] if each.choice == "many" else value.value
            query = {**search, each.param: asked}
            if each.name == "count":
                query.pop("min_count", None)
            elif each.name == "gpu" and value.label != value.value:
                # A key may also stand for other forms of the same model.
                continue
            assert page(given, **query).matching == value.count, (each.name, value)


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known), _searches)
def test_pages_and_exports_are_the_same_rows_in_the_same_order(
    offers: list[Offer], search: dict[str, Any]
) -> None:
    given = goods(*offers, own=(machine_here(),))
    rows, cursor = [], None
    while True:
        shown = page(given, **search, limit=3, **({"cursor": cursor} if cursor else {}))
        rows += shown.items
        cursor = shown.next_cursor
        if cursor is None:
            break
    keys = [each.key for each in rows]
    assert len(keys) == len(set(keys)) == shown.matching
    text = "".join(export_portions(given, ExplorerExport(**search, format="csv"), NOW))
    table = list(csv.reader(io.StringIO(text)))
    assert tuple(table[0]) == COLUMNS
    assert [line[0] for line in table[1:]] == keys
    records = json.loads("".join(export_portions(given, ExplorerExport(**search, format="json"), NOW)))
    assert [each["key"] for each in records] == keys
    for record, row in zip(records, rows, strict=True):
        assert record["total_usd"] == (None if row.total is None else row.total.micro / 1_000_000)


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known))
def test_every_key_finds_its_own_row(offers: list[Offer]) -> None:
    given = goods(*offers, own=(machine_here(),))
    rows = page(given, unpriced=True, limit=1000).items
    assert len(rows) == len(given.table)
    places = find_rows(given.table, [each.key for each in rows])
    assert sorted(place for place in places if place is not None) == list(range(len(rows)))


_FIGURES: dict[str, Any] = {
    "total": lambda row: row.total and row.total.micro,
    "price": lambda row: row.price and row.price.micro,
    "start": lambda row: row.start_minutes,
    "finish": lambda row: row.finish_hours,
    "work": lambda row: row.work and row.work.micro,
}


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known), st.sampled_from(sorted(_FIGURES)), st.booleans())
def test_rows_are_in_order_and_what_is_not_known_comes_last(
    offers: list[Offer], sort: str, descending: bool
) -> None:
    rows = page(goods(*offers), sort=sort, descending=descending, unpriced=True, on="A100").items
    figures = [_FIGURES[sort](row) for row in rows]
    known = [each for each in figures if each is not None]
    assert figures == known + [None] * (len(figures) - len(known))
    assert known == sorted(known, reverse=descending)


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known), _searches)
def test_no_row_that_can_be_had_beats_the_cheapest_card(offers: list[Offer], search: dict[str, Any]) -> None:
    shown = page(goods(*offers, own=(machine_here(),)), **search, limit=1000)
    if not shown.cards:
        return
    cheapest, fastest, recommended = shown.cards
    assert cheapest.row.total is not None
    assert recommended.row.total is not None
    rivals = [
        each
        for each in shown.items
        if each.total is not None
        and each.accelerator_count >= 1
        and each.availability_level is not Availability.UNAVAILABLE
        and (search.get("market") or each.market in ("owned", "on_demand"))
        and (each.is_own or (each.price is not None and each.price.micro > 0))
    ]
    for each in rivals:
        assert each.total is not None
        assert cheapest.row.total.micro <= each.total.micro
    if rivals and min(each.accelerator_count for each in rivals) >= 1:
        assert recommended.row.total.micro <= cheapest.row.total.micro * 1.2 + 1
        assert fastest.row.finish_hours is not None


@settings(max_examples=30, deadline=None)
@given(offer_lists.map(_known), _searches)
def test_each_loosening_gives_what_it_says(offers: list[Offer], search: dict[str, Any]) -> None:
    given = goods(*offers)
    for each in page(given, **search).loosenings:
        assert page(given, **search_of(each.query).model_dump()).matching >= each.count > 0


@settings(max_examples=30, deadline=None)
@given(_searches)
def test_a_search_survives_being_a_query(search: dict[str, Any]) -> None:
    asked = ExplorerSearch(**search)
    assert search_of(search_query(asked)) == asked
