"""Blurred views behind a table: cut out of an environment map or painted, hung up as a glowing picture.

A fast lens leaves light discs of what lies far behind; here they are made once, in numpy, so that they cost no samples.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import geometry, lights
from .materials import Graph

Card = NDArray[np.float32]  # (H, W, 3) scene-linear, row 0 on top
CARD_PX = 448


def disc_blur(card: Card, radius: float) -> Card:
    """Convolution with a disc of ``radius`` px, edges mirrored: what an open round aperture does."""
    pad = math.ceil(radius) + 2
    padded = np.pad(card, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    h, w = padded.shape[:2]
    yy, xx = np.meshgrid(np.fft.fftfreq(h) * h, np.fft.fftfreq(w) * w, indexing="ij")
    kernel = np.clip(radius + 0.5 - np.hypot(yy, xx), 0, 1)
    kernel /= kernel.sum()
    blurred = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel)[..., None], s=(h, w), axes=(0, 1))
    return np.maximum(blurred[pad:-pad, pad:-pad], 0).astype(np.float32)


def read_map(name: str) -> Card:
    """An equirectangular map as (H, W, 3), row 0 at the zenith."""
    image = bpy.data.images.load(str(lights.hdri_path(name)), check_existing=True)
    w, h = image.size
    flat = np.empty(w * h * image.channels, dtype=np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(h, w, image.channels)[::-1, :, :3]


def cut(
    name: str,
    heading_deg: float,
    *,
    pitch_deg: float = 0.0,
    field_deg: float = 50.0,
    blur: float = 0.02,
    level: float = 0.45,
    highlight: float = 6.0,
    mirrored: bool = False,
    saturation: float = 1.0,
) -> Card:
    """A blurred look into an environment map.

    Args:
        heading_deg: where to look, 0 to 360 across the map from its left edge.
        field_deg: how wide the square view is.
        blur: radius of the light discs, fraction of the view's width.
        level: mean radiance of the result.
        highlight: radiance above it is cut (relative to the mean), else one lamp is all one sees.
    """
    panorama = read_map(name)
    height, width = panorama.shape[:2]
    reach = math.tan(math.radians(field_deg) / 2)
    g = ((np.arange(CARD_PX) + 0.5) / CARD_PX * 2 - 1) * reach
    xx, yy = np.meshgrid(g, -g)
    pitch = math.radians(pitch_deg)
    up, ahead = yy * math.cos(pitch) + math.sin(pitch), math.cos(pitch) - yy * math.sin(pitch)
    column = ((np.degrees(np.arctan2(xx, ahead)) + heading_deg) / 360 * width - 0.5) % width
    row = np.clip((0.5 - np.arctan2(up, np.hypot(xx, ahead)) / math.pi) * height - 0.5, 0, height - 1.001)
    c0, r0 = np.floor(column).astype(int) % width, np.floor(row).astype(int)
    c1 = (c0 + 1) % width
    fc, fr = (column - np.floor(column))[..., None], (row - r0)[..., None]
    seen = (panorama[r0, c0] * (1 - fc) + panorama[r0, c1] * fc) * (1 - fr)
    seen = seen + (panorama[r0 + 1, c0] * (1 - fc) + panorama[r0 + 1, c1] * fc) * fr
    most = float(np.nanmedian(seen)) * highlight * 2
    seen = np.clip(np.nan_to_num(seen, nan=most, posinf=most), 0, most)
    card = disc_blur(seen.astype(np.float32), blur * CARD_PX)
    grey = card.mean(axis=-1, keepdims=True)
    card = np.maximum(grey + (card - grey) * saturation, 0)
    card *= level / max(float(card.mean()), 1e-4)
    return np.ascontiguousarray(card[:, ::-1]) if mirrored else card


def ridges(seed: int, layers: int = 5) -> Card:
    """Mountain ridges, each paler than the one before it, under a clear morning sky; the eye is at the middle row."""
    rng = np.random.default_rng(seed)
    n = CARD_PX
    y = (np.arange(n) + 0.5)[:, None] / n
    low, high = np.array([0.84, 0.64, 0.46]), np.array([0.20, 0.36, 0.62])
    card = low + (high - low) * np.clip((0.52 - y) / 0.52, 0, 1)[..., None] ** 0.8 * np.ones((n, n, 1))
    near, haze = np.array([0.075, 0.095, 0.095]), np.array([0.72, 0.58, 0.48])
    grid = rng.normal(size=(3, 90, 90))
    at = np.linspace(0, 88, n)
    k0, f = np.floor(at).astype(int), at - np.floor(at)
    rough = sum(
        (grid[i][k0 // d][:, k0 // d] * (1 - f)[None] + grid[i][k0 // d][:, k0 // d + 1] * f[None]) * w
        for i, (d, w) in enumerate(((1, 0.5), (2, 0.4), (5, 0.5)))
    )
    for k in range(layers):
        t = k / max(1, layers - 1)  # 0 far, 1 near
        line = np.zeros(n)
        for octave in range(6):
            cells = int(3 * 2**octave * (0.8 + 0.5 * t))
            knots = rng.normal(size=cells + 3)
            line += np.interp(np.arange(n) / n * cells, np.arange(cells + 3), knots) / 1.9**octave
        top = 0.36 + 0.16 * t + 0.045 * (1.15 - 0.5 * t) * line
        tint = haze + (near - haze) * t**0.75
        inside = np.clip((y - top[None]) * n / 2 + 0.5, 0, 1)[..., None]
        fade = np.clip((y - top[None]) / 0.16, 0, 1)[..., None] * 0.35 * (1 - t)
        slope = (tint * (1 - fade) + haze * fade) * (1 + 0.16 * (0.3 + t) * rough[..., None])
        card = card * (1 - inside) + slope * inside
    return disc_blur(card.astype(np.float32), 0.008 * n)


def sea(seed: int) -> Card:
    """A bright sea under a summer sky, the horizon in the middle row: shallows, streaks of light, thin cloud."""
    rng = np.random.default_rng(seed)
    n = CARD_PX
    y = (np.arange(n) + 0.5)[:, None] / n

    def streaks(cells: int, stretch: float) -> NDArray[np.float64]:
        grid = rng.normal(size=(cells + 2, max(3, int(cells / stretch)) + 2))
        rows = np.linspace(0, cells, n)
        columns = np.linspace(0, grid.shape[1] - 2, n)
        i, j = np.floor(rows).astype(int), np.floor(columns).astype(int)
        a, b = (rows - i)[:, None], (columns - j)[None]
        top = grid[i][:, j] * (1 - b) + grid[i][:, j + 1] * b
        return np.asarray(top * (1 - a) + (grid[i + 1][:, j] * (1 - b) + grid[i + 1][:, j + 1] * b) * a)

    up = np.clip((0.5 - y) / 0.5, 0, 1)[..., None]
    sky = np.array([0.90, 0.95, 0.99]) * (1 - up) ** 1.6 + np.array([0.34, 0.56, 0.88]) * (1 - (1 - up) ** 1.6)
    sky = sky + 0.07 * np.clip(streaks(26, 3) + 0.6 * streaks(60, 4), 0, 3)[..., None] * (1 - up)
    near = np.clip((y - 0.5) / 0.28, 0, 1)[..., None]
    water = np.array([0.055, 0.26, 0.40]) * (1 - near) + np.array([0.30, 0.64, 0.63]) * near
    water = water * (1 + 0.20 * streaks(150, 9)[..., None] + 0.10 * streaks(320, 14)[..., None])
    glints = np.clip(streaks(230, 5) - 1.7, 0, 1)[..., None] * 1.6
    foam = np.exp(-(((y - 0.70 - 0.006 * streaks(3, 0.2)) / 0.006) ** 2))[..., None] * 0.5
    card = np.where(y[..., None] < 0.5, sky, water + glints + foam)
    return disc_blur(np.maximum(card, 0).astype(np.float32), 0.010 * n)


def hang(card: Card, y: float, *, width: float = 2.9, middle: float = 0.0, strength: float = 1.0) -> Any:
    """Put a card up at depth ``y``, facing the camera, its middle row ``middle`` metres high.

    The camera and mirrors see it; it gives no light (the world does), so it adds no noise.
    """
    h, w = card.shape[:2]
    image = bpy.data.images.new("view", w, h, float_buffer=True, alpha=False)
    image.colorspace_settings.name = "Linear Rec.709"
    rgba = np.ones((h, w, 4), dtype=np.float32)
    rgba[..., :3] = card[::-1]
    image.pixels.foreach_set(rgba.ravel())
    image.update()
    g = Graph("view")
    texture = g.nodes.new("ShaderNodeTexImage")
    texture.image, texture.interpolation, texture.extension = image, "Cubic", "EXTEND"
    g.links.new(g.uv(), texture.inputs["Vector"])
    emit = g.node("ShaderNodeEmission", Color=texture.outputs["Color"], Strength=strength)
    g.links.new(emit.outputs[0], g.nodes["Material Output"].inputs["Surface"])
    g.material.cycles.emission_sampling = "NONE"
    half = width / 2
    tall = width * h / w / 2
    made = geometry.mesh(
        [(-half, y, middle - tall), (half, y, middle - tall), (half, y, middle + tall), (-half, y, middle + tall)],
        [(0, 1, 2, 3)],
        g.material,
        uv=[(0, 0), (1, 0), (1, 1), (0, 1)],
        smooth=False,
        name="view",
    )
    made.lightgroup = "ambient"
    made.visible_diffuse = made.visible_shadow = False
    return made
