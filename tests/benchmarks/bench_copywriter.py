"""The copywriter against its base and a model ten times its size: how many drafts may leave as they are.

    python tests/benchmarks/bench_copywriter.py --products 8 --runs runs/copywriter-bench
    python tests/benchmarks/bench_copywriter.py --only copywriter --adapter runs/adapter
    python tests/benchmarks/bench_copywriter.py --only qwen --gguf qwen2.5-coder-1.5b-instruct-q4_k_m.gguf
    python tests/benchmarks/bench_copywriter.py --only qwen-lists --saved runs/copy/qwen.jsonl    # from draft_copy
    python tests/benchmarks/bench_copywriter.py --only --runs runs/copywriter-bench        # the table alone

The products are those that models/training/copywriter keeps out of training, whole categories first. Every way that was
measured is kept in ``--runs`` with all its drafts, so a table can be made in pieces on a machine that others use. The
larger model is asked through llama.cpp (``pip install -e .[peers]``) with the copywriter's prompt and the same JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from models.text.local import LocalText
from models.training.write_products import records
from models.types import Provenance, TextDraft, TextModel, TextReply, TextRequest, Watch
from service.copy.generate import write_copy
from service.copy.pass_rate import PassRate, judge_saved, measure
from service.copy.training_set import MAIN, brief_of
from service.domain import Product
from service.products import parse_product


@dataclass(frozen=True, slots=True)
class Way:
    """One way to have lines written."""

    about: str
    adapter: bool
    own_prompt: bool  # the copywriter's prompt; else those of small models
    shapes: bool
    in_product: bool = False  # whether write_copy can be asked for whole sets this way


WAYS = {
    "base-free": Way("SmolLM2-135M, free", False, True, False),
    "base-shapes": Way("SmolLM2-135M, sentence shapes", False, False, True, in_product=True),
    "copywriter": Way("copywriter, free", True, True, False, in_product=True),
    "copywriter-shapes": Way("copywriter, sentence shapes", True, False, True, in_product=True),
    "qwen": Way("Qwen2.5-Coder-1.5B Q4_K_M, free", False, True, False),
    "qwen-lists": Way("Qwen2.5-Coder-1.5B, saved lists", False, False, False),
}


class LlamaCpp:
    """A GGUF model through llama.cpp, as a text model. Drafts one after the other, prompt kept."""

    languages: tuple[str, ...] = ("en",)

    def __init__(self, gguf: Path, threads: int) -> None:
        library: Any = import_module("xllamacpp")
        settings = library.CommonParams()
        settings.model.path = str(gguf)
        settings.n_ctx, settings.n_parallel, settings.warmup = 2048, 1, False
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        self._server = library.Server(settings)
        self.name = f"llama.cpp:{gguf.stem}"

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        started, drafts, tokens = time.perf_counter(), [], 0
        for number in range(request.n):
            asked = {
                "messages": [
                    {"role": "system", "content": request.system},
                    {"role": "user", "content": f'{request.user}\nAnswer with JSON: {{"text": "..."}}'},
                ],
                "max_tokens": request.max_new_tokens,
                "temperature": request.temperature,
                "top_p": request.top_p,
                "seed": request.seed + number,
                "cache_prompt": True,
                "response_format": {"type": "json_schema", "json_schema": {"schema": dict(request.json_schema or {})}},
            }
            said = self._server.handle_chat_completions(asked)
            reply = json.loads(said) if isinstance(said, (str, bytes)) else said
            choice = reply["choices"][0]
            tokens += reply["usage"]["completion_tokens"]
            drafts.append(TextDraft(choice["message"]["content"], choice["finish_reason"] == "stop", None))
        return TextReply(
            tuple(drafts), Provenance("llama.cpp", self.name, ""), 0, tokens, time.perf_counter() - started
        )


def held_out(n: int, seed: int) -> list[Product]:
    """Products never trained on: three quarters of them of categories never trained on."""
    every = [r for r in records() if r.split == "held_out"]
    known = {r.product["category"] for r in records() if r.split == "train"}
    rng = random.Random(seed)
    new = [r for r in every if r.product["category"] not in known]
    old = [r for r in every if r.product["category"] in known]
    rng.shuffle(new)
    rng.shuffle(old)
    n_new = min(len(new), (3 * n + 3) // 4)
    return [parse_product(json.dumps(r.product)) for r in [*new[:n_new], *old[: n - n_new]]]


def headlines_of(model: TextModel, products: Sequence[Product], seed: int) -> tuple[list[int], float]:
    """How many of a search ad's 15 headlines the model wrote for each product, and processor seconds a product."""
    written, began = [], time.process_time()
    for product in products:
        copy = write_copy(brief_of(product, "google_rsa"), model, seed, most_seconds=1e6)
        written.append(sum(line.field == "headline" and line.origin == "model" for line in copy.lines))
    return written, (time.process_time() - began) / max(1, len(products))


def kept_of(way: str, found: PassRate, headlines: list[int], set_cpu_s: float) -> dict[str, Any]:
    """A way's figures and drafts as they are kept in a file."""
    low, high = found.interval()
    return {
        "way": way,
        "model": found.model,
        "drafts": len(found.drafts),
        "true": round(found.share("is_true"), 3),
        "fits": round(found.share("fits"), 3),
        "passes": round(found.share("passes"), 3),
        "interval": [round(low, 3), round(high, 3)],
        "passes_and_plain": round(found.share("is_plain"), 3),
        "headlines_pass": round(found.share("passes", ("headline",)), 3),
        "distinct_of_passing": round(found.distinct(), 3),
        "cpu_s_a_draft": round(found.cpu_s / max(1, len(found.drafts)), 2),
        "headlines_of_15": headlines,
        "cpu_s_a_set": round(set_cpu_s, 1),
        "texts": [
            {
                "product": d.product,
                "kind": d.kind,
                "text": d.text,
                "passes": d.passes,
                "plain": d.is_plain,
                "why": [f.message for f in d.line.findings if f.severity == "block"] if d.line else ["no text"],
            }
            for d in found.drafts
        ],
    }


def keep(runs: Path, kept: dict[str, Any]) -> None:
    (runs / f"{kept['way']}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """All measured ways, one a line."""
    lines = [
        f"{'way':34} {'drafts':>6} {'pass':>6} {'95 %':>13} {'plain':>6} {'distinct':>8} {'CPU-s/draft':>11}  "
        f"headlines of 15"
    ]
    for row in sorted(rows, key=lambda row: list(WAYS).index(row["way"])):
        low, high = row["interval"]
        sets = ", ".join(map(str, row["headlines_of_15"]))
        sets = f"{sets} ({row['cpu_s_a_set']:.0f} CPU-s a set)" if sets else "-"
        lines.append(
            f"{WAYS[row['way']].about:34} {row['drafts']:6} {row['passes']:6.2f} {low:5.2f} to {high:4.2f} "
            f"{row['passes_and_plain']:6.2f} {row['distinct_of_passing']:8.2f} {row['cpu_s_a_draft']:11.2f}  {sets}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=8)
    parser.add_argument("--sets", type=int, default=2, help="products for which whole search ads are written")
    parser.add_argument(
        "--only", nargs="*", choices=list(WAYS), default=[way for way in WAYS if not way.startswith("qwen")]
    )
    parser.add_argument("--adapter", default="copywriter", help="row or folder, for the copywriter's rows")
    parser.add_argument("--gguf", type=Path, help="file of the larger model, for the row qwen")
    parser.add_argument("--saved", type=Path, help="drafts of the larger model, for the row qwen-lists")
    parser.add_argument("--headlines", type=int, default=12, help="drafts of a headline; a third as many of others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs/copywriter-bench"), help="one JSON a way")
    args = parser.parse_args()
    products = held_out(args.products, args.seed)
    drafts = {kind: args.headlines if kind == "headline" else max(1, args.headlines // 3) for kind in MAIN}
    args.runs.mkdir(parents=True, exist_ok=True)

    def tell(what: str, share: float) -> None:
        print(f"{share:4.0%} {what}", file=sys.stderr)

    loaded: dict[bool, LocalText] = {}
    for name in args.only:
        way = WAYS[name]
        model: TextModel
        if name == "qwen-lists":
            if args.saved is None:
                parser.error("the row qwen-lists needs --saved FILE")
            everything = {p.id: p for p in (parse_product(json.dumps(r.product)) for r in records())}
            rows = [json.loads(line) for line in args.saved.read_text("utf-8").splitlines() if line]
            keep(args.runs, kept_of(name, judge_saved("saved", rows, everything), [], 0.0))
            continue
        if name == "qwen":
            if args.gguf is None:
                parser.error("the row qwen needs --gguf FILE")
            model = LlamaCpp(args.gguf, args.threads)
        else:
            if way.adapter not in loaded:
                adapter = args.adapter if way.adapter else None
                loaded[way.adapter] = LocalText("smollm2", adapter=adapter, threads=args.threads)
            model = loaded[way.adapter]
        print(f"{way.about}: {len(products)} products", file=sys.stderr)
        found = measure(
            model, products, own_prompt=way.own_prompt, shapes=way.shapes, seed=args.seed, drafts=drafts, progress=tell
        )
        headlines: list[int] = []
        set_cpu_s = 0.0
        if way.in_product and args.sets and isinstance(model, LocalText):
            own_task, model.own_task = model.own_task, model.own_task if way.own_prompt else None
            headlines, set_cpu_s = headlines_of(model, products[: args.sets], args.seed)
            model.own_task = own_task
        keep(args.runs, kept_of(name, found, headlines, set_cpu_s))
    print(table([json.loads(path.read_text("utf-8")) for path in sorted(args.runs.glob("*.json"))]))


if __name__ == "__main__":
    main()
