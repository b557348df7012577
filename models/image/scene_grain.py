"""Lays a surface's fine grain, photographed from our own renders, on the ground of a painted picture.

The scene model paints cells of some two centimetres; wood grain, weave, veins and joints are finer. ``models/training/
render_grain.py`` keeps them as ratios, and the camera says where on the ground each pixel lies.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.types import Camera, FloatPixels

FOLDER = Path(__file__).with_name("grain")
SPANS_M = {"white_marble": 2.0, "black_marble": 2.0, "green_marble": 2.0}  # these four as in render_grain.py
SPAN_M = 0.9
STEP = 0.02
LEVELS = 6  # each half as sharp as the one before
SHARP_REACH_M = 0.45  # beyond the standing point the lens goes soft, and so does the grain


@lru_cache(maxsize=16)
def pyramid(surface: str) -> tuple[NDArray[np.float32], ...]:
    """The swatch (N, N) as ratios minus one, ever more blurred; empty when the surface has none."""
    path = FOLDER / f"{surface}.webp"
    if not path.exists():
        return ()
    with Image.open(path) as image:
        ratio = np.expm1((np.asarray(image.convert("L"), dtype=np.float32) - 128) * STEP)
    return (ratio, *(cv2.GaussianBlur(ratio, (0, 0), 0.5 * 2**level).astype(np.float32) for level in range(1, LEVELS)))


def lay_grain(
    linear: FloatPixels, camera: Camera, ground: NDArray[np.float32], surface: str, floor_z: float, seed: int
) -> FloatPixels:
    """The picture with its ground's grain.

    Args:
        linear: (H, W, 3) scene-linear.
        camera: of this picture.
        ground: (H, W) 0 to 1, how much of each pixel is floor.
        surface: a value of the attribute ``surface``; one without a swatch changes nothing.
        floor_z: height of the floor, metres.
        seed: shifts the swatch.

    Returns:
        (H, W, 3) scene-linear.
    """
    levels = pyramid(surface)
    if not levels:
        return linear
    x, y, footprint = _on_ground(camera, floor_z)
    span = SPANS_M.get(surface, SPAN_M)
    texel = span / levels[0].shape[0]
    wanted = np.clip(np.log2(np.maximum(footprint / texel, 1e-3)), 0, LEVELS - 1)
    shift = np.random.default_rng([seed, 11]).uniform(0.4, 0.6, 2) * span  # near its middle
    u, v = (_folded((c + s) / span, levels[0].shape[0]) for c, s in zip((x, y), shift, strict=True))
    detail = np.zeros(x.shape, np.float32)
    for i, level in enumerate(levels):
        share = np.clip(1 - np.abs(wanted - i), 0, 1).astype(np.float32)
        if share.any():
            detail += share * cv2.remap(level, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    soft = np.exp(-((np.abs(y) / SHARP_REACH_M) ** 2)).astype(np.float32)
    factor = 1 + detail * soft * ground
    return np.asarray(linear * np.maximum(factor, 0.1)[..., None], dtype=np.float32)


def _on_ground(camera: Camera, floor_z: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where each pixel meets the floor (x, y metres), and how long a pixel is there; far away above the horizon."""
    width, height = camera.size_px
    u = (np.arange(width) - camera.centre_px[0]) / camera.focal_px[0]
    v = (np.arange(height) - camera.centre_px[1]) / camera.focal_px[1]
    uu, vv = np.meshgrid(u, v)
    ray = np.stack([uu, vv, np.ones_like(uu)], axis=-1) @ camera.rotation
    position = camera.position
    t = np.where(ray[..., 2] < -1e-4, (floor_z - position[2]) / np.minimum(ray[..., 2], -1e-4), 1e3)
    slant = -ray[..., 2] / np.linalg.norm(ray, axis=-1)
    footprint = t / camera.focal_px[0] / np.maximum(slant, 0.02) ** 0.6
    return position[0] + t * ray[..., 0], position[1] + t * ray[..., 1], footprint


def _folded(spans: NDArray[np.float64], n: int) -> NDArray[np.float32]:
    """Swatch coordinate in pixels from one in swatches, mirrored at every edge so that no seam shows."""
    phase = np.mod(spans, 2.0)
    return np.asarray(np.where(phase > 1, 2 - phase, phase) * (n - 1), dtype=np.float32)
