"""Low-rank adapters: read from peft's files and added into a model's own weights, once, at loading.

Nothing of peft is needed to serve: a merged model is as fast as its base. Only safetensors are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.errors import UnsupportedRequest

_PREFIX = "base_model.model."
_PART = re.compile(r"\.lora_([AB])\.(?:default\.)?weight$")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter folder says of itself."""

    folder: Path
    scale: float  # alpha over rank
    own_task: str | None  # the prompt it was trained on, a task of the prompt library; None: any
    languages: tuple[str, ...]  # BCP 47 primary tags it was trained to write; empty: not said


def read_adapter(folder: Path) -> Adapter:
    """Read ``adapter_config.json`` and, where it is there, ``copywriter.json``.

    Raises:
        UnsupportedRequest: not a plain LoRA adapter.
    """
    config: Mapping[str, Any] = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    unsupported = [k for k in ("use_dora", "use_rslora", "modules_to_save", "fan_in_fan_out") if config.get(k)]
    if config.get("peft_type") != "LORA" or unsupported:
        reason = f"only plain LoRA adapters are read; this one is {config.get('peft_type')} {unsupported or ''}"
        raise UnsupportedRequest(str(folder), reason.strip())
    about: Mapping[str, Any] = {}
    if (folder / "copywriter.json").is_file():
        about = json.loads((folder / "copywriter.json").read_text("utf-8"))
    return Adapter(
        folder=folder,
        scale=float(config["lora_alpha"]) / int(config["r"]),
        own_task=about.get("own_task"),
        languages=tuple(about.get("languages", ())),
    )


def merge(model: Any, adapter: Adapter) -> int:
    """Add an adapter into a model's weights: W + scale B A, in float32, rounded once to the model's own precision.

    Args:
        model: a transformers model, on the CPU or a GPU; changed in place.

    Returns:
        How many weight matrices were changed.

    Raises:
        UnsupportedRequest: the adapter belongs to a model of other layers or sizes.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, section 4.1.
    """
    from safetensors.torch import load_file

    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in load_file(adapter.folder / "adapter_model.safetensors").items():
        match = _PART.search(name)
        if match is None:
            raise UnsupportedRequest(str(adapter.folder), f"{name} is no part of a LoRA pair")
        parts.setdefault(name[: match.start()].removeprefix(_PREFIX), {})[match.group(1)] = tensor
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, pair in parts.items():
            weight = own.get(f"{name}.weight")
            if weight is None or len(pair) != 2 or weight.shape != (pair["B"].shape[0], pair["A"].shape[1]):
                raise UnsupportedRequest(str(adapter.folder), f"{name} does not fit this model")
            change = adapter.scale * (pair["B"].float() @ pair["A"].float())
            weight.copy_((weight.float() + change.to(weight.device)).to(weight.dtype))
    return len(parts)
