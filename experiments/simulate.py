"""Worlds with a known truth, and what a policy would have earned in them.

A scenario makes a world from a seed: true rates per batch, segment and arm. `run` lets a policy serve it and reports
relative regret (0: always the best arm; 1: no better than an equal split), uplift and traffic shares. Regret is
computed from the true rates and the exact served probabilities, so it has no click noise of its own.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .counts import Counts
from .errors import OutOfRange, UnknownName
from .factorial import ContentScore, FactorialFit
from .maturity import Maturity, learn_maturity
from .memory import Memory, memory_of
from .policies import weigh
from .types import EVERYONE, Arm, ArmState, Experiment, Factor, Floats, Ints, PolicySpec, StopRule, combinations

BATCH = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A truth to be found out."""

    experiment: Experiment
    rates: Floats  # (B, S, K), or (1, S, K) when nothing changes
    segment_shares: Floats  # (S,)
    delay_mean_s: float = 0.0  # clicks come exponentially late
    batch_s: float = 300.0  # time between refreshes
    enters: Ints | None = None  # (K,) batch from which each arm is in play; None: from the start
    leaves: Ints | None = None  # (K,) batch from which it is retired; None: never

    def at(self, batch: int) -> Floats:
        """(S, K) true rates of a batch."""
        return np.asarray(self.rates[min(batch, len(self.rates) - 1)], dtype=np.float64)

    def playing(self, batch: int) -> NDArray[np.bool_]:
        """(K,) which arms are in play."""
        n_arms = len(self.experiment.arms)
        here = np.ones(n_arms, dtype=np.bool_) if self.enters is None else self.enters <= batch
        return here if self.leaves is None else here & (batch < self.leaves)

    def experiment_at(self, batch: int) -> Experiment:
        """The experiment with the arms that are in play active: later ones paused, earlier ones retired."""
        if self.enters is None and self.leaves is None:
            return self.experiment
        playing = self.playing(batch)
        gone = np.zeros_like(playing) if self.leaves is None else self.leaves <= batch
        states: list[ArmState] = [
            "active" if p else "retired" if g else "paused" for p, g in zip(playing, gone, strict=True)
        ]
        arms = tuple(replace(arm, state=state) for arm, state in zip(self.experiment.arms, states, strict=True))
        return replace(self.experiment, arms=arms)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of world, how long it is served, and the relative regret to reach (None: not measured by regret)."""

    name: str
    summary: str
    n_batches: int
    make: Callable[[np.random.Generator, int], World]
    target: float | None = None


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a policy earned. Shares are of the truly best arm (per segment and batch)."""

    scenario: str
    policy: str
    seed: int
    relative_regret: float
    uplift_rel: float  # over an equal split, from the true rates
    oracle_uplift_rel: float  # what always the best arm would have earned
    share_of_best: tuple[float, ...]  # per tenth of the run
    regret_by_tenth: tuple[float, ...]
    exposures: float
    clicks: float
    seconds: float


class Chooser(Protocol):
    """Something that serves batches and learns from them. Arrays are (S, K)."""

    def serve(self, batch: int) -> Floats:
        """Probabilities for the next batch; rows sum to 1."""
        ...

    def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
        """What came back from the batch by the time of the next refresh."""
        ...

    def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
        """Clicks that arrived since: (S, K) of them, and for each click its delay and its exposure's time."""
        ...


@dataclass(slots=True)
class PolicyChooser:
    """Our policies behind the simulator's interface: what the service does at every refresh."""

    world: World
    seed: int
    score: ContentScore | None = None
    memory: Memory = field(init=False)
    totals: Counts = field(init=False)
    fit: FactorialFit | None = field(init=False, default=None)
    _shown: list[Floats] = field(init=False, default_factory=list)
    _delays: list[Floats] = field(init=False, default_factory=list)
    _times: list[Floats] = field(init=False, default_factory=list)
    _maturity: Maturity = field(init=False, default_factory=Maturity.immediate)

    def __post_init__(self) -> None:
        self.memory = memory_of(self.world.experiment)
        self.totals = self.memory.totals

    def serve(self, batch: int) -> Floats:
        experiment = self.world.experiment_at(batch)
        rng = np.random.default_rng([self.seed, 7])  # the same numbers at every refresh
        weighing = weigh(
            experiment,
            self.memory.learned,
            version=batch + 1,
            now=batch * self.world.batch_s,
            rng=rng,
            previous=self.fit,
            score=self.score,
        )
        self.fit = weighing.fit
        table = weighing.table
        rows = np.zeros((len(experiment.segments), len(experiment.arms)))
        columns = [i for i, arm in enumerate(experiment.arms) if arm.id in table.index]
        for row, segment in zip(rows, experiment.segments, strict=True):
            row[columns] = table.segments[segment].served
        return rows

    def learn(self, batch: int, shown: Floats, clicked: Floats) -> None:
        self.totals = self.totals.add_cells(shown, clicked)
        if self.world.delay_mean_s > 0.0:
            self._shown.append(shown)  # what has matured is known when the late clicks are in
        else:
            self.memory = self.memory.after(self.totals, self.world.experiment.policy)

    def late(self, batch: int, clicked: Floats, delay_s: Floats, exposed_at: Floats) -> None:
        self._delays.append(delay_s)
        self._times.append(exposed_at)
        now = (batch + 1) * self.world.batch_s
        if batch < 20 or batch % 10 == 0:
            delays, times = np.concatenate(self._delays), np.concatenate(self._times)
            self._maturity = learn_maturity(delays[-20_000:], now - times[-20_000:])
        ages = now - (np.arange(len(self._shown), dtype=np.float64) + 0.5) * self.world.batch_s
        matured = np.tensordot(self._maturity.at(ages), np.stack(self._shown), axes=1)
        won = self.totals.clicks + clicked
        self.totals = replace(
            self.totals, clicks=won, value=won, value_squares=won, matured=np.asarray(matured, dtype=np.float64)
        )
        self.memory = self.memory.after(self.totals, self.world.experiment.policy)


Watcher = Callable[[int, Floats, Floats, Floats], None]  # batch, (S, K) served, true rates (NaN: out of play), clicks


def simulate(
    scenario: Scenario, world: World, chooser: Chooser, policy: str, seed: int, watch: Watcher | None = None
) -> SimulationResult:
    """Let a chooser serve a world.

    Args:
        watch: called after every batch with (batch, served, rates, clicked), for plots and progress.
    """
    rng = np.random.default_rng([seed, 1])
    n_segments, n_arms = world.at(0).shape
    started = clock.perf_counter()
    best, even, got, share = (np.zeros(scenario.n_batches) for _ in range(4))
    clicks = 0.0
    waiting: list[tuple[Floats, Floats, Floats]] = []  # cell, arrival, exposure time
    for batch in range(scenario.n_batches):
        rates, playing = world.at(batch), world.playing(batch)
        served = chooser.serve(batch)
        sizes = rng.multinomial(BATCH, world.segment_shares)
        shown = np.stack([rng.multinomial(n, row / row.sum()) for n, row in zip(sizes, served, strict=True)])
        clicked = rng.binomial(shown, rates).astype(np.float64)
        clicks += float(clicked.sum())
        weight, top = world.segment_shares, np.where(playing, rates, -1.0)
        best[batch] = weight @ top.max(axis=1)
        even[batch] = weight @ rates[:, playing].mean(axis=1)
        got[batch] = weight @ (served * rates).sum(axis=1)
        share[batch] = weight @ served[np.arange(n_segments), top.argmax(axis=1)]
        if watch is not None:
            watch(batch, served, np.where(playing, rates, np.nan), clicked)
        if world.delay_mean_s > 0.0:
            chooser.learn(batch, shown.astype(np.float64), np.zeros_like(clicked))
            cell = np.repeat(np.arange(clicked.size), clicked.ravel().astype(np.int64)).astype(np.float64)
            at = (batch + rng.random(cell.size)) * world.batch_s
            waiting.append((cell, at + rng.exponential(world.delay_mean_s, cell.size), at))
            _deliver(chooser, batch, (batch + 1) * world.batch_s, waiting, (n_segments, n_arms))
        else:
            chooser.learn(batch, shown.astype(np.float64), clicked)
    lost, possible = best - got, float((best - even).sum())
    tenths = np.array_split(np.arange(scenario.n_batches), min(10, scenario.n_batches))
    return SimulationResult(
        scenario.name,
        policy,
        seed,
        float(lost.sum()) / possible if possible > 0.0 else 0.0,
        float(got.sum() / even.sum()) - 1.0,
        float(best.sum() / even.sum()) - 1.0,
        tuple(float(share[part].mean()) for part in tenths),
        tuple(float(lost[part].sum() / max((best - even)[part].sum(), 1e-12)) for part in tenths),
        float(scenario.n_batches * BATCH),
        clicks,
        clock.perf_counter() - started,
    )


def _deliver(
    chooser: Chooser, batch: int, now: float, waiting: list[tuple[Floats, Floats, Floats]], shape: tuple[int, int]
) -> None:
    cell, arrival, at = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
    here = arrival <= now
    clicked = np.bincount(cell[here].astype(np.int64), minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    chooser.late(batch, clicked, (arrival - at)[here], at[here])
    waiting[:] = [(cell[~here], arrival[~here], at[~here])]


# Scenarios ---------------------------------------------------------------------------------------------------------

HEADLINES, IMAGES, CALLS = 20, 12, 5


def _flat(n_arms: int, n_segments: int = 1) -> Experiment:
    segments = (EVERYONE,) if n_segments == 1 else tuple(f"segment-{s}" for s in range(n_segments))
    return Experiment("simulated", tuple(Arm(f"arm-{k}") for k in range(n_arms)), segments=segments)


def _combined() -> Experiment:
    sizes = {"headline": HEADLINES, "image": IMAGES, "call": CALLS}
    factors = tuple(Factor(name, tuple(f"{name}-{i}" for i in range(size))) for name, size in sizes.items())
    return Experiment("simulated", combinations(factors), factors)


def _one_segment(experiment: Experiment, rates: Floats, delay_mean_s: float = 0.0) -> World:
    return World(experiment, rates.reshape(-1, 1, rates.shape[-1]), np.ones(1), delay_mean_s)


def flat_world(n_arms: int, rate: float, sd: float) -> Callable[[np.random.Generator, int], World]:
    """Independent arms with normal logits."""

    def make(rng: np.random.Generator, n_batches: int) -> World:
        return _one_segment(_flat(n_arms), special.expit(special.logit(rate) + rng.normal(0.0, sd, n_arms)))

    return make


def combined_logits(
    rng: np.random.Generator, sds: Sequence[float] = (0.13, 0.13, 0.13), n_pairs: int = 40, pair_sd: float = 0.15
) -> Floats:
    """(20, 12, 5) additive effects and a few pairwise ones, on the logit."""
    dims = (HEADLINES, IMAGES, CALLS)
    logits = np.zeros(dims)
    for axis, (size, sd) in enumerate(zip(dims, sds, strict=True)):
        logits += rng.normal(0.0, sd, size).reshape([-1 if i == axis else 1 for i in range(3)])
    possible = {pair: dims[pair[0]] * dims[pair[1]] for pair in ((0, 1), (0, 2), (1, 2))}
    for pair, size in possible.items():
        effect = np.zeros(size)
        chosen = rng.choice(size, round(n_pairs * size / sum(possible.values())), replace=False)
        effect[chosen] = rng.normal(0.0, pair_sd, chosen.size)
        logits += effect.reshape([dims[i] if i in pair else 1 for i in range(3)])
    return logits


def combined_world(rate: float = 0.015, strength: float = 1.0) -> Callable[[np.random.Generator, int], World]:
    """20 headlines x 12 images x 5 calls to action."""

    def make(rng: np.random.Generator, n_batches: int) -> World:
        logits = special.logit(rate) + strength * combined_logits(rng)
        return _one_segment(_combined(), special.expit(logits.reshape(1, -1)))

    return make


def segment_world(n_arms: int = 10, rate: float = 0.02, sd: float = 0.2, own_sd: float = 0.2) -> Callable[..., World]:
    """Four segments of users that agree about the arms in part."""

    def make(rng: np.random.Generator, n_batches: int) -> World:
        logits = (
            special.logit(rate)
            + rng.normal(0.0, 0.3, (4, 1))
            + rng.normal(0.0, sd, n_arms)
            + rng.normal(0.0, own_sd, (4, n_arms))
        )
        return World(_flat(n_arms, 4), special.expit(logits)[None], np.array([0.4, 0.3, 0.2, 0.1]))

    return make


def drift_world(n_arms: int = 10, rate: float = 0.02, sd: float = 0.25, step: float = 0.01) -> Callable[..., World]:
    """Logits walk at random; half way the best arm falls below all others."""

    def make(rng: np.random.Generator, n_batches: int) -> World:
        walk = np.cumsum(rng.normal(0.0, step, (n_batches, n_arms)), axis=0)
        logits = special.logit(rate) + rng.normal(0.0, sd, n_arms) + walk
        half = n_batches // 2
        leader = int(logits[half].argmax())
        logits[half:, leader] += logits[half].min() - logits[half, leader] - 0.1
        return _one_segment(_flat(n_arms), special.expit(logits))

    return make


def delayed_world(n_arms: int = 100, rate: float = 0.04, sd: float = 0.3) -> Callable[..., World]:
    """Clicks that come 30 minutes late on average, refreshes every 5."""

    def make(rng: np.random.Generator, n_batches: int) -> World:
        logits = special.logit(rate) + rng.normal(0.0, sd, n_arms)
        return _one_segment(_flat(n_arms), special.expit(logits), delay_mean_s=1_800.0)

    return make


def _newcomers(rng: np.random.Generator, n_batches: int) -> World:
    """Ten arms; after 40 % of the run five challengers join and the five oldest retire."""
    logits = special.logit(0.02) + rng.normal(0.0, 0.2, 15)
    change = int(0.4 * n_batches)
    enters = np.r_[np.zeros(10), np.full(5, change)].astype(np.int64)
    leaves = np.r_[np.full(5, change), np.full(10, n_batches + 1)].astype(np.int64)
    return replace(_one_segment(_flat(15), special.expit(logits)), enters=enters, leaves=leaves)


def _heavy(rng: np.random.Generator, n_batches: int) -> World:
    """Most arms alike, a few far off: effects from Student's t with 3 degrees of freedom."""
    return _one_segment(_flat(20), special.expit(special.logit(0.015) + 0.12 * rng.standard_t(3, 20)))


def _season(rng: np.random.Generator, n_batches: int) -> World:
    """All rates go up and down together over a week, by a third; who is best never changes."""
    wave = 0.33 * np.sin(2.0 * np.pi * np.arange(n_batches) / (n_batches / 4.0))
    logits = special.logit(0.02) + rng.normal(0.0, 0.25, 10) + wave[:, None]
    return _one_segment(_flat(10), special.expit(logits))


def _restless(rng: np.random.Generator, n_batches: int) -> World:
    """Four times in the run two arms change places."""
    base, parts = rng.normal(0.0, 0.3, 10), []
    for part in np.array_split(np.arange(n_batches), 5):
        parts.append(np.tile(base, (part.size, 1)))
        base = base.copy()
        leader, other = int(base.argmax()), int(rng.integers(10))
        base[[leader, other]] = base[[other, leader]]
    return _one_segment(_flat(10), special.expit(special.logit(0.02) + np.concatenate(parts)))


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("k10", "10 arms", 200, flat_world(10, 0.02, 0.2), 0.12),
        Scenario("k100", "100 arms", 300, flat_world(100, 0.02, 0.25), 0.25),
        Scenario("combos", "1,200 combinations", 300, combined_world(), 0.18),
        Scenario("combos-100k", "1,200 combinations, a third of the traffic", 100, combined_world(), 0.38),
        Scenario("combos-half", "1,200 combinations, effects halved", 300, combined_world(strength=0.5), 0.48),
        Scenario("segments", "4 user segments x 10 arms", 300, segment_world(), 0.20),
        Scenario("drift", "random walk, the leader collapses half way", 300, drift_world(), 0.26),
        Scenario("delayed", "clicks 30 minutes late, 100 arms", 200, delayed_world(), 0.20),
        Scenario("aa", "10 arms that are all the same", 50, flat_world(10, 0.02, 0.0)),
        Scenario("rare", "10 arms at half a percent", 200, flat_world(10, 0.005, 0.3)),
        Scenario("two", "a plain A/B test", 50, flat_world(2, 0.02, 0.1)),
        Scenario("heavy", "20 arms, most alike, a few far off", 200, _heavy),
        Scenario("newcomers", "5 challengers join and 5 of 10 arms retire after 40 %", 200, _newcomers),
        Scenario("season", "all rates rise and fall together over each week", 200, _season),
        Scenario("restless", "the best arm changes places four times", 300, _restless),
    )
}


def scenario_named(name: str) -> Scenario:
    """A scenario, or an error that lists them."""
    if name not in SCENARIOS:
        raise UnknownName("scenario", name, SCENARIOS)
    return SCENARIOS[name]


def make_world(scenario: Scenario, seed: int) -> World:
    """The world of a seed."""
    return scenario.make(np.random.default_rng([seed, 0]), scenario.n_batches)


def best_policy(world: World) -> PolicySpec:
    """What we recommend: plain arms by exact quadrature, factors and segments by the factorial posterior."""
    shares_strength = bool(world.experiment.factors) or len(world.experiment.segments) > 1
    return PolicySpec("factorial", draws=512) if shares_strength else PolicySpec("thompson")


def run(
    scenario: Scenario | str,
    policy: PolicySpec | None = None,
    seed: int = 0,
    floor: float = 0.05,
    *,
    score_correlation: float | None = None,
    watch: Watcher | None = None,
) -> SimulationResult:
    """Serve a scenario with one of our policies.

    Args:
        scenario: or its name.
        policy: `best_policy` when None.
        seed: the world and all chance in it.
        floor: least part of the traffic that is spread evenly.
        score_correlation: give the policy a content score that correlates so much with the true logits.
        watch: see `simulate`.

    Raises:
        UnknownName: no such scenario.
    """
    chosen = scenario_named(scenario) if isinstance(scenario, str) else scenario
    world = make_world(chosen, seed)
    spec = best_policy(world) if policy is None else policy
    stop = StopRule(max_exposures=chosen.n_batches * BATCH)  # the run is planned, as a campaign is
    world = replace(world, experiment=replace(world.experiment, policy=spec, floor=floor, seed=seed, stop=stop))
    score = None if score_correlation is None else content_score(world, score_correlation, seed)
    return simulate(chosen, world, PolicyChooser(world, seed, score), spec.kind, seed, watch)


def content_score(world: World, correlation: float, seed: int) -> ContentScore:
    """What a content model of a given quality would say before the start: best linear guess of each arm's logit."""
    if not -1.0 <= correlation <= 1.0:
        raise OutOfRange("correlation", correlation, "-1 to 1")
    truth = special.logit(world.segment_shares @ world.at(0))
    spread = float(truth.std())
    noise = np.random.default_rng([seed, 5]).normal(0.0, 1.0, truth.size)
    z = correlation * (truth - truth.mean()) / max(spread, 1e-12) + np.sqrt(1.0 - correlation**2) * noise
    return ContentScore(tuple(arm.id for arm in world.experiment.arms), correlation * spread * z, weight=1.0)
