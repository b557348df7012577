"""Small things that stand at the edges of a plate, by name. Real sizes, metres; each is put on a point of the ground.

A thing is a function of a random generator, the palette and its place; ``at`` is where its middle stands.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from .blender import geometry as shapes
from .blender import materials, props
from .blender.materials import Colour
from .plate_parts import PALETTES, Palette

Point3 = tuple[float, float, float]
Thing = Callable[[random.Random, Palette, Point3], None]


def moved(at: Point3, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Point3:
    return (at[0] + x, at[1] + y, at[2] + z)


def inward(at: Point3) -> float:
    """-1 when the picture's middle lies to the left of the thing, 1 when to the right."""
    return -1.0 if at[0] > 0 else 1.0


def any_seed(rng: random.Random) -> int:
    return rng.randrange(9999)


# --- plants --------------------------------------------------------------------------------------------------------


def leafy(p: Palette, kind: str) -> Any:
    if kind == "eucalyptus":
        return materials.leaf("#64796a", back="#8c9c8c", bloom=0.45, gloss_=0.5, spread=0.4)
    if kind == "olive":
        return materials.leaf("#5c6b3f", back="#a5ab92", bloom=0.12, gloss_=0.4, spread=0.45)
    return materials.leaf(p.leaf, bloom=0.05, gloss_=0.34, spread=0.5, through=0.35)


def vase_of(
    kind: str,
    shape: str = "belly",
    height: float = 0.16,
    tint: str = "ceramic",
    *,
    count: int = 5,
    length: float = 0.26,
    leaf: float = 0.048,
    leaves: int = 9,
    spread: float = 0.6,
    droop: float = 0.6,
    clay: bool = False,
) -> Thing:
    def put(rng: random.Random, p: Palette, at: Point3) -> None:
        colour = getattr(p, tint)
        body = (
            materials.clay(colour)
            if clay
            else materials.ceramic(
                colour, glaze=rng.choice((0.15, 0.5, 0.8)), roughness=0.45, speckle=rng.choice((0, 0.5, 1))
            )
        )
        props.vase(shape, height, body, at, seed=rng.randrange(9))
        props.bunch(
            moved(at, z=height * 0.94),
            count,
            leafy(p, kind),
            materials.bark("#6d6048"),
            kind=kind,
            length=length,
            leaf=leaf,
            leaves=leaves,
            spread=spread,
            droop=droop,
            seed=any_seed(rng),
            lean=(0.22 * inward(at), 0),
        )

    return put


def plumes(rng: random.Random, p: Palette, at: Point3) -> None:
    props.vase("belly", 0.15, materials.clay(p.accent), at, seed=2)
    props.grass_plumes(moved(at, z=0.145), 11, length=0.21, seed=any_seed(rng), tint="#e2cfab", spread=0.42)


def blossom(rng: random.Random, p: Palette, at: Point3, *, petals: Colour = "#f3c9cb") -> None:
    """A bottle vase with a flowering twig."""
    props.vase("bottle", 0.13, materials.ceramic(p.light, glaze=0.7, roughness=0.3), at)
    twig(rng, moved(at, z=0.10), (0.55 * inward(at), -0.1, 1), petals=petals, length=0.22)
    twig(rng, moved(at, z=0.10), (-0.35 * inward(at), 0.1, 1), petals=petals, length=0.17)


def twig(
    rng: random.Random,
    at: Point3,
    towards: Point3,
    *,
    petals: Colour = "#f3c9cb",
    length: float = 0.30,
    flat: float = 0.0,
) -> None:
    """A bare twig with small blossoms."""
    shapes.branch(
        at,
        towards,
        length,
        petal_of(petals),
        materials.bark("#4a3426"),
        kind="eucalyptus",
        leaf=0.019,
        leaves=22,
        droop=-0.05,
        seed=any_seed(rng),
        stem=0.0034,
        flat=flat,
        keep_above=0.001 if flat else None,
    )


def herbs(rng: random.Random, p: Palette, at: Point3) -> None:
    """A pot of herbs."""
    pot = materials.clay("#b9694a") if rng.random() < 0.6 else materials.ceramic(p.light, speckle=0.6)
    shapes.lathe(
        props.hollow(shapes.fillet([(0, 0), (0.034, 0), (0.047, 0.075), (0.051, 0.076), (0.052, 0.09)], 0.002), 0.005),
        pot,
        at,
    )
    shapes.cylinder(0.043, 0.004, materials.stone("#3a2c20", rough_scale=0.5), moved(at, z=0.078))
    props.bunch(
        moved(at, z=0.11),
        15,
        materials.leaf("#4d7a35", bloom=0.0, gloss_=0.35, spread=0.5, through=0.35),
        materials.plain("#6a8a45", 0.6),
        kind="laurel",
        length=0.13,
        leaf=0.032,
        leaves=7,
        spread=0.95,
        droop=0.5,
        seed=any_seed(rng),
    )


def trailing(rng: random.Random, p: Palette, at: Point3) -> None:
    props.vase("cylinder", 0.10, materials.ceramic(p.light, speckle=1.0, roughness=0.6, glaze=0.2), at)
    props.bunch(
        moved(at, z=0.12),
        10,
        materials.leaf("#4d7040", bloom=0.05, gloss_=0.34, spread=0.5, through=0.35),
        materials.plain("#5f7a45", 0.6),
        kind="ruscus",
        length=0.21,
        leaf=0.048,
        leaves=10,
        spread=1.0,
        seed=any_seed(rng),
        droop=1.4,
    )


def fern(rng: random.Random, p: Palette, at: Point3) -> None:
    """Fern fronds out of the ground."""
    green = materials.leaf("#4f7034", bloom=0.0, gloss_=0.4, spread=0.4, through=0.4)
    stem = materials.plain("#5f7038", 0.7)
    for k in range(6):
        a = 2 * math.pi * (k + rng.uniform(-0.3, 0.3)) / 6
        out = rng.uniform(0.7, 1.2)
        shapes.palm_frond(
            moved(at, z=-0.02),
            (math.cos(a) * out, math.sin(a) * out, 1.2),
            rng.uniform(0.18, 0.28),
            green,
            stem,
            seed=any_seed(rng),
            pairs=20,
            leaf=0.055,
            droop=1.1,
        )


def sprig(kind: str, length: float = 0.26, leaf: float = 0.05, leaves: int = 10) -> Thing:
    """A twig lying flat, pointing along the picture's edge, for flat-lays."""

    def put(rng: random.Random, p: Palette, at: Point3) -> None:
        sx, sy = math.copysign(1, at[0]), math.copysign(1, at[1])
        if rng.random() < 0.5:
            start, along = moved(at, 0.06 * sx, 0.11 * sy, 0.008), (-0.30 * sx, -0.95 * sy, 0.02)
        else:
            start, along = moved(at, 0.10 * sx, 0.07 * sy, 0.008), (-0.95 * sx, -0.22 * sy, 0.02)
        shapes.branch(
            start,
            along,
            length,
            leafy(p, kind),
            materials.bark("#7a6a50"),
            kind=kind,
            leaf=leaf,
            leaves=leaves,
            droop=0.0,
            seed=any_seed(rng),
            flat=0.62,
            keep_above=0.001,
        )

    return put


def sprigs(kind: str, count: int = 2) -> Thing:
    one = sprig(kind)

    def put(rng: random.Random, p: Palette, at: Point3) -> None:
        for k in range(count):
            one(rng, p, moved(at, rng.uniform(-0.02, 0.02), 0.03 * k, 0.004 * k))

    return put


def blossom_twig(rng: random.Random, p: Palette, at: Point3) -> None:
    sx, sy = math.copysign(1, at[0]), math.copysign(1, at[1])
    twig(rng, moved(at, 0.10 * sx, 0.09 * sy, 0.008), (-0.8 * sx, -0.42 * sy, 0.03), flat=0.6, length=0.26)
    twig(rng, moved(at, 0.09 * sx, 0.02 * sy, 0.010), (-0.35 * sx, -0.9 * sy, 0.03), flat=0.6, length=0.18)


def fir(
    rng: random.Random, at: Point3, along: Point3, length: float = 0.24, *, flat: bool = False, snowy: bool = False
) -> None:
    """A fir twig with needles all round, side twigs too."""
    green = materials.leaf("#3a5c36", bloom=0.12, gloss_=0.45, spread=0.4, veins=0.0, through=0.1)
    if snowy:
        green = materials.leaf("#5d7565", bloom=0.7, gloss_=0.6, spread=0.3, veins=0.0, through=0.1)
    wood = materials.bark("#5f4632")
    norm = math.sqrt(sum(v * v for v in along))
    d = tuple(v / norm for v in along)
    side = (-d[1], d[0], 0.0) if abs(d[2]) < 0.9 else (1.0, 0.0, 0.0)
    twigs: list[tuple[Any, Any, float]] = [(at, d, length)]
    for k in range(5):
        t, s = 0.10 + 0.17 * k, (1 if k % 2 else -1)
        start = tuple(a + v * length * t for a, v in zip(at, d, strict=True))
        out = tuple(v * 0.75 + w * s * 0.75 for v, w in zip(d, side, strict=True))
        twigs.append((start, out, length * (0.55 - 0.07 * k)))
    for start, out, reach in twigs:
        vertices: list[Point3] = []
        faces: list[tuple[int, ...]] = []
        uv: list[tuple[float, float]] = []
        points: list[Any] = []
        for k in range(13):
            t = k / 12
            points.append(
                tuple(
                    s + o * reach * t - (0 if flat or i < 2 else 0.10 * reach * t * t)
                    for i, (s, o) in enumerate(zip(start, out, strict=True))
                )
            )
        shapes.tube(points, lambda s: 0.0022 * (1 - 0.6 * s), wood, sides=6)
        for _ in range(int(reach * 4200)):
            t = rng.uniform(0.03, 1.0) * 12
            j = min(11, int(t))
            f = t - j
            base = [a * (1 - f) + b * f for a, b in zip(points[j], points[j + 1], strict=True)]
            a = rng.uniform(0, 2 * math.pi)
            across = (side[0] * math.cos(a), side[1] * math.cos(a), math.sin(a) * (0.5 if flat else 1.0))
            grow = [o * 0.75 + c * 0.8 for o, c in zip(out, across, strict=True)]
            size = rng.uniform(0.014, 0.021)
            tip = [b + v * size for b, v in zip(base, grow, strict=True)]
            if flat:
                base[2], tip[2] = max(base[2], 0.001), max(tip[2], 0.001)
            n = len(vertices)
            w = 0.0008
            vertices += [
                (base[0] - w * out[1], base[1] + w * out[0], base[2]),
                (base[0] + w * out[1], base[1] - w * out[0], base[2]),
                tuple(tip),  # type: ignore[list-item]
            ]
            uv += [(0.1, 0.3), (0.1, 0.7), (0.85, 0.5)]
            faces.append((n, n + 1, n + 2))
        shapes.mesh(vertices, faces, green, uv=uv, name="needles", smooth=False)


def fir_corner(rng: random.Random, p: Palette, at: Point3) -> None:
    """Fir twigs lying in a corner of a flat-lay."""
    sx, sy = math.copysign(1, at[0]), math.copysign(1, at[1])
    fir(rng, moved(at, 0.11 * sx, 0.09 * sy, 0.010), (-0.9 * sx, -0.35 * sy, 0), 0.26, flat=True)
    fir(rng, moved(at, 0.10 * sx, 0.06 * sy, 0.014), (-0.3 * sx, -0.9 * sy, 0), 0.22, flat=True)


def fir_side(rng: random.Random, p: Palette, at: Point3) -> None:
    """Fir twigs reaching in from the side."""
    s = inward(at)
    for k in range(3):
        fir(rng, moved(at, -0.16 * s, 0.03 * k, 0.02 + 0.03 * k), (0.9 * s, -0.25 + 0.2 * k, 0.12 + 0.16 * k), 0.25)


def fir_vase(rng: random.Random, p: Palette, at: Point3) -> None:
    props.vase("moon", 0.12, materials.ceramic(p.ceramic, glaze=0.3), at)
    for k in range(4):
        a = 1.57 * k + 0.4
        fir(rng, moved(at, z=0.10), (0.5 * math.cos(a) + 0.2 * inward(at), 0.4 * math.sin(a), 1), 0.24)


# --- kitchen and table ---------------------------------------------------------------------------------------------


def board(rng: random.Random, p: Palette, at: Point3) -> None:
    """A chopping board leaning on the wall; stand it near one."""
    shapes.rounded_box(
        (rng.uniform(0.2, 0.24), 0.018, rng.uniform(0.3, 0.36)),
        materials.wood(rng.choice(("beech", "oak", "walnut")), plank=0, turn_deg=90, roughness=0.5),
        moved(at, z=0.004),
        bevel=0.008,
        tilt_deg=(-10, 0),
        turn_deg=rng.uniform(-5, 5),
    )


def lemons(rng: random.Random, p: Palette, at: Point3) -> None:
    props.bowl(0.078, 0.062, materials.ceramic(p.light, speckle=0.8, bare="#b98d68", bare_below=0.012), at)
    for i, (dx, dy, dz) in enumerate(
        ((-0.028, 0, 0.03), (0.03, 0.012, 0.032), (0.002, -0.028, 0.036), (0.004, 0.01, 0.068))
    ):
        props.lemon(moved(at, dx, dy, dz), turn_deg=40 + 75 * i, seed=i)


def apples(rng: random.Random, p: Palette, at: Point3) -> None:
    props.bowl(0.085, 0.06, materials.ceramic(p.ceramic, speckle=0.6), at)
    for i, (dx, dy, dz) in enumerate(((-0.034, 0, 0.022), (0.034, 0.01, 0.022), (0, -0.03, 0.03), (0, 0.02, 0.062))):
        apple(rng, moved(at, dx, dy, dz), ("#a8281f", "#b6452a", "#9a9a3a")[i % 3])


def apple(rng: random.Random, at: Point3, tint: Colour = "#a8281f", radius: float = 0.033) -> None:
    shapes.sphere(
        radius,
        materials.fruit(tint, pores=0.1, blush="#c9a24a"),
        at,
        squash=(1, 1, 0.92),
        lumps=0.03,
        seed=any_seed(rng),
    )
    shapes.tube(
        [moved(at, z=radius * 1.72), moved(at, 0.003, 0, radius * 2.15)], 0.0013, materials.bark("#4b3524"), sides=6
    )


def pears(rng: random.Random, p: Palette, at: Point3) -> None:
    outline = [
        (0, 0),
        (0.018, 0),
        (0.034, 0.018),
        (0.036, 0.036),
        (0.026, 0.062),
        (0.015, 0.080),
        (0.009, 0.090),
        (0, 0.092),
    ]
    for k, (dx, dy) in enumerate(((0, 0), (0.075, 0.03))):
        spot = moved(at, dx * inward(at) * -1, dy)
        shapes.lathe(
            shapes.curve_through(outline, 6),
            materials.fruit("#b3a544", pores=0.2, blush="#a86a35"),
            spot,
            wobble=0.03,
            seed=k + rng.randrange(50),
            sharp_deg=180,
        )
        shapes.tube([moved(spot, z=0.088), moved(spot, 0.006, 0, 0.112)], 0.0014, materials.bark("#4b3524"), sides=6)


def tomatoes(rng: random.Random, p: Palette, at: Point3) -> None:
    green = materials.leaf("#4a6b2f", spread=0.3)
    for k in range(4):
        spot = moved(at, 0.052 * (k % 2) + rng.uniform(-0.006, 0.006), 0.05 * (k // 2) + rng.uniform(-0.006, 0.006))
        r = rng.uniform(0.022, 0.029)
        shapes.sphere(r, materials.fruit("#b8261a", pores=0.0), spot, squash=(1, 1, 0.86), lumps=0.02, seed=k)
        for a in range(5):
            t = 2 * math.pi * a / 5
            shapes.sweep(
                [moved(spot, z=r * 1.7), moved(spot, r * 0.6 * math.cos(t), r * 0.6 * math.sin(t), r * 1.64)],
                lambda s: 0.005 * (1 - s) + 0.0004,
                0.0008,
                green,
            )


def eggs(rng: random.Random, p: Palette, at: Point3) -> None:
    outline = [
        (0.022 * math.sin(t) * (1 + 0.13 * math.cos(t)), 0.028 - 0.028 * math.cos(t))
        for t in (math.pi * k / 24 for k in range(25))
    ]
    props.bowl(0.068, 0.038, materials.ceramic(p.ceramic, speckle=0.5), at)
    for k, (dx, dy) in enumerate(((-0.026, -0.008), (0.026, 0.0), (0.0, 0.03))):
        egg = shapes.lathe(
            outline,
            materials.plain(("#d9b18c", "#ecdcc7", "#c99a70")[k], 0.5, unevenness=0.2),
            moved(at, dx, dy, 0.032),
            sharp_deg=180,
        )
        egg.rotation_euler = (math.radians(70), 0, math.radians(90 * k + 20))


def loaf(rng: random.Random, p: Palette, at: Point3) -> None:
    """A round loaf on a board."""
    shapes.rounded_box(
        (0.24, 0.17, 0.018), materials.wood("walnut", plank=0), at, bevel=0.006, turn_deg=12 * inward(at)
    )
    g = materials.Graph("crust")
    q = g.object_space()
    flour = g.noise(q, 24.0, detail=5, roughness=0.7)
    body = g.ramp(flour, [(0.32, "#7d4720"), (0.5, "#a5672f"), (0.66, "#c08d52"), (0.8, "#dcc6a4")])
    crust = g.finish(roughness_known=0.8, Base_Color=body, Normal=g.bump(flour, 0.002))
    shapes.sphere(
        0.075, crust, moved(at, z=0.016), squash=(1.15, 0.95, 0.58), lumps=0.035, seed=any_seed(rng), lump_scale=1.2
    )


def oil(rng: random.Random, p: Palette, at: Point3) -> None:
    """A glass bottle of oil."""
    props.vase("bottle", 0.19, materials.glass("#c9b23a"), at)
    shapes.cylinder(0.0125, 0.022, materials.wood("beech", plank=0), moved(at, z=0.185), bevel=0.002)


def amber(rng: random.Random, p: Palette, at: Point3) -> None:
    """An apothecary bottle."""
    props.vase("bottle", 0.125, materials.glass("#b5651d", roughness=0.02), at)
    shapes.cylinder(0.0135, 0.02, materials.plain("#20201f", 0.4), moved(at, z=0.122))


def crock(rng: random.Random, p: Palette, at: Point3) -> None:
    """A stoneware jar of wooden spoons."""
    props.vase("cylinder", 0.13, materials.ceramic(p.light, speckle=0.9, glaze=0.3), at)
    for k in range(5):
        a = 2 * math.pi * k / 5 + 0.4
        wood = materials.wood(("beech", "walnut", "oak")[k % 3], plank=0, turn_deg=90)
        top = moved(at, 0.05 * math.cos(a), 0.035 * math.sin(a), rng.uniform(0.22, 0.27))
        shapes.tube([moved(at, 0.012 * math.cos(a), 0.01 * math.sin(a), 0.02), top], 0.0045, wood)
        shapes.sphere(0.019, wood, moved(top, z=-0.006), squash=(0.9, 0.35, 1.35))


def jars(rng: random.Random, p: Palette, at: Point3) -> None:
    """Two storage jars with wooden lids."""
    for k, (dx, dy, tall) in enumerate(((0, 0, 0.15), (0.10, 0.035, 0.11))):
        spot = moved(at, dx * -inward(at), dy)
        shapes.cylinder(
            0.042, tall, materials.ceramic((p.light, p.ceramic)[k], glaze=0.5, roughness=0.4), spot, bevel=0.006
        )
        shapes.cylinder(0.041, 0.018, materials.wood("beech", plank=0), moved(spot, z=tall), bevel=0.004)


def bowls(rng: random.Random, p: Palette, at: Point3) -> None:
    """A stack of bowls."""
    for k in range(3):
        props.bowl(
            0.068 - 0.002 * k,
            0.046,
            materials.ceramic((p.light, p.ceramic, p.cloth)[k], speckle=0.7),
            moved(at, 0.002 * k, 0, 0.021 * k),
        )


def bowl(rng: random.Random, p: Palette, at: Point3) -> None:
    props.bowl(0.066, 0.046, materials.ceramic(p.ceramic, speckle=0.8, bare="#a97d58", bare_below=0.012), at)


def dish(rng: random.Random, p: Palette, at: Point3) -> None:
    props.bowl(0.065, 0.030, materials.ceramic(p.light, speckle=0.7), at)


def plates(rng: random.Random, p: Palette, at: Point3) -> None:
    for k in range(4):
        props.plate(
            0.085 - 0.012 * (k > 2),
            materials.ceramic((p.light, p.ceramic)[k > 2], speckle=0.5),
            moved(at, z=0.0085 * k),
        )


def coffee(rng: random.Random, p: Palette, at: Point3) -> None:
    cup = materials.ceramic(p.light, speckle=0.5, glaze=0.6, roughness=0.35)
    props.plate(0.075, cup, at)
    props.cup(
        0.043,
        0.06,
        cup,
        moved(at, z=0.006),
        handle_deg=rng.choice((-150, -30, 25, 160)),
        drink=rng.choice(("#4a2a18", "#9c6c42")),
    )


def cup(rng: random.Random, p: Palette, at: Point3) -> None:
    props.cup(0.04, 0.062, materials.ceramic(p.ceramic, speckle=0.8, roughness=0.55, glaze=0.2), at, drink="#6b4a2a")


def tea(rng: random.Random, p: Palette, at: Point3) -> None:
    """A small teapot and a bowl."""
    glaze = materials.ceramic(p.ceramic, glaze=0.4, roughness=0.5, speckle=0.3)
    shapes.sphere(0.062, glaze, at, squash=(1, 1, 0.78))
    shapes.cylinder(0.030, 0.008, glaze, moved(at, z=0.092), bevel=0.003)
    shapes.sphere(0.009, glaze, moved(at, z=0.098))
    s = inward(at)
    shapes.tube(
        [moved(at, 0.05 * s, 0, 0.035), moved(at, 0.085 * s, 0, 0.06), moved(at, 0.10 * s, 0, 0.088)],
        lambda t: 0.012 - 0.006 * t,
        glaze,
    )
    arc = [
        moved(at, -s * (0.052 + 0.034 * math.sin(a)), 0, 0.05 + 0.034 * math.cos(a))
        for a in (math.pi * k / 16 for k in range(17))
    ]
    shapes.tube(arc, 0.0055, glaze)


def glassware(rng: random.Random, p: Palette, at: Point3) -> None:
    """Two tumblers, out of focus."""
    clear = materials.glass()
    for dx, dy in ((0, 0), (0.085, 0.03)):
        shapes.lathe(
            props.hollow(shapes.fillet([(0, 0), (0.028, 0), (0.034, 0.085), (0.0345, 0.09)], 0.004), 0.0025),
            clear,
            moved(at, dx * -inward(at), dy),
        )


def spoons(rng: random.Random, p: Palette, at: Point3) -> None:
    """Brass spoons lying in a corner."""
    metal = materials.metal(rng.choice(("brass", "steel", "copper")), roughness=0.28, brushed=0.4)
    for k in range(2):
        x, y = at[0] + 0.028 * k, at[1]
        shapes.tube(
            [(x, y - 0.06, at[2] + 0.010), (x + 0.012, y + 0.03, at[2] + 0.012), (x + 0.02, y + 0.10, at[2] + 0.008)],
            lambda s: 0.0034 - 0.0012 * s,
            metal,
        )
        shapes.sphere(0.018, metal, (x - 0.002, y - 0.072, at[2] + 0.003), squash=(0.8, 1.25, 0.25))


def spice(rng: random.Random, p: Palette, at: Point3) -> None:
    """Spices in small heaps and scattered corns."""
    for k, tint in enumerate(("#b5531c", "#c99a2a", "#6b2d1a")):
        a = 2.1 * k + rng.uniform(0, 1)
        spot = moved(at, 0.045 * math.cos(a), 0.045 * math.sin(a))
        props.bowl(0.030, 0.018, materials.ceramic(p.light, speckle=0.4), spot)
        shapes.sphere(
            0.022, materials.sand(tint, ripples=0.2), moved(spot, z=0.006), squash=(1, 1, 0.5), lumps=0.08, seed=k
        )
    for _ in range(26):
        a, r = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.105)
        shapes.sphere(
            rng.uniform(0.0018, 0.0026),
            materials.plain(rng.choice(("#2a211b", "#7a3a2a", "#b5a88c")), 0.7),
            moved(at, r * math.cos(a), r * math.sin(a)),
            detail=2,
        )


def beans(rng: random.Random, p: Palette, at: Point3) -> None:
    """Coffee beans, scattered."""
    dark = materials.plain("#3b2014", 0.42, unevenness=0.3)
    for _k in range(60):
        a, r = rng.uniform(0, 2 * math.pi), 0.085 * math.sqrt(rng.random())
        bean = shapes.sphere(
            0.0062,
            dark,
            moved(at, r * math.cos(a), r * math.sin(a)),
            squash=(1, 0.72, 0.55),
            detail=3,
            turn_deg=rng.uniform(0, 180),
        )
        bean.rotation_euler[2] = rng.uniform(0, 3)


def berries(rng: random.Random, p: Palette, at: Point3) -> None:
    """Blueberries and raspberries in a dish and beside it."""
    props.bowl(0.052, 0.030, materials.ceramic(p.light, glaze=0.6), at)
    blue = materials.fruit("#2f3a5a", pores=0.0, blush="#6b7596")
    red = materials.fruit("#a81f33", pores=2.5)
    for k in range(22):
        a, r = rng.uniform(0, 2 * math.pi), 0.036 * math.sqrt(rng.random())
        shapes.sphere(
            0.0075,
            (blue, red)[k % 3 == 0],
            moved(at, r * math.cos(a), r * math.sin(a), 0.014 + 0.008 * (k // 9)),
            detail=3,
            lumps=0.05,
            seed=k,
        )
    for k in range(4):
        shapes.sphere(
            0.0075,
            (blue, red)[k % 2],
            moved(at, inward(at) * 0.03 - 0.03 + 0.022 * k, 0.07 * -math.copysign(1, at[1]) + 0.012 * (k % 2)),
            detail=3,
        )


def citrus(rng: random.Random, p: Palette, at: Point3) -> None:
    props.orange(at, radius=0.034, seed=3)
    props.orange(moved(at, 0.062, 0.032), radius=0.031, tint="#e8a33a", seed=8)
    props.lemon(moved(at, -0.02, 0.066), turn_deg=rng.uniform(0, 180), seed=5)


def melon(rng: random.Random, p: Palette, at: Point3) -> None:
    """Slices of watermelon lying flat or standing."""
    red, rind = materials.fruit("#c9302c", pores=0.6), materials.plain("#3f6b35", 0.4, unevenness=0.3)
    white = materials.plain("#dfe6c4", 0.5)
    for k in range(2):
        spot, turn = moved(at, 0.03 * k, 0.085 * k), rng.uniform(-25, 25)
        for radius, body, lift in ((0.075, rind, 0.0), (0.0715, white, 0.0004), (0.067, red, 0.0008)):
            half = shapes.extruded(
                shapes.half_disc_outline(radius), 0.018 + 2 * lift, body, moved(spot, z=0.0), bevel=0.002, turn_deg=0
            )
            half.rotation_euler = (math.radians(-90), 0, math.radians(turn))
            half.location = (spot[0], spot[1], spot[2] + 0.018 + lift)


def lolly(rng: random.Random, p: Palette, at: Point3) -> None:
    """An ice lolly lying down."""
    turn = rng.uniform(20, 60) * inward(at)
    shapes.rounded_box(
        (0.046, 0.085, 0.020),
        materials.plain(p.accent, 0.35, unevenness=0.1),
        at,
        bevel=0.0095,
        turn_deg=turn,
        segments=5,
    )
    a = math.radians(turn)
    shapes.rounded_box(
        (0.010, 0.05, 0.0025),
        materials.wood("beech", plank=0),
        moved(at, 0.062 * math.sin(a), -0.062 * math.cos(a), 0.007),
        bevel=0.001,
        turn_deg=turn,
    )


def napkin(rng: random.Random, p: Palette, at: Point3) -> None:
    """A folded cloth reaching out of the picture."""
    sx = math.copysign(1, at[0])
    folds = [((-0.10, -0.10), (0.08, 0.2), 0.011, 0.012), ((0.0, -0.2), (0.05, 0.0), 0.009, 0.010)]
    shapes.cloth(
        0.24,
        0.36,
        materials.linen(p.cloth),
        moved(at, 0.06 * sx),
        folds=folds,
        turn_deg=rng.uniform(10, 26) * -sx,
        seed=rng.randrange(50),
        cell=0.006,
    )


def striped(rng: random.Random, p: Palette, at: Point3) -> None:
    """A striped towel."""
    sx = math.copysign(1, at[0])
    g = materials.Graph("stripes")
    u, v, _ = g.split(g.uv())
    band = g.step(g.math("FRACT", g.math("MULTIPLY", u, 22.0)), 0.48, 0.52)
    weave = g.math(
        "MULTIPLY", g.math("SINE", g.math("MULTIPLY", u, 3000.0)), g.math("SINE", g.math("MULTIPLY", v, 3000.0))
    )
    body = g.mix(band, p.light, p.accent)
    body = g.mix(g.step(weave, -0.4, 0.6, 0.18, 0.0), body, materials.shade(p.dark, 0.8))
    cloth = g.finish(average=p.light, roughness_known=0.9, Base_Color=body, Sheen_Weight=0.3, Specular_IOR_Level=0.2)
    folds = [((-0.12, -0.15), (0.10, 0.2), 0.016, 0.014), ((0.02, -0.25), (0.06, 0.05), 0.012, 0.012)]
    shapes.cloth(
        0.30,
        0.46,
        cloth,
        moved(at, 0.09 * sx),
        folds=folds,
        turn_deg=rng.uniform(12, 28) * -sx,
        seed=rng.randrange(50),
        cell=0.006,
    )


# --- home ----------------------------------------------------------------------------------------------------------


def books(rng: random.Random, p: Palette, at: Point3) -> None:
    props.books(
        at,
        covers=rng.sample((p.accent, p.light, p.ceramic, p.cloth, p.dark), 3),
        seed=any_seed(rng),
        turn_deg=rng.uniform(-18, 18),
    )


def books_candle(rng: random.Random, p: Palette, at: Point3) -> None:
    top = props.books(
        at,
        covers=rng.sample((p.accent, p.light, p.ceramic, p.dark), 2),
        seed=any_seed(rng),
        turn_deg=rng.uniform(-15, 15),
    )
    props.candle(moved((at[0], at[1], top), -0.01 * inward(at)), radius=0.03, height=0.06, tint=p.light)


def open_book(rng: random.Random, p: Palette, at: Point3) -> None:
    """A notebook and a pen."""
    turn = rng.uniform(-24, 24)
    shapes.rounded_box((0.15, 0.21, 0.012), materials.paper(p.accent, grain=1.5), at, bevel=0.002, turn_deg=turn)
    shapes.rounded_box((0.146, 0.204, 0.009), props.page_edges(), moved(at, 0.002, 0, 0.0016), bevel=0, turn_deg=turn)
    a = math.radians(turn + 55)
    metal = materials.metal("brass", roughness=0.25)
    shapes.tube(
        [
            moved(at, -0.06 * math.cos(a), -0.06 * math.sin(a), 0.0165),
            moved(at, 0.07 * math.cos(a), 0.07 * math.sin(a), 0.0165),
        ],
        0.0045,
        metal,
    )


def notebook(rng: random.Random, p: Palette, at: Point3) -> None:
    open_book(rng, p, at)


def pencils(rng: random.Random, p: Palette, at: Point3) -> None:
    props.vase("cylinder", 0.10, materials.ceramic(p.ceramic, glaze=0.2, roughness=0.6), at)
    for k in range(6):
        a = 2 * math.pi * k / 6
        tint = (p.accent, p.dark, p.light, "#c9973c", p.ceramic, "#b8705d")[k]
        top = moved(at, 0.042 * math.cos(a), 0.03 * math.sin(a), rng.uniform(0.16, 0.19))
        shapes.tube(
            [moved(at, 0.01 * math.cos(a), 0.01 * math.sin(a), 0.01), top], 0.0038, materials.plain(tint, 0.4), sides=6
        )


def laptop(rng: random.Random, p: Palette, at: Point3) -> None:
    """The corner of a closed laptop."""
    sx = math.copysign(1, at[0])
    shapes.rounded_box(
        (0.31, 0.22, 0.013),
        materials.plain("#9fa1a3", 0.38, metallic=0.85),
        moved(at, 0.09 * sx, 0.02),
        bevel=0.005,
        turn_deg=-10 * sx,
        segments=4,
    )


def lamp(rng: random.Random, p: Palette, at: Point3) -> None:
    """A small table lamp, lit."""
    props.vase("drop", 0.15, materials.ceramic(p.ceramic, glaze=0.7), at)
    g = materials.Graph("lampshade")
    g.put(g.principled.inputs["Base Color"], "#efe0c8")
    g.put(g.principled.inputs["Emission Color"], "#ffc98c")
    g.principled.inputs["Emission Strength"].default_value = 1.3
    shade = shapes.lathe([(0.085, 0.0), (0.06, 0.12)], g.material, moved(at, z=0.165))
    shade.lightgroup = "ambient"


def candle(rng: random.Random, p: Palette, at: Point3) -> None:
    props.candle(at, radius=0.032, height=rng.uniform(0.07, 0.11), tint=p.light)


def candles(rng: random.Random, p: Palette, at: Point3) -> None:
    for k, (dx, dy, tall) in enumerate(((0, 0, 0.12), (0.072, 0.02, 0.085), (0.03, -0.055, 0.055))):
        props.candle(
            moved(at, dx * -inward(at), dy), radius=0.028, height=tall, tint=(p.light, p.cloth, p.light)[k], lit=k < 2
        )


def holders(rng: random.Random, p: Palette, at: Point3) -> None:
    """Two tall candles in brass holders."""
    brass = materials.metal("brass", roughness=0.25)
    for dx, dy, tall in ((0, 0, 0.07), (0.07, 0.05, 0.11)):
        spot = moved(at, dx * -inward(at), dy)
        outline = shapes.fillet(
            [
                (0, 0),
                (0.034, 0),
                (0.034, 0.006),
                (0.006, 0.012),
                (0.005, tall),
                (0.013, tall + 0.004),
                (0.013, tall + 0.018),
                (0, tall + 0.018),
            ],
            0.002,
        )
        shapes.lathe(outline, brass, spot)
        shapes.cylinder(0.0105, 0.16, materials.plain(p.light, 0.5), moved(spot, z=tall + 0.012), bevel=0.003)


def tray(rng: random.Random, p: Palette, at: Point3) -> None:
    """A round brass tray with small things."""
    shapes.lathe(
        props.hollow(shapes.fillet([(0, 0), (0.088, 0), (0.095, 0.014)], 0.004), 0.0025),
        materials.metal("brass", roughness=0.3),
        at,
    )
    shapes.sphere(0.026, materials.ceramic(p.ceramic), moved(at, -0.03, 0.01, 0.004))
    amber(rng, p, moved(at, 0.03, 0.015, 0.004))


def mirror(rng: random.Random, p: Palette, at: Point3) -> None:
    """A round mirror on its edge, leaning back; stand it near the wall."""
    rim = [(0.12 + 0.006 * math.cos(a), 0.006 * math.sin(a)) for a in (2 * math.pi * k / 24 for k in range(25))]
    frame = shapes.lathe(rim, materials.metal("brass", roughness=0.25), moved(at, z=0.122), segments=160)
    glass = shapes.lathe(
        [(0, 0), (0.118, 0)], materials.metal("steel", roughness=0.02), moved(at, 0, 0.002, 0.122), segments=120
    )
    for made in (frame, glass):
        made.rotation_euler = (math.radians(82), 0, math.radians(-14 * inward(at)))


def ring(rng: random.Random, p: Palette, at: Point3) -> None:
    """A brass hoop standing upright."""
    rim = [(0.13 + 0.006 * math.cos(a), 0.006 * math.sin(a)) for a in (2 * math.pi * k / 24 for k in range(25))]
    shapes.lathe(rim, materials.metal("brass", roughness=0.22), moved(at, z=0.134), segments=180).rotation_euler = (
        math.pi / 2,
        0,
        0.2 * inward(at),
    )


def clock(rng: random.Random, p: Palette, at: Point3) -> None:
    """A small round clock."""
    face = shapes.lathe(
        shapes.fillet([(0, 0), (0.05, 0), (0.05, 0.03), (0, 0.03)], 0.004),
        materials.metal("brass", roughness=0.3),
        moved(at, z=0.052),
    )
    dial = shapes.lathe([(0, 0.0306), (0.044, 0.0306)], materials.plain("#f2eee4", 0.4), moved(at, z=0.052))
    for made in (face, dial):
        made.rotation_euler = (math.radians(90), 0, math.radians(-14 * inward(at)))


def keys_bowl(rng: random.Random, p: Palette, at: Point3) -> None:
    props.bowl(0.075, 0.034, materials.wood("walnut", plank=0), at)
    brass = materials.metal("brass", roughness=0.3)
    rim = [(0.016 + 0.002 * math.cos(a), 0.002 * math.sin(a)) for a in (2 * math.pi * k / 12 for k in range(13))]
    shapes.lathe(rim, brass, moved(at, 0.01, 0, 0.018), segments=60)
    shapes.rounded_box((0.05, 0.009, 0.002), brass, moved(at, -0.022, 0.008, 0.017), bevel=0.0006, turn_deg=20)


def cushion(rng: random.Random, p: Palette, at: Point3) -> None:
    """A linen cushion leaning at the back."""
    _pillow(rng, at, p.ceramic if at[0] < 0 else p.cloth, 0.33, 0.27)


def _pillow(rng: random.Random, at: Point3, tint: Colour, width: float, height: float) -> None:
    vertices: list[Point3] = []
    uv: list[tuple[float, float]] = []
    n = 40
    turn = rng.uniform(-10, 10)
    for side in (-1, 1):
        for j in range(n + 1):
            for i in range(n + 1):
                u, v = 2 * i / n - 1, 2 * j / n - 1
                puff = max(0.0, (1 - u**4) * (1 - v**4)) ** 0.55
                pinch = 1 - 0.07 * (u * u * (1 - v * v) + v * v * (1 - u * u)) * 0 - 0.05 * (1 - abs(u)) * v * v
                crease = 0.0022 * math.sin(7 * u * v + 4 * u + 3 * math.sin(3 * v)) * puff
                vertices.append(
                    (
                        u * width / 2 * pinch,
                        side * (0.055 * puff + crease),
                        height / 2 * v * (1 - 0.05 * (1 - abs(v)) * u * u) + height / 2,
                    )
                )
                uv.append((u * width / 2, v * height / 2))
    faces: list[tuple[int, ...]] = []
    row = n + 1
    for k in (0, row * row):
        for j in range(n):
            for i in range(n):
                quad = (k + j * row + i, k + j * row + i + 1, k + (j + 1) * row + i + 1, k + (j + 1) * row + i)
                faces.append(quad if k == 0 else quad[::-1])
    made = shapes.mesh(vertices, faces, materials.linen(tint), uv=uv, sharp_deg=180, name="cushion")
    made.location = moved(at, z=-0.006)
    made.rotation_euler = (math.radians(-14), 0, math.radians(turn))


def throw(rng: random.Random, p: Palette, at: Point3) -> None:
    """A knitted throw, loosely laid."""
    sx = math.copysign(1, at[0])
    folds = [
        ((-0.2, -0.12), (0.2, 0.02), 0.024, 0.018),
        ((-0.15, -0.2), (0.1, 0.22), 0.020, 0.016),
        ((0.0, -0.22), (0.15, 0.1), 0.018, 0.018),
    ]
    shapes.cloth(
        0.34,
        0.46,
        materials.linen(p.cloth, threads_per_m=210, slub=1.5),
        moved(at, 0.10 * sx),
        folds=folds,
        turn_deg=rng.uniform(14, 30) * -sx,
        seed=rng.randrange(60),
        cell=0.006,
        thickness=0.006,
    )


def towels(rng: random.Random, p: Palette, at: Point3) -> None:
    """Rolled towels, stacked."""
    soft = materials.linen(p.light, threads_per_m=330, slub=1.4)
    second = materials.linen(p.ceramic, threads_per_m=330, slub=1.4)
    for i, (dx, dz) in enumerate(((-0.044, 0), (0.044, 0), (0.0, 0.072))):
        x = at[0] + dx
        spiral = [
            (
                x + (0.010 + 0.0055 * t) * math.cos(t),
                at[1] - 0.085,
                at[2] + 0.043 + dz + (0.010 + 0.0055 * t) * math.sin(t),
            )
            for t in (0.2 * k for k in range(30))
        ]
        shapes.sweep(
            [(px, at[1], pz) for px, _, pz in spiral],
            0.19,
            0.009,
            (soft, second)[i == 2],
            side=(0, 1, 0),
            roundness=0.5,
            sides=18,
        )
        shapes.lathe(
            shapes.fillet([(0, -0.09), (0.041, -0.09), (0.041, 0.09), (0, 0.09)], 0.01),
            (soft, second)[i == 2],
            (x, at[1] + 0.004, at[2] + 0.042 + dz),
        ).rotation_euler = (math.pi / 2, 0, 0)


def soap(rng: random.Random, p: Palette, at: Point3) -> None:
    """Two bars of soap on a wooden rest."""
    shapes.rounded_box(
        (0.11, 0.075, 0.012), materials.wood("beech", plank=0), at, bevel=0.003, turn_deg=12 * inward(at)
    )
    for k, tint in enumerate((p.light, p.ceramic)):
        shapes.rounded_box(
            (0.082, 0.052, 0.024),
            materials.plain(tint, 0.42, unevenness=0.15),
            moved(at, 0.004 * k, 0, 0.012 + 0.0243 * k),
            bevel=0.009,
            turn_deg=12 * inward(at) + 16 * k,
            segments=5,
        )


def sponge(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.sphere(
        0.05, materials.stone("#d8b57a", rough_scale=2.5), at, squash=(1.15, 0.9, 0.7), lumps=0.14, seed=any_seed(rng)
    )


def brush(rng: random.Random, p: Palette, at: Point3) -> None:
    """A round bath brush."""
    shapes.cylinder(0.045, 0.02, materials.wood("beech", plank=0), moved(at, z=0.018), bevel=0.007)
    shapes.cylinder(0.038, 0.02, materials.stone("#c9ae84", rough_scale=2.0), at, bevel=0.003)


def pebbles(rng: random.Random, p: Palette, at: Point3) -> None:
    """River stones in a group."""
    for k, (dx, dy, s, tint) in enumerate(
        ((0, 0, 0.082, "#8f8a80"), (0.058, 0.045, 0.05, "#cfc7b8"), (-0.03, 0.06, 0.038, "#6f6a62"))
    ):
        props.pebble(
            moved(at, dx * inward(at), dy),
            s,
            materials.stone(tint, seed=k + rng.randrange(9), rough_scale=0.3),
            seed=any_seed(rng),
            turn_deg=rng.uniform(0, 180),
        )


def cairn(rng: random.Random, p: Palette, at: Point3) -> None:
    """Stones balanced on each other."""
    z = 0.0
    for s, tint in ((0.11, "#7f7b74"), (0.085, "#b3aa9b"), (0.06, "#5f5c58")):
        props.pebble(
            moved(at, rng.uniform(-0.005, 0.005), 0, z),
            s,
            materials.stone(tint, rough_scale=0.3, seed=any_seed(rng) % 50),
            seed=any_seed(rng),
            turn_deg=rng.uniform(0, 60),
        )
        z += s * 0.47


def rocks(rng: random.Random, p: Palette, at: Point3) -> None:
    """Broken rock."""
    for k in range(3):
        s = (0.075, 0.05, 0.035)[k]
        shapes.sphere(
            s,
            materials.stone(p.dark if k == 1 else "#8c857b", rough_scale=1.6, seed=k + rng.randrange(20)),
            moved(at, 0.085 * k * -inward(at), 0.05 * (k % 2), -0.25 * s),
            squash=(1.2, 0.9, 0.8),
            lumps=0.3,
            lump_scale=1.2,
            seed=any_seed(rng),
        )


def log(rng: random.Random, p: Palette, at: Point3) -> None:
    """A cut log lying at the side."""
    bark = materials.bark("#5b4a38")
    turn = math.radians(24 * inward(at))
    path = [moved(at, math.cos(turn) * t - 0.09, math.sin(turn) * t, 0.046) for t in (0.03 * k for k in range(7))]
    shapes.tube(path, 0.046, bark, sides=48)
    for spot in (path[0], path[-1]):
        cap = shapes.lathe([(0, 0), (0.0445, 0)], materials.wood("pale_oak", plank=0), spot)
        cap.rotation_euler = (0, math.pi / 2 - 0.02, turn)


def slice_of_wood(rng: random.Random, p: Palette, at: Point3) -> None:
    """A slice of trunk with its rings, lying flat."""
    g = materials.Graph("rings")
    x, y, _ = g.split(g.object_space())
    q = g.object_space()
    r = g.math("SQRT", g.math("ADD", g.math("MULTIPLY", x, x), g.math("MULTIPLY", y, y)))
    wave = g.math("MULTIPLY_ADD", g.noise(q, 14.0, detail=3), 0.012, r)
    saw = g.math("FRACT", g.math("MULTIPLY", wave, 240.0))
    body = g.mix(g.math("POWER", saw, 2.0), "#d1a977", "#a5774a")
    body = g.mix(g.step(g.noise(q, 200.0, detail=2), 0.35, 0.7, 0.2, 0.0), body, "#8f6238")
    top = g.finish(roughness_known=0.65, Base_Color=body)
    shapes.lathe(
        shapes.fillet([(0.085, 0), (0.088, 0.004), (0.088, 0.018), (0.084, 0.022)], 0.002),
        materials.bark("#4f3f30"),
        at,
        wobble=0.03,
        seed=3,
    )
    shapes.lathe([(0, 0.0215), (0.0848, 0.0215)], top, at, wobble=0.03, seed=3)


def cones(rng: random.Random, p: Palette, at: Point3) -> None:
    props.pine_cone(at, length=0.065, seed=any_seed(rng), turn_deg=rng.uniform(0, 180))
    props.pine_cone(
        moved(at, 0.06 * -inward(at), 0.045), length=0.055, seed=any_seed(rng), turn_deg=rng.uniform(0, 180)
    )


def mushrooms(rng: random.Random, p: Palette, at: Point3) -> None:
    for k in range(3):
        spot, s = moved(at, 0.04 * k - 0.03, rng.uniform(-0.02, 0.03)), (1.0, 0.7, 0.55)[k]
        shapes.lathe(
            shapes.curve_through([(0.011 * s, 0), (0.008 * s, 0.02 * s), (0.009 * s, 0.045 * s)], 5),
            materials.plain("#e4d6bd", 0.7, unevenness=0.2),
            spot,
        )
        cap = [
            (0.002, 0.038 * s),
            (0.030 * s, 0.040 * s),
            (0.033 * s, 0.046 * s),
            (0.024 * s, 0.062 * s),
            (0.0, 0.070 * s),
        ]
        shapes.lathe(
            shapes.curve_through(cap, 6), materials.plain("#9a6a42", 0.5, unevenness=0.4), spot, wobble=0.03, seed=k
        )


def shells(rng: random.Random, p: Palette, at: Point3) -> None:
    """Scallop shells."""
    for k in range(3):
        spot, size, turn = (
            moved(at, 0.05 * k - 0.04, rng.uniform(-0.03, 0.04)),
            (0.034, 0.026, 0.020)[k],
            rng.uniform(0, 6.28),
        )
        vertices, faces, n, m = [], [], 60, 10
        for j in range(m + 1):
            for i in range(n + 1):
                a = math.radians(-62 + 124 * i / n)
                r = size * 2 * j / m * (1 + 0.02 * math.cos(math.pi * i / 3))
                rib = 0.0011 * math.cos(2 * math.pi * i / 5) * j / m
                x, y = r * math.sin(a), r * math.cos(a) - size
                z = size * 0.55 * (1 - (r / (2 * size)) ** 2) * math.cos(a) ** 0.6 * min(1.0, 3 * j / m) + rib
                vertices.append(
                    (
                        spot[0] + x * math.cos(turn) - y * math.sin(turn),
                        spot[1] + x * math.sin(turn) + y * math.cos(turn),
                        spot[2] + max(0.0003, z),
                    )
                )
        row = n + 1
        faces = [
            (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i) for j in range(m) for i in range(n)
        ]
        shapes.mesh(
            vertices,
            faces,
            materials.ceramic(("#ead7c3", "#e3b9a0", "#f0e6d8")[k], glaze=0.1, roughness=0.6),
            sharp_deg=180,
            name="shell",
        )


def starfish(rng: random.Random, p: Palette, at: Point3) -> None:
    body = materials.stone("#c98a5a", rough_scale=1.2)
    for k in range(5):
        a = 2 * math.pi * k / 5 + rng.uniform(-0.12, 0.12)
        path = [
            moved(at, t * math.cos(a + 0.2 * t), t * math.sin(a + 0.2 * t), 0.004)
            for t in (0.0, 0.012, 0.026, 0.04, 0.05)
        ]
        shapes.sweep(
            path,
            lambda s: 0.024 * (1 - 0.82 * s),
            lambda s: 0.013 * (1 - 0.7 * s),
            body,
            side=(-math.sin(a), math.cos(a), 0),
        )


def driftwood(rng: random.Random, p: Palette, at: Point3) -> None:
    wood = materials.wood("weathered", plank=0, turn_deg=8, roughness=0.8)
    s = inward(at)
    path = [moved(at, -s * (0.18 - 0.05 * k), 0.05 + 0.015 * math.sin(k), 0.012 + 0.004 * k) for k in range(7)]
    shapes.tube(path, lambda t: 0.022 - 0.014 * t, wood)
    shapes.tube(
        [path[2], moved(path[2], 0.03 * s, -0.03, 0.03), moved(path[2], 0.08 * s, -0.06, 0.05)],
        lambda t: 0.011 - 0.007 * t,
        wood,
    )


# --- nursery -------------------------------------------------------------------------------------------------------


def blocks(rng: random.Random, p: Palette, at: Point3) -> None:
    """Wooden building blocks."""
    tints = [p.accent, p.ceramic, p.cloth, p.light]
    rng.shuffle(tints)
    for k, (dx, dy, dz) in enumerate(((0, 0, 0), (0.048, 0.012, 0), (0.022, 0.004, 0.042), (-0.05, 0.03, 0))):
        paint = materials.plain(tints[k], 0.5, unevenness=0.15) if k != 1 else materials.wood("beech", plank=0)
        shapes.rounded_box(
            (0.042, 0.042, 0.042),
            paint,
            moved(at, dx * -inward(at), dy, dz),
            bevel=0.004,
            turn_deg=rng.uniform(-20, 20),
        )


def stacker(rng: random.Random, p: Palette, at: Point3) -> None:
    """A tower of rings."""
    beech = materials.wood("beech", plank=0)
    shapes.cylinder(0.052, 0.014, beech, at, bevel=0.005)
    z = 0.014
    for k, tint in enumerate((p.accent, p.cloth, p.ceramic, p.light)):
        r = 0.048 - 0.007 * k
        rim = [
            (r - 0.012 + 0.0125 * math.cos(a), 0.0125 * math.sin(a)) for a in (2 * math.pi * j / 20 for j in range(21))
        ]
        shapes.lathe(rim, materials.plain(tint, 0.5, unevenness=0.12), moved(at, z=z + 0.0125))
        z += 0.0245
    shapes.sphere(0.015, beech, moved(at, z=z - 0.004))


def ball(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.sphere(0.045, materials.linen(p.accent), at)


def car(rng: random.Random, p: Palette, at: Point3) -> None:
    """A wooden toy car."""
    turn = 25 * inward(at)
    beech = materials.wood("beech", plank=0)
    shapes.rounded_box(
        (0.10, 0.045, 0.03),
        materials.plain(p.ceramic, 0.45, unevenness=0.1),
        moved(at, z=0.012),
        bevel=0.012,
        turn_deg=turn,
        segments=5,
    )
    shapes.rounded_box(
        (0.055, 0.042, 0.030),
        materials.plain(p.light, 0.45),
        moved(at, z=0.038),
        bevel=0.012,
        turn_deg=turn,
        segments=5,
    )
    a = math.radians(turn)
    for x in (-0.03, 0.03):
        for y in (-0.026, 0.026):
            wheel = shapes.lathe(
                shapes.fillet([(0, -0.006), (0.015, -0.006), (0.015, 0.006), (0, 0.006)], 0.003),
                beech,
                moved(at, x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a), 0.015),
            )
            wheel.rotation_euler = (math.pi / 2, 0, a)


def bunny(rng: random.Random, p: Palette, at: Point3) -> None:
    """A small cloth rabbit."""
    felt = materials.linen(p.light, threads_per_m=420)
    shapes.sphere(0.042, felt, at, squash=(1, 0.9, 1.1))
    shapes.sphere(0.034, felt, moved(at, z=0.075))
    for s in (-1, 1):
        shapes.sphere(0.012, felt, moved(at, 0.014 * s, 0.004, 0.132), squash=(0.8, 0.5, 2.6))
        shapes.sphere(0.016, felt, moved(at, 0.030 * s, -0.022, 0), squash=(0.9, 1.2, 0.8))
        shapes.sphere(0.0032, materials.plain("#2a2420", 0.3), moved(at, 0.012 * s, -0.0315, 0.108), detail=3)


def moon(rng: random.Random, p: Palette, at: Point3) -> None:
    """A crescent cut from wood, standing."""
    turns = [math.radians(50 + 260 * k / 60) for k in range(61)]
    outer = [(0.07 * math.cos(a), 0.066 + 0.07 * math.sin(a)) for a in turns]
    back = [math.radians(285.6 - 211.2 * k / 50) for k in range(51)]
    inner = [(0.03 + 0.0557 * math.cos(a), 0.066 + 0.0557 * math.sin(a)) for a in back]
    outline = [*outer, *inner[1:-1]]
    if inward(at) < 0:
        outline = [(-x, z) for x, z in outline][::-1]
    shapes.extruded(outline, 0.02, materials.wood("beech", plank=0), at, bevel=0.0015, turn_deg=-8 * inward(at))


def dots(rng: random.Random, p: Palette, at: Point3) -> None:
    """Felt balls."""
    for _ in range(8):
        shapes.sphere(
            rng.uniform(0.009, 0.014),
            materials.linen(rng.choice((p.accent, p.ceramic, p.light, p.cloth))),
            moved(at, rng.uniform(-0.06, 0.06), rng.uniform(-0.05, 0.05)),
            detail=4,
        )


# --- geometry ------------------------------------------------------------------------------------------------------


def matt(tint: Colour) -> Any:
    return materials.plaster(tint, trowel=0.25, tone=0.025, roughness=0.75)


def drum(rng: random.Random, p: Palette, at: Point3) -> None:
    tall = rng.uniform(0.07, 0.15)
    shapes.cylinder(rng.uniform(0.075, 0.095), tall, matt(p.ceramic), at, bevel=0.004)
    shapes.sphere(0.036, matt(p.light), moved(at, z=tall), detail=6)


def block(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.rounded_box(
        (0.13, 0.12, rng.uniform(0.05, 0.18)),
        matt(p.ceramic),
        at,
        bevel=0.004,
        turn_deg=rng.uniform(8, 22) * inward(at),
    )


def column(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.cylinder(0.05, rng.uniform(0.18, 0.3), matt(p.cloth), at, bevel=0.004)


def arch(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.extruded(
        shapes.half_disc_outline(0.115, 0.15), 0.06, matt(p.ceramic), at, bevel=0.004, turn_deg=10 * inward(at)
    )


def gate(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.extruded(
        shapes.arch_outline(0.25, 0.30, 0.13, 0.15), 0.07, matt(p.ceramic), at, bevel=0.004, turn_deg=8 * inward(at)
    )


def stairs(rng: random.Random, p: Palette, at: Point3) -> None:
    for i in range(3):
        shapes.rounded_box((0.16, 0.06, 0.04 * (i + 1)), matt(p.cloth), moved(at, y=0.06 * i), bevel=0.003)


def globe(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.sphere(rng.uniform(0.035, 0.05), matt(rng.choice((p.light, p.accent))), at, detail=6)


def balls(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.sphere(0.036, matt(p.light), at, detail=6)
    shapes.sphere(0.019, materials.metal("brass", roughness=0.22), moved(at, 0.055 * inward(at), -0.035), detail=6)


def brass_ball(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.sphere(0.034, materials.metal("brass", roughness=0.2), at, detail=6)


def glass_block(rng: random.Random, p: Palette, at: Point3) -> None:
    """A block of ribbed glass."""
    shapes.rounded_box(
        (0.11, 0.05, 0.16), materials.glass("#eef5f4", roughness=0.06), at, bevel=0.005, turn_deg=-18 * inward(at)
    )


def travertine_block(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.rounded_box(
        (0.15, 0.12, rng.uniform(0.05, 0.12)),
        materials.stone("#d8c7ac", roughness=0.6, rough_scale=0.5, layers=0.4),
        at,
        bevel=0.004,
        turn_deg=14 * inward(at),
    )


def paper_fan(rng: random.Random, p: Palette, at: Point3) -> None:
    """Sheets of coloured paper, overlapping, for flat-lays."""
    sx, sy = math.copysign(1, at[0]), math.copysign(1, at[1])
    for k, tint in enumerate((p.accent, p.ceramic, p.cloth)):
        shapes.rounded_box(
            (0.30, 0.30, 0.0012),
            materials.paper(tint),
            moved(at, (0.045 + 0.045 * k) * sx, (0.045 + 0.04 * k) * sy, 0.0013 * k),
            bevel=0.0003,
            turn_deg=14 + 13 * k,
        )


def discs(rng: random.Random, p: Palette, at: Point3) -> None:
    shapes.cylinder(0.062, 0.020, matt(p.accent), at, bevel=0.003)
    shapes.sphere(0.025, matt(p.light), moved(at, 0.008, 0, 0.020), detail=6)


def tile_stack(rng: random.Random, p: Palette, at: Point3) -> None:
    """Material samples, laid over each other."""
    for k, tint in enumerate((p.ceramic, p.light, p.accent)):
        shapes.rounded_box(
            (0.09, 0.09, 0.009),
            materials.ceramic(tint, glaze=0.6),
            moved(at, 0.02 * k * inward(at), -0.016 * k * math.copysign(1, at[1]), 0.0092 * k),
            bevel=0.0015,
            turn_deg=12 * k,
        )


# --- seasons -------------------------------------------------------------------------------------------------------


def gift(rng: random.Random, p: Palette, at: Point3, scale: float = 1.0, tint: Colour | None = None) -> None:
    """A wrapped box with a ribbon."""
    w, d, h = 0.12 * scale, 0.10 * scale, 0.075 * scale
    turn = rng.uniform(10, 26) * inward(at)
    shapes.rounded_box((w, d, h), materials.paper(tint or p.ceramic), at, bevel=0.002, turn_deg=turn)
    satin = materials.plain(p.accent, 0.32, coat=0.2)
    shapes.rounded_box((0.014, d + 0.0016, h + 0.0012), satin, at, bevel=0.0006, turn_deg=turn)
    shapes.rounded_box((w + 0.0016, 0.014, h + 0.0012), satin, at, bevel=0.0006, turn_deg=turn)
    for s in (-1, 1):
        for lift in (0.0, 0.5):
            loop = [
                moved(
                    at,
                    s * 0.034 * scale * math.sin(t) * (1 - 0.3 * lift),
                    (0.014 - 0.028 * lift) * math.sin(t),
                    h + 0.002 + 0.018 * scale * (1 - math.cos(t)) * (0.7 + lift * 0.4),
                )
                for t in (math.pi * k / 12 for k in range(13))
            ]
            shapes.sweep(loop, 0.012, 0.0007, satin, side=(0, 1, 0), roundness=0.4, sides=8)


def gifts(rng: random.Random, p: Palette, at: Point3) -> None:
    gift(rng, p, at, 1.15)
    gift(rng, p, moved(at, 0.10 * -inward(at) * 0.5, 0.12), 0.9, p.light)


def bauble(kind: str) -> Thing:
    def put(rng: random.Random, p: Palette, at: Point3) -> None:
        shiny = (
            materials.metal("gold", roughness=0.18)
            if kind == "gold"
            else materials.plain(p.ceramic if kind == "tint" else p.light, 0.16, coat=0.6)
        )
        props.baubles([at], shiny, 0.034)
        props.baubles([moved(at, 0.066 * -inward(at), 0.04)], materials.plain(p.accent, 0.42), 0.026)
        props.baubles([moved(at, 0.012, 0.075)], materials.plain(p.light, 0.2, coat=0.5), 0.022)

    return put


def star(rng: random.Random, p: Palette, at: Point3) -> None:
    """A wooden star, standing."""
    outline = [
        (
            (0.075 if k % 2 == 0 else 0.032) * math.sin(math.pi * k / 5),
            0.062 + (0.075 if k % 2 == 0 else 0.032) * math.cos(math.pi * k / 5),
        )
        for k in range(10)
    ]
    shapes.extruded(outline[::-1], 0.016, materials.wood("beech", plank=0), at, bevel=0.0015, turn_deg=12 * inward(at))


def stars_flat(rng: random.Random, p: Palette, at: Point3) -> None:
    """Small stars scattered on the ground."""
    for _k in range(5):
        r = rng.uniform(0.012, 0.020)
        outline = [
            (
                (r if j % 2 == 0 else r * 0.42) * math.sin(math.pi * j / 5),
                (r if j % 2 == 0 else r * 0.42) * math.cos(math.pi * j / 5),
            )
            for j in range(10)
        ]
        made = shapes.extruded(outline[::-1], 0.003, materials.metal("gold", roughness=0.3), (0, 0, 0), bevel=0.0005)
        made.location, made.rotation_euler = (
            moved(at, rng.uniform(-0.07, 0.07), rng.uniform(-0.06, 0.06), 0.003),
            (-math.pi / 2, 0, rng.uniform(0, 3)),
        )


def cinnamon(rng: random.Random, p: Palette, at: Point3) -> None:
    """Cinnamon sticks tied together and star anise beside."""
    stick = materials.bark("#8f5a34")
    a = math.radians(32 * inward(at))
    for k in range(4):
        off = 0.011 * (k - 1.5)
        start = moved(
            at,
            -0.05 * math.cos(a) - off * math.sin(a),
            -0.05 * math.sin(a) + off * math.cos(a),
            0.0065 + 0.010 * (k in (1,)),
        )
        shapes.tube([start, moved(start, 0.10 * math.cos(a), 0.10 * math.sin(a))], 0.0062, stick)
    anise = materials.bark("#5f3520")
    spot = moved(at, 0.07 * inward(at), 0.03)
    for k in range(8):
        t = 2 * math.pi * k / 8
        shapes.sweep(
            [moved(spot, 0, 0, 0.005), moved(spot, 0.015 * math.cos(t), 0.015 * math.sin(t), 0.004)],
            lambda s: 0.006 * (1 - 0.7 * s),
            0.005,
            anise,
        )


def heap_of_snow(rng: random.Random, p: Palette, at: Point3) -> None:
    from .plate_parts import snow

    white = snow()
    shapes.sphere(0.10, white, moved(at, z=-0.06), squash=(1.5, 1.0, 0.7), lumps=0.14, seed=any_seed(rng))
    shapes.sphere(
        0.06,
        white,
        moved(at, 0.12 * -inward(at) * 0.5, -0.07, -0.05),
        squash=(1.4, 1.0, 0.75),
        lumps=0.14,
        seed=any_seed(rng),
    )


def mandarins(rng: random.Random, p: Palette, at: Point3) -> None:
    for dx, dy, s in ((0, 0, 0.036), (0.056, 0.046, 0.035), (-0.022, 0.066, 0.034)):
        props.orange(moved(at, dx * -inward(at), dy), radius=s, seed=any_seed(rng))
    props.orange(moved(at, 0.010 * -inward(at), 0.04, 0.056), radius=0.033, seed=7)
    leaf = materials.leaf("#3f6630", bloom=0.0, gloss_=0.3, spread=0.3, through=0.3)
    shapes.branch(
        moved(at, 0, 0, 0.066),
        (0.5 * inward(at), -0.2, 0.6),
        0.05,
        leaf,
        materials.bark(),
        kind="laurel",
        leaf=0.042,
        leaves=2,
        seed=any_seed(rng),
    )


def envelopes(rng: random.Random, p: Palette, at: Point3) -> None:
    """Red envelopes with gold."""
    for k in range(3):
        turn = (18 + 15 * k) * inward(at)
        shapes.rounded_box(
            (0.085, 0.16, 0.0014),
            materials.paper("#b3201c"),
            moved(at, 0.012 * k * inward(at), 0.006 * k, 0.0016 * k),
            bevel=0.0005,
            turn_deg=turn,
        )
        if k == 2:
            shapes.cylinder(
                0.017,
                0.0007,
                materials.metal("gold", roughness=0.3),
                moved(at, 0.012 * k * inward(at), 0.006 * k + 0.01, 0.0016 * k + 0.0014),
                bevel=0.0002,
            )


def coins(rng: random.Random, p: Palette, at: Point3) -> None:
    gold = materials.metal("gold", roughness=0.25)
    for k in range(7):
        rim = shapes.fillet([(0.006, 0), (0.016, 0), (0.016, 0.0018), (0.006, 0.0018), (0.006, 0)], 0.0004)
        shapes.lathe(rim, gold, moved(at, rng.uniform(-0.05, 0.05), rng.uniform(-0.04, 0.04), 0.0004 * k), segments=60)


def lantern(rng: random.Random, p: Palette, at: Point3) -> None:
    """A red paper lantern standing on its cap."""
    red = materials.Graph("lantern")
    _, _, z = red.split(red.object_space())
    rib = red.step(red.math("ABSOLUTE", red.math("SINE", red.math("MULTIPLY", z, 330.0))), 0.0, 0.35)
    red.put(red.principled.inputs["Base Color"], red.mix(rib, "#6d0f0c", "#c32a20"))
    red.put(red.principled.inputs["Emission Color"], "#ff5a30")
    red.principled.inputs["Emission Strength"].default_value = 0.16
    red.principled.inputs["Roughness"].default_value = 0.7
    body = shapes.sphere(0.075, red.material, moved(at, z=0.012), squash=(1, 1, 0.8), detail=6)
    body.lightgroup = "ambient"
    gold = materials.metal("gold", roughness=0.3)
    shapes.cylinder(0.036, 0.014, gold, at, bevel=0.002)
    shapes.cylinder(0.036, 0.014, gold, moved(at, z=0.128), bevel=0.002)


def hearts(rng: random.Random, p: Palette, at: Point3) -> None:
    """Hearts of card or wood: one standing block, a small one beside."""
    heart(moved(at), 0.10, matt(p.ceramic), -10 * inward(at))
    heart(moved(at, 0.09 * inward(at), -0.06), 0.045, materials.plain(p.accent, 0.3, coat=0.3), 8 * inward(at))


def heart_outline(size: float) -> list[tuple[float, float]]:
    raw = [
        (16 * math.sin(t) ** 3, 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
        for t in (2 * math.pi * k / 72 for k in range(72))
    ]
    return [(x * size / 32, (z + 17) * size / 32) for x, z in raw][::-1]


def heart(at: Point3, size: float, body: Any, turn_deg: float) -> None:
    shapes.extruded(heart_outline(size), size * 0.35, body, at, bevel=0.0008, turn_deg=turn_deg)


def hearts_flat(rng: random.Random, p: Palette, at: Point3) -> None:
    """Paper hearts lying flat."""
    for k in range(4):
        made = shapes.extruded(
            heart_outline(rng.uniform(0.035, 0.075)),
            0.0012,
            materials.paper((p.accent, p.ceramic, p.light, p.dark)[k]),
            (0, 0, 0),
            bevel=0.0002,
        )
        made.location, made.rotation_euler = (
            moved(at, rng.uniform(-0.07, 0.07), rng.uniform(-0.07, 0.05), 0.0014 + 0.0014 * k),
            (-math.pi / 2, 0, rng.uniform(-0.6, 0.6)),
        )


def petal_of(tint: Colour) -> Any:
    """A flower petal: soft, each its own tone, light shining through."""
    g = materials.Graph("petal")
    own = g.island()
    body = g.mix(own, materials.shade(tint, 0.72), materials.shade(tint, 1.25))
    made = g.finish(roughness_known=0.6, Base_Color=body, Sheen_Weight=0.3, Specular_IOR_Level=0.25)
    lit = g.node("ShaderNodeBsdfTranslucent", Color=materials.shade(tint, 1.3))
    mix = g.node("ShaderNodeMixShader")
    mix.inputs[0].default_value = 0.3
    g.links.new(g.principled.outputs[0], mix.inputs[1])
    g.links.new(lit.outputs[0], mix.inputs[2])
    g.links.new(mix.outputs[0], g.nodes["Material Output"].inputs["Surface"])
    return made


def rose_red(p: Palette) -> Colour:
    """Roses are red, whatever the palette's accent."""
    return "#b3203a" if p.wall != PALETTES["wine"].wall else "#8f1226"


def petals(rng: random.Random, p: Palette, at: Point3) -> None:
    """Rose petals, scattered."""
    red = petal_of(rose_red(p))
    for _ in range(11):
        spot = moved(at, rng.gauss(0, 0.05), rng.gauss(0, 0.045))
        if math.hypot(spot[0], spot[1]) > 0.16:
            shapes.fallen_leaf(
                spot,
                red,
                length=rng.uniform(0.034, 0.05),
                kind="beech",
                turn_deg=rng.uniform(0, 360),
                seed=any_seed(rng),
            )


def roses(rng: random.Random, p: Palette, at: Point3) -> None:
    """A bunch of roses lying or standing low in a vase."""
    props.vase("moon", 0.11, materials.ceramic(p.light, glaze=0.6), at)
    for k in range(5):
        a = 2 * math.pi * k / 5
        out = 0.042 if k else 0.0
        head = moved(
            at,
            out * math.cos(a),
            out * math.sin(a) * 0.7,
            0.150 + rng.uniform(-0.012, 0.012) + (0.018 if not k else 0.0),
        )
        shapes.tube([moved(at, z=0.09), moved(head, z=-0.01)], 0.002, materials.plain("#5f7a45", 0.6), sides=6)
        rose(rng, head, rose_red(p))
    props.bunch(
        moved(at, z=0.115),
        5,
        leafy(p, "laurel"),
        materials.plain("#5f7a45", 0.6),
        kind="laurel",
        length=0.10,
        leaf=0.04,
        leaves=5,
        spread=1.0,
        seed=any_seed(rng),
    )


def rose(rng: random.Random, at: Point3, tint: Colour, size: float = 0.026) -> None:
    """A rose head of nested curled petals."""
    petal = petal_of(tint)
    vertices: list[Point3] = []
    faces: list[tuple[int, ...]] = []
    uv: list[tuple[float, float]] = []
    for layer in range(5):
        count, r = 3 + layer, size * (0.22 + 0.19 * layer)
        for k in range(count):
            turn = 2 * math.pi * (k + 0.5 * layer) / count + rng.uniform(-0.15, 0.15)
            width = 1.5 * math.pi / count + 0.35
            base, n, m = len(vertices), 10, 7
            for j in range(m + 1):
                v = j / m
                for i in range(n + 1):
                    u = i / n - 0.5
                    a = turn + u * width * 2 * (0.55 + 0.45 * math.sin(math.pi * min(1, v * 0.9)))
                    rolled = max(0.0, v - 0.72) * layer  # outer petals roll their rim outwards
                    flare = r * (0.30 + 0.62 * math.sin(v * 1.5)) + size * 0.22 * rolled
                    z = size * (
                        1.75 * v * (1 - 0.055 * layer) - 0.22 * (u * 2) ** 2 * v - 0.55 * rolled * max(0.0, v - 0.8)
                    )
                    vertices.append((at[0] + flare * math.cos(a), at[1] + flare * math.sin(a), at[2] + z))
                    uv.append((v * 0.8, u + 0.5))
            row = n + 1
            faces += [
                (base + j * row + i, base + j * row + i + 1, base + (j + 1) * row + i + 1, base + (j + 1) * row + i)
                for j in range(m)
                for i in range(n)
            ]
    shapes.mesh(vertices, faces, petal, uv=uv, sharp_deg=180, name="rose")


def roses_flat(rng: random.Random, p: Palette, at: Point3) -> None:
    """Rose heads with leaves in a corner of a flat-lay."""
    for k in range(3):
        rose(rng, moved(at, 0.055 * (k - 1), 0.035 * (k % 2)), rose_red(p) if k != 1 else p.light, 0.026)
    sprig("laurel", 0.16, 0.045, 6)(rng, p, at)


def pumpkins(rng: random.Random, p: Palette, at: Point3) -> None:
    for dx, dy, r, tint in ((0, 0, 0.060, "#c8682a"), (0.10, 0.07, 0.045, "#d9c9a8")):
        pumpkin(moved(at, dx * -inward(at), dy), r, tint)


def pumpkin(at: Point3, r: float, tint: Colour) -> None:
    ribs = [(r * math.sin(math.pi * k / 12) ** 0.8, r * 0.74 * (1 - math.cos(math.pi * k / 12))) for k in range(13)]
    body = shapes.lathe(ribs, materials.fruit(tint, pores=0.3), at, segments=160, sharp_deg=180)
    for v in body.data.vertices:
        squeeze = 1 - 0.075 * abs(math.cos(5 * math.atan2(v.co.y, v.co.x))) ** 6
        v.co.x, v.co.y = v.co.x * squeeze, v.co.y * squeeze
    shapes.tube(
        [moved(at, z=r * 1.40), moved(at, 0.003, 0, r * 1.62), moved(at, 0.012, 0, r * 1.80)],
        lambda s: 0.008 - 0.004 * s,
        materials.bark("#8a7a4a"),
    )


def leaves(rng: random.Random, p: Palette, at: Point3) -> None:
    """Autumn leaves, scattered."""
    dry = materials.dry_leaf()
    for k in range(9):
        spot = moved(at, rng.gauss(0, 0.06), rng.gauss(0, 0.06))
        if math.hypot(spot[0], spot[1]) > 0.17:
            shapes.fallen_leaf(
                spot,
                dry,
                length=rng.uniform(0.05, 0.08),
                kind=("maple", "beech")[k % 3 == 1],
                turn_deg=rng.uniform(0, 360),
                seed=any_seed(rng),
            )


def chestnuts(rng: random.Random, p: Palette, at: Point3) -> None:
    brown = materials.plain("#5a2a16", 0.22, coat=0.3, unevenness=0.3)
    for k in range(6):
        shapes.sphere(
            rng.uniform(0.013, 0.017),
            brown,
            moved(at, rng.uniform(-0.05, 0.05), rng.uniform(-0.04, 0.04)),
            squash=(1, 0.95, 0.8),
            lumps=0.06,
            seed=k,
        )


def nothing(rng: random.Random, p: Palette, at: Point3) -> None:
    """An empty place."""


THINGS: Mapping[str, Thing] = {
    "eucalyptus": vase_of("eucalyptus", "belly", 0.17),
    "eucalyptus_bottle": vase_of("eucalyptus", "bottle", 0.19, "light", count=4),
    "olive": vase_of("olive", "bottle", 0.19, "cloth", count=4, leaf=0.05, leaves=11),
    "olive_moon": vase_of("olive", "moon", 0.12, "dark", count=5, length=0.30, leaf=0.05, leaves=11),
    "olive_clay": vase_of("olive", "moon", 0.10, "accent", count=4, length=0.22, clay=True, leaves=11),
    "laurel": vase_of("laurel", "moon", 0.13, "dark", length=0.30, leaf=0.075, leaves=8, spread=0.8),
    "ruscus": vase_of("ruscus", "drop", 0.18, "light", count=5, length=0.26, leaf=0.05),
    "willow": vase_of("willow", "cylinder", 0.15, "ceramic", count=7, length=0.30, leaf=0.06, leaves=16, droop=1.0),
    "plumes": plumes,
    "blossom": blossom,
    "white_blossom": lambda r, p, a: blossom(r, p, a, petals="#f6f1ea"),
    "herbs": herbs,
    "trailing": trailing,
    "fern": fern,
    "sprig_eucalyptus": sprigs("eucalyptus"),
    "sprig_olive": sprigs("olive", 1),
    "sprig_laurel": sprig("laurel", 0.2, 0.06, 6),
    "sprig_ruscus": sprig("ruscus", 0.24, 0.045, 9),
    "sprig_willow": sprigs("willow"),
    "blossom_twig": blossom_twig,
    "fir_corner": fir_corner,
    "fir_side": fir_side,
    "fir_vase": fir_vase,
    "board": board,
    "lemons": lemons,
    "apples": apples,
    "pears": pears,
    "tomatoes": tomatoes,
    "eggs": eggs,
    "loaf": loaf,
    "oil": oil,
    "amber": amber,
    "crock": crock,
    "jars": jars,
    "bowls": bowls,
    "bowl": bowl,
    "dish": dish,
    "plates": plates,
    "coffee": coffee,
    "cup": cup,
    "tea": tea,
    "glassware": glassware,
    "spoons": spoons,
    "spice": spice,
    "beans": beans,
    "berries": berries,
    "citrus": citrus,
    "melon": melon,
    "lolly": lolly,
    "napkin": napkin,
    "striped": striped,
    "books": books,
    "books_candle": books_candle,
    "notebook": notebook,
    "pencils": pencils,
    "laptop": laptop,
    "lamp": lamp,
    "candle": candle,
    "candles": candles,
    "holders": holders,
    "tray": tray,
    "mirror": mirror,
    "ring": ring,
    "clock": clock,
    "keys": keys_bowl,
    "cushion": cushion,
    "throw": throw,
    "towels": towels,
    "soap": soap,
    "sponge": sponge,
    "brush": brush,
    "pebbles": pebbles,
    "cairn": cairn,
    "rocks": rocks,
    "log": log,
    "slice": slice_of_wood,
    "cones": cones,
    "mushrooms": mushrooms,
    "shells": shells,
    "starfish": starfish,
    "driftwood": driftwood,
    "blocks": blocks,
    "stacker": stacker,
    "ball": ball,
    "car": car,
    "bunny": bunny,
    "moon": moon,
    "dots": dots,
    "drum": drum,
    "block": block,
    "column": column,
    "arch": arch,
    "gate": gate,
    "stairs": stairs,
    "globe": globe,
    "balls": balls,
    "brass_ball": brass_ball,
    "glass_block": glass_block,
    "travertine_block": travertine_block,
    "paper_fan": paper_fan,
    "discs": discs,
    "tile_stack": tile_stack,
    "gift": gift,
    "gifts": gifts,
    "baubles": bauble("tint"),
    "gold_baubles": bauble("gold"),
    "star": star,
    "stars_flat": stars_flat,
    "cinnamon": cinnamon,
    "snow_heap": heap_of_snow,
    "mandarins": mandarins,
    "envelopes": envelopes,
    "coins": coins,
    "lantern": lantern,
    "hearts": hearts,
    "hearts_flat": hearts_flat,
    "petals": petals,
    "roses": roses,
    "roses_flat": roses_flat,
    "pumpkins": pumpkins,
    "leaves": leaves,
    "chestnuts": chestnuts,
}
