"""Anytime-valid intervals: published formulas by hand, and promises kept by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from experiments import (
    OutOfRange,
    asymptotic_multiplier,
    asymptotic_p,
    exposures_per_arm,
    holm,
    msprt_p,
    normal_mixture_boundary,
    plan,
    rate_sequence,
)
from experiments.sequential import rate_log_e, tuned_for


def test_the_asymptotic_sequence_is_the_published_formula() -> None:
    n, alpha, tuned = 12_000.0, 0.05, 50_000.0
    r2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuned
    assert tuned_for(tuned, alpha) == pytest.approx(r2, rel=1e-12)
    half = math.sqrt(2 * (n * r2 + 1) / (n**2 * r2) * math.log(math.sqrt(n * r2 + 1) / alpha))
    assert float(asymptotic_multiplier(n, alpha, tuned)) / math.sqrt(n) == pytest.approx(half, rel=1e-12)


def test_the_asymptotic_sequence_is_tightest_near_where_it_was_tuned() -> None:
    tuned = 10_000.0
    at = np.array([0.1, 0.5, 1.0, 2.0, 10.0]) * tuned
    price = asymptotic_multiplier(at, 0.05, tuned) / special.ndtri(0.975)
    assert price.argmin() in (2, 3)
    assert price.min() < 1.6  # the price of peeking at the tuned look


def test_p_value_and_interval_agree_about_zero() -> None:
    for n in (500.0, 50_000.0, 400_000.0):
        edge = float(asymptotic_multiplier(n, 0.05))
        assert float(asymptotic_p(edge, n)) == pytest.approx(0.05, rel=1e-9)
        assert float(asymptotic_p(edge * 1.01, n)) < 0.05 < float(asymptotic_p(edge * 0.99, n))


def test_howards_boundary_is_crossed_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(1)
    walks = np.cumsum(rng.standard_normal((2_000, 1_000)), axis=1)
    bound = normal_mixture_boundary(np.arange(1.0, 1_001.0), rho=100.0, alpha=0.05)
    # by hand at V = 300: sqrt(400 ln(400 / (100 * 0.0025)))
    assert bound[299] == pytest.approx(math.sqrt(400 * math.log(1_600)), rel=1e-12)
    assert np.mean(np.any(np.abs(walks) >= bound, axis=1)) <= 0.05


def test_the_rate_sequence_solves_its_equation() -> None:
    interval = rate_sequence(23.0, 1_000.0)
    for edge in (interval.low, interval.high):
        assert float(rate_log_e(23.0, 1_000.0, np.asarray(edge))) == pytest.approx(math.log(20.0), abs=1e-6)
    # by hand: ln B(1.5 + 1, 98.5 + 1) - ln B(1.5, 98.5) - ln 0.02 - ln 0.98
    expected = special.betaln(2.5, 99.5) - special.betaln(1.5, 98.5) - math.log(0.02) - math.log(0.98)
    assert float(rate_log_e(1.0, 2.0, np.asarray(0.02))) == pytest.approx(expected, rel=1e-12)
    assert rate_sequence(0.0, 0.0).covers(0.5)
    assert rate_sequence(0.0, 200.0).low == 0.0
    with pytest.raises(OutOfRange):
        rate_sequence(3.0, 2.0)


def test_the_rate_sequence_misses_the_truth_at_any_look_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(2)
    clicks = np.cumsum(rng.binomial(100, 0.02, (1_000, 100)), axis=1)
    shown = 100.0 * np.arange(1, 101)
    log_e = special.betaln(1.5 + clicks, 98.5 + shown - clicks) - special.betaln(1.5, 98.5)
    log_e -= clicks * math.log(0.02) + (shown - clicks) * math.log(0.98)
    ever = np.mean(np.any(log_e >= math.log(20.0), axis=1))
    assert 0.0 < ever <= 0.05  # Ville's inequality bounds it; never wrong at all would mean a useless width
    assert rate_sequence(float(clicks[0, -1]), 10_000.0).width < 0.012  # 2.2 x the naive 0.0055


def test_msprt_is_johari_s_formula_and_keeps_its_promise() -> None:
    v, tau, d = 4e-6, 0.004, 0.006
    ratio = math.sqrt(v / (v + tau**2)) * math.exp(tau**2 * d**2 / (2 * v * (v + tau**2)))
    assert float(msprt_p(d, v, tau)) == pytest.approx(1 / ratio, rel=1e-12)
    rng = np.random.default_rng(3)
    n = 1_000.0 * np.arange(1, 51)
    rates = [np.cumsum(rng.binomial(1_000, 0.02, (1_000, 50)), axis=1) / n for _ in range(2)]
    pooled = (rates[0] + rates[1]) / 2
    p = msprt_p(rates[1] - rates[0], np.maximum(2 * pooled * (1 - pooled) / n, 1e-12), 0.004)
    assert np.mean(np.any(p < 0.05, axis=1)) <= 0.05


def test_holm_is_the_textbook_example() -> None:
    # 0.01, 0.04, 0.03, 0.005 -> 0.03, 0.06, 0.06, 0.02 (Holm 1979 by hand: x4, x3, x2, x1, made monotone)
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_a_fixed_plan_is_the_textbook_sample_size() -> None:
    # 2 % against 2.4 %, 80 % power: (1.959964 + 0.841621)^2 (0.0196 + 0.023424) / 0.004^2 = 21,106
    assert exposures_per_arm(0.02, 0.2, anytime=False) == 21_106
    assert exposures_per_arm(0.02, 0.2) > 21_106


def test_a_plan_for_factors_needs_levels_not_combinations() -> None:
    flat = plan(0.02, 0.2, n_arms=1_200, exposures_per_day=50_000.0)
    shared = plan(0.02, 0.2, n_arms=1_200, exposures_per_day=50_000.0, n_effects=37)
    assert shared.total < flat.total / 20
    assert "37 levels" in shared.sentence
    with pytest.raises(OutOfRange):
        exposures_per_arm(0.02, 0.0)


def test_the_planned_size_finds_the_lift_as_often_as_promised() -> None:
    n = exposures_per_arm(0.05, 0.2, anytime=False)
    rng = np.random.default_rng(5)
    a, b = rng.binomial(n, 0.05, 4_000) / n, rng.binomial(n, 0.06, 4_000) / n
    found = (b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n) > 1.96
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)  # standard error 0.006; the normal approximation the rest
