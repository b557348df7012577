"""What if we had shown something else? Off-policy evaluation on logged propensities.

Every estimator takes the same `Logged`: rewards, importance weights w = target probability / logged probability, and
for the model-based ones q, what a reward model expects of what was shown, and v, what it expects of the target policy.
Rows may stand for many identical decisions (`times`). Names as in Saito et al. 2021 ("Open Bandit Dataset and
Pipeline"), whose numbers the tests reproduce.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import OutOfRange, TooLittleEvidence, UnequalShapes, UnknownArm, UnknownName
from .lift import WALD
from .posterior import prior_from_rates
from .types import Cohort, Floats, Interval

Estimator = Literal["ips", "snips", "dm", "dr", "sndr", "switch", "dros"]
ESTIMATORS: tuple[Estimator, ...] = ("ips", "snips", "dm", "dr", "sndr", "switch", "dros")


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """A log seen from a target policy; arrays are (n,)."""

    reward: Floats
    weight: Floats  # target probability over logged probability, 0 or more
    predicted: Floats  # q: reward model's expectation of what was shown
    predicted_target: Floats  # v: its expectation of what the target policy would have shown
    times: Floats  # how many decisions a row stands for

    def __post_init__(self) -> None:
        shapes = {name: getattr(self, name).shape for name in self.__dataclass_fields__}
        if len(set(shapes.values())) != 1:
            raise UnequalShapes(**shapes)
        if self.times.sum() <= 0.0 or float(self.weight.min()) < 0.0:
            raise OutOfRange("weight", float(self.weight.min()), "0 or more, and at least one decision")

    def mean(self, values: Floats) -> float:
        """Mean over decisions."""
        return float(self.times @ values / self.times.sum())


@dataclass(frozen=True, slots=True)
class Estimate:
    """Value of the target policy per decision. The interval is for one reading."""

    estimator: Estimator
    value: float
    standard_error: float
    interval: Interval
    effective_n: float


def effective_n(logged: Logged) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2: how many decisions of the target policy the log is worth."""
    total = float(logged.times @ logged.weight)
    squares = float(logged.times @ logged.weight**2)
    return total**2 / squares if squares > 0.0 else 0.0


def estimate(logged: Logged, estimator: Estimator = "sndr", *, tau: float = 10.0, lam: float = 100.0) -> Estimate:
    """Value of the target policy.

    IPS mean(w r); SNIPS sum(w r) / sum w; DM mean(v); DR mean(w (r - q) + v); SNDR mean(w (r - q)) / mean(w) + mean(v);
    Switch as DR with w = 0 above `tau`; DRos as DR with lam w / (w^2 + lam).

    DM's standard error leaves out the model's bias, Switch's and DRos's that of the weights they cut: all three are too
    narrow. Those of the self-normalised ones are by the delta method.

    Args:
        tau: largest weight "switch" keeps.
        lam: shrinkage of "dros"; 0 is DM, infinity is DR.

    Raises:
        UnknownName: no such estimator.
    """
    w, r, q, v = logged.weight, logged.reward, logged.predicted, logged.predicted_target
    n = float(logged.times.sum())
    mean_w = logged.mean(w)
    if estimator == "ips":
        value, influence = logged.mean(w * r), w * r
    elif estimator == "snips":
        value = logged.mean(w * r) / mean_w
        influence = w * (r - value) / mean_w
    elif estimator == "dm":
        value, influence = logged.mean(v), v
    elif estimator == "sndr":
        correction = logged.mean(w * (r - q)) / mean_w
        value = correction + logged.mean(v)
        influence = (w * (r - q) - correction * w) / mean_w + v
    elif estimator in ("dr", "switch", "dros"):
        kept = {"dr": w, "switch": np.where(w <= tau, w, 0.0), "dros": lam * w / (w**2 + lam)}[estimator]
        influence = kept * (r - q) + v
        value = logged.mean(influence)
    else:
        raise UnknownName("estimator", estimator, ESTIMATORS)
    spread = logged.mean((influence - logged.mean(influence)) ** 2)
    error = float(np.sqrt(spread / n))
    interval = Interval(value - WALD * error, value + WALD * error)
    return Estimate(estimator, value, error, interval, effective_n(logged))


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other weights would have earned on the same traffic."""

    estimate: Estimate
    served: float  # what was earned, per decision
    lift_rel: float
    sentence: str


def what_if(
    cohorts: Sequence[Cohort],
    target: Collection[str] | Mapping[str, float],
    *,
    estimator: Estimator = "sndr",
    least_effective_n: float = 200.0,
    least_clicks: float = 5.0,
) -> WhatIf:
    """What if we had only used these arms?

    Args:
        cohorts: the log; only cohorts in which every arm of the target was in play are used.
        target: arm ids, shown equally often, or their shares.
        least_effective_n, least_clicks: refuse below.

    Raises:
        UnknownArm: an arm that was never in play.
        TooLittleEvidence: the log cannot answer: the target's arms were shown too rarely.
    """
    shares = dict(target) if isinstance(target, Mapping) else dict.fromkeys(target, 1.0)
    total = sum(shares.values())
    known = {arm for cohort in cohorts for arm in cohort.arms}
    for arm in shares:
        if arm not in known:
            raise UnknownArm(arm, sorted(known))
    if total <= 0.0 or min(shares.values()) < 0.0:
        raise OutOfRange("shares of the target", total, "0 or more each, adding up to something")
    rates = _arm_rates(cohorts)
    rows = [part for cohort in cohorts if (part := _rows(cohort, shares, total, rates))]
    if not rows:
        raise TooLittleEvidence("this target", 0.0, least_effective_n)
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    logged = Logged(*columns)
    effective = effective_n(logged)
    clicks = float((logged.times * logged.reward)[logged.weight > 0.0].sum())
    if effective < least_effective_n:
        raise TooLittleEvidence("this target", effective, least_effective_n)
    if clicks < least_clicks:
        raise TooLittleEvidence("this target (successes)", clicks, least_clicks)
    found = estimate(logged, estimator)
    served = logged.mean(logged.reward)
    lift = found.value / served - 1.0 if served > 0.0 else float("nan")
    sentence = (
        f"Showing only {', '.join(sorted(shares)[:4])}{' ...' if len(shares) > 4 else ''} would have earned "
        f"{found.value:.3%} [{found.interval.low:.3%}, {found.interval.high:.3%}] per impression, {lift:+.0%} against "
        f"what was served; the log is worth {effective:,.0f} impressions of that."
    )
    return WhatIf(found, served, lift, sentence)


def _arm_rates(cohorts: Sequence[Cohort]) -> dict[str, float]:
    """Shrunk rate of each arm: the reward model behind q and v."""
    shown: dict[str, float] = {}
    clicked: dict[str, float] = {}
    for cohort in cohorts:
        for arm, n, c in zip(cohort.arms, cohort.matured.tolist(), cohort.clicked.tolist(), strict=True):
            shown[arm] = shown.get(arm, 0.0) + n
            clicked[arm] = clicked.get(arm, 0.0) + c
    arms = list(shown)
    n, c = np.array([shown[arm] for arm in arms]), np.array([clicked[arm] for arm in arms])
    prior = prior_from_rates(n, c)
    return dict(zip(arms, ((prior.a + c) / (prior.a + prior.b + n)).tolist(), strict=True))


def _rows(
    cohort: Cohort, shares: Mapping[str, float], total: float, rates: Mapping[str, float]
) -> tuple[Floats, Floats, Floats, Floats, Floats] | None:
    """A cohort as rows (reward, weight, q, v, times), two per arm; None when a target arm was out of play."""
    wanted = np.array([shares.get(arm, 0.0) / total for arm in cohort.arms])
    if abs(float(wanted.sum()) - 1.0) > 1e-9 or bool(np.any((wanted > 0.0) & (cohort.propensity <= 0.0))):
        return None
    weight = np.where(wanted > 0.0, wanted / np.maximum(cohort.propensity, 1e-300), 0.0)
    q = np.array([rates[arm] for arm in cohort.arms])
    v = np.full(q.size, float(wanted @ q))
    missed = np.maximum(cohort.shown - cohort.clicked, 0.0)
    rewards = np.concatenate([np.ones(q.size), np.zeros(q.size)])
    times = np.concatenate([cohort.clicked, missed])
    return rewards, np.tile(weight, 2), np.tile(q, 2), np.tile(v, 2), times
