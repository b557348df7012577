"""Lifts from traffic that a bandit moved: by hand, and promises kept where naive statistics break theirs."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import (
    Cohort,
    UnknownArm,
    asymptotic_multiplier,
    lifts_over_arm,
    lifts_over_uniform,
    make_panel,
)
from experiments import policy_lift as lift_of_policy
from experiments.lift import arm_contrasts, arm_weights, contrast, debiased_rates, uniform_weights
from experiments.types import Floats

ARMS = ("a", "b", "c")


def cohort(version: int, propensity: list[float], shown: list[float], clicked: list[float]) -> Cohort:
    n, c = np.array(shown), np.array(clicked)
    return Cohort(version, "all", float(version), ARMS, np.array(propensity), n, n, c, c, c)


def moved(rates: Floats, seed: int, looks: int = 50, floor: float = 0.05) -> list[Cohort]:
    """Batches of 1,000 that Thompson sampling moved."""
    rng = np.random.default_rng(seed)
    shown, clicked, log = np.zeros(3), np.zeros(3), []
    for batch in range(looks):
        draws = rng.beta(1.0 + clicked, 50.0 + shown - clicked, (300, 3)).argmax(axis=1)
        e = floor / 3 + (1 - floor) * np.bincount(draws, minlength=3) / 300  # exact: the batch is drawn from it
        n = rng.multinomial(1_000, e / e.sum())
        c = rng.binomial(n, rates)
        log.append(cohort(batch + 1, e.tolist(), n.astype(float).tolist(), c.astype(float).tolist()))
        shown, clicked = shown + n, clicked + c
    return log


def test_one_batch_worked_by_hand() -> None:
    # the first batch has no past, so m = 0 and the estimate is plain inverse weighting: clicks / (n e)
    panel = make_panel([cohort(1, [0.5, 0.3, 0.2], [50.0, 30.0, 20.0], [5.0, 6.0, 1.0])], ARMS)
    assert [rate for rate, _ in debiased_rates(panel)] == pytest.approx([5 / 50, 6 / 30, 1 / 20])
    lift = lifts_over_arm(panel, "a")[1]
    assert lift.lift_rel == pytest.approx(1.0)
    assert lift.difference == pytest.approx(0.1)


def test_the_second_batch_uses_the_first_as_its_guess() -> None:
    first = cohort(1, [0.5, 0.3, 0.2], [500.0, 300.0, 200.0], [10.0, 9.0, 1.0])
    second = cohort(2, [0.8, 0.1, 0.1], [820.0, 95.0, 85.0], [20.0, 4.0, 1.0])
    panel = make_panel([second, first], ARMS)  # in any order
    guess = (500 * 0.02 + 10) / 1_000  # (strength * pooled + clicks) / (strength + exposures)
    assert panel.guess[1, 0] == pytest.approx(guess)
    expected = (10 / 0.5 + 1_000 * guess + (20 - 820 * guess) / 0.8) / 2_000
    assert debiased_rates(panel)[0][0] == pytest.approx(expected)


def test_one_pass_over_all_arms_equals_one_contrast_each() -> None:
    panel = make_panel(moved(np.array([0.02, 0.03, 0.025]), 1, looks=8), ARMS)
    for right in (uniform_weights(panel), arm_weights(panel, "b")):
        for arm, fast in zip(ARMS, arm_contrasts(panel, right), strict=True):
            slow = contrast(panel, arm_weights(panel, arm), right)
            assert fast.left == pytest.approx(slow.left)
            assert fast.right == pytest.approx(slow.right)
            assert fast.standard_error == pytest.approx(slow.standard_error, abs=1e-12)
            assert fast.covariance == pytest.approx(slow.covariance)


def test_with_a_fixed_split_lift_and_error_are_the_textbook_ones() -> None:
    rng = np.random.default_rng(2)
    n = np.array([20_000.0, 20_000.0, 20_000.0])
    c = rng.binomial(20_000, [0.02, 0.024, 0.02]).astype(float)
    log = [cohort(1, [1 / 3] * 3, n.tolist(), c.tolist())]
    lift = lifts_over_arm(make_panel(log, ARMS), "a")[1]
    p = c / n
    textbook = np.sqrt((p * (1 - p) / n)[:2].sum())
    assert lift.difference == pytest.approx(p[1] - p[0], rel=1e-6)
    assert lift.interval.width / (2 * 1.96 * textbook / p[0]) == pytest.approx(1.0, abs=0.15)  # Fieller, relative


def test_an_arm_that_joined_later_is_compared_where_both_were_in_play() -> None:
    early = cohort(1, [0.5, 0.5, 0.0], [500.0, 500.0, 0.0], [50.0, 50.0, 0.0])  # a good week for everybody
    late = cohort(2, [0.4, 0.3, 0.3], [4_000.0, 3_000.0, 3_000.0], [80.0, 60.0, 60.0])
    panel = make_panel([early, late], ARMS)
    lift = lifts_over_arm(panel, "a")[2]
    assert lift.n == 10_000.0
    assert abs(lift.lift_rel) < 0.1
    with pytest.raises(UnknownArm):
        lifts_over_arm(panel, "z")


def test_before_five_clicks_the_sequence_says_nothing() -> None:
    panel = make_panel([cohort(1, [0.4, 0.3, 0.3], [400.0, 300.0, 300.0], [8.0, 4.0, 6.0])], ARMS)
    assert lifts_over_uniform(panel)[1].sequence.high == float("inf")
    assert lifts_over_uniform(panel)[1].p_value == 1.0


def test_bandit_traffic_keeps_its_promises_where_naive_statistics_do_not() -> None:
    truth = np.array([0.02, 0.02, 0.02])
    replications = 250
    ever = covered = naive_ever = 0
    debiased, sampled, widths = [], [], []
    for seed in range(replications):
        log = moved(truth, seed)
        panel = make_panel(log, ARMS)
        wrong = naive_wrong = False
        for look in range(5, 51, 5):  # every fifth look: fewer looks than in the benchmark, less to get wrong
            part = make_panel(log[:look], ARMS)
            wrong |= not lifts_over_arm(part, "a")[1].sequence.covers(0.0)
            n, c = part.matured.sum(axis=0), part.outcome.sum(axis=0)
            p = c / n
            half = 1.96 * np.sqrt((p * (1 - p) / n)[:2].sum())
            naive_wrong |= bool(abs(p[1] - p[0]) > half)
        lift = lifts_over_arm(panel, "a")[1]
        ever, naive_ever, covered = ever + wrong, naive_ever + naive_wrong, covered + lift.interval.covers(0.0)
        widths.append(lift.sequence.width / (2 * half / 0.02))
        debiased.append([rate for rate, _ in debiased_rates(panel)])
        sampled.append(p)
    assert ever / replications <= 0.05
    assert naive_ever / replications > 0.12  # the reason for all this
    assert covered / replications >= 0.915  # 95 % expected; 250 replications have a standard error of 1.4 %
    assert np.median(widths) <= 2.2
    bias = np.mean(debiased, axis=0) / truth - 1.0
    error = np.std(debiased, axis=0) / np.sqrt(replications) / truth
    assert np.all(np.abs(bias) < 3.5 * error)  # no bias beyond chance
    assert np.all(np.mean(sampled, axis=0) / truth - 1.0 < -0.015)  # sample means are biased, measured -3 to -4 %


def test_the_uplift_of_the_policy_covers_the_truth() -> None:
    rates = np.array([0.02, 0.03, 0.02])
    hits = 0
    for seed in range(120):
        log = moved(rates, 1_000 + seed, looks=20)
        served = sum(float(c.shown.sum()) * float(c.propensity @ rates) for c in log) / 20_000.0
        hits += lift_of_policy(make_panel(log, ARMS)).interval.covers(served / rates.mean() - 1.0)
    assert hits / 120 >= 0.89  # 95 % expected, three standard errors are 6 points


def test_sequences_are_as_wide_as_the_multiplier_says() -> None:
    panel = make_panel(moved(np.array([0.02, 0.02, 0.03]), 5), ARMS)
    found = arm_contrasts(panel, arm_weights(panel, "a"))[2]
    lift = lifts_over_arm(panel, "a")[2]
    again = found.lift_interval(float(asymptotic_multiplier(found.n, 0.05)), 0.95, True)
    assert (lift.sequence.low, lift.sequence.high) == (again.low, again.high)
