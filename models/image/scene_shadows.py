"""Shadows that geometry knows better than a small model: window bars, leaves, and the podium's own.

The picture is painted in even light; here every pixel's place in the world says how much of the key light reaches it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.layout import BACK, FLOOR, Solid

SCREEN_M = 4.0  # a shadow screen spans so much, its middle on the line from the standing point to the light
SCREEN_PX = 640
OUTSIDE_WINDOW = 0.0


def window_screen(rng: Generator, blur_m: float) -> NDArray[np.float32]:
    """(N, N) light through a window of panes; the standing point lies in the middle of one."""
    pane = np.array([rng.uniform(0.26, 0.36), rng.uniform(0.28, 0.40)])
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    bar = rng.uniform(0.03, 0.045)
    first = -(np.array([int(rng.integers(columns)), int(rng.integers(rows))]) + 0.5) * pane  # of the window, metres
    screen = np.full((SCREEN_PX, SCREEN_PX), OUTSIDE_WINDOW, np.float32)
    for c in range(columns):
        for r in range(rows):
            low = first + pane * (c, r) + bar / 2
            high = first + pane * (c + 1, r + 1) - bar / 2
            a, b = (tuple(int(v) for v in np.round(_pixel(p))) for p in (low, high))
            cv2.rectangle(screen, a, b, 1.0, -1)
    return cv2.GaussianBlur(screen, (0, 0), blur_m / SCREEN_M * SCREEN_PX).astype(np.float32)


def leaf_screen(rng: Generator, blur_m: float) -> NDArray[np.float32]:
    """(N, N) light through leaves; the standing point stays lit."""
    screen = np.ones((SCREEN_PX, SCREEN_PX), np.float32)
    for _ in range(240):
        centre = rng.uniform(-1.6, 1.6, 2)
        length, slim = rng.uniform(0.05, 0.13), rng.uniform(0.25, 0.5)
        if math.hypot(*centre) < 0.13 + length:
            continue
        axes = tuple(max(1, int(v / SCREEN_M * SCREEN_PX)) for v in (length, length * slim))
        x, y = (int(v) for v in _pixel(centre))
        cv2.ellipse(screen, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.0, 0.25)), -1)
    return cv2.GaussianBlur(screen, (0, 0), blur_m / SCREEN_M * SCREEN_PX).astype(np.float32)


def through(
    screen: NDArray[np.float32], points: NDArray[np.float64], toward: NDArray[np.float64]
) -> NDArray[np.float32]:
    """How much light passes the screen on its way to each point.

    Args:
        screen: (N, N), square to the light.
        points: (H, W, 3) metres.
        toward: (3,) unit vector to the light.
    """
    across = np.cross([0.0, 0.0, 1.0], toward)
    across /= np.linalg.norm(across)
    up = np.cross(toward, across)
    place = _pixel(np.stack([points @ across, points @ up], axis=-1)).astype(np.float32)
    return np.asarray(
        cv2.remap(screen, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def podium_shadow(
    solids: Sequence[Solid],
    outlines: Sequence[NDArray[np.float64]],
    points: NDArray[np.float64],
    toward: NDArray[np.float64],
    blur_m: float,
) -> NDArray[np.float32]:
    """(H, W) light that the podium leaves to each point, taken as lying on the floor.

    Args:
        solids: podium blocks.
        outlines: (N, 2) of each block, metres.
        points: (H, W, 3) metres.
        toward: (3,) unit vector to the light.
        blur_m: half-shadow at the far end; a quarter of it is used beside the podium.
    """
    ground = np.ones((SCREEN_PX, SCREEN_PX), np.float32)
    for solid, outline in zip(solids, outlines, strict=True):
        shift = -toward[:2] / max(float(toward[2]), 0.15) * (solid.top - min(s.bottom for s in solids))
        hull = cv2.convexHull(_pixel(np.vstack([outline, outline + shift])).astype(np.float32)).astype(np.int32)
        cv2.fillConvexPoly(ground, hull, 0.0)
    soft = cv2.GaussianBlur(ground, (0, 0), max(0.5 * blur_m / SCREEN_M * SCREEN_PX, 0.6)).astype(np.float32)
    place = _pixel(points[..., :2]).astype(np.float32)
    return np.asarray(cv2.remap(soft, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def contact_shade(label: NDArray[np.int64], reach_px: float, depth: float) -> NDArray[np.float32]:
    """(H, W) how much ambient light reaches the floor beside a podium: 1 far away, 1 - depth at its foot."""
    stands = (label != FLOOR) & (label != BACK)
    if not stands.any():
        return np.ones(label.shape, np.float32)
    away = cv2.distanceTransform((~stands).astype(np.uint8), cv2.DIST_L2, 3)
    return np.where(label == FLOOR, 1 - depth * np.exp(-away / reach_px), 1.0).astype(np.float32)


def _pixel(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((np.asarray(metres) / SCREEN_M + 0.5) * SCREEN_PX - 0.5)
