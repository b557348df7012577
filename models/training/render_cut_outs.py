"""Products rendered without any ground, as pictures with exact alpha: what cut-outs are judged and calibrated on.

From the repository root, with Blender's Python:

    python -m models.training.render_cut_outs --out models/training/cut_outs --threads 1

Each shot writes ``<out>/<name>.webp``: straight sRGB colours, lossless alpha, glass seen through. 14 to 21 CPU-seconds
a shot at 512 px. ``models.training.matting_set`` lays them over grounds. Needs bpy 5.0; finished shots are skipped.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.render_products import Shot, _corners, _framed, _pixels, _studio, _turn, to_srgb

SIZE_PX = 512
Builder = Callable[[Path], list[Any]]


@dataclass(frozen=True, slots=True)
class Piece:
    """One product seen once."""

    name: str
    build: str  # key of BUILDERS
    view_angle_deg: float = 14.0
    turn_deg: float = 0.0
    fill: float = 0.72
    is_glass: bool = False


PIECES = (
    Piece("herbs", "herbs", 12, 0, 0.78),
    Piece("eucalyptus", "eucalyptus", 10, 30, 0.8),
    Piece("fern", "fern", 18, 0, 0.8),
    Piece("tumbler", "tumbler", 16, 0, 0.62, is_glass=True),
    Piece("wineglass", "wineglass", 12, 0, 0.76, is_glass=True),
    Piece("white-vase", "white-vase", 14, 0, 0.7),
    Piece("white-box", "white-box", 20, 32, 0.66),
    Piece("black-box", "black-box", 18, 35, 0.68),
    Piece("black-jar", "black-jar", 15, 0, 0.6),
    Piece("bag", "bag", 14, 18, 0.78),
    Piece("rack", "rack", 22, 25, 0.74),
    Piece("brush", "brush", 25, 40, 0.78),
    Piece("mug", "mug", 30, 10, 0.62),
    Piece("dropper", "dropper", 14, 0, 0.76, is_glass=True),
    Piece("bottle", "bottle", 35, 20, 0.7),
)


# --- products that the samples do not have --------------------------------------------------------------------------


def _sample(name: str) -> Builder:
    return lambda fonts: importlib.import_module("models.training.product_objects").BUILDERS[name](fonts)


def _things(put: str, **more: Any) -> Builder:
    """A prop of the plates, standing alone."""

    def build(fonts: Path) -> list[Any]:
        bpy: Any = importlib.import_module("bpy")
        things = importlib.import_module("models.training.plate_things")
        palette = importlib.import_module("models.training.plate_parts").PALETTES["sand"]
        before = set(bpy.data.objects)
        thing = getattr(things, put)
        place = thing(**more) if more else thing
        place(random.Random(3), palette, (0.0, 0.0, 0.0))
        return [made for made in bpy.data.objects if made not in before]

    return build


def _parts() -> tuple[Any, Any, Any]:
    return (
        importlib.import_module("models.training.blender.geometry"),
        importlib.import_module("models.training.blender.materials"),
        importlib.import_module("models.training.blender.props"),
    )


def tumbler(fonts: Path) -> list[Any]:
    shapes, materials, props = _parts()
    line = shapes.fillet([(0, 0), (0.030, 0), (0.038, 0.10), (0.0385, 0.105)], 0.004)
    return [shapes.lathe(props.hollow(line, 0.003), materials.glass(), (0, 0, 0))]


def wineglass(fonts: Path) -> list[Any]:
    shapes, materials, _ = _parts()
    line = [(0, 0), (0.034, 0.001), (0.032, 0.003), (0.006, 0.008), (0.0042, 0.02), (0.0042, 0.085), (0.012, 0.095)]
    bowl = [(0.034, 0.125), (0.038, 0.15), (0.033, 0.19), (0.031, 0.205)]
    inner = [(0.0296, 0.205), (0.0316, 0.19), (0.0366, 0.15), (0.0326, 0.126), (0.010, 0.100), (0, 0.0985)]
    return [shapes.lathe([*line, *bowl, *inner], materials.glass(), (0, 0, 0), segments=128)]


def white_vase(fonts: Path) -> list[Any]:
    _, materials, props = _parts()
    return [props.vase("belly", 0.2, materials.ceramic("#f4f3f0", speckle=0.0, roughness=0.35), (0, 0, 0))]


def white_box(fonts: Path) -> list[Any]:
    shapes, materials, _ = _parts()
    body = shapes.rounded_box((0.12, 0.08, 0.10), materials.plain("#f3f2ef", 0.5), (0, 0, 0), bevel=0.002)
    lid = shapes.rounded_box((0.124, 0.084, 0.03), materials.plain("#f6f5f2", 0.5), (0, 0, 0.072), bevel=0.002)
    return [body, lid]


def black_box(fonts: Path) -> list[Any]:
    shapes, materials, _ = _parts()
    body = shapes.rounded_box((0.16, 0.09, 0.10), materials.plain("#17171a", 0.45), (0, 0, 0), bevel=0.014)
    face = shapes.rounded_box((0.135, 0.004, 0.076), materials.plain("#222226", 0.9), (0, -0.045, 0.012), bevel=0.002)
    return [body, face]


def black_jar(fonts: Path) -> list[Any]:
    shapes, materials, _ = _parts()
    body = shapes.cylinder(0.035, 0.05, materials.plain("#101012", 0.2), bevel=0.006)
    lid = shapes.cylinder(0.036, 0.022, materials.plain("#1b1b1d", 0.5), (0, 0, 0.051), bevel=0.003)
    return [body, lid]


def bag(fonts: Path) -> list[Any]:
    """A canvas tote with two straps: the loop shows the ground."""
    shapes, materials, _ = _parts()
    canvas = materials.plain("#b98f5b", 0.85)
    body = shapes.rounded_box((0.30, 0.11, 0.30), canvas, (0, 0, 0), bevel=0.02, taper=1.12)
    straps = []
    for y in (-0.045, 0.045):
        loop = [
            (0.085 * math.cos(math.pi * k / 40), y, 0.285 + 0.19 * math.sin(math.pi * k / 40) ** 0.8) for k in range(41)
        ]
        leather = materials.plain("#5b3420", 0.5)
        straps.append(shapes.sweep(loop, 0.022, 0.005, leather, side=(0, 1, 0), roundness=0.4))
    return [body, *straps]


def rack(fonts: Path) -> list[Any]:
    """A wire basket: nothing but holes."""
    shapes, materials, _ = _parts()
    steel = materials.metal("steel", roughness=0.3)
    made = []
    for ring, z in ((0.10, 0.0), (0.115, 0.045), (0.13, 0.09), (0.145, 0.135)):
        circle = [(ring * math.cos(a), ring * math.sin(a), z) for a in (2 * math.pi * k / 72 for k in range(72))]
        made.append(shapes.tube(circle, 0.0022 if z < 0.13 else 0.0034, steel, closed=True))
    for k in range(16):
        a = 2 * math.pi * k / 16
        made.append(
            shapes.tube(
                [(r * math.cos(a), r * math.sin(a), z) for r, z in ((0.10, 0.0), (0.1225, 0.0675), (0.145, 0.135))],
                0.0018,
                steel,
            )
        )
    for k in range(-3, 4):
        x, half = 0.03 * k, math.sqrt(0.1**2 - (0.03 * k) ** 2)
        made.append(shapes.tube([(x, -half, 0.0), (x, 0.0, 0.0), (x, half, 0.0)], 0.0018, steel))
    return made


def brush(fonts: Path) -> list[Any]:
    """A dish brush standing on its handle: two hundred fibres against the ground."""
    shapes, materials, _ = _parts()
    rng = random.Random(5)
    wood = materials.plain("#c08a52", 0.6)
    parts = [
        shapes.cylinder(0.011, 0.13, wood, bevel=0.008),
        shapes.cylinder(0.034, 0.018, wood, (0, 0, 0.13), bevel=0.007),
    ]
    fibre = materials.plain("#d8c7a4", 0.7)
    for _ in range(240):
        a, r = rng.uniform(0, 2 * math.pi), 0.03 * math.sqrt(rng.random())
        x, y = r * math.cos(a), r * math.sin(a)
        lean = 1.0 + 14.0 * r + rng.gauss(0, 0.12)
        path = [(x, y, 0.146), (x * (1 + lean) / 2, y * (1 + lean) / 2, 0.167), (x * lean, y * lean, 0.186)]
        parts.append(shapes.tube(path, 0.00055, fibre, sides=6))
    return parts


BUILDERS: dict[str, Builder] = {
    "bottle": _sample("tarnwell-bottle"),
    "mug": _sample("kilnholt-mug"),
    "carton": _sample("thistlemere-tea"),
    "dropper": _sample("ambrune-oil"),
    "herbs": _things("herbs"),
    "eucalyptus": _things("vase_of", kind="eucalyptus"),
    "fern": _things("fern"),
    "tumbler": tumbler,
    "wineglass": wineglass,
    "white-vase": white_vase,
    "white-box": white_box,
    "black-box": black_box,
    "black-jar": black_jar,
    "bag": bag,
    "rack": rack,
    "brush": brush,
}


# --- rendering ------------------------------------------------------------------------------------------------------


def render(piece: Piece, fonts: Path, *, samples: int, threads: int, size_px: int) -> NDArray[np.uint8]:
    """(H, W, 4) straight sRGB with alpha."""
    bpy: Any = importlib.import_module("bpy")
    geometry = importlib.import_module("models.training.blender.geometry")
    geometry.clear_scene()
    product = BUILDERS[piece.build](fonts)
    _turn(bpy, [made for made in product if made.parent is None], piece.turn_deg)
    points = _corners(bpy, [made for made in product if made.type == "MESH"])
    shot = Shot(piece.build, piece.name, piece.view_angle_deg, fill=piece.fill, has_glass=piece.is_glass)
    _framed(shot, points, size_px)
    for paper in _studio(bpy, shot, float((points.max(axis=0) - points.min(axis=0)).max())):
        paper.visible_camera = paper.visible_transmission = False  # gives its light back and is not seen
    scene, cycles = bpy.context.scene, bpy.context.scene.cycles
    scene.render.engine, cycles.device, cycles.samples, cycles.seed = "CYCLES", "CPU", samples, 1
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.max_bounces = 12 if piece.is_glass else 4
    cycles.transmission_bounces = cycles.transparent_max_bounces = 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0
    scene.render.film_transparent, cycles.film_transparent_glass = True, True
    scene.render.resolution_x = scene.render.resolution_y = size_px
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.view_settings.view_transform = "Raw"
    image = scene.render.image_settings
    image.media_type, image.file_format, image.color_depth, image.color_mode = "IMAGE", "OPEN_EXR", "32", "RGBA"
    with tempfile.TemporaryDirectory() as scratch:
        scene.render.filepath = str(Path(scratch) / "piece.exr")
        bpy.ops.render.render(write_still=True)
        seen = _pixels(bpy, Path(scratch) / "piece.exr")
    return straight(seen[..., :3], seen[..., 3])


def straight(premultiplied: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Premultiplied linear light to straight sRGB bytes; a highlight brighter than its glass raises the alpha."""
    exposed = np.maximum(premultiplied, 0.0)
    solid = alpha > 0.9
    level = float(np.percentile(exposed[solid].max(axis=-1), 98)) if solid.any() else 1.0
    exposed = exposed * (0.9 / level if level > 0.9 else 1.0)
    exposed = np.minimum(exposed, 1.0)
    cover = np.clip(np.maximum(alpha, exposed.max(axis=-1)), 0.0, 1.0)
    cover[cover < 0.004] = 0.0
    colour = np.clip(exposed / np.maximum(cover, 1e-3)[..., None], 0.0, 1.0)
    planes = np.concatenate([to_srgb(colour), cover[..., None]], axis=-1)
    return np.rint(planes * 255.0).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("models/training/cut_outs"))
    parser.add_argument("--only", nargs="*", help="names; default all")
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=SIZE_PX)
    parser.add_argument("--fonts", type=Path, default=Path("service/images/fonts"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for piece in PIECES:
        target = options.out / f"{piece.name}.webp"
        if (options.only and piece.name not in options.only) or target.exists():
            continue
        started = time.process_time()
        pixels = render(piece, options.fonts, samples=options.samples, threads=options.threads, size_px=options.size)
        draft = target.with_suffix(".part")
        Image.fromarray(pixels).save(draft, "WEBP", quality=92, alpha_quality=100, exact=True, method=6)
        draft.rename(target)
        print(f"{piece.name}: {time.process_time() - started:.0f} CPU-s, {target.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
