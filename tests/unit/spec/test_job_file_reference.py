"""The JSON Schema and the reference page say what the models say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tradewind.spec.json_schema import find_keys, job_file_schema, list_keys
from tradewind.spec.loading import load_job_text
from tradewind.spec.models import JobSpec
from tradewind.spec.supported import UNSUPPORTED
from tradewind.spec.validation import check_mapping

PAGE = (Path(__file__).parents[3] / "docs" / "job-file.md").read_text()
ROW = re.compile(r"^\| `([a-z_.]+)` \| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = {match[1]: [cell.strip() for cell in match.groups()[1:]] for match in ROW.finditer(PAGE)}
KEYS = [".".join(key) for key in list_keys()]
#: Where only some values of a key are refused.
IN_PART = {".".join(entry.path) for entry in UNSUPPORTED if entry.part}
REFUSED = {".".join(entry.path) for entry in UNSUPPORTED if not entry.part}


def get_key(name: str) -> dict[str, Any]:
    return find_keys(tuple(name.split(".")))[0]


def is_refused(name: str) -> bool:
    """True if the key itself, or one it stands under, cannot be used yet."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in REFUSED for length in range(1, len(parts) + 1)) or name.startswith(
        ("workdir.", "resources.nodes.")
    )


def test_the_schema_describes_the_whole_format() -> None:
    schema = job_file_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Tradewind job file"
    assert schema["required"] == ["version", "name", "run"]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(JobSpec.model_fields)
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_is_of_what_people_write() -> None:
    assert get_key("resources.memory")["type"] == ["string", "number"]
    assert re.search(get_key("resources.memory")["pattern"], "64GB+")
    assert re.search(get_key("resources.cpus")["pattern"], "8+")
    assert get_key("checkpoints.every")["default"] == "10m"
    assert get_key("constraints.budget")["examples"] == ["$100"]
    assert get_key("version")["const"] == 1
    name = re.compile(get_key("name")["pattern"])
    assert name.search("digits")
    assert not name.search("Digits")
    definitions = job_file_schema()["$defs"]
    forms = definitions["AcceleratorRequest"]["anyOf"]
    assert [form["type"] for form in forms] == ["string", "object"]
    for text in ("A100-80GB:8", "H100", "L4:0.5", "RTX 4090"):
        assert re.search(forms[0]["pattern"], text)
    assert [next(iter(form)) for form in get_key("resources.accelerators")["anyOf"]] == ["type", "$ref"]
    assert definitions["Priority"]["enum"] == ["low", "normal", "high"]
    assert get_key("env")["additionalProperties"] is False
    ((environment, value),) = get_key("env")["patternProperties"].items()
    assert re.search(environment, "SEED")
    assert not re.search(environment, "TRADEWIND_JOB")
    assert value["type"] == ["string", "number", "boolean"]


def test_no_schema_speaks_of_python() -> None:
    text = json.dumps(job_file_schema())
    for word in ("PT10M", "timedelta", "micro", '"null"', "__", "null"):
        assert word not in text


@pytest.mark.parametrize("name", KEYS)
def test_every_key_has_a_description_and_an_example_that_is_right(name: str) -> None:
    key = get_key(name)
    assert key["description"].endswith(".")
    assert ("not supported by this version" in key["description"]) is (name in REFUSED | IN_PART)
    keys: dict[str, Any] = {"version": 1, "name": "digits", "run": "true"}
    *around, last = name.split(".")
    needed: dict[str, dict[str, Any]] = {
        "checkpoints": {"path": "ckpt"},
        "data": {"uri": "a", "mount": "b"},
        "workdir": {"url": "a"},
        "estimate": {} if last in ("hours", "model") else {"hours": 1},
        "nodes": {"min": 1, "max": 9},
        "accelerators": {} if last in ("name", "mig") else {"name": "A100"},
    }
    value: Any = {**(needed.get(around[-1], {}) if around else {}), last: key["examples"][0]}
    for part in reversed(around):
        value = {part: [value] if part == "data" else value}
    spec, faults = check_mapping({**keys, **value})
    assert [fault for fault in faults if not fault.is_unsupported] == []
    assert (spec is None) is bool(faults)


def test_the_page_has_every_key_and_no_other() -> None:
    assert sorted(ROWS) == sorted(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_the_page_agrees_with_the_models(name: str) -> None:
    _, default, example_text, _, supported = ROWS[name]
    key = get_key(name)
    expected = "in part" if name in IN_PART else "not yet" if is_refused(name) else "yes"
    assert supported == expected
    if "default" in key and key["default"] not in ([], {}, ""):
        assert default == f"`{json.dumps(key['default']).strip(chr(34))}`" or isinstance(key["default"], dict)
    else:
        assert default in ("required", "–")
    example_value = key["examples"][0]
    shown = re.sub(r'["`]', "", json.dumps(example_value)).replace("{", "").replace("}", "")
    assert re.sub(r'["`{}]', "", example_text) == shown


def test_the_page_shows_jobs_that_work() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    for block in blocks:
        assert load_job_text(block, "docs/job-file.md").spec.name
