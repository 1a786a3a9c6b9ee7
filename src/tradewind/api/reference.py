"""The reference of the HTTP API as one page, made from the application. It needs no script and no other host."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

Json = dict[str, Any]
_METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
_REFERENCE: Final = "#/components/schemas/"
#: What of a schema bounds its values, and how that reads.
_BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} of them"),
    ("maxItems", "at most {} of them"),
    ("pattern", "like {}"),
)


def render_reference(schema: Json) -> str:
    """The page for an OpenAPI document."""
    groups: dict[str, list[str]] = {}
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                tag = str((item[method].get("tags") or ["other"])[0])
                groups.setdefault(tag, []).append(_operation(method, path, item[method]))
    models = schema.get("components", {}).get("schemas", {})
    places = [(f"group-{tag}", tag.capitalize()) for tag in groups] + [("models", "Models")]
    listed = "".join(f"<li><a href='#{escape(key)}'>{escape(title)}</a></li>" for key, title in places)
    sections = "".join(
        f"<section aria-labelledby='group-{escape(tag)}'><h2 id='group-{escape(tag)}'>{escape(tag.capitalize())}</h2>"
        f"{''.join(operations)}</section>"
        for tag, operations in groups.items()
    )
    shown = "".join(_model(name, models[name]) for name in sorted(models))
    return (
        f"{_HEAD}<h1>HTTP API</h1><p>Version {escape(str(schema['info']['version']))}. Requests carry a token "
        "(<code>Authorization: Bearer …</code>); a browser that is signed in needs none. Every error is a "
        "<a href='#model-Problem'>Problem</a>. The same for programs: "
        "<a href='api/v1/openapi.json'>openapi.json</a>.</p>"
        f"<nav aria-label='Groups'><ul>{listed}</ul></nav>{sections}"
        f"<section aria-labelledby='models'><h2 id='models'>Models</h2>{shown}</section></main></body></html>"
    )


def _operation(method: str, path: str, operation: Json) -> str:
    text = str(operation.get("description") or operation.get("summary", ""))
    first = text.split("\n\n", 1)[0]
    rows = [
        (
            each["name"],
            f"{_kind(each['schema'])}{_limits(each['schema'])}",
            f"{each['in']}{', needed' if each.get('required') else ''}",
            each.get("description") or each["schema"].get("description", ""),
        )
        for each in operation.get("parameters", [])
    ]
    parts = [_paragraphs(text)]
    if rows:
        parts.append(_table(("parameter", "type", "where", "meaning"), rows))
    body = operation.get("requestBody", {}).get("content", {})
    parts += [
        f"<p>Body: {_kind(of['schema'])} <small>{escape(media)}</small></p>" for media, of in body.items()
    ]
    for status, answer in operation.get("responses", {}).items():
        if status == "422" or status == "default":
            continue  # Every error is a Problem.
        kinds = [_kind(of["schema"]) for of in answer.get("content", {}).values() if of.get("schema")]
        parts.append(f"<p>Answer {escape(status)}: {' or '.join(kinds) or escape(_plain(answer))}</p>")
    return (
        f"<details><summary><b class='{method}'>{method.upper()}</b> <code>{escape(path)}</code> "
        f"<span>{_words(first)}</span></summary><div>{''.join(parts)}</div></details>"
    )


def _plain(answer: Json) -> str:
    said = str(answer.get("description", ""))
    return "nothing, or a file" if said in ("", "Successful Response") else said


def _model(name: str, model: Json) -> str:
    needed = set(model.get("required", ()))
    rows = [
        (
            key,
            f"{_kind(field)}{_limits(field)}",
            "always" if key in needed else "",
            str(field.get("description", "")),
        )
        for key, field in model.get("properties", {}).items()
    ]
    table = _table(("field", "type", "there", "meaning"), rows) if rows else f"<p>{_kind(model)}</p>"
    # The name is within, so that a link to it opens what is closed.
    return (
        f"<details><summary><code>{escape(name)}</code></summary>"
        f"<div id='model-{escape(name)}'>{_paragraphs(str(model.get('description', '')))}{table}</div></details>"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> str:
    has_meaning = any(row[3] for row in rows)
    shown = head if has_meaning else head[:3]
    titles = "".join(f"<th scope='col'>{title}</th>" for title in shown)
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{escape(where)}</td>"
        + (f"<td>{_words(meaning)}</td>" if has_meaning else "")
        + "</tr>"
        for name, kind, where, meaning in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"


def _kind(schema: Json) -> str:
    """A type in words, as HTML; models are links to what they are made of."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).removeprefix(_REFERENCE))
        return f"<a href='#model-{name}'>{name}</a>"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[several]))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_kind(schema['additionalProperties'])}"
    if kind is None:
        return "anything"
    said = schema.get("format")
    return escape(f"{kind}, {said}" if said else str(kind))


def _limits(schema: Json) -> str:
    bounded = [schema, *schema.get("anyOf", ())]
    said = [
        text.format(each[key])
        for each in bounded
        for key, text in _BOUNDS
        if key in each and each.get("type") != "null"
    ]
    default = schema.get("default")
    if default is not None and default not in ([], {}, ""):
        said.append(f"{str(default).lower() if isinstance(default, bool) else default} if left out")
    return f" <small>{escape(', '.join(said))}</small>" if said else ""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_words(each)}</p>" for each in text.split("\n\n") if each.strip())


def _words(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))


_STYLE: Final = """
:root{color-scheme:light dark;--line:light-dark(#dfe3e8,#34393f);--quiet:light-dark(#5a636d,#a2abb5);
--link:light-dark(#1558b0,#8ab8f5);--raised:light-dark(#f6f7f9,#1d2125)}
body{font:15px/1.55 system-ui,sans-serif;margin:0;background:light-dark(#fff,#15181b);color:light-dark(#1c2126,#e6e9ec)}
main{max-width:68rem;margin:0 auto;padding:2rem 1.25rem 6rem}h1{font-size:1.5rem;margin:0}
h2{font-size:1.1rem;margin:2.2rem 0 .6rem;scroll-margin-top:1rem}a{color:var(--link)}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1rem;padding:0;list-style:none}
code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}small{color:var(--quiet)}
details{border-bottom:1px solid var(--line)}summary{padding:.45rem .25rem;cursor:pointer}
summary:hover{background:var(--raised)}summary span{color:var(--quiet);margin-left:.5rem}
summary span code{color:inherit}
summary b{display:inline-block;min-width:4.2em;font:600 .76em ui-monospace,monospace;color:var(--quiet)}
summary b.get{color:light-dark(#1558b0,#8ab8f5)}summary b.post{color:light-dark(#1b6e3c,#7fd1a0)}
summary b.put,summary b.patch{color:light-dark(#8a4b00,#f0b872)}summary b.delete{color:light-dark(#b3261e,#f2a29b)}
details>div{padding:.1rem .25rem 1rem 1.25rem;overflow-x:auto;scroll-margin-top:3rem}
table{border-collapse:collapse;width:100%;font-size:.92em}th{font-weight:600;color:var(--quiet)}
th,td{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;border-top:1px solid var(--line)}
thead th{border-top:0}
"""
_HEAD: Final = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
    "content='width=device-width,initial-scale=1'><title>HTTP API · Tradewind</title>"
    f"<style>{_STYLE}</style></head><body><main><p><a href='./'>Tradewind</a></p>"
)
