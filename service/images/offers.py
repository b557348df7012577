"""The badge of an offer: where it may stand, and its letters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .blocks import Setting, Text, fit, kind_of, leading_of, placed, rise_em
from .colours import Box
from .formats import Format, Shape, TextStyle
from .price_tags import OfferTag
from .typefaces import ShopFonts
from .typesetting import Type

GRID_PX = 6  # candidates lie this far apart
_NUMBER_FIRST = re.compile(r"^([-\u2212+]?\d+(?:[.,]\d+)?\s?%)\s+(\S.*)$")
_SMALLEST_PX = 8.5


@dataclass(frozen=True, slots=True)
class Badge:
    """An offer beside the product."""

    box: Box  # square
    shape: Shape
    texts: tuple[Text, ...]  # "offer" and "offer_until"


def find_spot(size_px: float, fmt: Format, keep_out: NDArray[np.bool_], taken: Sequence[Box]) -> Box | None:
    """The free square nearest to the product's shoulder; None where there is none.

    Args:
        size_px: across.
        keep_out: (H, W) the product and a little air.
        taken: boxes that hold something else.
    """
    import cv2

    left, top, right, bottom = fmt.safe_box_px
    if fmt.is_split:
        x0, y0, x1, y1 = fmt.stage.picture
        left, top, right, bottom = max(left, x0 + 4), max(top, y0 + 4), min(right, x1 - 4), min(bottom, y1 - 4)
    rows, columns = np.flatnonzero(keep_out.any(axis=1)), np.flatnonzero(keep_out.any(axis=0))
    if not rows.size or right - left < size_px or bottom - top < size_px:
        return None
    n = int(np.ceil((size_px + 0.10 * size_px) / GRID_PX))
    area = (-(-keep_out.shape[1] // GRID_PX), -(-keep_out.shape[0] // GRID_PX))
    busy = cv2.resize(keep_out.astype(np.float32), area, interpolation=cv2.INTER_AREA) > 0
    for x0f, y0f, x1f, y1f in taken:
        a, b = (max(0, int(v // GRID_PX)) for v in (x0f, y0f))
        busy[b : int(y1f // GRID_PX) + 2, a : int(x1f // GRID_PX) + 2] = True
    total = np.pad(busy.astype(np.int32), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    if min(busy.shape) <= n:
        return None
    inside = total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]
    y, x = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]] * GRID_PX
    pad = 0.05 * size_px
    fits = (x + pad >= left) & (x + pad + size_px <= right) & (y + pad >= top) & (y + pad + size_px <= bottom)
    free = (inside == 0) & fits
    if not free.any():
        return None
    cx, cy = x + pad + size_px / 2, y + pad + size_px / 2
    shoulder = rows[0] + 0.42 * size_px
    at_right = np.hypot(cx - (columns[-1] + 0.66 * size_px), 1.2 * (cy - shoulder))
    at_left = np.hypot(cx - (columns[0] - 0.66 * size_px), 1.2 * (cy - shoulder)) + 0.05 * size_px
    distance = np.where(free, np.minimum(at_right, at_left), np.inf)
    best = np.unravel_index(int(np.argmin(distance)), distance.shape)
    spot_x, spot_y = float(x[best]) + pad, float(y[best]) + pad
    return spot_x, spot_y, spot_x + size_px, spot_y + size_px


def badge_in(box: Box, offer: OfferTag, language: str, fonts: ShopFonts, shape: Shape) -> Badge | None:
    """The offer's letters in its badge: a percentage large and its word under it, else up to three lines.

    None where they do not fit in letters that can be read.
    """
    size = box[2] - box[0]
    inner = (0.74 if shape == "pill" else 0.82) * size
    left = box[0] + (size - inner) / 2
    kind = kind_of("offer", None, language, fonts)
    parts: list[tuple[str, Setting, Type, float]] = []
    split = _NUMBER_FIRST.match(offer.text)
    pieces = [(split[1].replace(" ", "\u00a0"), 0.36, 1), (split[2], 0.20, 1)] if split else [(offer.text, 0.24, 3)]
    for text, most, n_lines in pieces:
        style = TextStyle(most * size, max(_SMALLEST_PX, 0.115 * size), n_lines, 1.08, 0.0, "sans")
        leading = leading_of(style, language)
        setting = fit(text, kind, style, leading, inner, 0.62 * size)
        if setting is None:
            return None
        parts.append(("offer", setting, kind, leading))
    if offer.until:
        small = kind_of("offer_until", None, language, fonts)
        style = TextStyle(0.105 * size, max(_SMALLEST_PX, 0.075 * size), 1, 1.1, 0.0, "sans")
        setting = fit(offer.until, small, style, 1.1, 0.86 * inner, 0.2 * size)
        if setting is None:
            return None
        parts.append(("offer_until", setting, small, 1.1))
    return _stacked(box, parts, left, left + inner, shape)


def _stacked(
    box: Box, parts: Sequence[tuple[str, Setting, Type, float]], left: float, right: float, shape: Shape
) -> Badge | None:
    size = box[2] - box[0]
    gap = 0.075 * size
    # the last line's descender hangs free: what the eye centres runs from capitals to the last baseline
    seen = [_ink_height(setting, kind, leading) for _, setting, kind, leading in parts]
    tall = sum(seen) + gap * (len(parts) - 1)
    if tall > 0.74 * size:
        return None
    y = (box[1] + box[3]) / 2 - tall / 2
    texts = []
    for (role, setting, kind, leading), high in zip(parts, seen, strict=True):
        texts.append(placed(role, setting, kind, leading, "centre", left, right, y))
        y += high + gap
    joined = [text for text in texts if text.role == "offer"]
    if len(joined) == 2:  # a number and its word are one text
        first, second = joined
        lefts, rights = min(first.box[0], second.box[0]), max(first.box[2], second.box[2])
        box_of = (lefts, first.box[1], rights, second.box[3])
        merged = replace(first, lines=first.lines + second.lines, box=box_of)
        texts = [merged, *[text for text in texts if text.role != "offer"]]
    return Badge(box, shape, tuple(texts))


def _ink_height(setting: Setting, kind: Type, leading: float) -> float:
    return (rise_em(kind) + (len(setting.breaks.lines) - 1) * leading) * setting.size_px
