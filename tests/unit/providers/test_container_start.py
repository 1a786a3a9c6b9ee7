"""The start scripts of rented containers, run for real: a real sshd comes up with our host key and lets our key in."""

from __future__ import annotations

import asyncio
import base64
import getpass
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncssh
import pytest

from tradewind.domain.secrets import Secret
from tradewind.providers.access import Access
from tradewind.providers.container_start import COMMAND, VARIABLE, background_script, main_script

SSHD: Final = "/usr/sbin/sshd"
KEY: Final = "inst_0123456789abcdefghjk/node_00000000000000000001"
ACCESS: Final = Access(
    installation_id="inst_0123456789abcdefghjk", seed=Secret(base64.b64encode(bytes(range(32))).decode())
)
pytestmark = pytest.mark.skipif(not Path(SSHD).exists(), reason=f"{SSHD} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tells_the_key(pid: int) -> bool:
    """True where the command line or the environment of what runs on has the private key."""
    if sys.platform != "linux":
        return False
    private = ACCESS.host_key(KEY).private.reveal().splitlines()[1].encode()
    return any(private in Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


def end(pid_file: Path) -> None:
    """Ends the sshd that wrote this."""
    os.kill(int(pid_file.read_text()), signal.SIGTERM)


@asynccontextmanager
async def process(
    *command: str, env: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def log_in(port: int, host_key: str) -> asyncssh.SSHClientConnection:
    """Repeats while nobody answers; everything else is an answer."""
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {host_key}\n")
    key = asyncssh.import_private_key(ACCESS.login.private.reveal())
    async with asyncio.timeout(60):
        while True:
            try:
                return await asyncssh.connect(
                    "127.0.0.1", port, username=getpass.getuser(), client_keys=[key], known_hosts=known, config=None,
                    agent_path=None,
                )  # fmt: skip
            except (ConnectionError, asyncssh.ConnectionLost):
                await asyncio.sleep(0.02)


async def test_sshd_is_the_main_process(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "kept"
    script = main_script(ACCESS, KEY, port=port, folder=str(folder))
    env = {
        "PATH": f"/opt/frame work/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": "/opt/lib",
        VARIABLE: script,
    }
    async with process(*shlex.split(COMMAND), env=env) as sshd:
        async with await log_in(port, ACCESS.host_key(KEY).public) as connection:
            # Not more exactly: the shell of whoever tests may add to it.
            done = await connection.run('echo "$PATH!$LD_LIBRARY_PATH!$TRADEWIND_START"', check=True)
            path, *rest = str(done.stdout).split("!")
            assert "/opt/frame work/bin:" in path
            assert rest == ["/opt/lib", "\n"]
            async with connection.start_sftp_client() as sftp:
                assert await sftp.exists("/")
        assert not tells_the_key(sshd.pid)
        other = ACCESS.host_key(KEY.replace("1", "2")).public
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await log_in(port, other)
    assert oct((folder / "host_key").stat().st_mode)[-3:] == "600"


async def test_it_runs_beside_what_runs_anyway(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "kept"
    script = background_script(ACCESS, KEY, port=port, folder=str(folder))
    async with process("sh", "-c", script) as run:
        assert await run.wait() == 0
        try:
            async with await log_in(port, ACCESS.host_key(KEY).public) as connection:
                assert (await connection.run("echo in", check=True)).stdout == "in\n"
        finally:
            end(folder / "sshd.pid")


def test_the_same_key_is_the_same_script() -> None:
    assert main_script(ACCESS, KEY) == main_script(ACCESS, KEY)
    assert main_script(ACCESS, KEY) != main_script(ACCESS, KEY.replace("1", "2"))
    assert len(background_script(ACCESS, KEY, port=2222)) < 2500
    assert "PRIVATE" not in COMMAND
