"""What alerts say: a condition in a sentence, a finding as a message."""

from __future__ import annotations

from tradewind.catalog.alerts import Finding, Place
from tradewind.domain.money import format_money
from tradewind.domain.offers import Market
from tradewind.domain.schemas_alerts import AlertCondition, AlertFilters, AlertKind


def tell(name: str, condition: AlertCondition, finding: Finding) -> tuple[str, str]:
    """Title and text of the message about a finding."""
    place = describe_place(finding.place) if finding.place else "an offer"
    unit = unit_of(condition)
    price = "" if finding.price_micro is None else f"{format_money(finding.price_micro)}{unit}"
    if finding.kind is AlertKind.AVAILABLE_AGAIN:
        title = f"{name}: available again, {place}"
        lines = [
            f"{place} can be had again.",
            f"Matching offers that are there now: {finding.available}.",
            *([f"The lowest price among them: {price}."] if price else []),
        ]
    elif finding.kind is AlertKind.PRICE_BELOW:
        title = f"{name}: {price}, {place}"
        lines = [f"{place} costs {price}, below {format_money(finding.limit_micro or 0)}{unit}."]
    else:
        reference = finding.reference_micro or 0
        percent = 100 * (1 - (finding.price_micro or 0) / reference) if reference else 0.0
        title = f"{name}: down {percent:.0f} % to {price}, {place}"
        lines = [f"{place} costs {price}, {percent:.1f} % less than {format_money(reference)}{unit}."]
    lines.append(f"Waited for: {summarize(condition)}.")
    return title, "\n".join(lines)


def unit_of(condition: AlertCondition) -> str:
    """`/h` for a machine, `/GPU-h` for one accelerator of it."""
    return "/GPU-h" if condition.per == "accelerator_hour" else "/h"


def summarize(condition: AlertCondition) -> str:
    """The condition in one sentence, without a full stop."""
    what = describe_filters(condition.filters)
    if condition.kind is AlertKind.AVAILABLE_AGAIN:
        return f"{what} is available again"
    if condition.kind is AlertKind.PRICE_BELOW:
        return f"{what} below {format_money(condition.below_micro or 0)}{unit_of(condition)}"
    against = (
        "the last price that was told"
        if condition.window_hours is None
        else f"the highest of the last {condition.window_hours:g} h"
    )
    return f"{what} drops by {condition.drop_percent:g} % against {against}"


def describe_filters(filters: AlertFilters) -> str:
    """The filters in a few words: `H100-SXM or H100-PCIe x8+, vast, us-*, spot`."""
    parts = [" or ".join(filters.accelerators) or "any offer"]
    if filters.min_count is not None or filters.max_count is not None:
        if filters.min_count == filters.max_count:
            parts[0] += f" x{filters.min_count:g}"
        elif filters.max_count is None:
            parts[0] += f" x{filters.min_count:g}+"
        else:
            parts[0] += f" x{filters.min_count or 0:g}-{filters.max_count:g}"
    if filters.min_memory_gb is not None:
        parts.append(f"{filters.min_memory_gb:g} GB+")
    for words in (filters.providers, filters.regions, [Market(each).value for each in filters.markets]):
        if words:
            parts.append(" or ".join(words))
    return ", ".join(parts)


def describe_place(place: Place) -> str:
    """An offer in a few words: `vast, eu-nl: H100-SXM x1 (spot)`."""
    name = place.accelerator or place.instance_type
    count = f" x{place.accelerator_count:g}" if place.accelerator else ""
    return f"{place.provider}, {place.zone or place.region}: {name}{count} ({place.market.replace('_', ' ')})"
