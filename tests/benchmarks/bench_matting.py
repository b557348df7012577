"""How good and how fast the cut-outs of the sample photographs are, against their exact mattes.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_matting.py [folder of samples]

SAD in thousands of pixels, MSE over the whole picture, IoU at one half, edge: mean error where the true alpha is soft.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from models.errors import NoProductFound
from models.matting.packshot import Packshot
from service.images.intake import decode
from service.images.placement import find_base

ROOT = Path(__file__).resolve().parents[2]
HEAD = (
    f"{'photograph':24} {'px':>11} {'CPU s':>6} {'SAD k':>7} {'MSE':>9} {'IoU':>7} {'edge':>6} {'unsure':>7} "
    f"{'view':>6} {'true':>6}"
)


def main(folder: Path) -> None:
    cv2.setNumThreads(1)
    print(HEAD)
    for path in sorted(folder.glob("*/*.jpg")):
        truth = path.parent / "truth" / ("alpha-top.png" if path.stem.endswith("-top") else "alpha.png")
        if truth.exists():
            print(row(path, truth))


def row(path: Path, truth_path: Path) -> str:
    photo = decode(path.read_bytes()).pixels
    truth = np.asarray(Image.open(truth_path).convert("L"), dtype=np.float32) / 255.0
    start = time.process_time()
    try:
        result = Packshot().cut_out(photo)
    except NoProductFound as refusal:
        return f"{path.stem:24} {refusal}"
    spent = time.process_time() - start
    off = np.abs(result.alpha - truth)
    soft = (truth > 0.02) & (truth < 0.98)
    found, there = result.alpha > 0.5, truth > 0.5
    camera = json.loads(
        (truth_path.parent / truth_path.name.replace("alpha", "camera").replace("png", "json")).read_text()
    )
    return (
        f"{path.stem:24} {photo.shape[1]:5}x{photo.shape[0]:<5} {spent:6.2f} {off.sum() / 1000:7.3f} "
        f"{(off**2).mean():9.6f} "
        f"{(found & there).sum() / (found | there).sum():7.4f} {off[soft].mean():6.3f} {result.uncertainty:7.3f} "
        f"{find_base(result.alpha).view_angle_deg:6.1f} {camera['view_angle_deg']:6.1f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "service" / "samples")
