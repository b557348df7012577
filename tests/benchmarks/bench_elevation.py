"""How well the camera's elevation is read from a photograph: rendered products of known elevation.

python -m tests.benchmarks.bench_elevation [--pairs data/pairs]
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.images.contact import find_base

ROOT = Path(__file__).resolve().parents[2]
Case = tuple[str, NDArray[np.float32], float]  # name, alpha, true elevation in degrees
NO_FOOT = ("rack", "brush", "fern")  # stand on wires, fibres or nothing


def cases(pairs: Path | None) -> Iterator[Case]:
    if pairs:
        for path in sorted(pairs.glob("*/pair.json")):
            yield path.parent.name, alpha(path.parent / "photo-mask.png"), json.loads(path.read_text())["photo_deg"]
    for path in sorted((ROOT / "service" / "samples").glob("*/truth/camera*.json")):
        told = json.loads(path.read_text("utf-8"))
        yield told["photo"], alpha(path.parent / f"alpha{path.stem[6:]}.png"), told["view_angle_deg"]
    rows = (ROOT / "models" / "training" / "render_cut_outs.py").read_text("utf-8")
    for name, build, angle in re.findall(r'Piece\("([\w-]+)", "([\w-]+)", (\d+)', rows):
        picture = ROOT / "models" / "training" / "cut_outs" / f"{name}.webp"
        if picture.exists() and build not in NO_FOOT:
            yield name, alpha(picture), float(angle)


def alpha(path: Path) -> NDArray[np.float32]:
    with Image.open(path) as image:
        plane = np.asarray(image)
    return (plane[..., 3] if plane.ndim == 3 else plane).astype(np.float32) / np.float32(255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="folder of models.training.render_pairs, beside the committed ones")
    off, sines, sure = [], [], []
    for name, plane, true in cases(parser.parse_args().pairs):
        base = find_base(plane)
        off.append(abs(base.view_angle_deg - true))
        sines.append(abs(float(np.sin(np.radians(base.view_angle_deg)) - np.sin(np.radians(true)))))
        sure.append(base.confidence)
        print(f"{name:36} true {true:5.1f}  read {base.view_angle_deg:5.1f}  sure {base.confidence:.2f}")
    print(
        f"{len(off)} photographs: off by {np.mean(off):.1f} degrees on average, {np.median(off):.1f} in the median, "
        f"{max(off):.1f} at most; sines beyond .2: {sum(s > 0.2 for s in sines)}"
    )


if __name__ == "__main__":
    main()
