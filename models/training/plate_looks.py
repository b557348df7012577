"""Looks: plates written as rows of parts. A row names its surface, back, light, palette and the things at its edges.

Rows are read by people first: the words are what a designer would type. ``more`` draws further rows from the same
parts (see README.md), so that the library can grow without new code.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .blender import geometry as shapes
from .blender import lights, materials
from .plate_parts import BACKS, LIGHTS, PALETTES, SURFACES, Palette
from .plate_rows import ROWS
from .plate_sets import SETS, PlateSet, Stage, disc, rectangle
from .plate_things import THINGS

SLOTS: Mapping[str, Mapping[str, tuple[float, float]]] = {  # where things stand, metres, by kind of row
    "eye": {
        "left": (-0.225, 0.27),
        "right": (0.23, 0.28),
        "far_left": (-0.13, 0.47),
        "far_right": (0.14, 0.46),
        "near_left": (-0.205, 0.10),
        "near_right": (0.205, 0.10),
    },
    "three": {
        "left": (-0.235, 0.24),
        "right": (0.245, 0.25),
        "far_left": (-0.14, 0.42),
        "far_right": (0.15, 0.42),
        "near_left": (-0.225, 0.06),
        "near_right": (0.23, 0.06),
    },
    "top": {
        "nw": (-0.225, 0.21),
        "ne": (0.225, 0.21),
        "sw": (-0.225, -0.20),
        "se": (0.225, -0.20),
        "n": (0.05, 0.27),
        "w": (-0.255, 0.02),
        "e": (0.255, 0.02),
    },
}
SLOTS = {**SLOTS, "podium": SLOTS["three"], "studio": SLOTS["eye"], "sand": SLOTS["eye"]}


@dataclass(frozen=True, slots=True)
class Look:
    """One row. ``kind``: eye, three, top (a table or floor), podium, studio (a seamless sweep) or sand."""

    id: str
    family: str
    kind: str
    words: str
    surface: str
    light: str
    palette: str
    things: Mapping[str, str]
    mood: str
    categories: tuple[str, ...]
    back: str = ""
    side: int = -1
    angle: float = 0.0
    depth: float = 0.0  # where the back begins, metres behind the standing point; 0: by kind
    brightness: float = 0.0  # 0: the surface's own
    f_stop: float = 0.0
    shape: str = "round"  # podiums: round, square, steps, tall, two
    edge: bool = True  # tables at eye level: the front edge is seen
    seed: int = 1


ANGLES = {"eye": 11.0, "three": 25.0, "top": 79.0, "podium": 23.0, "studio": 11.0, "sand": 12.0}
DEPTHS = {"eye": 0.62, "three": 0.62, "top": 9.0, "podium": 0.45, "studio": 0.55, "sand": 1.6}
OUTSIDE = ("view", "ridges", "woods", "meadow", "hills", "field", "sea", "bar_")
INDOORS = ("living_room", "cafe", "dining")  # where a table's front edge belongs in the picture


def is_view(back: str) -> bool:
    """Whether a back is a place far away rather than a wall."""
    return any(part in back for part in OUTSIDE)


def as_set(look: Look) -> PlateSet:
    """The row as a set that ``render_plates`` can render."""
    angle = look.angle or ANGLES[look.kind]
    if is_view(look.back) and not look.angle and look.kind in ("eye", "sand"):
        angle = 8.0
    flat = look.kind == "top"
    near = look.kind in ("eye", "studio", "sand")
    return PlateSet(
        id=look.id,
        family=look.family,
        words=look.words,
        mood=look.mood,
        surface=_surface_name(look),
        categories=look.categories,
        view_angle_deg=angle,
        build=lambda rng: _build(look, rng),
        brightness=look.brightness or (SURFACES[look.surface][2]),
        px_per_metre=2800 if near else 2600,
        f_stop=look.f_stop or (8.0 if flat else 2.8 if is_view(look.back) else 4.5),
        standing=(0.5, 0.52) if flat else (0.5, 0.66),
        seed=look.seed,
    )


def _surface_name(look: Look) -> str:
    return SURFACES[look.surface][0]


def _build(look: Look, rng: random.Random) -> Stage:
    palette = PALETTES[look.palette]
    top = SURFACES[look.surface][1](rng, palette)
    floor_z, zone, support = _ground(look, rng, palette, top)
    if look.back and look.kind not in ("studio", "podium"):
        BACKS[look.back](rng, palette, look.depth or DEPTHS[look.kind])
    for slot, names in look.things.items():
        x, y = SLOTS[look.kind][slot]
        for n, name in enumerate(names.split("+")):
            at = (x * (1 + 0.02 * n) + rng.uniform(-0.008, 0.008), y + 0.085 * n + rng.uniform(-0.01, 0.01), floor_z)
            THINGS[name](rng, palette, at)
    key = LIGHTS[look.light](rng, look.side)
    return Stage(key, top, zone=zone, support=support)


def _ground(
    look: Look, rng: random.Random, palette: Palette, top: object
) -> tuple[float, tuple[tuple[float, float], ...], tuple[tuple[float, float], ...] | None]:
    """Builds what the product stands on; (height of the things' ground, zone, support edge)."""
    depth = look.depth or DEPTHS[look.kind]
    if look.kind == "top" and look.surface == "linen":
        folds = [
            (
                (0.9 * math.cos(a), 0.9 * math.sin(a)),
                (0.24 * math.cos(a + 0.3), 0.24 * math.sin(a + 0.3)),
                rng.uniform(0.006, 0.012),
                0.016,
            )
            for a in (0.5 + 1.25 * k for k in range(5))
        ]
        shapes.cloth(
            1.2, 1.2, top, folds=folds, turn_deg=rng.uniform(-8, 8), seed=rng.randrange(99), calm=0.17, cell=0.008
        )
        return 0.002, disc(0.125), None
    if look.kind == "top":
        shapes.floor(4, top)
        return 0.0, disc(0.125), None
    if look.kind == "studio":
        shapes.cove(top, start=depth, radius=1.0)
        return 0.0, disc(0.14), None
    if look.kind == "sand":
        _dune(rng, top)
        return 0.0, disc(0.10), None
    if look.kind == "podium":
        return _podium(look, rng, palette, top)
    end = depth - 0.02 if not is_view(look.back) else rng.uniform(0.55, 0.75)
    if look.surface == "linen":
        _laid_cloth(rng, palette, top, end)
        return 0.002, disc(0.13), None
    if look.kind == "three" and not is_view(look.back):
        shapes.floor(7, top)
        return 0.0, disc(0.12), None
    edge = look.kind == "eye" and look.edge and (not is_view(look.back) or look.family in INDOORS)
    front = -0.37 if edge else -1.4
    thick = rng.uniform(0.028, 0.045)
    shapes.slab(3.2, end - front, thick, top, front=front, bevel=0.006).data.shade_smooth()
    if edge and not is_view(look.back):
        shapes.slab(
            3.2, end - front - 0.05, 0.8, materials.plain(palette.cloth, 0.55), front=front + 0.035, top=-thick - 0.001
        )
    return 0.0, rectangle(-0.12, -0.15, 0.12, 0.11), rectangle(-1.5, front + 0.01, 1.5, end - 0.02)


def _laid_cloth(rng: random.Random, palette: Palette, top: object, end: float) -> None:
    """A table under a cloth with folds that leave the standing point level."""
    shapes.floor(
        6,
        materials.wood("pale_oak", seed=rng.randrange(30)) if rng.random() < 0.5 else materials.plaster(palette.light),
    )
    folds = []
    for k in range(6):
        a = 2 * math.pi * (k + 0.5) / 6 + rng.uniform(-0.25, 0.25)
        bend = a + rng.uniform(-0.45, 0.45)
        start, stop = (1.0 * math.cos(bend), 1.0 * math.sin(bend)), (0.15 * math.cos(a), 0.15 * math.sin(a))
        folds.append((start, stop, rng.uniform(0.010, 0.018), rng.uniform(0.022, 0.040)))
    depth = 1.5  # its front edge lies before the picture
    shapes.cloth(
        1.3,
        depth,
        top,
        (0, end - depth / 2 - 0.04, 0),
        folds=folds,
        turn_deg=rng.uniform(-7, 7),
        seed=rng.randrange(99),
        calm=0.15,
        cell=0.007,
    )


def _dune(rng: random.Random, top: object) -> None:
    """Gently waved sand or snow, level where the product stands."""
    from mathutils import Vector
    from mathutils import noise as perlin

    shift = rng.uniform(0, 40)

    def height(x: float, y: float) -> float:
        calm = min(1.0, max(0.0, (math.hypot(x, y) - 0.10) / 0.16))
        z = 0.020 * perlin.fractal(Vector((x * 2.6 + shift, y * 3.4, 1)), 0.7, 2.0, 5)
        z += 0.004 * math.sin(30 * y + 6 * x + 3 * perlin.noise((x * 4, y * 3, shift)))
        return float(calm * calm * (z + 0.04 * max(0.0, y - 0.45) - 0.10 * max(0.0, y - 1.0)))

    n = 140
    grid = [((i / n - 0.5) * 3.4, -0.8 + 2.6 * j / n) for j in range(n + 1) for i in range(n + 1)]
    row = n + 1
    faces = [
        (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i) for j in range(n) for i in range(n)
    ]
    shapes.mesh([(x, y, height(x, y)) for x, y in grid], faces, top, name="dune", sharp_deg=180)


def _podium(
    look: Look, rng: random.Random, palette: Palette, top: object
) -> tuple[float, tuple[tuple[float, float], ...], tuple[tuple[float, float], ...] | None]:
    low = {"round": 0.055, "square": 0.045, "steps": 0.07, "tall": 0.11, "two": 0.075, "slab": 0.05}[look.shape]
    floor_z = -low
    back = materials.plaster(palette.wall, trowel=0.4, tone=0.03)
    if look.back in BACKS:
        shapes.floor(7, back, z=floor_z)
        BACKS[look.back](rng, palette, look.depth or 0.6)
    else:
        shapes.cove(back, start=look.depth or 0.42, radius=0.75, z=floor_z)
    second = materials.plaster(palette.ceramic, trowel=0.3, tone=0.03)
    if look.shape == "square":
        shapes.rounded_box((0.34, 0.30, low), top, (0, 0, floor_z), bevel=0.004, turn_deg=0)
        return floor_z, rectangle(-0.12, -0.10, 0.12, 0.10), rectangle(-0.166, -0.146, 0.166, 0.146)
    if look.shape == "slab":
        shapes.rounded_box((0.46, 0.30, low), top, (0.02, 0.01, floor_z), bevel=0.006, turn_deg=0)
        return floor_z, rectangle(-0.13, -0.10, 0.13, 0.10), rectangle(-0.204, -0.136, 0.244, 0.156)
    radius = 0.165 if look.shape in ("round", "steps", "two") else 0.15
    if look.shape == "steps":
        shapes.cylinder(0.235, low * 0.42, second, (0, 0, floor_z), bevel=0.004, segments=220)
    if look.shape == "two":
        shapes.cylinder(0.13, low * 0.55, second, (0.23, 0.09, floor_z), bevel=0.004, segments=200)
    shapes.cylinder(radius, low, top, (0, 0, floor_z), bevel=0.004, segments=220)
    return floor_z, disc(0.115), disc(radius - 0.004, 48)


LOOKS: dict[str, Look] = {}


def register(rows: Sequence[Look]) -> None:
    """Put rows among the sets. Raises ValueError when an id is taken or a part is unknown."""
    for look in rows:
        if look.id in SETS:
            raise ValueError(f"there is already a set called {look.id!r}")
        for name, known in ((look.surface, SURFACES), (look.light, LIGHTS), (look.palette, PALETTES)):
            if name not in known:
                raise ValueError(f"{look.id}: no part called {name!r}")
        if look.back and look.back not in BACKS:
            raise ValueError(f"{look.id}: no back called {look.back!r}")
        for slot, names in look.things.items():
            if slot not in SLOTS[look.kind] or any(n not in THINGS for n in names.split("+")):
                raise ValueError(f"{look.id}: no place {slot!r} or no such thing in {names!r}")
        LOOKS[look.id] = look
        SETS[look.id] = as_set(look)


def rows() -> Iterator[Look]:
    """The rows as written in ``plate_rows``."""
    for line in ROWS:
        yield Look(**line)


register(list(rows()))
__all__ = ["LOOKS", "Look", "as_set", "lights", "register", "replace"]
