"""Loads what is installed under an entry point group; one that is broken never takes the others with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """Something installed that could not be loaded, and why, in words for a user."""

    group: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins(Generic[T]):
    """What was loaded, by name and in the order of the names, and what was not."""

    found: dict[str, T]
    broken: tuple[BrokenPlugin, ...]


def load_plugins(group: str, accept: Callable[[str, object], T]) -> Plugins[T]:
    """Everything installed under this group.

    `accept` is given the name and the loaded object and returns what is to be kept; whatever it raises, as whatever
    an import raises, makes that one plugin a broken one.
    """
    found: dict[str, T] = {}
    broken: list[BrokenPlugin] = []
    for point in sorted(entry_points(group=group), key=lambda each: (each.name, each.value)):
        try:
            if point.name in found:
                raise ValueError("another one of this name was loaded before it")
            found[point.name] = accept(point.name, point.load())
        except Exception as error:
            reason = f"{type(error).__name__}: {error} ({point.value})"
            broken.append(BrokenPlugin(group=group, name=point.name, reason=reason))
    return Plugins(found=found, broken=tuple(broken))
