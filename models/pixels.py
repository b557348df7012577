"""Arithmetic on pictures that every part of this room shares: sRGB, linear light, CIELAB, resizing.

Pictures are (H, W, 3). Bytes are sRGB-encoded, 0 to 255; linear light is float32, 0 to 1.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .types import Alpha, BytePixels, DisplayCurve, FloatPixels

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709 weights, for linear light
LUMA_ENCODED = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601 weights, for encoded values

_ENCODE_STEPS = 8192  # evenly spaced in the square root of light

Box = tuple[float, float, float, float]  # left, top, right, bottom, pixel edges


@functools.cache
def _srgb_table() -> NDArray[np.float32]:
    """(256,) linear light of every byte value. Source: IEC 61966-2-1."""
    v = np.arange(256) / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_linear(picture: BytePixels) -> FloatPixels:
    """sRGB bytes to linear light, 0 to 1."""
    return _srgb_table()[picture]


def to_srgb(linear: FloatPixels) -> BytePixels:
    """Linear light, clipped to 0..1, to sRGB bytes."""
    v = np.clip(linear, 0.0, 1.0)
    encoded = np.where(v <= 0.0031308, v * 12.92, 1.055 * np.power(v, 1 / 2.4) - 0.055)
    return to_bytes(encoded.astype(np.float32))


def to_bytes(display: FloatPixels) -> BytePixels:
    """Encoded values 0..1 to bytes, rounded to nearest."""
    return np.asarray(np.clip(display * 255.0 + 0.5, 0.0, 255.0)).astype(np.uint8)


def to_lab(picture: BytePixels) -> FloatPixels:
    """sRGB bytes to CIELAB under D65: L 0 to 100, a and b about -100 to 100."""
    import cv2  # here and below: reading a photograph must not cost loading OpenCV

    scaled = np.ascontiguousarray(picture, dtype=np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab), dtype=np.float32)


def luma(picture: BytePixels) -> NDArray[np.float32]:
    """(H, W) brightness of encoded values, 0 to 255."""
    return np.asarray(picture.astype(np.float32) @ LUMA_ENCODED, dtype=np.float32)


def resize_photo(photo: BytePixels, size_px: tuple[int, int], box: Box | None = None) -> BytePixels:
    """The one resampling a product photograph may get: Lanczos with three lobes, straight from ``box`` to ``size_px``.

    Composition and receipt both call this function, so that the receipt can ask for equality bit by bit.
    When the size does not change and the box lies on whole pixels, the very bytes come back.

    Args:
        photo: (H, W, 3) sRGB bytes.
        size_px: (width, height) of the result.
        box: part of the photograph in pixels, edges; None is all of it.
    """
    return np.asarray(Image.fromarray(photo).resize(size_px, Image.Resampling.LANCZOS, box=box))


def resize_plane(plane: Alpha, size_px: tuple[int, int], box: Box | None = None) -> Alpha:
    """One float plane through the same filter as ``resize_photo``; ringing is not clipped."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize(size_px, Image.Resampling.LANCZOS, box=box), dtype=np.float32)


def crop_resize(layer: FloatPixels, box: Box, size_px: tuple[int, int]) -> FloatPixels:
    """Part of a float picture at another size: area average when shrinking, cubic when growing, clipped at 0.

    Args:
        layer: (H, W, C) or (H, W) float32.
        box: left, top, right, bottom in pixels, edges; may lie between pixels.
        size_px: (width, height) of the result.
    """
    import cv2

    left, top, right, bottom = box
    sx, sy = (right - left) / size_px[0], (bottom - top) / size_px[1]
    whole = all(abs(v - round(v)) < 1e-6 for v in box)
    if whole:
        cut = layer[round(top) : round(bottom), round(left) : round(right)]
        if cut.shape[1::-1] == size_px:
            return np.ascontiguousarray(cut)
        kind = cv2.INTER_AREA if sx > 1.0 else cv2.INTER_CUBIC
        return np.maximum(cv2.resize(np.ascontiguousarray(cut), size_px, interpolation=kind), 0.0).astype(np.float32)
    source: NDArray[np.float32] = layer
    if max(sx, sy) > 1.0:  # average away what the output grid cannot hold
        source = np.asarray(cv2.GaussianBlur(layer, (0, 0), sigmaX=0.42 * sx, sigmaY=0.42 * sy), dtype=np.float32)
    matrix = np.array([[sx, 0, left + 0.5 * sx - 0.5], [0, sy, top + 0.5 * sy - 0.5]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(source, matrix, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.maximum(moved, 0.0).astype(np.float32)


def over(product: FloatPixels, alpha: Alpha, scene: FloatPixels) -> FloatPixels:
    """Product over scene, straight alpha. Source: Porter and Duff, "Compositing Digital Images", 1984."""
    a = alpha[..., None]
    return np.asarray(a * product + (1.0 - a) * scene, dtype=np.float32)


def encode(linear: FloatPixels, curve: DisplayCurve) -> BytePixels:
    """Scene-linear to display bytes by the place's own curve, through a table: within half a step of the exact value.

    Args:
        linear: (H, W, 3) scene-linear, at least 0.
        curve: of the place.
    """
    top = float(curve.linear[-1])
    knots = (np.arange(_ENCODE_STEPS, dtype=np.float32) / np.float32(_ENCODE_STEPS - 1)) ** 2 * np.float32(top)
    table = to_bytes(curve.to_display(knots))
    root = np.sqrt(np.clip(linear, 0.0, top), dtype=np.float32)
    root *= np.float32((_ENCODE_STEPS - 1) / np.sqrt(top))
    root += np.float32(0.5)
    return np.asarray(table[root.astype(np.uint16)])
