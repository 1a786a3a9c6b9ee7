"""Settings that differ between regions."""

from __future__ import annotations


def in_region(given: object, region: str) -> str | None:
    """What a setting says for a region: one value for all, `region=value` for each (a list), or a mapping."""
    if isinstance(given, dict):
        found = given.get(region)
        return str(found) if found else None
    for each in given if isinstance(given, (list, tuple)) else [given]:
        name, sign, value = str(each or "").rpartition("=")
        if value and (not sign or name == region):
            return value
    return None
