"""What a policy learns from: everything that came in, weighted by maturity, discounted, and forgotten after an alarm.

Hand the running totals in at every refresh; what is new since the last time is worked out here, so it does not matter
to which old exposure a late click belongs. The simulator and the service both go through this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .counts import Counts, count
from .drift import ChangeWatch
from .maturity import Maturity
from .types import Cohort, Experiment, Floats, PolicySpec


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """`learned` is what the policy may use, `totals` all that was ever seen. Both have the same arms and segments."""

    learned: Counts
    totals: Counts
    watch: ChangeWatch

    @classmethod
    def empty(cls, arms: Sequence[str], segments: Sequence[str]) -> Memory:
        nothing = Counts.empty(arms, segments)
        return cls(nothing, nothing, ChangeWatch.start(nothing.matured.shape))

    @property
    def alarms(self) -> int:
        """How often an arm's history was dropped because its rate had clearly changed."""
        return self.watch.alarms

    def aligned(self, arms: Sequence[str], segments: Sequence[str]) -> Memory:
        """The same memory for other arms; new ones start empty."""
        if tuple(arms) == self.totals.arms and tuple(segments) == self.totals.segments:
            return self
        at = {arm: i for i, arm in enumerate(self.totals.arms)}
        row_at = {segment: i for i, segment in enumerate(self.totals.segments)}
        columns = np.array([at.get(arm, -1) for arm in arms], dtype=np.int64)
        rows = np.array([row_at.get(segment, -1) for segment in segments], dtype=np.int64)
        known = (rows[:, None] >= 0) & (columns[None, :] >= 0)

        def pick(cells: Floats) -> Floats:
            return np.where(known, cells[:, rows[:, None], columns[None, :]], 0.0)

        watch = ChangeWatch(
            pick(self.watch.log_ratio), pick(self.watch.shown), pick(self.watch.clicks), self.watch.alarms
        )
        return Memory(self.learned.aligned(arms, segments), self.totals.aligned(arms, segments), watch)

    def after(self, totals: Counts, policy: PolicySpec) -> Memory:
        """Take in the totals of this refresh.

        Args:
            totals: everything so far, undiscounted; `matured` as it is known now. Aligned with this memory.
            policy: its discount (applied once a call) and whether changes are watched for.

        Returns:
            A new memory. When totals have shrunk (a recount, an erasure) the memory starts again from them.
        """
        old = self.totals
        clicks = totals.clicks - old.clicks
        # learning more about the delays can only lower what has matured by little: that is not a recount
        if float(clicks.min(initial=0.0)) < -1e-6 or float((totals.exposures - old.exposures).min(initial=0.0)) < -1e-6:
            return replace(self, learned=totals, totals=totals, watch=ChangeWatch.start(totals.matured.shape))
        kept = self.learned.discounted(policy.discount)
        matured = totals.matured - old.matured
        learned = replace(
            kept,
            exposures=totals.exposures,
            matured=np.maximum(kept.matured + matured, 0.0),
            clicks=kept.clicks + clicks,
            value=kept.value + totals.value - old.value,
            value_squares=np.maximum(kept.value_squares + totals.value_squares - old.value_squares, 0.0),
        )
        watch = self.watch
        if policy.change_alarm:
            watch, learned = watch.after(learned, np.maximum(matured, 0.0), clicks)
        return Memory(learned, totals, watch)


def matured_cohorts(cohorts: Sequence[Cohort], maturity: Maturity, now: float) -> tuple[Cohort, ...]:
    """Cohorts whose exposures count by the part of their clicks that must have arrived by `now`."""
    if not cohorts:
        return ()
    part = maturity.at(now - np.array([cohort.time for cohort in cohorts]))
    return tuple(
        cohort if share >= 1.0 else replace(cohort, matured=cohort.shown * share)
        for cohort, share in zip(cohorts, part.tolist(), strict=True)
    )


def replayed(
    cohorts: Sequence[Cohort], arms: Sequence[str], segments: Sequence[str], policy: PolicySpec, most_steps: int = 500
) -> Memory:
    """The memory a policy would have had it seen a log version by version, as after a restart.

    Args:
        most_steps: neighbouring versions are taken together when there are more.
    """
    versions = sorted({cohort.version for cohort in cohorts})
    memory, seen = Memory.empty(arms, segments), Counts.empty(arms, segments)
    for part in np.array_split(np.array(versions), max(min(most_steps, len(versions)), 1)):
        chosen = set(part.tolist())
        seen = seen.merged(count([cohort for cohort in cohorts if cohort.version in chosen], arms, segments))
        memory = memory.after(seen, policy)
    return memory


def memory_of(experiment: Experiment) -> Memory:
    """An empty memory of an experiment's arms, paused and retired ones included."""
    return Memory.empty(tuple(arm.id for arm in experiment.arms), experiment.segments)
