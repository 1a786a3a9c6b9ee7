"""What people read when a job file is wrong: the whole text, as it is shown."""

# ruff: noqa: E501
from __future__ import annotations

from textwrap import dedent

import pytest

from tradewind.domain.errors import InvalidInputError, NotSupportedError
from tradewind.spec.loading import load_job_text
from tradewind.spec.validation import validate_mapping

HEAD = "version: 1\nname: digits\nrun: python train.py\n"


def show(text: str) -> str:
    """Every fault of a text, one to a line: place, key, message, hint."""
    with pytest.raises(InvalidInputError) as caught:
        load_job_text(text, "job.yaml")
    lines = [
        f"{detail['line']}:{detail['column']} {detail['where']}: {detail['message']}"
        + (f" ({detail['hint']})" if detail["hint"] else "")
        for detail in caught.value.details
    ]
    count = len(lines)
    assert caught.value.message == f"job.yaml: {count} problem{'s' if count != 1 else ''}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("projct: vision", "4:1 projct: Unknown key `projct` (did you mean `project`?)"),
        ("memory: 64GB", "4:1 memory: Unknown key `memory` (`memory` belongs under `resources`)"),
        ("gpus: 4", "4:1 gpus: Unknown key `gpus` (the key for that is `resources.accelerators`)"),
        ("resources:\n  env: {A: 1}", "5:3 resources.env: Unknown key `resources.env` (`env` belongs at the top, not inside another key)"),
        ("retry: {x: 1}", "4:9 retry.x: Unknown key `retry.x` (known here: interruptions, failures, node_failures, unhealthy)"),
        ("constraints: {max_pric: $4/h}", "4:15 constraints.max_pric: Unknown key `constraints.max_pric` (did you mean `constraints.max_price`?)"),
        ("workdir: [a]", "4:10 workdir: `workdir` must be a path, or a mapping with `url` (write for example `workdir: .`)"),
        ("workdir: ''", "4:10 workdir: `workdir` must not be empty (write . for the folder of the job file)"),
        ("project: 5", '4:10 project: `project` must be text, not a number (put it in quotes: `project: "5"`)'),
        ("project: My Vision", "4:10 project: 'My Vision' is not a name: small letters, digits, `.`, `_` and `-`, a letter or digit first, at most 63 (write for example my-vision)"),
        ("setup: ' '", "4:8 setup: `setup` must not be empty (write the command to run)"),
        ("env: {'[key]': 1}", '4:7 env.[key]: \'[key]\' is not a name for the environment (use letters, digits and _, and no digit first)'),
        ("env: [A]", '4:6 env: `env` must be a mapping, not a list (write for example `env: {SEED: "1"}`)'),
        ("env: {A-B: 1}", "4:7 env.A-B: 'A-B' is not a name for the environment (use letters, digits and _, and no digit first)"),
        ("env: {TRADEWIND_JOB: 1}", "4:7 env.TRADEWIND_JOB: 'TRADEWIND_JOB' is reserved: such names are what Tradewind tells the job (give it another name)"),
        ("env:\n  A:\n", '5:5 env.A: `env.A` has no value (write "" for an empty one)'),
        ("env: {A: [1]}", '4:10 env.A: `env.A` must be text, not a list (write for example `env: {SEED: "1"}`)'),
        ("resources: {memory: 64XB}", "4:21 resources.memory: '64XB' is not a size (write for example 512MB, 64GB or 1TB)"),
        ("resources: {memory: 0GB}", "4:21 resources.memory: `resources.memory` must be more than nothing (write for example 512MB, 64GB or 1TB)"),
        ("resources: {cpus: 0}", "4:19 resources.cpus: 0 is not a count (write for example 8 or 8+)"),
        ("resources: {cpus: true}", "4:19 resources.cpus: `resources.cpus` must be a count, not true or false (write for example `cpus: 8+`)"),
        ("resources: {disk: {a: 1}}", "4:19 resources.disk: `resources.disk` must be a size, not a mapping (write for example `disk: 200GB`)"),
        ("resources: {nodes: two}", "4:20 resources.nodes: `resources.nodes` must be a whole number or a mapping with `min` and `max` (write for example `nodes: 1`)"),
        ("resources: {nodes: 0}", "4:20 resources.nodes: `resources.nodes` must be at least 1, not 0 (write for example `nodes: 1`)"),
        ("resources: {regions: us-east}", "4:22 resources.regions: `resources.regions` must be a list, not text (write a list: `regions: [us-east]`)"),
        ("resources: {providers: [1]}", "4:25 resources.providers[0]: `resources.providers[0]` must be text, not a number (write for example `providers: [lambda, runpod, local]`)"),
        ("resources: {providers: [local, local]}", "4:24 resources.providers: `local` is listed twice (keep one of them)"),
        ("resources: {spot: only, providers: [local]}", "4:36 resources.providers: `local` has no spot machines, and `spot: only` accepts nothing else (write `spot: auto`, or name another provider)"),
        ("resources: {spot: sometimes}", "4:19 resources.spot: `resources.spot` must be one of never, auto, only, not 'sometimes' (write for example `spot: auto`)"),
        ("resources: {accelerators: [H100, 'h100:1']}", "4:27 resources.accelerators: `h100:1` is listed twice (keep one of them)"),
        ("resources: {accelerators: [H100:x]}", "4:28 resources.accelerators[0]: 'H100:x' is not an accelerator (write for example H100 or A100-80GB:8)"),
        ("resources: {accelerators: H100:0}", "4:27 resources.accelerators[0]: 'H100:0' asks for none, or for more than there are (leave it out, or ask for at least one)"),
        ("resources: {accelerators: 8}", "4:27 resources.accelerators: `resources.accelerators` must be a list, not a number (write for example `accelerators: [A100-80GB:8, H100:4]`)"),
        ("resources: big", "4:12 resources: `resources` must be a mapping, not text (write for example `resources: {cpus: 8+, memory: 64GB+}`)"),
        ("checkpoints: {every: 10m}", "4:1 checkpoints.path: `checkpoints.path` is missing (write for example `path: ckpt`)"),
        ("checkpoints: {path: ckpt, keep: 0}", "4:33 checkpoints.keep: `checkpoints.keep` must be at least 1, not 0 (write for example `keep: 3`)"),
        ("checkpoints: {path: ckpt, keep: 2.5}", "4:33 checkpoints.keep: `checkpoints.keep` must be a whole number, not 2.5 (write for example `keep: 3`)"),
        ("checkpoints: {path: ckpt, every: soon}", "4:34 checkpoints.every: 'soon' is not a duration (write for example 30s, 10m, 1h30m or 2d)"),
        ("checkpoints: {path: ckpt, every: 0s}", "4:34 checkpoints.every: `checkpoints.every` must be longer than nothing (write for example 30s, 10m, 1h30m or 2d)"),
        ("checkpoints: {path: /ckpt}", "4:21 checkpoints.path: '/ckpt' must be relative to the workdir (leave out what leads to the workdir)"),
        ("checkpoints: {path: a/../../b}", "4:21 checkpoints.path: 'a/../../b' leads out of the workdir (name something inside the workdir, without `..`)"),
        ("checkpoints: {path: ./}", "4:21 checkpoints.path: './' is the whole workdir (name a folder inside it)"),
        ("outputs: ['~/out']", "4:11 outputs[0]: '~/out' must be relative to the workdir (leave out what leads to the workdir)"),
        ("outputs: out", "4:10 outputs: `outputs` must be a list, not text (write a list: `outputs: [out]`)"),
        ("constraints: {budget: $0}", "4:23 constraints.budget: `constraints.budget` must be more than nothing (write for example $100 or 12.50)"),
        ("constraints: {budget: -5}", "4:23 constraints.budget: -5 is not an amount of money (write for example $100 or 12.50)"),
        ("constraints: {max_price: 0}", "4:26 constraints.max_price: `constraints.max_price` must be more than nothing (write for example $4/h)"),
        ("constraints: {max_duration: 22:30}", "4:29 constraints.max_duration: '22:30' is not a duration (write for example 30s, 10m, 1h30m or 2d)"),
        ("estimate: {on: RTX 4090}", "4:11 estimate: `estimate` needs `hours` or `model` (write for example {hours: 10, on: RTX 4090})"),
        ("estimate: {hours: 0}", "4:19 estimate.hours: `estimate.hours` must be more than 0, not 0 (write for example `hours: 10`)"),
        ("strategy: cheap", "4:11 strategy: `strategy` must be one of cheapest, fastest, balanced, reliable, data-local, geo-distributed, hybrid, not 'cheap' (did you mean `cheapest`?)"),
        ("priority: 1", "4:11 priority: `priority` must be one of low, normal, high, not 1 (write for example `priority: normal`)"),
        ("retry: {failures: -1}", "4:19 retry.failures: `retry.failures` must be at least 0, not -1 (write for example `failures: 1`)"),
        ("retry: {failures: yes}", "4:19 retry.failures: `retry.failures` must be a whole number, not text (write for example `failures: 1`)"),
        ("on_lost_contact: stop", "4:18 on_lost_contact: `on_lost_contact` must be one of finish, checkpoint-and-stop, not 'stop' (write for example `on_lost_contact: finish`)"),
        ("tags: {'': x}", '4:8 tags."": `tags.""` must not be empty (write for example `tags: {paper: neurips}`)'),
        ("setup: a\nsetup: b", "5:1 setup: `setup` is written twice; the first is on line 4 (keep one of them)"),
        ("resources:\n  cpus: 1\n  cpus: 2", "6:3 resources.cpus: `resources.cpus` is written twice; the first is on line 5 (keep one of them)"),
        ("setup: echo a: b", "4:14 : not valid YAML: mapping values are not allowed in this context (check the indentation, and put a value that contains `: ` in quotes)"),
        ("resources:\n\tcpus: 1", "5:1 : not valid YAML: found character that cannot start any token (there is a tab here; YAML indents with spaces)"),
        ("outputs: [*.pt]", "4:12 outputs: not valid YAML: did not find expected alphabetic or numeric character (put a value that starts with * in quotes)"),
        ("image: @x", "4:8 : not valid YAML: found character that cannot start any token (put a value that starts with this character in quotes)"),
        ("tags: {a: !!python/name:os.system x}", "4:11 tags: the YAML tag `!!python/name:os.system` cannot be used here (leave the tag out)"),
        ("---\nname: b", "4:1 : a second document begins here (keep one job in a file, and no `---`)"),
        ("? [a]\n: 1", "4:3 : a key must be text, not a mapping or a list (quote a value that starts with { or [)"),
        ('setup: "a\\0b"', "4:8 setup: text cannot contain a NUL character"),
    ],
)  # fmt: skip
def test_one_fault(yaml: str, expected: str) -> None:
    assert show(HEAD + yaml) == expected


def test_what_every_job_needs() -> None:
    expected = """\
        1:1 version: `version` is missing (write for example `version: 1`)
        1:1 name: `name` is missing (write for example `name: digits`)
        1:1 run: `run` is missing (write for example `run: python train.py --epochs 20`)"""
    assert show("tags: {}") == dedent(expected)


@pytest.mark.parametrize("version", ["2", "'1'", "true", "1.0", "one"])
def test_the_version_is_one(version: str) -> None:
    text = f"version: {version}\nname: a\nrun: b"
    assert show(text) == "1:10 version: `version` must be 1 (write for example `version: 1`)"


def test_every_fault_is_listed_in_the_order_of_the_file() -> None:
    text = """\
        version: 1
        name: Digits
        run:
        resources:
          memory: 64XB
          cpu: 8
          nodes: 100
        retry: {interruptions: -1, failures: none}
        sweep: 5
        name: again
        """
    expected = """\
        2:7 name: 'Digits' is not a name: small letters, digits, `.`, `_` and `-`, a letter or digit first, at most 63 (write for example digits)
        3:5 run: `run` is missing (write for example `run: python train.py --epochs 20`)
        5:11 resources.memory: '64XB' is not a size (write for example 512MB, 64GB or 1TB)
        6:3 resources.cpu: Unknown key `resources.cpu` (did you mean `resources.cpus`?)
        7:10 resources.nodes: `resources.nodes` over 64 is not supported by this version (write at most `nodes: 64`)
        8:24 retry.interruptions: `retry.interruptions` must be at least 0, not -1 (write for example `interruptions: 10`)
        8:38 retry.failures: `retry.failures` must be a whole number, not text (write for example `failures: 1`)
        9:8 sweep: `sweep` is not supported by this version (leave it out, and submit one job for each combination)
        10:1 name: `name` is written twice; the first is on line 2 (keep one of them)"""
    assert show(dedent(text)) == dedent(expected)


def test_an_invalid_job_is_not_called_unsupported() -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_job_text(HEAD + "sweep: {}\nimage: a\nprojct: b", "job.yaml")
    assert not isinstance(caught.value, NotSupportedError)
    assert [detail["where"] for detail in caught.value.details] == ["image", "projct"]


def test_a_mapping_has_the_same_faults_without_lines() -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate_mapping({"version": 1, "name": "a", "run": "b", "resources": {"memory": "64XB"}})
    assert caught.value.message == "job: 1 problem"
    assert caught.value.details == [
        {
            "where": "resources.memory",
            "line": None,
            "column": None,
            "message": "'64XB' is not a size",
            "hint": "write for example 512MB, 64GB or 1TB",
        }
    ]


@pytest.mark.parametrize(
    ("mapping", "where", "message"),
    [
        ([], "", "a job is a mapping of keys to values, not a list"),
        (None, "", "a job is a mapping of keys to values, not nothing"),
        ({1: 2}, "1", "a key must be text"),
        ({"name": "\ud800"}, "name", "text cannot contain half a character"),
        ({"retry": {"failures": 2**63}}, "retry.failures", "the number is too large"),
        ({"estimate": {"hours": float("nan")}}, "estimate.hours", "the number must be finite"),
        ({"tags": {"a": b"x"}}, "tags.a", "the value must be text, a number, true or false, a list or a mapping, not a bytes"),
    ],
)  # fmt: skip
def test_what_json_cannot_carry_is_refused(mapping: object, where: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate_mapping(mapping)
    assert (caught.value.details[0]["where"], caught.value.details[0]["message"]) == (where, message)


def test_messages_are_short_and_printable_whatever_was_written() -> None:
    text = HEAD + f'project: "{"x" * 5_000}"\n"\\e[31m{"k" * 500}": 1\nresources: {{memory: "\\e[0m"}}'
    with pytest.raises(InvalidInputError) as caught:
        load_job_text(text, "job\n.yaml")
    assert caught.value.message == "job\\n.yaml: 3 problems"
    for detail in caught.value.details:
        for shown in (detail["where"], detail["message"], detail["hint"]):
            assert shown is None or (isinstance(shown, str) and shown.isprintable() and len(shown) <= 300)
