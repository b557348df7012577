"""Stand-in products for trials: shapes that advertisements are full of, drawn from a seed, standing on z = 0.

Needs ``bpy`` (Blender as a module). Each builder takes a random generator and returns the objects of one product, real
sizes in metres, front towards -y.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import bpy
from PIL import Image, ImageDraw

from .blender import geometry, materials, props
from .product_objects import Shader

TINTS = ("#1f5d57", "#b3472f", "#e7dfd0", "#24324f", "#d9a441", "#7d8f6a", "#c9b2c6", "#f2f1ee", "#2b2b2d")


def bottle(rng: random.Random) -> list[Any]:
    """A turned cosmetic bottle with a cap."""
    radius, tall = rng.uniform(0.024, 0.036), rng.uniform(0.11, 0.16)
    body = geometry.fillet(
        [(0, 0), (radius, 0), (radius, tall), (0.45 * radius, tall + 0.012), (0, tall + 0.012)], [0, 0.003, 0.012, 0, 0]
    )
    cap_low = tall + 0.0122
    cap = geometry.fillet(
        [(0, cap_low), (0.62 * radius, cap_low), (0.62 * radius, cap_low + 0.034), (0, cap_low + 0.034)], 0.002
    )
    return [
        geometry.lathe(body, _printed(rng, radius, 0.15 * tall, 0.8 * tall), segments=160),
        geometry.lathe(cap, materials.plain(rng.choice(TINTS), 0.35)),
    ]


def box(rng: random.Random) -> list[Any]:
    """A carton with bands and a title."""
    size = (rng.uniform(0.07, 0.11), rng.uniform(0.04, 0.08), rng.uniform(0.10, 0.17))
    tint, band = rng.sample(TINTS, 2)
    body = geometry.rounded_box(size, materials.plain(tint, 0.5), bevel=0.0008)
    front = geometry.rounded_box(
        (0.76 * size[0], 0.0006, 0.42 * size[2]), materials.plain(band, 0.5), (0, -size[1] / 2, 0.3 * size[2]), bevel=0
    )
    return [body, front]


def can(rng: random.Random) -> list[Any]:
    """A drink can: printed aluminium, bright rims."""
    radius, tall = 0.033, rng.choice((0.115, 0.135, 0.168))
    steel = materials.metal("steel", roughness=0.18)
    body = geometry.fillet([(0.026, 0.006), (radius, 0.014), (radius, tall - 0.012), (0.0275, tall - 0.003)], 0.004)
    rims = geometry.fillet([(0, 0.004), (0.023, 0.004), (0.0255, 0.0), (0.0275, 0.0035), (0.026, 0.006)], 0.0008)
    top = geometry.fillet(
        [(0.0275, tall - 0.003), (0.0272, tall), (0.0255, tall), (0.025, tall - 0.005), (0, tall - 0.005)], 0.0006
    )
    paint = _printed(rng, radius, 0.2 * tall, 0.75 * tall, metallic=0.75, rough=0.26)
    return [geometry.lathe(body, paint, segments=160), geometry.lathe(rims, steel), geometry.lathe(top, steel)]


def jar(rng: random.Random) -> list[Any]:
    """A cream jar with a metal lid."""
    radius, tall = rng.uniform(0.03, 0.042), rng.uniform(0.03, 0.045)
    body = geometry.fillet([(0, 0), (radius, 0), (radius, tall), (0, tall)], [0, 0.005, 0.003, 0])
    lid = geometry.fillet(
        [(0, tall), (1.02 * radius, tall), (1.02 * radius, tall + 0.019), (0, tall + 0.019)], [0, 0.001, 0.002, 0]
    )
    kind = rng.choice(("brass", "copper", "steel"))
    return [
        geometry.lathe(body, _printed(rng, radius, 0.2 * tall, 0.8 * tall, base="#f1efea"), segments=160),
        geometry.lathe(lid, materials.metal(kind, roughness=0.28), segments=160),
    ]


def mug(rng: random.Random) -> list[Any]:
    """A mug whose handle points sideways."""
    radius, tall = rng.uniform(0.038, 0.044), rng.uniform(0.085, 0.105)
    glaze = materials.ceramic(rng.choice(TINTS[:7]), speckle=rng.choice((0.0, 0.8)), roughness=0.3, glaze=0.6)
    outer = geometry.fillet([(0, 0), (0.8 * radius, 0), (radius, 0.012), (radius, tall)], [0, 0.003, 0.01, 0])
    wall = geometry.lathe(props.hollow(outer, 0.0038), glaze, segments=144)
    ear = []
    for angle in (math.pi * (0.5 - k / 40) for k in range(41)):
        reach = 0.029 * max(math.cos(angle), 0.0) ** 0.8
        ear.append((radius + reach - 0.002, 0.0, 0.5 * tall + 0.031 * math.sin(angle)))
    handle = geometry.sweep(ear, 0.011, 0.0065, glaze, side=(0, 1, 0), roundness=0.85)
    return [wall, handle]


def plant(rng: random.Random) -> list[Any]:
    """A pot plant: many thin leaves that let light through."""
    before = set(bpy.data.objects)
    pot = materials.clay("#b9694a") if rng.random() < 0.5 else materials.ceramic("#ece6da", speckle=0.6)
    foot = geometry.fillet([(0, 0), (0.034, 0), (0.047, 0.075), (0.051, 0.076), (0.052, 0.09)], 0.002)
    geometry.lathe(props.hollow(foot, 0.005), pot)
    geometry.cylinder(0.043, 0.004, materials.stone("#3a2c20", rough_scale=0.5), (0, 0, 0.078))
    props.bunch(
        (0, 0, 0.11),
        12,
        materials.leaf("#4d7a35", bloom=0.0, gloss_=0.35, spread=0.5, through=0.35),
        materials.plain("#6a8a45", 0.6),
        kind=rng.choice(("laurel", "eucalyptus")),
        length=0.13,
        leaf=0.036,
        leaves=7,
        spread=0.9,
        droop=0.5,
        seed=rng.randrange(10_000),
    )
    return [made for made in bpy.data.objects if made not in before]


def glass_bottle(rng: random.Random) -> list[Any]:
    """A tinted glass bottle with a paper label and a cork."""
    radius, tall = rng.uniform(0.030, 0.036), rng.uniform(0.19, 0.24)
    shoulder, neck = 0.62 * tall, 0.0135
    outer = geometry.fillet(
        [(0, 0.002), (radius - 0.004, 0), (radius, 0.004), (radius, shoulder), (neck, 0.78 * tall), (neck, tall)],
        [0, 0.001, 0.003, 0.02, 0.02, 0],
        10,
    )
    inner = [(max(r - 0.0028, 0.0), max(z, 0.008)) for r, z in reversed(outer[3:])] + [(0.0, 0.008)]
    tint = rng.choice(("#8fae7a", "#c98a3c", "#dfeae6", "#7fa3b8"))
    glass = geometry.lathe([*outer, *inner], _clear(tint), segments=160, sharp_deg=60)
    low, high = 0.16 * tall, 0.46 * tall
    label = geometry.lathe(
        [(radius + 0.0003, low), (radius + 0.0004, high)], _printed(rng, radius, low, high, base="#efe9dc")
    )
    cork = geometry.cylinder(0.0118, 0.02, materials.plain("#b98f62", 0.8), (0, 0, tall - 0.012), bevel=0.001)
    return [glass, label, cork]


def flask(rng: random.Random) -> list[Any]:
    """Polished metal: shows its surroundings."""
    radius, tall = rng.uniform(0.032, 0.037), rng.uniform(0.19, 0.24)
    body = geometry.fillet(
        [
            (0, 0),
            (radius, 0),
            (radius, 0.76 * tall),
            (0.55 * radius, 0.88 * tall),
            (0.55 * radius, 0.9 * tall),
            (0, 0.9 * tall),
        ],
        [0, 0.003, 0.03, 0.004, 0, 0],
        10,
    )
    steel = materials.metal(rng.choice(("steel", "copper")), roughness=rng.uniform(0.12, 0.3), brushed=0.5)
    cap = geometry.cylinder(0.6 * radius, 0.1 * tall, materials.plain("#1a1a1b", 0.4), (0, 0, 0.9 * tall), bevel=0.002)
    return [geometry.lathe(body, steel, segments=160), cap]


def tube(rng: random.Random) -> list[Any]:
    """A low tin with rounded corners, twice as wide as deep."""
    size = (rng.uniform(0.09, 0.13), rng.uniform(0.05, 0.07), rng.uniform(0.035, 0.05))
    tin = geometry.rounded_box(size, materials.plain(rng.choice(TINTS), 0.3), bevel=0.012, segments=6)
    lid = geometry.rounded_box(
        (size[0] + 0.002, size[1] + 0.002, 0.012), materials.metal("steel", roughness=0.25), (0, 0, size[2] - 0.004),
        bevel=0.004, segments=5,
    )  # fmt: skip
    return [tin, lid]


def _clear(tint: str) -> Any:
    """Glass that lets light through, tinted, in place of caustics."""
    return materials.glass(tint)


def _printed(
    rng: random.Random,
    radius: float,
    low: float,
    high: float,
    *,
    base: str | None = None,
    metallic: float = 0.0,
    rough: float = 0.38,
) -> Any:
    """Paint with a printed field around the body."""
    tint = base or rng.choice(TINTS)
    ink = rng.choice([t for t in TINTS if t != tint])
    wide, tall = 640, max(int(640 * (high - low) / (2 * math.pi * radius)), 40)
    art = Image.new("RGB", (wide, tall), tint)
    pen = ImageDraw.Draw(art)
    pen.rectangle((0, 0.12 * tall, wide, 0.16 * tall), fill=ink)
    pen.rectangle((0, 0.84 * tall, wide, 0.88 * tall), fill=ink)
    for k in range(4):
        y = (0.30 + 0.13 * k) * tall
        half = (0.16, 0.11, 0.13, 0.07)[k] * wide
        pen.rectangle((wide / 2 - half, y, wide / 2 + half, y + 0.06 * tall), fill=ink)
    s = Shader("printed", materials.colour(tint), rough, metallic=metallic)
    band = s.picture(art, s.around(low, high))
    z = s.axis("Z")
    inside = s.math("MULTIPLY", s.math("GREATER_THAN", z, low), s.math("LESS_THAN", z, high))
    s.set("Base Color", s.mix(inside, materials.colour(tint), band))
    return s.material


BUILDERS: dict[str, Callable[[random.Random], list[Any]]] = {
    "bottle": bottle,
    "box": box,
    "can": can,
    "jar": jar,
    "mug": mug,
    "plant": plant,
    "glass": glass_bottle,
    "metal": flask,
    "tin": tube,
}
