"""The sample products as Blender objects: real sizes in metres, standing on z = 0 around the origin, front towards -y.

Needs ``bpy`` (Blender as a module). Each builder returns the objects that belong to the product.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import bmesh
import bpy
from mathutils import Vector
from mathutils import noise as perlin
from PIL import Image

from . import product_labels as labels
from .blender import geometry
from .blender.geometry import Point2, Point3

MM = 0.001
Rgb = tuple[float, float, float]  # scene-linear

# --- materials ------------------------------------------------------------------------------------------------------


class Shader:
    """A Principled material under construction: makes nodes and wires them in one call."""

    def __init__(self, name: str, base: Rgb = (0.8, 0.8, 0.8), rough: float = 0.5, **inputs: float) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.nodes, self.links = self.material.node_tree.nodes, self.material.node_tree.links
        self.body = self.nodes["Principled BSDF"]
        self.set("Base Color", (*base, 1.0))
        self.set("Roughness", rough)
        for key, value in inputs.items():
            self.set(key.replace("_", " ").title().replace("Ior", "IOR"), value)

    def set(self, key: str, value: Any) -> Shader:
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, self.body.inputs[key])
        else:
            self.body.inputs[key].default_value = value
        return self

    def node(self, kind: str, out: int | str = 0, *, settings: dict[str, Any] | None = None, **inputs: Any) -> Any:
        """A node's output socket; ``inputs`` by name with _ for space, or ``i0``, ``i1`` by position."""
        made = self.nodes.new(kind)
        for key, value in (settings or {}).items():
            setattr(made, key, value)
        for key, value in inputs.items():
            positional = key[0] == "i" and key[1:].isdigit()
            socket = made.inputs[int(key[1:])] if positional else made.inputs[key.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                self.links.new(value, socket)
            else:
                socket.default_value = value
        return made.outputs[out]

    def math(self, operation: str, a: Any, b: Any = 0.0, c: Any = 0.0, *, clamp: bool = False) -> Any:
        return self.node("ShaderNodeMath", settings={"operation": operation, "use_clamp": clamp}, i0=a, i1=b, i2=c)

    def place(self) -> Any:
        """Object coordinates, metres."""
        return self.node("ShaderNodeTexCoord", "Object")

    def axis(self, name: str) -> Any:
        return self.node("ShaderNodeSeparateXYZ", name, Vector=self.place())

    def noise(self, scale: float, *, stretch: Point3 = (1, 1, 1), detail: float = 4.0, rough: float = 0.55) -> Any:
        vector = self.node("ShaderNodeMapping", Vector=self.place(), Scale=stretch)
        return self.node("ShaderNodeTexNoise", "Fac", Vector=vector, Scale=scale, Detail=detail, Roughness=rough)

    def ramp(self, value: Any, low: float, high: float) -> Any:
        """0 below ``low``, 1 above ``high``, smooth between."""
        return self.node(
            "ShaderNodeMapRange",
            settings={"interpolation_type": "SMOOTHSTEP"},
            i0=value,
            i1=low,
            i2=high,
            i3=0.0,
            i4=1.0,
        )

    def mix(self, factor: Any, a: Any, b: Any) -> Any:
        made = self.nodes.new("ShaderNodeMix")
        made.data_type = "RGBA"
        for socket, value in ((made.inputs[0], factor), (made.inputs[6], a), (made.inputs[7], b)):
            if isinstance(value, bpy.types.NodeSocket):
                self.links.new(value, socket)
            else:
                socket.default_value = (*value, 1.0) if isinstance(value, tuple) and len(value) == 3 else value
        return made.outputs[2]

    def lerp(self, factor: Any, a: Any, b: Any) -> Any:
        return self.node("ShaderNodeMix", i0=factor, i2=a, i3=b)

    def bump(self, height: Any, depth_m: float, normal: Any = None) -> Any:
        inputs: dict[str, Any] = {"Strength": 1.0, "Distance": depth_m, "Height": height}
        if normal is not None:
            inputs["Normal"] = normal
        return self.node("ShaderNodeBump", **inputs)

    def picture(self, image: Image.Image, vector: Any, *, is_data: bool = False, extension: str = "CLIP") -> Any:
        with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
            image.save(file, "PNG")
        loaded = bpy.data.images.load(file.name)
        if is_data:
            loaded.colorspace_settings.name = "Non-Color"
        loaded.pack()
        Path(file.name).unlink()
        return self.node(
            "ShaderNodeTexImage",
            settings={"image": loaded, "interpolation": "Cubic", "extension": extension},
            Vector=vector,
        )

    def vector(self, x: Any, y: Any) -> Any:
        return self.node("ShaderNodeCombineXYZ", i0=x, i1=y)

    def around(self, bottom_m: float, top_m: float, share: float = 1.0) -> Any:
        """Cylinder coordinates: u .5 at the front, the picture covering ``share`` of the circumference; v by height."""
        turn = self.math("ARCTAN2", self.axis("X"), self.math("MULTIPLY", self.axis("Y"), -1.0))
        u = self.math("MULTIPLY_ADD", turn, 1 / (2 * math.pi * share), 0.5)
        v = self.math("DIVIDE", self.math("SUBTRACT", self.axis("Z"), bottom_m), top_m - bottom_m)
        return self.vector(u, v)


def brushed_steel(name: str = "brushed steel", rough: float = 0.27) -> Any:
    s = Shader(name, (0.60, 0.59, 0.575), rough, metallic=1.0)
    rings = s.noise(30, stretch=(1, 1, 220), detail=5)
    s.set("Roughness", s.math("MULTIPLY_ADD", rings, 0.22, rough - 0.09))
    return s.set("Normal", s.bump(rings, 0.00003)).material


def plastic(colour: Rgb, rough: float = 0.42) -> Any:
    s = Shader("plastic", colour, rough)
    return s.set("Normal", s.bump(s.noise(2600, detail=2), 0.00002)).material


def rubber(colour: Rgb) -> Any:
    s = Shader("rubber", colour, 0.55)
    s.set("Base Color", s.mix(s.noise(500, detail=6), colour, tuple(c * 1.25 + 0.004 for c in colour)))
    return s.set("Normal", s.bump(s.noise(1800, detail=3), 0.00003)).material


# --- shapes ---------------------------------------------------------------------------------------------------------


def turned(profile_mm: Sequence[Point2], material: Any, *, segments: int = 192, sharp_deg: float = 40.0) -> Any:
    return geometry.lathe([(r * MM, z * MM) for r, z in profile_mm], material, segments=segments, sharp_deg=sharp_deg)


def arc(centre: Point2, radius: float, start_deg: float, end_deg: float, steps: int = 24) -> list[Point2]:
    return [
        (centre[0] + radius * math.cos(math.radians(a)), centre[1] + radius * math.sin(math.radians(a)))
        for a in (start_deg + (end_deg - start_deg) * k / steps for k in range(steps + 1))
    ]


def ribbed(
    profile_mm: Sequence[Point2], material: Any, *, ribs: int, depth_mm: float, low_mm: float, high_mm: float
) -> Any:
    """A turned body with vertical grip ribs between two heights."""
    made = turned(profile_mm, material, segments=ribs * 6)
    for v in made.data.vertices:
        r = math.hypot(v.co.x, v.co.y)
        if low_mm * MM < v.co.z < high_mm * MM and r > 0:
            turn = math.atan2(v.co.x, -v.co.y)
            dip = (0.5 - 0.5 * math.cos(turn * ribs)) ** 2 * depth_mm * MM
            v.co.x *= (r - dip) / r
            v.co.y *= (r - dip) / r
    return made


# --- the products ---------------------------------------------------------------------------------------------------


def steel_bottle(fonts: Path) -> list[Any]:
    """Insulated bottle, 267 mm high with its loop, 73 mm across: pine powder coat, brushed base, ribbed lid."""
    steel, black = brushed_steel(), plastic((0.018, 0.019, 0.020))
    foot = turned(
        geometry.fillet([(0, 1.2), (28, 1.2), (29, 0), (34.6, 0), (35.2, 1.0), (35.2, 11.2), (0, 11.2)], 0.7), steel
    )
    profile = geometry.fillet(
        [(30, 11.6), (36.5, 11.6), (36.5, 168), (35.2, 189), (25.6, 207), (25.2, 213), (20, 213)],
        [0, 0.9, 40, 16, 7, 0.8, 0],
        14,
    )
    body = turned(profile, _pine_powder(fonts))
    collar = turned(geometry.fillet([(20, 213), (24.6, 213), (24.6, 216.4), (20, 216.4)], 0.4), steel)
    lid_profile = geometry.fillet(
        [(18, 216.4), (25.4, 216.4), (26.0, 218), (26.0, 236), (24.4, 239.5), (0, 240.2)], [0, 0.5, 0.8, 1.2, 2.4, 0]
    )
    steps = [p for a, b in pairwise(lid_profile) for p in _between(a, b, 1.2)]
    lid = ribbed([*steps, lid_profile[-1]], black, ribs=72, depth_mm=0.55, low_mm=220.5, high_mm=234.5)
    inlay = turned(geometry.fillet([(0, 240.9), (14.6, 240.7), (15.4, 239.9)], 0.3), steel)
    loop = _loop(black)
    return [foot, body, collar, lid, inlay, *loop]


def _between(a: Point2, b: Point2, longest: float) -> list[Point2]:
    n = max(1, math.ceil(math.dist(a, b) / longest))
    return [(a[0] + (b[0] - a[0]) * k / n, a[1] + (b[1] - a[1]) * k / n) for k in range(n)]


def _pine_powder(fonts: Path) -> Any:
    s = Shader("powder coat", rough=0.5)
    mask = s.picture(labels.bottle_engraving(2 * math.pi * 36.5, 150, fonts), s.around(12 * MM, 162 * MM), is_data=True)
    orange_peel, speck = s.noise(1500, detail=3), s.noise(420, detail=2)
    pine = s.mix(s.ramp(speck, 0.35, 0.75), (0.022, 0.082, 0.066), (0.030, 0.098, 0.080))
    s.set("Base Color", s.mix(mask, pine, (0.58, 0.57, 0.555)))
    s.set("Metallic", mask)
    s.set("Roughness", s.lerp(mask, 0.46, 0.34))
    depth = s.math("MULTIPLY_ADD", mask, -0.9, orange_peel)
    return s.set("Normal", s.bump(depth, 0.00007)).material


def _loop(material: Any) -> list[Any]:
    """The carrying loop: up from both sides of the lid, over the top."""
    path = [(-26.6, 0, 225.0), (-26.6, 0, 240.0)]
    path += [(x, 0, z) for x, z in arc((0, 240.0), 26.6, 180, 0, 40)][1:-1]
    path += [(26.6, 0, 240.0), (26.6, 0, 225.0)]
    flat = [
        (x * MM * (1 - 0.04 * max(0.0, (z - 240) / 25)), y * MM, (240 + (z - 240) * 0.94) * MM if z > 240 else z * MM)
        for x, y, z in path
    ]
    band = geometry.sweep(
        flat,
        13.5 * MM,
        lambda t: (3.4 + 1.1 * math.sin(math.pi * t)) * MM,
        material,
        side=(0, 1, 0),
        roundness=0.5,
        sides=28,
    )
    pins = []
    for side in (-1, 1):
        pin = geometry.cylinder(6.9 * MM, 3.8 * MM, material, bevel=0.9 * MM, segments=64)
        pin.rotation_euler = (0, side * math.pi / 2, 0)
        pin.location = (side * 24.9 * MM, 0, 225.5 * MM)
        pins.append(pin)
    return [band, *pins]


MUG_HEIGHT, MUG_RADIUS = 92.0, 43.0  # millimetres


def mug(fonts: Path) -> list[Any]:
    """Thrown stoneware mug, 92 mm high, 86 mm across, 350 ml: oatmeal glaze, dipped in ink blue, bare clay foot."""
    outer = [(0, 1.6), (29, 1.6), (30.5, 0), (34.0, 0), (35.0, 1.2), (40.6, 16), (42.8, 40), (42.9, 66), (42.2, 90.2)]
    inner = [(40.6, 92.0), (38.7, 90.0), (38.9, 66), (38.7, 40), (36.2, 16), (29, 8.2), (0, 7.4)]
    profile = geometry.fillet(
        [*outer, *inner], [0, 0.4, 0.8, 0.8, 1.5, 14, 18, 18, 1.4, 1.9, 1.9, 18, 18, 14, 9, 0], 10
    )
    wall = turned(profile, None, segments=160)
    for v in wall.data.vertices:  # thrown by hand: throwing lines and a rim that is not quite round
        r, turn = math.hypot(v.co.x, v.co.y), math.atan2(v.co.x, v.co.y)
        if r > 0.02:
            rings = (
                0.00016
                * math.sin(v.co.z / 0.0056 + 0.35 * math.sin(turn))
                * (0.5 + 0.5 * perlin.noise((0, 0, v.co.z * 60)))
            )
            oval = 0.00028 * math.cos(2 * turn + 0.6) + 0.00018 * perlin.noise(
                (math.cos(turn) * 2, math.sin(turn) * 2, v.co.z * 20)
            )
            k = (r + rings + oval) / r
            v.co.x, v.co.y = v.co.x * k, v.co.y * k
    handle = geometry.sweep(
        _handle_path(),
        lambda t: (12.5 + 9 * (2 * t - 1) ** 6) * MM,
        lambda t: (7.4 + 3.2 * (2 * t - 1) ** 6) * MM,
        None,
        side=(0, 1, 0), roundness=0.85, sides=28,
    )  # fmt: skip
    return [_fused([wall, handle], 0.62 * MM, _two_glazes(fonts))]


def _handle_path() -> list[Point3]:
    """An ear: out from the upper wall, down, back in below; slightly fuller at the top."""
    points: list[Point3] = []
    for k in range(49):
        t = k / 48
        angle = math.pi * (0.5 - t)
        reach = 31.0 * math.cos(angle) ** 0.82 if 0 < t < 1 else 0.0
        height = 47.5 + 24.5 * math.sin(angle) + 2.4 * math.cos(angle)
        points.append(((40.6 + reach) * MM, 0.0, height * MM))
    return points


def _fused(parts: Sequence[Any], cell_m: float, material: Any) -> Any:
    """One body from overlapping ones, their joint softened as slip would."""
    bpy.context.view_layer.update()
    for part in parts:
        part.select_set(True)
    bpy.context.view_layer.objects.active = parts[0]
    bpy.ops.object.join()
    made = bpy.context.view_layer.objects.active
    remesh = made.modifiers.new("remesh", "REMESH")
    remesh.mode, remesh.voxel_size, remesh.use_smooth_shade = "VOXEL", cell_m, True
    smooth = made.modifiers.new("smooth", "SMOOTH")
    smooth.factor, smooth.iterations = 0.5, 9
    made.data.materials.clear()
    made.data.materials.append(material)
    return made


def _two_glazes(fonts: Path) -> Any:
    s = Shader("glazes", rough=0.2, coat_weight=0.0)
    x, y, z = s.axis("X"), s.axis("Y"), s.axis("Z")
    wave = s.noise(24, detail=3)
    edge = s.math("MULTIPLY_ADD", wave, 0.011, 0.0375)  # the dip line runs around 43 mm
    above = s.math("SUBTRACT", z, edge)
    dipped = s.ramp(above, -0.0006, 0.0006)
    inside = s.math(
        "LESS_THAN", s.math("SQRT", s.math("ADD", s.math("MULTIPLY", x, x), s.math("MULTIPLY", y, y))), 0.0402
    )
    inside = s.math("MULTIPLY", inside, s.math("GREATER_THAN", z, 0.0068))
    blue = s.math("MULTIPLY", dipped, s.math("SUBTRACT", 1.0, inside))
    bare = s.math("SUBTRACT", 1.0, s.ramp(s.math("MULTIPLY_ADD", wave, 0.002, z), 0.0072, 0.0080))
    cells = s.node("ShaderNodeTexVoronoi", "Distance", Vector=s.place(), Scale=330.0)
    few = s.node("ShaderNodeTexVoronoi", "Color", Vector=s.place(), Scale=330.0)
    chosen = s.math("GREATER_THAN", s.node("ShaderNodeSeparateColor", 0, Color=few), 0.62)
    size = s.math("MULTIPLY_ADD", s.noise(900, detail=1), 0.30, 0.02)
    near_stamp = s.math("MULTIPLY", s.math("LESS_THAN", s.math("ABSOLUTE", x), 0.010), s.math("LESS_THAN", z, 0.032))
    speck = s.math(
        "MULTIPLY", s.math("LESS_THAN", cells, size), s.math("MULTIPLY", chosen, s.math("SUBTRACT", 1.0, near_stamp))
    )
    oatmeal = s.mix(s.noise(60, detail=6), (0.60, 0.52, 0.40), (0.70, 0.63, 0.51))
    oatmeal = s.mix(s.math("MULTIPLY", speck, 0.85), oatmeal, (0.10, 0.06, 0.035))
    pooled = s.ramp(above, 0.0, 0.006)  # glaze breaks lighter where it thins at the line and at the rim
    rim = s.ramp(z, 0.0890, 0.0915)
    ink = s.mix(s.noise(70, stretch=(1, 1, 0.35), detail=6), (0.010, 0.035, 0.085), (0.022, 0.070, 0.135))
    ink = s.mix(s.math("MULTIPLY", speck, 0.5), ink, (0.10, 0.14, 0.20))
    ink = s.mix(s.math("SUBTRACT", 1.0, pooled), ink, (0.060, 0.115, 0.155))
    ink = s.mix(s.math("MULTIPLY", rim, 0.8), ink, (0.16, 0.12, 0.075))
    clay = s.mix(s.noise(700, detail=5), (0.30, 0.20, 0.13), (0.42, 0.30, 0.20))
    stamp_xz = s.vector(
        s.math("MULTIPLY_ADD", x, 1 / 0.016, 0.5), s.math("MULTIPLY_ADD", s.math("SUBTRACT", z, 0.0215), 1 / 0.016, 0.5)
    )
    stamp = s.math(
        "MULTIPLY", s.picture(labels.mug_stamp(16, fonts), stamp_xz, is_data=True), s.math("LESS_THAN", y, -0.02)
    )
    glazed = s.mix(blue, oatmeal, ink)
    glazed = s.mix(s.math("MULTIPLY", stamp, 0.72), glazed, (0.13, 0.08, 0.05))
    s.set("Base Color", s.mix(bare, glazed, clay))
    s.set("Roughness", s.lerp(bare, s.math("MULTIPLY_ADD", s.noise(120, detail=4), 0.10, 0.07), 0.85))
    thickness = s.math("MULTIPLY_ADD", dipped, 1.4, s.math("MULTIPLY_ADD", stamp, -1.6, s.noise(140, detail=5)))
    grain = s.math("MULTIPLY", bare, s.noise(1500, detail=3))
    return s.set("Normal", s.bump(s.math("ADD", thickness, grain), 0.00016)).material


CARTON = (75.0, 55.0, 130.0)  # millimetres


def tea_carton(fonts: Path) -> list[Any]:
    """Folding carton 75 x 55 x 130 mm, printed on all sides, its tuck flap closed."""
    w, d, h = CARTON
    body = bmesh.new()
    bmesh.ops.create_cube(body, size=1)
    for v in body.verts:
        v.co = Vector((v.co.x * w * MM, v.co.y * d * MM, (v.co.z + 0.5) * h * MM))
    bmesh.ops.bevel(body, geom=body.edges[:], offset=0.55 * MM, segments=4, profile=0.5, affect="EDGES")
    bmesh.ops.subdivide_edges(
        body, edges=[e for e in body.edges if e.calc_length() > 20 * MM], cuts=24, use_grid_fill=True
    )
    for v in body.verts:  # board is never flat: panels belly out a little, corners stay
        u, f, t = v.co.x / (w * MM / 2), v.co.y / (d * MM / 2), (v.co.z / (h * MM) - 0.5) * 2
        belly = 0.55 * MM * (1 - t * t)
        if abs(f) > 0.97:
            v.co.y += math.copysign(belly * (1 - u * u) * (1 + 0.4 * perlin.noise((u, t, 1.0))), f)
        elif abs(u) > 0.97:
            v.co.x += math.copysign(belly * 0.8 * (1 - f * f), u)
    data = bpy.data.meshes.new("carton")
    body.to_mesh(data)
    body.free()
    board = geometry.link(data, _printed_board(fonts), name="carton", sharp_deg=180)
    modifier = board.modifiers.new("normals", "WEIGHTED_NORMAL")
    modifier.keep_sharp = True
    return [board]


def _printed_board(fonts: Path) -> Any:
    """Print by side, chosen by the surface normal; a hairline shows where the lid's flap tucks in; edges show paper."""
    w, d, h = (v * MM for v in CARTON)
    s = Shader("board", rough=0.42, specular_ior_level=0.45)
    x, y, z = s.axis("X"), s.axis("Y"), s.axis("Z")
    normal = s.node("ShaderNodeTexCoord", "Normal")
    nx, nz = s.node("ShaderNodeSeparateXYZ", "X", Vector=normal), s.node("ShaderNodeSeparateXYZ", "Z", Vector=normal)
    up = s.math("DIVIDE", z, h)
    facing = s.math("SUBTRACT", 0.5, s.math("DIVIDE", y, d))
    front = s.picture(
        labels.tea_front(CARTON[::2], fonts), s.vector(s.math("MULTIPLY_ADD", x, 1 / w, 0.5), up), extension="EXTEND"
    )
    left = s.vector(facing, up)
    right = s.vector(s.math("SUBTRACT", 1.0, facing), up)
    side_art = labels.tea_side((CARTON[1], CARTON[2]), fonts)
    side = s.mix(
        s.math("GREATER_THAN", nx, 0.0),
        s.picture(side_art, left, extension="EXTEND"),
        s.picture(side_art, right, extension="EXTEND"),
    )
    top_xy = s.vector(s.math("MULTIPLY_ADD", x, 1 / w, 0.5), s.math("MULTIPLY_ADD", y, 1 / d, 0.5))
    top = s.picture(labels.tea_top(CARTON[:2], fonts), top_xy, extension="EXTEND")
    art = s.mix(s.math("GREATER_THAN", s.math("ABSOLUTE", nx), 0.7), front, side)
    art = s.mix(s.math("GREATER_THAN", nz, 0.7), art, top)
    art = s.mix(s.math("LESS_THAN", nz, -0.7), art, (0.0060, 0.0497, 0.0595))  # the base is plain, in the side's colour
    seam = s.math("LESS_THAN", s.math("ABSOLUTE", s.math("SUBTRACT", z, h - 0.0009)), 0.00018)
    seam = s.math("MULTIPLY", seam, s.math("GREATER_THAN", s.math("ABSOLUTE", y), d / 2 - 0.0012))
    art = s.mix(s.math("MULTIPLY", seam, 0.8), art, (0.02, 0.02, 0.02))
    worn = s.math(
        "MULTIPLY",
        s.ramp(s.node("ShaderNodeNewGeometry", "Pointiness"), 0.53, 0.60),
        s.ramp(s.noise(260, detail=6), 0.48, 0.66),
    )
    art = s.mix(s.math("MULTIPLY", worn, 0.35), art, (0.80, 0.76, 0.68))
    s.set("Base Color", art)
    return s.set("Normal", s.bump(s.noise(900, stretch=(1, 1, 1), detail=4), 0.00002)).material


def dropper_bottle(fonts: Path) -> list[Any]:
    """Amber glass bottle with a dropper, 30 ml: 104 mm high, 33 mm across, wrap-around paper label."""
    outer = [(0, 1.4), (12.6, 1.0), (13.6, 0), (15.4, 0.4), (16.5, 2.0), (16.5, 56), (14.2, 63.5), (8.6, 67), (8.6, 79)]
    inner = [(6.2, 79), (6.2, 66.5), (11.8, 62), (14.4, 55), (14.4, 4.6), (0, 4.0)]
    glass = turned(
        geometry.fillet([*outer, *inner], [0, 0.4, 0.5, 1.0, 1.6, 6, 6, 3, 0, 0.5, 2.5, 5, 5, 3, 0], 10),
        _glass((0.70, 0.215, 0.028), 1.52),
    )
    oil = turned(
        geometry.fillet([(0, 4.05), (14.35, 4.65), (14.35, 47.0), (13.6, 46.5), (0, 46.5)], [0, 2.6, 0.4, 0.6, 0], 8),
        _glass((0.93, 0.66, 0.20), 1.47),
    )
    pipette = turned(
        geometry.fillet([(2.0, 80), (3.4, 80), (3.4, 20), (1.6, 13), (1.0, 13), (2.4, 20), (2.4, 80)], 0.8),
        _glass((0.97, 0.98, 0.97), 1.5),
    )
    black = plastic((0.014, 0.013, 0.013), 0.36)
    cap = geometry.fillet(
        [(8, 66.2), (10.6, 66.2), (11.0, 67.0), (11.0, 82.6), (10.2, 83.6), (6, 83.8)], [0, 0.3, 0.5, 0.7, 0.5, 0]
    )
    collar = ribbed(
        [p for a, b in pairwise(cap) for p in _between(a, b, 0.8)] + [cap[-1]],
        black,
        ribs=56,
        depth_mm=0.42,
        low_mm=68.5,
        high_mm=81.5,
    )
    bulb_profile = geometry.fillet(
        [(6.9, 83.4), (6.9, 87), (6.1, 89), (6.0, 97), (5.2, 102.2), (3.0, 104.4), (0, 104.6)],
        [0, 1, 2, 4, 3, 2, 0],
        10,
    )
    bulb = turned(bulb_profile, rubber((0.030, 0.028, 0.027)))
    label = turned([(16.58, 8.2), (16.64, 8.3), (16.64, 47.6), (16.58, 47.7)], _paper_label(fonts, 8.2, 47.7))
    return [glass, oil, pipette, collar, bulb, label]


def _glass(tint: Rgb, ior: float) -> Any:
    """Clear to the eye and to shadow rays: light goes through tinted instead of needing caustics."""
    s = Shader("glass", tint, 0.015, transmission_weight=1.0, ior=ior)
    clear = s.nodes.new("ShaderNodeBsdfTransparent")
    clear.inputs[0].default_value = (*(c**0.8 for c in tint), 1.0)
    path = s.nodes.new("ShaderNodeLightPath")
    chooser = s.nodes.new("ShaderNodeMixShader")
    either = s.math("MAXIMUM", path.outputs["Is Shadow Ray"], path.outputs["Is Diffuse Ray"])
    s.links.new(either, chooser.inputs[0])
    s.links.new(s.body.outputs[0], chooser.inputs[1])
    s.links.new(clear.outputs[0], chooser.inputs[2])
    s.links.new(chooser.outputs[0], s.nodes["Material Output"].inputs["Surface"])
    return s.material


def _paper_label(fonts: Path, low_mm: float, high_mm: float) -> Any:
    circumference = 2 * math.pi * 16.64
    art = labels.oil_label((circumference * 0.86, high_mm - low_mm), fonts)
    s = Shader("paper", rough=0.62)
    where = s.around(low_mm * MM, high_mm * MM, 0.86)
    s.set("Base Color", s.picture(art, where))
    back = s.math("ABSOLUTE", s.math("SUBTRACT", s.node("ShaderNodeSeparateXYZ", "X", Vector=where), 0.5))
    s.set("Alpha", s.math("LESS_THAN", back, 0.5))  # the label does not meet at the back
    fibre = s.noise(420, stretch=(1, 1, 0.5), detail=6)
    return s.set("Normal", s.bump(fibre, 0.00003)).material


def lying_on_its_back(objects: Sequence[Any], depth_m: float) -> None:
    """Turn a product that stands so that its front faces up, resting on z = 0."""
    for made in objects:
        made.rotation_euler = (-math.pi / 2, 0, 0)
        made.location = (0, -CARTON[2] * MM / 2, depth_m / 2)


BUILDERS: dict[str, Callable[[Path], list[Any]]] = {
    "tarnwell-bottle": steel_bottle,
    "kilnholt-mug": mug,
    "thistlemere-tea": tea_carton,
    "ambrune-oil": dropper_bottle,
}
