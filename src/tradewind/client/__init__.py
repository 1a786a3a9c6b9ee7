"""Talks to a Tradewind server: `Client` for scripts and notebooks, `AsyncClient` for programs that use asyncio.

from tradewind import Client, Job

with Client() as client:
    job = client.run(Job(name="digits", workdir=".", run="python train.py"))
    for line in job.logs(follow=True):
        ...
    print(job.wait().status)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.client.asynchronous import AsyncClient
    from tradewind.client.jobs import Job, JobHandle
    from tradewind.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "Job", "JobHandle"]

_LAZY = {
    "AsyncClient": "tradewind.client.asynchronous",
    "Client": "tradewind.client.synchronous",
    "Job": "tradewind.client.jobs",
    "JobHandle": "tradewind.client.jobs",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
