"""What a plate is on disk, and how linear layers become it. Only numpy and Pillow: no renderer in here.

A plate is a folder with
``picture.webp`` display-referred sRGB, ``key.webp`` key share (RGB, 1/4 of the size), ``specular.webp`` shiny part as a
fraction of the linear picture (RGB, 1/2 of the size), ``depth.png`` 16-bit inverse depth along the optical axis (1/4),
and ``plate.json`` with everything a ``models.types.Backdrop`` needs in numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.float32]

BRIGHTEST_LINEAR = 10.0  # what reaches display 1.0
CONTRAST = 1.16  # above 1: a slight toe
SHOULDER = 0.96  # below 1: highlights roll off sooner
MID_IN, MID_OUT = 0.18, 0.185  # scene-linear mid grey, and the linear light it is shown with
N_KNOTS = 112
PICTURE_BYTES = 260 * 1024


def luminance(rgb: Floats) -> Floats:
    """Rec. 709 luminance, (..., 3) to (...)."""
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32), dtype=np.float32)


def display_knots() -> tuple[Floats, Floats]:
    """Our film-like display curve: (linear, display), each (N,), strictly rising from (0, 0) to (BRIGHTEST_LINEAR, 1).

    One curve for all three channels, so that it can be inverted. Shape: ``x^a / (b x^(a d) + c)``, then sRGB encoding.
    Source: T. Lottes, "Advanced Techniques and Optimization of HDR Color Pipelines", GDC 2016.
    """
    a, d, top = CONTRAST, SHOULDER, BRIGHTEST_LINEAR
    spread = (top ** (a * d) - MID_IN ** (a * d)) * MID_OUT
    b = (top**a * MID_OUT - MID_IN**a) / spread
    c = (top ** (a * d) * MID_IN**a - top**a * MID_IN ** (a * d) * MID_OUT) / spread
    x = np.concatenate([[0.0], np.geomspace(1e-5, top, 6000)])
    y = np.clip(x**a / (x ** (a * d) * b + c), 0.0, 1.0)
    shown = np.where(y <= 0.0031308, y * 12.92, 1.055 * np.maximum(y, 1e-9) ** (1 / 2.4) - 0.055)
    shown /= shown[-1]
    display = np.linspace(0.0, 1.0, N_KNOTS)
    linear = np.interp(display, shown, x)
    linear[0], linear[-1] = 0.0, top
    return linear.astype(np.float32), display.astype(np.float32)


def shrink(picture: Floats, factor: int) -> Floats:
    """Area mean over ``factor`` x ``factor`` blocks; the size must divide."""
    h, w = picture.shape[0] // factor, picture.shape[1] // factor
    return picture.reshape(h, factor, w, factor, *picture.shape[2:]).mean(axis=(1, 3))


def resize(picture: Floats, size: tuple[int, int]) -> Floats:
    """(H, W[, 3]) float32 to (width, height) by Lanczos, channel by channel."""
    planes = [picture] if picture.ndim == 2 else [picture[..., k] for k in range(picture.shape[2])]
    done = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(p, dtype=np.float32), "F").resize(size, Image.Resampling.LANCZOS)
        )
        for p in planes
    ]
    return done[0] if picture.ndim == 2 else np.stack(done, axis=-1)


def box_mean(plane: Floats, radius: int) -> Floats:
    """Mean over a (2 radius + 1) square, edges repeated."""
    n = 2 * radius + 1
    padded = np.pad(plane.astype(np.float64), radius + 1, mode="edge")[:-1, :-1]
    sums = padded.cumsum(0).cumsum(1)
    return ((sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / (n * n)).astype(np.float32)


def guided(plane: Floats, guide: Floats, radius: int, epsilon: float) -> Floats:
    """Smooth ``plane`` but keep the edges of ``guide``. Source: He, Sun and Tang, "Guided Image Filtering", 2010."""
    mean_g, mean_p = box_mean(guide, radius), box_mean(plane, radius)
    variance = box_mean(guide * guide, radius) - mean_g * mean_g
    covariance = box_mean(guide * plane, radius) - mean_g * mean_p
    slope = covariance / (variance + epsilon)
    return box_mean(slope, radius) * guide + box_mean(mean_p - slope * mean_g, radius)


def smooth(layer: Floats, picture: Floats, radius: int, epsilon: float = 2e-4) -> Floats:
    """Take noise out of a 0..1 layer (H, W, 3), guided by the clean picture's brightness."""
    guide = np.sqrt(np.clip(luminance(picture), 0.0, 1.0))
    return np.clip(np.stack([guided(layer[..., k], guide, radius, epsilon) for k in range(3)], axis=-1), 0.0, 1.0)


def dominant_colours(shown: NDArray[np.uint8], count: int = 5) -> list[str]:
    """The picture's main colours as hex, largest area first (median cut on a small copy)."""
    small = (
        Image.fromarray(shown)
        .resize((96, 96), Image.Resampling.BOX)
        .quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=3)
    )
    table = small.getpalette() or []
    found = sorted(small.getcolors() or [], reverse=True)
    return ["#" + "".join(f"{v:02x}" for v in table[3 * index : 3 * index + 3]) for _, index in found]


def display_bytes(linear: Floats) -> NDArray[np.uint8]:
    """Scene-linear to sRGB bytes by our curve."""
    xs, ys = display_knots()
    return np.asarray(np.round(np.interp(np.maximum(linear, 0), xs, ys) * 255), dtype=np.uint8)


def exposure_for(zone_luminance: float, brightness: float) -> float:
    """Factor on scene-linear so that the product's place is shown at ``brightness`` (display 0 to 1)."""
    xs, ys = display_knots()
    return float(np.interp(brightness, ys, xs)) / max(zone_luminance, 1e-6)


def write_layers(
    layers: Mapping[str, Floats], folder: Path, *, size_px: int, exposure: float, quality: int = 95
) -> list[str]:
    """Write the four pictures of a plate; returns its palette.

    Args:
        layers: passes of ``blender.render.render_layers``, square, scene-linear.
        exposure: factor on all of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rendered = layers["Combined"].shape[0]
    linear = np.maximum(layers["Combined"], 0) * exposure
    xs, ys = display_knots()
    shown = np.interp(linear, xs, ys).astype(np.float32)
    if rendered != size_px:
        shown = resize(shown, (size_px, size_px))
    image = Image.fromarray(np.asarray(np.round(np.clip(shown, 0, 1) * 255), dtype=np.uint8))
    if rendered < size_px:  # give back some of the acuity that enlarging takes; the render is free of noise
        image = image.filter(ImageFilter.UnsharpMask(radius=1.5, percent=70, threshold=0))
    for lower in (0, 4, 8, 13, 20, 28):  # busy pictures (terrazzo, leaves) may not weigh more than PICTURE_BYTES
        image.save(folder / "picture.webp", quality=quality - lower, method=6)
        if (folder / "picture.webp").stat().st_size <= PICTURE_BYTES:
            break

    quarter = size_px // 4
    clean = resize(linear, (quarter, quarter))
    key, ambient = (np.maximum(_area(layers[f"Combined_{group}"], quarter), 0) for group in ("key", "ambient"))
    share = smooth(key / np.maximum(key + ambient, 1e-6), clean, 2)
    Image.fromarray(np.asarray(np.round(share * 255), dtype=np.uint8)).save(folder / "key.webp", quality=84, method=6)

    half = size_px // 2
    shiny = (layers["Glossy Direct"] + layers["Glossy Indirect"]) * layers["Glossy Color"]
    combined = np.maximum(_area(layers["Combined"], half), 1e-6)
    fraction = smooth(np.clip(_area(np.maximum(shiny, 0), half) / combined, 0, 1), resize(linear, (half, half)), 3)
    Image.fromarray(np.asarray(np.round(fraction * 255), dtype=np.uint8)).save(
        folder / "specular.webp", quality=70, method=6
    )

    depth = _area(np.minimum(layers["Depth"], 1e4), quarter)
    near = float(depth.min())
    steps = np.round(near / depth * 4095).astype(np.uint16) * 16
    Image.fromarray(steps).save(folder / "depth.png", optimize=True)
    return dominant_colours(np.asarray(image))


def nearest_depth(layers: Mapping[str, Floats], size_px: int) -> float:
    """Metres: the scale of ``depth.png`` (value 65520 is this near, half the value twice as far)."""
    return float(_area(np.minimum(layers["Depth"], 1e4), size_px // 4).min())


def _area(picture: Floats, size: int) -> Floats:
    """Down to ``size`` square by area mean (blocks where it divides, else Pillow's box filter)."""
    if picture.shape[0] % size == 0:
        return shrink(picture, picture.shape[0] // size)
    planes = [picture] if picture.ndim == 2 else [picture[..., k] for k in range(picture.shape[2])]
    done = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(p, dtype=np.float32), "F").resize((size, size), Image.Resampling.BOX)
        )
        for p in planes
    ]
    return done[0] if picture.ndim == 2 else np.stack(done, axis=-1)


def write_numbers(folder: Path, numbers: Mapping[str, Any]) -> None:
    """``plate.json``, short numbers, one key a line."""

    def short(value: Any) -> Any:
        if isinstance(value, (np.floating, float)):
            return float(f"{float(value):.6g}")
        if isinstance(value, np.ndarray):
            return short(value.tolist())
        if isinstance(value, (list, tuple)):
            return [short(v) for v in value]
        if isinstance(value, Mapping):
            return {k: short(v) for k, v in value.items()}
        return value

    rows = [f"  {json.dumps(key)}: {json.dumps(short(value), ensure_ascii=False)}" for key, value in numbers.items()]
    (folder / "plate.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
