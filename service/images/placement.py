"""Where and how large a product stands in a place: its base, the photograph's camera, the crop, the scale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.types import Backdrop, Camera, CutOut

from .contact import CONTACT_DEPTH, Base, Box, Floats, bounds, find_base

MAX_UPSCALE = 1.5  # of the plate; beyond it softness shows beside a sharp product
MAX_TIGHTENING = 1.5  # of the widest crop: a scene of which only the table top is left is no scene
READABLE = 0.72  # of its room: below, an advertisement shows its scenery and not its product
MAX_ENLARGED = 1.7  # times true size; neighbours in the picture would give more away
LYING_HEIGHT = 0.22  # of its width: a carton on its back
MAX_PHOTO_SCALE = 1.25  # of the photograph
_AIR = 0.07  # of the height, below what is seen from above
_MARGIN = 0.015  # of the frame that stays free around the product

__all__ = [
    "Base",
    "Box",
    "Fit",
    "Placement",
    "estimate_photo_view_angle",
    "find_base",
    "fits",
    "in_polygon",
    "landing",
    "place",
    "true_scale",
    "volume_height",
    "whole_pixels",
]


class Fit(StrEnum):
    """Does the photograph's camera belong into the plate's?"""

    BELIEVABLE = "believable"
    DOUBTFUL = "doubtful"
    REJECT = "reject"


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
    mode: str = "automatic"  # how it was wished for: automatic, anchor, box, padding, or an arrangement's name
    shown_of_true: float | None = None  # size in the scene over the product's true size; None: no size is known
    size_from: str = ""  # the fact or table row the true size was taken from


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


def place(
    cut_out: CutOut,
    backdrop: Backdrop,
    *,
    size_px: tuple[int, int],
    standing_px: tuple[float, float],
    max_product_px: tuple[float, float],
    real_height_m: float | None = None,
    real_width_m: float | None = None,
    insist: float = 1.0,
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
        real_height_m, real_width_m: from the product's facts; the width counts where the height cannot be seen.
        insist: how much more than usual the standing point matters when the crop is chosen.
    """
    base = find_base(cut_out.alpha)
    outer = bounds(cut_out.alpha)
    reach = _reach(backdrop.zone_m)
    sized = _Sizing(base, outer, backdrop.camera, max_product_px, real_height_m, reach, real_width_m)
    if base.is_from_above:  # its middle stands on the point, not its foot: keep its lower half off the frame's edge
        ratio = min(max_product_px[0] / (outer[2] - outer[0]), max_product_px[1] / (outer[3] - outer[1]))
        lowest = (1.0 - _AIR) * size_px[1] - 0.5 * ratio * (outer[3] - outer[1])
        standing_px = (standing_px[0], min(standing_px[1], max(lowest, 0.5 * size_px[1])))
    zoom, crop = _choose_crop(backdrop, size_px, standing_px, sized, insist)
    camera = backdrop.camera.reframed(crop, size_px)
    base_m = _standing_point(camera, backdrop, standing_px, size_px)
    scale, notes = sized.scale_at(zoom)
    for _ in range(24):
        box = landing(base, outer, camera, base_m, scale)
        if _inside(box, size_px) or scale * (outer[3] - outer[1]) < 24:
            break
        scale *= 0.95
    photo_box, product_box = whole_pixels(cut_out.alpha.shape, outer, box, scale, size_px)
    if zoom > MAX_UPSCALE + 1e-6:
        notes = (*notes, f"the place is enlarged {zoom:.2f} times")
    height_m = volume_height(base, camera, base_m, scale, real_height_m)
    real = sized.real(zoom)
    shown = scale / real if real else None
    return Placement(size_px, crop, photo_box, product_box, base_m, scale, height_m, notes, shown_of_true=_short(shown))


def true_scale(
    base: Base, outer: Box, camera: Camera, base_m: tuple[float, float], height_m: float | None, width_m: float | None
) -> float | None:
    """Frame px per photograph px at which a product that stands there has its true size; None when it has none.

    Args:
        base, outer: of the photograph.
        camera: of the frame.
        base_m: where it stands.
        height_m, width_m: its true size, either may be unknown.
    """
    elevation = np.radians(camera.view_angle_deg)
    depth = float(camera.rotation[2] @ np.array([*base_m, 0.0]) + camera.translation[2])
    per_m = camera.focal_px[0] / depth
    wide, tall = outer[2] - outer[0], outer[3] - outer[1]
    if base.lies_down:
        longest = max((v for v in (height_m, width_m) if v is not None), default=None)
        return None if longest is None else per_m * longest / max(wide, tall)
    if elevation <= np.radians(60) and height_m is not None:
        upright = tall - 2 * CONTACT_DEPTH * base.half_width_px * float(np.sin(elevation))
        return per_m * height_m * float(np.cos(elevation)) / max(upright, 0.3 * tall)
    if width_m is None:
        return None
    return per_m * width_m / (2 * base.half_width_px if base.is_from_above else wide)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


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
    width_m: float | None = None

    def fill(self, zoom: float) -> float:
        """Scale at which the product fills its room, or its footprint the place where it may stand."""
        wide, tall = self.outer[2] - self.outer[0], self.outer[3] - self.outer[1]
        footprint = self.zone_m * self.px_per_m(zoom) / self.base.half_width_px
        return min(self.room_px[0] / wide, self.room_px[1] / tall, MAX_PHOTO_SCALE, footprint)

    def px_per_m(self, zoom: float) -> float:
        """Frame pixels per metre at the standing point."""
        return zoom * self.camera.focal_px[0] / float(np.linalg.norm(self.camera.position))

    def real(self, zoom: float) -> float | None:
        """Scale at which it has its true size, None when that cannot be said."""
        scale = true_scale(self.base, self.outer, self.camera, (0.0, 0.0), self.height_m, self.width_m)
        return None if scale is None else zoom * scale

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
    return nearest if in_polygon(np.zeros(2), zone_m) else np.inf


def _choose_crop(
    backdrop: Backdrop,
    size_px: tuple[int, int],
    standing_px: tuple[float, float],
    sized: _Sizing,
    insist: float = 1.0,
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
        cost = 3.0 * insist * off + 0.5 * sized.misfit(float(zoom)) + 0.25 * soft + 0.12 * tight
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
    return in_polygon(centre + (point - centre) / 0.6, polygon)


def in_polygon(point: Floats, polygon: Floats) -> bool:
    a, b = polygon, np.roll(polygon, -1, axis=0)
    crosses = (a[:, 1] > point[1]) != (b[:, 1] > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (point[1] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return bool(np.count_nonzero(crosses & (point[0] < at)) % 2)


def landing(
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


def volume_height(
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


def whole_pixels(
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
