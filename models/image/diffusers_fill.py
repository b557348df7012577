"""Any pipeline of diffusers that paints around a product: inpainting, fill, ControlNet inpainting, image editing.

How each class is spoken to is a row of ``families.toml``. Where the weights lie (device, host memory, layer by layer)
follows from their size and the memory that is free. The network never has the last word: the caller lays the
product's own pixels back and measures whether it grew.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from models import pixels
from models.device import Device, choose_device
from models.errors import ModelError, UnsupportedRequest
from models.types import Alpha, BytePixels, ImageRequest, PaintedBackdrop, Provenance

from .fill import Filled, FillRequest

Kind = Literal["inpaint", "control", "edit"]
Place = Literal["device", "offload", "layers"]
UNWANTED = "people, person, hands, face, text, watermark, logo, second product, extra object, deformed, blurry"
CHECKED = ("StableDiffusionInpaintPipeline", "StableDiffusionControlNetInpaintPipeline")  # with a checker built in
HEADROOM = 1.25  # memory beside the weights while it runs, in parts of them
MARGIN_PX = 2  # the mask is painted a little into the product's soft edge, which is laid back anyway


@dataclass(frozen=True, slots=True)
class Family:
    """How to speak to one class of pipeline."""

    name: str
    pipeline: str  # class name in diffusers
    kind: Kind
    multiple: int
    native_px: int
    steps: int
    guidance: tuple[str, float]
    negative: bool
    strength: float | None
    memory_gb: float
    prompt: str


@cache
def families() -> Mapping[str, Family]:
    """Every row, by the class name of its pipeline."""
    told = tomllib.loads((resources.files("models.image") / "families.toml").read_text())
    rows = [
        Family(
            name=name,
            pipeline=row["class"],
            kind=row["kind"],
            multiple=row["multiple"],
            native_px=row["native_px"],
            steps=row["steps"],
            guidance=(row["guidance"][0], float(row["guidance"][1])),
            negative=row["negative"],
            strength=row.get("strength"),
            memory_gb=float(row["memory_gb"]),
            prompt=row["prompt"],
        )
        for name, row in told.items()
    ]
    return {row.pipeline: row for row in rows}


def place_weights(weight_bytes: int, largest_bytes: int, free_bytes: int | None) -> Place:
    """Where weights go: all on the device, part by part, or layer by layer.

    Args:
        weight_bytes: of all parts, in the precision they are loaded in.
        largest_bytes: of the largest part.
        free_bytes: on the device; None: there is no device apart from the processor.
    """
    if free_bytes is None or weight_bytes * HEADROOM < free_bytes:
        return "device"
    return "offload" if largest_bytes * HEADROOM < free_bytes else "layers"


class DiffusersFill:
    """A pipeline of diffusers. Loads when it is first used.

    Args:
        model: hub id or folder of a pipeline.
        family: row of ``families.toml``; None: by the class that the pipeline's own index names.
        controlnet: hub id or folder, for families of kind control.
        lora: hub id or file of LoRA weights laid over the pipeline.
        device: "auto", "cpu", "cuda", "cuda:1" ...
        dtype: "auto", "float32", "bfloat16" or "float16".
        keeps_safety_checker: leave the pipeline's own safety checker in, where it has one.
        tries: how often whoever asks should ask again while the product grows.
    """

    name = "diffusers"

    def __init__(
        self,
        model: str,
        *,
        family: str | None = None,
        controlnet: str | None = None,
        lora: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        keeps_safety_checker: bool = True,
        tries: int = 4,
    ) -> None:
        if not model:
            raise ModelError("the diffusers backend needs a pipeline: set ADLOOM_DIFFUSERS_MODEL to a hub id or folder")
        self.model, self._lora, self._controlnet = model, lora, controlnet
        self._family_name, self._device, self._dtype = (
            family,
            choose_device(None if device == "auto" else device),
            dtype,
        )
        self._keeps_checker, self.tries = keeps_safety_checker, tries
        self._pipeline: Any = None
        self._family: Family | None = None
        self._place: Place = "device"

    @property
    def family(self) -> Family:
        """How the pipeline is spoken to; its index is read for that.

        Raises:
            UnsupportedRequest: a class that no row describes.
        """
        if self._family is None:
            rows = families()
            if self._family_name is not None:
                found = next((row for row in rows.values() if row.name == self._family_name), None)
            else:
                found = rows.get(self._class_name())
            if found is None:
                known = ", ".join(sorted(row.name for row in rows.values()))
                asked = self._family_name or self._class_name()
                raise UnsupportedRequest(self.name, f"{self.model} is a {asked}; known families: {known}")
            self._family = found
        return self._family

    def paint(self, request: ImageRequest) -> PaintedBackdrop:
        """A plain place seen as the photograph was: where the product is stood before the network paints around it."""
        from .plain import plain_backdrop

        provenance = Provenance(self.name, self.model, "canvas", request.seed)
        return PaintedBackdrop(
            plain_backdrop(request.size_px, request.view_angle_deg or 15.0, provenance), {"words": request.words}, ()
        )

    def fill(self, requests: Sequence[FillRequest]) -> list[Filled]:
        """A picture for each request. Requests of one size and settings run as one batch."""
        made: dict[int, Filled] = {}
        for same in _alike(requests):
            made |= zip(same, self._batch([requests[k] for k in same]), strict=True)
        return [made[number] for number in range(len(requests))]

    # --- one batch -------------------------------------------------------------------------------------------------

    def _batch(self, requests: Sequence[FillRequest]) -> list[Filled]:
        import torch

        family, pipeline = self.family, self._ready()
        size = working_size(requests[0].canvas.shape[:2], family)
        steps = requests[0].steps or family.steps
        argument, usual = family.guidance
        strength = requests[0].guidance if requests[0].guidance is not None else usual
        generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
        asked: dict[str, Any] = {
            "prompt": [family.prompt.format(words=request.words) for request in requests],
            "image": [Image.fromarray(pixels.resize_photo(request.canvas, size)) for request in requests],
            "num_inference_steps": steps,
            argument: strength,
            "generator": generators,
            "output_type": "np",
            "height": size[1],
            "width": size[0],
        }
        if family.kind != "edit":
            asked["mask_image"] = [Image.fromarray(paint_mask(request.keep, size)) for request in requests]
        if family.kind == "control":
            asked["control_image"] = [Image.fromarray(outline(request, size)) for request in requests]
        if family.negative:
            asked["negative_prompt"] = [", ".join(filter(None, (UNWANTED, r.negative))) for r in requests]
        if family.strength is not None:
            asked["strength"] = family.strength
        if family.kind == "edit" and len(requests) == 1:
            asked |= {"prompt": asked["prompt"][0], "image": asked["image"][0]}
            if family.negative:
                asked["negative_prompt"] = asked["negative_prompt"][0]
        with torch.inference_mode():
            answer = pipeline(**asked)
        pictures = np.asarray(answer.images, np.float32)
        if not np.isfinite(pictures).all():
            raise ModelError(f"{self.model} painted something that is no picture; try dtype float32 or bfloat16")
        checked = getattr(answer, "nsfw_content_detected", None)
        settings = {
            "family": family.name,
            "steps": steps,
            argument: strength,
            "size_px": list(size),
            "place": self._place,
        }
        settings |= {"lora": self._lora} if self._lora else {}
        results = []
        for number, (request, picture) in enumerate(zip(requests, pictures, strict=True)):
            height, width = request.canvas.shape[:2]
            small: BytePixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
            told = {**settings, "unsafe": bool(checked[number])} if checked else settings
            provenance = Provenance(
                self.name, self.model, self._revision, request.seed, str(pipeline.dtype).rpartition(".")[2], told
            )
            results.append(Filled(pixels.resize_photo(small, (width, height)), provenance))
        return results

    # --- loading ---------------------------------------------------------------------------------------------------

    def _ready(self) -> Any:
        if self._pipeline is None:
            self._pipeline = self._load()
        return self._pipeline

    def _load(self) -> Any:
        import diffusers
        import torch

        family = self.family
        dtype = _dtype(self._dtype, self._device)
        parts: dict[str, Any] = {"torch_dtype": dtype, "use_safetensors": True}
        if family.kind == "control":
            if not self._controlnet:
                raise ModelError(f"{family.name} needs a ControlNet: set ADLOOM_DIFFUSERS_CONTROLNET")
            parts["controlnet"] = _loaded(diffusers.ControlNetModel, self._controlnet, torch_dtype=dtype)
        if not self._keeps_checker and family.pipeline in CHECKED:
            parts |= {"safety_checker": None, "requires_safety_checker": False}
        try:
            pipeline = getattr(diffusers, family.pipeline).from_pretrained(self.model, **parts)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"the pipeline {self.model} cannot be loaded: {error}. Without a network it must be a folder or in the "
                f"cache; only safetensors are read"
            ) from error
        if self._lora:
            pipeline.load_lora_weights(self._lora)
        pipeline.set_progress_bar_config(disable=True)
        sizes = [_bytes(part) for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        free = torch.cuda.mem_get_info(self._device.name)[0] if self._device.name.startswith("cuda") else None
        self._place = place_weights(sum(sizes), max(sizes, default=0), free)
        if self._place == "offload":
            pipeline.enable_model_cpu_offload(device=self._device.name)
        elif self._place == "layers":
            pipeline.enable_sequential_cpu_offload(device=self._device.name)
        else:
            pipeline.to(self._device.name)
        return pipeline

    def _class_name(self) -> str:
        """What the pipeline's own index calls itself."""
        folder = Path(self.model).expanduser()
        if folder.is_dir():
            index = folder / "model_index.json"
        else:
            from huggingface_hub import hf_hub_download

            try:
                index = Path(hf_hub_download(self.model, "model_index.json"))
            except Exception as error:  # whatever the hub says, the answer for our user is one
                raise ModelError(
                    f"{self.model} is neither a folder nor a pipeline that the hub or its cache holds"
                ) from error
        try:
            return str(json.loads(index.read_text())["_class_name"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{self.model} holds no pipeline: its model_index.json cannot be read") from error

    @cached_property
    def _revision(self) -> str:
        """Commit of a hub pipeline, or a digest of a folder's index and file sizes."""
        folder = Path(self.model).expanduser()
        if not folder.is_dir():
            return str(
                getattr(self._pipeline, "_commit_hash", None) or getattr(self._pipeline.config, "_commit_hash", "")
            )
        digest = hashlib.sha256()
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode())
                if file.suffix == ".json":
                    digest.update(file.read_bytes())
        return digest.hexdigest()


def working_size(shape: tuple[int, ...], family: Family) -> tuple[int, int]:
    """(width, height) the network paints at: the canvas's shape, near the family's own number of pixels."""
    height, width = shape[:2]
    scale = min(1.0, family.native_px / (height * width) ** 0.5)
    step = family.multiple
    return max(step, round(width * scale / step) * step), max(step, round(height * scale / step) * step)


def paint_mask(keep: Alpha, size_px: tuple[int, int]) -> BytePixels:
    """(H, W) 255 where the network is to paint: everything but the product's inside."""
    from scipy import ndimage

    inside = ndimage.binary_erosion(pixels.resize_plane(keep, size_px) >= 0.5, iterations=MARGIN_PX)
    mask: BytePixels = np.where(inside, 0, 255).astype(np.uint8)
    return mask


def outline(request: FillRequest, size_px: tuple[int, int]) -> BytePixels:
    """(H, W, 3) edges of the product, white on black, as ControlNets for edges are shown them."""
    import cv2

    small = pixels.resize_photo(request.canvas, size_px)
    inside = pixels.resize_plane(request.keep, size_px) >= 0.5
    edges = cv2.Canny(small, 80, 160) * inside
    return np.repeat(edges[..., None].astype(np.uint8), 3, axis=-1)


def _alike(requests: Sequence[FillRequest]) -> Iterator[list[int]]:
    """Numbers of requests that one batch can hold."""

    def kind(number: int) -> tuple[Any, ...]:
        asked = requests[number]
        return (*asked.canvas.shape, asked.steps or 0, -1.0 if asked.guidance is None else asked.guidance)

    for _, group in itertools.groupby(sorted(range(len(requests)), key=kind), key=kind):
        yield list(group)


def _dtype(name: str, device: Device) -> Any:
    """Large pipelines run at 16 bits on a GPU; on a CPU at 32, where 16 saves nothing that matters."""
    import torch

    if name == "auto":
        return torch.float32 if device.is_cpu else device.dtype
    if name not in ("float32", "float16", "bfloat16"):
        raise ModelError(f"no precision {name!r}; there are auto, float32, float16, bfloat16")
    return getattr(torch, name)


def _loaded(kind: Any, model: str, **settings: Any) -> Any:
    return kind.from_pretrained(model, use_safetensors=True, **settings)


def _bytes(part: Any) -> int:
    return sum(weight.numel() * weight.element_size() for weight in part.parameters())
