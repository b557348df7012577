"""Makes pictures larger: Lanczos, or Real-ESRGAN, which adds plausible detail and is therefore never a default.

Sources: C. E. Duchon, "Lanczos Filtering in One and Two Dimensions" (1979), as Pillow does it; X. Wang et al.,
"Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data" (2021), weights of its authors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models import pixels
from models.errors import ModelError, UnknownBackend
from models.types import BytePixels

Upscaler = Callable[[BytePixels, tuple[int, int]], BytePixels]  # (picture, (width, height)) -> picture of that size
Progress = Callable[[int, int], None]
TILE, OVERLAP = 128, 12  # px of the source; the overlap is more than the network sees beyond a tile's edge that matters
FACTOR = 4
NAMES: Mapping[str, str] = {
    "lanczos": "no new detail, instant",
    "realesrgan": "Real-ESRGAN x4plus: clean and sharp, adds detail; about 16 CPU-seconds for 256 to 1024 px",
    "realesrgan-fast": "Real-ESRGAN animevideov3: thirty times quicker, slightly painted",
}


def upscaler(name: str, progress: Progress | None = None) -> Upscaler:
    """An upscaler by name.

    Raises:
        UnknownBackend: not in NAMES.
        ModelError: its library is missing; MissingWeights: its weights are.
    """
    if name == "lanczos":
        return lanczos
    if name in NAMES:
        return RealEsrgan("x4plus" if name == "realesrgan" else "animevideov3", progress)
    raise UnknownBackend("upscale", name, NAMES)


def lanczos(picture: BytePixels, size_px: tuple[int, int]) -> BytePixels:
    """Resample with a Lanczos window of three lobes."""
    return pixels.resize_photo(picture, size_px)


@dataclass(frozen=True)
class RealEsrgan:
    """Four times larger, tile by tile, then Lanczos to the size wanted."""

    model: str  # "x4plus" or "animevideov3"
    progress: Progress | None = None
    folder: Path | None = None  # of the weights; default: the weight row "realesrgan"

    def __call__(self, picture: BytePixels, size_px: tuple[int, int]) -> BytePixels:
        """The picture at ``size_px`` (width, height)."""
        while picture.shape[1] < size_px[0]:
            picture = self.enlarged(picture)
        return pixels.resize_photo(picture, size_px)

    def enlarged(self, picture: BytePixels) -> BytePixels:
        """The picture at four times its size."""
        height, width = picture.shape[:2]
        larger = np.empty((height * FACTOR, width * FACTOR, 3), np.uint8)
        tiles = [(y, x) for y in range(0, height, TILE) for x in range(0, width, TILE)]
        mode: Literal["reflect", "edge"] = "reflect" if min(height, width) > OVERLAP else "edge"
        padded = np.pad(picture, ((OVERLAP, OVERLAP), (OVERLAP, OVERLAP), (0, 0)), mode=mode)
        for number, (y, x) in enumerate(tiles):
            tall, wide = min(TILE, height - y), min(TILE, width - x)
            made = self._tile(padded[y : y + tall + 2 * OVERLAP, x : x + wide + 2 * OVERLAP])
            edge = OVERLAP * FACTOR
            larger[y * FACTOR : (y + tall) * FACTOR, x * FACTOR : (x + wide) * FACTOR] = made[
                edge : edge + tall * FACTOR, edge : edge + wide * FACTOR
            ]
            if self.progress is not None:
                self.progress(number + 1, len(tiles))
        return larger

    def _tile(self, tile: BytePixels) -> BytePixels:
        ncnn = self._library
        planes = np.ascontiguousarray(tile.astype(np.float32).transpose(2, 0, 1) / 255.0)
        asked = self._net.create_extractor()
        asked.input("data", ncnn.Mat(planes).clone())
        status, made = asked.extract("output")
        if status != 0:
            raise ModelError(f"Real-ESRGAN failed on a tile of {tile.shape[1]} x {tile.shape[0]} px")
        grown = np.array(made).clip(0.0, 1.0).transpose(1, 2, 0)
        result: BytePixels = np.rint(grown * 255.0).astype(np.uint8)
        return result

    @cached_property
    def _library(self) -> Any:
        try:
            import ncnn
        except ImportError as error:
            raise ModelError("Real-ESRGAN needs the extra upscale: pip install 'adloom[upscale]'") from error
        return ncnn

    @cached_property
    def _net(self) -> Any:
        from models import weights

        folder = self.folder or weights.path("realesrgan")
        name = "realesrgan-x4plus" if self.model == "x4plus" else "realesr-animevideov3-x4"
        net = self._library.Net()
        net.opt.use_vulkan_compute = False
        net.opt.num_threads = 1
        if net.load_param(str(folder / f"{name}.param")) or net.load_model(str(folder / f"{name}.bin")):
            raise ModelError(f"the weights {name} in {folder} cannot be read; `adloom weights check` says more")
        return net
