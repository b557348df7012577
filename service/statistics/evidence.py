"""What a platform's daily numbers say about each ad, and how little that proves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.stats import beta

from .reading import DailyRow

CAUTION = (
    "Aggregated by the platform, which chose who saw which ad: differences between ads may be differences between"
    " audiences. Not an experiment, and never mixed with one."
)
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Standing:
    """An ad (or one of our creatives, over its ads) on one platform."""

    platform: str
    ad: str
    ad_name: str
    creative: str | None
    first_day: date
    last_day: date
    n_days: int
    impressions: int
    clicks: int
    rate: float  # clicks an impression, 0 to 1
    low: float  # 95 % interval of the rate, widened by ``dispersion``
    high: float
    dispersion: float  # 1: days differ as chance would have it; 4: intervals are twice as wide for it
    cost: float | None
    currency: str | None
    conversions: float | None
    value: float | None
    basis: str = "aggregated by the platform"


def standings(rows: Iterable[DailyRow], *, by_creative: bool = False) -> list[Standing]:
    """Sums and intervals, most impressions first.

    Days of one ad differ more than coin throws would (weekday, auction, audience). The Pearson statistic of its daily
    rates over its degrees of freedom says how much more, and impressions are divided by it before the interval of
    Jeffreys is taken (McCullagh and Nelder, "Generalized Linear Models", 2nd ed., section 4.5, over-dispersion).

    Args:
        by_creative: one row for each of our creatives that ads carry; other ads stay as they are.
    """
    groups: dict[tuple[str, str, str | None], list[DailyRow]] = {}
    for row in rows:
        name = row.creative if by_creative and row.creative else row.ad
        groups.setdefault((row.platform, name, row.currency), []).append(row)
    found = [_standing(name, group) for (_, name, _), group in groups.items()]
    return sorted(found, key=lambda one: (-one.impressions, one.platform, one.ad))


def _standing(name: str, rows: Sequence[DailyRow]) -> Standing:
    impressions, clicks = sum(row.impressions for row in rows), sum(row.clicks for row in rows)
    phi = dispersion([row.impressions for row in rows], [row.clicks for row in rows])
    low, high = jeffreys(clicks / phi, impressions / phi)
    newest = max(rows, key=lambda row: row.day)
    return Standing(
        platform=newest.platform,
        ad=name,
        ad_name=newest.ad_name,
        creative=newest.creative,
        first_day=min(row.day for row in rows),
        last_day=newest.day,
        n_days=len({row.day for row in rows}),
        impressions=impressions,
        clicks=clicks,
        rate=clicks / impressions if impressions else 0.0,
        low=low,
        high=high,
        dispersion=phi,
        cost=_total([row.cost for row in rows]),
        currency=newest.currency,
        conversions=_total([row.conversions for row in rows]),
        value=_total([row.value for row in rows]),
    )


def dispersion(impressions: Sequence[int], clicks: Sequence[int]) -> float:
    """Pearson's statistic of the daily rates over its degrees of freedom, at least 1. Shapes (days,) each."""
    n, c = np.asarray(impressions, dtype=float), np.asarray(clicks, dtype=float)
    n, c = n[n > 0], c[n > 0]
    rate = c.sum() / n.sum() if len(n) else 0.0
    if len(n) < 2 or not 0 < rate < 1:
        return 1.0
    return max(1.0, float(np.sum((c - n * rate) ** 2 / (n * rate * (1 - rate))) / (len(n) - 1)))


def jeffreys(clicks: float, impressions: float) -> tuple[float, float]:
    """The 95 % interval of a rate with Jeffreys' prior; (0, 1) without an impression.

    Source: Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001.
    """
    if impressions <= 0:
        return 0.0, 1.0
    tail = (1 - LEVEL) / 2
    misses = impressions - clicks
    low = 0.0 if clicks == 0 else float(beta.ppf(tail, clicks + 0.5, misses + 0.5))
    high = 1.0 if misses == 0 else float(beta.ppf(1 - tail, clicks + 0.5, misses + 0.5))
    return low, high


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
