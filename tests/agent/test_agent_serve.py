"""`serve` without a network: frames on pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.attempts import Attempt, wait_until
from tradewind.agent.serve.frames import GREETING, LENGTHS

_PATIENCE_S = 30.0
#: What runs of an attempt is known by its id, on the whole machine.
_OLD = f"att_old_{os.getpid()}"


class Conversation:
    """A `serve` process and what is asked of it, one after the other."""

    def __init__(self, base: Path, bundle: Path, python: str) -> None:
        self.base = base
        self.process = subprocess.Popen(
            [python, "-I", "-S", str(bundle), "serve", "--dir", str(base)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.read(len(GREETING)) == GREETING

    def send(self, number: int, body: bytes = b"", **fields: Any) -> None:
        assert self.process.stdin is not None
        header = json.dumps({**fields, "id": number}).encode()
        self.process.stdin.write(LENGTHS.pack(len(header), len(body)) + header + body)
        self.process.stdin.flush()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        assert self.process.stdout is not None
        header_bytes, body_bytes = LENGTHS.unpack(self.process.stdout.read(LENGTHS.size))
        return json.loads(self.process.stdout.read(header_bytes)), self.process.stdout.read(body_bytes)

    def ask(self, op: str, body: bytes = b"", **fields: Any) -> tuple[dict[str, Any], bytes]:
        self.send(1, body, op=op, **fields)
        return self.receive()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(_PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def talk(tmp_path: Path, bundle: Path) -> Iterator[Callable[..., Conversation]]:
    """Begins conversations that end with the test."""
    made: list[Conversation] = []

    def begin(python: str = sys.executable) -> Conversation:
        made.append(Conversation(tmp_path / "base", bundle, python))
        return made[-1]

    yield begin
    for each in made:
        if each.process.poll() is None:
            each.end()


def test_it_ends_with_its_input_and_answers_what_it_can(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    hello, _ = serve.ask("hello")
    assert hello["protocols"] == [1]
    assert hello["cpus"] >= 1
    assert "/bin" in hello["search_path"]
    # Several at once; the answers tell what they belong to.
    for number in range(2, 7):
        serve.send(number, op="find", attempt=f"att_{number}")
    assert {serve.receive()[0]["id"] for _ in range(5)} == set(range(2, 7))
    assert serve.ask("format_disk")[0]["code"] == "unknown"
    assert serve.ask("read", attempt="att_1")[0]["code"] == "gone"
    assert "error" in serve.ask("control", attempt=["att_1"])[0]
    assert serve.end() == 0


def test_an_unfinished_record_is_not_told(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    serve.ask("mkdir", attempt="att_1")
    directory = serve.base / "attempts/att_1"
    (directory / "logs").mkdir()
    (directory / "records.jsonl").write_bytes(b'{"a": 1}\n{"b": ')
    (directory / "logs/stdout.idx").write_bytes(bytes(24 + 7))
    (directory / "logs/stdout.log").write_bytes(b"half a li")
    seen, body = serve.ask("look", attempt="att_1", sizes={})
    assert seen["pieces"] == [["records.jsonl", 0, 9], ["logs/stdout.idx", 0, 24], ["logs/stdout.log", 0, 9]]
    assert body == b'{"a": 1}\n' + bytes(24) + b"half a li"
    assert seen["more"] is False
    seen, body = serve.ask(
        "look", attempt="att_1", sizes={"records.jsonl": 9, "logs/stdout.idx": 24, "logs/stdout.log": 4}
    )
    assert (seen["pieces"], body) == ([["logs/stdout.log", 4, 5]], b" a li")


def test_what_is_too_much_for_one_answer_comes_with_the_next(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    serve.ask("mkdir", attempt="att_1")
    logs = serve.base / "attempts/att_1/logs"
    logs.mkdir()
    data = bytes(range(256)) * (5 << 12)
    (logs / "stdout.log").write_bytes(data)
    (logs / "stderr.log").write_bytes(b"complaint")
    found = {"logs/stdout.log": b"", "logs/stderr.log": b""}
    looks = 0
    more = True
    while more:
        sizes = {name: len(text) for name, text in found.items()}
        seen, body = serve.ask("look", attempt="att_1", sizes=sizes)
        for name, offset, length in seen["pieces"]:
            assert offset == len(found[name])
            found[name] += body[:length]
            body = body[length:]
        looks, more = looks + 1, seen["more"]
        assert looks < 10
    assert found == {"logs/stdout.log": data, "logs/stderr.log": b"complaint"}
    assert looks == 3


def test_control_never_goes_back(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    serve.ask("mkdir", attempt="att_1")
    serve.ask("write", b'{"fence": 3, "lease_seq": 5, "stop": null}', attempt="att_1", name="control.json")
    told, _ = serve.ask("control", attempt="att_1", values={"lease_seq": 9})
    assert told["control"] == {"fence": 3, "lease_seq": 9, "stop": None}
    # What a server says that has been asleep.
    told, _ = serve.ask(
        "control", attempt="att_1", values={"lease_seq": 7, "fence": 2, "stop": {"reason": "budget"}}
    )
    assert told["control"] == {"fence": 3, "lease_seq": 9, "stop": {"reason": "budget"}}
    assert (serve.base / "attempts/att_1/control.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["absolute", "above", "link", "device"])
def test_an_archive_that_leads_out_is_refused(
    talk: Callable[..., Conversation], tmp_path: Path, kind: str
) -> None:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo({"absolute": f"{tmp_path}/out", "above": "a/../../out"}.get(kind, "inner"))
        if kind == "link":
            info.type, info.linkname = tarfile.SYMTYPE, "../../.."
        elif kind == "device":
            info.type = tarfile.FIFOTYPE
        tar.addfile(info)
    serve = talk()
    serve.ask("mkdir", attempt="att_1")
    answer, _ = serve.ask("unpack", buffer.getvalue(), attempt="att_1", first=True, last=True)
    assert answer["code"] == "refused"
    assert sorted(path.name for path in (serve.base / "attempts/att_1").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_what_begins_stays(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    serve.ask("mkdir", attempt="att_1")
    (serve.base / "attempts/att_1/begun.json").write_text("{}")
    assert serve.ask("unpack", b"", attempt="att_1", first=True)[0]["code"] == "begun"
    assert serve.ask("remove", attempt="att_1")[0]["code"] == "running"
    (serve.base / "attempts/att_1/exit.json").write_text("{}")
    assert "error" not in serve.ask("remove", attempt="att_1")[0]
    assert not (serve.base / "attempts/att_1").exists()


def test_what_is_left_is_told_and_removed(talk: Callable[..., Conversation]) -> None:
    serve = talk()
    assert serve.ask("survey")[0]["left"] == []
    for name in ("att_1", "att_2", "att_3"):
        serve.ask("mkdir", attempt=name)
    attempts = serve.base / "attempts"
    (attempts / "att_1/begun.json").write_text("{}")
    (attempts / "att_1/exit.json").write_text("{}")
    # Killed before it wrote down its end: what it did is not known yet.
    (attempts / "att_3/begun.json").write_text("{}")
    # A removal that was cut short: it is no attempt any more, and its end comes with the next look.
    (attempts / ".att_0.removed/work/deep").mkdir(parents=True)
    told, _ = serve.ask("survey")
    assert (told["running"], told["left"]) == ([], ["att_1", "att_2", "att_3"])
    assert not (attempts / ".att_0.removed").exists()
    # One that never began has nothing to lose; what was removed once can be removed again.
    for name in ("att_1", "att_2", "att_2", "att_9"):
        assert "error" not in serve.ask("remove", attempt=name)[0]
    assert serve.ask("remove", attempt="att_3")[0]["code"] == "running"
    assert [path.name for path in attempts.iterdir()] == ["att_3"]


def test_the_oldest_python_serves(
    talk: Callable[..., Conversation], oldest_python: str, tmp_path: Path
) -> None:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("folder/x")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    serve = talk(oldest_python)
    hello, _ = serve.ask("hello")
    assert hello["python_version"].startswith("3.8")
    serve.ask("mkdir", attempt=_OLD)
    assert "error" not in serve.ask("unpack", buffer.getvalue(), attempt=_OLD, first=True, last=True)[0]
    listed, _ = serve.ask("list", attempt=_OLD)
    assert [each[:2] for each in listed["files"]] == [["folder/x", 3]]
    answer, body = serve.ask("read", attempt=_OLD, path="folder/x", offset=1, length=10)
    assert (answer["size"], body) == (3, b"bc")
    directory = serve.base / f"attempts/{_OLD}"
    spec = {
        "protocol": 1,
        "attempt": _OLD,
        "run": "echo served",
        "workdir": str(directory / "work"),
        "grace_s": 1,
    }
    serve.ask("write", json.dumps(spec).encode(), attempt=_OLD, name="spec.json")
    assert serve.ask("start", attempt=_OLD)[0]["started"] is True
    wait_until((directory / "exit.json").exists, "the end")
    wait_until(
        lambda: serve.ask("look", attempt=_OLD, sizes={})[0]["supervised"] is False,
        "the supervisor to go",
    )
    seen, body = serve.ask("look", attempt=_OLD, sizes={})
    assert seen["exit"]["exit_code"] == 0
    assert b"served\n" in body


def test_a_full_disk_is_named(attempt: Attempt, tmp_path: Path, bundle: Path) -> None:
    result = tmp_path / "result.json"
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", _FULL, str(disk), str(bundle), str(result)],
        check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    if not result.exists():
        pytest.skip(f"no mount namespace here: {done.stderr.decode()[-200:]}")
    answers = json.loads(result.read_text())
    assert answers["unpack"]["code"] == "full"
    assert answers["left"] == []
    assert answers["after"] == {"begun": False, "supervised": False, "id": 3}


_FULL = """\
import io, json, os, pathlib, struct, subprocess, sys, tarfile
disk, bundle, result = map(pathlib.Path, sys.argv[1:4])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w") as tar:
    info = tarfile.TarInfo("big")
    info.size = 4 << 20
    tar.addfile(info, io.BytesIO(bytes(4 << 20)))
serve = subprocess.Popen([sys.executable, "-I", "-S", str(bundle), "serve", "--dir", str(disk / "base")],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
serve.stdout.readline()
def ask(number, op, body=b"", **fields):
    header = json.dumps(dict(fields, op=op, id=number)).encode()
    serve.stdin.write(struct.pack(">II", len(header), len(body)) + header + body)
    serve.stdin.flush()
    first, second = struct.unpack(">II", serve.stdout.read(8))
    answer = json.loads(serve.stdout.read(first))
    serve.stdout.read(second)
    return answer
ask(1, "mkdir", attempt="att_1")
unpacked = ask(2, "unpack", buffer.getvalue(), attempt="att_1", first=True, last=True)
left = sorted(os.listdir(disk / "base/attempts/att_1"))
after = ask(3, "find", attempt="att_1")
serve.stdin.close()
serve.wait(20)
result.write_text(json.dumps({"unpack": unpacked, "left": left, "after": after}))
"""
