"""Invoices as CSV, and what they say against what the ledger does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import MICRO
from tradewind.ledger.invoices import InvoiceLine, read_invoice
from tradewind.ledger.reconciling import Entry, reconcile

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def test_lines_are_read_whatever_else_stands_beside_them() -> None:
    text = (
        "\ufeffInvoice No,Usage Start,Usage End,Resource ID,Description,Quantity,Unit,Amount,Currency\r\n"
        '7,2026-10-01,2026-10-02,i-0abc,"H100, spot",48,hours,"$1,119.36",USD\r\n'
        "7,2026-10-03T06:00:00+02:00,2026-10-03 05:00,i-0def,disk,,,(0.50),usd\r\n"
        ",,,,,,,,\r\n"
    )
    first, second = read_invoice(text, "october.csv")
    assert (first.number, first.resource, first.description) == (2, "i-0abc", "H100, spot")
    # A day as the end is meant with all of it.
    assert (first.started_at, first.ended_at) == (OCTOBER, OCTOBER + timedelta(days=2))
    assert (first.amount_micro, first.currency, first.quantity, first.unit) == (
        1_119_360_000,
        "USD",
        "48",
        "hours",
    )
    assert (second.ended_at - second.started_at, second.amount_micro) == (timedelta(hours=1), -500_000)


def test_a_month_is_a_period() -> None:
    (line,) = read_invoice("period,name,cost\n2026-10,node-7,12.5\n", "x")
    assert (line.started_at, line.ended_at, line.amount_micro) == (OCTOBER, NOVEMBER, 12_500_000)
    (line,) = read_invoice("period,resource,cost\n2026-10-01/2026-10-31,node-7,€3\n", "x")
    assert (line.started_at, line.ended_at, line.currency) == (OCTOBER, NOVEMBER, "EUR")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: no column amount and no column period"),
        ("period,amount\n2026-10,1\n", "line 1: no column resource"),
        ("start,resource,amount\n", "no column period (or start and end)"),
        ("period,resource,amount\n", "has no lines"),
        ("period,resource,amount\n2026-10,a,1\n2026-10,b,much\n", "line 3: amount 'much' is not a number"),
        ("period,resource,amount\n2026-10,a,1e9\n", "line 2: amount '1e9'"),
        ("period,resource,amount\n2026-10,a,NaN\n", "line 2: amount 'NaN'"),
        ("period,resource,amount\n2026-10,a\n", "line 2: amount ''"),
        ("period,resource,amount,currency\n2026-10,a,1,dollars\n", "line 2: currency 'DOLLARS'"),
        ("period,resource,amount\n2026-13,a,1\n", "line 2: period '2026-13'"),
        ("period,resource,amount\nsoon,a,1\n", "line 2: period 'soon'"),
        ("start,end,resource,amount\n2026-10-02,2026-10-01,a,1\n", "line 2: it ends (2026-10-01) before"),
        ("start,end,resource,amount\nx,2026-10-01,a,1\n", "line 2: 'x' is not a day"),
        ('period,resource,amount\n2026-10,"a,1\n', "this is not CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_invoice(text, "bill.csv")
    assert "bill.csv" in refused.value.message
    assert says in refused.value.message


def test_every_wrong_line_is_named() -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_invoice("period,resource,amount\n2026-10,a,x\n2026-10,a,1\nnever,a,1\n", "bill.csv")
    assert [each["line"] for each in refused.value.details] == [2, 4]


@given(st.text(max_size=200))
def test_no_text_is_more_than_wrong(text: str) -> None:
    try:
        lines = read_invoice("period,resource,amount\n" + text, "x")
    except InvalidInputError:
        return
    assert lines


def test_equal_lines_of_one_file_are_different_lines_and_the_same_again_next_time() -> None:
    text = "period,resource,amount\n2026-10,a,1\n2026-10,a,1\n2026-10,b,1\n"
    first, again = (
        [line.fingerprint for line in read_invoice(text, name)] for name in ("one.csv", "other.csv")
    )
    assert len(set(first)) == 3
    assert first == again


def line(resource: str, amount: int, **changes: object) -> InvoiceLine:
    values: dict[str, object] = {
        "number": 2, "started_at": OCTOBER, "ended_at": NOVEMBER, "resource": resource, "description": "",
        "quantity": "", "unit": "", "amount_micro": amount, "currency": "USD", "fingerprint": "",
    }  # fmt: skip
    return InvoiceLine(**(values | changes))  # type: ignore[arg-type]


def entry(number: int, thing: str, amount: int, **changes: object) -> Entry:
    values: dict[str, object] = {
        "id": f"led_{number}", "thing": thing, "names": frozenset({thing, f"i-{number}"}),
        "started_at": OCTOBER + timedelta(days=1), "ended_at": OCTOBER + timedelta(days=2), "amount_micro": amount,
    }  # fmt: skip
    return Entry(**(values | changes))  # type: ignore[arg-type]


def test_things_agree_differ_or_stand_on_one_side_only() -> None:
    lines = [
        line("I-1", 100 * MICRO),
        line("node-b", 50 * MICRO),
        line("node-b", 10 * MICRO),
        line("leak", MICRO),
    ]
    entries = [entry(1, "node-a", 99_500_000), entry(2, "node-b", 40 * MICRO), entry(3, "node-c", 7 * MICRO)]
    found = [(each.state, each.resource, each.difference_micro) for each in reconcile(lines, entries, 1.0)]
    assert found == [
        ("differs", "node-b", 20 * MICRO),
        ("ledger_only", "node-c", -7 * MICRO),
        ("invoice_only", "leak", MICRO),
        ("matched", "I-1", 500_000),
    ]
    strict = reconcile(lines, entries, 0.1)
    assert [each.state for each in strict].count("matched") == 0


def test_what_stretches_over_the_edge_counts_with_its_part() -> None:
    over = entry(
        1, "a", 40 * MICRO, started_at=NOVEMBER - timedelta(hours=1), ended_at=NOVEMBER + timedelta(hours=3)
    )
    before = entry(2, "a", 5 * MICRO, started_at=OCTOBER - timedelta(days=1), ended_at=OCTOBER)
    (match,) = reconcile([line("a", 10 * MICRO)], [over, before], 1.0)
    assert (match.state, match.ledger_micro) == ("matched", 10 * MICRO)


def test_lines_that_name_nothing_are_on_the_invoice_only() -> None:
    nameless = entry(1, "", 3 * MICRO, names=frozenset())
    found = reconcile([line("", 3 * MICRO, description="tax")], [nameless], 1.0)
    assert sorted(each.state for each in found) == ["invoice_only", "ledger_only"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-(10**9), 10**9)), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-(10**9), 10**9)), max_size=8),
)
def test_nothing_is_lost_and_nothing_counted_twice(
    billed: list[tuple[str, int]], booked: list[tuple[str, int]]
) -> None:
    found = reconcile(
        [line(name, amount) for name, amount in billed],
        [entry(number, name, amount) for number, (name, amount) in enumerate(booked)],
        1.0,
    )
    assert sum(each.invoice_micro for each in found) == sum(amount for _, amount in billed)
    assert sum(each.ledger_micro for each in found) == sum(amount for _, amount in booked)
