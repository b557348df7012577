"""Before a start: how many exposures, how many days, and is the experiment worth starting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .errors import OutOfRange
from .sequential import asymptotic_multiplier


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment needs. `per_arm` is for a fixed split; a bandit spends most of `total` on the winners."""

    per_arm: int
    total: int
    days: float
    sentence: str


def exposures_per_arm(
    rate: float,
    lift_rel: float,
    *,
    n_comparisons: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
    anytime: bool = True,
) -> int:
    """Exposures each of two arms needs to see a lift.

    The fixed-time number is (z_{1 - alpha/2m} + z_power)^2 (p0 q0 + p1 q1) / (p1 - p0)^2 (two proportions, unpooled);
    with `anytime` the critical value is the asymptotic sequence's at its tuned look.

    Args:
        rate: of the baseline, 0 to 1.
        lift_rel: to be found, relative, not 0.
        n_comparisons: m, arms compared with the baseline (Bonferroni).
        power: chance to find it.
    """
    other = rate * (1.0 + lift_rel)
    if not (0.0 < rate < 1.0 and 0.0 < other < 1.0 and lift_rel != 0.0):
        raise OutOfRange("rate and lift", rate, "both rates between 0 and 1 and different")
    if not (0.0 < alpha < 1.0 and 0.0 < power < 1.0 and n_comparisons >= 1):
        raise OutOfRange("alpha, power, comparisons", alpha, "alpha and power between 0 and 1, comparisons 1 or more")
    level = alpha / n_comparisons
    critical = float(asymptotic_multiplier(1.0, level, 1.0)) if anytime else float(special.ndtri(1.0 - level / 2.0))
    spread = rate * (1.0 - rate) + other * (1.0 - other)
    return int(np.ceil((critical + float(special.ndtri(power))) ** 2 * spread / (other - rate) ** 2))


def plan(
    rate: float,
    lift_rel: float,
    *,
    n_arms: int,
    exposures_per_day: float,
    n_effects: int | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Plan:
    """Power and time-to-decision of an experiment.

    Args:
        n_arms: arms that share the traffic.
        exposures_per_day: all arms together.
        n_effects: for factors: the sum of their levels; the combinations then share what is learned, and each level
            needs its exposures, not each combination.

    >>> plan(0.02, 0.2, n_arms=2, exposures_per_day=10_000).days > 1
    True
    """
    if n_arms < 2 or not exposures_per_day > 0.0:
        raise OutOfRange("n_arms", n_arms, "2 or more, with some traffic")
    compared = n_arms if n_effects is None else min(n_effects, n_arms)
    each = exposures_per_arm(rate, lift_rel, n_comparisons=compared - 1, alpha=alpha, power=power)
    total = each * compared
    days = total / exposures_per_day
    sentence = (
        f"To see {lift_rel:+.0%} on a rate of {rate:.2%} with {power:.0%} chance, each of {compared} "
        f"{'arms' if n_effects is None else 'levels'} needs {each:,} exposures: {days:.1f} days at "
        f"{exposures_per_day:,.0f} a day, read as often as you like."
    )
    return Plan(each, total, days, sentence)
