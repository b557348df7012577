"""Which creative to show, and what did we learn? numpy and scipy only; chance and time are arguments.

table = weigh(experiment, counts, version=1, now=0.0, rng=rng).table
decision = decide(table, rng.random(), decision_id="d1", now=1.0)
counts = count(tally(decisions, events, {1: table}).cohorts, table.arms)
"""

from .analysis import ArmResult, LevelResult, PairResult, Result, Verdict, analyse, level_sentence, veto
from .counts import Counts, Tally, count, tally
from .drift import ChangeWatch
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
from .factorial import ContentScore, Effect, FactorialFit, effects, fit_factorial, make_design, probability_best
from .lift import Lift, Panel, lifts_over_arm, lifts_over_uniform, make_panel, policy_lift
from .maturity import Maturity, learn_maturity
from .offpolicy import ESTIMATORS, Estimate, Estimator, Logged, WhatIf, effective_n, estimate, what_if
from .planning import Plan, exposures_per_arm, plan
from .policies import Weighing, fixed_split, thompson, top_two, weigh
from .posterior import Best, Beta, beats, best_of_betas, best_of_normals, prior_from_rates
from .sequential import asymptotic_multiplier, asymptotic_p, holm, msprt_p, normal_mixture_boundary, rate_sequence
from .simulate import SCENARIOS, Scenario, SimulationResult, World, make_world, run
from .srm import SampleRatio, check_sample_ratio
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
    "ESTIMATORS",
    "EVERYONE",
    "SCENARIOS",
    "Arm",
    "ArmResult",
    "Best",
    "Beta",
    "ChangeWatch",
    "Cohort",
    "ContentScore",
    "Counts",
    "Decision",
    "Draws",
    "Effect",
    "Estimate",
    "Estimator",
    "Event",
    "Experiment",
    "ExperimentError",
    "Factor",
    "FactorialFit",
    "Guardrail",
    "Interval",
    "InvalidExperiment",
    "LevelResult",
    "Lift",
    "Logged",
    "Maturity",
    "NothingAvailable",
    "OutOfRange",
    "PairResult",
    "Panel",
    "Plan",
    "PolicySpec",
    "Result",
    "SampleRatio",
    "Scenario",
    "SegmentWeights",
    "SimulationResult",
    "StopRule",
    "Tally",
    "TooLittleEvidence",
    "UnequalShapes",
    "UnknownArm",
    "UnknownName",
    "UnknownSegment",
    "UnknownVersion",
    "Verdict",
    "Weighing",
    "WeightTable",
    "WhatIf",
    "World",
    "alias_table",
    "analyse",
    "asymptotic_multiplier",
    "asymptotic_p",
    "beats",
    "best_of_betas",
    "best_of_normals",
    "check_sample_ratio",
    "combinations",
    "count",
    "decide",
    "decide_many",
    "effective_n",
    "effects",
    "estimate",
    "exposures_per_arm",
    "fit_factorial",
    "fixed_split",
    "holm",
    "learn_maturity",
    "level_sentence",
    "lifts_over_arm",
    "lifts_over_uniform",
    "make_design",
    "make_panel",
    "make_table",
    "make_world",
    "msprt_p",
    "normal_mixture_boundary",
    "plan",
    "policy_lift",
    "prior_from_rates",
    "probability_best",
    "rate_sequence",
    "run",
    "served_probabilities",
    "sticky_uniform",
    "table_from_dict",
    "tally",
    "thompson",
    "top_two",
    "veto",
    "weigh",
    "what_if",
]
