"""Sample-ratio checks: quiet when all is well, loud when impressions get lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments import Cohort, UnequalShapes, check_sample_ratio
from experiments.srm import BETS, sample_ratio_log_e, sample_ratio_p


def moving_log(seed: int, kept: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """50 batches of 1,000 over 10 arms whose weights move towards the first; `kept` of its impressions arrive."""
    rng = np.random.default_rng(seed)
    shown, served = [], []
    for batch in range(50):
        lead = 0.1 + 0.6 * batch / 49
        e = np.full(10, (1.0 - lead) / 9)
        e[0] = lead
        n = rng.multinomial(1_000, e)
        n[0] = rng.binomial(n[0], kept)
        shown.append(n.astype(np.float64))
        served.append(e)
    return np.array(shown), np.array(served)


def test_two_arms_and_one_batch_worked_by_hand() -> None:
    found = sample_ratio_log_e(np.array([[60.0, 40.0]]), np.array([[0.5, 0.5]]))
    bets = [math.exp(t * n) / (1 + 0.5 * (math.exp(t) - 1)) ** 100 for t in BETS for n in (60, 40)]
    assert found[0] == pytest.approx(math.log(sum(bets) / len(bets)), rel=1e-9)


def test_with_fixed_weights_the_final_test_is_the_classical_chi_square() -> None:
    shown = np.array([[30.0, 50.0, 20.0], [35.0, 45.0, 20.0]])
    weights = np.tile([0.3, 0.5, 0.2], (2, 1))
    classical = stats.chisquare(shown.sum(axis=0), 200 * weights[0]).pvalue
    assert sample_ratio_p(shown, weights) == pytest.approx(classical, rel=1e-9)


def test_the_e_process_has_mean_one_when_nothing_is_wrong() -> None:
    rng = np.random.default_rng(4)
    weights = np.tile([0.2, 0.3, 0.5], (3, 1))
    values = [
        math.exp(sample_ratio_log_e(rng.multinomial(10, weights[0], 3).astype(np.float64), weights)[-1])
        for _ in range(4_000)
    ]
    error = np.std(values) / math.sqrt(4_000)
    assert abs(np.mean(values) - 1.0) < 4 * error


def test_false_alarms_stay_below_one_percent_at_fifty_looks_while_weights_move() -> None:
    logs = [moving_log(seed) for seed in range(400)]
    ever = np.mean([sample_ratio_log_e(*log).max() >= math.log(100.0) for log in logs])
    final = np.mean([sample_ratio_p(*log) < 0.01 for log in logs])
    assert ever <= 0.01
    assert final <= 0.025  # 1 % expected of 400: three standard errors are 1.5 points


def test_a_twentieth_of_the_impressions_lost_in_one_arm_is_found() -> None:
    logs = [moving_log(seed, kept=0.95) for seed in range(200)]
    assert np.mean([sample_ratio_log_e(*log).max() >= math.log(100.0) for log in logs]) >= 0.2
    assert np.mean([sample_ratio_p(*log) < 0.01 for log in logs]) >= 0.4


def test_the_check_names_the_arm_that_is_off() -> None:
    n = np.array([900.0, 500.0, 600.0])
    cohort = Cohort(1, "all", 0.0, ("a", "b", "c"), np.full(3, 1 / 3), n, n, n * 0, n * 0, n * 0)
    found = check_sample_ratio([cohort])
    assert found is not None
    assert (found.alarm, found.worst_arm) == (True, "a")
    assert found.worst_ratio == pytest.approx(1.35)
    assert check_sample_ratio([]) is None
    with pytest.raises(UnequalShapes):
        sample_ratio_log_e(np.ones((2, 3)), np.ones((3, 3)))
