"""What is known of the bill of every row of an offer table, worked out once per table and kept with it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import AVAILABILITIES, OfferTable
from tradewind.estimate.billing import billing_rule, billing_rule_of, has_special_rules, setup_time, wait_time
from tradewind.estimate.interruptions import interruption_rate
from tradewind.estimate.place_fees import place_fees

_CACHE_KEY: Final = "cost_facts"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """One entry per kind of row: provider, price source, accelerator and billing rule."""

    granularity_s: Ints
    minimum_s: Ints
    minimum_micro: Ints
    boot_50_h: Floats
    boot_90_h: Floats
    setup_50_h: Floats
    setup_90_h: Floats
    per_hour: Floats
    per_hour_90: Floats
    storage_micro: Ints


@dataclass(frozen=True, slots=True)
class TableFacts:
    """`codes[i]` is the kind of row i."""

    facts: CostFacts
    codes: npt.NDArray[np.intp]


def facts_of(table: OfferTable) -> TableFacts:
    """The facts of this table; the first call for a table does the work."""
    found = table._cache.get(_CACHE_KEY)
    if found is None:
        found = table._cache.setdefault(_CACHE_KEY, _collect(table))
    return cast(TableFacts, found)


def wait_hours() -> tuple[Floats, Floats]:
    """P50 and P90 of waiting, by code of availability."""
    waits = [wait_time(each) for each in AVAILABILITIES]
    return np.array([each.p50 / 60 for each in waits]), np.array([each.p90 / 60 for each in waits])


def _collect(table: OfferTable) -> TableFacts:
    special, kinds_of_rule = _special_rules(table)
    names = ("provider", "source", "accelerator")
    sizes = [len(table.words[name]) for name in names]
    key = table.codes["provider"].astype(np.int64)
    for name, size in zip(names[1:], sizes[1:], strict=True):
        key = key * size + table.codes[name]
    key = key * (len(kinds_of_rule) + 1) + special
    _, first, codes = np.unique(key, return_index=True, return_inverse=True)
    rows = []
    for row in first:
        provider, source, accelerator = (table.words[name][table.codes[name][row]] for name in names)
        kind = int(special[row])
        rule = billing_rule(provider) if kind == 0 else billing_rule_of(*kinds_of_rule[kind - 1])
        setup = setup_time(provider, price_source=source, rule=rule)
        rate, fees = interruption_rate(provider, accelerator or None), place_fees(provider)
        rows.append(
            (
                rule.granularity_s,
                rule.minimum_s,
                rule.minimum_micro,
                setup.unbilled.p50 / 60,
                setup.unbilled.p90 / 60,
                setup.billed.p50 / 60,
                setup.billed.p90 / 60,
                rate.per_hour,
                rate.per_hour_p90,
                fees.storage_micro_per_gb_month,
            )
        )
    columns: dict[str, Any] = {}
    for i, each in enumerate(fields(CostFacts)):
        kind_of_number = np.int64 if each.type == "Ints" else np.float64
        columns[each.name] = np.array([row[i] for row in rows], dtype=kind_of_number)
    return TableFacts(CostFacts(**columns), codes.reshape(-1))


def _special_rules(table: OfferTable) -> tuple[Ints, list[tuple[str, str, bool]]]:
    """Per row 0, or one more than the position of a provider, type and kind of machine with its own rule."""
    special = np.zeros(len(table), dtype=np.int64)
    kinds: list[tuple[str, str, bool]] = []
    found: dict[tuple[str, object], int] = {}
    for code, provider in enumerate(table.words["provider"]):
        if not has_special_rules(provider):
            continue
        rows = np.flatnonzero(table.codes["provider"] == code)
        has_accelerator = table.numbers["accelerator_count"][rows].astype(np.float64) > 0
        pair = table.codes["instance_type"][rows].astype(np.int64) * 2 + has_accelerator
        for value in np.unique(pair):
            kind = (provider, table.words["instance_type"][int(value) // 2], bool(value % 2))
            rule = billing_rule_of(*kind)
            position = found.get((provider, rule))
            if position is None:
                kinds.append(kind)
                position = found[(provider, rule)] = len(kinds)
            special[rows[pair == value]] = position
    return special, kinds
