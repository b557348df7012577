"""The result page's numbers and sentences, from logs whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments import (
    Arm,
    Cohort,
    Counts,
    Experiment,
    Factor,
    Guardrail,
    Interval,
    PolicySpec,
    StopRule,
    analyse,
    combinations,
    decide_many,
    level_sentence,
    served_probabilities,
    veto,
    weigh,
)
from experiments.analysis import value_posterior
from experiments.types import Floats

TWO = Experiment("e", (Arm("calm"), Arm("bold")), baseline="calm")


def cohort(
    shown: list[float], clicked: list[float], arms: tuple[str, ...] = ("calm", "bold"), version: int = 1
) -> Cohort:
    n, c = np.array(shown), np.array(clicked)
    return Cohort(version, "all", float(version), arms, n / n.sum(), n, n, c, c, c)


def lived(experiment: Experiment, rates: Floats, batches: int, seed: int) -> list[Cohort]:
    """A run of the experiment as a service would do it."""
    rng = np.random.default_rng(seed)
    counts, log, fit = Counts.empty(experiment.active_arms), [], None
    for version in range(1, batches + 1):
        weighing = weigh(experiment, counts, version=version, now=float(version), rng=rng, previous=fit)
        fit, table = weighing.fit, weighing.table
        column = decide_many(table, rng.random(1_000)).arm_index
        n = np.bincount(column, minlength=rates.size).astype(np.float64)
        c = rng.binomial(n.astype(int), rates).astype(np.float64)
        log.append(Cohort(version, "all", float(version), table.arms, served_probabilities(table), n, n, c, c, c))
        counts = counts.add_cells(n[None], c[None])
    return log


def test_two_arms_split_evenly_give_the_numbers_one_can_check() -> None:
    result = analyse(TWO, [cohort([10_000.0, 10_000.0], [200.0, 260.0])], now=10.0)
    bold = result.arm("bold")
    assert (bold.exposures, bold.clicks, bold.sample_rate) == (10_000.0, 260.0, 0.026)
    assert bold.rate == pytest.approx(0.026)
    assert bold.lift_over_baseline is not None
    assert bold.lift_over_baseline.lift_rel == pytest.approx(0.3)
    # end-of-run interval by the delta method on the log ratio: exp(ln 1.3 +- 1.96 sqrt(1/200 + 1/260)) - 1
    assert bold.lift_over_baseline.interval.low == pytest.approx(0.082, abs=0.02)
    assert bold.lift_over_baseline.interval.high == pytest.approx(0.562, abs=0.03)
    assert bold.lift_over_baseline.sequence.low < bold.lift_over_baseline.interval.low
    assert bold.probability_best > 0.99
    assert bold.expected_loss < result.arm("calm").expected_loss
    assert result.arm("calm").lift_over_baseline is None
    assert result.rate == pytest.approx(0.023)
    assert sum(arm.share for arm in result.arms) == pytest.approx(1.0)


def test_the_verdict_ships_a_clear_winner_and_says_why() -> None:
    verdict = analyse(TWO, [cohort([10_000.0, 10_000.0], [200.0, 300.0])], now=10.0).verdict
    assert (verdict.action, verdict.arm) == ("ship", "bold")
    assert "best with probability 100%" in verdict.reason


def test_the_verdict_waits_when_little_is_known() -> None:
    assert analyse(TWO, [], now=0.0).verdict.reason == "nothing was shown yet"
    assert "fewer than 100" in analyse(TWO, [cohort([50.0, 50.0], [2.0, 1.0])], now=1.0).verdict.reason
    waiting = analyse(TWO, [cohort([1_000.0, 1_000.0], [30.0, 33.0])], now=1.0).verdict
    assert (waiting.action, waiting.arm) == ("continue", "bold")


def test_the_verdict_stops_at_the_agreed_end() -> None:
    budget = dataclasses.replace(TWO, stop=StopRule(max_exposures=2_000))
    assert analyse(budget, [cohort([1_000.0, 1_000.0], [30.0, 31.0])], now=1.0).verdict.action == "stop"
    time = dataclasses.replace(TWO, stop=StopRule(max_seconds=3_600.0))
    assert analyse(time, [cohort([1_000.0, 1_000.0], [30.0, 31.0])], now=4_000.0).verdict.action == "stop"


def test_a_broken_split_comes_before_any_winner() -> None:
    broken = cohort([10_000.0, 10_000.0], [200.0, 300.0])
    broken = dataclasses.replace(broken, propensity=np.array([0.55, 0.45]))
    verdict = analyse(TWO, [broken], now=1.0).verdict
    assert verdict.action == "fix"
    assert "not shown as decided" in verdict.reason


def test_a_guardrail_vetoes_an_arm_that_is_surely_above_its_limit() -> None:
    guard = (Guardrail("complained", 0.01),)
    shown = {"calm": 5_000.0, "bold": 5_000.0}
    assert set(veto(guard, shown, {"complained": {"calm": 40.0, "bold": 120.0}})) == {"bold"}
    experiment = dataclasses.replace(TWO, guardrails=guard)
    log = [cohort([5_000.0, 5_000.0], [100.0, 160.0])]
    result = analyse(experiment, log, now=1.0, guardrail_counts={"complained": {"bold": 120.0}})
    assert "the limit is 1.00%" in result.vetoed["bold"]
    assert result.verdict.arm == "calm"


def test_a_guardrail_hardly_ever_vetoes_an_arm_at_its_limit() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(120):
        complaints = np.cumsum(rng.binomial(1_000, 0.01, 10))
        wrong += any(
            veto((Guardrail("complained", 0.01),), {"a": 1_000.0 * (i + 1)}, {"complained": {"a": float(c)}})
            for i, c in enumerate(complaints)
        )
    assert wrong / 120 <= 0.05


def test_factor_effects_are_told_in_words_and_cover_the_truth() -> None:
    factors = (Factor("headline", ("plain", "warm", "loud")), Factor("image", ("table", "beach")))
    experiment = Experiment("e", combinations(factors), factors, policy=PolicySpec("factorial", draws=300))
    effect = {"plain": 1.0, "warm": 1.4, "loud": 0.8}
    rates = np.array([0.03 * effect[(arm.levels or {})["headline"]] for arm in experiment.arms])
    result = analyse(experiment, lived(experiment, rates, 60, 3), now=61.0)
    found = {level.level: level for level in result.levels}
    mean_log = np.mean(np.log(list(effect.values())))
    for level, factor in effect.items():
        truth = factor / np.exp(mean_log) - 1.0
        wider = Interval(found[level].adjusted.low - 0.05, found[level].adjusted.high + 0.05)
        assert wider.covers(truth)
    assert found["warm"].sentence.startswith('headline "warm" adds')
    assert Interval(found["beach"].adjusted.low - 0.05, found["beach"].adjusted.high + 0.05).covers(0.0)
    assert found["warm"].exposures == sum(
        result.arm(arm.id).exposures for arm in experiment.arms if (arm.levels or {})["headline"] == "warm"
    )
    assert result.verdict.arm is not None
    assert "warm" in result.verdict.arm


def test_sentences_say_what_is_clear_and_what_is_not() -> None:
    assert level_sentence("image", "sea", -0.08, Interval(-0.12, -0.03), ["headline", "call_to_action"]) == (
        'image "sea" costs 8 % [-12, -3] whatever the headline and the call to action'
    )
    assert level_sentence("image", "sea", 0.08, Interval(0.03, 0.12), ["headline"], depends=True) == (
        'image "sea" adds 8 % [3, 12] on average; how much depends on what it is combined with'
    )
    assert level_sentence("image", "sea", 0.08, Interval(0.03, 0.12)) == 'image "sea" adds 8 % [3, 12]'
    assert (
        level_sentence("image", "sea", 0.02, Interval(-0.03, 0.08)) == 'image "sea": no clear effect yet, +2 % [-3, 8]'
    )


def test_revenue_counts_by_value_not_by_clicks() -> None:
    experiment = dataclasses.replace(TWO, metric="value")
    n, clicks = np.array([10_000.0, 10_000.0]), np.array([300.0, 200.0])
    value = np.array([300.0 * 10.0, 200.0 * 30.0])  # fewer buyers, each worth three times as much
    squares = np.array([300.0 * 110.0, 200.0 * 950.0])
    log = [Cohort(1, "all", 1.0, ("calm", "bold"), np.full(2, 0.5), n, n, clicks, value, squares)]
    result = analyse(experiment, log, now=2.0)
    bold = result.arm("bold")
    assert bold.rate == pytest.approx(0.6)
    assert bold.probability_best > 0.99
    assert bold.lift_over_baseline is not None
    assert bold.lift_over_baseline.lift_rel == pytest.approx(1.0, abs=1e-6)
    # by hand: sd of the mean is sqrt((19 - 0.36) / 10,000) = 0.0432
    assert bold.rate_standard_error == pytest.approx(0.0432, rel=0.1)


def test_value_posteriors_shrink_arms_with_little_evidence() -> None:
    mean, sd = value_posterior(np.array([10_000.0, 10.0]), np.array([1_000.0, 10.0]), np.array([1_000.0, 10.0]))
    assert mean[0] == pytest.approx(0.1, rel=0.05)
    assert 0.1 < mean[1] < 0.4  # its own mean is 1.0, from ten exposures
    assert sd[1] > 5 * sd[0]


def test_comparisons_with_many_arms_are_adjusted_and_the_page_says_so() -> None:
    arms = tuple(Arm(f"arm-{i}") for i in range(10))
    rng = np.random.default_rng(6)
    names = tuple(arm.id for arm in arms)
    log = [cohort([2_000.0] * 10, rng.binomial(2_000, 0.02, 10).astype(float).tolist(), names)]
    result = analyse(Experiment("e", arms, baseline="arm-0"), log, now=1.0)
    for arm in result.arms[1:]:
        assert arm.lift_over_baseline is not None
        assert arm.adjusted_p >= arm.lift_over_baseline.p_value
    assert any("Holm" in note for note in result.notes)


def test_young_cohorts_are_announced() -> None:
    young = dataclasses.replace(cohort([1_000.0, 1_000.0], [3.0, 4.0]), matured=np.array([400.0, 400.0]))
    assert any("still wait for clicks" in note for note in analyse(TWO, [young], now=1.0).notes)


def test_a_result_can_be_written_as_plain_values() -> None:
    result = analyse(TWO, [cohort([10_000.0, 10_000.0], [200.0, 260.0])], now=10.0)
    assert dataclasses.asdict(result)["arms"][1]["lift_over_baseline"]["against"] == "calm"


def test_a_level_has_the_rate_it_would_earn_with_everything_shown_equally_often() -> None:
    factors = (Factor("headline", ("plain", "warm")), Factor("image", ("table", "beach", "studio")))
    experiment = Experiment("e", combinations(factors), factors, policy=PolicySpec("factorial"))
    arms = experiment.active_arms
    rates = np.array([0.03] * 3 + [0.045] * 3)
    shown = np.array([9_000.0, 500.0, 500.0, 500.0, 9_000.0, 500.0])  # traffic went where it went
    clicked = np.round(shown * rates)
    cohort = Cohort(1, "all", 0.0, arms, shown / shown.sum(), shown, shown, clicked, clicked, clicked)
    levels = {level.level: level for level in analyse(experiment, [cohort], now=1.0).levels}
    assert levels["warm"].rate == pytest.approx(0.045, rel=0.1)
    assert levels["plain"].rate == pytest.approx(0.03, rel=0.1)
    assert levels["warm"].rate_interval.covers(0.045)
    assert levels["warm"].sentence.endswith("whatever the image")
