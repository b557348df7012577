"""The sets: places built for a product to stand in, one function each, drawn with a seed.

The standing point is the origin and nothing may stand on it; the camera looks towards +y. At eye level the picture is
about 55 cm wide at the product and 85 cm wide at y = .7. Props live beyond |x| = .14 or behind y = .18, so that the
9:16 crop (the middle 31 cm) still holds something while the product's place stays calm and evenly lit.

To add a set: write a function that builds it and returns a ``Stage``, and decorate it with its words. Another seed
gives another arrangement of the same set (``--seed``).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.types import KeyLight

from .blender import geometry as shapes
from .blender import lights, materials, props
from .blender.materials import Colour

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a set function hands back, besides the objects it put into the scene."""

    key: KeyLight
    ground: Any  # the material the product stands on
    zone: Polygon = ((-0.12, -0.10), (0.12, -0.10), (0.12, 0.10), (-0.12, 0.10))
    support: Polygon | None = None


@dataclass(frozen=True, slots=True)
class PlateSet:
    """A place in words and numbers; ``build`` makes it."""

    id: str
    family: str
    words: str
    mood: str
    surface: str
    categories: tuple[str, ...]
    view_angle_deg: float  # at the contact point
    build: Callable[[random.Random], Stage]
    brightness: float = 0.70  # how light the product's place is shown, display 0 to 1
    px_per_metre: float = 2800.0
    lens_mm: float = 85.0
    f_stop: float = 5.6
    standing: tuple[float, float] = (0.5, 0.66)
    seed: int = 1
    tags: tuple[str, ...] = field(default=())


SETS: dict[str, PlateSet] = {}


def place(id: str, **told: Any) -> Callable[[Callable[[random.Random], Stage]], Callable[[random.Random], Stage]]:
    """Register a set function under ``id``."""

    def keep(build: Callable[[random.Random], Stage]) -> Callable[[random.Random], Stage]:
        SETS[id] = PlateSet(id=id, build=build, **told)
        return build

    return keep


def disc(radius: float, corners: int = 32, y: float = 0.0) -> Polygon:
    """A round zone or podium as a polygon."""
    return tuple(
        (radius * math.cos(2 * math.pi * k / corners), y + radius * math.sin(2 * math.pi * k / corners))
        for k in range(corners)
    )


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def eucalyptus(bloom: float = 0.45) -> Any:
    return materials.leaf("#64796a", back="#8c9c8c", bloom=bloom, gloss_=0.5, spread=0.4)


def olive() -> Any:
    return materials.leaf("#5c6b3f", back="#a5ab92", bloom=0.12, gloss_=0.4, spread=0.45)


def green(tint: Colour = "#3c5a2c") -> Any:
    return materials.leaf(tint, bloom=0.05, gloss_=0.34, spread=0.5, through=0.35)


# --- eye level -----------------------------------------------------------------------------------------------------


@place(
    "kitchen-marble-window",
    family="kitchen",
    words="white marble kitchen worktop, soft morning window light, eucalyptus in a vase",
    mood="fresh, clean, bright",
    surface="marble",
    categories=("kitchen", "food", "beauty", "home"),
    view_angle_deg=12,
    brightness=0.80,
)
def kitchen_marble(rng: random.Random) -> Stage:
    top = materials.marble("#efedea", "#8b8987", roughness=0.13, seed=rng.randrange(2, 9), amount=0.9)
    shapes.slab(3.0, 1.12, 0.036, top, front=-0.36, bevel=0.004)
    shapes.slab(3.0, 1.0, 0.8, materials.plain("#c9cbc4", 0.5), front=-0.32, top=-0.038)
    shapes.wall(
        4,
        2.2,
        materials.tiles("#eef0ec", size=(0.15, 0.075), grout="#d5d2cb", offset=0.5, roughness=0.14, variation=0.06),
        0.76,
        z=-0.01,
    )
    props.vase(
        "belly", 0.17, materials.ceramic("#7f9287", glaze=0.7, roughness=0.3, speckle=0.4), (0.235, 0.30, 0), seed=3
    )
    props.bunch(
        (0.235, 0.30, 0.16),
        6,
        eucalyptus(),
        materials.bark("#6d6048"),
        length=0.27,
        leaf=0.048,
        leaves=8,
        spread=0.65,
        seed=rng.randrange(99),
        lean=(-0.25, 0),
    )
    board = shapes.rounded_box(
        (0.23, 0.018, 0.34),
        materials.wood("beech", plank=0, turn_deg=90, roughness=0.5),
        (-0.20, 0.68, 0.004),
        bevel=0.008,
        tilt_deg=(-11, 0),
        turn_deg=4,
    )
    board.data.shade_smooth()
    props.bowl(
        0.078, 0.062, materials.ceramic("#e9e2d5", speckle=0.8, bare="#b98d68", bare_below=0.012), (-0.215, 0.42, 0)
    )
    for i, (dx, dy, dz) in enumerate(
        ((-0.028, 0.0, 0.030), (0.030, 0.012, 0.032), (0.002, -0.028, 0.036), (0.004, 0.01, 0.068))
    ):
        props.lemon((-0.215 + dx, 0.42 + dy, dz), turn_deg=40 + 75 * i, seed=i)
    key = lights.softbox(-118, 34, 1.55, (0.95, 0.75), 34, tint="#fff8ee", target=(0, 0.1, 0.1), group="key")
    lights.softbox(70, 35, 1.8, (1.4, 1.2), 9, tint="#eaf2ff")
    lights.world(None, 0.30, tint="#f1f5ff")
    return Stage(key, top, zone=rectangle(-0.12, -0.16, 0.12, 0.12), support=rectangle(-1.5, -0.355, 1.5, 0.75))


@place(
    "walnut-table-evening",
    family="living_room",
    words="dark walnut table in a living room, warm evening light, books and candle",
    mood="calm, warm, premium",
    surface="walnut wood",
    categories=("drinks", "home", "electronics", "beauty", "fashion"),
    view_angle_deg=12,
    brightness=0.40,
    f_stop=4.0,
)
def walnut_evening(rng: random.Random) -> Stage:
    top = materials.wood(
        "walnut", plank=0.16, plank_length=2.4, roughness=0.34, seed=rng.randrange(1, 40), seam=0.6, contrast=1.1
    )
    shapes.slab(3.4, 1.05, 0.035, top, front=-0.40, bevel=0.006)
    shapes.wall(6, 3, materials.plaster("#5c4c40", trowel=0.6), 2.0, z=-0.8)
    shelf = materials.wood("dark_walnut", plank=0, roughness=0.5)
    shapes.slab(1.2, 0.25, 0.03, shelf, front=1.7, top=0.20, x=-0.55)
    for i in range(9):
        tint = rng.choice(("#8a4b34", "#c9b48f", "#3f4a45", "#d8cfc0", "#6b5a48", "#9c7a4a"))
        tall = rng.uniform(0.15, 0.21)
        shapes.rounded_box(
            (rng.uniform(0.02, 0.038), 0.14, tall),
            materials.paper(tint),
            (-0.95 + 0.045 * i, 1.78, 0.20),
            bevel=0.002,
            tilt_deg=(0, rng.uniform(-3, 3)),
        )
    lamp = materials.Graph("lampshade")
    lamp.put(lamp.principled.inputs["Emission Color"], "#ffbe78")
    lamp.principled.inputs["Emission Strength"].default_value = 2.6
    shade = shapes.lathe([(0.10, 0.0), (0.07, 0.15)], lamp.material, (0.40, 1.55, 0.20))
    shade.lightgroup = "ambient"
    props.vase("drop", 0.2, materials.ceramic("#6b4a36", glaze=0.8), (0.40, 1.55, -0.01))
    top_of = props.books(
        (-0.225, 0.30, 0), covers=("#6f7b6d", "#c8b491", "#8a5239"), seed=rng.randrange(99), turn_deg=12
    )
    props.candle((-0.22, 0.29, top_of), radius=0.03, height=0.065, tint="#efe2cc")
    props.vase("moon", 0.12, materials.ceramic("#3b3a38", glaze=0.2, roughness=0.7), (0.235, 0.36, 0))
    props.bunch(
        (0.235, 0.36, 0.115),
        5,
        olive(),
        materials.bark(),
        kind="olive",
        length=0.30,
        leaf=0.05,
        leaves=11,
        spread=0.7,
        seed=rng.randrange(99),
        lean=(-0.3, 0.1),
    )
    lights.glow_discs(
        (0.02, 1.9, 0.22), (0.55, 0.02, 0.16), count=9, radius=(0.022, 0.04), strength=0.55, seed=rng.randrange(99)
    )
    key = lights.softbox(72, 33, 1.25, (0.55, 0.55), 15, tint="#ffe8cc", group="key")
    lights.softbox(-150, 30, 1.9, (1.2, 0.6), 9, tint="#b9cbe6")
    lights.world("interior", 0.35, turn_deg=130, cap=3, tint="#fff3e6")
    return Stage(key, top, support=rectangle(-1.7, -0.395, 1.7, 0.645))


@place(
    "linen-plaster-plumes",
    family="studio",
    words="cream plaster wall and natural linen cloth, dried grasses in a clay vase, soft daylight",
    mood="natural, quiet, handmade",
    surface="linen",
    categories=("beauty", "fashion", "home", "baby"),
    view_angle_deg=13,
    brightness=0.82,
)
def linen_plumes(rng: random.Random) -> Stage:
    base = materials.plaster("#d8c8b2", trowel=0.8)
    shapes.floor(6, base)
    shapes.wall(6, 3, materials.plaster("#eadfce", trowel=1.4, tone=0.05), 0.62)
    top = materials.linen("#e6dfd1")
    folds = [
        ((-0.45, 0.34), (0.12, 0.20), 0.026, 0.020),
        ((-0.42, 0.16), (-0.10, 0.02), 0.018, 0.016),
        ((0.08, 0.40), (0.42, 0.10), 0.024, 0.020),
        ((0.14, 0.05), (0.42, -0.16), 0.017, 0.016),
        ((-0.42, -0.06), (-0.10, -0.27), 0.018, 0.017),
        ((-0.05, -0.44), (0.20, -0.26), 0.015, 0.016),
    ]
    shapes.cloth(
        0.66, 0.84, top, (0.0, -0.02, 0.0), folds=folds, turn_deg=13, seed=rng.randrange(99), calm=0.14, cell=0.005
    )
    props.vase("belly", 0.155, materials.clay("#b98263"), (0.225, 0.26, 0.002), seed=2)
    props.grass_plumes((0.225, 0.26, 0.15), 11, length=0.19, seed=rng.randrange(99), tint="#e2cfab", spread=0.42)
    shapes.rounded_box(
        (0.15, 0.12, 0.055), materials.stone("#cdbfa9", roughness=0.85), (-0.235, 0.30, 0.002), bevel=0.004, turn_deg=14
    )
    props.pebble((-0.225, 0.29, 0.056), 0.085, materials.stone("#e2d9ca", rough_scale=0.3), seed=4, turn_deg=30)
    key = lights.softbox(-98, 30, 1.5, (0.7, 0.7), 30, tint="#fff2e0", group="key")
    lights.softbox(95, 30, 1.8, (1.2, 1.0), 9, tint="#eef3ff")
    lights.world(None, 0.36, tint="#fff4e6")
    return Stage(key, top, zone=disc(0.14))


@place(
    "garden-stone",
    family="garden",
    words="stone ledge in a garden, blurred green leaves, afternoon sun from the right",
    mood="natural, fresh, outdoors",
    surface="stone",
    categories=("beauty", "drinks", "food", "garden", "sports"),
    view_angle_deg=13,
    brightness=0.66,
    f_stop=4.0,
)
def garden_stone(rng: random.Random) -> Stage:
    top = materials.stone("#b4a997", seed=rng.randrange(50), rough_scale=1.0)
    slab = shapes.slab(3, 0.78, 0.10, top, front=-0.34, bevel=0.014)
    slab.data.shade_smooth()
    leafy = [green("#3d5f2a"), green("#56763a"), green("#2f4d26")]
    hedge = materials.Graph("hedge")
    mottled = hedge.noise(hedge.object_space(), 7.0, detail=3)
    hedge.finish(
        roughness_known=0.9, Base_Color=hedge.ramp(mottled, [(0.35, "#16240f"), (0.55, "#2f4a1f"), (0.72, "#5f7d38")])
    )
    shapes.wall(6, 0.62, hedge.material, 2.3, z=-0.5)
    for i in range(54):
        x, y = rng.uniform(-0.85, 0.85), rng.uniform(0.66, 1.6)
        shapes.branch(
            (x, y, rng.uniform(-0.30, 0.0)),
            (rng.uniform(-0.6, 0.6), -0.15, 1),
            rng.uniform(0.30, 0.56),
            leafy[i % 3],
            materials.bark(),
            kind=("laurel", "ruscus")[i % 2],
            leaf=rng.uniform(0.08, 0.13),
            leaves=12,
            droop=0.7,
            seed=rng.randrange(9999),
            bare=0.0,
        )
    for x, lean in ((-0.33, 0.75), (0.36, -0.7)):
        for k in range(3):
            shapes.branch(
                (x, 0.34 + 0.05 * k, -0.06),
                (lean * (0.7 + 0.2 * k), -0.25, 0.75),
                0.30,
                leafy[k],
                materials.bark(),
                kind="ruscus",
                leaf=0.055,
                leaves=10,
                droop=0.7,
                seed=rng.randrange(9999),
            )
    props.pebble((-0.19, 0.13, 0), 0.075, materials.stone("#8f8a80", seed=2, rough_scale=0.3), seed=3, turn_deg=20)
    props.pebble((-0.145, 0.19, 0), 0.045, materials.stone("#c8c0b2", seed=5, rough_scale=0.3), seed=7, turn_deg=80)
    key = lights.sun(66, 40, 5.0, angle_deg=1.6, tint="#fff0d6")
    lights.world("forest", 0.7, turn_deg=60, cap=2.5, seen=1.6)
    lights.leaf_shadow(
        key, (0.24, 0.22, 0), distance=0.8, seed=rng.randrange(99), twigs=2, leaf=0.06, length=0.35, spread=0.08
    )
    return Stage(key, top, zone=rectangle(-0.11, -0.16, 0.12, 0.12), support=rectangle(-1.5, -0.325, 1.5, 0.42))


@place(
    "beach-sand-sun",
    family="beach",
    words="warm beach sand with pebbles and dune grass, blurred sea, low sun",
    mood="summer, warm, free",
    surface="sand",
    categories=("beauty", "sports", "drinks", "fashion"),
    view_angle_deg=14,
    brightness=0.72,
    f_stop=4.0,
)
def beach_sand(rng: random.Random) -> Stage:
    from mathutils import Vector
    from mathutils import noise as perlin

    def height(x: float, y: float) -> float:
        calm = min(1.0, max(0.0, (math.hypot(x, y) - 0.10) / 0.16))
        z = 0.020 * perlin.fractal(Vector((x * 2.6, y * 3.4, 1)), 0.7, 2.0, 5)
        z += 0.005 * math.sin(30 * y + 6 * x + 3 * perlin.noise((x * 4, y * 3, 0)))
        return calm * calm * (z + 0.05 * max(0.0, y - 0.45) - 0.10 * max(0.0, y - 1.0))

    top = materials.sand("#dcc39d", ripples=0.7)
    n = 150
    grid = [((i / n - 0.5) * 3.2, -0.8 + 2.4 * j / n) for j in range(n + 1) for i in range(n + 1)]
    row = n + 1
    faces = [
        (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i) for j in range(n) for i in range(n)
    ]
    shapes.mesh([(x, y, height(x, y)) for x, y in grid], faces, top, name="dune", sharp_deg=180)
    sky = materials.Graph("sky")
    _, _, up = sky.split(sky.object_space())
    sky.put(
        sky.principled.inputs["Emission Color"],
        sky.ramp(sky.math("MULTIPLY", up, 0.16), [(0.0, "#f6dcc0"), (0.35, "#dfe2e4"), (1.0, "#a9c6de")]),
    )
    sky.put(sky.principled.inputs["Base Color"], "#000000")
    sky.principled.inputs["Emission Strength"].default_value = 1.5
    shapes.wall(40, 8, sky.material, 30, z=-0.12).lightgroup = "ambient"
    sea = materials.Graph("sea")
    at = sea.object_space()
    swell = sea.noise(sea.mapped(at, scale=(0.25, 1.6, 1)), 2.2, detail=5, roughness=0.6)
    sea.finish(
        roughness_known=0.2,
        Base_Color=sea.ramp(swell, [(0.4, "#5f939c"), (0.62, "#7fb0b2"), (0.72, "#dfe9e6")]),
        Normal=sea.bump(swell, 0.05),
    )
    shapes.mesh(
        [(-30, 1.5, -0.09), (30, 1.5, -0.09), (30, 31, -0.09), (-30, 31, -0.09)],
        [(0, 1, 2, 3)],
        sea.material,
        smooth=False,
    )
    foam = materials.plain("#eef3f2", 0.6)
    shore = [
        (-6 + 0.1 * k, 1.62 + 0.06 * math.sin(0.9 * k) + 0.10 * perlin.noise((k * 0.17, 3, 0))) for k in range(121)
    ]
    edge = [(x, y, -0.082) for x, y in shore] + [
        (x, y + 0.10 + 0.06 * math.sin(7 * x), -0.082) for x, y in reversed(shore)
    ]
    shapes.mesh(edge, [tuple(range(len(edge)))], foam, smooth=False)
    blades = [
        materials.leaf(tint, bloom=0.1, gloss_=0.5, spread=0.6, veins=0.0, through=0.35)
        for tint in ("#a9a46a", "#8f9a5c", "#c2b078")
    ]
    for side in (-1, 1):
        for k in range(64):
            x, y = side * rng.gauss(0.34, 0.045), rng.gauss(0.42, 0.07)
            if abs(x) < 0.22:
                continue
            tall, lean, turn = rng.uniform(0.14, 0.34), rng.uniform(0.1, 0.9), rng.uniform(0, 2 * math.pi)
            path = [
                (
                    x + math.cos(turn) * lean * tall * t * t * 0.7,
                    y + math.sin(turn) * lean * tall * t * t * 0.4,
                    height(x, y) - 0.01 + tall * (t - 0.28 * lean * t * t),
                )
                for t in (q / 10 for q in range(11))
            ]
            shapes.sweep(
                path,
                lambda s: 0.0056 * (1 - 0.9 * s),
                lambda s: 0.0009 * (1 - 0.8 * s),
                blades[k % 3],
                side=(math.sin(turn), -math.cos(turn), 0),
                sides=6,
            )
    for x, y, s, c in (
        (-0.19, 0.10, 0.06, "#e8e0d2"),
        (-0.15, 0.155, 0.035, "#b79f8b"),
        (0.205, 0.16, 0.05, "#cbbba6"),
        (0.19, -0.13, 0.028, "#e5dccb"),
        (-0.10, 0.36, 0.045, "#8f8378"),
    ):
        props.pebble(
            (x, y, height(x, y) - 0.12 * s),
            s,
            materials.stone(c, rough_scale=0.3, seed=int(s * 1000)),
            seed=rng.randrange(99),
            turn_deg=rng.uniform(0, 180),
        )
    wood = materials.wood("weathered", plank=0, turn_deg=8, roughness=0.8)
    trunk = [(-0.60 + 0.07 * k, 0.50 + 0.02 * math.sin(k), height(-0.60 + 0.07 * k, 0.50) + 0.014) for k in range(9)]
    shapes.tube(trunk, lambda s: 0.026 - 0.016 * s, wood)
    key = lights.sun(-58, 30, 4.2, angle_deg=2.2, tint="#ffe2b8")
    lights.world(None, 0.40, tint="#d5e4ff")
    return Stage(key, top, zone=disc(0.10))


@place(
    "cafe-oak-bokeh",
    family="cafe",
    words="oak cafe table, blurred warm lights of a coffee bar, cappuccino behind",
    mood="sociable, warm, urban",
    surface="oak wood",
    categories=("drinks", "food", "electronics", "books"),
    view_angle_deg=12,
    brightness=0.56,
    f_stop=3.5,
)
def cafe_oak(rng: random.Random) -> Stage:
    top = materials.wood("oak", plank=0.115, plank_length=1.7, roughness=0.38, seed=rng.randrange(1, 60), wear=0.8)
    slab = shapes.slab(1.9, 0.98, 0.032, top, front=-0.40, bevel=0.007)
    slab.data.shade_smooth()
    shapes.floor(12, materials.concrete("#6d665e"), z=-0.75)
    shapes.wall(9, 3.4, materials.plaster("#4c5a52", trowel=0.5), 3.4, z=-0.75)
    bar = materials.wood("walnut", plank=0.1, turn_deg=90)
    shapes.rounded_box((3.4, 0.4, 0.86), bar, (0.5, 2.7, -0.75), bevel=0.01)
    for i in range(12):
        tint = rng.choice(("#d9d2c4", "#8a5a3a", "#3c3a38", "#c7a24e", "#e6e0d5", "#5d7a6a"))
        shapes.cylinder(
            rng.uniform(0.03, 0.055),
            rng.uniform(0.09, 0.26),
            materials.ceramic(tint),
            (-0.8 + 0.17 * i, 2.66 + rng.uniform(-0.08, 0.08), 0.11),
        )
    for i in range(3):
        lamp = materials.Graph("pendant")
        lamp.put(lamp.principled.inputs["Emission Color"], "#ffc583")
        lamp.principled.inputs["Emission Strength"].default_value = 5.0
        ball = shapes.sphere(0.075, lamp.material, (-0.55 + 0.62 * i, 2.5 + 0.1 * i, 0.42), detail=4)
        ball.lightgroup = "ambient"
    lights.glow_discs(
        (0.0, 3.2, 0.32), (1.1, 0.05, 0.22), count=16, radius=(0.04, 0.075), strength=0.8, seed=rng.randrange(99)
    )
    cup = materials.ceramic("#efece4", glaze=0.8, roughness=0.25)
    props.plate(0.075, cup, (0.215, 0.27, 0))
    props.cup(0.047, 0.062, cup, (0.215, 0.27, 0.006), handle_deg=25, drink="#a5744a")
    props.vase("bottle", 0.15, materials.glass("#e8f1ec"), (-0.235, 0.33, 0))
    props.bunch(
        (-0.235, 0.33, 0.14),
        3,
        olive(),
        materials.bark(),
        kind="olive",
        length=0.20,
        leaf=0.045,
        leaves=9,
        spread=0.5,
        seed=rng.randrange(99),
    )
    props.books((-0.27, 0.12, 0), covers=("#d8d0c0",), seed=3, turn_deg=24, size=(0.15, 0.21))
    key = lights.softbox(-98, 30, 1.6, (0.9, 1.0), 26, tint="#f5f4f2", group="key")
    lights.softbox(120, 40, 2.0, (1.0, 0.8), 14, tint="#ffd09a")
    lights.world("interior", 0.45, turn_deg=60, cap=3)
    return Stage(key, top, zone=rectangle(-0.12, -0.15, 0.12, 0.11), support=rectangle(-0.95, -0.39, 0.95, 0.57))


@place(
    "bath-tile-plant",
    family="bathroom",
    words="bathroom shelf of pale stone, hand-made sage green tiles, towel and trailing plant",
    mood="clean, spa, calm",
    surface="limestone",
    categories=("beauty", "health", "baby", "home"),
    view_angle_deg=12,
    brightness=0.76,
)
def bath_tile(rng: random.Random) -> Stage:
    top = materials.stone("#d6cfc2", roughness=0.5, seed=rng.randrange(50), rough_scale=0.35)
    shapes.slab(3, 0.92, 0.045, top, front=-0.38, bevel=0.005)
    shapes.slab(3, 0.8, 0.8, materials.wood("pale_oak", plank=0, turn_deg=90), front=-0.35, top=-0.046)
    shapes.wall(
        3,
        1.6,
        materials.tiles(
            "#a9b8a2",
            size=(0.075, 0.15),
            grout="#d9d5cb",
            roughness=0.10,
            variation=0.16,
            seed=rng.randrange(50),
            offset=0.0,
        ),
        0.52,
        z=-0.004,
    )
    towel = materials.linen("#efe9de", threads_per_m=330, slub=1.4)
    for i in range(3):
        z = 0.021 + 0.040 * i
        path = [(-0.37, 0.33, z), (-0.165 + 0.006 * i, 0.33, z)]
        shapes.sweep([(x, y, z) for x, y, z in path], 0.15, 0.040, towel, side=(0, 1, 0), roundness=0.55, sides=30)
    props.vase("cylinder", 0.10, materials.ceramic("#d9d3c7", speckle=1.0, roughness=0.6, glaze=0.2), (0.245, 0.31, 0))
    props.bunch(
        (0.245, 0.31, 0.12),
        9,
        green("#4d7040"),
        materials.plain("#5f7a45", 0.6),
        kind="ruscus",
        length=0.22,
        leaf=0.05,
        leaves=10,
        spread=1.0,
        seed=rng.randrange(99),
        droop=1.4,
    )
    amber = materials.glass("#b5651d", roughness=0.02)
    props.vase("bottle", 0.125, amber, (-0.125, 0.42, 0))
    shapes.cylinder(0.0135, 0.02, materials.plain("#20201f", 0.4), (-0.125, 0.42, 0.122))
    props.pebble((0.175, 0.19, 0), 0.055, materials.stone("#8d8b86", rough_scale=0.3), seed=5, turn_deg=20)
    key = lights.softbox(-62, 46, 1.45, (0.8, 0.8), 24, tint="#fffaf2", group="key")
    lights.softbox(80, 40, 1.8, (1.2, 1.2), 5, tint="#eaf3ff")
    lights.world(None, 0.24, tint="#f4f8f6")
    return Stage(key, top, zone=rectangle(-0.12, -0.16, 0.12, 0.12), support=rectangle(-1.5, -0.37, 1.5, 0.51))


@place(
    "white-sweep-soft",
    family="studio",
    words="white seamless studio sweep, soft light, plaster arch and sphere",
    mood="clean, neutral, modern",
    surface="white paper",
    categories=(),
    view_angle_deg=11,
    brightness=0.90,
)
def white_sweep(rng: random.Random) -> Stage:
    top = materials.paper("#eae8e4", grain=0.6)
    shapes.cove(top, start=0.55, radius=1.0)
    white = materials.plaster("#e6e2db", trowel=0.35, tone=0.03)
    shapes.extruded(shapes.half_disc_outline(0.115, 0.10), 0.09, white, (0.235, 0.30, 0), bevel=0.003, turn_deg=-14)
    shapes.extruded(
        shapes.half_disc_outline(0.07, 0.03),
        0.07,
        materials.plaster("#d9d2c6", trowel=0.35),
        (0.13, 0.40, 0),
        bevel=0.003,
        turn_deg=-8,
    )
    shapes.sphere(0.045, materials.plaster("#e3ded4", trowel=0.3), (-0.225, 0.22, 0), detail=6)
    shapes.cylinder(0.075, 0.035, white, (-0.265, 0.38, 0))
    shapes.sphere(0.018, materials.metal("brass", roughness=0.18), (-0.165, 0.17, 0))
    key = lights.softbox(-66, 44, 1.5, (0.85, 0.85), 26, tint="#fffdf8", group="key")
    lights.softbox(85, 30, 1.8, (1.2, 1.2), 3, tint="#eef4ff")
    lights.world(None, 0.26, tint="#f7f9ff")
    return Stage(key, top, zone=disc(0.14))


# --- three quarter -------------------------------------------------------------------------------------------------


@place(
    "sage-podium",
    family="podium",
    words="sage green round podium with spheres and eucalyptus, soft studio light",
    mood="fresh, natural, modern",
    surface="matte plaster",
    categories=("beauty", "health", "home"),
    view_angle_deg=25,
    brightness=0.70,
    px_per_metre=2600,
)
def sage_podium(rng: random.Random) -> Stage:
    floor_z = -0.055
    wall = materials.plaster("#97a88c", trowel=0.5, tone=0.035)
    shapes.cove(wall, start=0.42, radius=0.75, z=floor_z)
    top = materials.plaster("#b6c3aa", trowel=0.3, tone=0.03, roughness=0.75)
    shapes.cylinder(0.175, 0.055, top, (0, 0, floor_z), bevel=0.004, segments=220)
    shapes.cylinder(
        0.10, 0.15, materials.plaster("#9fb094", trowel=0.3, tone=0.03), (0.262, 0.26, floor_z), bevel=0.004
    )
    shapes.sphere(0.043, materials.plaster("#e8e1d2", trowel=0.3), (0.262, 0.26, floor_z + 0.15), detail=6)
    shapes.sphere(0.034, materials.metal("brass", roughness=0.22), (-0.212, 0.085, floor_z), detail=6)
    shapes.extruded(
        shapes.half_disc_outline(0.12, 0.16),
        0.06,
        materials.plaster("#8a9c80", trowel=0.4),
        (-0.20, 0.36, floor_z),
        bevel=0.004,
        turn_deg=10,
    )
    for k in range(3):
        shapes.branch(
            (-0.42 + 0.05 * k, 0.20 + 0.06 * k, floor_z + 0.10),
            (0.75, -0.30 - 0.1 * k, 0.30 + 0.12 * k),
            0.32,
            eucalyptus(),
            materials.bark("#6d6048"),
            leaf=0.048,
            leaves=9,
            droop=0.5,
            seed=rng.randrange(9999),
        )
    key = lights.softbox(-55, 47, 1.5, (0.62, 0.62), 26, tint="#fff6e8", group="key")
    lights.softbox(85, 35, 1.9, (1.2, 1.0), 6, tint="#eef4ff")
    lights.world(None, 0.30, tint="#f4f8f0")
    return Stage(key, top, zone=disc(0.125), support=disc(0.171, 48))


@place(
    "terracotta-arch-leaves",
    family="balcony",
    words="terracotta plaster wall with arch, leaf shadows in hard sun",
    mood="sunny, southern, warm",
    surface="terracotta plaster",
    categories=("beauty", "drinks", "food", "fashion"),
    view_angle_deg=25,
    brightness=0.66,
    px_per_metre=2600,
)
def terracotta_arch(rng: random.Random) -> Stage:
    top = materials.plaster("#c47a58", trowel=1.0, tone=0.06)
    shapes.floor(6, top)
    shapes.extruded(
        shapes.arch_outline(4.0, 2.0, 0.44, 0.20, x=-0.05),
        0.10,
        materials.plaster("#c98463", trowel=1.3, tone=0.06),
        (0, 0.40, 0),
        bevel=0.006,
    )
    shapes.wall(4, 2, materials.plaster("#e3b995", trowel=0.8), 0.92)
    shapes.rounded_box(
        (0.22, 0.16, 0.075), materials.plaster("#d79a78", trowel=0.6), (0.285, 0.20, 0), bevel=0.004, turn_deg=-9
    )
    props.vase("moon", 0.10, materials.clay("#b1603f"), (0.275, 0.20, 0.075), seed=1)
    props.bunch(
        (0.275, 0.20, 0.17),
        3,
        olive(),
        materials.bark(),
        kind="olive",
        length=0.18,
        leaf=0.045,
        leaves=9,
        spread=0.6,
        seed=rng.randrange(99),
        lean=(-0.2, 0),
    )
    shapes.cylinder(0.085, 0.10, materials.plaster("#b56a4a", trowel=0.5), (-0.02, 0.62, 0), bevel=0.004)
    props.pebble((-0.245, 0.10, 0), 0.08, materials.stone("#e3cdb4", rough_scale=0.3), seed=3, turn_deg=40)
    props.pebble((-0.20, 0.155, 0), 0.045, materials.stone("#9d6c52", rough_scale=0.3), seed=6, turn_deg=100)
    key = lights.sun(54, 45, 4.0, angle_deg=1.1, tint="#fff0d8")
    lights.world("courtyard", 0.75, turn_deg=120, cap=2.0, tint="#eef3ff", saturation=0.7)
    lights.leaf_shadow(
        key,
        (-0.26, 0.30, 0.08),
        distance=0.75,
        seed=rng.randrange(99),
        twigs=3,
        leaf=0.085,
        length=0.5,
        kind="laurel",
        spread=0.12,
    )
    return Stage(key, top, zone=disc(0.12))


@place(
    "black-gloss-studio",
    family="studio",
    words="black glossy acrylic, dark studio with a cool rim of light, brass sphere",
    mood="luxury, dramatic, technical",
    surface="black acrylic",
    categories=("electronics", "jewellery", "beauty", "drinks"),
    view_angle_deg=22,
    brightness=0.15,
    px_per_metre=2600,
)
def black_gloss(rng: random.Random) -> Stage:
    top = materials.gloss("#0d0d10", roughness=0.05)
    shapes.floor(8, top)
    shapes.wall(8, 3, materials.plaster("#3a3d46", trowel=0.5, tone=0.08), 1.05, z=-0.01)
    shapes.sphere(0.045, materials.metal("brass", roughness=0.16), (-0.215, 0.14, 0), detail=6)
    shapes.sphere(0.022, materials.metal("steel", roughness=0.12), (-0.145, 0.20, 0), detail=6)
    shapes.rounded_box(
        (0.12, 0.12, 0.12), materials.gloss("#17171a", roughness=0.16), (0.255, 0.20, 0), bevel=0.003, turn_deg=32
    )
    shapes.rounded_box(
        (0.075, 0.075, 0.20), materials.gloss("#1b1b20", roughness=0.2), (0.18, 0.42, 0), bevel=0.003, turn_deg=14
    )
    shapes.lathe(
        [(0.150 + 0.006 * math.cos(a), 0.006 * math.sin(a)) for a in (2 * math.pi * k / 24 for k in range(25))],
        materials.metal("brass", roughness=0.2),
        (-0.10, 0.62, 0.156),
        segments=160,
    ).rotation_euler = (math.pi / 2, 0, 0.2)
    key = lights.softbox(-118, 42, 1.3, (0.65, 0.5), 20, tint="#fff3e2", group="key")
    lights.softbox(112, 24, 1.3, (0.25, 1.1), 9, tint="#aac4ff")
    lights.softbox(180, 40, 0.95, (1.5, 0.3), 7, tint="#9fb4e8", target=(0, 1.05, 0.15))
    lights.softbox(0, 50, 1.9, (1.4, 1.0), 5)
    lights.world(None, 0.05, tint="#c8d4ff")
    return Stage(key, top, zone=disc(0.12))


@place(
    "pastel-geometric",
    family="geometric",
    words="pastel pink and peach geometric stage with steps, arch and balls",
    mood="playful, young, cheerful",
    surface="matte paint",
    categories=("beauty", "toys", "baby", "food", "fashion"),
    view_angle_deg=26,
    brightness=0.78,
    px_per_metre=2600,
)
def pastel(rng: random.Random) -> Stage:
    floor_z = -0.04
    shapes.cove(materials.plaster("#eec2bb", trowel=0.25, tone=0.02), start=0.45, radius=0.7, z=floor_z)
    top = materials.plaster("#f4dccd", trowel=0.25, tone=0.02, roughness=0.72)
    shapes.rounded_box((0.36, 0.30, 0.04), top, (0, 0.0, floor_z), bevel=0.004)
    shapes.extruded(
        shapes.arch_outline(0.26, 0.30, 0.13, 0.15),
        0.07,
        materials.plaster("#e9a79b", trowel=0.25, tone=0.02),
        (-0.225, 0.30, floor_z),
        bevel=0.004,
        turn_deg=8,
    )
    shapes.cylinder(
        0.075, 0.115, materials.plaster("#f3d9a8", trowel=0.25, tone=0.02), (0.255, 0.24, floor_z), bevel=0.004
    )
    shapes.cylinder(
        0.05, 0.20, materials.plaster("#b7d3d6", trowel=0.25, tone=0.02), (0.155, 0.38, floor_z), bevel=0.004
    )
    shapes.sphere(0.036, materials.plaster("#9fc4c4", trowel=0.2), (0.255, 0.24, floor_z + 0.115), detail=6)
    shapes.sphere(0.028, materials.gloss("#e98f86", roughness=0.3, dust=0), (-0.215, 0.11, floor_z), detail=6)
    shapes.sphere(0.017, materials.metal("gold", roughness=0.2), (0.215, 0.085, floor_z), detail=6)
    for i in range(3):
        shapes.rounded_box(
            (0.16, 0.07, 0.035 * (3 - i)),
            materials.plaster("#f0cfc2", trowel=0.2, tone=0.02),
            (0.0, 0.50 - 0.07 * i + 0.07, floor_z),
            bevel=0.003,
        )
    key = lights.softbox(-48, 48, 1.5, (0.5, 0.5), 24, tint="#fff8f0", group="key")
    lights.softbox(80, 35, 1.9, (1.2, 1.0), 6, tint="#f2f4ff")
    lights.world(None, 0.36, tint="#fff6f4")
    return Stage(key, top, zone=rectangle(-0.13, -0.11, 0.13, 0.11), support=rectangle(-0.176, -0.146, 0.176, 0.146))


@place(
    "concrete-loft-window",
    family="living_room",
    words="concrete table in a loft, hard window light with bars, dark plant",
    mood="urban, masculine, honest",
    surface="concrete",
    categories=("electronics", "fashion", "home", "sports", "drinks"),
    view_angle_deg=24,
    brightness=0.64,
    px_per_metre=2600,
)
def concrete_loft(rng: random.Random) -> Stage:
    top = materials.concrete("#a7a49e")
    shapes.floor(6, top)
    shapes.wall(6, 3, materials.concrete("#8f8c87", roughness=0.75), 0.60)
    props.vase("moon", 0.13, materials.ceramic("#2d2c2b", glaze=0.15, roughness=0.65), (0.255, 0.26, 0), seed=2)
    props.bunch(
        (0.255, 0.26, 0.125),
        5,
        green("#33502f"),
        materials.bark(),
        kind="laurel",
        length=0.30,
        leaf=0.075,
        leaves=8,
        spread=0.8,
        seed=rng.randrange(99),
        lean=(-0.2, 0),
    )
    props.books((-0.255, 0.24, 0), covers=("#2f3133", "#c4beb2"), seed=5, turn_deg=-10)
    shapes.rounded_box(
        (0.035, 0.035, 0.035), materials.metal("brass", roughness=0.3), (-0.20, 0.09, 0), bevel=0.002, turn_deg=24
    )
    shapes.tube([(-0.31, 0.565, 0), (-0.31, 0.565, 1.2)], 0.012, materials.metal("black", roughness=0.5))
    key = lights.sun(-62, 41, 4.0, angle_deg=1.3, tint="#ffeccd")
    lights.window(
        key, distance=1.5, pane=(0.42, 0.50), panes=(2, 3), bar=0.05, lit_pane=(1, 1), offset=(0.03, 0.02), surround=0.9
    )
    lights.world(None, 0.38, tint="#e6eefb")
    return Stage(key, top, zone=disc(0.12))


@place(
    "lunar-red-podium",
    family="lunar_new_year",
    words="red lacquer podium with gold rings, mandarins and plum blossom, Lunar New Year",
    mood="festive, rich, lucky",
    surface="red lacquer",
    categories=("food", "drinks", "gifts", "beauty", "jewellery"),
    view_angle_deg=23,
    brightness=0.46,
    px_per_metre=2600,
)
def lunar(rng: random.Random) -> Stage:
    floor_z = -0.06
    shapes.cove(materials.paper("#a51f1c"), start=0.40, radius=0.7, z=floor_z)
    top = materials.plain("#b3201c", 0.34, coat=0.35, unevenness=0.12)
    shapes.cylinder(0.17, 0.06, top, (0, 0, floor_z), bevel=0.004, segments=220)
    gold = materials.metal("gold", roughness=0.24)
    shapes.cylinder(0.1735, 0.007, gold, (0, 0, floor_z + 0.026), bevel=0.001, segments=220)
    shapes.cylinder(
        0.225,
        0.022,
        materials.plain("#8d1614", 0.4, coat=0.2, unevenness=0.1),
        (0, 0, floor_z),
        bevel=0.003,
        segments=220,
    )
    ring = [(0.205 + 0.007 * math.cos(a), 0.007 * math.sin(a)) for a in (2 * math.pi * k / 24 for k in range(25))]
    shapes.lathe(ring, gold, (-0.06, 0.46, floor_z + 0.205), segments=200).rotation_euler = (math.pi / 2, 0, 0)
    for x, y, s in ((0.285, 0.13, 0.036), (0.335, 0.19, 0.035), (0.255, 0.20, 0.034)):
        props.orange((x, y, floor_z), radius=s, seed=int(x * 1000))
    props.orange((0.292, 0.172, floor_z + 0.056), radius=0.033, seed=7)
    petals = materials.leaf("#f3c9cb", bloom=0.0, gloss_=0.5, spread=0.15, veins=0.4, through=0.35)
    for k in range(4):
        tip = shapes.branch(
            (-0.44, 0.22 + 0.05 * k, floor_z + 0.02 + 0.05 * k),
            (0.62 - 0.08 * k, -0.12, 0.36 + 0.16 * k),
            0.36,
            petals,
            materials.bark("#3d2a20"),
            kind="eucalyptus",
            leaf=0.017,
            leaves=13,
            droop=-0.1,
            seed=rng.randrange(9999),
            stem=0.004,
        )
        del tip
    shapes.sphere(0.024, gold, (-0.235, 0.03, floor_z), detail=6)
    shapes.cylinder(0.045, 0.085, materials.plain("#8d1614", 0.4, coat=0.3), (0.20, 0.36, floor_z), bevel=0.003)
    lights.glow_discs(
        (0.0, 1.02, 0.30),
        (0.5, 0.02, 0.12),
        count=7,
        radius=(0.02, 0.04),
        strength=0.35,
        tints=("#ffcf7a", "#ffb35a"),
        seed=rng.randrange(99),
    )
    key = lights.softbox(-52, 46, 1.45, (0.55, 0.55), 26, tint="#ffeed6", group="key")
    lights.softbox(100, 35, 1.7, (0.7, 0.9), 10, tint="#ffd9b0")
    lights.world(None, 0.26, tint="#ffe9dd")
    return Stage(key, top, zone=disc(0.12), support=disc(0.166, 48))


@place(
    "autumn-wood-leaves",
    family="autumn",
    words="rustic wooden table with autumn leaves, pine cones and small pumpkins, low sun",
    mood="cosy, seasonal, rustic",
    surface="teak wood",
    categories=("food", "drinks", "home", "fashion", "gifts"),
    view_angle_deg=26,
    brightness=0.52,
    px_per_metre=2600,
)
def autumn(rng: random.Random) -> Stage:
    top = materials.wood(
        "teak", plank=0.12, plank_length=1.5, roughness=0.5, seed=rng.randrange(1, 60), wear=1.0, seam=1.2
    )
    shapes.slab(3, 1.2, 0.03, top, front=-0.55)
    shapes.wall(5, 3, materials.plaster("#6b4a37", trowel=0.8), 1.1, z=-0.4)
    leaves = materials.dry_leaf()
    spots = [
        (-0.23, -0.02),
        (-0.17, 0.16),
        (-0.27, 0.12),
        (0.21, -0.10),
        (0.24, 0.05),
        (-0.20, -0.17),
        (0.18, 0.20),
        (0.02, 0.27),
        (-0.08, 0.33),
        (0.13, 0.36),
        (0.29, 0.32),
        (-0.31, 0.30),
    ]
    for i, (x, y) in enumerate(spots):
        shapes.fallen_leaf(
            (x + rng.uniform(-0.015, 0.015), y + rng.uniform(-0.015, 0.015), 0.0),
            leaves,
            length=rng.uniform(0.055, 0.085),
            kind=("maple", "beech")[i % 3 == 1],
            turn_deg=rng.uniform(0, 360),
            seed=rng.randrange(999),
        )
    props.pine_cone((-0.215, 0.055, 0), length=0.07, seed=2, turn_deg=35)
    props.pine_cone((-0.265, 0.20, 0), length=0.06, seed=5, turn_deg=120)
    for x, y, r, tint in ((0.255, 0.20, 0.062, "#c8682a"), (0.175, 0.33, 0.05, "#d9c9a8")):
        ribs = []
        for k in range(13):
            a = math.pi * k / 12
            ribs.append((r * math.sin(a) ** 0.8, r * 0.74 * (1 - math.cos(a)) / 1.0))
        body = shapes.lathe(ribs, materials.fruit(tint, pores=0.3), (x, y, 0), segments=160, sharp_deg=180)
        for v in body.data.vertices:
            turn = math.atan2(v.co.y, v.co.x)
            squeeze = 1 - 0.075 * abs(math.cos(5 * turn)) ** 6
            v.co.x, v.co.y = v.co.x * squeeze, v.co.y * squeeze
        shapes.tube(
            [(x, y, r * 1.40), (x + 0.003, y, r * 1.62), (x + 0.012, y, r * 1.80)],
            lambda s: 0.008 - 0.004 * s,
            materials.bark("#8a7a4a"),
        )
    shapes.cloth(
        0.34,
        0.5,
        materials.linen("#a99c86"),
        (-0.36, 0.40, 0),
        folds=[((-0.2, -0.1), (0.2, 0.0), 0.014, 0.015), ((-0.1, -0.2), (0.1, 0.2), 0.010, 0.012)],
        turn_deg=24,
        seed=3,
        cell=0.006,
    )
    lights.glow_discs(
        (0, 1.05, 0.42), (0.6, 0.02, 0.16), count=10, radius=(0.02, 0.045), strength=0.5, seed=rng.randrange(99)
    )
    key = lights.sun(62, 34, 3.8, angle_deg=2.0, tint="#ffdcae")
    lights.world("sunset", 0.9, turn_deg=70, cap=2.0)
    return Stage(key, top, zone=disc(0.12), support=rectangle(-1.5, -0.54, 1.5, 0.64))


@place(
    "oak-linen-window",
    family="dining",
    words="light oak table, linen runner and stoneware, window light with soft bars",
    mood="homely, warm, morning",
    surface="oak wood",
    categories=("kitchen", "food", "home", "drinks"),
    view_angle_deg=27,
    brightness=0.68,
    px_per_metre=2600,
)
def oak_linen(rng: random.Random) -> Stage:
    top = materials.wood("pale_oak", plank=0.14, plank_length=2.0, roughness=0.42, seed=rng.randrange(1, 60))
    shapes.floor(5, top)
    shapes.wall(5, 3, materials.plaster("#e2d9ca", trowel=1.0), 0.66)
    folds = [((-0.08, -0.5), (-0.02, 0.1), 0.007, 0.012), ((0.03, 0.0), (0.05, 0.5), 0.008, 0.011)]
    shapes.cloth(0.24, 1.5, materials.linen("#b9b8a6"), (-0.275, 0.15, 0), folds=folds, turn_deg=-9, seed=3, cell=0.006)
    props.bowl(
        0.07, 0.055, materials.ceramic("#e6dfd2", speckle=1.0, bare="#a97d58", bare_below=0.012), (-0.245, 0.22, 0.002)
    )
    shapes.tube(
        [(-0.31, 0.08, 0.006), (-0.22, 0.10, 0.006), (-0.185, 0.108, 0.005)],
        lambda s: 0.0035 - 0.001 * s,
        materials.wood("walnut", plank=0),
    )
    props.vase("bottle", 0.19, materials.ceramic("#c9b8a0", glaze=0.1, roughness=0.7), (0.245, 0.30, 0), seed=4)
    props.bunch(
        (0.245, 0.30, 0.18),
        4,
        olive(),
        materials.bark(),
        kind="olive",
        length=0.26,
        leaf=0.05,
        leaves=10,
        spread=0.55,
        seed=rng.randrange(99),
        lean=(-0.15, 0),
    )
    props.cup(0.04, 0.06, materials.ceramic("#d5cbb9", speckle=0.8, roughness=0.55, glaze=0.2), (0.125, 0.42, 0))
    key = lights.sun(-64, 37, 3.8, angle_deg=1.8, tint="#ffe9c8")
    lights.window(
        key, distance=1.5, pane=(0.44, 0.44), panes=(2, 2), bar=0.06, lit_pane=(1, 0), offset=(0.04, 0.05), surround=0.8
    )
    lights.world(None, 0.40, tint="#e9f0fd")
    return Stage(key, top, zone=disc(0.12))


# --- top down ------------------------------------------------------------------------------------------------------

FLAT = {"standing": (0.5, 0.52), "px_per_metre": 2600.0, "f_stop": 8.0}


@place(
    "top-marble-eucalyptus",
    family="beauty",
    words="white marble seen from above with eucalyptus, linen and a ceramic dish",
    mood="fresh, pure, spa",
    surface="marble",
    categories=("beauty", "health", "jewellery"),
    view_angle_deg=78,
    brightness=0.82,
    **FLAT,
)
def top_marble(rng: random.Random) -> Stage:
    top = materials.marble("#f0eeeb", "#949290", roughness=0.16, seed=rng.randrange(2, 30), amount=1.2)
    shapes.floor(3, top)
    for k, (x, y, dx, dy) in enumerate(
        ((0.30, 0.235, -0.35, -0.9), (0.315, 0.06, -0.28, -0.9), (0.12, 0.305, 0.9, -0.35))
    ):
        shapes.branch(
            (x, y, 0.012),
            (dx, dy, 0.03),
            0.30,
            eucalyptus(),
            materials.bark("#7a6a50"),
            leaf=0.047,
            leaves=9,
            droop=0.02,
            seed=rng.randrange(9999) + k,
            flat=0.55,
            keep_above=0.001,
        )
    shapes.cloth(
        0.30,
        0.34,
        materials.linen("#cfc4b2"),
        (-0.275, -0.215, 0),
        folds=[((-0.12, 0.17), (0.15, 0.12), 0.010, 0.012), ((0.09, -0.17), (0.12, 0.10), 0.008, 0.010)],
        turn_deg=28,
        seed=5,
        cell=0.005,
    )
    props.bowl(0.065, 0.032, materials.ceramic("#e9e4da", speckle=0.7), (-0.245, -0.165, 0.0045))
    props.pebble((-0.225, 0.245, 0), 0.05, materials.stone("#8e8c88", rough_scale=0.3), seed=1, turn_deg=30)
    props.pebble((-0.265, 0.205, 0), 0.032, materials.stone("#d6d0c5", rough_scale=0.3), seed=2)
    key = lights.softbox(-128, 44, 1.4, (0.6, 0.6), 24, tint="#fffaf2", group="key")
    lights.softbox(60, 50, 1.8, (1.4, 1.2), 8, tint="#edf4ff")
    lights.world(None, 0.40, tint="#f6f9ff")
    return Stage(key, top, zone=disc(0.125))


@place(
    "top-oak-window",
    family="dining",
    words="light oak table from above, window shadow, coffee cup and linen napkin",
    mood="morning, homely, slow",
    surface="oak wood",
    categories=("food", "drinks", "kitchen", "books", "electronics"),
    view_angle_deg=78,
    brightness=0.70,
    **FLAT,
)
def top_oak(rng: random.Random) -> Stage:
    top = materials.wood(
        "oak", plank=0.15, plank_length=1.6, roughness=0.45, turn_deg=90, seed=rng.randrange(1, 60), wear=0.7
    )
    shapes.floor(4, top)
    cup = materials.ceramic("#e7e1d6", speckle=0.7, glaze=0.6, roughness=0.35)
    props.plate(0.078, cup, (-0.215, 0.205, 0))
    props.cup(0.043, 0.06, cup, (-0.215, 0.205, 0.006), handle_deg=-150, drink="#4a2a18")
    shapes.cloth(
        0.24,
        0.42,
        materials.linen("#8fa0a2"),
        (0.305, -0.14, 0),
        folds=[((-0.1, -0.1), (0.08, 0.2), 0.012, 0.012), ((0.0, -0.21), (0.05, 0.0), 0.010, 0.010)],
        turn_deg=-14,
        seed=7,
        cell=0.005,
    )
    spoon = materials.metal("brass", roughness=0.28, brushed=0.5)
    shapes.tube(
        [(0.235, -0.22, 0.010), (0.250, -0.10, 0.013), (0.262, 0.0, 0.010)], lambda s: 0.0034 - 0.0012 * s, spoon
    )
    shapes.sphere(0.020, spoon, (0.232, -0.235, 0.004), squash=(0.8, 1.25, 0.25))
    shapes.branch(
        (0.10, 0.325, 0.008),
        (0.9, -0.42, 0.02),
        0.26,
        olive(),
        materials.bark(),
        kind="olive",
        leaf=0.05,
        leaves=11,
        droop=0.0,
        seed=rng.randrange(999),
        flat=0.7,
        keep_above=0.001,
    )
    key = lights.sun(-122, 43, 3.8, angle_deg=2.0, tint="#ffe9c8")
    lights.window(
        key,
        distance=1.5,
        pane=(0.40, 0.46),
        panes=(2, 2),
        bar=0.06,
        lit_pane=(0, 1),
        offset=(0.02, -0.03),
        surround=0.7,
    )
    lights.world(None, 0.44, tint="#e9f0fd")
    return Stage(key, top, zone=disc(0.125))


@place(
    "top-paper-leaf-shadow",
    family="studio",
    words="two coloured papers from above, blush pink and cream, palm leaf shadow in sun",
    mood="summery, graphic, young",
    surface="coloured paper",
    categories=("beauty", "fashion", "toys", "food"),
    view_angle_deg=82,
    brightness=0.80,
    **FLAT,
)
def top_paper(rng: random.Random) -> Stage:
    base = materials.paper("#e59c8c")
    shapes.floor(3, base, z=-0.0012)
    top = materials.paper("#f2e3d0")
    shapes.rounded_box((1.2, 2.0, 0.0012), top, (0.53, 0.0, -0.0012), bevel=0.0003, turn_deg=17)
    shapes.cylinder(0.062, 0.022, materials.plaster("#d9765f", trowel=0.3), (-0.235, -0.215, -0.001), bevel=0.003)
    shapes.sphere(0.026, materials.plaster("#f0e6d8", trowel=0.3), (-0.225, -0.215, 0.021), detail=6)
    shapes.rounded_box(
        (0.09, 0.09, 0.03), materials.plaster("#efcdb8", trowel=0.3), (0.235, 0.235, 0), bevel=0.003, turn_deg=20
    )
    shapes.sphere(0.017, materials.metal("gold", roughness=0.22), (0.16, 0.255, 0), detail=6)
    key = lights.sun(-136, 46, 3.8, angle_deg=1.0, tint="#fff1da")
    lights.leaf_shadow(
        key,
        (-0.36, 0.29, 0),
        distance=0.6,
        seed=rng.randrange(99),
        twigs=2,
        kind="frond",
        length=0.46,
        leaf=0.085,
        spread=0.05,
        lean_deg=120,
        spread_deg=16,
    )
    lights.world(None, 0.42, tint="#eef3ff")
    return Stage(key, top, zone=disc(0.12))


@place(
    "top-terrazzo-citrus",
    family="summer",
    words="pale terrazzo from above with lemons, oranges and green leaves, hard summer light",
    mood="fresh, summery, fruity",
    surface="terrazzo",
    categories=("drinks", "food", "beauty"),
    view_angle_deg=80,
    brightness=0.80,
    **FLAT,
)
def top_terrazzo(rng: random.Random) -> Stage:
    top = materials.terrazzo(
        "#ece7df", ("#dcc2aa", "#b4bdb2", "#e2d3bc", "#a19a95", "#dfc3ba"), chip=0.010, seed=rng.randrange(30)
    )
    shapes.floor(3, top)
    for i, (x, y, t) in enumerate(
        ((-0.24, -0.18, 20), (-0.195, -0.245, 110), (-0.275, -0.255, 60), (0.235, 0.245, 200))
    ):
        props.lemon((x, y, 0), turn_deg=t, seed=i + 4, radius=0.029)
    for k, (x, y, dx, dy) in enumerate(((-0.30, -0.10, 0.5, 0.55), (0.31, 0.19, -0.6, 0.3), (0.12, 0.30, 0.7, 0.1))):
        shapes.branch(
            (x, y, 0.006),
            (dx, dy, 0.02),
            0.14,
            green("#4a7034"),
            materials.bark(),
            kind="laurel",
            leaf=0.062,
            leaves=5,
            droop=0.0,
            seed=rng.randrange(999) + k,
            flat=0.7,
            keep_above=0.001,
        )
    props.bowl(0.062, 0.034, materials.ceramic("#f1eee8", glaze=0.7, roughness=0.3), (0.25, -0.215, 0))
    props.orange((0.262, -0.205, 0.006), radius=0.031, seed=3)
    props.orange((0.222, -0.235, 0.007), radius=0.027, tint="#e8a33a", seed=8)
    key = lights.sun(-132, 47, 3.8, angle_deg=1.4, tint="#fff4e0")
    lights.world(None, 0.50, tint="#eaf1ff")
    return Stage(key, top, zone=disc(0.125))


@place(
    "top-slate-spice",
    family="kitchen",
    words="dark slate from above with herbs, oil dish and scattered pepper, side light",
    mood="rustic, dark, gourmet",
    surface="slate",
    categories=("food", "kitchen", "drinks"),
    view_angle_deg=80,
    brightness=0.34,
    **FLAT,
)
def top_slate(rng: random.Random) -> Stage:
    top = materials.stone("#55565a", roughness=0.62, seed=rng.randrange(40), rough_scale=1.6, layers=0.5)
    shapes.floor(3, top)
    shapes.rounded_box(
        (0.26, 0.17, 0.016),
        materials.wood("walnut", plank=0, roughness=0.5),
        (-0.26, 0.235, 0),
        bevel=0.006,
        turn_deg=24,
    )
    props.bowl(0.045, 0.028, materials.ceramic("#3a3936", glaze=0.5, speckle=0.3), (-0.235, 0.215, 0.016))
    shapes.lathe([(0, 0.019), (0.036, 0.019)], materials.plain("#b8902a", 0.06, coat=0.4), (-0.235, 0.215, 0.016))
    pepper = [materials.stone(c, rough_scale=0.4) for c in ("#2a211b", "#7a3a2a", "#b5a88c")]
    for _ in range(60):
        a, r = rng.uniform(0, 2 * math.pi), rng.uniform(0.0, 0.12) ** 1.0
        x, y = 0.235 + r * math.cos(a), -0.205 + 0.7 * r * math.sin(a)
        if math.hypot(x, y) > 0.155:
            shapes.sphere(
                rng.uniform(0.0018, 0.0026), rng.choice(pepper), (x, y, 0), lumps=0.2, seed=rng.randrange(99), detail=2
            )
    for k, (x, y, dx, dy) in enumerate(
        ((0.31, 0.29, -0.7, -0.35), (0.33, 0.20, -0.6, -0.1), (-0.32, -0.12, 0.35, -0.6))
    ):
        shapes.branch(
            (x, y, 0.006),
            (dx, dy, 0.02),
            0.20,
            green("#4d6b3c"),
            materials.bark("#5f6a3f"),
            kind="willow",
            leaf=0.032,
            leaves=20,
            droop=0.0,
            seed=rng.randrange(999) + k,
            flat=0.5,
            keep_above=0.001,
        )
    props.bowl(0.05, 0.04, materials.ceramic("#cfc6b6", speckle=0.9, roughness=0.6, glaze=0.1), (0.255, -0.225, 0))
    for k in range(3):
        props.pebble(
            (-0.22 - 0.035 * k, -0.235 + 0.022 * k, 0),
            0.030,
            materials.plain("#e6ddcf", 0.55, unevenness=0.3),
            seed=k + 3,
            turn_deg=50 * k,
            flat=0.75,
        )
    key = lights.softbox(-112, 34, 1.2, (0.5, 0.5), 18, tint="#fff0dc", group="key")
    lights.softbox(80, 45, 1.8, (1.0, 1.0), 4, tint="#dfe9ff")
    lights.world(None, 0.16, tint="#e8efff")
    return Stage(key, top, zone=disc(0.125))
