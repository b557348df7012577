"""Rates and lifts from traffic that a bandit moved: AIPW on the logged propensities.

Where a policy learns, an arm's sample mean is too low (an arm is dropped when it looks bad, and never gets the chance
to look better) and its naive interval too narrow. The augmented inverse-propensity estimate is unbiased whatever moved
the traffic, because the exact propensities were logged:

    G(a) = m(a) + 1{A = a} (Y - m(a)) / e(a)

with a guess m made from earlier batches only. Variances are the model's, sum_b n_b (q / e - d^2) with shrunk rates, not
the empirical ones: a starved arm without a click yet would have an empirical variance near zero (Waudby-Smith et al.
2022; Hadad et al. 2021). Relative lifts are Fieller sets, so they promise the same coverage as the differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from .errors import UnknownArm
from .posterior import prior_from_rates
from .sequential import asymptotic_multiplier, asymptotic_p
from .types import Cohort, Floats, Interval, Metric

WALD = 1.959963984540054  # 97.5 % point of the normal
BURN_IN_CLICKS = 5.0  # no anytime interval before both sides have this many successes: first looks are not normal yet


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A log as arrays: B cohorts in time order, K arms. An arm that was not in play has propensity 0."""

    arms: tuple[str, ...]
    propensity: Floats  # (B, K)
    outcome: Floats  # (B, K) successes, or summed values
    matured: Floats  # (B, K) exposures, each counted by its maturity
    guess: Floats  # (B, K) m: what earlier cohorts say about each arm
    mean: Floats  # (K,) shrunk estimate of each arm's outcome per exposure, from everything
    variance: Floats  # (K,) shrunk variance of one exposure's outcome
    successes: Floats  # (K,)

    @property
    def size(self) -> Floats:
        """(B,) matured exposures of each cohort."""
        return np.asarray(self.matured.sum(axis=1), dtype=np.float64)

    def column(self, arm: str) -> int:
        if arm not in self.arms:
            raise UnknownArm(arm, self.arms)
        return self.arms.index(arm)


def make_panel(cohorts: Sequence[Cohort], arms: Sequence[str], metric: Metric = "clicked") -> Panel:
    """Arrange cohorts by weight version and shrink the rates.

    Raises:
        UnknownArm: a cohort names an arm that is not in `arms`.
    """
    at = {arm: i for i, arm in enumerate(arms)}
    used = sorted((c for c in cohorts if float(c.shown.sum()) > 0.0), key=lambda c: (c.version, c.time))
    shape = (len(used), len(arms))
    propensity, clicked, value, squares, matured = (np.zeros(shape) for _ in range(5))
    columns_of: dict[tuple[str, ...], list[int]] = {}
    for row, cohort in enumerate(used):
        if cohort.arms not in columns_of:
            for arm in cohort.arms:
                if arm not in at:
                    raise UnknownArm(arm, arms)
            columns_of[cohort.arms] = [at[arm] for arm in cohort.arms]
        columns = columns_of[cohort.arms]
        propensity[row, columns] = cohort.propensity
        clicked[row, columns] = cohort.clicked
        matured[row, columns] = np.maximum(cohort.matured, 0.0)
        value[row, columns] = cohort.value
        squares[row, columns] = cohort.value_squares
    outcome = value if metric == "value" else clicked
    mean, variance = _shrunk(clicked, outcome, squares, matured, metric)
    versions = np.array([cohort.version for cohort in used], dtype=np.int64)
    guess = _guesses(outcome, matured, versions)
    return Panel(tuple(arms), propensity, outcome, matured, guess, mean, variance, clicked.sum(axis=0))


def _shrunk(
    clicked: Floats, outcome: Floats, squares: Floats, matured: Floats, metric: Metric
) -> tuple[Floats, Floats]:
    shown, clicks = matured.sum(axis=0), clicked.sum(axis=0)
    prior = prior_from_rates(shown, clicks)
    rate = (prior.a + clicks) / (prior.a + prior.b + shown)
    if metric != "value":
        return rate, rate * (1.0 - rate)
    total = max(float(clicked.sum()), 1.0)
    worth, worth_squares = float(outcome.sum()) / total, float(squares.sum()) / total  # per success, pooled
    strength = prior.a + prior.b
    mean = (strength * prior.mean * worth + outcome.sum(axis=0)) / (strength + shown)
    second = (strength * prior.mean * worth_squares + squares.sum(axis=0)) / (strength + shown)
    return mean, np.maximum(second - mean**2, 1e-12)


def _guesses(
    outcome: Floats, matured: Floats, versions: np.typing.NDArray[np.int64], strength: float = 500.0
) -> Floats:
    """m: each cohort's guess uses cohorts of earlier versions only, so that it cannot know its own outcomes."""
    first = np.searchsorted(versions, versions, side="left")  # first row of the same version
    won = np.concatenate([np.zeros((1, outcome.shape[1])), np.cumsum(outcome, axis=0)])[first]
    seen = np.concatenate([np.zeros((1, outcome.shape[1])), np.cumsum(matured, axis=0)])[first]
    pooled = won.sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1.0)
    return np.asarray((strength * pooled + won) / (strength + seen), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two means estimated from the same log, with their variances and covariance."""

    left: float
    right: float
    variance_left: float
    variance_right: float
    covariance: float
    n: float  # exposures behind it

    @property
    def difference(self) -> float:
        return self.left - self.right

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(max(self.variance_left + self.variance_right - 2.0 * self.covariance, 0.0)))

    @property
    def lift_rel(self) -> float:
        return self.left / self.right - 1.0 if self.right > 0.0 else float("nan")

    def lift_interval(self, multiplier: float = WALD, level: float = 0.95, anytime: bool = False) -> Interval:
        """Relative lift by Fieller's method: every 1 + lift at which left - (1 + lift) right is within its error."""
        q2 = multiplier**2
        a = self.right**2 - q2 * self.variance_right
        b = self.left * self.right - q2 * self.covariance
        c = self.left**2 - q2 * self.variance_left
        inside = b**2 - a * c
        if a <= 0.0 or inside < 0.0 or self.right <= 0.0:
            return Interval(-1.0, float("inf"), level, anytime)
        root = float(np.sqrt(inside))
        return Interval(max((b - root) / a - 1.0, -1.0), (b + root) / a - 1.0, level, anytime)


@dataclass(frozen=True, slots=True)
class Lift:
    """How much better than something else, relative: 0.14 is +14 %.

    `interval` may be read once, at the end of the run. `sequence` holds at every look and any stopping time, and so
    does `p_value`.
    """

    against: str  # "uniform" or an arm id
    lift_rel: float
    difference: float  # absolute, per exposure
    interval: Interval
    sequence: Interval
    p_value: float
    n: float


def contrast(panel: Panel, left: Floats, right: Floats) -> Contrast:
    """AIPW estimate of two weighted means of the arms' rates.

    Args:
        left, right: (B, K) weights of the arms in each cohort; a row of zeros leaves the cohort out.

    Returns:
        The two means over the cohorts where both have weights.
    """
    rows = (np.abs(left).sum(axis=1) > 0.0) & (np.abs(right).sum(axis=1) > 0.0)
    n, score, noise, d = (part[rows] for part in _parts(panel))
    total = max(float(n.sum()), 1e-12)

    def covariance(u: Floats, v: Floats) -> float:
        within = (u * v * noise).sum(axis=1) - (u * d).sum(axis=1) * (v * d).sum(axis=1)
        return float(n @ within) / total**2

    u, v = left[rows], right[rows]
    means = float((u * score).sum()) / total, float((v * score).sum()) / total
    return Contrast(*means, covariance(u, u), covariance(v, v), covariance(u, v), total)


def arm_contrasts(panel: Panel, right: Floats) -> tuple[Contrast, ...]:
    """Every arm against the same weighted mean: what `contrast` gives for each, in one pass.

    Args:
        right: (B, K) weights of the other side.
    """
    n, score, noise, d = _parts(panel)
    playing = (panel.propensity > 0.0) & (np.abs(right).sum(axis=1, keepdims=True) > 0.0)
    total = np.maximum((playing * n[:, None]).sum(axis=0), 1e-12)  # (K,)
    other, other_d = (right * score).sum(axis=1), (right * d).sum(axis=1)
    other_variance = n * ((right**2 * noise).sum(axis=1) - other_d**2)
    left = (playing * score).sum(axis=0) / total
    against = (playing * other[:, None]).sum(axis=0) / total
    variance_left = (playing * n[:, None] * (noise - d**2)).sum(axis=0) / total**2
    variance_right = (playing * other_variance[:, None]).sum(axis=0) / total**2
    shared = (playing * n[:, None] * (right * noise - d * other_d[:, None])).sum(axis=0) / total**2
    columns = (left, against, variance_left, variance_right, shared, total)
    return tuple(Contrast(*row) for row in np.stack(columns, axis=1).tolist())


def _parts(panel: Panel) -> tuple[Floats, Floats, Floats, Floats]:
    """Sizes (B,), summed AIPW scores, E[(Y - m)^2] / e, and mean - guess; (B, K) each."""
    inverse = np.where(panel.propensity > 0.0, 1.0 / np.maximum(panel.propensity, 1e-300), 0.0)
    n = panel.size
    score = n[:, None] * panel.guess + (panel.outcome - panel.matured * panel.guess) * inverse
    d = panel.mean - panel.guess
    return n, score, (panel.variance + d**2) * inverse, d


def uniform_weights(panel: Panel) -> Floats:
    """(B, K): an equal mean of the arms that were in play in each cohort."""
    playing = panel.propensity > 0.0
    return np.asarray(playing / np.maximum(playing.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def arm_weights(panel: Panel, arm: str) -> Floats:
    """(B, K): one arm, where it was in play."""
    weights = np.zeros(panel.propensity.shape)
    column = panel.column(arm)
    weights[:, column] = panel.propensity[:, column] > 0.0
    return weights


def debiased_rates(panel: Panel) -> tuple[tuple[float, float], ...]:
    """AIPW rate of each arm and its standard error: the sample mean without the bias of moving traffic."""
    return tuple(
        (found.left, float(np.sqrt(max(found.variance_left, 0.0))))
        for found in arm_contrasts(panel, uniform_weights(panel))
    )


def lifts_over_uniform(panel: Panel, alpha: float = 0.05, tuned_n: float = 50_000.0) -> tuple[Lift, ...]:
    """Lift of each arm over an equal split of all arms in play, on the same traffic; in the order of the arms."""
    found = arm_contrasts(panel, uniform_weights(panel))
    return tuple(
        _read(one, "uniform", successes, alpha, tuned_n)
        for one, successes in zip(found, panel.successes.tolist(), strict=True)
    )


def lifts_over_arm(panel: Panel, baseline: str, alpha: float = 0.05, tuned_n: float = 50_000.0) -> tuple[Lift, ...]:
    """Lift of each arm over one of them, in the cohorts where both were in play; in the order of the arms."""
    least = np.minimum(panel.successes, panel.successes[panel.column(baseline)]).tolist()
    found = arm_contrasts(panel, arm_weights(panel, baseline))
    return tuple(_read(one, baseline, successes, alpha, tuned_n) for one, successes in zip(found, least, strict=True))


def policy_lift(panel: Panel, alpha: float = 0.05, tuned_n: float = 50_000.0) -> Lift:
    """Lift of what was really served over an equal split: what moving the traffic earned so far."""
    result = contrast(panel, panel.propensity, uniform_weights(panel))
    return _read(result, "uniform", float(panel.successes.sum()), alpha, tuned_n)


def _read(result: Contrast, against: str, successes: float, alpha: float, tuned_n: float) -> Lift:
    level = 1.0 - alpha
    everything = Interval(-1.0, float("inf"), level, True)
    z_end = float(special.ndtri(1.0 - alpha / 2.0))
    sequence, p_value = everything, 1.0
    if successes >= BURN_IN_CLICKS:
        sequence = result.lift_interval(float(asymptotic_multiplier(result.n, alpha, tuned_n)), level, True)
        if result.standard_error > 0.0:
            p_value = float(asymptotic_p(result.difference / result.standard_error, result.n, tuned_n, alpha))
    interval = result.lift_interval(z_end, level)
    return Lift(against, result.lift_rel, result.difference, interval, sequence, p_value, result.n)
