"""Builds the scenes of the grammar in Blender and photographs them. Runs in Blender's own Python only.

Blender (bpy) is GPL-3 and stays a tool in an environment of its own; the pictures it makes are ours.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import bpy  # type: ignore[import-not-found]
import mathutils  # type: ignore[import-not-found]
import numpy as np
import OpenEXR  # type: ignore[import-not-found]
from numpy.random import Generator
from numpy.typing import NDArray

from . import scene_cards
from .layout import Solid
from .scene_grammar import (
    LIGHT_KINDS,
    OWN,
    PALETTE,
    LightKind,
    Materials,
    Rgb,
    Scene,
    Shot,
    light_direction,
)

FLOOR_HALF_M = 6.0  # the floor reaches further than any camera sees
SENSOR_MM = 36.0
SAMPLES = 6  # with the denoiser; the model learns from pictures averaged over 4x4 pixels


class Shader:
    """A short way to write a Principled material."""

    def __init__(self, name: str, rng: Generator) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.nodes, self.links = self.material.node_tree.nodes, self.material.node_tree.links
        self.out = self.nodes["Principled BSDF"]
        self.rng = rng

    def set(self, name: str, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, self.out.inputs[name])
        else:
            self.out.inputs[name].default_value = (*value, 1) if isinstance(value, tuple) else value

    def where(self, scale: tuple[float, float, float] = (1, 1, 1), turn: float = 0.0) -> Any:
        """World metres, scaled, turned and shifted by chance."""
        position = self.nodes.new("ShaderNodeNewGeometry").outputs["Position"]
        mapping = self.nodes.new("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = scale
        mapping.inputs["Rotation"].default_value = (0, 0, turn)
        mapping.inputs["Location"].default_value = tuple(self.rng.uniform(-20, 20, 3))
        self.links.new(position, mapping.inputs["Vector"])
        return mapping.outputs[0]

    def noise(self, vector: Any, scale: float, detail: float = 4, rough: float = 0.55, distortion: float = 0.0) -> Any:
        node = self.nodes.new("ShaderNodeTexNoise")
        for name, value in (("Scale", scale), ("Detail", detail), ("Roughness", rough), ("Distortion", distortion)):
            node.inputs[name].default_value = value
        self.links.new(vector, node.inputs["Vector"])
        return node.outputs["Fac"]

    def maths(self, operation: str, *values: Any) -> Any:
        node = self.nodes.new("ShaderNodeMath")
        node.operation = operation
        for i, value in enumerate(values):
            if isinstance(value, bpy.types.NodeSocket):
                self.links.new(value, node.inputs[i])
            else:
                node.inputs[i].default_value = value
        return node.outputs[0]

    def ramp(self, factor: Any, *stops: tuple[float, Rgb]) -> Any:
        node = self.nodes.new("ShaderNodeValToRGB")
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, rgb) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*rgb, 1)
        self.links.new(factor, node.inputs[0])
        return node.outputs[0]

    def multiply(self, a: Any, b: Any) -> Any:
        node = self.nodes.new("ShaderNodeMix")
        node.data_type, node.blend_type = "RGBA", "MULTIPLY"
        node.inputs[0].default_value = 1
        self.links.new(a, node.inputs[6])
        self.links.new(b, node.inputs[7])
        return node.outputs[2]

    def bump(self, height: Any, strength: float, distance: float) -> None:
        node = self.nodes.new("ShaderNodeBump")
        node.inputs["Strength"].default_value = strength
        node.inputs["Distance"].default_value = distance
        self.links.new(height, node.inputs["Height"])
        self.links.new(node.outputs[0], self.out.inputs["Normal"])


def shade(rgb: Rgb, factor: float) -> Rgb:
    return (rgb[0] * factor, rgb[1] * factor, rgb[2] * factor)


def wood(s: Shader, light: Rgb, dark: Rgb) -> None:
    rng = s.rng
    turn = float(rng.choice([0.0, math.pi / 2])) + float(rng.uniform(-0.06, 0.06))
    along = s.where((1, 0.09, 1), turn)
    grain = s.noise(along, float(rng.uniform(7, 13)), 3, 0.5, 0.8)
    fine = s.noise(along, float(rng.uniform(90, 140)), 3, 0.6)
    rings = s.maths("PINGPONG", s.maths("MULTIPLY_ADD", fine, 0.10, grain), 0.14)
    colour = s.ramp(s.maths("MULTIPLY", rings, 7.0), (0.0, dark), (0.45, shade(light, 0.8)), (1.0, light))
    boards = s.nodes.new("ShaderNodeTexBrick")
    s.links.new(s.where((1, 1, 1), turn + math.pi / 2), boards.inputs["Vector"])
    for name, value in (
        ("Scale", 1.0),
        ("Mortar Size", 0.0012),
        ("Brick Width", 1.6),
        ("Row Height", float(rng.uniform(0.09, 0.2))),
    ):
        boards.inputs[name].default_value = value
    boards.inputs["Color1"].default_value = (1, 1, 1, 1)
    boards.inputs["Color2"].default_value = (0.8, 0.8, 0.8, 1)
    boards.inputs["Mortar"].default_value = (0.25, 0.22, 0.2, 1)
    s.set("Base Color", s.multiply(colour, boards.outputs["Color"]))
    s.set("Roughness", float(rng.uniform(0.28, 0.55)))
    s.bump(fine, 0.12, 0.002)


def marble(s: Shader, base: Rgb, vein: Rgb, cloud: float) -> None:
    rng = s.rng
    here = s.where((1, 1, 1), float(rng.uniform(0, 3)))
    field = s.noise(here, float(rng.uniform(1.3, 2.4)), 5, 0.5, float(rng.uniform(0.6, 1.3)))
    ridge = s.maths("ABSOLUTE", s.maths("SUBTRACT", field, 0.5))
    middle = (base[0] * 0.7 + vein[0] * 0.3, base[1] * 0.7 + vein[1] * 0.3, base[2] * 0.7 + vein[2] * 0.3)
    veins = s.ramp(ridge, (0.0, vein), (0.007, middle), (0.035, base))
    mottle = s.ramp(s.noise(here, 3.5, 5, 0.6, 0.4), (0.3, (cloud, cloud, cloud)), (0.7, (1.0, 1.0, 1.0)))
    s.set("Base Color", s.multiply(veins, mottle))
    s.set("Roughness", float(rng.uniform(0.06, 0.22)))


def linen(s: Shader, rgb: Rgb) -> None:
    s.set("Base Color", rgb)
    s.set("Roughness", 0.9)
    s.set("Sheen Weight", 0.3)
    turn = float(s.rng.uniform(-0.7, 0.7))
    folds = s.noise(s.where((1.6, 0.5, 1), turn), float(s.rng.uniform(3.0, 5.0)), 2.0, 0.35, 0.25)
    s.bump(folds, float(s.rng.uniform(0.5, 0.9)), 0.09)


def plain(s: Shader, rgb: Rgb) -> None:
    s.set("Base Color", rgb)
    s.set("Roughness", float(s.rng.uniform(0.4, 0.8)))


def plaster(s: Shader, rgb: Rgb) -> None:
    field = s.noise(s.where(), float(s.rng.uniform(2.5, 6)), 6, 0.6, 0.5)
    s.set("Base Color", s.ramp(field, (0.3, shade(rgb, 0.8)), (0.7, rgb)))
    s.set("Roughness", 0.9)
    s.bump(field, float(s.rng.uniform(0.4, 0.8)), 0.03)


def concrete(s: Shader) -> None:
    here = s.where()
    grey = float(s.rng.uniform(0.22, 0.42))
    s.set(
        "Base Color",
        s.ramp(
            s.noise(here, 5, 8, 0.62), (0.3, (grey * 0.72, grey * 0.71, grey * 0.69)), (0.7, (grey, grey, grey * 0.97))
        ),
    )
    s.set("Roughness", float(s.rng.uniform(0.55, 0.85)))
    s.bump(s.noise(here, 60, 5, 0.6), 0.25, 0.003)


def stone(s: Shader) -> None:
    """Travertine: warm beige layers with pores."""
    turn = float(s.rng.uniform(-0.3, 0.3))
    layers = s.noise(s.where((0.35, 2.2, 2.2), turn), float(s.rng.uniform(5, 9)), 5, 0.6, 0.5)
    tone = float(s.rng.uniform(0.8, 1.1))
    s.set(
        "Base Color",
        s.ramp(
            layers,
            (0.32, shade((0.34, 0.26, 0.18), tone)),
            (0.5, shade((0.56, 0.46, 0.34), tone)),
            (0.7, shade((0.68, 0.60, 0.47), tone)),
        ),
    )
    s.set("Roughness", float(s.rng.uniform(0.45, 0.75)))
    s.bump(layers, 0.35, 0.01)


def sand(s: Shader) -> None:
    speck = s.noise(s.where(), 320, 2, 0.7)
    s.set("Base Color", s.ramp(speck, (0.3, (0.52, 0.36, 0.20)), (0.7, (0.74, 0.56, 0.36))))
    s.set("Roughness", 0.95)
    ripples = s.noise(
        s.where((0.7, 3.2, 1), float(s.rng.uniform(-0.5, 0.5))), float(s.rng.uniform(4.0, 7.0)), 2, 0.4, 0.5
    )
    s.bump(ripples, 0.9, 0.05)


def tile(s: Shader, rgb: Rgb) -> None:
    bricks = s.nodes.new("ShaderNodeTexBrick")
    s.links.new(s.where((1, 1, 1), float(s.rng.choice([0.0, math.pi / 4]))), bricks.inputs["Vector"])
    edge = float(s.rng.uniform(0.08, 0.14))
    bricks.offset = 0.0
    for name, value in (("Scale", 1.0), ("Mortar Size", 0.0022), ("Brick Width", edge), ("Row Height", edge)):
        bricks.inputs[name].default_value = value
    bricks.inputs["Color1"].default_value = (*rgb, 1)
    bricks.inputs["Color2"].default_value = (*shade(rgb, 0.88), 1)
    is_light = sum(rgb) > 0.9
    bricks.inputs["Mortar"].default_value = (*((0.35, 0.34, 0.33) if is_light else (0.45, 0.45, 0.44)), 1)
    s.set("Base Color", bricks.outputs["Color"])
    s.set("Roughness", float(s.rng.uniform(0.1, 0.25)))


def surface_material(name: str, colour: str, rng: Generator) -> Any:
    """The material of a surface, podium or wall by its word."""
    s = Shader(name, rng)
    rgb = jitter(PALETTE[colour], rng) if colour in PALETTE else (0.5, 0.5, 0.5)
    if name == "light_wood":
        tone = float(rng.uniform(0.85, 1.15))
        wood(s, shade((0.60, 0.42, 0.25), tone), shade((0.38, 0.23, 0.115), tone))
    elif name == "dark_wood":
        tone = float(rng.uniform(0.7, 1.3))
        wood(s, shade((0.15, 0.072, 0.036), tone), shade((0.05, 0.023, 0.012), tone))
    elif name == "white_marble":
        marble(s, (0.80, 0.79, 0.775), (0.33, 0.33, 0.34), 0.88)
    elif name == "black_marble":
        marble(s, (0.013, 0.013, 0.015), (0.50, 0.46, 0.40), 0.6)
    elif name == "green_marble":
        marble(s, (0.018, 0.085, 0.055), (0.34, 0.46, 0.38), 0.55)
    elif name == "linen":
        linen(s, rgb)
    elif name == "stone":
        stone(s)
    elif name == "concrete":
        concrete(s)
    elif name == "sand":
        sand(s)
    elif name == "tile":
        tile(s, rgb)
    elif name == "plaster":
        plaster(s, rgb)
    elif name == "gloss_black":
        s.set("Base Color", (0.010, 0.010, 0.011))
        s.set("Roughness", float(rng.uniform(0.03, 0.12)))
    else:
        plain(s, rgb)
    return s.material


def jitter(rgb: Rgb, rng: Generator) -> Rgb:
    """The same word for a slightly different paint."""
    factor = rng.uniform(0.92, 1.08) * (1 + rng.uniform(-0.04, 0.04, 3))
    return (
        float(min(rgb[0] * factor[0], 0.86)),
        float(min(rgb[1] * factor[1], 0.86)),
        float(min(rgb[2] * factor[2], 0.86)),
    )


class Stage:
    """One Blender scene that is emptied and built again for every scene of the grammar."""

    def __init__(self, scratch: Path, size_px: int = 128, threads: int = 1, samples: int = SAMPLES) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.scratch = scratch
        self.panoramas = load_panoramas()
        self._settings(size_px, threads, samples)
        self.world = bpy.data.worlds.new("world")
        self.scene.world = self.world
        self.world.use_nodes = True
        self.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.kept = {self.camera.name}

    def _settings(self, size_px: int, threads: int, samples: int) -> None:
        render, cycles = self.scene.render, self.scene.cycles
        render.engine = "CYCLES"
        cycles.device, cycles.samples, cycles.max_bounces = "CPU", samples, 4
        cycles.use_denoising, cycles.denoiser, cycles.denoising_quality = True, "OPENIMAGEDENOISE", "FAST"
        cycles.denoising_prefilter = "NONE"
        cycles.use_adaptive_sampling, cycles.use_light_tree = False, False
        cycles.caustics_reflective, cycles.caustics_refractive = False, False
        cycles.sample_clamp_indirect = 6
        render.use_persistent_data = False  # it shows a later card as an earlier one
        render.resolution_x = render.resolution_y = size_px
        render.threads_mode, render.threads = "FIXED", threads
        self.scene.view_settings.view_transform = "Raw"
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_depth = "16"
        render.image_settings.color_mode = "RGB"
        render.filepath = str(self.scratch / f"shot-{os.getpid()}.exr")

    # --- objects -------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        for item in list(self.scene.objects):
            if item.name not in self.kept:
                bpy.data.objects.remove(item, do_unlink=True)
        for collection in (bpy.data.meshes, bpy.data.materials, bpy.data.lights, bpy.data.images):
            for item in list(collection):
                if item.users == 0:
                    collection.remove(item)

    def mesh(self, name: str, points: list[Any], faces: list[Any], smooth: bool = False) -> Any:
        data = bpy.data.meshes.new(name)
        data.from_pydata(points, [], faces)
        if smooth:
            data.polygons.foreach_set("use_smooth", [True] * len(data.polygons))
        item = bpy.data.objects.new(name, data)
        self.scene.collection.objects.link(item)
        return item

    def quad(self, name: str, a: Any, b: Any, c: Any, d: Any) -> Any:
        return self.mesh(name, [a, b, c, d], [(0, 1, 2, 3)])

    def dress(self, item: Any, material: Any) -> None:
        item.data.materials.clear()
        item.data.materials.append(material)

    def floor(self, z: float, back_y: float, reaches_on: bool) -> Any:
        far = back_y if not reaches_on else back_y + 0.02
        h = FLOOR_HALF_M
        return self.quad("floor", (-h, -h, z), (h, -h, z), (h, far, z), (-h, far, z))

    def sweep(self, z: float, back_y: float) -> Any:
        """Floor and back in one piece; the bend is wide, so that no bright band shows."""
        radius = 0.45
        profile = [(-FLOOR_HALF_M, z)]
        for i in range(25):
            a = i / 24 * math.pi / 2
            profile.append((back_y - radius * 0.4 + radius * math.sin(a), z + radius * (1 - math.cos(a))))
        profile.append((profile[-1][0], z + 5))
        points = [(x, y, h) for y, h in profile for x in (-FLOOR_HALF_M, FLOOR_HALF_M)]
        faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(profile) - 1)]
        item = self.mesh("sweep", points, faces, smooth=True)
        item.visible_shadow = False
        return item

    def wall(self, z: float, back_y: float) -> Any:
        h = FLOOR_HALF_M
        item = self.quad("wall", (-h, back_y, z), (h, back_y, z), (h, back_y, z + 6), (-h, back_y, z + 6))
        item.visible_shadow = False  # a low sun behind the wall still lights the table
        return item

    def solid(self, solid: Solid) -> Any:
        if solid.is_round:
            n = 96
            ring = [(math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)) for i in range(n)]
        else:
            cos, sin = math.cos(solid.turn), math.sin(solid.turn)
            ring = [(x * cos - y * sin, x * sin + y * cos) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            half = solid.half
            corners = [(-half[0], -half[1]), (half[0], -half[1]), (half[0], half[1]), (-half[0], half[1])]
            ring = [(x * cos - y * sin, x * sin + y * cos) for x, y in corners]
        scale = solid.half[0] if solid.is_round else 1.0
        flat = [(solid.centre[0] + x * scale, solid.centre[1] + y * scale) for x, y in ring]
        n = len(flat)
        points = [(*p, solid.bottom) for p in flat] + [(*p, solid.top) for p in flat]
        faces: list[Any] = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
        faces.append(tuple(range(n, 2 * n)))
        item = self.mesh("podium", points, faces)
        if solid.is_round:
            for polygon in list(item.data.polygons)[:n]:
                polygon.use_smooth = True
        bevel = item.modifiers.new("bevel", "BEVEL")
        bevel.width, bevel.segments, bevel.limit_method = 0.0035, 2, "ANGLE"
        return item

    def ball(self, centre: Any, radius: float, squash: float = 1.0) -> Any:
        rows, columns = 14, 24
        points: list[Any] = []
        for i in range(rows + 1):
            polar = math.pi * i / rows
            for j in range(columns):
                around = 2 * math.pi * j / columns
                points.append(
                    (
                        centre[0] + radius * math.sin(polar) * math.cos(around),
                        centre[1] + radius * math.sin(polar) * math.sin(around),
                        centre[2] + radius * squash * math.cos(polar),
                    )
                )
        faces = [
            (
                i * columns + j,
                (i + 1) * columns + j,
                (i + 1) * columns + (j + 1) % columns,
                i * columns + (j + 1) % columns,
            )
            for i in range(rows)
            for j in range(columns)
        ]
        return self.mesh("ball", points, faces, smooth=True)

    def leaf(self, root: Any, tip: Any, width: float, rng: Generator) -> Any:
        root, tip = np.asarray(root, float), np.asarray(tip, float)
        along = tip - root
        across = np.cross(along, rng.normal(size=3))
        across /= max(float(np.linalg.norm(across)), 1e-6)
        points = []
        for t, w in ((0.0, 0.12), (0.2, 0.8), (0.45, 1.0), (0.75, 0.65), (1.0, 0.03)):
            middle = root + along * t + np.array([0, 0, -0.25 * float(np.linalg.norm(along)) * t * t])
            points += [tuple(middle - across * width * w), tuple(middle + across * width * w)]
        return self.mesh("leaf", points, [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(4)], smooth=True)

    def paint_plain(self, rgb: Rgb, roughness: float, metallic: float = 0.0, glow: float = 0.0) -> Any:
        s = Shader("prop", np.random.default_rng(0))
        s.set("Base Color", rgb)
        s.set("Roughness", roughness)
        s.set("Metallic", metallic)
        if glow:
            s.set("Emission Color", rgb)
            s.set("Emission Strength", glow)
        return s.material

    def accent(self, kind: str, rng: Generator, floor_z: float, width_m: float, back_y: float) -> None:
        """Props at the edges, where no product stands."""
        side = float(rng.choice([-1, 1]))

        def edge(lo: float = 0.30, hi: float = 0.46) -> tuple[float, float]:
            return (side * width_m * float(rng.uniform(lo, hi)), float(rng.uniform(-0.02, min(0.3, back_y * 0.7))))

        if kind == "greenery":
            green = self.paint_plain((0.05, 0.20, 0.05), 0.45)
            x, y = edge(0.42, 0.52)
            for _ in range(14):
                tip = (
                    x + rng.uniform(-0.16, 0.16) - side * 0.06,
                    y + rng.uniform(-0.1, 0.1),
                    floor_z + rng.uniform(0.12, 0.42),
                )
                self.dress(self.leaf((x, y, floor_z), tip, 0.018 + 0.02 * rng.random(), rng), green)
        elif kind == "flowers":
            rgbs = [(0.85, 0.42, 0.50), (0.85, 0.80, 0.74), (0.80, 0.55, 0.25), (0.60, 0.45, 0.80)]
            petal = self.paint_plain(rgbs[int(rng.integers(4))], 0.6)
            green = self.paint_plain((0.08, 0.22, 0.07), 0.5)
            for _ in range(6):
                x, y = edge()
                z = floor_z + float(rng.uniform(0.02, 0.16))
                self.dress(self.leaf((x, y, floor_z), (x + 0.04, y, z), 0.012, rng), green)
                for _ in range(8):
                    d = rng.normal(size=3) * 0.032
                    self.dress(self.leaf((x, y, z), (x + d[0], y + d[1], z + abs(d[2]) + 0.01), 0.014, rng), petal)
        elif kind == "christmas":
            fir = self.paint_plain((0.02, 0.09, 0.035), 0.6)
            for _ in range(28):
                x, y = edge(0.34, 0.54)
                self.dress(
                    self.leaf(
                        (side * width_m * 0.56, y, floor_z + 0.01),
                        (x, y + rng.uniform(-0.06, 0.06), floor_z + rng.uniform(0.02, 0.10)),
                        0.008,
                        rng,
                    ),
                    fir,
                )
            for i in range(int(rng.integers(3, 6))):
                x, y = edge()
                r = float(rng.uniform(0.022, 0.042))
                rgb = (0.50, 0.015, 0.02) if i % 2 == 0 else (0.80, 0.52, 0.14)
                self.dress(self.ball((x, y, floor_z + r), r), self.paint_plain(rgb, 0.15, metallic=0.7))
        elif kind == "autumn":
            for _ in range(16):
                x, y = edge(0.26, 0.5)
                rgb = [(0.55, 0.16, 0.02), (0.60, 0.32, 0.03), (0.35, 0.06, 0.02)][int(rng.integers(3))]
                a = rng.uniform(0, 6.28)
                tip = (x + 0.07 * math.cos(a), y + 0.07 * math.sin(a), floor_z + 0.02 + rng.uniform(0, 0.02))
                self.dress(self.leaf((x, y, floor_z + 0.012), tip, 0.024, rng), self.paint_plain(rgb, 0.6))
        elif kind == "pebbles":
            for _ in range(7):
                x, y = edge()
                r = float(rng.uniform(0.02, 0.05))
                tone = float(rng.uniform(0.12, 0.6))
                self.dress(
                    self.ball((x, y, floor_z + r * 0.45), r, 0.5),
                    self.paint_plain((tone, tone * 0.97, tone * 0.92), 0.6),
                )
        elif kind == "lanterns":
            red, gold = (
                self.paint_plain((0.62, 0.02, 0.015), 0.5, glow=0.5),
                self.paint_plain((0.85, 0.55, 0.12), 0.3, 0.8),
            )
            for which in (-1.0, 1.0):
                for i in range(int(rng.integers(1, 3))):
                    x, y = which * width_m * float(rng.uniform(0.36, 0.5)), back_y * 0.6
                    r = float(rng.uniform(0.045, 0.065))
                    z = width_m * float(rng.uniform(0.5, 0.62)) - i * 0.16
                    self.dress(self.ball((x, y, z), r, 0.85), red)
                    self.dress(self.ball((x, y, z - r * 0.95), r * 0.3, 0.7), gold)

    # --- light ---------------------------------------------------------------------------------------------------

    def light(self, shot: Shot, kind: LightKind, rng: Generator) -> list[Any]:
        """Key light, its gobo and the surrounding. Returns what must go before the next shot."""
        toward = light_direction(shot.light_azimuth_deg, shot.light_elevation_deg)
        data = bpy.data.lights.new("key", "SUN" if kind.is_sun else "AREA")
        item = bpy.data.objects.new("key", data)
        self.scene.collection.objects.link(item)
        item.rotation_euler = mathutils.Vector(toward).to_track_quat("Z", "Y").to_euler()
        data.color = kind.key_rgb
        if kind.is_sun:
            data.energy = kind.key * shot.strength[0]
            data.angle = math.radians(kind.size)
        else:
            item.location = mathutils.Vector(toward) * kind.distance_m
            data.shape, data.size = "SQUARE", kind.size
            data.energy = kind.key * shot.strength[0] * math.pi * kind.distance_m**2 * 1.15  # 1.15: it is not a point
            item.visible_camera = False
            item.visible_glossy = True
        self.sky(tuple(c * kind.ambient * shot.strength[1] for c in kind.ambient_rgb))
        made = [item]
        if shot.light == "bars":
            made += self.window_bars(toward, rng)
        elif shot.light == "dappled":
            made += self.leaf_screen(toward, rng)
        return made

    def sky(self, rgb: Any) -> None:
        """Ambient light, brighter from above than from below."""
        tree = self.world.node_tree
        background = tree.nodes["Background"]
        background.inputs[0].default_value = (*rgb, 1)
        background.inputs[1].default_value = 1.0

    def screen(self, toward: Any, distance: float, polygons: list[list[tuple[float, float]]]) -> Any:
        """Flat shapes that only cast shadows, square to the light."""
        w = np.asarray(toward)
        u = np.cross([0.0, 0.0, 1.0], w)
        u /= np.linalg.norm(u)
        v = np.cross(w, u)
        points: list[Any] = []
        faces: list[Any] = []
        for polygon in polygons:
            faces.append(tuple(range(len(points), len(points) + len(polygon))))
            points += [tuple(w * distance + u * a + v * b) for a, b in polygon]
        item = self.mesh("screen", points, faces)
        for flag in ("visible_camera", "visible_diffuse", "visible_glossy", "visible_transmission"):
            setattr(item, flag, False)
        return item

    def window_bars(self, toward: Any, rng: Generator) -> list[Any]:
        pane_w, pane_h = float(rng.uniform(0.20, 0.32)), float(rng.uniform(0.22, 0.36))
        columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 4))
        bar = float(rng.uniform(0.03, 0.05))
        shift = (float(rng.uniform(-0.5, 0.5)) * pane_w, float(rng.uniform(-0.5, 0.5)) * pane_h)
        w, h, far = columns * pane_w / 2, rows * pane_h / 2, 6.0

        def box(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
            return [
                (x0 + shift[0], y0 + shift[1]),
                (x1 + shift[0], y0 + shift[1]),
                (x1 + shift[0], y1 + shift[1]),
                (x0 + shift[0], y1 + shift[1]),
            ]

        shapes = [box(-far, -far, -w, far), box(w, -far, far, far), box(-w, h, w, far), box(-w, -far, w, -h)]
        shapes += [box(-w + i * pane_w - bar / 2, -h, -w + i * pane_w + bar / 2, h) for i in range(1, columns)]
        shapes += [box(-w, -h + i * pane_h - bar / 2, w, -h + i * pane_h + bar / 2) for i in range(1, rows)]
        return [self.screen(toward, 1.4, shapes)]

    def leaf_screen(self, toward: Any, rng: Generator) -> list[Any]:
        shapes = []
        for _ in range(190):
            x, y = rng.uniform(-1.5, 1.5, 2)
            if math.hypot(x, y) < 0.10:
                continue  # the standing point stays in the light
            r, a, slim = rng.uniform(0.04, 0.11), rng.uniform(0, 6.28), rng.uniform(0.3, 0.7)
            ring = []
            for k in range(8):
                p, q = r * math.cos(k * math.pi / 4), r * slim * math.sin(k * math.pi / 4)
                ring.append((x + p * math.cos(a) - q * math.sin(a), y + p * math.sin(a) + q * math.cos(a)))
            shapes.append(ring)
        return [self.screen(toward, float(rng.uniform(1.8, 2.8)), shapes)]

    # --- background ----------------------------------------------------------------------------------------------

    def card(self, kind: str, shot: Shot, back_y: float, rng: Generator) -> Any:
        """A blurred place behind the table's far edge, sized to the view."""
        view = shot.view
        y = back_y + 0.5
        corners = []
        for u in (-0.12, 1.12):
            for v in (-0.12, 1.12):
                ray = (
                    np.array([(u - view.centre[0]) / view.focal, (v - view.centre[1]) / view.focal, 1.0])
                    @ view.rotation
                )
                t = (y - view.position[1]) / max(ray[1], 0.15)
                corners.append(view.position + t * ray)
        xs, zs = [c[0] for c in corners], [c[2] for c in corners]
        left, right, low, high = min(xs), max(xs), min(zs), max(zs)
        horizon = float(np.clip((high - view.position[2]) / (high - low), -0.5, 1.2))
        pixels = scene_cards.paint(rng, kind, horizon, self.panoramas)
        item = self.quad("card", (left, y, low), (right, y, low), (right, y, high), (left, y, high))
        layer = item.data.uv_layers.new(name="uv")
        layer.data.foreach_set("uv", [0, 0, 1, 0, 1, 1, 0, 1])
        image = bpy.data.images.new("card", scene_cards.SIZE, scene_cards.SIZE, float_buffer=True)
        image.colorspace_settings.name = "Non-Color"
        rgba = np.ones((scene_cards.SIZE, scene_cards.SIZE, 4), np.float32)
        rgba[..., :3] = pixels[::-1]
        image.pixels.foreach_set(rgba.ravel())
        material = bpy.data.materials.new("card")
        material.use_nodes = True
        nodes, links = material.node_tree.nodes, material.node_tree.links
        nodes.clear()
        texture, emission = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeEmission")
        texture.image, texture.interpolation, texture.extension = image, "Cubic", "EXTEND"
        out = nodes.new("ShaderNodeOutputMaterial")
        links.new(texture.outputs["Color"], emission.inputs["Color"])
        links.new(emission.outputs[0], out.inputs["Surface"])
        item.data.materials.append(material)
        item.visible_shadow = False
        return item

    # --- photographs ---------------------------------------------------------------------------------------------

    def look(self, shot: Shot) -> None:
        view, data = shot.view, self.camera.data
        matrix = np.eye(4)
        matrix[:3, :3] = view.rotation.T @ np.diag([1.0, -1.0, -1.0])  # Blender's camera looks along -z, y up
        matrix[:3, 3] = view.position
        self.camera.matrix_world = mathutils.Matrix(matrix.tolist())
        data.sensor_width, data.sensor_fit = SENSOR_MM, "HORIZONTAL"
        data.lens = view.focal * SENSOR_MM
        data.clip_start = 0.02
        data.dof.use_dof = True
        data.dof.focus_distance = float(np.linalg.norm(view.position))
        data.dof.aperture_fstop = shot.fstop

    def photograph(self) -> NDArray[np.float32]:
        """(size, size, 3) float32, scene-linear."""
        bpy.ops.render.render(write_still=True)
        return read_exr(Path(self.scene.render.filepath))

    def shoot(self, scene: Scene, only: set[int] | None = None) -> list[NDArray[np.float32]]:
        """Every shot of a scene, scene-linear."""
        self.clear()
        rng = np.random.default_rng(scene.shots[0].seed)
        is_card = scene.back not in ("sweep", "wall", "plaster")
        ground = (
            self.sweep(scene.floor_z, scene.back_y)
            if scene.back == "sweep"
            else self.floor(scene.floor_z, scene.back_y, not is_card)
        )
        wall = self.wall(scene.floor_z, scene.back_y) if scene.back in ("wall", "plaster") else None
        blocks = [self.solid(solid) for solid in scene.solids]
        width_m = float(np.mean([np.linalg.norm(s.view.position) / s.view.focal for s in scene.shots]))
        self.accent(scene.accent, rng, scene.floor_z, width_m, scene.back_y)
        pictures = []
        dressed: Materials | None = None
        for i, shot in enumerate(scene.shots):
            if only is not None and i not in only:
                continue
            if shot.materials != dressed:
                self.dress_all(shot.materials, scene.back, ground, wall, blocks)
                dressed = shot.materials
            shot_rng = np.random.default_rng(shot.seed)
            gone = self.light(shot, LIGHT_KINDS[shot.light], shot_rng)
            if is_card:
                gone.append(self.card(scene.back, shot, scene.back_y, shot_rng))
            self.look(shot)
            pictures.append(self.photograph())
            for item in gone:
                bpy.data.objects.remove(item, do_unlink=True)
        return pictures

    def dress_all(self, materials: Materials, back: str, ground: Any, wall: Any, blocks: list[Any]) -> None:
        rng = np.random.default_rng(materials.seed)
        self.dress(ground, surface_material(materials.surface, materials.surface_colour, rng))
        if wall is not None:
            self.dress(
                wall, surface_material("plaster" if back == "plaster" else "painted", materials.back_colour, rng)
            )
        if blocks:
            word = materials.podium_colour
            name = word if word not in PALETTE and word != OWN else "painted"
            material = surface_material(name, word, rng)
            for block in blocks:
                self.dress(block, material)


def read_exr(path: Path) -> NDArray[np.float32]:
    """(H, W, 3) float32."""
    with OpenEXR.File(str(path)) as file:
        channels = file.channels()
        rgb = channels["RGB"].pixels if "RGB" in channels else np.stack([channels[c].pixels for c in "RGB"], axis=-1)
    return np.asarray(rgb, dtype=np.float32)


def load_panoramas() -> dict[str, NDArray[np.float64]]:
    """The CC0 environment maps that come with Blender, by name."""
    folder = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
    return {path.stem: read_exr(path).astype(np.float64) for path in sorted(folder.glob("*.exr"))}
