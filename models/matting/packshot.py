"""Cuts a product out of a packshot without any weights.

A packshot has a plain or smoothly graded ground. That makes three things possible: the ground can be fitted and
predicted behind the product; a soft shadow can be told from the product, because it keeps the ground's colour and has
no edge; and the soft edge can be solved for, because both its sides are known. Where the ground is not plain the answer
is ``NoProductFound``: another backend has to look.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.errors import NoProductFound
from models.types import Alpha, BytePixels, CutOut, FloatPixels, Provenance

from .edges import closed_form_alpha, foreground_colours, local_ground

REVISION = "packshot-1"
SMALL_PX = 640  # longer side while looking for the product
FINE_PX = 1700  # longer side of the product while solving its edge; above, the matte is enlarged
EDGE_LEVELS = (0.015, 0.94)  # a product's pale rim solves to just under 1; measured on rendered photographs
GRABCUT_ROUNDS = 3
LEAK_PX = 3  # gaps in the product's outline up to twice as wide are closed
WIDE_LEAK = 0.14  # of the size of all that is not ground: wider doors are looked at before they are walked through
TINT_NEAR_PRODUCT = 0.35  # a red mug reddens its own contact shadow

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]


class Packshot:
    """Matting for plain backgrounds. Same photograph, same bytes."""

    name = "packshot"

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Lift the product off its ground.

        Args:
            photo: (H, W, 3) sRGB, upright.

        Raises:
            NoProductFound: blank, noise, no plain ground, or the only thing seen is part of the surroundings.
        """
        small, shrink = _small(photo)
        ground = _fit_ground(small)
        look = _Look.of(small, ground)
        found = _find(look)
        refined = _grabcut(look, found)
        mask, n_products = _keep_products(refined, look)
        alpha = _solve_edge(photo, mask, look, shrink)
        alpha = _only_connected(alpha)
        ground_colour = local_ground(photo, alpha)
        return CutOut(
            photo=photo,
            alpha=alpha,
            foreground=foreground_colours(photo, alpha, ground_colour),
            uncertainty=_uncertainty(look, found, mask, alpha, ground),
            n_products=n_products,
            provenance=Provenance("packshot", "packshot", REVISION),
        )


# --- the ground --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the photograph would be without the product and its shadow."""

    rgb: FloatPixels  # (h, w, 3) linear light
    noise: float  # standard deviation of L* on the border
    inliers: float  # share of the border that follows the fit


def _small(photo: BytePixels) -> tuple[BytePixels, float]:
    height, width = photo.shape[:2]
    shrink = max(1.0, max(height, width) / SMALL_PX)
    if shrink == 1.0:
        return photo, 1.0
    size = (max(round(width / shrink), 8), max(round(height / shrink), 8))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), shrink


def _fit_ground(small: BytePixels) -> _Ground:
    """A quadratic surface per channel in the logarithm of light, fitted to the border, then to all that follows it."""
    linear = pixels.to_linear(small)
    log = np.log(np.maximum(linear, 1e-3))
    height, width = log.shape[:2]
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    border = _border(height, width)
    known = border.copy()
    predicted = np.zeros_like(log)
    for round_ in range(4):
        weights = _robust_weights(log, predicted, known, first=round_ == 0)
        rows = np.flatnonzero(known.ravel())
        rows = rows[:: max(1, len(rows) // 6000)]
        a = terms.reshape(-1, 6)[rows] * weights.ravel()[rows, None]
        b = log.reshape(-1, 3)[rows] * weights.ravel()[rows, None]
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        predicted = (terms @ solution).astype(np.float32)
        if round_ >= 1:
            known = border | (_largest(np.abs(log - predicted)) < 0.03)
    off = _largest(np.abs(log - predicted)[border])
    lightness = pixels.to_lab(small)[..., 0]
    fine = lightness - cv2.GaussianBlur(lightness, (0, 0), 1.5)
    noise = 1.4826 * float(np.median(np.abs(fine[border])))
    limit = 0.12 + 4.0 * noise / 100.0
    return _Ground(np.exp(predicted).astype(np.float32), max(noise, 0.15), float(np.mean(off < limit)))


def _largest(channels: FloatPixels) -> Plane:
    """The largest of three channels; written out, as reducing so short an axis is ten times slower."""
    return np.asarray(np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2]), dtype=np.float32)


def _border(height: int, width: int) -> Mask:
    ring = np.zeros((height, width), dtype=np.bool_)
    edge = max(3, round(0.03 * max(height, width)))
    ring[:edge] = ring[-edge:] = True
    ring[:, :edge] = ring[:, -edge:] = True
    return ring


def _robust_weights(log: FloatPixels, predicted: FloatPixels, known: Mask, *, first: bool) -> Plane:
    """Cauchy weights around the last fit; around the median of the border at first."""
    around = np.median(log[known], axis=0) if first else predicted
    off = _largest(np.abs(log - around))
    scale = max(1.4826 * float(np.median(off[known])), 0.004) * (2.5 if first else 1.5)
    return np.asarray(1.0 / (1.0 + (off / scale) ** 2), dtype=np.float32)


# --- what each pixel looks like against it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Look:
    """How every pixel differs from the ground, at the small size."""

    flat: BytePixels  # the photograph with the ground divided out
    difference: Plane  # CIELAB distance to the ground
    brightness: Plane  # linear light / ground's linear light
    colour_off: Plane  # how far the channels' ratios lie apart: 0 for any shadow
    gradient: Plane  # CIELAB per px
    noise: float

    @staticmethod
    def of(small: BytePixels, ground: _Ground) -> _Look:
        linear = pixels.to_linear(small)
        soft = cv2.GaussianBlur(linear, (0, 0), 0.8) if ground.noise > 1.0 else linear
        ratio = (soft + 0.004) / (ground.rgb + 0.004)
        brightness = ratio @ pixels.LUMA
        colour_off = _largest(np.abs(ratio / np.maximum(brightness, 0.02)[..., None] - 1.0))
        lab = pixels.to_lab(small)
        ground_lab = pixels.to_lab(pixels.to_srgb(ground.rgb))
        smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.9), dtype=np.float32)
        difference = np.linalg.norm(smooth - ground_lab, axis=-1)
        flat = pixels.to_srgb(np.clip(linear / np.maximum(ground.rgb, 0.01) * 0.7, 0, 1).astype(np.float32))
        return _Look(
            flat=flat,
            difference=difference.astype(np.float32),
            brightness=brightness.astype(np.float32),
            colour_off=colour_off.astype(np.float32),
            gradient=_gradient(smooth),
            noise=ground.noise,
        )

    def like_ground(self) -> Mask:
        return self.difference < max(2.2, 3.5 * self.noise)

    def like_shadow(self, tint_allowed: float = 0.1) -> Mask:
        """Darker than the ground, in the ground's own colour; room and product tint deep shadows a little."""
        tint = 0.05 + 0.02 * self.noise + tint_allowed * np.clip(1.0 - self.brightness, 0.0, 1.0)
        return np.asarray((self.brightness > 0.12) & (self.brightness < 1.2) & (self.colour_off < tint))


def _gradient(lab: FloatPixels) -> Plane:
    dx = cv2.Sobel(lab, cv2.CV_32F, 1, 0, ksize=3) / 8.0
    dy = cv2.Sobel(lab, cv2.CV_32F, 0, 1, ksize=3) / 8.0
    return np.asarray(np.sqrt((dx * dx + dy * dy).sum(axis=-1)), dtype=np.float32)


# --- finding the product -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Three answers at the small size: surely ground, surely product, and the rest."""

    ground: Mask
    product: Mask
    likely: Mask  # best guess for what is in between


def _find(look: _Look) -> _Found:
    """Flood the ground from the border, then its shadow from there, over no edge; what stays dry is product."""
    flooded = _reached_from_border(look.like_ground())
    if not _clean(~flooded).any():
        raise NoProductFound("nothing stands out from the background")
    dry = _clean(~_with_shadow(flooded, look))
    if not dry.any():
        raise NoProductFound("nothing but soft shading stands out from the background")
    dry = _fill(dry) & ~_see_through(dry, look)
    strong = dry & ~look.like_shadow(TINT_NEAR_PRODUCT) & (look.difference > max(6.0, 5.0 * look.noise))
    seam = _seam(dry, look)
    product = _shrunk(strong, 3) | (_shrunk(dry, 7) & ~seam)
    is_coloured = float(np.mean(look.like_shadow(TINT_NEAR_PRODUCT)[_shrunk(dry, 7)])) < 0.5 if product.any() else False
    return _Found(~_grown(dry, 7), product & dry, dry & ~seam if is_coloured else dry)


def _grown(mask: Mask, size_px: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((size_px, size_px), np.uint8)), dtype=np.bool_)


def _shrunk(mask: Mask, size_px: int) -> Mask:
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((size_px, size_px), np.uint8)), dtype=np.bool_)


def _with_shadow(flooded: Mask, look: _Look) -> Mask:
    """Ground and the shading on it: in the ground's colour, entered without crossing an edge."""
    blob = _clean(~flooded)
    if not blob.any():
        return flooded
    soft = look.like_shadow(TINT_NEAR_PRODUCT) & (look.gradient < max(1.1, 2.0 * look.noise))
    passable = flooded | soft | ~blob
    narrow = _flood(passable, LEAK_PX) | flooded
    rooms = narrow & ~(_flood(passable, round(WIDE_LEAK * np.sqrt(float(blob.sum())))) | flooded)
    return narrow & ~_walled(rooms, look)


def _flood(passable: Mask, leak_px: int) -> Mask:
    """What the border reaches through openings more than twice ``leak_px`` wide; a gap in an edge is no way in."""
    size = 2 * leak_px + 1
    return _grown(_reached_from_border(_shrunk(passable, size)), size) & passable


def _walled(rooms: Mask, look: _Look) -> Mask:
    """Those pieces that edges surround on nearly all sides: a grey product whose outline fades for a hand's breadth."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rooms.astype(np.uint8), connectivity=4)
    strong = _grown(look.gradient > max(1.6, 3.0 * look.noise), 5)
    walled = np.zeros_like(rooms)
    for i in range(1, count):
        piece = labels == i
        if stats[i, cv2.CC_STAT_AREA] < 0.002 * rooms.size:
            continue
        rim = _grown(piece, 3) & ~piece
        if float(np.mean(strong[rim])) > 0.7:
            walled |= _grown(piece, 2 * LEAK_PX + 1)
    return walled


def _reached_from_border(passable: Mask) -> Mask:
    """Everything that a walk over passable pixels reaches from the frame."""
    padded = np.pad(passable, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])


def _clean(mask: Mask) -> Mask:
    """Without specks: they are noise or dust, unless they are as large as a fiftieth of the main thing."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    kept = cv2.dilate(opened, np.ones((3, 3), np.uint8)).astype(np.bool_) & mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros_like(mask)
    area = stats[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(area >= max(0.0004 * mask.size, 0.02 * float(area.max()))) + 1
    return np.asarray(np.isin(labels, large))


def _fill(mask: Mask) -> Mask:
    return ~_reached_from_border(~mask)


def _see_through(dry: Mask, look: _Look) -> Mask:
    """Enclosed pieces through which the ground is seen: the eye of a handle, the loop of a strap.

    A white label is enclosed too. But it is lettered, or not quite the ground's colour, or far from the outside.
    """
    inner_edge = _shrunk(dry, 3)
    candidates = _fill(dry) & (look.like_ground() | (look.like_shadow() & (look.brightness > 0.3)))
    candidates &= (look.gradient < max(2.0, 2.5 * look.noise)) & (inner_edge | ~dry)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    holes = np.zeros_like(dry)
    filled = _fill(dry)
    depth = cv2.distanceTransform(np.pad(filled, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    reach = 0.16 * np.sqrt(float(filled.sum()))
    for i in range(1, count):
        area = int(stats[i, cv2.CC_STAT_AREA])
        piece = labels == i
        if area < max(12, 0.0004 * filled.sum()) or float(depth[piece].min()) > reach:
            continue
        if _is_framed_below(piece, filled) and _is_opening(piece, area, look):
            holes |= _grown(piece, 3)
    return holes & filled


def _is_framed_below(piece: Mask, filled: Mask) -> bool:
    """Is there product beneath this piece? Beneath a bright foot there is only the ground."""
    around = _grown(piece, 17) & ~_grown(piece, 13)
    around[: int(np.flatnonzero(piece.any(axis=1)).mean())] = False
    return not around.any() or float(filled[around].mean()) > 0.8


def _is_opening(piece: Mask, area: int, look: _Look) -> bool:
    """Does this enclosed piece show the ground, and is it cut off by an edge all around?"""
    if int(_fill(piece).sum()) > 1.04 * area + 8:
        return False  # islands inside: lettering
    rim = _grown(piece, 7) & ~piece
    if float(np.mean(look.gradient[rim] > max(1.5, 2.5 * look.noise))) < 0.45:
        return False  # the shading of a surface fades into it
    brightness, off = look.brightness[piece], look.colour_off[piece]
    like_ground = float(np.mean(np.abs(brightness - 1.0) < 0.05 + 0.02 * look.noise))
    shadowed = float(brightness.std()) < 0.09 and float(np.median(brightness)) > 0.35
    return float(np.median(off)) < 0.045 + 0.01 * look.noise and (like_ground > 0.7 or shadowed)


def _seam(dry: Mask, look: _Look) -> Mask:
    """Where contact shadow and product meet: a shadow-coloured rim at the feet. Edges must decide, not colour."""
    depth = cv2.distanceTransform(np.pad(dry, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(_low_shadow(dry, look) & (depth < max(6.0, 0.05 * np.sqrt(float(dry.sum())))))


def _low_shadow(dry: Mask, look: _Look) -> Mask:
    """Shadow-coloured pixels in the lowest part of what was found: contact shadow, or a grey foot; GrabCut decides."""
    rows = np.flatnonzero(dry.any(axis=1))
    low = np.zeros_like(dry)
    low[rows[0] + round(0.75 * (rows[-1] - rows[0])) :] = True
    return low & look.like_shadow(TINT_NEAR_PRODUCT) & (look.brightness < 0.97)


def _grabcut(look: _Look, found: _Found) -> Mask:
    """Let colour statistics and edges settle what lies between sure ground and sure product."""
    if not found.product.any() or not found.ground.any():
        return found.likely
    rows, columns = np.flatnonzero(found.likely.any(axis=1)), np.flatnonzero(found.likely.any(axis=0))
    margin = 12
    cut = (
        slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
        slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
    )
    labels = np.where(found.likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[found.ground] = cv2.GC_BGD
    labels[found.product] = cv2.GC_FGD
    labels = np.ascontiguousarray(labels[cut])
    unsure = (labels == cv2.GC_PR_FGD) | (labels == cv2.GC_PR_BGD)
    if not unsure.any() or not (labels == cv2.GC_BGD).any() or not (labels == cv2.GC_FGD).any():
        return found.likely
    cv2.setRNGSeed(0)  # its clusters start at random points
    image = np.ascontiguousarray(look.flat[cut])
    back, front = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, (0, 0, 1, 1), back, front, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    result = np.zeros_like(found.likely)
    result[cut] = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return _without_shadow_tails(_clean(result), look)


def _without_shadow_tails(mask: Mask, look: _Look) -> Mask:
    """Thin, shadow-coloured strips beside the feet are the steep side of a shadow."""
    if not mask.any():
        return mask
    radius = max(3, round(0.03 * np.sqrt(float(mask.sum()))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = np.pad(mask, radius, mode="edge").astype(np.uint8)
    broad = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[radius:-radius, radius:-radius] > 0
    tails = mask & ~_grown(broad, 3) & _low_shadow(mask, look)
    return mask & ~tails


def _keep_products(mask: Mask, look: _Look) -> tuple[Mask, int]:
    """Drop specks, count separate objects, refuse what is part of the surroundings."""
    kept = _clean(mask)
    count, _, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=8)
    if count < 2:
        raise NoProductFound("nothing stands out from the background")
    area = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    if area.max() < 0.002 * mask.size:
        raise NoProductFound("what stands out is smaller than a five-hundredth of the picture")
    _refuse_surroundings(kept)
    return kept, int(np.count_nonzero(area >= 0.15 * area.max()))


def _refuse_surroundings(mask: Mask) -> None:
    """A product stands before its ground; what spans the picture is a table, a horizon or a wall."""
    sides = {"left": mask[:, 0], "right": mask[:, -1], "top": mask[0], "bottom": mask[-1]}
    touched = {name: float(line.mean()) for name, line in sides.items()}
    if touched["left"] > 0.12 and touched["right"] > 0.12:
        raise NoProductFound("what stands out runs from side to side, as a table or a landscape does")
    if sum(share > 0.25 for share in touched.values()) >= 2 or mask.mean() > 0.92:
        raise NoProductFound("the background is not plain; a product cannot be told from it without weights")


# --- the soft edge -----------------------------------------------------------------------------------------------


def _solve_edge(photo: BytePixels, mask: Mask, look: _Look, shrink: float) -> Alpha:
    """Alpha at the photograph's own size, solved in a narrow band around the found outline."""
    height, width = photo.shape[:2]
    coarse = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.flatnonzero((coarse > 0.5).any(axis=1)), np.flatnonzero((coarse > 0.5).any(axis=0))
    band = 2.2 * shrink + 1.5
    margin = int(3 * band) + 4
    top, bottom = max(rows[0] - margin, 0), min(rows[-1] + margin + 1, height)
    left, right = max(columns[0] - margin, 0), min(columns[-1] + margin + 1, width)
    cut = (slice(top, bottom), slice(left, right))
    piece, guess = photo[cut], np.asarray(coarse[cut], dtype=np.float32)
    factor = max(1.0, max(piece.shape[:2]) / FINE_PX)
    if factor > 1.0:
        size = (round(piece.shape[1] / factor), round(piece.shape[0] / factor))
        piece = np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        guess = np.asarray(cv2.resize(guess, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    solved = closed_form_alpha(piece, _trimap(guess > 0.5, band / factor))
    if factor > 1.0:
        full = (right - left, bottom - top)
        solved = np.asarray(cv2.resize(solved, full, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    alpha = np.zeros((height, width), np.float32)
    alpha[cut] = np.clip((solved - EDGE_LEVELS[0]) / (EDGE_LEVELS[1] - EDGE_LEVELS[0]), 0.0, 1.0)
    return alpha


def _trimap(mask: Mask, band: float) -> Plane:
    """1 product, 0 ground, .5 unknown; thin parts such as leaves and straps are all unknown."""
    padded = np.pad(mask, 1, mode="edge")
    inside = cv2.distanceTransform(padded.astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform((~padded).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    trimap = np.full(mask.shape, 0.5, np.float32)
    trimap[inside > band] = 1.0
    trimap[outside > band] = 0.0
    ridge = (inside >= cv2.dilate(inside.astype(np.float32), np.ones((3, 3), np.uint8)) - 0.1) & (inside > 0.45 * band)
    trimap[ridge] = 1.0  # the middle of a thin part is still product
    return trimap


def _only_connected(alpha: Alpha) -> Alpha:
    """Without the faint islands that hang in the air after solving."""
    count, labels, _, _ = cv2.connectedComponentsWithStats((alpha > 0.04).astype(np.uint8), connectivity=8)
    if count <= 2:
        return alpha
    solid = np.unique(labels[alpha > 0.9])
    return np.where(np.isin(labels, solid[solid > 0]), alpha, np.float32(0.0)).astype(np.float32)


def _uncertainty(look: _Look, found: _Found, mask: Mask, alpha: Alpha, ground: _Ground) -> float:
    """0 sure to 1 lost: weak outline, restless ground, disagreement of the two ways of looking, much softness."""
    outline = _grown(mask, 5) & ~_shrunk(mask, 3)
    strength = cv2.dilate(look.gradient, np.ones((5, 5), np.uint8))[outline]
    weak = float(np.mean(strength < max(1.5, 3.0 * look.noise)))
    apart = float(np.logical_xor(mask, found.likely).sum()) / max(float(mask.sum()), 1.0)
    restless = 1.0 - ground.inliers
    soft_px = float(((alpha > 0.1) & (alpha < 0.9)).sum())
    edge_px = 4.0 * float(np.sqrt((alpha > 0.5).sum()))
    softness = np.clip(soft_px / max(edge_px, 1.0) / 6.0 - 0.5, 0.0, 1.0)
    frame = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    touching = float(np.clip(4.0 * frame.mean(), 0.0, 1.0))
    score = 1.2 * weak + 1.0 * apart + 0.8 * restless + 0.3 * float(softness) + 0.4 * touching
    return float(np.clip(score, 0.0, 1.0))
