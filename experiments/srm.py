"""Sample-ratio checks: were the arms really shown in the proportions we logged?

A mismatch (a pixel that fails for one picture, a bot that clicks everything) spoils every other number, so it is
checked at every look by an e-process, which keeps its promise however often it is read, and once in the final report by
a chi-square test with more power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .errors import UnequalShapes
from .types import Cohort, Floats

BETS = (-1.0, -0.3, -0.1, -0.05, 0.05, 0.1, 0.3)  # log of the factor an arm's share may be off by


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Verdict on the split. `alarm` is the e-process; `p_value` the chi-square, to be read once at the end."""

    alarm: bool
    log_e: float  # largest so far
    p_value: float
    alpha: float
    worst_arm: str  # where the counts are furthest from what was logged
    worst_ratio: float  # its exposures over the expected ones


def sample_ratio_log_e(shown: Floats, probability: Floats, bets: Sequence[float] = BETS) -> Floats:
    """Running log of the e-process over batches.

    The mean, over arms k and bets th, of prod_b exp(th n_bk) / (1 + w_bk (e^th - 1))^n_b: an e-process under the
    logged probabilities, whatever rule moves them.

    Args:
        shown: (B, K) exposures.
        probability: (B, K) logged probabilities; rows sum to 1.

    Returns:
        (B,) log e after each batch; alarm at log(1 / alpha).

    Source: Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022 (our mixture).
    """
    if shown.shape != probability.shape:
        raise UnequalShapes(shown=shown.shape, probability=probability.shape)
    total = shown.sum(axis=1, keepdims=True)
    paths = [
        np.cumsum(theta * shown - total * np.log1p(probability * np.expm1(theta)), axis=0)  # (B, K)
        for theta in bets
    ]
    stacked = np.concatenate(paths, axis=1)
    return np.asarray(special.logsumexp(stacked, axis=1) - np.log(stacked.shape[1]), dtype=np.float64)


def sample_ratio_p(shown: Floats, probability: Floats) -> float:
    """Chi-square p-value of the total counts, with the covariance that moving weights really give.

    The counts of batch b are multinomial(n_b, w_b), so the totals have mean sum_b n_b w_b and covariance
    sum_b n_b (diag(w_b) - w_b w_b^T). To be read once: it does not survive peeking.
    """
    if shown.shape != probability.shape:
        raise UnequalShapes(shown=shown.shape, probability=probability.shape)
    total = shown.sum(axis=1)
    expected = total @ probability
    used = expected > 0.0
    if int(used.sum()) < 2:
        return 1.0
    w = probability[:, used]
    residual = (shown.sum(axis=0) - expected)[used][:-1]  # one arm follows from the others
    covariance = np.diag(expected[used]) - (w * total[:, None]).T @ w
    statistic = float(residual @ np.linalg.solve(covariance[:-1, :-1], residual))
    return float(stats.chi2.sf(statistic, int(used.sum()) - 1))


def check_sample_ratio(cohorts: Sequence[Cohort], alpha: float = 0.01) -> SampleRatio | None:
    """Both checks on a log of cohorts; None when nothing was shown yet. Arms are matched by id."""
    used = sorted((c for c in cohorts if float(c.shown.sum()) > 0.0), key=lambda c: (c.version, c.time))
    arms = list(dict.fromkeys(arm for cohort in used for arm in cohort.arms))
    if not used or len(arms) < 2:
        return None
    at = {arm: i for i, arm in enumerate(arms)}
    shown, probability = np.zeros((len(used), len(arms))), np.zeros((len(used), len(arms)))
    for row, cohort in enumerate(used):
        columns = [at[arm] for arm in cohort.arms]
        shown[row, columns] = cohort.shown
        probability[row, columns] = cohort.propensity
    log_e = float(sample_ratio_log_e(shown, probability).max())
    expected = shown.sum(axis=1) @ probability
    gap = np.abs(shown.sum(axis=0) - expected) / np.sqrt(np.maximum(expected, 1.0))
    worst = int(gap.argmax())
    ratio = float(shown[:, worst].sum() / max(expected[worst], 1e-12))
    alarm = log_e >= -np.log(alpha)
    return SampleRatio(bool(alarm), log_e, sample_ratio_p(shown, probability), alpha, arms[worst], ratio)
