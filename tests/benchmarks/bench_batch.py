"""Many scenes of one product from plates, as a batch makes them: CPU-seconds by stage, receipts, and the floor.

    python -m tests.benchmarks.bench_batch --scenes 500

How N scenes come about: every plate whose camera fits the photograph, then the same plates in further takes (mirrored;
the product aside, left and right, plain and mirrored). No picture is counted twice for another grain. The floor is what
encoding the same pixels alone costs, as PNG (ours), as Pillow's default PNG, as lossless WebP and as JPEG.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from PIL import Image

from models.types import BytePixels
from service.domain import Photo, Product
from service.products import parse_product
from service.studio import TAKES, Studio, encode
from service.wiring import studio_for_commands

SAMPLE = Path(__file__).resolve().parents[2] / "service" / "samples" / "kilnholt-mug" / "product.json"
FLOOR_EVERY = 10  # pictures of which the encoders are measured


@dataclass
class Tally:
    """What came of the pictures."""

    n: int = 0
    failed: list[str] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    n_bytes: int = 0
    floor_s: dict[str, float] = field(default_factory=dict)
    floor_bytes: dict[str, int] = field(default_factory=dict)
    n_floor: int = 0
    most_mb: list[float] = field(default_factory=list)  # resident after each tenth
    lock: Lock = field(default_factory=Lock)


def main() -> None:
    options = _options()
    cv2.setNumThreads(1)
    studio, product = studio_for_commands(), _product(options.product)
    began = time.process_time()
    look = studio.look(product, 1_000)
    ready_s = time.process_time() - began
    scenes = list(_scenes([scene.id for scene in look.scenes][: options.plates], options.scenes))
    places = len({scene for scene, _ in scenes})
    takes = max((take for _, take in scenes), default=0) + 1
    print(f"{len(scenes)} scenes: {places} plates that fit the photograph's camera, in up to {takes} takes", flush=True)
    if len(scenes) < options.scenes:
        print(f"  only {len(scenes)} of {options.scenes} can be made honestly")
    studio._shop.stages.clear()
    tally, started, began = Tally(), time.monotonic(), time.process_time()
    work = _worker(studio, product, options, tally, len(scenes))
    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(work, sorted(scenes, key=lambda one: (one[0], one[1] % 2, one[1]))))
    cpu_s = time.process_time() - began - sum(tally.floor_s.values())
    _report(studio, tally, cpu_s, time.monotonic() - started, ready_s, options)
    if tally.failed:
        sys.exit(1)


def _scenes(ids: list[str], n: int) -> Iterator[tuple[str, int]]:
    every = ((scene, take) for take in range(TAKES) for scene in ids)
    for _, one in zip(range(n), every, strict=False):
        yield one


def _worker(
    studio: Studio, product: Product, options: argparse.Namespace, tally: Tally, total: int
) -> Callable[[tuple[str, int]], None]:
    out: Path | None = options.out

    def make(one: tuple[str, int]) -> None:
        scene, take = one
        creative, data = studio.make(
            product, scene=scene, take=take, format=options.format, picture_type=options.picture_type
        )
        with tally.lock:
            tally.n += 1
            number = tally.n
            tally.n_bytes += len(data)
            tally.digests.add(hashlib.sha256(data).hexdigest())
            if not creative.receipt.passed:
                tally.failed.append(f"{scene} take {take}: {creative.receipt.max_abs_diff}")
            if number % max(1, total // 10) == 0:
                tally.most_mb.append(_resident_mb())
                print(f"  {number} of {total}, {tally.most_mb[-1]:.0f} MB resident", flush=True)
        if number % FLOOR_EVERY == 1:
            _measure_floor(data, tally)
        if out is not None:
            (out / f"{scene}_{take}.{options.picture_type}").write_bytes(data)

    return make


def _measure_floor(data: bytes, tally: Tally) -> None:
    """Encode the same pixels once more, each way."""
    with Image.open(io.BytesIO(data)) as image:
        pixels: BytePixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    ways: dict[str, Callable[[], bytes]] = {
        "PNG, ours": lambda: encode(pixels, "png"),
        "PNG, Pillow's default": lambda: _default_png(pixels),
        "WebP, lossless": lambda: encode(pixels, "webp"),
        "JPEG 95": lambda: encode(pixels, "jpg"),
    }
    for name, way in ways.items():
        start = time.thread_time()
        size = len(way())
        with tally.lock:
            tally.floor_s[name] = tally.floor_s.get(name, 0.0) + time.thread_time() - start
            tally.floor_bytes[name] = tally.floor_bytes.get(name, 0) + size
    with tally.lock:
        tally.n_floor += 1


def _default_png(pixels: BytePixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _report(
    studio: Studio, tally: Tally, cpu_s: float, wall_s: float, ready_s: float, options: argparse.Namespace
) -> None:
    n = tally.n
    print(f"\n{'stage':24}{'CPU-s a picture':>16}{'share':>8}")
    stages = studio._shop.stages.read()
    total = sum(spent for spent, _ in stages.values())
    for name, (spent, times) in stages.items():
        often = f"   {times} times" if times != n else ""
        print(f"{name:24}{spent / n:16.3f}{spent / total:8.1%}{often}")
    print(f"{'all stages':24}{total / n:16.3f}")
    print(
        f"{'whole process':24}{cpu_s / n:16.3f}   CPU-s a picture; wall {wall_s / n:.3f} s on {options.workers} workers"
    )
    print(f"look at the photograph  {ready_s:16.3f}   once: cut-out, camera, places ranked")
    print(f"\nthe floor, encoding alone, over {tally.n_floor} of the pictures:")
    for name, spent in tally.floor_s.items():
        size = tally.floor_bytes[name] / tally.n_floor
        print(f"  {name:24}{spent / tally.n_floor:8.3f} CPU-s{size / 1e6:8.2f} MB")
    print(
        f"\n{n} pictures, {len(tally.digests)} different files, {len(tally.failed)} receipts failed, "
        f"{tally.n_bytes / n / 1e6:.2f} MB each; resident {min(tally.most_mb):.0f} to {max(tally.most_mb):.0f} MB"
    )
    for line in tally.failed[:10]:
        print(f"  failed: {line}")
    if options.json:
        told: dict[str, Any] = {
            "pictures": n,
            "cpu_s_each": cpu_s / n,
            "stages": {name: spent / n for name, (spent, _) in stages.items()},
            "floor_s": {name: spent / tally.n_floor for name, spent in tally.floor_s.items()},
            "failed": tally.failed,
            "resident_mb": tally.most_mb,
        }
        options.json.write_text(json.dumps(told, indent=1))


def _product(path: Path) -> Product:
    if path.suffix != ".json":
        return Product(id=path.stem, title=path.stem, photos=(Photo(key=str(path.resolve())),))
    product = parse_product(path.read_bytes())
    photos = tuple(Photo(key=str((path.parent / photo.key).resolve())) for photo in product.photos)
    from dataclasses import replace

    return replace(product, photos=photos)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--plates", type=int, help="at most so many: a short run with the takes of a long one")
    parser.add_argument("--format", default="square", help="square is 1080 x 1080")
    parser.add_argument("--product", type=Path, default=SAMPLE, help="product file, or a photograph")
    parser.add_argument("--picture-type", default="png", choices=["png", "webp", "jpg"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for the pictures; default: they are not kept")
    parser.add_argument("--json", type=Path, help="the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
