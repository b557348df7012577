"""Requests written side by side: the same drafts as alone, each fairly, and none after it was given up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from models import Cancelled, TextDraft, TextRequest, Watch
from models.text.decoders import LlamaWeights, SharedPromptLlama, independent_rows, read_prompt, step_together
from models.text.local import LocalText
from models.text.together import Prompts, Together

REQUESTS = [
    TextRequest("Be brief.", f"Write line {i}.", n=1 + i % 4, max_new_tokens=10 + 3 * i, seed=i) for i in range(7)
]


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> LocalText:
    return LocalText(str(tiny_folder), device="cpu", precision="float32")


def test_prompts_that_step_together_get_the_scores_they_get_alone(tiny_llama: Any) -> None:
    weights = LlamaWeights.of(tiny_llama)
    prompts, said = [[5, 9, 70], [256, 5, 80, 33, 7]], [torch.tensor([3, 4]), torch.tensor([8])]

    def fresh(i: int) -> SharedPromptLlama:
        decoder = SharedPromptLlama(weights, 4, least_rows=8)
        decoder.read(prompts[i])
        decoder.spread(len(said[i]))
        return decoder

    both = [fresh(0), fresh(1)]
    for _ in range(3):
        scores = step_together(both, said, least_rows=8)
    for i in range(2):
        alone = fresh(i)
        for _ in range(3):
            own = alone.step(said[i])
        # float32 of another number of rows may be summed in another order; scores are of size 10
        torch.testing.assert_close(scores[i], own, atol=1e-4, rtol=0)


def test_rows_are_independent_from_the_number_that_was_found(tiny_llama: Any) -> None:
    weights = LlamaWeights.of(tiny_llama)
    least = independent_rows(weights)
    if least is None:
        pytest.skip("this machine's matrix products depend on their neighbours at every size")
    x = torch.randn(128, weights.head.shape[1], generator=torch.Generator().manual_seed(3)).to(weights.head.dtype)
    whole = torch.nn.functional.linear(x, weights.head)
    for rows in range(least, 128, 8):
        assert torch.equal(torch.nn.functional.linear(x[:rows], weights.head), whole[:rows])


def test_many_at_once_write_what_they_write_alone(tiny: LocalText) -> None:
    alone = [tiny.write(request).drafts for request in REQUESTS]
    with ThreadPoolExecutor(len(REQUESTS)) as pool:
        together = [reply.drafts for reply in pool.map(tiny.write, REQUESTS)]
    assert together == alone


def test_a_request_larger_than_what_fits_still_gets_its_turn(tiny_llama: Any, tiny: LocalText) -> None:
    tiny._together, before = Together(LlamaWeights.of(tiny_llama), 8, most_rows=2), tiny._together
    try:
        with ThreadPoolExecutor(3) as pool:
            replies = list(pool.map(tiny.write, [TextRequest("s", "u", n=n, max_new_tokens=6) for n in (5, 1, 4)]))
        assert [len(reply.drafts) for reply in replies] == [5, 1, 4]
    finally:
        tiny._together = before


def test_drafts_are_told_as_they_are_done(tiny: LocalText) -> None:
    told: dict[int, TextDraft] = {}
    reply = tiny.write(REQUESTS[3], Watch(on_draft=told.__setitem__))
    ended = {i: draft for i, draft in enumerate(reply.drafts) if draft.ended_by_itself}
    assert {i: told[i] for i in ended} == ended


def test_giving_up_stops_one_request_and_no_other(tiny: LocalText) -> None:
    asked = 0

    def enough() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    endless = TextRequest("s", "u", n=2, max_new_tokens=60, seed=1)
    with ThreadPoolExecutor(2) as pool:
        given_up = pool.submit(tiny.write, endless, Watch(is_cancelled=enough))
        other = pool.submit(tiny.write, REQUESTS[2])
        with pytest.raises(Cancelled):
            given_up.result(30)
        assert other.result(30).drafts == tiny.write(REQUESTS[2]).drafts
    assert asked == 5  # not a token longer than it was wanted


def test_a_watch_that_fails_fails_its_own_request_only(tiny: LocalText) -> None:
    def fail(number: int, draft: TextDraft) -> None:
        raise ValueError("the listener broke")

    long = TextRequest("s", "u", n=8, max_new_tokens=60, seed=4, stop=("a", "e", "\n", " "))
    with pytest.raises(ValueError, match="listener broke"):
        tiny.write(long, Watch(on_draft=fail))
    assert tiny.write(REQUESTS[0]).drafts


def test_the_writing_thread_ends_when_nothing_is_left(tiny: LocalText, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.text.together.IDLE_S", 0.05)
    tiny.write(REQUESTS[0])
    for thread in threading.enumerate():
        if thread.name == "adloom-text":
            thread.join(10)
            assert not thread.is_alive()
    assert tiny.write(REQUESTS[0]).drafts  # and a new one begins


def test_a_prompt_read_lately_is_not_read_again(tiny_llama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counting(weights: LlamaWeights, prompt: Any) -> Any:
        read.append(len(prompt))
        return read_prompt(weights, prompt)

    monkeypatch.setattr("models.text.together.read_prompt", counting)
    prompts = Prompts(LlamaWeights.of(tiny_llama), most=2)
    for prompt in ([1, 2], [1, 2], [3], [1, 2], [4], [3]):
        assert prompts.get(prompt).length == len(prompt)
    assert read == [2, 1, 1, 1]  # [3] was forgotten when [4] came


@pytest.mark.weights
def test_the_embedded_model_writes_the_same_beside_others() -> None:
    model = LocalText("smollm2", threads=1)
    asked = [TextRequest("You write ads.", f"A headline for mug {i}.", n=4, max_new_tokens=8, seed=i) for i in range(3)]
    alone = [model.write(request).drafts for request in asked]
    with ThreadPoolExecutor(3) as pool:
        assert [reply.drafts for reply in pool.map(model.write, asked)] == alone
