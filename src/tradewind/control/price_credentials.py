"""The credentials that price sources are asked with: the server's environment first, then the connections'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tradewind.domain.secrets import Secret


class PriceCredentials(Mapping[str, str]):
    """Values by name (`LAMBDA_API_KEY`). What connections have changes while the server runs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._connected: dict[str, Secret] = {}

    def take(self, connected: Mapping[str, Secret]) -> bool:
        """Uses these from now on, where the environment has nothing. True if anything changed."""
        if self._connected == connected:
            return False
        self._connected = dict(connected)
        return True

    def __getitem__(self, name: str) -> str:
        value = self._environment.get(name)
        return value if value else self._connected[name].reveal()

    def __iter__(self) -> Iterator[str]:
        yield from self._environment
        yield from (name for name in self._connected if name not in self._environment)

    def __len__(self) -> int:
        return len({*self._environment, *self._connected})

    def __repr__(self) -> str:
        return f"PriceCredentials({len(self)} names)"
