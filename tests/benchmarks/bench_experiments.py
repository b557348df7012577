"""The table of what a creative bandit should reach, with our numbers beside the targets.

    python tests/benchmarks/bench_experiments.py --seeds 10
    python tests/benchmarks/bench_experiments.py --only regret --scenarios k10 combos --seeds 4
    python tests/benchmarks/bench_experiments.py --only validity --replications 1000
    python tests/benchmarks/bench_experiments.py --only speed

Everything runs in one thread. `--json FILE` keeps the numbers of every seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import (
    Cohort,
    Counts,
    Event,
    decide,
    decide_many,
    make_panel,
    make_table,
    tally,
)
from experiments.lift import debiased_rates, lifts_over_arm
from experiments.sequential import rate_log_e
from experiments.simulate import BATCH, SCENARIOS, Scenario, SimulationResult, World, make_world, run, simulate
from experiments.srm import sample_ratio_log_e, sample_ratio_p

Floats = NDArray[np.float64]


@dataclass
class Textbook:
    """Beta(1, 1) Thompson sampling in batches, each segment for itself: what most packages do."""

    world: World
    seed: int
    won: Floats = field(init=False)
    lost: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.won, self.lost = np.ones(self.world.at(0).shape), np.ones(self.world.at(0).shape)

    def serve(self, batch: int) -> Floats:
        rng = np.random.default_rng([self.seed, batch, 3])
        draws = rng.beta(self.won, self.lost, (BATCH, *self.won.shape)).argmax(axis=2)
        return np.stack([np.bincount(row, minlength=self.won.shape[1]) / BATCH for row in draws.T])

    def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
        self.won, self.lost = self.won + clicked, self.lost + shown - clicked

    def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
        self.won, self.lost = self.won + clicked, np.maximum(self.lost - clicked, 1.0)


@dataclass
class ByComponent:
    """One textbook Thompson sampling per factor, blind to combinations."""

    world: World
    seed: int
    won: list[Floats] = field(init=False)
    lost: list[Floats] = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = [len(factor.levels) for factor in self.world.experiment.factors]
        self.won, self.lost = [np.ones(n) for n in self.sizes], [np.ones(n) for n in self.sizes]

    def serve(self, batch: int) -> Floats:
        rng = np.random.default_rng([self.seed, batch, 3])
        share = np.ones(1)
        for won, lost, n in zip(self.won, self.lost, self.sizes, strict=True):
            wins = np.bincount(rng.beta(won, lost, (BATCH, n)).argmax(axis=1), minlength=n) / BATCH
            share = np.outer(share, wins).ravel()  # components are drawn independently
        return share[None]

    def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
        for axis, n in enumerate(self.sizes):
            other = tuple(i for i in range(len(self.sizes)) if i != axis)
            won = clicked.reshape(self.sizes).sum(axis=other)
            self.won[axis] = self.won[axis] + won
            self.lost[axis] = self.lost[axis] + shown.reshape(self.sizes).sum(axis=other).reshape(n) - won

    def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
        raise NotImplementedError


def mabwiser_thompson(world: World, seed: int) -> Any:
    """mabwiser's Thompson sampling over the flat arms, when the package is installed."""
    from mabwiser.mab import MAB, LearningPolicy

    class Peer:
        def __init__(self) -> None:
            self.n_segments, self.n_arms = world.at(0).shape
            self.mabs = [
                MAB(list(range(self.n_arms)), LearningPolicy.ThompsonSampling(), seed=seed + s)
                for s in range(self.n_segments)
            ]
            for mab in self.mabs:
                mab.fit(list(range(self.n_arms)), [0] * self.n_arms)

        def serve(self, batch: int) -> Floats:
            return np.stack(
                [np.bincount([mab.predict() for _ in range(BATCH)], minlength=self.n_arms) / BATCH for mab in self.mabs]
            )

        def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
            for s, mab in enumerate(self.mabs):
                arm = np.repeat(np.arange(self.n_arms), shown[s].astype(int))
                reward = np.concatenate(
                    [np.r_[np.ones(int(c)), np.zeros(int(n - c))] for n, c in zip(shown[s], clicked[s], strict=True)]
                )
                mab.partial_fit(arm.tolist(), reward.tolist())

        def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
            self.learn(batch, clicked, clicked)

    return Peer()


def regret_rows(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Relative regret of the default policy in every scenario, and of the peers asked for."""
    rows: list[dict[str, Any]] = []
    for name in args.scenarios or [name for name, scenario in SCENARIOS.items() if scenario.target is not None]:
        scenario = SCENARIOS[name]
        seeds = range(args.first_seed, args.first_seed + args.seeds)
        report(rows, scenario, "adloom", [run(scenario, seed=seed, floor=args.floor) for seed in seeds])
        for peer in args.peers:
            if peer == "by-component" and not name.startswith("combos"):
                continue
            results = [
                simulate(scenario, make_world(scenario, s), PEERS[peer](make_world(scenario, s), s), peer, s)
                for s in seeds
            ]
            report(rows, scenario, peer, results)
    return rows


PEERS: dict[str, Callable[[World, int], Any]] = {
    "textbook": Textbook,
    "by-component": ByComponent,
    "mabwiser": mabwiser_thompson,
}


def report(rows: list[dict[str, Any]], scenario: Scenario, policy: str, results: list[SimulationResult]) -> None:
    regret = np.array([result.relative_regret for result in results])
    uplift = np.median([result.uplift_rel for result in results])
    oracle = np.median([result.oracle_uplift_rel for result in results])
    target = scenario.target or float("nan")
    verdict = "" if policy != "adloom" else ("reached" if regret.mean() <= target else "missed")
    print(
        f"{scenario.name:14} {policy:13} regret {regret.mean():.3f} (se {regret.std() / len(regret) ** 0.5:.3f}, "
        f"{regret.min():.2f} to {regret.max():.2f}, {len(regret)} seeds)  target {target:.2f} {verdict:8} "
        f"uplift {uplift:+.0%} of {oracle:+.0%}  {np.mean([r.seconds for r in results]):.0f} s a run",
        flush=True,
    )
    rows.append(
        {
            "scenario": scenario.name,
            "policy": policy,
            "regret": regret.tolist(),
            "target": target,
            "runs": [asdict(result) for result in results],
        }
    )


# Validity -----------------------------------------------------------------------------------------------------------

LOOKS = 50


def by_draws(shown: Floats, clicked: Floats, rng: np.random.Generator) -> Floats:
    """Thompson weights by 400 draws: rough, fast, and exact as propensities, for the batch is drawn from them."""
    draws = rng.beta(1.0 + clicked, 50.0 + shown - clicked, (400, shown.size)).argmax(axis=1)
    return np.bincount(draws, minlength=shown.size) / 400


def moved_log(rates: Floats, floor: float, seed: int, moves: bool) -> list[Cohort]:
    """50 batches of 1,000, weights by Thompson sampling or equal."""
    rng = np.random.default_rng([seed, 11])
    size = rates.size
    arms = tuple(f"arm-{k}" for k in range(size))
    shown, clicked, cohorts = np.zeros(size), np.zeros(size), []
    for batch in range(LOOKS):
        best = by_draws(shown, clicked, rng) if moves else np.full(size, 1.0 / size)
        e = floor / size + (1.0 - floor) * best
        n = rng.multinomial(BATCH, e / e.sum()).astype(np.float64)
        c = rng.binomial(n.astype(int), rates).astype(np.float64)
        cohorts.append(Cohort(batch + 1, "all", float(batch), arms, e, n, n, c, c, c))
        shown, clicked = shown + n, clicked + c
    return cohorts


def naive_lift(cohorts: list[Cohort]) -> tuple[float, float]:
    """Difference of the sample rates of arm 1 and arm 0, and its Wald half-width."""
    n, c = sum(x.shown for x in cohorts), sum(x.clicked for x in cohorts)
    p = c / np.maximum(n, 1.0)
    spread = p * (1.0 - p) / np.maximum(n, 1.0)
    return float(p[1] - p[0]), float(1.96 * np.sqrt(spread[0] + spread[1]))


def validity_case(name: str, rates: Floats, floor: float, moves: bool, args: argparse.Namespace) -> dict[str, Any]:
    """Coverage at the end, ever wrong over 50 looks, widths against naive, bias of the losing arms."""
    truth = rates[1] / rates[0] - 1.0
    arms = [f"arm-{k}" for k in range(rates.size)]
    ever = covered = exact_ever = naive_ever = 0
    widths, debiased, sampled = [], [], []
    for replication in range(args.replications):
        cohorts = moved_log(rates, floor, args.first_seed + replication, moves)
        wrong = exact_wrong = naive_wrong = False
        for look in range(1, LOOKS + 1):
            panel = make_panel(cohorts[:look], arms)
            lift = lifts_over_arm(panel, "arm-0", tuned_n=float(LOOKS * BATCH))[1]
            wrong |= not lift.sequence.covers(truth)
            c0, n0 = sum(x.clicked[0] for x in cohorts[:look]), sum(x.shown[0] for x in cohorts[:look])
            exact_wrong |= float(rate_log_e(float(c0), float(n0), rates[0])) >= np.log(20.0)
            gap, half = naive_lift(cohorts[:look])
            naive_wrong |= half > 0.0 and abs(gap - (rates[1] - rates[0])) > half
        rate = debiased_rates(panel)
        gap, half = naive_lift(cohorts)
        ever, exact_ever, naive_ever = ever + wrong, exact_ever + exact_wrong, naive_ever + naive_wrong
        covered += lift.interval.covers(truth)
        widths.append(lift.sequence.width / (2.0 * half / rates[0]))
        debiased.append([rate[k][0] for k in range(rates.size)])
        n, c = sum(x.shown for x in cohorts), sum(x.clicked for x in cohorts)
        sampled.append(c / np.maximum(n, 1.0))
    n = args.replications
    finite = np.array([w for w in widths if np.isfinite(w)])
    error = np.std(debiased, axis=0) / n**0.5 / rates
    row = {
        "case": name,
        "sequence ever wrong": ever / n,
        "naive ever wrong": naive_ever / n,
        "exact rate sequence ever wrong": exact_ever / n,
        "95 % interval covers at the end": covered / n,
        "median width of sequence / naive": float(np.median(finite)),
        "bias of debiased rates": (np.mean(debiased, axis=0) / rates - 1.0).round(4).tolist(),
        "its standard error": error.round(4).tolist(),
        "bias of sample means": (np.mean(sampled, axis=0) / rates - 1.0).round(4).tolist(),
    }
    print(json.dumps(row), flush=True)
    return row


def validity_rows(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Statistical promises, by replication."""
    same, better = np.full(3, 0.02), np.array([0.02, 0.02, 0.024])
    rows = [
        validity_case("A/A, fixed split, 2 arms", np.full(2, 0.02), 0.0, False, args),
        validity_case("bandit, A/A, floor 5 %", same, 0.05, True, args),
        validity_case("bandit, one arm +20 %, floor 5 %", better, 0.05, True, args),
    ]
    rows.append(ratio_case(args))
    return rows


def ratio_case(args: argparse.Namespace) -> dict[str, Any]:
    """False alarms and power of the sample-ratio checks while weights move, 10 arms."""
    hits: dict[str, list[bool]] = {"e-process": [], "chi-square at the end": []}
    power: dict[str, list[bool]] = {"e-process": [], "chi-square at the end": []}
    rates = np.full(10, 0.02)
    rates[0] *= 1.2
    for replication in range(args.replications):
        for kept, found in ((1.0, hits), (0.95, power)):
            rng = np.random.default_rng([args.first_seed + replication, 13])
            shown, clicked = np.zeros(10), np.zeros(10)
            all_shown, all_served = [], []
            for _ in range(LOOKS):
                e = 0.005 + 0.95 * by_draws(shown, clicked, rng)
                n = rng.multinomial(BATCH, e / e.sum())
                n[0] = rng.binomial(n[0], kept)  # impressions of the best arm get lost
                c = rng.binomial(n, rates)
                all_shown.append(n.astype(np.float64))
                all_served.append(e)
                shown, clicked = shown + n, clicked + c
            s, p = np.array(all_shown), np.array(all_served)
            found["e-process"].append(bool(sample_ratio_log_e(s, p).max() >= np.log(100.0)))
            found["chi-square at the end"].append(sample_ratio_p(s, p) < 0.01)
    row = {
        "case": "sample ratio, 10 arms, alarm at 1 %",
        "false alarms": {name: float(np.mean(found)) for name, found in hits.items()},
        "power at 5 % loss in one arm": {name: float(np.mean(found)) for name, found in power.items()},
    }
    print(json.dumps(row), flush=True)
    return row


# Speed --------------------------------------------------------------------------------------------------------------


def speed_rows(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Decisions and feedback events per second of processor time, in process, one core."""
    world = make_world(SCENARIOS["combos"], 0)
    rng = np.random.default_rng(0)
    wanted = rng.dirichlet(np.full(1_200, 0.1))
    table = make_table(world.experiment, {"all": wanted}, version=1, time=0.0)
    uniforms = rng.random(200_000).tolist()
    rows = []

    def timed(name: str, n: int, target: float, work: Callable[[], object]) -> None:
        best = float("inf")
        for _ in range(args.repeats):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
        rows.append({"what": name, "per_second": n / best, "target": target})
        print(f"{name:58} {n / best:14,.0f} / s   target {target:,.0f}", flush=True)

    def one_by_one() -> None:
        for uniform in uniforms:
            decide(table, uniform, decision_id="d", now=1.0)

    timed("decide, 1,200 combinations, a Decision each", len(uniforms), 200_000, one_by_one)
    many = rng.random(1_000_000)
    timed("decide_many, 1,200 combinations", many.size, 200_000, lambda: decide_many(table, many))
    counts = Counts.empty(table.arms)
    segment = np.zeros(1_000, dtype=np.int64)
    arm = rng.integers(0, 1_200, (1_000, 1_000))
    clicked = (rng.random((1_000, 1_000)) < 0.02).astype(np.float64)

    def feed() -> None:
        total = counts
        for i in range(1_000):
            total = total.add(segment, arm[i], clicked[i])

    timed("feedback events, batches of 1,000", 1_000_000, 1_500_000, feed)
    decisions = [decide(table, u, decision_id=str(i), now=float(i)) for i, u in enumerate(uniforms[:100_000])]
    events = [Event(f"e{i}", str(i), "clicked", 1.0, float(i) + 1.0) for i in range(0, 100_000, 40)]
    timed("tally of Decision and Event objects", 102_500, 100_000, lambda: tally(decisions, events, {1: table}))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", choices=("regret", "validity", "speed"), nargs="*", default=["regret", "validity", "speed"]
    )
    parser.add_argument("--scenarios", nargs="*", choices=sorted(SCENARIOS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--floor", type=float, default=0.05)
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=[])
    parser.add_argument("--replications", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found: dict[str, Any] = {}
    for name, make in (("speed", speed_rows), ("regret", regret_rows), ("validity", validity_rows)):
        if name in args.only:
            found[name] = make(args)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
