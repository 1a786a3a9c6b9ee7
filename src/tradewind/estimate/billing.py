"""How each provider bills, and how long a machine there takes until it trains.

Tables: `data/billing.csv` (granularity, minimum, billed phases), `data/setup_time.csv` (boot and set-up) and
`data/waiting.csv` (until there is capacity). Each row names its source and what of it nobody has published.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from tradewind.domain.billing import BillingRule, Phase
from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import MICRO, Money, divide_half_even
from tradewind.domain.offers import Availability
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.tables import read_rows

_MICRO_PER_CENT: Final = MICRO // 100
#: Price sources whose prices are read as plain rate times hours: no part of the set-up is billed there.
_PLAIN_SOURCES: Final = frozenset({"reference-2024"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTime:
    """Minutes from having a machine to the first step of training, apart by whether they cost money.

    Waiting for capacity is not part of it, see `wait_time`; nor is fetching the user's data, see `RunTerms`.
    """

    billed: Band
    unbilled: Band
    #: After this long without a machine it is better to try elsewhere; None: nobody has said.
    give_up_min: float | None
    source: str
    is_assumed: bool
    note: str = ""


def billing_rule(provider_id: str, *, product: str = "") -> BillingRule:
    """How this provider bills its usual product, or the product named (`cpu`, `bare_metal`, `endpoint`, `fine_tune`).

    A provider nobody knows is taken to bill by the second without a minimum, all of it marked as assumed.

    Raises:
        NotFoundError: the provider has no such product in the table.
    """
    products = _rules().get(provider_id) or _rules()[""]
    for each in products:
        if each.product == product:
            return each.rule
    known = ", ".join(each.product for each in products if each.product) or "none but the usual one"
    raise NotFoundError(
        f"no billing rule is known for {product!r} of {provider_id}", hint=f"known products: {known}"
    )


def billing_rule_of(provider_id: str, instance_type: str, has_accelerator: bool = True) -> BillingRule:
    """How this provider bills a machine of this type, where its rules differ by type."""
    usual, *special = _rules().get(provider_id) or _rules()[""]
    for each in special:
        if each.is_for(instance_type, has_accelerator):
            return each.rule
    return usual.rule


def has_special_rules(provider_id: str) -> bool:
    """True where the bill depends on the type of machine."""
    return any(each.is_chosen_by_type for each in _rules().get(provider_id, ())[1:])


def setup_time(provider_id: str, *, price_source: str = "", rule: BillingRule | None = None) -> SetupTime:
    """How long a machine there boots and is set up; what of it is billed, by `rule` (default: the provider's usual).

    `price_source` is an offer's source: a source with set-up times of its own (`reference-2024`) is believed.
    """
    if rule is None:
        rule = billing_rule(provider_id)
    rows = _setups()
    row = rows.get((provider_id, price_source)) or rows.get((provider_id, "")) or rows[("", "")]
    is_plain = price_source in _PLAIN_SOURCES
    billed: list[tuple[float, float, float]] = []
    unbilled: list[tuple[float, float, float]] = []
    for phase, minutes in ((Phase.BOOTING, row.boot_min), (Phase.SETUP, row.setup_min)):
        (billed if phase in rule.billed and not is_plain else unbilled).append(minutes)
    return SetupTime(
        billed=_total(billed, row, "billed set-up"),
        unbilled=_total(unbilled, row, "set-up that is not billed"),
        give_up_min=row.give_up_min,
        source=row.source,
        is_assumed=row.is_assumed,
        note=row.note,
    )


def wait_time(availability: Availability) -> Band:
    """Minutes until there is capacity. Nobody publishes this: a scale of ours, shown as assumed."""
    return _waits()[availability]


def to_cents(amount: Money) -> int:
    """The amount as an invoice shows it: whole cents, half to even. What is charged and kept stays in micro-units."""
    return divide_half_even(amount.micro, _MICRO_PER_CENT)


@dataclass(frozen=True, slots=True)
class _Product:
    product: str
    instances: str
    accelerated: str
    rule: BillingRule

    @property
    def is_chosen_by_type(self) -> bool:
        return bool(self.instances or self.accelerated)

    def is_for(self, instance_type: str, has_accelerator: bool) -> bool:
        if not self.is_chosen_by_type:
            return False
        fits_name = not self.instances or fnmatchcase(instance_type, self.instances)
        return fits_name and (not self.accelerated or (self.accelerated == "yes") == has_accelerator)


@dataclass(frozen=True, slots=True)
class _Setup:
    boot_min: tuple[float, float, float]
    setup_min: tuple[float, float, float]
    give_up_min: float | None
    is_assumed: bool
    note: str
    source: str


@cache
def _rules() -> dict[str, tuple[_Product, ...]]:
    found: dict[str, tuple[_Product, ...]] = {}
    for row in read_rows("billing.csv"):
        rule = BillingRule(
            granularity_s=int(row["granularity_s"]),
            minimum_s=int(row["minimum_s"]),
            minimum_micro=int(row["minimum_micro"]),
            billed=frozenset(Phase(name) for name in row["billed"].split("+")),
            assumed=frozenset(filter(None, row["assumed"].split(";"))),
            note=row["note"],
            source=row["source"],
        )
        product = _Product(row["product"], row["instances"], row["accelerated"], rule)
        found[row["provider"]] = (*found.get(row["provider"], ()), product)
    return found


@cache
def _setups() -> dict[tuple[str, str], _Setup]:
    return {
        (row["provider"], row["price_source"]): _Setup(
            _minutes(row, "boot"),
            _minutes(row, "setup"),
            float(row["give_up_min"]) if row["give_up_min"] else None,
            row["is_assumed"] == "yes",
            row["note"],
            row["source"],
        )
        for row in read_rows("setup_time.csv")
    }


@cache
def _waits() -> dict[Availability, Band]:
    found = {}
    for row in read_rows("waiting.csv"):
        low, middle, high = _minutes(row, "wait")
        basis = f"{row['note']} ({row['source']})"
        found[Availability(row["availability"])] = Band(
            p10=low, p50=middle, p90=high, layer=Layer.FAMILY, basis=basis
        )
    return found


def _minutes(row: dict[str, str], phase: str) -> tuple[float, float, float]:
    return float(row[f"{phase}_p10_min"]), float(row[f"{phase}_p50_min"]), float(row[f"{phase}_p90_min"])


def _total(parts: list[tuple[float, float, float]], row: _Setup, what: str) -> Band:
    low, middle, high = (sum(part[i] for part in parts) for i in range(3))
    layer = Layer.FAMILY if row.is_assumed else Layer.MEASURED
    basis = f"{what}: {row.note or 'as published'} ({row.source})"
    return Band(p10=low, p50=middle, p90=high, layer=layer, basis=basis)
