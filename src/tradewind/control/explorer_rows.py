"""Rows of goods as the offers page shows them, every amount and label worded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from tradewind.catalog.identity import levels_of
from tradewind.catalog.query import payable, per_accelerator
from tradewind.control.explorer_words import (
    MARKET_TITLES,
    accelerators_text,
    age_badge,
    availability_badge,
    carbon_text,
    hours_asked,
    hours_text,
    launch_view,
    marks_of,
    minutes_text,
    money,
    provider_title,
)
from tradewind.control.goods import Figures, Goods, Rows
from tradewind.control.instances import expected_watts
from tradewind.control.offer_keys import offer_key
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.domain.schemas_explorer import ExplorerRow, OfferResources, WorkTerms
from tradewind.estimate.cost_columns import NO_COST
from tradewind.hardware.names import short_name
from tradewind.placement.estimates import Place

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNPRICED: Final = np.iinfo(np.int64).max
_KEY_WORDS: Final = ("provider", "region", "zone", "instance_type", "accelerator")
_NOT_KNOWN: Final = "–"


class Rowing:
    """Makes rows; what many of them share is worked out once."""

    def __init__(self, goods: Goods, figures: Figures, terms: WorkTerms, now: datetime) -> None:
        self._goods = goods
        self._figures = figures
        self._terms = terms
        self._now = now
        self._badges = {level: availability_badge(level) for level in AVAILABILITIES}

    def rows(self, rows: Rows) -> list[ExplorerRow]:
        """These rows, in this order."""
        table, costs = self._goods.table, self._figures.costs
        part = table.take(rows)
        words = {name: [part.words[name][code] for code in part.codes[name].tolist()] for name in part.codes}
        number = {name: column.tolist() for name, column in part.numbers.items()}
        levels = [AVAILABILITIES[level] for level in levels_of(part).tolist()]
        columns = {
            "price": payable(table)[rows].tolist(),
            "each": per_accelerator(table)[rows].tolist(),
            "cost": costs.cost_p50_micro[rows].tolist(),
            "wait": costs.wait_min[rows].tolist(),
            "setup": costs.setup_min[rows].tolist(),
            "wall": costs.wall_p50_h[rows].tolist(),
            "interruptions": costs.interruptions[rows].tolist(),
            "hours": self._figures.hours[rows].tolist(),
            "work": self._figures.work_micro[rows].tolist(),
        }
        return [
            self._row(
                {name: values[at] for name, values in words.items()},
                {name: values[at] for name, values in number.items()},
                {name: values[at] for name, values in columns.items()},
                levels[at],
                self._goods.own_at(row),
            )
            for at, row in enumerate(rows.tolist())
        ]

    def _row(
        self,
        word: dict[str, str],
        number: dict[str, Any],
        figure: dict[str, Any],
        level: Availability,
        own: Offer | None,
    ) -> ExplorerRow:
        market, count = MARKETS[number["market"]].value, number["accelerator_count"]
        name = short_name(word["accelerator"]) if word["accelerator"] else None
        memory = _known(number["accelerator_memory_gb"])
        is_priced = figure["price"] != _UNPRICED
        hours = _known(figure["hours"])
        start = figure["wait"] + figure["setup"]
        wall = _known(figure["wall"])
        has_total = is_priced and figure["cost"] != NO_COST
        seen_at = _EPOCH + timedelta(microseconds=number["seen_at"]) if number["seen_at"] else None
        if own is not None and own.seen_at is None:
            seen_at = self._now
        energy, grams = self._energy(word, count, hours, own)
        source = word["source"] if own is None else (own.source if own.source == "you" else own.provider)
        return ExplorerRow.model_construct(
            key=offer_key([word[each] for each in _KEY_WORDS], count, market),
            provider=word["provider"],
            provider_title=provider_title(word["provider"]),
            title=accelerators_text(name, count),
            accelerator=word["accelerator"] or None,
            accelerator_title=name,
            accelerator_count=round(count, 4),
            memory_gb=memory,
            total_memory_gb=None if memory is None else round(memory * count, 2),
            cpus=_positive(number["cpus"]),
            host_memory_gib=_positive(number["memory_gib"]),
            disk_gib=_positive(number["disk_gib"]),
            network_gbit_per_s=_known(number["network_gbit_per_s"]),
            specs=_specs(number),
            instance_type=word["instance_type"],
            region=word["region"],
            zone=word["zone"] or None,
            market=market,
            market_title=MARKET_TITLES[market],
            price=money(figure["price"]) if is_priced else None,
            gpu_price=money(figure["each"]) if figure["each"] != np.inf else None,
            total=money(figure["cost"]) if has_total else None,
            total_note=self._total_note(figure, is_priced, hours, own),
            work=money(figure["work"]) if is_priced and figure["work"] == figure["work"] else None,
            work_unit=self._figures.unit,
            hours=hours,
            start_minutes=start,
            start_text=minutes_text(start),
            finish_hours=wall,
            finish_text=_NOT_KNOWN if wall is None else hours_text(wall),
            availability=self._badges[level],
            availability_level=level,
            age=age_badge(seen_at, self._now, source),
            seen_at=seen_at,
            source=source,
            reliability=_known(number["reliability"]),
            energy_kwh=energy,
            carbon_g=grams,
            carbon_text=None if grams is None else carbon_text(grams),
            is_own=market == Market.OWNED,
            marks=marks_of(word["flags"]),
            launch=launch_view(word["provider"], self._goods.runnable),
            resources=OfferResources(
                accelerators=[f"{word['accelerator']}:{round(count, 4):g}"] if word["accelerator"] else [],
                providers=[word["provider"]],
                regions=[] if market == Market.OWNED else [word["region"]],
                spot="only" if market == Market.SPOT else "never",
            ),
        )

    def _total_note(
        self, figure: dict[str, Any], is_priced: bool, hours: float | None, own: Offer | None
    ) -> str:
        if not is_priced:
            return "Its price is not known."
        if hours is None:
            return f"Nobody knows how fast it is, so the hours on {self._terms.on} cannot be carried over."
        training = f"{hours_asked(round(hours, 2))} of training"
        if own is not None and own.source == "you":
            return f"{training} at the rate you gave."
        if own is not None:
            watts = expected_watts(own)
            return f"{training} at about {watts:,.0f} W." if watts else f"{training} at your own rate."
        count = figure["interruptions"]
        if count > 0:
            what = "interruption" if f"{count:.2g}" == "1" else "interruptions"
            return f"{training}, the billed part of setting up, and {count:.2g} expected {what}."
        return f"{training} and the billed part of setting up."

    def _energy(
        self, word: dict[str, str], count: float, hours: float | None, own: Offer | None
    ) -> tuple[float | None, float | None]:
        """Kilowatt-hours and grams CO2e of the work there."""
        if hours is None:
            return None, None
        if own is not None and own.watts_high is not None:
            energy = expected_watts(own) / 1000 * hours
            grams = own.grams_co2e_per_kwh
        else:
            kilowatts = Place.kilowatts(word["accelerator"] or None, count)
            if kilowatts is None:
                return None, None
            energy = kilowatts * hours
            grams = (
                own.grams_co2e_per_kwh
                if own is not None
                else Place.grams_per_kwh(word["provider"], word["region"])
            )
        return round(energy, 4), None if grams is None else round(energy * grams, 2)


def _specs(number: dict[str, Any]) -> str:
    """`96 vCPU, 1,360 GiB memory, 400 GiB disk, 100 Gbit/s`."""
    parts = []
    if _positive(number["cpus"]):
        parts.append(f"{number['cpus']:,.6g} vCPU")
    if _positive(number["memory_gib"]):
        parts.append(f"{number['memory_gib']:,.0f} GiB memory")
    if _positive(number["disk_gib"]):
        parts.append(f"{number['disk_gib']:,.0f} GiB disk")
    if _known(number["network_gbit_per_s"]):
        parts.append(f"{number['network_gbit_per_s']:,.6g} Gbit/s")
    return ", ".join(parts)


def _known(value: float) -> float | None:
    return None if value != value else value


def _positive(value: float) -> float | None:
    return value if value > 0 else None
