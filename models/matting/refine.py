"""From a network's blurred mask to an edge fit for print: solve alpha where the mask is unsure, clean the colours.

A network answers at its own grid, about a thousandth of the frame; its edge is soft where the product's is sharp. What
it is sure of is kept. In between the closed-form solution follows the photograph, held loosely to the network's answer.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.types import Alpha, BytePixels

from .edges import EDGE_LEVELS, Plane, closed_form_alpha

SURE = 0.95  # of the network's answer; below and above 1 - SURE the photograph decides
FINE_PX = 1700  # longer side of the product while solving its edge; above, the matte is enlarged
SPECKLED = 0.02  # of the frame undecided: the network was led astray by grain
HOLD = 0.02  # pull of the network's answer in the unsure band, against a Laplacian whose diagonal is about 1


def refined(photo: BytePixels, coarse: Alpha, grid_px: int) -> Alpha:
    """Alpha at the photograph's own size.

    Args:
        photo: (H, W, 3) sRGB.
        coarse: (h, w) the network's answer, 0 to 1, any size, same frame.
        grid_px: how fine the network really looked: cells along the frame's longer side.

    Returns:
        (H, W) 0 to 1.
    """
    height, width = photo.shape[:2]
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    rows, columns = np.flatnonzero((large > 0.05).any(axis=1)), np.flatnonzero((large > 0.05).any(axis=0))
    if len(rows) == 0:
        return np.zeros((height, width), np.float32)
    band = 1.5 * max(height, width) / grid_px + 1.5
    margin = int(3 * band) + 4
    top, bottom = max(rows[0] - margin, 0), min(rows[-1] + margin + 1, height)
    left, right = max(columns[0] - margin, 0), min(columns[-1] + margin + 1, width)
    cut = (slice(top, bottom), slice(left, right))
    piece, guess = photo[cut], large[cut]
    factor = max(1.0, max(piece.shape[:2]) / FINE_PX)
    if factor > 1.0:
        size = (round(piece.shape[1] / factor), round(piece.shape[0] / factor))
        piece = np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        guess = np.asarray(cv2.resize(guess, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    solved = closed_form_alpha(piece, trimap_of(guess, band / factor), prior=guess, hold=HOLD)
    if factor > 1.0:
        full = (right - left, bottom - top)
        solved = np.asarray(cv2.resize(solved, full, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    alpha = np.zeros((height, width), np.float32)
    low, high = EDGE_LEVELS
    alpha[cut] = np.clip((solved - low) / (high - low), 0.0, 1.0)
    return only_connected(alpha)


def without_speckle(coarse: Alpha) -> Alpha:
    """A network's answer without the crumbs it scatters over grainy ground.

    Left as it is where it is decided; a median then tells crumbs (a mixture) from product, and what hangs on no solid
    part goes. Fine leaves and hair are decided and stay.

    Args:
        coarse: (h, w) 0 to 1, at the network's own grid.
    """
    if float(((coarse > 0.15) & (coarse < 0.85)).mean()) < SPECKLED:
        return coarse
    side = max(coarse.shape)
    middle = cv2.medianBlur(np.rint(coarse * 255.0).astype(np.uint8), 11)
    kept = cv2.morphologyEx((middle > 180).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side // 33 | 1, side // 33 | 1))
    core = cv2.morphologyEx(kept, cv2.MORPH_OPEN, disc)
    _, labels = cv2.connectedComponents(kept)
    solid = np.unique(labels[core > 0])
    if not (solid > 0).any():
        return coarse
    near = cv2.dilate(np.isin(labels, solid[solid > 0]).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    calm = np.where(near, np.maximum(coarse, np.where(middle > 230, np.float32(1.0), np.float32(0.0))), np.float32(0.0))
    return calm.astype(np.float32)


def trimap_of(guess: Plane, band: float) -> Plane:
    """1 product, 0 ground, .5 unknown: sure pixels, less a band along the outline; thin parts keep their middle."""
    sure = guess > SURE
    inside = cv2.distanceTransform(np.pad(sure, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    maybe = guess > 1.0 - SURE
    outside = cv2.distanceTransform(np.pad(~maybe, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    trimap = np.full(guess.shape, 0.5, np.float32)
    trimap[inside > band] = 1.0
    trimap[outside > band] = 0.0
    ridge = (inside >= cv2.dilate(inside.astype(np.float32), np.ones((3, 3), np.uint8)) - 0.1) & (inside > 0.6 * band)
    trimap[ridge] = 1.0
    return trimap


def only_connected(alpha: Alpha) -> Alpha:
    """Without the faint islands that hang in the air after solving."""
    count, labels, _, _ = cv2.connectedComponentsWithStats((alpha > 0.04).astype(np.uint8), connectivity=8)
    if count <= 2:
        return alpha
    solid = np.unique(labels[alpha > 0.9])
    return np.where(np.isin(labels, solid[solid > 0]), alpha, np.float32(0.0)).astype(np.float32)


def count_products(alpha: Alpha, share: float = 0.15) -> int:
    """Separate objects of at least ``share`` of the largest."""
    small = alpha if max(alpha.shape) <= 800 else _shrunk(alpha)
    count, _, stats, _ = cv2.connectedComponentsWithStats((small > 0.5).astype(np.uint8), connectivity=8)
    if count < 2:
        return 0
    area = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    return int(np.count_nonzero(area >= share * area.max()))


def _shrunk(alpha: Alpha) -> Alpha:
    factor = 800 / max(alpha.shape)
    size = (max(1, round(alpha.shape[1] * factor)), max(1, round(alpha.shape[0] * factor)))
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
