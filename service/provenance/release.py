"""What the studio asks of labels and proofs, in its own words: the files behind a picture, and mattes worth keeping."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from models import pixels
from models.types import Alpha, Backdrop
from service.domain import Photo, Product

from .labels import Source, media_type_of, place_source


def photo_sources(
    products: Sequence[Product], digests: Sequence[str], read: Callable[[Photo], bytes]
) -> tuple[Source, ...]:
    """The photographs' files, found by the sha256 that the receipt names, one for each product."""
    found = []
    for product, digest in zip(products, digests, strict=True):
        for photo in product.photos:
            if photo.sha256 and photo.sha256 != digest:
                continue
            data = read(photo)
            if hashlib.sha256(data).hexdigest() == digest:
                found.append(Source(photo.name or product.title or product.id, data, media_type_of(data)))
                break
    return tuple(found)


def place_of(backdrop: Backdrop, title: str) -> Source:
    """The empty place as a small picture."""
    step = max(1, min(backdrop.linear.shape[:2]) // 512)
    small = np.ascontiguousarray(backdrop.linear[::step, ::step])
    return place_source(pixels.encode(small, backdrop.curve), title)


def matte_key(matte_sha256: str) -> str:
    return f"mattes/{matte_sha256}.png"


def matte_png(alpha: Alpha) -> bytes:
    """A matte as it was used, for whoever measures again."""
    from service.images.fidelity import matte_plane

    buffer = io.BytesIO()
    Image.fromarray(matte_plane(alpha)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
