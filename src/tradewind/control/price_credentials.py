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
        # A variable that is set to nothing is not set.
        return iter({**{name: 0 for name, value in self._environment.items() if value}, **self._connected})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"PriceCredentials({len(self)} names)"
