"""What the server is told: environment first, then the `[local]` and `[server]` tables of config.toml."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tradewind.domain.errors import InvalidInputError, NotSupportedError
from tradewind.domain.paths import CONFIG_FILE, config_dir, state_dir
from tradewind.domain.secrets import Secret
from tradewind.domain.units import parse_duration, parse_size_bytes
from tradewind.estimate.own_figures import ENVIRONMENT, Origin, OwnFigures, PowerPrice

_CONNECTIONS_KEYS = frozenset({"trusts_users"})
_NOTIFY_KEYS = frozenset({"allow_private_addresses"})
_PRICES_KEYS = frozenset({"sources"})
_MACHINES_KEYS = frozenset({"keep_idle"})
#: A machine that nobody needs for longer than this is somebody's mistake.
_LONGEST_IDLE = timedelta(hours=24)
_LOCAL_KEYS = frozenset(
    {
        "country", "carbon_zone", "electricity_price_usd_per_kwh", "carbon_grams_per_kwh", "watts_idle", "watts_max",
        "log_cap",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The server's settings. Prices in dollars and carbon in grams CO2e per kilowatt-hour."""

    state: Path
    host: str
    port: int
    port_is_fixed: bool
    allowed_hosts: str
    #: What the environment and the configuration file say of the machine and its electricity.
    told: dict[Origin, OwnFigures]
    log_cap_bytes: int
    log_level: str
    #: Whether alerts may be told to addresses on this machine and on private networks.
    allow_private_addresses: bool
    #: Whether users may have the server use credentials from its own environment and files, and name addresses.
    trusts_users: bool
    #: Which price sources are asked: `auto`, `shipped`, or their names with commas.
    price_sources: str
    #: A database on PostgreSQL; None: SQLite in the state folder.
    database_url: Secret | None = None
    #: The folder that servers of one database share; None: there is one server, and it keeps files in its state folder.
    storage: Path | None = None
    #: For how long a rented machine is kept for the next job when its own has ended.
    keep_idle: timedelta = timedelta(0)

    @property
    def files(self) -> Path:
        """Where the files of jobs lie."""
        return self.storage or self.state


def read_settings(host: str, port: int | None) -> Settings:
    """Settings from the environment and the configuration file.

    Raises:
        InvalidInputError: names the file and the key that is wrong.
        NotSupportedError: the files of jobs are to lie in an object store.
    """
    url = os.environ.get("TRADEWIND_DATABASE_URL", "").strip()
    path = config_dir() / CONFIG_FILE
    tables = _read_file(path)
    local = _table(path, tables, "local", _LOCAL_KEYS)
    prices = _table(path, tables, "prices", _PRICES_KEYS)
    notify = _table(path, tables, "notify", _NOTIFY_KEYS)
    connections = _table(path, tables, "connections", _CONNECTIONS_KEYS)
    allowed_hosts = os.environ.get("TRADEWIND_ALLOWED_HOSTS", "")
    is_own_machine = _is_loopback(host) and not allowed_hosts
    return Settings(
        state=state_dir(),
        host=host,
        port=port or 8000,
        port_is_fixed=port is not None,
        allowed_hosts=allowed_hosts,
        told={Origin.ENVIRONMENT: _from_environment(), Origin.CONFIG_FILE: _from_file(path, local)},
        log_cap_bytes=_size(path, local, "log_cap", 1 << 30),
        log_level=os.environ.get("TRADEWIND_LOG_LEVEL", "info"),
        # Whoever can reach a server of one's own machine can reach that machine anyway. One that others use must not
        # become their way into its network.
        allow_private_addresses=_flag(path, notify, "notify", "allow_private_addresses", is_own_machine),
        trusts_users=_flag(path, connections, "connections", "trusts_users", is_own_machine),
        price_sources=os.environ.get("TRADEWIND_PRICE_SOURCES") or _names(path, prices, "prices", "sources"),
        database_url=Secret(url) if url else None,
        keep_idle=_keep_idle(path, _table(path, tables, "machines", _MACHINES_KEYS)),
        storage=_storage(os.environ.get("TRADEWIND_STORAGE", "").strip(), has_database=bool(url)),
    )


def _from_environment() -> OwnFigures:
    environment = {
        name: os.environ[name].strip() for name in ENVIRONMENT.values() if os.environ.get(name, "").strip()
    }

    def number(field: str) -> Decimal | None:
        name = ENVIRONMENT[field]
        return _checked(name, environment[name]) if name in environment else None

    return OwnFigures(
        country=environment.get(ENVIRONMENT["country"]),
        carbon_zone=environment.get(ENVIRONMENT["carbon_zone"]),
        electricity_price=_price(number("electricity_price")),
        carbon_g_per_kwh=_float(number("carbon_g_per_kwh")),
        watts_idle=_float(number("watts_idle")),
        watts_max=_float(number("watts_max")),
    )


def _from_file(path: Path, local: dict[str, Any]) -> OwnFigures:
    return OwnFigures(
        country=_text(path, local, "country"),
        carbon_zone=_text(path, local, "carbon_zone"),
        electricity_price=_price(_number(path, local, "electricity_price_usd_per_kwh")),
        carbon_g_per_kwh=_float(_number(path, local, "carbon_grams_per_kwh")),
        watts_idle=_float(_number(path, local, "watts_idle")),
        watts_max=_float(_number(path, local, "watts_max")),
    )


def _price(usd: Decimal | None) -> PowerPrice | None:
    return None if usd is None else PowerPrice(amount=usd)


def _keep_idle(path: Path, table: dict[str, Any]) -> timedelta:
    named = os.environ.get("TRADEWIND_KEEP_IDLE")
    where, value = (
        ("TRADEWIND_KEEP_IDLE", named) if named else (f"{path}: machines.keep_idle", table.get("keep_idle"))
    )
    if value is None:
        return timedelta(0)
    try:
        span = parse_duration(value)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"{where}: {error}", hint='for example "10m"') from None
    if not timedelta(0) <= span <= _LONGEST_IDLE:
        raise InvalidInputError(f"{where} must be between 0 and 24h, not {value!r}")
    return span


def _storage(text: str, *, has_database: bool) -> Path | None:
    if not text:
        return None
    if "://" in text:
        raise NotSupportedError(
            "TRADEWIND_STORAGE: object stores are not supported by this version",
            hint="name a folder that every server of the database can write to",
        )
    path = Path(text)
    if not path.is_absolute():
        raise InvalidInputError(
            f"TRADEWIND_STORAGE must be a whole path, not {text!r}", hint="begin it with a slash"
        )
    if not has_database:
        raise InvalidInputError(
            "TRADEWIND_STORAGE is for servers that share a database, and TRADEWIND_DATABASE_URL is not set",
            hint="set TRADEWIND_DATABASE_URL too; or set TRADEWIND_STATE_DIR to move everything",
        )
    return path


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInputError(f"{path}: {error}", hint="mend or remove the file") from None


def _table(path: Path, values: dict[str, Any], name: str, known: frozenset[str]) -> dict[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise InvalidInputError(f"{path}: `{name}` must be a table")
    for key in table:
        if key not in known:
            raise InvalidInputError(
                f"{path}: unknown key {name}.{key}", hint=f"known keys: {', '.join(sorted(known))}"
            )
    return table


def _flag(path: Path, table: dict[str, Any], name: str, key: str, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise InvalidInputError(f"{path}: {name}.{key} must be true or false, not {value!r}")
    return value


def _names(path: Path, table: dict[str, Any], name: str, key: str) -> str:
    value = table.get(key, "auto")
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in names):
        raise InvalidInputError(
            f"{path}: {name}.{key} must be a text or a list of texts, not {value!r}",
            hint='for example sources = "auto", "shipped", or ["shipped", "lambda-types"]',
        )
    return ",".join(names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _text(path: Path, table: dict[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{path}: local.{key} must be a text")
    return value


def _number(path: Path, table: dict[str, Any], key: str) -> Decimal | None:
    value = table.get(key)
    return None if value is None else _checked(f"{path}: local.{key}", value)


def _checked(where: str, value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(-1)
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise InvalidInputError(f"{where} must be a number of at least 0, not {value!r}")
    return number


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _size(path: Path, table: dict[str, Any], key: str, default: int) -> int:
    if key not in table:
        return default
    try:
        size = parse_size_bytes(table[key])
    except ValueError as error:
        raise InvalidInputError(f"{path}: local.{key}: {error}") from None
    if size < 1 << 20:
        raise InvalidInputError(f"{path}: local.{key} must be at least 1MB")
    return size
