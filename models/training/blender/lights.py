"""Light: sun, softbox, window with bars, leaf shadow, environment maps whose own sun is taken out.

Every light belongs to a light group: "key" (the one light that casts the readable shadow) or "ambient" (all others).
Directions are given as azimuth and elevation seen from the standing point: azimuth 0 comes from the camera, 90 from the
right, 180 from behind the product, 270 (or -90) from the left.
"""

from __future__ import annotations

import base64
import math
import os
import random
import re
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from models.types import KeyLight, Side, unit

from . import geometry
from .materials import Colour, colour, plain

BUNDLED = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")  # CC0, come with bpy
HDRI_FOLDER = "ADLOOM_HDRI"  # environment variable: a folder of .exr or .hdr maps beside the bundled ones


def direction(azimuth_deg: float, elevation_deg: float) -> Vector:
    """Unit vector from the standing point towards the light."""
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    return Vector((math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)))


def side_of(towards: Vector) -> Side:
    """The side a viewer would name."""
    if towards.z > 0.9:
        return Side.ABOVE
    if abs(towards.x) >= 0.6 * abs(towards.y):
        return Side.RIGHT if towards.x > 0 else Side.LEFT
    return Side.BACK if towards.y > 0 else Side.FRONT


def _add(data: Any, group: str) -> Any:
    made = bpy.data.objects.new("light", data)
    bpy.context.scene.collection.objects.link(made)
    made.lightgroup = group
    return made


def sun(
    azimuth_deg: float,
    elevation_deg: float,
    strength: float,
    *,
    angle_deg: float = 1.0,
    tint: Colour = "#fff1dc",
    group: str = "key",
) -> KeyLight:
    """Parallel light; ``angle_deg`` is the diameter of the disc (real sun .53, hazy 3, overcast 20)."""
    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.angle, data.color = strength, math.radians(angle_deg), colour(tint)
    towards = direction(azimuth_deg, elevation_deg)
    made = _add(data, group)
    made.rotation_euler = towards.to_track_quat("Z", "Y").to_euler()
    return KeyLight(
        kind="sun",
        direction=unit(tuple(towards)),
        angular_diameter_deg=angle_deg,
        side=side_of(towards),
        is_hard=angle_deg < 5.0,
    )


def softbox(
    azimuth_deg: float,
    elevation_deg: float,
    distance: float,
    size: tuple[float, float],
    power_w: float,
    *,
    tint: Colour = "#ffffff",
    target: tuple[float, float, float] = (0, 0, 0.08),
    group: str = "ambient",
    spread_deg: float = 180.0,
) -> KeyLight:
    """A rectangular light facing ``target``; unseen by the camera, seen in reflections."""
    data = bpy.data.lights.new("softbox", "AREA")
    data.shape, data.size, data.size_y = "RECTANGLE", size[0], size[1]
    data.energy, data.color, data.spread = power_w, colour(tint), math.radians(spread_deg)
    towards = direction(azimuth_deg, elevation_deg)
    position = Vector(target) + towards * distance
    made = _add(data, group)
    made.location = position
    made.rotation_euler = towards.to_track_quat("Z", "Y").to_euler()
    made.visible_camera = False
    seen = position.normalized()
    return KeyLight(
        kind="area",
        direction=unit(tuple(seen)),
        angular_diameter_deg=math.degrees(2 * math.atan(max(size) / 2 / position.length)),
        position=np.array(position, dtype=np.float64),
        size_m=size,
        side=side_of(seen),
        is_hard=max(size) / position.length < 0.18,
    )


def _only_blocks_light(made: Any) -> None:
    made.visible_camera = made.visible_glossy = made.visible_diffuse = made.visible_transmission = False


def window(
    key: KeyLight,
    *,
    distance: float = 1.6,
    pane: tuple[float, float] = (0.34, 0.46),
    panes: tuple[int, int] = (2, 2),
    bar: float = 0.055,
    lit_pane: tuple[int, int] = (0, 0),
    offset: tuple[float, float] = (0, 0),
    surround: float = 1.4,
    roll_deg: float = 0.0,
) -> None:
    """A window frame between a sun and the set, unseen by the camera.

    The standing point falls into the middle of ``lit_pane`` (counted from 0), moved by ``offset`` metres in the pane's
    plane, so that the product's place is evenly lit. Bars are as thick as real ones (4 to 7 cm), or read as stripes.
    """
    towards = Vector(key.direction)
    frame = towards.to_track_quat("Z", "Y").to_matrix() @ Matrix.Rotation(math.radians(roll_deg), 3, "Z")
    pitch_x, pitch_y = pane[0] + bar, pane[1] + bar
    total_x, total_y = panes[0] * pitch_x + bar, panes[1] * pitch_y + bar
    left = -(bar + lit_pane[0] * pitch_x + pane[0] / 2) + offset[0]
    low = -(bar + lit_pane[1] * pitch_y + pane[1] / 2) + offset[1]
    centre = towards * distance
    black = plain("#050505", 1.0)

    def strip(x0: float, x1: float, y0: float, y1: float) -> None:
        corners = [tuple(centre + frame @ Vector((x, y, 0))) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        _only_blocks_light(geometry.mesh(corners, [(0, 1, 2, 3)], black, smooth=False, name="window"))

    strip(left - surround, left, low - surround, low + total_y + surround)
    strip(left + total_x, left + total_x + surround, low - surround, low + total_y + surround)
    strip(left, left + total_x, low - surround, low)
    strip(left, left + total_x, low + total_y, low + total_y + surround)
    for i in range(panes[0] + 1):
        strip(left + i * pitch_x, left + i * pitch_x + bar, low, low + total_y)
    for j in range(panes[1] + 1):
        strip(left, left + total_x, low + j * pitch_y, low + j * pitch_y + bar)


def leaf_shadow(
    key: KeyLight,
    at: tuple[float, float, float],
    *,
    distance: float = 0.8,
    seed: int = 0,
    twigs: int = 4,
    length: float = 0.6,
    leaf: float = 0.10,
    kind: str = "laurel",
    spread: float = 0.22,
    leaves: int = 9,
    lean_deg: float = 90.0,
    spread_deg: float = 35.0,
) -> None:
    """Twigs (or ``kind="frond"``: palm fronds) held into the key light so that their shadow falls around ``at``.

    Keep ``at`` away from the standing point: the product's pixels cannot receive this shadow, so the product's place
    must stay evenly lit. ``distance`` sets the softness.
    """
    rng = random.Random(seed)
    towards = Vector(key.direction) if key.position is None else (Vector(key.position) - Vector(at)).normalized()
    frame = towards.to_track_quat("Z", "Y").to_matrix()
    centre = Vector(at) + towards * distance
    black = plain("#0a0f0a", 1.0)
    before = set(bpy.data.objects)
    for i in range(twigs):
        turn = math.radians(lean_deg + rng.uniform(-spread_deg, spread_deg))
        growth = Vector((math.cos(turn), math.sin(turn), rng.uniform(-0.12, 0.12)))
        start = centre + frame @ (
            Vector((rng.uniform(-spread, spread), rng.uniform(-spread, spread) * 0.4, 0)) - growth * (length * 0.5)
        )
        if kind == "frond":
            geometry.palm_frond(
                tuple(start),
                tuple(frame @ growth),
                length,
                black,
                black,
                seed=seed + i,
                leaf=leaf * 1.6,
                droop=0.15,
                plane=tuple(towards),
            )
        else:
            geometry.branch(
                tuple(start),
                tuple(frame @ growth),
                length,
                black,
                black,
                kind=kind,
                leaf=leaf,
                leaves=leaves,
                droop=0.05,
                seed=seed + i,
                stem=0.003,
            )
    for made in set(bpy.data.objects) - before:
        _only_blocks_light(made)


def hdri_path(name: str) -> Path:
    """Where a map lies: bundled with bpy, or in the folder named by ADLOOM_HDRI."""
    if name in BUNDLED:
        return Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world" / f"{name}.exr"
    folder = Path(os.environ.get(HDRI_FOLDER, ""))
    for ending in (".exr", ".hdr"):
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise FileNotFoundError(f"no environment map {name!r}; bundled: {', '.join(BUNDLED)}; more in ${HDRI_FOLDER}")


def unpack_hdris(package: Path, folder: Path) -> list[str]:
    """Write the maps of an unpacked npm ``@pmndrs/assets`` (CC0, base64 in .js) to ``folder``; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for script in sorted((package / "hdri").glob("*.js")):
        found = re.search(r"data:[^;]*;base64,([A-Za-z0-9+/=]+)", script.read_text())
        if found is None:
            continue
        blob = base64.b64decode(found.group(1))
        ending = ".exr" if blob[:4] == b"\x76\x2f\x31\x01" else ".hdr"
        name = script.name.split(".")[0]
        (folder / f"{name}{ending}").write_bytes(blob)
        names.append(name)
    return names


def world(
    name: str | None = None,
    strength: float = 1.0,
    *,
    tint: Colour = "#ffffff",
    turn_deg: float = 0.0,
    cap: float | None = 2.0,
    saturation: float = 1.0,
    seen: float = 1.0,
) -> None:
    """Ambient light from everywhere: an environment map, or one colour without it.

    ``cap`` clips the map's own sun (a second, unknown shadow); ``seen`` scales how bright the camera sees it.
    """
    made = bpy.data.worlds.new("world")
    bpy.context.scene.world = made
    made.use_nodes = True
    made.lightgroup = "ambient"
    nodes, links = made.node_tree.nodes, made.node_tree.links
    background = nodes["Background"]
    background.inputs["Strength"].default_value = strength
    made.cycles.sampling_method, made.cycles.sample_map_resolution = "MANUAL", 256
    if name is None:
        # Found by bounced rays only: these pass through what merely blocks the key light (window bars, leaf shadows).
        made.cycles.sampling_method = "NONE"
        background.inputs["Color"].default_value = (*colour(tint), 1)
        return
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = bpy.data.images.load(str(hdri_path(name)), check_existing=True)
    texture.interpolation = "Cubic"
    where, mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    mapping.inputs["Rotation"].default_value = (0, 0, math.radians(turn_deg))
    links.new(where.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    source = texture.outputs["Color"]
    if cap is not None:
        darken = nodes.new("ShaderNodeMix")
        darken.data_type, darken.blend_type = "RGBA", "DARKEN"
        darken.inputs["Factor"].default_value = 1.0
        links.new(source, darken.inputs[6])
        darken.inputs[7].default_value = (cap, cap, cap, 1)
        source = darken.outputs[2]
    toned = nodes.new("ShaderNodeHueSaturation")
    toned.inputs["Saturation"].default_value = saturation
    links.new(source, toned.inputs["Color"])
    tinted = nodes.new("ShaderNodeMix")
    tinted.data_type, tinted.blend_type = "RGBA", "MULTIPLY"
    tinted.inputs["Factor"].default_value = 1.0
    links.new(toned.outputs["Color"], tinted.inputs[6])
    tinted.inputs[7].default_value = (*colour(tint), 1)
    links.new(tinted.outputs[2], background.inputs["Color"])
    if seen != 1.0:
        path, scale = nodes.new("ShaderNodeLightPath"), nodes.new("ShaderNodeMath")
        scale.operation = "MULTIPLY_ADD"
        links.new(path.outputs["Is Camera Ray"], scale.inputs[0])
        scale.inputs[1].default_value, scale.inputs[2].default_value = strength * (seen - 1.0), strength
        links.new(scale.outputs["Value"], background.inputs["Strength"])


def glow_discs(
    centre: tuple[float, float, float],
    spread: tuple[float, float, float],
    *,
    count: int = 14,
    radius: tuple[float, float] = (0.03, 0.08),
    strength: float = 1.2,
    tints: tuple[Colour, ...] = ("#ffd9a0", "#ffc27a", "#ffe9c8"),
    seed: int = 0,
) -> None:
    """Out-of-focus lights far behind: discs already as wide as their blur, because a tiny lamp would be pure noise."""
    rng = random.Random(seed)
    for _ in range(count):
        at = [c + rng.uniform(-s, s) for c, s in zip(centre, spread, strict=True)]
        made = bpy.data.materials.new("glow")
        made.use_nodes = True
        nodes, links = made.node_tree.nodes, made.node_tree.links
        nodes.clear()
        out, mix = nodes.new("ShaderNodeOutputMaterial"), nodes.new("ShaderNodeMixShader")
        emit, clear = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeBsdfTransparent")
        emit.inputs["Color"].default_value = (*colour(rng.choice(tints)), 1)
        emit.inputs["Strength"].default_value = strength * rng.uniform(0.5, 1.4)
        mix.inputs[0].default_value = rng.uniform(0.25, 0.7)
        links.new(clear.outputs[0], mix.inputs[1])
        links.new(emit.outputs[0], mix.inputs[2])
        links.new(mix.outputs[0], out.inputs["Surface"])
        r = rng.uniform(*radius)
        rim = [
            (at[0] + r * math.cos(a), at[1], at[2] + r * math.sin(a)) for a in (2 * math.pi * k / 40 for k in range(40))
        ]
        disc = geometry.mesh(rim, [tuple(range(40))], made, smooth=False, name="glow")
        disc.lightgroup = "ambient"
        disc.visible_diffuse = disc.visible_shadow = False
