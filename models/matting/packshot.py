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

from models.errors import NoProductFound
from models.types import Alpha, BytePixels, CutOut, Provenance

from .cutting import finished
from .edges import EDGE_LEVELS, closed_form_alpha
from .ground import (
    TINT_NEAR_PRODUCT,
    Look,
    Mask,
    Plane,
    clean,
    faint_lines,
    fill,
    fit_ground,
    flood,
    grown,
    reached_from_border,
    shrunk,
    small_copy,
)
from .refine import FINE_PX, only_connected

REVISION = "packshot-2"
GRABCUT_ROUNDS = 3
LEAK_PX = 3  # gaps in the product's outline up to twice as wide are closed
DOWN_STEP, DOWN_UP = 0.07, 0.008  # of the ground's light a pixel: how fast a shadow may deepen and waver
FOLIAGE = 0.12  # of what the outline encloses: so much has to be thin parts before gaps are looked for between them
DEEP_SHADOW = 0.06  # of the product's size: how far under the product's foot its contact shadow is followed
WIDE_LEAK = 0.14  # of the size of all that is not ground: wider doors are looked at before they are walked through


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
        small, shrink = small_copy(photo)
        ground = fit_ground(small)
        look = Look.of(small, ground)
        found = _find(look)
        refined = _grabcut(look, found)
        mask, n_products = _keep_products(refined, look)
        alpha = _solve_edge(photo, mask, look, shrink)
        alpha = only_connected(alpha)
        return finished(
            photo,
            alpha,
            family="packshot",
            other=found.likely.astype(np.float32),
            n_products=n_products,
            ground=ground,
            provenance=Provenance("packshot", "packshot", REVISION),
        )


# --- finding the product -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Three answers at the small size: surely ground, surely product, and the rest."""

    ground: Mask
    product: Mask
    likely: Mask  # best guess for what is in between
    gaps: Mask  # ground seen between thin parts


def _find(look: Look) -> _Found:
    """Flood the ground from the border, then its shadow from there, over no edge; what stays dry is product."""
    flooded = reached_from_border(look.like_ground())
    flooded &= ~_pale(flooded, look)
    if not clean(~flooded).any():
        raise NoProductFound("nothing stands out from the background")
    dry = clean(~_downhill(_with_shadow(flooded, look), look))
    if not dry.any():
        raise NoProductFound("nothing but soft shading stands out from the background")
    dry |= _twigs(dry, look)
    gaps = _gaps(dry, look)
    dry = fill(dry) & ~_see_through(dry, look) & ~gaps
    strong = dry & ~look.like_shadow(TINT_NEAR_PRODUCT) & (look.difference > max(6.0, 5.0 * look.noise))
    seam = _seam(dry, look)
    product = shrunk(strong, 3) | (shrunk(dry, 7) & ~seam)
    is_coloured = float(np.mean(look.like_shadow(TINT_NEAR_PRODUCT)[shrunk(dry, 7)])) < 0.5 if product.any() else False
    return _Found(~grown(dry, 7), product & dry, dry & ~seam if is_coloured else dry, gaps)


def _with_shadow(flooded: Mask, look: Look) -> Mask:
    """Ground and the shading on it: in the ground's colour, entered without crossing an edge."""
    blob = clean(~flooded)
    if not blob.any():
        return flooded
    line = faint_lines(look.gradient, look.crispness, look.noise)
    soft = look.like_shadow(TINT_NEAR_PRODUCT) & (look.gradient < max(1.1, 2.0 * look.noise)) & ~line
    passable = flooded | soft | ~blob
    narrow = flood(passable, LEAK_PX) | flooded
    rooms = narrow & ~(flood(passable, round(WIDE_LEAK * np.sqrt(float(blob.sum())))) | flooded)
    return narrow & ~_walled(rooms, look)


def _downhill(base: Mask, look: Look) -> Mask:
    """The steep side of a contact shadow: from the ground on it only gets darker, and no crisp edge is crossed."""
    blob = clean(~base)
    if not blob.any():
        return base
    brightness = cv2.GaussianBlur(look.brightness, (0, 0), 0.8)
    crisp = (look.crispness > 1.25) & (look.gradient > max(0.6, 1.3 * look.noise))
    allowed = look.like_shadow(0.12) & ~grown(crisp, 3)
    kernel = np.ones((3, 3), np.uint8)
    reached = base.copy()
    for _ in range(max(4, round(DEEP_SHADOW * np.sqrt(float(blob.sum()))))):
        brightest = cv2.dilate(np.where(reached, brightness, np.float32(-1.0)), kernel)
        darkest = cv2.erode(np.where(reached, brightness, np.float32(9.0)), kernel)
        falls = (brightness < darkest + DOWN_UP) & (brightness > brightest - DOWN_STEP) & (brightest >= 0.0)
        new = allowed & falls & ~reached
        if not new.any():
            break
        reached |= new
    return reached


def _pale(flooded: Mask, look: Look) -> Mask:
    """White on white, black on black: what lies behind a faint but crisp line that closes nearly all around."""
    line = faint_lines(look.gradient, look.crispness, look.noise)
    open_ = flood(flooded & ~grown(line, 3), LEAK_PX)
    rooms = shrunk(flooded & ~grown(open_, 2 * LEAK_PX + 3), 3)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rooms.astype(np.uint8), connectivity=4)
    near_line = grown(line, 2 * LEAK_PX + 5)
    kept = np.zeros_like(flooded)
    for i in range(1, count):
        if stats[i, cv2.CC_STAT_AREA] < 0.002 * rooms.size:
            continue
        piece = labels == i
        rim = grown(piece, 3) & ~piece
        if float(np.mean(near_line[rim] | ~flooded[rim])) > 0.8:
            kept |= grown(piece, 5)
    return kept & flooded


def _sharp(look: Look) -> Mask:
    """Surely neither ground nor shadow, however thin."""
    return np.asarray((look.difference > max(9.0, 6.0 * look.noise)) & ~look.like_shadow(0.25))


def _twigs(dry: Mask, look: Look) -> Mask:
    """Thin parts that cleaning took away: what clearly is not ground and hangs on the product, or nearly so.

    A leaf whose stem is too fine to be seen may lie a twentieth of the product's size away.
    """
    sharp = _sharp(look)
    area = float(dry.sum())
    far = grown(dry, 2 * round(0.05 * np.sqrt(area)) + 5)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((sharp | dry).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[np.unique(labels[dry])] = True
    close = np.zeros(count, np.bool_)
    close[np.unique(labels[far & sharp])] = True
    kept |= close & (stats[:, cv2.CC_STAT_AREA] >= max(10, 0.0008 * area))
    kept[0] = False
    return np.asarray(sharp & kept[labels])


def _gaps(dry: Mask, look: Look) -> Mask:
    """Ground seen between leaves, wires or bristles: where all parts are thin, whatever is not clearly product.

    White space on a label has thin lettering around it too. But a label lies inside a body, and there is far more
    space than lettering.
    """
    filled = fill(dry)
    size = np.sqrt(float(filled.sum()))
    strong = filled & (look.difference > max(6.0, 4.0 * look.noise))
    radius = max(3, round(0.045 * size))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    bulk = grown(cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, 5)
    window = 2 * max(6, round(0.08 * size)) + 1
    share = cv2.blur(strong.astype(np.float32), (window, window))
    density = share / np.maximum(cv2.blur(filled.astype(np.float32), (window, window)), 0.05)
    typical = cv2.blur(look.difference * strong, (window, window)) / np.maximum(share, 0.02)
    thin = filled & ~bulk & (density > 0.28)
    outer = _touching(thin, ~filled)
    if float(outer.sum()) < FOLIAGE * float(filled.sum()):
        return np.zeros_like(dry)  # a solid thing with a label or a barcode near its outline
    gaps = outer & (look.difference < np.maximum(max(3.0, 3.5 * look.noise), 0.4 * typical))
    gaps &= ~_roomy(gaps, 0.035 * size)
    return gaps & _crisply_framed(gaps, look)


def _crisply_framed(mask: Mask, look: Look) -> Mask:
    """Those pieces with an edge around them; a shaded surface that passes through the ground's colour has none."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    around = cv2.dilate(labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int64)
    rim = (around > 0) & ~shrunk(mask, 3)
    edge = grown((look.gradient > max(2.0, 4.0 * look.noise)) & (look.crispness > 1.2), 3)
    n = int(labels.max()) + 1
    total = np.bincount(around[rim], minlength=n)
    framed = np.bincount(around[rim], weights=edge[rim], minlength=n) > 0.6 * np.maximum(total, 1)
    framed[0] = False
    return np.asarray(framed[labels])


def _roomy(mask: Mask, radius_px: float) -> Mask:
    """Those pieces that hold a disc of this radius: no gap between leaves does."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    roomy = np.unique(labels[mask & (depth > max(4.0, radius_px))])
    return np.isin(labels, roomy[roomy > 0])


def _touching(mask: Mask, other: Mask) -> Mask:
    """Those pieces of a mask that border on the other."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = np.unique(labels[mask & grown(other, 3)])
    return np.isin(labels, kept[kept > 0])


def _walled(rooms: Mask, look: Look) -> Mask:
    """Those pieces that edges surround on nearly all sides: a grey product whose outline fades for a hand's breadth."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rooms.astype(np.uint8), connectivity=4)
    line = faint_lines(look.gradient, look.crispness, look.noise)
    strong = grown((look.gradient > max(1.6, 3.0 * look.noise)) | line, 5)
    walled = np.zeros_like(rooms)
    for i in range(1, count):
        piece = labels == i
        if stats[i, cv2.CC_STAT_AREA] < 0.002 * rooms.size:
            continue
        rim = grown(piece, 3) & ~piece
        if float(np.mean(strong[rim])) > 0.7:
            walled |= grown(piece, 2 * LEAK_PX + 1)
    return walled


def _see_through(dry: Mask, look: Look) -> Mask:
    """Enclosed pieces through which the ground is seen: the eye of a handle, the loop of a strap.

    A white label is enclosed too. But it is lettered, or not quite the ground's colour, or far from the outside.
    """
    inner_edge = shrunk(dry, 3)
    candidates = fill(dry) & (look.like_ground() | (look.like_shadow() & (look.brightness > 0.3)))
    candidates &= (look.gradient < max(2.0, 2.5 * look.noise)) & (inner_edge | ~dry)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=4)
    holes = np.zeros_like(dry)
    filled = fill(dry)
    depth = cv2.distanceTransform(np.pad(filled, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    reach = 0.16 * np.sqrt(float(filled.sum()))
    for i in range(1, count):
        area = int(stats[i, cv2.CC_STAT_AREA])
        piece = labels == i
        if area < max(12, 0.0004 * filled.sum()) or float(depth[piece].min()) > reach:
            continue
        if _is_framed_below(piece, filled) and _is_opening(piece, area, look):
            holes |= grown(piece, 3)
    return holes & filled


def _is_framed_below(piece: Mask, filled: Mask) -> bool:
    """Is there product beneath this piece? Beneath a bright foot there is only the ground."""
    around = grown(piece, 17) & ~grown(piece, 13)
    around[: int(np.flatnonzero(piece.any(axis=1)).mean())] = False
    return not around.any() or float(filled[around].mean()) > 0.8


def _is_opening(piece: Mask, area: int, look: Look) -> bool:
    """Does this enclosed piece show the ground, and is it cut off by an edge all around?"""
    if int(fill(piece).sum()) > 1.04 * area + 8:
        return False  # islands inside: lettering
    rim = grown(piece, 7) & ~piece
    if float(np.mean(look.gradient[rim] > max(1.5, 2.5 * look.noise))) < 0.45:
        return False  # the shading of a surface fades into it
    brightness, off = look.brightness[piece], look.colour_off[piece]
    like_ground = float(np.mean(np.abs(brightness - 1.0) < 0.05 + 0.02 * look.noise))
    shadowed = float(brightness.std()) < 0.09 and float(np.median(brightness)) > 0.35
    return float(np.median(off)) < 0.045 + 0.01 * look.noise and (like_ground > 0.7 or shadowed)


def _seam(dry: Mask, look: Look) -> Mask:
    """Where contact shadow and product meet: a shadow-coloured rim at the feet. Edges must decide, not colour."""
    depth = cv2.distanceTransform(np.pad(dry, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(_low_shadow(dry, look) & (depth < max(6.0, 0.05 * np.sqrt(float(dry.sum())))))


def _low_shadow(dry: Mask, look: Look) -> Mask:
    """Shadow-coloured pixels in the lowest part of what was found: contact shadow, or a grey foot; GrabCut decides."""
    rows = np.flatnonzero(dry.any(axis=1))
    low = np.zeros_like(dry)
    low[rows[0] + round(0.75 * (rows[-1] - rows[0])) :] = True
    return low & look.like_shadow(TINT_NEAR_PRODUCT) & (look.brightness < 0.97)


def _grabcut(look: Look, found: _Found) -> Mask:
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
    settled = _without_shadow_tails(clean(result), look)
    return (settled | _hanging_on(settled, found, look)) & ~found.gaps


def _hanging_on(settled: Mask, found: _Found, look: Look) -> Mask:
    """Thin parts that GrabCut smooths away: clearly no ground, crisply edged, no shadow, joined to the product."""
    crisp = grown((look.crispness > 1.25) & (look.gradient > max(0.8, 2.0 * look.noise)), 7)
    clear = found.likely & (look.difference > max(7.0, 5.0 * look.noise)) & crisp & ~_low_shadow(found.likely, look)
    return _twigs(settled, look) & found.likely | _touching(clear | settled, settled) & clear


def _without_shadow_tails(mask: Mask, look: Look) -> Mask:
    """Thin, shadow-coloured strips beside the feet are the steep side of a shadow."""
    if not mask.any():
        return mask
    radius = max(3, round(0.03 * np.sqrt(float(mask.sum()))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = np.pad(mask, radius, mode="edge").astype(np.uint8)
    broad = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[radius:-radius, radius:-radius] > 0
    tails = mask & ~grown(broad, 3) & _low_shadow(mask, look)
    return mask & ~tails


def _keep_products(mask: Mask, look: Look) -> tuple[Mask, int]:
    """Drop specks, count separate objects, refuse what is part of the surroundings."""
    kept = clean(mask)
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


def _solve_edge(photo: BytePixels, mask: Mask, look: Look, shrink: float) -> Alpha:
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
