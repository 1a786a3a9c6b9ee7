"""Job mixes: what they mean, and what is wrong with them by line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.loading import load_job_file
from tradewind.spec.mix import load_mix_text, validate_mix

JOB = "{name: a, run: x, version: 1}"


def refuse(text: str) -> list[tuple[Any, ...]]:
    """Line, column and message of each fault."""
    with pytest.raises(InvalidInputError) as caught:
        load_mix_text(text, "mix.yaml", lambda _: {})
    assert caught.value.message.startswith("mix.yaml: ")
    return [(each["line"], each["column"], each["message"]) for each in caught.value.details]


def test_a_mix_says_how_jobs_arrive() -> None:
    text = f"""
version: 1
length: 7d
seed: 5
own: 4x RTX 4090:2
jobs:
  - job: {JOB}
    arrivals: poisson(6/d)
    deadline: 24h
    budget: $30
  - job: {JOB}
    every: 90m
    start: 1h
    count: 3
  - job: {{resources: {{accelerators: V100}}}}
    hours: 2.5
"""
    mix = validate_mix(load_mix_text(text, "mix.yaml", lambda _: {}))
    first, second, third = mix.entries
    assert (mix.length_s, mix.seed, mix.own) == (604_800, 5, ("4x RTX 4090:2",))
    assert first.per_s == pytest.approx(6 / 86_400)
    assert (first.count, first.deadline_s, first.budget_micro) == (None, 86_400, 30_000_000)
    assert (second.every_s, second.start_s, second.count) == (5_400, 3_600, 3)
    assert third.spec.name == "job-3"
    assert third.spec.estimate is not None
    assert (third.spec.estimate.hours, third.count) == (2.5, 1)


def test_hours_of_the_mix_keep_what_they_were_measured_on() -> None:
    job = "{estimate: {hours: 9, on: V100, dataset_gb: 3}}"
    mix = validate_mix(load_mix_text(f"version: 1\njobs: [{{job: {job}, hours: 4}}]", "m", lambda _: {}))
    estimate = mix.entries[0].spec.estimate
    assert estimate is not None
    assert (estimate.hours, estimate.on, estimate.dataset_gb) == (4, "V100", 3)


def test_job_files_are_read_and_put_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("version: 1\nname: train\nrun: python train.py\n", encoding="utf-8")
    said = load_mix_text(
        "version: 1\njobs:\n  - job: train.yaml\n",
        "mix.yaml",
        lambda name: load_job_file(tmp_path / name).mapping,
    )
    assert said["jobs"][0]["job"] == {"version": 1, "name": "train", "run": "python train.py"}


def test_a_job_file_is_a_mix_of_one() -> None:
    said = load_mix_text("version: 1\nname: one\nrun: x\n", "job.yaml", lambda _: {})
    assert validate_mix(said).entries[0].spec.name == "one"
    assert refuse("version: 1\nname: one\nrun: x\nimagee: y\n")[0][:2] == (4, 1)


def test_faults_of_a_job_file_are_shown_where_the_mix_names_it(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nname: a\nrun: x\nresources: {cpus: many}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        load_mix_text(
            "version: 1\njobs:\n  - count: 2\n    job: bad.yaml\n",
            "mix.yaml",
            lambda _: load_job_file(path).mapping,
        )
    detail = caught.value.details[0]
    assert (detail["line"], detail["column"]) == (4, 10)
    assert f"{path}:4:19:" in str(detail["message"])


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (f"jobs: [{{job: {JOB}}}]", None, None, "`version` must be 1"),
        ("version: 1", 1, 1, "a mix needs a list of `jobs`"),
        ("version: 1\njobs: []", 2, 7, "a mix needs a list of `jobs`"),
        (f"version: 1\nlenght: 3d\njobs: [{{job: {JOB}}}]", 2, 1, "`lenght` is not a key of a mix"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    cuont: 2", 4, 5, "`cuont` is not a key of an entry"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    count: 0", 4, 12, "`count` must be a whole number from 1"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    every: soon", 4, 12, "'soon' is not a duration"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    every: 1h", 3, 5, "nothing says how many jobs there are"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    arrivals: often", 4, 15, "'often' is not a rate"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    budget: lots", 4, 13, "'lots' is not an amount"),
        (f"version: 1\njobs:\n  - job: {JOB}\n    hours: -3", 4, 12, "`hours` must be a number from"),
        ("version: 1\njobs:\n  - count: 3", 3, 5, "an entry needs a `job`"),
        ("version: 1\njobs:\n  - job: {resources: {cpus: no}}", 3, 29, "'no' is not a count"),
        (f"version: 1\nown: [3]\njobs: [{{job: {JOB}}}]", 2, 6, "`own` must be a list of machines"),
        (f"version: 1\nseed: -1\njobs: [{{job: {JOB}}}]", 2, 7, "`seed` must be a whole number from 0"),
        ("[1]", 1, 1, "a mix is a mapping, not a list"),
        ("version: 1\njobs:\n  - train.yaml", 3, 5, "an entry is a mapping with a `job`, not text"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_column(
    text: str, line: int | None, column: int | None, message: str
) -> None:
    found = refuse(text)
    assert message in str(found[0][2])
    if line is not None:
        assert found[0][:2] == (line, column)


def test_keys_that_cannot_be_run_yet_can_be_replayed_and_others_are_refused() -> None:
    job = "{resources: {nodes: 2}, constraints: {deadline: 2027-01-01T00:00Z}, sweep: {lr: [1, 2]}}"
    mix = validate_mix(load_mix_text(f"version: 1\njobs: [{{job: {job}}}]", "m", lambda _: {}))
    assert mix.entries[0].spec.resources.nodes == 2
    found = refuse("version: 1\njobs:\n  - job: {resources: {nodes: 2}, image: x}")
    assert [each[:2] for each in found] == [(3, 41)]


def test_two_ways_to_arrive_are_one_too_many_and_so_are_too_many_jobs() -> None:
    both = f"version: 1\njobs:\n  - job: {JOB}\n    count: 2\n    every: 1h\n    arrivals: poisson(1/h)"
    assert "both say when" in str(refuse(both)[0][2])
    many = f"version: 1\njobs:\n  - {{job: {JOB}, count: 15000}}\n  - {{job: {JOB}, count: 15000}}"
    assert "30,000 jobs" in str(refuse(many)[0][2])


def test_a_server_reads_no_files() -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate_mix({"version": 1, "jobs": [{"job": "/etc/passwd"}]})
    assert "is to be read where it lies" in str(caught.value.details[0]["message"])
