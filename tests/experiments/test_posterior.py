"""Probabilities to be best against closed forms and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from experiments import Beta, OutOfRange, UnequalShapes, beats, best_of_betas, best_of_normals, prior_from_rates


def closed_form(a: int, b: int, c: int, d: int) -> float:
    """P(Beta(a, b) > Beta(c, d)) for whole a (Evan Miller, "Formulas for Bayesian A/B testing", 2014)."""
    return sum(
        math.exp(special.betaln(c + i, b + d) - math.log(b + i) - special.betaln(1 + i, b) - special.betaln(c, d))
        for i in range(a)
    )


@pytest.mark.parametrize(
    ("a", "b", "c", "d"), [(2, 98, 3, 97), (13, 987, 20, 980), (1, 1, 1, 1), (40, 1960, 41, 99_959)]
)
def test_two_rates_agree_with_the_closed_form(a: int, b: int, c: int, d: int) -> None:
    assert beats(Beta(a, b), Beta(c, d)) == pytest.approx(closed_form(a, b, c, d), abs=1e-8)


def test_two_normals_agree_with_the_closed_form() -> None:
    best = best_of_normals(np.array([1.0, 1.3]), np.array([0.3, 0.01]))
    spread = math.hypot(0.3, 0.01)
    gap = 0.3 / spread
    assert best.probability[1] == pytest.approx(stats.norm.cdf(gap), abs=1e-9)
    # Clark 1961: E max(X, Y) = m1 Phi(-gap) + m2 Phi(gap) + spread phi(gap)
    expected = 1.0 * stats.norm.cdf(-gap) + 1.3 * stats.norm.cdf(gap) + spread * stats.norm.pdf(gap)
    assert best.expected_max == pytest.approx(expected, abs=1e-9)
    assert best.expected_loss[0] == pytest.approx(expected - 1.0, abs=1e-9)


def test_several_rates_agree_with_adaptive_integration() -> None:
    a, b = np.array([3.0, 30.0, 2.0, 11.0]), np.array([97.0, 970.0, 8.0, 300.0])

    def density(x: float, k: int) -> float:
        others = [special.betainc(a[i], b[i], x) for i in range(4) if i != k]
        return float(stats.beta.pdf(x, a[k], b[k]) * np.prod(others))

    best = best_of_betas(a, b)
    for k in range(4):
        assert best.probability[k] == pytest.approx(
            integrate.quad(density, 0.0, 1.0, args=(k,), limit=500)[0], abs=1e-8
        )
    maximum = integrate.quad(lambda x: 1.0 - np.prod(special.betainc(a, b, x)), 0.0, 1.0, limit=500)[0]
    assert best.expected_max == pytest.approx(maximum, abs=1e-8)


def test_a_hundred_rates_agree_with_brute_force() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(1.0, 60.0, 100), rng.uniform(300.0, 3_000.0, 100)
    n = 100_000
    draws = rng.beta(a, b, (n, 100))
    share = np.bincount(draws.argmax(axis=1), minlength=100) / n
    best = best_of_betas(a, b)
    standard_error = np.sqrt(np.maximum(best.probability, 1.0 / n) / n)
    assert np.all(np.abs(share - best.probability) < 4.5 * standard_error)  # 100 looks at 4.5 sigma: 7e-4
    assert best.expected_max == pytest.approx(draws.max(axis=1).mean(), rel=0.002)


@pytest.mark.parametrize("size", [2, 5, 40, 300])
def test_probabilities_add_up_before_they_are_normalised(size: int) -> None:
    # the nodes serve every arm at once, so a bad node set would show here
    from experiments.posterior import _panel_nodes

    rng = np.random.default_rng(size)
    mean, sd = rng.normal(0.0, 1.0, size), 10.0 ** rng.uniform(-3.0, 0.5, size)
    z, weight = _panel_nodes(mean - 7.5 * sd, mean + 7.5 * sd, mean, sd)
    cdf = special.ndtr((z - mean[:, None]) / sd[:, None])
    total = sum(
        float((stats.norm.pdf(z, mean[k], sd[k]) * np.prod(np.delete(cdf, k, axis=0), axis=0) * weight).sum())
        for k in range(size)
    )
    assert total == pytest.approx(1.0, abs=1e-7)


def test_equal_arms_share_equally_in_any_order() -> None:
    best = best_of_betas(np.full(6, 20.0), np.full(6, 980.0))
    np.testing.assert_allclose(best.probability, 1.0 / 6.0, atol=1e-12)
    a, b = np.array([5.0, 9.0, 7.0]), np.array([200.0, 300.0, 250.0])
    reference = best_of_betas(a, b).probability
    for order in itertools.permutations(range(3)):
        np.testing.assert_allclose(best_of_betas(a[list(order)], b[list(order)]).probability, reference[list(order)])


def test_more_clicks_never_lower_the_chance_to_be_best() -> None:
    b = np.array([500.0, 500.0, 500.0])
    chances = [best_of_betas(np.array([clicks, 10.0, 12.0]), b).probability[0] for clicks in (5.0, 8.0, 11.0, 20.0)]
    assert chances == sorted(chances)


def test_a_beta_interval_is_the_published_one() -> None:
    # Jeffreys interval for 5 of 20 (Brown, Cai, DasGupta 2001: 0.102 to 0.464)
    interval = Beta(0.5, 0.5).after(20, 5).interval()
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.102, 0.464)


def test_the_learned_prior_finds_the_spread_between_arms() -> None:
    rng = np.random.default_rng(4)
    truth = rng.beta(40.0, 1_960.0, 400)  # mean 0.02, sd 0.00313
    shown = np.full(400, 20_000.0)
    prior = prior_from_rates(shown, rng.binomial(20_000, truth).astype(np.float64))
    assert prior.mean == pytest.approx(0.02, rel=0.02)  # standard error 0.8 %
    assert prior.sd == pytest.approx(0.00313, rel=0.15)  # standard error of a sd from 400 arms: 3.5 %, and shrinkage


def test_arms_without_any_exposure_leave_a_usable_prior() -> None:
    prior = prior_from_rates(np.zeros(5), np.zeros(5))
    assert 0.0 < prior.mean < 0.5
    assert prior.sd > 0.0


def test_nonsense_is_refused() -> None:
    with pytest.raises(OutOfRange):
        Beta(0.0, 1.0)
    with pytest.raises(OutOfRange):
        best_of_betas(np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    with pytest.raises(UnequalShapes):
        best_of_normals(np.zeros(2), np.ones(3))
