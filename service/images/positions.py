"""The ways to wish for a place in the picture: several proposals, an anchor, an exact box, room to keep free.

Whatever is wished for, the product stands on the scene's ground at its own size and perspective; a wish that the scene
cannot grant is refused with the reason and what would be possible instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.types import Backdrop, Camera, CutOut
from service.errors import InvalidInput

from .contact import CONTACT_DEPTH, Base, Box, Floats, bounds, find_base
from .placement import (
    MAX_ENLARGED,
    MAX_PHOTO_SCALE,
    MAX_UPSCALE,
    Placement,
    in_polygon,
    landing,
    place,
    true_scale,
    volume_height,
    whole_pixels,
)
from .sizes import TrueSize

MODES = ("automatic", "anchor", "box", "padding")
ANCHORS: Mapping[str, float] = {"left": 1 / 3, "centre": 0.5, "right": 2 / 3}  # of the frame's width
DEPTHS: Mapping[str, tuple[float, float]] = {  # shift of the standing row (of the height), factor on the room
    "near": (0.07, 1.12),
    "middle": (0.0, 0.88),
    "far": (-0.07, 0.66),
}
OFF = 0.07  # of the width: an anchor missed by more is refused
SAME = 0.80  # overlap of two boxes, over their union, from which on they are one proposal
SMALLEST_PX = 48  # of the product's longer side
WIDER_ZONE = 1.6  # an exact box may leave the evenly lit place by so much, and says so
_MARGIN = 0.004  # of the frame


@dataclass(frozen=True, slots=True)
class Room:
    """The frame and what its format wants of it."""

    size_px: tuple[int, int]  # (width, height) of the scene
    standing: tuple[float, float]  # where the product stands, fractions of width and height
    largest: tuple[float, float]  # (width, height) it may take, fractions

    @property
    def standing_px(self) -> tuple[float, float]:
        return self.standing[0] * self.size_px[0], self.standing[1] * self.size_px[1]

    @property
    def max_product_px(self) -> tuple[float, float]:
        return self.largest[0] * self.size_px[0], self.largest[1] * self.size_px[1]

    @classmethod
    def of(
        cls, size_px: tuple[int, int], standing_px: tuple[float, float], max_product_px: tuple[float, float]
    ) -> Room:
        (w, h), (x, y), (a, b) = size_px, standing_px, max_product_px
        return cls(size_px, (x / w, y / h), (a / w, b / h))


@dataclass(frozen=True, slots=True)
class Wish:
    """Where somebody wants the product."""

    mode: str = "automatic"
    choice: int = 0  # automatic: which of the proposals
    at: str = "centre"  # anchor: left, centre or right third
    depth: str = "middle"  # anchor: near, middle or far
    box: tuple[float, float, float, float] | None = None  # box: left, top, right, bottom; px, or fractions up to 1
    padding: tuple[float, float, float, float] | None = None  # padding: left, top, right, bottom, fractions kept free


@dataclass(frozen=True, slots=True)
class Proposal:
    """One placement that is possible, and why it is offered."""

    placement: Placement
    label: str  # "as the format wants it"
    reasons: tuple[str, ...]
    score: float  # higher is better, about 0 to 1


def parse_wish(told: Mapping[str, Any] | None) -> Wish:
    """A wish from JSON, such as ``{"mode": "anchor", "at": "left", "depth": "far"}``.

    Raises:
        InvalidInput: with the field and what it may be.
    """
    if not told:
        return Wish()
    mode = told.get("mode", "automatic")
    if mode not in MODES:
        raise InvalidInput("placement.mode", f"{mode!r} is none of {', '.join(MODES)}")
    known = {"automatic": {"choice"}, "anchor": {"at", "depth"}, "box": {"box"}, "padding": {"padding"}}[mode]
    for key in told:
        if key != "mode" and key not in known:
            raise InvalidInput(f"placement.{key}", f"mode {mode!r} takes {', '.join(sorted(known))}")
    if mode == "automatic":
        choice = told.get("choice", 0)
        if not isinstance(choice, int) or isinstance(choice, bool) or not 0 <= choice <= 9:
            raise InvalidInput("placement.choice", "the number of a proposal, 0 to 9")
        return Wish(mode, choice=choice)
    if mode == "anchor":
        at, depth = str(told.get("at", "centre")).replace("center", "centre"), str(told.get("depth", "middle"))
        if at not in ANCHORS:
            raise InvalidInput("placement.at", f"{at!r} is none of {', '.join(ANCHORS)}")
        if depth not in DEPTHS:
            raise InvalidInput("placement.depth", f"{depth!r} is none of {', '.join(DEPTHS)}")
        return Wish(mode, at=at, depth=depth)
    if mode == "box":
        box = _four(told.get("box"), "placement.box")
        if not (box[0] < box[2] and box[1] < box[3]) or min(box) < 0:
            raise InvalidInput("placement.box", "left, top, right, bottom with left < right and top < bottom, from 0")
        return Wish(mode, box=box)
    padding = told.get("padding")
    sides = (padding,) * 4 if isinstance(padding, (int, float)) and not isinstance(padding, bool) else padding
    free = _four(sides, "placement.padding")
    if min(free) < 0 or free[0] + free[2] > 0.9 or free[1] + free[3] > 0.9:
        message = "fractions of the frame to keep free on the left, top, right and bottom; at least .1 must remain"
        raise InvalidInput("placement.padding", message)
    return Wish(mode, padding=free)


def wish_from_text(text: str) -> dict[str, Any]:
    """ "anchor:left:far", "box:.1,.2,.6,.9", "padding:.4,.1,.05,.1" or "automatic:1" as ``parse_wish`` takes it.

    Raises:
        InvalidInput: it reads like none of them.
    """
    mode, *rest = text.strip().split(":")
    told: dict[str, Any] = {"mode": mode}
    try:
        if mode == "automatic" and rest:
            told["choice"] = int(rest[0])
        elif mode == "anchor":
            told |= dict(zip(("at", "depth"), rest, strict=False))
        elif mode in ("box", "padding") and rest:
            numbers = [float(v) for v in rest[0].split(",")]
            told[mode] = numbers[0] if mode == "padding" and len(numbers) == 1 else numbers
    except ValueError as error:
        raise InvalidInput("placement", f"{text!r}: numbers expected after {mode}:, separated by commas") from error
    parse_wish(told)
    return told


def _four(value: Any, field: str) -> tuple[float, float, float, float]:
    if isinstance(value, Mapping) and set(value) == {"left", "top", "right", "bottom"}:
        value = [value["left"], value["top"], value["right"], value["bottom"]]
    numbers = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(numbers) != 4 or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers):
        raise InvalidInput(field, "four numbers: left, top, right, bottom")
    a, b, c, d = (float(v) for v in numbers)
    if not all(np.isfinite(v) for v in (a, b, c, d)):
        raise InvalidInput(field, "four finite numbers: left, top, right, bottom")
    return a, b, c, d


def stand(cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, wish: Wish) -> Placement:
    """The one placement that a wish asks for.

    Raises:
        InvalidInput: the scene cannot grant it; the reason says what it can.
    """
    if wish.mode == "automatic":
        if wish.choice == 0:
            return _asked(cut_out, backdrop, frame, size, frame.standing_px, frame.max_product_px)
        offered = propose(cut_out, backdrop, frame, size, wish)
        if wish.choice >= len(offered):
            raise InvalidInput("placement.choice", f"this scene and format have {len(offered)} proposals, from 0")
        return offered[wish.choice].placement
    return propose(cut_out, backdrop, frame, size, wish)[0].placement


def propose(
    cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, wish: Wish, most: int = 3
) -> list[Proposal]:
    """Placements that answer a wish, the best first; several for "automatic", one for the rest.

    Raises:
        InvalidInput: nothing valid answers it.
    """
    if wish.mode == "anchor":
        return [_anchored(cut_out, backdrop, frame, size, wish)]
    if wish.mode == "box":
        return [_boxed(cut_out, backdrop, frame, size, wish)]
    if wish.mode == "padding":
        return [_padded(cut_out, backdrop, frame, size, wish)]
    return _automatic(cut_out, backdrop, frame, size, most)


# --- automatic ---------------------------------------------------------------------------------------------------


def _automatic(cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, most: int) -> list[Proposal]:
    """The format's own place first, then others that differ from it and from one another."""
    (x, y), (wide, tall) = frame.standing, frame.largest
    tries = (
        ("as the format wants it", (x, y), 1.0),
        ("in the left third", (min(x, 0.35), y), 0.92),
        ("in the right third", (max(x, 0.65), y), 0.92),
        ("closer", (x, min(y + 0.05, 0.95)), 1.18),
        ("with more of the scene", (x, y - 0.03), 0.70),
    )
    found: list[Proposal] = []
    for label, (u, v), grown in tries:
        room = (min(wide * grown, 0.92), min(tall * grown, v - 0.03, 0.9))
        standing = (u * frame.size_px[0], v * frame.size_px[1])
        room_px = (room[0] * frame.size_px[0], room[1] * frame.size_px[1])
        where = _asked(cut_out, backdrop, frame, size, standing, room_px, insist=1.0 if not found else 3.0)
        if found and (_fault(where, frame) or any(_overlap(where, other.placement) > SAME for other in found)):
            continue
        found.append(Proposal(where, label, _reasons(where, backdrop, frame), _score(where, frame, first=not found)))
    first, *rest = found
    return [first, *sorted(rest, key=lambda p: -p.score)][:most]


def _asked(
    cut_out: CutOut,
    backdrop: Backdrop,
    frame: Room,
    size: TrueSize | None,
    standing_px: tuple[float, float],
    room_px: tuple[float, float],
    *,
    insist: float = 1.0,
    mode: str = "automatic",
) -> Placement:
    where = place(
        cut_out,
        backdrop,
        size_px=frame.size_px,
        standing_px=standing_px,
        max_product_px=room_px,
        real_height_m=size.height_m if size else None,
        real_width_m=size.width_m if size else None,
        insist=insist,
    )
    return replace(where, mode=mode, size_from=size.evidence if size else "")


def _fault(where: Placement, frame: Room) -> str | None:
    left, top, right, bottom = where.product_box
    width, height = frame.size_px
    if left <= 0 or top <= 0 or right >= width or bottom >= height:
        return "the product would touch the frame's edge"
    return "the product would be too small to see" if max(right - left, bottom - top) < SMALLEST_PX else None


def _score(where: Placement, frame: Room, *, first: bool) -> float:
    left, top, right, bottom = where.product_box
    area = (right - left) * (bottom - top) / (frame.size_px[0] * frame.size_px[1])
    zoom = frame.size_px[0] / (where.crop[2] - where.crop[0])
    off_size = abs(float(np.log(where.shown_of_true))) if where.shown_of_true else 0.0
    value = 0.8 + (0.1 if first else 0.0) - 0.25 * max(0.0, zoom - 1.0) - 0.3 * off_size - 0.6 * max(0.0, 0.12 - area)
    return round(float(np.clip(value, 0.0, 1.0)), 3)


def _reasons(where: Placement, backdrop: Backdrop, frame: Room) -> tuple[str, ...]:
    left, _, right, bottom = where.product_box
    width, height = frame.size_px
    told = [f"stands at {(left + right) / 2 / width:.2f} of the width, its foot at {bottom / height:.2f} of the height"]
    if where.shown_of_true is not None:
        told.append(f"{where.shown_of_true:.2f} of its true size ({where.size_from})")
    zoom = width / (where.crop[2] - where.crop[0])
    if zoom > 1.02:
        told.append(f"the scene is enlarged {zoom:.2f} times")
    camera = backdrop.camera.reframed(where.crop, where.size_px)
    foot = np.array([*where.base_m, 0.0])
    ahead = camera.project(foot - 0.05 * np.array([*backdrop.key.direction[:2], 0.0]))
    across = float(ahead[0] - camera.project(foot)[0])
    if abs(across) > 0.004 * width:
        told.append(f"its shadow falls to the {'right' if across > 0 else 'left'}")
    return (*told, *where.notes)


def _overlap(a: Placement, b: Placement) -> float:
    p, q = a.product_box, b.product_box
    wide, tall = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
    both = max(wide, 0) * max(tall, 0)
    return both / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - both)


# --- anchor and padding ------------------------------------------------------------------------------------------


def _anchored(cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, wish: Wish) -> Proposal:
    shift, grown = DEPTHS[wish.depth]
    x = ANCHORS[wish.at]
    y = float(np.clip(frame.standing[1] + shift, 0.3, 0.95))
    wide = min(frame.largest[0] * grown, 2 * min(x, 1 - x) - 0.03)
    tall = min(frame.largest[1] * grown, y - 0.03)
    width, height = frame.size_px
    where = _asked(
        cut_out, backdrop, frame, size, (x * width, y * height), (wide * width, tall * height), insist=6, mode="anchor"
    )
    camera = backdrop.camera.reframed(where.crop, where.size_px)
    reached = (float(camera.project(np.array([*where.base_m, 0.0]))[0]) + 0.5) / width
    if abs(reached - x) > OFF:
        raise InvalidInput(
            "placement.at",
            f"in this scene and format the product cannot stand in the {wish.at} third: the nearest place where it "
            f"stands is {reached:.2f} of the width (choose another anchor, a wider format, or another scene)",
        )
    label = f"{wish.at}, {wish.depth}"
    return Proposal(where, label, _reasons(where, backdrop, frame), _score(where, frame, first=True))


def _padded(cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, wish: Wish) -> Proposal:
    assert wish.padding is not None  # parse_wish saw to it
    width, height = frame.size_px
    left, top, right, bottom = wish.padding
    room = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    outer = bounds(cut_out.alpha)
    scale = min((room[2] - room[0]) / (outer[2] - outer[0]), (room[3] - room[1]) / (outer[3] - outer[1]))
    scale = min(scale, MAX_PHOTO_SCALE)
    tall, wide = scale * (outer[3] - outer[1]), scale * (outer[2] - outer[0])
    slack = room[3] - room[1] - tall
    middle = (room[0] + room[2]) / 2
    last: InvalidInput | None = None
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):  # from the room's floor upwards, then smaller
        for smaller in (1.0, 0.9, 0.8, 0.7):
            w, h = wide * smaller, tall * smaller
            foot = room[3] - part * (slack + tall - h)
            box = (middle - w / 2, foot - h, middle + w / 2, foot)
            try:
                where = _exactly(cut_out, backdrop, frame, size, box, "placement.padding")
            except InvalidInput as error:
                last = last or error
                continue
            where = replace(where, mode="padding")
            label = "as large as the padding allows"
            return Proposal(where, label, _reasons(where, backdrop, frame), _score(where, frame, first=True))
    assert last is not None  # the loops ran
    raise InvalidInput("placement.padding", f"the product cannot stand in the room that is left: {last.reason}")


# --- an exact box ------------------------------------------------------------------------------------------------


def _boxed(cut_out: CutOut, backdrop: Backdrop, frame: Room, size: TrueSize | None, wish: Wish) -> Proposal:
    """The product fills the box as far as its shape allows, standing on the box's lower edge, in its middle."""
    assert wish.box is not None  # parse_wish saw to it
    width, height = frame.size_px
    left, top, right, bottom = wish.box
    if max(wish.box) <= 1.0:
        left, top, right, bottom = left * width, top * height, right * width, bottom * height
    if right > width or bottom > height:
        raise InvalidInput("placement.box", f"it leaves the frame of {width} x {height} px")
    outer = bounds(cut_out.alpha)
    scale = min((right - left) / (outer[2] - outer[0]), (bottom - top) / (outer[3] - outer[1]))
    wide, tall = scale * (outer[2] - outer[0]), scale * (outer[3] - outer[1])
    middle = (left + right) / 2
    exact = (middle - wide / 2, bottom - tall, middle + wide / 2, bottom)
    where = _exactly(cut_out, backdrop, frame, size, exact, "placement.box")
    where = replace(where, mode="box")
    return Proposal(where, "in the box", _reasons(where, backdrop, frame), _score(where, frame, first=True))


def _exactly(
    cut_out: CutOut,
    backdrop: Backdrop,
    frame: Room,
    size: TrueSize | None,
    box: tuple[float, float, float, float],
    field: str,
) -> Placement:
    """A crop and a standing point with which the product's bounds land in ``box``.

    Raises:
        InvalidInput: with the reason, under ``field``.
    """
    base, outer = find_base(cut_out.alpha), bounds(cut_out.alpha)
    scale = (box[2] - box[0]) / (outer[2] - outer[0])
    if max(box[2] - box[0], box[3] - box[1]) < SMALLEST_PX:
        raise InvalidInput(field, f"smaller than {SMALLEST_PX} px: the product could not be seen")
    if scale > MAX_PHOTO_SCALE + 1e-6:
        raise InvalidInput(
            field,
            f"the photograph would be enlarged {scale:.2f} times, at most {MAX_PHOTO_SCALE}: make the box at most "
            f"{MAX_PHOTO_SCALE * (outer[2] - outer[0]):.0f} x {MAX_PHOTO_SCALE * (outer[3] - outer[1]):.0f} px",
        )
    found = _crops_for(base, outer, backdrop, frame, size, box, scale)
    if not found:
        raise InvalidInput(field, _why_not(base, outer, backdrop, frame, box, scale))
    _, crop, base_m, notes, real = min(found, key=lambda f: f[0])
    camera = backdrop.camera.reframed(crop, frame.size_px)
    photo_box, product_box = whole_pixels(cut_out.alpha.shape, outer, box, scale, frame.size_px)
    height_m = volume_height(base, camera, base_m, scale, size.height_m if size else None)
    shown = round(scale / real, 3) if real else None
    if shown is not None and not 0.6 <= shown <= MAX_ENLARGED:
        notes = (*notes, f"shown at {shown:.2f} of its true size: it may look like a model of itself")
    return Placement(
        frame.size_px, crop, photo_box, product_box, base_m, scale, height_m, notes, "box", shown,
        size.evidence if size else "",
    )  # fmt: skip


_Found = tuple[float, tuple[float, float, float, float], tuple[float, float], tuple[str, ...], float | None]


def _crops_for(
    base: Base,
    outer: Box,
    backdrop: Backdrop,
    frame: Room,
    size: TrueSize | None,
    box: tuple[float, float, float, float],
    scale: float,
) -> list[_Found]:
    """(cost, crop, standing point, notes, true scale) of every enlargement with which it stands."""
    wide, tall = backdrop.camera.size_px
    width, height = frame.size_px
    smallest = max(width / wide, height / tall)
    found: list[_Found] = []
    for zoom in np.geomspace(smallest, max(MAX_UPSCALE, smallest) * 1.15, 28):
        w, h = width / float(zoom), height / float(zoom)
        left, top = _crop_at_origin(base, outer, backdrop, float(zoom), box, scale, (w, h), frame.size_px)
        crop = (left, top, left + w, top + h)
        camera = backdrop.camera.reframed(crop, frame.size_px)
        base_m = ground_under(base, outer, camera, box, scale)
        if base_m is None:
            continue
        landed = landing(base, outer, camera, base_m, scale)
        if abs(landed[3] - box[3]) > 1.0 or abs(landed[0] - box[0]) > 1.0:
            continue
        half_m = base.half_width_px * scale * _depth(camera, base_m) / camera.focal_px[0]
        notes = _stands(base_m, half_m, backdrop)
        if notes is None:
            continue
        true = true_scale(base, outer, camera, base_m, size.height_m if size else None, size.width_m if size else None)
        off_size = abs(float(np.log(scale / true))) if true else 0.0
        soft = max(0.0, float(np.log2(zoom)))
        cost = (
            off_size + 0.6 * soft + 0.1 * float(np.log2(zoom / smallest)) + 2.0 * float(np.hypot(*base_m)) + len(notes)
        )
        if zoom > MAX_UPSCALE + 1e-6:
            notes = (*notes, f"the place is enlarged {zoom:.2f} times")
        found.append((cost, crop, base_m, notes, true))
    return found


def _crop_at_origin(
    base: Base,
    outer: Box,
    backdrop: Backdrop,
    zoom: float,
    box: tuple[float, float, float, float],
    scale: float,
    crop_px: tuple[float, float],
    size_px: tuple[int, int],
) -> tuple[float, float]:
    """Left and top of the crop with which the plate's own standing point carries the box, kept on the plate."""
    camera = backdrop.camera.reframed((0.0, 0.0, crop_px[0], crop_px[1]), size_px)
    there = landing(base, outer, camera, (0.0, 0.0), scale)
    left = (there[0] - box[0]) / zoom
    top = (there[3] - box[3]) / zoom
    wide, tall = backdrop.camera.size_px
    return float(np.clip(left, 0.0, wide - crop_px[0])), float(np.clip(top, 0.0, tall - crop_px[1]))


def ground_under(
    base: Base, outer: Box, camera: Camera, box: tuple[float, float, float, float], scale: float
) -> tuple[float, float] | None:
    """The standing point from which the product's bounds land in ``box``; None above the horizon."""
    u = box[0] + (base.centre_px - outer[0]) * scale - 0.5
    v = box[3] + (base.bottom_px - outer[3]) * scale - 0.5
    to_ground = np.linalg.inv(camera.ground_homography())
    origin = to_ground @ np.array([*camera.project(np.zeros(3)), 1.0])
    point: Floats = np.zeros(2)
    row = v - base.depth_px * scale if base.is_from_above else v
    hit = to_ground @ np.array([u, row, 1.0])
    if np.sign(hit[2]) != np.sign(origin[2]) or abs(hit[2]) < 1e-12:
        return None
    contact = hit[:2] / hit[2]
    if np.abs(contact).max() > 3.0:
        return None
    point = contact
    if not base.is_from_above:
        for _ in range(6):
            half = base.half_width_px * scale * _depth(camera, (float(point[0]), float(point[1]))) / camera.focal_px[0]
            point = contact + np.array([0.0, CONTACT_DEPTH * half])
        sideways = to_ground @ np.array([u, float(camera.project(np.array([*point, 0.0]))[1]), 1.0])
        point = np.array([sideways[0] / sideways[2], point[1]])
    return float(point[0]), float(point[1])


def _depth(camera: Camera, base_m: tuple[float, float]) -> float:
    return float(camera.rotation[2] @ np.array([*base_m, 0.0]) + camera.translation[2])


def _stands(base_m: tuple[float, float], half_m: float, backdrop: Backdrop) -> tuple[str, ...] | None:
    """Notes where it may stand, None where it may not: off the podium, among the props."""
    feet = [np.array(base_m) + half_m * np.array(d) for d in ((-1.0, 0.0), (1.0, 0.0), (0.0, -0.9), (0.0, 0.9))]
    support = backdrop.support_m
    if support is not None and not all(in_polygon(foot, support) for foot in feet):
        return None
    if len(backdrop.zone_m) < 3 or in_polygon(np.array(base_m), backdrop.zone_m):
        return ()
    middle = backdrop.zone_m.mean(axis=0)
    wider = middle + WIDER_ZONE * (backdrop.zone_m - middle)
    if in_polygon(np.array(base_m), wider):
        return ("stands beside the scene's evenly lit place: look at the light",)
    return None


def _why_not(
    base: Base, outer: Box, backdrop: Backdrop, frame: Room, box: tuple[float, float, float, float], scale: float
) -> str:
    """What keeps the product from standing there, and where its foot could be instead."""
    width, height = frame.size_px
    reach = []
    wide, tall = backdrop.camera.size_px
    smallest = max(width / wide, height / tall)
    for zoom in (smallest, max(MAX_UPSCALE, smallest)):
        w, h = width / zoom, height / zoom
        for left in (0.0, wide - w):
            for top in (0.0, tall - h):
                camera = backdrop.camera.reframed((left, top, left + w, top + h), frame.size_px)
                landed = landing(base, outer, camera, (0.0, 0.0), scale)
                reach.append(((landed[0] + landed[2]) / 2, landed[3]))
    low, high = (min(r[1] for r in reach) / height, max(r[1] for r in reach) / height)
    first, last = (min(r[0] for r in reach) / width, max(r[0] for r in reach) / width)
    return (
        f"the ground of this scene does not reach there at that size; the foot may be between {max(low, 0):.2f} and "
        f"{min(high, 1):.2f} of the height, the middle between {max(first, 0):.2f} and {min(last, 1):.2f} of the width"
    )
