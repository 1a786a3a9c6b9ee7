"""Reads hosts from a file: OpenSSH's own configuration, or a YAML file with `hosts:`."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.units import parse_price_micro_per_hour

_KEYS: Final = (
    "address",
    "user",
    "port",
    "key",
    "jump",
    "price",
    "region",
    "agent",
    "ignore_others",
    "network",
    "private_address",
)
_SHOWN: Final = (
    "host1: {address: 10.0.0.5, user: me, port: 22, key: ~/.ssh/id_ed25519, jump: me@gate, price: $0.40/h}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHost:
    """A host as a file has it. `jump` is `user@address:port`."""

    name: str
    address: str
    user: str
    port: int = 22
    key_file: str | None = None
    jump: str | None = None
    micro_per_hour: int | None = None
    region: str = "own"
    uses_agent: bool = False
    ignores_others: bool = False
    network: str = "own"
    private_address: str | None = None


def read_hosts(path: Path, patterns: tuple[str, ...]) -> list[FoundHost]:
    """The hosts of a file, of these names or patterns; all of them where none is given.

    Raises InvalidInputError with the file and what is wrong in it.
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInputError(f"{path} cannot be read: {reason}") from None
    is_yaml = path.suffix in (".yaml", ".yml")
    found = _from_yaml(path, text) if is_yaml else _from_openssh(path.expanduser())
    wanted = [each for each in found if not patterns or any(fnmatchcase(each.name, one) for one in patterns)]
    if not wanted:
        names = ", ".join(each.name for each in found) or "none"
        raise InvalidInputError(f"{path} has no host that was asked for", hint=f"it has: {names}")
    return wanted


def split_jump(text: str) -> tuple[str, str, int]:
    """User, address and port of `[user@]address[:port]`. Raises InvalidInputError."""
    user, _, rest = text.rpartition("@")
    address, colon, port = rest.rpartition(":")
    if not colon:
        address, port = rest, "22"
    if not address or not port.isdecimal():
        raise InvalidInputError(f"{text!r} is no [user@]address[:port]")
    return user or getpass.getuser(), address, int(port)


def _from_yaml(path: Path, text: str) -> list[FoundHost]:
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path}: {error}") from None
    hosts = document.get("hosts") if isinstance(document, dict) else None
    if not isinstance(hosts, dict) or not hosts:
        raise InvalidInputError(f"{path} has no `hosts:`", hint=f"for example `hosts: {{{_SHOWN}}}`")
    return [_one(path, str(name), values) for name, values in hosts.items()]


def _one(path: Path, name: str, values: Any) -> FoundHost:
    if not isinstance(values, dict) or not isinstance(values.get("address"), str):
        raise InvalidInputError(f"{path}: host {name!r} needs an `address`", hint=f"for example {_SHOWN}")
    unknown = sorted(set(map(str, values)) - set(_KEYS))
    if unknown:
        raise InvalidInputError(
            f"{path}: host {name!r} has an unknown key {unknown[0]!r}", hint=f"known keys: {', '.join(_KEYS)}"
        )
    try:
        price = values.get("price")
        return FoundHost(
            name=name,
            address=values["address"],
            user=str(values.get("user") or getpass.getuser()),
            port=int(values.get("port", 22)),
            key_file=_key(values.get("key")),
            jump=values.get("jump"),
            micro_per_hour=None if price is None else parse_price_micro_per_hour(str(price)),
            region=str(values.get("region", "own")),
            uses_agent=values.get("agent") is True,
            ignores_others=values.get("ignore_others") is True,
            network=str(values.get("network", "own")),
            private_address=None if values.get("private_address") is None else str(values["private_address"]),
        )
    except ValueError as error:
        raise InvalidInputError(f"{path}: host {name!r}: {error}") from None


def _from_openssh(path: Path) -> list[FoundHost]:
    from asyncssh.config import SSHClientConfig

    names = []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if word.lower() == "host":
            names += [each for each in rest.split() if not set(each) & set("*?!")]
    found = []
    for name in dict.fromkeys(names):
        config: Any = SSHClientConfig.load(
            None, [path], False, False, False, getpass.getuser(), (), name, ()
        )  # fmt: skip
        keys = config.get("IdentityFile") or []
        jump = config.get("ProxyJump")
        found.append(
            FoundHost(
                name=name,
                address=str(config.get("Hostname") or name),
                user=str(config.get("User") or getpass.getuser()),
                port=int(config.get("Port") or 22),
                key_file=_key(keys[0]) if keys else None,
                jump=None if jump in (None, "none") else str(jump).split(",")[0],
                uses_agent=not keys,
            )
        )
    return found


def _key(text: Any) -> str | None:
    return None if text is None else str(Path(str(text)).expanduser())
