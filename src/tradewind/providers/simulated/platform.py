"""A job platform that runs nothing, under any clock, with faults drawn from a seeded source.

It keeps its own account of what it was asked to start, what ran when, and what it drew, so that a test can hold the
control plane's story against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.base import AttemptRequest, Brought, Exit, Handle, Inventory, Observation, Phase

_WATTS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What an attempt does, and how well the place behaves towards it."""

    runs_for: timedelta = timedelta(seconds=30)
    reason: str = "exited"
    exit_code: int | None = 0
    boot: timedelta = timedelta(seconds=1)
    #: What its agent says, each so many seconds after the command began.
    says: tuple[tuple[float, dict[str, Any]], ...] = ()


@dataclass(slots=True)
class Machine:
    """One started attempt, as the place knows it."""

    request: AttemptRequest
    behaviour: Behaviour
    started_at: datetime
    ended_at: datetime | None = None
    stop: tuple[str, datetime] | None = None
    starts: int = 1
    records: list[dict[str, Any]] = field(default_factory=list)


class SimulatedPlatform:
    """A `JobPlatform`. `fault_rate` of its calls fail or lose their answer; each takes up to `latency_s`."""

    id = "simulated"
    capabilities = Capabilities(
        create_idempotency=CreateIdempotency.UNIQUE_NAME,
        self_termination=SelfTermination.PROVIDER_TTL,
        shares_filesystem=True,
    )

    def __init__(
        self,
        clock: Clock,
        entropy: Entropy,
        behave: Callable[[AttemptRequest], Behaviour],
        *,
        cpus: int = 4,
        fault_rate: float = 0.0,
        latency_s: float = 0.05,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._behave = behave
        self._cpus = cpus
        self._fault_rate = fault_rate
        self._latency_s = latency_s
        self.machines: dict[str, Machine] = {}

    async def inventory(self) -> Inventory:
        return Inventory(
            name="simulated",
            cpus=self._cpus,
            cpu_model="none",
            memory_bytes=64 << 30,
            disk_free_bytes=1 << 40,
            accelerators=(),
            watts_idle=_WATTS,
            watts_max=_WATTS * 2,
            power_source="simulated",
        )

    async def list_offers(self) -> list[Offer]:
        return [
            Offer(
                provider=self.id,
                region="nowhere",
                zone=None,
                instance_type="simulated",
                cpus=self._cpus,
                memory_bytes=64 << 30,
                disk_bytes=1 << 40,
                rate=Rate(micro_per_unit=200_000, per=Quantity.KWH),
                watts_low=_WATTS,
                watts_high=_WATTS * 2,
            )
        ]

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        await self._travel()
        known = self.machines.get(key)
        if known is None:
            self.machines[key] = Machine(request, self._behave(request), self._clock.now())
        await self._travel()
        return Handle({"key": key, "directory": request.attempt_id})

    async def find(self, key: str) -> Handle | None:
        await self._travel()
        machine = self.machines.get(key)
        return None if machine is None else Handle({"key": key, "directory": machine.request.attempt_id})

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        await self._travel()
        machine = self.machines[handle.values["key"]]
        self._advance(machine)
        records = machine.records[cursor:]
        seen = cursor + len(records)
        if machine.ended_at is None:
            return Observation(phase=Phase.RUNNING, records=records, cursor=seen)
        reason, code = machine.behaviour.reason, machine.behaviour.exit_code
        if machine.stop is not None and machine.ended_at == machine.stop[1]:
            reason, code = machine.stop[0], None
        exit_ = Exit(
            reason=reason,
            message="",
            exit_code=code,
            signal=None,
            started_at=machine.started_at,
            ended_at=machine.ended_at,
            energy_j=self.energy_j(machine),
        )
        return Observation(phase=Phase.GONE, records=records, cursor=seen, exit=exit_)

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        await self._travel()
        machine = self.machines[handle.values["key"]]
        self._advance(machine)
        at = self._clock.now() + timedelta(seconds=min(grace_s, 1.0))
        if machine.ended_at is None and (machine.stop is None or at < machine.stop[1]):
            machine.stop = (reason, at)

    async def renew(self, handle: Handle, sequence: int) -> None:
        await self._travel()

    async def list_owned(self) -> list[Handle]:
        await self._travel()
        return [
            Handle({"key": key, "directory": machine.request.attempt_id})
            for key, machine in self.machines.items()
            if self.is_alive(machine)
        ]

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        return Brought.SHARED

    async def files(self, handle: Handle) -> list[str] | None:
        return None

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        return

    def is_alive(self, machine: Machine) -> bool:
        """True while it runs and costs."""
        self._advance(machine)
        return machine.ended_at is None

    def energy_j(self, machine: Machine) -> float:
        """What it drew so far, by the place's own meter."""
        end = machine.ended_at or self._clock.now()
        watts = 0.9 * machine.request.watts_max
        return watts * (end - machine.started_at).total_seconds()

    def _advance(self, machine: Machine) -> None:
        now = self._clock.now()
        runs_from = machine.started_at + machine.behaviour.boot
        if now >= runs_from and not machine.records:
            machine.records.append({"t": runs_from.timestamp(), "type": "phase", "phase": "running"})
        said = len(machine.records) - 1
        for after_s, record in machine.behaviour.says[said:] if machine.records else ():
            at = runs_from + timedelta(seconds=after_s)
            if at > min(now, machine.ended_at or now):
                break
            machine.records.append({"t": at.timestamp(), **record})
        ends = runs_from + machine.behaviour.runs_for
        if machine.stop is not None:
            ends = min(ends, machine.stop[1])
        if machine.ended_at is None and now >= ends:
            machine.ended_at = ends

    async def _travel(self) -> None:
        """A call takes time, and may fail on the way there or on the way back."""
        await self._clock.sleep(self._entropy.uniform() * self._latency_s)
        if self._entropy.uniform() < self._fault_rate:
            faults = (ProviderFault.PROVIDER_FAULT, ProviderFault.AMBIGUOUS, ProviderFault.RATE_LIMIT)
            raise ProviderError(faults[int(self._entropy.uniform() * len(faults))], "a simulated fault")
