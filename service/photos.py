"""Photographs as they are uploaded: is it one that we take, and whose is it?

The head of the file is read; its pixels are not, so a bomb stays unexploded.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from datetime import datetime

from .domain import Photo, Product
from .errors import InvalidInput
from .settings import Settings
from .storage import Objects, Store

SUFFIXES = {"JPEG": ("jpg", "image/jpeg"), "PNG": ("png", "image/png"), "WEBP": ("webp", "image/webp")}
SMALLEST_PX = 64


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    suffix: str
    media_type: str
    sha256: str
    width_px: int  # as shown: a turned photograph's sides are swapped
    height_px: int


def inspect_photo(data: bytes, max_pixels: int) -> PhotoFacts:
    """What kind of picture it is and how large.

    Raises:
        InvalidInput: not JPEG, PNG or WebP; several frames; too small or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=list(SUFFIXES)) as image:
            (width, height), kind = image.size, str(image.format)
            frames = getattr(image, "n_frames", 1)
            is_turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput("photo", "not a JPEG, PNG or WebP picture") from error
    if frames > 1:
        raise InvalidInput("photo", f"it has {frames} frames; send a still picture")
    if width * height > max_pixels:
        raise InvalidInput("photo", f"{width} x {height} px is more than {max_pixels} pixels")
    if min(width, height) < SMALLEST_PX:
        raise InvalidInput("photo", f"{width} x {height} px; each side needs {SMALLEST_PX}")
    suffix, media_type = SUFFIXES[kind]
    sides = (height, width) if is_turned else (width, height)
    return PhotoFacts(suffix, media_type, hashlib.sha256(data).hexdigest(), *sides)


def keep_photo(
    store: Store, objects: Objects, product_id: str, name: str, data: bytes, now: datetime, max_pixels: int
) -> Product:
    """Put a photograph under the digest of its bytes, then name it in its product, in the place that its name has.

    Raises:
        NotFound: no such product.
        InvalidInput: see ``inspect_photo``.
    """
    product = store.products.get(product_id)
    facts = inspect_photo(data, max_pixels)
    photo = Photo(objects.put_photo(data, facts.suffix), facts.sha256, facts.width_px, facts.height_px, name)
    kept: list[Photo] = []
    for old in product.photos:
        is_same = name in (old.name, old.key) or old.key == photo.key
        if not is_same:
            kept.append(old)
        elif photo not in kept:
            kept.append(photo)
    if photo not in kept:
        kept.append(photo)
    product = replace(product, photos=tuple(kept))
    store.products.put(product, now)
    return product


def is_address(key: str) -> bool:
    """Does a photograph's key name a place in the web?"""
    return key.startswith(("http://", "https://"))


def fetch_photo(
    store: Store, objects: Objects, product_id: str, url: str, name: str | None, now: datetime, settings: Settings
) -> Product:
    """Fetch a photograph and keep it in the place that its address, or ``name``, has in its product.

    Raises:
        NotFound: no such product.
        InvalidInput: fetching is off, the address leads into a network of our own, or it is no picture that we take.
    """
    from .fetching import fetch

    if settings.fetch == "none":
        raise InvalidInput("url", "this installation fetches nothing (ADLOOM_FETCH=none); upload the photograph")
    store.products.get(product_id)
    found = fetch(url, max_bytes=settings.max_upload_bytes, allow_private=settings.fetch == "all")
    return keep_photo(store, objects, product_id, name or url, found.data, now, settings.max_photo_pixels)


def fetch_missing(store: Store, objects: Objects, product: Product, now: datetime, settings: Settings) -> Product:
    """The product with the first photograph that could be fetched, when it has addresses and nothing uploaded.

    Raises:
        InvalidInput: the reason why the last of them could not be had.
    """
    reason: InvalidInput | None = None
    for photo in product.photos:
        if is_address(photo.key):
            try:
                return fetch_photo(store, objects, product.id, photo.key, None, now, settings)
            except InvalidInput as error:
                reason = InvalidInput("photos", f"{photo.key[:200]}: {error}")
    raise reason or InvalidInput("photos", f"product {product.id!r} has no photograph; upload one first")
