"""What lies under the words: nothing, a scrim, a plain panel; and the panel where the scene does not fill the frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import Brand

from .colours import Alpha, Box, BytePixels, Rgb, contrast, inks_for, luminance, paper_for, to_lab
from .formats import Format, Place, Surface
from .plans import Plan

Away = NDArray[np.float32]
IN_THE_DARK = 0.10  # mean luminance: below, papers are deep and inks pale


@dataclass(frozen=True, eq=False)
class Field:
    """A picture and where its product is."""

    picture: BytePixels  # (H, W, 3)
    alpha: Alpha  # (H, W)
    breath_px: float

    @cached_property
    def product(self) -> NDArray[np.bool_]:
        return self.alpha > 0

    @cached_property
    def keep_out(self) -> NDArray[np.bool_]:
        """(H, W) the product and ``breath_px`` around it, at half resolution and rounded up."""
        import cv2

        height, width = self.alpha.shape
        k = 2 if min(height, width) >= 400 else 1
        small = cv2.resize(self.alpha, (-(-width // k), -(-height // k)), interpolation=cv2.INTER_AREA) if k > 1 else (
            self.alpha
        )  # fmt: skip
        away = cv2.distanceTransform((small <= 0).astype(np.uint8), cv2.DIST_L2, 3)
        near = (away <= self.breath_px / k + (0.5 if k > 1 else 0.0)).astype(np.uint8)
        if k > 1:
            near = np.asarray(cv2.resize(near, (width, height), interpolation=cv2.INTER_NEAREST))
        return (near > 0) | self.product

    @cached_property
    def is_dark(self) -> bool:
        return (
            float(luminance(tuple(float(v) for v in self.picture[::8, ::8].reshape(-1, 3).mean(axis=0)))) <= IN_THE_DARK
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """A surface on a picture, worked out only where it is asked for."""

    field: Field
    kind: Surface
    colour: Rgb | None = None
    opacity: float = 0.0
    ramp: NDArray[np.float32] | None = None  # 0 to 1 along one axis
    along: int = 0  # 0: the ramp runs down the rows, 1: across the columns
    box: Box | None = None  # of a panel

    def _veil(self, rows: Any, columns: Any) -> NDArray[np.float32]:
        if self.ramp is None:
            return np.zeros(1, dtype=np.float32)
        free = ~self.field.product[rows, columns]
        return np.asarray(self.ramp[rows if self.along == 0 else columns] * free * np.float32(self.opacity))

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, 3) colours at single pixels."""
        base = self.field.picture[rows, columns].astype(np.float32)
        if self.colour is None:
            return base
        veil = self._veil(rows, columns)[:, None]
        return np.asarray(base + (np.asarray(self.colour, dtype=np.float32) - base) * veil, dtype=np.float32)

    def laid(self) -> BytePixels:
        """The whole picture with the surface; pixels it does not reach keep their bytes."""
        pixels = self.field.picture.copy()
        if self.ramp is None or self.colour is None:
            return pixels
        reach = np.flatnonzero(self.ramp > 0)
        if not reach.size:
            return pixels
        span = slice(int(reach[0]), int(reach[-1]) + 1)
        window = (span, slice(None)) if self.along == 0 else (slice(None), span)
        free = ~self.field.product[window]
        colour = np.asarray(self.colour, dtype=np.float32)
        if self.kind == "panel":
            pixels[window][free] = np.clip(colour + 0.5, 0, 255).astype(np.uint8)
            return pixels
        ramp = self.ramp[span] * np.float32(self.opacity)
        veil = (ramp[:, None] if self.along == 0 else ramp[None, :])[..., None]
        base = pixels[window].astype(np.float32)
        base += (colour - base) * veil
        noise = np.random.default_rng(0).random((128, 128), dtype=np.float32)  # or 8 bits show bands
        tall, broad = free.shape
        base += np.tile(noise, (tall // 128 + 1, broad // 128 + 1))[:tall, :broad, None]
        np.clip(base, 0, 255, out=base)
        np.copyto(pixels[window], base.astype(np.uint8), where=free[..., None])
        return pixels


def bare(field: Field) -> Ground:
    return Ground(field, "none")


def scrim(field: Field, plan: Plan, colour: Rgb, opacity: float) -> Ground:
    """Full behind the words, fading out past them, never on the product."""
    height, width = field.alpha.shape
    left, top, right, bottom = plan.words_box
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    place: Place = plan.template.place
    if place == "above":
        ramp, along = _fade(rows, bottom - 0.01 * height, 0.13 * height), 0
    elif place == "below":
        ramp, along = _fade(-rows, -top - 0.01 * height, 0.13 * height), 0
    elif place == "left":
        ramp, along = _fade(columns, right - 0.02 * width, 0.22 * width), 1
    else:
        ramp, along = _fade(-columns, -left - 0.02 * width, 0.22 * width), 1
    return Ground(field, "scrim", colour, opacity, ramp, along)


def panel(field: Field, plan: Plan, colour: Rgb) -> Ground:
    """A plain sheet from the edge to a little past the words."""
    height, width = field.alpha.shape
    _, top, _, bottom = plan.words_box
    room, column = plan.room, plan.template.column
    place: Place = plan.template.place
    if place == "above":
        limit = room[3]
        box: Box = (0.0, 0.0, float(width), min(limit, max(bottom + 0.040 * height, 0.86 * limit)))
    elif place == "below":
        box = (0.0, max(room[1], top - 0.045 * height), float(width), float(height))
    elif place == "left":
        box = (0.0, 0.0, min(room[2], column[2] + 0.02 * width), float(height))
    else:
        box = (max(room[0], column[0] - 0.02 * width), 0.0, float(width), float(height))
    along = 0 if place in ("above", "below") else 1
    ramp = np.zeros(height if along == 0 else width, dtype=np.float32)
    ramp[round(box[along + 1 if along == 0 else 0]) : round(box[3] if along == 0 else box[2])] = 1.0
    return Ground(field, "panel", colour, 1.0, ramp, along, box)


def _fade(at: NDArray[np.float32], full_until: float, over: float) -> NDArray[np.float32]:
    t = np.clip((at - full_until) / over, 0.0, 1.0)
    return np.asarray(1.0 - t * t * (3 - 2 * t), dtype=np.float32)


# --- formats that the scene does not fill -----------------------------------------------------------------------------


def mounted(scene: BytePixels, alpha: Alpha, fmt: Format, brand: Brand) -> tuple[BytePixels, Alpha]:
    """A composed scene in its frame: where the format has a panel, that is painted in the scene's own colours.

    Args:
        scene: (h, w, 3) of exactly ``fmt.picture_px``.
        alpha: (h, w) of the product in it.

    Returns:
        (H, W, 3) and (H, W) of ``fmt.size_px``; the very arrays given where the scene fills the frame.
    """
    if not fmt.is_split:
        return scene, alpha
    width, height = fmt.size_px
    left, top, right, bottom = fmt.stage.picture
    framed = np.empty((height, width, 3), dtype=np.uint8)
    framed[:] = np.asarray(panel_colour(scene, alpha, brand), dtype=np.uint8)
    framed[top:bottom, left:right] = scene
    whole = np.zeros((height, width), dtype=np.float32)
    whole[top:bottom, left:right] = alpha
    return framed, whole


def panel_colour(scene: BytePixels, alpha: Alpha, brand: Brand) -> Rgb:
    """The shop's paper, or the scene's own hue: pale, and deep beside a dark scene."""
    ground = scene[alpha <= 0]
    mean = (ground if ground.size else scene.reshape(-1, 3)).mean(axis=0)
    colour = tuple(float(v) for v in mean)
    is_dark = float(luminance(colour)) <= IN_THE_DARK and brand.paper == Brand("").paper
    return paper_for(brand, to_lab(colour), is_dark=is_dark)


def ink_on(colour: Rgb, brand: Brand, tone: tuple[float, float, float]) -> Rgb:
    """Whichever of the two inks reads better on a colour."""
    return max(inks_for(brand, tone), key=lambda ink: contrast(ink, colour))
