"""Blurred places behind a table, painted as small scene-linear pictures: what a fast lens would leave of them.

Half of the interiors and woods are cut out of the CC0 environment maps that ship with Blender, the rest is painted.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Card = NDArray[np.float64]  # (N, N, 3) scene-linear, row 0 at the top
SIZE = 96
PANORAMAS = {
    "interior_warm": ("interior",),
    "interior_cool": ("interior",),
    "garden": ("courtyard", "sunrise"),
    "forest": ("forest",),
}
EXPOSURE = {  # mean radiance of the finished card
    "interior_warm": 0.42,
    "interior_cool": 0.50,
    "garden": 0.42,
    "forest": 0.20,
    "city_night": 0.055,
    "window": 0.75,
    "sea": 0.55,
    "evening_sky": 0.45,
}


def blur(card: Card, sigma: float) -> Card:
    """Gaussian, edges mirrored. ``sigma`` in pixels."""
    pad = int(3 * sigma) + 1
    x = np.arange(-pad, pad + 1)
    kernel = np.exp(-0.5 * (x / max(sigma, 1e-3)) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        width = [(pad, pad) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(card, width, mode="reflect")
        n = card.shape[axis]
        card = sum(w * np.take(padded, np.arange(i, i + n), axis=axis) for i, w in enumerate(kernel))  # type: ignore[assignment]
    return card


def clouds(rng: Generator, octaves: int = 4, aspect: float = 1.0, n: int = SIZE) -> NDArray[np.float64]:
    """(n, n) smooth noise with mean 0 and spread about 1. ``aspect`` above 1 stretches it sideways."""
    total = np.zeros((n, n))
    ys, xs = np.arange(n) / n, np.arange(n) / n / aspect
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = rng.normal(size=(cells + 2, cells + 2))
        fy, fx = ys * cells, xs * cells
        iy, ix = fy.astype(int), fx.astype(int)
        ty, tx = (fy - iy)[:, None], (fx - ix)[None]
        ty, tx = ty * ty * (3 - 2 * ty), tx * tx * (3 - 2 * tx)
        a = grid[iy][:, ix] * (1 - tx) + grid[iy][:, ix + 1] * tx
        b = grid[iy + 1][:, ix] * (1 - tx) + grid[iy + 1][:, ix + 1] * tx
        total += (a * (1 - ty) + b * ty) / 2**octave
    return np.asarray(total / 0.75)


def add_discs(
    rng: Generator, card: Card, n: int, radius: float, rgbs: list[tuple[float, float, float]], power: float
) -> None:
    """Lights out of focus: even discs, brightest nowhere in particular."""
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for _ in range(n):
        x, y = rng.uniform(0, SIZE, 2)
        r = radius * rng.uniform(0.7, 1.2)
        disc = np.clip(r - np.hypot(xx - x, yy - y) + 0.5, 0, 1)[..., None]
        rgb = np.asarray(rgbs[int(rng.integers(len(rgbs)))])
        card += disc * rgb * power * rng.uniform(0.3, 1.0)


def rectangle(card: Card, left: float, top: float, right: float, bottom: float, rgb: NDArray[np.float64]) -> None:
    """Fill a box given as parts of the card."""
    box = [round(float(np.clip(v, 0, 1)) * SIZE) for v in (left, top, right, bottom)]
    card[box[1] : box[3], box[0] : box[2]] = rgb


def paint_interior(rng: Generator, is_warm: bool) -> Card:
    wall = np.array([0.62, 0.50, 0.38] if is_warm else [0.56, 0.60, 0.64]) * rng.uniform(0.7, 1.2)
    card = np.ones((SIZE, SIZE, 3)) * wall
    floor_at = rng.uniform(0.55, 0.8)
    rectangle(card, 0, floor_at, 1, 1, wall * (np.array([0.45, 0.33, 0.22]) if is_warm else np.array([0.6, 0.6, 0.62])))
    woods = [[0.25, 0.13, 0.06], [0.10, 0.05, 0.03], [0.45, 0.30, 0.17]]
    cools = [[0.30, 0.33, 0.36], [0.75, 0.76, 0.77], [0.10, 0.12, 0.15], [0.40, 0.34, 0.28]]
    for _ in range(int(rng.integers(3, 8))):
        x, w, h = rng.uniform(-0.1, 0.95), rng.uniform(0.08, 0.4), rng.uniform(0.1, 0.5)
        choices = woods if is_warm else cools
        rgb = np.array(choices[int(rng.integers(len(choices)))]) * rng.uniform(0.7, 1.3)
        base = floor_at + rng.uniform(-0.02, 0.15)
        rectangle(card, x, base - h, x + w, base, rgb)
    if rng.random() < 0.7:
        x, w = rng.uniform(0, 0.7), rng.uniform(0.12, 0.35)
        rectangle(
            card, x, 0, x + w, floor_at - rng.uniform(0.1, 0.3), np.array([2.0, 2.0, 2.0]) * (0.8 if is_warm else 1.1)
        )
    if is_warm:
        add_discs(rng, card, int(rng.integers(1, 6)), 5, [(2.6, 1.5, 0.6), (2.2, 1.6, 0.9)], 1.0)
    return blur(card * (1 + 0.08 * clouds(rng)[..., None]), rng.uniform(2.5, 6))


def paint_leaves(rng: Generator, is_forest: bool) -> Card:
    dark, light = np.array([0.02, 0.045, 0.012]), np.array([0.26, 0.38, 0.08])
    if is_forest:
        light = np.array([0.14, 0.22, 0.05])
    mix = np.clip(0.45 + 0.35 * clouds(rng, 5), 0, 1)[..., None]
    card = dark + (light - dark) * mix**1.5
    yy = np.linspace(0, 1, SIZE)[:, None, None]
    if is_forest:
        for _ in range(int(rng.integers(3, 9))):
            x, w = rng.uniform(0, 1), rng.uniform(0.01, 0.05)
            rectangle(card, x, 0, x + w, 1, np.array([0.06, 0.045, 0.03]) * rng.uniform(0.5, 1.6))
        card = card + np.array([0.30, 0.36, 0.18]) * np.clip(1 - yy / rng.uniform(0.3, 0.7), 0, 1) * rng.uniform(
            0.3, 1.0
        )
    else:
        card = card + np.array([0.75, 0.85, 0.85]) * np.clip(1 - yy / rng.uniform(0.2, 0.6), 0, 1) ** 1.5
    add_discs(rng, card, int(rng.integers(6, 26)), 3.5, [(0.7, 0.9, 0.25), (1.0, 1.0, 0.55), (0.4, 0.7, 0.15)], 0.7)
    return blur(card, rng.uniform(1.8, 4.5))


def paint_city(rng: Generator) -> Card:
    yy = np.linspace(0, 1, SIZE)[:, None, None]
    card = np.array([0.012, 0.016, 0.035]) + np.array([0.02, 0.018, 0.03]) * yy * np.ones((SIZE, SIZE, 1))
    for _ in range(int(rng.integers(3, 8))):
        x, w, top = rng.uniform(-0.1, 1), rng.uniform(0.08, 0.25), rng.uniform(0.0, 0.5)
        rectangle(card, x, top, x + w, 1, np.array([0.02, 0.022, 0.035]) * rng.uniform(0.5, 2.5))
    card = blur(card, 3)
    lights = [
        (1.0, 0.55, 0.18),
        (1.0, 0.75, 0.4),
        (0.9, 0.9, 1.0),
        (1.0, 0.16, 0.08),
        (0.25, 0.5, 1.0),
        (1.0, 0.4, 0.1),
    ]
    add_discs(rng, card, int(rng.integers(22, 50)), rng.uniform(2.5, 5.0), lights, 0.9)
    return blur(card, 0.9)


def paint_window(rng: Generator) -> Card:
    wall = np.array([0.55, 0.53, 0.50]) * rng.uniform(0.6, 1.1)
    card = np.ones((SIZE, SIZE, 3)) * wall
    left, width = rng.uniform(-0.1, 0.35), rng.uniform(0.5, 0.95)
    top, bottom = rng.uniform(-0.2, 0.1), rng.uniform(0.6, 0.95)
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    view = np.array([1.9, 2.0, 2.1]) * rng.uniform(0.7, 1.1)
    bar = rng.uniform(0.012, 0.03)
    for c in range(columns):
        for r in range(rows):
            x0, x1 = left + width * c / columns + bar, left + width * (c + 1) / columns - bar
            y0, y1 = top + (bottom - top) * r / rows + bar, top + (bottom - top) * (r + 1) / rows - bar
            tint = np.array([0.65, 0.95, 0.55]) if r == rows - 1 and rng.random() < 0.6 else np.ones(3)
            rectangle(card, x0, y0, x1, y1, view * tint * rng.uniform(0.85, 1.1))
    return blur(card, rng.uniform(1.2, 2.6))


def paint_sea(rng: Generator, horizon: float) -> Card:
    yy = np.linspace(0, 1, SIZE)[:, None, None]
    up = np.clip((horizon - yy) / max(horizon, 0.2), 0, 1)
    sky = np.array([0.75, 0.86, 0.95]) * (1 - up) + np.array([0.30, 0.52, 0.85]) * up
    sky = sky + 0.10 * np.clip(clouds(rng, 4, 3.0), 0, 2)[..., None]
    down = np.clip((yy - horizon) / 0.5, 0, 1)
    water = np.array([0.10, 0.36, 0.50]) * (1 - down) + np.array([0.22, 0.55, 0.60]) * down
    water = water * (1 + 0.12 * clouds(rng, 5, 5.0)[..., None])
    card = np.where(yy < horizon, sky, water)
    add_discs(rng, card, int(rng.integers(0, 12)), 2.5, [(1.0, 1.0, 1.0)], 0.35)
    return blur(card, rng.uniform(1.2, 2.6))


def paint_evening(rng: Generator, horizon: float) -> Card:
    yy = np.linspace(0, 1, SIZE)[:, None, None]
    up = np.clip((horizon - yy) / max(horizon, 0.35), 0, 1)
    low, middle, high = np.array([1.5, 0.62, 0.20]), np.array([0.85, 0.40, 0.40]), np.array([0.24, 0.25, 0.48])
    sky = np.where(up < 0.45, low + (middle - low) * up / 0.45, middle + (high - middle) * (up - 0.45) / 0.55)
    sky = sky * (1 + 0.14 * clouds(rng, 4, 4.0)[..., None])
    land = np.array([0.16, 0.09, 0.07]) * (1 + 0.3 * clouds(rng, 4)[..., None])
    card = np.where(yy < horizon, sky, land)
    if rng.random() < 0.5:
        x = rng.uniform(0.1, 0.9) * SIZE
        y = (horizon - rng.uniform(0.03, 0.15)) * SIZE
        gy, gx = np.mgrid[:SIZE, :SIZE]
        card = card + np.clip(6 - np.hypot(gx - x, gy - y), 0, 1)[..., None] * np.array([4.0, 2.6, 1.1])
    return blur(card, rng.uniform(1.8, 4))


def cut_panorama(rng: Generator, panorama: Card) -> Card:
    """A 55-degree view of an equirectangular picture, at a random heading, blurred."""
    height, width = panorama.shape[:2]
    yaw, pitch = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(-12, 6))
    g = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    xx, yy = np.meshgrid(g * np.tan(np.radians(27.5)), -g * np.tan(np.radians(27.5)))
    up = yy * np.cos(pitch) + np.sin(pitch)
    ahead = np.cos(pitch) - yy * np.sin(pitch)
    heading = np.arctan2(xx, ahead) + yaw
    elevation = np.arctan2(up, np.hypot(xx, ahead))
    column = (heading / (2 * np.pi) * width).astype(int) % width
    row = np.clip(((0.5 - elevation / np.pi) * height).astype(int), 0, height - 1)
    return blur(np.minimum(panorama[row, column], 6.0), rng.uniform(2.0, 4.5))


def paint(rng: Generator, kind: str, horizon: float, panoramas: dict[str, Card]) -> Card:
    """A card of ``kind``, exposed.

    Args:
        kind: a value of the attribute ``back``.
        horizon: where the camera's own height lies on the card, parts of its height from the top.
        panoramas: equirectangular scene-linear pictures by name.
    """
    sources = [name for name in PANORAMAS.get(kind, ()) if name in panoramas]
    if sources and rng.random() < 0.5:
        card = cut_panorama(rng, panoramas[sources[int(rng.integers(len(sources)))]])
    elif kind.startswith("interior"):
        card = paint_interior(rng, kind.endswith("warm"))
    elif kind in ("garden", "forest"):
        card = paint_leaves(rng, kind == "forest")
    elif kind == "city_night":
        card = paint_city(rng)
    elif kind == "window":
        card = paint_window(rng)
    elif kind == "sea":
        card = paint_sea(rng, horizon)
    else:
        card = paint_evening(rng, horizon)
    if kind == "interior_cool":
        grey = card.mean(axis=-1, keepdims=True)
        card = (0.4 * card + 0.6 * grey) * np.array([0.92, 1.0, 1.08])
    if rng.random() < 0.5:
        card = card[:, ::-1]
    mean = max(float(card.mean()), 1e-4)
    wanted = EXPOSURE[kind] * rng.uniform(0.8, 1.25)
    return np.asarray(card * min(wanted / mean, 3.0), dtype=np.float64)
