"""The demo's page, and the visitors whose truth it shows."""

from __future__ import annotations

import numpy as np
import pytest

from service import report
from service.pages import charts
from service.visitors import Walk, draw_truth, shares

ARMS = {
    f"{headline}-{picture}": {"headline": headline, "picture": picture}
    for headline in "ab"
    for picture in ("x", "y", "z")
}


def line(text: str, *claims: tuple[int, int, str]) -> dict[str, object]:
    found = [{"start": s, "end": e, "verdict": v, "evidence": "capacity: 600 ml", "reason": None} for s, e, v in claims]
    return {"text": text, "claims": found}


def test_every_claim_is_underlined_with_its_evidence() -> None:
    marked = report.marked(line("Holds 600 ml of tea", (6, 12, "supported")))
    assert marked == ('Holds <mark class="supported" title="supported: capacity: 600 ml">600 ml</mark> of tea')


def test_text_from_a_merchant_cannot_become_markup() -> None:
    assert "<script>" not in report.marked(line("<script>alert(1)</script> 5 l", (26, 29, "supported")))


def test_overlapping_claims_are_shown_once() -> None:
    marked = report.marked(line("18/8 stainless steel", (0, 20, "supported"), (5, 20, "supported")))
    assert marked.count("<mark") == 1
    assert "18/8 stainless steel" in marked


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "+12.3\u00a0%"), (-0.5, "−50.0\u00a0%"), (0.0, "+0.0\u00a0%"), (None, "–")]
)
def test_percentages_carry_their_sign(value: float | None, text: str) -> None:
    assert report.percent(value) == text


def test_the_truth_is_additive_on_the_log_odds_but_for_a_little() -> None:
    truth = draw_truth(ARMS, np.random.default_rng(1))
    odds = {arm: np.log(rate / (1 - rate)) for arm, rate in truth.rates.items()}
    for arm, levels in ARMS.items():
        additive = np.log(0.045 / 0.955) + sum(truth.effects[factor][level] for factor, level in levels.items())
        assert abs(odds[arm] - additive) < 0.3  # five standard deviations of an arm's own part, .06
    assert truth.rates[truth.best_arm] == max(truth.rates.values())


def test_the_same_seed_draws_the_same_truth() -> None:
    assert draw_truth(ARMS, np.random.default_rng(5)) == draw_truth(ARMS, np.random.default_rng(5))


def test_the_true_uplift_of_uniform_traffic_is_zero() -> None:
    truth = draw_truth(ARMS, np.random.default_rng(2))
    walk = Walk(arms=sorted(ARMS) * 10)
    assert walk.uplift(truth) == pytest.approx(0.0, abs=1e-12)


def test_serving_only_the_best_arm_has_its_whole_uplift() -> None:
    truth = draw_truth(ARMS, np.random.default_rng(2))
    walk = Walk(arms=[truth.best_arm] * 50)
    assert walk.uplift(truth) == pytest.approx(truth.rates[truth.best_arm] / truth.uniform_rate - 1.0)
    assert walk.share_of(truth.best_arm) == 1.0


def test_shares_add_up_to_one_at_every_step() -> None:
    arms = ["a-x"] * 60 + ["b-y"] * 30 + ["b-z"] * 10
    rows = shares(arms, ["a-x", "b-y"], charts.OTHERS, bins=10)
    for visitors in {row["visitors"] for row in rows}:
        assert sum(row["share"] for row in rows if row["visitors"] == visitors) == pytest.approx(1.0)
    assert max(row["visitors"] for row in rows) == 100


def test_a_plot_becomes_a_picture_without_asking_the_network() -> None:
    rows = [{"visitors": n, "estimate": 0.1, "low": -0.1, "high": 0.3} for n in (100, 200, 300)]
    assert "<svg" in charts.svg(charts.uplift(rows, truth=0.12))


def test_an_unbounded_interval_is_drawn_to_the_edge() -> None:
    rows = [{"visitors": 100, "estimate": 0.1, "low": None, "high": None}]
    assert "<svg" in charts.svg(charts.uplift(rows))


def test_opinions_are_not_counted_as_claims_with_evidence() -> None:
    lines = [line("Lovely 600 ml", (0, 6, "puffery"), (7, 13, "supported")), line("600 ml", (0, 6, "supported"))]
    assert report.claims_of(lines) == 2
