"""Fits the uncertainty of cut-outs to real errors, on photographs with known alpha.

    python -m models.training.calibrate_matting --collect runs/cal/packshot.jsonl --backend packshot --seeds 11 12 13
    python -m models.training.calibrate_matting --collect runs/cal/isnet.jsonl --backend isnet --seeds 11
    python -m models.training.calibrate_matting --fit runs/cal/packshot.jsonl runs/cal/isnet.jsonl \\
        --out models/matting/calibration.json

Collecting takes 2 CPU-seconds a photograph for packshot, 8 for IS-Net; it adds to a file and leaves out what is there.
The model is the smallest that can rank: a logistic curve over the signs of ``models/matting/sureness.py``, every weight
at least 0 (a sign can only raise the doubt), drawn to 0 by a ridge. The figures in the file are cross-validated: each
product is judged by weights that never saw it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import spearmanr

from models.errors import NoProductFound
from models.matting.sureness import Signs
from models.registry import matting_model
from models.types import REVIEW_ABOVE

from . import matting_set

NAMES = tuple(field.name for field in fields(Signs))
FAMILY = {"packshot": "packshot", "isnet": "network", "birefnet": "network"}
RIDGE = 0.003
BAD_WEIGHT = 1.6  # a bad cut-out that goes out costs more than a good one that is looked at
CEILING = -1.5  # of the offset: a cut-out without any sign is at most .18
Numbers = NDArray[np.float64]


def collect(backend: str, seeds: Sequence[int], per_class: int, into: Path) -> None:
    """One JSON line a photograph: signs and errors."""
    into.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["seed"], row["name"]) for row in _read([into])} if into.exists() else set()
    matting = matting_model(backend)
    with into.open("a") as out:
        for seed in seeds:
            for case in matting_set.cases(seed, per_class):
                if (seed, case.name) in done:
                    continue
                started = time.process_time()
                row: dict[str, Any] = {"seed": seed, "name": case.name, "backend": backend, "product": case.product,
                                       "class": case.of_class}  # fmt: skip
                try:
                    cut = matting.cut_out(case.photo)
                except NoProductFound as refusal:
                    row["refused"] = refusal.reason
                else:
                    row["signs"] = dict(cut.provenance.settings["signs"])
                    row["errors"] = asdict(matting_set.errors(case, cut.alpha, cut.foreground))
                row["cpu_s"] = round(time.process_time() - started, 2)
                out.write(json.dumps(row) + "\n")
                out.flush()
                print(row["name"], row.get("refused") or f"fault {row['errors']['fault']:.2f}", flush=True)


def fit(files: Sequence[Path]) -> dict[str, Any]:
    """The table of ``calibration.json``."""
    rows = [row for row in _read(files) if "errors" in row]
    families = {}
    for family in sorted({FAMILY[row["backend"]] for row in rows}):
        mine = [row for row in rows if FAMILY[row["backend"]] == family]
        x = np.array([[row["signs"].get(name, 0.0) for name in NAMES] for row in mine])
        fault = np.array([row["errors"]["fault"] for row in mine])
        groups = np.array([row["product"] for row in mine])
        judged = np.zeros(len(mine))
        for product in np.unique(groups):
            held = groups == product
            judged[held] = _probability(x[held], *_weights(x[~held], fault[~held] >= 1.0))
        offset, weights = _weights(x, fault >= 1.0)
        families[family] = {
            "offset": round(offset, 4),
            "weights": {name: round(float(w), 4) for name, w in zip(NAMES, weights, strict=True) if w > 1e-3},
            "measured": _measured(judged, fault),
        }
    return {
        "made_by": "python -m models.training.calibrate_matting --fit ... (its docstring has the whole command)",
        "bad": "fault >= 1 of matting_set.errors: a blob of 1.5 % of the product is wrong, or 4 % of its area in all",
        "families": families,
    }


def _weights(x: Numbers, bad: NDArray[np.bool_]) -> tuple[float, Numbers]:
    cost = np.where(bad, BAD_WEIGHT, 1.0)

    def loss(theta: Numbers) -> tuple[float, Numbers]:
        score = theta[0] + x @ theta[1:]
        probability = 1.0 / (1.0 + np.exp(-score))
        value = np.mean(cost * np.logaddexp(0.0, np.where(bad, -score, score))) + 0.5 * RIDGE * np.sum(theta[1:] ** 2)
        slope = cost * (probability - bad) / len(bad)
        return float(value), np.concatenate([[slope.sum()], x.T @ slope + RIDGE * theta[1:]])

    start = np.concatenate([[-1.0], np.full(x.shape[1], 0.5)])
    bounds = [(-4.0, CEILING), *[(0.0, 12.0)] * x.shape[1]]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return float(found.x[0]), np.asarray(found.x[1:])


def _probability(x: Numbers, offset: float, weights: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-(offset + x @ weights))))


def _measured(judged: Numbers, fault: Numbers) -> dict[str, float]:
    """How well held-out products are ranked."""
    bad = fault >= 1.0
    flagged = judged > REVIEW_ABOVE
    return {
        "photographs": len(fault),
        "bad": int(bad.sum()),
        "spearman": round(float(spearmanr(judged, fault).statistic), 3),
        "bad_caught": round(float(flagged[bad].mean()) if bad.any() else 1.0, 3),
        "good_sent_to_review": round(float(flagged[~bad].mean()) if (~bad).any() else 0.0, 3),
        "bad_among_passed": round(float(bad[~flagged].mean()) if (~flagged).any() else 0.0, 3),
    }


def _read(files: Sequence[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collect", type=Path)
    parser.add_argument("--backend", default="packshot", choices=sorted(FAMILY))
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--fit", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.collect:
        collect(options.backend, options.seeds, options.per_class, options.collect)
    if options.fit:
        table = fit(options.fit)
        text = json.dumps(table, indent=1) + "\n"
        if options.out:
            options.out.write_text(text, "utf-8")
        print(text)


if __name__ == "__main__":
    main()
