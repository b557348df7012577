"""Posteriors of rates: Beta and normal, the probability of being best by quadrature, expected loss, intervals.

The probability that arm k is best is the integral of f_k(x) prod_{i != k} F_i(x) dx. It is computed on one set of
composite Gauss-Legendre nodes for all arms, placed where the largest of the arms can be, so that the probabilities add
up to 1 to about 1e-8 and can be logged as propensities. Counting draws would do neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from .errors import OutOfRange, UnequalShapes
from .types import Floats, Interval

TAIL, NORMAL_TAIL = 1e-10, 6.4  # what lies beyond counts as impossible
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True, slots=True)
class Beta:
    """Beta(a, b): what we believe about one rate.

    >>> Beta(1, 1).after(shown=98, clicked=2).mean
    0.03
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (self.a > 0.0 and self.b > 0.0):
            raise OutOfRange("Beta(a, b)", min(self.a, self.b), "both above 0")

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    @property
    def sd(self) -> float:
        total = self.a + self.b
        return float(np.sqrt(self.a * self.b / (total * total * (total + 1.0))))

    def after(self, shown: float, clicked: float) -> Beta:
        """The posterior after more exposures; `shown` may be maturity-weighted and so fall below `clicked`."""
        return Beta(self.a + clicked, self.b + max(shown - clicked, 0.0))

    def narrowed(self, scale: float) -> Beta:
        """The same mean with the standard deviation multiplied by about `scale` (evidence divided by scale squared)."""
        return Beta(self.a / scale**2, self.b / scale**2)

    def interval(self, level: float = 0.95) -> Interval:
        """Central credible interval."""
        tail = (1.0 - level) / 2.0
        low, high = special.betaincinv(self.a, self.b, [tail, 1.0 - tail])
        return Interval(float(low), float(high), level)


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """Which arm is best, and what choosing another would cost. Arrays are (K,)."""

    probability: Floats  # sums to 1
    expected_max: float  # expected rate of the best arm, whichever it is
    expected_loss: Floats  # expected_max minus each arm's mean, same unit as the rate


def prior_from_rates(exposures: Floats, clicks: Floats, *, strength: float = 4.0) -> Beta:
    """Empirical-Bayes Beta prior for arms that resemble each other (DerSimonian-Laird moments, shrunk).

    The mean is the pooled rate; the spread between arms is estimated from the data and shrunk towards a relative
    standard deviation of 0.3 with the weight of `strength` arms, so that it neither collapses nor explodes early on.

    Args:
        exposures, clicks: (K,) per arm.
    """
    if exposures.shape != clicks.shape:
        raise UnequalShapes(exposures=exposures.shape, clicks=clicks.shape)
    total = float(exposures.sum())
    mean = (float(clicks.sum()) + 0.5) / (total + 25.0)
    used = exposures > 0.0
    between = guess = (0.3 * mean) ** 2
    if int(used.sum()) >= 2:
        n, rate = exposures[used], clicks[used] / exposures[used]
        informed = guess / (guess + mean * (1.0 - mean) / n)  # 0 to 1: how well each arm is known by itself
        reach = float(informed.sum())
        weights = informed / reach  # not by exposures: traffic follows the winners
        mean = (reach * float(weights @ rate) + mean) / (reach + 1.0)
        guess = (0.3 * mean) ** 2
        noise = mean * (1.0 - mean) / n
        raw = float(weights @ (rate - mean) ** 2) - float(weights @ (noise * (1.0 - weights)))
        raw /= max(1.0 - float(weights @ weights), 1e-12)
        between = (reach * max(raw, 0.0) + strength * guess) / (reach + strength)
    between = min(max(between, (0.02 * mean) ** 2), 0.25 * mean * (1.0 - mean))
    evidence = mean * (1.0 - mean) / between - 1.0
    return Beta(mean * evidence, (1.0 - mean) * evidence)


def best_of_betas(a: Floats, b: Floats) -> Best:
    """P(best), expected maximum and expected loss of independent Beta posteriors.

    Args:
        a, b: (K,) parameters, above 0.

    Source: the integral at the head of this module, in the logit of the rate.
    """
    if a.shape != b.shape or a.ndim != 1:
        raise UnequalShapes(a=a.shape, b=b.shape)
    if float(min(a.min(), b.min())) <= 0.0:
        raise OutOfRange("a or b", float(min(a.min(), b.min())), "above 0")
    mean = a / (a + b)
    if a.size == 1:
        return Best(np.ones(1), float(mean[0]), np.zeros(1))
    low = special.logit(np.clip(special.betaincinv(a, b, TAIL), 1e-300, 1.0 - 1e-16))
    high = special.logit(np.clip(special.betaincinv(a, b, 1.0 - TAIL), 1e-300, 1.0 - 1e-16))
    matter = high > low.max()  # the others are surely below the best of these
    if not bool(matter.all()):
        return _only(best_of_betas(a[matter], b[matter]), matter, mean)
    centre = special.digamma(a) - special.digamma(b)  # mean and sd of the logit
    sd = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    z, weight = _panel_nodes(low, high, centre, sd)
    x = np.asarray(special.expit(z), dtype=np.float64)
    log_x, log_rest = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
    log_pdf = a[:, None] * log_x + b[:, None] * log_rest - special.betaln(a, b)[:, None]  # density of the logit
    cdf = np.asarray(special.betainc(a[:, None], b[:, None], x), dtype=np.float64)
    return _integrate(log_pdf, cdf, weight, x, mean)


def best_of_normals(mean: Floats, sd: Floats) -> Best:
    """P(best), expected maximum and expected loss of independent normal posteriors; (K,) each, sd above 0.

    >>> best = best_of_normals(np.array([0.0, 1.0]), np.array([3.0, 4.0]))
    >>> abs(best.probability[1] - stats.norm.cdf(1 / 5)) < 1e-9
    np.True_
    """
    if mean.shape != sd.shape or mean.ndim != 1:
        raise UnequalShapes(mean=mean.shape, sd=sd.shape)
    if float(sd.min()) <= 0.0:
        raise OutOfRange("sd", float(sd.min()), "above 0")
    if mean.size == 1:
        return Best(np.ones(1), float(mean[0]), np.zeros(1))
    low, high = mean - NORMAL_TAIL * sd, mean + NORMAL_TAIL * sd
    matter = high > low.max()
    if not bool(matter.all()):
        return _only(best_of_normals(mean[matter], sd[matter]), matter, mean)
    z, weight = _panel_nodes(low, high, mean, sd)
    standard = (z - mean[:, None]) / sd[:, None]
    log_pdf = -0.5 * standard**2 - np.log(sd * np.sqrt(2.0 * np.pi))[:, None]
    return _integrate(log_pdf, special.ndtr(standard), weight, z, mean)


def _only(best: Best, matter: NDArray[np.bool_], mean: Floats) -> Best:
    """The answer for all arms from that for the arms that can be best."""
    probability = np.zeros(mean.size)
    probability[matter] = best.probability
    return Best(probability, best.expected_max, np.maximum(best.expected_max - mean, 0.0))


def _integrate(log_pdf: Floats, cdf: Floats, weight: Floats, x: Floats, mean: Floats) -> Best:
    """Integrals of f_k prod_{i != k} F_i and of x f_k prod_{i != k} F_i over the nodes."""
    log_cdf = np.log(np.maximum(cdf, 1e-300))
    others = log_cdf.sum(axis=0)[None, :] - log_cdf
    mass = np.exp(log_pdf + others) * weight
    probability = mass.sum(axis=1)
    total = float(probability.sum())
    expected_max = float((mass @ x).sum() / total)
    return Best(probability / total, expected_max, np.maximum(expected_max - mean, 0.0))


def _panel_nodes(low: Floats, high: Floats, centre: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on panels about as wide as the sd of the narrowest arm there."""
    start, end = float(low.max()), float(high.max())  # below `start` some arm is surely larger
    matter = (high > start) & (low < end)
    centre, sd = centre[matter], sd[matter]
    cuts = (centre[:, None] + sd[:, None] * _CUTS).ravel()
    cuts = np.sort(cuts[(cuts > start) & (cuts < end)])
    near = np.abs(cuts[:, None] - centre) < 7.0 * sd
    width = 0.75 * np.where(near, sd, np.inf).min(axis=1, initial=np.inf)
    edges = [start]
    for cut, step in zip(cuts.tolist(), width.tolist(), strict=True):
        if cut - edges[-1] >= step:
            edges.append(cut)
    bounds = np.array([*edges, end])
    half = np.diff(bounds) / 2.0
    nodes = ((bounds[:-1] + half)[:, None] + half[:, None] * _NODES).ravel()
    return nodes, (half[:, None] * _WEIGHTS).ravel()


_CUTS = np.array([-7.0, -5.0, -4.0, -3.0, -2.25, -1.5, -0.75, 0.0, 0.75, 1.5, 2.25, 3.0, 4.0, 5.0, 6.0, 7.0])


def beats(a: Beta, b: Beta) -> float:
    """Probability that a rate of belief `a` is above one of belief `b`."""
    return float(best_of_betas(np.array([a.a, b.a]), np.array([a.b, b.b])).probability[0])


def rate_quantile(a: Floats, b: Floats, level: float) -> Floats:
    """Quantile of each Beta posterior; (K,)."""
    return np.asarray(stats.beta.ppf(level, a, b), dtype=np.float64)
