"""A change alarm: forget an arm's history when its rate has clearly changed.

Discounting everything all the time costs more than it brings unless collapses are common (we measured it). Instead each
(segment, arm) cell carries two cumulative sums of log-likelihood ratios, one for its rate having fallen to `DROP` of
what was known and one for having risen to `RISE` of it; when one passes the threshold, what was learned before the sum
last left zero is dropped. The sum's own start is the usual estimate of the moment of change (Page 1954).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .counts import Counts
from .types import Floats

DROP, RISE = 0.6, 1.6
THRESHOLD = 10.0  # log-likelihood ratio; e^-10 is 1 in 22,000 per excursion
KNOWN_CLICKS = 50.0  # below this many clicks a cell's own rate is not known well enough to have changed


@dataclass(frozen=True, slots=True, eq=False)
class ChangeWatch:
    """Cumulative sums per cell, and the evidence since each last left zero. Arrays are (2, S, K): drop, rise."""

    log_ratio: Floats
    shown: Floats
    clicks: Floats
    alarms: int = 0

    @classmethod
    def start(cls, shape: tuple[int, ...]) -> ChangeWatch:
        zeros = np.zeros((2, *shape))
        return cls(zeros, zeros, zeros)

    def after(self, counts: Counts, shown: Floats, clicked: Floats) -> tuple[ChangeWatch, Counts]:
        """Take in one batch.

        Args:
            counts: everything so far, this batch included.
            shown, clicked: (S, K) of this batch.

        Returns:
            The watch after it, and the counts with the outdated part of alarmed cells removed.
        """
        before_clicks = np.maximum(counts.clicks - clicked - self.clicks.min(axis=0), 0.0)
        before_shown = np.maximum(counts.matured - shown - self.shown.min(axis=0), 0.0)
        known = before_clicks >= KNOWN_CLICKS
        rate = np.where(known, before_clicks / np.maximum(before_shown, 1.0), 0.0)
        ratio = np.array([DROP, RISE])[:, None, None]
        step = clicked * np.log(ratio) - shown * rate * (ratio - 1.0)  # Poisson log-likelihood ratio
        log_ratio = np.where(known, np.maximum(self.log_ratio + step, 0.0), 0.0)
        running = log_ratio > 0.0
        since_shown = np.where(running, self.shown + shown, 0.0)
        since_clicks = np.where(running, self.clicks + clicked, 0.0)
        fired = log_ratio > THRESHOLD
        if not bool(fired.any()):
            return replace(self, log_ratio=log_ratio, shown=since_shown, clicks=since_clicks), counts
        any_fired = np.asarray(fired.any(axis=0))
        which = np.where(fired[0], 0, 1)
        kept_shown = np.take_along_axis(since_shown, which[None], axis=0)[0]
        kept_clicks = np.take_along_axis(since_clicks, which[None], axis=0)[0]
        keep = np.where(any_fired, kept_clicks / np.maximum(counts.clicks, 1e-9), 1.0)
        counts = replace(
            counts,
            matured=np.where(any_fired, np.minimum(kept_shown, counts.matured), counts.matured),
            clicks=np.where(any_fired, np.minimum(kept_clicks, counts.clicks), counts.clicks),
            value=counts.value * np.minimum(keep, 1.0),
            value_squares=counts.value_squares * np.minimum(keep, 1.0),
        )
        cleared = ~any_fired[None]
        watch = ChangeWatch(
            log_ratio * cleared, since_shown * cleared, since_clicks * cleared, self.alarms + int(any_fired.sum())
        )
        return watch, counts
