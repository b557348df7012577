"""What each policy does with the same evidence, and what a plan must not say."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import (
    Arm,
    ChangeWatch,
    Counts,
    Experiment,
    Factor,
    InvalidExperiment,
    PolicySpec,
    StopRule,
    fixed_split,
    thompson,
    top_two,
    weigh,
)
from experiments.types import Floats, PolicyKind

ARMS = (Arm("a"), Arm("b"), Arm("c"))


def known(
    shown: tuple[float, ...] = (1_000.0, 1_000.0, 1_000.0), won: tuple[float, ...] = (20.0, 30.0, 25.0)
) -> Counts:
    return Counts.empty(("a", "b", "c")).add_cells(np.array([shown]), np.array([won]))


def served(policy: PolicySpec, counts: Counts, floor: float = 0.0, **more: object) -> Floats:
    experiment = Experiment("e", ARMS, policy=policy, floor=floor)
    weighing = weigh(experiment, counts, version=1, now=0.0, rng=np.random.default_rng(1), **more)  # type: ignore[arg-type]
    return weighing.table.segments["all"].served


@pytest.mark.parametrize("kind", ["uniform", "fixed", "thompson", "top_two", "factorial"])
def test_every_policy_serves_probabilities_with_its_floor(kind: PolicyKind) -> None:
    for counts in (known(), Counts.empty(("a", "b", "c"))):
        weights = served(PolicySpec(kind, draws=200), counts, floor=0.06)
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)
        assert weights.min() >= 0.02 - 1e-12


def test_without_evidence_nobody_is_preferred() -> None:
    np.testing.assert_allclose(served(PolicySpec("thompson"), Counts.empty(("a", "b", "c"))), 1 / 3, atol=1e-9)


def test_the_better_arm_is_shown_more_and_a_smaller_scale_shows_it_even_more() -> None:
    textbook, narrow = (
        served(PolicySpec("thompson", scale=1.0), known()),
        served(PolicySpec("thompson", scale=0.5), known()),
    )
    assert textbook.argsort().tolist() == [0, 2, 1]
    assert narrow[1] > textbook[1] > 1 / 3


def test_thompson_probabilities_are_those_of_drawing() -> None:
    shown, won = np.full(3, 1_000.0), np.array([20.0, 30.0, 25.0])
    from experiments import prior_from_rates

    prior = prior_from_rates(shown, won)
    draws = np.random.default_rng(2).beta(prior.a + won, prior.b + shown - won, (200_000, 3))
    share = np.bincount(draws.argmax(axis=1), minlength=3) / 200_000
    np.testing.assert_allclose(thompson(shown, won), share, atol=0.004)  # 3.5 standard errors of a share near a half


def test_top_two_is_what_redrawing_until_another_arm_wins_amounts_to() -> None:
    best = np.array([0.6, 0.3, 0.1])
    rng = np.random.default_rng(3)
    n = 200_000
    arm = rng.choice(3, n, p=best)
    other = rng.choice(3, n, p=best)
    while np.any(other == arm):
        other = np.where(other == arm, rng.choice(3, n, p=best), other)
    played = np.bincount(np.where(rng.random(n) < 0.5, arm, other), minlength=3) / n
    np.testing.assert_allclose(top_two(best), played, atol=0.004)  # 3.5 standard errors
    assert top_two(np.array([1.0, 0.0])).sum() == pytest.approx(1.0)
    assert top_two(np.array([1.0])).tolist() == [1.0]


@pytest.mark.parametrize("kind", ["thompson", "factorial"])
def test_a_value_metric_prefers_few_dear_buyers_to_many_cheap_ones(kind: PolicyKind) -> None:
    counts = Counts.empty(("a", "b", "c")).add_cells(
        np.full((1, 3), 5_000.0),
        np.array([[150.0, 100.0, 100.0]]),
        value=np.array([[1_500.0, 3_000.0, 1_000.0]]),  # 10, 30 and 10 each
        value_squares=np.array([[15_000.0, 90_000.0, 10_000.0]]),
    )
    by_clicks, by_value = (
        weigh(plan, counts, version=1, now=0.0, rng=np.random.default_rng(1))
        for plan in (
            Experiment("e", ARMS, policy=PolicySpec(kind)),
            Experiment("e", ARMS, metric="value", policy=PolicySpec(kind)),
        )
    )
    assert by_clicks.table.segments["all"].served.argmax() == 0
    assert by_value.table.segments["all"].served.argmax() == 1


def test_equal_values_make_value_units_clicks() -> None:
    counts = Counts.empty(("a",)).add_cells(
        np.array([[100.0]]), np.array([[4.0]]), value=np.array([[28.0]]), value_squares=np.array([[196.0]])
    )
    assert counts.in_value_units().clicks[0, 0] == pytest.approx(4.0)


def test_a_fixed_split_keeps_its_shares_over_the_active_arms() -> None:
    assert fixed_split(("a", "b"), {"a": 3.0, "b": 1.0, "c": 4.0}).tolist() == [0.75, 0.25]
    assert fixed_split(("a", "b")).tolist() == [0.5, 0.5]


def test_vetoed_and_paused_arms_are_not_served() -> None:
    weights = served(PolicySpec("thompson"), known(), vetoed=("b",))
    assert weights.size == 2
    paused = Experiment("e", (Arm("a"), Arm("b", state="paused"), Arm("c")), floor=0.5)
    table = weigh(paused, known(), version=1, now=0.0, rng=np.random.default_rng(1)).table
    assert table.arms == ("a", "c")


def test_a_collapse_is_noticed_and_the_past_forgotten() -> None:
    rng = np.random.default_rng(4)
    counts, watch = Counts.empty(("a", "b")), ChangeWatch.start((1, 2))
    shown = np.array([[500.0, 500.0]])
    for batch in range(80):
        rates = np.array([[0.04 if batch < 40 else 0.015, 0.03]])
        won = rng.binomial(500, rates).astype(np.float64)
        counts = counts.add_cells(shown, won)
        watch, counts = watch.after(counts, shown, won)
        if batch == 39:
            assert watch.alarms == 0
    assert watch.alarms == 1
    assert counts.clicks[0, 0] / counts.matured[0, 0] == pytest.approx(0.015, rel=0.2)
    assert counts.matured[0, 1] == 40_000.0  # the other arm keeps its history
    assert counts.exposures[0, 0] == 40_000.0  # and the report loses nothing


def test_a_steady_world_raises_hardly_any_alarm() -> None:
    rng = np.random.default_rng(5)
    counts, watch = Counts.empty([str(k) for k in range(100)]), ChangeWatch.start((1, 100))
    shown = np.full((1, 100), 300.0)
    for _ in range(200):
        won = rng.binomial(300, 0.03, (1, 100)).astype(np.float64)
        counts = counts.add_cells(shown, won)
        watch, counts = watch.after(counts, shown, won)
    assert watch.alarms <= 12  # 100 arms with 1,800 clicks each; measured 0.03 to 0.12 alarms a run of 10 arms


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"arms": (Arm("a"), Arm("a"))}, "twice"),
        ({"arms": (Arm("a", state="retired"),)}, "no active arm"),
        ({"floor": 1.2}, "floor"),
        ({"holdout": -0.1}, "holdout"),
        ({"baseline": "z"}, "baseline"),
        ({"segments": ()}, "segments"),
        ({"factors": (Factor("h", ("x",)),)}, "must name a level"),
        ({"factors": (Factor("h", ("x",)),), "arms": (Arm("a", {"h": "y"}),)}, "no level"),
        ({"factors": (Factor("h", ()),)}, "no level"),
        ({"policy": PolicySpec(scale=0.0)}, "scale"),
        ({"policy": PolicySpec(discount=0.0)}, "discount"),
        ({"policy": PolicySpec("fixed", split={"z": 1.0})}, "no arm of ours"),
        ({"policy": PolicySpec("fixed", split={"a": -1.0})}, "0 or more"),
        ({"policy": PolicySpec(draws=3)}, "draws"),
        ({"policy": PolicySpec(top_two_share=0.0)}, "top_two_share"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    plan: dict[str, object] = {"id": "e", "arms": ARMS, **change}
    with pytest.raises(InvalidExperiment, match=reason):
        Experiment(**plan)  # type: ignore[arg-type]


def test_exploration_falls_towards_the_planned_end() -> None:
    planned = Experiment("e", ARMS, stop=StopRule(max_exposures=1_000))
    assert [planned.scale_after(n) for n in (0, 500, 1_000, 9_000)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert Experiment("e", ARMS).scale_after(500) == 0.75
    assert Experiment("e", ARMS, policy=PolicySpec(scale=0.3), stop=StopRule(max_exposures=9)).scale_after(5) == 0.3


def test_prior_scores_decide_before_the_first_click_and_not_after_thousands() -> None:
    plain = Experiment("e", ARMS, floor=0.0)
    scored = Experiment("e", ARMS, floor=0.0, prior_scores={ARMS[0].id: 1.0, ARMS[1].id: -1.0}, prior_weight=1.0)
    nothing = Counts.empty(plain.active_arms)
    rng = np.random.default_rng(1)

    def shares(experiment: Experiment, counts: Counts) -> Floats:
        return weigh(experiment, counts, version=1, now=0.0, rng=rng).table.segments["all"].served

    assert shares(scored, nothing).argmax() == 0
    assert np.ptp(shares(plain, nothing)) < 1e-6
    shown = np.full((1, len(ARMS)), 200_000.0)
    clicks = shown * np.linspace(0.02, 0.03, len(ARMS))
    known = nothing.add_cells(shown, clicks)
    np.testing.assert_allclose(shares(scored, known), shares(plain, known), atol=1e-3)
    with pytest.raises(InvalidExperiment, match="no arm of ours"):
        Experiment("e", ARMS, prior_scores={"nobody": 1.0})
