"""docs/estimates.md lists the models that there are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tradewind.estimate.presets import all_presets

PAGE = Path(__file__).resolve().parents[3] / "docs" / "estimates.md"


def test_every_model_is_listed_and_counted() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## Models that are known")[2]
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| ([^|]+) \|$", text, re.MULTILINE)
    listed = [name.strip("`") for _, names in rows for name in names.split(", ")]
    assert sorted(listed) == sorted(all_presets())
    counts = Counter(model.family for model in all_presets().values())
    assert sorted(int(count) for count, _ in rows) == sorted(counts.values())
    assert text.split(maxsplit=1)[0] == str(len(all_presets()))
