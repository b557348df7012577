"""Ink on pixels: letters, buttons, badges, the logo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .blocks import Text
from .colours import Box, BytePixels, Rgb
from .formats import Shape
from .typesetting import draw_line

HALO_PX = 3  # the ground that the eye compares a letter with reaches this far around it
Mask = NDArray[np.uint8]  # (h, w), 255 full


@dataclass(frozen=True, slots=True)
class Ink:
    """Something drawn, as coverage, cut out of the picture's frame."""

    cover: Mask  # (h, w)
    left: int
    top: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.cover.shape[0]), slice(self.left, self.left + self.cover.shape[1])

    @property
    def around(self) -> NDArray[np.bool_]:
        """(h, w) the letters and what the eye compares them with."""
        import cv2

        halo = cv2.dilate(self.cover, np.ones((2 * HALO_PX + 1, 2 * HALO_PX + 1), dtype=np.uint8))
        return np.asarray(halo) > 0

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of the ink itself, right and bottom just outside; None without any."""
        rows, columns = np.flatnonzero(self.cover.any(axis=1)), np.flatnonzero(self.cover.any(axis=0))
        if not rows.size:
            return None
        x, y = self.left, self.top
        return x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1


def ink(text: Text, shape: tuple[int, ...]) -> Ink:
    """The letters of a text; a price that is crossed out gets its stroke."""
    air = HALO_PX + round(0.4 * text.size_px)
    left, top = max(0, int(text.box[0]) - air), max(0, int(text.box[1]) - air)
    right, bottom = min(shape[1], int(text.box[2]) + air + 1), min(shape[0], int(text.box[3]) + air + 1)
    fine = 4 if text.size_px < 34 else (2 if text.size_px < 60 else 1)  # small letters want places between pixels
    wide, high = max(1, right - left), max(1, bottom - top)
    sheet = Image.new("L", (wide * fine, high * fine), 0)
    pen = ImageDraw.Draw(sheet)
    for item in text.lines:
        x, baseline = (item.x - left) * fine, (item.baseline - top) * fine
        draw_line(pen, item.line, text.kind, item.size_px * fine, x, baseline)
    cover = np.asarray(sheet.reduce(fine) if fine > 1 else sheet)
    if text.is_struck:
        item = text.lines[0]
        y = item.baseline - 0.34 * item.size_px
        thick = max(1.0, 0.075 * item.size_px)
        ends = (item.x - 0.06 * item.size_px, item.x + (item.line.width_em + 0.06) * item.size_px)
        bar = rounded((ends[0], y - thick / 2, ends[1], y + thick / 2), "square", shape)
        cover = cover.copy()
        _merge(cover, left, top, bar)
    return Ink(cover, left, top)


def _merge(cover: Mask, left: int, top: int, other: Ink) -> None:
    """Lay another cover into the array given."""
    height, width = cover.shape
    y0, x0 = max(other.top - top, 0), max(other.left - left, 0)
    y1, x1 = min(other.top - top + other.cover.shape[0], height), min(other.left - left + other.cover.shape[1], width)
    if y1 <= y0 or x1 <= x0:
        return
    part = other.cover[y0 + top - other.top : y1 + top - other.top, x0 + left - other.left : x1 + left - other.left]
    cover[y0:y1, x0:x1] = np.maximum(cover[y0:y1, x0:x1], part)


def rounded(box: Box, corner: Shape, shape: tuple[int, ...]) -> Ink:
    """Coverage of a rectangle with the brand's corners, exact to a fraction of a pixel."""
    left, top, right, bottom = box
    short = min(right - left, bottom - top)
    radius = {"pill": 0.5, "soft": 0.22, "square": 0.0}[corner] * short
    x0, y0 = max(0, int(left) - 1), max(0, int(top) - 1)
    x1, y1 = min(shape[1], int(right) + 2), min(shape[0], int(bottom) + 2)
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    dx = np.maximum(np.maximum(left + radius - (x + 0.5), (x + 0.5) - (right - radius)), 0.0)
    dy = np.maximum(np.maximum(top + radius - (y + 0.5), (y + 0.5) - (bottom - radius)), 0.0)
    distance = np.hypot(dx, dy) if radius > 0 else np.maximum(dx, dy)
    cover = np.clip(radius - distance + 0.5, 0.0, 1.0) * 255.0 + 0.5
    return Ink(cover.astype(np.uint8), x0, y0)


def stamp(pixels: BytePixels, ink: Ink, colour: Rgb) -> None:
    """Lay a colour through a cover, into the array given."""
    cover = ink.cover.astype(np.float32)[..., None] / 255.0
    under = pixels[ink.window].astype(np.float32)
    mixed = under + (np.asarray(colour, dtype=np.float32) - under) * cover
    pixels[ink.window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def stamp_logo(pixels: BytePixels, logo: NDArray[np.uint8], box: Box) -> None:
    """The logo in its box, its own colours, into the array given."""
    left, top, right, bottom = (round(v) for v in box)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    image = Image.fromarray(logo).convert("RGBA").resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    shown = np.asarray(image, dtype=np.float32)
    under = pixels[top:bottom, left:right].astype(np.float32)
    mixed = under + (shown[..., :3] - under) * (shown[..., 3:] / 255.0)
    pixels[top:bottom, left:right] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
