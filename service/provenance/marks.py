"""The visible mark of GB 45438-2025: letters at least 5 % of the shorter side high, over nothing that counts.

Where it goes: corners first, then along the edges; never over a product, never over words, inside the part of the
format that apps leave free. Of the free spots the calmest is taken. Letters are near-white or near-black, whichever
the spot gives more contrast, on a soft plate where the spot alone does not give 4.5 to 1.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from service.errors import ServiceError

LEAST_HEIGHT = 0.05  # of the shorter side: what the standard demands
HEIGHT = 0.0515  # what we set, so that rounding and later resizing cannot fall below
MARGIN = 0.03  # from the edge, of the shorter side
CLEAR = 0.022  # around products and words
CONTRAST = 4.5  # WCAG 2, level AA, although letters of this size would need 3 only
WHITE, BLACK = (250, 250, 248), (22, 22, 24)
FONT = "NotoSansSC-Medium.ttf"

Box = tuple[int, int, int, int]  # left, top, right, bottom, px
BytePixels = NDArray[np.uint8]


class NoRoomForLabel(ServiceError):
    """A visible mark was demanded and there is no spot where it covers nothing: nothing is released without it."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"no room for the mark {text!r}: product and words leave no free spot at any edge; "
            "use a smaller product, fewer words or another format"
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as it was drawn."""

    text: str
    box: Box  # of the letters, with their plate
    letter_px: int  # height of the letters
    share: float  # of the shorter side
    contrast: float  # of the letters against what lies under them, the worst tenth
    plate: bool  # whether a plate lies under them


def draw(
    picture: BytePixels, text: str, keep_clear: NDArray[np.bool_], safe_box: Box | None = None
) -> tuple[BytePixels, Mark]:
    """A copy of the picture with the mark.

    Args:
        picture: (H, W, 3) sRGB.
        text: such as "AI生成".
        keep_clear: (H, W) True where products or words are.
        safe_box: the part that is always seen; None: all of it.

    Raises:
        NoRoomForLabel: every spot would cover something.
    """
    import cv2

    height, width = picture.shape[:2]
    shorter = min(height, width)
    letters = _letters(text, int(np.ceil(HEIGHT * shorter)))
    pad_x, pad_y = round(0.016 * shorter), round(0.011 * shorter)
    size = letters.shape[1] + 2 * pad_x, letters.shape[0] + 2 * pad_y
    reach = max(1, round(CLEAR * shorter))
    taken = cv2.dilate(keep_clear.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    box = _spot(picture, taken, size, safe_box or (0, 0, width, height), round(MARGIN * shorter))
    if box is None and safe_box is not None:
        box = _spot(picture, taken, size, (0, 0, width, height), round(MARGIN * shorter))
    if box is None:
        raise NoRoomForLabel(text)
    left, top, right, bottom = box
    drawn = picture.copy()
    under = drawn[top:bottom, left:right]
    ink, contrast = _ink(under)
    needs_plate = contrast < CONTRAST
    if needs_plate:
        under[:] = _plated(under, ink, max(2, round(0.010 * shorter)))
        contrast = _contrast(under, ink)
    covered = np.zeros(under.shape[:2], np.float32)
    covered[pad_y : pad_y + letters.shape[0], pad_x : pad_x + letters.shape[1]] = letters
    mixed = under * (1 - covered[..., None]) + np.array(ink, np.float32) * covered[..., None]
    under[:] = np.rint(mixed).astype(np.uint8)
    letter_px = letters.shape[0]
    return drawn, Mark(text, box, letter_px, round(letter_px / shorter, 4), round(contrast, 2), needs_plate)


def _spot(picture: BytePixels, taken: NDArray[np.bool_], size: tuple[int, int], within: Box, margin: int) -> Box | None:
    """The calmest free corner, else the calmest free stretch of an edge."""
    x0, y0, x1, y1 = within[0] + margin, within[1] + margin, within[2] - margin, within[3] - margin
    w, h = size
    if x1 - x0 < w or y1 - y0 < h:
        return None
    corners = [(x1 - w, y1 - h), (x0, y1 - h), (x1 - w, y0), (x0, y0)]
    along_x = [round(x0 + t * (x1 - w - x0)) for t in np.linspace(0, 1, 13)]
    along_y = [round(y0 + t * (y1 - h - y0)) for t in np.linspace(0, 1, 25)]
    edges = [(x, y) for x in along_x for y in (y1 - h, y0)] + [(x, y) for y in along_y for x in (x1 - w, x0)]
    for candidates in (corners, edges):
        free = [(x, y) for x, y in candidates if not taken[y : y + h, x : x + w].any()]
        if free:
            x, y = min(free, key=lambda at: _unrest(picture[at[1] : at[1] + h, at[0] : at[0] + w]))
            return x, y, x + w, y + h
    return None


def _unrest(patch: BytePixels) -> float:
    grey = patch.mean(axis=2)
    return float(grey.std() + 2 * np.abs(np.diff(grey, axis=1)).mean())


def _ink(under: BytePixels) -> tuple[tuple[int, int, int], float]:
    return max(((ink, _contrast(under, ink)) for ink in (WHITE, BLACK)), key=lambda pair: pair[1])


def _contrast(under: BytePixels, ink: Sequence[int]) -> float:
    """WCAG contrast against the worst tenth of what lies under."""
    light = _luminance(under.reshape(-1, 3))
    own = float(_luminance(np.array([ink], np.uint8))[0])
    worst = float(np.percentile(light, 90 if own > 0.5 else 10))
    brighter, darker = max(own, worst), min(own, worst)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(rows: NDArray[np.uint8]) -> NDArray[np.float64]:
    value = rows.astype(np.float64) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _plated(under: BytePixels, ink: Sequence[int], corner_px: int) -> BytePixels:
    """A plate in the spot's own tint, dark under light letters and light under dark ones, until they can be read."""
    tint = np.median(under.reshape(-1, 3), axis=0)
    towards = np.array(BLACK if sum(ink) > 384 else WHITE, np.float64)
    shape = Image.new("L", (4 * under.shape[1], 4 * under.shape[0]), 0)
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, shape.width - 1, shape.height - 1), 4 * corner_px, fill=255)
    mask = np.asarray(shape.resize((under.shape[1], under.shape[0]), Image.Resampling.BOX), np.float64)[..., None] / 255
    for strength in (0.5, 0.62, 0.74, 0.86, 0.94):
        plate = 0.25 * tint + 0.75 * towards
        mixed = under + mask * strength * (plate - under)
        result: BytePixels = np.rint(mixed).clip(0, 255).astype(np.uint8)
        inner = result[corner_px:-corner_px, corner_px:-corner_px]
        if _contrast(inner, ink) >= CONTRAST:
            break
    return result


@cache
def _letters(text: str, height_px: int) -> NDArray[np.float32]:
    """(h, w) coverage of the text, cut to its ink; none of its letters is lower than ``height_px``.

    Latin capitals are lower than Han signs of one font size; here they are set larger, so that both are as high.
    """
    runs = [(kind, "".join(signs)) for kind, signs in groupby(text, key=str.isascii)]
    cuts = [_run(signs, height_px) for _, signs in runs]
    gap = np.zeros((1, round(0.12 * height_px)), np.float32)
    tall = max(cut.shape[0] for cut in cuts)
    pieces: list[NDArray[np.float32]] = []
    for cut in cuts:
        above = (tall - cut.shape[0] + 1) // 2
        pieces.append(np.pad(cut, ((above, tall - cut.shape[0] - above), (0, 0))))
        pieces.append(np.repeat(gap, tall, axis=0))
    return np.concatenate(pieces[:-1], axis=1)


def _run(signs: str, height_px: int) -> NDArray[np.float32]:
    """One run of signs at the smallest font size at which each is high enough."""
    size = height_px
    while min(_cut(sign, size).shape[0] for sign in signs) < height_px:
        size += 1
    return _cut(signs, size)


def _cut(signs: str, size: int) -> NDArray[np.float32]:
    font = ImageFont.truetype(io.BytesIO(_font_file()), size)
    left, top, right, bottom = font.getbbox(signs)
    canvas = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8), 0)
    ImageDraw.Draw(canvas).text((4 - left, 4 - top), signs, font=font, fill=255)
    drawn = np.asarray(canvas, np.float32) / np.float32(255.0)
    rows, columns = np.flatnonzero(drawn.max(axis=1) > 0.5), np.flatnonzero(drawn.max(axis=0) > 0.5)
    return np.ascontiguousarray(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@cache
def _font_file() -> bytes:
    return (resources.files("service.images") / "fonts" / FONT).read_bytes()
