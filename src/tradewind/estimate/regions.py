"""In which country, and which state of the USA, a cloud's region lies, as far as its name says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from tradewind.estimate.tables import read_rows

_WORD: Final = re.compile(r"[^\W\d_]+")
#: Parts of names that mean a part of the world, and would otherwise be read as a country (`sa`: Saudi Arabia).
_CONTINENTS: Final = frozenset({"eu", "eur", "ap", "sa", "me", "af", "na", "oc", "as", "sea"})
_USA: Final = "USA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A country (ISO 3166 alpha-3) with, where known, a state of the USA or the intensity of that very spot."""

    country: str
    state: str | None = None
    carbon_g_per_kwh: float | None = None
    note: str = ""


@lru_cache(maxsize=4_096)
def place_of(region: str) -> Place | None:
    """The place a region's name speaks of: `Oregon, US, NA`, `EU-RO-1`, `paris-france-1`, `us-ashburn-1`, `nyc3`."""
    words = tuple(word.lower() for word in _WORD.findall(region))
    phrase = f" {' '.join(words)} "
    named = _find(phrase, words)
    if {"us", "usa"} & set(words) and (named is None or named.country in (_USA, "GEO")):
        return Place(country=_USA, state=(named.state if named else None) or _state(phrase, words))
    if named is not None:
        return named
    if state := _state_by_name(phrase):
        return Place(country=_USA, state=state)
    for word in words:
        if word not in _CONTINENTS and (code := _codes().get(word)):
            return Place(country=code)
    return None


def _find(phrase: str, words: tuple[str, ...]) -> Place | None:
    """A city or the full name of a country; the longest name wins."""
    for name, place in _names():
        if f" {name} " in phrase:
            return place
    return next((Place(country=word.upper()) for word in words if word.upper() in _countries()), None)


def _state(phrase: str, words: tuple[str, ...]) -> str | None:
    if named := _state_by_name(phrase):
        return named
    codes = {code for _, code in _states()}
    return next((word.upper() for word in words if word != "us" and word.upper() in codes), None)


def _state_by_name(phrase: str) -> str | None:
    for name, code in _states():
        if f" {name} " in phrase:
            return code
    return None


@cache
def _names() -> tuple[tuple[str, Place], ...]:
    found = {
        row["words"]: Place(
            country=row["iso3"],
            state=row["us_state"] or None,
            carbon_g_per_kwh=float(row["gco2e_per_kwh"]) if row["gco2e_per_kwh"] else None,
            note=row["note"],
        )
        for row in read_rows("region_words.csv")
    }
    for code, name in _countries().items():
        found.setdefault(" ".join(_WORD.findall(name.lower())), Place(country=code))
    return tuple(sorted(found.items(), key=lambda item: -len(item[0])))


@cache
def _countries() -> dict[str, str]:
    return {row["iso3"]: row["country"] for row in read_rows("carbon_country.csv")}


@cache
def _states() -> tuple[tuple[str, str], ...]:
    rows = read_rows("carbon_us_state.csv")
    return tuple(sorted(((row["name"], row["state"]) for row in rows), key=lambda item: -len(item[0])))


@cache
def _codes() -> dict[str, str]:
    return {row["iso2"]: row["iso3"] for row in read_rows("country_codes.csv")}
