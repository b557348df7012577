"""Every backend by name. A backend is imported only when it is chosen: most need libraries or weights others lack."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from .errors import UnknownBackend
from .types import ImageModel, Matting, TextModel

TEXT_MODELS: Mapping[str, str] = {
    "local": "models.text.local:LocalText",  # transformers on this machine
    "openai-compatible": "models.text.openai_compatible:OpenAICompatibleText",  # vLLM, llama.cpp, Ollama, TGI ...
    "none": "models.text.none:NoText",  # writes nothing: the copy room composes from facts, fast, for bulk
    "fake": "models.text.fake:FakeText",  # no weights, no network, no clock
}

IMAGE_MODELS: Mapping[str, str] = {
    "plates": "models.image.plates:Plates",  # rendered backdrops
    "scene-model": "models.image.scene_model:SceneModel",  # our own diffusion model
    "diffusers": "models.image.diffusers_fill:DiffusersFill",  # inpainting, fill and editing pipelines, GPUs
    "fake": "models.image.fake:FakePlace",  # no weights
}

MATTINGS: Mapping[str, str] = {
    "auto": "models.matting.auto:AutoMatting",  # packshot on plain backgrounds, else the best that is installed
    "packshot": "models.matting.packshot:Packshot",  # plain backgrounds, no weights
    "isnet": "models.matting.isnet:IsNet",  # any background, onnxruntime
    "birefnet": "models.matting.birefnet:BiRefNet",  # any background, transformers
    "fake": "models.matting.fake:FakeMatting",  # no weights, knows where the product is
}


def text_model(name: str, **settings: Any) -> TextModel:
    """Make a text backend. ``settings`` go to its constructor.

    Raises:
        UnknownBackend: not in TEXT_MODELS.
        ModelError: whatever the backend needs and does not find, such as MissingWeights.
    """
    return cast(TextModel, _make("text", TEXT_MODELS, name, settings))


def image_model(name: str, **settings: Any) -> ImageModel:
    """Make an image backend. Raises UnknownBackend, and what the backend raises."""
    return cast(ImageModel, _make("image", IMAGE_MODELS, name, settings))


def matting_model(name: str, **settings: Any) -> Matting:
    """Make a matting backend. Raises UnknownBackend, and what the backend raises."""
    return cast(Matting, _make("matting", MATTINGS, name, settings))


def _make(kind: str, table: Mapping[str, str], name: str, settings: Mapping[str, Any]) -> object:
    if name not in table:
        raise UnknownBackend(kind, name, table)
    module, _, attribute = table[name].partition(":")
    made: object = getattr(import_module(module), attribute)(**settings)
    return made
