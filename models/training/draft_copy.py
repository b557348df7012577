"""Drafts of copy to learn from, by a stronger open model or by the copywriter itself. Nothing here is accepted yet.

Two ways. ``--products`` asks a GGUF model through llama.cpp for lists of lines, several at once for each product::

    python -m models.training.draft_copy --products runs/copy/train.jsonl --gguf qwen.gguf --out runs/copy/qwen.jsonl

``--requests`` sends the very prompts that the service sends (rendered by ``service.copy.training_set requests``) to a
model on this machine and keeps many drafts of each: what passes the ledger is what the model should do more often::

    python -m models.training.draft_copy --requests runs/copy/requests.jsonl --model smollm2 --out runs/copy/own.jsonl

Both append to ``--out`` and skip what is there, so a stopped run continues with the same command. llama.cpp comes from
``pip install xllamacpp`` and is needed for the first way only; it is no dependency of adloom.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

_SYSTEM = (
    "You are a senior copywriter for a shop. You write short, natural, selling lines in English. "
    "You only say what the product's facts say: no other number, material, place or promise."
)
_EXAMPLE_FACTS = """Product: Gooseneck kettle 0.9 l
Brand: Lumen & Ash
For: home baristas
- capacity: 0.9 l
- material: 304 stainless steel
- spout: gooseneck
- hob: gas, electric and induction
- warranty: 3 years"""
_ASKS: dict[str, tuple[str, str]] = {  # kind -> (what is asked, an answer)
    "headline": (
        "Write 12 advertising headlines, each at most 30 characters. Vary them: a benefit, a fact, an occasion, a question.",  # noqa: E501
        "Slow pours, steady hand\nWorks on induction and gas\nPour like you mean it\nCovered for three years\n"
        "Why rush a good brew?\n0.9 litres of calm\nOne kettle, every hob\nCoffee starts with the pour\n"
        "Mornings, poured slowly\nGooseneck spout, good coffee\nFor home baristas\nReady for your kitchen",
    ),
    "sentence": (
        "Write 3 descriptions of at most 90 characters, 2 posts of at most 125 characters, 2 e-mail subjects of at "
        "most 45 characters and 2 e-mail preview lines of at most 90 characters.",
        "Description: A gooseneck spout for slow, steady pours. Works on gas, electric and induction.\n"
        "Description: 0.9 l of stainless steel for your kitchen, covered for 3 years.\n"
        "Description: Made for home baristas: gooseneck spout, steel body, every hob.\n"
        "Post: Good coffee starts with the pour. Meet the gooseneck kettle that works on every hob.\n"
        "Post: Slow down, pour well. 0.9 l of stainless steel with a gooseneck spout, covered for 3 years.\n"
        "Subject: Your coffee deserves this kettle\n"
        "Subject: Slow mornings start here\n"
        "Preview: A gooseneck kettle for gas, electric and induction, with 3 years of warranty.\n"
        "Preview: 0.9 l, stainless steel, made for home baristas.",
    ),
}
_LABELS = {
    "description": "description",
    "post": "primary_text",
    "subject": "email_subject",
    "preview": "email_preheader",
}

SIDE_BY_SIDE = 12  # requests at a time

Write = Callable[[list[dict[str, str]], int], str]  # (chat messages, most new tokens) -> the answer


def facts_of(product: Mapping[str, Any]) -> str:
    """The product as the lines a drafting model reads."""
    lines = [f"Product: {product['title']}", f"Brand: {product['brand']}"]
    if product.get("audience"):
        lines.append(f"For: {product['audience']}")
    return "\n".join(lines + [f"- {fact['key']}: {fact['value']}" for fact in product["facts"]])


def messages_for(product: Mapping[str, Any], kind: str) -> list[dict[str, str]]:
    """The exchange that asks for lines of one kind: instructions, one worked example, the product."""
    ask, answer = _ASKS[kind]
    return [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": f"{_EXAMPLE_FACTS}\n\n{ask}"},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": f"{facts_of(product)}\n\n{ask}"},
    ]


def lines_in(answer: str, kind: str) -> Iterator[tuple[str, str]]:
    """(task, text) of every line of an answer.

    >>> list(lines_in("1. Pour slowly\\n- Pour well", "headline"))
    [('headline', 'Pour slowly'), ('headline', 'Pour well')]
    >>> list(lines_in("Post: Slow down.", "sentence"))
    [('primary_text', 'Slow down.')]
    """
    for raw in answer.splitlines():
        line = re.sub(r"^\s*(?:[-*•]|\d{1,2}[.)])\s*", "", raw).strip().strip('"').strip()
        label, _, rest = line.partition(":")
        task = _LABELS.get(re.sub(r"[^a-z]", "", label.lower()))
        if kind == "headline" and line:
            yield "headline", line
        elif task and rest.strip():
            yield task, rest.strip().strip('"').strip()


def llama_cpp(gguf: Path, threads: int, seed: int) -> Write:
    """A writer through llama.cpp. Needs ``pip install xllamacpp``."""
    xllamacpp: Any = import_module("xllamacpp")  # a tool for making data, no dependency

    settings = xllamacpp.CommonParams()
    settings.model.path = str(gguf)
    settings.n_ctx = 2048
    settings.warmup = False
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.n_parallel = 1
    server = xllamacpp.Server(settings)

    def write(messages: list[dict[str, str]], most: int) -> str:
        asked = {"messages": messages, "max_tokens": most, "temperature": 0.8, "top_p": 0.95, "seed": seed, "cache_prompt": True}  # noqa: E501  # fmt: skip
        reply = server.handle_chat_completions(asked)
        reply = json.loads(reply) if isinstance(reply, str) else reply
        text: str = reply["choices"][0]["message"]["content"]
        return text

    return write


def draft_products(products: Sequence[Mapping[str, Any]], write: Write, out: Path, source: str, budget_s: float) -> int:
    """Ask for every product and kind not yet in ``out``; the number of lines added."""
    done = {(row["product"], row["kind"]) for row in _rows(out)}
    work = [(p, kind) for p in products for kind in _ASKS if (p["id"], kind) not in done]
    started, added = time.perf_counter(), 0
    for i, (product, kind) in enumerate(work, 1):
        found = dict.fromkeys(lines_in(write(messages_for(product, kind), 190), kind))
        rows = [{"product": product["id"], "kind": kind, "task": t, "text": x, "source": source} for t, x in found]
        _append(out, rows or [{"product": product["id"], "kind": kind, "task": kind, "text": "", "source": source}])
        added += len(rows)
        spent = time.perf_counter() - started
        _say(f"{i}/{len(work)} requests, {added} lines", spent, spent / i * (len(work) - i))
        if spent > budget_s:
            break
    return added


def draft_requests(
    requests: Sequence[Mapping[str, Any]], model: Any, out: Path, source: str, n: int, seed: int, budget_s: float
) -> int:
    """``n`` drafts of every rendered request not yet in ``out``; the number of drafts added."""
    from models.types import TextRequest

    done = {row["request"] for row in _rows(out)}
    work = [(seed + i, r) for i, r in enumerate(requests, 1) if r["request"] not in done]
    started, added = time.perf_counter(), 0

    def written(asked: tuple[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
        own_seed, r = asked
        reply = model.write(
            TextRequest(
                system=r["system"],
                user=r["user"],
                n=n,
                max_new_tokens=r["max_new_tokens"],
                temperature=r["temperature"],
                top_p=r["top_p"],
                seed=own_seed,
                json_schema=r["schema"],
            )
        )
        texts = dict.fromkeys((d.text, d.ended_by_itself) for d in reply.drafts)
        base = {k: r[k] for k in ("request", "product", "task", "channel", "field", "angle")}
        return [{**base, "raw": text, "ended": ended, "source": source} for text, ended in texts]

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for start in range(0, len(work), SIDE_BY_SIDE):
            part = work[start : start + SIDE_BY_SIDE]
            for rows in pool.map(written, part):  # many drafts a step: every weight is read once for all
                _append(out, rows)
                added += len(rows)
            i, spent = start + len(part), time.perf_counter() - started
            _say(f"{i}/{len(work)} requests, {added} drafts", spent, spent / i * (len(work) - i))
            if spent > budget_s:
                break
    return added


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line] if path.exists() else []


def _append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("a", encoding="utf-8") as file:  # a product's lines in one write: a killed run leaves whole ones
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _say(what: str, spent_s: float, left_s: float) -> None:
    print(f"{what}, {spent_s / 60:.1f} min, about {left_s / 60:.0f} min left", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--products", type=Path, help="product files, JSONL: lists of lines through llama.cpp")
    what.add_argument("--requests", type=Path, help="rendered prompts, JSONL: many drafts of each")
    parser.add_argument("--gguf", type=Path, help="the drafting model's file, with --products")
    parser.add_argument("--model", default="smollm2", help="weight row or folder, with --requests")
    parser.add_argument("--adapter", default=None, help="adapter row or folder laid over --model; default none")
    parser.add_argument("--out", type=Path, required=True, help="JSONL that grows")
    parser.add_argument("--source", default=None, help="name of the drafts' origin; default the model's")
    parser.add_argument("-n", type=int, default=16, help="drafts of a request")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget-minutes", type=float, default=20.0)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    budget_s = args.budget_minutes * 60
    if args.products:
        if args.gguf is None:
            parser.error("--products needs --gguf FILE")
        write = llama_cpp(args.gguf, args.threads, args.seed)
        draft_products(_rows(args.products), write, args.out, args.source or args.gguf.stem, budget_s)
    else:
        from models.text.local import LocalText

        extra = {"adapter": args.adapter} if args.adapter else {}
        model = LocalText(args.model, threads=args.threads, **extra)
        draft_requests(_rows(args.requests), model, args.out, args.source or args.model, args.n, args.seed, budget_s)


if __name__ == "__main__":
    main()
