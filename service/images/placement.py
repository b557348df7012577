"""Where and how large a product stands in a place: its base, the photograph's camera, the crop, the scale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from models.types import Alpha, Backdrop, Camera, CutOut

CONTACT_DEPTH = 0.9  # the nearest contact lies this many half widths in front of the base's centre
DEFAULT_VIEW_DEG = 15.0  # most packshots are taken from a little above
MAX_UPSCALE = 1.5  # of the plate; beyond it softness shows beside a sharp product
MAX_TIGHTENING = 1.5  # of the widest crop: a scene of which only the table top is left is no scene
READABLE = 0.72  # of its room: below, an advertisement shows its scenery and not its product
MAX_ENLARGED = 1.7  # times true size; neighbours in the picture would give more away
LYING_HEIGHT = 0.22  # of its width: a carton on its back
MAX_PHOTO_SCALE = 1.25  # of the photograph
_MARGIN = 0.015  # of the frame that stays free around the product

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]


class Fit(StrEnum):
    """Does the photograph's camera belong into the plate's?"""

    BELIEVABLE = "believable"
    DOUBTFUL = "doubtful"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Base:
    """The lower end of a silhouette: where the product touches the ground."""

    centre_px: float  # column, edge coordinates
    half_width_px: float
    bottom_px: float  # lowest row's lower edge
    depth_px: float  # rows between the nearest contact and the centre of the base, as seen
    is_round: bool  # curved bottom edge; otherwise corners or flat
    view_angle_deg: float  # camera elevation that such a base implies
    confidence: float  # 0 guessed to 1 sure
    is_from_above: bool = False  # seen from high above: the outline is the product's plan
    lies_down: bool = False  # a box on its back


@dataclass(frozen=True, slots=True)
class Placement:
    """How one photograph lies in one frame. All of it is needed to undo it."""

    size_px: tuple[int, int]  # (width, height) of the frame
    crop: tuple[float, float, float, float]  # left, top, right, bottom on the backdrop, px edges
    photo_box: tuple[float, float, float, float]  # the part of the photograph that is laid in, px edges
    product_box: Box  # where it lands in the frame, whole px
    base_m: tuple[float, float]  # centre of the base on the ground
    scale: float  # frame px per photograph px
    height_m: float | None  # of the standing volume; where the picture cannot show it, from facts or by proportion
    notes: tuple[str, ...] = ()


def estimate_photo_view_angle(cut_out: CutOut) -> tuple[float, float]:
    """(degrees, confidence 0 to 1): how far above the product the camera was."""
    base = find_base(cut_out.alpha)
    return base.view_angle_deg, base.confidence


def fits(photo_deg: float, plate_deg: float, is_round: bool = True) -> Fit:
    """Compare two camera elevations by their sines, as the eye does; tolerances from rendered comparisons."""
    apart = abs(float(np.sin(np.radians(photo_deg)) - np.sin(np.radians(plate_deg))))
    if apart <= (0.20 if is_round else 0.16):
        return Fit.BELIEVABLE
    return Fit.DOUBTFUL if apart <= 0.25 else Fit.REJECT


def find_base(alpha: Alpha) -> Base:
    """Read the base from the bottom edge of a silhouette.

    A round base shows half an ellipse whose axes stand in the ratio sin(elevation). A box that shows two faces shows
    two straight edges; as they meet at a right angle on the ground, the product of their slopes is sin(elevation)
    squared. A flat edge says nothing: then the elevation is a guess with low confidence.
    """
    solid = alpha > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows) < 8 or len(columns) < 8:
        raise ValueError("the cut-out is empty")
    top, bottom = int(rows[0]), int(rows[-1])
    high = _seen_from_above(alpha)
    if high is not None:
        return _base_from_above(solid, *high)
    tall = bottom - top + 1
    left, right = _widest_run(solid[max(bottom - max(1, round(0.05 * tall)), top)])
    depth, guess = 0.0, (DEFAULT_VIEW_DEG, 0.15, False)
    for _ in range(5):
        centre, half = (left + right) / 2, (right - left) / 2
        if half < 4:
            break
        depth, guess = _read_edge(solid, centre, half, bottom)
        row = max(bottom - max(1, round(max(depth, 0.04 * tall))), top)
        wider = _widest_run(solid[row], near=centre)
        if abs(wider[0] - left) + abs(wider[1] - right) < 1.0:
            break
        left, right = wider
    centre, half = (left + right) / 2, max((right - left) / 2, 1.0)
    angle, confidence, is_round = guess
    return Base(centre, half, bottom + 1.0, depth, is_round, angle, confidence)


def place(
    cut_out: CutOut,
    backdrop: Backdrop,
    *,
    size_px: tuple[int, int],
    standing_px: tuple[float, float],
    max_product_px: tuple[float, float],
    real_height_m: float | None = None,
) -> Placement:
    """Choose crop, scale and standing point.

    The crop never leaves the plate and is never stretched. The product gets its real size where it is known and
    readable, otherwise it fills its room.

    Args:
        cut_out: the product.
        backdrop: square or not, at its own size.
        size_px: (width, height) of the frame.
        standing_px: where in the frame the product's base should be, centre of the base.
        max_product_px: (width, height) that the product may take.
        real_height_m: from the product's facts.
    """
    base = find_base(cut_out.alpha)
    outer = _bounds(cut_out.alpha)
    sized = _Sizing(base, outer, backdrop.camera, max_product_px, real_height_m, _reach(backdrop.zone_m))
    zoom, crop = _choose_crop(backdrop, size_px, standing_px, sized)
    camera = backdrop.camera.reframed(crop, size_px)
    base_m = _standing_point(camera, backdrop, standing_px, size_px)
    scale, notes = sized.scale_at(zoom)
    for _ in range(24):
        box = _land(base, outer, camera, base_m, scale)
        if _inside(box, size_px) or scale * (outer[3] - outer[1]) < 24:
            break
        scale *= 0.95
    photo_box, product_box = _whole_pixels(cut_out.alpha.shape, outer, box, scale, size_px)
    if zoom > MAX_UPSCALE + 1e-6:
        notes = (*notes, f"the place is enlarged {zoom:.2f} times")
    height_m = _volume_height(base, camera, base_m, scale, real_height_m)
    return Placement(size_px, crop, photo_box, product_box, base_m, scale, height_m, notes)


# --- the photograph ----------------------------------------------------------------------------------------------


def _bounds(alpha: Alpha) -> Box:
    """Left, top, right, bottom of everything that is not quite transparent."""
    seen = alpha > 0.02
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _widest_run(row: NDArray[np.bool_], near: float | None = None) -> tuple[float, float]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    if not runs:
        return 0.0, 0.0
    if near is not None:
        holding = [r for r in runs if r[0] <= near < r[1]]
        runs = holding or runs
    a, b = max(runs, key=lambda r: r[1] - r[0])
    return float(a), float(b)


def _base_from_above(solid: NDArray[np.bool_], angle: float, confidence: float, lies_down: bool) -> Base:
    """The middle of the plan: of the largest disc that fits in, or of the whole of a box that lies."""
    rows, columns = np.nonzero(solid)
    if lies_down:
        centre, middle = float(columns.mean()) + 0.5, float(rows.mean()) + 0.5
        half, lowest = float(np.ptp(columns)) / 2, float(rows.max()) + 1.0
    else:
        step = max(1, max(solid.shape) // 480)
        depth = ndimage.distance_transform_edt(np.pad(solid[::step, ::step], 1))[1:-1, 1:-1]
        at = np.unravel_index(int(np.argmax(depth)), depth.shape)
        half, centre = float(depth.max()) * step, float(at[1]) * step + 0.5
        below = solid[:, max(round(centre - 0.4 * half), 0) : round(centre + 0.4 * half) + 1].any(axis=1)
        lowest = float(np.flatnonzero(below)[-1]) + 1.0
        middle = lowest - CONTACT_DEPTH * half * float(np.sin(np.radians(angle)))
    return Base(centre, half, lowest, lowest - middle, not lies_down, angle, confidence, True, lies_down)


def _seen_from_above(alpha: Alpha) -> tuple[float, float, bool] | None:
    """(degrees, confidence, lies down) for a photograph from high above, None when nothing says so.

    A round product shows its rim as a nearly round upper outline; a box lies turned in the picture, which a standing
    box never does.
    """
    points = _outline_points(alpha)
    if points is None:
        return None
    rim = _upper_rim(points)
    if rim is not None:
        return (*rim, False)
    return (75.0, 0.5, True) if _turned_box(points) else None


def _outline_points(alpha: Alpha) -> Floats | None:
    """(N, 2) convex hull of the silhouette, x and y in px, at a few hundred px across."""
    step = max(1, max(alpha.shape) // 480)
    rows, columns = np.nonzero(alpha[::step, ::step] > 0.5)
    if len(rows) < 60:
        return None
    first = np.full(rows.max() + 1, np.inf)
    last = np.full(rows.max() + 1, -np.inf)
    np.minimum.at(first, rows, columns)
    np.maximum.at(last, rows, columns)
    used = np.flatnonzero(np.isfinite(first))
    edge = np.concatenate([np.column_stack([first[used], used]), np.column_stack([last[used], used])])
    return np.asarray(edge[ConvexHull(edge).vertices], dtype=np.float64) if np.ptp(edge, axis=0).min() > 4 else None


def _upper_rim(hull: Floats) -> tuple[float, float] | None:
    """Elevation from the ellipse through the upper outline, if it is an ellipse and a high one."""
    dense = _along(hull, 200)
    top, bottom = dense[:, 1].min(), dense[:, 1].max()
    upper = dense[dense[:, 1] < top + 0.42 * (bottom - top)]
    design = np.column_stack([upper[:, 0] ** 2, upper[:, 0], upper[:, 1], np.ones(len(upper))])
    scale = np.abs(design).max(axis=0)
    solution, *_ = np.linalg.lstsq(design / scale, -(upper[:, 1] ** 2), rcond=None)
    a, b, c, d = solution / scale  # y^2 + a x^2 + b x + c y + d = 0
    if a <= 0.2:
        return None
    x0, y0 = -b / (2 * a), -c / 2
    squared = y0**2 + a * x0**2 - d
    if squared <= 0:
        return None
    ratio, tall = float(np.sqrt(a)), float(np.sqrt(squared))
    radius = np.sqrt((upper[:, 1] - y0) ** 2 + a * (upper[:, 0] - x0) ** 2)
    error = float(np.mean(np.abs(radius - tall))) / tall
    spans = float(np.ptp(upper[:, 0])) / (2 * tall / ratio)
    if error > 0.02 or not 0.8 < ratio < 1.2 or spans < 0.85 or 2 * tall < 0.6 * (bottom - top):
        return None
    sine = min(1.0 / ratio if ratio > 1.0 else ratio, 0.98)
    return max(float(np.degrees(np.arcsin(sine))), 62.0), float(np.clip(0.9 - 15 * error, 0.4, 0.85))


def _turned_box(hull: Floats) -> bool:
    """Four straight sides that stand clearly at an angle to the picture."""
    dense = _along(hull, 400)
    best, area = 0.0, np.inf
    for turn in np.radians(np.arange(-45, 45, 1.0)):
        x = dense @ np.array([np.cos(turn), np.sin(turn)])
        y = dense @ np.array([-np.sin(turn), np.cos(turn)])
        if np.ptp(x) * np.ptp(y) < area:
            best, area = float(np.degrees(turn)), float(np.ptp(x) * np.ptp(y))
    x, y = hull[:, 0], hull[:, 1]
    inside = 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
    return 6.0 < abs(best) < 40.0 and inside > 0.86 * area


def _along(hull: Floats, n: int) -> Floats:
    """n points evenly spaced along a closed outline."""
    closed = np.concatenate([hull, hull[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], n, endpoint=False)
    return np.column_stack([np.interp(at, length, closed[:, k]) for k in (0, 1)])


def _read_edge(
    solid: NDArray[np.bool_], centre: float, half: float, bottom: int
) -> tuple[float, tuple[float, float, bool]]:
    """Depth of the base in rows, and (elevation in degrees, confidence, is round)."""
    columns = np.unique(np.rint(np.linspace(centre - 0.8 * half, centre + 0.8 * half, 81)).astype(int))
    columns = columns[(columns >= 0) & (columns < solid.shape[1])]
    hit = solid[:, columns].any(axis=0)
    columns = columns[hit]
    if len(columns) < 9:
        return 0.0, (DEFAULT_VIEW_DEG, 0.1, False)
    rows = solid.shape[0] - 1.0 - np.argmax(solid[::-1, columns], axis=0)
    across = (columns + 0.5 - centre) / half
    keep = rows > bottom - 1.3 * half
    if keep.sum() < 9:
        return 0.0, (DEFAULT_VIEW_DEG, 0.1, False)
    across, rows = across[keep], rows[keep]
    ellipse_depth, ellipse_error = _fit_ellipse(across, rows)
    corner_sine, corner_depth, corner_error = _fit_corner(across, rows, half)
    small = max(0.012 * half, 0.7)
    if ellipse_depth / half < 0.045 and corner_sine < 0.06:
        return max(ellipse_depth, 0.0), (DEFAULT_VIEW_DEG if ellipse_error > small else 6.0, 0.3, False)
    if corner_sine > 0.0 and corner_error < 0.75 * ellipse_error:
        angle = float(np.degrees(np.arcsin(min(corner_sine, 0.995))))
        return corner_depth, (angle, float(np.clip(1.0 - corner_error / (4 * small), 0.2, 0.85)), False)
    sine = float(np.clip(ellipse_depth / half, 0.0, 0.995))
    confidence = float(np.clip(1.0 - ellipse_error / (4 * small), 0.1, 0.95))
    return max(ellipse_depth, 0.0), (float(np.degrees(np.arcsin(sine))), confidence, True)


def _fit_ellipse(across: Floats, rows: Floats) -> tuple[float, float]:
    """Depth in px of the half ellipse that fits best, and its mean error in px."""
    bow = np.sqrt(np.clip(1.0 - across**2, 0.0, 1.0))
    design = np.column_stack([bow, across, np.ones_like(across)])
    solution = np.linalg.lstsq(design, rows, rcond=None)[0]
    return float(solution[0]), float(np.mean(np.abs(design @ solution - rows)))


def _fit_corner(across: Floats, rows: Floats, half: float) -> tuple[float, float, float]:
    """(sine of the elevation, depth in px, mean error in px) of two straight edges that meet in front."""
    best = (0.0, 0.0, np.inf)
    for knee in np.linspace(-0.6, 0.6, 25):
        design = np.column_stack([np.minimum(across - knee, 0.0), np.maximum(across - knee, 0.0), np.ones_like(across)])
        solution = np.linalg.lstsq(design, rows, rcond=None)[0]
        error = float(np.mean(np.abs(design @ solution - rows)))
        if error < best[2]:
            rising, falling = solution[0] / half, -solution[1] / half
            sine = float(np.sqrt(rising * falling)) if rising > 0 and falling > 0 else 0.0
            drop = 0.5 * (rising * (1 + knee) + falling * (1 - knee)) * half
            best = (sine, max(float(drop), 0.0), error)
    return best


# --- the frame ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sizing:
    """How large the product would be at a given enlargement of the plate."""

    base: Base
    outer: Box
    camera: Camera
    room_px: tuple[float, float]
    height_m: float | None
    zone_m: float  # how far the footprint may reach from the standing point

    def fill(self, zoom: float) -> float:
        """Scale at which the product fills its room, or its footprint the place where it may stand."""
        wide, tall = self.outer[2] - self.outer[0], self.outer[3] - self.outer[1]
        footprint = self.zone_m * self.px_per_m(zoom) / self.base.half_width_px
        return min(self.room_px[0] / wide, self.room_px[1] / tall, MAX_PHOTO_SCALE, footprint)

    def px_per_m(self, zoom: float) -> float:
        """Frame pixels per metre at the standing point."""
        return zoom * self.camera.focal_px[0] / float(np.linalg.norm(self.camera.position))

    def real(self, zoom: float) -> float | None:
        """Scale at which it has its true height, None when that cannot be said."""
        elevation = np.radians(self.camera.view_angle_deg)
        if self.height_m is None or elevation > np.radians(60):
            return None
        tall = self.outer[3] - self.outer[1]
        upright = tall - 2 * CONTACT_DEPTH * self.base.half_width_px * float(np.sin(elevation))
        return self.px_per_m(zoom) * self.height_m * float(np.cos(elevation)) / max(upright, 0.3 * tall)

    def scale_at(self, zoom: float) -> tuple[float, tuple[str, ...]]:
        fill, real = self.fill(zoom), self.real(zoom)
        if real is None:
            return 0.94 * fill, ()
        if real > fill:
            return fill, (f"shown at {fill / real:.2f} of its true size, to fit",) if real > 1.05 * fill else ()
        if real < READABLE * fill:
            grown = min(READABLE * fill, MAX_ENLARGED * real)
            return grown, (f"shown at {grown / real:.2f} of its true size, to be seen",)
        return real, ()

    def misfit(self, zoom: float) -> float:
        """0 when the product has its true size and fills most of its room."""
        fill, real = self.fill(zoom), self.real(zoom)
        if real is None:
            return 0.0
        ratio = real / fill
        return float(max(0.0, np.log(ratio)) + max(0.0, np.log(0.85 / ratio)))


def _reach(zone_m: Floats) -> float:
    """Metres from the standing point to the nearest edge of the zone, to either side; without a zone no limit."""
    if len(zone_m) < 3:
        return np.inf
    a, b = zone_m, np.roll(zone_m, -1, axis=0)
    along = np.clip(-(a * (b - a)).sum(axis=1) / np.maximum(((b - a) ** 2).sum(axis=1), 1e-12), 0.0, 1.0)
    nearest = float(np.linalg.norm(a + along[:, None] * (b - a), axis=1).min())
    return nearest if _in_polygon(np.zeros(2), zone_m) else np.inf


def _choose_crop(
    backdrop: Backdrop, size_px: tuple[int, int], standing_px: tuple[float, float], sized: _Sizing
) -> tuple[float, tuple[float, float, float, float]]:
    """The enlargement and crop that come nearest to the wanted standing point and size."""
    wide, tall = backdrop.camera.size_px
    smallest = max(size_px[0] / wide, size_px[1] / tall)
    largest = max(min(MAX_UPSCALE, MAX_TIGHTENING * smallest), smallest)
    origin = backdrop.camera.project(np.zeros(3))
    best: tuple[float, float, tuple[float, float, float, float]] | None = None
    for zoom in np.geomspace(smallest, largest, 24):
        w, h = float(size_px[0] / zoom), float(size_px[1] / zoom)
        left = float(np.clip(origin[0] + 0.5 - standing_px[0] / zoom, 0.0, wide - w))
        top = float(np.clip(origin[1] + 0.5 - standing_px[1] / zoom, 0.0, tall - h))
        landed = ((origin[0] + 0.5 - left) * zoom, (origin[1] + 0.5 - top) * zoom)
        off = float(np.hypot((landed[0] - standing_px[0]) / size_px[0], (landed[1] - standing_px[1]) / size_px[1]))
        soft = max(0.0, float(np.log2(zoom)))
        tight = float(np.log2(zoom / smallest))
        cost = 3.0 * off + 0.5 * sized.misfit(float(zoom)) + 0.25 * soft + 0.12 * tight
        if best is None or cost < best[0]:
            best = (cost, float(zoom), (left, top, left + w, top + h))
    assert best is not None  # the loop ran
    return best[1], best[2]


def _standing_point(
    camera: Camera, backdrop: Backdrop, standing_px: tuple[float, float], size_px: tuple[int, int]
) -> tuple[float, float]:
    """The plate's own standing point, or one nearer to the wanted pixel, as far as the zone reaches."""
    origin = camera.project(np.zeros(3))
    off = np.hypot((origin[0] - standing_px[0]) / size_px[0], (origin[1] - standing_px[1]) / size_px[1])
    if off < 0.02 or len(backdrop.zone_m) < 3:
        return 0.0, 0.0
    ground = np.linalg.inv(camera.ground_homography()) @ np.array([standing_px[0], standing_px[1], 1.0])
    wanted = ground[:2] / ground[2]
    horizon = np.sign((np.linalg.inv(camera.ground_homography()) @ np.array([*origin, 1.0]))[2])
    if not np.isfinite(wanted).all() or np.sign(ground[2]) != horizon:
        return 0.0, 0.0
    for part in (1.0, 0.8, 0.6, 0.4, 0.2):
        point = wanted * part
        if _well_inside(point, backdrop.zone_m):
            return float(point[0]), float(point[1])
    return 0.0, 0.0


def _well_inside(point: Floats, polygon: Floats) -> bool:
    """Inside, and no nearer to the edge than four tenths of the way out from the middle."""
    centre = polygon.mean(axis=0)
    return _in_polygon(centre + (point - centre) / 0.6, polygon)


def _in_polygon(point: Floats, polygon: Floats) -> bool:
    a, b = polygon, np.roll(polygon, -1, axis=0)
    crosses = (a[:, 1] > point[1]) != (b[:, 1] > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (point[1] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return bool(np.count_nonzero(crosses & (point[0] < at)) % 2)


def _land(
    base: Base, outer: Box, camera: Camera, base_m: tuple[float, float], scale: float
) -> tuple[float, float, float, float]:
    """Where the product's bounds land when its lowest row touches the ground in front of the base's centre."""
    centre = np.array([base_m[0], base_m[1], 0.0])
    depth = float(camera.rotation[2] @ centre + camera.translation[2])
    half_m = base.half_width_px * scale * depth / camera.focal_px[0]
    u = float(camera.project(centre)[0]) + 0.5
    if base.is_from_above:
        v = float(camera.project(centre)[1]) + 0.5 + base.depth_px * scale
    else:
        contact = camera.project(centre - np.array([0.0, CONTACT_DEPTH * half_m, 0.0]))
        v = float(contact[1]) + 0.5
    left, top, right, bottom = outer
    return (
        u + (left - base.centre_px) * scale,
        v + (top - base.bottom_px) * scale,
        u + (right - base.centre_px) * scale,
        v + (bottom - base.bottom_px) * scale,
    )


def _volume_height(
    base: Base, camera: Camera, base_m: tuple[float, float], scale: float, real_height_m: float | None
) -> float | None:
    """What the silhouette cannot say when it is seen from above. None: read it from the silhouette."""
    if not base.is_from_above:
        return None
    depth = float(camera.rotation[2] @ np.array([*base_m, 0.0]) + camera.translation[2])
    wide_m = 2 * base.half_width_px * scale * depth / camera.focal_px[0]
    if base.lies_down:
        return LYING_HEIGHT * wide_m
    return min(real_height_m or wide_m, 1.5 * wide_m)


def _inside(box: tuple[float, float, float, float], size_px: tuple[int, int]) -> bool:
    mx, my = _MARGIN * size_px[0], _MARGIN * size_px[1]
    return box[0] >= mx and box[1] >= my and box[2] <= size_px[0] - mx and box[3] <= size_px[1] - my


def _whole_pixels(
    shape: tuple[int, ...], outer: Box, box: tuple[float, float, float, float], scale: float, size_px: tuple[int, int]
) -> tuple[tuple[float, float, float, float], Box]:
    """A photograph box and a frame box of whole pixels whose sizes stand exactly in the ratio of the scale."""
    margin = 4.0 / scale
    left, top = max(outer[0] - margin, 0.0), max(outer[1] - margin, 0.0)
    right, bottom = min(outer[2] + margin, float(shape[1])), min(outer[3] + margin, float(shape[0]))
    x = round(box[0] + (left - outer[0]) * scale)
    y = round(box[1] + (top - outer[1]) * scale)
    wide, tall = int((right - left) * scale), int((bottom - top) * scale)
    cut_left, cut_top = max(-x, 0), max(-y, 0)
    cut_right, cut_bottom = max(x + wide - size_px[0], 0), max(y + tall - size_px[1], 0)
    left, top = left + cut_left / scale, top + cut_top / scale
    x, y = x + cut_left, y + cut_top
    wide, tall = wide - cut_left - cut_right, tall - cut_top - cut_bottom
    return (left, top, left + wide / scale, top + tall / scale), (x, y, x + wide, y + tall)
