"""Alerts, channels and preferences on the command line."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, problem

CHANNEL = {
    "id": "chan_00000000000000000001", "name": "slack", "kind": "slack", "created_at": "2026-11-22T11:00:00Z",
    "last_sent_at": "2026-11-22T11:59:00Z", "last_error": None,
}  # fmt: skip
ALERT: dict[str, Any] = {
    "id": "alert_00000000000000000001", "name": "cheap", "summary": "H100-SXM below $2.00/GPU-h",
    "condition": {"kind": "price_below", "below_micro": 2_000_000}, "is_muted": False,
    "channels": [{"id": CHANNEL["id"], "name": "slack", "kind": "slack"}], "created_at": "2026-11-22T11:00:00Z",
    "fired_count": 2, "fired_at": "2026-11-22T11:50:00Z", "looked_at": "2026-11-22T11:59:00Z",
    "best_price": {"micro": 2_490_000, "currency": "USD", "text": "$2.49"}, "matching_offers": 1234, "notes": [],
}  # fmt: skip
PREFERENCES = {
    "values": {"providers": ["lambda"], "display_currency": "EUR"}, "updated_at": None,
    "currency": {"code": "EUR", "usd_per_unit": "1.13", "source": "somebody", "as_of": "2025", "is_assumed": True},
    "known_currencies": ["EUR", "USD"],
}  # fmt: skip
DEFAULTS = ("rearm_percent", "quiet_minutes")
URL = "slack://T1/B1/very-hidden"


def sent(server: FakeServer) -> Any:
    return json.loads(server.requests[-1].content)


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_alerts_ls(server: FakeServer, tw: Run) -> None:
    quiet = {**ALERT, "name": "back", "is_muted": True, "best_price": None, "matching_offers": None, "fired_at": None,
             "fired_count": 0, "notes": ["no offer matches its filters now"]}  # fmt: skip
    server.on("GET", "/api/v1/alerts", {"items": [ALERT, quiet]})
    assert (
        tw("alerts", "ls").out
        == """\
NAME   WAITS FOR                     NOW  OFFERS  FIRED     LAST  TELLS           NOTE
cheap  H100-SXM below $2.00/GPU-h  $2.49   1,234      2  10m 00s  slack
back   H100-SXM below $2.00/GPU-h      -       -      0        -  nobody (muted)  no offer matches its filters now
"""
    )
    assert tw("alerts", "ls", "-o", "name").out.split() == ["cheap", "back"]


def test_alerts_add_says_what_the_options_mean(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/alerts", httpx2.Response(201, json=ALERT))
    result = tw(
        "alerts", "add", "cheap", "--gpu", "H100", "--gpu", "A100-80GB", "--below", "$2/h", "--count", "8+",
        "--min-memory", "80", "--provider", "lambda", "--region", "us-*", "--market", "spot", "--per", "machine",
        "--step", "5%", "--channel", "slack",
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.out == "cheap  H100-SXM below $2.00/GPU-h  tells slack\n"
    body = sent(server)
    assert body["channels"] == ["slack"]
    assert {key: value for key, value in body["condition"].items() if key not in DEFAULTS} == {
        "kind": "price_below", "below_micro": 2_000_000, "per": "hour", "step_percent": 5.0,
        "filters": {"accelerators": ["H100", "A100-80GB"], "min_count": 8.0, "min_memory_gb": 80.0,
                    "providers": ["lambda"], "regions": ["us-*"], "markets": ["spot"]},
    }  # fmt: skip


def test_alerts_add_of_the_other_kinds(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/alerts", httpx2.Response(201, json=ALERT))
    result = tw("alerts", "add", "falls", "--drop", "10%", "--window", "7d", "--count", "8")
    assert (sent(server)["condition"]["drop_percent"], sent(server)["condition"]["window_hours"]) == (
        10.0,
        168.0,
    )
    assert sent(server)["condition"]["filters"]["max_count"] == 8.0
    assert "tells nobody yet" in result.err
    tw("alerts", "add", "back", "--available", "--muted")
    assert (sent(server)["condition"]["kind"], sent(server)["is_muted"]) == ("available_again", True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "one of --below, --drop and --available"),
        (("--below", "2", "--available"), "one of --below"),
        (("--below", "cheap"), "--below: 'cheap' is not a price"),
        (("--below", "0"), "below_micro"),
        (("--drop", "much"), "--drop"),
        (("--drop", "nan"), "drop_percent"),
        (("--drop", "100"), "drop_percent"),
        (("--drop", "5", "--window", "soon"), "--window"),
        (("--below", "2", "--window", "7d"), "window_hours has no meaning"),
        (("--below", "2", "--count", "many"), "--count"),
        (("--below", "2", "--min-memory", "-1"), "min_memory_gb"),
    ],
)
def test_alerts_add_refuses_nonsense(
    tw: Run, server: FakeServer, arguments: tuple[str, ...], says: str
) -> None:
    result = tw("alerts", "add", "x", *arguments)
    assert result.exit_code == 2
    assert says in result.err
    assert server.requests == []


def test_a_bad_name_is_refused_here(tw: Run, server: FakeServer) -> None:
    result = tw("alerts", "add", "a b", "--below", "2")
    assert result.exit_code == 2
    assert "not a name for an alert" in result.err
    assert server.requests == []


def test_a_dry_run_asks_how_often(server: FakeServer, tw: Run) -> None:
    answer = {"days": 30, "fired_count": 2, "change_count": 9, "notes": ["recorded since yesterday"],
              "firings": [{"at": "2026-11-20T10:00:00Z", "title": "$1.90/GPU-h, vast"}]}  # fmt: skip
    server.on("POST", "/api/v1/alerts/preview", answer)
    result = tw("alerts", "add", "cheap", "--below", "2", "--dry-run")
    assert result.out.splitlines() == [
        "It would have fired 2 times in the last 30 days.",
        "  2026-11-20 10:00  $1.90/GPU-h, vast",
        "  note  recorded since yesterday",
    ]
    assert "Dry run" in result.err
    assert [request.url.path for request in server.requests] == ["/api/v1/alerts/preview"]


def test_alerts_rm_asks_first(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/alerts/cheap", ALERT)
    server.on("DELETE", f"/api/v1/alerts/{ALERT['id']}", httpx2.Response(204))
    assert tw("alerts", "rm", "cheap").exit_code == 2
    assert "would be removed" in tw("alerts", "rm", "cheap", "--dry-run").err
    assert all(request.method == "GET" for request in server.requests)
    assert tw("alerts", "rm", "cheap", "-y").out == "cheap removed\n"
    assert server.requests[-1].method == "DELETE"


def test_mute_and_unmute(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/alerts/cheap", ALERT)
    server.on("POST", "/api/v1/alerts/cheap/mute", {**ALERT, "is_muted": True})
    server.on("POST", "/api/v1/alerts/cheap/unmute", ALERT)
    assert "would be muted" in tw("alerts", "mute", "cheap", "--dry-run").err
    assert "is unmuted already" in tw("alerts", "unmute", "cheap", "--dry-run").err
    assert "tells nobody (muted)" in tw("alerts", "mute", "cheap").out
    assert "tells slack" in tw("alerts", "unmute", "cheap").out


def test_firings(server: FakeServer, tw: Run) -> None:
    deliveries = [{"channel": "slack", "state": "failed", "tries": 8, "error": "the service answered 500"}]
    rows = [
        {"id": "f2", "number": 2, "at": "2026-11-22T11:58:00Z", "title": "cheap: $1.90", "body": "b",
         "was_muted": False, "deliveries": deliveries},
        {"id": "f1", "number": 1, "at": "2026-11-22T10:00:00Z", "title": "cheap: $1.95", "body": "b",
         "was_muted": True},
    ]  # fmt: skip
    server.on("GET", "/api/v1/alerts/cheap/firings", {"items": rows})
    assert tw("alerts", "firings", "cheap").out.splitlines()[1:] == [
        " 2  2m 00s  cheap: $1.90  slack failed: the service answered 500",
        " 1  2h 00m  cheap: $1.95  muted",
    ]


def test_a_test_message_and_its_exit_status(server: FakeServer, tw: Run) -> None:
    good = {"channel": "slack", "is_delivered": True, "message": "the service took the message"}
    bad = {**good, "is_delivered": False, "message": "not installed", "hint": "pip install it"}
    server.on("GET", "/api/v1/alerts/cheap", ALERT)
    server.on("POST", f"/api/v1/channels/{CHANNEL['id']}/test", good, bad)
    assert tw("alerts", "test", "cheap").exit_code == 0
    failed = tw("alerts", "test", "cheap")
    assert failed.exit_code == 1
    assert "hint: pip install it" in failed.err
    server.on("POST", "/api/v1/channels/slack/test", bad)
    assert tw("channels", "test", "slack").exit_code == 1


def test_an_address_comes_from_standard_input_only(
    server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("POST", "/api/v1/channels", httpx2.Response(201, json=CHANNEL))
    give(monkeypatch, URL + "\n")
    result = tw("channels", "add", "slack")
    assert result.exit_code == 0
    assert sent(server) == {"name": "slack", "url": URL}
    assert "very-hidden" not in result.out + result.err
    as_argument = tw("channels", "add", "slack", URL)
    assert as_argument.exit_code == 2
    give(monkeypatch, "  \n")
    assert "no address was given" in tw("channels", "add", "slack").err
    give(monkeypatch, URL)
    dry = tw("channels", "add", "slack", "--dry-run")
    assert "slack (slack) would be added" in dry.err
    assert "very-hidden" not in dry.err
    give(monkeypatch, "very-hidden-key-without-a-scheme")
    odd = tw("channels", "add", "slack", "--dry-run")
    assert odd.exit_code == 2
    assert "very-hidden" not in odd.out + odd.err
    assert len(server.requests) == 1


def test_a_refused_address_is_not_shown(server: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server.on("POST", "/api/v1/channels", problem("TW-E200", 422, "channels of the kind 'x' are not used"))
    give(monkeypatch, "x://very-hidden")
    result = tw("channels", "add", "slack", "--debug")
    assert result.exit_code == 2
    assert "very-hidden" not in result.out + result.err


def test_channels_ls_and_rm(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/channels", {"items": [CHANNEL]})
    server.on("DELETE", f"/api/v1/channels/{CHANNEL['id']}", httpx2.Response(204))
    assert tw("channels", "ls").out.splitlines()[1].split() == ["slack", "slack", "1m", "00s"]
    assert tw("channels", "rm", "nobody", "-y").exit_code == 4
    assert tw("channels", "rm", "slack", "-y").out == "slack removed\n"


def test_preferences(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/preferences", PREFERENCES)
    server.on("PUT", "/api/v1/preferences", PREFERENCES)
    assert tw("preferences", "ls").out.splitlines() == [
        "providers         lambda",
        "regions           -",
        "display_currency  EUR",
        "default_sort      -",
        "default_filters   -",
        "saved_views       -",
        "                  1 EUR = 1.13 USD (somebody, assumed); amounts are kept in USD",
    ]
    assert tw("preferences", "set", "regions", "us-*, eu-*").exit_code == 0
    assert sent(server) == {"providers": ["lambda"], "display_currency": "EUR", "regions": ["us-*", "eu-*"]}
    assert tw("preferences", "unset", "providers").exit_code == 0
    assert sent(server) == {"display_currency": "EUR"}
    tw("preferences", "set", "default_filters", '{"accelerators": ["H100"]}')
    assert sent(server)["default_filters"]["accelerators"] == ["H100"]
    count = len(server.requests)
    for key, value in (("default_sort", "luck"), ("display_currency", "euros"), ("saved_views", "{not json")):
        assert tw("preferences", "set", key, value).exit_code == 2
    assert "would be" in tw("preferences", "set", "display_currency", "gbp", "--dry-run").err
    assert all(request.method == "GET" for request in server.requests[count:])
