"""The outline on which a product stands, read from the bottom edge of its own silhouette.

A box must sit on its corner and a bowl on its curve; one ellipse for all makes boxes float.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.types import Alpha, Camera

N_POINTS = 16  # of the front half, and again of the back half
THIN_DEPTH = 0.9  # of the width; too deep paints dirt in front of the product, too thin is hardly seen
DEEPEST = 1.15  # a raw outline of a mismatched photograph can claim more than any footprint has

Outline = NDArray[np.float64]  # (2 * N_POINTS, 2): x and y in units of the half width, counter-clockwise from the left


def ellipse(depth: float = THIN_DEPTH) -> Outline:
    """The fallback: an ellipse ``depth`` times as deep as it is wide."""
    angle = np.linspace(np.pi, 3 * np.pi, 2 * N_POINTS, endpoint=False)
    return np.column_stack([np.cos(angle), depth * np.sin(angle)])


def outline(alpha: Alpha, camera: Camera, base_m: tuple[float, float], half_width_m: float) -> tuple[Outline, float]:
    """Lay the silhouette's bottom edge on the ground: front half as seen, back half by point symmetry.

    Args:
        alpha: (H, W) in the camera's picture.
        camera: of the picture that alpha lies in.
        base_m: centre of the base on the ground, metres.
        half_width_m: half the base's width, metres.

    Returns:
        Outline in units of the half width, around its own middle, the ellipse when the edge cannot be read; and how far
        behind the base's assumed centre that middle lies, in half widths.
    """
    solid = alpha > 0.5
    height, width = solid.shape
    across = np.linspace(-0.985, 0.985, N_POINTS)
    at = np.column_stack([base_m[0] + across * half_width_m, np.full(N_POINTS, base_m[1]), np.zeros(N_POINTS)])
    columns = np.rint(camera.project(at)[:, 0])
    if not np.isfinite(columns).all() or columns[0] < 0 or columns[-1] >= width or columns[-1] - columns[0] < N_POINTS:
        return ellipse(), 0.0
    picked = solid[::-1, columns.astype(np.intp)]
    if not picked.any(axis=0).all():
        return ellipse(), 0.0
    rows = height - 0.5 - np.argmax(picked, axis=0)  # lower edge of the lowest pixel
    ground = np.linalg.inv(camera.ground_homography()) @ np.stack([columns, rows, np.ones(N_POINTS)])
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (ground[1] / ground[2] - base_m[1]) / half_width_m
    if not np.isfinite(depth).all():
        return ellipse(), 0.0
    return _closed(depth)


def _closed(depth: NDArray[np.float64]) -> tuple[Outline, float]:
    """Front depths, (N_POINTS,) in half widths, to a closed, smoothed, clamped outline and the shift of its middle."""
    front = np.clip(depth, -DEEPEST, THIN_DEPTH)
    front = np.minimum(front, max(front[0], front[-1]))  # nothing in between lies behind both ends
    padded = np.concatenate([front[:1], front, front[-1:]])
    front = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    if front.min() > -0.15:  # an eye-level photograph shows no curve at all
        return ellipse(), 0.0
    middle = float(front[0] + front[-1]) / 2  # a box's left and right corner lie opposite each other
    shift = middle if middle > -0.1 and front[0] != front[-1] else 0.0
    front = front - shift
    across = np.linspace(-1.0, 1.0, N_POINTS)
    return np.column_stack([np.concatenate([across, -across]), np.concatenate([front, -front])]), shift
