"""A product on pure white, as marketplaces ask for their main picture, and a check of one.

Source of the rule: Amazon's product image guide (background RGB 255, 255, 255; the product fills 85 % of the frame or
more; 1,600 px or more on the longer side for zoom).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models import pixels
from models.types import Alpha, BytePixels, CutOut

from .upscale import Upscaler, lanczos

LEAST_PX = 1_600
LEAST_FILL = 0.85
FILL = 0.9  # what we make: a margin for another way of measuring
MOST_ENLARGED = 1.25  # without an upscaler that adds detail


@dataclass(frozen=True, slots=True)
class WhitePackshot:
    """The finished picture."""

    pixels: BytePixels  # (S, S, 3)
    alpha: Alpha  # (S, S)
    scale: float  # output px per photograph px
    notes: tuple[str, ...]


def on_white(
    cut_out: CutOut, size_px: int = 2_000, *, fill: float = FILL, upscaler: Upscaler = lanczos
) -> WhitePackshot:
    """Set the product alone on a white square.

    Args:
        cut_out: the product.
        size_px: side of the square, 1,600 to 10,000.
        fill: of the side that the product's longer side takes, .85 to 1.
        upscaler: used where the product has to be enlarged.

    Raises:
        ValueError: size or fill out of range.
    """
    if not LEAST_PX <= size_px <= 10_000:
        raise ValueError(f"size must be {LEAST_PX} to 10000 px, not {size_px}")
    if not LEAST_FILL <= fill <= 1.0:
        raise ValueError(f"the product must fill {LEAST_FILL} to 1 of the side, not {fill}")
    top, bottom, left, right = _extent(cut_out.alpha)
    cut = (slice(top, bottom), slice(left, right))
    # premultiplied on white at the photograph's size, so that the edge keeps its colour through the resize
    alpha = cut_out.alpha[cut].copy()
    alpha[alpha >= 0.98], alpha[alpha <= 0.02] = 1.0, 0.0
    linear = pixels.to_linear(cut_out.foreground[cut]) * alpha[..., None] + (1.0 - alpha[..., None])
    small = pixels.to_srgb(linear)
    scale = fill * size_px / max(small.shape[:2])
    wide, tall = max(1, round(small.shape[1] * scale)), max(1, round(small.shape[0] * scale))
    notes = []
    if scale > MOST_ENLARGED and upscaler is lanczos:
        notes.append(
            f"the product is enlarged {scale:.1f} times: take a larger photograph, or an upscaler that adds detail"
        )
    product = upscaler(small, (wide, tall)) if scale > 1.0 else pixels.resize_photo(small, (wide, tall))
    there = pixels.resize_plane(alpha, (wide, tall))
    product = product.copy()
    product[there <= 1e-3] = 255
    x, y = (size_px - wide) // 2, (size_px - tall) // 2
    finished = np.full((size_px, size_px, 3), 255, np.uint8)
    finished[y : y + tall, x : x + wide] = product
    whole = np.zeros((size_px, size_px), np.float32)
    whole[y : y + tall, x : x + wide] = there
    return WhitePackshot(finished, whole, scale, tuple(notes))


def problems(picture: BytePixels) -> tuple[str, ...]:
    """What keeps a picture from being a main picture, in words; () when nothing does.

    The ground is what is connected to the border and white; the product is the rest.
    """
    height, width = picture.shape[:2]
    found = []
    if max(height, width) < LEAST_PX:
        found.append(f"{width} x {height} px: the longer side needs {LEAST_PX} px")
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    share = float(np.mean(np.all(border == 255, axis=-1)))
    if share < 0.999:
        found.append(f"{1 - share:.1%} of the border is not pure white (255, 255, 255)")
    not_white = np.any(picture < 250, axis=-1)
    if not not_white.any():
        return (*found, "there is nothing on it")
    labels, _ = ndimage.label(ndimage.binary_dilation(not_white, iterations=2))
    sizes = np.bincount(labels.ravel())[1:]
    main = ndimage.find_objects(labels)[int(np.argmax(sizes))]
    everything = np.argwhere(not_white)
    spread = (everything.max(axis=0) - everything.min(axis=0) + 1) / (height, width)
    if float(spread.max()) < LEAST_FILL:
        found.append(f"the product takes {spread.max():.0%} of the frame, it needs {LEAST_FILL:.0%}")
    extra = int(np.sum(sizes > 0.002 * height * width)) - 1
    if extra > 0:
        found.append(f"{extra} further things beside the largest: text, badges and props are not allowed")
    nearly = np.all(picture >= 245, axis=-1) & np.any(picture < 255, axis=-1)
    tall = main[0].stop - main[0].start
    if float(nearly.mean()) > 0.02 and tall < height:
        found.append(f"{nearly.mean():.1%} of the picture is nearly white: the ground is not clean")
    return tuple(found)


def _extent(alpha: Alpha) -> tuple[int, int, int, int]:
    """top, bottom, left, right of the product, exclusive ends."""
    rows, columns = np.flatnonzero((alpha > 0.1).any(axis=1)), np.flatnonzero((alpha > 0.1).any(axis=0))
    if rows.size == 0:
        raise ValueError("an empty cut-out")
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
