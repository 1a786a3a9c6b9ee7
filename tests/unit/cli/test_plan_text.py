"""A plan over a market, as text."""

from __future__ import annotations

from typing import Any

from tests.unit.client.fakes import money
from tradewind.cli.plan_text import show_plan


def place(provider: str, micro: int, **more: Any) -> dict[str, Any]:
    offer = {
        "provider": provider, "region": "eu-nl", "instance_type": "big", "market": "on_demand",
        "accelerators": "H100 SXM:1",
        "cpus": 16, "memory_bytes": 64 << 30, "price_per_hour": money(2_490_000, "$2.49"),
        "price_per_hour_max": money(2_490_000, "$2.49"), "grams_co2e_per_hour": None,
    }  # fmt: skip
    return {
        "offer": offer, "tasks": 1, "nodes": 1, "hours": None, "cost": money(micro, f"${micro / 1e6:.2f}"),
        "wall_hours": 10.25, "risk": 0.0, "risk_reasons": [], "is_pareto": False, "is_runnable": True, "better": [],
        "worse": [], "notes": [], **more,
    }  # fmt: skip


PARTS = {name: money(0, "$0.00") for name in ("setup", "storage", "egress", "interruptions")}
PLAN: dict[str, Any] = {
    "id": "plan_1", "job_name": "sft", "reason": "the cheapest of 3 places that fit (of those connected)",
    "chosen": place("lambda", 25_400_000)["offer"], "hours": 10.0, "hours_source": "", "warnings": [], "excluded": [],
    "cost_estimate": money(25_400_000, "$25.40"),
    "place": place(
        "lambda", 25_400_000, risk=0.21, risk_reasons=["its price is 30 days old"], notes=["set-up time is assumed"],
        hours={"p10": 9.0, "p50": 10.0, "p90": 13.0, "layer": "roofline", "basis": "by bandwidth"},
        cost_parts={"compute": money(24_900_000, "$24.90"), **PARTS, "setup": money(500_000, "$0.50")},
    ),
    "best_anywhere": place(
        "vast", 16_100_000, is_runnable=False, how_to_connect="`tradewind connect vast`",
        better=["$9.30 cheaper (37%)"],
        worse=["risk 30% instead of 21%"],
    ),
    "best_reason": "the cheapest of 3 places that fit",
    "runners_up": [place("aws", 68_800_000, is_runnable=False, is_pareto=True, worse=["$43.40 dearer (171%)"])],
    "more_places": [], "offers_seen": 212, "offers_fitting": 3,
    "exclusions": [
        {"constraint": "resources.accelerators", "count": 208, "explanation": "H100:1 asked for, not there"},
        {"constraint": "resources.spot", "count": 1, "explanation": "they are spot"},
    ],
    "what_would_change": [{"text": "allow spot: vast H100 $1.61/h, about $16.10 in all"}],
    "regret": {"cost_p90": money(33_000_000, "$33.00"), "regret_p90": money(9_000_000, "$9.00")},
}  # fmt: skip


def test_a_market_in_one_look() -> None:
    assert show_plan(PLAN) == """\
Plan for job sft  plan_1
  1  lambda  big  H100 SXM:1, 64.0 GB  eu-nl  on_demand  $2.49/h  est. 10 h  $25.40
  why  the cheapest of 3 places that fit (of those connected)
  hours  10 (8 of 10 runs: 9 to 13), roofline: by bandwidth
  cost  compute $24.90 + setup $0.50
  risk  ██▏ 21%: its price is 30 days old
  note  set-up time is assumed
  best anywhere  vast  H100 SXM:1  eu-nl  on_demand  $2.49/h  $16.10: the cheapest of 3 places that fit
    to use it  `tradewind connect vast`
    better  $9.30 cheaper (37%)
    worse  risk 30% instead of 21%
  if wrong  $33.00 in one run of ten, $9.00 more than the cheapest would cost then
  also fit  3 of 212 offers; the next best
    aws  H100 SXM:1  eu-nl  on-demand  $2.49/h  10.2 h  $68.80  ██████████  pareto  not connected
      - $43.40 dearer (171%)
  ruled out      208  resources.accelerators: H100:1 asked for, not there
  ruled out        1  resources.spot: they are spot
  would change it  allow spot: vast H100 $1.61/h, about $16.10 in all"""  # fmt: skip


def test_a_place_where_everything_is_free_has_an_empty_bar() -> None:
    free = {**PLAN, "runners_up": [place("aws", 0)], "place": place("local", 0), "best_anywhere": None}
    assert "█" not in show_plan(free)
