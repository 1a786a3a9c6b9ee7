"""Failures of a database, as its driver reports them, at the moments of a transaction that a test names."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import DBAPIError, OperationalError

from tradewind.db.store import Moment


class _DriverError(Exception):
    """What the driver raises. PostgreSQL says what it is by its code."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def connection_lost() -> DBAPIError:
    """The server is gone in the middle of whatever it was asked."""
    error = _DriverError("server closed the connection unexpectedly")
    return OperationalError(None, None, error, connection_invalidated=True)


def serialization_failure() -> DBAPIError:
    """Another transaction came first: nothing is committed, and the function may be run again."""
    return OperationalError(None, None, _DriverError("could not serialize access", "40001"))


class Failures:
    """Watches a store's transactions; those planned for a moment happen there, one at each time it is reached."""

    def __init__(self) -> None:
        self.seen: list[Moment] = []
        self._planned: list[tuple[Moment, Callable[[], Exception]]] = []

    def plan(self, moment: Moment, failure: Callable[[], Exception], times: int = 1) -> None:
        """Has the next transactions that reach the moment fail there."""
        self._planned += [(moment, failure)] * times

    def __call__(self, moment: Moment) -> None:
        self.seen.append(moment)
        for planned in self._planned:
            if planned[0] is moment:
                self._planned.remove(planned)
                raise planned[1]()
