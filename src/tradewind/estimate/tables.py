"""The small tables that ship with this room, read once."""

from __future__ import annotations

import csv
from importlib.resources import files


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of one CSV of `estimate/data`, by column."""
    text = files("tradewind.estimate").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
