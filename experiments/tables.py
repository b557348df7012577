"""Weight tables: exact probabilities by version, and decisions drawn from them.

A decision is a lookup. One uniform number decides whether the visitor is in the holdout and, by the alias method
(Walker 1977; Vose 1991), which arm is shown; the propensity that is logged is the table's own number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InvalidExperiment, NothingAvailable, OutOfRange, UnequalShapes, UnknownSegment
from .types import EVERYONE, Decision, Experiment, Floats, Ints, SegmentWeights, WeightTable


def make_table(
    experiment: Experiment, best: Mapping[str, Floats], *, version: int, time: float, arms: Sequence[str] | None = None
) -> WeightTable:
    """Mix floor and holdout into what a policy wants, and prepare the lookup.

    Args:
        best: segment -> (K,) probabilities the policy wants for `arms`; they sum to 1.
        version: above that of every earlier table of this experiment.
        time: when the table starts to be used.
        arms: ids in the order of `best`; the active arms when None.

    Returns:
        A table in which arm k is served with probability
        holdout / K + (1 - holdout) * `floored(best, floor)`[k], at least (holdout + (1 - holdout) * floor) / K.

    Raises:
        UnequalShapes: a row of `best` has not one number per arm.
        OutOfRange: a row of `best` has a negative number or does not sum to 1.
    """
    ids = tuple(experiment.active_arms if arms is None else arms)
    rows: dict[str, SegmentWeights] = {}
    for segment, wanted in best.items():
        if wanted.shape != (len(ids),):
            raise UnequalShapes(arms=(len(ids),), probabilities=wanted.shape)
        if float(wanted.min()) < 0.0 or abs(float(wanted.sum()) - 1.0) > 1e-6:
            raise OutOfRange("sum of probabilities", float(wanted.sum()), "1, none negative")
        policy = floored(wanted, experiment.floor)
        rows[segment] = _segment_weights(policy, experiment.holdout)
    return WeightTable(
        experiment.id,
        version,
        ids,
        rows,
        experiment.floor,
        experiment.holdout,
        time,
        {arm: i for i, arm in enumerate(ids)},
    )


def floored(wanted: Floats, floor: float) -> Floats:
    """Probabilities of which none is below floor / K; those above it keep their proportions and pay for the rest.

    An arm that the policy itself shows often enough costs no floor: what a plain mixture with an equal split would
    explore twice is explored once.

    Args:
        wanted: (K,) what the policy wants, none negative.
        floor: 0 to 1.

    Returns:
        (K,) that sum to 1.

    >>> floored(np.array([0.5, 0.48, 0.02, 0.0]), 0.4).round(4).tolist()
    [0.4082, 0.3918, 0.1, 0.1]
    """
    least = floor / wanted.size
    shares = wanted / wanted.sum()
    low = shares < least
    while bool(low.any()) and not bool(low.all()):
        rest = float(shares[~low].sum())
        raised = np.where(low, least, shares * ((1.0 - least * int(low.sum())) / rest))
        lower = low | (raised < least * (1.0 - 1e-12))
        if bool((lower == low).all()):
            return np.asarray(raised, dtype=np.float64)
        low = lower
    return shares if not bool(low.any()) else np.full(wanted.size, 1.0 / wanted.size)


def table_from_dict(stored: Mapping[str, Any]) -> WeightTable:
    """The table that `WeightTable.to_dict` wrote: same probabilities, same alias table, bit by bit."""
    arms = tuple(str(arm) for arm in stored["arms"])
    holdout = float(stored["holdout"])
    rows = {
        str(name): _segment_weights(np.asarray(row, dtype=np.float64), holdout)
        for name, row in dict(stored["policy"]).items()
    }
    return WeightTable(
        str(stored["experiment"]),
        int(stored["version"]),
        arms,
        rows,
        float(stored["floor"]),
        holdout,
        float(stored["time"]),
        {arm: i for i, arm in enumerate(arms)},
    )


def _segment_weights(policy: Floats, holdout: float) -> SegmentWeights:
    served = holdout / policy.size + (1.0 - holdout) * policy
    threshold, alias = alias_table(policy)
    return SegmentWeights(policy, served, tuple(threshold.tolist()), tuple(alias.tolist()), tuple(served.tolist()))


def alias_table(probabilities: Floats) -> tuple[Floats, Ints]:
    """Columns for drawing in constant time: with u uniform on [0, K), i = int(u), keep i if u - i < threshold[i].

    Args:
        probabilities: (K,) that sum to 1.

    Returns:
        threshold (K,) 0 to 1 and alias (K,). Source: Vose 1991.
    """
    size = probabilities.size
    scaled = (probabilities * (size / probabilities.sum())).tolist()
    threshold, alias = [1.0] * size, list(range(size))
    small = [i for i, p in enumerate(scaled) if p < 1.0]
    large = [i for i, p in enumerate(scaled) if p >= 1.0]
    while small and large:
        i, j = small.pop(), large[-1]
        threshold[i], alias[i] = scaled[i], j
        scaled[j] -= 1.0 - scaled[i]
        if scaled[j] < 1.0:
            small.append(large.pop())
    return np.array(threshold), np.array(alias, dtype=np.int64)


def _row(table: WeightTable, segment: str) -> SegmentWeights:
    try:
        return table.segments[segment]
    except KeyError:
        raise UnknownSegment(segment, table.segments) from None


def served_probabilities(
    table: WeightTable, segment: str = EVERYONE, available: Collection[str] | None = None
) -> Floats:
    """(K,) probability of each arm for such a visitor; arms that are not available have 0.

    With an available set the policy's weights are renormalised over it, and the holdout is uniform over it.

    Raises:
        UnknownSegment, NothingAvailable
    """
    row = _row(table, segment)
    if available is None:
        return row.served.copy()
    columns, served, _ = _restricted(table, row, available)
    full = np.zeros(len(table.arms))
    full[columns] = served
    return full


def _restricted(
    table: WeightTable, row: SegmentWeights, available: Collection[str]
) -> tuple[list[int], list[float], list[float]]:
    """Columns that are available with their served and policy probabilities, in the table's order."""
    columns = sorted(table.index[arm] for arm in set(available) if arm in table.index)
    if not columns:
        raise NothingAvailable(available)
    weights = [float(row.policy[i]) for i in columns]
    total = sum(weights)
    policy = [w / total for w in weights] if total > 0.0 else [1.0 / len(columns)] * len(columns)
    even = table.holdout / len(columns)
    return columns, [even + (1.0 - table.holdout) * p for p in policy], policy


def decide(
    table: WeightTable,
    uniform: float,
    *,
    decision_id: str,
    now: float,
    segment: str = EVERYONE,
    available: Collection[str] | None = None,
) -> Decision:
    """Choose what to show, by a lookup, from the exact probabilities that are logged.

    Args:
        uniform: a number from [0, 1), fresh for each decision, or `sticky_uniform` of the visitor.
        decision_id: given by the caller, unique.
        now: the decision's time, seconds.
        segment: a segment of the table.
        available: arm ids that may be shown to this visitor; unknown and inactive ones are passed over.

    Raises:
        OutOfRange: `uniform` is not in [0, 1).
        UnknownSegment, NothingAvailable
    """
    if not 0.0 <= uniform < 1.0:
        raise OutOfRange("uniform", uniform, "0 to 1, 1 not included")
    row = table.segments.get(segment) or _row(table, segment)
    holdout = table.holdout
    if available is not None:
        return _decide_restricted(table, row, uniform, decision_id, now, segment, available)
    if uniform < holdout:
        column = int(uniform / holdout * len(table.arms))
        column = min(column, len(table.arms) - 1)
    else:
        threshold = row.threshold
        at = (uniform - holdout) / (1.0 - holdout) * len(threshold)
        column = int(at)
        if column >= len(threshold):
            column = len(threshold) - 1
        if at - column >= threshold[column]:
            column = row.alias[column]
    return Decision(
        decision_id,
        table.experiment,
        table.arms[column],
        row.logged[column],
        table.version,
        segment,
        now,
        uniform < holdout,
        None,
    )


def _decide_restricted(
    table: WeightTable,
    row: SegmentWeights,
    uniform: float,
    decision_id: str,
    now: float,
    segment: str,
    available: Collection[str],
) -> Decision:
    columns, served, policy = _restricted(table, row, available)
    is_holdout = uniform < table.holdout
    if is_holdout:
        i = min(int(uniform / table.holdout * len(columns)), len(columns) - 1)
    else:
        rest, i = (uniform - table.holdout) / (1.0 - table.holdout), 0
        while i < len(columns) - 1 and (rest >= policy[i] or policy[i] == 0.0):
            rest -= policy[i]
            i += 1
        while policy[i] == 0.0:  # rounding may walk past the last arm with weight
            i -= 1
    kept = tuple(table.arms[column] for column in columns)
    arm = table.arms[columns[i]]
    return Decision(decision_id, table.experiment, arm, served[i], table.version, segment, now, is_holdout, kept)


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Many decisions as columns; arrays are (n,)."""

    arm_index: Ints  # column of `WeightTable.arms`
    propensity: Floats
    is_holdout: np.typing.NDArray[np.bool_]


def decide_many(table: WeightTable, uniforms: Floats, *, segment: str = EVERYONE) -> Draws:
    """Many decisions of one segment at once: the same answers as `decide` for the same numbers.

    Args:
        uniforms: (n,) numbers from [0, 1).
    """
    row = _row(table, segment)
    size, holdout = len(table.arms), table.holdout
    held = uniforms < holdout
    at = (uniforms - holdout) / (1.0 - holdout) * size if holdout < 1.0 else np.zeros_like(uniforms)
    column = np.clip(at.astype(np.int64), 0, size - 1)
    threshold, alias = np.asarray(row.threshold), np.asarray(row.alias, dtype=np.int64)
    column = np.where(at - column < threshold[column], column, alias[column])
    if holdout > 0.0:
        even = np.minimum((uniforms / holdout * size).astype(np.int64), size - 1)
        column = np.where(held, even, column)
    return Draws(column, row.served[column], held)


def sticky_uniform(seed: int, visitor: str) -> float:
    """A number from [0, 1) that is always the same for a visitor of an experiment with this seed.

    The weights may change between two visits, so a service that promises the same arm must remember the decision.

    Raises:
        InvalidExperiment: the visitor id is empty.
    """
    if not visitor:
        raise InvalidExperiment(str(seed), "a sticky decision needs a visitor id")
    digest = hashlib.blake2b(f"{seed}:{visitor}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / float(1 << 53)
