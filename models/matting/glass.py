"""Clear glass on a plain ground: what shows through is ground, so the matte has to be soft inside.

Where the ground behind a pixel is known, the least alpha that explains the pixel follows: the product may darken the
ground down to black or lighten it up to white, and not beyond. That matte, and its colours, give back exactly the
photograph on its own ground, and let another ground shine through as much as this one did.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models import pixels
from models.types import Alpha, BytePixels, FloatPixels

from .ground import Ground, Look, Mask, Plane, fill, fit_ground, grown, shrunk, small_copy

LEAST_CLEAR = 0.45  # of the inside has to look like the ground, evenly dimmed
DIMMED = (0.68, 1.12)  # how much of the ground's light comes through
NO_GLASS = 0.02  # what lets all light through is a hole, as in a basket
EVEN = 0.1  # spread of that light over the inside; glazed or painted white is shaded more
RIMMED = 0.45  # of the outline has the dark or bright line that thick glass draws


@dataclass(frozen=True, slots=True)
class Glass:
    """The matte and the colours of a see-through product."""

    alpha: Alpha
    foreground: BytePixels


def see_through(photo: BytePixels, alpha: Alpha, ground: Ground | None = None) -> Glass | None:
    """A soft matte where the product is clear glass on a plain ground; None where it is not, or where that is unsure.

    Args:
        photo: (H, W, 3) sRGB.
        alpha: (H, W) of a backend that took the product for solid.
        ground: of the photograph's small copy, where it is known already.
    """
    small, _ = small_copy(photo)
    matte = np.asarray(cv2.resize(alpha, small.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
    ground = fit_ground(small) if ground is None else ground
    if ground.inliers < 0.9:
        return None
    look = Look.of(small, ground)
    shape = _silhouette(look, matte)
    if not shape.any() or not _is_glass(pixels.to_linear(small), ground, look, shape):
        return None
    return _solved(photo, ground, shape, alpha)


def _silhouette(look: Look, matte: Plane) -> Mask:
    """All that the outline encloses, also where only a rim was found."""
    near = grown(matte > 0.3, 9)
    seen = (matte > 0.3) | (near & (look.difference > max(4.0, 4.0 * look.noise)) & (look.gradient > 1.2))
    closed = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    return fill(closed)


def _is_glass(light: FloatPixels, ground: Ground, look: Look, shape: Mask) -> bool:
    size = float(np.sqrt(shape.sum()))
    inside = shrunk(shape, 2 * max(2, round(0.03 * size)) + 1)
    if float(inside.sum()) < 200:
        return False
    dimmed = (look.brightness > DIMMED[0]) & (look.brightness < DIMMED[1])
    clear = inside & dimmed & (_foreign_tint(light, ground.rgb) < 0.05 + 0.02 * look.noise)
    if float(clear.sum()) < LEAST_CLEAR * float(inside.sum()):
        return False
    through = look.brightness[clear]
    middle = float(np.median(through))
    spread = 1.4826 * float(np.median(np.abs(through - middle)))
    if abs(middle - 1.0) < NO_GLASS or spread > EVEN + 0.01 * look.noise:
        return False
    beyond = (look.brightness < min(middle, 1.0) - 0.1) | (look.brightness > max(middle, 1.0) + 0.1)
    rim = shape & ~shrunk(shape, 2 * max(3, round(0.03 * size)) + 1)
    outline = shape & ~shrunk(shape, 3)
    lined = grown(rim & beyond & (look.gradient > max(2.0, 3.0 * look.noise)), 9)
    return float(lined[outline].mean()) > RIMMED


def _foreign_tint(light: FloatPixels, back: FloatPixels) -> Plane:
    """How much of the colour is neither the ground's nor grey: glass dims the ground and lays a grey veil over it."""
    own = back - back.mean(axis=-1, keepdims=True)
    strength = np.linalg.norm(own, axis=-1, keepdims=True)
    along = own / np.maximum(strength, 0.02)
    rest = light - light.mean(axis=-1, keepdims=True)
    shared = np.clip((rest * along).sum(axis=-1, keepdims=True), 0.0, 1.1 * strength)
    return np.asarray(
        np.linalg.norm(rest - shared * along, axis=-1) / np.maximum(light.mean(axis=-1), 0.02), np.float32
    )


def _solved(photo: BytePixels, ground: Ground, shape: Mask, alpha: Alpha) -> Glass:
    height, width = alpha.shape
    back = np.asarray(cv2.resize(ground.rgb, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    whole = np.asarray(cv2.resize(shape.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
    light = pixels.to_linear(photo)
    least = least_alpha(light, back)
    floor = 0.02 + 0.01 * ground.noise
    soft = np.clip((least - floor) / (1.0 - floor), 0.0, 1.0)
    soft = np.where(soft > 0.85, np.maximum(soft, alpha), soft) * np.clip(2.0 * whole, 0.0, 1.0)
    clean = _without(light, back, soft.astype(np.float32))
    foreground = np.where((soft >= 0.98)[..., None], photo, pixels.to_srgb(clean))
    return Glass(soft.astype(np.float32), np.where((soft > 0.0)[..., None], foreground, photo).astype(np.uint8))


def least_alpha(light: FloatPixels, back: FloatPixels) -> Alpha:
    """The smallest alpha for which ``light = alpha * colour + (1 - alpha) * back`` has a colour between 0 and 1.

    Args:
        light, back: (H, W, 3) linear light.
    """
    darker = 1.0 - light / np.maximum(back, 1e-3)
    lighter = (light - back) / np.maximum(1.0 - back, 1e-3)
    return np.asarray(np.clip(np.maximum(darker, lighter).max(axis=-1), 0.0, 1.0), dtype=np.float32)


def _without(light: FloatPixels, back: FloatPixels, alpha: Alpha) -> FloatPixels:
    a = alpha[..., None]
    return np.asarray(np.clip((light - (1.0 - a) * back) / np.maximum(a, 0.02), 0.0, 1.0), dtype=np.float32)
