"""Makes the place as sharp as the product beside it: an enlarged place is sharpened, a crisp one softened a little.

How blurred an edge is can be read from what another, known blur does to it; the product is measured, never changed.
Source of the measure: Zhuo and Sim, "Defocus map estimation from a single image", 2011.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.types import Alpha, BytePixels

KNOWN_BLUR = 1.0  # px, laid over both to compare
SHARPEST, SOFTEST = 0.45, 2.5  # px; nothing sampled is sharper, and beyond it is defocus, not softness
TOLERANCE = 0.12  # px of blur that nobody sees
MOST_SHARPENING = 1.1  # of the detail that is added; more rings
MOST_SOFTENING = 0.8  # px
FLAT, STEEP = 1.5, 5.0  # levels a pixel at half size: a slow gradient, an edge in focus
_STRONG = 0.985  # quantile of gradients that count as edges
_LEAST_EDGES = 60


def edge_blur(picture: BytePixels, inside: NDArray[np.bool_]) -> float | None:
    """Standard deviation of the blur of a picture's crispest edges, px; None where there are too few edges.

    Args:
        picture: (H, W, 3) sRGB.
        inside: (H, W) where to look; two pixels beside its border are left out.
    """
    grey = pixels.luma(picture)
    again = np.asarray(cv2.GaussianBlur(grey, (0, 0), KNOWN_BLUR), dtype=np.float32)
    first, second = _gradient(grey), _gradient(again)
    look = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if look.sum() < 400:
        return None
    least = max(float(np.quantile(first[look], _STRONG)), 6.0)
    at = look & (first >= least)
    if at.sum() < _LEAST_EDGES:
        return None
    ratio = first[at] / np.maximum(second[at], 1e-3)
    crisp = float(np.quantile(ratio, 0.75))
    blur = KNOWN_BLUR / np.sqrt(max(crisp * crisp - 1.0, 1e-3))
    return float(np.clip(blur, SHARPEST, SOFTEST))


def match(picture: BytePixels, covered: Alpha, product: BytePixels, alpha: Alpha) -> BytePixels:
    """The place, as sharp as the product.

    Args:
        picture: (H, W, 3) the place; the product is laid in afterwards.
        covered: (H, W) where products will stand.
        product: (h, w, 3) at its final size.
        alpha: (h, w) of it.
    """
    wanted = edge_blur(product, alpha > 0.98)
    here = edge_blur(*_sharpest_part(picture, covered))
    if wanted is None or here is None or abs(here - wanted) <= TOLERANCE:
        return picture
    if here > wanted:
        return _sharpened(picture, here, wanted)
    sigma = min(float(np.sqrt(wanted**2 - here**2)), MOST_SOFTENING)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8) if sigma > 0.3 else picture


def _sharpened(picture: BytePixels, here: float, wanted: float) -> BytePixels:
    """Unsharp masking with the place's own blur, so much that its edges get as steep as the product's.

    Only where there are edges: in what lies out of focus it would find nothing but the render's own noise.
    """
    amount = min(here / max(wanted, SHARPEST) - 1.0, MOST_SHARPENING)
    soft = cv2.GaussianBlur(picture, (0, 0), float(np.clip(here, 0.6, 1.6)))
    crisp = cv2.addWeighted(picture, 1.0 + amount, soft, -amount, 0.0)
    share = _edges(picture)[..., None]
    return np.asarray(picture + (crisp.astype(np.float32) - picture) * share, np.float32).round().astype(np.uint8)


def _edges(picture: BytePixels) -> NDArray[np.float32]:
    """(H, W) 0 to 1: how surely something in focus is near, judged at half size with grain blurred away."""
    height, width = picture.shape[:2]
    half = (max(8, width // 2), max(8, height // 2))
    grey = cv2.GaussianBlur(cv2.resize(pixels.luma(picture), half, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    steep = _gradient(np.asarray(grey, np.float32)) / 8.0  # levels a pixel, at half size
    near = cv2.dilate(steep, np.ones((7, 7), np.uint8))
    share = np.clip((near - FLAT) / (STEEP - FLAT), 0.0, 1.0)
    return np.asarray(cv2.resize(cv2.GaussianBlur(share, (0, 0), 2.0), (width, height)), dtype=np.float32)


def _sharpest_part(picture: BytePixels, covered: Alpha) -> tuple[BytePixels, NDArray[np.bool_]]:
    """The band around the product's foot: where a photographer has the focus."""
    rows = np.flatnonzero(covered.max(axis=1) > 0.5)
    height = picture.shape[0]
    if len(rows) == 0:
        return picture, np.ones(picture.shape[:2], np.bool_)
    foot = int(rows[-1])
    top, bottom = max(foot - height // 6, 0), min(foot + height // 8, height)
    return picture[top:bottom], covered[top:bottom] < 0.02


def _gradient(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(cv2.magnitude(across, down), dtype=np.float32)
