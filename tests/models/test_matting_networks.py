"""Backends that run a network: with tiny ones built here, and with IS-Net's own weights where they are installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import weights
from models.errors import MissingWeights, NoProductFound, UnsupportedRequest, WeightSourceFailed
from models.matting.auto import AutoMatting, is_here
from models.matting.birefnet import TRUSTED, BiRefNet
from models.matting.cutting import finished
from models.matting.fake import FakeMatting
from models.matting.isnet import IsNet
from models.matting.refine import count_products, refined
from models.registry import MATTINGS, matting_model
from models.types import BytePixels, CutOut, Provenance

TEAL = (20, 110, 120)


def scene(textured: bool = False, size: int = 240) -> tuple[BytePixels, NDArray[np.float32]]:
    """A teal disc on grey paper, or on stripes; and its alpha."""
    v, u = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = np.clip(0.27 * size - np.hypot(u, v) + 0.5, 0.0, 1.0).astype(np.float32)
    ground = np.full((size, size, 3), 225.0)
    if textured:
        ground[(np.arange(size) // 12) % 2 == 0] = (150.0, 120.0, 90.0)
    photo = alpha[..., None] * np.array(TEAL) + (1.0 - alpha[..., None]) * ground
    return (photo + np.random.default_rng(1).normal(0, 1, photo.shape)).clip(0, 255).astype(np.uint8), alpha


def iou(found: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(((found > 0.5) & (truth > 0.5)).sum() / ((found > 0.5) | (truth > 0.5)).sum())


# --- the edge after a network ------------------------------------------------------------------------------------


def test_a_coarse_mask_gets_the_photographs_own_edge() -> None:
    photo, alpha = scene()
    import cv2

    coarse = cv2.GaussianBlur(cv2.resize(alpha, (48, 48), interpolation=cv2.INTER_AREA), (0, 0), 1.2)
    blurred = cv2.resize(coarse, (240, 240), interpolation=cv2.INTER_LINEAR)
    band = (alpha > 0.0) & (alpha < 1.0)
    before, after = np.abs(blurred - alpha)[band].mean(), np.abs(refined(photo, coarse, 48) - alpha)[band].mean()
    assert after < 0.4 * before  # an edge smeared over ten pixels costs .24


def test_separate_things_are_counted_and_crumbs_are_not() -> None:
    matte = np.zeros((100, 200), np.float32)
    matte[20:80, 20:80] = matte[20:80, 120:180] = 1.0
    matte[5:8, 5:8] = 1.0
    assert count_products(matte) == 2
    assert count_products(np.zeros((50, 50), np.float32)) == 0


# --- who is chosen -----------------------------------------------------------------------------------------------


def test_on_plain_ground_packshot_is_chosen_and_the_record_says_why() -> None:
    photo, alpha = scene()
    asked: list[str] = []

    def network() -> Any:
        asked.append("network")
        return FakeMatting()

    found = AutoMatting({"fake": network}).cut_out(photo)
    assert (found.provenance.backend, asked) == ("packshot", [])
    assert found.provenance.settings["because"] == "the background is plain"
    assert iou(found.alpha, alpha) > 0.98


def test_on_another_ground_the_best_that_is_here_is_asked() -> None:
    photo, _ = scene(textured=True)

    def absent() -> Any:
        raise MissingWeights("better")

    found = AutoMatting({"better": absent, "fake": lambda: FakeMatting(tolerance=120)}).cut_out(photo)
    assert found.provenance.backend == "fake"
    assert str(found.provenance.settings["because"]).startswith("packshot: ")


def test_without_a_network_the_answer_names_the_command() -> None:
    photo, _ = scene(textured=True)
    with pytest.raises(NoProductFound, match="adloom weights add isnet"):
        AutoMatting({}).cut_out(photo)


def test_every_backend_of_the_table_is_made_by_name_or_says_what_is_missing() -> None:
    made = set()
    for name in MATTINGS:
        try:
            made.add(matting_model(name).name)
        except MissingWeights as error:  # it names the command: see test_weights
            made.add({"isnet": "isnet", "ZhengPeng7/BiRefNet": "birefnet"}[error.name])
    assert made == set(MATTINGS)


# --- IS-Net ------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_onnx_model_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(WeightSourceFailed, match=r"broken\.onnx"):
        IsNet(str(tmp_path / "broken.onnx")).cut_out(scene()[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightSourceFailed, match="no ONNX file"):
        IsNet(str(tmp_path / "empty"))


@pytest.mark.weights
def test_isnet_finds_a_product_on_a_table_and_keeps_its_pixels() -> None:
    if not is_here("isnet"):
        pytest.skip("weights 'isnet' are not installed: adloom weights add isnet")
    from service.images.intake import decode

    folder = Path(__file__).resolve().parents[2] / "service" / "samples" / "kilnholt-mug"
    photo = decode((folder / "kilnholt-mug.jpg").read_bytes()).pixels[::2, ::2]
    truth = decode((folder / "truth" / "alpha.png").read_bytes()).pixels[::2, ::2, 0].astype(np.float32) / 255.0
    found = IsNet(threads=1, zoom=False).cut_out(np.ascontiguousarray(photo))
    assert iou(found.alpha, truth) > 0.97
    solid = found.alpha >= 0.98
    assert np.array_equal(found.foreground[solid], found.photo[solid])
    assert found.provenance.revision.startswith("isnet-1-")


# --- networks of transformers ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SegFormer of a few thousand numbers with one label, its head set so that dark is product."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    torch.manual_seed(0)
    sizes = {"hidden_sizes": [8, 8, 8, 8], "num_attention_heads": [1, 1, 1, 1], "depths": [1, 1, 1, 1]}
    config = SegformerConfig(num_labels=1, decoder_hidden_size=8, **sizes)
    place = tmp_path_factory.mktemp("tiny")
    SegformerForSemanticSegmentation(config).save_pretrained(place)
    return place


def test_a_model_that_the_library_knows_is_loaded_from_a_folder(tiny: Path) -> None:
    model = BiRefNet(str(tiny), input_px=64)
    plane = model.look(scene()[0])
    assert plane.shape == (64, 64)
    assert 0.0 <= float(plane.min()) <= float(plane.max()) <= 1.0
    assert np.array_equal(plane, BiRefNet(str(tiny), input_px=64).look(scene()[0]))


CODE = '''
import torch
from transformers import PretrainedConfig, PreTrainedModel


class TinyConfig(PretrainedConfig):
    model_type = "tiny-matting"


class Tiny(PreTrainedModel):
    """Says product where the picture is dark; answers as BiRefNet does, with a list of planes, the finest last."""

    config_class = TinyConfig

    def __init__(self, config):
        super().__init__(config)
        self.gain = torch.nn.Parameter(torch.tensor(8.0))
        self.post_init()

    def forward(self, picture):
        dark = -self.gain * (picture.mean(dim=1, keepdim=True) - 0.6)
        return [torch.nn.functional.avg_pool2d(dark, 4), dark]
'''


@pytest.fixture(scope="module")
def with_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as BiRefNet's: config, safetensors, and code of its own."""
    import torch
    from safetensors.torch import save_file

    place = tmp_path_factory.mktemp("matting_with_code")
    (place / "tiny_matting.py").write_text(CODE)
    names = {"AutoConfig": "tiny_matting.TinyConfig", "AutoModelForImageSegmentation": "tiny_matting.Tiny"}
    config = {"model_type": "tiny-matting", "architectures": ["Tiny"], "auto_map": names}
    (place / "config.json").write_text(json.dumps(config))
    save_file({"gain": torch.tensor(8.0)}, place / "model.safetensors", metadata={"format": "pt"})
    return place


def test_code_of_a_model_runs_only_when_the_operator_named_it(
    with_code: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(TRUSTED, raising=False)
    with pytest.raises(UnsupportedRequest, match=TRUSTED):
        BiRefNet(str(with_code))
    monkeypatch.setenv(TRUSTED, "somebody/else")
    with pytest.raises(UnsupportedRequest, match="brings its own code"):
        BiRefNet(str(with_code))
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.setenv(TRUSTED, f"somebody/else, {with_code}")
    photo, alpha = scene()
    found: CutOut = BiRefNet(str(with_code), input_px=256).cut_out(photo)
    assert iou(found.alpha, alpha) > 0.97
    assert found.provenance.settings["own_code"] is True
    with pytest.raises(NoProductFound):
        BiRefNet(str(with_code), input_px=256).cut_out(np.full((200, 200, 3), 250, np.uint8))


def test_weights_that_are_not_here_and_folders_that_are_no_model_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="weights add some/model"):
        BiRefNet("some/model")
    with pytest.raises(UnsupportedRequest, match=r"config\.json"):
        BiRefNet(str(tmp_path))


# --- weights -----------------------------------------------------------------------------------------------------


def test_an_onnx_file_is_taken_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "isnet.onnx").write_bytes(b"another model")
    with pytest.raises(weights.DamagedWeights):
        weights.add("isnet", tmp_path / "isnet.onnx")
    assert not is_here("isnet")


def test_a_network_that_is_half_sure_of_everything_has_found_nothing() -> None:
    """What IS-Net answers to a blank sheet."""
    photo = np.full((200, 200, 3), 250, np.uint8)
    alpha = np.full((200, 200), 0.1, np.float32)
    alpha[50:150, 20:180] = 0.6

    with pytest.raises(NoProductFound, match="surely"):
        finished(photo, alpha, provenance=Provenance("network", "x", "1"))
