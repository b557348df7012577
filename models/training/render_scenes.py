"""Renders the scene model's training pictures. Runs in Blender's own Python (``pip install bpy==5.0.1 numpy OpenEXR``).

    python -m models.training.render_scenes --out data/scenes --scenes 2000

Writes shards of 25 scenes: ``shard-00012.npz`` (``pictures``, (n, size, size, 3) uint8, display values of our curve)
and ``shard-00012.jsonl`` (one line a picture: attributes, camera, podium, light). A shard that exists is not rendered
again, so that a stopped run is continued by the same command. Scene n is the same scene in every run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from . import scene_grammar
from .curve import to_display
from .until import deadline

SCENES_PER_SHARD = 25


def shard_paths(folder: Path, shard: int) -> tuple[Path, Path]:
    return folder / f"shard-{shard:05d}.npz", folder / f"shard-{shard:05d}.jsonl"


def render_shard(stage: object, folder: Path, seed: int, shard: int, n_shots: int) -> int:
    """Render one shard and write it whole. Returns how many pictures it holds."""
    pictures, lines = [], []
    for index in range(shard * SCENES_PER_SHARD, (shard + 1) * SCENES_PER_SHARD):
        scene = scene_grammar.draw_scene(seed, index, n_shots)
        for i, linear in enumerate(stage.shoot(scene)):  # type: ignore[attr-defined]
            pictures.append(np.round(to_display(linear) * 255).astype(np.uint8))
            lines.append(json.dumps(scene_grammar.label(seed, scene, i)))
    data, labels = shard_paths(folder, shard)
    labels.write_text("\n".join(lines) + "\n")
    part = data.with_suffix(f".part{os.getpid()}.npz")
    np.savez_compressed(part, pictures=np.stack(pictures))
    part.rename(data)
    return len(pictures)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=2000)
    parser.add_argument("--shots", type=int, default=4, help="pictures a scene")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--samples", type=int, default=6, help="rays a pixel, before the denoiser")
    parser.add_argument("--workers", type=int, default=1, help="Blender processes, one thread each")
    parser.add_argument("--worker", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--until", help="stop before the first shard that starts after this time of day, HH:MM")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    helpers = []
    if options.worker == 0:
        base = [sys.executable, "-m", "models.training.render_scenes", *(argv if argv is not None else sys.argv[1:])]
        helpers = [subprocess.Popen([*base, "--worker", str(i)]) for i in range(1, options.workers)]
    from .scene_stage import Stage  # Blender starts here

    stage = Stage(options.out, options.size, samples=options.samples)
    n_shards = -(-options.scenes // SCENES_PER_SHARD)
    begun, n_done = time.monotonic(), 0
    stop_at = deadline(options.until, begun)
    for shard in range(options.worker, n_shards, options.workers):
        if time.monotonic() >= stop_at:
            break
        if shard_paths(options.out, shard)[0].exists():
            continue
        n_done += render_shard(stage, options.out, options.seed, shard, options.shots)
        pace = n_done / (time.monotonic() - begun)
        print(
            f"worker {options.worker}: shard {shard + 1}/{n_shards}, {n_done} pictures, {pace:.2f} a second, "
            f"{time.process_time() / n_done:.2f} CPU-s each",
            file=sys.stderr,
            flush=True,
        )
    return max([helper.wait() for helper in helpers], default=0)


if __name__ == "__main__":
    raise SystemExit(main())
