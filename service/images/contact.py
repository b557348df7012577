"""The lower end of a product on its photograph: where it touches the ground, and how far above it the camera was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from models.types import Alpha

CONTACT_DEPTH = 0.9  # the nearest contact lies this many half widths in front of the base's centre
ROUNDED, NARROW = 0.92, 0.78  # parts of the foot's width that are compared
DRUM, FOOT = 0.65, 4.25  # ratio of narrow to whole bow on a straight-sided foot; how fast the sine falls below it
DRUM_ROUNDED = 0.86  # the same ratio for the rounded part
CLOSE_UP = 0.14  # a camera nearby sees the front of a foot from higher than its middle, more so from low down
NEARER = 0.89  # the corner in front is seen from a little higher than the middle of the foot
FROM_ABOVE_DEG = 60.0  # from here on the outline is rather a plan
DEFAULT_VIEW_DEG = 15.0  # most packshots are taken from a little above

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]


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
    if is_round and angle > FROM_ABOVE_DEG:
        return _base_from_above(solid, angle, confidence, False)
    return Base(centre, half, bottom + 1.0, depth, is_round, angle, confidence)


def bounds(alpha: Alpha) -> Box:
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
    columns = np.unique(np.rint(np.linspace(centre - 0.9 * half, centre + 0.9 * half, 91)).astype(int))
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
    wide_across, wide_rows = across, rows
    across, rows = across[np.abs(across) <= 0.8], rows[np.abs(across) <= 0.8]
    ellipse_depth, ellipse_error = _fit_ellipse(across, rows)
    corner_sine, corner_depth, corner_error = _fit_corner(across, rows, half)
    small = max(0.012 * half, 0.7)
    if ellipse_depth / half < 0.045 and corner_sine < 0.06:
        return max(ellipse_depth, 0.0), (DEFAULT_VIEW_DEG if ellipse_error > small else 6.0, 0.3, False)
    if corner_sine > 0.0 and corner_error < 0.75 * ellipse_error:
        angle = float(np.degrees(np.arcsin(min(NEARER * corner_sine, 0.995))))
        return corner_depth, (angle, float(np.clip(1.0 - corner_error / (4 * small), 0.2, 0.85)), False)
    sine, shape = _sine_of_bow(wide_across, wide_rows, half)
    confidence = float(np.clip(1.0 - ellipse_error / (4 * small), 0.1, 0.95)) * shape
    return max(ellipse_depth, 0.0), (float(np.degrees(np.arcsin(sine))), confidence, True)


def _sine_of_bow(across: Floats, rows: Floats, half: float) -> tuple[float, float]:
    """(sine of the elevation, 0 to 1 how much the bow is a foot's): wide and narrow bows of the same edge compared.

    A drum's edge is one ellipse, whichever part of it is looked at. An edge that turns up towards its ends belongs to a
    rounded foot, which would look seen from higher than it was. The three constants were fitted on renders of known
    elevation (``tests/benchmarks/bench_elevation.py`` measures them).
    """
    bows = []
    for width in (1.0, ROUNDED, NARROW):
        inside = np.abs(across) < 0.9 * width
        if np.count_nonzero(inside) < 9:
            return float(np.clip(_fit_ellipse(across, rows)[0] / half, 0.0, 0.995)), 0.5
        bows.append(_fit_ellipse(across[inside] / width, rows[inside])[0] / (half * width))
    if bows[0] <= 0 or bows[1] <= 0:
        return float(np.clip(bows[1], 0.0, 0.995)), 0.5
    turned_up = bows[2] / bows[0] - DRUM
    plain = bows[1] / DRUM_ROUNDED
    closer = 1.0 - CLOSE_UP * (1.0 - min(plain, 1.0))
    sine = plain * closer * float(np.exp(FOOT * min(turned_up, 0.0)))
    return float(np.clip(sine, 0.0, 0.995)), float(np.clip(1.6 - abs(turned_up) / 0.12, 0.1, 1.0))


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
