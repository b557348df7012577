"""Measures on training renders how bright and how tinted each part of a picture is under each light.

    python -m models.training.measure_colours --data data/scenes --out models/image/scene_colours.toml

Writes the light on floor, background and podium (linear colour of the part divided by its paint's albedo) for every
kind and side of light, and an albedo for every surface that has its own colour. ``scene_model.py`` uses them to bring a
painted part to the colour that was asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.image.vocabulary import vocabulary

from .curve import to_linear
from .layout import BACK, FLOOR, TOP
from .scene_data import SceneSet, load
from .scene_grammar import LIGHT_KINDS, PALETTE, SIDE_AZIMUTH_DEG, SURFACES

PARTS = (("floor", FLOOR, "surface_colour"), ("back", BACK, "back_colour"), ("podium", TOP, "podium_colour"))
LEAST_CELLS = 10
LEAST_PICTURES = 4


def part_means(data: SceneSet, part: int) -> NDArray[np.float64]:
    """(N, 3) mean linear colour of the cells that are wholly this part; nan where there are too few."""
    pictures = to_linear(data.crops[0].pictures[:, 0].astype(np.float32) / 255)
    whole = data.crops[0].layouts[:, 0, part] > 242
    counts = whole.sum(axis=(1, 2))
    sums = (pictures * whole[:, None]).sum(axis=(2, 3))
    return np.where(counts[:, None] >= LEAST_CELLS, sums / np.maximum(counts[:, None], 1), np.nan)


def words_of(data: SceneSet, attribute: str) -> NDArray[np.str_]:
    names = vocabulary().values
    return np.array(names[attribute])[data.values[:, list(names).index(attribute)]]


def mirrored(side: NDArray[np.str_]) -> NDArray[np.str_]:
    """Left and right light a part's mean alike: count them together."""
    return np.where(side == "right", "left", side)


def line(name: str, rgb: NDArray[np.float64]) -> str:
    return f"{name} = [{', '.join(f'{v:.4f}' for v in rgb)}]"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    data, _ = load(options.data, vocabulary().values)
    light, side = words_of(data, "light"), mirrored(words_of(data, "side"))
    lines = ["# Measured by models/training/measure_colours.py; scene-linear. Written by that script, not by hand."]
    lights: dict[tuple[str, str], NDArray[np.float64]] = {}
    for title, part, attribute in PARTS:
        colour, means = words_of(data, attribute), part_means(data, part)
        albedo = np.array([PALETTE.get(str(c), (np.nan,) * 3) for c in colour])
        ratio = means / albedo
        lines += ["", f"[light.{title}]"]
        for kind in LIGHT_KINDS:
            for where in SIDE_AZIMUTH_DEG:
                counts = (light == kind) & (side == mirrored(np.array([where]))[0]) & np.isfinite(ratio).all(axis=1)
                chosen = (
                    ratio[counts]
                    if counts.sum() >= LEAST_PICTURES
                    else ratio[(light == kind) & np.isfinite(ratio).all(axis=1)]
                )
                found = np.median(chosen, axis=0)
                lights[title, f"{kind}.{where}"] = found
                lines.append(line(f"{kind}.{where}", found))
    lines += ["", "[albedo]"]
    means, surface, own = part_means(data, FLOOR), words_of(data, "surface"), words_of(data, "side")
    falling = np.array([lights["floor", f"{k}.{s}"] for k, s in zip(light, own, strict=True)])
    for name in SURFACES:
        ratio = (means / falling)[(surface == name) & np.isfinite(means).all(axis=1)]
        if name not in ("painted", "linen", "tile"):
            lines.append(line(name, np.median(ratio, axis=0)))
    options.out.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
