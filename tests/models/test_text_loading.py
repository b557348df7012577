"""Where a language model comes from: folder, GGUF, hub id, spread by accelerate; what is said where it cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from models import MissingWeights, TextRequest, UnusableWeights
from models.device import Device, Precision
from models.text import loading
from models.text.local import LocalText

ASKED = TextRequest("You write.", "A mug.", n=3, max_new_tokens=12, seed=4)
CPU = Device("cpu", Precision.FLOAT32)


@pytest.fixture(scope="module")
def tiny_gguf(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as llama.cpp has it: joined and permuted names, tokens and template in the head."""
    from gguf import GGUFWriter
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    config = json.loads((tiny_folder / "config.json").read_text("utf-8"))
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_folder)
    path = tmp_path_factory.mktemp("gguf") / "tiny.F32.gguf"
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(float(config["rope_parameters"]["rope_theta"]))
    writer.add_vocab_size(config["vocab_size"])
    by_number = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([token for token, _ in by_number])
    writer.add_token_types([3 if token.startswith("<|") else 1 for token, _ in by_number])
    writer.add_token_scores([0.0] * len(by_number))  # bytes alone: nothing merges
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    names = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "model.layers": "blk",
    }  # fmt: skip
    for name, tensor in load_file(tiny_folder / "model.safetensors").items():
        told = name
        for ours, theirs in names.items():
            told = told.replace(ours, theirs)
        heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
        n_heads = next((n for part, n in heads.items() if part in name), None)
        if n_heads is not None:  # llama.cpp turns pairs of neighbours, the library halves
            half = tensor.shape[0] // n_heads // 2
            tensor = tensor.reshape(n_heads, 2, half, -1).swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(told, tensor.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_writes_what_its_folder_of_safetensors_writes(tiny_folder: Path, tiny_gguf: Path) -> None:
    ours = LocalText(str(tiny_gguf), device="cpu", precision="float32")
    folder = LocalText(str(tiny_folder), device="cpu", precision="float32")
    assert [d.text for d in ours.write(ASKED).drafts] == [d.text for d in folder.write(ASKED).drafts]
    assert loading.n_parameters_of(loading.find(str(tiny_gguf))) == loading.n_parameters_of(
        loading.find(str(tiny_folder))
    )


def test_a_model_loaded_through_accelerate_writes_the_same(tiny_folder: Path) -> None:
    spread = LocalText(str(tiny_folder), device="cpu", precision="float32", device_map="auto")
    alone = LocalText(str(tiny_folder), device="cpu", precision="float32")
    assert [d.text for d in spread.write(ASKED).drafts] == [d.text for d in alone.write(ASKED).drafts]
    with pytest.raises(UnusableWeights, match="nowhere"):
        loading.load(str(tiny_folder), CPU, "nowhere")


def test_a_hub_id_is_loaded_once_it_was_added(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked: list[str] = []

    def path(name: str) -> Path:
        asked.append(name)
        return tiny_folder

    monkeypatch.setattr(loading.weights, "path", path)
    monkeypatch.setattr(loading.weights, "revision", lambda name: "0123abc")
    model = LocalText("owner/tiny-instruct", device="cpu", precision="float32")
    assert asked == ["owner/tiny-instruct"]
    assert model.write(ASKED).provenance.revision == "0123abc"


def test_a_hub_id_that_was_not_added_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_CACHE_DIR", str(tmp_path))
    with pytest.raises(MissingWeights, match="adloom weights add owner/never-added"):
        LocalText("owner/never-added", device="cpu")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "vit"}, "it is a 'vit' model; only causal language models write"),
        ({"model_type": None}, "names no model_type"),
        ("not json", "config.json is no JSON"),
        ("gone", "no config.json"),
    ],
)
def test_another_kind_of_model_is_named(tiny_folder: Path, tmp_path: Path, change: Any, says: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    config = folder / "config.json"
    if change == "gone":
        config.unlink()
    elif isinstance(change, str):
        config.write_text(change, "utf-8")
    else:
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(UnusableWeights, match=says):
        loading.load(str(folder), CPU)


def test_files_that_are_not_there_pickled_or_damaged_are_told_apart(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnusableWeights, match="no such file"):
        loading.find(str(tmp_path / "none.gguf"))
    with pytest.raises(UnusableWeights, match="no such folder"):
        loading.find(str(tmp_path / "none"))
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UnusableWeights, match=r"pytorch_model\.bin is pickled code"):
        loading.find(str(tmp_path / "pickled"))
    text = tmp_path / "text.gguf"
    text.write_text("no model", "utf-8")
    with pytest.raises(UnusableWeights, match="does not begin as a GGUF file"):
        loading.load(str(text), CPU)
    short = tmp_path / "short.gguf"
    short.write_bytes(b"GGUF\x03\x00\x00\x00")
    with pytest.raises(UnusableWeights, match="not a readable GGUF file"):
        loading.load(str(short), CPU)
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "cut"))
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableWeights):
        loading.load(str(folder), CPU)


def test_a_model_larger_than_memory_is_refused_before_it_is_read(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = loading.n_parameters_of(loading.find(str(tiny_folder)))
    monkeypatch.setattr(loading, "free_bytes", lambda device: 4 * n)  # the weights alone would fit, nothing beside them
    with pytest.raises(UnusableWeights, match="of memory are free; take a smaller model"):
        loading.load(str(tiny_folder), CPU)
    with pytest.raises(UnusableWeights, match="memory and GPUs together"):
        loading.load(str(tiny_folder), CPU, "auto")
    monkeypatch.setattr(loading, "free_bytes", lambda device: 5 * n)
    assert loading.load(str(tiny_folder), CPU).network.dtype is torch.float32


def test_memory_of_this_machine_is_known() -> None:
    free = loading.free_bytes("cpu")
    assert free is None or 10_000_000 < free < 10**14
