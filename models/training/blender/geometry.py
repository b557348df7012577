"""Shapes, in metres, z up: turned bodies, soft-edged boxes, tubes, cloth, arches, leaves and branches.

Every function makes one mesh object (or a few), links it into the current scene and returns it. Nothing here knows
about products or plates. Randomness comes only from the ``seed`` or ``random.Random`` that the caller gives.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import bmesh
import bpy
from mathutils import Matrix, Vector
from mathutils import noise as perlin

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]
Along = float | Callable[[float], float]  # a number, or a function of 0 (start) to 1 (end)


def clear_scene() -> Any:
    """An empty scene in the running process; much faster than reading the factory file again."""
    scene = bpy.context.scene
    for name in ("objects", "meshes", "lights", "cameras", "materials", "worlds", "curves"):
        store = getattr(bpy.data, name)
        for item in list(store):
            store.remove(item)
    for image in list(bpy.data.images):
        if image.users == 0:
            bpy.data.images.remove(image)
    return scene


def link(data: Any, material: Any, *, name: str = "shape", sharp_deg: float = 40.0, smooth: bool = True) -> Any:
    """Put a mesh into the scene, shaded smooth except where faces meet at more than ``sharp_deg``."""
    if smooth:
        data.shade_smooth()
        data.set_sharp_from_angle(angle=math.radians(sharp_deg))
    if material is not None:
        data.materials.append(material)
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


def mesh(
    vertices: Sequence[Point3],
    faces: Sequence[Sequence[int]],
    material: Any,
    *,
    uv: Sequence[Point2] | None = None,
    name: str = "shape",
    sharp_deg: float = 40.0,
    smooth: bool = True,
) -> Any:
    """A mesh from lists; ``uv`` gives one coordinate a vertex."""
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(v) for v in vertices], [], [tuple(f) for f in faces])
    if uv is not None:
        layer = data.uv_layers.new(name="UV")
        flat = [c for loop in data.loops for c in uv[loop.vertex_index]]
        layer.data.foreach_set("uv", flat)
    data.update()
    return link(data, material, name=name, sharp_deg=sharp_deg, smooth=smooth)


def fillet(points: Sequence[Point2], radius: float | Sequence[float], steps: int = 6) -> list[Point2]:
    """Round the inner corners of a polyline; ``radius`` may be one number a point."""
    rounded: list[Point2] = [points[0]]
    for i in range(1, len(points) - 1):
        r = radius if isinstance(radius, (int, float)) else radius[i]
        corner, before, after = Vector(points[i]), Vector(points[i - 1]), Vector(points[i + 1])
        cut = min(r, (before - corner).length * 0.49, (after - corner).length * 0.49)
        if cut < 1e-6:
            rounded.append(points[i])
            continue
        a = corner + (before - corner).normalized() * cut
        b = corner + (after - corner).normalized() * cut
        for k in range(steps + 1):
            t = k / steps
            q = a * (1 - t) ** 2 + corner * (2 * t * (1 - t)) + b * t**2
            rounded.append((q.x, q.y))
    rounded.append(points[-1])
    return rounded


def curve_through(points: Sequence[Point2], steps: int = 8) -> list[Point2]:
    """A smooth line through all points (Catmull-Rom), ``steps`` pieces between two of them."""
    line: list[Point2] = []
    n = len(points)
    for i in range(n - 1):
        p0, p1, p2, p3 = points[max(0, i - 1)], points[i], points[i + 1], points[min(n - 1, i + 2)]
        for k in range(steps):
            t = k / steps
            x, y = (
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
                for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
            )
            line.append((max(0.0, x), y))
    return [*line, points[-1]]


def lathe(
    profile: Sequence[Point2],
    material: Any,
    at: Point3 = (0, 0, 0),
    *,
    segments: int = 96,
    wobble: float = 0.0,
    seed: int = 0,
    sharp_deg: float = 40.0,
) -> Any:
    """Turn a profile of (radius, height) about the vertical axis. ``wobble``: unevenness, fraction of radius."""
    vertices: list[Point3] = []
    uv: list[Point2] = []
    for i, (r, z) in enumerate(profile):
        for j in range(segments + 1):
            turn = 2 * math.pi * j / segments
            c, s = math.cos(turn), math.sin(turn)
            rr = r * (1 + wobble * perlin.noise((c * 1.3 + seed, s * 1.3, z * 9)))
            vertices.append((rr * s, -rr * c, z))
            uv.append((j / segments, i / max(1, len(profile) - 1)))
    row = segments + 1
    faces = [
        (i * row + j, i * row + j + 1, (i + 1) * row + j + 1, (i + 1) * row + j)
        for i in range(len(profile) - 1)
        for j in range(segments)
    ]
    data = bpy.data.meshes.new("turned")
    data.from_pydata(vertices, [], faces)
    layer = data.uv_layers.new(name="UV")
    layer.data.foreach_set("uv", [c for loop in data.loops for c in uv[loop.vertex_index]])
    body = bmesh.new()
    body.from_mesh(data)
    bmesh.ops.remove_doubles(body, verts=body.verts[:], dist=1e-6)
    bmesh.ops.recalc_face_normals(body, faces=body.faces[:])
    body.to_mesh(data)
    body.free()
    made = link(data, material, name="turned", sharp_deg=sharp_deg)
    made.location = at
    return made


def cylinder(
    radius: float, height: float, material: Any, at: Point3 = (0, 0, 0), *, bevel: float = 0.004, segments: int = 160
) -> Any:
    """A closed drum standing on ``at``, its edges softened by ``bevel``."""
    outline = fillet([(0, 0), (radius, 0), (radius, height), (0, height)], bevel)
    return lathe(outline, material, at, segments=segments)


def rounded_box(
    size: Point3,
    material: Any,
    at: Point3 = (0, 0, 0),
    *,
    bevel: float = 0.003,
    turn_deg: float = 0.0,
    tilt_deg: Point2 = (0, 0),
    taper: float = 1.0,
    segments: int = 3,
) -> Any:
    """A box whose *bottom centre* is at ``at``; ``tilt_deg`` leans it about x then y."""
    body = bmesh.new()
    bmesh.ops.create_cube(body, size=1)
    for v in body.verts:
        t = taper if v.co.z > 0 else 1.0
        v.co = Vector((v.co.x * size[0] * t, v.co.y * size[1] * t, (v.co.z + 0.5) * size[2]))
    if bevel > 0:
        bmesh.ops.bevel(body, geom=body.edges[:], offset=bevel, segments=segments, profile=0.5, affect="EDGES")
    data = bpy.data.meshes.new("box")
    body.to_mesh(data)
    body.free()
    made = link(data, material, name="box", sharp_deg=50)
    made.location = at
    made.rotation_euler = (math.radians(tilt_deg[0]), math.radians(tilt_deg[1]), math.radians(turn_deg))
    modifier = made.modifiers.new("normals", "WEIGHTED_NORMAL")
    modifier.keep_sharp = True
    return made


def slab(
    width: float,
    depth: float,
    thickness: float,
    material: Any,
    *,
    front: float,
    top: float = 0.0,
    x: float = 0.0,
    bevel: float = 0.004,
) -> Any:
    """A table top or worktop whose upper face is at ``top`` and whose front edge is at y = ``front``."""
    return rounded_box((width, depth, thickness), material, (x, front + depth / 2, top - thickness), bevel=bevel)


def floor(size: float, material: Any, z: float = 0.0) -> Any:
    """A square lying at height ``z``."""
    h = size / 2
    return mesh([(-h, -h, z), (h, -h, z), (h, h, z), (-h, h, z)], [(0, 1, 2, 3)], material, name="floor", smooth=False)


def wall(
    width: float, height: float, material: Any, y: float, *, x: float = 0.0, z: float = 0.0, turn_deg: float = 0.0
) -> Any:
    """An upright rectangle facing the camera, its lower edge at height ``z``."""
    w = width / 2
    made = mesh(
        [(-w, 0, 0), (w, 0, 0), (w, 0, height), (-w, 0, height)], [(0, 1, 2, 3)], material, name="wall", smooth=False
    )
    made.location, made.rotation_euler = (x, y, z), (0, 0, math.radians(turn_deg))
    return made


def cove(
    material: Any,
    *,
    start: float = 0.5,
    radius: float = 0.9,
    front: float = -3.0,
    width: float = 8.0,
    height: float = 3.0,
    z: float = 0.0,
) -> Any:
    """A seamless sweep: floor, wide bend from y = ``start``, wall. A wide bend avoids a bright band."""
    outline: list[Point2] = [(front, z)]
    for i in range(41):  # an eased quarter: curvature grows from 0, so that shading has no kink
        t = i / 40
        angle = math.pi / 2 * (t * t * (3 - 2 * t))
        outline.append((start + radius * math.sin(angle), z + radius * (1 - math.cos(angle))))
    outline.append((start + radius, z + height))
    vertices = [(sx * width / 2, y, h) for y, h in outline for sx in (-1, 1)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(outline) - 1)]
    return mesh(vertices, faces, material, name="cove", sharp_deg=180)


def extruded(
    outline: Sequence[Point2],
    thickness: float,
    material: Any,
    at: Point3 = (0, 0, 0),
    *,
    bevel: float = 0.004,
    turn_deg: float = 0.0,
) -> Any:
    """A flat outline in the x-z plane (may be concave) given ``thickness`` towards +y, edges bevelled."""
    body = bmesh.new()
    front = [body.verts.new((x, 0, z)) for x, z in outline]
    face = body.faces.new(front)
    moved = bmesh.ops.extrude_face_region(body, geom=[face])
    bmesh.ops.translate(
        body, vec=(0, thickness, 0), verts=[v for v in moved["geom"] if isinstance(v, bmesh.types.BMVert)]
    )
    bmesh.ops.recalc_face_normals(body, faces=body.faces[:])
    if bevel > 0:
        rim = [e for e in body.edges if len(e.link_faces) == 2 and e.calc_face_angle(0) > math.radians(60)]
        bmesh.ops.bevel(body, geom=rim, offset=bevel, segments=3, profile=0.5, affect="EDGES")
    data = bpy.data.meshes.new("extruded")
    body.to_mesh(data)
    body.free()
    made = link(data, material, name="extruded", sharp_deg=30)
    made.location, made.rotation_euler = at, (0, 0, math.radians(turn_deg))
    return made


def arch_outline(width: float, height: float, opening: float, spring: float, *, x: float = 0.0) -> list[Point2]:
    """Outline of a wall with a round-headed opening down to the floor: ``spring`` is where the arc begins."""
    r = opening / 2
    arc = [(x - r * math.cos(a), spring + r * math.sin(a)) for a in (math.pi * k / 48 for k in range(49))]
    w = width / 2
    return [(-w, 0), (x - r, 0), *arc, (x + r, 0), (w, 0), (w, height), (-w, height)]


def half_disc_outline(radius: float, base: float = 0.0) -> list[Point2]:
    """An arch block: a straight foot of height ``base`` under a half circle."""
    arc = [(radius * math.cos(a), base + radius * math.sin(a)) for a in (math.pi * k / 64 for k in range(65))]
    return [(-radius, 0), (radius, 0), *arc] if base > 0 else arc


def sphere(
    radius: float,
    material: Any,
    at: Point3,
    *,
    squash: Point3 = (1, 1, 1),
    lumps: float = 0.0,
    seed: int = 0,
    lump_scale: float = 1.4,
    turn_deg: float = 0.0,
    detail: int = 5,
) -> Any:
    """A ball *resting on* ``at``; ``squash`` and ``lumps`` (fraction of radius) make pebbles, fruit, bread."""
    body = bmesh.new()
    bmesh.ops.create_icosphere(body, subdivisions=detail, radius=radius)
    offset = Vector((seed * 3.1, seed * 1.7, seed * 0.9))
    for v in body.verts:
        unit = v.co.normalized()
        swell = 1 + lumps * perlin.fractal(unit * lump_scale + offset, 0.6, 2.0, 3)
        v.co = Vector((v.co.x * squash[0], v.co.y * squash[1], v.co.z * squash[2])) * swell
    low = min(v.co.z for v in body.verts)
    data = bpy.data.meshes.new("ball")
    body.to_mesh(data)
    body.free()
    made = link(data, material, name="ball", sharp_deg=180)
    made.location, made.rotation_euler = (at[0], at[1], at[2] - low), (0, 0, math.radians(turn_deg))
    return made


def _value(along: Along, s: float) -> float:
    return along(s) if callable(along) else float(along)


def sweep(
    path: Sequence[Point3],
    width: Along,
    thickness: Along,
    material: Any,
    *,
    side: Point3 = (0, 0, 1),
    roundness: float = 1.0,
    sides: int = 14,
    closed: bool = False,
    sharp_deg: float = 50.0,
) -> Any:
    """A body along a path. ``roundness`` 1 is an ellipse, .35 a soft rectangle. ``side`` starts the width direction."""
    points = [Vector(p) for p in path]
    n = len(points)
    vertices: list[Point3] = []
    uv: list[Point2] = []
    across = Vector(side)
    for i, p in enumerate(points):
        before = points[(i - 1) % n] if closed else points[max(0, i - 1)]
        after = points[(i + 1) % n] if closed else points[min(n - 1, i + 1)]
        tangent = (after - before).normalized()
        across = across - tangent * across.dot(tangent)
        if across.length < 1e-5:
            across = tangent.orthogonal()
        across.normalize()
        up = tangent.cross(across)
        s = i / max(1, n - 1)
        w, t = _value(width, s) / 2, _value(thickness, s) / 2
        for k in range(sides):
            a = 2 * math.pi * k / sides
            c, d = math.cos(a), math.sin(a)
            q = (
                p
                + across * (w * math.copysign(abs(c) ** roundness, c))
                + up * (t * math.copysign(abs(d) ** roundness, d))
            )
            vertices.append(tuple(q))
            uv.append((s, k / sides))
    faces: list[Sequence[int]] = []
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        for k in range(sides):
            k2 = (k + 1) % sides
            faces.append((i * sides + k, i * sides + k2, j * sides + k2, j * sides + k))
    if not closed:
        faces.append(tuple(range(sides)))
        faces.append(tuple(reversed(range((n - 1) * sides, n * sides))))
    return mesh(vertices, faces, material, uv=uv, name="sweep", sharp_deg=sharp_deg)


def tube(path: Sequence[Point3], radius: Along, material: Any, *, closed: bool = False, sides: int = 12) -> Any:
    """A round tube; ``radius`` may change along it."""

    def across(s: float) -> float:
        return 2 * _value(radius, s)

    return sweep(path, across, across, material, sides=sides, closed=closed, side=(0.1, 1.0, 0.2))


# --- cloth ---------------------------------------------------------------------------------------------------------


def cloth(
    width: float,
    depth: float,
    material: Any,
    at: Point3 = (0, 0, 0),
    *,
    folds: Sequence[tuple[Point2, Point2, float, float]] = (),
    ripple: float = 0.0006,
    thickness: float = 0.0016,
    turn_deg: float = 0.0,
    seed: int = 0,
    calm: float = 0.0,
    cell: float = 0.006,
    ragged: float = 0.002,
) -> Any:
    """Cloth lying on a surface.

    ``folds``: (start, end, height, half width) of soft ridges in the cloth's own frame, metres. ``calm``: radius around
    the *world* origin kept flat, so that a product stands level. UV are metres, for weave materials.
    """
    nx, ny = max(8, round(width / cell)), max(8, round(depth / cell))
    rng = random.Random(seed)
    phase = Vector((rng.uniform(0, 50), rng.uniform(0, 50), 0))
    turn = math.radians(turn_deg)
    c, s = math.cos(turn), math.sin(turn)
    vertices: list[Point3] = []
    uv: list[Point2] = []
    for j in range(ny + 1):
        for i in range(nx + 1):
            x, y = (i / nx - 0.5) * width, (j / ny - 0.5) * depth
            z = thickness + ripple * (1 + perlin.fractal(Vector((x * 9, y * 9, 0)) + phase, 0.6, 2, 3))
            bend = 0.018 * perlin.noise(Vector((x * 4, y * 4, 3)) + phase)
            for (ax, ay), (bx, by), height, half in folds:
                length = math.hypot(bx - ax, by - ay)
                ux, uy = (bx - ax) / length, (by - ay) / length
                t = ((x - ax) * ux + (y - ay) * uy) / length
                d = abs((x - ax) * -uy + (y - ay) * ux + bend)
                fade = max(0.0, min(1.0, t * 3.0)) * max(0.0, min(1.0, (1 - t) * 3.0))
                fade = fade * fade * (3 - 2 * fade)
                z += height * fade * math.exp(-((d / half) ** 2))
            wx, wy = at[0] + c * x - s * y, at[1] + s * x + c * y
            if calm > 0:
                k = min(1.0, max(0.0, (math.hypot(wx, wy) - calm) / (0.6 * calm)))
                z = thickness + (z - thickness) * k * k * (3 - 2 * k)
            ex = x + ragged * perlin.noise((y * 60, 1 + seed, 0)) * (abs(x) > width * 0.49)
            ey = y + ragged * perlin.noise((x * 60, 7 + seed, 0)) * (abs(y) > depth * 0.49)
            vertices.append((ex, ey, z))
            uv.append((x, y))
    row = nx + 1
    faces = [
        (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i) for j in range(ny) for i in range(nx)
    ]
    made = mesh(vertices, faces, material, uv=uv, name="cloth", sharp_deg=180)
    solid = made.modifiers.new("thick", "SOLIDIFY")
    solid.thickness, solid.offset = thickness, -1
    made.location, made.rotation_euler = at, (0, 0, turn)
    return made


def curtain(
    x0: float,
    x1: float,
    y: float,
    height: float,
    material: Any,
    *,
    z: float = 0.0,
    pleat: float = 0.11,
    depth: float = 0.03,
    seed: int = 0,
) -> Any:
    """A hanging curtain with uneven pleats, for window light and soft backgrounds."""
    rng = random.Random(seed)
    phase = rng.uniform(0, 9)
    columns, rows = max(24, round((x1 - x0) / 0.008)), 14
    vertices: list[Point3] = []
    uv: list[Point2] = []
    for j in range(rows + 1):
        v = j / rows
        for i in range(columns + 1):
            x = x0 + (x1 - x0) * i / columns
            wave = math.sin(2 * math.pi * x / pleat + 2.2 * perlin.noise((x * 3, v * 0.6, phase)))
            sway = 0.4 * perlin.noise((x * 14, v * 1.2, phase))
            vertices.append((x, y + depth * (wave + sway) * (1.15 - 0.3 * v), z + height * v))
            uv.append((x, height * v))
    row = columns + 1
    faces = [
        (j * row + i, j * row + i + 1, (j + 1) * row + i + 1, (j + 1) * row + i)
        for j in range(rows)
        for i in range(columns)
    ]
    return mesh(vertices, faces, material, uv=uv, name="curtain", sharp_deg=180)


# --- leaves --------------------------------------------------------------------------------------------------------

LeafOutline = Callable[[float], float]  # half width / length at 0 (stem) to 1 (tip)


def _lens(width: float, fullest: float = 0.45) -> LeafOutline:
    def half(u: float) -> float:
        p = math.log(0.5) / math.log(fullest)
        return 0.5 * width * max(0.0, math.sin(math.pi * min(1.0, max(0.0, u)) ** p)) ** 0.9

    return half


def _fan(width: float) -> LeafOutline:
    """Nearly round, as silver-dollar eucalyptus."""

    def half(u: float) -> float:
        return 0.5 * width * math.sqrt(max(0.0, 1 - (2 * u - 1) ** 2)) * (1 - 0.12 * u)

    return half


LEAVES: dict[str, tuple[LeafOutline, float]] = {  # outline, how far leaves stand off the stem (0 along, 1 across)
    "eucalyptus": (_fan(0.92), 0.85),
    "olive": (_lens(0.24, 0.5), 0.62),
    "laurel": (_lens(0.40, 0.48), 0.70),
    "ruscus": (_lens(0.46, 0.42), 0.66),
    "willow": (_lens(0.15, 0.4), 0.5),
    "palm": (_lens(0.085, 0.35), 0.72),
}


def _blade(
    origin: Vector,
    along: Vector,
    normal: Vector,
    length: float,
    outline: LeafOutline,
    rng: random.Random,
    vertices: list[Point3],
    faces: list[Sequence[int]],
    uv: list[Point2],
    *,
    curl: float = 0.25,
    cup: float = 0.22,
    steps: int = 9,
    sides: int = 3,
) -> None:
    """One leaf: bent along its length, folded at the midrib, slightly twisted and wavy at the rim."""
    across = along.cross(normal).normalized()
    normal = across.cross(along).normalized()
    bend, twist = curl * rng.uniform(0.4, 1.5), rng.uniform(-0.5, 0.5)
    wave, phase = rng.uniform(0.0, 0.05), rng.uniform(0, 6)
    start = len(vertices)
    for i in range(steps + 1):
        u = i / steps
        angle = bend * u
        centre = (
            origin
            + along * (length * math.sin(angle) / max(bend, 1e-3))
            - normal * (length * (1 - math.cos(angle)) / max(bend, 1e-3))
        )
        lift = normal * math.cos(angle) + along * math.sin(angle)
        roll = twist * u
        a2 = across * math.cos(roll) + lift * math.sin(roll)
        l2 = lift * math.cos(roll) - across * math.sin(roll)
        half = length * outline(0.02 + 0.975 * u)
        for k in range(-sides, sides + 1):
            w = k / sides
            ripple = wave * length * abs(w) * math.sin(6 * u + phase + (2 if w < 0 else 0))
            vertices.append(tuple(centre + a2 * (half * w) + l2 * (cup * half * abs(w) ** 1.3 + ripple)))
            uv.append((u, 0.5 + w / 2))
    row = 2 * sides + 1
    for i in range(steps):
        for k in range(row - 1):
            a = start + i * row + k
            faces.append((a, a + 1, a + row + 1, a + row))


def branch(
    base: Point3,
    direction: Point3,
    length: float,
    leaf_material: Any,
    stem_material: Any,
    *,
    kind: str = "eucalyptus",
    leaf: float = 0.045,
    leaves: int = 9,
    droop: float = 0.5,
    seed: int = 0,
    stem: float = 0.0022,
    bare: float = 0.12,
    paired: bool = True,
    flat: float = 0.0,
    keep_above: float | None = None,
) -> list[Any]:
    """A twig with leaves.

    ``leaf``: length of the largest leaf, m. ``droop``: how gravity bends the stem. ``bare``: leafless start, fraction.
    ``flat`` 0..1 lays leaves into the ground plane, for flat-lays; ``keep_above``: lift anything below this height.
    """
    rng = random.Random(seed)
    outline, off = LEAVES[kind]
    d = Vector(direction).normalized()
    points, tangents = [Vector(base)], []
    steps = 28
    for k in range(steps):
        t = k / steps
        wander = Vector([0.35 * perlin.noise((t * 2.2, seed * 1.3 + axis * 7, 0.5)) for axis in range(3)])
        if flat:
            wander.z *= 1 - flat
        step = (d + Vector((0, 0, -droop * t * t * 1.6)) + wander).normalized()
        tangents.append(step)
        points.append(points[-1] + step * (length / steps))
    tangents.append(tangents[-1])
    vertices: list[Point3] = []
    faces: list[Sequence[int]] = []
    uv: list[Point2] = []
    turn = rng.uniform(0, math.pi)
    for i in range(leaves):
        t = bare + (0.985 - bare) * (i + rng.uniform(-0.2, 0.2) if 0 < i < leaves - 1 else i) / max(1, leaves - 1)
        k = min(steps, max(0, round(t * steps)))
        tangent = tangents[k]
        turn += math.radians(90 + rng.uniform(-25, 25)) if paired else math.radians(137.5)
        for s in (0.0, math.pi) if paired else (0.0,):
            out = Matrix.Rotation(turn + s + rng.uniform(-0.3, 0.3), 3, tangent) @ tangent.orthogonal().normalized()
            if flat:
                flatter = tangent.cross(Vector((0, 0, 1))) * (1 if math.cos(s) > 0 else -1)
                out = (out * (1 - flat) + flatter * flat).normalized()
            size = leaf * (1.08 - 0.5 * t) * rng.uniform(0.78, 1.12)
            lean = off * rng.uniform(0.8, 1.15)
            along = (out * lean + tangent * (1 - lean * 0.5)).normalized()
            normal = (
                Vector((0, 0, 1)) * (0.35 + flat)
                + Vector([rng.uniform(-0.5, 0.5) * (1 - 0.7 * flat) for _ in range(3)])
                + tangent * 0.25
            ).normalized()
            if abs(normal.dot(along)) > 0.92:
                normal = along.orthogonal().normalized()
            petiole = points[k] + along * (size * 0.10)
            _blade(
                petiole,
                along,
                normal,
                size,
                outline,
                rng,
                vertices,
                faces,
                uv,
                curl=rng.uniform(0.1, 0.7),
                cup=rng.uniform(0.08, 0.3),
            )
    if keep_above is not None:
        vertices = [
            (x, y, max(z, keep_above + 0.0004 + 0.15 * max(0.0, z - keep_above)))
            if z < keep_above + 0.0005
            else (x, y, z)
            for x, y, z in vertices
        ]
        points = [Vector((p.x, p.y, max(p.z, keep_above + stem))) for p in points]
    stem_object = tube([tuple(p) for p in points], lambda s: stem * (1 - 0.72 * s), stem_material, sides=8)
    return [stem_object, mesh(vertices, faces, leaf_material, uv=uv, name="leaves", sharp_deg=180)]


def palm_frond(
    base: Point3,
    direction: Point3,
    length: float,
    leaf_material: Any,
    stem_material: Any,
    *,
    seed: int = 0,
    pairs: int = 22,
    leaf: float = 0.16,
    droop: float = 0.5,
    plane: Point3 = (0, 0, 1),
) -> list[Any]:
    """A feathered palm leaf whose leaflets lie about the ``plane`` normal; also makes the well-known shadow."""
    rng = random.Random(seed)
    outline, _ = LEAVES["palm"]
    d = Vector(direction).normalized()
    points, tangents = [Vector(base)], []
    for k in range(30):
        t = k / 30
        step = (d + Vector((0, 0, -droop * t * t))).normalized()
        tangents.append(step)
        points.append(points[-1] + step * (length / 30))
    tangents.append(tangents[-1])
    vertices: list[Point3] = []
    faces: list[Sequence[int]] = []
    uv: list[Point2] = []
    for i in range(pairs):
        t = 0.14 + 0.86 * i / (pairs - 1)
        k = min(30, round(t * 30))
        tangent = tangents[k]
        across = tangent.cross(Vector(plane)).normalized()
        size = leaf * math.sin(math.pi * (0.16 + 0.8 * t)) ** 0.7 * rng.uniform(0.88, 1.1)
        for s in (-1, 1):
            along = (across * s + tangent * (0.45 + 0.75 * t) + Vector(plane) * rng.uniform(-0.15, 0.1)).normalized()
            _blade(
                points[k],
                along,
                Vector(plane),
                size,
                outline,
                rng,
                vertices,
                faces,
                uv,
                curl=rng.uniform(0.1, 0.6),
                cup=0.5,
                steps=8,
                sides=1,
            )
    stem_object = tube([tuple(p) for p in points], lambda s: 0.004 * (1 - 0.8 * s), stem_material, sides=8)
    return [stem_object, mesh(vertices, faces, leaf_material, uv=uv, name="frond", sharp_deg=180)]


def fallen_leaf(
    at: Point3, material: Any, *, length: float = 0.06, kind: str = "maple", turn_deg: float = 0.0, seed: int = 0
) -> Any:
    """One dry leaf on the ground, curled at the rim: "maple" (lobed) or "beech" (oval)."""
    rng = random.Random(seed)
    rim: list[Vector] = []
    steps = 72
    for i in range(steps):
        a = 2 * math.pi * i / steps  # 0 is the tip
        if kind == "maple":
            lobes = 0.56 + 0.34 * abs(math.cos(2.5 * a)) ** 1.5 + 0.05 * math.cos(17 * a)
            r = lobes * (0.78 if abs(a - math.pi) < 0.45 else 1.0)
        else:
            r = 1.0 / math.sqrt((math.cos(a) / 1.0) ** 2 + (math.sin(a) / 0.52) ** 2) * (1 + 0.02 * math.cos(24 * a))
        rim.append(Vector((math.sin(a), math.cos(a), 0)) * (r * length / 2))
    rings = 7
    lift, fold, phase = rng.uniform(0.12, 0.32), rng.uniform(0.05, 0.2), rng.uniform(0, 6)
    vertices: list[Point3] = [(0, 0, 0)]
    uv: list[Point2] = [(0.5, 0.5)]
    for j in range(1, rings + 1):
        s = j / rings
        for i, p in enumerate(rim):
            q = p * s
            height = lift * s**2.2 * (
                0.55 + 0.45 * math.sin(3 * 2 * math.pi * i / steps + phase)
            ) * length * 0.5 + fold * abs(q.x)
            vertices.append((q.x * (1 - 0.1 * s), q.y, height))
            uv.append((0.5 + q.x / length, 0.5 + q.y / length))
    faces: list[Sequence[int]] = [(0, 1 + i, 1 + (i + 1) % steps) for i in range(steps)]
    for j in range(rings - 1):
        for i in range(steps):
            k = (i + 1) % steps
            faces.append((1 + j * steps + i, 1 + (j + 1) * steps + i, 1 + (j + 1) * steps + k, 1 + j * steps + k))
    made = mesh(vertices, faces, material, uv=uv, name="fallen", sharp_deg=180)
    made.location = (at[0], at[1], at[2] + 0.0008)
    made.rotation_euler = (rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08), math.radians(turn_deg))
    return made
