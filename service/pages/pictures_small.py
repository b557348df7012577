"""``/small/<width>/<token>``: pictures of the workspace at the size a page needs them."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from PIL import Image, ImageOps

from service.errors import InvalidInput, NotFound

from .web import Member, PageRoute, member_with

WIDTHS = (96, 192, 400, 800, 1600)
router = APIRouter(include_in_schema=False, route_class=PageRoute)
Anyone = Annotated[Member, Depends(member_with())]


def small(who: Member, key: str, width: int = 192) -> str:
    """The address of a stored picture at one of ``WIDTHS``, for somebody who is signed in."""
    return f"/small/{width}/{who.services.signer.sign_picture(who.workspace, key)}"


@router.get("/small/{width}/{token}")
def small_picture(width: int, token: str, who: Anyone) -> Response:
    if width not in WIDTHS:
        raise InvalidInput("width", f"one of {', '.join(map(str, WIDTHS))}")
    workspace, key = who.services.signer.read_picture(token)
    if workspace != who.workspace:
        raise NotFound("picture", token[:20])
    data = shrink(who.services.objects(workspace).get(key), width)
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}  # a key is never written twice
    return Response(data, media_type="image/webp", headers=headers)


def shrink(data: bytes, width: int, quality: int = 84) -> bytes:
    """A picture as WebP, at most ``width`` pixels wide; never enlarged."""
    with Image.open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
        image.draft("RGB", (2 * width, 2 * width))  # JPEG: decoded no larger than needed
        upright = ImageOps.exif_transpose(image)
        copy = upright.convert("RGBA" if upright.mode in ("RGBA", "LA", "P") else "RGB")
        copy.thumbnail((width, width * 4), Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = io.BytesIO()
        copy.save(buffer, "WEBP", quality=quality, method=4, icc_profile=profile)
    return buffer.getvalue()
