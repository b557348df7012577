"""Sufficient statistics: exposures, clicks and values per (segment, arm), and how they are gathered from a log.

All updates are pure: they return new counts. Exposures count by their maturity, the part of their clicks that must
have arrived by now (Vernade et al. 2017), and everything can be discounted when the world drifts (Qi et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .errors import OutOfRange, UnequalShapes, UnknownArm, UnknownSegment, UnknownVersion
from .maturity import Maturity
from .tables import served_probabilities
from .types import EVERYONE, Cohort, Decision, Event, Floats, Ints, WeightTable


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What is known about each (segment, arm) cell; arrays are (S, K)."""

    arms: tuple[str, ...]
    segments: tuple[str, ...]
    exposures: Floats  # as counted, never discounted: for reports
    matured: Floats  # maturity-weighted and discounted: for learning
    clicks: Floats  # discounted like `matured`
    value: Floats  # sum of values, discounted
    value_squares: Floats  # sum of squared values per exposure, discounted

    @classmethod
    def empty(cls, arms: Sequence[str], segments: Sequence[str] = (EVERYONE,)) -> Counts:
        zeros = np.zeros((len(segments), len(arms)))
        return cls(tuple(arms), tuple(segments), zeros, zeros, zeros, zeros, zeros)

    def add(
        self,
        segment_index: Ints,
        arm_index: Ints,
        clicked: Floats,
        value: Floats | None = None,
        maturity: Floats | None = None,
    ) -> Counts:
        """Count exposures one by one.

        Args:
            segment_index, arm_index: (n,) columns of each exposure.
            clicked: (n,) 1 for a success, else 0.
            value: (n,) value of each exposure; `clicked` when None.
            maturity: (n,) 0 to 1; 1 when None.
        """
        if not segment_index.shape == arm_index.shape == clicked.shape:
            raise UnequalShapes(segment_index=segment_index.shape, arm_index=arm_index.shape, clicked=clicked.shape)
        shape = self.exposures.shape
        cell = segment_index * shape[1] + arm_index if shape[0] > 1 else arm_index

        def total(weights: Floats | None) -> Floats:
            return np.bincount(cell, weights=weights, minlength=self.exposures.size).reshape(shape).astype(np.float64)

        shown = total(None)
        won = total(clicked)
        return self.add_cells(
            shown,
            won,
            value=won if value is None else total(value),
            value_squares=won if value is None else total(value**2),
            matured=shown if maturity is None else total(maturity),
        )

    def add_cells(
        self,
        shown: Floats,
        clicked: Floats,
        *,
        value: Floats | None = None,
        value_squares: Floats | None = None,
        matured: Floats | None = None,
    ) -> Counts:
        """Count whole cells at once; arrays are (S, K)."""
        if shown.shape != self.exposures.shape or clicked.shape != self.exposures.shape:
            raise UnequalShapes(counts=self.exposures.shape, shown=shown.shape, clicked=clicked.shape)
        return replace(
            self,
            exposures=self.exposures + shown,
            matured=self.matured + (shown if matured is None else matured),
            clicks=self.clicks + clicked,
            value=self.value + (clicked if value is None else value),
            value_squares=self.value_squares + (clicked if value_squares is None else value_squares),
        )

    def discounted(self, keep: float | Floats) -> Counts:
        """Forget: multiply what is learned from by `keep`, a number or an array that spreads over (S, K)."""
        if np.any(np.asarray(keep) < 0.0) or np.any(np.asarray(keep) > 1.0):
            raise OutOfRange("keep", float(np.max(keep)), "0 to 1")
        return replace(
            self,
            matured=self.matured * keep,
            clicks=self.clicks * keep,
            value=self.value * keep,
            value_squares=self.value_squares * keep,
        )

    def merged(self, other: Counts) -> Counts:
        """The sum of two counts; arms and segments that only one of them knows are kept."""
        arms = self.arms + tuple(a for a in other.arms if a not in set(self.arms))
        segments = self.segments + tuple(s for s in other.segments if s not in set(self.segments))
        left, right = self.aligned(arms, segments), other.aligned(arms, segments)
        return Counts(
            arms,
            segments,
            left.exposures + right.exposures,
            left.matured + right.matured,
            left.clicks + right.clicks,
            left.value + right.value,
            left.value_squares + right.value_squares,
        )

    def aligned(self, arms: Sequence[str], segments: Sequence[str] | None = None) -> Counts:
        """The same counts in another order; new arms and segments start at zero, missing ones are left out."""
        rows = tuple(self.segments if segments is None else segments)
        arm_at = {arm: i for i, arm in enumerate(self.arms)}
        row_at = {segment: i for i, segment in enumerate(self.segments)}
        from_arm = np.array([arm_at.get(arm, -1) for arm in arms], dtype=np.int64)
        from_row = np.array([row_at.get(row, -1) for row in rows], dtype=np.int64)
        known = (from_row[:, None] >= 0) & (from_arm[None, :] >= 0)

        def pick(cells: Floats) -> Floats:
            return np.where(known, cells[np.ix_(from_row, from_arm)], 0.0)

        return Counts(
            tuple(arms),
            rows,
            pick(self.exposures),
            pick(self.matured),
            pick(self.clicks),
            pick(self.value),
            pick(self.value_squares),
        )

    def in_value_units(self) -> Counts:
        """Counts whose clicks are values in units of a typical success, E[v^2] / E[v], so that policies maximise value.

        The sum of values over n exposures has mean n E[v] and variance close to n E[v^2]; divided by that unit both
        are equal, as they are for rare clicks (a quasi-Poisson scale). With equal values nothing changes.
        """
        total, squares = float(self.value.sum()), float(self.value_squares.sum())
        if total <= 0.0 or squares <= 0.0:
            return self
        clicks = np.maximum(self.value, 0.0) * (total / squares)
        return replace(self, clicks=clicks, matured=np.maximum(self.matured, clicks))

    def pooled(self) -> Counts:
        """All segments together, as one."""

        def total(cells: Floats) -> Floats:
            return np.asarray(cells.sum(axis=0, keepdims=True), dtype=np.float64)

        return Counts(
            self.arms,
            (EVERYONE,),
            total(self.exposures),
            total(self.matured),
            total(self.clicks),
            total(self.value),
            total(self.value_squares),
        )


def count(
    cohorts: Iterable[Cohort], arms: Sequence[str], segments: Sequence[str] = (EVERYONE,), *, discount: float = 1.0
) -> Counts:
    """Counts of a log; the evidence of each weight version is discounted once for every version that followed it.

    Raises:
        UnknownArm, UnknownSegment: a cohort names one that is not in `arms` or `segments`.
    """
    arm_at = {arm: i for i, arm in enumerate(arms)}
    row_at = {segment: i for i, segment in enumerate(segments)}
    ordered = sorted(cohorts, key=lambda cohort: cohort.version)
    rank = {version: r for r, version in enumerate(dict.fromkeys(cohort.version for cohort in ordered))}
    totals = np.zeros((5, len(segments), len(arms)))
    columns_of: dict[tuple[str, ...], Ints] = {}
    for cohort in ordered:
        if cohort.segment not in row_at:
            raise UnknownSegment(cohort.segment, segments)
        if cohort.arms not in columns_of:
            for arm in cohort.arms:
                if arm not in arm_at:
                    raise UnknownArm(arm, arms)
            columns_of[cohort.arms] = np.array([arm_at[arm] for arm in cohort.arms], dtype=np.int64)
        keep = discount ** (len(rank) - 1 - rank[cohort.version])
        cells = totals[:, row_at[cohort.segment], :]
        new = np.stack([cohort.shown, cohort.matured, cohort.clicked, cohort.value, cohort.value_squares])
        new[1:] *= keep
        cells[:, columns_of[cohort.arms]] += new
    return Counts(tuple(arms), tuple(segments), totals[0], totals[1], totals[2], totals[3], totals[4])


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """A log gathered into cohorts, and how many events were left out of it and why."""

    cohorts: tuple[Cohort, ...]
    ignored: Mapping[str, int]


def tally(
    decisions: Iterable[Decision],
    events: Iterable[Event],
    tables: Mapping[int, WeightTable],
    *,
    success: str = "clicked",
    exposure: str | None = None,
    window_s: float = float("inf"),
    maturity: Maturity | None = None,
    now: float | None = None,
) -> Tally:
    """Gather decisions and what followed them into cohorts.

    Args:
        tables: every weight version that the decisions name.
        success: event kind that counts as success; a decision succeeds at most once.
        exposure: event kind that makes a decision an exposure ("shown"); None counts every decision.
        window_s: successes later than this after the decision are not attributed to it.
        maturity, now: when both are given, exposures count by the part of their clicks that must have arrived.

    Raises:
        UnknownVersion: a decision's table is missing.
    """
    by_id = {decision.id: decision for decision in decisions}
    ignored = {"duplicate": 0, "unknown decision": 0, "before its decision": 0, "outside the window": 0}
    seen: set[str] = set()
    exposed: set[str] = set()
    succeeded: dict[str, float] = {}
    for event in events:
        decision = by_id.get(event.decision_id)
        if event.event_id in seen:
            ignored["duplicate"] += 1
        elif decision is None:
            ignored["unknown decision"] += 1
        elif event.time < decision.time:
            ignored["before its decision"] += 1
        elif event.time > decision.time + window_s:
            ignored["outside the window"] += 1
        elif event.kind == success:
            succeeded[event.decision_id] = succeeded.get(event.decision_id, 0.0) + event.value
        elif event.kind == exposure:
            exposed.add(event.decision_id)
        seen.add(event.event_id)
    groups: dict[tuple[int, str, tuple[str, ...] | None], list[Decision]] = {}
    for decision in by_id.values():
        if exposure is None or decision.id in exposed or decision.id in succeeded:
            groups.setdefault((decision.weight_version, decision.segment, decision.available), []).append(decision)
    cohorts = [
        _gather(table_of(tables, version), segment, available, group, succeeded, maturity, now)
        for (version, segment, available), group in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1]))
    ]
    return Tally(tuple(cohorts), ignored)


def table_of(tables: Mapping[int, WeightTable], version: int) -> WeightTable:
    """The table of a version, or an error that names those we have."""
    if version not in tables:
        raise UnknownVersion(version, tables)
    return tables[version]


def _gather(
    table: WeightTable,
    segment: str,
    available: tuple[str, ...] | None,
    group: Sequence[Decision],
    succeeded: Mapping[str, float],
    maturity: Maturity | None,
    now: float | None,
) -> Cohort:
    at = np.array([table.index[decision.arm] for decision in group], dtype=np.int64)
    times = np.array([decision.time for decision in group])
    won = np.array([float(decision.id in succeeded) for decision in group])
    value = np.array([succeeded.get(decision.id, 0.0) for decision in group])
    weight = np.ones(len(group)) if maturity is None or now is None else maturity.at(now - times)

    def total(weights: Floats) -> Floats:
        return np.bincount(at, weights=weights, minlength=len(table.arms)).astype(np.float64)

    return Cohort(
        version=table.version,
        segment=segment,
        time=float(times.mean()),
        arms=table.arms,
        propensity=served_probabilities(table, segment, available),
        shown=total(np.ones(len(group))),
        matured=total(weight),
        clicked=total(won),
        value=total(value),
        value_squares=total(value**2),
    )
