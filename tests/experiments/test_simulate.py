"""The simulator: worlds repeat, regret is what it says, and learning pays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments import SCENARIOS, PolicySpec, UnknownName, make_world, run
from experiments.simulate import Scenario, combined_world, flat_world, scenario_named

SMALL = Scenario("small", "5 arms", 30, flat_world(5, 0.05, 0.4))


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = run(SMALL, seed=3), run(SMALL, seed=3)
    assert dataclasses.replace(first, seconds=0.0) == dataclasses.replace(second, seconds=0.0)
    assert run(SMALL, seed=4).relative_regret != first.relative_regret


def test_uniform_traffic_has_regret_one_and_no_uplift() -> None:
    result = run(SMALL, PolicySpec("uniform"), seed=1)
    assert result.relative_regret == pytest.approx(1.0)
    assert result.uplift_rel == pytest.approx(0.0)


def test_a_clairvoyant_split_has_only_the_floor_to_regret() -> None:
    world = make_world(SMALL, 2)
    best = int(world.at(0)[0].argmax())
    result = run(SMALL, PolicySpec("fixed", split={f"arm-{best}": 1.0}), seed=2, floor=0.05)
    assert result.relative_regret == pytest.approx(0.05)
    assert result.uplift_rel == pytest.approx(0.95 * result.oracle_uplift_rel)
    assert result.share_of_best[-1] == pytest.approx(0.96)  # 0.95 + 0.05 / 5


def test_learning_pays_and_the_share_of_the_best_arm_rises() -> None:
    results = [run(SMALL, PolicySpec("thompson"), seed=seed) for seed in range(6)]
    assert np.mean([result.relative_regret for result in results]) < 0.35
    assert np.mean([r.share_of_best[-1] for r in results]) > np.mean([r.share_of_best[0] for r in results]) + 0.2


def test_sharing_strength_across_factors_beats_separate_arms() -> None:
    short = Scenario("short", "1,200 combinations, 25 batches", 25, combined_world(0.05))
    shared = [run(short, PolicySpec("factorial", draws=200), seed=seed).relative_regret for seed in (0, 1)]
    assert np.mean(shared) < 0.8  # separate arms keep 0.97 and more of uniform's regret here


def test_late_clicks_are_waited_for() -> None:
    late = Scenario("late", "late", 25, lambda rng, n: dataclasses.replace(SMALL.make(rng, n), delay_mean_s=1_800.0))
    regret = np.mean([run(late, PolicySpec("thompson"), seed=seed).relative_regret for seed in range(4)])
    assert regret < 0.6


def test_every_scenario_makes_a_world_of_rates() -> None:
    for scenario in SCENARIOS.values():
        world = make_world(scenario, 1)
        rates = world.at(scenario.n_batches - 1)
        assert rates.shape == (len(world.experiment.segments), len(world.experiment.arms))
        assert rates.min() > 0.0005
        assert rates.max() < 0.3
        assert world.segment_shares.sum() == pytest.approx(1.0)
    assert np.ptp(make_world(SCENARIOS["aa"], 1).at(0)) == 0.0


def test_the_leader_collapses_half_way_in_the_drift_scenario() -> None:
    scenario = SCENARIOS["drift"]
    world = make_world(scenario, 5)
    before = world.at(scenario.n_batches // 2 - 1)[0]
    after = world.at(scenario.n_batches // 2)[0]
    assert int(after.argmin()) == int(before.argmax())


def test_an_unknown_scenario_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match="k10"):
        scenario_named("k11")
