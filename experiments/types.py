"""The nouns of an experiment: what is tested, what was decided, what came back, what we concluded.

Everything is frozen. Times are seconds since the epoch (any epoch, as long as one experiment keeps to one), shares and
rates are 0 to 1, `*_rel` is relative to its baseline (0.14 is +14 %).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidExperiment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVERYONE = "all"  # the segment of an experiment without segments

ArmState = Literal["active", "paused", "retired"]
PolicyKind = Literal["uniform", "fixed", "thompson", "top_two", "factorial"]
Metric = Literal["clicked", "converted", "value"]

FIRST_SCALE, LAST_SCALE = 1.0, 0.1  # of the posterior's spread, at the start and at the planned end
FIRST_SCALE_OF_FACTORS = 0.7  # combinations teach about each other while they are tried
STEADY_SCALE = 0.75  # without a planned end


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that varies in a creative, such as the headline, and the variants of it."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """Something that can be shown. An id is never given twice, not even after the arm is retired."""

    id: str
    levels: Mapping[str, str] | None = None  # factor -> level; None for an arm that is not a combination
    state: ArmState = "active"


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """How traffic is moved.

    `scale` multiplies the posterior's standard deviation before the probabilities to be best are computed: below 1
    explores less, 1 is textbook Thompson. None, the default, lets it fall from `FIRST_SCALE` to `LAST_SCALE` on the way
    to the planned end (`StopRule.max_exposures`), for what is learned late has no time left to pay; without a planned
    end it is `STEADY_SCALE`.
    """

    kind: PolicyKind = "thompson"
    split: Mapping[str, float] | None = None  # for "fixed": arm id -> share; equal shares when None
    scale: float | None = None
    discount: float = 1.0  # what stays of the old evidence after each batch; 1 forgets nothing
    interactions: bool = True  # for "factorial": may pairs of factors enter when they earn it
    change_alarm: bool = True  # forget an arm's history when its rate clearly changed
    top_two_share: float = 0.5  # for "top_two": how often the leader of a draw is played rather than its challenger
    draws: int = 2_000  # posterior draws behind the probabilities of "factorial"


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A rate that must not be worsened: an arm whose rate of `kind` is surely above `limit` is vetoed."""

    kind: str  # event kind, such as "bounced", "complained", "returned"
    limit: float  # largest acceptable events per exposure, 0 to 1
    alpha: float = 0.05  # chance, over the whole run, of vetoing an arm that is within the limit


@dataclass(frozen=True, slots=True)
class StopRule:
    """When an experiment has said enough, or has cost enough."""

    max_exposures: int | None = None
    max_seconds: float | None = None
    expected_loss_rel: float = 0.01  # stop when the leader's expected loss is below this share of its rate
    min_exposures_per_arm: int = 100


@dataclass(frozen=True, slots=True)
class Experiment:
    """The plan: arms (or the combinations of factors), what counts as success, how traffic moves.

    `floor` is spread evenly over the active arms as a minimum: whatever was learned, each gets at least floor / arms of
    the learning traffic (an arm that earns more needs no floor);
    `holdout` is the part of all traffic that never learns and sees every active arm equally often.

    Raises:
        InvalidExperiment: no active arm, an id twice, an arm whose levels are not the factors', a share outside 0 to 1.
    """

    id: str
    arms: tuple[Arm, ...]
    factors: tuple[Factor, ...] = ()
    metric: Metric = "clicked"
    policy: PolicySpec = field(default_factory=PolicySpec)
    floor: float = 0.05
    holdout: float = 0.0
    seed: int = 0
    segments: tuple[str, ...] = (EVERYONE,)
    baseline: str | None = None  # arm id that lifts are also measured against
    guardrails: tuple[Guardrail, ...] = ()
    stop: StopRule = field(default_factory=StopRule)
    prior_scores: Mapping[str, float] = field(default_factory=dict)  # arm id -> a content model's score, as log-odds
    prior_weight: float = 0.5  # how much of the scores to believe, 0 to 1

    def __post_init__(self) -> None:
        ids = [arm.id for arm in self.arms]
        if len(set(ids)) != len(ids):
            raise InvalidExperiment(self.id, "an arm id occurs twice")
        if not any(arm.state == "active" for arm in self.arms):
            raise InvalidExperiment(self.id, "it has no active arm")
        shares = (("floor", self.floor), ("holdout", self.holdout), ("prior_weight", self.prior_weight))
        for name, share in shares:
            if not 0.0 <= share <= 1.0:
                raise InvalidExperiment(self.id, f"{name} is {share}; it is a share from 0 to 1")
        if not self.segments or len(set(self.segments)) != len(self.segments):
            raise InvalidExperiment(self.id, "segments must be named, each once")
        if self.baseline is not None and self.baseline not in ids:
            raise InvalidExperiment(self.id, f"the baseline {self.baseline!r} is not one of its arms")
        strangers = sorted(set(self.prior_scores) - set(ids))
        if strangers:
            raise InvalidExperiment(self.id, f"a prior score names no arm of ours: {strangers[0]!r}")
        _check_factors(self)
        _check_policy(self)

    @property
    def active_arms(self) -> tuple[str, ...]:
        """Ids of the arms that may be shown, in the experiment's order."""
        return tuple(arm.id for arm in self.arms if arm.state == "active")

    def scale_after(self, exposures: float) -> float:
        """How much of the posterior's spread the policy explores with after so many exposures."""
        if self.policy.scale is not None:
            return self.policy.scale
        if not self.stop.max_exposures:
            return STEADY_SCALE
        first = FIRST_SCALE_OF_FACTORS if self.factors and self.policy.kind == "factorial" else FIRST_SCALE
        return first + (LAST_SCALE - first) * min(exposures / self.stop.max_exposures, 1.0)


def _check_factors(experiment: Experiment) -> None:
    names = [factor.name for factor in experiment.factors]
    if len(set(names)) != len(names):
        raise InvalidExperiment(experiment.id, "a factor is named twice")
    allowed = {factor.name: set(factor.levels) for factor in experiment.factors}
    for factor in experiment.factors:
        if not factor.levels or len(allowed[factor.name]) != len(factor.levels):
            raise InvalidExperiment(experiment.id, f"factor {factor.name!r} has no level, or one twice")
    if not allowed:
        return
    for arm in experiment.arms:
        levels = arm.levels or {}
        if set(levels) != set(allowed):
            raise InvalidExperiment(experiment.id, f"arm {arm.id!r} must name a level of each of {sorted(allowed)}")
        for name, level in levels.items():
            if level not in allowed[name]:
                raise InvalidExperiment(experiment.id, f"arm {arm.id!r}: {name!r} has no level {level!r}")


def _check_policy(experiment: Experiment) -> None:
    policy = experiment.policy
    if policy.scale is not None and policy.scale <= 0.0:
        raise InvalidExperiment(experiment.id, f"the policy's scale is {policy.scale}; it must be above 0")
    if not 0.0 < policy.discount <= 1.0:
        raise InvalidExperiment(experiment.id, f"the policy's discount is {policy.discount}; above 0, at most 1")
    if not 0.0 < policy.top_two_share <= 1.0:
        raise InvalidExperiment(experiment.id, f"top_two_share is {policy.top_two_share}; above 0, at most 1")
    if policy.draws < 100:
        raise InvalidExperiment(experiment.id, f"draws is {policy.draws}; at least 100")
    if policy.split is not None:
        unknown = set(policy.split) - {arm.id for arm in experiment.arms}
        if unknown:
            raise InvalidExperiment(experiment.id, f"the fixed split names no arm of ours: {sorted(unknown)}")
        if any(share < 0.0 for share in policy.split.values()) or sum(policy.split.values()) <= 0.0:
            raise InvalidExperiment(experiment.id, "the fixed split needs shares of 0 or more that add up to something")


def combinations(factors: Sequence[Factor], separator: str = "|") -> tuple[Arm, ...]:
    """One arm for each combination of levels; its id joins the levels in the factors' order.

    >>> [arm.id for arm in combinations([Factor("headline", ("a", "b")), Factor("image", ("x",))])]
    ['a|x', 'b|x']
    """
    names = [factor.name for factor in factors]
    return tuple(
        Arm(separator.join(levels), dict(zip(names, levels, strict=True)))
        for levels in itertools.product(*(factor.levels for factor in factors))
    )


@dataclass(frozen=True, slots=True, eq=False)
class SegmentWeights:
    """The probabilities of one segment, with the alias table that draws from them.

    Shapes: all (K,), in the order of `WeightTable.arms`. `policy` and `served` each sum to 1.
    """

    policy: Floats  # probability outside the holdout, floor included
    served: Floats  # what is logged: holdout / K + (1 - holdout) * policy
    threshold: tuple[float, ...]  # alias method: keep column i below it
    alias: tuple[int, ...]  # alias method: else go there
    logged: tuple[float, ...]  # `served` as Python floats, for the lookup


@dataclass(frozen=True, slots=True, eq=False)
class WeightTable:
    """A version of the weights: what every decision between two refreshes is drawn from."""

    experiment: str
    version: int
    arms: tuple[str, ...]
    segments: Mapping[str, SegmentWeights]
    floor: float
    holdout: float
    time: float = 0.0
    index: Mapping[str, int] = field(default_factory=dict)  # arm id -> column

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; floats survive the round trip bit by bit, so logged propensities stay exact."""
        return {
            "experiment": self.experiment,
            "version": self.version,
            "arms": list(self.arms),
            "policy": {name: [float(p) for p in row.policy] for name, row in self.segments.items()},
            "floor": self.floor,
            "holdout": self.holdout,
            "time": self.time,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What was shown to whom and how probable that was. Drawn from the very number it carries."""

    id: str
    experiment: str
    arm: str
    propensity: float  # exact probability of this arm under this table, segment and available set
    weight_version: int
    segment: str
    time: float
    is_holdout: bool
    available: tuple[str, ...] | None = None  # arms that could be shown to this visitor; None for all active ones


@dataclass(frozen=True, slots=True)
class Event:
    """Something a visitor did after a decision. The same `event_id` counts once however often it arrives."""

    event_id: str
    decision_id: str
    kind: str  # "shown", "clicked", "converted", or a guardrail's kind
    value: float
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Decisions that share their probabilities: one weight version, one segment, one available set.

    Arrays are (K,), in the order of `arms`.
    """

    version: int
    segment: str
    time: float  # mean time of the decisions
    arms: tuple[str, ...]
    propensity: Floats
    shown: Floats  # exposures
    matured: Floats  # exposures weighted by the part of their clicks that must have arrived by now
    clicked: Floats  # exposures with at least one success
    value: Floats  # sum of the values of the successes
    value_squares: Floats  # sum of squares of the value per exposure


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; `level` is its promised coverage, `anytime` whether the promise survives peeking."""

    low: float
    high: float
    level: float = 0.95
    anytime: bool = False

    @property
    def width(self) -> float:
        return self.high - self.low

    def covers(self, truth: float) -> bool:
        return self.low <= truth <= self.high
