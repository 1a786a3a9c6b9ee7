"""Reads the many ways in which accelerators are written, by the tables in `data/`.

`aliases.csv` holds names without spaces and signs, each with the models it may mean, likeliest first.
`instance_types.csv` holds the providers' machine types, exact or as patterns in which `{n}` is the number of
accelerators, `{name}` a name to be read in turn, `{v}` any whole number and `*` anything.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from tradewind.hardware.accelerators import all_models

#: Longer texts are no names, and are not worth remembering.
LONGEST_NAME: Final = 120
#: By how much a memory size in a name may differ (as a logarithm): `B200 192GB` is sold with 180 GB to use.
_NAME_TOLERANCE: Final = 0.1
#: What vendors add that tells no two models apart.
_NOISE: Final = re.compile(
    r"nvidia|geforce|tesla|amd|instinct|radeon|intel|habana|google|chip|cloud|aws|gpus?|gres|card|"
    r"accelerators?|graphics|generation|edition|series|tensor|core|oam|vws|cts|ib|inf|nvlink|infiniband|"
    r"hbm\d?\w?|gddr\d?\w?|gen\d|\d+w"
)
#: Generations and product lines are noise too, unless the name with them is known (`RTX 6000 Blackwell`).
_GENERATIONS: Final = frozenset(
    {"blackwell", "hopper", "ampere", "volta", "turing", "pascal", "ultra", "quadro"}
)
_MEMORY: Final = re.compile(r"([1-9]\d{0,3})(?:gb|gib|g)")
_FORMS: Final = (
    (re.compile(r"sxm\d?"), "sxm"),
    (re.compile(r"pcie\d?|fhhl"), "pcie"),
    (re.compile(r"nvl\d*"), "nvl"),
)
#: What may be written before a name without a space (`InstinctMI250X`).
_VENDOR: Final = re.compile(r"nvidia|geforce|tesla|quadro|amd|instinct|radeon")
_SLICE: Final = re.compile(r"\bmig\b|\b\d+[gc]\.\d+gb")
#: (pattern, whether it tells a count even where nobody knows the rest).
_SPLITS: Final = (
    (re.compile(r"(?P<rest>.+?)\s*[:*=×]\s*(?P<n>\d{1,6}(?:\.\d{1,6})?)(?:\(s:[^)]*\))?", re.I), True),
    (re.compile(r"(?P<n>\d{1,6})\s*[x×*][-_ ]+(?P<rest>.+)", re.I), True),
    (re.compile(r"(?P<rest>.+?)[-_ ]*\(\s*(?P<n>\d{1,6})\s*x\s*\)", re.I), True),
    (re.compile(r"(?P<n>\d{1,6})\s*[x×*](?P<rest>.+)", re.I), False),
    (re.compile(r"(?P<rest>.+?)[-_ ]*[x×]\s*(?P<n>\d{1,6})", re.I), False),
    (re.compile(r"(?P<rest>.+?)[-_ .](?P<n>\d{1,6})x", re.I), False),
    (re.compile(r"(?P<n>\d{1,6})[- ]*(?P<rest>[a-z].+)", re.I), False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a name says. `keys` are the models it may mean, likeliest first; empty where nobody knows it."""

    keys: tuple[str, ...] = ()
    count: float | None = None
    #: The name without its count.
    rest: str
    #: The name without form, memory and count (`h100`), where that much is known.
    family: str | None = None
    form: str | None = None
    memory_gb: float | None = None
    #: Providers of this kind of name give the memory of all accelerators together.
    is_memory_total: bool = False


@dataclass(frozen=True, slots=True)
class _InstanceType:
    key: str
    count: str
    is_memory_total: bool


def read(name: str) -> Reading:
    """What this name says; never fails, whatever it is given."""
    name = name.strip()
    return Reading(rest=name) if len(name) > LONGEST_NAME else _read(name)


@lru_cache(maxsize=16384)
def _read(name: str) -> Reading:
    text = " ".join(name.split())
    if not text:
        return Reading(rest=text)
    meant = _by_name(text)
    if meant.keys:
        return meant
    found = _by_instance_type(text)
    if found is not None:
        return found
    for match, _ in _splits(text):
        inner = read(match["rest"])
        if inner.keys or inner.family:
            return replace(inner, count=_positive(match["n"]))
    if meant.family is None:
        for match, is_plain in _splits(text):
            if is_plain:
                return replace(read(match["rest"]), count=_positive(match["n"]))
    return meant


def compact(text: str) -> str:
    """A name without signs, spaces and capitals; the text itself where nothing else would be left."""
    return re.sub(r"[\W_]+", "", text.casefold()) or text


def within(memory_gb: float, other_gb: float, tolerance: float) -> bool:
    """True if two sizes are the same for all that vendors write."""
    return memory_gb > 0 and other_gb > 0 and abs(math.log(memory_gb / other_gb)) <= tolerance


def _splits(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    for pattern, is_plain in _SPLITS:
        match = pattern.fullmatch(text)
        if match is not None and match["rest"].strip():
            yield match, is_plain


def _positive(text: str) -> float | None:
    return float(text) or None


def _by_name(text: str) -> Reading:
    """The name as a family with form and memory; nothing where it names a slice of an accelerator."""
    unknown = Reading(rest=text)
    lowered = text.casefold()
    if _SLICE.search(lowered):
        return unknown
    whole = compact(text)
    if whole in _aliases():
        return Reading(keys=_aliases()[whole], rest=text, family=whole)
    best = unknown
    for variant in dict.fromkeys((lowered, re.sub(r"\((?!\s*\d+\s*x\s*\))[^)]*\)", " ", lowered))):
        found = _sift(variant, text)
        if found is not None and found.keys:
            return found
        best = found or best
    return best


def _sift(lowered: str, text: str) -> Reading | None:
    words, form, memory = [], None, None
    tokens = re.findall(r"[^\W_]+", lowered.replace("pci-e", "pcie"))
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        shape = next((name for pattern, name in _FORMS if pattern.fullmatch(token)), None)
        size = _MEMORY.fullmatch(token + following if following in {"gb", "gib"} else token)
        if shape is not None:
            form = form or shape
        elif size is not None:
            memory = memory or float(size[1])
        elif not _NOISE.fullmatch(token) and token not in {"gb", "gib"}:
            words.append(token)
    whole = "".join(token for token in tokens if not _NOISE.fullmatch(token))
    if whole in _aliases():
        return Reading(keys=_aliases()[whole], rest=text, family=whole)
    plain = [word for word in words if word not in _GENERATIONS]
    for candidate in dict.fromkeys(("".join(words), "".join(plain))):
        found = _unglue(candidate)
        if found is not None:
            family, glued_form, glued_memory = found
            return _narrow(text, family, form or glued_form, memory or glued_memory)
    return None


def _unglue(word: str) -> tuple[str, str | None, float | None] | None:
    """Family, form and memory of a name written in one word (`a100sxm80gb`)."""
    if word in _aliases():
        return word, None, None
    vendor = _VENDOR.match(word)
    if vendor is not None:
        return _unglue(word[vendor.end() :])
    for pattern, name in _FORMS:
        match = re.fullmatch(rf"(.+?)(?:{pattern.pattern})", word)
        inner = _unglue(match[1]) if match else None
        if inner is not None:
            return inner[0], name, inner[2]
    for digits in (2, 3, 1):
        match = re.fullmatch(rf"(.*[^0])([1-9]\d{{{digits - 1}}})gb?|(.*0)([1-9]\d{{{digits - 1}}})gb?", word)
        if match is None:
            continue
        inner = _unglue(match[1] or match[3])
        if inner is not None:
            return inner[0], inner[1], float(match[2] or match[4])
    return None


def _narrow(text: str, family: str, form: str | None, memory_gb: float | None) -> Reading:
    """The models of a family that have this form and this memory; none if the memory is no model's."""
    keys, models = _aliases()[family], all_models()
    if form is not None:
        marked = tuple(key for key in keys if form in key.casefold())
        shaped = tuple(key for key in keys if key in models and form in models[key].form.casefold())
        keys = marked or shaped or keys
    if memory_gb is not None:
        keys = tuple(
            key
            for key in keys
            if key not in models or within(models[key].memory_gb, memory_gb, _NAME_TOLERANCE)
        )
    return Reading(keys=keys, rest=text, family=family, form=form, memory_gb=memory_gb)


def _by_instance_type(text: str) -> Reading | None:
    lowered = _without_prefix(text.casefold())
    exact, patterns = _instance_types()
    row, match = exact.get(lowered), None
    if row is None:
        for pattern, candidate in patterns:
            match = pattern.fullmatch(lowered)
            if match is None:
                continue
            if candidate.key or _by_name(match["name"]).keys:
                row = candidate
                break
    if row is None:
        return None
    groups = match.groupdict() if match else {}
    count = _count(row.count, groups.get("n"))
    inner = Reading(keys=(row.key,), rest=text) if row.key else _by_name(groups["name"])
    return replace(inner, count=count, rest=text, is_memory_total=row.is_memory_total)


def _without_prefix(lowered: str) -> str:
    """A machine type without what some services of a provider put before it (`ml.p5.48xlarge`)."""
    return re.sub(r"^(?:ml[._]|standard_|cloud-)", "", lowered.replace(" ", "-"))


def _count(rule: str, number: str | None) -> float | None:
    if rule in {"n", "n/2"}:
        return _positive(number or "0") if rule == "n" else max(float(number or 0) / 2, 1.0)
    numerator, _, denominator = rule.partition("/")
    return float(numerator) / float(denominator or 1) if rule else None


@cache
def _aliases() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key in all_models():
        found[compact(key)] = (key,)
        if re.match(r"[RG]TX-\d", key):
            found.setdefault(compact(key[4:]), (key,))
    for row in _rows("aliases.csv"):
        found[row["alias"]] = tuple(row["keys"].split())
    return found


@cache
def _instance_types() -> tuple[
    Mapping[str, _InstanceType], tuple[tuple[re.Pattern[str], _InstanceType], ...]
]:
    exact: dict[str, _InstanceType] = {}
    patterns: list[tuple[re.Pattern[str], _InstanceType]] = []
    for row in _rows("instance_types.csv"):
        entry = _InstanceType(row["key"], row["count"], row["memory"] == "total")
        text = _without_prefix(row["type"].casefold())
        if not re.search(r"[{*]", text):
            exact[text] = entry
            continue
        pattern = re.escape(text).replace(r"\*", ".*").replace(r"\{v\}", r"\d+")
        pattern = pattern.replace(r"\{n\}", r"(?P<n>\d{1,4})").replace(r"\{name\}", "(?P<name>.+?)")
        patterns.append((re.compile(pattern), entry))
    return exact, tuple(patterns)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("tradewind.hardware").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def aliases_of(key: str) -> tuple[str, ...]:
    """Other names, without spaces and signs, of which this model is the likeliest meaning; sorted."""
    return tuple(
        sorted(alias for alias, keys in _aliases().items() if keys[0] == key and alias != compact(key))
    )
