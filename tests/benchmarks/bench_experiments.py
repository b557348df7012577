"""The table of what a creative bandit should reach, with our numbers beside the targets.

    python tests/benchmarks/bench_experiments.py --out table.json
    python tests/benchmarks/bench_experiments.py --out table.json --only regret --scenarios k10 combos --seeds 40
    python tests/benchmarks/bench_experiments.py --only validity --replications 4000
    python tests/benchmarks/bench_experiments.py --only regret --peers textbook mabwiser-ts mabwiser-ucb1 --seeds 3

Everything runs in one thread. With `--out` every finished run is kept there and not done again: a stopped table goes on
where it was (delete the file after a change of the code).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from experiments import (
    Cohort,
    Counts,
    Event,
    asymptotic_multiplier,
    decide,
    decide_many,
    make_panel,
    make_table,
    tally,
)
from experiments.lift import BURN_IN_CLICKS, debiased_rates, lifts_over_arm
from experiments.offpolicy import Logged, estimate
from experiments.sequential import rate_log_e
from experiments.simulate import BATCH, SCENARIOS, Scenario, World, make_world, run, simulate
from experiments.srm import sample_ratio_log_e, sample_ratio_p

Floats = NDArray[np.float64]
REFERENCE = Path(__file__).parents[1] / "experiments" / "data" / "obd_small.json"


class Kept:
    """Finished pieces by name, in a file when one is given; says how far a part is and how long it may take."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, Any] = json.loads(path.read_text()) if path is not None and path.exists() else {}
        self._said = time.monotonic()

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self.found:
            self.found[name] = make()
            if self.path is not None:
                self.path.write_text(json.dumps(self.found))
        return self.found[name]

    def say(self, what: str, done: int, n: int, started: float) -> None:
        now = time.monotonic()
        if now - self._said > 2.0 and done:
            self._said = now
            left = (now - started) / done * (n - done)
            print(f"  {what}: {done} of {n}, about {left / 60.0:.1f} min left", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    row: str
    target: str
    ours: str
    reached: bool | None  # None: nothing to reach

    def __str__(self) -> str:
        open_ = "within chance" if self.target else ""
        verdict = {True: "reached", False: "MISSED", None: open_}[self.reached]
        return f"{self.row:62} {self.target:>16}  {self.ours:44} {verdict}"


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


def mabwiser_peer(policy: str) -> Callable[[World, int], Any]:
    """A policy of mabwiser over the flat arms (one bandit a segment), fed in batches as it is in production."""

    def make(world: World, seed: int) -> Any:
        from mabwiser.mab import MAB, LearningPolicy

        rules = {"ts": LearningPolicy.ThompsonSampling(), "ucb1": LearningPolicy.UCB1(alpha=0.05)}
        rules["egreedy"] = LearningPolicy.EpsilonGreedy(epsilon=0.1)
        n_segments, n_arms = world.at(0).shape
        mabs = [MAB(list(range(n_arms)), rules[policy], seed=seed + s) for s in range(n_segments)]
        for mab in mabs:
            mab.fit(list(range(n_arms)), [0] * n_arms)

        class Peer:
            def serve(self, batch: int) -> Floats:
                n = 1 if policy == "ucb1" else BATCH  # deterministic between two updates
                picks = [[mab.predict() for _ in range(n)] for mab in mabs]
                return np.stack([np.bincount(row, minlength=n_arms) / n for row in picks])

            def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
                for s, mab in enumerate(mabs):
                    n, c = shown[s].astype(int), clicked[s].astype(int)
                    arm = np.concatenate([np.repeat(np.arange(n_arms), c), np.repeat(np.arange(n_arms), n - c)])
                    reward = np.r_[np.ones(int(c.sum())), np.zeros(int((n - c).sum()))]
                    mab.partial_fit(arm.tolist(), reward.tolist())

            def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
                self.learn(batch, clicked, clicked)

        return Peer()

    return make


PEERS: dict[str, Callable[[World, int], Any]] = {
    "textbook": Textbook,
    "by-component": ByComponent,
    "mabwiser-ts": mabwiser_peer("ts"),
    "mabwiser-ucb1": mabwiser_peer("ucb1"),
    "mabwiser-egreedy": mabwiser_peer("egreedy"),
}


# Regret -------------------------------------------------------------------------------------------------------------


def regret_rows(args: argparse.Namespace, kept: Kept) -> list[Line]:
    """Relative regret of the recommended policy in every scenario, and of the peers asked for."""
    names = args.scenarios or [name for name, scenario in SCENARIOS.items() if scenario.target is not None]
    work = [(name, policy, floor) for name in names for policy, floor in _policies(args, name)]
    lines, started, done, n = [], time.monotonic(), 0, len(work) * args.seeds
    for name, policy, floor in work:
        scenario, results = SCENARIOS[name], []
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            key = f"{name}/{policy}/{floor}/{seed}"
            results.append(kept.get(key, lambda: _one(scenario, policy, seed, floor)))  # noqa: B023
            done += 1
            kept.say(f"{name} {policy}", done, n, started)
        lines.append(_regret_line(scenario, policy, floor, results))
        print(lines[-1], flush=True)
    return lines


def _policies(args: argparse.Namespace, scenario: str) -> list[tuple[str, float]]:
    wanted = [("adloom", floor) for floor in args.floors]
    for peer in args.peers:
        combined = scenario.startswith("combos")
        if peer != "by-component" or combined:
            wanted.append((peer, 0.0))
    return wanted


def _one(scenario: Scenario, policy: str, seed: int, floor: float) -> dict[str, Any]:
    if policy == "adloom":
        return asdict(run(scenario, seed=seed, floor=floor))
    world = make_world(scenario, seed)
    return asdict(simulate(scenario, world, PEERS[policy](world, seed), policy, seed))


def _regret_line(scenario: Scenario, policy: str, floor: float, results: list[dict[str, Any]]) -> Line:
    regret = np.array([result["relative_regret"] for result in results])
    uplift = np.median([result["uplift_rel"] for result in results])
    oracle = np.median([result["oracle_uplift_rel"] for result in results])
    error = regret.std(ddof=1) / len(regret) ** 0.5 if len(regret) > 1 else float("nan")
    is_ours = policy == "adloom" and scenario.target is not None
    ours = f"{regret.mean():.3f} (se {error:.3f}, n {len(regret)}); uplift {uplift:+.0%} of {oracle:+.0%}"
    return Line(
        f"{scenario.name}: {scenario.summary}; {policy}, floor {floor:.0%}"[:62],
        f"<= {scenario.target:.2f}" if is_ours else "",
        ours,
        bool(regret.mean() <= scenario.target) if is_ours and scenario.target is not None else None,
    )


# Validity -----------------------------------------------------------------------------------------------------------

LOOKS = 50


@dataclass(frozen=True)
class Case:
    """A world in which promises are checked: true rates of the arms, and whether traffic moves."""

    name: str
    rates: tuple[float, ...]
    floor: float
    moves: bool


CASES = (
    Case("A/A, equal split, 2 %", (0.02, 0.02), 0.0, False),
    Case("A/A, equal split, 0.5 %", (0.005, 0.005), 0.0, False),
    Case("bandit A/A, 3 arms at 2 %, floor 5 %", (0.02, 0.02, 0.02), 0.05, True),
    Case("bandit, one arm +20 %, floor 5 %", (0.02, 0.02, 0.024), 0.05, True),
    Case("bandit, one arm +20 %, floor 1 %", (0.02, 0.02, 0.024), 0.01, True),
    Case("bandit, one arm +20 %, rates of 0.5 %, floor 5 %", (0.005, 0.005, 0.006), 0.05, True),
    Case("bandit, 20 arms, one +20 %, floor 5 %", (*([0.02] * 19), 0.024), 0.05, True),
)


@dataclass
class Logs:
    """Logs of many replications; arrays are (R, looks, K)."""

    propensity: Floats
    shown: Floats
    clicked: Floats

    def cohorts(self, replication: int, looks: int) -> list[Cohort]:
        arms = tuple(f"arm-{k}" for k in range(self.shown.shape[2]))
        rows = zip(self.propensity[replication], self.shown[replication], self.clicked[replication], strict=True)
        return [Cohort(b + 1, "all", float(b), arms, e, n, n, c, c, c) for b, (e, n, c) in enumerate(rows) if b < looks]


def moved_logs(case: Case, replications: int, seed: int) -> Logs:
    """50 batches of 1,000; weights by batched Thompson sampling (400 draws, exact as propensities) or equal."""
    rng, rates = np.random.default_rng([seed, 11]), np.array(case.rates)
    shape = (replications, rates.size)
    shown, clicked = np.zeros(shape), np.zeros(shape)
    logs = Logs(*(np.zeros((replications, LOOKS, rates.size)) for _ in range(3)))
    for look in range(LOOKS):
        best = np.full(shape, 1.0 / rates.size)
        if case.moves:
            draws = rng.beta(1.0 + clicked, 50.0 + shown - clicked, (400, *shape)).argmax(axis=2)
            best = np.stack([(draws == k).mean(axis=0) for k in range(rates.size)], axis=1)
        e = case.floor / rates.size + (1.0 - case.floor) * best
        n = rng.multinomial(BATCH, e / e.sum(axis=1, keepdims=True)).astype(np.float64)
        c = rng.binomial(n.astype(np.int64), rates).astype(np.float64)
        logs.propensity[:, look], logs.shown[:, look], logs.clicked[:, look] = e, n, c
        shown, clicked = shown + n, clicked + c
    return logs


@dataclass
class Read:
    """What every look of every replication says about the lift of each arm over arm 0; (R, looks, K)."""

    rate: Floats  # debiased
    lift_low: Floats  # the sequence
    lift_high: Floats
    end_low: Floats  # (R, K): the 95 % interval of the last look
    end_high: Floats


def read_all(logs: Logs, alpha: float = 0.05) -> Read:
    """`experiments.lift` for all replications and looks at once: the same sums, with axes for both.

    `check_reading` compares it with the library itself.
    """
    n, c, e = logs.shown, logs.clicked, logs.propensity
    before_n, before_c = np.cumsum(n, axis=1) - n, np.cumsum(c, axis=1) - c
    pooled = before_c.sum(axis=2, keepdims=True) / np.maximum(before_n.sum(axis=2, keepdims=True), 1.0)
    guess = (500.0 * pooled + before_c) / (500.0 + before_n)
    size = n.sum(axis=2, keepdims=True)
    total = np.cumsum(size, axis=1)
    score = np.cumsum(size * guess + (c - n * guess) / e, axis=1)
    all_n, all_c = np.cumsum(n, axis=1), np.cumsum(c, axis=1)
    a, b = priors(all_n, all_c)
    mean = (a + all_c) / (a + b + all_n)
    # sum_b n ((v + d^2) / e - d^2) with d = mean - guess, from running sums of 1, guess and guess^2
    w1, w2, w3 = (np.cumsum(size * g * (1.0 / e - 1.0), axis=1) for g in (1.0, guess, guess**2))
    variance = mean * (1.0 - mean) * np.cumsum(size / e, axis=1) + mean**2 * w1 - 2.0 * mean * w2 + w3
    g0, m0 = guess[..., :1], mean[..., :1]
    s1, s2, s3 = (np.cumsum(size * g, axis=1) for g in (guess, g0, guess * g0))
    covariance = -(mean * m0 * total - mean * s2 - m0 * s1 + s3)
    rate = score / total
    parts = (rate, rate[..., :1], variance / total**2, variance[..., :1] / total**2, covariance / total**2)
    quantile = asymptotic_multiplier(total, alpha, float(LOOKS * BATCH))
    low, high = fieller(*parts, quantile)
    thin = np.minimum(all_c, all_c[..., :1]) < BURN_IN_CLICKS
    left, right, vl, vr, cov = (part[:, -1] for part in parts)
    end = fieller(left, right, vl, vr, cov, np.asarray(special.ndtri(1.0 - alpha / 2.0)))
    return Read(rate, np.where(thin, -1.0, low), np.where(thin, np.inf, high), *end)


def fieller(
    left: Floats, right: Floats, vl: Floats, vr: Floats, cov: Floats, quantile: Floats
) -> tuple[Floats, Floats]:
    """Relative lift: every 1 + lift at which left - (1 + lift) right is within its error."""
    q2 = quantile**2
    a, b, c = right**2 - q2 * vr, left * right - q2 * cov, left**2 - q2 * vl
    inside = b**2 - a * c
    open_ = (a <= 0.0) | (inside < 0.0) | (right <= 0.0)
    root, a = np.sqrt(np.maximum(inside, 0.0)), np.where(open_, 1.0, a)
    return np.where(open_, -1.0, np.maximum((b - root) / a - 1.0, -1.0)), np.where(open_, np.inf, (b + root) / a - 1.0)


def priors(n: Floats, c: Floats, strength: float = 4.0) -> tuple[Floats, Floats]:
    """`prior_from_rates` over the last axis."""
    mean = (c.sum(axis=-1, keepdims=True) + 0.5) / (n.sum(axis=-1, keepdims=True) + 25.0)
    used, guess = n > 0.0, (0.3 * mean) ** 2
    safe = np.maximum(n, 1e-12)
    rate = np.where(used, c / safe, 0.0)
    informed = np.where(used, guess / (guess + mean * (1.0 - mean) / safe), 0.0)
    reach = informed.sum(axis=-1, keepdims=True)
    weights = informed / reach
    new_mean = (reach * (weights * rate).sum(axis=-1, keepdims=True) + mean) / (reach + 1.0)
    new_guess = (0.3 * new_mean) ** 2
    noise = np.where(used, new_mean * (1.0 - new_mean) / safe, 0.0)
    raw = (weights * (rate - new_mean) ** 2).sum(axis=-1, keepdims=True)
    raw -= (weights * noise * (1.0 - weights)).sum(axis=-1, keepdims=True)
    raw /= np.maximum(1.0 - (weights**2).sum(axis=-1, keepdims=True), 1e-12)
    between = (reach * np.maximum(raw, 0.0) + strength * new_guess) / (reach + strength)
    several = used.sum(axis=-1, keepdims=True) >= 2
    mean, between = np.where(several, new_mean, mean), np.where(several, between, guess)
    between = np.minimum(np.maximum(between, (0.02 * mean) ** 2), 0.25 * mean * (1.0 - mean))
    evidence = mean * (1.0 - mean) / between - 1.0
    return mean * evidence, (1.0 - mean) * evidence


def check_reading(logs: Logs, read: Read) -> None:
    """The library says the same about three looks of two replications."""
    arms = [f"arm-{k}" for k in range(logs.shown.shape[2])]
    for replication in range(min(2, len(logs.shown))):
        for look in (3, 20, LOOKS):
            panel = make_panel(logs.cohorts(replication, look), arms)
            lifts = lifts_over_arm(panel, "arm-0", tuned_n=float(LOOKS * BATCH))
            at = (replication, look - 1)
            for k in range(1, len(arms)):
                found = (lifts[k].sequence.low, lifts[k].sequence.high, debiased_rates(panel)[k][0])
                ours = (read.lift_low[at][k], read.lift_high[at][k], read.rate[at][k])
                np.testing.assert_allclose(found, ours, rtol=1e-9, atol=1e-12)


def validity_case(case: Case, replications: int, seed: int) -> dict[str, Any]:
    """Coverage at the end, ever wrong over 50 looks, widths against naive, bias of the arms' rates."""
    rates = np.array(case.rates)
    truth = rates / rates[0] - 1.0
    sums: dict[str, list[Any]] = {name: [] for name in ("ever", "exact", "naive", "covers", "width", "rate", "sample")}
    for first in range(0, replications, 250):
        logs = moved_logs(case, min(250, replications - first), seed + first)
        read = read_all(logs)
        if first == 0:
            check_reading(logs, read)
        n, c = np.cumsum(logs.shown, axis=1), np.cumsum(logs.clicked, axis=1)
        p = c / np.maximum(n, 1.0)
        spread = p * (1.0 - p) / np.maximum(n, 1.0)
        half = 1.96 * np.sqrt(spread + spread[..., :1])
        wrong = (read.lift_low > truth) | (read.lift_high < truth)
        naive_wrong = (half > 0.0) & (np.abs(p - p[..., :1] - (rates - rates[0])) > half)
        exact = rate_log_e(c, n, np.broadcast_to(rates, c.shape)) >= np.log(20.0)  # type: ignore[arg-type]
        sums["ever"].append(wrong.any(axis=1)[:, 1:])
        sums["naive"].append(naive_wrong.any(axis=1)[:, 1:])
        sums["exact"].append(exact.any(axis=1))
        sums["covers"].append(((read.end_low <= truth) & (truth <= read.end_high))[:, 1:])
        width = (read.lift_high - read.lift_low)[:, -1] / (2.0 * half[:, -1] / rates[0])
        sums["width"].append(width[:, 1:])
        sums["rate"].append(read.rate[:, -1])
        sums["sample"].append(p[:, -1])
    joined = {name: np.concatenate(parts) for name, parts in sums.items()}
    losing = int(np.argmin(rates + 1e-9 * np.arange(rates.size)))
    rate, sample = joined["rate"][:, losing], joined["sample"][:, losing]
    return {
        "ever": float(joined["ever"].mean()),
        "naive": float(joined["naive"].mean()),
        "exact": float(joined["exact"].mean()),
        "covers": float(joined["covers"].mean()),
        "width": float(np.median(joined["width"][np.isfinite(joined["width"])])),
        "bias": float(rate.mean() / rates[losing] - 1.0),
        "bias_error": float(rate.std() / len(rate) ** 0.5 / rates[losing]),
        "sample_bias": float(sample.mean() / rates[losing] - 1.0),
        "replications": len(rate),
    }


def validity_rows(args: argparse.Namespace, kept: Kept) -> list[Line]:
    """Statistical promises, by replication."""
    lines, started = [], time.monotonic()
    for done, case in enumerate(CASES):
        kept.say("validity", done, len(CASES) + 1, started)
        found = kept.get(
            f"validity/{case.name}/{args.replications}",
            lambda: validity_case(case, args.replications, args.first_seed),  # noqa: B023
        )
        most = 1.6 if not case.moves else 2.0 if len(set(case.rates)) == 1 else None  # the target is for A/A
        lines.append(
            Line(
                f"{case.name}: sequence ever wrong in 50 looks",
                "<= 5 %",
                f"{found['ever']:.1%} (naive {found['naive']:.1%}, exact rate sequence {found['exact']:.1%})",
                found["ever"] <= 0.05,
            )
        )
        lines.append(
            Line(
                "   its width over the naive one",
                f"<= {most}" if most else "",
                f"{found['width']:.2f}",
                found["width"] <= most if most else None,
            )
        )
        if case.moves:
            covers, error = found["covers"], 1.96 * (0.05 * 0.95 / found["replications"]) ** 0.5
            lines.append(
                Line(
                    "   95 % interval covers the lift at the end",
                    "94 to 96 %",
                    f"{covers:.1%} (+- {error:.1%})",
                    _told(0.94 <= covers <= 0.96, 0.94 - error <= covers <= 0.96 + error),
                )
            )
            biased = f"{found['bias']:+.2%} (se {found['bias_error']:.2%}; sample mean {found['sample_bias']:+.1%})"
            near = abs(found["bias"]) <= 0.005 + 1.96 * found["bias_error"]
            lines.append(
                Line("   bias of a losing arm's rate", "<= 0.5 %", biased, _told(abs(found["bias"]) <= 0.005, near))
            )
        print("\n".join(str(line) for line in lines[-4 if case.moves else -2 :]), flush=True)
    found = kept.get(f"ratio/{args.replications}", lambda: ratio_case(args))
    lines.append(
        Line(
            "sample ratio, 10 arms, checked every batch: false alarms",
            "<= 1 %",
            f"{found['false']:.1%} (chi-square once at the end {found['false_end']:.1%})",
            found["false"] <= 0.01,
        )
    )
    lines.append(
        Line(
            "   power at 5 % of one arm's impressions lost",
            ">= 20 %",
            f"{found['power']:.1%} (chi-square {found['power_end']:.1%})",
            found["power"] >= 0.20,
        )
    )
    print("\n".join(str(line) for line in lines[-2:]), flush=True)
    return lines


def _told(reached: bool, near: bool) -> bool | None:
    """Reached or missed; None when the replications are too few to tell."""
    return True if reached else None if near else False


def ratio_case(args: argparse.Namespace) -> dict[str, float]:
    """False alarms and power of the sample-ratio checks while weights move, 10 arms, one of them 20 % better."""
    case = Case("ratio", (0.024, *([0.02] * 9)), 0.05, True)
    rng = np.random.default_rng([args.first_seed, 13])
    hits: dict[str, list[bool]] = {name: [] for name in ("false", "false_end", "power", "power_end")}
    for first in range(0, args.replications, 250):
        logs = moved_logs(case, min(250, args.replications - first), args.first_seed + first)
        lost = logs.shown.copy()
        lost[..., 0] = rng.binomial(lost[..., 0].astype(np.int64), 0.95)
        for shown, name in ((logs.shown, "false"), (lost, "power")):
            for n, e in zip(shown, logs.propensity, strict=True):
                hits[name].append(bool(sample_ratio_log_e(n, e).max() >= np.log(100.0)))
                hits[f"{name}_end"].append(sample_ratio_p(n, e) < 0.01)
    return {name: float(np.mean(found)) for name, found in hits.items()}


# Off-policy ---------------------------------------------------------------------------------------------------------


def obd_campaign(data: dict[str, Any]) -> Logged:
    """A campaign of the small Open Bandit Dataset: the Random log seen from the zozotown prior's Thompson sampling."""
    shown, clicked = np.array(data["shown"], dtype=np.float64), np.array(data["clicked"], dtype=np.float64)
    target = np.array(data["target_draws_of_100000"]) / 100_000
    model = (clicked + 0.38) / (shown + 100.0)
    value = np.broadcast_to((target * model).sum(axis=0), shown.shape)
    weight, model, value = (np.tile(part.ravel(), 2) for part in (target / data["logged_propensity"], model, value))
    rewards = np.concatenate([np.ones(shown.size), np.zeros(shown.size)])
    return Logged(rewards, weight, model, value, np.concatenate([clicked.ravel(), (shown - clicked).ravel()]))


def offpolicy_rows(args: argparse.Namespace, kept: Kept) -> list[Line]:
    """Every estimator on every campaign against the reference implementation."""
    reference, gap, n = json.loads(REFERENCE.read_text()), 0.0, 0
    for data in reference.values():
        logged = obd_campaign(data)
        for name, value in data["reference"].items():
            kind, _, parameter = name.partition(" ")
            options = {key: float(number) for key, _, number in [parameter.partition("=")] if key}
            gap, n = max(gap, abs(estimate(logged, kind, **options).value - value)), n + 1
    line = Line(f"off-policy: {n} estimates against obp 0.4.1, largest gap", "<= 1e-9", f"{gap:.1e}", gap <= 1e-9)
    print(line, flush=True)
    return [line]


# Speed --------------------------------------------------------------------------------------------------------------


def speed_rows(args: argparse.Namespace, kept: Kept) -> list[Line]:
    """Decisions and feedback events per second of processor time, in process, one core."""
    world = make_world(SCENARIOS["combos"], 0)
    rng = np.random.default_rng(0)
    wanted = rng.dirichlet(np.full(1_200, 0.1))
    table = make_table(world.experiment, {"all": wanted}, version=1, time=0.0)
    uniforms = rng.random(200_000).tolist()
    lines: list[Line] = []

    def timed(name: str, n: int, target: float, work: Callable[[], object]) -> None:
        best = float("inf")
        for _ in range(args.repeats):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
        lines.append(Line(f"{name}, per second", f">= {target:,.0f}", f"{n / best:,.0f}", n / best >= target))
        print(lines[-1], flush=True)

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
    return lines


PARTS: dict[str, Callable[[argparse.Namespace, Kept], list[Line]]] = {
    "speed": speed_rows,
    "offpolicy": offpolicy_rows,
    "validity": validity_rows,
    "regret": regret_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=tuple(PARTS), nargs="*", default=list(PARTS), help="parts of the table")
    parser.add_argument("--scenarios", nargs="*", choices=sorted(SCENARIOS), help="default: those with a target")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--floors", type=float, nargs="*", default=[0.05], help="least shares spread evenly")
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=[], help="run these on the same seeds")
    parser.add_argument("--replications", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3, help="of the timings; the best counts")
    parser.add_argument("--out", type=Path, help="keep finished runs here and go on from them")
    args = parser.parse_args()
    kept, lines, started = Kept(args.out), [], time.process_time()
    for name in PARTS:
        if name in args.only:
            lines += PARTS[name](args, kept)
    missed = [line for line in lines if line.reached is False]
    print(f"\n{len(lines)} lines, {len(missed)} missed, {time.process_time() - started:.0f} s of processor time")
    for line in missed:
        print(line)


if __name__ == "__main__":
    main()
