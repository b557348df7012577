"""Materials as shader graphs, in real sizes: wood with planks, marble, plaster, linen, stone, terrazzo, tiles, glass.

Colours are sRGB hex strings ("#c9b59a") or linear RGB triples. Patterns live in object coordinates (metres) unless said
otherwise, so an object must keep scale 1. ``ground(material)`` returns
its (roughness, base reflectance), which the composer needs for reflections.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy

Colour = str | tuple[float, float, float]
Stops = Sequence[tuple[float, Colour]]


def colour(value: Colour) -> tuple[float, float, float]:
    """Linear RGB of an sRGB hex string; triples pass through."""
    if not isinstance(value, str):
        return value
    code = value.lstrip("#")
    encoded = [int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded)
    return r, g, b


def shade(value: Colour, factor: float) -> tuple[float, float, float]:
    """The same hue, darker (< 1) or lighter (> 1), kept below .95."""
    r, g, b = (min(0.95, c * factor) for c in colour(value))
    return r, g, b


def blend(a: Colour, b: Colour, t: float) -> tuple[float, float, float]:
    """Between two colours, linear."""
    x, y, z = (p * (1 - t) + q * t for p, q in zip(colour(a), colour(b), strict=True))
    return x, y, z


def ground(material: Any) -> tuple[float, float]:
    """(roughness, reflectance at normal incidence) of a material made here."""
    return float(material["roughness"]), float(material["base_reflectance"])


class Graph:
    """A terse hand for shader nodes: every value may be a number, a colour, a vector or another node's output."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.nodes, self.links = self.material.node_tree.nodes, self.material.node_tree.links
        self.principled = self.nodes["Principled BSDF"]

    def put(self, socket: Any, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, socket)
        elif socket.type == "RGBA" and not isinstance(value, (int, float)):
            socket.default_value = (*colour(value)[:3], 1.0)
        elif socket.type == "RGBA":
            socket.default_value = (value, value, value, 1.0)
        else:
            socket.default_value = value

    def node(self, kind: str, **inputs: Any) -> Any:
        made = self.nodes.new(kind)
        for name, value in inputs.items():
            self.put(made.inputs[name.replace("_", " ")], value)
        return made

    def math(self, operation: str, a: Any, b: Any = 0.0, c: Any = 0.0, *, clamp: bool = False) -> Any:
        made = self.nodes.new("ShaderNodeMath")
        made.operation, made.use_clamp = operation, clamp
        for socket, value in zip(made.inputs, (a, b, c), strict=True):
            self.put(socket, value)
        return made.outputs[0]

    def vector(self, operation: str, a: Any, b: Any = (0, 0, 0)) -> Any:
        made = self.nodes.new("ShaderNodeVectorMath")
        made.operation = operation
        self.put(made.inputs[0], a)
        self.put(made.inputs[1], b)
        return made.outputs["Vector"]

    def object_space(self) -> Any:
        return self.node("ShaderNodeTexCoord").outputs["Object"]

    def uv(self) -> Any:
        return self.node("ShaderNodeTexCoord").outputs["UV"]

    def island(self) -> Any:
        """One random number (0 to 1) for every loose part of a mesh: each leaf its own."""
        return self.node("ShaderNodeNewGeometry").outputs["Random Per Island"]

    def mapped(
        self,
        source: Any,
        *,
        scale: tuple[float, float, float] = (1, 1, 1),
        turn_deg: float = 0.0,
        move: tuple[float, float, float] = (0, 0, 0),
    ) -> Any:
        made = self.nodes.new("ShaderNodeMapping")
        self.put(made.inputs["Vector"], source)
        made.inputs["Scale"].default_value = scale
        made.inputs["Rotation"].default_value = (0, 0, math.radians(turn_deg))
        made.inputs["Location"].default_value = move
        return made.outputs[0]

    def noise(
        self,
        source: Any,
        scale: float,
        *,
        detail: float = 5.0,
        roughness: float = 0.55,
        distortion: float = 0.0,
        output: str = "Fac",
    ) -> Any:
        made = self.nodes.new("ShaderNodeTexNoise")
        self.put(made.inputs["Vector"], source)
        for name, value in (("Scale", scale), ("Detail", detail), ("Roughness", roughness), ("Distortion", distortion)):
            made.inputs[name].default_value = value
        return made.outputs["Fac"] if output == "Fac" else made.outputs["Color"]

    def cells(
        self, source: Any, scale: float, *, feature: str = "F1", randomness: float = 1.0, output: str = "Distance"
    ) -> Any:
        made = self.nodes.new("ShaderNodeTexVoronoi")
        made.feature = feature
        self.put(made.inputs["Vector"], source)
        made.inputs["Scale"].default_value = scale
        made.inputs["Randomness"].default_value = randomness
        return made.outputs[output]

    def random(self, source: Any) -> Any:
        """White noise of a vector or number: (value, colour)."""
        made = self.nodes.new("ShaderNodeTexWhiteNoise")
        self.put(made.inputs["Vector"], source)
        return made.outputs["Value"], made.outputs["Color"]

    def ramp(self, value: Any, stops: Stops, *, smooth: bool = False) -> Any:
        made = self.nodes.new("ShaderNodeValToRGB")
        bar = made.color_ramp
        bar.interpolation = "EASE" if smooth else "LINEAR"
        bar.elements[0].position, bar.elements[0].color = stops[0][0], (*colour(stops[0][1]), 1)
        bar.elements[1].position, bar.elements[1].color = stops[-1][0], (*colour(stops[-1][1]), 1)
        for position, tint in stops[1:-1]:
            bar.elements.new(position).color = (*colour(tint), 1)
        self.put(made.inputs[0], value)
        return made.outputs[0]

    def step(self, value: Any, low: float, high: float, to_low: float = 0.0, to_high: float = 1.0) -> Any:
        """Smoothstep from ``low`` to ``high``."""
        made = self.nodes.new("ShaderNodeMapRange")
        made.interpolation_type = "SMOOTHSTEP"
        self.put(made.inputs["Value"], value)
        self.put(made.inputs["From Min"], low)
        self.put(made.inputs["From Max"], high)
        self.put(made.inputs["To Min"], to_low)
        self.put(made.inputs["To Max"], to_high)
        return made.outputs["Result"]

    def mix(self, factor: Any, a: Any, b: Any, *, blend_type: str = "MIX") -> Any:
        made = self.nodes.new("ShaderNodeMix")
        made.data_type, made.blend_type = "RGBA", blend_type
        self.put(made.inputs["Factor"], factor)
        self.put(made.inputs[6], a)
        self.put(made.inputs[7], b)
        return made.outputs[2]

    def bump(self, height: Any, distance: float, *, strength: float = 1.0, normal: Any = None) -> Any:
        made = self.nodes.new("ShaderNodeBump")
        made.inputs["Strength"].default_value = strength
        made.inputs["Distance"].default_value = distance
        self.put(made.inputs["Height"], height)
        if normal is not None:
            self.put(made.inputs["Normal"], normal)
        return made.outputs[0]

    def split(self, source: Any) -> tuple[Any, Any, Any]:
        made = self.node("ShaderNodeSeparateXYZ", Vector=source)
        return made.outputs[0], made.outputs[1], made.outputs[2]

    def join(self, x: Any, y: Any, z: Any) -> Any:
        return self.node("ShaderNodeCombineXYZ", X=x, Y=y, Z=z).outputs[0]

    def finish(
        self, *, roughness_known: float, base_reflectance: float = 0.04, average: Colour | None = None, **inputs: Any
    ) -> Any:
        """Set the principled shader's inputs and note what the composer must know.

        ``average``: what diffuse bounces see instead of the whole pattern. Cycles then skips the pattern's nodes for
        them, which halves the cost of a picture and changes nothing one could see.
        """
        for name, value in inputs.items():
            self.put(self.principled.inputs[name.replace("_", " ")], value)
        if "Roughness" not in inputs:
            self.principled.inputs["Roughness"].default_value = roughness_known
        if average is not None:
            is_diffuse = self.node("ShaderNodeLightPath").outputs["Is Diffuse Ray"]
            simple = self.node("ShaderNodeBsdfDiffuse", Color=average)
            mix = self.node("ShaderNodeMixShader")
            self.links.new(is_diffuse, mix.inputs[0])
            self.links.new(self.principled.outputs[0], mix.inputs[1])
            self.links.new(simple.outputs[0], mix.inputs[2])
            self.links.new(mix.outputs[0], self.nodes["Material Output"].inputs["Surface"])
        self.material["roughness"] = roughness_known
        self.material["base_reflectance"] = base_reflectance
        return self.material


# --- plain and studio ----------------------------------------------------------------------------------------------


def plain(
    tint: Colour, roughness: float = 0.5, *, metallic: float = 0.0, coat: float = 0.0, unevenness: float = 0.0
) -> Any:
    """One colour. ``unevenness``: how far roughness and tone wander, for surfaces that hands have touched."""
    g = Graph("plain")
    inputs: dict[str, Any] = {"Base_Color": tint, "Metallic": metallic, "Coat_Weight": coat, "Coat_Roughness": 0.08}
    if unevenness:
        wander = g.noise(g.object_space(), 14.0, detail=4)
        inputs["Roughness"] = g.step(
            wander, 0.3, 0.7, max(0.02, roughness * (1 - unevenness)), roughness * (1 + unevenness)
        )
        inputs["Base_Color"] = g.mix(g.step(wander, 0.25, 0.75), shade(tint, 1 - 0.25 * unevenness), tint)
    return g.finish(roughness_known=roughness, **inputs)


def paper(tint: Colour, *, grain: float = 1.0) -> Any:
    """Background paper or card: matte, with a hint of fibre and of waviness."""
    g = Graph("paper")
    p = g.object_space()
    slow = g.noise(p, 2.5, detail=2)
    fibre = g.noise(p, 900.0, detail=3, roughness=0.7)
    tone = g.mix(g.step(slow, 0.3, 0.7), shade(tint, 0.965), tint)
    tone = g.mix(g.step(fibre, 0.25, 0.75), shade(tint, 1 - 0.05 * grain), tone)
    return g.finish(
        average=shade(tint, 0.95),
        roughness_known=0.8,
        Base_Color=tone,
        Normal=g.bump(fibre, 0.00018 * grain),
        Specular_IOR_Level=0.3,
    )


def plaster(
    tint: Colour,
    *,
    trowel: float = 1.0,
    roughness: float = 0.82,
    tone: float = 0.06,
    scale: float = 1.0,
    polish: float = 0.0,
) -> Any:
    """Lime plaster or microcement: clouds of tone, trowel sweeps, fine grain; ``polish`` leaves sheen in patches."""
    g = Graph("plaster")
    p = g.object_space()
    warp = g.vector("ADD", p, g.vector("SCALE", g.noise(p, 3.0 * scale, detail=2, output="Color"), (0, 0, 0)))
    cloud = g.noise(warp, 2.6 * scale, detail=5, roughness=0.6, distortion=0.4)
    sweep = g.noise(
        g.mapped(p, scale=(1.0, 3.2, 2.2), turn_deg=24), 7.0 * scale, detail=4, roughness=0.6, distortion=1.6
    )
    grain = g.noise(p, 340.0, detail=3, roughness=0.7)
    pits = g.step(g.noise(p, 95.0, detail=2), 0.70, 0.80)
    value = g.math("ADD", g.math("MULTIPLY", cloud, 0.65), g.math("MULTIPLY", sweep, 0.35))
    body = g.ramp(value, [(0.30, shade(tint, 1 - 2 * tone)), (0.5, shade(tint, 1 - 0.8 * tone)), (0.70, tint)])
    body = g.mix(g.math("MULTIPLY", pits, 0.25 * trowel), body, shade(tint, 0.72))
    height = g.math("ADD", g.math("MULTIPLY", sweep, 0.9), g.math("MULTIPLY", grain, 0.16))
    height = g.math("SUBTRACT", height, g.math("MULTIPLY", pits, 0.3 * trowel))
    rough = g.step(sweep, 0.3, 0.7, roughness - polish, roughness) if polish else roughness
    return g.finish(
        average=shade(tint, 0.92),
        roughness_known=roughness - polish / 2,
        Base_Color=body,
        Roughness=rough,
        Specular_IOR_Level=0.35,
        Normal=g.bump(height, 0.0011 * trowel, strength=0.75),
    )


def concrete(tint: Colour = "#9d9a95", *, roughness: float = 0.62) -> Any:
    """Cast concrete: clouded, with air holes, faint stains and a slight sheen where it was trowelled."""
    g = Graph("concrete")
    p = g.object_space()
    cloud = g.noise(p, 4.0, detail=7, roughness=0.62, distortion=0.5)
    stain = g.noise(p, 1.7, detail=3, distortion=1.0)
    fine = g.noise(p, 260.0, detail=4, roughness=0.7)
    holes = g.cells(
        g.vector("ADD", p, g.vector("MULTIPLY", g.noise(p, 60, detail=1, output="Color"), (0.004, 0.004, 0.004))), 46.0
    )
    keep = g.step(g.random(g.cells(p, 46.0, output="Color"))[0], 0.80, 0.84)
    hole = g.math("MULTIPLY", g.step(holes, 0.16, 0.09), keep)
    body = g.ramp(cloud, [(0.32, shade(tint, 0.80)), (0.5, shade(tint, 0.94)), (0.68, shade(tint, 1.06))])
    body = g.mix(g.step(stain, 0.52, 0.70, 0, 0.35), body, shade(tint, 0.78))
    body = g.mix(g.step(fine, 0.35, 0.65, 0.10, 0), body, shade(tint, 0.6))
    body = g.mix(g.math("MULTIPLY", hole, 0.8), body, shade(tint, 0.30))
    height = g.math("SUBTRACT", g.math("MULTIPLY", fine, 0.12), hole)
    rough = g.step(cloud, 0.3, 0.7, roughness - 0.12, roughness + 0.12)
    return g.finish(
        average=shade(tint, 0.92),
        roughness_known=roughness,
        Base_Color=body,
        Roughness=rough,
        Normal=g.bump(height, 0.0009, strength=0.8),
    )


def gloss(tint: Colour = "#0b0b0d", *, roughness: float = 0.05, dust: float = 0.4) -> Any:
    """Acrylic or lacquer: mirror-like, with a trace of dust and hairline wiping marks."""
    g = Graph("gloss")
    p = g.object_space()
    smear = g.noise(g.mapped(p, scale=(1, 6, 1), turn_deg=35), 9.0, detail=5, distortion=0.6)
    specks = g.math("MULTIPLY", g.step(g.cells(p, 420.0), 0.10, 0.04), g.step(g.noise(p, 7.0), 0.45, 0.65))
    body = g.mix(g.math("MULTIPLY", specks, 0.25 * dust), tint, "#8a8a88")
    rough = g.step(smear, 0.35, 0.75, roughness, roughness + 0.05 * dust)
    return g.finish(roughness_known=roughness, Base_Color=body, Roughness=rough)


# --- wood ----------------------------------------------------------------------------------------------------------

WOODS: dict[str, tuple[Colour, Colour, Colour]] = {  # early wood, late wood (growth-ring line), pores
    "oak": ("#c2a07a", "#a07c54", "#6d4f30"),
    "pale_oak": ("#d8bd97", "#bd9a6c", "#8f6d45"),
    "ash": ("#dccbb0", "#c3a981", "#a58a63"),
    "walnut": ("#7a5236", "#4b2d1b", "#2a170d"),
    "dark_walnut": ("#4d3222", "#2b1a10", "#150c07"),
    "teak": ("#a8743f", "#7d4f26", "#4f2f15"),
    "beech": ("#d9ae80", "#c7966a", "#a06f45"),
    "weathered": ("#9b9186", "#766b60", "#4a423a"),
    "whitewashed": ("#e3dccf", "#cdc2b0", "#a99b86"),
    "cherry": ("#a9683f", "#854a28", "#5a2f18"),
}


def wood(
    kind: str = "oak",
    *,
    plank: float = 0.13,
    plank_length: float = 1.4,
    turn_deg: float = 0.0,
    roughness: float = 0.42,
    seam: float = 1.0,
    seed: int = 0,
    contrast: float = 1.0,
    end_grain: bool = False,
    wear: float = 0.4,
) -> Any:
    """Planks along x (turned by ``turn_deg``): each has its own cut through growth rings, tone and grain.

    ``plank`` 0 makes one solid board. ``seam``: how dark and deep joints are. ``wear``: scratches and rubbed patches.
    """
    early, late, pore = WOODS[kind]
    g = Graph("wood")
    p = g.mapped(g.object_space(), turn_deg=turn_deg, move=(seed * 0.37, seed * 0.011, 0))
    x, y, z = g.split(p)
    if plank > 0:
        row = g.math("FLOOR", g.math("DIVIDE", y, plank))
        in_row = g.math("SUBTRACT", g.math("DIVIDE", y, plank), row)
        shift, _ = g.random(g.join(row, seed + 0.5, 3.0))
        along = g.math("ADD", g.math("DIVIDE", x, plank_length), g.math("MULTIPLY", shift, 7.0))
        column = g.math("FLOOR", along)
        in_column = g.math("SUBTRACT", along, column)
        tone, pick = g.random(g.join(row, column, float(seed)))
    else:
        row = column = g.math("MULTIPLY", x, 0.0)
        in_row = in_column = g.math("ADD", row, 0.5)
        tone, pick = g.random(g.join(row, column, float(seed)))
    pick_r, pick_g, pick_b = g.split(pick)
    width = plank if plank > 0 else 0.30
    # Where this board was sawn from the trunk: distance from the pith sets cathedral (near) or straight (far) figure.
    far = g.math("MULTIPLY_ADD", pick_r, 0.16, 0.015)
    centre = g.math("MULTIPLY_ADD", pick_g, 1.6 * width, -0.3 * width)
    long_noise = g.noise(
        g.join(g.math("MULTIPLY_ADD", pick_b, 40.0, g.math("MULTIPLY", x, 1.5)), g.math("MULTIPLY", y, 5.0), row),
        1.0,
        detail=3,
        roughness=0.5,
    )
    wobble = g.noise(
        g.join(g.math("MULTIPLY_ADD", pick_b, 90.0, g.math("MULTIPLY", x, 7.0)), g.math("MULTIPLY", y, 40.0), column),
        1.0,
        detail=3,
        roughness=0.55,
    )
    local = (
        g.math("SUBTRACT", g.math("MULTIPLY", in_row, width), centre) if plank > 0 else g.math("SUBTRACT", y, centre)
    )
    depth = g.math("MULTIPLY_ADD", long_noise, 0.11, g.math("SUBTRACT", g.math("ADD", far, z), 0.055))
    radius = g.math("SQRT", g.math("ADD", g.math("MULTIPLY", local, local), g.math("MULTIPLY", depth, depth)))
    rings = g.math("MULTIPLY_ADD", wobble, 0.75, g.math("MULTIPLY", radius, 210.0))
    saw = g.math("FRACT", rings)
    line = g.math("MULTIPLY", g.math("POWER", saw, 2.2), g.step(saw, 1.0, 0.86))
    # Fibres and pores run along the board.
    fibre_at = g.join(
        g.math("MULTIPLY_ADD", pick_b, 30.0, g.math("MULTIPLY", x, 14.0)),
        g.math("MULTIPLY", y, 900.0),
        g.math("MULTIPLY", z, 300.0),
    )
    fibre = g.noise(fibre_at, 1.0, detail=3, roughness=0.6)
    pore_at = g.join(
        g.math("MULTIPLY_ADD", pick_r, 30.0, g.math("MULTIPLY", x, 45.0)),
        g.math("MULTIPLY", y, 1500.0),
        g.math("MULTIPLY", z, 300.0),
    )
    pores = g.math(
        "MULTIPLY", g.step(g.noise(pore_at, 1.0, detail=2), 0.60, 0.72), g.math("MULTIPLY_ADD", saw, 0.7, 0.2)
    )
    cloud = g.noise(g.join(g.math("MULTIPLY", x, 2.2), g.math("MULTIPLY", y, 11.0), row), 1.0, detail=3)
    mid = blend(early, late, 0.45)
    body = g.mix(g.math("MULTIPLY", line, 0.85 * contrast, clamp=True), early, late)
    body = g.mix(g.step(fibre, 0.25, 0.75, 0.30, 0.0), body, mid)
    body = g.mix(g.math("MULTIPLY", pores, 0.55 * contrast), body, pore)
    body = g.mix(g.step(cloud, 0.3, 0.7, 0.22, 0.0), body, shade(late, 0.85))
    toned = g.node("ShaderNodeHueSaturation", Color=body)
    g.put(toned.inputs["Value"], g.math("MULTIPLY_ADD", tone, 0.30, 0.85))
    g.put(toned.inputs["Hue"], g.math("MULTIPLY_ADD", pick_g, 0.014, 0.493))
    g.put(toned.inputs["Saturation"], g.math("MULTIPLY_ADD", pick_r, 0.16, 0.90))
    body = toned.outputs[0]
    height = g.math("SUBTRACT", g.math("MULTIPLY", fibre, 0.22), g.math("MULTIPLY", pores, 0.55))
    height = g.math("SUBTRACT", height, g.math("MULTIPLY", line, 0.12))
    if plank > 0:
        edge_y = g.math("MULTIPLY", g.math("MINIMUM", in_row, g.math("SUBTRACT", 1.0, in_row)), plank)
        edge_x = g.math("MULTIPLY", g.math("MINIMUM", in_column, g.math("SUBTRACT", 1.0, in_column)), plank_length)
        edge = g.math("MINIMUM", edge_y, edge_x)
        ragged = g.math("MULTIPLY_ADD", g.noise(p, 60.0, detail=2), 0.0006, edge)
        gap = g.step(ragged, 0.0011, 0.0004)
        body = g.mix(g.math("MULTIPLY", gap, 0.85 * seam, clamp=True), body, shade(pore, 0.35))
        body = g.mix(g.math("MULTIPLY", g.step(edge, 0.006, 0.0), 0.16 * seam), body, shade(late, 0.6))
        height = g.math("SUBTRACT", height, g.math("MULTIPLY", g.step(edge, 0.0022, 0.0003), 2.2 * seam))
    scratch = g.step(g.noise(g.mapped(p, scale=(3.0, 240.0, 1), turn_deg=17), 1.0, detail=1), 0.73, 0.78)
    rub = g.noise(p, 5.0, detail=4)
    rough = g.math(
        "ADD", g.step(rub, 0.3, 0.7, roughness - 0.10 * wear, roughness + 0.10 * wear), g.math("MULTIPLY", fibre, 0.10)
    )
    rough = g.math("ADD", rough, g.math("MULTIPLY", scratch, 0.15 * wear))
    return g.finish(
        average=shade(mid, 0.9),
        roughness_known=roughness + 0.05,
        Base_Color=body,
        Roughness=rough,
        Normal=g.bump(height, 0.0005, strength=0.8),
    )


# --- stone ---------------------------------------------------------------------------------------------------------


def marble(
    base: Colour = "#eceae6",
    vein: Colour = "#8d8a88",
    *,
    roughness: float = 0.12,
    seed: int = 0,
    amount: float = 1.0,
    gold: float = 0.0,
    scale: float = 1.0,
) -> Any:
    """Carrara-like: few long veins whose width swells and dies, finer side veins in their company, soft grey clouds.

    ``amount`` 0..1.5: how much is veined; ``gold``: share of warm ochre in the veins.
    """
    g = Graph("marble")
    p = g.mapped(
        g.object_space(),
        scale=(scale, scale, scale),
        turn_deg=31 + 47 * seed,
        move=(seed * 3.3, seed * 1.9, seed * 0.7),
    )
    warp_slow = g.vector("SUBTRACT", g.noise(p, 2.2, detail=3, output="Color"), (0.5, 0.5, 0.5))
    warp_fast = g.vector("SUBTRACT", g.noise(p, 11.0, detail=4, roughness=0.6, output="Color"), (0.5, 0.5, 0.5))
    bent = g.vector("ADD", p, g.vector("MULTIPLY", warp_slow, (0.42, 0.42, 0.42)))
    bent = g.vector("ADD", bent, g.vector("MULTIPLY", warp_fast, (0.055, 0.055, 0.055)))

    def veins(frequency: float, stretch: float, width_m: float, keep_low: float, keep_high: float, move: float) -> Any:
        field = g.noise(
            g.mapped(bent, scale=(1, stretch, 1), move=(move, move, 0)), frequency, detail=1.0, roughness=0.4
        )
        away = g.math("DIVIDE", g.math("ABSOLUTE", g.math("SUBTRACT", field, 0.5)), 1.1 * frequency)  # about metres
        life = g.step(g.noise(g.mapped(p, move=(move * 2.3, 5, 1)), frequency * 0.9, detail=2), keep_low, keep_high)
        wander = g.step(g.noise(p, 26.0, detail=3), 0.25, 0.75, 0.35, 1.25)
        width = g.math("ADD", g.math("MULTIPLY", g.math("MULTIPLY", life, width_m), wander), 1e-5)
        core = g.math("SUBTRACT", 1.0, g.math("DIVIDE", away, width), clamp=True)
        halo = g.math("SUBTRACT", 1.0, g.math("DIVIDE", away, g.math("MULTIPLY", width, 6.0)), clamp=True)
        core = g.math("MULTIPLY", g.math("POWER", core, 0.8), g.math("MULTIPLY", life, 1.0, clamp=True))
        return g.math("MAXIMUM", core, g.math("MULTIPLY", g.math("MULTIPLY", halo, halo), 0.30)), life

    low = 0.60 - 0.12 * amount
    main, main_life = veins(2.3, 1.7, 0.0042, low, low + 0.20, 0.0)
    side, _ = veins(5.2, 1.4, 0.0016, low + 0.02, low + 0.22, 7.0)
    hair, _ = veins(12.0, 1.2, 0.0006, low + 0.05, low + 0.20, 13.0)
    hair = g.math("MULTIPLY", hair, g.math("MULTIPLY_ADD", main_life, 0.8, 0.10))
    cloud = g.noise(bent, 2.6, detail=5, roughness=0.55)
    flecks = g.noise(p, 150.0, detail=3, roughness=0.65)
    body = g.mix(g.step(cloud, 0.42, 0.72, 0.0, 0.26 * amount), base, blend(base, vein, 0.55))
    body = g.mix(g.step(flecks, 0.35, 0.7, 0.05, 0.0), body, blend(base, vein, 0.6))
    tint = g.mix(g.step(g.noise(p, 6.0, detail=2), 0.45, 0.65, 0.0, gold), vein, "#a9803f") if gold else vein
    body = g.mix(g.math("MULTIPLY", main, 0.72), body, tint)
    body = g.mix(g.math("MULTIPLY", side, 0.50), body, tint)
    body = g.mix(g.math("MULTIPLY", hair, 0.38), body, tint)
    smear = g.noise(g.mapped(p, scale=(1, 3, 1)), 6.0, detail=4, distortion=0.5)
    rough = g.step(smear, 0.3, 0.7, max(0.03, roughness * 0.75), roughness * 1.3)
    return g.finish(
        average=shade(blend(base, vein, 0.06), 0.98),
        roughness_known=roughness,
        Base_Color=body,
        Roughness=rough,
        Subsurface_Weight=0.0,
    )


def stone(
    tint: Colour = "#a79e90", *, roughness: float = 0.78, seed: int = 0, rough_scale: float = 1.0, layers: float = 0.0
) -> Any:
    """Limestone, sandstone or slate: grains, pores, uneven face. ``layers``: sediment bands."""
    g = Graph("stone")
    p = g.mapped(g.object_space(), move=(seed * 2.1, seed * 1.3, seed))
    slow = g.noise(p, 5.0, detail=6, roughness=0.62, distortion=0.3)
    mid = g.noise(p, 38.0, detail=5, roughness=0.65)
    fine = g.noise(p, 420.0, detail=3, roughness=0.7)
    pore = g.step(g.noise(p, 130.0, detail=3), 0.64, 0.74)
    body = g.ramp(slow, [(0.30, shade(tint, 0.72)), (0.5, shade(tint, 0.92)), (0.70, shade(tint, 1.10))])
    body = g.mix(g.step(mid, 0.35, 0.7, 0.22, 0.0), body, shade(tint, 0.6))
    body = g.mix(g.step(fine, 0.3, 0.7, 0.18, 0.0), body, shade(tint, 0.55))
    body = g.mix(g.math("MULTIPLY", pore, 0.45), body, shade(tint, 0.40))
    if layers:
        bands = g.noise(g.mapped(p, scale=(0.6, 0.6, 9)), 6.0, detail=4)
        body = g.mix(g.step(bands, 0.35, 0.65, 0, 0.4 * layers), body, shade(tint, 0.66))
    height = g.math(
        "ADD",
        g.math("MULTIPLY", slow, 2.2),
        g.math("ADD", g.math("MULTIPLY", mid, 0.8), g.math("MULTIPLY", fine, 0.14)),
    )
    height = g.math("SUBTRACT", height, g.math("MULTIPLY", pore, 0.5))
    return g.finish(
        average=shade(tint, 0.85),
        roughness_known=roughness,
        Base_Color=body,
        Normal=g.bump(height, 0.0016 * rough_scale, strength=0.8),
        Specular_IOR_Level=0.4,
    )


def terrazzo(
    base: Colour = "#e7e1d8",
    chips: Sequence[Colour] = ("#b98b6f", "#6f7a72", "#d8c3a5", "#4e4a48", "#c9a9a0"),
    *,
    roughness: float = 0.2,
    chip: float = 0.011,
    seed: int = 0,
) -> Any:
    """Stone chips of several sizes in cement, ground flat."""
    g = Graph("terrazzo")
    p = g.mapped(g.object_space(), move=(seed, seed * 0.7, 0))
    bent = g.vector(
        "ADD",
        p,
        g.vector(
            "MULTIPLY",
            g.vector("SUBTRACT", g.noise(p, 0.9 / chip, detail=2, output="Color"), (0.5, 0.5, 0.5)),
            (chip * 0.5,) * 3,
        ),
    )
    body: Any = g.mix(g.step(g.noise(p, 120.0, detail=4), 0.3, 0.7), shade(base, 0.93), base)
    stops = [(i / len(chips), c) for i, c in enumerate(chips)]
    for scale, share in ((1.0, 0.52), (2.1, 0.42), (4.4, 0.30)):
        size = scale / chip / 2
        away = g.cells(bent, size, feature="DISTANCE_TO_EDGE")
        pick = g.split(g.cells(bent, size, output="Color"))
        keep = g.math("LESS_THAN", pick[0], share)
        inside = g.math("MULTIPLY", g.step(away, 0.10, 0.13), keep)
        made = g.ramp(pick[1], stops)
        g.nodes[-1].color_ramp.interpolation = "CONSTANT"
        grained = g.mix(g.step(g.noise(p, 300.0, detail=2), 0.3, 0.7, 0.15, 0.0), made, "#3a3632")
        body = g.mix(inside, body, grained)
    return g.finish(
        average=shade(base, 0.85),
        roughness_known=roughness,
        Base_Color=body,
        Roughness=g.step(g.noise(p, 9.0), 0.3, 0.7, roughness * 0.8, roughness * 1.3),
    )


def tiles(
    tint: Colour = "#e9ece9",
    *,
    size: tuple[float, float] = (0.10, 0.10),
    grout: Colour = "#c9c4bb",
    gap: float = 0.0025,
    offset: float = 0.0,
    roughness: float = 0.12,
    variation: float = 0.10,
    upright: bool = True,
    seed: int = 0,
    cushion: float = 1.0,
) -> Any:
    """Hand-made glazed tiles: each slightly tilted, toned and wavy. ``upright``: pattern in x-z, else x-y."""
    g = Graph("tiles")
    p = g.object_space()
    x, y, z = g.split(p)
    v = z if upright else y
    row = g.math("FLOOR", g.math("DIVIDE", v, size[1]))
    in_v = g.math("SUBTRACT", g.math("DIVIDE", v, size[1]), row)
    along = g.math("ADD", g.math("DIVIDE", x, size[0]), g.math("MULTIPLY", row, offset))
    column = g.math("FLOOR", along)
    in_u = g.math("SUBTRACT", along, column)
    tone, pick = g.random(g.join(row, column, float(seed)))
    pr, pg, pb = g.split(pick)
    du = g.math("MULTIPLY", g.math("MINIMUM", in_u, g.math("SUBTRACT", 1.0, in_u)), size[0])
    dv = g.math("MULTIPLY", g.math("MINIMUM", in_v, g.math("SUBTRACT", 1.0, in_v)), size[1])
    edge = g.math("MULTIPLY_ADD", g.noise(p, 160.0, detail=2), 0.0005, g.math("MINIMUM", du, dv))
    is_grout = g.step(edge, gap / 2 + 0.0006, gap / 2)
    wavy = g.noise(g.vector("ADD", p, g.vector("MULTIPLY", pick, (9, 9, 9))), 16.0, detail=2)
    glaze = g.mix(g.math("MULTIPLY", tone, variation * 3, clamp=True), tint, shade(tint, 0.78))
    glaze = g.mix(g.step(wavy, 0.35, 0.7, 0.0, variation * 1.6), glaze, shade(tint, 0.85))
    glaze = g.mix(g.step(edge, 0.006, gap / 2, 0.0, 0.18), glaze, shade(tint, 1.15))
    cement = g.mix(g.step(g.noise(p, 200.0, detail=3), 0.3, 0.7), shade(grout, 0.78), grout)
    body = g.mix(is_grout, glaze, cement)
    pillow = g.step(edge, gap / 2, gap / 2 + 0.004)
    tilt = g.math(
        "ADD",
        g.math("MULTIPLY", g.math("SUBTRACT", pr, 0.5), g.math("MULTIPLY", in_u, 0.35)),
        g.math("MULTIPLY", g.math("SUBTRACT", pg, 0.5), g.math("MULTIPLY", in_v, 0.35)),
    )
    height = g.math(
        "ADD", g.math("MULTIPLY", pillow, 1.0 * cushion), g.math("ADD", tilt, g.math("MULTIPLY", wavy, 0.35))
    )
    rough = g.math("MULTIPLY_ADD", is_grout, 0.7, g.math("MULTIPLY_ADD", pb, 0.06, roughness), clamp=True)
    return g.finish(
        average=shade(tint, 0.93),
        roughness_known=roughness + 0.03,
        Base_Color=body,
        Roughness=rough,
        Normal=g.bump(height, 0.0016, strength=0.9),
    )


def sand(tint: Colour = "#d9c09a", *, ripples: float = 0.5) -> Any:
    """Dry sand: grains of several colours, soft ripples; pair with a lumpy ground mesh."""
    g = Graph("sand")
    p = g.object_space()
    grains = g.cells(p, 1500.0, output="Color")
    pick = g.split(grains)[0]
    slow = g.noise(p, 8.0, detail=6, roughness=0.65)
    wave = g.noise(g.mapped(p, scale=(1.0, 5.0, 1.0), turn_deg=12), 7.0, detail=3, distortion=0.8)
    lumps = g.noise(p, 120.0, detail=4, roughness=0.7)
    body = g.ramp(pick, [(0.0, shade(tint, 0.55)), (0.25, shade(tint, 0.86)), (0.7, tint), (1.0, shade(tint, 1.22))])
    body = g.mix(g.step(slow, 0.35, 0.7, 0.22, 0.0), body, shade(tint, 0.76))
    height = g.math(
        "ADD",
        g.math("MULTIPLY", wave, 3.0 * ripples),
        g.math("ADD", g.math("MULTIPLY", lumps, 1.3), g.math("MULTIPLY", pick, 0.35)),
    )
    return g.finish(
        average=shade(tint, 0.9),
        roughness_known=0.92,
        Base_Color=body,
        Normal=g.bump(height, 0.0016, strength=0.85),
        Specular_IOR_Level=0.25,
    )


# --- cloth ---------------------------------------------------------------------------------------------------------


def linen(
    tint: Colour = "#d8cfc0",
    *,
    threads_per_m: float = 560.0,
    slub: float = 1.0,
    sheen: float = 0.25,
    through: float = 0.0,
) -> Any:
    """Plain weave in UV metres (see ``geometry.cloth``): warp over weft, threads of uneven thickness and tone.

    ``through`` lets light pass, for curtains.
    """
    g = Graph("linen")
    uv = g.uv()
    jitter = g.vector(
        "MULTIPLY",
        g.vector("SUBTRACT", g.noise(uv, 45.0, detail=2, output="Color"), (0.5, 0.5, 0.5)),
        (0.0022, 0.0022, 0.0),
    )
    u, v, _ = g.split(g.vector("ADD", uv, jitter))
    warp_phase, weft_phase = g.math("MULTIPLY", u, threads_per_m), g.math("MULTIPLY", v, threads_per_m)
    warp_id, weft_id = g.math("FLOOR", warp_phase), g.math("FLOOR", weft_phase)
    warp_in, weft_in = g.math("FRACT", warp_phase), g.math("FRACT", weft_phase)
    round_warp = g.math("SINE", g.math("MULTIPLY", warp_in, math.pi))
    round_weft = g.math("SINE", g.math("MULTIPLY", weft_in, math.pi))
    checker = g.math("MODULO", g.math("ADD", g.math("ABSOLUTE", warp_id), g.math("ABSOLUTE", weft_id)), 2.0)
    over = g.math("LESS_THAN", checker, 0.5)
    tone_warp, _ = g.random(g.join(warp_id, 1.0, 0.0))
    tone_weft, _ = g.random(g.join(weft_id, 2.0, 0.0))
    slub_warp = g.noise(g.join(warp_id, g.math("MULTIPLY", v, 26.0), 0.0), 1.0, detail=2)
    slub_weft = g.noise(g.join(g.math("MULTIPLY", u, 26.0), weft_id, 9.0), 1.0, detail=2)
    top_warp = g.math("MULTIPLY", round_warp, g.math("MULTIPLY_ADD", slub_warp, 0.9 * slub, 0.55))
    top_weft = g.math("MULTIPLY", round_weft, g.math("MULTIPLY_ADD", slub_weft, 0.9 * slub, 0.55))
    high = g.mix(over, top_weft, top_warp)
    tone = g.mix(
        over,
        g.math("MULTIPLY_ADD", slub_weft, 0.6, g.math("MULTIPLY", tone_weft, 0.5)),
        g.math("MULTIPLY_ADD", slub_warp, 0.6, g.math("MULTIPLY", tone_warp, 0.5)),
    )
    value = g.math("MULTIPLY_ADD", g.split(tone)[0], 0.45, g.math("MULTIPLY", g.split(high)[0], 0.75))
    body = g.ramp(value, [(0.10, shade(tint, 0.62)), (0.45, shade(tint, 0.92)), (0.85, shade(tint, 1.08))])
    slow = g.noise(uv, 7.0, detail=3)
    body = g.mix(g.step(slow, 0.3, 0.7, 0.08, 0.0), body, shade(tint, 0.75))
    return g.finish(
        average=shade(tint, 0.88),
        roughness_known=0.9,
        Base_Color=body,
        Sheen_Weight=sheen,
        Sheen_Roughness=0.5,
        Specular_IOR_Level=0.2,
        Normal=g.bump(g.split(high)[0], 0.00022, strength=0.7),
        Transmission_Weight=through,
    )


def velvet(tint: Colour) -> Any:
    """Deep pile with a bright rim."""
    g = Graph("velvet")
    crush = g.noise(g.object_space(), 16.0, detail=4, distortion=0.8)
    body = g.mix(g.step(crush, 0.35, 0.65), shade(tint, 0.6), shade(tint, 1.1))
    return g.finish(
        roughness_known=0.9,
        Base_Color=body,
        Sheen_Weight=0.9,
        Sheen_Roughness=0.35,
        Sheen_Tint=shade(tint, 2.0),
        Specular_IOR_Level=0.1,
    )


# --- metal, glass, ceramic -----------------------------------------------------------------------------------------

METALS: dict[str, Colour] = {
    "brass": "#cfa45a",
    "gold": "#e3b458",
    "copper": "#c9805a",
    "steel": "#b9bbbd",
    "black": "#1b1b1d",
    "rose": "#d9a08a",
}


def metal(kind: str = "brass", *, roughness: float = 0.25, brushed: float = 0.0) -> Any:
    """Metal with fingerprints' worth of unevenness; ``brushed`` adds fine lines."""
    g = Graph("metal")
    p = g.object_space()
    smudge = g.noise(p, 22.0, detail=5, distortion=0.5)
    rough = g.step(smudge, 0.35, 0.7, roughness * 0.75, roughness * 1.35)
    inputs: dict[str, Any] = {"Base_Color": METALS[kind], "Metallic": 1.0, "Roughness": rough}
    if brushed:
        lines = g.noise(g.mapped(p, scale=(2, 900, 900)), 1.0, detail=3)
        inputs["Normal"] = g.bump(lines, 0.00006 * brushed)
        inputs["Anisotropic"] = 0.5
    return g.finish(roughness_known=roughness, base_reflectance=0.6, **inputs)


def glass(tint: Colour = "#f4f9f7", *, roughness: float = 0.0) -> Any:
    """Clear glass that casts a light shadow instead of a black one (no caustics are traced)."""
    g = Graph("glass")
    out = g.nodes["Material Output"]
    g.finish(roughness_known=roughness, Base_Color=tint, Transmission_Weight=1.0, IOR=1.46)
    path, clear, mix = (
        g.node("ShaderNodeLightPath"),
        g.node("ShaderNodeBsdfTransparent", Color=shade(tint, 0.93)),
        g.node("ShaderNodeMixShader"),
    )
    g.links.new(path.outputs["Is Shadow Ray"], mix.inputs[0])
    g.links.new(g.principled.outputs[0], mix.inputs[1])
    g.links.new(clear.outputs[0], mix.inputs[2])
    g.links.new(mix.outputs[0], out.inputs["Surface"])
    return g.material


def ceramic(
    tint: Colour = "#ece6da",
    *,
    glaze: float = 0.5,
    speckle: float = 0.0,
    roughness: float = 0.45,
    bare: Colour | None = None,
    bare_below: float = 0.0,
) -> Any:
    """Thrown stoneware: turning rings, uneven glaze, iron specks; ``bare`` clay shows below ``bare_below`` metres."""
    g = Graph("ceramic")
    p = g.object_space()
    _, _, z = g.split(p)
    rings = g.noise(g.join(0.0, 0.0, z), 420.0, detail=2)
    cloud = g.noise(p, 16.0, detail=4)
    body: Any = g.mix(g.step(cloud, 0.3, 0.7), shade(tint, 0.92), tint)
    if speckle:
        specks = g.math(
            "MULTIPLY",
            g.step(g.cells(p, 260.0), 0.17, 0.10),
            g.step(g.split(g.cells(p, 260.0, output="Color"))[0], 0.55, 0.6),
        )
        body = g.mix(g.math("MULTIPLY", specks, 0.7 * speckle), body, "#4a3524")
    coat: Any = glaze
    rough: Any = roughness
    if bare is not None:
        line = g.math("MULTIPLY_ADD", g.noise(p, 30.0, detail=2), 0.004, z)
        is_glazed = g.step(line, bare_below + 0.0015, bare_below + 0.003)
        body = g.mix(is_glazed, bare, body)
        coat = g.math("MULTIPLY", is_glazed, glaze)
        rough = g.step(is_glazed, 0.0, 1.0, 0.85, roughness)
    return g.finish(
        average=shade(tint, 0.95),
        roughness_known=roughness,
        Base_Color=body,
        Roughness=rough,
        Coat_Weight=coat,
        Coat_Roughness=0.12,
        Normal=g.bump(g.math("ADD", g.math("MULTIPLY", rings, 0.5), cloud), 0.0005, strength=0.6),
    )


def clay(tint: Colour = "#b5654a") -> Any:
    """Unglazed terracotta with lime bloom."""
    g = Graph("clay")
    p = g.object_space()
    cloud, fine = g.noise(p, 13.0, detail=5, roughness=0.6), g.noise(p, 380.0, detail=3)
    body = g.ramp(cloud, [(0.3, shade(tint, 0.8)), (0.55, tint), (0.75, blend(tint, "#e8cdb8", 0.25))])
    body = g.mix(g.step(fine, 0.3, 0.7, 0.14, 0.0), body, shade(tint, 0.6))
    return g.finish(
        average=shade(tint, 0.95),
        roughness_known=0.88,
        Base_Color=body,
        Specular_IOR_Level=0.3,
        Normal=g.bump(g.math("ADD", cloud, g.math("MULTIPLY", fine, 0.25)), 0.0006),
    )


# --- plants and food -----------------------------------------------------------------------------------------------


def leaf(
    tint: Colour = "#4f6b45",
    *,
    back: Colour | None = None,
    bloom: float = 0.15,
    gloss_: float = 0.42,
    spread: float = 0.35,
    through: float = 0.25,
    veins: float = 1.0,
) -> Any:
    """A leaf blade: every leaf its own tone, midrib and side veins, light shining through, dry tips.

    ``bloom``: waxy whitish film (eucalyptus .5); UV run along (u) and across (v) the blade.
    """
    g = Graph("leaf")
    u, v, _ = g.split(g.uv())
    own = g.island()
    own2, _ = g.random(g.join(own, 3.0, 1.0))
    p = g.object_space()
    away = g.math("ABSOLUTE", g.math("SUBTRACT", v, 0.5))
    rib = g.step(away, 0.035, 0.008)
    slant = g.math("MULTIPLY_ADD", away, -0.45, u)
    side = g.step(
        g.math("ABSOLUTE", g.math("SUBTRACT", g.math("FRACT", g.math("MULTIPLY", slant, 9.0)), 0.5)), 0.10, 0.0
    )
    mottling = g.noise(p, 90.0, detail=4, roughness=0.6)
    body = g.mix(
        g.math("MULTIPLY", own, spread * 1.6, clamp=True), shade(tint, 0.78), blend(tint, "#9aa85a", 0.45 * spread)
    )
    body = g.mix(g.step(mottling, 0.3, 0.7, 0.25, 0.0), body, shade(tint, 0.62))
    body = g.mix(g.math("MULTIPLY", rib, 0.45 * veins), body, blend(tint, "#cfd3a0", 0.6))
    body = g.mix(g.math("MULTIPLY", side, 0.14 * veins), body, blend(tint, "#cfd3a0", 0.5))
    body = g.mix(g.math("MULTIPLY", g.step(mottling, 0.35, 0.6), bloom), body, "#c3cfc6")
    dry = g.math("MULTIPLY", g.step(u, 0.90, 1.0), g.step(own2, 0.72, 0.85))
    body = g.mix(g.math("MULTIPLY", dry, 0.8), body, "#8a6a3c")
    if back is not None:
        body = g.mix(g.node("ShaderNodeNewGeometry").outputs["Backfacing"], body, back)
    height = g.math(
        "SUBTRACT",
        g.math("MULTIPLY", mottling, 0.4),
        g.math("ADD", g.math("MULTIPLY", rib, 0.8), g.math("MULTIPLY", side, 0.3)),
    )
    made = g.finish(
        roughness_known=gloss_,
        Base_Color=body,
        Roughness=g.math("MULTIPLY_ADD", own2, 0.18, gloss_),
        Specular_IOR_Level=0.4,
        Normal=g.bump(height, 0.0006, strength=0.8),
    )
    lit = g.node("ShaderNodeBsdfTranslucent")
    g.links.new(g.mix(0.4, body, "#b9c85a"), lit.inputs["Color"])
    mix = g.node("ShaderNodeMixShader")
    mix.inputs[0].default_value = through
    g.links.new(g.principled.outputs[0], mix.inputs[1])
    g.links.new(lit.outputs[0], mix.inputs[2])
    g.links.new(mix.outputs[0], g.nodes["Material Output"].inputs["Surface"])
    return made


def dry_leaf(tints: Sequence[Colour] = ("#a8541f", "#c9822b", "#7b3a1c", "#b8912f")) -> Any:
    """Autumn leaves and dried grasses: each part picks its own colour, darker to the rim."""
    g = Graph("dry leaf")
    own = g.node("ShaderNodeObjectInfo").outputs["Random"]
    own = g.math("FRACT", g.math("ADD", own, g.island()))
    body: Any = g.ramp(own, [(i / max(1, len(tints) - 1), t) for i, t in enumerate(tints)])
    p = g.object_space()
    x, _, _ = g.split(p)
    spots = g.noise(p, 130.0, detail=5, roughness=0.65)
    body = g.mix(g.step(spots, 0.4, 0.7, 0.0, 0.55), body, shade(tints[0], 0.35))
    rib = g.step(g.math("ABSOLUTE", x), 0.0012, 0.0004)
    body = g.mix(g.math("MULTIPLY", rib, 0.6), body, "#d9b27a")
    return g.finish(roughness_known=0.6, Base_Color=body, Normal=g.bump(g.math("SUBTRACT", spots, rib), 0.0006))


def fruit(tint: Colour = "#e8b52f", *, pores: float = 1.0, blush: Colour | None = None) -> Any:
    """Citrus peel (``pores`` 1) to smooth skin (0), with an optional blush on one side."""
    g = Graph("fruit")
    p = g.object_space()
    dimples = g.cells(p, 330.0)
    cloud = g.noise(p, 30.0, detail=3)
    body: Any = g.mix(g.step(cloud, 0.3, 0.7), shade(tint, 0.86), tint)
    if blush is not None:
        body = g.mix(g.step(g.noise(p, 12.0, detail=3), 0.42, 0.62), body, blush)
    return g.finish(
        roughness_known=0.38,
        Base_Color=body,
        Subsurface_Weight=0.12,
        Subsurface_Radius=(0.004, 0.002, 0.001),
        Subsurface_Scale=1.0,
        Normal=g.bump(dimples, 0.0006 * pores, strength=0.7),
        Roughness=g.step(cloud, 0.3, 0.7, 0.32, 0.46),
    )


def bark(tint: Colour = "#5b4a38") -> Any:
    """Twigs and stems."""
    g = Graph("bark")
    n = g.noise(g.object_space(), 160.0, detail=4)
    return g.finish(
        roughness_known=0.75, Base_Color=g.mix(g.step(n, 0.3, 0.7), shade(tint, 0.65), tint), Normal=g.bump(n, 0.0005)
    )


def water(tint: Colour = "#dfeceb") -> Any:
    """Still water with slight ripples."""
    g = Graph("water")
    n = g.noise(g.object_space(), 26.0, detail=3, distortion=0.6)
    return g.finish(roughness_known=0.02, Base_Color=tint, Transmission_Weight=1.0, IOR=1.333, Normal=g.bump(n, 0.0012))


def photo(path: str, *, size_m: float = 0.5, roughness: float = 0.7) -> Any:
    """A tiling photograph from disk in object x-y, ``size_m`` wide (such as those of the PyPI wheel robosuite, MIT)."""
    g = Graph("photo")
    texture = g.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(path, check_existing=True)
    g.links.new(g.mapped(g.object_space(), scale=(1 / size_m,) * 3), texture.inputs["Vector"])
    return g.finish(roughness_known=roughness, Base_Color=texture.outputs["Color"])
