"""Our display curve for pictures the scene model learns from: scene-linear to display and back, as data.

One monotone curve for all three channels, ``1 - exp(-1.5 x)`` followed by the sRGB encoding. Mid grey (.18) lands at
.52, white paper under the key light (.8 to 1.2) at .85 to .92, and highlights roll off instead of clipping. A curve
that works on each channel alone can be inverted exactly, which a film-like view transform cannot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EXPOSURE = 1.5  # chosen so that white paper under the key light stays below .93 of the display range
BRIGHTEST_LINEAR = 5.0  # what reaches display 1.0
N_KNOTS = 128


def srgb_encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear 0 to 1 to sRGB-encoded 0 to 1. Source: IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def display_knots() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(linear, display), each (N,), strictly rising, from (0, 0) to (BRIGHTEST_LINEAR, 1)."""
    linear = np.concatenate([[0.0], np.geomspace(1e-4, BRIGHTEST_LINEAR, N_KNOTS - 1)])
    tone = (1 - np.exp(-EXPOSURE * linear)) / (1 - np.exp(-EXPOSURE * BRIGHTEST_LINEAR))
    return linear.astype(np.float32), srgb_encode(tone).astype(np.float32)


def to_display(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scene-linear, any shape, to display 0 to 1."""
    xs, ys = display_knots()
    return np.interp(linear, xs, ys).astype(np.float32)


def to_linear(display: NDArray[np.float32]) -> NDArray[np.float32]:
    """Display 0 to 1, any shape, to scene-linear."""
    xs, ys = display_knots()
    return np.interp(display, ys, xs).astype(np.float32)
