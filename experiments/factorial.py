"""The factorised posterior: combinations learn from each other through their factors.

The logit of an arm's rate in a segment is a sum of effects: an intercept, the segment, one effect per factor level;
with segments, one per segment and level; and, where the data ask for it, one per pair of levels of two factors. Each
group of effects has a normal prior whose variance is learned from the data (empirical Bayes: Nabi et al. 2020), so a
factor that does not matter shrinks away; pairs are let in only when their group earns it. The posterior is Laplace's
approximation.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, special

from .counts import Counts
from .errors import UnequalShapes, UnknownArm
from .posterior import Best
from .types import Arm, Experiment, Factor, Floats, Ints

MAIN_SD = 0.15  # where the sd of a factor's effects on the logit is shrunk to while little is known
PAIR_SD = 0.05  # the same for interactions
MAIN_STRENGTH = 2.0  # weight of that guess, in levels
PAIR_STRENGTH = 8.0
CONTEXT_SD = 0.1  # the same for what a segment changes about a factor's effects
INTERCEPT_SD = 3.0
SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class Group:
    """Effects that share a prior variance."""

    name: str
    parts: tuple[str, ...]  # () intercept, ("headline",) main effect, ("headline", "image") interaction
    labels: tuple[tuple[str, ...], ...]  # one per effect, a level for each part
    start: int  # first column

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def is_pair(self) -> bool:
        """Two factors together: let in only when it earns it."""
        return len(self.parts) == 2 and SEGMENT not in self.parts

    @property
    def is_context(self) -> bool:
        """A factor's effects within a segment: always in, whoever names segments expects them to differ."""
        return len(self.parts) == 2 and SEGMENT in self.parts


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Which effects each cell (segment, arm) is made of. Cells are counted segment by segment."""

    arms: tuple[str, ...]
    segments: tuple[str, ...]
    groups: tuple[Group, ...]
    index: Ints  # (G, S * K) column of each group's effect in each cell

    @property
    def n_columns(self) -> int:
        return sum(group.size for group in self.groups)

    def restricted(self, keep: Sequence[str]) -> Design:
        """The same cells with only the named groups, columns renumbered."""
        groups, rows, start = [], [], 0
        for group, row in zip(self.groups, self.index, strict=True):
            if group.name in keep:
                groups.append(Group(group.name, group.parts, group.labels, start))
                rows.append(row - group.start + start)
                start += group.size
        return Design(self.arms, self.segments, tuple(groups), np.array(rows, dtype=np.int64))


def make_design(arms: Sequence[Arm], factors: Sequence[Factor], segments: Sequence[str]) -> Design:
    """Every group the arms and segments allow, pairs included.

    Arms without factors are one factor called "arm", so they share a prior and, with segments, learn across them.
    """
    ids = tuple(arm.id for arm in arms)
    names: list[str]
    if factors:
        names = [factor.name for factor in factors]
        levels = {factor.name: factor.levels for factor in factors}
        of_arm = {
            name: np.array([levels[name].index((arm.levels or {})[name]) for arm in arms], dtype=np.int64)
            for name in names
        }
    else:
        names, levels = ["arm"], {"arm": ids}
        of_arm = {"arm": np.arange(len(ids), dtype=np.int64)}
    n_arms, n_segments = len(ids), len(segments)
    at = {name: np.tile(column, n_segments) for name, column in of_arm.items()}
    if n_segments > 1:
        names = [SEGMENT, *names]
        levels = {**levels, SEGMENT: tuple(segments)}
        at[SEGMENT] = np.repeat(np.arange(n_segments, dtype=np.int64), n_arms)
    groups = [Group("intercept", (), ((),), 0)]
    rows = [np.zeros(n_arms * n_segments, dtype=np.int64)]
    start = 1
    for name in names:
        groups.append(Group(name, (name,), tuple((level,) for level in levels[name]), start))
        rows.append(start + at[name])
        start += len(levels[name])
    for a, b in itertools.combinations(names, 2):
        size_b = len(levels[b])
        labels = tuple(itertools.product(levels[a], levels[b]))
        groups.append(Group(f"{a} x {b}", (a, b), labels, start))
        rows.append(start + at[a] * size_b + at[b])
        start += len(labels)
    return Design(ids, tuple(segments), tuple(groups), np.array(rows, dtype=np.int64))


def design_of(experiment: Experiment, previous: FactorialFit | None = None) -> Design:
    """The design of an experiment; the last one when neither arms nor factors nor segments changed."""
    if previous is not None:
        last = previous.full
        levels = {group.name: group.labels for group in last.groups}
        same_factors = all(
            levels.get(factor.name) == tuple((level,) for level in factor.levels) for factor in experiment.factors
        )
        if (
            same_factors
            and last.segments == experiment.segments
            and last.arms == tuple(arm.id for arm in experiment.arms)
        ):
            return last
    return make_design(experiment.arms, experiment.factors, experiment.segments)


@dataclass(frozen=True, slots=True, eq=False)
class FactorialFit:
    """The posterior of the effects: normal with this mean and precision. Columns are in the order of `design`."""

    design: Design
    mean: Floats  # (P,)
    cholesky: Floats  # (P, P) lower factor of the posterior precision
    variance: Mapping[str, float]  # group -> prior variance, learned
    offset: Floats  # (S * K,) prior mean of each cell from a content score, 0 without one
    full: Design  # every group there could be, for the next refresh
    interactions: tuple[str, ...] = ()  # names of the pair groups that earned a variance of their own

    def covariance(self) -> Floats:
        """(P, P) posterior covariance."""
        return np.asarray(linalg.cho_solve((self.cholesky, True), np.eye(self.mean.size)), dtype=np.float64)

    def logits(self) -> Floats:
        """(S, K) posterior mean of each cell's logit."""
        cells = self.offset + self.mean[self.design.index].sum(axis=0)
        return np.asarray(cells.reshape(len(self.design.segments), len(self.design.arms)), dtype=np.float64)

    def draw(self, normals: Floats, scale: float = 1.0) -> Floats:
        """Posterior draws of the effects.

        Args:
            normals: (P, n) standard normal numbers; the same ones at every refresh give common random numbers.
            scale: factor on the posterior standard deviation.

        Returns:
            (P, n)
        """
        spread = linalg.solve_triangular(self.cholesky, normals, lower=True, trans="T", check_finite=False)
        return np.asarray(self.mean[:, None] + scale * spread, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ContentScore:
    """What a content model expects of each arm before it was ever shown.

    `logit` is (K,) on the logit scale, any centre; `weight` 0 to 1 is how much of it to believe.
    """

    arms: tuple[str, ...]
    logit: Floats
    weight: float = 0.5

    def offset(self, arms: Sequence[str], n_segments: int) -> Floats:
        """(S * K,) prior means, centred over the arms, capped at one unit of logit either way."""
        if self.logit.shape != (len(self.arms),):
            raise UnequalShapes(arms=(len(self.arms),), logit=self.logit.shape)
        at = {arm: i for i, arm in enumerate(self.arms)}
        for arm in arms:
            if arm not in at:
                raise UnknownArm(arm, self.arms)
        score = self.logit[np.array([at[arm] for arm in arms], dtype=np.int64)]
        weight = min(max(self.weight, 0.0), 1.0)
        return np.tile(weight * np.clip(score - score.mean(), -1.0, 1.0), n_segments)


def score_of(experiment: Experiment) -> ContentScore | None:
    """The experiment's own prior scores; arms without one get the average. None when there are none."""
    scores = experiment.prior_scores
    if not scores or experiment.prior_weight <= 0.0:
        return None
    average = sum(scores.values()) / len(scores)
    arms = tuple(arm.id for arm in experiment.arms)
    logit = np.array([float(scores.get(arm, average)) for arm in arms])
    return ContentScore(arms, logit, experiment.prior_weight)


def fit_factorial(
    design: Design,
    counts: Counts,
    *,
    score: ContentScore | None = None,
    previous: FactorialFit | None = None,
    interactions: bool = True,
) -> FactorialFit:
    """Fit the effects to the counts.

    Args:
        design: from `make_design`, every group included.
        counts: aligned with the design's arms and segments; maturity-weighted and discounted as wished.
        score: prior means.
        previous: the last fit of the same experiment; makes a refresh fast, changes nothing but the starting point.
        interactions: may pairs enter.

    Raises:
        UnequalShapes: counts and design do not match.
    """
    shape = (len(design.segments), len(design.arms))
    if counts.matured.shape != shape:
        raise UnequalShapes(design=shape, counts=counts.matured.shape)
    clicks = counts.clicks.ravel()
    shown = np.maximum(counts.matured.ravel(), clicks)
    offset = np.zeros(clicks.size) if score is None else score.offset(design.arms, len(design.segments))
    mains = [group.name for group in design.groups if not group.is_pair]
    pairs = [group.name for group in design.groups if group.is_pair] if interactions else []
    admitted = [name for name in pairs if previous is not None and name in previous.interactions]
    steps = 2 if previous is not None else 12
    fit = _fit_groups(design.restricted(mains + admitted), shown, clicks, offset, previous, steps, design)
    earned = _earned(design, fit, shown, clicks, [name for name in pairs if name not in admitted])
    if earned:
        admitted += list(earned)
        fit = _fit_groups(design.restricted(mains + admitted), shown, clicks, offset, fit, 4, design, earned)
    return replace(fit, interactions=tuple(name for name in pairs if name in admitted))


def _fit_groups(
    design: Design,
    shown: Floats,
    clicks: Floats,
    offset: Floats,
    previous: FactorialFit | None,
    steps: int,
    full: Design,
    first_variance: Mapping[str, float] | None = None,
) -> FactorialFit:
    """Alternate Newton steps for the effects with EM steps for the variances."""
    variance = {group.name: _first_variance(group) for group in design.groups}
    theta = np.zeros(design.n_columns)
    theta[0] = special.logit((clicks.sum() + 0.5) / (shown.sum() + 25.0))
    if previous is not None:
        own = set(previous.interactions)
        variance.update({g.name: previous.variance[g.name] for g in design.groups if _is_kept(g, previous, own)})
        _carry_over(theta, design, previous)
    variance.update(first_variance or {})
    for _ in range(steps):
        theta, cholesky = _newton(design, theta, shown, clicks, offset, _prior_precision(design, variance))
        inverse = linalg.lapack.dpotri(cholesky, lower=1)[0]
        variance = _learn_variance(design, theta, np.diag(inverse), variance)
    theta, cholesky = _newton(design, theta, shown, clicks, offset, _prior_precision(design, variance))
    return FactorialFit(design, theta, cholesky, variance, offset, full)


def _is_kept(group: Group, previous: FactorialFit, earned: Collection[str]) -> bool:
    return group.name in previous.variance and (not group.is_pair or group.name in earned)


def _first_variance(group: Group) -> float:
    if not group.parts:
        return INTERCEPT_SD**2
    return (PAIR_SD if group.is_pair else CONTEXT_SD if group.is_context else MAIN_SD) ** 2


def _carry_over(theta: Floats, design: Design, previous: FactorialFit) -> None:
    """Start from the effects of an earlier fit, matched by their labels (arms may have come or gone)."""
    old = {group.name: group for group in previous.design.groups}
    for group in design.groups:
        before = old.get(group.name)
        if before is None:
            continue
        if before.labels == group.labels:
            theta[group.start : group.start + group.size] = previous.mean[before.start : before.start + before.size]
        else:
            at = {label: before.start + i for i, label in enumerate(before.labels)}
            for i, label in enumerate(group.labels):
                if label in at:
                    theta[group.start + i] = previous.mean[at[label]]


def _prior_precision(design: Design, variance: Mapping[str, float]) -> Floats:
    return np.concatenate([np.full(group.size, 1.0 / variance[group.name]) for group in design.groups])


def _learn_variance(
    design: Design, theta: Floats, posterior_variance: Floats, variance: Mapping[str, float]
) -> dict[str, float]:
    """EM: a group's variance is the mean of mu^2 + Sigma_jj over its effects, shrunk to a guess."""
    learned = dict(variance)
    for group in design.groups[1:]:
        own = slice(group.start, group.start + group.size)
        total = float((theta[own] ** 2 + posterior_variance[own]).sum())
        strength = PAIR_STRENGTH if group.is_pair else MAIN_STRENGTH
        learned[group.name] = (total + strength * _first_variance(group)) / (group.size + strength)
    return learned


def _newton(
    design: Design, theta: Floats, shown: Floats, clicks: Floats, offset: Floats, precision: Floats
) -> tuple[Floats, Floats]:
    """Newton steps to the mode for given prior precisions; returns the mode and the Cholesky factor there."""
    value = _log_posterior(design, theta, shown, clicks, offset, precision)
    for _ in range(30):
        rate = special.expit(offset + theta[design.index].sum(axis=0))
        gradient = _spread(design, clicks - shown * rate) - precision * theta
        hessian = _gram(design, shown * rate * (1.0 - rate))
        hessian[np.diag_indices_from(hessian)] += precision
        cholesky = np.asarray(linalg.cholesky(hessian, lower=True, check_finite=False))
        step = linalg.cho_solve((cholesky, True), gradient, check_finite=False)
        gain = float(gradient @ step)
        if gain < 1e-4:  # a Newton decrement of 1e-4 is 1 % of a posterior sd
            return theta + step, cholesky
        size = 1.0
        while size > 1e-3:
            trial = theta + size * step
            after = _log_posterior(design, trial, shown, clicks, offset, precision)
            if after > value - 1e-9:
                theta, value = trial, after
                break
            size /= 2.0
        else:
            break
    return theta, cholesky


def _log_posterior(
    design: Design, theta: Floats, shown: Floats, clicks: Floats, offset: Floats, precision: Floats
) -> float:
    eta = offset + theta[design.index].sum(axis=0)
    return float(clicks @ eta - shown @ np.logaddexp(0.0, eta) - 0.5 * precision @ theta**2)


def _spread(design: Design, cells: Floats) -> Floats:
    """X^T cells: what each effect's cells add up to; (P,)."""
    weights = np.broadcast_to(cells, design.index.shape).ravel()
    return np.bincount(design.index.ravel(), weights=weights, minlength=design.n_columns).astype(np.float64)


def _gram(design: Design, weight: Floats) -> Floats:
    """X^T diag(weight) X for one-hot groups, by counting pairs of columns; (P, P)."""
    size = design.n_columns
    live = weight > 0.0
    index, weight = design.index[:, live], weight[live]
    flat = np.concatenate([index[g] * size + index[h] for g in range(len(index)) for h in range(g, len(index))])
    repeats = len(index) * (len(index) + 1) // 2
    upper = np.bincount(flat, weights=np.tile(weight, repeats), minlength=size * size).reshape(size, size)
    return np.asarray(upper + upper.T - np.diag(np.diag(upper)), dtype=np.float64)


def _earned(
    design: Design, fit: FactorialFit, shown: Floats, clicks: Floats, candidates: Sequence[str]
) -> dict[str, float]:
    """Pair groups whose variance is clearly above zero, with its moment estimate.

    A score test on the residuals of each pair under the fit without it: the group enters when the sum of their squares
    is 2 standard errors above what chance makes, or when a single pair stands out beyond chance among all.
    """
    rate = special.expit(fit.offset + fit.mean[fit.design.index].sum(axis=0))
    noise = shown * rate * (1.0 - rate)
    earned: dict[str, float] = {}
    for group, row in zip(design.groups, design.index, strict=True):
        if group.name not in candidates:
            continue
        at = row - group.start
        residual = np.bincount(at, weights=clicks - shown * rate, minlength=group.size)
        expected = np.bincount(at, weights=noise, minlength=group.size)
        excess = float((residual**2 - expected).sum())
        standard_error = float(np.sqrt((2.0 * expected**2 + expected).sum())) + 1e-12
        stands_out = np.abs(residual) / np.sqrt(expected + 1.0)
        if excess > 2.0 * standard_error or float(stands_out.max()) > special.ndtri(1.0 - 0.01 / (2 * group.size)):
            moment = excess / max(float((expected**2).sum()), 1e-12)
            earned[group.name] = float(np.clip(moment, PAIR_SD**2 / 4.0, 0.25))
    return earned


def probability_best(fit: FactorialFit, normals: Floats, scale: float = 1.0, keep: Ints | None = None) -> Floats:
    """Share of posterior draws in which each arm is the best of its segment.

    Args:
        normals: (P, n) standard normal numbers.
        keep: columns of the arms that compete; all when None.

    Returns:
        (S, K) rows that sum to 1; arms that do not compete have 0. These are what a table serves, so that the
        logged propensity is exact although the draws are finite.
    """
    design, n = fit.design, normals.shape[1]
    n_segments, n_arms = len(design.segments), len(design.arms)
    competing = np.arange(n_arms) if keep is None else keep
    theta = fit.draw(normals, scale).astype(np.float32)
    wins = np.zeros((n_segments, n_arms))
    for s in range(n_segments):
        cells = s * n_arms + competing
        index, offset = design.index[1:, cells], fit.offset[cells, None].astype(np.float32)  # the intercept is common
        for first in range(0, n, 128):  # blocks that stay in the processor's cache
            block = np.ascontiguousarray(theta[:, first : first + 128])
            score = offset + block[index[0]]
            for row in index[1:]:
                score += block[row]
            wins[s, competing] += np.bincount(score.argmax(axis=0), minlength=competing.size) / n
    return wins


def best_of_fit(fit: FactorialFit, normals: Floats, traffic: Floats, keep: Ints | None = None) -> Best:
    """P(best), expected maximum and expected loss of arms that are served the same in every segment.

    Args:
        normals: (P, n) standard normal numbers.
        traffic: (S,) share of each segment; sums to 1.
        keep: columns of the arms that compete; all when None.

    Returns:
        Arrays in the order of `keep`; rates, not logits.
    """
    design = fit.design
    competing = np.arange(len(design.arms)) if keep is None else keep
    theta = fit.draw(normals)
    rate = np.zeros((competing.size, normals.shape[1]))
    for s, share in enumerate(traffic):
        if share > 0.0:
            cells = s * len(design.arms) + competing
            score = np.repeat(fit.offset[cells, None], normals.shape[1], axis=1)
            for row in design.index[:, cells]:
                score += theta[row]
            rate += share * special.expit(score)
    n = normals.shape[1]
    probability = np.bincount(rate.argmax(axis=0), minlength=competing.size) / n
    expected_max = float(rate.max(axis=0).mean())
    return Best(probability, expected_max, np.maximum(expected_max - rate.mean(axis=1), 0.0))


@dataclass(frozen=True, slots=True)
class Effect:
    """What one level (or pair of levels) does to the rate, all else equal, against the average of its group."""

    parts: tuple[str, ...]  # ("headline",) or ("headline", "image")
    levels: tuple[str, ...]
    log_odds: float
    sd: float

    def rel(self, z: float = 0.0) -> float:
        """Relative change of a small rate, `z` posterior standard deviations away from its mean."""
        return float(np.expm1(self.log_odds + z * self.sd))


def effects(fit: FactorialFit, among: Collection[str] | None = None) -> tuple[Effect, ...]:
    """Main effects and admitted interactions, each against the plain average of its group.

    Args:
        among: names of the groups wanted; all when None.
    """
    covariance = fit.covariance()
    found: list[Effect] = []
    for group in fit.design.groups[1:]:
        if among is not None and group.name not in among:
            continue
        own = slice(group.start, group.start + group.size)
        centre = np.eye(group.size) - 1.0 / group.size
        mean = centre @ fit.mean[own]
        variance = np.diag(centre @ covariance[own, own] @ centre)
        found += [
            Effect(group.parts, label, float(mean[i]), float(np.sqrt(max(variance[i], 0.0))))
            for i, label in enumerate(group.labels)
        ]
    return tuple(found)
