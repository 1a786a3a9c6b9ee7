"""What one place is better and worse at than another, in a user's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tradewind.domain.money import format_money

#: Smaller differences are not worth a word.
_SHARE: Final = 0.05
_RISK: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What places are compared by. Money is micro-dollars for one task; None: not known."""

    hourly_micro: int
    cost_p50_micro: int | None
    cost_p90_micro: int | None
    wall_p50_h: float | None
    setup_min: float
    carbon_g: float | None
    #: 0..1
    risk: float


def compare_to(mine: Measures, other: Measures) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the first is better and worse at: `$3.10 cheaper (12 %)`, `1.2 h later`."""
    better: list[str] = []
    worse: list[str] = []
    if mine.cost_p50_micro is not None and other.cost_p50_micro is not None:
        _say(better, worse, mine.cost_p50_micro, other.cost_p50_micro, "cheaper", "dearer", _money)
    else:
        _say(
            better,
            worse,
            mine.hourly_micro,
            other.hourly_micro,
            "cheaper per hour",
            "dearer per hour",
            _money,
        )
    if mine.wall_p50_h is not None and other.wall_p50_h is not None:
        _say(better, worse, mine.wall_p50_h, other.wall_p50_h, "sooner done", "later done", _hours)
    if mine.carbon_g is not None and other.carbon_g is not None:
        _say(better, worse, mine.carbon_g, other.carbon_g, "less CO2e", "more CO2e", _grams)
    if abs(mine.risk - other.risk) >= _RISK:
        text = f"risk {mine.risk:.0%} instead of {other.risk:.0%}"
        (better if mine.risk < other.risk else worse).append(text)
    return tuple(better), tuple(worse)


def _say(
    better: list[str], worse: list[str], mine: float, other: float, if_less: str, if_more: str, show: object
) -> None:
    difference = abs(mine - other)
    if difference <= _SHARE * max(mine, other):
        return
    assert callable(show)
    share = f" ({difference / other:.0%})" if other > 0 and difference / other < 10 else ""
    (better if mine < other else worse).append(
        f"{show(difference)} {if_less if mine < other else if_more}{share}"
    )


def _money(micro: float) -> str:
    return format_money(round(micro))


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def _grams(grams: float) -> str:
    return f"{grams / 1000:.1f} kg" if grams >= 1000 else f"{grams:.0f} g"
