"""Jobs, plans and costs in words and figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from tradewind.cli.render import clean
from tradewind.domain.units import format_duration

Row = Mapping[str, Any]

_MICRO_PER_CENT: Final = 10_000
_METRICS_SHOWN: Final = 4


def read_time(text: str | None) -> datetime | None:
    """A time from an answer."""
    return datetime.fromisoformat(text) if text else None


def show_clock(text: str | None) -> str:
    """`12:51:07`, in the reader's own time zone."""
    at = read_time(text)
    return at.astimezone().strftime("%H:%M:%S") if at else ""


def show_age(text: str | None, now: datetime) -> str:
    """How long ago something was."""
    at = read_time(text)
    return format_duration(max(0.0, (now - at).total_seconds())) if at else "-"


def show_span(start: str | None, end: str | None, now: datetime) -> str:
    """How long something took, or takes so far."""
    begin = read_time(start)
    if begin is None:
        return "-"
    return format_duration(max(0.0, ((read_time(end) or now) - begin).total_seconds()))


def show_number(value: float | None, digits: int = 3) -> str:
    """A figure with few digits, `-` where there is none."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    # Tiny figures stay decimals: `0.0000025`, never `2.5e-06`.
    return f"{Decimal(f'{value:.{digits}g}'):f}"


def show_money(money: Row | None) -> str:
    """The amount as the server writes it."""
    return str(money["text"]) if money else "-"


def show_cents(money: Row) -> str:
    """Small dollar amounts in cents, others as they are."""
    cents = money["micro"] / _MICRO_PER_CENT
    if money.get("currency", "USD") != "USD" or abs(cents) >= 100:
        return show_money(money)
    return f"{show_number(cents)} cents"


def show_energy(kwh: float) -> str:
    """Energy in kWh, however little: `0.0000422 kWh` rather than a power of ten."""
    from decimal import Decimal

    return f"{Decimal(f'{kwh:.3g}'):f} kWh" if 0 < kwh < 0.001 else f"{show_number(kwh)} kWh"


def show_carbon(grams: float) -> str:
    """Emissions in grams, kilograms from one kilogram on."""
    return f"{show_number(grams / 1000)} kg CO2e" if grams >= 1000 else f"{show_number(grams)} g CO2e"


def show_place(job: Row) -> str:
    """Where it runs or ran: `local/here`."""
    place = "/".join(part for part in (job.get("provider"), job.get("node")) if part) or "-"
    others = int(job.get("nodes") or 1) - 1
    return f"{place} and {others} more" if others > 0 else place


def show_share(progress: Row | None) -> str:
    """`42 %`, or the step where no total is known."""
    if not progress:
        return "-"
    if progress.get("fraction") is not None:
        return f"{100 * progress['fraction']:.0f} %"
    if progress.get("step") is not None:
        return f"step {show_number(progress['step'], 6)}"
    return "-"


def show_progress(progress: Row | None) -> str:
    """Epoch, step and the last metrics in one line."""
    if not progress:
        return ""
    parts = [show_share(progress)] if show_share(progress) != "-" else []
    for name in ("epoch", "step"):
        if progress.get(name) is not None:
            total = progress.get(f"total_{name}s")
            parts.append(
                f"{name} {show_number(progress[name], 6)}" + (f"/{show_number(total, 6)}" if total else "")
            )
    if progress.get("eta_seconds"):
        parts.append(f"{format_duration(progress['eta_seconds'])} left")
    metrics = list((progress.get("metrics") or {}).items())
    parts += [f"{clean(name)} {show_number(value, 4)}" for name, value in metrics[:_METRICS_SHOWN]]
    return " · ".join(dict.fromkeys(parts))


def show_cost(cost: Row) -> str:
    """Money, energy and carbon, and how they are known."""
    figures = f"{show_cents(cost['amount'])} · {show_energy(cost['energy_kwh'])} · {show_carbon(cost['carbon_grams'])}"
    basis = "" if cost["basis"] == "none" else f" ({cost['basis']})"
    return figures + basis + ("" if cost["is_final"] else " so far")


def show_health(job: Row) -> str:
    """What is wrong with a job that runs; empty when nothing is."""
    health = job.get("health") or {}
    if health.get("state") not in ("warning", "unhealthy"):
        return ""
    return f"{health['state']}: {clean(health['explanation'])}"


def show_job(job: Row, now: datetime, *, checkpoint_count: int | None = None) -> str:
    """A job in a few lines."""
    status = str(job["status"]).upper()
    head = f"{clean(job['name'])}  {job['id']}  {status}"
    lines = [f"{head}  project {job['project']} · by {job['creator']} · attempt {job['attempt']}"]
    if job.get("explanation"):
        retry = f"; next try at {show_clock(job['next_try_at'])}" if job.get("next_try_at") else ""
        lines.append(f"  why          {clean(job['explanation'])}{retry}")
    if job.get("exit_code") is not None:
        lines.append(f"  exit status  {job['exit_code']}")
    if job.get("provider"):
        accelerators = f" · {job['accelerators']}" if job.get("accelerators") else ""
        lines.append(f"  where        {show_place(job)}{accelerators}")
    waited = show_span(job["created_at"], job.get("started_at") or job.get("ended_at"), now)
    ran = f" · ran {show_span(job['started_at'], job.get('ended_at'), now)}" if job.get("started_at") else ""
    lines.append(f"  time         waited {waited}{ran}")
    lines.append(f"  cost         {show_cost(job['cost'])}")
    if (job.get("prediction") or {}).get("text"):
        lines.append(f"  estimate     {clean(job['prediction']['text'])}")
    if progress := show_progress(job.get("progress")):
        lines.append(f"  progress     {progress}")
    if health := show_health(job):
        lines.append(f"  health       {health}")
    if checkpoint_count is not None:
        lines.append(f"  checkpoints  {checkpoint_count}")
    if job.get("tags"):
        lines.append("  tags         " + "  ".join(f"{clean(k)}={clean(v)}" for k, v in job["tags"].items()))
    return "\n".join(lines)


def show_attempt(attempt: Row, now: datetime) -> str:
    """One try in one line."""
    parts = [
        f"{attempt['number']}",
        str(attempt["status"]),
        show_place(attempt),
        show_span(attempt["created_at"], attempt.get("ended_at"), now),
    ]
    if attempt.get("explanation"):
        parts.append(clean(attempt["explanation"]))
    if attempt.get("resumed_from"):
        parts.append(f"resumed from {attempt['resumed_from']}")
    return "  ".join(parts)


def show_rank(rank: Row) -> str:
    """One node of an attempt in one line."""
    parts = [f"{rank['rank']}", str(rank["status"]), str(rank["node"])]
    if rank.get("address"):
        parts.append(f"at {rank['address']}")
    if rank.get("lost_since"):
        parts.append(f"cannot be reached since {show_clock(rank['lost_since'])}")
    if rank.get("explanation"):
        parts.append(clean(rank["explanation"]))
    return "  ".join(parts)


def parse_since(text: str, now: datetime) -> datetime:
    """`30d`, `2h` ago, or a date. Raises ValueError with an example."""
    from tradewind.domain.units import parse_duration

    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write for example 30d, 2h or 2026-11-03") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
