"""The receipt: reads the finished file back and proves that the product in it is the photograph's.

A picture file that loses nothing (PNG, lossless WebP) is decoded, the product's rectangle is cut out by the placement,
and every pixel inside the eroded mask is compared with the same resize of the original photograph. Where nothing was
resized, that is the photograph itself.
"""

from __future__ import annotations

import hashlib
import io

import numpy as np
from PIL import Image

from models.checks import fidelity
from models.errors import UnreadableImage
from models.types import BytePixels, CutOut, Provenance
from service.domain import Receipt

from .compose import lay_product
from .placement import Placement


def measure(
    picture: bytes,
    *,
    cut_out: CutOut,
    placement: Placement,
    photo_sha256: str,
    provenance: Provenance,
    offset_px: tuple[int, int] = (0, 0),
) -> Receipt:
    """Write the receipt of one finished picture.

    Args:
        picture: the encoded file as it will be delivered.
        cut_out: the product as it was laid in.
        placement: where it was laid.
        photo_sha256: of the photograph's file.
        provenance: of the place around the product.
        offset_px: where the composition's left upper corner lies in the finished picture.

    Raises:
        UnreadableImage: the bytes do not decode.
    """
    shown = _decoded(picture)
    product = lay_product(cut_out, placement)
    left, top, right, bottom = (v + offset_px[i % 2] for i, v in enumerate(product.box))
    if left < 0 or top < 0 or bottom > shown.shape[0] or right > shown.shape[1]:
        return _receipt(fidelity.Comparison(255, 0, 0, 0.0), "", picture, placement, photo_sha256, provenance)
    there = np.ascontiguousarray(shown[top:bottom, left:right])
    found = fidelity.compare(there, product.photo, product.alpha)
    digest = fidelity.pixels_digest(there, product.alpha)
    return _receipt(found, digest, picture, placement, photo_sha256, provenance)


def _receipt(
    found: fidelity.Comparison,
    digest: str,
    picture: bytes,
    placement: Placement,
    photo_sha256: str,
    provenance: Provenance,
) -> Receipt:
    return Receipt(
        max_abs_diff=found.max_abs_diff,
        checked_px=found.checked_px,
        resized=_was_resized(placement),
        scale=placement.scale,
        edge_band_mean=round(found.edge_band_mean, 3),
        photo_sha256=photo_sha256,
        picture_sha256=hashlib.sha256(picture).hexdigest(),
        pixels_sha256=digest,
        backend=provenance.backend,
        weights=provenance.revision,
        seed=provenance.seed,
    )


def _was_resized(placement: Placement) -> bool:
    left, top, right, bottom = placement.photo_box
    x0, y0, x1, y1 = placement.product_box
    whole = all(v == round(v) for v in placement.photo_box)
    return not (whole and (right - left, bottom - top) == (x1 - x0, y1 - y0))


def _decoded(picture: bytes) -> BytePixels:
    try:
        with Image.open(io.BytesIO(picture)) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(f"the finished picture does not decode ({error})") from error
