"""Pipelines of diffusers paint around a product: tiny ones of the real classes, built here, without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxFillPipeline,
    FluxTransformer2DModel,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel

from models.errors import ModelError, UnsupportedRequest
from models.image.diffusers_fill import DiffusersFill, families, paint_mask, place_weights, working_size
from models.image.fill import Filled, FillRequest, best_of
from models.types import Provenance

SIDE = 64


def tokenizer(folder: Path) -> CLIPTokenizer:
    """A byte tokenizer of the CLIP kind."""
    from transformers.models.clip.tokenization_clip import CLIPTokenizer as Real

    letters = [chr(k) for k in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: k for k, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return Real(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)


def text_encoder(width: int = 16) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=200,
            hidden_size=width,
            intermediate_size=width,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=16,
            bos_token_id=0,
            eos_token_id=1,
            projection_dim=width,
        )
    )


def autoencoder(channels: int = 4) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        sample_size=32,
    )


def unet(in_channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=32,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
    )


@pytest.fixture(scope="module")
def inpaint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stable Diffusion inpainting, some ten thousand weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sd")
    pipeline = StableDiffusionInpaintPipeline(
        vae=autoencoder(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder / "words"),
        unet=unet(9),
        scheduler=DDIMScheduler(clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "pipeline", safe_serialization=True)
    return folder / "pipeline"


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(pipeline, ControlNet)."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("control")
    net = unet(4)
    guide = ControlNetModel.from_unet(net, conditioning_embedding_out_channels=(8, 8))
    pipeline = StableDiffusionControlNetInpaintPipeline(
        vae=autoencoder(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder / "words"),
        unet=net,
        controlnet=guide,
        scheduler=DDIMScheduler(clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "pipeline", safe_serialization=True)
    guide.save_pretrained(folder / "guide", safe_serialization=True)
    return folder / "pipeline", folder / "guide"


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FLUX Fill: a transformer, two text encoders, no negative prompt."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("flux")
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "oak": 3, "table": 4}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    second = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=16
    )
    pipeline = FluxFillPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKL(
            block_out_channels=(8,),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",),
            up_block_types=("UpDecoderBlock2D",),
            latent_channels=2,
            sample_size=32,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.06,
            scaling_factor=1.5,
        ),
        text_encoder=text_encoder(32),
        tokenizer=tokenizer(folder / "words"),
        text_encoder_2=T5EncoderModel(
            T5Config(vocab_size=16, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
        ),
        tokenizer_2=second,
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=20,
            out_channels=8,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    )
    pipeline.save_pretrained(folder / "pipeline", safe_serialization=True)
    return folder / "pipeline"


def request(seed: int = 1, size: tuple[int, int] = (SIDE, SIDE), words: str = "oak table") -> FillRequest:
    """A blue product on grey."""
    canvas = np.full((*size, 3), 150, np.uint8)
    keep = np.zeros(size, np.float32)
    canvas[24:48, 24:44], keep[24:48, 24:44] = (30, 60, 160), 1.0
    return FillRequest(words, canvas, keep, seed, steps=2)


# --- each family -------------------------------------------------------------------------------------------------


def test_inpainting_paints_around_the_product_the_same_for_the_same_seed(inpaint: Path) -> None:
    backend = DiffusersFill(str(inpaint), device="cpu")

    first, again, other = (backend.fill([request(seed)])[0] for seed in (1, 1, 2))

    assert backend.family.name == "sd-inpaint"
    assert first.pixels.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.provenance.seed == 1
    assert first.provenance.precision == "float32"
    assert first.provenance.settings["place"] == "device"
    assert len(first.provenance.revision) == 64


def test_requests_of_one_size_share_a_batch_and_keep_their_order(
    inpaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = DiffusersFill(str(inpaint), device="cpu")
    alone = [backend.fill([asked])[0].pixels for asked in (request(1), request(2))]
    sizes: list[int] = []
    real = DiffusersFill._batch

    def counted(self: DiffusersFill, requests: Any) -> Any:
        sizes.append(len(requests))
        return real(self, requests)

    monkeypatch.setattr(DiffusersFill, "_batch", counted)
    wide = request(3, (SIDE, SIDE + 16))
    together = backend.fill([request(1), wide, request(2)])

    assert sorted(sizes) == [1, 2]
    assert [filled.provenance.seed for filled in together] == [1, 3, 2]
    assert together[1].pixels.shape == (SIDE, SIDE + 16, 3)
    for filled, single in zip((together[0], together[2]), alone, strict=True):
        assert np.abs(filled.pixels.astype(int) - single).max() <= 2  # sums in another order


def test_a_controlnet_is_shown_the_products_edges(control: tuple[Path, Path]) -> None:
    pipeline, guide = control
    made = DiffusersFill(str(pipeline), controlnet=str(guide), device="cpu").fill([request()])[0]

    assert made.provenance.settings["family"] == "sd-controlnet-inpaint"
    with pytest.raises(ModelError, match="CONTROLNET"):
        DiffusersFill(str(pipeline), device="cpu").fill([request()])


def test_flux_fill_is_spoken_to_in_its_own_words(flux: Path) -> None:
    made = DiffusersFill(str(flux), device="cpu").fill([request()])[0]

    assert made.provenance.settings["family"] == "flux-fill"
    assert made.provenance.settings["guidance_scale"] == 30.0
    assert made.pixels.std() > 0


def test_every_family_names_a_class_of_diffusers_and_takes_the_arguments_we_give() -> None:
    import inspect

    import diffusers

    assert len(families()) >= 10
    for row in families().values():
        takes = inspect.signature(getattr(diffusers, row.pipeline).__call__).parameters
        asked = {
            "prompt",
            "image",
            "num_inference_steps",
            "generator",
            "output_type",
            "height",
            "width",
            row.guidance[0],
        }
        asked |= {"mask_image"} if row.kind != "edit" else set()
        asked |= {"control_image"} if row.kind == "control" else set()
        asked |= {"negative_prompt"} if row.negative else set()
        asked |= {"strength"} if row.strength is not None else set()
        assert asked <= set(takes), (row.name, asked - set(takes))
        assert "{words}" in row.prompt


# --- what can go wrong -------------------------------------------------------------------------------------------


def test_what_is_no_pipeline_is_said_with_what_helps(tmp_path: Path, inpaint: Path) -> None:
    with pytest.raises(ModelError, match="ADLOOM_DIFFUSERS_MODEL"):
        DiffusersFill("")
    with pytest.raises(ModelError, match=r"model_index\.json"):
        DiffusersFill(str(tmp_path), device="cpu").fill([request()])
    (tmp_path / "model_index.json").write_text('{"_class_name": "AudioLDMPipeline"}')
    with pytest.raises(UnsupportedRequest, match="sdxl-inpaint"):
        DiffusersFill(str(tmp_path), device="cpu").fill([request()])
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionInpaintPipeline"}')
    with pytest.raises(ModelError, match="cannot be loaded"):
        DiffusersFill(str(tmp_path), device="cpu").fill([request()])
    with pytest.raises(ModelError, match="precision"):
        DiffusersFill(str(inpaint), device="cpu", dtype="int4").fill([request()])


@pytest.mark.parametrize(
    ("weights", "largest", "free", "where"),
    [(4, 3, None, "device"), (4, 3, 24, "device"), (34, 22, 30, "offload"), (34, 22, 24, "layers")],
)
def test_weights_lie_where_they_fit(weights: int, largest: int, free: int | None, where: str) -> None:
    assert place_weights(weights << 30, largest << 30, None if free is None else free << 30) == where


@pytest.mark.parametrize("shape", [(1080, 1080), (1920, 1080), (628, 1200), (90, 728), (64, 64)])
def test_the_working_size_keeps_the_shape_and_divides(shape: tuple[int, int]) -> None:
    for row in families().values():
        width, height = working_size(shape, row)
        assert width % row.multiple == height % row.multiple == 0
        assert width * height <= 1.15 * max(row.native_px**2, shape[0] * shape[1] if max(shape) < 100 else 0)
        assert width / height == pytest.approx(shape[1] / shape[0], rel=0.2)


def test_the_mask_covers_all_but_the_products_inside() -> None:
    asked = request()
    mask = paint_mask(asked.keep, (SIDE, SIDE))

    assert np.all(mask[asked.keep == 0] == 255)
    assert np.all(mask[28:44, 28:40] == 0)


# --- trying again ------------------------------------------------------------------------------------------------


class Grower:
    """Grows the product by what its list says, a try at a time."""

    name, tries = "grower", 4

    def __init__(self, *grown: float) -> None:
        self.grown, self.seeds = list(grown), list[int]()

    def fill(self, requests: Any) -> list[Filled]:
        self.seeds.append(requests[0].seed)
        return [Filled(requests[0].canvas, Provenance("grower", "x", "1", requests[0].seed))]


@pytest.mark.parametrize(
    ("grown", "most", "taken", "tries"),
    [((0.0,), 4, 0.0, 1), ((0.3, 0.01), 4, 0.01, 2), ((0.3, 0.2, 0.5), 3, 0.2, 3)],
)
def test_a_seed_that_grew_the_product_is_tried_again_with_a_cap(
    grown: tuple[float, ...], most: int, taken: float, tries: int
) -> None:
    filler = Grower(*grown)
    measured = iter(grown)

    best, every = best_of(filler, request(), lambda pixels: next(measured), most=most)

    assert best.grown == taken
    assert len(every) == tries == len(set(filler.seeds))
