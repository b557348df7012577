"""``/docs``: the API description as one page that needs nothing from outside and runs no script."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "put", "patch", "delete")
POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
h2{margin-top:2.5rem;text-transform:capitalize}code,pre{font:13px/1.45 ui-monospace,monospace}
details{border:1px solid #ddd;border-radius:8px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
b.m{display:inline-block;width:4.2rem;color:#1f5f4a}pre{background:#f6f6f4;padding:.7rem;overflow:auto;border-radius:6px}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}pre{background:#222}details{border-color:#444}
b.m{color:#7fd1ae}a{color:#9cc9ff}}
"""


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every endpoint with what it takes and gives."""
    return HTMLResponse(page(request.app.openapi()), headers=POLICY)


def page(api: dict[str, Any]) -> str:
    schemas = api.get("components", {}).get("schemas", {})
    groups: dict[str, list[str]] = {}
    for path, methods in api["paths"].items():
        for method in METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or ["other"])[0]
                groups.setdefault(tag, []).append(_endpoint(method, path, methods[method], schemas))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(items)}" for tag, items in groups.items())
    title = escape(f"{api['info']['title']} {api['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><h1>{title}</h1>'
        f"<p>{escape(api['info'].get('description', ''))}</p>"
        f'<p>As data: <a href="/openapi.json">openapi.json</a></p>{body}</html>'
    )


def _endpoint(method: str, path: str, about: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [f"<p>{escape(about.get('description', ''))}</p>"]
    parameters = about.get("parameters", [])
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
            f"<td>{escape(_outline(p.get('schema', {}), schemas, 0))}</td>"
            f"<td>{escape(p.get('description', ''))}</td></tr>"
            for p in parameters
        )
        parts.append(f"<table>{rows}</table>")
    for kind, content in about.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>body, {escape(kind)}</p><pre>{escape(_outline(content.get('schema', {}), schemas, 0))}</pre>")
    for code, answer in about.get("responses", {}).items():
        if code.startswith("2"):
            for kind, content in answer.get("content", {}).items():
                shape = escape(_outline(content.get("schema", {}), schemas, 0))
                parts.append(f"<p>{code}, {escape(kind)}</p><pre>{shape}</pre>")
    refusals = ", ".join(code for code in about.get("responses", {}) if not code.startswith("2"))
    parts.append(f"<p>may refuse with {refusals}</p>" if refusals else "")
    head = f'<b class="m">{method.upper()}</b><code>{escape(path)}</code> {escape(about.get("summary", ""))}'
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _outline(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> str:
    """A schema in the shape of the JSON it describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if depth > 2 else _outline(schemas.get(name, {}), schemas, depth)
    if "anyOf" in schema:
        return " or ".join(_outline(option, schemas, depth) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"[{_outline(schema.get('items', {}), schemas, depth)}]"
    if "properties" in schema:
        pad, required = "  " * (depth + 1), set(schema.get("required", ()))
        lines = [
            f"{pad}{name}{'' if name in required else '?'}: {_outline(inner, schemas, depth + 1)}"
            for name, inner in schema["properties"].items()
        ]
        return "{\n" + "\n".join(lines) + "\n" + "  " * depth + "}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{any: {_outline(schema['additionalProperties'], schemas, depth + 1)}}}"
    return str(schema.get("const", schema.get("type", "anything")))
