"""Which creative to show, and what did we learn? numpy and scipy only; chance and time are arguments.

table = weigh(experiment, counts, version=1, now=0.0, rng=rng).table
decision = decide(table, rng.random(), decision_id="d1", now=1.0)
counts = count(tally(decisions, events, {1: table}).cohorts, table.arms)
"""

from .counts import Counts, Tally, count, tally
from .errors import (
    ExperimentError,
    InvalidExperiment,
    NothingAvailable,
    OutOfRange,
    TooLittleEvidence,
    UnequalShapes,
    UnknownArm,
    UnknownName,
    UnknownSegment,
    UnknownVersion,
)
from .factorial import ContentScore, FactorialFit, fit_factorial, make_design, probability_best
from .maturity import Maturity, learn_maturity
from .policies import Weighing, fixed_split, thompson, top_two, weigh
from .posterior import Best, Beta, beats, best_of_betas, best_of_normals, prior_from_rates
from .tables import Draws, alias_table, decide, decide_many, make_table, served_probabilities, sticky_uniform
from .tables import table_from_dict as table_from_dict
from .types import (
    EVERYONE,
    Arm,
    Cohort,
    Decision,
    Event,
    Experiment,
    Factor,
    Guardrail,
    Interval,
    PolicySpec,
    SegmentWeights,
    StopRule,
    WeightTable,
    combinations,
)

__all__ = [
    "EVERYONE",
    "Arm",
    "Best",
    "Beta",
    "Cohort",
    "ContentScore",
    "Counts",
    "Decision",
    "Draws",
    "Event",
    "Experiment",
    "ExperimentError",
    "Factor",
    "FactorialFit",
    "Guardrail",
    "Interval",
    "InvalidExperiment",
    "Maturity",
    "NothingAvailable",
    "OutOfRange",
    "PolicySpec",
    "SegmentWeights",
    "StopRule",
    "Tally",
    "TooLittleEvidence",
    "UnequalShapes",
    "UnknownArm",
    "UnknownName",
    "UnknownSegment",
    "UnknownVersion",
    "Weighing",
    "WeightTable",
    "alias_table",
    "beats",
    "best_of_betas",
    "best_of_normals",
    "combinations",
    "count",
    "decide",
    "decide_many",
    "fit_factorial",
    "fixed_split",
    "learn_maturity",
    "make_design",
    "make_table",
    "prior_from_rates",
    "probability_best",
    "served_probabilities",
    "sticky_uniform",
    "table_from_dict",
    "tally",
    "thompson",
    "top_two",
    "weigh",
]
