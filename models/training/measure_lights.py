"""Measures, in Blender, what each light of the grammar does at the standing point, into ``scene_lights.toml``.

    python -m models.training.measure_lights --out models/image/scene_lights.toml

For every kind and side of light: the colour of a white ball's centre (albedo .8, facing the camera) and the key
light's share of the ground's light, on a grey ground (albedo .3) in front of a cream wall. Runs in Blender's own
Python, like the renderer.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .scene_grammar import LIGHT_KINDS, SIDE_AZIMUTH_DEG, Materials, Shot, looking

BALL_M = 0.09  # radius
BACK_M = 0.7
PATCH = 4  # pixels each way that are averaged
SIZE = 96


def shot_for(light: str, side: str) -> Shot:
    view = looking(elevation_deg=14, azimuth_deg=0, focal=1.8, view_width_m=0.8, contact=(0.5, 0.72))
    return Shot(
        attributes={},
        view=view,
        fstop=16.0,
        light=light,
        light_azimuth_deg=SIDE_AZIMUTH_DEG[side],
        light_elevation_deg=LIGHT_KINDS[light].elevation_deg,
        strength=(1.0, 1.0),
        materials=Materials("painted", "grey", "cream", "own", 1),
        seed=5,
    )


def measure(stage: Any, light: str, side: str) -> dict[str, list[float]]:
    """``ball`` and ``key_share``, three numbers each."""
    import bpy  # type: ignore[import-not-found]

    shot = shot_for(light, side)
    stage.clear()
    ground, wall = stage.floor(0.0, BACK_M, True), stage.wall(0.0, BACK_M)
    stage.dress_all(shot.materials, "wall", ground, wall, [])
    stage.look(shot)
    even = replace(shot, light="hard" if light in ("bars", "dappled") else light)  # the standing point is in full light
    at = np.array([0.5, 0.72]) * SIZE
    gone = stage.light(even, LIGHT_KINDS[light], np.random.default_rng(0))
    lit = patch(stage.photograph(), at)
    gone[0].hide_render = True
    unlit = patch(stage.photograph(), at)
    gone[0].hide_render = False
    ball = stage.ball((0.0, 0.0, BALL_M), BALL_M)
    stage.dress(ball, stage.paint_plain((0.8, 0.8, 0.8), 1.0))
    centre = shot.view.rotation @ (np.array([0.0, 0.0, BALL_M]) - shot.view.position)
    seen = centre[:2] / centre[2] * shot.view.focal + np.asarray(shot.view.centre)
    white = patch(stage.photograph(), seen * SIZE)
    for item in gone:
        bpy.data.objects.remove(item, do_unlink=True)
    share = np.clip(1 - unlit / np.maximum(lit, 1e-6), 0, 1)
    return {"ball": [round(float(v), 4) for v in white], "key_share": [round(float(v), 4) for v in share]}


def patch(picture: Any, at: Any) -> Any:
    x, y = (round(float(v)) for v in at)
    return picture[y - PATCH // 2 : y + PATCH // 2, x - PATCH // 2 : x + PATCH // 2].mean(axis=(0, 1))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    from .scene_stage import Stage  # Blender starts here

    lines = ["# Measured by models/training/measure_lights.py; scene-linear. Written by that script, not by hand."]
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), SIZE, samples=48)
        for light in LIGHT_KINDS:
            for side in SIDE_AZIMUTH_DEG:
                found = measure(stage, light, side)
                lines += ["", f"[{light}.{side}]", f"ball = {found['ball']}", f"key_share = {found['key_share']}"]
    options.out.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
