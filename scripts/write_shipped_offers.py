"""Writes the tables of prices and machine sizes that ship; `--check` only says whether they are current.

They are src/tradewind/catalog/data/{offers,reference_2024}.csv and src/tradewind/providers/data/machine_sizes.csv.

Reads the collected prices in `TRADEWIND_SHARED`/data (by default ../shared beside the repository): offers_sample.csv,
market_prices_2026.csv and reference_prices_2024.csv. What the collected rows have wrong is put right here, once:

- Fractions of an accelerator are written as count 0 or 1; here they are fractions.
- TPU slices are named by cores (v2 to v5p, two to a chip) or by chips (v5e, v6e); here the count is of chips.
- TPU prices of exactly 700 are placeholders: the offer stays, without a price.
- Vast rows of several accelerators carry the memory of all of them, and model names without their suffix.
- One machine type with different accelerators attached is one type per accelerator and count here.
- Lyceum's A100 has 80 GB (its recorded catalogue says 81,920 MiB), and `lyceum` is a region.
- Where the market's level of a later day is known for machines that were priced before, the level replaces it.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src" / "tradewind"
COLUMNS: Final = (
    "provider", "region", "zone", "instance_type", "label", "count", "accelerator_memory_gb", "cpus", "memory_gib",
    "on_demand", "spot", "flags", "as_of", "origin",
)  # fmt: skip
SIZE_COLUMNS: Final = (
    "provider", "instance_type", "label", "count", "accelerator_memory_gb", "cpus", "memory_gib",
)  # fmt: skip
#: Earliest day that a row without one can be of.
_DAYS: Final = {"2026 (day not shown)": "2026-01-01"}
_ORIGINS: Final = {
    "anycloud-sh/catalog@62ff0a9": "anycloud-catalog@62ff0a9",
    "aws/karpenter-provider-aws@1d92708": "karpenter@1d92708",
    "onticlabs/skypilot-lyceum@6994799": "skypilot-lyceum@6994799",
    "skypilot-org/skypilot-catalog v8 (read in part)": "skypilot-catalog-v8",
}
#: Share of one accelerator, by machine type, as the vendors' size tables give it.
_FRACTIONS: Final = {
    "Standard_NV6ads_A10_v5": "0.166667", "Standard_NV12ads_A10_v5": "0.333333", "Standard_NV18ads_A10_v5": "0.5",
    "Standard_NV4as_v4": "0.125", "Standard_NV8as_v4": "0.25", "Standard_NV16as_v4": "0.5", "Standard_NV32as_v4": "1",
    "g6f.large": "0.125", "g6f.xlarge": "0.125", "g6f.2xlarge": "0.25", "g6f.4xlarge": "0.5", "gr6f.4xlarge": "0.5",
}  # fmt: skip
#: Memory of a whole accelerator where the rows give that of the fraction, or none.
_WHOLE_MEMORY: Final = {"A10": "24", "L4": "24", "MI25": "16"}
#: Accelerators per node where a provider sells nothing smaller.
_ONLY_SIZE: Final = {"together": 8, "coreweave": 8}
_MACHINE_TYPES: Final = {
    ("coreweave", "H100"): "gd-8xh100ib-i128", ("coreweave", "H200"): "gd-8xh200ib-i128",
    ("digitalocean", "H100"): "gpu-h100x1-80gb",
}  # fmt: skip
#: RunPod's own ids of accelerators.
_RUNPOD_IDS: Final = {
    "H100 SXM": "NVIDIA H100 80GB HBM3", "H100 PCIe": "NVIDIA H100 PCIe", "H100 NVL": "NVIDIA H100 NVL",
    "A100 80GB SXM": "NVIDIA A100-SXM4-80GB", "A100 80GB PCIe": "NVIDIA A100 80GB PCIe", "A40": "NVIDIA A40",
    "B200": "NVIDIA B200", "B300": "NVIDIA B300 SXM6 AC", "H200": "NVIDIA H200",
}  # fmt: skip
_REFERENCE_PROVIDERS: Final = {"runpod": "runpod", "lambda_labs": "lambda", "together_ai": "together"}
#: Means over accelerators that the same provider also lists one by one.
_COVERED: Final = {("runpod", "H100", "mean"), ("lambda", "H100", "mean")}
#: Providers whose price lists name a machine type without saying all of what it is.
_SIZES_WANTED: Final = ("aws", "azure", "gcp", "lyceum")
_CORES_PER_CHIP: Final = {"v2": 2, "v3": 2, "v4": 2, "v5p": 2, "v5litepod": 1, "v6e": 1}

Row = dict[str, str]


@dataclass(frozen=True)
class Level:
    """What a provider asks for one accelerator, by a later look at the market."""

    provider: str
    gpu: str
    tier: str
    dollars: Decimal
    day: str
    origin: str


def collect(folder: Path) -> list[Row]:
    """Every row of the table that ships, sorted."""
    levels = [
        Level(row["provider"], row["gpu"], row["tier"], Decimal(row["usd_per_gpu_hour"]), row["date"],
              row["source"].replace(" ", "-"))
        for row in _read(folder / "market_prices_2026.csv")
    ]  # fmt: skip
    rows = [_from_sample(row) for row in _read(folder / "offers_sample.csv")]
    used: set[Level] = set()
    for row in rows:
        for level in [each for each in levels if _is_about(each, row) and each.day > row["as_of"]]:
            _replace_price(row, level)
            used.add(level)
    for level in levels:
        if level not in used and (level.provider, level.gpu, level.tier) not in _COVERED:
            rows.extend(_from_level(level))
    return sorted(rows, key=lambda row: tuple(row[name] for name in COLUMNS))


def _from_sample(row: Row) -> Row:
    flags: list[str] = []
    label, count, memory = row["gpu"], row["gpu_count"], row["gpu_mem_gb"].removesuffix(".0")
    instance_type, region, zone = row["instance_type"], row["region"].strip(" ,"), row["zone"]
    on_demand, spot = row["price_usd_h"], row["spot_usd_h"]
    if instance_type in _FRACTIONS:
        count, memory = _FRACTIONS[instance_type], _WHOLE_MEMORY[label]
    if label.startswith("tpu-"):
        instance_type = label.removeprefix("tpu-")
        generation, _, size = instance_type.partition("-")
        count = str(int(size) // _CORES_PER_CHIP[generation])
        if Decimal(on_demand or 0) == 700:
            on_demand, flags = "", [*flags, "placeholder"]
        if Decimal(spot or 0) == 700:
            spot = ""
        if not on_demand:
            spot = ""
    if "attached" in row["flags"]:
        instance_type = f"{instance_type}+{count}x{label}"
    if row["provider"] == "vast":
        label = re.sub(r"^\d+x-(.*)-\d+-\d+$", r"\1", instance_type)
        memory = str(round(int(memory) / int(count)))
    if row["provider"] == "lyceum":
        region, zone = "lyceum", ""
        memory = "80" if label == "A100" else memory
    if "gpu+host" in row["flags"]:
        flags.append("host_included")
    return {
        "provider": row["provider"],
        "region": region,
        "zone": zone,
        "instance_type": instance_type,
        "label": label,
        "count": count,
        "accelerator_memory_gb": memory,
        "cpus": row["vcpus"].removesuffix(".0"),
        "memory_gib": row["memory_gb"].removesuffix(".0"),
        "on_demand": on_demand,
        "spot": spot,
        "flags": ";".join(flags),
        "as_of": _DAYS.get(row["as_of"], row["as_of"]),
        "origin": _ORIGINS[row["source"]],
    }


#: Machines whose price a later level replaces: provider, its name of the accelerator, then what the row must match.
_MATCHES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("vast", "H100"): ("label", r"H100_SXM|H100_NVL"),
    ("vast", "H200"): ("label", r"H200"),
    ("vast", "A100 SXM"): ("label", r"A100_SXM4"),
    ("nebius", "H100"): ("label", r"H100"),
    ("nebius", "H200"): ("label", r"H200"),
    ("verda", "H100"): ("label", r"H100"),
    ("verda", "H200"): ("label", r"H200"),
    ("scaleway", "H100"): ("label", r"H100"),
    ("excesssupply", "H200"): ("label", r"H200"),
    ("aws", "H100 SXM (p5)"): ("instance_type", r"p5\..*"),
    ("gcp", "H100 (a3-highgpu-1g us-central1)"): ("instance_type", r"a3-highgpu-1g"),
    ("lambda", "B200 (8x)"): ("instance_type", r"gpu_8x_b200_sxm6"),
    ("lambda", "H100 SXM (8x)"): ("instance_type", r"gpu_8x_h100_sxm5"),
    ("lambda", "H100 SXM (1x)"): ("instance_type", r"gpu_1x_h100_sxm5"),
    ("lambda", "A100 80GB (8x)"): ("instance_type", r"gpu_8x_a100_80gb_sxm4"),
    ("lambda", "A100 40GB (8x)"): ("instance_type", r"gpu_8x_a100"),
    ("azure", "H100 SXM (ND v5)"): ("instance_type", r"Standard_ND96isr_H100_v5"),
}


def _is_about(level: Level, row: Row) -> bool:
    match = _MATCHES.get((level.provider, level.gpu))
    if match is None or level.provider != row["provider"] or not re.fullmatch(match[1], row[match[0]]):
        return False
    # Azure's and Google's levels are of one region; the list price differs by region.
    if level.provider == "azure":
        return row["region"] == "eastus"
    return level.provider != "gcp" or row["region"] == "us-central1"


def _replace_price(row: Row, level: Level) -> None:
    price = _plain(level.dollars * Decimal(row["count"]))
    if level.tier == "spot":
        row["spot"] = price
        return
    if row["on_demand"] != price:
        row["spot"] = ""
    row["on_demand"], row["as_of"], row["origin"] = price, level.day, level.origin
    if level.tier in {"mean", "median"}:
        row["flags"] = ";".join(filter(None, [row["flags"], level.tier]))


def _from_level(level: Level) -> Iterator[Row]:
    flags = [level.tier] if level.tier in {"mean", "median", "from"} else []
    label = re.sub(r" \(.*\)$", "", level.gpu)
    counts, instance_type = [1], _MACHINE_TYPES.get((level.provider, label), label)
    if level.provider == "runpod":
        instance_type = _RUNPOD_IDS[label] + (" (community)" if level.tier == "community" else "")
        counts = [1] if level.tier == "community" else [1, 2, 4, 8]
        flags += ["community"] if level.tier == "community" else []
    elif level.provider in _ONLY_SIZE:
        counts = [_ONLY_SIZE[level.provider]]
    for count in counts:
        price = _plain(level.dollars * count)
        scaled = ["scaled"] if count > 1 and level.provider == "runpod" else []
        name = f"{count}x {instance_type}" if level.provider in {"runpod", "together"} else instance_type
        yield dict.fromkeys(COLUMNS, "") | {
            "provider": level.provider,
            "instance_type": name,
            "label": label,
            "count": str(count),
            "on_demand": "" if level.tier == "spot" else price,
            "spot": price if level.tier == "spot" else "",
            "flags": ";".join(flags + scaled),
            "as_of": level.day,
            "origin": level.origin,
        }


def reference(folder: Path) -> list[Row]:
    """The thirteen prices of 2024, in the same columns."""
    return [
        dict.fromkeys(COLUMNS, "")
        | {
            "provider": _REFERENCE_PROVIDERS[row["platform"]],
            "instance_type": row["gpu"],
            "label": row["gpu"],
            "count": row["gpu_count"],
            "accelerator_memory_gb": row["gpu_mem_gb"],
            "on_demand": row["hourly_rate_usd"],
            "as_of": "2024-01-01",
            "origin": "reference",
        }
        for row in _read(folder / "reference_prices_2024.csv")
    ]


def sizes(rows: list[Row]) -> list[Row]:
    """What each machine type of some providers is, once."""
    known = {
        (row["provider"], row["instance_type"]): {name: row[name] for name in SIZE_COLUMNS}
        for row in rows
        if row["provider"] in _SIZES_WANTED
    }
    return [known[key] for key in sorted(known)]


def render(rows: list[Row]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    """Writes the tables, or says whether they are current."""
    folder = Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} is not there: set TRADEWIND_SHARED to the folder with the collected prices"
        )
    offers = collect(folder)
    wanted = {
        SOURCE / "catalog" / "data" / "offers.csv": render(offers),
        SOURCE / "catalog" / "data" / "reference_2024.csv": render(reference(folder)),
        SOURCE / "providers" / "data" / "machine_sizes.csv": render(sizes(offers)),
    }
    stale = [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        raise SystemExit(f"out of date: {', '.join(path.name for path in stale)}" if stale else 0)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")


if __name__ == "__main__":
    main()
