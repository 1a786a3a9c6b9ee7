"""Reads a job file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.document import Document, DocumentError, read_document
from tradewind.spec.faults import Fault, Position, make_error, shorten
from tradewind.spec.models import JobSpec
from tradewind.spec.validation import check_mapping, validate_mapping

__all__ = ["MAX_FILE_BYTES", "LoadedJob", "load_job_file", "load_job_text", "validate_mapping"]

MAX_FILE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LoadedJob:
    """A job file that is right."""

    spec: JobSpec
    #: What the file says, in JSON's own types: what is sent to a server.
    mapping: dict[str, Any]
    #: The file, as it was named; None for text that came from elsewhere.
    path: Path | None
    filename: str
    _document: Document

    def locate(self, *path: str | int) -> Position | None:
        """Line and column of the value at these keys; of what is around it where it is not in the file."""
        return self._document.locate(path)


def load_job_file(path: Path) -> LoadedJob:
    """The job in a file.

    Raises:
        InvalidInputError: when it cannot be read, or is wrong; `details` lists every fault with line and column.
    """
    filename = shorten(str(path), 200)
    hint = "name a job file, for example: tradewind run job.yaml"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise InvalidInputError(f"{filename}: there is no such file", hint=hint) from None
    except IsADirectoryError:
        raise InvalidInputError(f"{filename}: is a folder, not a job file", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidInputError(f"{filename}: cannot be read: {reason}", hint=hint) from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInputError(
            f"{filename}: is larger than 1 MiB, more than a job file can be",
            hint="put data and long scripts into files of the workdir",
        )
    return _load(_decode(content, filename), filename, path)


def load_job_text(text: str, filename: str) -> LoadedJob:
    """The job in a text; `filename` is what errors call it.

    Raises:
        InvalidInputError: when it is wrong; `details` lists every fault with line and column.
    """
    filename = shorten(filename, 200)
    if len(text) > MAX_FILE_BYTES:
        raise InvalidInputError(f"{filename}: is larger than 1 MiB, more than a job file can be")
    return _load(text.removeprefix("\ufeff"), filename, None)


def _decode(content: bytes, filename: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        position = (before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        fault = Fault(message="not UTF-8 text", hint="save the file as UTF-8", position=position)
        raise make_error([fault], filename) from None


def _load(text: str, filename: str, path: Path | None) -> LoadedJob:
    try:
        document = read_document(text)
    except DocumentError as error:
        raise make_error(error.faults, filename) from None
    if document.value is None:
        hint = "a job needs at least `version: 1`, a `name` and a `run`; `tradewind schema` lists every key"
        raise InvalidInputError(f"{filename}: the file is empty", hint=hint)
    spec, faults = check_mapping(document.value)
    faults = [*document.faults, *faults]
    if spec is None or faults:
        raise make_error(faults, filename, document.locate)
    return LoadedJob(spec, document.value, path, filename, document)
