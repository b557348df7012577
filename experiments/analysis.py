"""What did we learn? One call turns a log into the numbers and sentences of a result page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from .counts import Counts, count
from .factorial import ContentScore, Effect, FactorialFit, best_of_fit, effects, fit_factorial, make_design, score_of
from .lift import WALD, Lift, Panel, debiased_rates, lifts_over_arm, lifts_over_uniform, make_panel, policy_lift
from .posterior import Best, Beta, best_of_betas, best_of_normals, prior_from_rates
from .sequential import asymptotic_multiplier, holm, rate_sequence
from .srm import SampleRatio, check_sample_ratio
from .types import Cohort, Experiment, Floats, Guardrail, Interval

Action = Literal["continue", "ship", "stop", "fix"]


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm. Rates are successes (or value) per exposure."""

    arm: str
    state: str
    exposures: float
    clicks: float
    value: float
    share: float  # of all exposures
    sample_rate: float  # clicks over exposures: biased downwards for arms that a bandit dropped
    rate: float  # AIPW: without that bias
    rate_standard_error: float
    rate_sequence: Interval  # holds at every look
    credible: Interval  # what we believe, prior included
    probability_best: float
    expected_loss: float  # same unit as the rate
    lift_over_uniform: Lift
    lift_over_baseline: Lift | None
    adjusted_p: float  # of the lift over the baseline (over uniform without one), Holm over all arms


@dataclass(frozen=True, slots=True)
class LevelResult:
    """One level of a factor, all else equal."""

    factor: str
    level: str
    exposures: float
    clicks: float
    sample_rate: float
    effect_rel: float  # against the average level
    interval: Interval  # 95 %, posterior
    adjusted: Interval  # the same, holding for all levels of the factor together
    sentence: str
    rate: float  # what an exposure with it earns, all combinations shown equally often
    rate_interval: Interval  # 95 %, posterior of the effect


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two levels that do better or worse together than each does alone."""

    factors: tuple[str, str]
    levels: tuple[str, str]
    effect_rel: float
    interval: Interval
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do now, and why, in words. Reading it every day does not spoil it."""

    action: Action
    arm: str | None  # the arm to ship, or the leader so far
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a result page shows."""

    experiment: str
    time: float
    exposures: float
    clicks: float
    rate: float
    arms: tuple[ArmResult, ...]
    levels: tuple[LevelResult, ...]
    pairs: tuple[PairResult, ...]
    policy_lift: Lift | None  # what was served against an equal split
    sample_ratio: SampleRatio | None
    vetoed: Mapping[str, str]  # arm -> reason
    verdict: Verdict
    notes: tuple[str, ...]  # what a reader must know to read the numbers right

    def arm(self, arm: str) -> ArmResult:
        return next(found for found in self.arms if found.arm == arm)


def analyse(
    experiment: Experiment,
    cohorts: Sequence[Cohort],
    *,
    now: float,
    alpha: float = 0.05,
    tuned_n: float | None = None,
    score: ContentScore | None = None,
    guardrail_counts: Mapping[str, Mapping[str, float]] | None = None,
    draws: int = 4_000,
) -> Result:
    """Read a log.

    Args:
        cohorts: from `tally`, or aggregated elsewhere; the whole run.
        now: time of the look, seconds on the decisions' clock.
        alpha: chance of a wrong statement, for each interval.
        tuned_n: exposures at which the anytime intervals are tightest; the planned end of the run is best.
        score: the content score the policy used, so that analysis and policy believe the same.
        guardrail_counts: guardrail kind -> arm id -> number of such events.
        draws: posterior draws behind P(best) of a factorial experiment (seeded by the experiment's seed).

    Raises:
        UnknownArm, UnknownSegment: the log names what the experiment does not have.
    """
    ids = tuple(arm.id for arm in experiment.arms)
    counts = count(cohorts, ids, experiment.segments)
    pooled = counts.pooled()
    panel = make_panel(cohorts, ids, experiment.metric)
    horizon = tuned_n or float(experiment.stop.max_exposures or 50_000)
    fit = _fit(experiment, counts, score or score_of(experiment))
    best, active = _best(experiment, counts, pooled, fit, draws)
    vetoed = veto(experiment.guardrails, dict(zip(ids, pooled.exposures[0], strict=True)), guardrail_counts or {})
    arms = _arm_results(experiment, pooled, panel, best, active, alpha, horizon)
    levels, pairs = _factor_results(experiment, counts, pooled, fit, alpha)
    ratio = check_sample_ratio(cohorts)
    total = float(pooled.exposures.sum())
    outcome = float((pooled.value if experiment.metric == "value" else pooled.clicks).sum())
    result = Result(
        experiment.id,
        now,
        total,
        float(pooled.clicks.sum()),
        outcome / total if total else 0.0,
        arms,
        levels,
        pairs,
        policy_lift(panel, alpha, horizon) if total else None,
        ratio,
        vetoed,
        Verdict("continue", None, ""),
        _notes(experiment, cohorts),
    )
    started = min((cohort.time for cohort in cohorts), default=now)
    return replace(result, verdict=_verdict(experiment, result, now - started))


def veto(
    guardrails: Sequence[Guardrail], exposures: Mapping[str, float], counts: Mapping[str, Mapping[str, float]]
) -> dict[str, str]:
    """Arms whose rate of an unwanted event is surely above its limit, with the reason; safe to check at every look."""
    vetoed: dict[str, str] = {}
    for guardrail in guardrails:
        seen = counts.get(guardrail.kind, {})
        for arm, happened in seen.items():
            shown = max(exposures.get(arm, 0.0), happened)
            # one-sided: only the lower end can veto, so the two-sided sequence at 2 alpha is exact
            alpha = min(2.0 * guardrail.alpha / max(len(seen), 1), 0.99)
            likely = min(2.0 * guardrail.limit, 0.75)  # the sequence is tightest for rates about twice the limit
            lower = rate_sequence(happened, shown, alpha, (1.0, (1.0 - likely) / likely)).low
            if shown > 0.0 and lower > guardrail.limit:
                vetoed[arm] = (
                    f"{guardrail.kind} {happened:.0f} times in {shown:.0f}: at least {lower:.2%}, "
                    f"the limit is {guardrail.limit:.2%}"
                )
    return vetoed


def _fit(experiment: Experiment, counts: Counts, score: ContentScore | None) -> FactorialFit | None:
    if not experiment.factors and len(experiment.segments) == 1:
        return None
    design = make_design(experiment.arms, experiment.factors, experiment.segments)
    aligned = counts.aligned(design.arms, design.segments)
    if experiment.metric == "value":
        aligned = aligned.in_value_units()
    return fit_factorial(design, aligned, score=score, interactions=experiment.policy.interactions)


def _best(
    experiment: Experiment, counts: Counts, pooled: Counts, fit: FactorialFit | None, draws: int
) -> tuple[Best, list[int]]:
    active = [i for i, arm in enumerate(experiment.arms) if arm.state == "active"]
    shown, clicks = pooled.matured[0], pooled.clicks[0]
    if experiment.metric == "value":
        return _best_value(pooled, active), active
    if fit is not None:
        normals = np.random.default_rng(experiment.seed).standard_normal((fit.mean.size, draws))
        per_segment = counts.exposures.sum(axis=1) + 1e-9
        return best_of_fit(fit, normals, per_segment / per_segment.sum(), np.array(active, dtype=np.int64)), active
    prior = prior_from_rates(shown, clicks)
    misses = np.maximum(shown - clicks, 0.0)
    return best_of_betas(prior.a + clicks[active], prior.b + misses[active]), active


def _best_value(pooled: Counts, active: list[int]) -> Best:
    """Normal posterior of the mean value per exposure, variances and means shrunk to the pooled ones."""
    shown, value, squares = pooled.matured[0], pooled.value[0], pooled.value_squares[0]
    mean, sd = value_posterior(shown, value, squares)
    return best_of_normals(mean[active], sd[active])


def value_posterior(shown: Floats, value: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Posterior mean and sd of the value per exposure of each arm; (K,) in and out.

    Normal-normal: the prior is the pooled mean with a relative spread of 0.5 between arms.
    """
    total = max(float(shown.sum()), 1.0)
    centre = float(value.sum()) / total
    pooled_variance = max(float(squares.sum()) / total - centre**2, 1e-12)
    between = max((0.5 * centre) ** 2, 1e-12)
    own = np.maximum((squares + 50.0 * (pooled_variance + centre**2)) / (shown + 50.0) - centre**2, 1e-12)
    precision = 1.0 / between + shown / own
    mean = (centre / between + value / own) / precision
    return mean, 1.0 / np.sqrt(precision)


def _arm_results(
    experiment: Experiment, pooled: Counts, panel: Panel, best: Best, active: list[int], alpha: float, tuned_n: float
) -> tuple[ArmResult, ...]:
    shown, clicks, value = pooled.exposures[0], pooled.clicks[0], pooled.value[0]
    prior = prior_from_rates(shown, clicks)
    place = {column: i for i, column in enumerate(active)}
    total = max(float(shown.sum()), 1.0)
    rates, over_uniform = debiased_rates(panel), lifts_over_uniform(panel, alpha, tuned_n)
    over_arm = None if experiment.baseline is None else lifts_over_arm(panel, experiment.baseline, alpha, tuned_n)
    found: list[ArmResult] = []
    for i, arm in enumerate(experiment.arms):
        rate, error = rates[i]
        over_baseline = over_arm[i] if over_arm is not None and experiment.baseline != arm.id else None
        outcome = value[i] if experiment.metric == "value" else clicks[i]
        mean = float(outcome / shown[i]) if shown[i] else 0.0
        if experiment.metric == "value":
            half = float(asymptotic_multiplier(max(panel.size.sum(), 1.0), alpha, tuned_n)) * error
            sequence = Interval(rate - half, rate + half, 1.0 - alpha, True)
            middle, sd = value_posterior(pooled.matured[0], value, pooled.value_squares[0])
            credible = Interval(float(middle[i] - WALD * sd[i]), float(middle[i] + WALD * sd[i]))
        else:
            sequence = rate_sequence(float(clicks[i]), float(max(shown[i], clicks[i])), alpha)
            credible = Beta(prior.a, prior.b).after(float(shown[i]), float(clicks[i])).interval(1.0 - alpha)
        found.append(
            ArmResult(
                arm.id,
                arm.state,
                float(shown[i]),
                float(clicks[i]),
                float(value[i]),
                float(shown[i] / total),
                mean,
                rate,
                error,
                sequence,
                credible,
                float(best.probability[place[i]]) if i in place else 0.0,
                float(best.expected_loss[place[i]]) if i in place else float("nan"),
                over_uniform[i],
                over_baseline,
                1.0,
            )
        )
    compared = [i for i, arm in enumerate(found) if arm.arm != experiment.baseline]
    adjusted = holm(np.array([(found[i].lift_over_baseline or found[i].lift_over_uniform).p_value for i in compared]))
    for i, p in zip(compared, adjusted.tolist(), strict=True):
        found[i] = replace(found[i], adjusted_p=p)
    return tuple(found)


def _factor_results(
    experiment: Experiment, counts: Counts, pooled: Counts, fit: FactorialFit | None, alpha: float
) -> tuple[tuple[LevelResult, ...], tuple[PairResult, ...]]:
    if fit is None or not experiment.factors:
        return (), ()
    levels: list[LevelResult] = []
    sizes = {factor.name: len(factor.levels) for factor in experiment.factors}
    traffic = counts.exposures.sum(axis=1) + 1e-9
    even = float(traffic / traffic.sum() @ special.expit(fit.logits()).mean(axis=1))  # rate of an equal split
    involved = {part for name in fit.interactions for part in _parts_of(fit, name)}
    for effect in effects(fit, tuple(sizes)):
        factor, level = effect.parts[0], effect.levels[0]
        mine = np.array([(arm.levels or {}).get(factor) == level for arm in experiment.arms])
        shown, clicks = float(pooled.exposures[0][mine].sum()), float(pooled.clicks[0][mine].sum())
        z = _z(alpha)
        z_all = _z(alpha / sizes[factor])
        interval = Interval(effect.rel(-z), effect.rel(z), 1.0 - alpha)
        levels.append(
            LevelResult(
                factor,
                level,
                shown,
                clicks,
                clicks / shown if shown else 0.0,
                effect.rel(),
                interval,
                Interval(effect.rel(-z_all), effect.rel(z_all), 1.0 - alpha),
                level_sentence(
                    factor,
                    level,
                    effect.rel(),
                    interval,
                    others=[name for name in sizes if name != factor],
                    depends=factor in involved,
                ),
                even * (1.0 + effect.rel()),
                Interval(even * (1.0 + interval.low), even * (1.0 + interval.high), 1.0 - alpha),
            )
        )
    found = [effect for effect in effects(fit, fit.interactions) if len(effect.parts) == 2]
    pairs = [_pair_result(effect, alpha / max(len(found), 1), alpha) for effect in found]
    return tuple(levels), tuple(pair for pair in pairs if pair is not None)


def _parts_of(fit: FactorialFit, name: str) -> tuple[str, ...]:
    return next(group.parts for group in fit.full.groups if group.name == name)


def _z(alpha: float) -> float:
    return float(special.ndtri(1.0 - alpha / 2.0))


def level_sentence(
    factor: str,
    level: str,
    effect_rel: float,
    interval: Interval,
    others: Sequence[str] = (),
    depends: bool = False,
) -> str:
    """What a level does, as one says it in a meeting.

    Args:
        others: the other factors.
        depends: its factor takes part in an interaction: the effect is an average then.

    >>> level_sentence("headline", "calm", 0.14, Interval(0.06, 0.22), ["picture", "call_to_action"])
    'headline "calm" adds 14 % [6, 22] whatever the picture and the call to action'
    """
    span = f"[{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
    factor, names = factor.replace("_", " "), [name.replace("_", " ") for name in others]
    listed = " and the ".join(part for part in (", the ".join(names[:-1]), *names[-1:]) if part)
    if depends:
        where = " on average; how much depends on what it is combined with"
    else:
        where = f" whatever the {listed}" if listed else ""
    if interval.low > 0.0:
        return f'{factor} "{level}" adds {100 * effect_rel:.0f} % {span}{where}'
    if interval.high < 0.0:
        return f'{factor} "{level}" costs {-100 * effect_rel:.0f} % {span}{where}'
    return f'{factor} "{level}": no clear effect yet, {100 * effect_rel:+.0f} % {span}'


def _pair_result(effect: Effect, strict: float, alpha: float) -> PairResult | None:
    """A pair worth a sentence: one that stands out among all pairs at level `strict`."""
    clear = _z(strict)
    if effect.rel(-clear) <= 0.0 <= effect.rel(clear):
        return None
    z = _z(alpha)
    interval = Interval(effect.rel(-z), effect.rel(z), 1.0 - alpha)
    first, second = effect.parts
    word = "better" if effect.log_odds > 0.0 else "worse"
    sentence = (
        f'{first} "{effect.levels[0]}" with {second} "{effect.levels[1]}" does {100 * abs(effect.rel()):.0f} % {word} '
        f"than the two promise apart [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
    )
    return PairResult((first, second), (effect.levels[0], effect.levels[1]), effect.rel(), interval, sentence)


def _verdict(experiment: Experiment, result: Result, elapsed_s: float) -> Verdict:
    """First what spoils the data, then what ends the run, then what the evidence says."""
    rule = experiment.stop
    active = [arm for arm in result.arms if arm.state == "active" and arm.arm not in result.vetoed]
    if result.exposures == 0.0 or not active:
        return Verdict(
            "continue" if active else "stop", None, "nothing was shown yet" if active else "every arm is vetoed"
        )
    leader = max(active, key=lambda arm: arm.probability_best)
    loss = leader.expected_loss / max(result.rate, 1e-12)
    standing = (
        f"{leader.arm} is best with probability {leader.probability_best:.0%}; shipping it now is expected to lose "
        f"{loss:.1%} of the rate against the best"
    )
    if result.sample_ratio is not None and result.sample_ratio.alarm:
        worst = result.sample_ratio
        return Verdict(
            "fix",
            leader.arm,
            f"the arms were not shown as decided ({worst.worst_arm}: {worst.worst_ratio:.2f} of what was expected); "
            "no other number can be trusted until that is explained",
        )
    thin = [arm for arm in active if arm.exposures < rule.min_exposures_per_arm]
    out_of_budget = rule.max_exposures is not None and result.exposures >= rule.max_exposures
    out_of_time = rule.max_seconds is not None and elapsed_s >= rule.max_seconds
    if out_of_budget or out_of_time:
        spent = f"{result.exposures:,.0f} exposures" if out_of_budget else f"{elapsed_s / 86_400.0:.1f} days"
        return Verdict("stop", leader.arm, f"the agreed end is reached ({spent}) and the weights rest; {standing}")
    if thin and not experiment.factors:
        return Verdict(
            "continue", leader.arm, f"{len(thin)} arms have fewer than {rule.min_exposures_per_arm} exposures"
        )
    if loss <= rule.expected_loss_rel and result.clicks >= 50:
        return Verdict("ship", leader.arm, standing)
    return Verdict("continue", leader.arm, f"{standing}, more than the {rule.expected_loss_rel:.1%} you accept")


def _notes(experiment: Experiment, cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    notes = [
        "Sequences hold however often this page is read; 95 % intervals marked 'end of run' hold for one reading.",
        f"p-values are adjusted for {len(experiment.arms)} arms by Holm's method; P(best) needs no adjustment.",
    ]
    if experiment.policy.kind not in ("uniform", "fixed"):
        notes.append("Traffic was moved while learning: rates and lifts are corrected by the logged propensities.")
    immature = [c for c in cohorts if float(c.shown.sum()) > 0 and float(c.matured.sum() / c.shown.sum()) < 0.8]
    if immature:
        notes.append(f"{len(immature)} recent cohorts still wait for clicks; they count by the part that has matured.")
    return tuple(notes)
