"""Combinations learn from each other, and pairs are let in only when they earn it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from experiments import (
    Arm,
    ContentScore,
    Counts,
    Experiment,
    Factor,
    PolicySpec,
    UnequalShapes,
    combinations,
    effects,
    fit_factorial,
    make_design,
    probability_best,
    weigh,
)
from experiments.factorial import _fit_groups, _gram, best_of_fit
from experiments.types import Floats

FACTORS = (Factor("headline", ("h0", "h1", "h2", "h3")), Factor("image", ("i0", "i1", "i2")))
ARMS = combinations(FACTORS)


def counts_of(rates: Floats, shown: float, seed: int, segments: tuple[str, ...] = ("all",)) -> Counts:
    rng = np.random.default_rng(seed)
    n = np.full(rates.shape, shown)
    empty = Counts.empty([f"{k}" for k in range(rates.shape[1])], segments)
    return empty.add_cells(n, rng.binomial(int(shown), rates).astype(np.float64))


def additive(seed: int, base: float = 0.03, sd: float = 0.3) -> Floats:
    rng = np.random.default_rng(seed)
    logits = special.logit(base) + rng.normal(0.0, sd, (4, 1)) + rng.normal(0.0, sd, (1, 3))
    return np.asarray(special.expit(logits.reshape(1, -1)), dtype=np.float64)


def test_the_mode_is_the_one_a_general_optimiser_finds() -> None:
    design = make_design(ARMS, FACTORS, ("all",)).restricted(["intercept", "headline", "image"])
    known = counts_of(additive(1), 2_000.0, 1)
    fit = _fit_groups(design, known.matured.ravel(), known.clicks.ravel(), np.zeros(12), None, 3, design)
    precision = np.concatenate([np.full(g.size, 1.0 / fit.variance[g.name]) for g in design.groups])

    def loss(theta: Floats) -> float:
        eta = theta[design.index].sum(axis=0)
        log_likelihood = known.clicks.ravel() @ eta - known.matured.ravel() @ np.logaddexp(0.0, eta)
        return float(0.5 * precision @ theta**2 - log_likelihood)

    best = optimize.minimize(loss, np.zeros(design.n_columns), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(fit.mean, best.x, atol=2e-3)  # Newton stops at 1 % of a posterior sd


def test_the_gram_matrix_is_the_dense_product() -> None:
    design = make_design(ARMS, FACTORS, ("x", "y"))
    dense = np.zeros((24, design.n_columns))
    for row in design.index:
        dense[np.arange(24), row] += 1.0
    weight = np.random.default_rng(1).random(24)
    np.testing.assert_allclose(_gram(design, weight), dense.T @ (weight[:, None] * dense), atol=1e-12)


def test_effects_recover_the_truth_within_their_intervals() -> None:
    inside = total = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        headline, image = rng.normal(0.0, 0.25, 4), rng.normal(0.0, 0.25, 3)
        rates = special.expit(special.logit(0.03) + headline[:, None] + image[None, :]).reshape(1, -1)
        design = make_design(ARMS, FACTORS, ("all",))
        fit = fit_factorial(design, counts_of(rates, 3_000.0, 5_000 + seed))
        truth = np.concatenate([headline - headline.mean(), image - image.mean()])
        found = effects(fit, ("headline", "image"))
        inside += sum(abs(e.log_odds - t) < 1.96 * e.sd for e, t in zip(found, truth, strict=True))
        total += len(found)
    assert 0.90 <= inside / total <= 0.99  # 95 % of 210 expected, three standard errors are 4.5 points


def test_combinations_are_known_before_they_were_ever_shown() -> None:
    rates = additive(3)
    design = make_design(ARMS, FACTORS, ("all",))
    known = counts_of(rates, 20_000.0, 3)
    hidden = np.ones((1, 12))
    hidden[0, 5] = 0.0  # this combination was never shown
    fit = fit_factorial(
        design, known.aligned(known.arms).add_cells(-known.exposures * (1 - hidden), -known.clicks * (1 - hidden))
    )
    assert special.expit(fit.logits()[0, 5]) == pytest.approx(rates[0, 5], rel=0.12)


def test_a_strong_pair_is_let_in_and_noise_is_not() -> None:
    admitted_noise = 0
    for seed in range(20):
        design = make_design(ARMS, FACTORS, ("all",))
        admitted_noise += len(fit_factorial(design, counts_of(additive(seed), 5_000.0, seed)).interactions)
    assert admitted_noise <= 4  # about 3 % and 1 % by the two tests
    rates = additive(4).copy()
    rates[0, 7] *= 1.8  # one combination does much better than its parts
    fit = fit_factorial(make_design(ARMS, FACTORS, ("all",)), counts_of(rates, 5_000.0, 4))
    assert fit.interactions == ("headline x image",)
    pairs = effects(fit, fit.interactions)
    assert max(pairs, key=lambda e: e.log_odds / e.sd).levels == ("h2", "i1")  # combination 7 of 4 x 3
    assert (
        fit_factorial(
            make_design(ARMS, FACTORS, ("all",)), counts_of(rates, 5_000.0, 4), interactions=False
        ).interactions
        == ()
    )


def test_a_factor_that_does_not_matter_shrinks_away() -> None:
    rates = np.repeat([0.02, 0.03, 0.04, 0.05], 3).reshape(1, -1)  # only the headline matters
    fit = fit_factorial(make_design(ARMS, FACTORS, ("all",)), counts_of(rates, 20_000.0, 5))
    assert fit.variance["headline"] > 5 * fit.variance["image"]


def test_segments_may_disagree_about_the_best_arm() -> None:
    arms = [Arm("a"), Arm("b")]
    rates = np.array([[0.03, 0.02], [0.02, 0.03]])
    design = make_design(arms, (), ("young", "old"))
    fit = fit_factorial(design, counts_of(rates, 20_000.0, 6, ("young", "old")))
    normals = np.random.default_rng(1).standard_normal((fit.mean.size, 1_000))
    best = probability_best(fit, normals)
    np.testing.assert_allclose(best.sum(axis=1), 1.0)
    assert best[0, 0] > 0.95
    assert best[1, 1] > 0.95


def test_a_warm_refresh_finds_what_a_cold_fit_finds() -> None:
    design = make_design(ARMS, FACTORS, ("all",))
    half, full = counts_of(additive(7), 5_000.0, 7), counts_of(additive(7), 10_000.0, 8)
    warm = fit_factorial(design, half)
    for _ in range(6):
        warm = fit_factorial(design, full, previous=warm)
    cold = fit_factorial(design, full)
    sd = np.sqrt(np.diag(cold.covariance())).max()
    assert np.abs(warm.logits() - cold.logits()).max() < 0.3 * sd  # the variances are still converging


def test_a_content_score_moves_the_prior_but_not_the_evidence() -> None:
    design = make_design(ARMS, FACTORS, ("all",))
    score = ContentScore(tuple(arm.id for arm in ARMS), np.linspace(-0.4, 0.4, 12), weight=1.0)
    nothing = Counts.empty([arm.id for arm in ARMS])
    fit = fit_factorial(design, nothing, score=score)
    assert np.all(np.diff(fit.logits()[0]) > 0.0)  # before any click the score decides
    known = counts_of(additive(9), 200_000.0, 9)
    with_score, without = fit_factorial(design, known, score=score), fit_factorial(design, known)
    assert np.abs(with_score.logits() - without.logits()).max() < 0.05  # with 70,000 clicks it does not
    heavy = ContentScore(score.arms, score.logit * 100.0, weight=50.0)
    assert np.abs(heavy.offset(score.arms, 1)).max() <= 1.0  # its weight and its reach are capped


def test_the_best_of_a_fit_agrees_with_its_own_draws() -> None:
    fit = fit_factorial(make_design(ARMS, FACTORS, ("all",)), counts_of(additive(10), 3_000.0, 10))
    normals = np.random.default_rng(2).standard_normal((fit.mean.size, 4_000))
    best = best_of_fit(fit, normals, np.ones(1))
    assert best.probability.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(best.probability, probability_best(fit, normals)[0], atol=0.002)  # float32 ties
    assert best.expected_loss.min() >= 0.0
    assert int(best.expected_loss.argmin()) == int(best.probability.argmax())


def test_new_arms_start_from_their_factors_and_retired_ones_still_teach() -> None:
    experiment = Experiment("e", ARMS, FACTORS, policy=PolicySpec("factorial", draws=200))
    known = counts_of(additive(11), 5_000.0, 11)
    known = Counts(
        tuple(arm.id for arm in ARMS), *(getattr(known, n) for n in known.__dataclass_fields__ if n != "arms")
    )
    rng = np.random.default_rng(1)
    first = weigh(experiment, known, version=1, now=0.0, rng=rng)
    factors = (Factor("headline", (*FACTORS[0].levels, "h4")), FACTORS[1])
    arms = (
        Arm(ARMS[0].id, ARMS[0].levels, "retired"),
        *ARMS[1:],
        Arm("h4|i0", {"headline": "h4", "image": "i0"}),
    )
    grown = Experiment("e", arms, factors, policy=PolicySpec("factorial", draws=200))
    second = weigh(grown, known, version=2, now=1.0, rng=rng, previous=first.fit)
    assert ARMS[0].id not in second.table.arms
    assert second.table.segments["all"].served[second.table.index["h4|i0"]] > 0.0
    assert second.fit is not None
    headline = {e.levels[0]: e for e in effects(second.fit, ("headline",))}
    assert headline["h4"].sd > 2 * headline["h1"].sd
    assert headline["h0"].sd < 2 * headline["h1"].sd  # its evidence is still used


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(UnequalShapes):
        fit_factorial(make_design(ARMS, FACTORS, ("all",)), Counts.empty(("a",)))
