"""Checks what goes over the wire against a vendor's published contract, with the doors closed.

A published contract is open: a misspelt optional field is valid. Here every object that declares its properties refuses
others, unknown query parameters are faults, and so are undeclared paths and statuses. Both directions are checked: what
an adapter sends, and what a simulator answers.

The contracts lie outside the repository, in the folder `TRADEWIND_SHARED` names, else beside it in `shared`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

ROOT: Final = Path(__file__).resolve().parents[2]
_METHODS: Final = ("get", "put", "post", "patch", "delete")
_PARTS: Final = ("allOf", "anyOf", "oneOf")
#: Properties whose known values are never all of them.
_GROWING: Final = frozenset({"vmSize"})
#: Deeper nesting than this is a schema that contains itself.
_DEEPEST: Final = 14


class Contract(Protocol):
    """What a vendor published. Each check returns what is wrong, in words."""

    def request(self, method: str, url: str, body: Any) -> list[str]:
        """Problems of a request."""
        ...

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        """Problems of an answer."""
        ...


def contracts_folder() -> Path:
    """Where the contracts lie. Skips the test, and says why, where they are not there."""
    shared = Path(os.environ.get("TRADEWIND_SHARED") or ROOT.parent / "shared")
    if not (shared / "contracts").is_dir():
        pytest.skip(
            f"the vendors' contracts are not in {shared}: set TRADEWIND_SHARED to the folder that has them"
        )
    return shared / "contracts"


@lru_cache
def open_api(
    name: str, prefix: str = "", overlay: str | Path | None = None, *, known_values_only: bool = False
) -> OpenApi:
    """The OpenAPI contract in this file of the contracts folder; `prefix` is the path part of its server address.

    `overlay` is in that folder too, unless it is a whole path. `known_values_only` takes lists of the values that are
    known (`x-known-values`) for all there are.
    """
    folder = contracts_folder()
    document = _read(folder / name)
    if overlay is not None:
        for entry in _read(folder / overlay)["entries"]:
            _lay_over(document, entry)
    return OpenApi(_with_known_values(document) if known_values_only else document, prefix)


def corrected_open_api(
    name: str, entries: Iterable[Mapping[str, Any]], prefix: str = "", overlay: str | None = None
) -> OpenApi:
    """The same with corrections of the caller's on top, who says where they were seen. Not kept: keep it yourself."""
    folder = contracts_folder()
    document = _read(folder / name)
    for entry in (*(_read(folder / overlay)["entries"] if overlay else ()), *entries):
        _lay_over(document, entry)
    return OpenApi(document, prefix)


@lru_cache
def discovery(name: str) -> Discovery:
    """The Google discovery document in this file of the contracts folder."""
    return Discovery(_read(contracts_folder() / name))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _lay_over(document: Any, entry: Mapping[str, Any]) -> None:
    node = document
    *head, last = entry["at"]
    for key in head:
        node = node[key]
    if "set" in entry:
        node[last] = entry["set"]
    if "merge" in entry:
        node[last].update(entry["merge"])
    for key in entry.get("delete", []):
        node[last].pop(key, None)


class Merged:
    """Several contracts that one server keeps; each call is held to the first that has its path."""

    def __init__(self, *contracts: OpenApi) -> None:
        self._contracts = contracts

    def request(self, method: str, url: str, body: Any) -> list[str]:
        return self._for(method, url).request(method, url, body)

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        return self._for(method, url).response(method, url, status, body)

    def _for(self, method: str, url: str) -> OpenApi:
        known = (each for each in self._contracts if each.has(method, url))
        return next(known, self._contracts[0])


class OpenApi:
    """OpenAPI 3.0 and 3.1."""

    def __init__(self, document: dict[str, Any], prefix: str) -> None:
        self._document = _with_nulls(document)
        self._validators: dict[int, Draft202012Validator] = {}
        routes = []
        for path, item in self._document["paths"].items():
            pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(prefix + path)).rstrip("/")
            for method in _METHODS:
                if method in item:
                    shared = item.get("parameters", [])
                    routes.append(
                        (path.count("{"), method.upper(), re.compile(f"^{pattern}/?$"), item[method], shared)
                    )
        # A path without parameters is meant before one whose parameter would match it too.
        self._routes = sorted(routes, key=lambda route: route[0])

    def has(self, method: str, url: str) -> bool:
        """Whether this contract knows such a call."""
        return self._find(method, url) is not None

    def request(self, method: str, url: str, body: Any) -> list[str]:
        found = self._find(method, url)
        if found is None:
            return [f"the contract has no {method} {urlsplit(url).path}"]
        operation, shared = found
        parameters = [self._resolve(each) for each in (*shared, *operation.get("parameters", []))]
        known = {each["name"]: each for each in parameters if each.get("in") == "query"}
        given = parse_qs(urlsplit(url).query, keep_blank_values=True)
        problems = [f"unknown query parameter {name}" for name in given if name not in known]
        for name, parameter in known.items():
            if name not in given:
                problems += [f"query parameter {name} is missing"] if parameter.get("required") else []
            else:
                problems += self._parameter(parameter, given[name][-1])
        return problems + self._body(operation, body)

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        found = self._find(method, url)
        if found is None:
            return [f"the contract has no {method} {urlsplit(url).path}"]
        answers = found[0]["responses"]
        answer = self._resolve(answers.get(str(status)) or answers.get("default") or {})
        if not answer:
            return [f"status {status} is not declared"]
        content = answer.get("content") or {}
        if not content:
            return [] if body is None else [f"status {status} has no body in the contract"]
        return self._validate(next(iter(content.values())).get("schema", {}), body)

    def _find(self, method: str, url: str) -> tuple[dict[str, Any], list[Any]] | None:
        path = urlsplit(url).path
        for _, verb, pattern, operation, shared in self._routes:
            if verb == method and pattern.match(path):
                return operation, shared
        return None

    def _parameter(self, parameter: dict[str, Any], text: str) -> list[str]:
        schema = self._resolve(parameter.get("schema") or {})
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if allowed is not None and text not in map(str, allowed):
            return [f"query parameter {parameter['name']}: {text!r} is not one of {allowed}"]
        if schema.get("type") == "integer" and not re.fullmatch(r"-?\d+", text):
            return [f"query parameter {parameter['name']}: {text!r} is not an integer"]
        return []

    def _body(self, operation: dict[str, Any], body: Any) -> list[str]:
        declared = self._resolve(operation.get("requestBody") or {})
        content = declared.get("content")
        if not content:
            return [] if body is None else ["a body is not allowed"]
        if body is None:
            return ["a body is required"] if declared.get("required") else []
        return self._validate(next(iter(content.values())).get("schema", {}), body)

    def _validate(self, schema: Any, value: Any) -> list[str]:
        validator = self._validators.get(id(schema))
        if validator is None:
            validator = self._validators[id(schema)] = Draft202012Validator(self._closed(schema))
        return _messages(validator, value)

    def _at(self, reference: str) -> Any:
        node: Any = self._document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key.replace("~1", "/").replace("~0", "~")]
        return node

    def _resolve(self, node: Any) -> Any:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = self._at(node["$ref"])
        return node

    def _closed(self, node: Any, depth: int = 0) -> Any:
        if isinstance(node, list):
            return [self._closed(each, depth) for each in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            if depth > _DEEPEST:
                return {}
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return self._closed({**self._at(node["$ref"]), **rest}, depth + 1)
        closed: dict[str, Any] = {}
        for key, value in node.items():
            if key == "properties":
                closed[key] = {name: self._closed(each, depth + 1) for name, each in value.items()}
            elif key in _PARTS:
                # The parts stay open: it is the whole that is closed.
                closed[key] = [_opened(self._closed(each, depth + 1)) for each in value]
            elif key in ("items", "additionalProperties") and isinstance(value, dict):
                closed[key] = self._closed(value, depth + 1)
            else:
                closed[key] = value
        is_object = closed.get("type") in (None, "object", ["object", "null"])
        has_shape = "properties" in closed or any(part in closed for part in _PARTS)
        if has_shape and is_object and "additionalProperties" not in closed:
            closed["unevaluatedProperties"] = False
        return closed


class Discovery:
    """Google's discovery documents."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._schemas = {name: _from_discovery(schema) for name, schema in document["schemas"].items()}
        self._methods: list[tuple[str, re.Pattern[str], dict[str, Any]]] = []
        self._collect(document["resources"])

    def request(self, method: str, url: str, body: Any) -> list[str]:
        found = self._find(method, url)
        if found is None:
            return [f"the contract has no {method} {urlsplit(url).path}"]
        declared = found.get("parameters", {})
        known = {**self._document.get("parameters", {}), **declared}
        given = parse_qs(urlsplit(url).query, keep_blank_values=True)
        problems = [
            f"unknown query parameter {name}"
            for name in given
            if name not in known or known[name].get("location") == "path"
        ]
        for name, texts in given.items():
            if len(texts) > 1 and not known.get(name, {}).get("repeated"):
                problems.append(f"query parameter {name} is given more than once")
            problems += [f"query parameter {name}: {each}" for each in _unfit(known.get(name, {}), texts[-1])]
        for name, text in self._in_path(method, url).items():
            problems += [f"{name} in the path: {each}" for each in _unfit(declared.get(name, {}), text)]
        for name, parameter in declared.items():
            if parameter.get("required") and parameter.get("location") == "query" and name not in given:
                problems.append(f"query parameter {name} is missing")
        if "request" in found:
            problems += ["a body is required"] if body is None else self._validate(found["request"], body)
        elif body is not None:
            problems.append("a body is not allowed")
        return problems

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        found = self._find(method, url)
        if found is None:
            return [f"the contract has no {method} {urlsplit(url).path}"]
        # Errors have one shape for all methods, which these documents do not describe.
        if status >= 400:
            problems = _messages(Draft202012Validator(_GOOGLE_ERROR), body)
            return problems or ([] if body["error"]["code"] == status else ["the code is not the status"])
        if status != 200:
            return [f"status {status} is not declared"]
        if "response" not in found:
            return [] if body in (None, {}) else ["a body is not declared"]
        return self._validate(found["response"], body)

    def _find(self, method: str, url: str) -> dict[str, Any] | None:
        path = urlsplit(url).path
        for verb, pattern, declared in self._methods:
            if verb == method and pattern.match(path):
                return declared
        return None

    def _in_path(self, method: str, url: str) -> dict[str, str]:
        for verb, pattern, _ in self._methods:
            match = pattern.match(urlsplit(url).path) if verb == method else None
            if match is not None:
                return {name: unquote(text) for name, text in match.groupdict().items()}
        return {}

    def _validate(self, reference: dict[str, str], value: Any) -> list[str]:
        schema = {"$ref": f"#/$defs/{reference['$ref']}", "$defs": self._schemas}
        return _messages(Draft202012Validator(schema), value)

    def _collect(self, resources: dict[str, Any]) -> None:
        for resource in resources.values():
            for method in resource.get("methods", {}).values():
                path = self._document["servicePath"] + method.get("flatPath", method["path"])
                pattern = re.sub(r"\{([^}]+)\}", r"(?P<\1>[^/:]+)", path)
                self._methods.append((method["httpMethod"], re.compile(f"^/{pattern}$"), method))
            self._collect(resource.get("resources", {}))


#: Google's errors, in the older form and with what AIP-193 adds to it.
_GOOGLE_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "status": {"type": "string", "pattern": "^[A-Z_]+$"},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["message", "domain", "reason"],
                        "additionalProperties": False,
                        "properties": {
                            name: {"type": "string"}
                            for name in (
                                "message",
                                "domain",
                                "reason",
                                "location",
                                "locationType",
                                "extendedHelp",
                            )
                        },
                    },
                },
                "details": {
                    "type": "array",
                    "items": {"type": "object", "required": ["@type"]},
                },
            },
        }
    },
}


def _unfit(parameter: dict[str, Any], text: str) -> list[str]:
    """What is wrong with the text of a parameter in the path or the query."""
    kind, problems = parameter.get("type"), []
    if kind == "boolean" and text not in ("true", "false"):
        problems.append(f"{text!r} is neither true nor false")
    if kind == "integer" and not re.fullmatch(r"-?\d+", text):
        problems.append(f"{text!r} is no integer")
    if kind == "integer" and not problems:
        low, high = int(parameter.get("minimum", text)), int(parameter.get("maximum", text))
        problems += [] if low <= int(text) <= high else [f"{text} is not within {low} and {high}"]
    if "enum" in parameter and text not in parameter["enum"]:
        problems.append(f"{text!r} is not one of {parameter['enum']}")
    if "pattern" in parameter and not re.fullmatch(parameter["pattern"], text):
        problems.append(f"{text!r} does not fit {parameter['pattern']}")
    return problems


class BotoModel:
    """A service model of the installed botocore: it catches what botocore itself lets through (enums, patterns)."""

    def __init__(self, service: str) -> None:
        import botocore.session

        self._model = botocore.session.get_session().get_service_model(service)
        self.api_version = str(self._model.api_version)

    def call(self, operation: str, parameters: dict[str, Any]) -> list[str]:
        """Problems of the parameters of a call."""
        if operation not in self._model.operation_names:
            return [f"the contract has no {operation}"]
        shape = self._model.operation_model(operation).input_shape
        return self._check(shape, parameters, operation) if shape is not None else []

    def _check(self, shape: Any, value: Any, where: str) -> list[str]:
        kind = shape.type_name
        if kind == "structure":
            problems = [f"{where}.{name} is missing" for name in shape.required_members if name not in value]
            for name, each in value.items():
                if name in shape.members:
                    problems += self._check(shape.members[name], each, f"{where}.{name}")
                else:
                    problems.append(f"{where}.{name} is unknown")
            return problems
        if kind == "list":
            return [
                problem
                for index, each in enumerate(value)
                for problem in self._check(shape.member, each, f"{where}[{index}]")
            ]
        if kind == "string":
            if not isinstance(value, str):
                return [f"{where} is no text"]
            if shape.enum and value not in shape.enum:
                return [f"{where}: {value!r} is not one of its {len(shape.enum)} values"]
            return []
        if kind in ("integer", "long"):
            return (
                [] if isinstance(value, int) and not isinstance(value, bool) else [f"{where} is no integer"]
            )
        if kind == "boolean":
            return [] if isinstance(value, bool) else [f"{where} is not true or false"]
        return []


def _messages(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{'/'.join(map(str, each.path))}: {each.message[:200]}" for each in validator.iter_errors(value)]


def _with_known_values(node: Any, name: str = "") -> Any:
    """Values that are known are all there are, except where new ones come faster than contracts."""
    if isinstance(node, list):
        return [_with_known_values(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_known_values(value, key) for key, value in node.items()}
    if "x-known-values" in node and name not in _GROWING:
        node["enum"] = node["x-known-values"]
    return node


def _with_nulls(node: Any) -> Any:
    """OpenAPI 3.0's `nullable`, as JSON Schema says it."""
    if isinstance(node, list):
        return [_with_nulls(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_nulls(value) for key, value in node.items()}
    if node.pop("nullable", False) is True:
        if "$ref" in node:
            return {"anyOf": [{"$ref": node["$ref"]}, {"type": "null"}]}
        if isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        if "enum" in node and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
    return node


def _opened(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return {
        key: value
        for key, value in schema.items()
        if key != "unevaluatedProperties" and not (key == "additionalProperties" and value is False)
    }


def _from_discovery(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    kind = node.get("type")
    if kind == "string" and node.get("format") in ("int64", "uint64"):
        return {"anyOf": [{"type": "string", "pattern": r"^-?\d+$"}, {"type": "integer"}]}
    schema: dict[str, Any] = {}
    if kind and kind != "any":
        schema["type"] = kind
    if "enum" in node:
        schema["enum"] = node["enum"]
    if kind == "string" and "pattern" in node:
        schema["pattern"] = f"^(?:{node['pattern']})$"
    if kind == "string" and node.get("format") == "byte":
        schema["pattern"] = "^[A-Za-z0-9+/_-]*={0,2}$"
    if "properties" in node:
        schema["properties"] = {name: _from_discovery(each) for name, each in node["properties"].items()}
        schema["additionalProperties"] = False
    if "additionalProperties" in node:
        schema["additionalProperties"] = _from_discovery(node["additionalProperties"])
    if "items" in node:
        schema["items"] = _from_discovery(node["items"])
    return schema
