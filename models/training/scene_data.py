"""Rendered shards as arrays to train on: small crops, their layout maps, their attributes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from .layout import Solid, View, draw

SHAPES = ((32, 32), (24, 44), (44, 24))  # (height, width) the model paints in: square, wide, tall
CROPS = (3, 1, 1)  # crops kept of every picture, a shape
HELD_OUT_EVERY = 20  # every 20th scene is never trained on


@dataclass(frozen=True, slots=True)
class Crops:
    """Crops of one shape. N pictures, K crops each."""

    pictures: NDArray[np.uint8]  # (N, K, 3, h, w) display
    layouts: NDArray[np.uint8]  # (N, K, 4, h, w), 255 is wholly this part


@dataclass(frozen=True, slots=True)
class SceneSet:
    crops: tuple[Crops, ...]  # one a shape of SHAPES
    values: NDArray[np.int64]  # (N, attributes) indices in the vocabulary's order
    scenes: NDArray[np.int64]  # (N,)

    def __len__(self) -> int:
        return len(self.scenes)


def is_held_out(scenes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(scenes % HELD_OUT_EVERY == 7)


def shards(folder: Path) -> list[Path]:
    """Finished shards, oldest scene first."""
    return sorted(path for path in folder.glob("shard-?????.npz") if path.with_suffix(".jsonl").exists())


def read_labels(shard: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shard.with_suffix(".jsonl").read_text().splitlines()]


def read_pictures(shard: Path) -> NDArray[np.uint8]:
    """(n, size, size, 3) display."""
    with np.load(shard) as archive:
        return np.asarray(archive["pictures"])


def view_of(row: Mapping[str, Any]) -> View:
    view = row["view"]
    return View(
        np.array(view["rotation"]), np.array(view["position"]), view["focal"], (view["centre"][0], view["centre"][1])
    )


def draw_label(row: Mapping[str, Any], size: int) -> NDArray[np.uint8]:
    """(size, size) index of the part each pixel shows."""
    solids = [Solid.from_json(s) for s in row["solids"]]
    return np.asarray(
        draw(view_of(row), solids, row["floor_z"], row["back_y"], size, size).argmax(axis=0), dtype=np.uint8
    )


def indices(rows: Sequence[Mapping[str, Any]], values: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
    return np.array([[values[name].index(row["attributes"][name]) for name in values] for row in rows], dtype=np.int64)


def boxes(rng: Generator, shape: tuple[int, int], count: int, size: int) -> Iterator[tuple[float, float, float, float]]:
    """Crop boxes (left, top, right, bottom); the first is the largest. Wide ones keep to where things stand."""
    aspect = shape[0] / shape[1]
    for i in range(count):
        zoom = 1.0 if i == 0 else float(rng.uniform(0.86, 1.0))
        width = size * zoom * min(1.0, 1 / aspect)
        height = width * aspect
        left = float(rng.uniform(0, size - width))
        lowest = size - height
        top = float(rng.uniform(0.45, 0.95)) * lowest if aspect < 1 else float(rng.uniform(0, lowest))
        yield left, top, left + width, top + height


def cut(shard: Path, values: Mapping[str, Sequence[str]]) -> SceneSet:
    """Crops of one shard, made once and kept beside it."""
    cache = shard.with_name(f"crops-{shard.stem[6:]}.npz")
    if cache.exists():
        with np.load(cache) as kept:
            crops = tuple(Crops(kept[f"pictures{i}"], kept[f"layouts{i}"]) for i in range(len(SHAPES)))
            return SceneSet(crops, kept["values"], kept["scenes"])
    rows, pictures = read_labels(shard), read_pictures(shard)
    rng = np.random.default_rng(int(shard.stem[6:]))
    size = pictures.shape[1]
    found: list[Crops] = []
    labels = [draw_label(row, size) for row in rows]
    for shape, count in zip(SHAPES, CROPS, strict=True):
        out = np.empty((len(rows), count, 3, *shape), np.uint8)
        parts = np.empty((len(rows), count, 4, *shape), np.uint8)
        for n, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            image = Image.fromarray(picture)
            masks = [Image.fromarray((label == k).astype(np.uint8) * 255) for k in range(4)]
            for k, box in enumerate(boxes(rng, shape, count, size)):
                wanted = (shape[1], shape[0])
                out[n, k] = np.asarray(image.resize(wanted, Image.Resampling.BOX, box=box)).transpose(2, 0, 1)
                for c, mask in enumerate(masks):
                    parts[n, k, c] = np.asarray(mask.resize(wanted, Image.Resampling.BOX, box=box))
        found.append(Crops(out, parts))
    result = SceneSet(tuple(found), indices(rows, values), np.array([row["scene"] for row in rows], dtype=np.int64))
    saved: dict[str, NDArray[Any]] = {"values": result.values, "scenes": result.scenes}
    for i, crop in enumerate(found):
        saved |= {f"pictures{i}": crop.pictures, f"layouts{i}": crop.layouts}
    part = cache.with_suffix(f".part{os.getpid()}.npz")
    np.savez(part, **saved)
    part.rename(cache)
    return result


def join(sets: Sequence[SceneSet]) -> SceneSet:
    crops = tuple(
        Crops(np.concatenate([s.crops[i].pictures for s in sets]), np.concatenate([s.crops[i].layouts for s in sets]))
        for i in range(len(SHAPES))
    )
    return SceneSet(crops, np.concatenate([s.values for s in sets]), np.concatenate([s.scenes for s in sets]))


def choose(data: SceneSet, keep: NDArray[np.bool_]) -> SceneSet:
    crops = tuple(Crops(c.pictures[keep], c.layouts[keep]) for c in data.crops)
    return SceneSet(crops, data.values[keep], data.scenes[keep])


def load(folder: Path, values: Mapping[str, Sequence[str]]) -> tuple[SceneSet, SceneSet]:
    """(to train on, held out) from every finished shard in a folder."""
    data = join([cut(shard, values) for shard in shards(folder)])
    held_out = is_held_out(data.scenes)
    return choose(data, ~held_out), choose(data, held_out)
