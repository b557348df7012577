"""Gathering a log: what counts, what does not, and what has matured."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import (
    Arm,
    Counts,
    Decision,
    Event,
    Experiment,
    Maturity,
    OutOfRange,
    UnequalShapes,
    UnknownArm,
    UnknownVersion,
    WeightTable,
    count,
    decide,
    learn_maturity,
    make_table,
    tally,
)
from experiments.maturity import truncated_exponential_mean

ARMS = ("a", "b", "c")


def table(version: int = 1) -> WeightTable:
    experiment = Experiment("e", tuple(Arm(arm) for arm in ARMS), floor=0.0)
    return make_table(experiment, {"all": np.array([0.5, 0.3, 0.2])}, version=version, time=0.0)


def shown(decision_id: str, arm: str, time: float, version: int = 1) -> Decision:
    return Decision(decision_id, "e", arm, 0.5, version, "all", time, False)


def test_events_count_once_and_only_where_they_belong() -> None:
    decisions = [shown("d1", "a", 10.0), shown("d2", "b", 20.0), shown("d3", "b", 30.0)]
    events = [
        Event("e1", "d1", "clicked", 2.0, 11.0),
        Event("e1", "d1", "clicked", 2.0, 11.0),  # sent twice
        Event("e2", "d1", "clicked", 1.0, 12.0),  # a second click: one success, both values
        Event("e3", "nobody", "clicked", 1.0, 12.0),
        Event("e4", "d2", "clicked", 1.0, 19.0),  # before it was shown
        Event("e5", "d3", "clicked", 1.0, 999.0),  # too late
        Event("e6", "d2", "converted", 50.0, 21.0),  # another kind
    ]
    found = tally(decisions, events, {1: table()}, window_s=100.0)
    assert dict(found.ignored) == {
        "duplicate": 1,
        "unknown decision": 1,
        "before its decision": 1,
        "outside the window": 1,
    }
    (cohort,) = found.cohorts
    assert cohort.shown.tolist() == [1.0, 2.0, 0.0]
    assert cohort.clicked.tolist() == [1.0, 0.0, 0.0]
    assert cohort.value.tolist() == [3.0, 0.0, 0.0]
    assert cohort.value_squares.tolist() == [9.0, 0.0, 0.0]
    assert cohort.time == 20.0


def test_with_an_exposure_event_only_what_was_seen_counts() -> None:
    decisions = [shown("d1", "a", 10.0), shown("d2", "a", 10.0), shown("d3", "c", 10.0)]
    events = [Event("e1", "d1", "shown", 0.0, 11.0), Event("e2", "d3", "clicked", 1.0, 12.0)]
    (cohort,) = tally(decisions, events, {1: table()}, exposure="shown").cohorts
    assert cohort.shown.tolist() == [1.0, 0.0, 1.0]  # a click proves that it was seen


def test_cohorts_keep_the_probabilities_of_their_available_set() -> None:
    weights = table()
    decisions = [decide(weights, 0.1, decision_id="d1", now=1.0)]
    decisions.append(decide(weights, 0.1, decision_id="d2", now=1.0, available=("b", "c")))
    cohorts = tally(decisions, [], {1: weights}).cohorts
    assert sorted(tuple(cohort.propensity.round(9).tolist()) for cohort in cohorts) == [
        (0.0, 0.6, 0.4),
        (0.5, 0.3, 0.2),
    ]
    for cohort, decision in zip(cohorts, sorted(decisions, key=lambda d: d.available or ()), strict=False):
        assert cohort.propensity[weights.index[decision.arm]] in {d.propensity for d in decisions}


def test_a_decision_of_an_unknown_version_is_an_error() -> None:
    with pytest.raises(UnknownVersion, match=r"known here: \[1\]"):
        tally([shown("d1", "a", 1.0, version=9)], [], {1: table()})


def test_counting_cohorts_equals_counting_exposures_one_by_one() -> None:
    rng = np.random.default_rng(1)
    arm = rng.integers(0, 3, 500)
    won = (rng.random(500) < 0.3).astype(np.float64)
    counts = Counts.empty(ARMS).add(np.zeros(500, dtype=np.int64), arm, won)
    decisions = [shown(f"d{i}", ARMS[a], float(i)) for i, a in enumerate(arm)]
    events = [Event(f"e{i}", f"d{i}", "clicked", 1.0, float(i)) for i in np.flatnonzero(won)]
    again = count(tally(decisions, events, {1: table()}).cohorts, ARMS)
    for name in ("exposures", "matured", "clicks", "value", "value_squares"):
        np.testing.assert_array_equal(getattr(counts, name), getattr(again, name))
    with pytest.raises(UnknownArm):
        count(tally(decisions, events, {1: table()}).cohorts, ("a", "b"))


def test_discounting_forgets_geometrically_but_never_the_report() -> None:
    one = Counts.empty(ARMS).add_cells(np.full((1, 3), 100.0), np.full((1, 3), 10.0))
    later = one.discounted(0.5).discounted(0.5).add_cells(np.full((1, 3), 8.0), np.zeros((1, 3)))
    assert later.matured[0, 0] == pytest.approx(33.0)  # 100 / 4 + 8
    assert later.clicks[0, 0] == pytest.approx(2.5)
    assert later.exposures[0, 0] == 108.0
    with pytest.raises(OutOfRange):
        one.discounted(1.1)


def test_counts_merge_and_align_by_name() -> None:
    left = Counts.empty(("a", "b")).add_cells(np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]]))
    right = Counts.empty(("b", "c"), ("all", "new")).add_cells(np.ones((2, 2)), np.zeros((2, 2)))
    both = left.merged(right)
    assert both.arms == ("a", "b", "c")
    assert both.segments == ("all", "new")
    assert both.exposures.tolist() == [[1.0, 3.0, 1.0], [0.0, 1.0, 1.0]]
    assert both.merged(left).exposures.sum() == right.merged(left).merged(left).exposures.sum()
    assert both.pooled().exposures.tolist() == [[1.0, 4.0, 2.0]]
    assert both.aligned(("c", "z")).exposures.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    with pytest.raises(UnequalShapes):
        left.add_cells(np.ones((1, 3)), np.ones((1, 3)))


def test_maturity_weights_recover_a_rate_from_young_exposures() -> None:
    # 40,000 exposures over two hours, 5 % click, 30 minutes late on average
    rng = np.random.default_rng(2)
    now = 7_200.0
    at = rng.uniform(0.0, now, 40_000)
    will_click = rng.random(40_000) < 0.05
    arrives = at + rng.exponential(1_800.0, 40_000)
    seen = will_click & (arrives <= now)
    maturity = learn_maturity((arrives - at)[seen], now - at[seen])
    naive = seen.sum() / 40_000
    corrected = seen.sum() / maturity.at(now - at).sum()
    assert naive < 0.04
    # standard error 2.6 % from 1,500 clicks; the unseen tail of a two-hour window adds a few percent
    assert corrected == pytest.approx(0.05, rel=0.12)


def test_the_mean_delay_is_found_although_long_delays_are_not_seen_yet() -> None:
    rng = np.random.default_rng(3)
    age = rng.uniform(0.0, 3_600.0, 60_000)
    delay = rng.exponential(1_800.0, 60_000)
    seen = delay < age
    assert delay[seen].mean() < 1_000.0  # what a naive mean would say
    # 19,000 clicks; the information per truncated delay is about a fifth of a full one: standard error near 2 %
    assert truncated_exponential_mean(delay[seen], age[seen]) == pytest.approx(1_800.0, rel=0.1)


def test_a_delay_law_that_is_not_exponential_is_learned_too() -> None:
    rng = np.random.default_rng(4)
    age = rng.uniform(0.0, 20_000.0, 20_000)
    delay = rng.gamma(4.0, 500.0, 20_000)  # nothing comes at once: mean 2,000
    seen = delay < age
    maturity = learn_maturity(delay[seen], age[seen])
    for point in (500.0, 1_500.0, 2_500.0, 4_000.0):
        truth = float(np.mean(delay <= point))
        assert float(maturity.at(point)) == pytest.approx(truth, abs=0.03)


def test_maturity_knows_its_limits() -> None:
    assert float(Maturity.immediate().at(0.0)) == 1.0
    assert float(Maturity.exponential(100.0).at(-5.0)) == 0.0
    assert float(learn_maturity(np.array([]), np.array([])).at(1.0)) == 1.0
    with pytest.raises(OutOfRange):
        learn_maturity(np.array([5.0]), np.array([1.0]))
    with pytest.raises(OutOfRange):
        Maturity.exponential(0.0)
