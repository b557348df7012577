"""A sheet to judge a cut-out by: on white, black, a strong colour and checks, and its hardest edges enlarged."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.types import BytePixels, CutOut

TILE_PX = 480
GROUNDS = ((255, 255, 255), (12, 12, 14), (214, 40, 150))
ZOOM = 4


def sheet(cut_out: CutOut) -> BytePixels:
    """(H, W, 3) sRGB: three grounds and a chequered one above, the same four places of the edge enlarged below."""
    boxes = _edge_places(cut_out.alpha)
    rows = [np.hstack([_fitted(laid_on(cut_out, ground)) for ground in (*GROUNDS, None)])]
    for top, left, side in boxes:
        part = (slice(top, top + side), slice(left, left + side))
        rows.append(np.hstack([_enlarged(laid_on(cut_out, ground, part)) for ground in (*GROUNDS, None)]))
    return np.vstack(rows)


def laid_on(
    cut_out: CutOut, ground: tuple[int, int, int] | None, part: tuple[slice, slice] = (slice(None), slice(None))
) -> BytePixels:
    """The product on an even ground, mixed in linear light; None is a chequered ground."""
    alpha, colour = cut_out.alpha[part], pixels.to_linear(cut_out.foreground[part])
    if ground is None:
        rows, columns = np.indices(alpha.shape) // max(4, max(cut_out.alpha.shape) // 60)
        back = np.where(((rows + columns) % 2 == 0)[..., None], 235, 190).astype(np.uint8).repeat(3, axis=2)
    else:
        back = np.broadcast_to(np.asarray(ground, np.uint8), colour.shape)
    return pixels.to_srgb(pixels.over(colour, alpha, pixels.to_linear(back)))


def _fitted(picture: BytePixels) -> BytePixels:
    scale = TILE_PX / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE_PX, TILE_PX, 3), 128, np.uint8)
    tile[: size[1], : size[0]] = small
    return tile


def _enlarged(picture: BytePixels) -> BytePixels:
    return np.asarray(cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _edge_places(alpha: NDArray[np.float32]) -> list[tuple[int, int, int]]:
    """Up to three squares (top, left, side) with the most soft edge in them, apart from each other."""
    side = min(TILE_PX // ZOOM, *alpha.shape)
    soft = ((alpha > 0.05) & (alpha < 0.95)).astype(np.float32)
    weight = cv2.boxFilter(soft, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    places: list[tuple[int, int, int]] = []
    for _ in range(3):
        if float(weight.max()) <= 0:
            break
        row, column = np.unravel_index(int(weight.argmax()), weight.shape)
        top = int(np.clip(row - side // 2, 0, alpha.shape[0] - side))
        left = int(np.clip(column - side // 2, 0, alpha.shape[1] - side))
        places.append((top, left, side))
        weight[max(0, row - side) : row + side, max(0, column - side) : column + side] = 0
    return places
