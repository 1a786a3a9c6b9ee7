"""Training speed of image models on one device, batches as large as fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import preset
from tradewind.estimate.traits import plan_of
from tradewind.estimate.workload import Family, Workload

PREFIX: Final = "timm_train_"
_ATTENTION_PLANS: Final = frozenset({"vit", "swin", "attention-pyramid", "perceptron"})
#: Endings that tell what a model learned from, not what it is.
_ENDINGS: Final = re.compile(r"(_(in22k|in21k|in22ft1k|384|ap|ns|aa|22k|21k))+$")


def read(path: Path) -> list[Sample]:
    """One sample a row. Arithmetic is given for the inference size and grows with the pixels."""
    found = []
    for row in rows_of(path):
        rate = number(row, "train_samples_per_sec")
        if rate is None:
            continue
        size, given = number(row, "train_img_size"), number(row, "infer_img_size")
        growth = (size / given) ** 2 if size and given else 1.0
        gmacs, activations = number(row, "infer_gmacs"), number(row, "infer_macts")
        parameters = number(row, "param_count")
        name = row["model"]
        known = preset(_ENDINGS.sub("", name.removeprefix("tf_"))) if gmacs is None else None
        if known is not None and known.forward_gflops_per_unit and known.image_size and size:
            growth = (size / known.image_size) ** 2
            gmacs, activations = known.forward_gflops_per_unit / 2, known.activations_m_per_unit
        key, accelerator = accelerator_of(row["gpu"])
        found.append(
            Sample(
                file=path.name,
                workload=Workload(
                    family=Family.VIT if plan_of(name) in _ATTENTION_PLANS else Family.CNN,
                    model=name,
                    recipe="timm",
                    unit="image",
                    parameters=parameters * 1e6 if parameters else None,
                    forward_gflops_per_unit=2 * gmacs * growth if gmacs else None,
                    activations_m_per_unit=activations * growth if activations else None,
                    image_size=int(size) if size else None,
                    micro_batch=number(row, "train_batch_size"),
                    precision="fp16",
                    is_channels_last=row.get("layout") == "nhwc",
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=1.0,
                nodes=1,
                rate=rate,
                quantity="throughput",
                actual=rate,
                group=f"timm:{row.get('family') or name}",
            )
        )
    return found
