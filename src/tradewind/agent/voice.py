"""Everything the agent says goes through here: to the records, and into its memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .memory import Memory
    from .records import Records


class Voice:
    """Says records, and notices once each."""

    def __init__(self, records: Records, memory: Memory) -> None:
        self._records = records
        self._memory = memory

    def say(self, kind: str, **fields: Any) -> None:
        """Add a record to the next batch."""
        self._memory.note(self._records.add(kind, **fields))

    def notice(self, code: str, message: str, *, about: str | None = None, **fields: Any) -> None:
        """Say something once; `about` tells apart notices of the same code. `fields` are further ones of the record."""
        if (about or code) in self._memory.notices:
            return
        if about is None:
            self.say("notice", code=code, message=message, **fields)
        else:
            self.say("notice", code=code, message=message, about=about, **fields)
