"""What the job file can say that this version does not do yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from tradewind.spec.faults import Fault, KeyPath
from tradewind.spec.parts import Launcher
from tradewind.spec.resources import AcceleratorRequest

#: Nodes of one attempt.
MOST_NODES: Final = 64
NOT_SUPPORTED: Final = "not supported by this version"

_LAUNCHERS: Final = frozenset(launcher.value for launcher in Launcher) - {Launcher.NONE.value}


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A key, or some values of it, that is refused."""

    path: tuple[str, ...]
    hint: str
    #: True if this value is refused.
    applies: Callable[[Any], bool] = lambda value: value not in (None, [], {}, "")
    #: What is refused, as the message names it; `{value}` is the value.
    subject: str = ""
    #: What the reference says is refused, when that is not the whole key.
    part: str = ""


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _is_too_many(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > MOST_NODES


def _is_one_of(names: frozenset[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


def _read_accelerator(value: object) -> AcceleratorRequest | None:
    try:
        return AcceleratorRequest.model_validate(value)
    except ValidationError:
        return None


def _is_share(value: object) -> bool:
    request = _read_accelerator(value)
    return request is not None and request.mig is None and not request.count.is_integer()


def _is_slice(value: object) -> bool:
    request = _read_accelerator(value)
    return request is not None and request.mig is not None


UNSUPPORTED: Final = (
    Unsupported(
        ("workdir",), "clone it, and write its folder: `workdir: .`", _is_mapping, "`workdir` from git",
        "a git workdir is",
    ),
    Unsupported(("image",), "leave it out; `setup` can install what the job needs"),
    Unsupported(("secrets",), "leave it out; let the job read them from a file that only you can read"),
    Unsupported(("profile",), "leave it out; `resources` and `constraints` can say the same"),
    Unsupported(
        ("launcher",), "write `launcher: none`, and start the framework in `run`", _is_one_of(_LAUNCHERS),
        "`launcher: {value}`", "every launcher but `none` is",
    ),
    Unsupported(("data",), "leave it out; let the job read its data itself"),
    Unsupported(("sweep",), "leave it out, and submit one job for each combination"),
    Unsupported(("depends_on",), "leave it out, and submit this job when the others are done"),
    Unsupported(
        ("resources", "nodes"), "write how many nodes, for example `nodes: 2`: an attempt has all of them or none",
        _is_mapping, "a range of `resources.nodes`", "a range is",
    ),
    Unsupported(
        ("resources", "nodes"), f"write at most `nodes: {MOST_NODES}`", _is_too_many,
        f"`resources.nodes` over {MOST_NODES}", f"more than {MOST_NODES} are",
    ),
    Unsupported(
        ("resources", "any_of", "nodes"), "write `nodes` once, beside `any_of`: every alternative has as many",
    ),
    Unsupported(("resources", "accelerators", "mig"), "ask for a whole accelerator", _is_slice, "a MIG slice"),
    Unsupported(
        ("resources", "accelerators"), "ask for a whole one, for example L4:1", _is_share, "a share of an accelerator",
        "a share of an accelerator is",
    ),
)  # fmt: skip


def find_unsupported(mapping: dict[str, Any]) -> list[Fault]:
    """Everything in a job file that is part of the format but not of this version."""
    return [
        Fault(
            path=path,
            message=f"{_name_subject(entry, value)} is {NOT_SUPPORTED}",
            hint=entry.hint,
            is_unsupported=True,
        )
        for entry in UNSUPPORTED
        for path, value in _find_values(mapping, entry.path)
        if entry.applies(value)
    ]


def _name_subject(entry: Unsupported, value: object) -> str:
    return entry.subject.format(value=value) if entry.subject else f"`{'.'.join(entry.path)}`"


def _find_values(mapping: dict[str, Any], path: tuple[str, ...]) -> list[tuple[KeyPath, Any]]:
    if path[:2] == ("resources", "accelerators"):
        keys = [*_walk(mapping, path[:2]), *_walk(mapping, ("resources", "any_of", "accelerators"))]
        return [each for where, value in keys for each in _items(where, value)]
    return _walk(mapping, path)


def _walk(value: Any, path: tuple[str, ...], where: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    """What is there under the names of a path; under each of the alternatives."""
    if not path:
        return [(where, value)]
    if isinstance(value, list) and where[-1:] == ("any_of",):
        found = [_walk(item, path, (*where, index)) for index, item in enumerate(value)]
        return [each for some in found for each in some]
    return _walk(value.get(path[0]), path[1:], (*where, path[0])) if isinstance(value, dict) else []


def _items(where: KeyPath, value: Any) -> list[tuple[KeyPath, Any]]:
    """Each request with its path; one that is not in a list has the path of the key itself."""
    if isinstance(value, list):
        return [((*where, index), item) for index, item in enumerate(value)]
    return [(where, value)]
