"""What this machine has; accelerators through made-up sysfs files, as there are none here."""

from __future__ import annotations

import os
from pathlib import Path

from tradewind.hardware.local import detect, find_amd, known_tdp_watts, usable_cpus


def test_this_machine_is_found(tmp_path: Path) -> None:
    machine = detect(tmp_path)
    assert 1 <= machine.cpus <= (os.cpu_count() or 1)
    assert machine.memory_bytes > 1 << 28
    assert machine.disk_free_bytes > 0
    assert 0 < machine.watts_idle < machine.watts_max
    assert machine.cpus == usable_cpus()


def test_amd_cards_are_read_from_sysfs(tmp_path: Path) -> None:
    for name, vendor in (("card0", "0x1002"), ("card1", "0x8086")):
        device = tmp_path / name / "device"
        (device / "hwmon" / "hwmon3").mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        (device / "mem_info_vram_total").write_text(f"{64 << 30}\n")
        (device / "product_name").write_text("AMD Instinct MI210\n")
        (device / "unique_id").write_text("abc123\n")
        (device / "hwmon" / "hwmon3" / "power1_cap").write_text("300000000\n")
    (tmp_path / "card0-DP-1").mkdir()
    (card,) = find_amd(tmp_path)
    assert (card.name, card.vendor, card.uuid, card.memory_bytes, card.tdp_watts) == (
        "AMD Instinct MI210",
        "amd",
        "abc123",
        64 << 30,
        300.0,
    )
    assert find_amd(tmp_path / "nothing") == ()


def test_a_card_without_a_limit_draws_what_its_data_sheet_says(tmp_path: Path) -> None:
    device = tmp_path / "card0" / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x1002\n")
    (device / "mem_info_vram_total").write_text(f"{192 << 30}\n")
    (device / "product_name").write_text("AMD Instinct MI300X OAM\n")
    (card,) = find_amd(tmp_path)
    assert card.tdp_watts == 750
    assert known_tdp_watts("NVIDIA A100-PCIE-40GB", 40 << 30) == 250
    assert known_tdp_watts("nobody's card", 1 << 30) is None
