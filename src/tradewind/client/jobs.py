"""What a Python program hands in, and what it gets to hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tradewind.client.follow import LogItem
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas import JobDetail
from tradewind.domain.status import JobStatus, has_ended

if TYPE_CHECKING:
    from tradewind.client.synchronous import Client


class Job:
    """A job file as Python: `Job(name="digits", workdir=".", run="python train.py")` takes the keys of the YAML."""

    def __init__(self, **keys: Any) -> None:
        self.mapping: dict[str, Any] = {"version": 1, **keys}
        #: What a relative `workdir` is relative to.
        self.folder = Path.cwd()

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """The job in a YAML file. Raises InvalidInputError with line and column of each mistake."""
        from tradewind.spec.loading import load_job_file

        loaded = load_job_file(Path(path))
        job = cls(**loaded.mapping)
        job.folder = Path(path).absolute().parent
        return job

    def find_workdir(self) -> Path | None:
        """The folder to upload, if the job names one. Raises InvalidInputError when it is not there."""
        workdir = self.mapping.get("workdir")
        if not isinstance(workdir, str):
            return None
        folder = self.folder / Path(workdir).expanduser()
        if not folder.is_dir():
            raise InvalidInputError(
                f"the workdir {folder} is not a folder", hint="`workdir` names a folder to upload"
            )
        return folder


class JobHandle:
    """A job on the server. `view` is what was last heard of it."""

    def __init__(self, client: Client, view: JobDetail) -> None:
        self._client = client
        self.view = view

    def __repr__(self) -> str:
        return f"<JobHandle {self.view.name} {self.view.id} {self.view.status}>"

    @property
    def id(self) -> str:
        """Its id."""
        return self.view.id

    @property
    def status(self) -> JobStatus:
        """Its status when it was last heard of."""
        return self.view.status

    @property
    def has_ended(self) -> bool:
        """True if nothing can change any more."""
        return has_ended(self.view.status)

    def refresh(self) -> JobDetail:
        """The job as it is now."""
        self.view = self._client.job(self.id)
        return self.view

    def wait(self, timeout_s: float | None = None) -> JobDetail:
        """The job once it has ended. Raises TimedOutError after `timeout_s` seconds."""
        self.view = self._client.wait(self.id, timeout_s=timeout_s)
        return self.view

    def stop(self, *, now: bool = False) -> JobDetail:
        """Asks it to end: gracefully, or at once with `now`."""
        self.view = self._client.stop(self.id, now=now)
        return self.view

    def logs(self, *, follow: bool = False, stream: str | None = None) -> Iterator[LogItem]:
        """Log chunks so far, or with `follow` until the job has ended; the last item is a `JobEnded`."""
        return self._client.logs(self.id, follow_on=follow, stream=stream)
