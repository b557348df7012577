"""Things that stand around a product: vases, bowls, books, fruit, candles, boards. Real sizes, metres."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from . import geometry as shapes
from . import materials
from .materials import Colour

Point3 = tuple[float, float, float]

VASES: dict[str, list[tuple[float, float]]] = {  # outer profile (radius, height) for a height of 1, from foot to lip
    "bottle": [(0.0, 0.0), (0.20, 0.0), (0.235, 0.05), (0.235, 0.46), (0.10, 0.68), (0.085, 0.93), (0.115, 1.0)],
    "belly": [(0.0, 0.0), (0.20, 0.0), (0.44, 0.34), (0.38, 0.66), (0.15, 0.84), (0.15, 0.95), (0.19, 1.0)],
    "cylinder": [(0.0, 0.0), (0.27, 0.0), (0.29, 0.03), (0.29, 0.97), (0.30, 1.0)],
    "drop": [(0.0, 0.0), (0.16, 0.0), (0.33, 0.18), (0.33, 0.36), (0.12, 0.74), (0.10, 0.95), (0.13, 1.0)],
    "moon": [(0.0, 0.0), (0.22, 0.0), (0.50, 0.30), (0.52, 0.52), (0.36, 0.84), (0.16, 0.94), (0.17, 1.0)],
}


def hollow(outer: Sequence[tuple[float, float]], wall: float) -> list[tuple[float, float]]:
    """The closed profile of a vessel: outside up, rounded lip, inside down."""
    inner = [(max(0.0, r - wall), z) for r, z in reversed(outer[2:])]
    top = outer[-1]
    lip = (top[0] - wall / 2, top[1] + wall * 0.45)
    return [*outer, lip, *inner, (0.0, max(inner[-1][1], wall * 1.6))]


def vase(kind: str, height: float, material: Any, at: Point3, *, seed: int = 0, wobble: float = 0.006) -> Any:
    """A thrown vase; kinds are the keys of VASES."""
    outer = [(r * height, z * height) for r, z in VASES[kind]]
    foot = shapes.fillet(outer[:3], 0.006)
    body = shapes.curve_through(outer[1:], steps=10)
    start = max(1, next(i for i, p in enumerate(body) if p[1] >= foot[-2][1]))
    return shapes.lathe(
        hollow([*foot[:-1], *body[start:]], 0.004), material, at, segments=112, wobble=wobble, seed=seed
    )


def bowl(radius: float, height: float, material: Any, at: Point3, *, seed: int = 0, foot: float = 0.42) -> Any:
    """An open bowl with a foot ring."""
    outer = shapes.fillet(
        [(0, 0), (foot * radius, 0), (foot * radius, 0.10 * height), (0.92 * radius, 0.62 * height), (radius, height)],
        [0, 0.003, 0.02, 0.35 * radius, 0],
        steps=10,
    )
    return shapes.lathe(hollow(outer, 0.0042), material, at, segments=128, wobble=0.008, seed=seed)


def plate(radius: float, material: Any, at: Point3, *, seed: int = 0) -> Any:
    """A flat plate with a raised rim."""
    outer = shapes.fillet([(0, 0), (0.6 * radius, 0), (0.72 * radius, 0.006), (radius, 0.017)], 0.01)
    return shapes.lathe(hollow(outer, 0.004), material, at, segments=128, wobble=0.004, seed=seed)


def cup(
    radius: float,
    height: float,
    material: Any,
    at: Point3,
    *,
    handle_deg: float | None = None,
    drink: Colour | None = None,
) -> None:
    """A cup, with a handle turned to ``handle_deg`` (0 is towards +x) and something in it."""
    outer = shapes.fillet(
        [(0, 0), (0.72 * radius, 0), (0.95 * radius, 0.25 * height), (radius, height)], [0, 0.008, 0.02, 0]
    )
    shapes.lathe(hollow(outer, 0.0035), material, at, segments=112, wobble=0.004)
    if drink is not None:
        level = 0.84 * height
        shapes.lathe([(0.0, level), (0.955 * radius, level)], materials.plain(drink, 0.12, coat=0.3), at, segments=96)
    if handle_deg is not None:
        a = math.radians(handle_deg)
        reach = 0.48 * height
        path = []
        for k in range(21):
            t = math.pi * (k / 20 - 0.5)
            out = 0.93 * radius + reach * 0.62 * math.cos(t)
            path.append(
                (
                    at[0] + out * math.cos(a),
                    at[1] + out * math.sin(a),
                    at[2] + height * 0.56 + reach * 0.62 * math.sin(t),
                )
            )
        shapes.sweep(path, 0.010, 0.006, material, side=(-math.sin(a), math.cos(a), 0))


def books(
    at: Point3,
    *,
    covers: Sequence[Colour],
    seed: int = 0,
    turn_deg: float = 0.0,
    size: tuple[float, float] = (0.19, 0.135),
) -> float:
    """A stack of cloth-bound books; returns the height of its top."""
    rng = random.Random(seed)
    z = at[2]
    for tint in covers:
        thick = rng.uniform(0.014, 0.028)
        w, d = size[0] * rng.uniform(0.9, 1.02), size[1] * rng.uniform(0.9, 1.02)
        turn = turn_deg + rng.uniform(-7, 7)
        cover = materials.paper(tint, grain=2.0)
        board = 0.0024
        shapes.rounded_box((w, d, board), cover, (at[0], at[1], z), bevel=0.0008, turn_deg=turn)
        shapes.rounded_box((w, d, board), cover, (at[0], at[1], z + thick - board), bevel=0.0008, turn_deg=turn)
        a = math.radians(turn)
        back = (at[0] - math.sin(a) * (-d / 2 + 0.0012), at[1] + math.cos(a) * (-d / 2 + 0.0012), z)
        shapes.rounded_box((w, 0.0024, thick), cover, back, bevel=0.0009, turn_deg=turn)
        shapes.rounded_box(
            (w - 0.007, d - 0.006, thick - 2 * board), page_edges(), (at[0], at[1], z + board), bevel=0, turn_deg=turn
        )
        z += thick
    return z


def page_edges() -> Any:
    """Cut paper: fine horizontal lines."""
    g = materials.Graph("pages")
    _, _, z = g.split(g.object_space())
    lines = g.noise(g.join(0.0, 0.0, z), 5200.0, detail=2)
    return g.finish(roughness_known=0.9, Base_Color=g.mix(g.step(lines, 0.3, 0.7), "#b9ab92", "#e9dfcb"))


def candle(
    at: Point3, *, radius: float = 0.034, height: float = 0.085, tint: Colour = "#f1e8d8", lit: bool = False
) -> None:
    """A pillar candle with a burnt hollow and a wick."""
    wax = materials.plain(tint, 0.5, unevenness=0.2)
    wax.node_tree.nodes["Principled BSDF"].inputs["Subsurface Weight"].default_value = 0.25
    wax.node_tree.nodes["Principled BSDF"].inputs["Subsurface Radius"].default_value = (0.006, 0.004, 0.002)
    body = shapes.fillet(
        [
            (0, 0),
            (radius, 0),
            (radius, height),
            (radius * 0.82, height),
            (0.3 * radius, height - 0.006),
            (0, height - 0.007),
        ],
        0.004,
    )
    shapes.lathe(body, wax, at, segments=96, wobble=0.006)
    shapes.tube(
        [(at[0], at[1], at[2] + height - 0.008), (at[0] + 0.001, at[1], at[2] + height + 0.006)],
        0.0009,
        materials.plain("#1a1512", 0.9),
    )
    if lit:
        glow = materials.Graph("flame")
        glow.put(glow.principled.inputs["Emission Color"], "#ffb65c")
        glow.principled.inputs["Emission Strength"].default_value = 9.0
        flame = shapes.lathe(
            [(0, 0), (0.0035, 0.004), (0.0042, 0.009), (0.0018, 0.020), (0, 0.026)],
            glow.material,
            (at[0], at[1], at[2] + height + 0.004),
        )
        flame.lightgroup = "ambient"


def lemon(at: Point3, *, tint: Colour = "#ecc02e", turn_deg: float = 0.0, seed: int = 0, radius: float = 0.028) -> Any:
    """A lemon lying on its side."""
    r = radius
    outline = [
        (0, -1.42),
        (0.10, -1.38),
        (0.20, -1.24),
        (0.62, -0.92),
        (0.95, -0.38),
        (1.0, 0.1),
        (0.86, 0.62),
        (0.5, 1.02),
        (0.2, 1.22),
        (0.06, 1.27),
        (0, 1.27),
    ]
    made = shapes.lathe(
        [(p * r, q * r) for p, q in shapes.fillet(outline, 0.25, steps=5)],
        materials.fruit(tint, blush="#d9c84a"),
        (at[0], at[1], at[2] + r * 0.97),
        wobble=0.03,
        seed=seed,
        sharp_deg=180,
    )
    made.rotation_euler = (math.pi / 2, 0, math.radians(turn_deg))
    return made


def orange(at: Point3, *, radius: float = 0.036, tint: Colour = "#e8862a", seed: int = 0) -> Any:
    """An orange or mandarin with its calyx."""
    made = shapes.sphere(radius, materials.fruit(tint), at, squash=(1, 1, 0.9), lumps=0.02, seed=seed)
    shapes.cylinder(
        0.0035,
        0.0016,
        materials.plain("#6d7a3a", 0.8),
        (at[0] + 0.003, at[1], at[2] + radius * 1.79),
        bevel=0.0006,
        segments=12,
    )
    return made


def pebble(at: Point3, length: float, material: Any, *, seed: int = 0, turn_deg: float = 0.0, flat: float = 0.5) -> Any:
    """A river stone."""
    return shapes.sphere(
        length / 2, material, at, squash=(1.0, 0.78, flat), lumps=0.12, seed=seed, lump_scale=1.1, turn_deg=turn_deg
    )


def pine_cone(at: Point3, *, length: float = 0.07, seed: int = 0, turn_deg: float = 0.0) -> None:
    """A pine cone lying on its side: scales in two spirals."""
    rng = random.Random(seed)
    vertices: list[Point3] = []
    faces: list[Sequence[int]] = []
    for i in range(95):
        t = i / 94
        a = i * math.radians(137.5)
        r = length * 0.30 * math.sin(math.pi * (0.10 + 0.86 * t)) ** 0.8
        z = length * t
        size = length * 0.17 * (1.1 - 0.5 * t)
        c, s = math.cos(a), math.sin(a)
        k = len(vertices)
        for across, out, up in (
            (-0.3, 0, 0),
            (0.3, 0, 0),
            (0.62, 0.75, 0.35),
            (0, 1.05, 0.42),
            (-0.62, 0.75, 0.35),
            (0, 0.7, 0.05),
        ):
            rr, w = r * 0.55 + out * size, across * size
            vertices.append((c * rr - s * w, s * rr + c * w, z + up * size * rng.uniform(0.7, 1.2)))
        faces += [
            (k, k + 1, k + 2, k + 3),
            (k, k + 3, k + 4),
            (k + 5, k + 1, k),
            (k + 5, k + 2, k + 1),
            (k + 5, k, k + 4),
            (k + 5, k + 4, k + 3),
            (k + 5, k + 3, k + 2),
        ]
    made = shapes.mesh(
        vertices, faces, materials.dry_leaf(("#5b3d27", "#6e4b2f", "#4a3020")), name="cone", sharp_deg=20
    )
    made.location = (at[0], at[1], at[2] + length * 0.30)
    made.rotation_euler = (math.radians(86), 0, math.radians(turn_deg))


def bunch(
    at: Point3,
    count: int,
    leaf_material: Any,
    stem_material: Any,
    *,
    kind: str = "eucalyptus",
    length: float = 0.28,
    leaf: float = 0.045,
    leaves: int = 9,
    spread: float = 0.5,
    seed: int = 0,
    droop: float = 0.6,
    lean: tuple[float, float] = (0, 0),
) -> None:
    """Twigs standing in a vase whose mouth is at ``at``."""
    rng = random.Random(seed)
    for i in range(count):
        a = 2 * math.pi * (i + rng.uniform(-0.3, 0.3)) / count
        out = spread * rng.uniform(0.45, 1.1)
        direction = (math.cos(a) * out + lean[0], math.sin(a) * out * 0.8 + lean[1], 1.0)
        shapes.branch(
            (at[0] + 0.006 * math.cos(a), at[1] + 0.006 * math.sin(a), at[2] - 0.05),
            direction,
            length * rng.uniform(0.75, 1.12),
            leaf_material,
            stem_material,
            kind=kind,
            leaf=leaf,
            leaves=leaves,
            droop=droop * rng.uniform(0.5, 1.4),
            seed=seed * 31 + i,
            bare=0.25,
        )


def grass_plumes(
    at: Point3, count: int, *, length: float = 0.42, seed: int = 0, tint: Colour = "#d8c19a", spread: float = 0.25
) -> None:
    """Dried bunny-tail or pampas stems: soft heads made of many fine hairs."""
    rng = random.Random(seed)
    stem, hair = materials.plain("#b99f72", 0.8), materials.plain(tint, 0.9)
    for _ in range(count):
        a = rng.uniform(0, 2 * math.pi)
        out = spread * rng.uniform(0.2, 1.0)
        tall = length * rng.uniform(0.7, 1.1)
        path = [
            (
                at[0] + math.cos(a) * out * t * t * tall,
                at[1] + math.sin(a) * out * t * t * tall,
                at[2] - 0.05 + tall * t,
            )
            for t in (k / 14 for k in range(15))
        ]
        shapes.tube(path, 0.0011, stem, sides=6)
        head_from = 10
        vertices: list[Point3] = []
        faces: list[Sequence[int]] = []
        for _ in range(420):
            t = rng.uniform(0, 1)
            k = head_from + t * (14 - head_from)
            j = min(13, int(k))
            f = k - j
            base = [p * (1 - f) + q * f for p, q in zip(path[j], path[j + 1], strict=True)]
            b = rng.uniform(0, 2 * math.pi)
            reach = 0.020 * math.sin(math.pi * min(0.97, 0.12 + 0.85 * t)) * rng.uniform(0.6, 1.2)
            tip = (
                base[0] + math.cos(b) * reach,
                base[1] + math.sin(b) * reach,
                base[2] + reach * rng.uniform(0.4, 1.4),
            )
            n = len(vertices)
            w = 0.0006
            vertices += [
                (base[0] - w * math.sin(b), base[1] + w * math.cos(b), base[2]),
                (base[0] + w * math.sin(b), base[1] - w * math.cos(b), base[2]),
                tip,
            ]
            faces.append((n, n + 1, n + 2))
        shapes.mesh(vertices, faces, hair, name="plume", smooth=False)


def baubles(at: Sequence[Point3], material: Any, radius: float = 0.03) -> None:
    """Christmas balls with their caps."""
    cap = materials.metal("gold", roughness=0.2)
    for i, p in enumerate(at):
        shapes.sphere(radius, material, p, seed=i)
        shapes.cylinder(
            radius * 0.2, radius * 0.22, cap, (p[0], p[1], p[2] + 2 * radius * 0.985), bevel=0.0008, segments=32
        )


def ribbon(path: Sequence[Point3], width: float, material: Any) -> Any:
    """A ribbon along a path, standing on its edge."""
    return shapes.sweep(path, width, 0.0006, material, side=(0, 0, 1), roundness=0.3, sides=8)
