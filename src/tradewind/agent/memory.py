"""What an agent must remember across its own death: folded out of the records, newest snapshot first."""

from __future__ import annotations

import os

from .durable import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .records import Records


class Memory:
    """What has been said so far. Every record that is said passes through `note`, and after a restart again."""

    def __init__(self, begun_at: float) -> None:
        self.begun_at = begun_at
        self.phases_said = 0
        self.is_environment_said = False
        self.is_reclaim_said = False
        #: What of each source has been read with nothing left unsaid; and by the kind of what was said, beyond that.
        self.offsets: dict[str, int] = {}
        self.said: dict[str, dict[str, int]] = {}
        self.said_at: dict[str, float] = {}
        self.notices: set[str] = set()
        self.checkpoints: dict[str, list[int]] = {}
        self.dropped: dict[str, list[int]] = {}
        self.step: int | None = None
        self.sampled_at: float | None = None
        self.cpu_s = 0.0
        self.energy_j = 0.0

    def note(self, record: dict[str, Any]) -> None:
        """Take in one record."""
        kind = record.get("type")
        if kind in ("progress", "metrics"):
            said = self.said.setdefault(record["source"], {})
            self.said_at[record["source"]] = record["t"]
            said[kind] = max(said.get(kind, 0), record["offset"])
            if isinstance(record.get("step"), int):
                self.step = record["step"]
        elif kind == "phase":
            self.phases_said += 1
        elif kind == "environment":
            self.is_environment_said = True
        elif kind == "reclaim_notice":
            self.is_reclaim_said = True
        elif kind == "notice":
            self.notices.add(record.get("about") or record["code"])
        elif kind == "checkpoint":
            self.checkpoints[record["path"]] = [
                record["size_bytes"],
                record["file_count"],
                record["mtime_ns"],
            ]
        elif kind == "log_dropped":
            self.dropped[record["stream"]] = [record["start"], record["end"]]
        elif kind == "sample":
            self.sampled_at = record["t"]
            self.cpu_s = record["cpu_s"]
            self.energy_j = record["energy_j"]

    def start_offset(self, source: str) -> int:
        """Where to go on reading a source: nothing before it was left unsaid."""
        return self.offsets.get(source, 0)

    def was_said(self, source: str, kind: str, offset: int) -> bool:
        """True if a reading that ends at this offset has been said, or something newer in its place."""
        return offset <= self.said.get(source, {}).get(kind, 0)

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON."""
        values = dict(vars(self))
        values["notices"] = sorted(self.notices)
        return values


def recall(directory: str, records: Records, begun_at: float) -> Memory:
    """What an earlier agent of this attempt knew; a blank memory for the first."""
    memory = Memory(begun_at)
    start = 0
    snapshot = read_json(os.path.join(directory, "cursor.json"))
    if snapshot is not None:
        start = snapshot.pop("records_offset", 0)
        for name, value in snapshot.items():
            if name in vars(memory):
                setattr(memory, name, set(value) if name == "notices" else value)
    for record in records.read_back(start):
        try:
            memory.note(record)
        except (KeyError, TypeError):
            continue
    return memory
