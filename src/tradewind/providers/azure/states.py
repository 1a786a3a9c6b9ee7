"""What Azure says of a virtual machine: how far making it has come, and whether it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tradewind.domain.errors import ProviderFault
from tradewind.providers.azure.faults import fault_of_code
from tradewind.providers.base import MachinePhase

_FAILED: Final = "ProvisioningState/failed/"
_POWER: Final = "PowerState/"
#: It does not run, and what is left of it costs money: disk and address, and when it was only shut down, all of it.
_OFF: Final = frozenset({"stopped", "deallocating", "deallocated"})
_LISTED: Final = {
    "Creating": MachinePhase.STARTING,
    "Updating": MachinePhase.STARTING,
    "Succeeded": MachinePhase.READY,
}


@dataclass(frozen=True, slots=True)
class State:
    """A phase, what Azure said in words, and why the machine is of no use, where it is not."""

    phase: MachinePhase
    text: str
    fault: ProviderFault | None = None


def state_of(machine: dict[str, Any]) -> State:
    """How a machine is that was read with its instance view."""
    made = provisioning(machine)
    power = _power(machine)
    said = f"Azure says: {made}, {power or 'power unknown'}"
    if made in ("Failed", "Canceled") and power != "running":
        return _failed(machine, said)
    # One that runs is paid for whatever else failed. Whether it is of any use shows when it is logged in to.
    if made in ("Succeeded", "Updating", "Failed", "Canceled") and power == "running":
        return State(MachinePhase.READY, said)
    if made in ("Creating", "Updating") or (made == "Succeeded" and power in ("starting", "")):
        return State(MachinePhase.STARTING, said)
    if made == "Succeeded" and power in _OFF:
        return State(MachinePhase.UNKNOWN, f"{said}: it is given back", ProviderFault.PROVIDER_FAULT)
    return State(MachinePhase.UNKNOWN, said)


def phase_in_list(machine: dict[str, Any]) -> MachinePhase:
    """Lists do not tell whether a machine runs; one that is listed is there."""
    return _LISTED.get(provisioning(machine), MachinePhase.UNKNOWN)


def provisioning(thing: dict[str, Any]) -> str:
    """How far making a thing has come."""
    return str((thing.get("properties") or {}).get("provisioningState") or "")


def created_at(machine: dict[str, Any]) -> datetime | None:
    """When Azure made the machine; its own clock."""
    try:
        moment = datetime.fromisoformat(str((machine.get("properties") or {}).get("timeCreated")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _failed(machine: dict[str, Any], said: str) -> State:
    for each in _statuses(machine):
        code = str(each.get("code"))
        if code.startswith(_FAILED):
            reason = code.removeprefix(_FAILED)
            message = str(each.get("message") or "")
            fault = fault_of_code(reason, message) or ProviderFault.PROVIDER_FAULT
            return State(MachinePhase.UNKNOWN, f"{reason}: {message}"[:300].rstrip(": "), fault)
    return State(MachinePhase.UNKNOWN, said, ProviderFault.PROVIDER_FAULT)


def _power(machine: dict[str, Any]) -> str:
    for each in _statuses(machine):
        code = str(each.get("code"))
        if code.startswith(_POWER):
            return code.removeprefix(_POWER)
    return ""


def _statuses(machine: dict[str, Any]) -> list[dict[str, Any]]:
    view = (machine.get("properties") or {}).get("instanceView") or {}
    return [each for each in view.get("statuses") or [] if isinstance(each, dict)]
