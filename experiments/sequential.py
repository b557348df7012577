"""Intervals and p-values that stay true however often one looks.

A confidence sequence covers the truth at all looks at once with the promised probability. All functions take sums, so
they work on logs of any size, and spread over arrays.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from .errors import OutOfRange
from .types import Floats, Interval

CLICK_PRIOR = (1.5, 98.5)  # where the beta mixture of `rate_sequence` is tightest: rates of 0.5 to 5 %


def normal_mixture_boundary(variance: Floats | float, rho: float, alpha: float) -> Floats:
    """Two-sided boundary of a sum with conditional variances adding up to `variance`.

    P(exists t: |S_t| >= sqrt((V_t + rho) log((V_t + rho) / (rho alpha^2)))) <= alpha.
    Source: Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021, equation 3.7 (two-sided normal mixture).
    """
    total = np.asarray(variance, dtype=np.float64) + rho
    return np.asarray(np.sqrt(total * np.log(total / (rho * alpha**2))), dtype=np.float64)


def tuned_for(n: float, alpha: float) -> float:
    """The mixture parameter r^2 that makes the asymptotic sequence tightest after about `n` observations.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024, appendix on tuning.
    """
    if not (n > 0.0 and 0.0 < alpha < 1.0):
        raise OutOfRange("n and alpha", n, "n above 0, alpha between 0 and 1")
    inner = -2.0 * np.log(alpha)
    return float((inner + np.log(inner + 1.0)) / n)


def asymptotic_multiplier(n: Floats | float, alpha: float = 0.05, tuned_n: float = 50_000.0) -> Floats:
    """What to multiply the standard error of a mean of `n` scores with, to get a half-width valid at all looks.

    The half-width is s sqrt(2 (n r^2 + 1) / (n^2 r^2) ln(sqrt(n r^2 + 1) / alpha)); this returns it over s / sqrt(n).
    For comparison: the fixed-time value at alpha = 0.05 is 1.96.

    Args:
        n: observations so far, above 0, any shape.
        alpha: chance of ever missing the truth.
        tuned_n: where the sequence is tightest.
    """
    n = np.asarray(n, dtype=np.float64)
    r2 = tuned_for(tuned_n, alpha)
    grown = n * r2 + 1.0
    return np.asarray(np.sqrt(2.0 * grown / (n * r2) * (0.5 * np.log(grown) - np.log(alpha))), dtype=np.float64)


def asymptotic_p(z: Floats | float, n: Floats | float, tuned_n: float = 50_000.0, alpha: float = 0.05) -> Floats:
    """Always-valid p-value of the asymptotic sequence: the smallest level at which it would exclude zero.

    Args:
        z: estimate over its standard error.
        n: observations behind it.
        tuned_n, alpha: where the sequence is tightest and for which level it was tuned.
    """
    z, n = np.asarray(z, dtype=np.float64), np.asarray(n, dtype=np.float64)
    grown = n * tuned_for(tuned_n, alpha) + 1.0
    log_e = 0.5 * z**2 * (grown - 1.0) / grown - 0.5 * np.log(grown)
    return np.asarray(np.exp(np.minimum(-log_e, 0.0)), dtype=np.float64)


def msprt_p(difference: Floats | float, variance: Floats | float, tau: float) -> Floats:
    """Always-valid p-value of the mixture sequential probability ratio test.

    L = sqrt(V / (V + tau^2)) exp(tau^2 d^2 / (2 V (V + tau^2))); p = min(1, 1 / L).

    Args:
        difference: observed difference of two means.
        variance: V, variance of that difference.
        tau: sd of the effects one expects, same unit as the difference; 20 % of the rate worked well.

    Source: Johari, Koomen, Pekelis and Walsh, "Always Valid Inference", Operations Research 2022.
    """
    if not tau > 0.0:
        raise OutOfRange("tau", tau, "above 0")
    d, v = np.asarray(difference, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    log_ratio = 0.5 * np.log(v / (v + tau**2)) + tau**2 * d**2 / (2.0 * v * (v + tau**2))
    return np.asarray(np.exp(np.minimum(-log_ratio, 0.0)), dtype=np.float64)


def rate_log_e(clicks: float, exposures: float, rate: Floats, prior: tuple[float, float] = CLICK_PRIOR) -> Floats:
    """Evidence against a rate: log of the beta-mixture likelihood ratio, a martingale when the rate is true."""
    a, b = prior
    misses = exposures - clicks
    mixture = special.betaln(a + clicks, b + misses) - special.betaln(a, b)
    return np.asarray(mixture - special.xlogy(clicks, rate) - special.xlog1py(misses, -rate), dtype=np.float64)


def rate_sequence(
    clicks: float, exposures: float, alpha: float = 0.05, prior: tuple[float, float] = CLICK_PRIOR
) -> Interval:
    """Exact confidence sequence of one rate: {p: log e(p) < log(1 / alpha)}.

    Holds at every look and for any rule that decided how often the arm was shown.

    Args:
        clicks: 0 to `exposures`.
        exposures: 0 or more.
    """
    if not 0.0 <= clicks <= exposures:
        raise OutOfRange("clicks", clicks, f"0 to the {exposures} exposures")
    limit = -np.log(alpha)
    if exposures == 0.0:
        return Interval(0.0, 1.0, 1.0 - alpha, True)
    top = clicks / exposures

    def crossing(inside: float, outside: float) -> float:
        for _ in range(60):  # log e falls towards the sample mean from both sides
            middle = (inside + outside) / 2.0
            if float(rate_log_e(clicks, exposures, np.asarray(middle), prior)) < limit:
                inside = middle
            else:
                outside = middle
        return outside

    low = 0.0 if clicks == 0.0 else crossing(top, 0.0)
    high = 1.0 if clicks == exposures else crossing(top, 1.0)
    return Interval(low, high, 1.0 - alpha, True)


def holm(p: Floats) -> Floats:
    """Holm's step-down adjustment: p-values that may be read all at once; (m,) in, (m,) out.

    Source: Holm, Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return result
