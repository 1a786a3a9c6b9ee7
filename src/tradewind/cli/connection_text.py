"""Providers and connections as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tradewind.cli.render import clean
from tradewind.cli.wording import show_age

if TYPE_CHECKING:
    from tradewind.cli.application import Application

_MOST_QUOTAS: Final = 20
_MOST_REGIONS: Final = 12
_STATES: Final = {"connected": "connected", "prices_only": "prices only", "refused": "refused"}


def show_state(provider: Mapping[str, Any]) -> str:
    """A provider's connection in a word: `connected`, `prices only`, `refused`, or `-`."""
    state = provider["connection"]
    if state is None:
        return "connected" if provider["connected"] else "-"
    if state != "refused" and not provider["connected"]:
        return "not usable"
    return _STATES.get(state, clean(state))


def show_connection(app: Application, view: Mapping[str, Any]) -> str:
    """A connection: whose the credentials are, what they allow, and what is wrong with them."""
    lines = [
        f"{clean(view['title'])} ({clean(view['provider'])}): {_STATES.get(view['state'], view['state'])}"
    ]
    account = view["account"]
    if account is not None:
        lines.append(_row("identity", account["identity"]))
        lines.append(_row("regions", _shorten(account["regions"], _MOST_REGIONS) or "-"))
        lines += [
            _row("quota" if number == 0 else "", text)
            for number, text in enumerate(_quotas(account["quotas"]))
        ]
        missing = account["missing"]
        lines += [_row("missing" if number == 0 else "", each) for number, each in enumerate(missing)]
        if not missing:
            lines.append(_row("missing", "nothing that is known to be needed"))
        lines += [_row("note", each) for each in account["notes"]]
    lines.append(_row("source", view["source"].replace("_", " ")))
    lines += [_row("setting", f"{name} = {_value(value)}") for name, value in view["settings"].items()]
    if view["examined_at"]:
        lines.append(_row("examined", f"{show_age(view['examined_at'], app.now())} ago"))
    if view["error"]:
        lines.append(_row("error", view["error"]))
    lines += [_row("note", each) for each in view["notes"]]
    return "\n".join(lines)


def show_provider(provider: Mapping[str, Any]) -> str:
    """A provider: what it is, how to get ready, which credentials it needs."""
    can = provider["capabilities"]
    lines = [
        f"{clean(provider['title'])} ({clean(provider['id'])})",
        _row("kind", provider["kind"]),
        _row("runs", ", ".join(provider["runs"]).replace("_", " ")),
        _row("connection", show_state(provider)),
        _row("runs jobs", "yes" if provider["can_run"] else "not in this version: its prices are compared"),
        _row("spot", "yes" if can["has_spot"] else "no"),
        _row("multi-node", "yes" if can["has_multi_node"] else "no"),
        _row("if contact is lost", can["self_termination"].replace("_", " ")),
        "",
        *show_steps(provider),
    ]
    if provider["credentials"]:
        lines += ["", "Credentials"]
        lines += [f"  {_field(each)}" for each in provider["credentials"]]
    if provider["config_tool"]:
        lines.append(
            f"  or --from-config: {', '.join(provider['config_files'])} ({clean(provider['config_tool'])})"
        )
    if provider["settings"]:
        lines += ["", "Settings"]
        lines += [
            f"  {each['name']}  {clean(each['title'])}{' (with commas)' if each['is_list'] else ''}"
            for each in provider["settings"]
        ]
    if provider["policies"]:
        lines += ["", "Least permissions"]
        lines += [
            f"  {clean(each['title'])}: `tradewind connect {provider['id']} --policy`"
            for each in provider["policies"]
        ]
    lines += ["", "To know"]
    lines += [f"  {clean(each)}" for each in provider["limits"]]
    return "\n".join(lines)


def show_steps(provider: Mapping[str, Any]) -> list[str]:
    """How to get ready, numbered."""
    steps = [f"  {number}. {clean(step)}" for number, step in enumerate(provider["setup_steps"], 1)]
    return [f"How to get ready (about {clean(provider['estimated_time'])})", *steps]


def _field(field: Mapping[str, Any]) -> str:
    need = "" if field["is_required"] else " (may be left out)"
    hint = f"  {clean(field['hint'])}" if field["hint"] else ""
    return f"{field['environment']}  {clean(field['title'])}{need}{hint}"


def _quotas(quotas: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = []
    for quota in quotas[:_MOST_QUOTAS]:
        used = "" if quota["used"] is None else f", {quota['used']:g} used"
        region = f" in {clean(quota['region'])}" if quota["region"] else ""
        shown.append(f"{clean(quota['name'])}{region}: {quota['limit']:g}{used}")
    if len(quotas) > _MOST_QUOTAS:
        shown.append(f"and {len(quotas) - _MOST_QUOTAS} more (-o json has all)")
    return shown


def _shorten(words: Sequence[str], most: int) -> str:
    shown = ", ".join(map(clean, words[:most]))
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def _value(value: Any) -> str:
    return clean(", ".join(map(str, value)) if isinstance(value, list) else value)


def _row(name: str, text: str) -> str:
    return f"  {name:<18}  {clean(text)}"
