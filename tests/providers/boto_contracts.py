"""Amazon's services as botocore describes them, held against what really goes over the wire: forms, JSON and XML."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from tests.providers.contracts import BotoModel


class WireModel(BotoModel):
    """One service. Forms are read as EC2 writes them: dotted names, numbered lists."""

    def form(self, body: dict[str, str]) -> list[str]:
        """Problems of a request that is a form."""
        rest = dict(body)
        action, version = rest.pop("Action", ""), rest.pop("Version", "")
        if action not in self._model.operation_names:
            return [f"the contract has no {action}"]
        problems = [] if version == self.api_version else [f"version {version}"]
        tree: dict[str, Any] = {}
        for name, value in rest.items():
            *path, last = name.split(".")
            node = tree
            for part in path:
                node = node.setdefault(part, {})
            node[last] = value
        shape = self._model.operation_model(action).input_shape
        if shape is None:
            return problems + [f"{action} takes nothing: {name}" for name in rest]
        parameters = self._value(shape, tree, action, problems)
        return problems + self.call(action, parameters)

    def answer(self, operation: str, body: dict[str, Any]) -> list[str]:
        """Problems of an answer that is JSON."""
        return self._check(self._model.operation_model(operation).output_shape, body, operation)

    def xml(self, operation: str, text: str) -> list[str]:
        """Problems of an answer that is XML: elements that the contract does not have."""
        root = ElementTree.fromstring(text)
        problems: list[str] = []
        if _plain(root) != f"{operation}Response":
            problems.append(f"{_plain(root)} is no answer to {operation}")
        shape = self._model.operation_model(operation).output_shape
        children = [each for each in root if _plain(each) != "requestId"]
        self._elements(shape, children, operation, problems)
        return problems

    def _value(self, shape: Any, node: Any, where: str, problems: list[str]) -> Any:
        kind = shape.type_name
        if kind == "structure":
            names = {_query_name(name, each): name for name, each in shape.members.items()}
            found = {}
            for name, each in node.items():
                if name not in names:
                    problems.append(f"{where}.{name} is unknown")
                else:
                    member = names[name]
                    found[member] = self._value(shape.members[member], each, f"{where}.{name}", problems)
            return found
        if kind == "list":
            numbers = sorted(map(int, node))
            if numbers != list(range(1, len(numbers) + 1)):
                problems.append(f"{where} is numbered {numbers}")
            return [self._value(shape.member, node[str(each)], where, problems) for each in numbers]
        if kind in ("integer", "long") and str(node).lstrip("-").isdecimal():
            return int(node)
        if kind == "boolean" and node in ("true", "false"):
            return node == "true"
        return node

    def _elements(self, shape: Any, children: list[Any], where: str, problems: list[str]) -> None:
        names = {each.serialization.get("name", name): each for name, each in shape.members.items()}
        for child in children:
            name = _plain(child)
            member = names.get(name)
            if member is None:
                problems.append(f"{where}.{name} is unknown")
            elif member.type_name == "structure":
                self._elements(member, list(child), f"{where}.{name}", problems)
            elif member.type_name == "list" and member.member.type_name == "structure":
                for item in child:
                    self._elements(member.member, list(item), f"{where}.{name}", problems)


class AwsContract:
    """EC2 and STS, whose requests are forms, and of Systems Manager the one operation that is used."""

    def request(self, _method: str, _url: str, body: Any) -> list[str]:
        if not isinstance(body, dict):
            return ["no form and no JSON"]
        if "Action" not in body:
            return model("ssm").call("GetParameter", body)
        service = "sts" if body["Action"] == "GetCallerIdentity" else "ec2"
        return model(service).form(body)

    def response(self, _method: str, _url: str, status: int, body: Any) -> list[str]:
        # XML is checked where it is made: the emulator's own answers are not ours to judge.
        return model("ssm").answer("GetParameter", body) if body is not None and status == 200 else []


@lru_cache
def model(service: str) -> WireModel:
    """The installed botocore's description of a service; reading it takes a while."""
    return WireModel(service)


def _query_name(name: str, shape: Any) -> str:
    given = shape.serialization
    if "queryName" in given:
        return str(given["queryName"])
    location = str(given.get("name", name))
    return location[0].upper() + location[1:]


def _plain(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
