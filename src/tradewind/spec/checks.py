"""What can only be known with the disk at hand: whether the files a job names are there."""

from __future__ import annotations

import os
from pathlib import Path

from tradewind.spec.faults import Fault, make_error
from tradewind.spec.loading import LoadedJob


def check_workdir(loaded: LoadedJob) -> Path | None:
    """The folder of the job's files, absolute; None for a job without files.

    A relative workdir starts at the folder of the job file; for text without a file, at the current one.

    Raises:
        InvalidInputError: when it is not a folder that can be read; says where the job file names it.
    """
    written = loaded.spec.workdir
    if not isinstance(written, str):
        return None
    folder = loaded.path.parent if loaded.path is not None else Path()
    problem, hint = (
        None,
        "write a folder that exists, relative to the job file; `.` is the folder of the job file",
    )
    try:
        workdir = (folder / Path(written).expanduser()).resolve()
        if not workdir.exists():
            problem = f"the workdir {written!r} does not exist: there is no {workdir}"
        elif not workdir.is_dir():
            problem = f"the workdir {written!r} is a file, not a folder"
        elif not os.access(workdir, os.R_OK | os.X_OK):
            problem, hint = (
                f"the workdir {written!r} cannot be read: permission denied",
                f"check who may read {workdir}",
            )
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"the workdir {written!r} cannot be read: {error}"
    if problem is None:
        return workdir
    fault = Fault(path=("workdir",), message=problem, hint=hint, position=loaded.locate("workdir"))
    raise make_error([fault], loaded.filename)
