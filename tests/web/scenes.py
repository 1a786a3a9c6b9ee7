"""What is on the stage when a test begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tests.web.clock import START
from tests.web.rich import HISTORY, rich

if TYPE_CHECKING:
    from tests.web.stage import Stage


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene, and when its story begins. It ends, and a test begins, at `START`."""

    put_on: Callable[[Stage], None]
    begin: datetime = START


def empty(stage: Stage) -> None:
    """A first run: this machine, nothing connected, nothing run."""


def many(stage: Stage) -> None:
    """Ten thousand jobs, and one with a million lines of log."""
    from tests.web.many import fill

    fill(stage)


SCENES: Final = {
    "empty": Scene(empty),
    "rich": Scene(rich, START - HISTORY),
    "many": Scene(many),
}
