"""How well and how fast the claim ledger tells truth from invention: ``python tests/benchmarks/bench_ledger.py``.

Two yardsticks. *Texts*: a text is flagged when its overall verdict is contradicted or unsupported; recall is how many
of the texts that hold a lie are flagged, precision how many of the flagged ones hold one. *Claims*, for sets whose
cases carry ``labels`` ([words, type, verdict] each): a labelled lie is caught when a flagged claim overlaps its words,
a flagged claim is right when it overlaps a labelled lie. ``--file blind`` reads one set, ``--misses`` prints what went
wrong.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from service.copy.ledger import check
from service.domain import Claim, Ledger, Product, Verdict
from service.products import parse_product

DATA = Path(__file__).parent.parent / "data" / "claims"
SETS = ("planted", "heldout", *("blind", *(f"blind{n}" for n in range(2, 10))))
LIES = ("contradicted", "unsupported", "flagged")
FLAGGED = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)
Judged = tuple[dict[str, Any], Ledger]


def products() -> dict[str, Product]:
    """Every set's products by id."""
    found: dict[str, Product] = {}
    for path in sorted(DATA.glob("*products.json")):
        found |= {id: parse_product(row) for id, row in json.loads(path.read_text("utf-8")).items()}
    return found


def cases(name: str) -> list[dict[str, Any]]:
    """The lines of one set: id, product, lang, type, expect, text and, in the blind sets, labels."""
    path = DATA / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line] if path.exists() else []


def judged(names: Iterable[str]) -> list[Judged]:
    """Every case of the sets with what the ledger says."""
    known = products()
    return [(case, check(case["text"], known[case["product"]], case["lang"])) for n in names for case in cases(n)]


def tally(results: Sequence[Judged], by: str) -> dict[str, tuple[int, int, int, int]]:
    """Key -> (texts with a lie, of them flagged, texts without, of them flagged)."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for case, ledger in results:
        is_lie, is_flagged = case["expect"] in LIES, not ledger.is_clean
        for key in (str(case[by]), "all"):
            rows[key][0 if is_lie else 2] += 1
            rows[key][1 if is_lie else 3] += is_flagged
    return {key: (a, b, c, d) for key, (a, b, c, d) in sorted(rows.items())}


def _labelled_spans(case: dict[str, Any]) -> list[tuple[int, int, str, str]]:
    spans, from_here = [], 0
    for words, type, verdict in case["labels"]:
        start = case["text"].find(words, from_here)
        start = start if start >= 0 else case["text"].index(words)
        from_here = start
        spans.append((start, start + len(words), type, verdict))
    return spans


def _overlaps(claim: Claim, span: tuple[int, int, str, str]) -> bool:
    return claim.start < span[1] and span[0] < claim.end


def tally_claims(results: Sequence[Judged]) -> dict[str, tuple[int, int, int, int]]:
    """Type -> (labelled lies, caught, flagged claims, of them wrong: these under the ledger's own type)."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for case, ledger in results:
        if "labels" not in case:
            continue
        flagged = [c for c in ledger.claims if c.verdict in FLAGGED]
        lies = [s for s in _labelled_spans(case) if s[3] in LIES]
        for lie in lies:
            for key in (lie[2], "all"):
                rows[key][0] += 1
                rows[key][1] += any(_overlaps(c, lie) for c in flagged)
        for claim in flagged:
            met = [s for s in lies if _overlaps(claim, s)]
            for key in (met[0][2] if met else claim.type, "all"):
                rows[key][2] += 1
                rows[key][3] += not met
    return {key: (a, b, c, d) for key, (a, b, c, d) in sorted(rows.items())}


def milliseconds(names: Iterable[str]) -> list[float]:
    """Processor time of each text, after everything has been read once (wall time follows the load of the machine)."""
    known, spent = products(), []
    for name in names:
        for case in cases(name):
            started = time.process_time()
            check(case["text"], known[case["product"]], case["lang"])
            spent.append(1_000 * (time.process_time() - started))
    return spent


def _print_texts(results: Sequence[Judged], by: str) -> None:
    print(f"texts by {by:9} lies  recall  truths  wrongly flagged  precision")
    for key, (lies, caught, truths, wrong) in tally(results, by).items():
        recall = f"{caught / lies:6.3f}" if lies else "     -"
        precision = f"{caught / (caught + wrong):6.3f}" if caught + wrong else "     -"
        print(f"{key:17} {lies:5}  {recall}  {truths:6}  {wrong:15}  {precision}")
    print()


def _print_claims(results: Sequence[Judged]) -> None:
    rows = tally_claims(results)
    if not rows:
        return
    print("claims by type     lies  recall  flagged  wrongly  precision")
    for key, (lies, caught, flagged, wrong) in rows.items():
        recall = f"{caught / lies:6.3f}" if lies else "     -"
        precision = f"{1 - wrong / flagged:6.3f}" if flagged else "     -"
        print(f"{key:17} {lies:5}  {recall}  {flagged:7}  {wrong:7}  {precision}")
    print()


def _print_misses(results: Sequence[Judged]) -> None:
    for case, ledger in results:
        flagged = [c for c in ledger.claims if c.verdict in FLAGGED]
        lies = [s for s in _labelled_spans(case) if s[3] in LIES] if "labels" in case else []
        missed = [s for s in lies if not any(_overlaps(c, s) for c in flagged)]
        wrong = [c for c in flagged if "labels" in case and not any(_overlaps(c, s) for s in lies)]
        if (case["expect"] in LIES) != ledger.is_clean and not missed and not wrong:
            continue
        print(f"{case['id']} {case['product']} expects {case['expect']}: {case['text']!r}")
        for start, end, type, verdict in missed:
            print(f"      MISSED {type} {case['text'][start:end]!r} ({verdict})")
        for c in ledger.claims:
            print("      ", "WRONG" if c in wrong else "     ", c.verdict.value, c.type, repr(c.text), "|", c.evidence or c.reason)  # fmt: skip  # noqa: E501


def main() -> None:
    """Print the tables of one set, or of each and of all together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", choices=SETS, help="one set only")
    parser.add_argument("--misses", action="store_true", help="print every case that went wrong")
    given = parser.parse_args()
    names = [given.file] if given.file else [n for n in SETS if cases(n)]
    for name in names:
        results = judged([name])
        lies, caught, _, wrong = tally(results, "type")["all"]
        print(f"{name}: {len(results)} texts, recall {caught / lies:.3f}, precision {caught / (caught + wrong):.3f}")
    print()
    results = judged(names)
    for by in ("type", "lang"):
        _print_texts(results, by)
    _print_claims(results)
    told = [case["expect"] == ledger.verdict.value for case, ledger in results if case["expect"] in LIES[:2]]
    print(f"contradicted or unsupported told apart as expected: {statistics.mean(told):.3f}")
    spent = sorted(milliseconds(names))
    print(f"ms per text: median {statistics.median(spent):.2f}, 95 % {spent[int(0.95 * len(spent))]:.2f}")
    if given.misses:
        _print_misses(results)


if __name__ == "__main__":
    main()
