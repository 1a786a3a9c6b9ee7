"""What Vast.ai tells of an instance, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from tradewind.providers.base import Login, MachinePhase, MachineView, PriceChange
from tradewind.providers.normalising import micro_of, read_amount

#: Where our own sshd listens in the container; Vast.ai's has port 22.
SSH_PORT: Final = 2222
#: Only these: the others hold our start script, with the machine's private host key.
COLUMNS: Final = (
    "id", "label", "actual_status", "intended_status", "status_msg", "public_ipaddr", "ports",
    "start_date", "dph_total",
)  # fmt: skip
_PHASES: Final = {
    None: MachinePhase.STARTING,
    "created": MachinePhase.STARTING,
    "loading": MachinePhase.STARTING,
    "running": MachinePhase.READY,
    # The container has ended, or nobody hears of the host: it exists all the same.
    "exited": MachinePhase.UNKNOWN,
    "unknown": MachinePhase.UNKNOWN,
    "offline": MachinePhase.UNKNOWN,
}
_LONGEST_WORD: Final = 200
#: The end of the year 9999, beyond which there are no dates.
_LATEST_S: Final = 253_402_300_799


def view_of(instance: dict[str, Any], host_key: str | None, user: str) -> MachineView:
    """One look at it. `host_key` is the one it was given; None where nobody knows whose it is."""
    phase, is_stopped = phase_of(instance), _is_stopped(instance)
    place = None if is_stopped else _place(instance)
    login = None
    if place is not None and host_key is not None:
        login = Login(host=place[0], port=place[1], user=user, host_keys=(host_key,))
    if phase is MachinePhase.READY and login is None:
        phase = MachinePhase.STARTING
    began_at = _moment(instance.get("start_date"))
    dollars = read_amount(instance.get("dph_total"))
    prices: tuple[PriceChange, ...] = ()
    if began_at is not None and dollars is not None and dollars > 0 and not is_stopped:
        prices = (PriceChange(at=began_at, micro_per_hour=micro_of(dollars)),)
    return MachineView(
        phase=phase,
        login=login,
        explanation=_explain(instance, is_stopped),
        was_reclaimed=is_stopped,
        billed_from=began_at,
        price_changes=prices,
    )


def phase_of(instance: dict[str, Any]) -> MachinePhase:
    """How it is."""
    if _is_stopped(instance):
        return MachinePhase.UNKNOWN
    return _PHASES.get(instance.get("actual_status"), MachinePhase.UNKNOWN)


def _is_stopped(instance: dict[str, Any]) -> bool:
    """True where it does not run and is not about to: outbid, out of credit, or its container has ended."""
    return instance.get("intended_status") == "stopped" or instance.get("actual_status") == "exited"


def _explain(instance: dict[str, Any], is_stopped: bool) -> str:
    said = "".join(sign if sign.isprintable() else " " for sign in str(instance.get("status_msg") or ""))
    what = "Vast.ai has stopped it (outbid, or out of credit)" if is_stopped else (
        f"Vast.ai says: {instance.get('actual_status') or 'scheduling'}"
    )  # fmt: skip
    return f"{what}; {said.strip()[:_LONGEST_WORD]}" if said.strip() else what


def _moment(epoch_s: object) -> datetime | None:
    if isinstance(epoch_s, bool) or not isinstance(epoch_s, int | float) or not 0 < epoch_s < _LATEST_S:
        return None
    return datetime.fromtimestamp(epoch_s, UTC)


def _place(instance: dict[str, Any]) -> tuple[str, int] | None:
    """Where our sshd is: the machine's own address, and the port there that leads to ours."""
    ports = instance.get("ports")
    mapped = ports.get(f"{SSH_PORT}/tcp") if isinstance(ports, dict) else None
    address = str(instance.get("public_ipaddr") or "").strip()
    return (address, int(mapped[0]["HostPort"])) if mapped and address else None
