"""Vultr's list of plans: cloud machines with accelerators or slices of one, and bare metal. In dollars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.offers import Availability, Market, Offer
from tradewind.hardware.names import identify
from tradewind.providers.asking import (
    MAX_PAGES,
    Quantity,
    Row,
    Sieve,
    ask,
    base_url,
    rows_of,
    too_many_pages,
)
from tradewind.providers.normalising import GIB, Machine, make_offer, per_hour
from tradewind.providers.prices import Wire

_PER_PAGE: Final = 500
_MIB: Final = 1 << 20
#: A month is never billed for more hours than these.
_HOURS_A_MONTH: Final = 672
#: Of the models that Vultr has, where the name leaves a choice.
_MEMORY_GB: Final = {"A100": 80.0, "H100": 80.0}
#: Bare metal names its accelerators in the plan's id only: `vbm-112c-2048gb-8-h100-gpu`, `vbm-72c-480gb-gh200-gpu`.
_METAL: Final = re.compile(r"vbm-.*?gb-(?:(\d+)-)?([a-z0-9]+)-gpu")


class _Plan(Row):
    id: str
    ram: Quantity
    disk: Quantity = 0
    locations: list[str]
    hourly_cost: Any = None
    monthly_cost: Any = None
    vcpu_count: Quantity = 0
    cpu_threads: Quantity = 0
    gpu_type: str | None = None
    gpu_vram_gb: Quantity | None = None
    deploy_ondemand: bool | None = None


class VultrPlans:
    """GPU plans per location; a plan without a location stays listed as unavailable."""

    id = "vultr-plans"
    title = "Vultr plans"
    providers: tuple[str, ...] = ("vultr",)
    credentials: tuple[str, ...] = ()
    max_age = timedelta(hours=1)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        for path, key in (("plans", "plans"), ("plans-metal", "plans_metal")):
            for raw in await self._pages(wire, path, key):
                plan = sieve.read(_Plan, raw)
                if plan is not None:
                    offers += self._offers(plan, now)
        sieve.finish()
        return offers

    async def _pages(self, wire: Wire, path: str, key: str) -> list[Any]:
        url = f"{base_url(wire, 'https://api.vultr.com')}/v2/{path}"
        rows: list[Any] = []
        params: dict[str, str | int] = {"per_page": _PER_PAGE}
        if path == "plans":
            params["type"] = "all"
        for _ in range(MAX_PAGES):
            answer = await ask(wire, "GET", url, params=params)
            rows += rows_of(answer, key, self.title)
            cursor = _next_cursor(answer)
            if not cursor or cursor == params.get("cursor"):
                return rows
            params["cursor"] = cursor
        raise too_many_pages(self.title)

    def _offers(self, plan: _Plan, now: datetime) -> Iterator[Offer]:
        label, count, memory_gb = _accelerators(plan)
        if label is None:
            return
        dollars = per_hour(plan.hourly_cost)
        if dollars is None:
            dollars = per_hour(plan.monthly_cost, seconds=_HOURS_A_MONTH * 3600)
        places = [place for place in plan.locations if place] if plan.deploy_ondemand is not False else []
        for place in places or [""]:
            machine = Machine(
                provider="vultr",
                region=place,
                instance_type=plan.id,
                label=label,
                count=count,
                accelerator_memory_gb=memory_gb,
                cpus=plan.vcpu_count or plan.cpu_threads,
                memory_bytes=int(plan.ram * _MIB),
                disk_bytes=int(plan.disk * GIB),
                availability=Availability.UNKNOWN if places else Availability.UNAVAILABLE,
            )
            yield make_offer(machine, dollars=dollars, market=Market.ON_DEMAND, source=self.id, seen_at=now)


def _accelerators(plan: _Plan) -> tuple[str | None, float, float | None]:
    """What, how many (a slice is a fraction), and the memory of a whole one. (None, 0, None): it has none."""
    if plan.gpu_type:
        label = plan.gpu_type.replace("_", " ")
        name = label.split()[-1].upper()
        model = identify(label, _MEMORY_GB.get(name)).model
        whole_gb = model.memory_gb if model else None
        if whole_gb is None or plan.gpu_vram_gb is None:
            return label, 1.0, plan.gpu_vram_gb
        count = plan.gpu_vram_gb / whole_gb
        return label, round(count) if count >= 1 else count, whole_gb
    said = _METAL.fullmatch(plan.id)
    if said is None:
        return None, 0.0, None
    return said[2].upper(), float(said[1] or 1), _MEMORY_GB.get(said[2].upper())


def _next_cursor(answer: dict[str, Any]) -> str:
    meta = answer.get("meta")
    links = meta.get("links") if isinstance(meta, dict) else None
    cursor = links.get("next") if isinstance(links, dict) else None
    return cursor if isinstance(cursor, str) else ""
