"""How good and how fast cut-outs are, by backend and kind of photograph, against exactly known mattes.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_matting                         # packshot and auto, 32 each
    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_matting --backends packshot isnet --seed 11 --per-class 3
    python -m tests.benchmarks.bench_matting --from runs/cal/packshot.jsonl runs/cal/isnet.jsonl   # what was collected
    OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_matting --samples               # the sample photographs

The set is made anew from its seed by ``models/training/matting_set.py``: products rendered without ground
(``models/training/render_cut_outs.py``, checked in, 0.4 MB) and the sample products, laid over paper, gradients and
plates, with shadow, noise and JPEG. SAD in thousands of pixels, MSE over the frame, IoU at one half, edge: mean error
of alpha within 3 px of the outline and where it is soft, halo: CIELAB distance there when laid on black, white and
magenta, bad: a person would see it, unsure: would be sent to review.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from models.errors import NoProductFound
from models.matting.auto import CLEARLY_BETTER
from models.matting.sureness import Signs, judged
from models.registry import matting_model
from models.training import matting_set
from models.types import REVIEW_ABOVE

ROOT = Path(__file__).resolve().parents[2]
FAMILY = {"packshot": "packshot", "isnet": "network", "birefnet": "network"}
HEAD = (
    f"{'kind':16} {'backend':9} {'found':>6} {'CPU s':>6} {'SAD k':>7} {'MSE':>8} {'IoU':>7} {'edge':>6} {'halo':>6} "
    f"{'bad':>6} {'bad, unsure':>11} {'good, unsure':>12}"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One photograph by one backend; errors are None where it found no product."""

    seed: int
    name: str
    of_class: str
    backend: str
    cpu_s: float
    errors: dict[str, float] | None
    uncertainty: float = 1.0


def measured(backends: Sequence[str], seed: int, per_class: int) -> Iterator[Row]:
    """Cut every photograph of the set out by every backend."""
    for backend in backends:
        matting = matting_model(backend)
        for case in matting_set.cases(seed, per_class):
            started = time.process_time()
            try:
                cut = matting.cut_out(case.photo)
            except NoProductFound:
                yield Row(seed, case.name, case.of_class, backend, time.process_time() - started, None)
                continue
            spent = time.process_time() - started
            errors = matting_set.errors(case, cut.alpha, cut.foreground)
            found = {name: getattr(errors, name) for name in errors.__slots__}
            yield Row(seed, case.name, case.of_class, backend, spent, found, cut.uncertainty)
            print(".", end="", file=sys.stderr, flush=True)


def collected(files: Sequence[Path]) -> list[Row]:
    """Rows that ``models.training.calibrate_matting`` wrote, judged by today's calibration, and what auto would do."""
    rows = []
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            said: dict[str, Any] = json.loads(line)
            unsure = judged(Signs(**said["signs"]), FAMILY[said["backend"]])[0] if "signs" in said else 1.0
            key = (said["seed"], said["name"], said["class"], said["backend"], said["cpu_s"])
            rows.append(Row(*key, said.get("errors"), unsure))
    return [*rows, *_auto(rows)]


def _auto(rows: Sequence[Row]) -> Iterator[Row]:
    """The rule of ``models/matting/auto.py`` on photographs that both backends have seen."""
    networks = {(row.seed, row.name): row for row in rows if row.backend == "isnet"}
    for first in rows:
        second = networks.get((first.seed, first.name))
        if first.backend != "packshot" or second is None:
            continue
        asks = first.errors is None or first.uncertainty > REVIEW_ABOVE
        takes = asks and (first.errors is None or second.uncertainty < first.uncertainty - CLEARLY_BETTER)
        kept = second if takes else first
        spent = first.cpu_s + (second.cpu_s if asks else 0.0)
        yield Row(first.seed, first.name, first.of_class, "auto", spent, kept.errors, kept.uncertainty)


def table(rows: Sequence[Row]) -> str:
    """One line for every kind and backend, and one for all kinds together."""
    lines = [HEAD]
    for of_class in (*matting_set.CLASSES, "all"):
        for backend in dict.fromkeys(row.backend for row in rows):
            mine = [row for row in rows if row.backend == backend and of_class in (row.of_class, "all")]
            if mine:
                lines.append(_line(of_class, backend, mine))
    return "\n".join(lines)


def _line(of_class: str, backend: str, mine: Sequence[Row]) -> str:
    found = [(row, row.errors) for row in mine if row.errors is not None]
    start = f"{of_class:16} {backend:9} {len(found):>3}/{len(mine):<2} {np.mean([row.cpu_s for row in mine]):6.1f} "
    if not found:
        return start
    mean = {name: float(np.mean([errors[name] for _, errors in found])) for name in found[0][1]}
    bad = [row for row, errors in found if errors["fault"] >= 1.0]
    caught = sum(row.uncertainty > REVIEW_ABOVE for row in bad)
    disturbed = sum(row.uncertainty > REVIEW_ABOVE for row, errors in found if errors["fault"] < 1.0)
    return (
        f"{start}{mean['sad_k']:7.2f} {mean['mse']:8.5f} {mean['iou']:7.4f} {mean['edge']:6.3f} {mean['halo']:6.2f} "
        f"{len(bad):>3}/{len(found):<2} {caught:>8}/{len(bad):<2} {disturbed:>9}/{len(found) - len(bad):<2}"
    )


def samples(folder: Path) -> None:
    """The sample photographs: rendered whole, with their own light, shadow and reflections; camera estimated too."""
    from service.images.intake import decode
    from service.images.placement import find_base

    head = ("CPU s", "SAD k", "MSE", "IoU", "edge", "unsure", "view", "true")
    print(f"{'photograph':24}" + "".join(f"{name:>8}" for name in head))
    for path in sorted(folder.glob("*/*.jpg")):
        ending = "-top" if path.stem.endswith("-top") else ""
        truth_path = path.parent / "truth" / f"alpha{ending}.png"
        if not truth_path.exists():
            continue
        photo = decode(path.read_bytes()).pixels
        truth = np.asarray(Image.open(truth_path).convert("L"), dtype=np.float32) / 255.0
        started = time.process_time()
        cut = matting_model("packshot").cut_out(photo)
        spent = time.process_time() - started
        off = np.abs(cut.alpha - truth)
        soft, found, there = (truth > 0.02) & (truth < 0.98), cut.alpha > 0.5, truth > 0.5
        camera = json.loads((path.parent / "truth" / f"camera{ending}.json").read_text())
        print(
            f"{path.stem:24}{spent:8.2f}{off.sum() / 1000:8.3f}{(off**2).mean():8.5f}"
            f"{(found & there).sum() / (found | there).sum():8.4f}{off[soft].mean():8.3f}{cut.uncertainty:8.3f}"
            f"{find_base(cut.alpha).view_angle_deg:8.1f}{camera['view_angle_deg']:8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", default=["packshot", "auto"])
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--from", dest="files", type=Path, nargs="+", help="print what calibrate_matting collected")
    parser.add_argument("--samples", action="store_true", help="the sample photographs instead of the set")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.samples:
        samples(ROOT / "service" / "samples")
    elif options.files:
        print(table(collected(options.files)))
    else:
        print(table(list(measured(options.backends, options.seed, options.per_class))))


if __name__ == "__main__":
    main()
