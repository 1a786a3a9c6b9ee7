"""Looks at a job file that is being written: everything that is wrong with it is an answer, not an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tradewind.spec.document import Document, DocumentError, read_document
from tradewind.spec.faults import Fault
from tradewind.spec.loading import MAX_FILE_BYTES
from tradewind.spec.models import JobSpec
from tradewind.spec.validation import check_mapping
from tradewind.spec.writing import write_job_file


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a job file says, and all that is wrong with it, in the order of the file."""

    #: As it is written, in JSON's own types; None where it is no mapping of keys.
    mapping: dict[str, Any] | None = None
    #: Absent while something is wrong.
    spec: JobSpec | None = None
    #: With positions: in the text that was given, or in `yaml` for a mapping.
    faults: list[Fault] = field(default_factory=list)
    #: The job file, written anew; None where it is no mapping of keys.
    yaml: str | None = None


def inspect_text(text: str) -> Inspected:
    """The job file in a text."""
    if len(text) > MAX_FILE_BYTES:
        return Inspected(faults=[Fault(message="it is larger than 1 MiB, more than a job file can be")])
    try:
        document = read_document(text.removeprefix("\ufeff"))
    except DocumentError as error:
        return Inspected(faults=error.faults)
    value = {} if document.value is None else document.value
    spec, faults = check_mapping(value)
    faults = _placed([*document.faults, *faults], document)
    mapping = value if isinstance(value, dict) and _is_whole(faults) else None
    return Inspected(
        mapping=mapping,
        spec=spec if not faults else None,
        faults=faults,
        yaml=None if mapping is None else write_job_file(mapping),
    )


def inspect_mapping(mapping: dict[str, Any]) -> Inspected:
    """The job file that a mapping stands for. Positions are those in the YAML that it is written as."""
    spec, faults = check_mapping(mapping)
    try:
        text = write_job_file(mapping)
        document = read_document(text)
    except (DocumentError, ValueError, RecursionError):
        # What no job file can hold has no lines either; the faults say what it is.
        return Inspected(mapping=mapping, faults=faults)
    return Inspected(
        mapping=mapping, spec=spec if not faults else None, faults=_placed(faults, document), yaml=text
    )


def _placed(faults: list[Fault], document: Document) -> list[Fault]:
    placed = [
        fault
        if fault.position is not None
        else replace(fault, position=document.locate(fault.path, fault.is_key))
        for fault in faults
    ]
    return sorted(placed, key=lambda fault: fault.position or (0, 0))


def _is_whole(faults: list[Fault]) -> bool:
    """Whether writing it anew would lose nothing: of a key that is written twice, only the first is known."""
    return not any(fault.is_key and "is written twice" in fault.message for fault in faults)
