"""How well and how fast the claim ledger tells truth from invention: ``python tests/benchmarks/bench_ledger.py``.

A case is *flagged* when its ledger's overall verdict is contradicted or unsupported. Recall: how many of the cases that
should be flagged are. Precision: how many of the flagged ones should be. ``--file heldout`` reads the held-out set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from service.copy.ledger import check
from service.domain import Ledger, Product
from service.products import parse_product

DATA = Path(__file__).parent.parent / "data" / "claims"
LIES = ("contradicted", "unsupported", "flagged")


def products() -> dict[str, Product]:
    """The set's products by id."""
    return {id: parse_product(row) for id, row in json.loads((DATA / "products.json").read_text("utf-8")).items()}


def cases(name: str) -> list[dict[str, Any]]:
    """The lines of one set: id, product, lang, type, expect, text."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines() if line]


def judged(name: str) -> list[tuple[dict[str, Any], Ledger]]:
    """Every case of a set with what the ledger says."""
    known = products()
    return [(case, check(case["text"], known[case["product"]], case["lang"])) for case in cases(name)]


def tally(results: list[tuple[dict[str, Any], Ledger]], by: str) -> dict[str, tuple[int, int, int, int]]:
    """Key -> (lies, lies flagged, truths, truths flagged)."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for case, ledger in results:
        is_lie, is_flagged = case["expect"] in LIES, not ledger.is_clean
        for key in (str(case[by]), "all"):
            rows[key][0 if is_lie else 2] += 1
            rows[key][1 if is_lie else 3] += is_flagged
    return {key: (a, b, c, d) for key, (a, b, c, d) in sorted(rows.items())}


def milliseconds(name: str) -> list[float]:
    """Time of each text, after one warm-up round."""
    known, spent = products(), []
    for case in cases(name):
        started = time.perf_counter()
        check(case["text"], known[case["product"]], case["lang"])
        spent.append(1_000 * (time.perf_counter() - started))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", default="planted", choices=["planted", "heldout"])
    parser.add_argument("--misses", action="store_true", help="print every case that went wrong")
    given = parser.parse_args()
    results = judged(given.file)
    for by in ("type", "lang"):
        print(f"{by:16} lies  recall  truths  wrongly flagged  precision")
        for key, (lies, caught, truths, wrong) in tally(results, by).items():
            recall = f"{caught / lies:6.3f}" if lies else "     -"
            precision = f"{caught / (caught + wrong):6.3f}" if caught + wrong else "     -"
            print(f"{key:16} {lies:4}  {recall}  {truths:6}  {wrong:15}  {precision}")
        print()
    exact = [case["expect"] == ledger.verdict.value for case, ledger in results if case["expect"] in LIES[:2]]
    print(f"contradicted or unsupported told apart as expected: {statistics.mean(exact):.3f}")
    spent = sorted(milliseconds(given.file))
    print(f"ms per text: median {statistics.median(spent):.2f}, 95 % {spent[int(0.95 * len(spent))]:.2f}")
    if given.misses:
        for case, ledger in results:
            if (case["expect"] in LIES) == ledger.is_clean:
                print(case["id"], case["product"], case["expect"], repr(case["text"]))
                for c in ledger.claims:
                    print("      ", c.verdict.value, c.type, repr(c.text), c.evidence or c.reason)


if __name__ == "__main__":
    main()
