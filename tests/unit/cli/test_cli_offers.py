"""Offers and prices on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, Pieces, problem
from tradewind.cli.price_options import draw_line, parse_moment, show_price
from tradewind.domain.errors import InvalidInputError

OFFER: dict[str, Any] = {
    "provider": "lambda", "region": "us-west", "zone": None, "instance_type": "gpu_8x_h100_sxm5",
    "accelerator": "H100-SXM", "accelerator_title": "H100 SXM", "accelerator_count": 8.0,
    "accelerator_memory_gb": 80.0, "cpus": 208.0, "memory_gib": 1800.0, "disk_gib": None, "market": "on_demand",
    "price_micro": 23_920_000, "price_per_accelerator_micro": 2_990_000, "currency": "USD",
    "availability": "high", "source": "lambda-types", "seen_at": "2026-01-01T00:00:00Z", "reliability": None,
    "network_gbit_per_s": None, "flags": [],
}  # fmt: skip


def _page(items: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    return {
        "items": items, "matching": len(items), "known": 212, "next_cursor": None, "failures": [],
        "constraints": [], "why_nothing": None, **values,
    }  # fmt: skip


def test_offers_are_a_table_with_the_price_of_one_gpu_and_of_so_many_hours(
    server: FakeServer, tw: Run
) -> None:
    server.on("GET", "/api/v1/offers", _page([OFFER], matching=7))
    result = tw("offers", "-g", "H100:8", "--hours", "10", "--region", "us-*", "--max-price", "$30/h")
    assert result.exit_code == 0
    title, row = result.out.splitlines()
    assert title.split()[:2] == ["PROVIDER", "GPU"]
    assert "10 H TOTAL" in title
    for text in ("lambda", "H100 SXM 80GB x8", "on-demand", "2.99", "23.92", "239.20", "high"):
        assert text in row
    assert "1 of 7 that fit, of 212 offers" in result.err
    (request,) = server.sent("GET", "/api/v1/offers")
    assert dict(request.url.params) == {
        "gpu": "H100:8", "region": "us-*", "max_price": "30", "sort": "price", "limit": "50",
    }  # fmt: skip


def test_an_empty_answer_says_what_would_do_and_is_no_success(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/offers", _page([], why_nothing="3 of 212 offers: 80 GB; $2.49/h would do"))
    result = tw("offers", "--max-price", "2")
    assert (result.exit_code, result.out) == (6, "")
    assert "no offer: 3 of 212 offers: 80 GB; $2.49/h would do" in result.err


def test_failed_sources_are_named(server: FakeServer, tw: Run) -> None:
    failure = {"name": "azure-retail", "error": "403", "tried_at": None, "fetched_at": None}
    server.on("GET", "/api/v1/offers", _page([OFFER], failures=[failure]))
    assert "1 source failed (azure-retail: 403)" in tw("offers").err


@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "name"])
def test_all_follows_the_pages(server: FakeServer, tw: Run, form: str) -> None:
    pages = [_page([OFFER], next_cursor="1"), _page([OFFER], next_cursor="2"), _page([OFFER])]
    server.on("GET", "/api/v1/offers", *(httpx2.Response(200, json=page) for page in pages))
    out = tw("offers", "--all", "-o", form).out
    assert out.count("gpu_8x_h100_sxm5") == 3
    assert [request.url.params.get("cursor") for request in server.sent("GET", "/api/v1/offers")] == [
        None, "1", "2",
    ]  # fmt: skip
    if form == "jsonl":
        assert [json.loads(line) for line in out.splitlines()] == [OFFER] * 3


def test_what_an_offer_is_called_cannot_break_the_table(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/offers", _page([{**OFFER, "region": "a\x1b[2J\nb", "price_micro": None}]))
    out = tw("offers").out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_gpus(server: FakeServer, tw: Run) -> None:
    view = {
        "key": "H100-SXM", "title": "H100 SXM", "vendor": "nvidia", "memory_gb": 80.0, "aliases": ["h100"],
        "providers": ["aws", "lambda"], "offers": 12, "on_demand_micro": 2_990_000, "spot_micro": None,
        "cheapest": OFFER,
    }  # fmt: skip
    server.on("GET", "/api/v1/gpus", {"items": [view]})
    out = tw("gpus").out
    for text in ("H100 SXM", "80 GB", "2.99", "lambda us-west", "aws, lambda"):
        assert text in out
    assert tw("gpus", "-o", "name").out == "H100-SXM\n"


SOURCE = {
    "name": "own", "is_imported": True, "is_enabled": True, "state": "imported", "offers": 3, "version": 1,
    "fetched_at": "2026-01-01T00:00:00Z", "tried_at": None, "error": None, "next_due_at": None,
}  # fmt: skip


def test_sources_and_a_refresh_that_fails(server: FakeServer, tw: Run) -> None:
    failed = {**SOURCE, "name": "vast-search", "error": "it is down", "tried_at": "2026-01-01T00:00:00Z"}
    server.on("GET", "/api/v1/prices/sources", {"items": [SOURCE, failed]})
    assert "it is down" in tw("prices", "sources").out
    server.on("POST", "/api/v1/prices/sources/vast-search/refresh", failed)
    assert tw("prices", "refresh", "vast-search").exit_code == 9


def test_import_sends_the_file_and_rm_asks(server: FakeServer, tw: Run, tmp_path: Path) -> None:
    file = tmp_path / "Our Prices.yaml"
    file.write_text("offers: []\n")
    server.on(
        "POST", "/api/v1/prices/import", {"name": "our-prices", "offers": 3, "changes": 2, "unpriced": 1}
    )
    assert "3 offers would be known as our-prices" in tw("prices", "import", str(file), "--dry-run").out
    body = server.sent_json("POST", "/api/v1/prices/import")
    assert (body["name"], body["format"], body["dry_run"]) == ("our-prices", "price-file", True)
    assert tw("prices", "import", str(tmp_path / "absent")).exit_code == 2
    assert tw("prices", "import", str(file), "--name", "Ä").exit_code == 2
    server.on("DELETE", "/api/v1/prices/sources/own", {**SOURCE, "state": "removed"})
    assert tw("prices", "rm", "own").exit_code == 2
    assert "withdrawn" in tw("prices", "rm", "own", "-y").out


def test_history_draws_gaps_as_gaps(server: FakeServer, tw: Run) -> None:
    def point(hour: int, price: int | None) -> dict[str, Any]:
        at = f"2026-01-01T{hour:02}:00:00Z"
        return {"at": at, "offers": 0, "min_micro": price, "median_micro": price, "max_micro": price}

    series = {
        "source": "own", "provider": "lambda", "region": "us", "zone": None, "instance_type": "box",
        "accelerator": "H100-SXM", "accelerator_count": 8.0, "market": "spot",
        "points": [
            {"at": "2026-01-01T00:00:00Z", "price_micro": None, "price_per_accelerator_micro": None,
             "availability": "unavailable"}
        ],
    }  # fmt: skip
    server.on(
        "GET",
        "/api/v1/prices/history",
        {
            "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T03:00:00Z", "is_cut": False, "series_count": 1,
            "band": [point(1, 1_000_000), point(2, None), point(3, 2_000_000)], "series": [series],
        },
    )  # fmt: skip
    result = tw("prices", "history", "-g", "H100", "--since", "7d")
    assert "least  ▁ █  now     2.00   1.00 to 2.00" in result.out
    assert "gaps:" in result.out
    assert "lambda us box spot: gone" in result.out
    assert len(tw("prices", "history", "-o", "csv").out.splitlines()) == 4


def test_changes_and_export(server: FakeServer, tw: Run, tmp_path: Path) -> None:
    change = {
        "position": 4, "at": "2026-01-01T00:00:00Z", "reading": "rose", "per_cent": 25.0, "source": "own",
        "provider": "lambda", "region": "us", "zone": None, "instance_type": "box", "accelerator": "H100-SXM",
        "accelerator_count": 8.0, "market": "spot", "price_micro": 5_000_000, "previous_micro": 4_000_000,
        "availability": "high",
    }  # fmt: skip
    server.on("GET", "/api/v1/prices/changes", {"items": [change], "next_cursor": "4"})
    out = tw("prices", "changes").out
    assert "rose 25.0 %" in out
    assert "5.00" in out
    server.on_stream("/api/v1/prices/export", Pieces([b"position\n", b"4\n"]))
    assert tw("prices", "export").out == "position\n4\n"
    server.on_stream("/api/v1/prices/export", Pieces([b"position\n", b"4\n"]))
    assert tw("prices", "export", "--output-file", str(tmp_path / "out.csv")).exit_code == 0
    assert (tmp_path / "out.csv").read_text() == "position\n4\n"


def test_a_piece_of_an_export_may_end_within_a_character(server: FakeServer, tw: Run) -> None:
    # The client reads a mebibyte at a time.
    text = "x" * ((1 << 20) - 1) + "é, CA\n"
    server.on_stream("/api/v1/prices/export", Pieces([text.encode()]))
    assert tw("prices", "export").out == text


def test_a_refusal_of_the_server_is_shown(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/offers", problem("TW-E400", 404, "no price source is called 'x'"))
    assert tw("offers", "--source", "x").exit_code == 4


def test_prices_keep_the_decimals_they_need() -> None:
    assert [show_price(each) for each in (2_490_000, 4_200, 0, None, 1_234_000_000)] == [
        "2.49", "0.0042", "0.00", "-", "1,234.00",
    ]  # fmt: skip
    assert draw_line([None, None]) == ""
    assert draw_line([1, 1]) == "▄▄"


@pytest.mark.parametrize("text", ["0001-01-01", "yesterday", "", "9d9"])
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no time"):
        parse_moment(text, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_moment_is_a_date_or_an_age() -> None:
    now = datetime(2026, 1, 8, tzinfo=UTC)
    assert parse_moment("7d", now) == "2026-01-01T00:00:00+00:00"
    assert parse_moment("2026-01-01T00:00:00+01:00", now) == "2026-01-01T00:00:00+01:00"
    assert parse_moment(None, now) is None
    with pytest.raises(InvalidInputError):
        parse_moment("yesterday", now)
