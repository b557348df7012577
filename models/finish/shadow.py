"""How much light a product takes from the ground it stands on, and what the ground then shows.

Visibility is counted, not guessed: every slice of the volume is thrown on the ground from many points of the light,
and the masks are averaged. Penumbrae that grow with distance and the hole of a handle come by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pixels import LUMA
from models.types import Camera, FloatPixels, KeyLight

from .volume import Volume

N_KEY_SAMPLES = 20
N_AMBIENT_SAMPLES = 40
KEY_CELLS = 384
AMBIENT_CELLS = 224
KEY_BOUNCE = 0.12  # share of the key light that the room throws back into its own shadow; tuned on rendered pairs
PRODUCT_BOUNCE = 0.8  # how much of its own colour a product gives to the light that it hides; tuned on rendered pairs
GLASS_TINT = 0.5  # how much of the glass's colour its shadow keeps; by rendered pairs
PAPER = 0.8  # linear light of the paper behind a packshot
_SHIFT = 4  # sub-pixel bits of the polygon filler

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GroundRaster:
    """Visibility on a square of the ground: 1 sees the light, 0 does not."""

    values: Plane  # (N, N); row along y, column along x
    origin_m: tuple[float, float]  # x and y of the corner of cell (0, 0)
    cell_m: float

    def to_cells(self) -> Floats:
        """(3, 3): homogeneous ground (x, y, 1) to homogeneous cell centre coordinates."""
        k = 1.0 / self.cell_m
        return np.array([[k, 0, -self.origin_m[0] * k - 0.5], [0, k, -self.origin_m[1] * k - 0.5], [0, 0, 1.0]])


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the picture: rows top to bottom, columns left to right, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def joined(self, other: Window | None) -> Window:
        if other is None:
            return self
        return Window(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def light_samples(key: KeyLight, n: int = N_KEY_SAMPLES) -> tuple[Floats, bool]:
    """Points on an area light, metres, or directions within the sun's disc.

    Returns:
        ((n, 3), are_points): a low-discrepancy set that covers the light evenly.
    """
    g = (np.arange(n) + 0.5) / n
    h = (np.arange(n) * 0.6180339887498949) % 1.0
    if key.kind == "area" and key.position is not None and key.size_m is not None:
        towards = -key.position / np.linalg.norm(key.position)
        right, up = _frame(towards)
        spread = np.outer((g - 0.5) * key.size_m[0], right) + np.outer((h - 0.5) * key.size_m[1], up)
        return key.position + spread, True
    right, up = _frame(key.direction)
    radius = np.tan(np.radians(key.angular_diameter_deg) / 2) * np.sqrt(g)
    disc = np.outer(radius * np.cos(2 * np.pi * h), right) + np.outer(radius * np.sin(2 * np.pi * h), up)
    rays = key.direction + disc
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    rays[:, 2] = np.maximum(rays[:, 2], 0.05)  # a sun on the horizon would throw shadows without end
    return rays, False


def sky_samples(n: int = N_AMBIENT_SAMPLES) -> Floats:
    """(n, 3) unit directions of the upper half, weighted by the cosine. Source: Malley's method on a Vogel spiral."""
    i = np.arange(n) + 0.5
    radius = np.sqrt(i / n)
    angle = i * np.pi * (3.0 - np.sqrt(5.0))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1.0 - radius**2 * 0.9985)])


def key_visibility(
    volume: Volume, key: KeyLight, support_m: Floats | None = None, n: int = N_KEY_SAMPLES
) -> GroundRaster:
    """Share of the key light that reaches each cell of the ground around the product."""
    samples, are_points = light_samples(key, n)
    thrown = _throw_from_points(volume, samples) if are_points else _throw_along(volume, samples)
    return _count(thrown, volume, KEY_CELLS, reach=4.0, blur=0.7, support_m=support_m)


def ambient_visibility(volume: Volume, support_m: Floats | None = None, n: int = N_AMBIENT_SAMPLES) -> GroundRaster:
    """Share of the cosine-weighted sky that each cell of the ground around the product still sees."""
    return _count(_throw_along(volume, sky_samples(n)), volume, AMBIENT_CELLS, reach=1.6, blur=0.9, support_m=support_m)


def to_picture(raster: GroundRaster, camera: Camera, window: Window) -> Plane:
    """Lay a ground raster into a window of the picture; 1 beyond the raster and above the horizon."""
    to_ground = _inverse(camera)
    shift = np.array([[1, 0, window.left], [0, 1, window.top], [0, 0, 1.0]])
    matrix = raster.to_cells() @ to_ground @ shift
    size = (window.right - window.left, window.bottom - window.top)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpPerspective(
        raster.values, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=1.0
    )
    return _clear_above_horizon(np.asarray(laid, dtype=np.float32), to_ground, camera, window)


def support_in_picture(support_m: Floats | None, camera: Camera, window: Window) -> Plane | None:
    """(h, w) 1 where the ground plane really is, None when that is everywhere or partly behind the camera."""
    if support_m is None:
        return None
    edge = camera.project(np.column_stack([support_m, np.zeros(len(support_m))])) - [window.left, window.top]
    if not np.isfinite(edge).all():
        return None
    cover = np.zeros((window.bottom - window.top, window.right - window.left), np.uint8)
    fixed = np.rint(np.clip(edge, -1e4, 1e4) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(cover, [fixed], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
    return np.asarray(cover / np.float32(255.0), dtype=np.float32)


def window_of(raster: GroundRaster, camera: Camera, threshold: float = 0.004) -> Window | None:
    """The part of the picture where the raster says anything, None when it is all light or out of sight."""
    rows, columns = np.nonzero(raster.values < 1.0 - threshold)
    if len(rows) == 0:
        return None
    x = raster.origin_m[0] + np.linspace(columns.min() - 1, columns.max() + 2, 24) * raster.cell_m
    y = raster.origin_m[1] + np.linspace(rows.min() - 1, rows.max() + 2, 24) * raster.cell_m
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    pixels = camera.project(np.column_stack([grid, np.zeros(len(grid))]))
    pixels = pixels[np.isfinite(pixels).all(axis=1)]
    if len(pixels) == 0:
        return None
    width, height = camera.size_px
    low, high = pixels.min(axis=0) - 2, pixels.max(axis=0) + 3
    left, right = (int(np.clip(v, 0, width)) for v in (low[0], high[0]))
    top, bottom = (int(np.clip(v, 0, height)) for v in (low[1], high[1]))
    return Window(top, bottom, left, right) if right > left and bottom > top else None


def shade(
    linear: FloatPixels,
    key_share: FloatPixels,
    specular: FloatPixels,
    key_seen: Plane,
    sky_seen: Plane,
    bounce_rgb: NDArray[np.float32],
) -> FloatPixels:
    """The ground without its shine, darkened where the product stands in the light: ``shading`` of its diffuse part.

    Args:
        linear: (H, W, 3) scene-linear ground.
        specular: (H, W, 3) scene-linear, the shiny part; it is taken out here and put back by the reflection.
    """
    factor = shading(key_share, key_seen, sky_seen, bounce_rgb)
    return np.asarray((linear - specular) * factor, dtype=np.float32)


def shading(
    key_share: FloatPixels,
    key_seen: Plane,
    sky_seen: Plane,
    bounce_rgb: NDArray[np.float32],
    through: NDArray[np.float32] | None = None,
) -> FloatPixels:
    """What is left of the ground's light beside a product, (H, W, 3).

    Args:
        key_share: (H, W, 3) 0 to 1, key / (key + ambient) of each pixel and channel.
        key_seen: (H, W) 0 to 1.
        sky_seen: (H, W) 0 to 1.
        bounce_rgb: (3,) mean colour of the product in linear light, 0 to 1, before ``PRODUCT_BOUNCE``.
        through: (3,) share of the light that goes through the product, from ``light_through``; None: none.
    """
    key = (key_seen + (1.0 - key_seen) * np.float32(KEY_BOUNCE) * sky_seen)[..., None]
    hidden = (1.0 - sky_seen)[..., None]
    sky = sky_seen[..., None] + hidden * (np.float32(PRODUCT_BOUNCE) * bounce_rgb)
    if through is not None:
        key = key + (1.0 - key) * through
        sky = sky + (1.0 - sky) * (np.float32(0.6) * through)
    return np.asarray(key_share * (key - sky) + sky, dtype=np.float32)


def light_through(light: FloatPixels, alpha: NDArray[np.float32], passes: float) -> NDArray[np.float32]:
    """(3,) share of the light behind a clear product, tinted like its more colourful half.

    Args:
        light: (h, w, 3) the product, linear light.
        alpha: (h, w).
        passes: share of all light that goes through, 0 to 1.
    """
    solid = light[::3, ::3][alpha[::3, ::3] > 0.98]
    if len(solid) == 0:
        return np.full(3, passes, np.float32)
    spread = solid.max(axis=1) - solid.min(axis=1)
    seen = np.median(solid[spread >= np.median(spread)], axis=0)  # the white paper behind it, seen through it
    through = np.clip(seen / PAPER, 0.0, 1.0) ** 2  # a shadow crosses both walls, the paper's light came back as well
    through = GLASS_TINT * through + (1.0 - GLASS_TINT) * float(through @ LUMA)  # label, cork and content have none
    return np.asarray(passes * through, dtype=np.float32)


def _inverse(camera: Camera) -> Floats:
    """(3, 3): homogeneous pixel to homogeneous ground."""
    return np.asarray(np.linalg.inv(camera.ground_homography()), dtype=np.float64)


def _frame(towards: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors across a direction."""
    right = np.cross(towards, [0.0, 0.0, 1.0])
    length = float(np.linalg.norm(right))
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    return right, np.cross(right, towards)


def _jittered(volume: Volume, n: int) -> Floats:
    """(n, N, 1, 1) heights of the slices, moved a little per sample so that slices leave no bands."""
    step = volume.height_m / 56.0
    offset = ((np.arange(n) * 0.754877666) % 1.0 - 0.3) * step
    return np.maximum(volume.z_m[None, :] + offset[:, None], 0.0)[..., None, None]


def _throw_from_points(volume: Volume, lights: Floats) -> Floats:
    """(n, N, K, 2) polygons of all slices on the ground, from each point of the light."""
    z = _jittered(volume, len(lights))
    position = lights[:, None, None, :2]
    z_light = lights[:, 2][:, None, None, None]
    z = np.minimum(z, 0.95 * z_light)
    return np.asarray(position + (volume.polygons()[None] - position) * (z_light / (z_light - z)))


def _throw_along(volume: Volume, rays: Floats) -> Floats:
    """(n, N, K, 2) polygons of all slices on the ground, along each direction towards the light."""
    z = _jittered(volume, len(rays))
    slope = (rays[:, :2] / rays[:, 2:])[:, None, None, :]
    return np.asarray(volume.polygons()[None] - slope * z)


def _count(
    thrown: Floats, volume: Volume, n_cells: int, *, reach: float, blur: float, support_m: Floats | None
) -> GroundRaster:
    """Fill every sample's polygons in a mask of its own and average the masks."""
    centre = np.array(volume.base_m)
    spread = float(np.abs(volume.polygons() - centre).max())
    limit = reach * max(volume.height_m, spread) + spread
    low = np.maximum(thrown.min(axis=(0, 1, 2)), centre - limit)
    high = np.minimum(thrown.max(axis=(0, 1, 2)), centre + limit)
    margin = 0.03 * float((high - low).max())
    cell = (float((high - low).max()) + 2 * margin) / n_cells
    origin = (low + high) / 2 - n_cells * cell / 2
    fixed = np.clip((thrown - origin) / cell - 0.5, -2e3, 3e3) * (1 << _SHIFT)
    points = np.rint(fixed).astype(np.int32)
    total = np.zeros((n_cells, n_cells), np.uint16)
    for polygons in points:
        mask = np.zeros((n_cells, n_cells), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(mask, [polygon], 1, shift=_SHIFT)
        total += mask
    seen = 1.0 - total.astype(np.float32) / np.float32(len(points))
    if support_m is not None:
        seen = _keep_on_support(seen, support_m, origin, cell)
    smooth = np.asarray(cv2.GaussianBlur(seen, (0, 0), blur), dtype=np.float32)
    return GroundRaster(smooth, (float(origin[0]), float(origin[1])), cell)


def _keep_on_support(seen: Plane, support_m: Floats, origin: Floats, cell: float) -> Plane:
    """Beyond the podium's edge there is no ground to darken."""
    inside = np.zeros(seen.shape, np.uint8)
    polygon = np.clip((support_m - origin) / cell - 0.5, -2e3, 3e3) * (1 << _SHIFT)
    cv2.fillPoly(inside, [np.rint(polygon).astype(np.int32)], 1, shift=_SHIFT)
    return np.where(inside > 0, seen, np.float32(1.0))


def _clear_above_horizon(laid: Plane, to_ground: Floats, camera: Camera, window: Window) -> Plane:
    """Pixels whose ray never meets the ground keep all their light."""
    u = np.arange(window.left, window.right, dtype=np.float64)
    v = np.arange(window.top, window.bottom, dtype=np.float64)
    a, b, c = to_ground[2]
    sign = np.sign(to_ground[2] @ np.array([*camera.project(np.zeros(3)), 1.0]))
    corners = [a * x + b * y + c for x in (u[0], u[-1]) for y in (v[0], v[-1])]
    if min(sign * corner for corner in corners) > 0:
        return laid
    below = sign * (a * u[None] + b * v[:, None] + c) > 0
    return np.where(below, laid, np.float32(1.0)).astype(np.float32)
