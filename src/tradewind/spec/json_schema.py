"""The job file as JSON Schema: for editors, and as the reference that errors take their examples from."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from tradewind.spec.faults import KeyPath
from tradewind.spec.models import JobSpec
from tradewind.spec.supported import NOT_SUPPORTED, UNSUPPORTED

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _InOrder(GenerateJsonSchema):
    """Keeps keys in the order they are written in, so that examples look as a person would write them."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002
        return value


def job_file_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what a job file may contain, with a description and an example of every key."""
    return deepcopy(_schema())


@cache
def _schema() -> dict[str, Any]:
    generated = JobSpec.model_json_schema(by_alias=True, mode="validation", schema_generator=_InOrder)
    schema: dict[str, Any] = {"$schema": DIALECT, **_tidy(generated)}
    schema["title"] = "Tradewind job file"
    _describe(schema)
    for entry in UNSUPPORTED:
        # A definition that is reached in two ways is one definition.
        for key in {id(key): key for key in find_keys(entry.path, schema)}.values():
            subject = entry.part[:1].upper() + entry.part[1:] if entry.part else "It is"
            key["description"] = f"{key['description']} {subject} {NOT_SUPPORTED}."
    return schema


def _describe(schema: dict[str, Any]) -> None:
    """Pydantic leaves out a description that is equal to the one of the type; here every key has its own."""
    for holder in [schema, *schema["$defs"].values()]:
        for key in holder.get("properties", {}).values():
            if "description" not in key:
                key["description"] = schema["$defs"][key["$ref"].rsplit("/", 1)[-1]]["description"]


def _tidy(node: Any, is_properties: bool = False) -> Any:
    """Takes out what only Python cares about: titles made from names, null and empty mappings for what is left out."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    if is_properties:
        return {key: _tidy(item) for key, item in node.items()}
    tidy = {
        key: value
        if key in ("default", "examples", "const", "enum")
        else _tidy(value, key in ("properties", "$defs"))
        for key, value in node.items()
        if key != "title" and not (key == "default" and (value is None or isinstance(value, dict)))
    }
    choices = tidy.get("anyOf")
    if isinstance(choices, list):
        choices = [choice for choice in choices if choice != {"type": "null"}]
        if len(choices) == 1:
            del tidy["anyOf"]
            tidy = {**choices[0], **tidy}
        else:
            tidy["anyOf"] = choices
    return tidy


def find_keys(path: KeyPath, schema: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The schemas of the key at a path; more than one where a value has several forms. List positions are skipped."""
    root = _schema() if schema is None else schema
    found = [root]
    for part in path:
        if isinstance(part, str):
            found = [
                node["properties"][part]
                for form in found
                for node in _forms(form, root)
                if part in node.get("properties", {})
            ]
    return found


def find_properties(path: KeyPath) -> dict[str, Any]:
    """The keys that may stand under a path, with their schemas."""
    return {
        name: schema
        for key in find_keys(path)
        for form in _forms(key, _schema())
        for name, schema in form.get("properties", {}).items()
    }


def find_choices(path: KeyPath) -> list[Any]:
    """The values a key allows, where they can be counted."""
    for key in find_keys(path):
        for form in _forms(key, _schema()):
            if "const" in form or "enum" in form:
                return list(form.get("enum", [form.get("const")]))
    return []


def find_example(path: KeyPath) -> tuple[str, Any] | None:
    """The name of the key at a path, or of the nearest one around it, with an example of its value."""
    names = [part for part in path if isinstance(part, str)]
    for length in range(len(names), 0, -1):
        for key in find_keys(tuple(names[:length])):
            if key.get("examples"):
                return names[length - 1], key["examples"][0]
    return None


def list_keys() -> list[tuple[str, ...]]:
    """Every key of the format, as the path of names that leads to it."""
    found: list[tuple[str, ...]] = []

    def visit(path: tuple[str, ...]) -> None:
        for name in find_properties(path):
            found.append((*path, name))
            # The alternatives repeat the keys of `resources`.
            if name != "any_of":
                visit((*path, name))

    visit(())
    return found


def _forms(node: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema with its references followed and its alternatives and list items laid side by side."""
    forms = [node]
    if "$ref" in node:
        forms += _forms(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], root)
    for choice in [*node.get("anyOf", []), *node.get("oneOf", [])]:
        forms += _forms(choice, root)
    if isinstance(node.get("items"), dict):
        forms += _forms(node["items"], root)
    return forms
