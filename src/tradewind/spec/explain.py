"""Turns what the models found wrong into sentences for the person who wrote the job file."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from tradewind.spec.faults import Fault, KeyPath, format_path, shorten
from tradewind.spec.json_schema import find_choices, find_example, find_properties, list_keys
from tradewind.spec.wording import FORM_MARK, FieldError, name_type

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MAX_MESSAGE: Final = 300
_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
#: How other tools name what a job file can say.
_ELSEWHERE: Final = {
    "command": "run", "cmd": "run", "script": "run", "entrypoint": "run", "commands": "run", "environment": "env",
    "envs": "env", "working_dir": "workdir", "file_mounts": "data", "artifacts": "outputs", "labels": "tags",
    "gpu": "resources.accelerators", "gpus": "resources.accelerators", "accelerator": "resources.accelerators",
    "cpu": "resources.cpus", "mem": "resources.memory", "ram": "resources.memory", "num_nodes": "resources.nodes",
    "use_spot": "resources.spot", "cloud": "resources.providers", "provider": "resources.providers",
    "region": "resources.regions", "timeout": "constraints.max_duration", "retries": "retry.failures",
    "depends": "depends_on", "needs": "depends_on", "container": "image",
}  # fmt: skip


def explain(error: ErrorDetails) -> Fault:
    """The fault that one error of the models stands for."""
    location, kind = error["loc"], error["type"]
    # Pydantic marks a fault of the key itself so; a key may also be called that.
    is_marked = len(location) > 1 and location[-1] == "[key]" and error["input"] == location[-2]
    is_marked = is_marked and kind != "extra_forbidden"
    path: KeyPath = tuple(
        part
        for part in (location[:-1] if is_marked else location)
        if not (isinstance(part, str) and part.startswith(FORM_MARK))
    )
    if kind == "value_error" and isinstance(error["ctx"]["error"], FieldError):
        path = (*path, *error["ctx"]["error"].at)
    message, hint = _describe(error, path)
    if message[:1].islower():
        message = f"`{format_path(path)}` {message}" if path else f"the job {message}"
    return Fault(
        path=path,
        message=_cut(message),
        hint=_cut(hint) if hint else None,
        is_key=is_marked or kind == "extra_forbidden",
    )


def _cut(text: str) -> str:
    return shorten(text, _MAX_MESSAGE)


def _describe(error: ErrorDetails, path: KeyPath) -> tuple[str, str | None]:
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":
        return _describe_value_error(limits["error"], path)
    if kind == "missing":
        return "is missing", _show_example(path)
    if kind == "extra_forbidden":
        return f"Unknown key `{format_path(path)}`", _find_nearest_key(path)
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_name_given(kind, value)}", _show_right_form(kind, value, path)
    if kind in ("literal_error", "enum"):
        return _describe_choice(value, path)
    if kind in ("string_pattern_mismatch", "string_too_short", "string_too_long"):
        return _describe_text(kind, value, limits), _show_example(path)
    if kind in ("too_short", "too_long"):
        return "does not have the right number of items", _show_example(path)
    bound = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than",
             "less_than_equal": "at most"}.get(kind)  # fmt: skip
    if bound is not None:
        limit = next(limits[key] for key in ("gt", "ge", "lt", "le") if key in limits)
        return f"must be {bound} {limit:g}, not {_show(value)}", _show_example(path)
    text = error["msg"]
    return text[:1].lower() + text[1:], _show_example(path)


def _describe_value_error(error: Exception, path: KeyPath) -> tuple[str, str | None]:
    if isinstance(error, FieldError):
        return str(error), error.hint or _show_example(path)
    # The words of the domain say what would be right behind the semicolon.
    message, separator, hint = str(error).rpartition("; write for example")
    return (message, f"write for example{hint}") if separator else (hint, _show_example(path))


def _describe_choice(value: object, path: KeyPath) -> tuple[str, str | None]:
    choices = [str(choice) for choice in find_choices(path)]
    if len(choices) == 1:
        return f"must be {choices[0]}", _show_example(path)
    nearest = get_close_matches(str(value), choices, n=1)
    return f"must be one of {', '.join(choices)}, not {_show(value)}", (
        f"did you mean `{nearest[0]}`?" if nearest else _show_example(path)
    )


def _describe_text(kind: str, value: object, limits: dict[str, Any]) -> str:
    if kind == "string_too_long":
        return f"must have at most {limits['max_length']} characters"
    return "must not be empty" if value == "" else f"{_show(value)} does not have the right form"


def _name_given(kind: str, value: object) -> str:
    if kind == "int_from_float" or kind == "finite_number":
        return _show(value)
    if kind == "int_type" and isinstance(value, float):
        return _show(value)
    return name_type(value)


def _show_right_form(kind: str, value: object, path: KeyPath) -> str | None:
    name = path[-1] if path and isinstance(path[-1], str) else None
    if name is not None and kind == "string_type" and isinstance(value, int | float):
        return f'put it in quotes: `{shorten(name)}: "{render_value(value)}"`'
    is_one_of_list = kind in ("list_type", "tuple_type") and isinstance(value, str) and value.isprintable()
    if name is not None and is_one_of_list and len(str(value)) <= 40:
        return f"write a list: `{shorten(name)}: [{render_value(value)}]`"
    return _show_example(path)


def _show_example(path: KeyPath) -> str | None:
    found = find_example(path)
    return f"write for example `{found[0]}: {render_value(found[1])}`" if found else None


def _find_nearest_key(path: KeyPath) -> str | None:
    name = str(path[-1])
    here = list(find_properties(path[:-1]))
    names = tuple(part for part in path[:-1] if isinstance(part, str))
    keys = [key for key in list_keys() if key[:-1] != names]
    same = next((key for key in keys if key[-1] == name), None)
    if same is not None:
        return _show_place(same)
    known = _ELSEWHERE.get(name.lower())
    if known is not None and known.split(".")[-1] not in here:
        return f"the key for that is `{known}`"
    candidates = (
        [known.split(".")[-1]] if known else get_close_matches(name.lower().replace("-", "_"), here, n=1)
    )
    if candidates:
        return f"did you mean `{format_path((*path[:-1], candidates[0]))}`?"
    near = get_close_matches(name, [key[-1] for key in keys], n=1, cutoff=0.8)
    if near:
        return f"did you mean `{'.'.join(next(key for key in keys if key[-1] == near[0]))}`?"
    return f"known here: {', '.join(here)}" if here else None


def _show_place(key: tuple[str, ...]) -> str:
    around = ".".join(key[:-1])
    return (
        f"`{key[-1]}` belongs under `{around}`"
        if around
        else f"`{key[-1]}` belongs at the top, not inside another key"
    )


def _show(value: object) -> str:
    return shorten(repr(value) if isinstance(value, str) else render_value(value), 60)


def render_value(value: object) -> str:
    """A value as it would be written in YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {render_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(render_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if value.replace(".", "", 1).isdigit() else value
    return "null" if value is None else str(value)
