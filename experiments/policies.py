"""Policies: from what is known to the probabilities of the next weight table.

`weigh` is what a service calls at every refresh. Everything is a pure function of counts and a random generator.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import special

from .counts import Counts
from .errors import UnknownName
from .factorial import ContentScore, FactorialFit, design_of, fit_factorial, probability_best, score_of
from .posterior import best_of_betas, prior_from_rates
from .tables import make_table
from .types import Experiment, Floats, WeightTable


@dataclass(frozen=True, slots=True, eq=False)
class Weighing:
    """A new weight table and, for the factorial policy, the fit behind it (hand it to the next refresh)."""

    table: WeightTable
    fit: FactorialFit | None = None


def weigh(
    experiment: Experiment,
    counts: Counts,
    *,
    version: int,
    now: float,
    rng: np.random.Generator,
    previous: FactorialFit | None = None,
    score: ContentScore | None = None,
    vetoed: Collection[str] = (),
) -> Weighing:
    """Compute the next weight table.

    Args:
        counts: evidence; arms and segments are matched by name, so the experiment may have gained or lost some.
        version: above that of the last table.
        now: from when on the table is used, seconds.
        rng: chance behind the draws of the factorial policy; the other policies use none.
        previous: the factorial fit of the last refresh, for speed.
        score: prior means from a content model; the experiment's own `prior_scores` when None.
        vetoed: active arms that a guardrail keeps out; ignored when it would leave none.

    Returns:
        The table (exact probabilities, floor and holdout included) and the fit.
    """
    if experiment.metric == "value":
        counts = counts.in_value_units()
    score = score or score_of(experiment)
    active = experiment.active_arms
    arms = tuple(arm for arm in active if arm not in set(vetoed)) or active
    kind = experiment.policy.kind
    fit: FactorialFit | None = None
    if kind == "factorial":
        rows, fit = _factorial_rows(experiment, counts, arms, rng, previous, score)
    else:
        known = counts.aligned(arms, experiment.segments)
        scale = experiment.scale_after(float(counts.exposures.sum()))
        offset = None if score is None else score.offset(arms, 1)
        rows = np.stack([_flat_row(experiment, known, s, arms, scale, offset) for s in range(len(experiment.segments))])
    best = dict(zip(experiment.segments, rows, strict=True))
    return Weighing(make_table(experiment, best, version=version, time=now, arms=arms), fit)


def _flat_row(
    experiment: Experiment, counts: Counts, segment: int, arms: tuple[str, ...], scale: float, offset: Floats | None
) -> Floats:
    policy = experiment.policy
    if policy.kind == "uniform":
        return np.full(len(arms), 1.0 / len(arms))
    if policy.kind == "fixed":
        return fixed_split(arms, policy.split)
    exposures, clicks = counts.matured[segment], counts.clicks[segment]
    if policy.kind == "thompson":
        return thompson(exposures, clicks, scale, offset)
    if policy.kind == "top_two":
        return top_two(thompson(exposures, clicks, policy.scale or 1.0, offset), policy.top_two_share)
    raise UnknownName("policy", policy.kind, ("uniform", "fixed", "thompson", "top_two", "factorial"))


def fixed_split(arms: tuple[str, ...], split: object = None) -> Floats:
    """Shares in the order of `arms`; equal when no split is given or none of its arms is active."""
    shares = np.array([float(split.get(arm, 0.0)) for arm in arms]) if isinstance(split, dict) else np.ones(len(arms))
    return shares / shares.sum() if shares.sum() > 0.0 else np.full(len(arms), 1.0 / len(arms))


def thompson(exposures: Floats, clicks: Floats, scale: float = 1.0, offset: Floats | None = None) -> Floats:
    """Exact Thompson probabilities of independent arms, by quadrature on Beta posteriors.

    Args:
        exposures, clicks: (K,); exposures may be maturity-weighted or discounted.
        scale: factor on the posterior standard deviation; 1 is textbook Thompson sampling.
        offset: (K,) what a content model expects of each arm, log-odds around 0: moves the prior means, not its weight.

    Returns:
        (K,) that sum to 1. The prior is learned from the arms themselves (`prior_from_rates`).

    Source: Chapelle and Li 2011; probabilities by quadrature instead of draws, so that they can be logged.
    """
    prior = prior_from_rates(exposures, clicks)
    strength, mean = prior.a + prior.b, np.full(clicks.shape, prior.mean)
    if offset is not None:
        mean = special.expit(special.logit(prior.mean) + offset)
    a = strength * mean + clicks
    b = strength * (1.0 - mean) + np.maximum(exposures - clicks, 0.0)
    return best_of_betas(a / scale**2, b / scale**2).probability


def top_two(best: Floats, share: float = 0.5) -> Floats:
    """Top-two probabilities from Thompson's: play the best of a draw with `share`, else the first other winner.

    q_k = share p_k + (1 - share) sum_{j != k} p_j p_k / (1 - p_j), which is what redrawing until another arm wins
    amounts to. For best-arm tests: finds the winner fastest, costs more clicks on the way.

    Source: Russo, "Simple Bayesian Algorithms for Best Arm Identification", 2016.
    """
    if best.size == 1:
        return best.copy()
    rest = np.maximum(1.0 - best, 1e-12)
    odds = best / rest
    challenger = best * (odds.sum() - odds)
    if best.max() > 1.0 - 1e-9:  # a certain leader: its challenger is the arm that would win without it
        challenger = np.where(np.arange(best.size) == int(best.argmax()), 0.0, np.maximum(best, 1e-15))
    return np.asarray(share * best + (1.0 - share) * challenger / challenger.sum(), dtype=np.float64)


def _factorial_rows(
    experiment: Experiment,
    counts: Counts,
    arms: tuple[str, ...],
    rng: np.random.Generator,
    previous: FactorialFit | None,
    score: ContentScore | None,
) -> tuple[Floats, FactorialFit]:
    """P(best) per segment. Retired and paused arms still teach about their levels, they only do not compete."""
    policy = experiment.policy
    design = design_of(experiment, previous)
    known = counts.aligned(design.arms, design.segments)
    fit = fit_factorial(design, known, score=score, previous=previous, interactions=policy.interactions)
    half = rng.standard_normal((fit.mean.size, (policy.draws + 1) // 2))
    normals = np.concatenate([half, -half], axis=1)  # antithetic pairs
    at = {arm: i for i, arm in enumerate(design.arms)}
    keep = np.array([at[arm] for arm in arms], dtype=np.int64)
    return probability_best(fit, normals, experiment.scale_after(float(counts.exposures.sum())), keep)[:, keep], fit
