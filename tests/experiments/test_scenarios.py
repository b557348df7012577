"""Scenarios from a file: what is written is what is simulated, and mistakes are named."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from scipy import special

from experiments import InvalidScenario, PolicySpec, make_world, run, scenario_from


def test_named_rates_are_the_rates() -> None:
    scenario = scenario_from({"arms": {"calm": 0.02, "bold": 0.03}, "impressions": 5_000, "name": "mine"})
    world = make_world(scenario, 1)
    assert scenario.n_batches == 5
    assert scenario.name == "mine"
    assert [arm.id for arm in world.experiment.arms] == ["calm", "bold"]
    np.testing.assert_allclose(world.at(0), [[0.02, 0.03]])


def test_effects_and_interactions_add_up_on_the_odds() -> None:
    text = """
    rate = 0.02
    [[factors]]
    name = "headline"
    effects = {plain = 0.0, warm = 0.5}
    [[factors]]
    name = "image"
    effects = {table = 0.0, beach = -0.2}
    [[interactions]]
    levels = {headline = "warm", image = "beach"}
    effect = 0.25
    """
    rates = make_world(scenario_from(tomllib.loads(text)), 0).at(0)[0]
    odds = rates / (1.0 - rates) / (0.02 / 0.98)
    np.testing.assert_allclose(odds, [1.0, 0.8, 1.5, 1.5 * 0.8 * 1.25])


def test_segments_delay_and_drift_are_taken_over() -> None:
    values: dict[str, Any] = {
        "arms": {"a": 0.02, "b": 0.03},
        "impressions": 20_000,
        "segments": [{"name": "new", "share": 3}, {"name": "old", "share": 1, "effect": 1.0, "effects": {"a": 2.0}}],
        "delay": {"mean_s": 60.0, "batch_s": 30.0},
        "drift": {"changes": [{"at": 0.5, "arm": "b", "effect": -0.5}]},
    }
    world = make_world(scenario_from(values), 0)
    np.testing.assert_allclose(world.segment_shares, [0.75, 0.25])
    assert (world.delay_mean_s, world.batch_s) == (60.0, 30.0)
    before, after = special.logit(world.at(0)), special.logit(world.at(15))
    np.testing.assert_allclose(after - before, np.array([[0.0, np.log(0.5)]] * 2), atol=1e-12)
    np.testing.assert_allclose(before[1] - before[0], [np.log(6.0), np.log(2.0)])


def test_newcomers_wait_for_their_time() -> None:
    scenario = scenario_from({"n_arms": 4, "impressions": 10_000, "newcomers": {"n": 1, "at": 0.5}})
    world = make_world(scenario, 0)
    assert world.playing(4).tolist() == [True, True, True, False]
    assert world.playing(5).all()
    shares: list[float] = []
    run(scenario, PolicySpec("thompson"), watch=lambda b, served, rates, clicked: shares.append(served[0, 3]))
    assert max(shares[:5]) == 0.0
    assert min(shares[5:]) > 0.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"arm": {}}, "unknown key 'arm'; known here: arms"),
        ({"arms": {"a": 0.1}}, "two or more"),
        ({"arms": {"a": 0.1, "b": "x"}}, "arms.b: must be a number"),
        ({"arms": {"a": 0.1, "b": 2.0}}, "arms.b: is 2.0; allowed"),
        ({"arms": {"a": 0.1, "b": 0.2}, "factors": []}, "factors or arms"),
        ({"factors": [{"levels": 3}]}, "needs a name"),
        ({"factors": [{"name": "h", "levels": 3, "odd": 1}]}, "unknown key 'odd'"),
        ({"factors": [{"name": "h", "levels": 30_000}]}, "levels: is 30000"),
        (
            {"factors": [{"name": "h", "levels": 2}], "interactions": [{"levels": {"h": "x", "i": "y"}}]},
            "no factor 'i'; here: h",
        ),
        ({"arms": {"a": 0.1, "b": 0.2}, "drift": {"changes": [{"arm": "c"}]}}, "no 'c'; here: a, b"),
        ({"arms": {"a": 0.1, "b": 0.2}, "segments": [{"effects": {"zz": 1.0}}]}, "no arm and no level"),
        ({"impressions": 10}, "impressions: is 10"),
        ({"delay": 3}, "must be a table"),
    ],
)
def test_a_mistake_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidScenario, match=message):
        scenario_from(values)
