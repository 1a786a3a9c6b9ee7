"""Each benchmark still runs, on sizes that say nothing about speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import ALL
from benchmarks.figures import Figure, Peer, render_table
from benchmarks.script import run_script, write_json
from benchmarks.sizes import TINY


@pytest.mark.e2e
# FastAPI's parameters and models that are built when they are first needed do not get on; nothing comes of it.
@pytest.mark.filterwarnings("ignore:The 'alias' attribute with value:UserWarning")
@pytest.mark.parametrize("name", ALL)
def test_it_runs(name: str) -> None:
    _, measure = ALL[name]
    figures = measure(TINY)
    assert figures
    assert all(figure.values and figure.median >= 0 for figure in figures)


def test_a_goal_is_met_in_the_direction_that_is_better() -> None:
    low = Figure(name="start", unit="ms", values=(3.0, 1.0, 2.0), better="lower", goal=2.0)
    high = Figure(name="rate", unit="jobs/s", values=(3.0, 1.0, 2.0), better="higher", goal=2.5)
    assert low.median == 2.0
    assert low.has_met_goal is True
    assert high.has_met_goal is False


def test_a_table_shows_peer_and_ratio() -> None:
    figure = Figure(
        name="start",
        unit="ms",
        values=(50.0,),
        better="lower",
        peer=Peer(name="empty", value=10.0),
        note="warm",
    )
    table = render_table([figure])
    assert "empty: 10.0 ms" in table
    assert "5.00" in table
    assert table.endswith("- start: warm")


def test_the_json_file_has_every_run(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    figure = Figure(name="start", unit="ms", values=(1.0, 4.0), better="lower")
    write_json(file, {"processors": 2}, {"Start": [figure]})
    read = json.loads(file.read_text(encoding="utf-8"))
    assert read["sections"]["Start"][0]["values"] == [1.0, 4.0]


def test_a_script_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    figure = Figure(name="start", unit="ms", values=(1.0,), better="lower")
    assert run_script("Start", lambda _size: [figure], ["--tiny", "--json", str(file)]) == 0
    assert "start" in capsys.readouterr().out
    assert json.loads(file.read_text(encoding="utf-8"))["sections"]["Start"][0]["name"] == "start"
