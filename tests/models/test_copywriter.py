"""The copywriter: its data, its training on trees, its adapter merged into the base."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from models import MissingWeights, TextRequest, UnsupportedRequest, weights
from models.text.adapters import merge, read_adapter
from models.text.local import LocalText
from models.training.draft_copy import draft_products, lines_in, messages_for
from models.training.train_copywriter import Answer, Recipe, TreeLlama, export, load, loss_of, train, tree_of
from models.training.write_products import FOLDER, records

RECORD = """
@kitchen|Mug|Kiln|9.00 EUR|tea drinkers
=capacity: 350 ml; origin: made in Wales, UK
H One mug, one moment / Made in Wales
D 350 ml of calm.
@garden!|Spade|Kiln||
=blade: steel
@kitchen|!Bowl|Kiln||
=width: 14 cm
+kiln-mug
S Time for tea
"""


@pytest.fixture
def tuned(tiny_folder: Path) -> Any:
    """The tiny model in float32 with an adapter that does something."""
    model, _ = load(str(tiny_folder), Recipe(rank=4, alpha=8), "cpu")
    model = model.float()
    generator = torch.Generator().manual_seed(5)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return model


# --- data ------------------------------------------------------------------------------------------------------------


def test_a_record_becomes_a_product_file_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(RECORD, "utf-8")
    mug, spade, bowl = records(tmp_path)
    assert mug.product["price"] == {"amount": "9.00", "currency": "EUR"}
    assert mug.product["facts"][1] == {"key": "origin", "value": "made in Wales, UK"}
    assert mug.lines == (
        ("headline", "One mug, one moment"),
        ("headline", "Made in Wales"),
        ("description", "350 ml of calm."),
        ("email_subject", "Time for tea"),
    )
    assert (mug.split, spade.split, bowl.split) == ("train", "held_out", "held_out")
    assert spade.product["category"] == "garden"
    assert "price" not in spade.product


@pytest.mark.parametrize("wrong", ["H a line without a product", "@kitchen|Mug|Kiln", "+nobody\nH Hello there"])
def test_a_malformed_record_is_told_with_its_place(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(wrong, "utf-8")
    with pytest.raises(ValueError, match=r"a\.txt:1"):
        records(tmp_path)


def test_what_is_held_out_has_no_lines_and_some_of_its_categories_are_new() -> None:
    every = records(FOLDER)
    held_out = [r for r in every if r.split == "held_out"]
    known = {r.product["category"] for r in every if r.split == "train"}
    assert not any(r.lines for r in held_out)
    assert len({r.product["category"] for r in held_out} - known) >= 4
    assert not {r.product["brand"] for r in held_out if r.product["category"] not in known} & {
        r.product["brand"] for r in every if r.split == "train" and r.product["brand"] != "Timberlane"
    }  # one maker of boards has a desk organiser, too


def test_drafting_asks_for_every_product_once_and_continues_after_a_stop(tmp_path: Path) -> None:
    products = [{"id": f"p{i}", "title": "Mug", "brand": "Kiln", "facts": [{"key": "k", "value": "v"}]} for i in "ab"]
    asked: list[str] = []

    def write(messages: list[dict[str, str]], most: int) -> str:
        asked.append(messages[-1]["content"])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return "1. One\n2. One\nPost: Two"

    out = tmp_path / "drafts.jsonl"
    with pytest.raises(KeyboardInterrupt):
        draft_products(products, write, out, "test", 1e9)
    draft_products(products, write, out, "test", 1e9)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {(r["product"], r["kind"]) for r in rows} == {(p, k) for p in ("pa", "pb") for k in ("headline", "sentence")}
    assert len(asked) == 5  # four, and the one that was stopped
    assert len({(r["product"], r["kind"], r["text"]) for r in rows}) == len(rows)


def test_an_answer_of_the_drafting_model_is_read_line_by_line() -> None:
    assert list(lines_in('Description: "A mug."\nnoise\n- Subject: Tea', "sentence")) == [
        ("description", "A mug."),
        ("email_subject", "Tea"),
    ]
    product = {"title": "Mug", "brand": "Kiln", "facts": [{"key": "origin", "value": "Wales"}], "audience": "all"}
    assert "- origin: Wales" in messages_for(product, "headline")[-1]["content"]


# --- training --------------------------------------------------------------------------------------------------------


def test_a_tree_says_of_each_answer_what_reading_it_alone_says(tuned: Any) -> None:
    answers = [
        Answer((256, 5, 80, 33, 7, 9, 44), 4, 1.0),
        Answer((256, 5, 80, 33, 8, 11), 4, 1.0),
        Answer((256, 5, 81, 2, 60, 61, 62), 4, 1.0),
    ]
    tree = tree_of(answers)
    assert len(tree.ids) == 14  # 20 tokens, of which 6 are shared beginnings
    with torch.no_grad():
        told = torch.log_softmax(TreeLlama(tuned).scores(tree), dim=-1)
        row = 0
        for answer in answers:
            alone = torch.log_softmax(tuned(input_ids=torch.tensor([answer.ids])).logits[0].float(), dim=-1)
            for i in range(answer.answer_at, len(answer.ids)):
                # float32 sums in another order; 1e-4 is ten times the rounding seen
                torch.testing.assert_close(told[row], alone[i - 1], atol=1e-4, rtol=0)
                row += 1
    assert row == len(tree.targets)


def test_a_heavier_answer_weighs_more_in_the_loss(tuned: Any) -> None:
    net = TreeLlama(tuned)
    a, b = (256, 5, 80, 33, 7), (256, 5, 80, 33, 8)
    with torch.no_grad():
        alone = [float(loss_of(net, [Answer(ids, 4, 1.0)])) for ids in (a, b)]
        both = float(loss_of(net, [Answer(a, 4, 3.0), Answer(b, 4, 1.0)]))
    assert both == pytest.approx((3 * alone[0] + alone[1]) / 4, abs=1e-4)


def _train(tiny_folder: Path, run: Path, budget_minutes: float, steps: int, begin_with: Path | None = None) -> None:
    rows = [
        {"group": f"p{p}#0", "system": "s", "user": f"product {p}", "answer": f"line {a}", "source": "written"}
        for p in range(14)
        for a in range(3)
    ]
    args = argparse.Namespace(
        begin_with=begin_with,
        run=run,
        base=str(tiny_folder),
        device="cpu",
        threads=1,
        budget_minutes=budget_minutes,
        save_minutes=1e9,
    )
    train(rows, args, Recipe(rank=4, alpha=8, learning_rate=1e-2, steps=steps, groups_a_step=2, warmup_steps=1))


def test_training_lowers_the_loss_and_its_adapter_serves(tiny_folder: Path, tmp_path: Path) -> None:
    _train(tiny_folder, tmp_path / "run", 10.0, 30)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    assert log[-1]["step"] == 30
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]  # random weights learn three short lines by heart
    export(tmp_path / "run", str(tiny_folder), tmp_path / "adapter")
    about = json.loads((tmp_path / "adapter" / "copywriter.json").read_text("utf-8"))
    assert about["sha256"] == weights.sha256_of(tmp_path / "adapter" / "adapter_model.safetensors")
    model = LocalText(str(tiny_folder), adapter=str(tmp_path / "adapter"), device="cpu")
    assert model.own_task == "copy_line"
    request = TextRequest("s", "product 3", n=2, max_new_tokens=6, seed=1)
    bare = LocalText(str(tiny_folder), device="cpu")
    assert bare.own_task is None
    assert model.write(request).provenance.revision != bare.write(request).provenance.revision
    assert [d.text for d in model.write(request).drafts] == [d.text for d in model.write(request).drafts]


def test_a_stopped_training_goes_on_where_it_was(tiny_folder: Path, tmp_path: Path) -> None:
    _train(tiny_folder, tmp_path / "run", 0.0, 6)  # no time: saved at once
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] == 0
    _train(tiny_folder, tmp_path / "run", 10.0, 6)
    _train(tiny_folder, tmp_path / "whole", 10.0, 6)
    stopped, whole = (torch.load(tmp_path / n / "state.pt", weights_only=True) for n in ("run", "whole"))
    assert stopped["step"] == whole["step"] == 6
    for name, tensor in whole["adapter"].items():
        torch.testing.assert_close(stopped["adapter"][name], tensor)


def test_a_new_run_goes_on_from_the_weights_of_another(tiny_folder: Path, tmp_path: Path) -> None:
    _train(tiny_folder, tmp_path / "first", 10.0, 3)
    _train(tiny_folder, tmp_path / "second", 0.0, 3, begin_with=tmp_path / "first")
    first, second = (torch.load(tmp_path / n / "state.pt", weights_only=True) for n in ("first", "second"))
    assert (first["step"], second["step"]) == (3, 0)
    for name, tensor in first["adapter"].items():
        torch.testing.assert_close(second["adapter"][name], tensor, rtol=0, atol=0)


# --- serving ---------------------------------------------------------------------------------------------------------


def test_our_merge_is_that_of_peft(tuned: Any, tiny_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    tuned.save_pretrained(tmp_path)
    ours: Any = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.bfloat16)
    ours = ours.eval().float()  # the adapter was laid over bfloat16 weights
    assert merge(ours, read_adapter(tmp_path)) == 3 * 7  # three layers of seven maps
    theirs = tuned.merge_and_unload()
    ids = torch.tensor([[256, 5, 80, 33, 7, 120]])
    with torch.no_grad():
        torch.testing.assert_close(ours(ids).logits, theirs(ids).logits, atol=1e-4, rtol=0)


def test_an_adapter_for_another_model_is_refused(tuned: Any, tiny_llama: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tuned.save_pretrained(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    wider = {n: torch.cat([t, t], dim=1) if "lora_A" in n else t for n, t in load_file(file).items()}
    save_file(wider, file)
    with pytest.raises(UnsupportedRequest, match="does not fit this model"):
        merge(tiny_llama, read_adapter(tmp_path))
    config = json.loads((tmp_path / "adapter_config.json").read_text("utf-8")) | {"use_dora": True}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(UnsupportedRequest, match="use_dora"):
        read_adapter(tmp_path)


def test_a_folder_without_an_adapter_is_a_clear_error(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights):
        LocalText(str(tiny_folder), adapter=str(tmp_path))


# --- what ships ------------------------------------------------------------------------------------------------------


def test_the_adapter_that_ships_is_the_one_that_was_promised() -> None:
    status = weights.check("copywriter")
    assert status.state is weights.State.OK, status.detail
    folder = weights.path("copywriter")
    about = json.loads((folder / "copywriter.json").read_text("utf-8"))
    file = folder / "adapter_model.safetensors"
    assert about["sha256"] == weights.sha256_of(file)
    assert file.stat().st_size <= 20_000_000
    adapter = read_adapter(folder)
    assert (adapter.own_task, adapter.languages) == ("copy_line", ("en",))


@pytest.mark.weights
def test_the_merged_copywriter_is_deterministic_and_says_so() -> None:
    if weights.check("smollm2").state is not weights.State.OK:
        pytest.skip("needs: adloom weights add smollm2")
    model = LocalText("smollm2", adapter="copywriter")
    request = TextRequest("s", "Product: mug\nFacts:\norigin: made in Wales", n=3, max_new_tokens=12, seed=4)
    first, second = model.write(request), model.write(request)
    assert [d.text for d in first.drafts] == [d.text for d in second.drafts]
    assert first.provenance.model == "smollm2+copywriter"
    sums = weights.sha256_of(weights.path("copywriter") / "adapter_model.safetensors")
    assert first.provenance.revision == f"{weights.revision('smollm2')}+{sums}"
