"""The client for programs without an event loop: each method of `AsyncClient`, wrapped at the edge."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx2

from tradewind.client.asynchronous import AsyncClient
from tradewind.client.endpoint import Endpoint
from tradewind.client.jobs import Job, JobHandle
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.schemas import JobSubmission

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Call(Generic[_P, _T]):
    """A coroutine method of `AsyncClient` as a plain method of `Client`, with the same parameters."""

    def __init__(self, method: Callable[Concatenate[AsyncClient, _P], Coroutine[Any, Any, _T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, client: Client, owner: type[Client]) -> Callable[_P, _T]:
        def call(*positional: _P.args, **named: _P.kwargs) -> _T:
            return client.run_coroutine(self._method(client.asynchronous, *positional, **named))

        return call


class _Stream(Generic[_P, _T]):
    """A stream of batches of `AsyncClient` as a plain iterator over items."""

    def __init__(self, method: Callable[Concatenate[AsyncClient, _P], AsyncIterator[list[_T]]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, client: Client, owner: type[Client]) -> Callable[_P, Iterator[_T]]:
        def iterate(*positional: _P.args, **named: _P.kwargs) -> Iterator[_T]:
            return client.iterate(self._method(client.asynchronous, *positional, **named))

        return iterate


class Client:
    """Asks a Tradewind server. Without arguments: the configured server, else the local one, started if need be."""

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        endpoint: Endpoint | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self.asynchronous = AsyncClient(
            server, token, endpoint=endpoint, transport=transport, clock=clock, entropy=entropy
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tradewind-client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections and ends the background thread. May be called twice."""
        if self._loop.is_closed():
            return
        # Streams that were left early still hold connections.
        self.run_coroutine(self._loop.shutdown_asyncgens())
        self.run_coroutine(self.asynchronous.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run_coroutine(self, coroutine: Coroutine[Any, Any, _T], *, timeout_s: float | None = None) -> _T:
        """The coroutine's result; an interrupt of this thread, or the timeout (TimeoutError), cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    def iterate(self, batches: AsyncIterator[list[_T]]) -> Iterator[_T]:
        """The items of all batches. Each crossing of the threads carries a whole batch, which keeps it fast."""
        steps = _Steps(batches)
        try:
            while True:
                batch = self.run_coroutine(steps.next())
                if batch is None:
                    return
                yield from batch
        finally:
            if not self._loop.is_closed():
                self.run_coroutine(steps.close())

    info = _Call(AsyncClient.info)
    doctor = _Call(AsyncClient.doctor)
    plan = _Call(AsyncClient.plan)
    submit = _Call(AsyncClient.submit)
    submit_batch = _Call(AsyncClient.submit_batch)
    jobs = _Call(AsyncClient.jobs)
    job = _Call(AsyncClient.job)
    stop = _Call(AsyncClient.stop)
    retry = _Call(AsyncClient.retry)
    migrate = _Call(AsyncClient.migrate)
    hosts = _Call(AsyncClient.hosts)
    probe_host = _Call(AsyncClient.probe_host)
    add_host = _Call(AsyncClient.add_host)
    remove_host = _Call(AsyncClient.remove_host)
    access = _Call(AsyncClient.access)
    nodes = _Call(AsyncClient.nodes)
    node = _Call(AsyncClient.node)
    wait_until_given_back = _Call(AsyncClient.wait_until_given_back)
    stop_node = _Call(AsyncClient.stop_node)
    decisions = _Call(AsyncClient.decisions)
    sweep = _Call(AsyncClient.sweep)
    wait = _Call(AsyncClient.wait)
    events = _Call(AsyncClient.events)
    follow_events = _Stream(AsyncClient.follow_events)
    logs = _Stream(AsyncClient.logs)
    watch = _Stream(AsyncClient.watch)
    raw_logs = _Stream(AsyncClient.raw_logs)
    metrics = _Call(AsyncClient.metrics)
    checkpoints = _Call(AsyncClient.checkpoints)
    artifacts = _Call(AsyncClient.artifacts)
    checkpoint_content = _Stream(AsyncClient.checkpoint_content)
    artifact_content = _Stream(AsyncClient.artifact_content)
    cost = _Call(AsyncClient.cost)
    cost_outlook = _Call(AsyncClient.cost_outlook)
    job_costs = _Call(AsyncClient.job_costs)
    invoices = _Call(AsyncClient.invoices)
    import_invoice = _Call(AsyncClient.import_invoice)
    reconciliation = _Call(AsyncClient.reconciliation)
    accept_differences = _Call(AsyncClient.accept_differences)
    budgets = _Call(AsyncClient.budgets)
    budget = _Call(AsyncClient.budget)
    add_budget = _Call(AsyncClient.add_budget)
    change_budget = _Call(AsyncClient.change_budget)
    remove_budget = _Call(AsyncClient.remove_budget)
    upload_workdir = _Call(AsyncClient.upload_workdir)
    session_link = _Call(AsyncClient.session_link)
    offers = _Call(AsyncClient.offers)
    offers_raw = _Call(AsyncClient.offers_raw)
    gpus = _Call(AsyncClient.gpus)
    price_sources = _Call(AsyncClient.price_sources)
    refresh_prices = _Call(AsyncClient.refresh_prices)
    import_prices = _Call(AsyncClient.import_prices)
    remove_prices = _Call(AsyncClient.remove_prices)
    price_history = _Call(AsyncClient.price_history)
    price_changes = _Call(AsyncClient.price_changes)
    export_prices = _Stream(AsyncClient.export_prices)
    estimate = _Call(AsyncClient.estimate)
    estimate_accuracy = _Call(AsyncClient.estimate_accuracy)
    compare_costs = _Call(AsyncClient.compare_costs)
    setup_instructions = _Call(AsyncClient.setup_instructions)
    simulate = _Call(AsyncClient.simulate)
    providers = _Call(AsyncClient.providers)
    provider = _Call(AsyncClient.provider)
    connections = _Call(AsyncClient.connections)
    connection = _Call(AsyncClient.connection)
    connect = _Call(AsyncClient.connect)
    check_provider = _Call(AsyncClient.check_provider)
    validate_connection = _Call(AsyncClient.validate_connection)
    disconnect = _Call(AsyncClient.disconnect)
    channels = _Call(AsyncClient.channels)
    add_channel = _Call(AsyncClient.add_channel)
    remove_channel = _Call(AsyncClient.remove_channel)
    test_channel = _Call(AsyncClient.test_channel)
    alerts = _Call(AsyncClient.alerts)
    alert = _Call(AsyncClient.alert)
    add_alert = _Call(AsyncClient.add_alert)
    change_alert = _Call(AsyncClient.change_alert)
    remove_alert = _Call(AsyncClient.remove_alert)
    mute_alert = _Call(AsyncClient.mute_alert)
    unmute_alert = _Call(AsyncClient.unmute_alert)
    firings = _Call(AsyncClient.firings)
    preview_alert = _Call(AsyncClient.preview_alert)
    preferences = _Call(AsyncClient.preferences)
    put_preferences = _Call(AsyncClient.put_preferences)
    tokens = _Call(AsyncClient.tokens)
    create_token = _Call(AsyncClient.create_token)
    revoke_token = _Call(AsyncClient.revoke_token)

    def run(self, job: Job) -> JobHandle:
        """Uploads the job's workdir, submits it and returns at once."""
        # Imported late: most programs, and most commands, never pack anything.
        from tradewind.client.snapshot import pack_workdir

        folder = job.find_workdir()
        workdir = None
        if folder is not None:
            with pack_workdir(folder) as snapshot:
                workdir = self.upload_workdir(snapshot).sha256
        submission = JobSubmission(spec=job.mapping, workdir=workdir, search_path=self.find_search_path())
        return JobHandle(self, self.submit(submission))

    def find_search_path(self) -> str | None:
        """This process's PATH, which only a server on the same machine has a use for."""
        return os.environ.get("PATH") if self.asynchronous.is_loopback else None


class _Steps(Generic[_T]):
    """The steps of a stream, taken in the loop's thread, where it is known which one is under way."""

    def __init__(self, batches: AsyncIterator[list[_T]]) -> None:
        self._batches = batches
        self._step: asyncio.Task[Any] | None = None

    async def next(self) -> list[_T] | None:
        """The next batch; None at the end."""
        self._step = asyncio.current_task()
        try:
            return await anext(self._batches, None)
        finally:
            self._step = None

    async def close(self) -> None:
        """Ends the stream, and with it the step that an interrupted reader no longer waits for."""
        close = getattr(self._batches, "aclose", None)
        while close is not None:
            try:
                await close()
            except RuntimeError:
                if self._step is not None:
                    self._step.cancel()
                await asyncio.sleep(0)
            else:
                return
