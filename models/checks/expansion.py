"""Did the product grow? Product-like pixels beyond its mask, joined to it, that the place alone does not explain.

Backends that paint around a product tend to lengthen it: a longer neck, a second handle, a thicker base. The product's
own pixels are laid back afterwards, so comparing them finds nothing; what grew lies outside the mask. Here such pixels
are counted, in three steps, all on the finished picture:

1. candidates: outside the mask and within a ring around it, as near in colour to the product's edge beside them as a
   continuation would be;
2. explained away: those that the empty place shows at this spot too, lit as it is or shaded (its linear light times
   one factor, near 1 above the foot of the product); without the empty place, those whose patch runs on to the outside
   of the ring, as a ground does that happens to have the product's colour;
3. joined: only patches that touch the mask count.

Source of the question: Eshratifar et al., "Salient Object-Aware Background Generation using Text-Guided Diffusion
Models", 2024, which measures expansion as salient area outside the mask. The measure here needs no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ShapeMismatch
from models.pixels import to_lab, to_linear, to_srgb
from models.types import Alpha, BytePixels

RING = 0.12  # how far out we look, in parts of the product's larger side
WORK_PX = 480  # the product is looked at with its larger side at most this long
NEAR = 9.0  # CIE76 distance that still counts as the same colour as the product's edge
EXPLAINED = 6.0  # CIE76 distance to the place, shaded by any factor, that counts as place
FOOT = 0.3  # of the product's height, from below, where its shadow may be as dark as it likes
LEAST_LIGHT = 0.75  # of the place's light that is left above that
EXPLAINED_AT_FOOT = 15.0  # there the product colours the ground: its reflection, the light it throws back
SKIN_PX = 2  # the soft edge and its resampling, at working size
LEAST_PX = 12  # smaller patches, at working size, are grain


@dataclass(frozen=True, slots=True)
class Expansion:
    """Growth of one product."""

    area_px: int  # of the finished picture
    share: float  # of the product's own area
    ring_px: int  # pixels of the finished picture that were looked at


def expansion(
    picture: BytePixels, alpha: Alpha, place: BytePixels | None = None, *, from_above: bool = False
) -> Expansion:
    """Product-like area joined to the product but outside its mask.

    Args:
        picture: (H, W, 3) sRGB, the finished picture.
        alpha: (H, W) the product's matte in it, 0 to 1.
        place: (H, W, 3) sRGB, the same place without the product and its shadow, where it is known.
        from_above: the camera looks down steeply, so that a shadow may lie all around the product.

    Raises:
        ShapeMismatch: they do not share H and W.
    """
    import cv2

    if picture.shape[:2] != alpha.shape or (place is not None and place.shape != picture.shape):
        other = picture if place is None else place
        raise ShapeMismatch(picture=picture.shape, alpha=alpha.shape, place=other.shape)
    seen = alpha > 0.02
    if not seen.any():
        return Expansion(0, 0.0, 0)
    box = _window(seen)
    here = (slice(box[1], box[3]), slice(box[0], box[2]))
    scale = min(1.0, WORK_PX / max(box[2] - box[0], box[3] - box[1]))
    shown, mask = _at(picture[here], scale), _at(seen[here].astype(np.uint8) * 255, scale) > 0
    solid = _at(np.asarray(alpha[here] >= 0.98).astype(np.uint8) * 255, scale) == 255
    if not solid.any():
        return Expansion(0, 0.0, 0)
    reach = max(6, round(RING * max(*np.ptp(np.argwhere(mask), axis=0))))
    far, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    skin = cv2.dilate(mask.astype(np.uint8), np.ones((2 * SKIN_PX + 1,) * 2, np.uint8)) > 0
    ring = ~skin & (far <= reach)
    lab = to_lab(_soft(shown, 0.8))
    like = ring & (np.linalg.norm(lab - _edge_colour(lab, solid, nearest), axis=2) < NEAR)
    if place is not None:
        like &= ~_explained(shown, _at(place[here], scale), _least_light(mask, from_above))
    grown = _joined(like, skin, far >= reach - 1.5, runs_on=place is None)
    area = int(grown.sum() / scale**2 + 0.5)
    return Expansion(area, round(area / float(seen.sum()), 5), int(ring.sum() / scale**2))


def _window(seen: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    more = round(1.5 * RING * max(bottom - top, right - left)) + 8
    height, width = seen.shape
    return max(left - more, 0), max(top - more, 0), min(right + more, width), min(bottom + more, height)


def _at(layer: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    import cv2

    if scale == 1.0:
        return np.ascontiguousarray(layer)
    size = (max(1, round(layer.shape[1] * scale)), max(1, round(layer.shape[0] * scale)))
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _soft(picture: BytePixels, sigma: float) -> BytePixels:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8)


def _edge_colour(lab: NDArray[np.float32], solid: NDArray[np.bool_], nearest: NDArray[np.int32]) -> NDArray[np.float32]:
    """(H, W, 3) the colour of the solid product nearest to each pixel, smoothed along the edge."""
    import cv2

    weight = solid.astype(np.float32)
    around = cv2.blur(lab * weight[..., None], (5, 5)) / np.maximum(cv2.blur(weight, (5, 5)), 1e-6)[..., None]
    table = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    table[nearest[solid]] = around[solid]
    return np.asarray(table[nearest], dtype=np.float32)


def _least_light(mask: NDArray[np.bool_], from_above: bool) -> NDArray[np.float32]:
    """(H, 1) how far a shadow may darken the place in each row: to nothing at the foot, less and less above it."""
    if from_above:
        return np.zeros((len(mask), 1), np.float32)
    rows = np.flatnonzero(mask.any(axis=1))
    above = (rows[-1] - np.arange(len(mask))) / max(1, np.ptp(rows))  # 0 at the foot, 1 at the top
    rise = np.clip((above - FOOT) / 0.1, 0.0, 1.0)
    return np.asarray(LEAST_LIGHT * rise[:, None], dtype=np.float32)


def _explained(shown: BytePixels, place: BytePixels, least: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the place, its linear light times one factor from ``least`` to 1.25, comes close to what is shown."""
    light = to_linear(_soft(place, 1.2))
    there = to_linear(_soft(shown, 1.2))
    factor = (light * there).sum(axis=2) / np.maximum((light * light).sum(axis=2), 1e-6)
    shaded = light * np.clip(factor, least, 1.25)[..., None]
    apart = to_lab(to_srgb(shaded)) - to_lab(to_srgb(there))
    most = np.where(least < LEAST_LIGHT, EXPLAINED_AT_FOOT, EXPLAINED)
    return np.asarray(np.linalg.norm(apart, axis=2) < most)


def _joined(
    like: NDArray[np.bool_], skin: NDArray[np.bool_], outside: NDArray[np.bool_], *, runs_on: bool
) -> NDArray[np.bool_]:
    """Patches of ``like`` that touch the product; with ``runs_on``, not those that reach the ring's far side."""
    import cv2

    n, labels, stats, _ = cv2.connectedComponentsWithStats(like.astype(np.uint8), connectivity=4)
    touching = np.unique(labels[like & (cv2.dilate(skin.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)])
    kept = [i for i in touching.tolist() if i and stats[i, cv2.CC_STAT_AREA] >= LEAST_PX]
    if runs_on:
        beyond = set(np.unique(labels[like & outside]).tolist())
        kept = [i for i in kept if i not in beyond]
    chosen = np.zeros(n, np.bool_)
    chosen[kept] = True
    return np.asarray(chosen[labels])
