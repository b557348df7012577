"""How well the rule packs tell texts apart, and how fast.

    python tests/benchmarks/bench_rules.py                    # all three sets, each labelled before its first run
    python tests/benchmarks/bench_rules.py --file my.jsonl    # texts of your own
    python tests/benchmarks/bench_rules.py --misses           # also every text judged otherwise than labelled

*Caught* is a text that is not passed (block or warn). Precision: of the texts that were caught, how many should have
been; recall: of the texts that should have been, how many were. The same for *blocked*. Time is processor time of this
process for one text, with rewrites, after one round to compile the packs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.copy.rules import Ruling, check
from service.products import parse_product

FOLDER = Path(__file__).parents[1] / "data" / "rules"
SETS = ("heldout", "blind", "blind2", "blind3")


@dataclass(frozen=True, slots=True)
class Judged:
    row: dict[str, Any]
    ruling: Ruling
    seconds: float


def judge(row: dict[str, Any]) -> Judged:
    product = parse_product({"title": "x", **row["product"]}) if row.get("product") else None
    start = time.process_time()
    ruling = check(
        row["text"],
        market=row["market"],
        channel=row.get("channel"),
        field=row.get("field"),
        language=row.get("lang"),
        category=row.get("category"),
        product=product,
    )
    return Judged(row, ruling, time.process_time() - start)


def rates(pairs: Iterable[tuple[bool, bool]]) -> tuple[float, float, int]:
    """Precision, recall and the number that should be found, from (should, was)."""
    told = list(pairs)
    both = sum(should and was for should, was in told)
    found, wanted = sum(was for _, was in told), sum(should for should, _ in told)
    return both / found if found else 1.0, both / wanted if wanted else 1.0, wanted


def report(name: str, judged: Sequence[Judged]) -> None:
    caught = rates((j.row["verdict"] != "pass", j.ruling.verdict != "pass") for j in judged)
    blocked = rates((j.row["verdict"] == "block", j.ruling.verdict == "block") for j in judged)
    same = sum(j.row["verdict"] == j.ruling.verdict for j in judged) / len(judged)
    figures = (*caught[:2], *blocked[:2], same)
    print(f"{name:14} {len(judged):5} " + " ".join(f"{figure:9.3f}" for figure in figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, help="lines {market, text, verdict, ...}")
    parser.add_argument("--misses", action="store_true", help="print what was judged otherwise")
    options = parser.parse_args()
    files = [options.file] if options.file else [FOLDER / f"{name}.jsonl" for name in SETS]
    sets = {file.stem: [json.loads(line) for line in file.read_text("utf-8").splitlines() if line] for file in files}
    for row in (row for rows in sets.values() for row in rows):
        judge(row)  # packs are compiled on first use
    by_set = {name: [judge(row) for row in rows] for name, rows in sets.items()}
    judged = [j for some in by_set.values() for j in some]
    print(f"{'':14} {'texts':>5} {'prec.':>9} {'recall':>9} {'prec.':>9} {'recall':>9} {'same':>9}")
    print(f"{'':14} {'':5} {'caught':>9} {'caught':>9} {'blocked':>9} {'blocked':>9} {'verdict':>9}")
    for name, some in by_set.items():
        report(name, some)
    for market in dict.fromkeys(j.row["market"] for j in judged):
        report(f"  {market}", [j for j in judged if j.row["market"] == market])
    report("  with channel", [j for j in judged if j.row.get("channel")])
    milliseconds = sorted(j.seconds * 1e3 for j in judged)
    n = len(milliseconds)
    mean = statistics.fmean(milliseconds)
    print(
        f"mean {mean:.2f} ms, median {milliseconds[n // 2]:.2f}, 95 % below {milliseconds[int(n * 0.95)]:.2f} ms a text"
    )
    if options.misses:
        for j in judged:
            if j.row["verdict"] != j.ruling.verdict:
                found = [(b.rule, b.text, b.severity) for b in j.ruling.findings]
                print(j.row["id"], j.row["market"], f"{j.row['verdict']} -> {j.ruling.verdict}:", j.row["text"], found)


if __name__ == "__main__":
    main()
