"""How fast the embedded language model writes, beside transformers' own ``generate`` on the same weights and thread.

Run: python tests/benchmarks/text_throughput.py [--drafts 16] [--prompt 400] [--new 32] [--runs 1]

CPU seconds of this process are reported next to wall seconds: on a busy machine only the former can be compared.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import torch

from models.text.decoders import Decoder, LlamaWeights, PlainDecoder, SharedPromptLlama
from models.text.local import LocalText


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drafts", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=400)
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)

    started = time.perf_counter()
    model = LocalText("smollm2")
    print(f"load {time.perf_counter() - started:.1f} s, {model.device.precision}, {asked.threads} thread(s)")
    network = model._model
    shared = LlamaWeights.of(network)
    prompt = torch.arange(1000, 1000 + asked.prompt).tolist()

    def ours(decoder: Decoder, n: int) -> None:
        scores = decoder.read(prompt).expand(n, -1)
        decoder.spread(n)
        for _ in range(asked.new - 1):
            scores = decoder.step(scores.argmax(dim=-1))

    def library(n: int) -> None:
        ids = torch.tensor([prompt])
        network.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            num_return_sequences=n,
            min_new_tokens=asked.new,
            max_new_tokens=asked.new,
        )

    n = asked.drafts
    cases: list[tuple[str, int, Callable[[], None]]] = [
        (f"shared prompt, {n} drafts", n, lambda: ours(SharedPromptLlama(shared, asked.new), n)),
        (f"prompt read once, cache repeated, {n} drafts", n, lambda: ours(PlainDecoder(network), n)),
        (f"generate, num_return_sequences={n}", n, lambda: library(n)),
        ("shared prompt, 1 draft", 1, lambda: ours(SharedPromptLlama(shared, asked.new), 1)),
        ("generate, 1 draft", 1, lambda: library(1)),
    ]
    ours(SharedPromptLlama(shared, asked.new), 1)  # warm
    for name, drafts, run in cases:
        cpu = wall = float("inf")
        for _ in range(asked.runs):
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            run()
            cpu = min(cpu, time.process_time() - cpu_start)
            wall = min(wall, time.perf_counter() - wall_start)
        tokens = drafts * asked.new
        print(f"{name:48} {tokens / cpu:7.1f} tokens/CPU-s   {tokens / wall:7.1f} tokens/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
