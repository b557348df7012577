"""``/static/<version>/<name>``: style, scripts and fonts of the pages, from this package and nowhere else.

The version is a digest of all of them, so browsers may keep every file for a year and still see a new one at once.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from service.errors import NotFound

FOLDER = Path(__file__).parent / "static"
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@cache
def names() -> frozenset[str]:
    """What is served: nothing else in the folder is."""
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in MEDIA)


@cache
def version() -> str:
    digest = hashlib.sha256()
    for name in sorted(names()):
        digest.update(name.encode() + b"\0" + (FOLDER / name).read_bytes())
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """The address of a file, for templates. Raises NotFound for a misspelt name."""
    if name not in names():
        raise NotFound("static file", name)
    return f"/static/{version()}/{name}"


@cache
def _read(name: str) -> tuple[bytes, bytes | None]:
    """A file, and the same compressed where that helps."""
    data = (FOLDER / name).read_bytes()
    return data, None if name.endswith(".woff2") else gzip.compress(data, 9, mtime=0)


@router.get("/static/{given}/{name}", response_class=Response)
def static_file(given: str, name: str, request: Request) -> Response:
    if name not in names():
        raise NotFound("static file", name)
    plain, packed = _read(name)
    headers = {"Cache-Control": FOREVER if given == version() else "no-cache", "Vary": "Accept-Encoding"}
    if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=MEDIA[Path(name).suffix], headers=headers | {"Content-Encoding": "gzip"})
    return Response(plain, media_type=MEDIA[Path(name).suffix], headers=headers)


@router.get("/favicon.ico", response_class=Response)
def favicon() -> Response:
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_read("mark.svg")[0], media_type="image/svg+xml", headers=headers)
