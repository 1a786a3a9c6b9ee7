"""Series are put into charts that people look for, and few are shown first."""

from __future__ import annotations

import json
from pathlib import Path

from tradewind.control.metric_panels import label_of, panels_of
from tradewind.control.series import read_metrics

_GPUS = [f"gpu{place}.{what}" for place in range(10) for what in ("util_percent", "memory_bytes", "watts")]


def test_four_charts_are_shown_first_and_the_others_follow() -> None:
    panels = panels_of(
        ["train/loss", "val_loss", "lr", "grad_norm"], [*_GPUS, "cpu_percent", "memory_bytes", "watts"]
    )
    assert [(each.id, each.is_default) for each in panels] == [
        ("loss", True),
        ("gpu-use", True),
        ("gpu-memory", True),
        ("power", True),
        ("lr", False),
        ("user:grad_norm", False),
        ("cpu", False),
        ("memory", False),
    ]
    assert panels[0].names == ["train/loss", "val_loss"]
    assert panels[1].names == [f"gpu{place}.util_percent" for place in range(10)]
    assert (panels[1].unit, panels[1].most) == ("%", 100.0)
    assert panels[3].names[:2] == ["watts", "gpu0.watts"]


def test_without_accelerators_the_processors_come_first() -> None:
    panels = panels_of(["accuracy"], ["cpu_percent", "memory_bytes", "watts"])
    assert [each.id for each in panels if each.is_default] == ["accuracy", "cpu", "memory", "power"]


def test_every_series_is_in_one_chart() -> None:
    user = ["loss", "glossary", "lr", "my/acc", "tokens_per_s", "Learning_Rate", "map50"]
    names = [name for panel in panels_of(user, _GPUS) for name in panel.names]
    assert sorted(names) == sorted([*user, *_GPUS])
    by_id = {each.id: each.names for each in panels_of(user, [])}
    assert by_id["lr"] == ["lr", "Learning_Rate"]
    assert by_id["loss"] == ["loss"]
    assert by_id["user:glossary"] == ["glossary"]


def test_nothing_makes_no_charts() -> None:
    assert panels_of([], []) == []


def test_labels() -> None:
    assert [label_of(each) for each in ("gpu3.watts", "watts", "loss", "gpus.x")] == [
        "GPU 3",
        "In all",
        "loss",
        "gpus.x",
    ]


def test_only_the_series_of_the_wanted_charts_are_read_out(tmp_path: Path) -> None:
    records = [
        {"type": "metrics", "t": 1.0, "step": 1, "values": {"loss": 1.0, "lr": 0.1}},
        {"type": "sample", "t": 1.0, "cpu_percent": 50, "gpus": [{"util_percent": 90}]},
    ]
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))

    def names(*wanted: str) -> list[str]:
        return [each.name for each in read_metrics(tmp_path, set(), set(wanted), 10)[0]]

    assert names("gpu-use") == ["gpu0.util_percent"]
    assert names("default") == ["loss", "lr", "cpu_percent", "gpu0.util_percent"]
    assert names("nothing") == []
    assert len(names()) == 4
