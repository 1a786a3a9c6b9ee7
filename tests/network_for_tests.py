"""A network of a test's own: network namespaces as hosts, each with its address on its own link to one switch.

The test's thread is a host of it too, so that nothing of this machine's own network is touched. A namespace lives as
long as the process that holds it, and that ends with its standard input: also when the test's process is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
#: Nobody has this hardware address: what is sent to it is lost without a word.
_NOBODY: Final = "02:00:00:00:00:99"
_NET: Final = "10.77.0"
_PATIENCE_S: Final = 20.0


@cache
def why_no_network() -> str | None:
    """Why no network can be made here; None where it can."""
    if missing := [each for each in ("ip", "tc", "unshare", "nsenter") if shutil.which(each) is None]:
        return f"there is no {' or '.join(missing)} here (Debian: apt-get install iproute2 util-linux)"
    if os.getuid() != 0:
        return "network namespaces are made by root only"
    made = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return None if made.returncode == 0 else f"no network namespaces can be made here: {made.stderr.strip()}"


class NetworkHost:
    """One network namespace. `address` is its own on the switch; None for the switch and for what is not on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.address: str | None = None
        self._holder = subprocess.Popen(
            # What it prints shows that it is in its namespace.
            ["unshare", "--net", "sh", "-c", "echo up; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"
        self.path = f"/proc/{self._holder.pid}/ns/net"
        self.ip("link", "set", "lo", "up")

    @property
    def prefix(self) -> list[str]:
        """What goes before a command so that it runs on this host."""
        return ["nsenter", f"--net={self.path}"]

    @property
    def pid(self) -> str:
        """By which `ip link set … netns` knows it."""
        return str(self._holder.pid)

    def run(self, *command: str) -> str:
        """Runs a command here and returns what it printed."""
        done = subprocess.run([*self.prefix, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} on {self.name}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, *arguments: str) -> str:
        return self.run("ip", *arguments)

    def give_address(self, device: str, address: str) -> None:
        self.ip("addr", "add", f"{address}/24", "dev", device)
        self.ip("link", "set", device, "up")

    def end(self) -> None:
        for stream in (self._holder.stdin, self._holder.stdout):
            assert stream is not None
            stream.close()
        self._holder.kill()
        self._holder.wait(_PATIENCE_S)


class Network:
    """Hosts at one switch. `here` is where the test itself is."""

    def __init__(self) -> None:
        self.hosts: list[NetworkHost] = []
        try:
            self._switch = self._new("switch")
            self._switch.ip("link", "add", "bridge", "type", "bridge")
            self._switch.ip("link", "set", "bridge", "up")
            self.here = self.host("here")
        except BaseException:
            self.end()
            raise

    def _new(self, name: str) -> NetworkHost:
        made = NetworkHost(name)
        self.hosts.append(made)
        return made

    def host(self, name: str, *, is_on_switch: bool = True) -> NetworkHost:
        """A new host."""
        made = self._new(name)
        if is_on_switch:
            port = self._port_of(made)
            self._switch.ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", made.pid)
            self._switch.ip("link", "set", port, "master", "bridge", "up")
            made.address = f"{_NET}.{len(self.hosts)}"
            made.give_address("eth0", made.address)
        return made

    def cable(self, one: NetworkHost, other: NetworkHost) -> str:
        """A link of two hosts that nobody else is on. The second one's address there."""
        one.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", other.pid)
        one.give_address("cable", "10.78.0.1")
        other.give_address("cable", "10.78.0.2")
        return "10.78.0.2"

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def cut(self, host: NetworkHost) -> None:
        """Nothing gets to the host or from it; nobody is told."""
        self._switch.ip("link", "set", self._port_of(host), "down")

    def mend(self, host: NetworkHost) -> None:
        self._switch.ip("link", "set", self._port_of(host), "up")

    def silence(self, host: NetworkHost) -> None:
        """What the host sends here is lost, and what is sent to it arrives: neither side is told."""
        assert self.here.address is not None
        host.ip("neigh", "replace", self.here.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")

    def speak(self, host: NetworkHost) -> None:
        """What the host sends arrives again."""
        assert self.here.address is not None
        host.ip("neigh", "del", self.here.address, "dev", "eth0")

    def slow(self, host: NetworkHost, bits_per_s: int) -> None:
        """The host's link takes so much, either way. A full queue of it adds up to 0.3 seconds."""
        shape = ("root", "tbf", "rate", f"{bits_per_s}bit", "burst", "16kb", "latency", "300ms")
        host.run("tc", "qdisc", "replace", "dev", "eth0", *shape)
        self._switch.run("tc", "qdisc", "replace", "dev", self._port_of(host), *shape)

    def quick(self, host: NetworkHost) -> None:
        """The host's link is as quick again as it was."""
        host.run("tc", "qdisc", "del", "dev", "eth0", "root")
        self._switch.run("tc", "qdisc", "del", "dev", self._port_of(host), "root")

    def bytes_from(self, host: NetworkHost) -> int:
        """How much has come from the host over its link."""
        return self._bytes(host, "rx")

    def bytes_to(self, host: NetworkHost) -> int:
        """How much has gone to the host over its link."""
        return self._bytes(host, "tx")

    def _bytes(self, host: NetworkHost, way: str) -> int:
        (link,) = json.loads(self._switch.ip("-json", "-statistics", "link", "show", self._port_of(host)))
        return int(link["stats64"][way]["bytes"])

    def _port_of(self, host: NetworkHost) -> str:
        return f"port{self.hosts.index(host)}"

    # -- being there ---------------------------------------------------------------------------------------------

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and every process and thread that it starts, is on the host `here`."""
        # Python has no setns before 3.12.
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/proc/thread-self/ns/net").open() as before, Path(self.here.path).open() as inside:
            _set(libc, inside.fileno())
            try:
                yield
            finally:
                _set(libc, before.fileno())

    def end(self) -> None:
        for host in self.hosts:
            host.end()


def _set(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
