"""Recorded prices played again agree with what a look at the offers themselves would have found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalog.offers_for_tests import offer
from tradewind.catalog.alert_history import Change, highest, replay, sights
from tradewind.catalog.alerts import AlertState, Place, look, see
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertCondition

START = datetime(2026, 1, 1, tzinfo=UTC)
DOLLAR = 1_000_000


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def change(hours: float, dollars: float | None, **more: Any) -> Change:
    place = {
        "provider": "vast", "region": "eu-nl", "zone": "", "instance_type": "h100", "market": "on_demand",
        "accelerator": "H100-SXM", "accelerator_count": 1.0,
    }  # fmt: skip
    place |= {key: more.pop(key) for key in list(more) if key in place}
    return Change(
        source_id=more.get("source_id", "s"),
        place=Place(**place),  # type: ignore[arg-type]
        price_micro=None if dollars is None else round(dollars * DOLLAR),
        availability=more.get("availability", Availability.HIGH),
        seen_at=at(hours),
        rank=more.get("rank", 0),
        is_last_resort=more.get("is_last_resort", False),
    )


def below(dollars: float) -> AlertCondition:
    return AlertCondition.model_validate({"kind": "price_below", "below_micro": round(dollars * DOLLAR)})


def fired_at(changes: list[Change], condition: AlertCondition, since: float = 0) -> list[float]:
    return [(when - START) / timedelta(hours=1) for when, _ in replay(changes, condition, at(since))]


def test_a_condition_fires_where_the_prices_say() -> None:
    changes = [change(0, 3), change(5, 1.9), change(6, 1.8), change(8, 3), change(9, 1.5)]
    assert fired_at(changes, below(2)) == [5, 9]


def test_how_things_stood_before_counts_once_at_the_beginning() -> None:
    changes = [change(0, 1.9), change(30, 3), change(31, 1.9)]
    assert fired_at(changes, below(2), since=10) == [10, 31]
    assert fired_at([change(0, 1.9)], below(2), since=10) == [10]
    assert fired_at([], below(2)) == []


def test_an_offer_that_is_gone_is_no_price() -> None:
    changes = [change(0, 1), change(1, 3, provider="runpod"), change(2, None), change(3, 1)]
    seen = [(sight.matching, sight.best_micro) for _, sight in sights(changes, below(2))]
    assert seen == [(1, DOLLAR), (2, DOLLAR), (1, 3 * DOLLAR), (2, DOLLAR)]


def test_the_window_is_measured_from_the_highest_price_that_held_in_it() -> None:
    condition = AlertCondition.model_validate({"kind": "price_drop", "drop_percent": 20, "window_hours": 24})
    changes = [change(0, 4), change(10, 3.5), change(40, 3.4)]
    assert highest(changes, condition, at(20)) == 4 * DOLLAR
    assert highest(changes, condition, at(33)) == 4 * DOLLAR
    assert highest(changes, condition, at(35)) == round(3.5 * DOLLAR)
    assert highest(changes, condition, at(80)) == round(3.4 * DOLLAR)
    assert highest([], condition, at(1)) is None
    # 4 to 3 within a day is a quarter; 4 to 3 over two days with a stop in between is not a fifth at once.
    assert fired_at([change(0, 4), change(10, 3)], condition) == [10]
    assert fired_at([change(0, 4), change(30, 3.4), change(60, 3)], condition) == []


def test_a_window_may_begin_with_an_offer_that_goes_away() -> None:
    condition = AlertCondition.model_validate({"kind": "price_drop", "drop_percent": 20, "window_hours": 24})
    changes = [change(0, 4), change(10, None), change(12, 3)]
    assert fired_at(changes, condition, since=5) == [12]
    brief = AlertCondition.model_validate({"kind": "price_drop", "drop_percent": 20, "window_hours": 1e-300})
    assert fired_at([change(0, 4), change(10, 3)], brief, since=5) == []


def test_the_source_that_is_believed_most_counts() -> None:
    shipped = {"source_id": "shipped", "rank": 4}
    live = {"source_id": "live", "rank": 2}
    changes = [
        change(0, 1.5, **shipped),
        change(1, 2.5, zone="eu-nl-a", **live),
        change(2, 2.4, zone="eu-nl-a", **live),
        change(3, None, zone="eu-nl-a", **live),
    ]
    seen = [sight.best_micro for _, sight in sights(changes, below(2))]
    assert seen == [round(dollars * DOLLAR) for dollars in (1.5, 2.5, 2.4, 1.5)]


def test_what_ships_is_no_price_where_somebody_sells() -> None:
    changes = [
        change(0, 0.5, region="us-old", source_id="shipped", rank=4),
        change(1, 0.4, region="us-old", source_id="shipped", rank=4, market="spot"),
        change(2, 2.5, source_id="live", rank=2),
        change(3, 2.4, source_id="gathered", rank=3, region="us-new"),
    ]
    seen = [sight.matching for _, sight in sights(changes, below(2))]
    assert seen == [1, 2, 2, 3]


def test_a_last_resort_counts_only_where_nobody_else_knows() -> None:
    old = {"source_id": "reference-2024", "rank": 4, "is_last_resort": True}
    changes = [
        change(0, 0.5, region="", instance_type="H100", **old),
        change(1, 2.5, rank=4),
        change(2, 3, provider="runpod"),
        change(3, None, rank=4),
    ]
    seen = [(sight.matching, sight.best_micro) for _, sight in sights(changes, below(2))]
    assert seen == [
        (1, round(0.5 * DOLLAR)),
        (1, round(2.5 * DOLLAR)),
        (2, round(2.5 * DOLLAR)),
        (2, round(0.5 * DOLLAR)),
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["vast", "runpod"]),
        st.sampled_from([1.0, 2.0]),
        st.one_of(st.none(), st.integers(1, 4 * DOLLAR)),
        st.sampled_from(list(Availability)),
    ),
    max_size=15,
)


@given(
    steps=STEPS,
    condition=st.sampled_from(
        [
            below(1.5),
            AlertCondition.model_validate({"kind": "price_drop", "drop_percent": 10, "per": "hour"}),
            AlertCondition.model_validate({"kind": "available_again", "quiet_minutes": 0}),
            AlertCondition.model_validate(
                {"kind": "price_below", "below_micro": DOLLAR, "filters": {"providers": ["vast"]}}
            ),
        ]
    ),
)
def test_it_agrees_with_looking_at_the_offers(steps: list[Any], condition: AlertCondition) -> None:
    changes, tables, current = [], [], {}
    for hour, (provider, count, micro, availability) in enumerate(steps):
        kind = f"{count:g}x"
        dollars = None if micro is None else micro / DOLLAR
        changes.append(
            change(
                hour, dollars, provider=provider, instance_type=kind, accelerator_count=count,
                availability=availability,
            )
        )  # fmt: skip
        current[provider, kind] = (
            None
            if micro is None
            else offer(
                micro,
                provider=provider,
                instance_type=kind,
                accelerator_count=count,
                availability=availability,
            )
        )
        tables.append(OfferTable.of([each for each in current.values() if each is not None]))
    seen = dict(sights(changes, condition))
    state, found = AlertState(), []
    for hour, table in enumerate(tables):
        if at(hour) not in seen:
            continue  # a change that does not pass the filters
        assert seen[at(hour)] == see(table, condition)
        state, finding = look(table, condition, state, at(hour))
        if finding is not None:
            found.append((at(hour), finding))
    assert replay(changes, condition, START) == found
