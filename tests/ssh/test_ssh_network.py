"""Hosts with addresses and links of their own: cut, slow, silent, dead, and talking to each other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from tests.ssh.own_hosts import OwnHosts
from tests.ssh_machines import NetworkFleet, Watch
from tradewind.db import tables
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import AttemptStatus, JobStatus, Reason

_COUNTS = f"""exec {sys.executable} -c '
import os, time
number = 0
while not os.path.exists("enough"):
    print("line", number, flush=True)
    number += 1
    time.sleep(0.01)
print("last", number - 1)'"""
#: Writes the address that others see it under.
_WHERE = f"""exec {sys.executable} -c '
import os, socket
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.connect(("{{other}}", 9))
print("here is", probe.getsockname()[0])'"""
_ANSWERS = f"""exec {sys.executable} -c '
import socket
server = socket.create_server(("0.0.0.0", 29500))
print("up", flush=True)
talk, peer = server.accept()
text = talk.recv(1 << 20)
total = len(text)
while part := talk.recv(1 << 20):
    total += len(part)
talk.sendall(str(total).encode())
print("from", peer[0], total)'"""
_ASKS = f"""exec {sys.executable} -c '
import socket
talk = socket.create_connection(("{{other}}", 29500))
talk.sendall(bytes(4 << 20))
talk.shutdown(socket.SHUT_WR)
print("they have", talk.recv(100).decode())'"""
_TRAINS = f"""exec {sys.executable} -c '
import os, pathlib, time
folder = pathlib.Path(os.environ["TRADEWIND_CHECKPOINT_DIR"])
before = os.environ.get("TRADEWIND_CHECKPOINT")
print("from", pathlib.Path(before).read_text() if before else 0, flush=True)
(folder / "state-1").write_text("1")
if not before:
    time.sleep(600)'"""


def _is_whole(text: bytes) -> bool:
    """True if the lines are those that were printed: none missing, none twice."""
    lines = text.decode().splitlines()
    numbers = [int(line.split()[1]) for line in lines if line.startswith("line")]
    return numbers == list(range(len(numbers))) and lines[-1] == f"last {numbers[-1]}"


@pytest.fixture
async def plane(far_fleet: NetworkFleet) -> AsyncIterator[OwnHosts]:
    made = OwnHosts(far_fleet)
    await made.start()
    yield made
    await made.end()


async def test_each_host_runs_its_job_at_its_own_address(far_fleet: NetworkFleet) -> None:
    here = far_fleet.network.here.address
    machines = [far_fleet.machine(name) for name in ("one", "two")]
    links = far_fleet.server()
    for machine in machines:
        name = machine.folder.name
        host = far_fleet.host(machine, links)
        request = far_fleet.request(name, _WHERE.format(other=here))
        watch = Watch(host, await host.submit(request, f"k/{far_fleet.id(name)}"))
        end = await watch.until_gone()
        assert end.exit is not None
        assert end.exit.exit_code == 0
        assert far_fleet.log(name).decode() == f"here is {machine.host}\n"
        link = far_fleet.link(machine, links)
        assert (link.connects, link.deliveries) == (1, 1)
    # What went to one did not go through the other: each was sent the agent over its own link.
    sent = [far_fleet.network.bytes_to(far_fleet.network_hosts[name]) for name in ("one", "two")]
    assert min(sent) > far_fleet.agent.stat().st_size


@pytest.mark.slow
async def test_a_job_goes_on_while_its_link_is_cut(plane: OwnHosts, far_fleet: NetworkFleet) -> None:
    machine = await plane.add("one")
    link = far_fleet.network_hosts["one"]
    job_id = await plane.submit_to("one", run=_COUNTS)
    (attempt,) = await plane.until(plane.running)
    far_fleet.network.cut(link)

    async def is_lost() -> bool:
        return (await plane.node("one")).lost_since is not None

    await plane.until(is_lost)
    assert [each.status for each in await plane.attempts()] == [AttemptStatus.RUNNING]
    have = len(plane.log(attempt))
    (plane.there(machine, attempt) / "work/enough").touch()

    async def has_ended_there() -> bool:
        return (plane.there(machine, attempt) / "exit.json").exists()

    # It ends while nobody can be told.
    await plane.until(has_ended_there)
    assert len(plane.log(attempt)) == have
    far_fleet.network.mend(link)
    job = await plane.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    assert _is_whole(plane.log(attempt))
    assert len(plane.log(attempt)) > have
    assert (await plane.node("one")).lost_since is None


@pytest.mark.slow
async def test_a_host_that_only_hears_is_noticed(far_fleet: NetworkFleet) -> None:
    machine = far_fleet.machine()
    host = far_fleet.host(machine)
    watch = Watch(host, await host.submit(far_fleet.request("one", _COUNTS), f"k/{far_fleet.id('one')}"))
    await watch.until(lambda _seen: far_fleet.log("one"), "the first line")
    link = far_fleet.link(machine)
    session = await link.session()
    far_fleet.network.silence(far_fleet.network_hosts["one"])
    # Nothing was closed, on either side. A bound for the test, many times as long as it takes.
    async with asyncio.timeout(300):
        with pytest.raises(ProviderError, match="did not answer `look` within 30 s") as raised:
            await watch.poll()
        assert raised.value.fault is ProviderFault.PROVIDER_FAULT
        assert session.is_over
        # Nor can a new connection be made: that is said too.
        with pytest.raises(ProviderError, match="cannot reach"):
            await watch.poll()
    far_fleet.network.speak(far_fleet.network_hosts["one"])
    (machine.home / f".tradewind/attempts/{far_fleet.id('one')}/work/enough").touch()
    end = await watch.until_gone()
    assert end.exit is not None
    assert _is_whole(far_fleet.log("one"))


@pytest.mark.slow
async def test_a_slow_link_brings_a_large_log_and_a_checkpoint(
    plane: OwnHosts, far_fleet: NetworkFleet
) -> None:
    await plane.add("one")
    # 4 Mbit/s: 4 MiB of log and 4 MiB of checkpoint need about 17 s.
    far_fleet.network.slow(far_fleet.network_hosts["one"], 4_000_000)
    run = f"""exec {sys.executable} -c '
import os, pathlib, random
folder = pathlib.Path(os.environ["TRADEWIND_CHECKPOINT_DIR"])
(folder / "state-1").write_bytes(random.Random(1).randbytes(4 << 20))
for number in range(1 << 16):
    print("line", number, "." * (63 - len(str(number)) - 6))
print("last", number)'"""
    job_id = await plane.submit_to("one", run=run, checkpoints={"path": "ckpt", "every": "1m"})
    job = await plane.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    (attempt,) = await plane.attempts()
    assert len(plane.log(attempt)) > 4 << 20
    assert _is_whole(plane.log(attempt))
    assert await plane.column(tables.checkpoints.c.size_bytes) == [4 << 20]
    # It was slow all the time, and not lost for a moment.
    told = await plane.column(tables.events.c.type)
    assert not [each for each in told if "unreachable" in each], told


@pytest.mark.slow
async def test_a_host_that_dies_gives_its_job_to_another(plane: OwnHosts, far_fleet: NetworkFleet) -> None:
    one = await plane.add("one")
    job_id = await plane.submit_to("one", "two", run=_TRAINS, checkpoints={"path": "ckpt", "every": "1m"})
    await plane.until(lambda: plane.column(tables.checkpoints.c.id))
    # Its power fails: no connection is closed, nothing of it is left.
    far_fleet.network.cut(far_fleet.network_hosts["one"])
    await asyncio.to_thread(one.kill)
    await plane.add("two")

    async def is_lost() -> bool:
        return (await plane.node("one")).lost_since is not None

    await plane.until(is_lost)
    # It may come back with the job: nothing is done before somebody says that it does not.
    assert [each.number for each in await plane.attempts()] == [1]
    await plane.remove("one", is_lost=True)
    job = await plane.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    first, second = await plane.attempts()
    assert (first.status, first.reason) == (AttemptStatus.INTERRUPTED, Reason.NODE_LOST)
    assert second.node_id == (await plane.node("two")).id
    assert plane.log(second) == b"from 1\n"


@pytest.mark.slow
async def test_a_host_that_starts_anew_has_lost_its_job(plane: OwnHosts, far_fleet: NetworkFleet) -> None:
    one = await plane.add("one")
    job_id = await plane.submit_to("one", run=_TRAINS, checkpoints={"path": "ckpt", "every": "1m"})
    await plane.until(lambda: plane.column(tables.checkpoints.c.id))
    far_fleet.network.cut(far_fleet.network_hosts["one"])
    await asyncio.to_thread(one.kill)
    far_fleet.network.mend(far_fleet.network_hosts["one"])
    await asyncio.to_thread(one.restart)
    job = await plane.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    first, second = await plane.attempts()
    assert first.status is AttemptStatus.INTERRUPTED
    assert plane.log(second) == b"from 1\n"


async def test_jobs_on_two_hosts_talk_to_each_other(plane: OwnHosts, far_fleet: NetworkFleet) -> None:
    one = await plane.add("one")
    two = await plane.add("two")
    through_here = far_fleet.network.bytes_from(far_fleet.network.here)
    answering = await plane.submit_to("one", name="answers", run=_ANSWERS)

    async def is_up() -> bool:
        return any(plane.log(each) == b"up\n" for each in await plane.running())

    await plane.until(is_up)
    asking = await plane.submit_to("two", name="asks", run=_ASKS.format(other=one.host))
    for job_id in (answering, asking):
        job = await plane.ended(job_id)
        assert job.status is JobStatus.SUCCEEDED, job.explanation
    logs = {each.job_id: plane.log(each).decode() for each in await plane.attempts()}
    # It came from the other's own address, and went past the control plane.
    assert logs[answering] == f"up\nfrom {two.host} {4 << 20}\n"
    assert logs[asking] == f"they have {4 << 20}\n"
    assert far_fleet.network.bytes_from(far_fleet.network.here) - through_here < 4 << 20
