"""A cloud that rents machines, under any clock, with everything that goes wrong with clouds drawn from a seeded source.

It keeps its own account: which machines there were, what ran on them when, and what they cost. A test holds the control
plane's story against it. It is told apart from a real one by nothing but its being made by a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.base import (
    Account,
    AttemptRequest,
    Brought,
    DeviceUser,
    Greeting,
    Handle,
    MachinePhase,
    MachineView,
    Observation,
    OwnedMachine,
    Phase,
    PriceChange,
    Survey,
)
from tradewind.providers.simulated.market import Steps, Stock
from tradewind.providers.simulated.process import Behave, Process
from tradewind.providers.simulated.profile import Profile


@dataclass(slots=True)
class Machine:
    """One machine, as the cloud knows it. `ends_at` is when it will be gone, as far as that is decided."""

    id: str
    key: str
    stock: Stock
    created_at: datetime
    ready_at: datetime | None
    prices: Steps
    keep_until: datetime | None
    ends_at: datetime | None = None
    why: str = ""
    announced_at: datetime | None = None
    processes: dict[str, Process] = field(default_factory=dict)

    def is_gone(self, now: datetime) -> bool:
        """True once it does not exist any more."""
        return self.ends_at is not None and self.ends_at <= now

    def end_by(self, at: datetime, why: str) -> None:
        """It ends then, unless it ends before."""
        if self.ends_at is None or at < self.ends_at:
            self.ends_at, self.why = at, why


class SimulatedCloud:
    """A `MachineProvider`, and the way to the machines it rents."""

    def __init__(self, clock: Clock, entropy: Entropy, profile: Profile, behave: Behave) -> None:
        self.id = profile.id
        self.profile = profile
        self.capabilities = profile.capabilities
        self.machines: dict[str, Machine] = {}
        #: Keys of every create call that arrived, in order.
        self.creates: list[str] = []
        self._clock = clock
        self._entropy = entropy
        self._behave = behave

    # -- what a provider does ------------------------------------------------------------------------------------

    async def examine(self) -> Account:
        await self._arrive()
        regions = tuple(dict.fromkeys(stock.region for stock in self.profile.stocks))
        return Account(identity="simulated", regions=regions)

    async def list_offers(self) -> list[Offer]:
        await self._arrive()
        now = self._clock.now()
        return [self._offer(stock, now) for stock in self.profile.stocks]

    async def validate(self, offer: Offer) -> None:
        await self._arrive()
        self._stock_of(offer)

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        await self._arrive()
        made = self._create(offer, key, keep_until)
        if self._happens(self.profile.faults.duplicate):
            made = self._create(offer, key, keep_until)
        await self._answer()
        return Handle({"id": made.id})

    async def find(self, key: str) -> Handle | None:
        await self._arrive()
        now = self._clock.now()
        found = [each for each in self._listed(now) if each.key == key and not each.is_gone(now)]
        await self._answer()
        return Handle({"id": found[0].id}) if found else None

    async def get(self, handle: Handle) -> MachineView:
        await self._arrive()
        now = self._clock.now()
        machine = self.machines.get(str(handle.values["id"]))
        if machine is None or machine not in self._listed(now):
            raise ProviderError(ProviderFault.NOT_FOUND, "there is no such machine")
        if self._happens(self.profile.faults.odd_state):
            return MachineView(phase=MachinePhase.UNKNOWN, explanation="state: MIGRATING_HOST_v2")
        self._decide_end(machine, now)
        return self._view(machine, now)

    async def keep(self, handle: Handle, until: datetime) -> None:
        await self._arrive()
        machine = self.machines.get(str(handle.values["id"]))
        if machine is not None and machine.keep_until is not None and not machine.is_gone(self._clock.now()):
            machine.keep_until = max(machine.keep_until, until)

    async def terminate(self, handle: Handle) -> None:
        await self._arrive()
        machine = self.machines.get(str(handle.values["id"]))
        now = self._clock.now()
        if machine is not None and not machine.is_gone(now):
            machine.end_by(now + timedelta(seconds=self._between(self.profile.termination_s)), "terminated")
        await self._answer()

    async def list_owned(self) -> list[OwnedMachine]:
        await self._arrive()
        now = self._clock.now()
        for machine in self.machines.values():
            self._decide_end(machine, now)
        return [
            OwnedMachine(key=each.key, handle=Handle({"id": each.id}), phase=self._phase(each, now))
            for each in self._listed(now)
        ]

    # -- what runs on a machine ----------------------------------------------------------------------------------

    def host(self, handle: Handle) -> SimulatedHost:
        """The way to a machine, for attempts to run there."""
        return SimulatedHost(self, str(handle.values["id"]))

    async def reach(self, machine_id: str) -> Machine:
        """The machine, if it can be reached now. Raises ProviderError."""
        await self._clock.sleep(self._entropy.uniform() * self.profile.latency_s)
        now = self._clock.now()
        machine = self.machines.get(machine_id)
        is_up = machine is not None and machine.ready_at is not None and machine.ready_at <= now
        if machine is not None:
            self._decide_end(machine, now)
        if machine is None or not is_up or machine.is_gone(now):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "the machine does not answer")
        if self._happens(self.profile.faults.server_error):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "the connection broke")
        return machine

    def now(self) -> datetime:
        """The time there."""
        return self._clock.now()

    def start(self, machine: Machine, request: AttemptRequest, key: str) -> None:
        """Starts an attempt on a machine, once."""
        if key not in machine.processes:
            machine.processes[key] = Process.start(request, self._behave(request), self._clock.now())

    # -- the cloud's own account ---------------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Decides everything that has happened by now."""
        for machine in self.machines.values():
            self._decide_end(machine, now)

    def bill_micro(self, machine: Machine, now: datetime) -> int:
        """What the machine costs until now or its end: whole seconds at the price of each, rounded once."""
        end = min(machine.ends_at or now, now)
        seconds = math.ceil(round((end - machine.created_at).total_seconds(), 6))
        if seconds <= 0:
            return 0
        step = self.profile.granularity_s
        billed = -(-max(seconds, self.profile.minimum_s) // step) * step
        total = 0
        for second in self._price_seconds(machine, seconds):
            total += second
        last = machine.prices.at(machine.created_at)
        for at, micro in machine.prices.changes(machine.created_at, end):
            if math.ceil(round((at - machine.created_at).total_seconds(), 6)) < seconds:
                last = micro
        total += (billed - seconds) * last
        whole, rest = divmod(total, 3600)
        return whole + (rest > 1800 or (rest == 1800 and whole % 2 == 1))

    def _price_seconds(self, machine: Machine, seconds: int) -> list[int]:
        """Micro-units per hour times seconds, for each stretch of one price."""
        start = machine.created_at
        end = start + timedelta(seconds=seconds)
        bounds = [(0, machine.prices.at(start))]
        for at, micro in machine.prices.changes(start, end):
            bounds.append((min(math.ceil(round((at - start).total_seconds(), 6)), seconds), micro))
        ends = [second for second, _ in bounds[1:]] + [seconds]
        return [(until - since) * micro for (since, micro), until in zip(bounds, ends, strict=True)]

    def living(self, now: datetime) -> list[Machine]:
        """Machines that exist and cost money."""
        self.settle(now)
        return [each for each in self.machines.values() if not each.is_gone(now)]

    # -- inside --------------------------------------------------------------------------------------------------

    def _create(self, offer: Offer, key: str, keep_until: datetime) -> Machine:
        self.creates.append(key)
        now = self._clock.now()
        way = self.profile.create_idempotency
        if way in (CreateIdempotency.TOKEN, CreateIdempotency.UNIQUE_NAME):
            known = [each for each in self.machines.values() if each.key == key]
            if known:
                return known[0]
        stock = self._stock_of(offer)
        alive = self.living(now)
        if len(alive) >= self.profile.quota:
            raise ProviderError(ProviderFault.QUOTA, f"the quota of {self.profile.quota} machines is used up")
        taken = sum(1 for each in alive if each.stock is stock)
        if taken >= stock.capacity.at(now):
            raise ProviderError(ProviderFault.CAPACITY, f"no {stock.instance_type} is free in {stock.zone}")
        machine = Machine(
            id=f"{self.id}-{len(self.machines) + 1}",
            key=key,
            stock=stock,
            created_at=now,
            ready_at=None,
            prices=stock.price_micro_per_hour,
            keep_until=keep_until if self.profile.self_termination is SelfTermination.PROVIDER_TTL else None,
        )
        if stock.market != "spot":
            machine.prices = Steps.constant(stock.price_micro_per_hour.at(now), now)
        if not self._happens(self.profile.dead_on_arrival):
            machine.ready_at = now + timedelta(seconds=self._between(self.profile.boot_s))
        self._plan_end(machine)
        self.machines[machine.id] = machine
        return machine

    def _plan_end(self, machine: Machine) -> None:
        """What the future has in store for it."""
        now, profile = machine.created_at, self.profile
        if machine.stock.market == "spot":
            taken = sum(1 for each in self.living(now) if each.stock is machine.stock)
            falls = machine.stock.capacity.falls_below(taken + 1, now)
            if falls is not None:
                machine.end_by(falls, "reclaimed")
            if profile.spot_mean_life_s is not None:
                life = -profile.spot_mean_life_s * math.log(1 - self._entropy.uniform())
                machine.end_by(now + timedelta(seconds=max(life, 1.0)), "reclaimed")
            if machine.ends_at is not None and profile.notice_s:
                machine.announced_at = machine.ends_at - timedelta(seconds=profile.notice_s)
        if profile.mean_life_s is not None:
            life = -profile.mean_life_s * math.log(1 - self._entropy.uniform())
            machine.end_by(now + timedelta(seconds=max(life, 1.0)), "broke")

    def _decide_end(self, machine: Machine, now: datetime) -> None:
        """Ends a machine whose time to live ran out, and everything that ran on one that has ended."""
        if machine.keep_until is not None and machine.keep_until <= now:
            machine.end_by(machine.keep_until, "ttl")
        end = machine.ends_at
        for process in machine.processes.values():
            process.advance(now if end is None else min(now, end), is_looked_at=False)
            if end is not None and end <= now and process.ended_at is None:
                process.ended_at = end

    def _view(self, machine: Machine, now: datetime) -> MachineView:
        phase = self._phase(machine, now)
        ended = machine.ends_at if phase is MachinePhase.GONE else None
        announced = machine.announced_at is not None and machine.announced_at <= now
        return MachineView(
            phase=phase,
            private_address=f"{machine.id}.internal" if self.profile.has_multi_node else None,
            was_reclaimed=machine.why == "reclaimed" and ended is not None,
            billed_from=machine.created_at,
            billed_until=ended,
            price_changes=tuple(
                PriceChange(at=at, micro_per_hour=micro)
                for at, micro in [
                    (machine.created_at, machine.prices.at(machine.created_at)),
                    *machine.prices.changes(machine.created_at, ended or now),
                ]
            ),
            reclaim_at=machine.ends_at if announced and ended is None else None,
        )

    def _phase(self, machine: Machine, now: datetime) -> MachinePhase:
        if machine.is_gone(now):
            return MachinePhase.GONE
        is_ready = machine.ready_at is not None and machine.ready_at <= now
        return MachinePhase.READY if is_ready else MachinePhase.STARTING

    def _listed(self, now: datetime) -> list[Machine]:
        lag, kept = timedelta(seconds=self.profile.list_lag_s), timedelta(seconds=self.profile.shows_ended_s)
        return [
            each
            for each in self.machines.values()
            if each.created_at + lag <= now and not (each.is_gone(now - kept) if each.ends_at else False)
        ]

    def _offer(self, stock: Stock, now: datetime) -> Offer:
        free = stock.capacity.at(now) - sum(1 for each in self.living(now) if each.stock is stock)
        return Offer(
            provider=self.id,
            region=stock.region,
            zone=stock.zone,
            instance_type=stock.instance_type,
            cpus=stock.cpus,
            memory_bytes=stock.memory_bytes,
            disk_bytes=1 << 40,
            accelerator=stock.accelerator,
            accelerator_count=stock.accelerator_count,
            market=stock.market,
            rate=Rate(
                micro_per_unit=stock.price_micro_per_hour.at(now),
                per=Quantity.HOUR,
                granularity=self.profile.granularity_s,
                minimum=self.profile.minimum_s,
            ),
            availability=Availability.HIGH if free > 0 else Availability.LOW,
            grams_co2e_per_kwh=300.0,
            seen_at=now,
        )

    def _stock_of(self, offer: Offer) -> Stock:
        for stock in self.profile.stocks:
            if (stock.zone, stock.instance_type, stock.market) == (
                offer.zone, offer.instance_type, offer.market,
            ):  # fmt: skip
                return stock
        raise ProviderError(ProviderFault.INVALID, f"there is no {offer.instance_type} in {offer.zone}")

    async def _arrive(self) -> None:
        """A call on its way: it takes time, and may fail before it has any effect."""
        await self._clock.sleep(self._entropy.uniform() * self.profile.latency_s)
        faults, now = self.profile.faults, self._clock.now()
        if any(start <= now < end for start, end in faults.outages):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "the service is down")
        if any(start <= now < end for start, end in faults.expired_credentials):
            raise ProviderError(ProviderFault.CREDENTIALS, "the key has expired")
        if self._happens(faults.lost_call):
            raise ProviderError(ProviderFault.AMBIGUOUS, "no answer within the time allowed")
        if self._happens(faults.rate_limit):
            raise ProviderError(ProviderFault.RATE_LIMIT, "too many requests", retry_after_s=1.0)
        if self._happens(faults.server_error):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "internal error")

    async def _answer(self) -> None:
        """The answer on its way back: it may be lost."""
        await self._clock.sleep(self._entropy.uniform() * self.profile.latency_s)
        if self._happens(self.profile.faults.lost_reply):
            raise ProviderError(ProviderFault.AMBIGUOUS, "no answer within the time allowed")

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._entropy.uniform() < probability

    def _between(self, bounds: tuple[float, float]) -> float:
        return bounds[0] + (bounds[1] - bounds[0]) * self._entropy.uniform()


class SimulatedHost:
    """An `AttemptHost` on one simulated machine."""

    def __init__(self, cloud: SimulatedCloud, machine_id: str) -> None:
        self._cloud = cloud
        self._machine_id = machine_id

    async def greet(self) -> Greeting:
        return Greeting()

    async def device_users(self) -> tuple[DeviceUser, ...]:
        return ()

    async def guard(self, after_s: float) -> None:
        return

    async def forget(self, handle: Handle) -> None:
        return

    async def survey(self) -> Survey:
        machine = await self._cloud.reach(self._machine_id)
        running: dict[str, Handle] = {}
        left: dict[str, Handle] = {}
        for key, process in machine.processes.items():
            handle = Handle({"key": key, "machine": self._machine_id})
            (left if process.exit else running)[key.rpartition("/")[2]] = handle
        return Survey(running=running, left=left)

    async def let_in(self, handle: Handle, public_key: str | None) -> str:
        raise ProviderError(ProviderFault.INVALID, "nobody can log in to a machine that is simulated")

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        machine = await self._cloud.reach(self._machine_id)
        self._cloud.start(machine, request, key)
        return Handle({"key": key, "machine": self._machine_id})

    async def find(self, key: str) -> Handle | None:
        machine = await self._cloud.reach(self._machine_id)
        return Handle({"key": key, "machine": self._machine_id}) if key in machine.processes else None

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        process, now = await self._process(handle)
        process.advance(now, is_looked_at=True)
        records = process.records[cursor:]
        return Observation(
            phase=Phase.RUNNING if process.exit is None else Phase.GONE,
            records=records,
            cursor=cursor + len(records),
            exit=process.exit,
        )

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        process, now = await self._process(handle)
        process.tell_to_stop(reason, now + timedelta(seconds=min(grace_s, 2.0)))

    async def renew(self, handle: Handle, sequence: int) -> None:
        process, now = await self._process(handle)
        process.renewed_at = now

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        return Brought.SHARED

    async def files(self, handle: Handle) -> list[str] | None:
        return None

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        return

    async def _process(self, handle: Handle) -> tuple[Process, datetime]:
        machine = await self._cloud.reach(self._machine_id)
        return machine.processes[str(handle.values["key"])], self._cloud.now()
