"""Oracle's public cost estimator: machine shapes in one file, prices of their parts in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import (
    Count,
    Quantity,
    Row,
    Sieve,
    ask,
    base_url,
    rows_of,
)
from tradewind.providers.normalising import GIB, Machine, make_offer, read_amount
from tradewind.providers.prices import Wire

#: Capacity that can be taken back costs half, by Oracle's rule for all shapes that allow it.
_SPOT_SHARE: Final = Decimal("0.5")
#: Generations whose shape's name does not say what is inside.
_OLD_SHAPES: Final = {"GPU2": "P100", "GPU3": "V100", "GPU4": "A100 40GB"}
#: Shapes whose accelerator the list writes differently from its vendor.
_LABELS: Final = {"RTXPRO": "RTX PRO 6000 Server Edition"}


class _Price(Row):
    model: str
    value: Any


class _Localization(Row):
    currency_code: str = Field(alias="currencyCode")
    prices: list[_Price]


class _Product(Row):
    part_number: str = Field(alias="partNumber")
    kind: str = Field(default="", alias="pricetype")
    localizations: list[_Localization] = Field(alias="currencyCodeLocalizations")


class _Kind(Row):
    value: str


class _Part(Row):
    type: _Kind
    part_number: str = Field(alias="partNumber")
    quantity: Quantity | None = Field(default=None, alias="qty")


class _Shape(Row):
    name: str
    status: str = "ACTIVE"
    is_hidden: bool = Field(default=False, alias="hidden")
    allows_spot: bool = Field(default=False, alias="allowPreemptible")
    memory_gb: Quantity | None = Field(default=None, alias="bundleMemoryQty")
    gpu_count: Count | None = Field(default=None, alias="gpuQty")
    gpu_memory_gb: Quantity | None = Field(default=None, alias="gpuMemoryQty")
    parts: list[_Part] = Field(alias="products")


class OciList:
    """GPU shapes, at one price in every region; the region is left empty."""

    id = "oci-list"
    title = "Oracle Cloud price list"
    providers: tuple[str, ...] = ("oci",)
    credentials: tuple[str, ...] = ()
    max_age = timedelta(hours=12)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        url = base_url(wire, "https://www.oracle.com/a/ocom/docs/cloudestimator2/data")
        shapes = await ask(wire, "GET", f"{url}/shapes.json")
        products = await ask(wire, "GET", f"{url}/products.json")
        sieve, now = Sieve(self.title), wire.clock.now()
        per_part: dict[str, Decimal | None] = {}
        for raw in rows_of(products, "items", self.title):
            product = sieve.read(_Product, raw)
            if product is not None:
                per_part[product.part_number] = _dollars_per_hour(product)
        offers: list[Offer] = []
        for raw in rows_of(shapes, "items", self.title):
            shape = sieve.read(_Shape, raw)
            if shape is not None:
                offers += self._offers(shape, per_part, now)
        sieve.finish()
        return offers

    def _offers(
        self, shape: _Shape, per_part: Mapping[str, Decimal | None], now: datetime
    ) -> Iterator[Offer]:
        count = shape.gpu_count
        if not count or shape.is_hidden or shape.status != "ACTIVE":
            return
        name = shape.name.removesuffix(" (NVL72)")
        processors = next((part for part in shape.parts if part.type.value == "ocpu"), None)
        machine = Machine(
            provider="oci",
            region="",
            instance_type=name,
            label=_label(name),
            count=count,
            accelerator_memory_gb=shape.gpu_memory_gb / count if shape.gpu_memory_gb else None,
            # One OCPU is a core of two threads.
            cpus=2 * (processors.quantity or 0) if processors else 0,
            memory_bytes=int((shape.memory_gb or 0) * GIB),
        )
        dollars = _machine_price(shape, count, per_part)
        yield make_offer(machine, dollars=dollars, market=Market.ON_DEMAND, source=self.id, seen_at=now)
        if shape.allows_spot and dollars is not None:
            yield make_offer(
                machine, dollars=dollars * _SPOT_SHARE, market=Market.SPOT, source=self.id, seen_at=now
            )


def _machine_price(shape: _Shape, count: float, per_part: Mapping[str, Decimal | None]) -> Decimal | None:
    """The sum of the parts. The part called `ocpu` of a GPU shape is priced per accelerator, not per processor."""
    total = Decimal(0)
    for part in shape.parts:
        price = per_part.get(part.part_number)
        quantity = count if part.type.value == "ocpu" else part.quantity
        if price is None or quantity is None:
            return None
        total += price * Decimal(str(quantity))
    return total


def _dollars_per_hour(product: _Product) -> Decimal | None:
    if product.kind.upper() != "HOUR":
        return None
    for local in product.localizations:
        for price in local.prices:
            if local.currency_code == "USD" and price.model == "PAY_AS_YOU_GO":
                return read_amount(price.value)
    return None


def _label(name: str) -> str:
    """`BM.GPU.H100.8` -> `H100`, `VM.GPU.A10.2` -> `A10`, `BM.GPU4.8` -> `A100 40GB`."""
    parts = name.upper().split(".")
    for part in parts:
        if part in _OLD_SHAPES:
            return _OLD_SHAPES[part]
    if "GPU" in parts[:-1]:
        word = parts[parts.index("GPU") + 1].removesuffix("-V2")
        return _LABELS.get(word, word)
    return name
