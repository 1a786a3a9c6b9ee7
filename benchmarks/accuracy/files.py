"""Which module reads which file, known by how the file's name begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.accuracy import (
    detection,
    lambda_throughput,
    llm_pretrain,
    mlperf,
    nvidia_recipes,
    timm_train,
    torchvision,
)
from benchmarks.accuracy.samples import Sample

READERS: Final = (mlperf, lambda_throughput, llm_pretrain, timm_train, torchvision, detection, nvidia_recipes)


def read_samples(folder: Path) -> Sequence[Sample]:
    """Every measurement of speed in the folder's files."""
    return [
        sample
        for reader in READERS
        for path in sorted(folder.glob(f"{reader.PREFIX}*.csv"))
        for sample in reader.read(path)
    ]
