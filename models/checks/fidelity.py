"""Is the product in a picture still the product of the photograph? Exact comparison of bytes, nothing perceptual."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.errors import ShapeMismatch
from models.types import Alpha, BytePixels

ERODE_PX = 3  # the soft edge and the resampling filter's reach stay out of the proof


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison inside a mask found."""

    max_abs_diff: int  # 0 to 255, the largest difference of any channel of any checked pixel
    checked_px: int
    changed_px: int
    edge_band_mean: float  # mean absolute difference between the mask's border and the solid product's, 0 to 255


def inner_mask(alpha: Alpha, solid: float = 0.98, erode_px: int = ERODE_PX) -> NDArray[np.bool_]:
    """Pixels at least ``erode_px`` away from anything that is not solid product; the frame's edge counts as not."""
    inside: NDArray[np.bool_] = alpha >= solid
    if erode_px == 0:
        return inside
    size = 2 * erode_px + 1
    return np.asarray(ndimage.minimum_filter(inside.astype(np.uint8), size, mode="constant", cval=0), dtype=np.bool_)


def compare(picture: BytePixels, reference: BytePixels, alpha: Alpha, erode_px: int = ERODE_PX) -> Comparison:
    """Compare a picture with what the product must look like.

    Args:
        picture: (H, W, 3) the product's rectangle, cut from the decoded picture.
        reference: (H, W, 3) the same resize of the original photograph.
        alpha: (H, W) the product's matte at that size.
        erode_px: how far inside the mask the proof begins.

    Raises:
        ShapeMismatch: the three do not share H and W.
    """
    if not picture.shape == reference.shape == (*alpha.shape, 3):
        raise ShapeMismatch(picture=picture.shape, reference=reference.shape, alpha=alpha.shape)
    difference = np.abs(picture.astype(np.int16) - reference.astype(np.int16)).max(axis=2)
    inner = inner_mask(alpha, erode_px=erode_px)
    band = (alpha > 0.02) & ~inner
    checked = difference[inner]
    return Comparison(
        max_abs_diff=int(checked.max(initial=0)),
        checked_px=int(inner.sum()),
        changed_px=int(np.count_nonzero(checked)),
        edge_band_mean=float(difference[band].mean()) if band.any() else 0.0,
    )


def pixels_digest(picture: BytePixels, alpha: Alpha, erode_px: int = ERODE_PX) -> str:
    """sha256 of the product's pixels inside the eroded mask, in reading order."""
    return hashlib.sha256(np.ascontiguousarray(picture[inner_mask(alpha, erode_px=erode_px)]).tobytes()).hexdigest()
