"""Is this the same picture? Lays one over the other and looks where they differ.

Prints only say who is worth a look: a plate with another product has nearly the same print. Here the candidate is
aligned to what came in (crop, scale, shift), the overall change of colour is taken out, and the rest is compared cell
by cell. Re-encoding changes every cell a little; another product changes a few cells a lot.

Source: Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization", 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .prints import Window

SIDE_PX = 288  # longer side at which pictures are laid over each other
CELL_PX = 12
CELL_OFF = 11.0  # mean difference of a cell, of 255, that re-encoding does not explain
MOST_OFF = 0.015  # of the cells: more is another picture
LEAST_COVERED = 0.6  # of what came in must lie on the candidate
ALIKE = 0.75  # correlation from which two pictures have something in common

BytePixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Match:
    """How one picture lies on another."""

    correlation: float  # 0 to 1 after alignment
    covered: float  # share of what came in that lies on the candidate
    off: float  # share of cells that differ
    off_in_product: float  # share of the product's cells that differ
    off_outside: float  # and of all others
    shown: Box  # which part of the candidate came in, fractions

    @property
    def is_same(self) -> bool:
        return self.covered >= LEAST_COVERED and self.off <= MOST_OFF and self.off_in_product <= 2 * MOST_OFF

    @property
    def is_alike(self) -> bool:
        return self.correlation >= ALIKE and self.covered >= 0.4


def windows_in(picture: BytePixels) -> list[BytePixels]:
    """The picture itself, and what may be one picture within it: inside a frame, or as a rectangle in a screenshot."""
    import cv2

    found = [picture]
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    trimmed = _trimmed(grey)
    if trimmed is not None:
        found.append(_cut(picture, trimmed))
    scale = min(1.0, 640 / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    edges = cv2.dilate(cv2.Canny(small, 24, 72), np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes: list[tuple[int, int, int, int]] = []
    for contour in sorted(contours, key=lambda c: -cv2.boundingRect(c)[2] * cv2.boundingRect(c)[3])[:12]:
        x, y, w, h = cv2.boundingRect(contour)
        share = w * h / (small.shape[0] * small.shape[1])
        is_rectangle = cv2.contourArea(cv2.convexHull(contour)) > 0.93 * w * h
        if is_rectangle and 0.12 < share < 0.97 and min(w, h) > 60:
            box = (
                round((x + 2) / scale),
                round((y + 2) / scale),
                round((x + w - 2) / scale),
                round((y + h - 2) / scale),
            )
            if all(max(abs(a - b) for a, b in zip(box, other, strict=True)) > 12 / scale for other in boxes):
                boxes.append(box)
    found += [_cut(picture, box) for box in boxes[:3]]
    return found


def lay_over(shown: BytePixels, candidate: BytePixels, window: Window, product_box: Box | None = None) -> Match:
    """Align a candidate with what came in and compare.

    Args:
        shown: (H, W, 3) what came in.
        candidate: (h, w, 3) a picture of ours.
        window: the part of the candidate that most likely came in, fractions.
        product_box: where the product is in the candidate, fractions.
    """
    import cv2

    query, ours = _small(shown), _small(candidate)
    qh, qw = query.shape[:2]
    oh, ow = ours.shape[:2]
    sx, sy = (window[2] - window[0]) * ow / qw, (window[3] - window[1]) * oh / qh
    warp = np.array([[sx, 0, window[0] * ow], [0, sy, window[1] * oh]], np.float32)
    grey_q = cv2.cvtColor(query, cv2.COLOR_RGB2GRAY)
    grey_o = cv2.cvtColor(ours, cv2.COLOR_RGB2GRAY)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
    correlation = 0.0
    try:
        correlation, aligned = cv2.findTransformECC(grey_q, grey_o, warp.copy(), cv2.MOTION_AFFINE, stop)
        if 0.4 * sx < aligned[0, 0] < 2.5 * sx and 0.4 * sy < aligned[1, 1] < 2.5 * sy:
            warp = np.asarray(aligned, np.float32)
    except cv2.error:  # nothing to align by: the two have little in common
        pass
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(ours, warp, (qw, qh), flags=flags)
    on_it = cv2.warpAffine(np.ones((oh, ow), np.uint8), warp, (qw, qh), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    inside = np.asarray(cv2.erode(on_it, np.ones((5, 5), np.uint8), borderValue=1) > 0)
    covered = float(inside.mean())
    corners = warp @ np.array([[0, qw], [0, qh], [1, 1]], np.float32)
    box = (corners[0, 0] / ow, corners[1, 0] / oh, corners[0, 1] / ow, corners[1, 1] / oh)
    part = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    if covered < 0.2:
        return Match(float(correlation), covered, 1.0, 1.0, 1.0, part)
    off = _cells_off(query, np.asarray(laid, np.uint8), inside)
    in_product = _product_cells(off.shape, part, product_box)
    known = ~np.isnan(off)
    differs = np.nan_to_num(off) > CELL_OFF
    return Match(
        correlation=float(correlation),
        covered=covered,
        off=float(differs[known].mean()) if known.any() else 1.0,
        off_in_product=_share(differs, known & in_product),
        off_outside=_share(differs, known & ~in_product),
        shown=part,
    )


def _cells_off(query: BytePixels, laid: BytePixels, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(rows, columns) how far each cell is off after the overall change of colour is taken out; nan where unknown."""
    import cv2

    one = cv2.GaussianBlur(query, (0, 0), 1.2).astype(np.float64)
    other = cv2.GaussianBlur(laid, (0, 0), 1.2).astype(np.float64)
    apart = np.zeros(inside.shape)
    for channel in range(3):
        a, b = one[..., channel], other[..., channel]
        good = inside
        for _ in range(3):  # a line through the pairs, without those far from it
            slope, rise = np.polyfit(b[good], a[good], 1) if np.ptp(b[good]) > 4 else (1.0, float((a - b)[good].mean()))
            residual = np.abs(a - (slope * b + rise))
            good = inside & (residual <= max(6.0, float(np.percentile(residual[inside], 75))))
        apart = np.maximum(apart, residual)
    rows, columns = max(1, inside.shape[0] // CELL_PX), max(1, inside.shape[1] // CELL_PX)
    cut = (slice(0, rows * CELL_PX), slice(0, columns * CELL_PX))
    shape = (rows, CELL_PX, columns, CELL_PX)
    weight = inside[cut].reshape(shape).sum(axis=(1, 3))
    total = np.where(inside[cut], apart[cut], 0.0).reshape(shape).sum(axis=(1, 3))
    return np.where(weight > CELL_PX * CELL_PX / 2, total / np.maximum(weight, 1), np.nan)


def _product_cells(shape: tuple[int, ...], shown: Box, product: Box | None) -> NDArray[np.bool_]:
    found = np.zeros(shape, np.bool_)
    if product is None:
        return found
    wide, tall = max(shown[2] - shown[0], 1e-6), max(shown[3] - shown[1], 1e-6)
    left, right = ((product[i] - shown[0]) / wide * shape[1] for i in (0, 2))
    top, bottom = ((product[i] - shown[1]) / tall * shape[0] for i in (1, 3))
    found[max(0, int(top)) : max(0, int(np.ceil(bottom))), max(0, int(left)) : max(0, int(np.ceil(right)))] = True
    return found


def _share(differs: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(differs[among].mean()) if among.any() else 0.0


def _small(picture: BytePixels) -> BytePixels:
    import cv2

    scale = SIDE_PX / max(picture.shape[:2])
    size = (max(24, round(picture.shape[1] * scale)), max(24, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=how), dtype=np.uint8)


def _trimmed(grey: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """The picture without rows and columns of one colour at its edges, None where there are hardly any."""
    rows = np.flatnonzero(grey.std(axis=1) > 3.0)
    columns = np.flatnonzero(grey.std(axis=0) > 3.0)
    if len(rows) < 32 or len(columns) < 32:
        return None
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    kept = (box[2] - box[0]) * (box[3] - box[1]) / grey.size
    return box if kept < 0.99 else None


def _cut(picture: BytePixels, box: tuple[int, int, int, int]) -> BytePixels:
    left, top, right, bottom = (max(0, value) for value in box)
    return np.ascontiguousarray(picture[top:bottom, left:right])
