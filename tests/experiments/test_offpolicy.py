"""Off-policy estimates: worked by hand, and equal to the reference implementation on the Open Bandit Dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import Cohort, TooLittleEvidence, UnequalShapes, UnknownArm, UnknownName
from experiments.offpolicy import Estimator, Logged, effective_n, estimate, what_if

DATA: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "obd_small.json").read_text())


def by_hand() -> Logged:
    """Three decisions: two arms logged half and half, the target always shows the first.

    Rewards 1, 0, 1; weights 2, 2, 0; q of what was shown 0.5, 0.5, 0.25; v always 0.5.
    """
    return Logged(
        np.array([1.0, 0.0, 1.0]),
        np.array([2.0, 2.0, 0.0]),
        np.array([0.5, 0.5, 0.25]),
        np.full(3, 0.5),
        np.ones(3),
    )


@pytest.mark.parametrize(
    ("estimator", "value"),
    [
        ("ips", 2 / 3),  # (2 + 0 + 0) / 3
        ("snips", 0.5),  # 2 / 4
        ("dm", 0.5),
        ("dr", 0.5),  # (2 * 0.5 - 2 * 0.5 + 0) / 3 + 0.5
        ("sndr", 0.5),
    ],
)
def test_three_decisions_worked_by_hand(estimator: Estimator, value: float) -> None:
    assert estimate(by_hand(), estimator).value == pytest.approx(value, abs=1e-12)


def test_cut_and_shrunk_weights_worked_by_hand() -> None:
    logged = Logged(np.array([1.0, 0.0]), np.array([2.0, 0.5]), np.array([0.4, 0.4]), np.full(2, 0.3), np.ones(2))
    # switch at 1 drops the first weight: (0 + 0.5 * -0.4) / 2 + 0.3 = 0.2
    assert estimate(logged, "switch", tau=1.0).value == pytest.approx(0.2, abs=1e-12)
    # dros with lam 1: weights 2 / 5 and 0.5 / 1.25: (0.4 * 0.6 + 0.4 * -0.4) / 2 + 0.3 = 0.34
    assert estimate(logged, "dros", lam=1.0).value == pytest.approx(0.34, abs=1e-12)
    assert effective_n(logged) == pytest.approx(6.25 / 4.25)


def test_a_row_may_stand_for_many_decisions() -> None:
    one = by_hand()
    twice = Logged(one.reward, one.weight, one.predicted, one.predicted_target, np.full(3, 2.0))
    for name in ("ips", "snips", "dr", "sndr"):
        assert estimate(twice, name).value == estimate(one, name).value
        assert estimate(twice, name).standard_error == pytest.approx(estimate(one, name).standard_error / np.sqrt(2.0))


def campaign(name: str) -> Logged:
    """The Random log of a campaign seen from the zozotown prior's Thompson sampling."""
    data = DATA[name]
    shown, clicked = np.array(data["shown"], dtype=np.float64), np.array(data["clicked"], dtype=np.float64)
    target = np.array(data["target_draws_of_100000"]) / 100_000
    model = (clicked + 0.38) / (shown + 100.0)
    value = np.broadcast_to((target * model).sum(axis=0), shown.shape)
    weight, model, value = (np.tile(part.ravel(), 2) for part in (target / data["logged_propensity"], model, value))
    rewards = np.concatenate([np.ones(shown.size), np.zeros(shown.size)])
    return Logged(rewards, weight, model, value, np.concatenate([clicked.ravel(), (shown - clicked).ravel()]))


@pytest.mark.parametrize("name", ["all", "men", "women"])
@pytest.mark.parametrize(
    "estimator",
    ["ips", "snips", "dm", "dr", "sndr", "switch tau=1", "switch tau=10", "dros lam=1", "dros lam=100"],
)
def test_estimates_equal_those_of_obp(name: str, estimator: str) -> None:
    kind, _, option = estimator.partition(" ")
    options = {key: float(value) for key, _, value in [option.partition("=")] if key}
    found = estimate(campaign(name), kind, **options)  # type: ignore[arg-type]
    assert found.value == pytest.approx(DATA[name]["reference"][estimator], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("all", (0.00455288, 0.00477583, 0.00218521, 0.00473249, 0.9533, 1639.50)),
        ("men", (0.00453356, 0.00460423, 0.00119882, 0.00462098, 0.9847, 2467.40)),
        ("women", (0.00681347, 0.00681097, 0.00187976, 0.00689520, 1.0004, 1954.27)),
    ],
)
def test_estimates_equal_the_published_digits(name: str, published: tuple[float, ...]) -> None:
    logged = campaign(name)
    ips, snips = estimate(logged, "ips"), estimate(logged, "snips")
    found = (
        ips.value,
        snips.value,
        snips.standard_error,
        estimate(logged, "sndr").value,
        logged.mean(logged.weight),
        effective_n(logged),
    )
    # half a unit of the last printed digit; the standard error is printed from a slightly different rounding
    for value, digits, tolerance in zip(found, published, (5e-9, 5e-9, 1e-8, 5e-9, 5e-5, 5e-3), strict=True):
        assert value == pytest.approx(digits, abs=tolerance)


def test_estimates_recover_a_known_truth() -> None:
    rng = np.random.default_rng(3)
    rates, served = np.array([0.05, 0.1, 0.2]), np.array([0.6, 0.3, 0.1])
    errors = []
    for _ in range(300):
        shown = rng.multinomial(4_000, served).astype(np.float64)
        clicked = rng.binomial(shown.astype(int), rates).astype(np.float64)
        cohort = Cohort(1, "all", 0.0, ("a", "b", "c"), served, shown, shown, clicked, clicked, clicked)
        answer = what_if([cohort], ("b", "c"))
        errors.append((answer.estimate.value - 0.15) / answer.estimate.standard_error)
    assert abs(np.mean(errors)) < 0.2  # standard error of the mean of 300 standard normals is 0.058
    assert 0.90 <= np.mean(np.abs(errors) < 1.96) <= 0.985


def cohort_of(shown: list[float], clicked: list[float], served: list[float]) -> Cohort:
    n, c = np.array(shown), np.array(clicked)
    return Cohort(1, "all", 0.0, ("a", "b"), np.array(served), n, n, c, c, c)


def test_a_log_that_hardly_showed_the_target_refuses_to_answer() -> None:
    with pytest.raises(TooLittleEvidence, match="effective"):
        what_if([cohort_of([5_000.0, 40.0], [100.0, 3.0], [0.99, 0.01])], ("b",))
    with pytest.raises(TooLittleEvidence, match="successes"):
        what_if([cohort_of([5_000.0, 400.0], [100.0, 3.0], [0.9, 0.1])], ("b",))


def test_what_if_answers_in_a_sentence_and_knows_its_arms() -> None:
    answer = what_if([cohort_of([5_000.0, 5_000.0], [100.0, 200.0], [0.5, 0.5])], ("b",))
    assert answer.lift_rel == pytest.approx(1 / 3, abs=0.02)  # 4 % against 3 % served
    assert "Showing only b" in answer.sentence
    with pytest.raises(UnknownArm):
        what_if([cohort_of([10.0, 10.0], [1.0, 1.0], [0.5, 0.5])], ("z",))
    with pytest.raises(UnknownName):
        estimate(by_hand(), "magic")  # type: ignore[arg-type]
    with pytest.raises(UnequalShapes):
        Logged(np.ones(2), np.ones(3), np.ones(2), np.ones(2), np.ones(2))
