"""Clouds of the stage: real ids and believable prices, simulated machines."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tests.web.clock import START
from tests.web.training import Behaves, Training
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Accelerator, Availability, CreateIdempotency, Offer, SelfTermination
from tradewind.hardware.accelerators import all_models
from tradewind.providers.base import Account, AttemptRequest, Greeting, Handle, Inventory, Quota
from tradewind.providers.prices import Wire
from tradewind.providers.simulated import Machine, Profile, SimulatedCloud, SimulatedHost, Steps, Stock

_GIB: Final = 1 << 30
#: Prices move from then until then; so much history there is, and so much future a test may have.
_BEGIN, _END = START - timedelta(days=35), START + timedelta(days=5)


def spot_price(seed: str, middle_usd: float, *, swing: float = 0.22) -> Steps:
    """A price that moves a few times a day around a middle, and slowly with it."""
    chance = random.Random(f"price/{seed}")
    times, values, at, level = [_BEGIN], [round(middle_usd * 1e6)], _BEGIN, 0.0
    while at < _END:
        at += timedelta(hours=chance.uniform(2.5, 9))
        level = 0.82 * level + chance.gauss(0, swing * 0.45)
        season = 0.5 * swing * math.sin((at - _BEGIN).total_seconds() / 86_400 / 6.5)
        price = middle_usd * max(1 + season + level, 0.35)
        times.append(at.replace(second=0, microsecond=0))
        values.append(round(price * 200) * 5_000)
    return Steps(tuple(times), tuple(values))


def stock(
    region: str,
    instance_type: str,
    accelerator: str,
    count: int,
    usd: float,
    *,
    spot_usd: float | None = None,
    cpus: float = 16,
    memory_gib: int = 128,
    free: int = 4,
) -> list[Stock]:
    """One kind of machine: on demand, and on spot terms where it has such a price."""
    common: dict[str, Any] = {
        "region": region,
        "zone": region,
        "instance_type": instance_type,
        "accelerator": accelerator,
        "accelerator_count": float(count),
        "cpus": cpus,
        "memory_bytes": memory_gib * _GIB,
        "capacity": Steps.constant(free, _BEGIN),
    }
    found = [
        Stock(market="on_demand", price_micro_per_hour=Steps.constant(round(usd * 1e6), _BEGIN), **common)
    ]
    if spot_usd is not None:
        price = spot_price(f"{region}/{instance_type}", spot_usd)
        found.append(Stock(market="spot", price_micro_per_hour=price, **common))
    return found


PROFILES: Final = (
    Profile(
        id="vast",
        create_idempotency=CreateIdempotency.TAG,
        self_termination=SelfTermination.NONE,
        latency_s=0.0,
        boot_s=(70.0, 160.0),
        stocks=(
            *stock("eu-nl", "1x_H100_SXM", "H100-SXM", 1, 2.35, spot_usd=1.61, free=3),
            *stock("us-ca", "1x_RTX_4090", "RTX-4090", 1, 0.44, spot_usd=0.29, cpus=12, memory_gib=64, free=9),
            *stock("us-ca", "4x_RTX_4090", "RTX-4090", 4, 1.79, spot_usd=1.21, cpus=48, memory_gib=256),
            *stock("eu-se", "2x_A100_SXM4", "A100-SXM-80GB", 2, 2.02, spot_usd=1.34, cpus=32, memory_gib=240),
        ),
    ),
    Profile(
        id="lambda",
        create_idempotency=CreateIdempotency.TAG,
        self_termination=SelfTermination.NONE,
        latency_s=0.0,
        boot_s=(120.0, 240.0),
        quota=12,
        granularity_s=60,
        stocks=(
            *stock("us-west-1", "gpu_1x_h100_pcie", "H100-PCIe", 1, 2.49, cpus=26, memory_gib=200),
            *stock("us-east-1", "gpu_8x_a100_80gb_sxm4", "A100-SXM-80GB", 8, 14.32, cpus=240, memory_gib=1800),
            *stock("us-west-1", "gpu_1x_a10", "A10", 1, 0.75, cpus=30, memory_gib=200, free=6),
        ),
    ),
    Profile(
        id="runpod",
        create_idempotency=CreateIdempotency.TAG,
        self_termination=SelfTermination.NONE,
        latency_s=0.0,
        boot_s=(45.0, 110.0),
        notice_s=5.0,
        stocks=(
            *stock("us-tx", "1x_H100_SXM", "H100-SXM", 1, 2.99, spot_usd=1.79, cpus=20, memory_gib=125),
            *stock("eu-ro", "1x_L40S", "L40S", 1, 0.86, spot_usd=0.52, cpus=16, memory_gib=94, free=8),
            *stock("eu-ro", "8x_H200_SXM", "H200-SXM", 8, 28.72, spot_usd=19.9, cpus=192, memory_gib=2000, free=1),
        ),
    ),
    Profile(
        id="lyceum",
        create_idempotency=CreateIdempotency.TAG,
        self_termination=SelfTermination.NONE,
        latency_s=0.0,
        stocks=tuple(stock("eu-west", "gpu-l40s", "L40S", 1, 1.45, cpus=12, memory_gib=96)),
    ),
)  # fmt: skip
#: What the vendors say of the stage's accounts.
ACCOUNTS: Final = {
    "vast": Account(
        identity="ana@wind.example (account 48211)",
        regions=("eu-nl", "us-ca", "eu-se"),
        quotas=(Quota(name="credit in USD", limit=400.0, used=161.4),),
        notes=("The balance pays for about 154 hours of what runs now.",),
    ),
    "lambda": Account(
        identity="team wind (workspace 7c1f)",
        regions=("us-west-1", "us-east-1"),
        quotas=(Quota(name="instances", limit=12, used=1),),
    ),
    "runpod": Account(
        identity="ana@wind.example",
        regions=("us-tx", "eu-ro"),
        quotas=(Quota(name="spend limit in USD/h", limit=80.0, used=0.52),),
        missing=("pods: update",),
        notes=("Without `pods: update` a machine cannot be stopped in place; it is given back instead.",),
    ),
    "aws": Account(identity="arn:aws:iam::123456789012:user/tradewind", regions=("us-east-1", "eu-west-1")),
}


def devices(accelerator: str | None, count: int, machine: str) -> tuple[Accelerator, ...]:
    """The accelerators of a machine."""
    model = all_models().get(accelerator or "")
    if model is None:
        return ()
    return tuple(
        Accelerator(
            name=model.title,
            memory_bytes=int(model.memory_gb * 1e9),
            index=index,
            uuid=f"GPU-{machine}-{index}",
            vendor=model.vendor,
            tdp_watts=model.tdp_watts,
        )
        for index in range(count)
    )


class StageCloud(SimulatedCloud):
    """A simulated cloud whose machines train, and whose credentials may be bad."""

    def __init__(self, clock: Clock, entropy: Entropy, profile: Profile, behave: Behaves) -> None:
        super().__init__(clock, entropy, profile, behave)
        self._runs = behave
        self.account = ACCOUNTS.get(profile.id, Account(identity="ana@wind.example"))
        #: Raised instead of every answer, while it is set.
        self.trouble: ProviderError | None = None

    def opened(self, credentials: Mapping[str, str]) -> StageCloud:
        """The cloud as somebody with these credentials finds it: `wrong…` is turned away."""
        if not any(value.startswith("wrong") for value in credentials.values()):
            return self
        closed = StageCloud(self._clock, self._entropy, self.profile, self._runs)
        closed.trouble = ProviderError(ProviderFault.CREDENTIALS, "the key is not known")
        return closed

    async def examine(self) -> Account:
        await self._arrive()
        return self.account

    async def _arrive(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        await super()._arrive()

    def start(self, machine: Machine, request: AttemptRequest, key: str) -> None:
        if key not in machine.processes:
            machine.processes[key] = Training.start(request, self._runs(request), self._clock.now())

    def host(self, handle: Handle) -> SimulatedHost:
        return StageHost(self, str(handle.values["id"]))

    def _offer(self, stock: Stock, now: datetime) -> Offer:
        offer = super()._offer(stock, now)
        free = stock.capacity.at(now) - sum(1 for each in self.living(now) if each.stock is stock)
        model = all_models().get(stock.accelerator or "")
        return replace(
            offer,
            accelerator_memory_gb=model.memory_gb if model else None,
            is_available=free > 0,
            availability=_availability(free),
            reliability=0.97 if stock.market == "spot" else 0.995,
        )

    def offers_now(self) -> list[Offer]:
        """What it would list if it were asked now."""
        now = self._clock.now()
        return [self._offer(each, now) for each in self.profile.stocks]

    def reseed(self, entropy: Entropy) -> None:
        """From here on chance comes from there."""
        self._entropy = entropy

    def take_back(self, machine: Machine) -> None:
        """The machine goes now, as spot machines do."""
        machine.end_by(self._clock.now(), "reclaimed")
        self.settle(self._clock.now())


class StageHost(SimulatedHost):
    """The way to a machine of a stage's cloud: it says what it has."""

    async def greet(self) -> Greeting:
        cloud = self._cloud
        machine = await cloud.reach(self._machine_id)
        stock_ = machine.stock
        return Greeting(
            inventory=Inventory(
                name=machine.id,
                cpus=int(stock_.cpus),
                cpu_model="AMD EPYC 9354",
                memory_bytes=stock_.memory_bytes,
                disk_free_bytes=880 * _GIB,
                accelerators=devices(stock_.accelerator, int(stock_.accelerator_count), machine.id),
                watts_idle=160.0,
                watts_max=420.0 + 400.0 * stock_.accelerator_count,
                power_source="data sheets",
            )
        )


@dataclass
class StagePrices:
    """A price source that lists what one of the stage's clouds has, at the prices of the hour."""

    id: str
    title: str
    cloud: StageCloud
    clock: Clock
    max_age: timedelta = timedelta(hours=3)
    #: From, until: it cannot be asked.
    outages: tuple[tuple[datetime, datetime], ...] = ()
    credentials: tuple[str, ...] = ()
    is_opt_in: bool = False
    providers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.providers = (self.cloud.id,)

    async def fetch(self, wire: Wire) -> list[Offer]:
        now = self.clock.now()
        if any(start <= now < end for start, end in self.outages):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{self.title} answered 503")
        return [replace(each, source=self.id) for each in self.cloud.offers_now()]


def _availability(free: int) -> Availability:
    if free <= 0:
        return Availability.UNAVAILABLE
    return Availability.HIGH if free >= 4 else Availability.MEDIUM if free >= 2 else Availability.LOW
