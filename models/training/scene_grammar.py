"""The grammar of the scene model's training pictures: from a seed to a scene in words and numbers. No Blender here.

Every choice is written down as an attribute, so that what the model is told is what was rendered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from .layout import Solid, View, looking

Rgb = tuple[float, float, float]

PALETTE: Mapping[str, Rgb] = {  # scene-linear albedo
    "white": (0.82, 0.82, 0.81),
    "cream": (0.78, 0.69, 0.54),
    "beige": (0.58, 0.46, 0.33),
    "grey": (0.30, 0.30, 0.31),
    "charcoal": (0.045, 0.046, 0.05),
    "pink": (0.80, 0.44, 0.45),
    "red": (0.45, 0.03, 0.03),
    "terracotta": (0.50, 0.18, 0.09),
    "yellow": (0.78, 0.48, 0.07),
    "sage": (0.34, 0.42, 0.29),
    "dark_green": (0.03, 0.10, 0.055),
    "sky_blue": (0.32, 0.53, 0.74),
    "navy": (0.018, 0.032, 0.10),
    "lavender": (0.50, 0.42, 0.68),
    "brown": (0.14, 0.07, 0.04),
}
OWN = "own"  # the material's own colour
SURFACES = {
    "light_wood": 1.2,
    "dark_wood": 1.2,
    "white_marble": 1.1,
    "black_marble": 0.9,
    "green_marble": 0.8,
    "painted": 2.6,
    "linen": 1.0,
    "stone": 0.9,
    "concrete": 0.9,
    "sand": 0.9,
    "tile": 0.9,
    "gloss_black": 0.7,
}
COLOURED_SURFACES = ("painted", "linen", "tile")
BACKS = {
    "wall": 2.6,
    "plaster": 1.1,
    "interior_warm": 1.0,
    "interior_cool": 1.0,
    "garden": 1.0,
    "forest": 1.0,
    "city_night": 0.9,
    "window": 1.0,
    "sea": 0.8,
    "evening_sky": 0.8,
}
COLOURED_BACKS = ("sweep", "wall", "plaster")
PODIUMS = {"none": 1.9, "round": 1.0, "square": 0.8, "steps": 0.7}
PODIUM_MATERIALS = ("white_marble", "light_wood")
LIGHTS = {"soft": 1.3, "hard": 1.0, "bars": 1.0, "dappled": 0.9, "softbox": 1.0, "evening": 1.0}
SIDES = {"left": 1.2, "right": 1.2, "back": 0.8, "front": 0.7}
CAMERAS = {"eye_level": 1.4, "three_quarter": 1.2, "top_down": 0.7}
ACCENTS = {
    "none": 5.6,
    "greenery": 0.55,
    "flowers": 0.5,
    "christmas": 0.5,
    "autumn": 0.5,
    "pebbles": 0.4,
    "lanterns": 0.45,
}
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "surface": tuple(SURFACES),
    "surface_colour": (OWN, *PALETTE),
    "back": ("none", "sweep", *BACKS),
    "back_colour": (OWN, *PALETTE),
    "podium": tuple(PODIUMS),
    "podium_colour": (OWN, *PALETTE, *PODIUM_MATERIALS),
    "light": tuple(LIGHTS),
    "side": tuple(SIDES),
    "camera": tuple(CAMERAS),
    "accent": tuple(ACCENTS),
}
SIDE_AZIMUTH_DEG = {"left": 160.0, "right": 20.0, "back": 90.0, "front": -90.0}  # from +x, counter-clockwise from above


@dataclass(frozen=True, slots=True)
class LightKind:
    """One way to light a scene. Irradiances in the units in which white paper under 3.1 shows as 0.8."""

    is_sun: bool
    elevation_deg: float
    size: float  # a sun's angular diameter in degrees, an area light's edge in metres
    distance_m: float  # area lights only
    key: float  # irradiance on a surface that faces the light
    ambient: float  # radiance of the surrounding
    key_rgb: Rgb
    ambient_rgb: Rgb


LIGHT_KINDS: Mapping[str, LightKind] = {
    "soft": LightKind(False, 42, 1.2, 2.2, 2.7, 0.36, (1.0, 0.97, 0.93), (0.94, 0.97, 1.0)),
    "hard": LightKind(True, 43, 0.9, 0.0, 3.6, 0.24, (1.0, 0.96, 0.89), (0.90, 0.95, 1.0)),
    "bars": LightKind(True, 36, 0.8, 0.0, 4.2, 0.24, (1.0, 0.93, 0.80), (0.95, 0.97, 1.0)),
    "dappled": LightKind(True, 50, 1.6, 0.0, 3.9, 0.30, (1.0, 0.95, 0.84), (0.93, 1.0, 0.95)),
    "softbox": LightKind(False, 60, 1.5, 1.7, 1.9, 0.58, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "evening": LightKind(True, 24, 3.0, 0.0, 4.2, 0.17, (1.0, 0.62, 0.33), (0.82, 0.80, 1.0)),
}


@dataclass(frozen=True, slots=True)
class Materials:
    surface: str
    surface_colour: str
    back_colour: str
    podium_colour: str
    seed: int  # of the shaders' own variation


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a scene: its camera, light and materials."""

    attributes: Mapping[str, str]
    view: View
    fstop: float
    light: str
    light_azimuth_deg: float
    light_elevation_deg: float
    strength: tuple[float, float]  # key and ambient, factors on the light kind's own
    materials: Materials
    seed: int


@dataclass(frozen=True, slots=True)
class Scene:
    index: int
    back: str
    back_y: float
    floor_z: float
    podium: str
    solids: tuple[Solid, ...]
    accent: str
    shots: tuple[Shot, ...]


def pick(rng: Generator, weights: Mapping[str, float]) -> str:
    names = list(weights)
    p = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=p / p.sum()))]


def build_podium(rng: Generator, kind: str) -> tuple[float, tuple[Solid, ...]]:
    """Height of the floor below the podium's top, and the podium's blocks."""
    if kind == "none":
        return 0.0, ()
    height = float(rng.uniform(0.04, 0.16))
    radius = float(rng.uniform(0.13, 0.23))
    turn = float(rng.uniform(-0.4, 0.4))
    is_round = kind == "round" or (kind == "steps" and rng.random() < 0.5)
    half = (radius, radius if is_round else radius * float(rng.uniform(0.8, 1.0)))
    top = Solid(is_round, (0.0, 0.0), half, -height, 0.0, turn)
    if kind != "steps":
        return -height, (top,)
    low = height * float(rng.uniform(0.4, 0.6))
    grow = float(rng.uniform(1.3, 1.6))
    shift = (float(rng.choice([-1, 1])) * radius * float(rng.uniform(0.0, 0.5)), float(rng.uniform(-0.1, 0.1)) * radius)
    step = Solid(is_round, shift, (half[0] * grow, half[1] * grow), -height, -low, turn)
    return -height, (top, step)


CAMERA_RANGES: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {  # elevation deg, contact's height
    "eye_level": ((4.5, 15.0), (0.68, 0.84)),
    "three_quarter": ((18.0, 40.0), (0.60, 0.76)),
    "top_down": ((57.0, 86.0), (0.50, 0.64)),
}


def draw_camera(rng: Generator, kind: str, podium: str) -> View:
    elevation, contact = CAMERA_RANGES[kind]
    return looking(
        elevation_deg=float(rng.uniform(*elevation)),
        azimuth_deg=float(rng.uniform(-1.5, 1.5)),
        focal=float(rng.uniform(1.35, 2.5)),
        view_width_m=float(rng.uniform(0.55, 0.9)) * {"none": 1.0, "steps": 1.35}.get(podium, 1.15),
        contact=(float(rng.uniform(0.45, 0.55)), float(rng.uniform(*contact))),
    )


def draw_materials(rng: Generator, back: str, podium: str) -> Materials:
    colours = dict.fromkeys(PALETTE, 1.0)
    surface = "painted" if back == "sweep" else pick(rng, SURFACES)
    surface_colour = pick(rng, colours) if surface in COLOURED_SURFACES else OWN
    back_colour = pick(rng, colours) if back in COLOURED_BACKS else OWN
    if back == "sweep" or (back == "wall" and surface == "painted" and rng.random() < 0.25):
        back_colour = surface_colour
    podium_colours = (
        colours | dict.fromkeys(PODIUM_MATERIALS, 2.5) | ({surface_colour: 3.0} if surface_colour != OWN else {})
    )
    podium_colour = pick(rng, podium_colours) if podium != "none" else OWN
    return Materials(surface, surface_colour, back_colour, podium_colour, int(rng.integers(1 << 31)))


def back_is_seen(view: View, scene_floor_z: float, back_y: float) -> bool:
    """Whether at least 3 % of the picture is background."""
    from .layout import BACK, draw

    return float(draw(view, (), scene_floor_z, back_y, 32, 32)[BACK].mean()) > 0.03


def draw_scene(seed: int, index: int, n_shots: int = 4) -> Scene:
    """Scene ``index`` of the data set ``seed``: the same arguments give the same scene on every machine."""
    rng = np.random.default_rng([seed, index])
    back = "sweep" if rng.random() < 0.2 else pick(rng, BACKS)
    back_y = float(rng.uniform(0.35, 1.1)) if back in COLOURED_BACKS else float(rng.uniform(0.25, 0.8))
    podium = pick(rng, PODIUMS)
    accent = pick(rng, ACCENTS)
    floor_z, solids = build_podium(rng, podium)
    shots: list[Shot] = []
    materials = draw_materials(rng, back, podium)
    for i in range(n_shots):
        if i and i % 2 == 0:
            materials = draw_materials(rng, back, podium)
        camera, light, side = pick(rng, CAMERAS), pick(rng, LIGHTS), pick(rng, SIDES)
        view = draw_camera(rng, camera, podium)
        kind = LIGHT_KINDS[light]
        seen = back_is_seen(view, floor_z, back_y)
        attributes = {
            "surface": materials.surface,
            "surface_colour": materials.surface_colour,
            "back": back if seen else "none",
            "back_colour": materials.back_colour if seen else OWN,
            "podium": podium,
            "podium_colour": materials.podium_colour,
            "light": light,
            "side": side,
            "camera": camera,
            "accent": accent,
        }
        shots.append(
            Shot(
                attributes=attributes,
                view=view,
                fstop=float(rng.choice([2.8, 4.0, 5.6, 8.0])),
                light=light,
                light_azimuth_deg=SIDE_AZIMUTH_DEG[side] + float(rng.uniform(-10, 10)),
                light_elevation_deg=kind.elevation_deg + float(rng.uniform(-5, 5)),
                strength=(float(rng.uniform(0.9, 1.1)), float(rng.uniform(0.85, 1.15))),
                materials=materials,
                seed=int(rng.integers(1 << 31)),
            )
        )
    return Scene(index, back, back_y, floor_z, podium, solids, accent, tuple(shots))


def light_direction(azimuth_deg: float, elevation_deg: float) -> Rgb:
    """Unit vector from the standing point to the light."""
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    return (math.cos(a) * math.cos(e), math.sin(a) * math.cos(e), math.sin(e))


def label(seed: int, scene: Scene, shot_index: int) -> dict[str, Any]:
    """What is written beside a picture: one line of the label file."""
    shot = scene.shots[shot_index]
    return {
        "id": f"{seed}-{scene.index:05d}-{shot_index}",
        "seed": seed,
        "scene": scene.index,
        "shot": shot_index,
        "attributes": dict(shot.attributes),
        "view": {
            "rotation": shot.view.rotation.round(6).tolist(),
            "position": shot.view.position.round(5).tolist(),
            "focal": shot.view.focal,
            "centre": list(shot.view.centre),
        },
        "floor_z": scene.floor_z,
        "back_y": scene.back_y,
        "solids": [solid.as_json() for solid in scene.solids],
        "light": {
            "azimuth_deg": shot.light_azimuth_deg,
            "elevation_deg": shot.light_elevation_deg,
            "strength": list(shot.strength),
        },
        "fstop": shot.fstop,
    }
