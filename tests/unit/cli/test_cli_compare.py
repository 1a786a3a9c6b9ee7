"""`tradewind compare`: what is asked, what is shown, and what is said where there is nothing to show."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, problem
from tradewind.cli.bars import WIDTH, draw_bar

PATH: Final = "/api/cloud/compare-costs"


def option(platform: str, gpu: str, dollars: float, **more: Any) -> dict[str, Any]:
    return {
        "platform": platform, "gpu": gpu, "cost": f"${dollars * 10:.2f}", "hourly_rate": f"${dollars:.2f}/hr",
        "setup_time": "3 min", "availability": "high", "pros": ["good"], "cons": [], "cost_usd": dollars * 10,
        "hourly_rate_usd": dollars, "training_hours": 10.0, "gpu_count": 1.0, "region": "", "price_source": "list",
        "seen_at": "2026-11-22T09:00:00Z", "gpu_hours": 10.0, "energy_kwh": 6.5, "carbon_g": 3087.5, **more,
    }  # fmt: skip


ANSWER: Final[dict[str, Any]] = {
    "summary": {
        "cheapest": {"platform": "lambda_labs", "cost": "$12.90", "gpu": "A100 80GB"},
        "fastest": {"platform": "runpod", "setup_time": "1 min", "gpu": "H100"},
        "recommended": {
            "platform": "lambda_labs", "cost": "$12.90", "gpu": "A100 80GB", "reason": "Lowest cost option"
        },
        "savings_vs_local": "48.4%",
    },
    "options": [
        option("lambda_labs", "A100 80GB", 1.29),
        option("local", "RTX 4090", 2.5, carbon_g=None, seen_at=None, price_source="request"),
        option("together_ai", "H100", 25.8, gpu_count=8.0, availability="unknown"),
    ],
    "message": None,
    "notes": ["something to know"],
}  # fmt: skip
NOTHING: Final[dict[str, Any]] = {
    "summary": None,
    "options": [],
    "message": "no offer fits: all too small",
    "notes": [],
}


def test_the_options_are_shown_with_a_bar_and_what_follows(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, ANSWER)
    result = tw("compare", "--hours", "10")
    assert result.exit_code == 0
    table, summary = result.out.splitlines()[:4], result.out.splitlines()[4:]
    assert table[0].split() == [
        "PLATFORM", "GPU", "RATE", "TIME", "TOTAL", "SET-UP", "AVAIL", "CO2E", "SEEN", "SOURCE"
    ]  # fmt: skip
    assert table[1].split()[:7] == ["lambda_labs", "A100", "80GB", "$1.29/hr", "10", "h", "$12.90"]
    assert "8x H100" in table[3]
    assert table[3].count("█") == WIDTH > table[2].count("█") > table[1].count("█")
    assert summary == [
        "Cheapest     lambda_labs A100 80GB  $12.90 - 48.4% less than here",
        "Fastest      runpod H100  set up: 1 min",
        "Recommended  lambda_labs A100 80GB  $12.90 - Lowest cost option",
    ]
    assert "note: something to know" in result.err


def test_every_option_of_the_command_travels(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, ANSWER)
    arguments = (
        "--hours 10 --on A100 --min-memory 80 --platform runpod --platform lambda --source reference-2024 "
        "--local-cost 2.5 --electricity 0.2 --local-watts 500"
    )
    assert tw("compare", *arguments.split(), "--local-gpu", "RTX 4090").exit_code == 0
    assert server.sent_json("POST", PATH) == {
        "training_hours": 10, "reference_gpu": "A100", "min_memory_gb": 80, "platforms": ["runpod", "lambda"],
        "price_source": "reference-2024", "local_gpu_type": "RTX 4090", "local_electricity_cost": 2.5,
        "electricity_price_usd_per_kwh": 0.2, "local_power_watts": 500,
    }  # fmt: skip
    assert tw("compare", "--hours", "1").exit_code == 0
    assert server.sent_json("POST", PATH) == {"training_hours": 1}


def test_nothing_is_saved_where_here_is_the_cheapest(server: FakeServer, tw: Run) -> None:
    cheapest = {"platform": "local", "cost": "$1.00", "gpu": "RTX 4090"}
    server.on("POST", PATH, {**ANSWER, "summary": {**ANSWER["summary"], "cheapest": cheapest}})
    assert "Cheapest     local RTX 4090  $1.00\n" in tw("compare", "--hours", "10").out


def test_an_empty_answer_says_why_and_is_no_success(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, NOTHING)
    result = tw("compare", "--hours", "10")
    assert (result.exit_code, result.out) == (6, "")
    assert "all too small" in result.err
    as_json = tw("compare", "--hours", "10", "-o", "json")
    assert (as_json.exit_code, json.loads(as_json.out)) == (6, NOTHING)


def test_options_of_which_none_can_be_chosen_are_shown_with_the_reason(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, {**ANSWER, "summary": None, "message": "of unknown speed"})
    result = tw("compare", "--hours", "10", "--on", "H100")
    assert result.exit_code == 6
    assert "lambda_labs" in result.out
    assert "of unknown speed" in result.err


def test_only_the_cheapest_few_are_shown_unless_all_are_wanted(server: FakeServer, tw: Run) -> None:
    many = [option(f"p{number}", "H100", 1.0 + number) for number in range(40)]
    server.on("POST", PATH, {**ANSWER, "options": many})
    some = tw("compare", "--hours", "10")
    assert ("p24 " in some.out, "p25 " in some.out) == (True, False)
    assert "-a shows all 40 options" in some.err
    assert "p39 " in tw("compare", "--hours", "10", "--all").out


def test_programs_get_the_whole_answer(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, ANSWER)
    assert json.loads(tw("compare", "--hours", "10", "-o", "json").out) == ANSWER
    rows = list(csv.DictReader(io.StringIO(tw("compare", "--hours", "10", "-o", "csv").out)))
    assert [row["platform"] for row in rows] == ["lambda_labs", "local", "together_ai"]
    lines = tw("compare", "--hours", "10", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["cost"] for line in lines] == ["$12.90", "$25.00", "$258.00"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--hours", "0"), "training_hours"),
        (("--hours", "nan"), "training_hours"),
        (("--hours", "1", "--min-memory", "-1"), "min_memory_gb"),
        (("--hours", "1", "--source", "No Such"), "price_source"),
        (("--hours", "1", "--platform", ""), "platforms"),
        (("--hours", "1", "--local-watts", "0"), "local_power_watts"),
        (("--hours", "1", "--on", "a\nb"), "reference_gpu"),
    ],
)
def test_bad_input_is_refused_before_anybody_is_asked(
    server: FakeServer, tw: Run, arguments: tuple[str, ...], field: str
) -> None:
    result = tw("compare", *arguments)
    assert (result.exit_code, result.out, server.requests) == (2, "", [])
    assert field in result.err


def test_hours_are_needed_and_the_servers_refusals_are_shown(server: FakeServer, tw: Run) -> None:
    assert tw("compare").exit_code == 2
    server.on("POST", PATH, problem("TW-E400", 404, "no platform is called 'x'"))
    result = tw("compare", "--hours", "1", "--platform", "x")
    assert result.exit_code == 4
    assert "no platform is called 'x'" in result.err


@pytest.mark.parametrize(("value", "most"), [(0, 1), (1, 0), (-1, 5)])
def test_nothing_has_no_bar(value: float, most: float) -> None:
    assert draw_bar(value, most) == ""


def test_a_bar_grows_with_its_value_and_the_smallest_still_shows() -> None:
    assert draw_bar(1, 1) == "█" * WIDTH
    assert draw_bar(2, 1) == draw_bar(1, 1)
    assert draw_bar(0.5, 1) == "█" * (WIDTH // 2)
    assert draw_bar(1e-9, 1) == "▏"


def test_the_transport_may_fail(server: FakeServer, tw: Run) -> None:
    server.on("POST", PATH, httpx2.ConnectError("refused"))
    assert tw("compare", "--hours", "1").exit_code == 8
