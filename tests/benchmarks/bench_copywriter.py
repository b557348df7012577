"""The copywriter against its base and a model ten times its size: how many drafts may leave as they are.

    python tests/benchmarks/bench_copywriter.py --products 8
    python tests/benchmarks/bench_copywriter.py --only base-shapes base-own copywriter --json out.json
    python tests/benchmarks/bench_copywriter.py --url http://127.0.0.1:8080/v1   # beside any model on a server

The products are those that models/training/copywriter keeps out of training, whole categories first.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

from models.training.write_products import records
from service.copy.pass_rate import PassRate, measure
from service.copy.training_set import MAIN
from service.domain import Product
from service.products import parse_product

WAYS = {  # name -> (adapter, the copywriter's prompt, sentence shapes)
    "base-shapes": (None, False, True),
    "base-free": (None, False, False),
    "base-own": (None, True, False),
    "copywriter": ("copywriter", True, False),
    "copywriter-shapes": ("copywriter", False, True),
}


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


def row_of(way: str, found: PassRate) -> dict[str, Any]:
    return {
        "way": way,
        "model": found.model,
        "drafts": len(found.drafts),
        "true": round(found.share("is_true"), 3),
        "fits": round(found.share("fits"), 3),
        "passes": round(found.share("passes"), 3),
        "headlines_pass": round(found.share("passes", ("headline",)), 3),
        "distinct_of_passing": round(found.distinct(), 3),
        "tokens_per_s": round(found.new_tokens / max(found.seconds, 1e-9), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=8)
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--adapter", default="copywriter", help="row or folder, for the copywriter's rows")
    parser.add_argument("--url", help="also a model on this OpenAI-compatible server, with the copywriter's prompt")
    parser.add_argument("--server-model", default="default")
    parser.add_argument("--headlines", type=int, default=12, help="drafts of a headline; a third as many of others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", type=Path, default=None, help="rows and drafts")
    args = parser.parse_args()
    products = held_out(args.products, args.seed)
    drafts_of = {kind: args.headlines if kind == "headline" else max(1, args.headlines // 3) for kind in MAIN}
    settings: dict[str, Any] = {"seed": args.seed, "drafts": drafts_of}
    results: list[tuple[str, PassRate]] = []

    def tell(what: str, share: float) -> None:
        print(f"{share:4.0%} {what}", file=sys.stderr)

    if args.url:
        from models.text.openai_compatible import OpenAICompatibleText

        server = OpenAICompatibleText(base_url=args.url, model=args.server_model, timeout_s=600.0)
        for way, own in (("server-own", True), ("server-free", False)):
            found = measure(server, products, own_prompt=own, shapes=False, **settings, progress=tell)
            results.append((way, found))
            print(json.dumps(row_of(way, found)), flush=True)
    else:
        from models.text.local import LocalText

        for name in (None, args.adapter):
            ways = [w for w in args.only if (WAYS[w][0] is None) == (name is None)]
            if not ways:
                continue
            model = LocalText("smollm2", adapter=name, threads=args.threads)
            for way in ways:
                _, own, shapes = WAYS[way]
                found = measure(model, products, own_prompt=own, shapes=shapes, **settings, progress=tell)
                results.append((way, found))
                print(json.dumps(row_of(way, found)), flush=True)
    if args.json:
        drafts = [
            {
                "way": way,
                "product": d.product,
                "kind": d.kind,
                "text": d.text,
                "passes": d.passes,
                "why": [f.message for f in d.line.findings if f.severity == "block"] if d.line else ["no text"],
            }
            for way, found in results
            for d in found.drafts
        ]
        args.json.write_text(
            json.dumps({"rows": [row_of(*r) for r in results], "drafts": drafts}, indent=1, ensure_ascii=False), "utf-8"
        )


if __name__ == "__main__":
    main()
