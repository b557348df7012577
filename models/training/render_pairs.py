"""Truth for the composer: the same place with and without a product, and the product photographed on white.

From the repository root, with Blender's Python (README.md beside this file):

    python -m models.training.render_pairs --out data/pairs                       # every pair
    python -m models.training.render_pairs --out data/pairs --only sage-podium-jar
    python -m models.training.render_pairs --out data/pairs --until 06:30

Each pair is a folder: ``plate/`` (a plate as the product reads it, without the product), ``truth.png`` (the same with
the product in it; beyond the frame in ``pair.json`` copied from the empty place), ``again.png`` (the same with another
seed: the noise of the renders), ``mask.png`` (the product in it), ``photo.png`` and ``photo-mask.png`` (the product on
white, seen from the same elevation) and ``pair.json``. Finished pairs are skipped; the same seed gives the same pair.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from . import plate_files, render_products
from .blender import camera, geometry, materials, render
from .plate_sets import SETS
from .render_plates import build, lift_for, zone_luminance
from .stand_ins import BUILDERS
from .until import deadline

SIZE_PX = 512


@dataclass(frozen=True, slots=True)
class Pair:
    """One product in one place."""

    scene: str
    kind: str
    seed: int
    turn_deg: float = 0.0
    tilt_deg: float = 0.0  # how much higher than the place's camera the photograph's was

    @property
    def name(self) -> str:
        return f"{self.scene}-{self.kind}"


PAIRS = (
    Pair("kitchen-zellige-oak", "glass", 11, tilt_deg=1.5),
    Pair("sage-podium", "jar", 12),
    Pair("concrete-loft-window", "glass", 13, tilt_deg=-2),
    Pair("oak-linen-window", "mug", 14, turn_deg=-20),
    Pair("kitchen-marble-window", "mug", 15, turn_deg=15, tilt_deg=2),
    Pair("podium-marble-drum", "box", 16, turn_deg=30),
    Pair("top-oak-window", "mug", 17, turn_deg=-38),
    Pair("study-white-desk", "box", 18, turn_deg=-35, tilt_deg=3),
    Pair("living-travertine-tray", "plant", 19),
    Pair("walnut-table-evening", "can", 20),
    Pair("garden-stone", "box", 21, turn_deg=12),
    Pair("bath-black-marble", "glass", 22),
    Pair("black-gloss-studio", "metal", 23),
    Pair("top-marble-eucalyptus", "jar", 24),
    Pair("studio-peach-palm", "plant", 25),
    Pair("white-sweep-soft", "jar", 26, tilt_deg=-2),
    Pair("bath-white-towels", "bottle", 27),
    Pair("terracotta-arch-leaves", "can", 28),
    Pair("street-concrete-plaza", "mug", 29, turn_deg=160),
    Pair("living-walnut-books", "tin", 30, turn_deg=25),
    Pair("top-sky-paper-sun", "can", 31),
    Pair("linen-plaster-plumes", "metal", 32),
    Pair("cafe-terrazzo-lobby", "bottle", 33, tilt_deg=4),
    Pair("top-walnut-coffee", "tin", 34, turn_deg=20),
)


def render_pair(pair: Pair, out: Path, *, size_px: int, samples: int, threads: int) -> dict[str, Any]:
    """Render one pair whole; ``pair.json`` is written last."""
    started = time.process_time()
    folder = out / pair.name
    chosen = SETS[pair.scene]
    stage, eye = build(chosen, size_px)
    render.set_up((size_px, size_px), samples, threads=threads)
    empty, _ = render.render_layers()
    factor = plate_files.exposure_for(zone_luminance(empty["Combined"], eye, stage), chosen.brightness)
    light = render.measure_white_ball(eye)
    factor *= lift_for(factor * sum(light) / 3, chosen.brightness)
    seen = camera.record_camera(eye, (size_px, size_px))
    _write_plate(pair, folder / "plate", empty, stage, seen, factor, [factor * c for c in light])

    rest = [item for item in bpy.data.objects if item.type not in ("CAMERA", "LIGHT")]
    points = _stand(pair)
    frame = _around(seen.project(points), size_px, beside=0.24, above=0.05, below=0.14)
    close = _around(seen.project(points), size_px, beside=0.07, above=0.07, below=0.07)
    shown = plate_files.display_bytes(empty["Combined"] * factor)
    truth = _rendered(frame, pair.seed, samples, shown, factor)
    again = _rendered(close, pair.seed + 1000, samples, truth, factor)
    Image.fromarray(truth).save(folder / "truth.png")
    Image.fromarray(again).save(folder / "again.png")
    _one_layer()
    with tempfile.TemporaryDirectory() as scratch:
        mask = render_products._render_alpha(bpy, rest, _bottom_left(close, size_px), Path(scratch))
    bpy.context.view_layer.material_override = None
    bpy.context.scene.render.use_border = False
    Image.fromarray(mask).save(folder / "mask.png")
    photo = _photograph(pair, folder, seen.view_angle_deg, size_px, threads)
    facts = {
        **asdict(pair),
        "camera_class": camera.camera_class(seen.view_angle_deg).value,
        "plate_deg": seen.view_angle_deg,
        "photo_deg": photo,
        "size_m": [float(v) for v in np.ptp(points, axis=0)],
        "frame_px": frame,
        "close_px": close,
        "samples": samples,
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    part = folder / f"pair.part{os.getpid()}.json"
    part.write_text(json.dumps(facts, indent=1, default=float) + "\n", "utf-8")
    part.rename(folder / "pair.json")
    return facts


def _stand(pair: Pair) -> Any:
    """Put the product on the standing point; returns its vertices, (N, 3) metres."""
    made = BUILDERS[pair.kind](random.Random(pair.seed))
    render_products._turn(bpy, [item for item in made if item.parent is None], pair.turn_deg)
    return render_products._corners(bpy, [item for item in made if item.type == "MESH"])


def _around(seen: Any, size_px: int, *, beside: float, above: float, below: float) -> list[int]:
    """Left, top, right, bottom in px around projected points, wider by fractions of the picture."""
    low, high = seen.min(axis=0), seen.max(axis=0)
    box = (low[0] - beside * size_px, low[1] - above * size_px, high[0] + beside * size_px, high[1] + below * size_px)
    return [int(np.clip(v, 0, size_px)) for v in box]


def _bottom_left(box: Sequence[int], size_px: int) -> tuple[float, float, float, float]:
    """A box of px from the top as Blender's border: left, bottom, right, top as fractions."""
    return box[0] / size_px, 1 - box[3] / size_px, box[2] / size_px, 1 - box[1] / size_px


def _rendered(box: Sequence[int], seed: int, samples: int, around: Any, factor: float) -> Any:
    """The scene as it is now inside ``box``, the given picture around it; display bytes."""
    scene = bpy.context.scene
    scene.cycles.seed, scene.cycles.samples = seed, samples
    settings = scene.render
    settings.use_border, settings.use_crop_to_border = True, True
    left, bottom, right, top = _bottom_left(box, around.shape[1])
    settings.border_min_x, settings.border_max_x = left, right
    settings.border_min_y, settings.border_max_y = bottom, top
    layers, _ = render.render_layers()
    settings.use_border = settings.use_crop_to_border = False
    part = plate_files.display_bytes(layers["Combined"] * factor)
    picture = around.copy()
    picture[box[1] : box[1] + part.shape[0], box[0] : box[0] + part.shape[1]] = part
    return picture


def _one_layer() -> None:
    """Take the light groups out again: a mask and a photograph need one picture only."""
    view = bpy.context.scene.view_layers[0]
    for name in ("glossy_direct", "glossy_indirect", "glossy_color", "z"):
        setattr(view, f"use_pass_{name}", False)
    bpy.context.scene.render.use_persistent_data = False


def _photograph(pair: Pair, folder: Path, plate_deg: float, size_px: int, threads: int) -> float:
    """The product alone on white paper, from the place's elevation; returns the elevation in degrees."""
    geometry.clear_scene()
    points = _stand(pair)
    shot = render_products.Shot(
        pair.kind,
        pair.kind,
        min(max(plate_deg + pair.tilt_deg, 3.0), 84.0),
        lens_mm=80.0,
        fill=0.8,
        has_glass=pair.kind == "glass",
        seed=pair.seed,
    )
    render_products._settings(bpy, 24, threads, shot, size_px)
    _, record = render_products._framed(shot, points, size_px)
    seen = record.project(points)
    rest = render_products._studio(bpy, shot, float(np.ptp(points, axis=0).max()))
    frame = _bottom_left(_around(seen, size_px, beside=0.025, above=0.025, below=0.025), size_px)
    with tempfile.TemporaryDirectory() as scratch:
        linear = render_products._render_linear(bpy, frame, Path(scratch))
        alpha = render_products._render_alpha(bpy, rest, frame, Path(scratch))
    bpy.context.scene.render.use_border = False
    bpy.context.view_layer.material_override = None
    Image.fromarray(render_products.developed(linear, alpha, shot)).save(folder / "photo.png")
    Image.fromarray(alpha).save(folder / "photo-mask.png")
    return float(record.view_angle_deg)


def _write_plate(
    pair: Pair, folder: Path, layers: Any, stage: Any, seen: Any, factor: float, ball: Sequence[float]
) -> None:
    """The empty place as ``models.image.plates.load_backdrop`` reads it."""
    chosen, key = SETS[pair.scene], stage.key
    size = seen.size_px[0]
    palette = plate_files.write_layers(layers, folder, size_px=size, exposure=factor)
    roughness, base_reflectance = materials.ground(stage.ground)
    linear, display = plate_files.display_knots()
    told = {
        "id": pair.scene, "words": chosen.words, "family": chosen.family, "mood": chosen.mood,
        "surface": chosen.surface, "light_side": key.side.value,
        "camera_class": camera.camera_class(seen.view_angle_deg).value,
        "categories": list(chosen.categories), "palette": palette, "size_px": [size, size],
        "view_angle_deg": seen.view_angle_deg, "px_per_metre": chosen.px_per_metre,
        "standing_px": seen.project(np.zeros(3)),
        "camera": {"rotation": seen.rotation, "translation": seen.translation, "focal_px": seen.focal_px,
                   "centre_px": seen.centre_px},
        "key": {"kind": key.kind, "direction": key.direction, "angular_diameter_deg": key.angular_diameter_deg,
                "position": key.position, "size_m": key.size_m, "side": key.side.value, "is_hard": key.is_hard},
        "roughness": roughness, "base_reflectance": base_reflectance, "ball_rgb": list(ball),
        "zone_m": stage.zone, "support_m": stage.support,
        "depth_near_m": plate_files.nearest_depth(layers, size),
        "curve": {"linear": linear, "display": display}, "maps": [], "seed": pair.seed, "samples": 0,
        "rendered_px": size, "cpu_seconds": 0, "script_sha256": "",
    }  # fmt: skip
    plate_files.write_numbers(folder, told)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 1 when a pair failed."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--only", nargs="+", default=[], metavar="PAIR", help="names such as sage-podium-jar; default all")
    ask.add_argument("--size", type=int, default=SIZE_PX, help="side of every picture, px, a multiple of 4")
    ask.add_argument("--samples", type=int, default=6, help="per pixel before the denoiser")
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--until", metavar="HH:MM", help="begin no further pair after this time of day")
    ask.add_argument("--list", action="store_true", help="print the names and stop")
    told = ask.parse_args(arguments)
    known = {pair.name: pair for pair in PAIRS}
    if told.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in told.only if name not in known]
    if unknown:
        ask.error(f"no pair called {', '.join(unknown)}; there are {', '.join(known)}")
    todo = [pair for pair in PAIRS if not told.only or pair.name in told.only]
    todo = [pair for pair in todo if not (told.out / pair.name / "pair.json").exists()]
    begun = time.monotonic()
    stop_at, failed = deadline(told.until, begun), 0
    for number, pair in enumerate(todo, 1):
        if time.monotonic() >= stop_at:
            print(f"stopped at {told.until}: {len(todo) - number + 1} pairs are left", flush=True)
            break
        try:
            facts = render_pair(pair, told.out, size_px=told.size, samples=told.samples, threads=told.threads)
            spent = f"{facts['cpu_seconds']} CPU-s"
        except Exception as reason:  # one broken set must not stop the rest
            failed, spent = failed + 1, f"FAILED: {type(reason).__name__}: {reason}"
        pace = (time.monotonic() - begun) / number
        left = pace * (len(todo) - number) / 60
        print(f"[{number}/{len(todo)}] {pair.name}: {spent}; {left:.0f} min left", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
