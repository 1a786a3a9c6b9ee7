"""The environment of the user's command: an allow-list, the job's own variables and ours."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .spec import Spec


def command_environment(spec: Spec, directory: str, inherited: dict[str, str]) -> dict[str, str]:
    """Every variable the command sees. `inherited` is what the supervisor was started with."""
    environment = {name: inherited[name] for name in spec.pass_env if name in inherited}
    environment["PATH"] = spec.search_path or inherited.get("PATH") or os.defpath
    environment["PYTHONUNBUFFERED"] = "1"
    environment.update(spec.env)
    environment.update(pinned_accelerators(spec.accelerators))
    environment.update(
        {
            "TRADEWIND_JOB": spec.job,
            "TRADEWIND_JOB_NAME": spec.job_name,
            "TRADEWIND_ATTEMPT": spec.attempt,
            "TRADEWIND_ATTEMPT_NUMBER": str(spec.attempt_number),
            "TRADEWIND_RANK": str(spec.rank),
            "TRADEWIND_METRICS": os.path.join(directory, "metrics.jsonl"),
        }
    )
    if spec.checkpoints is not None and spec.checkpoint_dir is not None:
        environment["TRADEWIND_CHECKPOINT_DIR"] = spec.checkpoint_dir
        if spec.checkpoints.get("every_s") is not None:
            environment["TRADEWIND_CHECKPOINT_EVERY_S"] = str(spec.checkpoints["every_s"])
    environment.pop("TRADEWIND_CHECKPOINT", None)
    if spec.resume_from is not None:
        environment["TRADEWIND_CHECKPOINT"] = os.path.join(spec.workdir, spec.resume_from)
    shim = os.path.join(directory, "shim")
    # Behind the user's own, so that what they put there is found first.
    environment["PYTHONPATH"] = os.pathsep.join(
        part for part in (environment.get("PYTHONPATH"), shim) if part
    )
    return environment


def with_virtual_environment(environment: dict[str, str], virtual_environment: str) -> dict[str, str]:
    """The same variables with a virtual environment activated."""
    changed = dict(environment)
    changed["VIRTUAL_ENV"] = virtual_environment
    changed["PATH"] = os.path.join(virtual_environment, "bin") + os.pathsep + environment["PATH"]
    changed.pop("PYTHONHOME", None)
    return changed


def pinned_accelerators(accelerators: list[dict[str, Any]]) -> dict[str, str]:
    """The vendors' variables that show a job its own accelerators and no others."""
    if not accelerators:
        return {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
    pinned = {}
    nvidia = [_name(one) for one in accelerators if one.get("vendor") == "nvidia"]
    amd = [_name(one) for one in accelerators if one.get("vendor") == "amd"]
    if nvidia:
        pinned["CUDA_VISIBLE_DEVICES"] = ",".join(nvidia)
        # Without it, CUDA numbers devices by speed while everybody else numbers them by slot.
        pinned["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if amd:
        # AMD's libraries obey CUDA_VISIBLE_DEVICES too, so an empty one would hide what this one shows.
        pinned["ROCR_VISIBLE_DEVICES"] = ",".join(amd)
    return pinned


def _name(accelerator: dict[str, Any]) -> str:
    uuid = accelerator.get("uuid") or ""
    return uuid if uuid.startswith(("GPU-", "MIG-")) else str(accelerator.get("index"))
