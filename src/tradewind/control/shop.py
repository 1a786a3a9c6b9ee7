"""What there is to compare under `/api/cloud`, whose it is, and the rows that answer a query, by price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import MICRO
from tradewind.domain.offers import Market, Offer
from tradewind.hardware.names import cloud_gpu_name, fulfils
from tradewind.providers.about import all_abouts, find_about, plain_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tradewind.domain.offer_table import OfferTable

    Mask = npt.NDArray[np.bool_]
    Rows = npt.NDArray[np.intp]

#: How a machine without an accelerator is called.
CPU: Final = "CPU"
#: What a user must know of a provider that only price lists speak of.
ONLY_PRICES: Final = (
    "Only its prices are known here: no jobs can be run there, and nothing else is known of it."
)
#: Terms on which a machine is had; `on_demand` has owned ones too: nobody takes either away.
Terms = Literal["on_demand", "spot", "reserved", "any"]
#: Memory of one accelerator is told apart in steps of 1/8 GB, up to this many of them.
_MEMORY_STEPS: Final = 1 << 16
_MEMORY_STEPS_PER_GB: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What there is to compare: offers of markets, and machines at hand that are charged by energy.

    `listed` are the providers of every price list the caller may see, whether or not their offers are in `table`.
    """

    table: OfferTable
    own: Sequence[Offer] = ()
    listed: frozenset[str] = frozenset()

    @property
    def providers(self) -> frozenset[str]:
        """Every provider that describes itself or has prices."""
        return frozenset(all_abouts()) | self.listed | providers_in(self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for; None: anything. `min_memory_gb` is what a job would have of one accelerator."""

    providers: frozenset[str] | None = None
    gpu_type: str | None = None
    min_memory_gb: float | None = None
    terms: Terms = "any"


def cloud_id(provider_id: str) -> str:
    """A provider's id under `/api/cloud`; the id itself where only a price list knows it."""
    about = all_abouts().get(provider_id)
    return provider_id if about is None else about.cloud_id


def provider_of(shop: Shop, platform: str) -> str:
    """The provider behind a platform's id or alias; signs and capitals do not matter.

    Raises:
        NotFoundError: nobody knows it; the hint has the known ids.
    """
    try:
        return find_about(platform).id
    except NotFoundError:
        wanted, providers = plain_name(platform), shop.providers
        for each in sorted(providers):
            if plain_name(each) == wanted:
                return each
        known = sorted(cloud_id(each) for each in providers)
        raise NotFoundError(
            f"no platform is called {platform!r}", hint=f"known platforms: {', '.join(known)}"
        ) from None


def providers_in(table: OfferTable) -> frozenset[str]:
    """The providers of which the table has offers."""
    import numpy as np

    counts = np.bincount(table.codes["provider"], minlength=len(table.words["provider"]))
    return frozenset(
        word for word, count in zip(table.words["provider"], counts, strict=True) if count and word
    )


def rows_of(table: OfferTable, wish: Wish) -> Rows:
    """Rows that answer, by price. A price that nobody can pay is no answer."""
    import numpy as np

    from tradewind.catalog.identity import has_real_price, usable_memory_gb

    keep = has_real_price(table) & np.asarray(table.numbers["price_micro"] > np.int64(0))
    if wish.providers is not None:
        providers = wish.providers
        keep &= _word_mask(table, "provider", lambda word: word in providers)
    if wish.gpu_type is not None:
        gpu_type = wish.gpu_type
        keep &= _word_mask(table, "accelerator", lambda word: bool(word) and fulfils(gpu_type, word))
    if wish.min_memory_gb:
        keep &= usable_memory_gb(table) >= np.float32(wish.min_memory_gb)
    if wish.terms != "any":
        keep &= _on_terms(table, wish.terms)
    rows = np.flatnonzero(keep)
    return rows[np.argsort(table.numbers["price_micro"][rows], kind="stable")]


def cheapest_each(table: OfferTable, wish: Wish) -> list[Offer]:
    """The cheapest row of each provider, accelerator, memory and availability, by price.

    Different accelerators can carry the same name for users; those are told apart here and joined by the comparison.
    A part of an accelerator stands for none: in equal hours it does not do the same work.
    """
    import numpy as np

    from tradewind.catalog.identity import levels_of, usable_memory_gb

    rows = rows_of(table, wish)
    rows = rows[np.asarray(table.numbers["accelerator_count"])[rows] >= np.float32(1)]
    accelerators = table.codes["accelerator"][rows].astype(np.int64)
    memory = np.nan_to_num(usable_memory_gb(table)[rows], nan=0.0) * _MEMORY_STEPS_PER_GB
    key = table.codes["provider"][rows] * np.int64(len(table.words["accelerator"])) + accelerators
    key = key * _MEMORY_STEPS + np.clip(memory, 0, _MEMORY_STEPS - 1).astype(np.int64)
    key = key * 8 + levels_of(table)[rows]
    # Rows are by price, so the first of each kind is the cheapest.
    _, first = np.unique(key[accelerators != table.words["accelerator"].index("")], return_index=True)
    with_accelerator = rows[accelerators != table.words["accelerator"].index("")]
    return table.offers(with_accelerator[np.sort(first)])


def gpu_name(offer: Offer) -> str:
    """What users call its accelerator; `CPU` where it has none."""
    return cloud_gpu_name(offer.accelerator) if offer.accelerator else CPU


def usd(micro: float) -> float:
    """Dollars, as a number of a few digits."""
    return round(micro / MICRO, 6)


def show_time(at: datetime | None) -> str | None:
    """ISO 8601."""
    return None if at is None else at.isoformat()


def _on_terms(table: OfferTable, terms: str) -> Mask:
    import numpy as np

    from tradewind.domain.offer_table import MARKETS

    wanted = {Market.ON_DEMAND, Market.OWNED} if terms == Market.ON_DEMAND else {Market(terms)}
    return np.isin(table.numbers["market"], [MARKETS.index(each) for each in wanted])


def _word_mask(table: OfferTable, column: str, is_wanted: Callable[[str], bool]) -> Mask:
    import numpy as np

    return np.array([is_wanted(word) for word in table.words[column]], dtype=bool)[table.codes[column]]
