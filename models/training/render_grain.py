"""Photographs, in Blender, the fine grain of every surface from straight above. Writes ``models/image/grain/*.webp``.

    python -m models.training.render_grain --out models/image/grain

The scene model paints 32 cells across; wood grain, weave and veins are finer than that. So each surface's own fine
relief is kept once, as the ratio of a render to its blurred self (128 is no change, a step
of 1 is 2 %), and laid on the ground by the camera's geometry when a picture is finished. Runs in Blender's own Python.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from .layout import View
from .scene_cards import blur
from .scene_grammar import LIGHT_KINDS, SIDE_AZIMUTH_DEG, Materials, Shot

SIZE = 448
SPANS_M = {"white_marble": 2.0, "black_marble": 2.0, "green_marble": 2.0}  # veins are rare: a swatch must hold several
SPAN_M = 0.9  # what the others span
COARSE_M = 0.03  # structure coarser than this is painted by the model
STEP = 0.02  # of the logarithm of the ratio
SURFACES = (
    ("light_wood", "own"),
    ("dark_wood", "own"),
    ("white_marble", "own"),
    ("black_marble", "own"),
    ("green_marble", "own"),
    ("linen", "beige"),
    ("stone", "own"),
    ("concrete", "own"),
    ("sand", "own"),
    ("tile", "cream"),
)


def shot_above(surface: str, colour: str, seed: int) -> Shot:
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])  # right, down, ahead: straight down
    view = View(rotation, np.array([0.0, 0.0, SPANS_M.get(surface, SPAN_M) * 4]), 4.0, (0.5, 0.5))
    return Shot(
        attributes={},
        view=view,
        fstop=32.0,
        light="soft",
        light_azimuth_deg=SIDE_AZIMUTH_DEG["left"],
        light_elevation_deg=LIGHT_KINDS["soft"].elevation_deg,
        strength=(1.0, 1.0),
        materials=Materials(surface, colour, "own", "own", seed),
        seed=seed,
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args(argv)
    from .scene_stage import Stage  # Blender starts here

    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), SIZE, samples=6)
        for surface, colour in SURFACES:
            shot = shot_above(surface, colour, options.seed)
            stage.clear()
            ground = stage.floor(0.0, 6.0, True)
            stage.dress_all(shot.materials, "none", ground, None, [])
            stage.light(shot, LIGHT_KINDS["soft"], np.random.default_rng(0))
            stage.look(shot)
            luma = stage.photograph().astype(np.float64).mean(axis=-1, keepdims=True)
            coarse = COARSE_M * (2 if surface in SPANS_M else 1) / SPANS_M.get(surface, SPAN_M) * SIZE
            ratio = np.maximum(luma, 1e-4) / np.maximum(blur(luma, coarse), 1e-4)
            levels = np.clip(np.round(np.log(ratio[..., 0]) / STEP) + 128, 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(options.out / f"{surface}.webp", quality=82, method=6)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
