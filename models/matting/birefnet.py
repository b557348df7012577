"""Cutting out with a segmentation network of the transformers library, from a hub id or a folder.

The installed library (5.x) has no BiRefNet class of its own: the weights on the hub bring their code along. That code
is run only for the ids and folders that the operator named in ``ADLOOM_TRUSTED_CODE``. Without it, models that the
library knows by itself work: any semantic segmentation with one label, or with background and product as its two. A
BiRefNet exported to ONNX needs no code of others at all: give its file to the backend "isnet".
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models import weights
from models.device import sensible_threads
from models.errors import NoProductFound, UnknownWeights, UnsupportedRequest
from models.types import Alpha, BytePixels, CutOut, Provenance

from .cutting import finished
from .refine import refined

REVISION = "birefnet-1"
TRUSTED = "ADLOOM_TRUSTED_CODE"  # hub ids and folders, separated by commas
INPUT_PX = 1024
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, what these networks were trained with
LEAST = 0.003  # of the frame


class BiRefNet:
    """Matting by a transformers model. Same photograph, weights and machine, same bytes."""

    name = "birefnet"

    def __init__(
        self,
        model: str = "ZhengPeng7/BiRefNet",
        trusted: tuple[str, ...] | None = None,
        input_px: int = INPUT_PX,
        device: str = "cpu",
    ) -> None:
        """Choose the model; it is loaded when first used.

        Args:
            model: a hub id that was added with ``adloom weights add``, or a folder with config.json and safetensors.
            trusted: models whose own code may run, by name; None reads the environment variable ADLOOM_TRUSTED_CODE.
            input_px: side of the square the network looks at, a multiple of 32.
            device: "cpu", "cuda" ...

        Raises:
            MissingWeights: not a folder and not added.
            UnsupportedRequest: the model brings its own code and was not named as trusted.
        """
        self._model, self._input_px, self._device = model, input_px, device
        given = Path(model).expanduser()
        self._folder = given if given.is_dir() else weights.path(model)
        self._trusted = model in (trusted_names() if trusted is None else trusted)
        self._own_code = _brings_code(self._folder)
        if self._own_code and not self._trusted:
            raise UnsupportedRequest("birefnet", f"{model} brings its own code, which is run only if {TRUSTED}={model}")

    @cached_property
    def _network(self) -> Any:
        import torch
        from transformers import AutoModelForImageSegmentation, AutoModelForSemanticSegmentation

        torch.set_num_threads(sensible_threads())
        kind: Any = AutoModelForImageSegmentation if self._own_code else AutoModelForSemanticSegmentation
        try:
            network = kind.from_pretrained(
                str(self._folder), trust_remote_code=self._own_code and self._trusted, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise UnsupportedRequest("birefnet", f"{self._model} is not a segmentation model: {reason}") from error
        return network.float().to(self._device).eval()

    @cached_property
    def _revision(self) -> str:
        try:
            return f"{REVISION}-{weights.revision(self._model)[:16]}"
        except UnknownWeights:
            files = sorted(self._folder.glob("*.safetensors"))
            return "-".join([REVISION, *(weights.sha256_of(file)[:16] for file in files)])

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Lift the product off any background. Raises NoProductFound where nothing stands out."""
        coarse = self.look(photo)
        if float((coarse > 0.5).mean()) < LEAST:
            raise NoProductFound("nothing on the photograph stands out to the network")
        alpha = refined(photo, coarse, min(self._input_px, max(photo.shape[:2])))
        provenance = Provenance("birefnet", self._model, self._revision, settings={"own_code": self._own_code})
        return finished(photo, alpha, coarse=coarse, provenance=provenance)

    def look(self, photo: BytePixels) -> Alpha:
        """What the network itself answers: (n, n) 0 to 1 over the whole frame."""
        import torch

        side = self._input_px
        kind = cv2.INTER_AREA if max(photo.shape[:2]) > side else cv2.INTER_LINEAR
        square = cv2.resize(photo, (side, side), interpolation=kind).astype(np.float32) / np.float32(255.0)
        normal = ((square - np.asarray(MEAN, np.float32)) / np.asarray(SPREAD, np.float32)).transpose(2, 0, 1)
        with torch.inference_mode():
            said = self._network(torch.from_numpy(np.ascontiguousarray(normal[None])).to(self._device))
            plane = _product_share(said, self._model)
            plane = torch.nn.functional.interpolate(plane[None, None], (side, side), mode="bilinear")[0, 0]
        return np.asarray(plane.clamp(0.0, 1.0).cpu().numpy(), dtype=np.float32)


def trusted_names() -> tuple[str, ...]:
    """Models whose own code the operator allowed to run."""
    return tuple(name.strip() for name in os.environ.get(TRUSTED, "").split(",") if name.strip())


def _brings_code(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "config.json").read_text("utf-8")).get("auto_map"))
    except (OSError, ValueError) as error:
        raise UnsupportedRequest("birefnet", f"{folder.name} has no readable config.json") from error


def _product_share(said: Any, model: str) -> Any:
    """(h, w) probability of product, from whatever the family answers: logits, or a list with the finest last."""
    logits = getattr(said, "logits", said)
    while isinstance(logits, list | tuple):
        logits = logits[-1]
    if logits.ndim != 4 or logits.shape[1] not in (1, 2):
        raise UnsupportedRequest(
            "birefnet", f"{model} answers with shape {tuple(logits.shape)}, not one plane or background and product"
        )
    return logits[0, 0].sigmoid() if logits.shape[1] == 1 else logits[0].softmax(dim=0)[1]
