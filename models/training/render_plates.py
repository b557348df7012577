"""Render the plates: ``python -m models.training.render_plates --only sage-podium --out models/plates``.

Runs in the renderer's environment (see README.md beside this file). Resumable: a plate whose ``plate.json`` exists is
skipped unless ``--again``. ``--draft`` writes small pictures for looking at, nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from . import plate_files, plate_looks, plate_more
from .blender import camera, geometry, materials, render
from .plate_parts import VIEWS
from .plate_sets import SETS, PlateSet, Stage

ROOM = Path(__file__).parent
DRAFT_PX = 320


def script_digest() -> str:
    """sha256 over the code that decides what a plate looks like."""
    files = [
        *sorted((ROOM / "blender").glob("*.py")),
        *sorted(ROOM.glob("plate_*.py")),
        ROOM / "render_plates.py",
    ]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


DIGEST = script_digest()  # of the code as loaded: files may change while a long run goes on


def build(chosen: PlateSet, size_px: int) -> tuple[Stage, Any]:
    """Empty the scene, build the set and place its camera."""
    geometry.clear_scene()
    stage = chosen.build(
        random.Random(chosen.seed * 7919 + int(hashlib.sha256(chosen.id.encode()).hexdigest()[:6], 16))
    )
    eye = camera.place_camera(
        chosen.view_angle_deg,
        px_per_metre=chosen.px_per_metre * size_px / 1536,
        lens_mm=chosen.lens_mm,
        size_px=size_px,
        standing=chosen.standing,
        f_stop=chosen.f_stop,
        focus_height_m=0.06 if chosen.view_angle_deg < 50 else 0.02,
    )
    return stage, eye


def zone_luminance(picture: Any, eye: Any, stage: Stage) -> float:
    """Mean scene-linear luminance of the ground inside the zone."""
    h, w = picture.shape[:2]
    seen = camera.record_camera(eye, (w, h)).project(np.array([(x * 0.8, y * 0.8, 0.0) for x, y in stage.zone]))
    mask = Image.new("L", (w, h))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in seen], fill=255)
    inside = np.asarray(mask) > 0
    return float(np.median(plate_files.luminance(picture[inside])))


def maps_of(id: str) -> list[str]:
    """Names of the environment maps (CC0) that are seen in a set made from a row."""
    look = plate_looks.LOOKS.get(id)
    return [VIEWS[look.back].name] if look is not None and look.back in VIEWS else []


def lift_for(ball: float, brightness: float) -> float:
    """How much brighter a place is shown so that an upright product in it is not left in the dark, 1 to 1.45.

    A table under light from behind shines; exposed for the table, what stands on it would be dim.
    """
    return float(np.clip(0.8 * brightness / max(ball, 1e-6), 1.0, 1.45))


def draft(chosen: PlateSet, out: Path, threads: int, samples: int, size_px: int) -> None:
    """A small picture with the standing point and the crops marked in a second copy."""
    stage, eye = build(chosen, size_px)
    render.set_up((size_px, size_px), samples, threads=threads, layers=False, high_quality=False)
    layers, spent = render.render_layers()
    factor = plate_files.exposure_for(zone_luminance(layers["Combined"], eye, stage), chosen.brightness)
    shown = plate_files.display_bytes(layers["Combined"] * factor)
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(shown).save(out / f"{chosen.id}.png")
    print(f"{chosen.id}: draft in {spent:.0f} CPU-s", flush=True)


def full(chosen: PlateSet, out: Path, threads: int, samples: int, size_px: int, rendered_px: int) -> None:
    """Render one plate with all its layers and write its folder."""
    stage, eye = build(chosen, rendered_px)
    render.set_up((rendered_px, rendered_px), samples, threads=threads)
    layers, spent = render.render_layers()
    factor = plate_files.exposure_for(zone_luminance(layers["Combined"], eye, stage), chosen.brightness)
    roughness, base_reflectance = materials.ground(stage.ground)
    light = render.measure_white_ball(eye)
    factor *= lift_for(factor * sum(light) / 3, chosen.brightness)
    ball = tuple(factor * c for c in light)
    folder = out / chosen.id
    palette = plate_files.write_layers(layers, folder, size_px=size_px, exposure=factor)
    seen = camera.record_camera(eye, (size_px, size_px))
    linear, display = plate_files.display_knots()
    key = stage.key
    plate_files.write_numbers(
        folder,
        {
            "id": chosen.id,
            "words": chosen.words,
            "family": chosen.family,
            "mood": chosen.mood,
            "surface": chosen.surface,
            "light_side": key.side.value,
            "camera_class": camera.camera_class(seen.view_angle_deg).value,
            "categories": list(chosen.categories),
            "palette": palette,
            "size_px": [size_px, size_px],
            "view_angle_deg": seen.view_angle_deg,
            "px_per_metre": chosen.px_per_metre,
            "standing_px": seen.project(np.zeros(3)),
            "camera": {
                "rotation": seen.rotation,
                "translation": seen.translation,
                "focal_px": seen.focal_px,
                "centre_px": seen.centre_px,
            },
            "key": {
                "kind": key.kind,
                "direction": key.direction,
                "angular_diameter_deg": key.angular_diameter_deg,
                "position": key.position,
                "size_m": key.size_m,
                "side": key.side.value,
                "is_hard": key.is_hard,
            },
            "roughness": roughness,
            "base_reflectance": base_reflectance,
            "ball_rgb": ball,
            "zone_m": stage.zone,
            "support_m": stage.support,
            "depth_near_m": plate_files.nearest_depth(layers, size_px),
            "curve": {"linear": linear, "display": display},
            "maps": maps_of(chosen.id),
            "seed": chosen.seed,
            "samples": samples,
            "rendered_px": rendered_px,
            "cpu_seconds": round(spent),
            "script_sha256": DIGEST,
        },
    )
    weight = sum(p.stat().st_size for p in folder.iterdir()) / 1024
    print(
        f"{chosen.id}: {spent:.0f} CPU-s, {weight:.0f} KiB, ball {ball[0]:.2f} {ball[1]:.2f} {ball[2]:.2f}", flush=True
    )


def reword(out: Path) -> int:
    """Bring words, family, mood, surface and categories of finished plates in line with the sets; returns how many."""
    changed = 0
    for path in sorted(out.glob("*/plate.json")):
        told = json.loads(path.read_text("utf-8"))
        chosen = SETS.get(told["id"])
        if chosen is None:
            continue
        wanted = {
            "words": chosen.words,
            "family": chosen.family,
            "mood": chosen.mood,
            "surface": chosen.surface,
            "categories": list(chosen.categories),
            "maps": maps_of(chosen.id),
        }
        if any(told.get(key) != value for key, value in wanted.items()):
            plate_files.write_numbers(path.parent, {**told, **wanted})
            changed += 1
    return changed


def variants(chosen: Sequence[PlateSet], count: int) -> list[PlateSet]:
    """Each set ``count`` times with its seeds; the second is called ``<id>-2``."""
    return [s if k == 0 else replace(s, id=f"{s.id}-{k + 1}", seed=s.seed + k) for k in range(count) for s in chosen]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 1 when a set failed."""
    ask = argparse.ArgumentParser(prog="python -m models.training.render_plates", description=__doc__)
    ask.add_argument("--only", nargs="+", metavar="ID", default=[], help="sets to render, default all")
    ask.add_argument("--out", type=Path, default=Path("models/plates"))
    ask.add_argument("--size", type=int, default=1536, help="side of the written picture, px, a multiple of 4")
    ask.add_argument(
        "--render-size", type=int, default=None, help="side that is rendered before enlarging, default --size"
    )
    ask.add_argument("--samples", type=int, default=None, help="per pixel at most; default 24, drafts 8")
    ask.add_argument("--threads", type=int, default=1)
    ask.add_argument("--variants", type=int, default=1, help="how many arrangements of every set")
    ask.add_argument("--draft", action="store_true", help=f"{DRAFT_PX} px, 8 samples, a PNG only")
    ask.add_argument("--again", action="store_true", help="render even what is finished")
    ask.add_argument("--list", action="store_true", help="print the ids and stop")
    ask.add_argument("--reword", action="store_true", help="only bring finished plates' words in line with the sets")
    ask.add_argument("--more", type=int, default=0, help="render so many sets drawn from the written ones' parts")
    told = ask.parse_args(arguments)
    if told.more:
        further = plate_more.drawn(told.more)
        plate_looks.register(further)
        told.only = told.only or [look.id for look in further]
    if told.reword:
        print(f"{reword(told.out)} plates changed")
        return 0
    unknown = [name for name in told.only if name not in SETS]
    if unknown:
        ask.error(f"no set called {', '.join(unknown)}; there are {', '.join(SETS)}")
    todo = variants([SETS[name] for name in told.only or SETS], told.variants)
    if told.list:
        print("\n".join(s.id for s in todo))
        return 0
    failed = 0
    started = time.monotonic()
    for number, chosen in enumerate(todo, 1):
        finished = told.out / f"{chosen.id}.png" if told.draft else told.out / chosen.id / "plate.json"
        if finished.exists() and not told.again:
            continue
        try:
            if told.draft:
                draft(chosen, told.out, told.threads, told.samples or 8, told.render_size or DRAFT_PX)
            else:
                full(chosen, told.out, told.threads, told.samples or 24, told.size, told.render_size or told.size)
        except Exception as reason:  # one broken set must not stop the night's work
            failed += 1
            print(f"{chosen.id}: FAILED: {type(reason).__name__}: {reason}", file=sys.stderr, flush=True)
        minutes = (time.monotonic() - started) / 60
        print(f"[{number}/{len(todo)}] {minutes:.1f} min", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
