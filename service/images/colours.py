"""Colour for words: contrast as WCAG measures it, inks and papers in the scene's own hue, the accent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import Brand

BytePixels = NDArray[np.uint8]  # (H, W, 3) sRGB
Alpha = NDArray[np.float32]  # (H, W), 0 scene, 1 product
Box = tuple[float, float, float, float]  # left, top, right, bottom, px, right and bottom just outside
Rgb = tuple[int, int, int]

CONTRAST_FLOOR = 4.5  # WCAG 2.2 success criterion 1.4.3, normal text
WORST_SHARE = 0.02  # of the pixels behind a text may be worse than the contrast we state
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)


def luminance(colour: Sequence[float] | NDArray[np.float32]) -> Any:
    """WCAG relative luminance of sRGB 0 to 255; the last axis is the colour."""
    value = np.asarray(colour, dtype=np.float64) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """WCAG 2.2 contrast ratio of two sRGB colours, 1 to 21."""
    a, b = float(luminance(one)), float(luminance(other))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def measured_contrast(ink: Rgb, ground: NDArray[np.float32], around: NDArray[np.bool_]) -> float:
    """Contrast of an ink with the pixels behind and right around its letters; 2 % of them may be worse.

    Args:
        ground: (h, w, 3) sRGB 0 to 255, without the letters.
        around: (h, w) the letters and ``HALO_PX`` around them.
    """
    if not around.any():
        return 21.0
    behind = luminance(ground[around])
    own = float(luminance(ink))
    ratios = (np.maximum(behind, own) + 0.05) / (np.minimum(behind, own) + 0.05)
    return float(np.quantile(ratios, WORST_SHARE))


def to_lab(colour: Sequence[float]) -> tuple[float, float, float]:
    import cv2

    pixel = np.asarray([[[v / 255.0 for v in colour]]], dtype=np.float32)
    light, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0]
    return float(light), float(a), float(b)


def from_lab(light: float, a: float, b: float) -> Rgb:
    import cv2

    rgb = cv2.cvtColor(np.asarray([[[light, a, b]]], dtype=np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    red, green, blue = (int(np.clip(v * 255.0 + 0.5, 0, 255)) for v in rgb)
    return red, green, blue


def toned(tone: tuple[float, float, float], light: float, chroma: float) -> Rgb:
    """The scene's hue at a lightness, no more colourful than ``chroma``."""
    _, a, b = tone
    own = float(np.hypot(a, b))
    k = min(1.0, chroma / own) if own > 1e-6 else 0.0
    return from_lab(light, a * k, b * k)


def from_hex(text: str) -> Rgb:
    bare = text.lstrip("#")
    bare = "".join(c * 2 for c in bare) if len(bare) == 3 else bare
    return int(bare[0:2], 16), int(bare[2:4], 16), int(bare[4:6], 16)


def mean_colour(picture: BytePixels) -> tuple[float, float, float]:
    r, g, b = (float(v) for v in picture[::8, ::8].reshape(-1, 3).mean(axis=0))
    return r, g, b


def tone_behind(picture: BytePixels, box: Box) -> tuple[float, float, float]:
    """Lab of the scene behind the words."""
    left, top, right, bottom = (max(0, round(v)) for v in box)
    patch = picture[top : bottom + 1 : 4, left : right + 1 : 4].reshape(-1, 3)
    return to_lab(tuple(float(v) for v in (patch if patch.size else picture.reshape(-1, 3)).mean(axis=0)))


_DEFAULT = Brand(name="")


def inks_for(brand: Brand, tone: tuple[float, float, float]) -> tuple[Rgb, Rgb]:
    """Dark and light ink: the shop's own, or near-black and near-white with a breath of the scene's hue."""
    deep = 12.0 if tone[0] > 68 else 3.0  # a middle grey leaves room for black alone
    dark = toned(tone, deep, 7.0) if brand.ink == _DEFAULT.ink else from_hex(brand.ink)
    light = toned(tone, 98.0, 2.5) if brand.paper == _DEFAULT.paper else from_hex(brand.paper)
    return (dark, light) if luminance(dark) <= luminance(light) else (light, dark)


def paper_for(brand: Brand, tone: tuple[float, float, float], *, is_dark: bool) -> Rgb:
    """What lies under the words: pale or deep, in the scene's hue, or the shop's paper."""
    if is_dark:
        return toned(tone, min(16.0, max(7.0, tone[0] * 0.5)), 9.0)
    return toned(tone, 95.5, 6.0) if brand.paper == _DEFAULT.paper else from_hex(brand.paper)


def accent_of(brand: Brand, picture: BytePixels, alpha: Alpha) -> Rgb:
    """The shop's accent; where it is the default, the product's most common strong colour, deepened."""
    import cv2

    if brand.accent != _DEFAULT.accent:
        return from_hex(brand.accent)
    product = picture[alpha > 0.98][::7]
    if product.size:
        lab = cv2.cvtColor(product[None].astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[0]
        chroma = np.hypot(lab[:, 1], lab[:, 2])
        strong = (chroma > 9.0) & (lab[:, 0] > 8.0) & (lab[:, 0] < 58.0)  # pale colours turn to mud when darkened
        if strong.mean() > 0.05:
            hue = np.arctan2(lab[strong, 2], lab[strong, 1])
            bins = ((hue + np.pi) / (2 * np.pi) * 24).astype(int) % 24
            peak = int(np.bincount(bins, weights=chroma[strong], minlength=24).argmax())
            light, a, b = (float(v) for v in lab[strong][bins == peak].mean(axis=0))
            deep = min(max(light, 20.0), 36.0)
            keep = min(1.0, 44.0 / max(1e-6, float(np.hypot(a, b))))
            return from_lab(deep, a * keep, b * keep)
    return from_hex("#1d1d1f")


def busyness(picture: BytePixels, box: Box) -> float:
    """How restless the scene is behind the words, 0 to 1: spread and local change of lightness."""
    import cv2

    left, top, right, bottom = (max(0, round(v)) for v in box)
    patch = picture[top:bottom, left:right]
    if min(patch.shape[:2]) < 12:
        return 0.0
    small = (
        cv2.resize(patch, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) if min(patch.shape[:2]) > 16 else patch
    )
    light = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[..., 0]
    spread = float(light.std()) / 22.0
    change = float(np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()) / 5.0
    return float(min(1.0, 0.5 * spread + 0.5 * change))


def as_hex(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
