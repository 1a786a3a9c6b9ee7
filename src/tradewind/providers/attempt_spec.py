"""What the agent is told of an attempt: `spec.json` of docs/agent-protocol.md, from a request and where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tradewind.providers.base import AttemptRequest

_PROTOCOL: Final = 1
_SAMPLE_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where an attempt runs: paths and names there. `pass_env` are the variables that its command may see."""

    workdir: str
    environments_dir: str
    python: str
    search_path: str | None
    pass_env: list[str]
    resume_from: str | None
    #: A folder for locks on accelerators, where other installations may be on the machine.
    device_locks: str | None = None


def agent_spec(request: AttemptRequest, there: Surroundings) -> dict[str, Any]:
    """The contents of `spec.json`."""
    checkpoints = None
    if request.checkpoint_path is not None:
        checkpoints = {"path": request.checkpoint_path, "every_s": request.checkpoint_every_s}
    return {
        "protocol": _PROTOCOL,
        "attempt": request.attempt_id,
        "job": request.job_id,
        "job_name": request.job_name,
        "attempt_number": request.number,
        "rank": request.rank,
        "fence": request.fence,
        "run": request.run,
        "setup": request.setup,
        "workdir": there.workdir,
        "environments_dir": there.environments_dir,
        "python": there.python,
        "env": request.env,
        "search_path": there.search_path,
        "pass_env": there.pass_env,
        "max_duration_s": request.max_duration_s,
        "grace_s": request.grace_s,
        "lease_ttl_s": request.lease_ttl_s,
        "on_lost_contact": request.on_lost_contact,
        "memory_limit_bytes": request.memory_limit_bytes,
        "log_cap_bytes": request.log_cap_bytes,
        "sample_every_s": _SAMPLE_EVERY_S,
        "checkpoints": checkpoints,
        "resume_from": there.resume_from,
        "accelerators": [
            {"vendor": each.vendor, "index": each.index, "uuid": each.uuid} for each in request.accelerators
        ],
        "device_locks": there.device_locks,
        "cpus": request.cpus,
        "power": {"idle_watts": request.watts_idle, "max_watts": request.watts_max},
        "reclaim_notice": None if request.reclaim_notice is None else {"kind": request.reclaim_notice},
    }


def first_control(request: AttemptRequest) -> dict[str, Any]:
    """The contents of `control.json` before anybody has changed it."""
    return {"fence": request.fence, "lease_seq": 0, "stop": None}
