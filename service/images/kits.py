"""A brand with its files read: logo and fonts, kept for the process by their keys."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from service.domain import Brand
from service.errors import InvalidInput

from .plans import Kit
from .typefaces import ShopFonts, keep

MOST_LOGO_BYTES = 4_000_000
MOST_LOGO_PIXELS = 24_000_000
LOGO_SIDE_PX = 2_000  # larger ones are made smaller once, on arrival
SMALLEST_LOGO_PX = 64


def kit_of(brand: Brand, read: Callable[[str], bytes]) -> Kit:
    """The brand with its logo and fonts.

    Args:
        read: the bytes of a storage key or path.

    Raises:
        InvalidInput: a file is no logo or no font that can be used.
    """
    logo = _decoded(read(brand.logo_key)) if brand.logo_key else None
    headline = keep(read(brand.headline_font_key)) if brand.headline_font_key else None
    text = keep(read(brand.text_font_key)) if brand.text_font_key else None
    return Kit(brand, logo, ShopFonts(headline, text))


def check_logo(data: bytes) -> tuple[bytes, tuple[int, int], tuple[str, ...]]:
    """A logo made fit to be kept: trimmed of clear margins, at most ``LOGO_SIDE_PX``, a PNG with nothing else in it.

    Returns:
        The PNG, its (width, height) and notes for the shop.

    Raises:
        InvalidInput: SVG or another kind, too large, too small, empty.
    """
    if len(data) > MOST_LOGO_BYTES:
        raise InvalidInput("logo", f"{len(data):,} bytes; at most {MOST_LOGO_BYTES:,}")
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype")) or b"<svg" in head:
        why = "an SVG can hold scripts and links, so it is not taken; export it as a PNG with a clear background"
        raise InvalidInput("logo", why)
    pixels = _decoded(data)
    notes = []
    is_clear = bool((pixels[..., 3] < 250).any())
    if not is_clear:
        notes.append("it has no clear background: it will stand in a box of its own colour")
    seen = np.argwhere(pixels[..., 3] > 8)
    if not seen.size:
        raise InvalidInput("logo", "every pixel of it is clear")
    (top, left), (bottom, right) = seen.min(axis=0), seen.max(axis=0) + 1
    image = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    if min(image.size) < 16 or max(image.size) < SMALLEST_LOGO_PX:
        raise InvalidInput(
            "logo", f"{image.width} x {image.height} px of ink; the longer side needs {SMALLEST_LOGO_PX}"
        )
    if max(image.size) < 400:
        notes.append(f"{image.width} x {image.height} px is small: 1,000 px stay sharp in every format")
    image.thumbnail((LOGO_SIDE_PX, LOGO_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), image.size, tuple(notes)


def _decoded(data: bytes) -> NDArray[np.uint8]:
    return _pixels(hashlib.sha256(data).hexdigest(), data)


@lru_cache(maxsize=8)
def _pixels(digest: str, data: bytes) -> NDArray[np.uint8]:
    """(H, W, 4) sRGB of a PNG or WebP."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "WEBP"]) as image:
            if image.width * image.height > MOST_LOGO_PIXELS:
                raise InvalidInput("logo", f"{image.width} x {image.height} px is more than {MOST_LOGO_PIXELS} pixels")
            if getattr(image, "n_frames", 1) > 1:
                raise InvalidInput("logo", "it moves; send a still picture")
            pixels = np.asarray(image.convert("RGBA"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput("logo", "not a PNG or WebP picture that can be read") from error
    pixels.setflags(write=False)
    return pixels


def logo_picture(kit: Kit, size_px: tuple[int, int], insets: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The logo alone on the brand's paper, as channels ask for it.

    Args:
        size_px: (width, height).
        insets: left, top, right, bottom that stay free.

    Raises:
        InvalidInput: the brand has no logo.
    """
    from .colours import from_hex
    from .drawing import stamp_logo

    if kit.logo is None:
        raise InvalidInput("logo", "this brand has no logo yet: PUT /v1/brands/{id}/look/logo")
    width, height = size_px
    left, top, right, bottom = insets[0], insets[1], width - insets[2], height - insets[3]
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    pixels[:] = np.asarray(from_hex(kit.brand.paper), dtype=np.uint8)
    scale = min((right - left) / kit.logo.shape[1], (bottom - top) / kit.logo.shape[0])
    w, h = kit.logo.shape[1] * scale, kit.logo.shape[0] * scale
    x, y = (left + right - w) / 2, (top + bottom - h) / 2
    stamp_logo(pixels, kit.logo, (x, y, x + w, y + h))
    return pixels
