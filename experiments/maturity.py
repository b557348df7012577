"""Delayed feedback: which part of an exposure's clicks must have arrived by now, learned from the clicks seen so far.

A click is only seen when its delay is shorter than the exposure's age, so the delays seen are too short on average.
The distribution is estimated from such right-truncated data by the reverse-time product limit (Lagakos, Barraj and
De Gruttola 1988; Kalbfleisch and Lawless 1989), beyond its support by an exponential tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from .errors import OutOfRange, UnequalShapes
from .types import Floats

LEAST_AT_RISK = 50  # clicks that could have shown a delay, below which the product limit is too rough


@dataclass(frozen=True, slots=True, eq=False)
class Maturity:
    """A delay distribution: `cdf[i]` of the clicks come within `age_s[i]`; linear in between, 1 after the end."""

    age_s: Floats  # (G,) ascending, starts at 0
    cdf: Floats  # (G,) ascending, 0 to 1

    @classmethod
    def immediate(cls) -> Maturity:
        """Every click arrives at once."""
        return cls(np.array([0.0, 1e-9]), np.array([1.0, 1.0]))

    @classmethod
    def exponential(cls, mean_s: float, points: int = 256) -> Maturity:
        """Exponential delays of a given mean."""
        if not mean_s > 0.0:
            raise OutOfRange("mean_s", mean_s, "above 0")
        age = np.linspace(0.0, 12.0 * mean_s, points)
        return cls(age, 1.0 - np.exp(-age / mean_s))

    def at(self, age_s: Floats | float) -> Floats:
        """The part of the clicks that has arrived at an age (seconds, any shape); 0 before the exposure."""
        age = np.asarray(age_s, dtype=np.float64)
        return np.where(age < 0.0, 0.0, np.interp(age, self.age_s, self.cdf, right=1.0))

    def within(self, window_s: float) -> Maturity:
        """The same law for clicks that only count within a window after the exposure: complete at its end."""
        part = float(self.at(window_s))
        if part >= 1.0 or part <= 0.0:
            return self
        inside = self.age_s < window_s
        return Maturity(np.r_[self.age_s[inside], window_s], np.r_[self.cdf[inside] / part, 1.0])


def truncated_exponential_mean(delay_s: Floats, age_s: Floats) -> float:
    """Maximum-likelihood mean of exponential delays that are only seen when shorter than their exposure's age.

    Solves mean(delay) = mean over clicks of E[delay | delay < age]. Capped at 10 times the largest age: when delays
    look uniform over the ages, the data cannot tell more.
    """
    target = float(delay_s.mean())

    def gap(log_mean: float) -> float:
        mean = float(np.exp(log_mean))
        ratio = np.minimum(age_s / mean, 700.0)
        expected = mean - age_s / np.expm1(np.maximum(ratio, 1e-12))
        return float(expected.mean()) - target

    low, high = np.log(max(target, 1e-9)) - 1e-6, np.log(10.0 * float(age_s.max()) + 1e-9)
    if gap(low) >= 0.0:
        return target
    if gap(high) <= 0.0:
        return float(np.exp(high))
    return float(np.exp(brentq(gap, low, high, xtol=1e-6)))


def learn_maturity(delay_s: Floats, age_s: Floats, *, points: int = 128, enough: int = 200) -> Maturity:
    """Learn the delay distribution from the clicks seen so far.

    The product limit needs old exposures to say anything about long delays: beyond the longest delay that at least 50
    of them could have shown (and with fewer than `enough` clicks, everywhere) the exponential law is used.

    Args:
        delay_s: (n,) seconds from exposure to click, one for each click seen.
        age_s: (n,) age of the same exposures now; every delay is at most its age.
        points: resolution of the result.
        enough: with fewer clicks than this the exponential law is used alone.

    Returns:
        A distribution; `Maturity.immediate()` when nothing was seen yet.

    Raises:
        UnequalShapes, OutOfRange: the two do not match, or a delay is negative or longer than its age.
    """
    if delay_s.shape != age_s.shape:
        raise UnequalShapes(delay_s=delay_s.shape, age_s=age_s.shape)
    if delay_s.size == 0:
        return Maturity.immediate()
    if float(delay_s.min()) < 0.0 or bool(np.any(delay_s > age_s)):
        raise OutOfRange("delay_s", float(delay_s.min()), "0 to the age of its exposure")
    if float(delay_s.max()) == 0.0:
        return Maturity.immediate()
    law = Maturity.exponential(truncated_exponential_mean(delay_s, age_s))
    if delay_s.size < enough:
        return law
    delays, ages = np.sort(delay_s), np.sort(age_s)
    # could have shown a delay of u: clicks with delay <= u whose exposure is at least u old
    could_show = np.arange(1, delays.size + 1) - np.searchsorted(ages, delays, side="left")
    last = int(np.flatnonzero(could_show >= LEAST_AT_RISK).max(initial=0))
    if last < enough // 2:
        return law
    keep = np.log(np.maximum(1.0 - 1.0 / could_show[: last + 1], 1e-12))
    log_cdf = np.concatenate([np.cumsum(keep[::-1])[::-1][1:], [0.0]])  # F(d_i) = prod_{j > i} (1 - 1 / n_j)
    grid = np.quantile(delays[: last + 1], np.linspace(0.0, 1.0, points), method="nearest")
    grid = np.unique(grid)
    cdf = np.exp(log_cdf)[np.searchsorted(delays[: last + 1], grid, side="right") - 1]
    inside = float(law.at(grid[-1]))  # the part of all clicks that the law expects up to there
    beyond = law.age_s > grid[-1]
    age = np.concatenate([[min(0.0, grid[0])], grid, law.age_s[beyond]])
    return Maturity(age, np.concatenate([[0.0], cdf * inside, law.cdf[beyond]]))
