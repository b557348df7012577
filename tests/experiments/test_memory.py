"""What a policy learns from: late clicks find their exposures, old evidence fades, recounts start afresh."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments import Cohort, Counts, Maturity, Memory, PolicySpec, count, matured_cohorts, replayed
from experiments.types import Floats

ARMS, EVERYONE = ("a", "b"), ("all",)
STEADY = PolicySpec(change_alarm=False)


def totals(shown: list[float], clicks: list[float], matured: list[float] | None = None) -> Counts:
    cells = [np.array([row], dtype=np.float64) for row in (shown, clicks, matured or shown)]
    return Counts.empty(ARMS, EVERYONE).add_cells(cells[0], cells[1], matured=cells[2])


def cohort(version: int, shown: Floats, clicked: Floats, time: float = 0.0) -> Cohort:
    half = np.full(2, 0.5)
    return Cohort(version, "all", time, ARMS, half, shown, shown, clicked, clicked, clicked)


def test_only_what_is_new_is_taken_in() -> None:
    memory = Memory.empty(ARMS, EVERYONE).after(totals([100, 100], [2, 3]), STEADY)
    memory = memory.after(totals([150, 120], [4, 3]), STEADY)
    assert memory.learned.clicks.tolist() == [[4.0, 3.0]]
    assert memory.learned.matured.tolist() == [[150.0, 120.0]]


def test_a_discount_fades_old_evidence_once_a_refresh() -> None:
    policy = PolicySpec(discount=0.5, change_alarm=False)
    memory = Memory.empty(ARMS, EVERYONE).after(totals([100, 100], [4, 2]), policy)
    memory = memory.after(totals([120, 100], [5, 2]), policy)
    assert memory.learned.clicks.tolist() == [[3.0, 1.0]]  # 4 / 2 + 1 and 2 / 2
    assert memory.learned.matured.tolist() == [[70.0, 50.0]]
    assert memory.learned.exposures.tolist() == [[120.0, 100.0]]  # reports never forget


def test_a_late_click_counts_although_nothing_was_shown_since() -> None:
    memory = Memory.empty(ARMS, EVERYONE).after(totals([100, 100], [0, 0], [40, 40]), STEADY)
    memory = memory.after(totals([100, 100], [3, 0], [90, 90]), STEADY)
    assert memory.learned.clicks.tolist() == [[3.0, 0.0]]
    assert memory.learned.matured.tolist() == [[90.0, 90.0]]


def test_late_clicks_of_growing_traffic_raise_no_alarm() -> None:
    """Clicks lag behind exposures: against exposures alone the rate would seem to fall."""
    policy, law = PolicySpec(), Maturity.exponential(3.0)
    rng, memory, shown, clicks = np.random.default_rng(3), Memory.empty(ARMS, EVERYONE), [], []
    for step in range(60):
        shown.append(200.0 * 1.1**step)
        clicks.append(rng.binomial(int(shown[-1]), 0.04))
        part = law.at(float(step) - np.arange(step + 1) + 0.5)
        seen = rng.binomial(np.array(clicks), part).sum() if step == 59 else float(np.array(clicks) @ part)
        matured = float(np.array(shown) @ part)
        now = totals([sum(shown), 0.0], [max(float(seen), float(memory.totals.clicks[0, 0])), 0.0], [matured, 0.0])
        memory = memory.after(now, policy)
    assert memory.alarms == 0


def test_a_collapse_is_noticed_and_the_past_is_dropped() -> None:
    policy, memory = PolicySpec(), Memory.empty(ARMS, EVERYONE)
    shown = clicks = 0.0
    for step in range(40):
        shown, clicks = shown + 1_000.0, clicks + (40.0 if step < 20 else 12.0)
        memory = memory.after(totals([shown, 0.0], [clicks, 0.0]), policy)
    assert memory.alarms >= 1
    rate = memory.learned.clicks[0, 0] / memory.learned.matured[0, 0]
    assert rate == pytest.approx(0.012, rel=0.1)


def test_a_recount_with_fewer_clicks_starts_again_from_the_totals() -> None:
    memory = Memory.empty(ARMS, EVERYONE).after(totals([100, 100], [9, 3]), PolicySpec(discount=0.5))
    again = memory.after(totals([80, 100], [5, 3]), PolicySpec(discount=0.5))
    assert again.learned.clicks.tolist() == [[5.0, 3.0]]


def test_a_restart_comes_to_the_same_view() -> None:
    rng, policy = np.random.default_rng(1), PolicySpec(discount=0.97)
    cohorts, memory = [], Memory.empty(ARMS, EVERYONE)
    for version in range(1, 40):
        shown = np.array([500.0, 100.0])
        rate = np.array([0.05 if version < 25 else 0.02, 0.03])
        cohorts.append(cohort(version, shown, rng.binomial(500, rate) * shown / 500.0))
        memory = memory.after(count(cohorts, ARMS), policy)
    again = replayed(cohorts, ARMS, EVERYONE, policy)
    np.testing.assert_allclose(again.learned.clicks, memory.learned.clicks, rtol=1e-12)
    assert again.alarms == memory.alarms
    assert replayed([], ARMS, EVERYONE, policy).learned.clicks.sum() == 0.0


def test_a_new_arm_joins_a_memory_without_disturbing_it() -> None:
    memory = Memory.empty(ARMS, EVERYONE).after(totals([100, 100], [2, 3]), STEADY)
    grown = memory.aligned(("b", "c", "a"), EVERYONE)
    assert grown.learned.clicks.tolist() == [[3.0, 0.0, 2.0]]
    assert grown.watch.log_ratio.shape == (2, 1, 3)
    assert memory.aligned(ARMS, EVERYONE) is memory


def test_young_cohorts_count_by_what_has_matured() -> None:
    old, young = (cohort(v, np.full(2, 100.0), np.ones(2), time=t) for v, t in ((1, 0.0), (2, 90.0)))
    law = Maturity(np.array([0.0, 20.0]), np.array([0.0, 1.0]))
    first, second = matured_cohorts([old, young], law, now=100.0)
    assert first is old
    assert second.matured.tolist() == [50.0, 50.0]
    assert dataclasses.replace(second, matured=young.matured).shown.tolist() == young.shown.tolist()
    assert matured_cohorts([], law, 1.0) == ()


def test_a_window_completes_the_law_at_its_end() -> None:
    law = Maturity.exponential(100.0).within(100.0)
    assert float(law.at(100.0)) == 1.0
    whole = Maturity.exponential(100.0)
    assert float(law.at(50.0)) == pytest.approx(float(whole.at(50.0)) / float(whole.at(100.0)), rel=1e-2)
    assert Maturity.immediate().within(10.0).at(5.0) == 1.0
