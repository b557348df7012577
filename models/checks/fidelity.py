"""Is the product in a picture still the product of the photograph? Exact comparison of bytes, nothing perceptual."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.errors import ShapeMismatch
from models.pixels import to_lab, to_linear, to_srgb
from models.types import Alpha, BytePixels

ERODE_PX = 3  # the soft edge and the resampling filter's reach stay out of the proof


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison inside a mask found."""

    max_abs_diff: int  # 0 to 255, the largest difference of any channel of any checked pixel
    checked_px: int
    changed_px: int
    edge_band_mean: float  # mean absolute difference between the mask's border and the solid product's, 0 to 255
    edge_delta_e: float = 0.0  # the same band: mean CIE76 colour difference
    edge_delta_e_p95: float = 0.0  # and what 95 % of its pixels stay below
    inner_delta_e_p95: float = 0.0  # inside the eroded mask; 0 unless the product was changed


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
    at_edge = _delta_e(picture[band], reference[band])
    changed = inner & (difference > 0)
    return Comparison(
        max_abs_diff=int(checked.max(initial=0)),
        checked_px=int(inner.sum()),
        changed_px=int(np.count_nonzero(checked)),
        edge_band_mean=float(difference[band].mean()) if band.any() else 0.0,
        edge_delta_e=float(at_edge.mean()) if band.any() else 0.0,
        edge_delta_e_p95=float(np.percentile(at_edge, 95)) if band.any() else 0.0,
        inner_delta_e_p95=_percentile_of_changed(picture, reference, changed, int(inner.sum())),
    )


def _delta_e(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE76 distances of two rows of colours, each (N, 3) sRGB."""
    if not len(one):
        return np.zeros(0, np.float32)
    apart = to_lab(np.ascontiguousarray(one[None])) - to_lab(np.ascontiguousarray(other[None]))
    return np.asarray(np.linalg.norm(apart[0], axis=1), dtype=np.float32)


def _percentile_of_changed(
    picture: BytePixels, reference: BytePixels, changed: NDArray[np.bool_], n_inner: int
) -> float:
    """95th percentile over all inner pixels, computed from those that changed: the others are 0."""
    n_changed = int(changed.sum())
    rank = n_changed - 0.05 * n_inner  # how many changed pixels lie below it
    if rank <= 0:
        return 0.0
    apart = np.sort(_delta_e(picture[changed], reference[changed]))
    return float(apart[min(int(rank), n_changed - 1)])


def pixels_digest(picture: BytePixels, alpha: Alpha, erode_px: int = ERODE_PX) -> str:
    """sha256 of the product's pixels inside the eroded mask, in reading order."""
    return hashlib.sha256(np.ascontiguousarray(picture[inner_mask(alpha, erode_px=erode_px)]).tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Through:
    """What is true of the see-through part of a product."""

    checked_px: int
    max_out: int  # levels of 255 beyond what any place behind could give


def compare_through(picture: BytePixels, own: BytePixels, alpha: Alpha, shows: Alpha) -> Through:
    """Is the light that a see-through product adds itself still all there?

    Such a pixel is alpha times the product's own colour plus what the place behind it sends through, in linear light.
    Whatever the place is, it sends between nothing and (1 - alpha). A pixel outside of that range was changed.

    Args:
        picture: (H, W, 3) the finished picture under the product.
        own: (H, W, 3) the product's own colours at that size, the old ground taken out.
        alpha: (H, W) the product's matte at that size.
        shows: (H, W) the same, 0 where another product stands in front.
    """
    if not picture.shape == own.shape == (*alpha.shape, 3) or shows.shape != alpha.shape:
        raise ShapeMismatch(picture=picture.shape, own=own.shape, alpha=alpha.shape, shows=shows.shape)
    soft = (alpha > 0.05) & (alpha < 1.0) & (shows > 0.0)
    if not soft.any():
        return Through(0, 0)
    share = alpha[soft][:, None]
    adds = to_linear(own[None, soft])[0] * share
    least, most = to_srgb(adds[None])[0].astype(np.int16), to_srgb((adds + (1.0 - share))[None])[0].astype(np.int16)
    seen = picture[soft].astype(np.int16)
    out = np.maximum(least - seen, seen - most) - 1  # one level of rounding
    return Through(int(soft.sum()), max(0, int(out.max())))
