"""Traces of jobs as CSV."""

from __future__ import annotations

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.trace import COLUMNS, read_trace

PHILLY = """vc,arrival_s,gpus,model,batch,steps,v100_s,p100_s,k80_s
b,60,4,ResNet-18,32,100,7200,9000,30000
a,0,1,Transformer,128,95121,17466,30948,96906
a,30,16,ResNet-50,32,5,,,
"""


def test_hours_per_kind_of_accelerator_are_read_and_lines_without_any_are_counted() -> None:
    trace = read_trace(PHILLY, "jobs.csv")
    first, second = trace.jobs
    assert (first.arrival_s, first.gpus, first.by_kind) == (
        0,
        1.0,
        {"V100": 17466, "P100": 30948, "K80": 96906},
    )
    assert (second.line, second.gpus) == (2, 4.0)
    assert trace.without_length == 1
    assert trace.unused == ("vc", "model", "batch", "steps")


def test_lines_are_chosen_by_their_columns_and_cut_at_a_limit() -> None:
    assert [job.line for job in read_trace(PHILLY, "jobs.csv", where={"vc": "b"}).jobs] == [2]
    assert read_trace(PHILLY, "jobs.csv", where={"vc": "b"}).unused == ("model", "batch", "steps")
    assert [job.line for job in read_trace(PHILLY, "jobs.csv", limit=1).jobs] == [3]


def test_every_column_has_its_unit() -> None:
    text = (
        "name,arrival_h,hours,on,gpus,cpus,memory_gb,deadline_h,budget_usd,checkpoint_min,priority\n"
        "x,1.5,2,V100:2,2,8,64,10,12.5,20,HIGH\n"
    )
    (job,) = read_trace(text, "t.csv").jobs
    assert (job.name, job.arrival_s, job.duration_s, job.on) == ("x", 5400, 7200.0, "V100:2")
    assert (job.gpus, job.cpus, job.memory_gb, job.priority) == (2.0, 8.0, 64.0, "high")
    assert (job.deadline_s, job.budget_usd, job.checkpoint_s) == (36000.0, 12.5, 1200.0)
    assert set(text.splitlines()[0].split(",")) - {"arrival_h"} < set(COLUMNS)


def test_faults_have_the_line_and_the_cell() -> None:
    text = "arrival_s,hours,gpus,priority\n0,1,1,\nsoon,-1,1,urgent\n5,1\n7,1,9.5,\n"
    with pytest.raises(InvalidInputError) as caught:
        read_trace(text, "t.csv")
    found = [(each["line"], each["column"], each["where"], each["message"]) for each in caught.value.details]
    assert found == [
        (3, 1, "arrival_s", "'soon' is not a number"),
        (3, 2, "hours", "-1 is less than there can be"),
        (3, 4, "priority", "'urgent' is not low, normal or high"),
        (4, 2, "", "2 cells in a table of 4 columns"),
        (5, 3, "gpus", "9.5 accelerators cannot be shared out over nodes"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "there is no column `arrival_s`"),
        ("arrival_s,gpus\n1,2\n", "no column says how long the jobs take"),
        ("", "there is no column `arrival_s`"),
    ],
)
def test_a_header_that_says_too_little_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_trace(text, "t.csv")
    assert caught.value.details[0]["message"] == message
    assert caught.value.details[0]["line"] == 1


def test_no_job_at_all_and_too_many_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no job that can be replayed"):
        read_trace("arrival_s,hours\n", "t.csv")
    with pytest.raises(InvalidInputError, match="more than 20,000 jobs"):
        read_trace("arrival_s,hours\n" + "1,1\n" * 20_001, "t.csv")
    with pytest.raises(InvalidInputError) as caught:
        read_trace("arrival_s,hours\n1,1\n", "t.csv", where={"vc": "a"})
    assert caught.value.details[0]["message"] == "there is no column `vc`"
