"""How sure a cut-out is: signs of trouble, measured on the photograph and the matte, weighed by a small calibration.

Each sign is a number from 0 (nothing of it) to 1 that can only raise the uncertainty. The weights were fitted on
photographs with known alpha by ``models/training/calibrate_matting.py``; ``calibration.json`` holds them together with
the command, the data and how well they rank real errors.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models import pixels
from models.types import Alpha, BytePixels, FloatPixels

from .ground import Mask, Plane, crispness, faint_lines, gradient_of, grown, shrunk

CALIBRATION = Path(__file__).with_name("calibration.json")
LOOK_PX = 420  # longer side while looking for trouble
REASON_FROM = 0.35  # of a sign's pull on the answer before it is named

WORDS: Mapping[str, str] = {
    "weak_outline": "parts of the outline have hardly any contrast with the background",
    "unstable": "the outline moves when it is looked for again",
    "left_out": "something beside the product stands out from the background and was left out",
    "like_ground": "parts inside the product look exactly like the background",
    "soft": "large parts are neither product nor background, as glass, hair or leaves are",
    "touching": "the product runs out of the frame",
    "restless": "the background is not plain",
    "ambiguous": "the network hesitated over large parts",
    "apart": "two ways of looking disagree about what belongs to the product",
    "pieces": "the product falls into several pieces",
    "lines_outside": "faint lines beside the cut-out look like more of the product",
    "shadow_foot": "product and shadow are hard to tell apart where it stands",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks against a cut-out; each 0 to 1."""

    weak_outline: float = 0.0
    unstable: float = 0.0
    left_out: float = 0.0
    like_ground: float = 0.0
    soft: float = 0.0
    touching: float = 0.0
    restless: float = 0.0
    ambiguous: float = 0.0
    apart: float = 0.0
    pieces: float = 0.0
    lines_outside: float = 0.0
    shadow_foot: float = 0.0


def signs(photo: BytePixels, alpha: Alpha, *, coarse: Alpha | None = None, other: Alpha | None = None) -> Signs:
    """Measure every sign.

    Args:
        photo: (H, W, 3) sRGB.
        alpha: (H, W) the cut-out's.
        coarse: (h, w) a network's own answer before its edge was refined.
        other: (h, w) a second opinion about the same photograph, from another way of looking.
    """
    small, matte = _small(photo, alpha)
    lab = np.asarray(cv2.GaussianBlur(pixels.to_lab(small), (0, 0), 0.8), dtype=np.float32)
    inside = matte > 0.5
    area = float(inside.sum())
    if area < 8:
        return Signs(weak_outline=1.0, unstable=1.0, apart=1.0)
    noise = _noise(small, matte)
    reach = max(3, round(0.02 * np.sqrt(area)))
    near, far = _colours_beside(lab, matte, reach)
    outline = grown(inside, 3) & ~shrunk(inside, 3)
    contrast = np.linalg.norm(near - far, axis=-1)[outline]
    ground = _ground_of(lab, matte, reach)
    off = np.linalg.norm(lab - ground, axis=-1).astype(np.float32)
    return Signs(
        weak_outline=_part(contrast < max(5.0, 4.0 * noise), 0.5),
        unstable=_clip(_moved(small, inside, reach) / area / 0.12),
        left_out=_clip(_left_out(off, lab, ground, matte, noise, reach) / area / 0.08),
        like_ground=_clip(float((off[shrunk(inside, 2 * reach + 1)] < max(2.5, 2.5 * noise)).sum()) / area / 0.4),
        soft=_clip(float(((matte > 0.12) & (matte < 0.88)).sum()) / (3.0 * max(float(outline.sum()), 1.0))),
        touching=_clip(4.0 * float(np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean())),
        restless=_restless(lab, matte, reach),
        ambiguous=0.0 if coarse is None else _ambiguous(coarse),
        apart=0.0 if other is None else _apart(alpha, other),
        pieces=_pieces(inside, area),
        lines_outside=_lines_outside(small, matte, noise, float(outline.sum()), reach),
        shadow_foot=_shadow_foot(lab, matte, near, far, outline),
    )


def judged(found: Signs, family: str) -> tuple[float, tuple[str, ...]]:
    """The uncertainty, 0 to 1, and the reasons in words, the gravest first.

    Args:
        family: whose calibration to use: "packshot" or "network".
    """
    table = calibration()["families"][family]
    pulls = {name: float(table["weights"].get(name, 0.0)) * value for name, value in asdict(found).items()}
    score = float(table["offset"]) + sum(pulls.values())
    uncertainty = float(1.0 / (1.0 + np.exp(-score)))
    grave = sorted((pull, name) for name, pull in pulls.items() if pull > REASON_FROM)
    return uncertainty, tuple(WORDS[name] for _, name in reversed(grave))


@functools.cache
def calibration() -> Mapping[str, Any]:
    """The fitted weights and where they come from."""
    table: Mapping[str, Any] = json.loads(CALIBRATION.read_text("utf-8"))
    return table


# --- each sign ---------------------------------------------------------------------------------------------------


def _small(photo: BytePixels, alpha: Alpha) -> tuple[BytePixels, Plane]:
    height, width = photo.shape[:2]
    factor = max(1.0, max(height, width) / LOOK_PX)
    size = (max(8, round(width / factor)), max(8, round(height / factor)))
    if factor == 1.0:
        return photo, alpha
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return small, np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _noise(small: BytePixels, matte: Plane) -> float:
    lightness = pixels.to_lab(small)[..., 0]
    fine = np.abs(lightness - cv2.GaussianBlur(lightness, (0, 0), 1.5))
    clear = matte < 0.02
    return max(0.2, 1.4826 * float(np.median(fine[clear]))) if clear.any() else 0.2


def _colours_beside(lab: FloatPixels, matte: Plane, reach: int) -> tuple[FloatPixels, FloatPixels]:
    """(h, w, 3) each: the mean colour of solid product, and of clear ground, around every pixel."""
    size = 4 * reach + 1
    solid, clear = (matte > 0.9).astype(np.float32), (matte < 0.05).astype(np.float32)
    planes = []
    for known in (solid, clear):
        share = np.maximum(cv2.blur(known, (size, size)), 1e-4)
        mean = cv2.blur(lab * known[..., None], (size, size)) / share[..., None]
        planes.append(np.asarray(mean, dtype=np.float32))
    return planes[0], planes[1]


def _ground_of(lab: FloatPixels, matte: Plane, reach: int) -> FloatPixels:
    """(h, w, 3) a smooth ground under everything: medians of clear pixels in ever coarser cells, enlarged."""
    height, width = matte.shape
    clear = matte < 0.02
    clear &= ~grown(matte > 0.3, 2 * reach + 1)
    if clear.mean() < 0.02:
        return np.broadcast_to(np.median(lab.reshape(-1, 3), axis=0), lab.shape).astype(np.float32)
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v, u * u * u, v * v * v], axis=-1).reshape(-1, 8)
    rows = np.flatnonzero(clear.ravel())
    rows = rows[:: max(1, len(rows) // 4000)]
    seen = lab.reshape(-1, 3).astype(np.float64)
    weight = np.ones(len(rows))
    solution = np.zeros((8, 3))
    for _ in range(4):
        a, b = terms[rows] * weight[:, None], seen[rows] * weight[:, None]
        solution = np.asarray(np.linalg.lstsq(a, b, rcond=None)[0], dtype=np.float64)
        miss = np.linalg.norm(seen[rows] - terms[rows] @ solution, axis=1)
        weight = 1.0 / (1.0 + (miss / max(1.0, 1.5 * float(np.median(miss)))) ** 2)
    return (terms @ solution).reshape(lab.shape).astype(np.float32)


def _moved(small: BytePixels, inside: Mask, reach: int) -> float:
    """Pixels that change sides when colour statistics settle a band around the outline anew."""
    deep, outer = shrunk(inside, 2 * reach + 1), grown(inside, 2 * reach + 1)
    if not deep.any() or outer.all():
        return float(inside.sum())
    labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[deep], labels[~outer] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, labels, (0, 0, 1, 1), back, front, 2, cv2.GC_INIT_WITH_MASK)
    again = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    moved = cv2.morphologyEx((again ^ inside).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return float(moved.sum())


def _left_out(off: Plane, lab: Plane, ground: Plane, matte: Plane, noise: float, reach: int) -> float:
    """Clear pixels near the product that are not ground, and no shadow of it either (darker, same tint)."""
    beside = (matte < 0.05) & grown(matte > 0.5, 12 * reach + 1) & ~grown(matte > 0.3, 5)
    tint = np.hypot(lab[..., 1] - ground[..., 1], lab[..., 2] - ground[..., 2])
    dark = ground[..., 0] - lab[..., 0]
    is_shadow = (dark > -2.0) & (tint < 2.5 + 0.12 * np.maximum(dark, 0.0) + noise)
    dx, dy = cv2.Sobel(lab[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(lab[..., 0], cv2.CV_32F, 0, 1)
    crisp = np.hypot(dx, dy) / 8.0 > max(3.0, 3.0 * noise)
    seen = beside & (off > max(6.0, 5.0 * noise)) & (~is_shadow | crisp)
    return float(cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).sum())


def _lines_outside(small: BytePixels, matte: Plane, noise: float, outline_px: float, reach: int) -> float:
    """Crisp lines near the product that are not its outline: a part of the same colour as the ground may be missing."""
    lab = pixels.to_lab(small)
    fine = gradient_of(np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.9), dtype=np.float32))
    line = faint_lines(fine, crispness(lab), noise)
    beside = grown(matte > 0.5, 10 * reach + 1) & ~grown(matte > 0.05, 2 * reach + 5)
    return _clip(float((line & beside).sum()) / max(outline_px, 1.0) / 0.25)


def _restless(lab: Plane, matte: Plane, reach: int) -> float:
    """Edges in what should be ground."""
    clear = ~grown(matte > 0.02, 4 * reach + 1)
    if clear.mean() < 0.02:
        return 1.0
    dx, dy = cv2.Sobel(lab, cv2.CV_32F, 1, 0) / 8.0, cv2.Sobel(lab, cv2.CV_32F, 0, 1) / 8.0
    slope = np.sqrt((dx * dx + dy * dy).sum(axis=-1))
    return _clip(float((slope[clear] > 2.5).mean()) / 0.15)


def _ambiguous(coarse: Alpha) -> float:
    area = max(float((coarse > 0.5).sum()), 1.0)
    hazy = ((coarse > 0.15) & (coarse < 0.85)).astype(np.uint8)
    return _clip(float(cv2.erode(hazy, np.ones((5, 5), np.uint8)).sum()) / area / 0.08)


def _apart(alpha: Alpha, other: Alpha) -> float:
    size = (other.shape[1], other.shape[0])
    mine = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.5
    theirs = other > 0.5
    return _clip((1.0 - float((mine & theirs).sum()) / max(float((mine | theirs).sum()), 1.0)) / 0.25)


def _pieces(inside: Mask, area: float) -> float:
    count, _, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    if count <= 2:
        return 0.0
    return _clip((area - float(stats[1:, cv2.CC_STAT_AREA].max())) / area / 0.1)


def _shadow_foot(lab: Plane, matte: Plane, near: Plane, far: Plane, outline: Mask) -> float:
    """Along the lowest part of the outline: is the ground there dark, grey and close to the product?"""
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    low = np.zeros_like(outline)
    low[rows[-1] - max(2, round(0.12 * (rows[-1] - rows[0]))) :] = True
    foot = outline & low
    if not foot.any():
        return 0.0
    return _part(np.linalg.norm(near - far, axis=-1)[foot] < 12.0, 0.8)


def _part(values: Mask, full: float) -> float:
    """Share of true values; ``full`` of them is 1."""
    return _clip(float(np.mean(values)) / full) if values.size else 0.0


def _clip(value: float) -> float:
    return float(np.clip(value, 0.0, 1.0))
