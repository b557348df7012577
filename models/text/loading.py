"""Where a language model comes from: a weight row, a hub id that was added, a folder with safetensors, a GGUF file.

Every source is looked at before it is read, so that a missing file, another kind of model or too little memory is said
in a sentence and not after a minute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from models import weights
from models.device import Device
from models.errors import MissingWeights, UnusableWeights

_SPARE = 1.15  # of the weights' size: caches and what is computed between layers


@dataclass(frozen=True, slots=True)
class Source:
    """A model's files."""

    name: str  # as it was asked for
    folder: Path
    gguf: str | None  # file in the folder, or None: safetensors
    revision: str

    @property
    def arguments(self) -> dict[str, Any]:
        """What transformers wants to hear."""
        where: dict[str, Any] = {"pretrained_model_name_or_path": str(self.folder)}
        return where if self.gguf is None else {**where, "gguf_file": self.gguf}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to write."""

    network: Any  # transformers causal model, in evaluation mode
    tokenizer: Any
    revision: str


def find(model: str) -> Source:
    """A model's files.

    Args:
        model: a weight row, a hub id that was added, a folder, or a ``.gguf`` file.

    Raises:
        MissingWeights: nothing of that name is on this machine.
        UnknownWeights: neither a row, a hub id, a folder nor a file.
        UnusableWeights: a folder without safetensors.
    """
    given = Path(model).expanduser()
    if given.suffix == ".gguf":
        if not given.is_file():
            raise UnusableWeights(model, "there is no such file")
        return Source(model, given.parent, given.name, weights.sha256_of(given))
    if not given.is_dir():
        if given.is_absolute() or model.startswith((".", "~")):
            raise UnusableWeights(model, "there is no such folder")
        return Source(model, weights.path(model), None, weights.revision(model))
    files = sorted(given.glob("*.safetensors"))
    if not files:
        pickled = [path.name for path in (*given.glob("*.bin"), *given.glob("*.pt"))]
        if pickled:
            raise UnusableWeights(model, f"only safetensors and GGUF are read; {pickled[0]} is pickled code")
        raise MissingWeights(model)
    return Source(model, given, None, weights.sha256_of(files[0]))


def load(model: str, device: Device, device_map: str | None = None) -> Loaded:
    """Read a model and its tokenizer.

    Args:
        device: where its arrays go, and how precisely.
        device_map: "auto", "balanced", "sequential" or a device: accelerate spreads the layers over GPUs and memory;
            None puts all of it on ``device``.

    Raises:
        MissingWeights, UnknownWeights: see ``find``.
        UnusableWeights: damaged files, another kind of model, or more of it than memory is free.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = find(model)
    _check_kind(source)
    _check_memory(source, device, device_map)
    spread: dict[str, Any] = {} if device_map is None else {"device_map": device_map}
    with weights.without_progress_bars():
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(**source.arguments)
            network: Any = AutoModelForCausalLM.from_pretrained(**source.arguments, dtype=device.dtype, **spread)
        except (ValueError, KeyError, OSError, RuntimeError, AttributeError, TypeError) as error:
            said = str(error).strip().splitlines()
            raise UnusableWeights(model, said[0][:200] if said else type(error).__name__) from error
        except Exception as error:  # safetensors raises its own kind
            raise UnusableWeights(model, f"damaged file? {str(error)[:160]}") from error
    if not tokenizer.chat_template:
        raise UnusableWeights(model, "its tokenizer has no chat template: a model that follows instructions is needed")
    network = network.eval()
    return Loaded(network if device_map is not None else network.to(device.name), tokenizer, source.revision)


def _check_kind(source: Source) -> None:
    if source.gguf is not None:
        with (source.folder / source.gguf).open("rb") as file:
            if file.read(4) != b"GGUF":
                raise UnusableWeights(source.name, "it does not begin as a GGUF file does")
        return
    path = source.folder / "config.json"
    if not path.is_file():
        raise UnusableWeights(source.name, "its folder has no config.json")
    try:
        config: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UnusableWeights(source.name, f"config.json is no JSON: {error}") from error
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as WRITERS

    kind = config.get("model_type")
    if kind not in WRITERS:
        reason = f"it is a {kind!r} model; only causal language models write"
        raise UnusableWeights(source.name, reason if kind else "its config.json names no model_type")


def _check_memory(source: Source, device: Device, device_map: str | None) -> None:
    n_parameters, is_split = n_parameters_of(source), device_map is not None
    free = free_bytes("cpu") if device.is_cpu or is_split else free_bytes(device.name)
    if is_split and free is not None:
        free += sum(free_bytes(f"cuda:{number}") or 0 for number in range(_n_gpus()))
    needed = int(n_parameters * device.dtype.itemsize * _SPARE)
    if free is not None and needed > free:
        where = "memory and GPUs together" if is_split else "memory" if device.is_cpu else device.name
        reason = (
            f"{n_parameters / 1e9:.2f} billion parameters in {device.precision.value} need {needed / 1e9:.1f} GB, "
            f"and {free / 1e9:.1f} GB of {where} are free; take a smaller model, a GPU, or a server "
            "(ADLOOM_TEXT_BACKEND=openai-compatible)"
        )
        raise UnusableWeights(source.name, reason)


def n_parameters_of(source: Source) -> int:
    """How many numbers a model has, from the heads of its files alone."""
    if source.gguf is not None:
        from gguf import GGUFReader

        try:
            reader = GGUFReader(source.folder / source.gguf)
        except Exception as error:  # whatever the reader trips over
            raise UnusableWeights(source.name, f"not a readable GGUF file: {error}") from error
        return int(sum(int(tensor.n_elements) for tensor in reader.tensors))
    total = 0
    for path in source.folder.glob("*.safetensors"):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = file.read(min(length, 100_000_000))
        try:
            rows = json.loads(head)
        except ValueError as error:
            raise UnusableWeights(source.name, f"{path.name} is damaged or no safetensors file") from error
        total += sum(prod(row["shape"]) for name, row in rows.items() if name != "__metadata__")
    return total


def free_bytes(device: str) -> int | None:
    """Memory that a new model may take there; None where it is not known."""
    if device == "cpu":
        try:
            rows = Path("/proc/meminfo").read_text("ascii").splitlines()
        except OSError:
            return None
        found = [int(row.split()[1]) * 1024 for row in rows if row.startswith("MemAvailable:")]
        return found[0] if found else None
    if not device.startswith("cuda"):
        return None
    import torch

    return int(torch.cuda.mem_get_info(device)[0])


def _n_gpus() -> int:
    import torch

    return torch.cuda.device_count()
