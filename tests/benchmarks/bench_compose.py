"""What a finished picture costs, stage by stage, and what its receipt says; writes a contact sheet to look at.

python -m tests.benchmarks.bench_compose [--sheet sheet.jpg] [--size 1080x1080] [--samples folder] [--plates folder]
python -m tests.benchmarks.bench_compose --pairs data/pairs [--sheet sheet.png]    # against rendered truth
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from models.image.plates import FOLDER, Plates
from models.matting.packshot import Packshot
from models.types import CutOut
from service.images.compose import compose
from service.images.fidelity import measure
from service.images.intake import decode
from service.images.placement import Fit, find_base, fits, place

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    options = read_options()
    cv2.setNumThreads(1)
    if options.pairs:
        from tests.benchmarks.pairs import report

        report(options.pairs, options.sheet, options.only)
        return
    width, height = (int(v) for v in options.size.split("x"))
    photos = sorted(options.samples.glob("*/*.jpg"))
    cuts = {path.stem: (Packshot().cut_out(decode(path.read_bytes()).pixels), true_height_m(path)) for path in photos}
    plates = Plates(options.plates)
    stages: dict[str, float] = defaultdict(float)
    cells, made, failed = [], 0, 0
    for plate in plates.ids():
        backdrop = plates.backdrop(plate)
        for name, (cut_out, height_m) in cuts.items():
            base = find_base(cut_out.alpha)
            verdict = fits(base.view_angle_deg, backdrop.camera.view_angle_deg, base.is_round)
            if verdict is Fit.REJECT:
                continue
            picture, ok = one(cut_out, height_m, backdrop, (width, height), stages)
            made, failed = made + 1, failed + (not ok)
            cells.append((f"{name} / {plate} / {verdict}", picture))
    for stage, spent in sorted(stages.items(), key=lambda item: -item[1]):
        print(f"{stage:22} {spent / max(made, 1):7.3f} CPU-s")
    print(f"{'all':22} {sum(stages.values()) / max(made, 1):7.3f} CPU-s a picture")
    print(f"{made} pictures, {failed} receipts failed")
    if options.sheet and cells:
        save_sheet(cells, options.sheet)


def true_height_m(photo: Path) -> float | None:
    """What the product's facts would say."""
    camera = photo.parent / "truth" / ("camera-top.json" if photo.stem.endswith("-top") else "camera.json")
    return float(json.loads(camera.read_text("utf-8"))["size_m"][2]) if camera.exists() else None


def one(cut_out: CutOut, height_m, backdrop, size_px, stages) -> tuple[np.ndarray, bool]:  # type: ignore[no-untyped-def]
    width, height = size_px
    start = time.process_time()
    where = place(
        cut_out,
        backdrop,
        size_px=size_px,
        standing_px=(width * 0.5, height * (0.55 if backdrop.camera.view_angle_deg > 50 else 0.76)),
        max_product_px=(width * 0.62, height * 0.6),
        real_height_m=height_m,
    )
    stages["place"] += time.process_time() - start
    result = compose(cut_out, backdrop, where, seed=1)
    for stage, spent in result.stages.items():
        stages[stage] += spent
    start = time.process_time()
    buffer = io.BytesIO()
    Image.fromarray(result.pixels).save(buffer, "PNG", compress_level=3)
    stages["PNG"] += time.process_time() - start
    start = time.process_time()
    receipt = measure(
        buffer.getvalue(), cut_out=cut_out, placement=where, photo_sha256="", provenance=backdrop.provenance
    )
    stages["receipt"] += time.process_time() - start
    return result.pixels, receipt.passed


def save_sheet(cells: list[tuple[str, np.ndarray]], path: Path, columns: int = 5, cell: int = 380) -> None:
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * cell), "white")
    for n, (_, picture) in enumerate(cells):
        small = Image.fromarray(picture)
        small.thumbnail((cell - 4, cell - 4))
        sheet.paste(small, ((n % columns) * cell + 2, (n // columns) * cell + 2))
    sheet.save(path, quality=92)
    for n, (name, _) in enumerate(cells):
        print(f"row {n // columns + 1}, column {n % columns + 1}: {name}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--pairs", type=Path, help="folder of models.training.render_pairs")
    parser.add_argument("--only", nargs="+", default=[], help="names of pairs")
    parser.add_argument("--size", default="1080x1080")
    parser.add_argument("--samples", type=Path, default=ROOT / "service" / "samples")
    parser.add_argument("--plates", type=Path, default=FOLDER)
    return parser.parse_args()


if __name__ == "__main__":
    main()
