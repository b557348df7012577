"""A volume from one silhouette: flat slices that throw shadows a cardboard figure could not."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.types import Alpha, Camera

from . import footprint

N_SLICES = 56
PLAN_DEG = 60.0  # seen from higher, the silhouette is the plan of what stands there and not its front
Floats = NDArray[np.float64]
_Run = tuple[int, int]  # first column, one past the last


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of a product that stands on the ground, metres."""

    z_m: Floats  # (N,) height of each slice
    x_m: Floats  # (N,) its centre
    half_width_m: Floats  # (N,)
    half_depth_m: Floats  # (N,)
    is_body: NDArray[np.bool_]  # (N,) True: shaped like the footprint; False: a handle, a leaf, an ellipse
    base_m: tuple[float, float]  # centre of the base on the ground
    height_m: float
    outline: footprint.Outline
    y_m: Floats | None = None  # (N,) centre of each slice away from the camera; None: the base's own

    def polygons(self) -> Floats:
        """(N, K, 2) outline of every slice, seen from above, metres."""
        round_ = footprint.ellipse(1.0)
        body = self.outline[None] * self.half_width_m[:, None, None]
        rest = round_[None] * np.stack([self.half_width_m, self.half_depth_m], axis=-1)[:, None, :]
        shape = np.where(self.is_body[:, None, None], body, rest)
        y = np.full_like(self.x_m, self.base_m[1]) if self.y_m is None else self.y_m
        return np.asarray(shape + np.stack([self.x_m, y], axis=-1)[:, None, :])


def from_silhouette(
    alpha: Alpha,
    camera: Camera,
    base_m: tuple[float, float],
    *,
    height_m: float | None = None,
    n_slices: int = N_SLICES,
) -> Volume | None:
    """Slice the silhouette into the footprints that together throw its shadow.

    Args:
        alpha: (H, W) in the camera's picture.
        camera: of that picture.
        base_m: centre of the base on the ground, metres.
        height_m: true height where it is known; from above 60 degrees it can hardly be seen.
        n_slices: how many heights are looked at.

    Returns:
        The volume, or None when nothing of the silhouette is on the picture.
    """
    solid = alpha > 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    if len(rows) < 3:
        return None
    scale = _Heights(camera, base_m)
    if height_m is not None and camera.view_angle_deg > PLAN_DEG:
        return _from_plan(solid, camera, base_m, height_m, n_slices)
    height = height_m or _height(solid, rows, scale)
    z = height * (np.arange(n_slices) + 0.3) / n_slices
    pixel_rows = np.clip(np.rint(scale.row_of(z)), 0, solid.shape[0] - 1).astype(np.intp)
    runs = [_runs(solid[row]) for row in pixel_rows]
    slices = _slices(solid, runs, pixel_rows)
    if not slices:
        return None
    index = np.array([s[0] for s in slices])
    left, right, thick = (np.array([s[i] for s in slices], dtype=np.float64) for i in (1, 2, 3))
    body = np.array([s[4] for s in slices])
    metres = scale.metres_per_px(z[index])
    centre = base_m[0] + ((left + right) / 2 - 0.5 - scale.column_of(z[index])) * metres
    half_width = (right - left) / 2 * metres
    half_depth = np.where(body, half_width, np.minimum(thick * metres, half_width)) * footprint.THIN_DEPTH
    low = body & (z[index] < 0.07 * height)
    base_half_width = float(np.median(half_width[low] if low.any() else half_width[body][:2]))
    base_x = float(np.median(centre[low] if low.any() else centre[body][:2]))
    ring, shift = footprint.outline(alpha, camera, (base_x, base_m[1]), base_half_width)
    middle = (base_x, base_m[1] + shift * base_half_width)
    return Volume(z[index], centre, half_width, half_depth, body, middle, height, ring)


def _from_plan(
    solid: NDArray[np.bool_], camera: Camera, base_m: tuple[float, float], height: float, n_slices: int
) -> Volume | None:
    """A straight-sided body on the plan that the silhouette shows; what sticks out of it is a handle half way up."""
    inside = cv2.distanceTransform(np.pad(solid, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    radius_px = float(inside.max())
    if radius_px < 2:
        return None
    reach = max(int(0.5 * radius_px), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    body = np.asarray(cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, disc), dtype=np.uint8)
    per_px = float(_Heights(camera, base_m).metres_per_px(np.array([height]))[0])
    ring, half = _plan_outline(body, radius_px, per_px)
    z = height * (np.arange(n_slices) + 0.3) / n_slices
    n = len(z)
    sides = np.full(n, half)
    middle = (np.full(n, base_m[0]), np.full(n, base_m[1]))
    made = Volume(z, middle[0], sides, sides, np.ones(n, np.bool_), base_m, height, ring, middle[1])
    around = solid.astype(np.uint8) & (1 - body)
    rest = np.asarray(cv2.morphologyEx(around, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)
    return _with_handles(made, rest, body, camera, 0.02 * radius_px * radius_px, per_px)


def _plan_outline(body: NDArray[np.uint8], radius_px: float, per_px: float) -> tuple[footprint.Outline, float]:
    """The body's plan in half widths around its middle, and the half width in metres: a circle if it nearly is one."""
    area = float(body.sum())
    if area < 1.25 * np.pi * radius_px**2:
        return footprint.ellipse(1.0), radius_px * per_px
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edge = max(contours, key=len)[:, 0, :].astype(np.float64)
    at = np.linspace(0, len(edge), 2 * footprint.N_POINTS, endpoint=False).astype(np.intp)
    points = edge[at] - (edge.min(axis=0) + edge.max(axis=0)) / 2
    half = float(np.ptp(points[:, 0])) / 2
    return points * np.array([1.0, -1.0]) / half, half * per_px


def _with_handles(
    body: Volume, rest: NDArray[np.uint8], plan: NDArray[np.uint8], camera: Camera, least_px: float, per_px: float
) -> Volume:
    count, _, stats, middles = cv2.connectedComponentsWithStats(rest)
    rows, columns = np.nonzero(plan)
    centre = np.array([columns.mean(), rows.mean()])
    n = len(body.z_m)
    some = (body.z_m > 0.2 * body.height_m) & (body.z_m < 0.72 * body.height_m)
    for k in range(1, count):
        if stats[k, cv2.CC_STAT_AREA] < least_px:
            continue
        off = (middles[k] - centre) * per_px * np.array([1.0, -1.0])
        half = np.array([stats[k, cv2.CC_STAT_WIDTH], stats[k, cv2.CC_STAT_HEIGHT]]) * per_px / 2
        m = int(some.sum())
        assert body.y_m is not None  # a plan always has it
        body = Volume(
            np.concatenate([body.z_m, body.z_m[:n][some]]),
            np.concatenate([body.x_m, np.full(m, body.base_m[0] + off[0])]),
            np.concatenate([body.half_width_m, np.full(m, half[0])]),
            np.concatenate([body.half_depth_m, np.full(m, half[1])]),
            np.concatenate([body.is_body, np.zeros(m, np.bool_)]),
            body.base_m,
            body.height_m,
            body.outline,
            np.concatenate([body.y_m, np.full(m, body.base_m[1] + off[1])]),
        )
    return body


class _Heights:
    """Pixel rows, columns and metres of the points straight above the base's centre."""

    def __init__(self, camera: Camera, base_m: tuple[float, float]) -> None:
        self._camera, self._base = camera, base_m

    def _points(self, z: Floats, dy: float = 0.0) -> Floats:
        z = np.atleast_1d(np.asarray(z, dtype=np.float64))
        return np.stack([np.full_like(z, self._base[0]), np.full_like(z, self._base[1] + dy), z], axis=-1)

    def row_of(self, z: Floats, dy: float = 0.0) -> Floats:
        return self._camera.project(self._points(z, dy))[:, 1]

    def column_of(self, z: Floats) -> Floats:
        return self._camera.project(self._points(z))[:, 0]

    def metres_per_px(self, z: Floats) -> Floats:
        camera = self._camera
        depth = self._points(z) @ camera.rotation[2] + camera.translation[2]
        return np.asarray(depth / camera.focal_px[0])


def _height(solid: NDArray[np.bool_], rows: NDArray[np.intp], scale: _Heights) -> float:
    """Height whose top's far rim projects on the silhouette's first row."""
    top, bottom = int(rows[0]), int(rows[-1])
    run = max(_runs(solid[int(top + 0.02 * (bottom - top) + 1)]), key=lambda r: r[1] - r[0], default=(0, 0))
    per_px = float(scale.metres_per_px(np.zeros(1))[0])
    rim = footprint.THIN_DEPTH * (run[1] - run[0]) / 2 * per_px
    highest = 4.0 * (bottom - top + 1) * per_px
    z = np.linspace(0.0, highest, 600)
    row = scale.row_of(z, dy=rim)
    going_up = np.isfinite(row) & (np.concatenate([[True], np.diff(row) < 0]))
    stop = int(np.argmin(going_up)) or len(z)  # beyond the camera's own height rows stop rising
    found = float(np.interp(-top, -row[:stop], z[:stop]))
    return max(found, 0.08 * (bottom - top + 1) * per_px)


def _runs(row: NDArray[np.bool_]) -> list[_Run]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _slices(
    solid: NDArray[np.bool_], runs: list[list[_Run]], pixel_rows: NDArray[np.intp]
) -> list[tuple[int, float, float, float, bool]]:
    """(slice, left, right, inscribed radius in px, is body) of every piece."""
    left, right = _body_sides(runs)
    slack = 0.03 * float(np.max(right - left))
    near = cv2.distanceTransform(np.pad(solid, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    pieces: list[tuple[int, float, float, float, bool]] = []
    for i, row_runs in enumerate(runs):
        if not row_runs:
            continue
        main = max(row_runs, key=lambda r: r[1] - r[0])
        for run in row_runs:
            for a, b, is_body in _split(run, run == main, left[i], right[i], slack):
                if b - a >= 1:
                    row = near[pixel_rows[i], int(a) : max(int(b), int(a) + 1)]
                    pieces.append((i, float(a), float(b), max(float(row.max(initial=0.0)), 2.0), is_body))
    return pieces


def _body_sides(runs: list[list[_Run]]) -> tuple[Floats, Floats]:
    """Left and right side of the main body per slice: widest run, median over a quarter of the height."""
    widest = [max(r, key=lambda q: q[1] - q[0]) if r else (np.nan, np.nan) for r in runs]
    sides = np.array(widest, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(sides[:, 0]))
    if len(known) == 0:
        return np.zeros(len(runs)), np.zeros(len(runs))
    at = np.arange(len(runs))
    window = max(5, len(runs) // 4) | 1
    left, right = (ndimage.median_filter(np.interp(at, known, sides[known, k]), window, mode="nearest") for k in (0, 1))
    return left, right


def _split(run: _Run, is_main: bool, left: float, right: float, slack: float) -> list[tuple[float, float, bool]]:
    """A run, cut into body and what sticks out of it to either side."""
    a, b = float(run[0]), float(run[1])
    if not is_main:
        return [(a, b, False)]
    if a >= left - slack and b <= right + slack:
        return [(a, b, True)]
    inner_left, inner_right = max(a, left), min(b, right)
    if inner_right - inner_left < 1:
        return [(a, b, True)]
    pieces = [(inner_left, inner_right, True)]
    if a < left - slack:
        pieces.append((a, left, False))
    if b > right + slack:
        pieces.append((right, b, False))
    return pieces
