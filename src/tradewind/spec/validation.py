"""Turns a plain mapping into a JobSpec, or into an error that lists every fault in it."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from pydantic import ValidationError

from tradewind.spec.faults import Fault, KeyPath, Locate, make_error
from tradewind.spec.models import JobSpec
from tradewind.spec.supported import find_unsupported
from tradewind.spec.wording import name_type

_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 100_000
_MAX_INTEGER: Final = (1 << 63) - 1


def validate_mapping(mapping: object, locate: Locate | None = None, filename: str = "job") -> JobSpec:
    """The job that a mapping describes, as YAML or JSON gives it.

    Raises:
        InvalidInputError: `details` has one entry per fault: `where`, `line`, `column`, `message`, `hint`; without
            `locate` there are no lines. It is a NotSupportedError when nothing else is wrong.
    """
    spec, faults = check_mapping(mapping)
    if spec is None or faults:
        raise make_error(faults, filename, locate)
    return spec


def check_mapping(mapping: object) -> tuple[JobSpec | None, list[Fault]]:
    """The job, if there is no fault, and every fault."""
    if not isinstance(mapping, dict):
        hint = "write `version: 1`, `name: ...` and `run: ...`, each on its own line"
        return None, [
            Fault(message=f"a job is a mapping of keys to values, not {name_type(mapping)}", hint=hint)
        ]
    faults = _find_unusable_values(mapping)
    if faults:
        return None, faults
    faults = find_unsupported(mapping)
    refused = [fault.path for fault in faults]
    try:
        spec = JobSpec.model_validate(mapping)
    except ValidationError as error:
        # Only what goes wrong pays for loading the words to explain it.
        from tradewind.spec.explain import explain

        for item in error.errors(include_url=False):
            fault = explain(item)
            is_refused_anyway = any(fault.path[: len(path)] == path for path in refused)
            if fault not in faults and not is_refused_anyway:
                faults.append(fault)
        return None, faults
    return (None if faults else spec), faults


def _find_unusable_values(mapping: dict[Any, Any]) -> list[Fault]:
    """What no key may hold: values that JSON, a database or a process environment cannot carry."""
    faults: list[Fault] = []
    waiting: list[tuple[KeyPath, object]] = [((), mapping)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        count += 1
        if count > _MAX_VALUES:
            return [Fault(message="it holds more values than a job can have")]
        if isinstance(value, dict | list) and len(path) >= _MAX_DEPTH:
            return [Fault(path=path[:4], message=f"it is nested more than {_MAX_DEPTH} deep")]
        if isinstance(value, dict):
            for key, item in value.items():
                problem = _find_problem(key) if isinstance(key, str) else "a key must be text"
                if problem:
                    faults.append(Fault(path=(*path, ascii(key)[:80]), message=problem, is_key=True))
                else:
                    waiting.append(((*path, key), item))
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(value))
        elif problem := _find_problem(value):
            faults.append(Fault(path=path, message=problem))
    return faults


def _find_problem(value: object) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "text cannot contain a NUL character"
        return None if _is_unicode(value) else "text cannot contain half a character"
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return None if abs(value) <= _MAX_INTEGER else "the number is too large"
    if isinstance(value, float):
        return None if isfinite(value) else "the number must be finite"
    return f"the value must be text, a number, true or false, a list or a mapping, not {name_type(value)}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
