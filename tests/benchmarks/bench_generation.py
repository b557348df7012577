# ruff: noqa: E501
"""Copy for products never seen: processor time, drafts, what the judge keeps, what repair saves, who wrote the lines.

    python tests/benchmarks/bench_generation.py --only kettle dress key-ring
    python tests/benchmarks/bench_generation.py --reasons --show        # why drafts were dropped; the lines

Six products, from rich to a single fact. Processor time is user and system time of the process while it writes; loading
the model is told apart.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from datetime import date
from typing import Any

from models import TextModel
from service.copy.brief import brief_for
from service.copy.generate import MOST_SECONDS, write_copy
from service.domain import Copy
from service.products import parse_product
from service.settings import Settings
from service.wiring import workshop

PRODUCTS: list[dict[str, Any]] = [
    {
        "id": "kettle", "title": "Gooseneck pour-over kettle", "brand": "Brennhaus", "category": "kitchen", "language": "en",
        "price": {"amount": "74.00", "currency": "EUR"}, "audience": "home baristas",
        "facts": [
            {"key": "capacity", "value": "0.9 l"}, {"key": "material", "value": "brushed stainless steel"},
            {"key": "handle", "value": "walnut"}, {"key": "spout", "value": "gooseneck spout for a slow pour"},
            {"key": "thermometer", "value": "built into the lid"}, {"key": "hobs", "value": "gas, electric and induction"},
            {"key": "weight", "value": "680 g"}, {"key": "warranty", "value": "2 years"},
            {"key": "care", "value": "hand wash only"},
        ],
    },
    {
        "id": "dress", "title": "Linen wrap dress", "brand": "Sael", "category": "clothing", "language": "en",
        "facts": [
            {"key": "material", "value": "100% linen"}, {"key": "sizes", "value": "XS to XXL"}, {"key": "pockets", "value": "2 side pockets"},
        ],
    },
    {"id": "key-ring", "title": "Leather key ring", "category": "accessories", "language": "en",
     "facts": [{"key": "material", "value": "vegetable-tanned leather"}]},
    {
        "id": "tent", "title": "Two-person trekking tent", "brand": "Fjellet", "category": "outdoor", "language": "en",
        "price": {"amount": "289.00", "currency": "USD"}, "audience": "hikers",
        "facts": [
            {"key": "weight", "value": "1.9 kg"}, {"key": "sleeps", "value": "2 people"}, {"key": "water column", "value": "3,000 mm"},
            {"key": "poles", "value": "aluminium"}, {"key": "doors", "value": "2"}, {"key": "packed size", "value": "44 x 14 cm"},
            {"key": "seams", "value": "taped"},
        ],
    },
    {
        "id": "speaker", "title": "Bluetooth bathroom speaker", "brand": "Plink", "category": "electronics", "language": "en",
        "facts": [
            {"key": "battery", "value": "18 h"}, {"key": "protection", "value": "IPX7 waterproof"}, {"key": "bluetooth", "value": "5.3"},
            {"key": "charging", "value": "USB-C"}, {"key": "mount", "value": "suction cup"},
        ],
    },
    {
        "id": "granola", "title": "Hazelnut granola", "brand": "Morgenrot", "category": "food", "language": "en",
        "facts": [
            {"key": "net weight", "value": "450 g"}, {"key": "hazelnuts", "value": "18%"}, {"key": "sweetened with", "value": "honey"},
            {"key": "origin", "value": "baked in Austria"},
        ],
    },
]  # fmt: skip


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written(
    row: dict[str, Any], model: TextModel, channel: str, variants: int, seed: int, most_seconds: float = MOST_SECONDS
) -> tuple[Copy, float]:
    """The copy of one product and the processor time that it took, seconds."""
    brief = brief_for(parse_product(dict(row)), channel, variants=variants, today=date(2026, 11, 22))
    before = cpu_s()
    copy = write_copy(brief, model, seed, most_seconds=most_seconds)
    return copy, cpu_s() - before


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", nargs="+", choices=[str(row["id"]) for row in PRODUCTS])
    asked.add_argument("--channel", default="google_rsa")
    asked.add_argument("--variants", type=int, default=15)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--most-seconds", type=float, default=MOST_SECONDS, help="more on a machine that others use")
    asked.add_argument("--reasons", action="store_true", help="why drafts were dropped")
    asked.add_argument("--show", action="store_true", help="the lines")
    said = asked.parse_args()

    began, before = time.perf_counter(), cpu_s()
    model = workshop(Settings()).text_model
    print(f"{model.name}: loaded in {cpu_s() - before:.1f} CPU-s, {time.perf_counter() - began:.1f} s")
    print(
        f"{'product':10} {'facts':>5} {'CPU-s':>6} {'s':>6} {'asked':>5} {'drafts':>6} {'passed':>6} {'repaired':>8}  by field: model + composer"
    )
    for row in PRODUCTS:
        if said.only and row["id"] not in said.only:
            continue
        copy, used = written(row, model, said.channel, said.variants, said.seed, said.most_seconds)
        of, n_facts = copy.provenance, len(row["facts"])
        lines = Counter((line.field, line.origin) for line in copy.lines)
        fields = list(dict.fromkeys(line.field for line in copy.lines))
        shares = ", ".join(f"{name} {lines[name, 'model']} + {lines[name, 'composer']}" for name in fields)
        cut = f" ({of['cut_off']} requests cut off)" if of["cut_off"] else ""
        print(
            f"{row['id']:10} {n_facts:5} {used:6.1f} {copy.seconds:6.1f} {of['requests']:5} {of['drafts']:6} {of['passed']:6} {of['repaired']:8}  {shares}{cut}",
            flush=True,
        )
        if said.reasons:
            for (name, reason), n in Counter(
                (line.field, next(f.id for f in line.findings if f.severity == "block")) for line in copy.refused
            ).most_common():
                print(f"    {n:3} x {name}: {reason}")
            for line in copy.refused:
                why = "; ".join(f.message for f in line.findings if f.severity == "block")
                print(f"      - {line.field}: {line.text}  [{why[:110]}]")
        if said.show:
            for line in copy.lines:
                print(f"    {line.field:16} {line.origin:9} {line.text}")


if __name__ == "__main__":
    main()
