"""What lines of training output say."""

# ruff: noqa: E501 (lines of training output are long, and broken in two they could not be compared with the real ones)

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tradewind.agent.parsers.line_parser import LineParser
from tradewind.agent.sources import read_channel_line

_YOLO_HEADING = "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size"


def _read(*lines: str) -> tuple[dict[str, float], dict[str, float], int | None]:
    """What the last of the lines says."""
    parser = LineParser()
    reading = None
    for line in lines:
        reading = parser.read(line)
    return (reading.progress, reading.values, reading.step) if reading is not None else ({}, {}, None)


@pytest.mark.parametrize(
    ("lines", "progress", "values", "step"),
    [
        # tqdm, and what Hugging Face's Trainer does with it
        ([" 45%|████▌     | 45/100 [00:10<00:12,  4.50it/s]"], {"step": 45, "total_steps": 100, "fraction": 0.45}, {}, 45),
        (
            ["train:  50%|#####     | 5/10 [00:10<00:12,  4.50s/it, loss=0.12, lr=1e-3]"],
            {"step": 5, "total_steps": 10, "fraction": 0.5}, {"loss": 0.12, "lr": 0.001}, 5,
        ),
        (["1250it [00:10, 120.50it/s, loss=2.5]"], {"step": 1250}, {"loss": 2.5}, 1250),
        (["\x1b[32m 10%|█         | 1/10 [00:01<00:09,  1.00s/it]\x1b[0m"], {"step": 1, "total_steps": 10, "fraction": 0.1}, {}, 1),
        (["Downloading: 45%|████▌     | 45/100 [00:10<00:12,  4.50it/s]"], {}, {}, None),
        (["Map:  45%|████▌     | 45/100 [00:10<00:12,  4.50 examples/s]"], {}, {}, None),
        (["model.safetensors:  45%|████▌     | 1.2G/2.4G [00:10<00:12,  100MB/s]"], {}, {}, None),
        (["train: 100%|####| 8/8 [00:01<00:00, 7.9batch/s, loss=0.5]"], {"step": 8, "total_steps": 8, "fraction": 1.0}, {"loss": 0.5}, 8),
        # Hugging Face
        (
            ["{'loss': 0.5, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 1.2}"],
            {"epoch": 1.2}, {"loss": 0.5, "grad_norm": 1.25, "learning_rate": 5e-05}, None,
        ),
        (["{'loss': '0.5', 'epoch': '2'}"], {"epoch": 2}, {"loss": 0.5}, None),
        (["{'eval_loss': 0.25, 'eval_accuracy': 0.9, 'epoch': 3.0}"], {"epoch": 3.0}, {"eval_loss": 0.25, "eval_accuracy": 0.9}, None),
        (['{"step": 100, "train_loss": 0.5, "name": "x"}'], {"step": 100}, {"train_loss": 0.5}, 100),
        (["{'port': 8080, 'workers': 4}"], {}, {}, None),
        # Lightning counts epochs from 0 and does not say how many there are
        (
            ["Epoch 3:  45%|████▌     | 45/100 [00:10<00:12,  4.50it/s, v_num=0, train_loss=0.12]"],
            {"epoch": 3, "step": 45, "total_steps": 100}, {"train_loss": 0.12}, 345,
        ),
        (["Validation DataLoader 0:  45%|████▌     | 45/100 [00:10<00:12,  4.50it/s]"], {}, {}, None),
        (
            ["Epoch 2/4:  50%|█████     | 5/10 [00:10<00:12,  4.50it/s, loss=0.5]"],
            {"epoch": 2, "total_epochs": 4, "fraction": 0.375, "step": 5, "total_steps": 10}, {"loss": 0.5}, 15,
        ),
        # Keras
        (["Epoch 3/20"], {"epoch": 3, "total_epochs": 20, "fraction": 0.1}, {}, None),
        (
            ["Epoch 3/20", " 45/100 ━━━━━━━━━━━━━━━━━━━━ 2s 3ms/step - accuracy: 0.9 - loss: 0.3"],
            {"epoch": 3, "total_epochs": 20, "step": 45, "total_steps": 100, "fraction": 0.1225},
            {"accuracy": 0.9, "loss": 0.3}, 245,
        ),
        (
            ["Epoch 1/2", "\x1b[1m 50/100\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m━━━━━\x1b[0m \x1b[1m1s\x1b[0m 3ms/step - loss: 0.5"],
            {"epoch": 1, "total_epochs": 2, "step": 50, "total_steps": 100, "fraction": 0.25}, {"loss": 0.5}, 50,
        ),
        (
            ["50/100 [==============>...............] - ETA: 5s - loss: 0.5000 - val_loss: 0.25"],
            {"step": 50, "total_steps": 100}, {"loss": 0.5, "val_loss": 0.25}, 50,
        ),
        # Ultralytics
        (
            [_YOLO_HEADING, "      3/100      2.1G      1.234      0.875      1.125         45        640: 100%|██████████| 50/50 [00:10<00:00,  4.9it/s]"],
            {"epoch": 3, "total_epochs": 100, "fraction": 0.03},
            {"box_loss": 1.234, "cls_loss": 0.875, "dfl_loss": 1.125}, 3,
        ),
        (["      3/100      2.1G      1.234      0.875      1.125         45        640: 100%"], {}, {}, None),
        # by hand
        (
            ["epoch 3/20 step 10/50 loss=0.12 acc: 0.9"],
            {"epoch": 3, "total_epochs": 20, "step": 10, "total_steps": 50, "fraction": 0.11},
            {"loss": 0.12, "acc": 0.9}, 110,
        ),
        (["Epoch [3/20], Step [10/50], Loss: 0.1234"], {"epoch": 3, "total_epochs": 20, "step": 10, "total_steps": 50, "fraction": 0.11}, {"Loss": 0.1234}, 110),
        (["epoch 3/20 loss=0.12"], {"epoch": 3, "total_epochs": 20, "fraction": 0.15}, {"loss": 0.12}, 3),
        (["iter 500: loss 2.3, time 12ms"], {"step": 500}, {}, 500),
        (["step=7 train/loss=1.5e-3 lr=.1"], {"step": 7}, {"train/loss": 0.0015, "lr": 0.1}, 7),
        (["2026-01-01 12:00:00,123 INFO val_loss: 0.5"], {}, {"val_loss": 0.5}, None),
        # no training at all
        (["listening on 127.0.0.1:8080, port: 8080, workers=4"], {}, {}, None),
        (["2026-01-01 12:00:00 INFO connected to host=10.0.0.1"], {}, {}, None),
        (["took 3/4 of the data"], {}, {}, None),
        ([""], {}, {}, None),
    ],
)  # fmt: skip
def test_known_lines(
    lines: list[str], progress: dict[str, float], values: dict[str, float], step: int | None
) -> None:
    found = _read(*lines)
    assert found[0] == pytest.approx(progress)
    assert found[1:] == (values, step)


def test_not_a_number_and_infinity_are_read_as_such() -> None:
    _, values, _ = _read("epoch 3/20 loss=nan val_loss=-inf acc=0.5")
    assert math.isnan(values["loss"])
    assert values["val_loss"] == -math.inf
    assert values["acc"] == 0.5


_PIECES = st.sampled_from(
    ["epoch", "Epoch ", "step", "loss", "=", ": ", "/", "|", "%|", "━━━", "[", "]", "{'", "'", "}", "nan", "-inf", "1e999",
     "3/20", "9" * 30, " ", "\t", "it/s", "[00:10<00:12, ", " - ", "\x1b[32m", "\x08", ".", "-", "_", "a" * 40, "GPU_mem"]
)  # fmt: skip
_LINES = st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=60).map("".join))


@given(st.lists(_LINES, max_size=6))
@example([_YOLO_HEADING, "1/1 a " + "1 " * 50])
@settings(max_examples=400, deadline=None)
def test_no_line_is_too_strange(lines: list[str]) -> None:
    parser = LineParser()
    for line in lines:
        reading = parser.read(line)
        if reading is None:
            continue
        assert set(reading.progress) <= {"fraction", "step", "total_steps", "epoch", "total_epochs"}
        assert 0 <= reading.progress.get("fraction", 0) <= 1
        assert reading.step is None or isinstance(reading.step, int)
        json.dumps([reading.progress, list(reading.values)], allow_nan=False)


@pytest.mark.parametrize(
    "line",
    [
        "epoch " * 2000, "1" * 100_000, "a=" * 50_000, "{'a': " * 20_000, "1/" * 50_000, "|" * 100_000,
        "Epoch 1/" + " " * 100_000, "1%|" + "#" * 100_000, "loss" + ": " * 50_000, "[" * 50_000 + "it/s",
        "a.b-c/" * 20_000 + "=1", "{" + "'loss': 1, " * 10_000 + "}", "1 " * 50_000, "━" * 100_000,
        "_" * 100_000 + "loss", "step" + " " * 3 + "1" * 1990 + "x",
    ],
)  # fmt: skip
def test_hostile_lines_take_no_time(line: str) -> None:
    parser = LineParser()
    parser.read(_YOLO_HEADING)
    started = time.process_time()
    for _ in range(10):
        parser.read(line)
    # Quadratic behaviour would take minutes here; the bound is far from both.
    assert time.process_time() - started < 2.0


@given(st.text(max_size=200))
def test_the_channel_takes_any_text(text: str) -> None:
    reading = read_channel_line(text)
    if reading is not None:
        assert all(
            isinstance(value, (int, float))
            for value in (*reading.values.values(), *reading.progress.values())
        )


def test_the_channels_words() -> None:
    reading = read_channel_line(
        '{"step": 5, "total_steps": 10, "progress": 0.5, "loss": "NaN", "x": NaN, "y": [1], "z": 2}'
    )
    assert reading is not None
    assert reading.progress == {"step": 5, "total_steps": 10, "fraction": 0.5}
    assert math.isnan(reading.values.pop("loss"))
    assert math.isnan(reading.values.pop("x"))
    assert reading.values == {"z": 2}
    assert read_channel_line('{"step": "many"}') is not None
    assert read_channel_line("[]") is None
    assert read_channel_line("[" * 100_000) is None
