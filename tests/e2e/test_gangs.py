"""One job on several machines over SSH: its ranks really talk to each other, and end together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.own_machines import Machine
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e

#: Adds up a number of each rank over TCP, step after step: the first rank listens, the others connect. The sum of each
#: step is what an all-reduce would give; the first rank keeps how far they are.
_TRAIN = r"""
import json, os, pathlib, socket, time

rank, nodes = int(os.environ["NODE_RANK"]), int(os.environ["TRADEWIND_NUM_NODES"])
addresses = os.environ["TRADEWIND_NODE_IPS"].split()
master = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
assert master[0] == addresses[0] == os.environ["TRADEWIND_MASTER_ADDR"], addresses
assert len(addresses) == nodes and rank == int(os.environ["TRADEWIND_RANK"]) == int(os.environ["TRADEWIND_NODE_RANK"])
first = 0
if "TRADEWIND_CHECKPOINT" in os.environ:
    first = json.loads(pathlib.Path(os.environ["TRADEWIND_CHECKPOINT"]).read_text())["step"]
print("rank", rank, "of", nodes, "at", addresses[rank], "from step", first, flush=True)
if rank == 0:
    server = socket.create_server(master)
    peers = [server.accept()[0].makefile("rw") for _ in range(nodes - 1)]
else:
    deadline = time.monotonic() + 60
    while True:
        try:
            peers = [socket.create_connection(master, source_address=(addresses[rank], 0)).makefile("rw")]
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def all_reduce(value):
    if rank == 0:
        total = value + sum(int(each.readline()) for each in peers)
        for each in peers:
            each.write(f"{total}\n")
            each.flush()
        return total
    peers[0].write(f"{value}\n")
    peers[0].flush()
    return int(peers[0].readline())


steps, kept = int(os.environ["STEPS"]), pathlib.Path(os.environ.get("TRADEWIND_CHECKPOINT_DIR", "."))
for step in range(first + 1, steps + 1):
    assert all_reduce((rank + 1) * step) == step * nodes * (nodes + 1) // 2
    if rank == 0 and step % 10 == 0:
        path = kept / f"step-{step:06d}.json"
        path.with_suffix(".new").write_text(json.dumps({"step": step}))
        path.with_suffix(".new").replace(path)
    time.sleep(0.05)
pathlib.Path("out.txt").write_text(f"rank {rank} is done")
print("rank", rank, "is done", flush=True)
"""


def job_of(nodes: int, steps: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "together",
        "run": f"python3 - <<'END'\n{_TRAIN}\nEND",
        "env": {"STEPS": str(steps)},
        "checkpoints": {"path": "ckpt", "every": "1s", "keep": 2},
        "outputs": ["out.txt"],
        "resources": {"nodes": nodes},
        **more,
    }


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[Machine]]:
    made = [Machine(tmp_path / f"gpu{number}", host=f"127.0.0.{10 + number}") for number in range(3)]
    try:
        yield made
    finally:
        for each in made:
            each.sshd.kill()


def add(installation: Installation, number: int, machine: Machine, *more: str) -> None:
    done = installation.cli(
        "hosts", "add", f"gpu{number}", machine.login, "--key", str(machine.key_file), "--price", "$0.90/h",
        "--fingerprint", machine.fingerprint, *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def rank_log(installation: Installation, rank: int, attempt: int) -> str:
    return installation.cli(
        "logs", "together", "--raw", "--rank", str(rank), "--attempt", str(attempt)
    ).stdout


def test_ranks_talk_to_each_other_and_each_is_paid_for(
    installation: Installation, machines: list[Machine], tmp_path: Path
) -> None:
    for number, machine in enumerate(machines):
        add(installation, number, machine)
    file = tmp_path / "job.yaml"
    file.write_text(json.dumps({"version": 1, **job_of(3, 20), "constraints": {"max_duration": "1h"}}))
    plan = json.loads(installation.cli("plan", str(file), "-o", "json").stdout)
    # Three machines at $0.90 an hour each.
    assert plan["chosen"]["price_per_hour"]["micro"] == 2_700_000
    assert plan["cost_max"]["micro"] == 2_700_000
    job = installation.submit(job_of(3, 20))
    ended = installation.wait_until_ended(job, timeout_s=120.0)
    assert ended["status"] == "succeeded", installation.events(job)
    (attempt,) = installation.attempts(job)
    assert attempt["nodes"] == 3
    assert [rank["status"] for rank in attempt["ranks"]] == ["succeeded"] * 3
    assert {rank["node"] for rank in attempt["ranks"]} == {"gpu0", "gpu1", "gpu2"}
    assert [rank["address"] for rank in attempt["ranks"]] == [
        machines[int(rank["node"][-1])].sshd.host for rank in attempt["ranks"]
    ]
    for number in range(3):
        said = rank_log(installation, number, 1)
        assert f"rank {number} of 3 at {attempt['ranks'][number]['address']} from step 0" in said
        assert said.endswith(f"rank {number} is done\n")
        lines = installation.get(f"/jobs/{job}/logs/lines?rank={number}&stream=stdout")["lines"]
        assert lines[-1]["text"] == f"rank {number} is done"
    assert installation.request("GET", f"/api/v1/jobs/{job}/logs/lines?rank=3").status == 404
    # Outputs and checkpoints are the first rank's.
    (artifact,) = installation.get(f"/jobs/{job}/artifacts")["items"]
    assert artifact["path"] == "out.txt"
    # Each machine is in the ledger once, at its own rate, and nothing is held any more.
    lines = installation.rows("SELECT node_id, rate_micro_per_unit, amount_micro, job_id FROM ledger")
    assert len({line["node_id"] for line in lines}) == len(lines) == 3
    assert {line["rate_micro_per_unit"] for line in lines} == {900_000}
    assert sum(line["amount_micro"] for line in lines) == ended["cost"]["amount"]["micro"] > 0
    assert installation.rows("SELECT id FROM reservations WHERE released_at IS NULL") == []
    assert installation.rows("SELECT id FROM allocations WHERE released_at IS NULL") == []
    shown = installation.cli("jobs", "show", "together").stdout
    assert "ssh/gpu" in shown
    assert "and 2 more" in shown
    assert "rank       2  succeeded" in shown


def test_one_host_that_dies_ends_all_and_the_job_goes_on_with_another(
    installation: Installation, machines: list[Machine]
) -> None:
    for number, machine in enumerate(machines):
        add(installation, number, machine)
    job = installation.submit(job_of(2, 200, retry={"failures": 0, "interruptions": 2}))
    installation.wait_for_status(job, "running", timeout_s=90.0)
    (attempt,) = installation.attempts(job)
    assert installation.cli("ssh", "together", "--rank", "1", "printenv", "HOME").returncode == 0
    assert installation.cli("ssh", "together", "--rank", "2", "true").returncode != 0
    eventually("a checkpoint is kept", lambda: installation.get(f"/jobs/{job}/checkpoints")["items"])
    # The host of rank 1 is switched off; rank 0 fails at once, because nobody answers it. That is not the job's doing.
    dead = int(attempt["ranks"][1]["node"][-1])
    machines[dead].sshd.kill()
    assert installation.job(job)["status"] in ("running", "starting")
    eventually(
        "the host is seen to be lost",
        lambda: installation.attempts(job)[0]["ranks"][1]["lost_since"] is not None,
        timeout_s=90.0,
    )
    assert installation.attempts(job)[0]["ranks"][1]["status"] == "running"
    # Nobody knows yet whether rank 1 still runs there: no other attempt is made.
    assert len(installation.attempts(job)) == 1
    assert installation.cli("hosts", "rm", f"gpu{dead}", "--lost", "-y").returncode == 0
    eventually("another attempt runs", lambda: len(installation.attempts(job)) == 2, timeout_s=90.0)
    ended = installation.wait_until_ended(job, timeout_s=180.0)
    assert ended["status"] == "succeeded", installation.events(job)
    first, second = installation.attempts(job)
    assert (first["status"], first["reason"]) == ("interrupted", "node_lost")
    assert "rank 1" in first["explanation"]
    assert {rank["node"] for rank in second["ranks"]} == {f"gpu{each}" for each in range(3) if each != dead}
    assert second["resumed_from"] is not None
    assert "from step 0" not in rank_log(installation, 0, 2)
    assert "from step 0" not in rank_log(installation, 1, 2)


def test_a_host_that_restarts_interrupts_all_of_it(
    installation: Installation, machines: list[Machine]
) -> None:
    for number in range(2):
        add(installation, number, machines[number])
    job = installation.submit(job_of(2, 150, retry={"failures": 0, "interruptions": 2}))
    installation.wait_for_status(job, "running", timeout_s=90.0)
    eventually("a checkpoint is kept", lambda: installation.get(f"/jobs/{job}/checkpoints")["items"])
    (attempt,) = installation.attempts(job)
    restarted = machines[int(attempt["ranks"][0]["node"][-1])].sshd
    restarted.kill()
    restarted.restart()
    ended = installation.wait_until_ended(job, timeout_s=180.0)
    assert ended["status"] == "succeeded", installation.events(job)
    first, second = installation.attempts(job)
    assert first["status"] == "interrupted", first
    assert first["reason"] == "supervisor_lost"
    assert "rank 0" in first["explanation"]
    assert second["resumed_from"] is not None


def test_it_waits_until_all_machines_have_room_and_never_takes_some(
    installation: Installation, machines: list[Machine]
) -> None:
    for number in range(2):
        add(installation, number, machines[number])
    busy = installation.submit(
        {"name": "busy", "run": "sleep 600", "resources": {"providers": ["ssh"], "cpus": _cpus(installation)}}
    )
    installation.wait_for_status(busy, "running", timeout_s=60.0)
    job = installation.submit(job_of(2, 5))
    waits = eventually(
        "it says for what it waits",
        lambda: installation.job(job)["explanation"] if _waits(installation, job) else "",
        timeout_s=60.0,
    )
    assert "waiting for 2 machines at once" in waits
    held = installation.rows("SELECT attempt_id FROM allocations WHERE released_at IS NULL")
    assert len(held) == 1
    # What comes behind it does not take the machine that it waits for.
    behind = installation.submit({"name": "behind", "run": "true", "resources": {"providers": ["ssh"]}})
    eventually("it is looked at", lambda: _waits(installation, behind))
    installation.stop_job(busy, now=True)
    assert installation.wait_until_ended(job, timeout_s=120.0)["status"] == "succeeded", installation.events(
        job
    )
    assert installation.wait_until_ended(behind, timeout_s=60.0)["status"] == "succeeded"


def _waits(installation: Installation, job: str) -> bool:
    return bool(installation.job(job)["reason"] == "waiting_for_capacity")


def _cpus(installation: Installation) -> float:
    found: list[dict[str, Any]] = json.loads(installation.cli("hosts", "ls", "-o", "json").stdout)
    return float(found[0]["cpus"])


def test_this_machine_alone_is_one_node(installation: Installation, machines: list[Machine]) -> None:
    refused = installation.request("POST", "/api/v1/jobs", body={"spec": {"version": 1, **job_of(2, 5)}})
    assert refused.status == 409, refused
    assert "needs 2 nodes; this machine is one" in str(refused.json)
    add(installation, 0, machines[0], "--network", "lab")
    add(installation, 1, machines[1], "--network", "office")

    def says_why() -> bool:
        refused = installation.request("POST", "/api/v1/jobs", body={"spec": {"version": 1, **job_of(2, 5)}})
        return "needs 2 nodes on one network" in str(refused.json)

    eventually("the two machines are known, and are not on one network", says_why)
