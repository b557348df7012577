"""Decisions are drawn from the very probabilities they log."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from experiments import (
    Arm,
    Experiment,
    InvalidExperiment,
    NothingAvailable,
    OutOfRange,
    UnequalShapes,
    UnknownSegment,
    WeightTable,
    alias_table,
    decide,
    decide_many,
    floored,
    make_table,
    served_probabilities,
    sticky_uniform,
    table_from_dict,
)

ARMS = tuple("abcdef")
WANTED = np.array([0.5, 0.3, 0.15, 0.05, 0.0, 0.0])


def table(floor: float = 0.06, holdout: float = 0.1) -> WeightTable:
    experiment = Experiment("e", tuple(Arm(name) for name in ARMS), floor=floor, holdout=holdout)
    return make_table(experiment, {"all": WANTED}, version=3, time=10.0)


def test_floor_and_holdout_are_mixed_as_written() -> None:
    # by hand: e and f are raised to 0.06 / 6, the others keep their proportions in 0.98: a has 0.98 * 0.5 = 0.49
    served = served_probabilities(table())
    assert served[0] == pytest.approx(0.1 / 6 + 0.9 * 0.49)
    assert served[5] == pytest.approx(0.1 / 6 + 0.9 * 0.01)
    assert served.sum() == pytest.approx(1.0, abs=1e-12)


def test_a_decision_logs_the_number_that_stands_in_the_table() -> None:
    weights = table()
    for uniform in np.random.default_rng(1).random(2_000).tolist():
        decision = decide(weights, uniform, decision_id="d", now=11.0)
        assert decision.propensity == weights.segments["all"].served[weights.index[decision.arm]]
        assert decision.weight_version == 3


@pytest.mark.parametrize("available", [None, ("a", "b", "e"), ("e", "f"), ("c",), ("b", "unknown", "f")])
@pytest.mark.parametrize(("floor", "holdout"), [(0.06, 0.1), (0.0, 0.0), (0.0, 0.2), (1.0, 0.0), (0.05, 1.0)])
def test_arms_are_drawn_as_often_as_the_log_says(
    available: tuple[str, ...] | None, floor: float, holdout: float
) -> None:
    weights, n = table(floor, holdout), 20_000
    drawn = dict.fromkeys(ARMS, 0)
    logged: dict[str, float] = {}
    for uniform in np.random.default_rng(2).random(n).tolist():
        decision = decide(weights, uniform, decision_id="d", now=11.0, available=available)
        drawn[decision.arm] += 1
        assert logged.setdefault(decision.arm, decision.propensity) == decision.propensity
    expected = served_probabilities(weights, "all", available)
    assert all(expected[weights.index[arm]] == propensity for arm, propensity in logged.items())
    possible = expected > 0.0
    observed = np.array([drawn[arm] for arm in ARMS])
    assert observed[~possible].sum() == 0
    if possible.sum() > 1:
        # chi-square; 25 cases, so a level of 1e-4 each leaves 0.3 % for a false alarm, and the seed is fixed
        assert stats.chisquare(observed[possible], n * expected[possible]).pvalue > 1e-4


def test_every_value_of_the_uniform_number_reaches_its_arm_in_exact_proportion() -> None:
    # a fine grid instead of chance: the alias table's shares equal the probabilities to the grid's width
    weights = table()
    grid = (np.arange(600_000) + 0.5) / 600_000
    draws = decide_many(weights, grid)
    share = np.bincount(draws.arm_index, minlength=6) / grid.size
    np.testing.assert_allclose(share, weights.segments["all"].served, atol=3e-5)


def test_the_alias_table_holds_exactly_the_probabilities_it_was_made_from() -> None:
    wanted = np.random.default_rng(3).dirichlet(np.full(1_200, 0.05))
    threshold, alias = alias_table(wanted)
    share = threshold.copy()
    np.add.at(share, alias, 1.0 - threshold)
    np.testing.assert_allclose(share / 1_200, wanted, atol=1e-14)  # rounding of 1,200 float64 subtractions


def test_many_decisions_at_once_are_the_same_decisions() -> None:
    weights = table()
    uniforms = np.random.default_rng(4).random(5_000)
    many = decide_many(weights, uniforms)
    for i, uniform in enumerate(uniforms.tolist()):
        one = decide(weights, uniform, decision_id="d", now=0.0)
        assert (weights.index[one.arm], one.propensity, one.is_holdout) == (
            many.arm_index[i],
            many.propensity[i],
            many.is_holdout[i],
        )


def test_a_stored_table_comes_back_with_the_same_bits() -> None:
    weights = table()
    again = table_from_dict(json.loads(json.dumps(weights.to_dict())))
    assert np.array_equal(again.segments["all"].served, weights.segments["all"].served)
    for uniform in np.random.default_rng(5).random(500).tolist():
        assert decide(again, uniform, decision_id="d", now=0.0) == decide(weights, uniform, decision_id="d", now=0.0)


def test_the_extreme_uniform_numbers_draw_a_possible_arm() -> None:
    weights = table(floor=0.0, holdout=0.0)
    for uniform in (0.0, np.nextafter(1.0, 0.0)):
        for available in (None, ("a", "f"), ("e", "f")):
            assert decide(weights, uniform, decision_id="d", now=0.0, available=available).propensity > 0.0


def test_a_visitor_who_may_see_nothing_is_an_error_and_so_is_an_unknown_segment() -> None:
    with pytest.raises(NothingAvailable, match="nobody"):
        decide(table(), 0.5, decision_id="d", now=0.0, available=("nobody",))
    with pytest.raises(UnknownSegment, match="known here: all"):
        decide(table(), 0.5, decision_id="d", now=0.0, segment="mobile")
    with pytest.raises(OutOfRange):
        decide(table(), 1.0, decision_id="d", now=0.0)


def test_weights_that_do_not_add_up_are_refused() -> None:
    experiment = Experiment("e", tuple(Arm(name) for name in ARMS))
    with pytest.raises(OutOfRange):
        make_table(experiment, {"all": WANTED * 0.9}, version=1, time=0.0)
    with pytest.raises(UnequalShapes):
        make_table(experiment, {"all": WANTED[:3]}, version=1, time=0.0)


def test_a_sticky_number_is_stable_and_spread_evenly() -> None:
    numbers = np.array([sticky_uniform(7, f"visitor-{i}") for i in range(5_000)])
    assert sticky_uniform(7, "visitor-1") == numbers[1]
    assert sticky_uniform(8, "visitor-1") != numbers[1]
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    with pytest.raises(InvalidExperiment):
        sticky_uniform(7, "")


@pytest.mark.parametrize("floor", [0.0, 0.05, 0.4, 0.97, 1.0])
def test_a_floor_is_a_minimum_and_the_rest_keeps_its_proportions(floor: float) -> None:
    for seed in range(20):
        wanted = np.random.default_rng(seed).dirichlet(np.full(30, 0.2))
        given = floored(wanted, floor)
        assert given.sum() == pytest.approx(1.0, abs=1e-12)
        assert given.min() >= floor / 30 * (1.0 - 1e-9)
        above = given > floor / 30 * (1.0 + 1e-9)
        if above.any():
            ratio = given[above] / wanted[above]
            np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
