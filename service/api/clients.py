"""``/client``: the script for shops' pages, the file for Python programs, and a small shop that shows them at work."""

from __future__ import annotations

import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.errors import NotFound

FOLDER = Path(__file__).parent.parent / "clients"
FILES = {
    "adloom.js": (FOLDER / "adloom.js", "text/javascript; charset=utf-8"),
    "adloom_client.py": (FOLDER / "adloom_client.py", "text/x-python; charset=utf-8"),
    "shop.js": (FOLDER / "shop" / "shop.js", "text/javascript; charset=utf-8"),
    "shop.css": (FOLDER / "shop" / "shop.css", "text/css; charset=utf-8"),
    "mug.webp": (FOLDER / "shop" / "mug.webp", "image/webp"),
}
# any site may load the script; an hour is how long an old one may live on in a browser
SHARED = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
AN_HOUR = {"Cache-Control": "public, max-age=3600"}
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

router = APIRouter(include_in_schema=False)
Short = Annotated[str, Query(max_length=128)]


@cache
def _file(name: str) -> tuple[bytes, str, str]:
    """(content, media type, ETag)."""
    if name not in FILES:
        raise NotFound("client file", name)
    path, media = FILES[name]
    data = path.read_bytes()
    return data, media, f'"{hashlib.sha256(data).hexdigest()[:16]}"'


@router.get("/client/shop", response_class=Response)
def shop(experiment: Short = "", key: Short = "", consent: Short = "") -> Response:
    """A shop's page with one test in it: ``/client/shop?experiment=ID&key=PUBLISHABLE_KEY``."""
    page = (FOLDER / "shop" / "shop.html").read_text(encoding="utf-8")
    for name, value in (("experiment", experiment), ("key", key), ("consent", consent)):
        page = page.replace(f"{{{{{name}}}}}", escape(value.replace("{{", "")))
    return Response(page, media_type="text/html; charset=utf-8", headers=POLICY)


@router.get("/client/{name}", response_class=Response)
def client_file(name: str, request: Request) -> Response:
    data, media, tag = _file(name)
    headers = {"ETag": tag, **AN_HOUR, **SHARED}
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media, headers=headers)
