"""The cloud takes the machine back: the agent hears of it, and the command can still write its checkpoint."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.agent.attempts import Attempt, wait_until
from tests.agent.metadata_server import MetadataServer
from tradewind.agent.reclaim import Service, grace_s, pause_s
from tradewind.agent.reclaim_kinds import KINDS
from tradewind.agent.spec import Spec, SpecError

_EC2 = "/latest/meta-data/spot/instance-action"
_GCE = "/computeMetadata/v1/instance/preempted"
_AZURE = "/metadata/scheduledevents"
_AZURE_NAME = "/metadata/instance/compute/name"
_TRAINS = """\
import pathlib, signal, sys, time
def save(*_):
    pathlib.Path("ckpt/step-7.pt").write_bytes(b"weights")
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def service() -> Iterator[MetadataServer]:
    with MetadataServer().serving() as server:
        yield server


def announce(service: MetadataServer, kind: str, at_s: float) -> None:
    """What each cloud says when it takes the machine."""
    if kind == "ec2":
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
        service.answers[_EC2] = (200, json.dumps({"action": "terminate", "time": at}))
    elif kind == "gce":
        service.answers[_GCE] = (200, "TRUE")
    else:
        service.answers[_AZURE] = (200, json.dumps({"DocumentIncarnation": 2, "Events": [event("vm-1")]}))


def event(name: str, kind: str = "Preempt", not_before: str = "") -> dict[str, Any]:
    return {
        "EventId": "602d9444-d2cd-49c7-8624-8643e7171297", "EventType": kind, "ResourceType": "VirtualMachine",
        "Resources": [name], "EventStatus": "Scheduled", "NotBefore": not_before, "Description": "",
        "EventSource": "Platform", "DurationInSeconds": -1,
    }  # fmt: skip


def quiet(service: MetadataServer, kind: str) -> None:
    """Nothing is announced."""
    service.wants_token = kind == "ec2"
    service.answers = {
        "ec2": {},
        "gce": {_GCE: (200, "FALSE")},
        "azure": {_AZURE_NAME: (200, "vm-1"), _AZURE: (200, '{"DocumentIncarnation": 1, "Events": []}')},
    }[kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_notice_lets_the_command_write_its_checkpoint(
    attempt: Attempt, service: MetadataServer, kind: str
) -> None:
    quiet(service, kind)
    attempt.start(
        attempt.script(_TRAINS),
        checkpoints={"path": "ckpt", "every_s": 600},
        reclaim_notice={"kind": kind, "base_url": service.url, "every_s": 0.05},
    )
    attempt.wait_for_stdout(b"ready")
    wait_until(lambda: len(service.asked) > 6, "the service to be asked again")
    assert not attempt.records("reclaim_notice")
    taken_at = time.time() + 60
    announce(service, kind, taken_at)
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("reclaimed", 0)
    assert "takes this machine back" in end["message"]
    assert attempt.log() == b"ready\nsaved\n"
    (said,) = attempt.records("reclaim_notice")
    assert said["service"] == kind
    if kind == "ec2":
        assert said["at"] == int(taken_at)
        assert 0 < said["grace_s"] <= 55
    else:
        assert (said["at"], said["grace_s"]) == (None, 25)
    assert [each["path"] for each in attempt.records("checkpoint")] == ["ckpt/step-7.pt"]


def test_a_new_agent_says_the_notice_once(attempt: Attempt, service: MetadataServer) -> None:
    announce(service, "ec2", time.time() + 60)
    attempt.start(
        "trap 'echo asked' TERM; echo ready; until test -e over; do sleep 0.05; done",
        reclaim_notice={"kind": "ec2", "base_url": service.url, "every_s": 0.05},
    )
    attempt.wait_for_stdout(b"asked")
    wait_until(lambda: attempt.records("reclaim_notice"), "the notice")
    pid = attempt.wait_for_agent()
    os.kill(pid, signal.SIGKILL)
    attempt.wait_for_agent(other_than=pid)
    asked = len(service.asked)
    wait_until(lambda: len(service.asked) > asked, "the new agent to ask")
    (attempt.workdir / "over").touch()
    assert attempt.wait()["reason"] == "reclaimed"
    assert len(attempt.records("reclaim_notice")) == 1


def test_an_answer_that_leads_elsewhere_is_none_and_the_job_runs_to_its_end(
    attempt: Attempt, service: MetadataServer
) -> None:
    service.answers[_GCE] = (302, f"{service.url}/elsewhere")
    service.answers["/elsewhere"] = (200, "TRUE")
    attempt.start(
        "until test -e over; do sleep 0.05; done",
        env={"http_proxy": service.url},
        reclaim_notice={"kind": "gce", "base_url": service.url, "every_s": 0.01},
    )
    wait_until(lambda: len(service.asked) > 2, "the service to be asked again and again")
    (attempt.workdir / "over").touch()
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("exited", 0)
    assert "/elsewhere" not in service.paths()


def test_where_there_is_no_such_service_the_job_runs_to_its_end(attempt: Attempt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        # It takes connections and never answers.
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        end = attempt.run("echo done", reclaim_notice={"kind": "ec2", "base_url": url})
    assert (end["reason"], end["exit_code"]) == ("exited", 0)
    assert attempt.log() == b"done\n"


def test_the_oldest_python_hears_of_it(
    make_attempt: Callable[..., Attempt], service: MetadataServer, oldest_python: str
) -> None:
    attempt = make_attempt(python=oldest_python)
    announce(service, "ec2", time.time() + 60)
    end = attempt.run("sleep 60", reclaim_notice={"kind": "ec2", "base_url": service.url, "every_s": 0.05})
    assert end["reason"] == "reclaimed"


def test_a_token_that_is_no_longer_good_is_replaced(service: MetadataServer) -> None:
    quiet(service, "ec2")
    watched = Service(KINDS["ec2"], service.url)
    assert watched.look() is None
    service.token = "another"
    with pytest.raises(ValueError, match="401"):
        watched.look()
    announce(service, "ec2", 1_800_000_000)
    assert watched.look() == 1_800_000_000
    assert [method for method, _, _ in service.asked] == ["PUT", "GET", "GET", "PUT", "GET"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([event("vm-1", "Reboot")], None),
        ([event("vm-2")], None),
        ([event("vm-1", not_before="Mon, 02 Nov 2026 09:00:30 GMT")], 1_793_610_030),
        ([event("vm-1", not_before="soon")], 0),
    ],
)
def test_which_events_of_azure_are_meant(
    service: MetadataServer, events: list[dict[str, Any]], expected: float | None
) -> None:
    quiet(service, "azure")
    service.answers[_AZURE] = (200, json.dumps({"DocumentIncarnation": 1, "Events": events}))
    assert Service(KINDS["azure"], service.url).look() == expected
    assert all(headers["metadata"] == "true" for _, _, headers in service.asked)


@pytest.mark.parametrize("answer", [(500, ""), (200, "<html>"), (403, "Metadata-Flavor is missing")])
def test_what_is_no_answer_of_such_a_service_is_a_failure(
    service: MetadataServer, answer: tuple[int, str]
) -> None:
    service.answers[_EC2] = answer
    with pytest.raises(ValueError, match=r"answered|Expecting"):
        Service(KINDS["ec2"], service.url).look()


def test_a_service_that_does_not_answer_is_asked_ever_more_rarely() -> None:
    assert [pause_s(5.0, failures) for failures in (0, 1, 2, 3, 50)] == [5, 10, 20, 40, 300]
    assert pause_s(600.0, 4) == 600


def test_what_is_left_is_never_more_than_the_cloud_gives() -> None:
    assert grace_s(120, 1000.0, 900.0) == 95
    assert grace_s(120, 9000.0, 900.0) == 115
    assert grace_s(120, 890.0, 900.0) == 1
    assert grace_s(30, None, 900.0) == 25


@pytest.mark.parametrize(
    "wanted", [{}, {"kind": "vax"}, {"kind": "ec2", "base_url": "https://x"}, {"kind": "ec2", "every_s": 0}]
)
def test_a_wrong_wish_is_refused(wanted: dict[str, Any]) -> None:
    values = {"protocol": 1, "attempt": "att_1", "run": "true", "workdir": "/", "reclaim_notice": wanted}
    with pytest.raises(SpecError, match="reclaim_notice"):
        Spec(values)
