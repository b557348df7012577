"""Several products in one scene: a set, a comparison of sizes, a flat-lay. Each gets a placement of its own.

Their sizes relative to one another are the true ones wherever facts tell them; the group as a whole is scaled to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.types import Backdrop, Camera, CameraClass, CutOut
from service.errors import InvalidInput

from .contact import Base, Box, bounds, find_base
from .placement import (
    MAX_PHOTO_SCALE,
    MAX_UPSCALE,
    Placement,
    in_polygon,
    landing,
    true_scale,
    volume_height,
    whole_pixels,
)
from .positions import Room, ground_under
from .sizes import TrueSize

ARRANGEMENTS = ("set", "size_comparison", "flat_lay")
MOST = 5
ASSUMED_HEIGHT_M = 0.15  # of a product of which nothing is known, in a set
GROUP_WIDTH, GROUP_HEIGHT = 0.84, 0.74  # of the frame
OVERLAP = 0.16  # of the narrower neighbour's width, in a set
GAP = 0.14  # of the mean width, between products that are compared or lie flat
BACK = 0.55  # how far those behind stand back, in mean half widths of the group
ZONE_FACTOR = 2.4  # a group may take more of the ground than one product
_FRAME_MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Member:
    """One product of a group."""

    name: str  # for messages
    cut_out: CutOut
    size: TrueSize | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What its photograph says, and metres."""

    member: Member
    base: Base
    outer: Box
    height_m: float | None
    width_m: float | None
    metres_per_px: float  # of the photograph, at the standing point

    @property
    def reach_m(self) -> tuple[float, float]:
        """How far it reaches to the left and right of its base's centre."""
        k = self.metres_per_px
        return (self.base.centre_px - self.outer[0]) * k, (self.outer[2] - self.base.centre_px) * k

    @property
    def tall_m(self) -> float:
        return (self.outer[3] - self.outer[1]) * self.metres_per_px


def arrange(members: Sequence[Member], backdrop: Backdrop, room: Room, kind: str) -> tuple[Placement, ...]:
    """Placements for all members, in their order, from one crop of the backdrop.

    Args:
        members: 2 to 5 products.
        kind: "set" (beside and behind one another), "size_comparison" (side by side, true sizes) or "flat_lay".

    Raises:
        InvalidInput: an unknown kind, too few or many products, a size that is not known, photographs from the wrong
            height, or a scene without room.
    """
    if kind not in ARRANGEMENTS:
        raise InvalidInput("arrangement", f"{kind!r} is none of {', '.join(ARRANGEMENTS)}")
    if not 2 <= len(members) <= MOST:
        raise InvalidInput("products", f"{len(members)} products; an arrangement takes 2 to {MOST}")
    lies = kind == "flat_lay"
    if lies != (backdrop.camera_class is CameraClass.TOP_DOWN):
        wanted = "a scene seen from above (camera class top_down)" if lies else "a scene that is not seen from above"
        raise InvalidInput("scene", f"a {kind.replace('_', ' ')} needs {wanted}")
    seen = [_look(member, backdrop.camera, kind) for member in members]
    spots = _flat(seen) if lies else _row(seen, compared=kind == "size_comparison")
    return _fitted(seen, spots, backdrop, room, kind)


def _look(member: Member, camera: Camera, kind: str) -> _Seen:
    base, outer = find_base(member.cut_out.alpha), bounds(member.cut_out.alpha)
    lies = kind == "flat_lay"
    if lies and not base.is_from_above:
        raise InvalidInput(
            "products",
            f"{member.name!r} is photographed from {base.view_angle_deg:.0f} degrees; a flat-lay needs a photograph "
            "from straight above",
        )
    if not lies and base.is_from_above:
        raise InvalidInput("products", f"{member.name!r} is photographed from above; it cannot stand in a {kind}")
    size = member.size
    if kind == "size_comparison" and (size is None or not size.is_known):
        raise InvalidInput(
            "products", f"the size of {member.name!r} is not known: add a fact such as height: 92 mm or width: 8 cm"
        )
    height, width = (size.height_m, size.width_m) if size else (ASSUMED_HEIGHT_M, None)
    scale = true_scale(base, outer, camera, (0.0, 0.0), height, width)
    if scale is None:
        height, width = height or ASSUMED_HEIGHT_M, width or height or ASSUMED_HEIGHT_M
        scale = true_scale(base, outer, camera, (0.0, 0.0), height, width)
    assert scale is not None  # one of the two sides always gives it
    return _Seen(member, base, outer, height, width, scale * _depth(camera, (0.0, 0.0)) / camera.focal_px[0])


_Spots = list[tuple[float, float]]  # (x, y) of each base's centre on the ground, metres at true size


def _row(seen: Sequence[_Seen], *, compared: bool) -> _Spots:
    """Side by side; in a set the tallest in the middle, those beside it a step in front, a little overlapped."""
    n = len(seen)
    order = list(range(n)) if compared else _tallest_in_the_middle(seen)
    widths = [sum(item.reach_m) for item in seen]
    mean = float(np.mean(widths))
    back = 0.0 if compared else BACK * mean / 2
    x, right_end = {}, 0.0
    for place, k in enumerate(order):
        left, right = seen[k].reach_m
        if place == 0:
            x[k] = left
        elif compared:
            x[k] = right_end + GAP * mean + left
        else:
            x[k] = right_end - OVERLAP * min(widths[k], widths[order[place - 1]]) + left
        right_end = x[k] + right
    middle = right_end / 2
    depth = {k: back * (1 if abs(place - (n - 1) / 2) < 0.6 else -1) for place, k in enumerate(order)}
    if n == 2 and not compared:
        depth = {order[0]: back * 0.6, order[1]: -back * 0.6}
    return [(x[k] - middle, depth[k]) for k in range(n)]


def _tallest_in_the_middle(seen: Sequence[_Seen]) -> list[int]:
    by_height = sorted(range(len(seen)), key=lambda k: -seen[k].tall_m)
    if len(seen) == 2:
        return by_height
    order: list[int] = []
    for rank, k in enumerate(by_height):
        order = [*order, k] if rank % 2 == 0 else [k, *order]
    return order


def _flat(seen: Sequence[_Seen]) -> _Spots:
    """In one or two rows, with air between them; positions of the plan's middle, +y away from the camera."""
    n = len(seen)
    rows = [list(range(n))] if n <= 2 else [list(range((n + 1) // 2)), list(range((n + 1) // 2, n))]
    mean = float(np.mean([sum(item.reach_m) for item in seen]))
    spots: dict[int, tuple[float, float]] = {}
    heights = [max(seen[k].tall_m for k in row) for row in rows]
    total = sum(heights) + GAP * mean * (len(rows) - 1)
    top = total / 2
    for row, height in zip(rows, heights, strict=True):
        wide = sum(sum(seen[k].reach_m) for k in row) + GAP * mean * (len(row) - 1)
        x = -wide / 2
        for k in row:
            left, right = seen[k].reach_m
            spots[k] = (x + left, top - height / 2)
            x += left + right + GAP * mean
        top -= height + GAP * mean
    return [spots[k] for k in range(n)]


def _fitted(seen: Sequence[_Seen], spots: _Spots, backdrop: Backdrop, room: Room, kind: str) -> tuple[Placement, ...]:
    """The largest scale of the group, and the crop, with which everything stands inside frame and scene."""
    wide, tall = backdrop.camera.size_px
    width, height = room.size_px
    smallest = max(width / wide, height / tall)
    origin = backdrop.camera.project(np.zeros(3)) + 0.5
    standing = (0.5, 0.52) if kind == "flat_lay" else (0.5, min(room.standing[1] + 0.02, 0.9))
    best: tuple[float, tuple[Placement, ...]] | None = None
    for zoom in np.geomspace(smallest, max(MAX_UPSCALE * 0.8, smallest), 7):
        w, h = width / float(zoom), height / float(zoom)
        left = float(np.clip(origin[0] - standing[0] * w, 0.0, wide - w))
        top = float(np.clip(origin[1] - standing[1] * h, 0.0, tall - h))
        crop = (left, top, left + w, top + h)
        camera = backdrop.camera.reframed(crop, room.size_px)
        placements, k = _largest(seen, spots, backdrop, camera, crop, room, kind)
        if placements is None:
            continue
        filled = max(p.product_box[2] for p in placements) - min(p.product_box[0] for p in placements)
        value = filled / width - 0.5 * max(0.0, float(np.log2(zoom))) - 0.15 * abs(float(np.log(k)))
        if best is None or value > best[0]:
            best = (value, placements)
    if best is None:
        raise InvalidInput(
            "scene", f"there is no room in this scene for {len(seen)} products side by side; try another"
        )
    return best[1]


def _largest(
    seen: Sequence[_Seen],
    spots: _Spots,
    backdrop: Backdrop,
    camera: Camera,
    crop: tuple[float, float, float, float],
    room: Room,
    kind: str,
) -> tuple[tuple[Placement, ...] | None, float]:
    """The group at the largest scale that stands and fits, and that scale; None when even a small one does not."""
    k = 2.0
    while k > 0.12:
        made = [_one(item, spot, k, camera, crop, room, kind) for item, spot in zip(seen, spots, strict=True)]
        good = [p for p in made if p is not None]
        if len(good) == len(made) and _fits_frame(good, room) and _stands(good, seen, backdrop, camera):
            return tuple(good), k
        k *= 0.95
    return None, k


def _one(
    item: _Seen,
    spot: tuple[float, float],
    k: float,
    camera: Camera,
    crop: tuple[float, float, float, float],
    room: Room,
    kind: str,
) -> Placement | None:
    base_m = (spot[0] * k, spot[1] * k)
    true = true_scale(item.base, item.outer, camera, base_m, item.height_m, item.width_m)
    if true is None or k * true > MAX_PHOTO_SCALE:
        return None
    scale = k * true
    if kind == "flat_lay":
        middle = camera.project(np.array([*base_m, 0.0])) + 0.5
        wide, tall = (item.outer[2] - item.outer[0]) * scale, (item.outer[3] - item.outer[1]) * scale
        box = (middle[0] - wide / 2, middle[1] - tall / 2, middle[0] + wide / 2, middle[1] + tall / 2)
        under = ground_under(item.base, item.outer, camera, box, scale)
        if under is None:
            return None
        base_m = under
    else:
        box = landing(item.base, item.outer, camera, base_m, scale)
    photo_box, product_box = whole_pixels(item.member.cut_out.alpha.shape, item.outer, box, scale, room.size_px)
    size = item.member.size
    notes = (
        ()
        if size
        else (f"the size of {item.member.name!r} is not known: shown as {ASSUMED_HEIGHT_M * 100:.0f} cm high",)
    )
    height_m = volume_height(item.base, camera, base_m, scale, item.height_m)
    made = Placement(room.size_px, crop, photo_box, product_box, base_m, scale, height_m, notes, kind)
    return replace(made, shown_of_true=round(k, 3), size_from=size.evidence) if size else made


def _fits_frame(placements: Sequence[Placement], room: Room) -> bool:
    width, height = room.size_px
    left, top = min(p.product_box[0] for p in placements), min(p.product_box[1] for p in placements)
    right, bottom = max(p.product_box[2] for p in placements), max(p.product_box[3] for p in placements)
    mx, my = _FRAME_MARGIN * width, _FRAME_MARGIN * height
    inside = left >= mx and top >= my and right <= width - mx and bottom <= height - my
    return inside and right - left <= GROUP_WIDTH * width and bottom - top <= GROUP_HEIGHT * height


def _stands(placements: Sequence[Placement], seen: Sequence[_Seen], backdrop: Backdrop, camera: Camera) -> bool:
    """Every foot on the support, every centre near the scene's calm place."""
    zone = backdrop.zone_m
    wider = zone.mean(axis=0) + ZONE_FACTOR * (zone - zone.mean(axis=0)) if len(zone) >= 3 else None
    for where, item in zip(placements, seen, strict=True):
        half = item.base.half_width_px * where.scale * _depth(camera, where.base_m) / camera.focal_px[0]
        foot = np.array(where.base_m)
        if wider is not None and not in_polygon(foot, wider):
            return False
        ends = [foot + half * np.array(d) for d in ((-1.0, 0.0), (1.0, 0.0), (0.0, -0.9), (0.0, 0.9))]
        if backdrop.support_m is not None and not all(in_polygon(end, backdrop.support_m) for end in ends):
            return False
    return True


def _depth(camera: Camera, base_m: tuple[float, float]) -> float:
    return float(camera.rotation[2] @ np.array([*base_m, 0.0]) + camera.translation[2])
