"""What plates are put together from: palettes, surfaces, backs, lights. Small things to stand around: plate_things.

Every part is a function of a random generator and a palette, under a name that a row in ``plate_looks`` uses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.types import KeyLight

from .blender import geometry as shapes
from .blender import lights, materials, views
from .blender.materials import Colour


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that a designer would put together."""

    wall: str
    ceramic: str
    cloth: str
    accent: str
    dark: str
    light: str
    leaf: str = "#56703f"


PALETTES: Mapping[str, Palette] = {
    "sage": Palette("#c5cdb9", "#8b9d88", "#d8d4c4", "#c08f5f", "#4c5b4b", "#efeade", "#64796a"),
    "sand": Palette("#dfd2bf", "#cdb79a", "#e3d9c8", "#a8744d", "#6b5544", "#f2ebdf", "#7d8157"),
    "blush": Palette("#e6c9bf", "#dba89b", "#f0ded6", "#b8705d", "#7d4d45", "#f7ece6", "#7a8a6c"),
    "terracotta": Palette("#d39b78", "#b9694a", "#ead3bd", "#8f4630", "#5c3427", "#f1e2d2", "#6e7544"),
    "sky": Palette("#c9d7df", "#8fb0c0", "#e4e8e8", "#d8a868", "#43606f", "#f3f4f1", "#5d7a5a"),
    "navy": Palette("#4d6076", "#2f4359", "#d9d6cf", "#c8a15c", "#1f2c3b", "#ece8df", "#4f6a55"),
    "mustard": Palette("#e5cd96", "#c9973c", "#efe5cf", "#7f5a2a", "#4e3c26", "#f6efdf", "#6d7a3f"),
    "charcoal": Palette("#77746f", "#3a3938", "#b4afa6", "#b98d53", "#262626", "#d9d5cd", "#3f5738"),
    "lavender": Palette("#cfc6d9", "#a396b8", "#e7e1ea", "#d3a86f", "#5a4e6d", "#f3eff4", "#758769"),
    "mint": Palette("#c4dccf", "#8fbfa9", "#e8efe8", "#e2a18a", "#3f6b5a", "#f3f5ef", "#4f7d55"),
    "cream": Palette("#e9e0d0", "#e2d6c2", "#efe8dc", "#c29a66", "#7a6650", "#f6f1e7", "#76804f"),
    "wine": Palette("#7d3f42", "#69282f", "#d8c2b4", "#c79a55", "#431b20", "#ecdfd3", "#4c5c3c"),
    "forest": Palette("#5d6f57", "#3f5441", "#cfc9b5", "#bd8f4f", "#263426", "#e7e2d2", "#45663a"),
    "peach": Palette("#f0cdb0", "#e8a882", "#f6e6d6", "#7fa9a2", "#92593d", "#fbf2e7", "#7d9164"),
    "white": Palette("#e6e5e1", "#e9e6df", "#ecebe7", "#c2a46c", "#8b8984", "#f4f3f0", "#5f7d58"),
    "grey": Palette("#bdbcb9", "#a3a29f", "#d5d3ce", "#c08e52", "#5a5a59", "#e9e8e4", "#5c7258"),
    "red": Palette("#a8231f", "#b3201c", "#e9d6c4", "#d8a748", "#6f1311", "#f3e6d6", "#4d6b3a"),
    "cobalt": Palette("#4a7fb8", "#e8d9b8", "#f0ece2", "#e0a04a", "#23456e", "#f5f1e8", "#5f7d4a"),
    "pine": Palette("#46584a", "#33493a", "#d9cfbd", "#c79c4d", "#1f2f26", "#efe8da", "#2f5138"),
}


# --- surfaces: what the product stands on --------------------------------------------------------------------------

Surface = Callable[[random.Random, Palette], Any]


def _marble(base: Colour, vein: Colour, roughness: float = 0.14, amount: float = 0.8, **more: Any) -> Surface:
    return lambda rng, _: materials.marble(
        base, vein, roughness=roughness, seed=rng.randrange(2, 40), amount=amount, **more
    )


def _wood(kind: str, plank: float = 0.13, roughness: float = 0.42, **more: Any) -> Surface:
    return lambda rng, _: materials.wood(
        kind, plank=plank, plank_length=1.8, roughness=roughness, seed=rng.randrange(1, 60), **more
    )


def _stone(tint: Colour, roughness: float = 0.7, rough_scale: float = 0.5, **more: Any) -> Surface:
    return lambda rng, _: materials.stone(
        tint, roughness=roughness, rough_scale=rough_scale, seed=rng.randrange(60), **more
    )


def _terrazzo(base: Colour, chips: tuple[Colour, ...], chip: float = 0.011) -> Surface:
    return lambda rng, _: materials.terrazzo(base, chips, chip=chip, seed=rng.randrange(40))


def painted_boards(rng: random.Random, tint: Colour, plank: float = 0.14) -> Any:
    """Boards under worn matt paint: grooves, brush lines, a little wear at the joints."""
    g = materials.Graph("painted boards")
    p = g.object_space()
    x, y, _ = g.split(p)
    row = g.math("FLOOR", g.math("DIVIDE", y, plank))
    inside = g.math("SUBTRACT", g.math("DIVIDE", y, plank), row)
    edge = g.math("MULTIPLY", g.math("MINIMUM", inside, g.math("SUBTRACT", 1.0, inside)), plank)
    tone, _ = g.random(g.join(row, float(rng.randrange(60)), 0.0))
    brush = g.noise(g.join(g.math("MULTIPLY", x, 6.0), g.math("MULTIPLY", y, 420.0), row), 1.0, detail=3)
    slow = g.noise(p, 5.0, detail=4)
    body = g.mix(g.math("MULTIPLY", tone, 0.35), tint, materials.shade(tint, 0.86))
    body = g.mix(g.step(brush, 0.3, 0.7, 0.16, 0.0), body, materials.shade(tint, 0.78))
    body = g.mix(g.step(slow, 0.35, 0.7, 0.10, 0.0), body, materials.shade(tint, 0.80))
    body = g.mix(g.math("MULTIPLY", g.step(edge, 0.0022, 0.0006), 0.8), body, materials.shade(tint, 0.22))
    height = g.math("SUBTRACT", g.math("MULTIPLY", brush, 0.25), g.math("MULTIPLY", g.step(edge, 0.003, 0.0004), 2.4))
    return g.finish(
        average=materials.shade(tint, 0.9),
        roughness_known=0.5,
        Base_Color=body,
        Roughness=g.step(slow, 0.3, 0.7, 0.42, 0.58),
        Normal=g.bump(height, 0.0005, strength=0.8),
    )


SURFACES: Mapping[str, tuple[str, Surface, float]] = {  # what people call it, the material, how light it is shown
    "carrara": ("marble", _marble("#efedea", "#8f8d8b", 0.14, 0.8), 0.86),
    "calacatta": ("marble", _marble("#f1eee8", "#8d867d", 0.16, 0.9, gold=0.7), 0.86),
    "grey_marble": ("grey marble", _marble("#a9a8a6", "#e4e2df", 0.16, 0.7), 0.64),
    "green_marble": ("green marble", _marble("#2f4a3e", "#b9c9b8", 0.12, 0.6), 0.34),
    "black_marble": ("black marble", _marble("#1d1d1f", "#c9c4bb", 0.10, 0.42, gold=0.3), 0.22),
    "rose_marble": ("rose marble", _marble("#dcb9ac", "#8f5f56", 0.16, 0.6), 0.70),
    "quartz": ("white quartz", _marble("#edebe7", "#c9c6c0", 0.2, 0.35), 0.87),
    "travertine": ("travertine", _stone("#d8c7ac", 0.5, 0.35, layers=0.35), 0.72),
    "limestone": ("limestone", _stone("#d6cfc2", 0.55, 0.35), 0.76),
    "sandstone": ("sandstone", _stone("#c9ab82", 0.8, 0.8), 0.66),
    "granite": ("granite", lambda r, p: granite(r), 0.54),
    "slate": ("slate", _stone("#55565a", 0.6, 1.4, layers=0.5), 0.36),
    "basalt": ("basalt", _stone("#3b3b3c", 0.62, 1.0), 0.28),
    "pale_oak": ("oak wood", _wood("pale_oak"), 0.68),
    "oak": ("oak wood", _wood("oak", wear=0.7), 0.60),
    "oak_boards": ("oak wood", _wood("oak", turn_deg=90, wear=0.7), 0.60),
    "solid_oak": ("oak wood", _wood("oak", 0.0), 0.58),
    "ash": ("ash wood", _wood("ash", 0.16), 0.72),
    "beech": ("beech wood", _wood("beech", 0.1, 0.45), 0.68),
    "walnut": ("walnut wood", _wood("walnut", 0.16, 0.36), 0.42),
    "dark_walnut": ("dark walnut wood", _wood("dark_walnut", 0.16, 0.34, seam=0.6), 0.33),
    "teak": ("teak wood", _wood("teak", 0.12, 0.5, wear=1.0, seam=1.2), 0.50),
    "cherry": ("cherry wood", _wood("cherry", 0.15, 0.38), 0.46),
    "weathered": ("weathered wood", _wood("weathered", 0.12, 0.7, wear=1.0, seam=1.4), 0.56),
    "whitewashed": ("whitewashed wood", _wood("whitewashed", 0.12, 0.6, wear=0.8), 0.80),
    "plaster": ("plaster", lambda r, p: materials.plaster(p.wall, trowel=0.7), 0.70),
    "microcement": (
        "microcement",
        lambda r, p: materials.plaster(p.wall, trowel=0.5, roughness=0.55, polish=0.15, tone=0.08),
        0.66,
    ),
    "concrete": ("concrete", lambda r, p: materials.concrete("#aaa7a1"), 0.64),
    "dark_concrete": ("concrete", lambda r, p: materials.concrete("#6f6d6a", roughness=0.55), 0.46),
    "terrazzo": ("terrazzo", _terrazzo("#ece7df", ("#dcc2aa", "#b4bdb2", "#e2d3bc", "#a19a95", "#dfc3ba")), 0.78),
    "terrazzo_blush": ("terrazzo", _terrazzo("#e9d5c9", ("#b8705d", "#f3e8dc", "#8d7f78", "#d9a58f"), 0.014), 0.72),
    "terrazzo_green": ("terrazzo", _terrazzo("#cfd8c9", ("#5d7a62", "#f0eee4", "#8fa78e", "#c6a98a"), 0.012), 0.70),
    "terrazzo_dark": ("terrazzo", _terrazzo("#4b4d50", ("#d8d2c6", "#8c7a68", "#a9adb0", "#c9a26b"), 0.010), 0.36),
    "linen": ("linen", lambda r, p: materials.linen(p.cloth), 0.79),
    "paper": ("coloured paper", lambda r, p: materials.paper(p.wall), 0.79),
    "white_paper": ("white paper", lambda r, p: materials.paper("#eae8e4", grain=0.6), 0.88),
    "painted": ("painted wood", lambda r, p: painted_boards(r, p.light), 0.84),
    "painted_tint": ("painted wood", lambda r, p: painted_boards(r, p.ceramic), 0.60),
    "painted_dark": ("painted wood", lambda r, p: painted_boards(r, p.dark), 0.36),
    "tiles": (
        "ceramic tiles",
        lambda r, p: materials.tiles(p.light, size=(0.1, 0.1), upright=False, variation=0.12, seed=r.randrange(50)),
        0.78,
    ),
    "tiles_tint": (
        "ceramic tiles",
        lambda r, p: materials.tiles(
            p.ceramic, size=(0.1, 0.1), grout="#dad5cb", upright=False, variation=0.2, seed=r.randrange(50)
        ),
        0.62,
    ),
    "acrylic_white": ("white acrylic", lambda r, p: materials.gloss("#e9e8e6", roughness=0.08, dust=0.15), 0.90),
    "acrylic_black": ("black acrylic", lambda r, p: materials.gloss("#0d0d10", roughness=0.05), 0.15),
    "steel": ("brushed steel", lambda r, p: materials.metal("steel", roughness=0.38, brushed=0.6), 0.58),
    "velvet": ("velvet", lambda r, p: materials.velvet(p.ceramic), 0.40),
    "leather": ("leather", lambda r, p: leather(r.choice(("#7d4526", "#5d3a26"))), 0.40),
    "moss": ("moss", lambda r, p: moss(), 0.44),
    "sand": ("sand", lambda r, p: materials.sand("#dcc39d", ripples=1.0), 0.72),
    "white_sand": ("white sand", lambda r, p: materials.sand("#ebe0cb", ripples=1.1), 0.82),
    "snow": ("snow", lambda r, p: snow(), 0.90),
    "asphalt": ("asphalt", lambda r, p: asphalt(), 0.40),
    "brick": (
        "brick",
        lambda r, p: materials.tiles(
            "#a5664c",
            size=(0.21, 0.07),
            grout="#b8aea1",
            gap=0.010,
            offset=0.5,
            roughness=0.8,
            variation=0.28,
            upright=False,
        ),
        0.52,
    ),
}


def leather(tint: Colour) -> Any:
    """Grained leather with a satin finish."""
    g = materials.Graph("leather")
    p = g.object_space()
    grain = g.cells(g.vector("ADD", p, g.vector("SCALE", g.noise(p, 90, detail=2, output="Color"), (0, 0, 0))), 560.0)
    slow = g.noise(p, 12.0, detail=4)
    body = g.mix(g.step(slow, 0.3, 0.7), materials.shade(tint, 0.72), tint)
    body = g.mix(g.step(grain, 0.25, 0.6, 0.0, 0.35), body, materials.shade(tint, 0.5))
    return g.finish(
        average=materials.shade(tint, 0.8),
        roughness_known=0.48,
        Base_Color=body,
        Roughness=g.step(slow, 0.3, 0.7, 0.42, 0.55),
        Normal=g.bump(g.math("SUBTRACT", 1.0, grain), 0.0006, strength=0.7),
    )


def moss() -> Any:
    """A cushion of moss, seen near."""
    g = materials.Graph("moss")
    p = g.object_space()
    fine, mid = g.cells(p, 230.0), g.noise(p, 30.0, detail=5, roughness=0.65)
    body = g.ramp(mid, [(0.34, "#31471a"), (0.5, "#5a7a2c"), (0.66, "#9aae4c")])
    body = g.mix(g.step(fine, 0.2, 0.62, 0.0, 0.8), body, "#16220a")
    height = g.math("SUBTRACT", g.math("MULTIPLY", mid, 2.0), g.math("MULTIPLY", fine, 1.1))
    return g.finish(
        average="#4a6124",
        roughness_known=0.95,
        Base_Color=body,
        Normal=g.bump(height, 0.004, strength=0.9),
        Specular_IOR_Level=0.15,
        Sheen_Weight=0.2,
    )


def snow() -> Any:
    """Settled snow with sparkle."""
    g = materials.Graph("snow")
    p = g.object_space()
    fine, slow = g.noise(p, 420.0, detail=4, roughness=0.7), g.noise(p, 14.0, detail=5)
    body = g.mix(g.step(slow, 0.3, 0.7), "#dde4ec", "#f1f3f5")
    height = g.math("ADD", g.math("MULTIPLY", slow, 3.0), g.math("MULTIPLY", fine, 0.3))
    return g.finish(
        average="#e8ecf0",
        roughness_known=0.7,
        Base_Color=body,
        Normal=g.bump(height, 0.0028, strength=0.8),
        Specular_IOR_Level=0.3,
    )


def granite(rng: random.Random) -> Any:
    """Rough-sawn granite: grains of feldspar, quartz and mica, coarse enough to survive a wide aperture."""
    g = materials.Graph("granite")
    p = g.mapped(g.object_space(), move=(rng.uniform(0, 9), rng.uniform(0, 9), 0))
    coarse = g.split(g.cells(p, 190.0, output="Color"))[0]
    fine = g.split(g.cells(p, 420.0, output="Color"))[1]
    cloud = g.noise(p, 5.0, detail=5)
    body = g.ramp(coarse, [(0.0, "#4c4a4a"), (0.14, "#6f6c6a"), (0.3, "#918d88"), (0.62, "#a9a49c"), (1.0, "#c6beb3")])
    body = g.mix(g.math("MULTIPLY", g.math("LESS_THAN", fine, 0.12), 0.75), body, "#2b2a2b")
    body = g.mix(g.step(cloud, 0.3, 0.7, 0.28, 0.0), body, "#7a7069")
    height = g.math("ADD", g.math("MULTIPLY", cloud, 2.0), g.math("MULTIPLY", coarse, 0.35))
    return g.finish(
        average="#8f8a85", roughness_known=0.7, Base_Color=body, Normal=g.bump(height, 0.0016, strength=0.8)
    )


def asphalt() -> Any:
    """Road surface: dark binder with stones of several greys."""
    g = materials.Graph("asphalt")
    p = g.object_space()
    pick = g.split(g.cells(p, 260.0, output="Color"))[0]
    gap = g.cells(p, 260.0, feature="DISTANCE_TO_EDGE")
    body = g.ramp(pick, [(0.0, "#2c2c2e"), (0.5, "#515154"), (0.9, "#7b7a78"), (1.0, "#a3a09a")])
    body = g.mix(g.step(gap, 0.10, 0.02), body, "#1f1f21")
    height = g.math("ADD", g.math("MULTIPLY", g.step(gap, 0.0, 0.25), 0.7), g.math("MULTIPLY", pick, 0.4))
    return g.finish(
        average="#49494b", roughness_known=0.85, Base_Color=body, Normal=g.bump(height, 0.0018, strength=0.8)
    )


# --- backs: what is behind -----------------------------------------------------------------------------------------

Back = Callable[[random.Random, Palette, float], None]


def _wall(make: Callable[[random.Random, Palette], Any], drop: float = 0.01) -> Back:
    def build(rng: random.Random, palette: Palette, y: float) -> None:
        shapes.wall(6, 3, make(rng, palette), y, z=-drop)

    return build


def _tiled(
    tint: str | None, size: tuple[float, float], offset: float = 0.0, roughness: float = 0.14, **more: Any
) -> Back:
    def make(rng: random.Random, p: Palette) -> Any:
        return materials.tiles(
            tint or p.ceramic,
            size=size,
            offset=offset,
            roughness=roughness,
            seed=rng.randrange(60),
            **{"grout": "#d8d4cb", "variation": 0.10, **more},
        )

    return _wall(make, 0.004)


def panelled(rng: random.Random, p: Palette, y: float) -> None:
    """A painted wall with picture-frame mouldings."""
    paint = materials.plain(p.wall, 0.55, unevenness=0.06)
    shapes.wall(6, 3, paint, y, z=-0.9)
    for x0, x1 in ((-1.0, -0.36), (-0.26, 0.26), (0.36, 1.0)):
        rim = [(x0, y - 0.006, 0.07), (x1, y - 0.006, 0.07), (x1, y - 0.006, 0.95), (x0, y - 0.006, 0.95)]
        for a, b in zip(rim, [*rim[1:], rim[0]], strict=True):
            shapes.tube([a, b], 0.009, paint, sides=10)
            inner = 0.022
            c = [
                (v[0] + (inner if v[0] == x0 else -inner), v[1], v[2] + (inner if v[2] < 0.5 else -inner))
                for v in (a, b)
            ]
            shapes.tube(c, 0.004, paint, sides=8)


def slats(rng: random.Random, p: Palette, y: float) -> None:
    """Upright wooden slats on a dark ground."""
    shapes.wall(6, 3, materials.plain("#2c2521", 0.8), y + 0.02, z=-0.2)
    timber = materials.wood(rng.choice(("oak", "walnut", "pale_oak")), plank=0, turn_deg=90, roughness=0.5)
    for k in range(34):
        shapes.rounded_box((0.026, 0.02, 1.6), timber, (-0.68 + 0.041 * k, y, -0.2), bevel=0.002)


def curtained(rng: random.Random, p: Palette, y: float) -> None:
    """A bright window behind sheer linen."""
    glow = materials.Graph("daylight")
    glow.put(glow.principled.inputs["Emission Color"], "#fdf8ef")
    glow.principled.inputs["Emission Strength"].default_value = 0.55
    shapes.wall(6, 3, glow.material, y + 0.12, z=-0.6).lightgroup = "ambient"
    shapes.curtain(-1.2, 1.2, y, 2.0, materials.linen(p.light, through=0.35), z=-0.6, seed=rng.randrange(99))


def beadboard(rng: random.Random, p: Palette, y: float) -> None:
    """Painted tongue-and-groove boards."""
    paint = materials.plain(p.wall, 0.5, unevenness=0.1)
    for k in range(30):
        shapes.rounded_box((0.0785, 0.02, 2.2), paint, (-1.16 + 0.08 * k, y + 0.01, -0.5), bevel=0.003)


def shelved(rng: random.Random, p: Palette, y: float) -> None:
    """A wall with a shelf of books and pots, out of focus."""
    shapes.wall(6, 3, materials.plaster(p.wall, trowel=0.5), y + 0.3, z=-0.9)
    board = materials.wood(rng.choice(("oak", "walnut")), plank=0, roughness=0.5)
    for z in (0.13, 0.42):
        shapes.slab(2.4, 0.24, 0.028, board, front=y, top=z)
        x = -0.95 + rng.uniform(0, 0.1)
        while x < 0.95:
            if rng.random() < 0.7:
                for _ in range(rng.randrange(3, 8)):
                    wide, tall = rng.uniform(0.018, 0.036), rng.uniform(0.15, 0.22)
                    tint = rng.choice((p.accent, p.dark, p.light, p.ceramic, p.cloth, "#c9b48f"))
                    shapes.rounded_box((wide, 0.14, tall), materials.plain(tint, 0.7), (x, y + 0.12, z), bevel=0.002)
                    x += wide + 0.002
            else:
                shapes.sphere(rng.uniform(0.05, 0.075), materials.ceramic(p.ceramic), (x + 0.06, y + 0.12, z))
                x += 0.14
            x += rng.uniform(0.02, 0.09)


def mountains(rng: random.Random, p: Palette, y: float) -> None:
    """Ridges that fade into haze under a morning sky."""
    views.hang(views.ridges(rng.randrange(999)), y + 2.2, middle=0.2)


@dataclass(frozen=True, slots=True)
class View:
    """A look into an environment map: see ``views.cut`` and ``views.hang``."""

    name: str
    heading: float
    pitch: float = 0.0
    level: float = 0.5
    saturation: float = 1.0
    middle: float = 0.2  # height of the horizon, metres

    def hang(self, rng: random.Random, palette: Palette, y: float) -> None:
        card = views.cut(
            self.name,
            self.heading,
            pitch_deg=self.pitch,
            field_deg=58.0,
            blur=0.014,
            level=self.level,
            saturation=self.saturation,
        )
        views.hang(card, y + 2.0, middle=self.middle)


VIEWS: Mapping[str, View] = {  # looks into environment maps
    "bedroom_view": View("interior", 300, pitch=-11, level=0.46),
    "lounge_view": View("interior", 158, level=0.30),
    "window_view": View("interior", 200, level=0.55),
    "apartment_view": View("apartment", 236, level=0.5),
    "hall_view": View("apartment", 292, level=0.45),
    "lobby_view": View("lobby", 212, level=0.46, saturation=0.7),
    "office_view": View("lobby", 150, level=0.42, saturation=0.6),
    "mall_view": View("esplanade", 332, level=0.28),
    "bar_view": View("esplanade", 238, level=0.30, saturation=0.8),
    "bar_deep": View("esplanade", 24, level=0.20),
    "warehouse_view": View("warehouse", 340, level=0.34),
    "forest_view": View("forest", 122, level=0.32),
    "woods_view": View("pines", 272, level=0.30),
    "woods_deep": View("pines", 126, level=0.20),
    "park_view": View("park", 62, level=0.46),
    "meadow_view": View("sunrise", 216, level=0.46),
    "meadow_morning": View("sunrise", 118, level=0.42),
    "field_gold": View("sunrise", 148, level=0.36, saturation=0.9),
    "sea_dusk": View("sunset", 206, level=0.42, middle=0.32),
    "quay_view": View("venice", 296, level=0.44, middle=0.30, saturation=0.7),
    "square_view": View("piazza", 112, level=0.46),
    "city_view": View("city", 112, level=0.44),
    "street_view": View("plaza", 252, level=0.42),
    "courtyard_view": View("courtyard", 246, level=0.40),
    "hills_view": View("dawn", 160, level=0.36),
    "hills_far": View("dawn", 24, level=0.42, saturation=0.5),
}

BACKS: Mapping[str, Back] = {
    "plaster": _wall(lambda r, p: materials.plaster(p.wall, trowel=1.0)),
    "plaster_light": _wall(lambda r, p: materials.plaster(p.light, trowel=0.9)),
    "plaster_dark": _wall(lambda r, p: materials.plaster(p.dark, trowel=0.8)),
    "limewash": _wall(lambda r, p: materials.plaster(p.wall, trowel=1.4, tone=0.11, scale=0.7)),
    "concrete": _wall(lambda r, p: materials.concrete("#94918c", roughness=0.75)),
    "subway": _tiled("#eef0ec", (0.15, 0.075), 0.5),
    "subway_tint": _tiled(None, (0.15, 0.075), 0.5, variation=0.16),
    "zellige": _tiled("#ece8df", (0.10, 0.10), roughness=0.10, variation=0.16),
    "zellige_tint": _tiled(None, (0.10, 0.10), roughness=0.10, variation=0.22),
    "stacked_tint": _tiled(None, (0.06, 0.18), roughness=0.12, variation=0.16),
    "brick": _tiled("#a5654b", (0.215, 0.07), 0.5, 0.85, grout="#b9afa2", gap=0.011, variation=0.3, cushion=0.6),
    "white_brick": _tiled("#e4e0d9", (0.215, 0.07), 0.5, 0.8, grout="#d2cdc4", gap=0.010, variation=0.12),
    "panelled": panelled,
    "slats": slats,
    "curtain": curtained,
    "beadboard": beadboard,
    "shelf": shelved,
    "ridges": mountains,
    "sea_view": lambda rng, p, y: views.hang(views.sea(rng.randrange(999)), y + 2.0, middle=0.36),
    **{name: view.hang for name, view in VIEWS.items()},
}


# --- light ---------------------------------------------------------------------------------------------------------

Light = Callable[[random.Random, int], KeyLight]  # side: -1 from the left, 1 from the right


def _window(
    warm: Colour = "#fff6ea",
    power: float = 32,
    fill: float = 11,
    air: float = 0.34,
    size: tuple[float, float] = (0.95, 0.75),
    elevation: float = 34,
    azimuth: float = 104,
) -> Light:
    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.softbox(
            side * (azimuth + rng.uniform(-6, 6)),
            elevation + rng.uniform(-3, 3),
            1.55,
            size,
            power,
            tint=warm,
            target=(0, 0.08, 0.08),
            group="key",
        )
        lights.softbox(-side * 75, 35, 1.8, (1.4, 1.2), fill, tint="#eaf2ff")
        lights.world(None, air, tint="#f3f5fb")
        return key

    return make


def _sun(
    strength: float = 3.4,
    tint: Colour = "#fff0d8",
    air: float = 0.34,
    angle: float = 1.6,
    elevation: float = 40,
    azimuth: float = 60,
    sky: Colour = "#e3ecfb",
) -> Light:
    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.sun(
            side * (azimuth + rng.uniform(-6, 6)), elevation + rng.uniform(-3, 3), strength, angle_deg=angle, tint=tint
        )
        lights.world(None, air, tint=sky)
        return key

    return make


def _bars(
    tint: Colour = "#ffe9c8",
    panes: tuple[int, int] = (2, 2),
    lit: tuple[int, int] = (1, 0),
    air: float = 0.40,
    azimuth: float = 63,
    elevation: float = 38,
) -> Light:
    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.sun(side * azimuth, elevation, 3.2, angle_deg=rng.uniform(1.4, 2.4), tint=tint)
        lights.window(
            key,
            distance=1.5,
            pane=(rng.uniform(0.40, 0.46), rng.uniform(0.42, 0.50)),
            panes=panes,
            bar=rng.uniform(0.045, 0.06),
            lit_pane=lit,
            offset=(rng.uniform(-0.03, 0.05), rng.uniform(-0.02, 0.05)),
            surround=0.85,
        )
        lights.world(None, air, tint="#e6eefb")
        return key

    return make


def _leaves(
    kind: str = "laurel", air: float = 0.36, tint: Colour = "#fff0d6", elevation: float = 43, azimuth: float = 58
) -> Light:
    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.sun(side * azimuth, elevation, 3.4, angle_deg=rng.uniform(1.0, 1.8), tint=tint)
        at = (side * rng.uniform(0.24, 0.30), rng.uniform(0.26, 0.34), 0.06)
        lights.leaf_shadow(
            key,
            at,
            distance=rng.uniform(0.6, 0.85),
            seed=rng.randrange(99),
            twigs=2 if kind == "frond" else 3,
            kind=kind,
            leaf=0.085,
            length=0.5,
            spread=0.10,
            lean_deg=90 - side * 35,
        )
        lights.world(None, air, tint="#e6eefb")
        return key

    return make


def _high(
    power: float = 26,
    tint: Colour = "#fff6e8",
    size: float = 0.62,
    fill: float = 6,
    air: float = 0.30,
    azimuth: float = 55,
    elevation: float = 47,
) -> Light:
    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.softbox(
            side * (azimuth + rng.uniform(-6, 6)),
            elevation + rng.uniform(-3, 3),
            1.5,
            (size, size),
            power,
            tint=tint,
            group="key",
        )
        lights.softbox(-side * 85, 35, 1.9, (1.2, 1.0), fill, tint="#eef4ff")
        lights.world(None, air, tint="#f5f7fb")
        return key

    return make


LIGHTS: Mapping[str, Light] = {
    "window": _window(),
    "window_cool": _window("#f3f7ff", 30, 11, 0.34),
    "window_warm": _window("#ffe9cf", 30, 10, 0.32),
    "window_wide": _window("#fffaf2", 40, 13, 0.38, size=(1.5, 1.2), azimuth=100, elevation=38),
    "window_low": _window("#fff2e0", 30, 9, 0.30, size=(0.7, 0.7), azimuth=98, elevation=28),
    "back_window": _window("#fff8ec", 36, 30, 0.46, size=(1.3, 0.9), azimuth=138, elevation=38),
    "evening": _window("#ffdcae", 20, 6, 0.16, size=(0.55, 0.55), azimuth=76, elevation=33),
    "moody": _window("#fff0dc", 20, 3, 0.12, size=(0.5, 0.5), azimuth=108, elevation=32),
    "overcast": _window("#fafcff", 42, 12, 0.42, size=(1.7, 1.5), azimuth=70, elevation=56),
    "high": _high(),
    "high_crisp": _high(22, "#fff8f0", 0.30, 5, 0.30, 50, 46),
    "high_big": _high(32, "#fffdf8", 1.0, 5, 0.32, 62, 46),
    "sun": _sun(),
    "sun_low": _sun(3.2, "#ffdcae", 0.30, 2.2, 29, 62),
    "sun_noon": _sun(3.4, "#fff8ea", 0.42, 1.2, 56, 55),
    "sun_hazy": _sun(2.8, "#fff0dc", 0.56, 4.5, 42, 64),
    "sun_behind": _sun(2.6, "#ffe9c6", 0.80, 2.4, 40, 112),
    "dusk": _sun(1.3, "#ffc891", 0.26, 3.0, 26, 66, "#b9c8ec"),
    "bars": _bars(),
    "bars_tall": _bars("#fff0d8", (2, 3), (1, 1), 0.42, 66, 41),
    "bars_evening": _bars("#ffd6a0", (3, 2), (1, 0), 0.34, 62, 31),
    "leaves": _leaves(),
    "palm": _leaves("frond"),
    "olive_leaves": _leaves("olive", 0.38, "#ffedd0", 40, 64),
    "top_soft": _high(24, "#fffaf2", 0.62, 8, 0.40, 122, 45),
    "top_big": _high(34, "#fffdf8", 1.2, 10, 0.44, 110, 52),
    "top_sun": _sun(3.2, "#fff4e0", 0.44, 1.4, 47, 132),
    "top_sun_low": _sun(3.2, "#ffe3b8", 0.40, 1.8, 36, 122),
    "top_moody": _high(18, "#fff0dc", 0.5, 4, 0.17, 112, 34),
}


def top_bars(rng: random.Random, side: int) -> KeyLight:
    """A window's shadow on a table seen from above; the product's place lies in one pane."""
    key = lights.sun(side * 122, 43, 3.2, angle_deg=2.0, tint="#ffe9c8")
    lights.window(
        key,
        distance=1.5,
        pane=(0.42, 0.46),
        panes=(2, 2),
        bar=0.055,
        lit_pane=(0 if side < 0 else 1, 1),
        offset=(-0.02 * side, -0.03),
        surround=0.75,
    )
    lights.world(None, 0.42, tint="#e9f0fd")
    return key


def top_leaves(kind: str) -> Light:
    """Leaves or fronds between the sun and a flat-lay, their shadow in a corner."""

    def make(rng: random.Random, side: int) -> KeyLight:
        key = lights.sun(side * 136, 46, 3.2, angle_deg=rng.uniform(0.9, 1.6), tint="#fff1da")
        lights.leaf_shadow(
            key,
            (side * 0.30, 0.27, 0),
            distance=0.6,
            seed=rng.randrange(99),
            twigs=2 if kind == "frond" else 3,
            kind=kind,
            length=0.46,
            leaf=0.085,
            spread=0.06,
            lean_deg=90 - side * 30,
            spread_deg=18,
        )
        lights.world(None, 0.44, tint="#eef3ff")
        return key

    return make


LIGHTS = {**LIGHTS, "top_bars": top_bars, "top_leaves": top_leaves("laurel"), "top_palm": top_leaves("frond")}
