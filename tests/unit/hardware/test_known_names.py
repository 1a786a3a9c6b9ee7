"""Every name in the tables of offers and measurements means a model, or is listed here as one that nobody knows."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import identify
from tradewind.hardware.spelling import read

SHARED = Path(os.environ.get("TRADEWIND_SHARED", Path(__file__).parents[4] / "shared"))
#: Kept by a name of their own; no figures are known that an estimate could stand on.
WITHOUT_FIGURES = {"Qualcomm-AI100", "Radeon-Pro-V520", "RTX-PRO-4500", "Inferentia", "Inferentia2"}
#: Machine types to which accelerators are attached apart, and a variant that no data sheet describes.
SAY_NOTHING = {"TPU-VM", "n1-highmem-4", "n1-highmem-8", "n1-highmem-16", "n1-highmem-32", "n1-highmem-64"}
UNKNOWN_VARIANTS = {"H100-SXM-96GB", "H100-SXM-96GB-500W"}


def rows(name: str) -> list[dict[str, str]]:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{name} is not here: set TRADEWIND_SHARED to the folder with the shared data")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_offer_of_the_sample_is_understood() -> None:
    wrong = []
    for row in rows("offers_sample.csv"):
        memory = float(row["gpu_mem_gb"]) if row["gpu_mem_gb"] else None
        gpu, machine = identify(row["gpu"], memory), identify(row["instance_type"], memory)
        if gpu.model is None and gpu.key not in WITHOUT_FIGURES:
            wrong.append(f"{row['gpu']} is unknown")
        if row["instance_type"] in SAY_NOTHING:
            continue
        if machine.model is None and machine.key not in WITHOUT_FIGURES:
            wrong.append(f"{row['instance_type']} is unknown")
        # The sample writes 0 or 1 where a machine has a part of an accelerator.
        is_share = machine.count is not None and machine.count < 1
        if not is_share and machine.count not in {None, float(row["gpu_count"])}:
            wrong.append(f"{row['instance_type']} has {row['gpu_count']}, not {machine.count}")
        # Vast's rows drop `Ti` and carry the memory of all cards: there the machine type is right.
        if row["provider"] != "vast" and machine.key not in read(row["gpu"]).keys:
            wrong.append(f"{row['gpu']} and {row['instance_type']} ({machine.key}) do not agree")
    assert sorted(set(wrong)) == []


@pytest.mark.parametrize("name", ["market_prices_2026.csv", "reference_prices_2024.csv"])
def test_every_price_is_of_a_known_model(name: str) -> None:
    for row in rows(name):
        found = identify(row["gpu"])
        assert found.model is not None, row["gpu"]
        if row.get("gpu_mem_gb"):
            assert identify(row["gpu"], float(row["gpu_mem_gb"])).model is not None


@pytest.mark.parametrize(
    "name",
    [
        "mlperf_training_calibration.csv",
        "lambda_throughput_calibration.csv",
        "llm_pretrain_throughput_calibration.csv",
        "timm_train_rtx3090_calibration.csv",
        "torchvision_train_consumer_calibration.csv",
        "finetune_memory_speed_calibration.csv",
        "node_power_calibration.csv",
        "detection_training_calibration.csv",
        "gaudi_finetune_calibration.csv",
        "nvidia_recipes_hours_calibration.csv",
    ],
)
def test_measurements_name_our_keys(name: str) -> None:
    for row in rows(name):
        if not row["gpu"]:
            continue
        if row["gpu"] in UNKNOWN_VARIANTS:
            assert identify(row["gpu"]).model is None
            continue
        assert row["gpu"] in all_models(), row["gpu"]
        assert identify(row["gpu"]).key == row["gpu"]
        if row.get("accelerator"):
            assert row["gpu"] in read(row["accelerator"]).keys, row["accelerator"]
