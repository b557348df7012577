"""One look at an experiment, put so that pages, pictures and reports can show it: arms in words, series, sentences.

A look is worked out from the whole log. ``Readings`` keeps the last one of each experiment for a while, so that many
readers cost what one costs.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from experiments import ArmResult, Cohort, LevelResult, Result, make_panel, policy_lift
from service.records import RunningTest, Showing
from service.wiring import Services

from . import charts, words

Row = dict[str, Any]
BINS = 36  # steps of a series over time
LETTERS = "ABCDEF"  # arms that get a letter and a colour of their own
DRAWN_ARMS = 12  # in the drawing of intervals
PARTS = {"headline": "Headline", "picture": "Picture", "call_to_action": "Call to action"}
METRICS = {"clicked": ("click rate", "clicks"), "converted": ("conversion rate", "conversions")}


@dataclass(frozen=True, slots=True)
class ArmView:
    """An arm as a reader meets it."""

    id: str
    letter: str  # "A" for the first six in the order of the list, else ""
    colour: str
    name: str  # in words, short enough for a line
    showing: Showing
    result: ArmResult
    decisions: int
    believed: float  # middle of the credible interval

    @property
    def label(self) -> str:
        """For an axis."""
        return f"{self.letter}  {self.name}" if self.letter else self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """A result with all that stands beside it on a page."""

    test: RunningTest
    result: Result
    at: datetime
    arms: tuple[ArmView, ...]  # the best first, retired last
    share: tuple[Row, ...]  # see charts.traffic_share; arms by their letters
    uplift: tuple[Row, ...]  # see charts.uplift
    decisions: int
    versions: int
    events: Mapping[str, int]  # outcome -> number
    unknown: int  # in the workspace
    first_at: float | None  # seconds since 1970, of the first exposure's cohort
    last_at: float | None

    @property
    def metric(self) -> str:
        return self.test.plan.metric

    @property
    def metric_words(self) -> str:
        """What a rate of this experiment is a rate of."""
        return METRICS[self.metric][0] if self.metric in METRICS else "value per impression"

    @property
    def success_words(self) -> str:
        return METRICS[self.metric][1] if self.metric in METRICS else "purchases"

    def value(self, amount: float | None) -> str:
        """A rate or a value in the words of this experiment."""
        return words.amount(amount) if self.metric == "value" else words.rate(amount)

    @property
    def leader(self) -> ArmView | None:
        arm = self.result.verdict.arm
        return next((view for view in self.arms if view.id == arm), None)

    @property
    def running_s(self) -> float:
        """How long it has run, or ran."""
        if self.test.started is None:
            return 0.0
        return ((self.test.stopped or self.at) - self.test.started).total_seconds()


def read(services: Services, workspace: str, id: str, now: datetime) -> Reading:
    """Look at an experiment now.

    Raises:
        NotFound
    """
    result = services.arena.result(workspace, id, now)
    test, tables, evidence = services.arena.evidence(workspace, id)
    cohorts = evidence.cohorts(tables)
    by_arm = services.log.n_decisions(workspace, id)
    arms = arm_views(test, result, by_arm)
    times = [cohort.time for cohort in cohorts if cohort.shown.sum()]
    return Reading(
        test=test,
        result=result,
        at=now,
        arms=arms,
        share=tuple(share_rows(cohorts, arms)),
        uplift=tuple(uplift_rows(test, cohorts)),
        decisions=sum(by_arm.values()),
        versions=max(tables, default=0),
        events=services.log.counts(workspace, id),
        unknown=services.log.unknown(workspace),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
    )


# --- arms in words ------------------------------------------------------------------------------------------


def arm_views(test: RunningTest, result: Result, decisions: Mapping[str, int]) -> tuple[ArmView, ...]:
    """The arms in the order a reader wants them: those in play by their chance to be best, then the others."""
    shows = {showing.arm: showing for showing in test.showings}
    names = arm_names(test)
    order = {"active": 0, "paused": 1, "retired": 2}
    ranked = sorted(result.arms, key=lambda arm: (order[arm.state], -arm.probability_best, -arm.exposures, arm.arm))
    views = []
    for place, arm in enumerate(ranked):
        has_letter = place < len(LETTERS)
        views.append(
            ArmView(
                id=arm.arm,
                letter=LETTERS[place] if has_letter else "",
                colour=charts.COLOURS[place] if has_letter else charts.GREY,
                name=names[arm.arm],
                showing=shows[arm.arm],
                result=arm,
                decisions=decisions.get(arm.arm, 0),
                believed=(arm.credible.low + arm.credible.high) / 2,
            )
        )
    return tuple(views)


def arm_names(test: RunningTest) -> dict[str, str]:
    """What tells each arm from the others: only the parts that differ are named."""
    parts = {showing.arm: _parts(test, showing) for showing in test.showings}
    varying = [i for i in range(3) if len({found[i] for found in parts.values()}) > 1] or [0]
    names = {arm: " · ".join(found[i] for i in varying if found[i]) or arm for arm, found in parts.items()}
    doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {arm: f"{name} ({arm})" if name in doubled else name for arm, name in names.items()}


def _parts(test: RunningTest, showing: Showing) -> tuple[str, str, str]:
    levels = test.arm(showing.arm).levels or {}
    picture = picture_words(levels.get("picture") or showing.creative_id)
    headline = f"“{showing.headline}”" if showing.headline else "no headline"
    return headline, picture, showing.call_to_action or "no call to action"


def picture_words(level: str) -> str:
    """The level of a picture as one says it: "mug in oak-window (story)" is "oak window, story"; square goes unsaid."""
    match = re.fullmatch(r"\S+ in (.+) \((.+)\)", level)
    if not match:
        return level
    place = match[1].replace("-", " ")
    return place if match[2] == "square" else f"{place}, {match[2]}"


def in_words(text: str, names: Mapping[str, str]) -> str:
    """A sentence of the analysis with arms by their names, beginning with a capital."""
    if names:
        spelled = re.compile("|".join(rf"(?<![\w-]){re.escape(id)}(?![\w-])" for id in sorted(names, key=len)[::-1]))
        text = spelled.sub(lambda match: names[match[0]], text)
    return text[:1].upper() + text[1:]


def level_sentence(level: LevelResult) -> str:
    """What a level does, in the words of a meeting: the numbers are the analysis's own."""
    kind = PARTS.get(level.factor, level.factor.replace("_", " ").capitalize())
    name = picture_words(level.level) if level.factor == "picture" else f"“{level.level}”"
    span = f"[{_whole(level.interval.low)}, {_whole(level.interval.high)}]"
    size = words.percent(abs(level.effect_rel), 0)
    if level.interval.low > 0:
        return f"{kind} {name} adds {size} {span} whatever it is shown with."
    if level.interval.high < 0:
        return f"{kind} {name} costs {size} {span} whatever it is shown with."
    return f"{kind} {name}: no clear effect yet, {words.percent(level.effect_rel, 0, signed=True)} {span}."


def _whole(value: float) -> str:
    return f"{100 * value:.0f}".replace("-", words.MINUS) if math.isfinite(value) else "∞"


# --- series ------------------------------------------------------------------------------------------


def share_rows(cohorts: Sequence[Cohort], arms: Sequence[ArmView], bins: int = BINS) -> list[Row]:
    """Share of exposures per lettered arm and all others, in steps of about equal exposures."""
    letters = {view.id: view.letter for view in arms if view.letter}
    has_others = len(letters) < len(arms)
    rows: list[Row] = []
    for visitors, shown in _steps(cohorts, bins):
        total = sum(shown.values())
        found = dict.fromkeys(letters.values(), 0.0)
        for arm, n in shown.items():
            if arm in letters:
                found[letters[arm]] += n / total
        if has_others:
            found[charts.OTHERS] = max(0.0, 1.0 - sum(found.values()))
        step = [{"visitors": int(visitors), "arm": name, "share": round(share, 6)} for name, share in found.items()]
        rows += [{**row, "visitors": 0} for row in step] if not rows else []
        rows += step
    return rows


def _steps(cohorts: Sequence[Cohort], bins: int) -> list[tuple[float, dict[str, float]]]:
    """(exposures so far, exposures by arm in the step); cohorts are kept whole."""
    used = sorted((c for c in cohorts if c.shown.sum()), key=lambda c: (c.version, c.time))
    total = sum(float(c.shown.sum()) for c in used)
    steps: list[tuple[float, dict[str, float]]] = []
    shown: dict[str, float] = {}
    so_far = 0.0
    for place, cohort in enumerate(used):
        for arm, n in zip(cohort.arms, cohort.shown.tolist(), strict=True):
            shown[arm] = shown.get(arm, 0.0) + n
        so_far += float(cohort.shown.sum())
        if so_far >= (len(steps) + 1) * total / bins or place == len(used) - 1:
            steps.append((so_far, shown))
            shown = {}
    return steps


def uplift_rows(test: RunningTest, cohorts: Sequence[Cohort], bins: int = BINS) -> list[Row]:
    """The uplift over an even split as it stood at about equally spaced looks, with its confidence sequence."""
    ids = [arm.id for arm in test.plan.arms]
    used = sorted((c for c in cohorts if c.shown.sum()), key=lambda c: (c.version, c.time))
    horizon = float(test.plan.stop.max_exposures or 50_000)  # as the analysis tunes it
    ends = np.cumsum([float(c.shown.sum()) for c in used])
    if not len(ends):
        return []
    looks = sorted({int(np.searchsorted(ends, ends[-1] * (i + 1) / bins)) for i in range(bins)} | {len(used) - 1})
    rows: list[Row] = []
    for last in looks:
        found = policy_lift(make_panel(used[: last + 1], ids, test.plan.metric), tuned_n=horizon)
        if math.isfinite(found.lift_rel):
            low, high = found.sequence.low, found.sequence.high
            rows.append(
                {
                    "visitors": int(ends[last]),
                    "estimate": round(found.lift_rel, 6),
                    "low": None if low <= -1.0 else round(low, 6),
                    "high": round(high, 6) if math.isfinite(high) else None,
                }
            )
    return rows


# --- charts ------------------------------------------------------------------------------------------


def share_plot(reading: Reading, *, width: charts.Width, narrow: bool = False, height: int = 280) -> charts.Plot:
    order = [view.letter for view in reading.arms if view.letter] + [charts.OTHERS]
    return charts.traffic_share(
        reading.share, order=order, width=width, height=height, letters=True, narrow=narrow, unit="impressions"
    )


def uplift_plot(reading: Reading, *, width: charts.Width, narrow: bool = False, height: int = 260) -> charts.Plot:
    what = "value" if reading.metric == "value" else reading.success_words
    title = f"{what} against an even split"
    return charts.uplift(reading.uplift, width=width, height=height, narrow=narrow, unit="impressions", title=title)


def posterior_plot(reading: Reading, *, width: charts.Width, narrow: bool = False) -> charts.Plot:
    shown = [view for view in reading.arms if view.result.state != "retired"][:DRAWN_ARMS]
    rows = [
        {
            "arm": words.shorten(view.label, 60),
            "rate": view.believed,
            "low": view.result.credible.low,
            "high": view.result.credible.high,
            "sequence_low": max(view.result.rate_sequence.low, 0.0),
            "sequence_high": view.result.rate_sequence.high,
            "exposures": int(view.result.exposures),
            "colour": view.colour if view.letter else "#8b9097",
        }
        for view in shown
    ]
    return charts.posterior(rows, width=width, narrow=narrow, metric=reading.metric_words)


def factor_levels(reading: Reading) -> dict[str, list[LevelResult]]:
    """Levels of the factors that vary, the strongest first."""
    found: dict[str, list[LevelResult]] = {}
    for level in reading.result.levels:
        found.setdefault(level.factor, []).append(level)
    return {
        factor: sorted(levels, key=lambda level: -level.effect_rel)
        for factor, levels in found.items()
        if len(levels) > 1
    }


def effect_rows(levels: Sequence[LevelResult]) -> list[Row]:
    return [
        {
            "level": words.shorten(picture_words(level.level) if level.factor == "picture" else f"“{level.level}”", 60),
            "effect": level.effect_rel,
            "low": level.interval.low,
            "high": level.interval.high,
        }
        for level in levels
    ]


def figures(reading: Reading) -> dict[str, charts.Figure]:
    """The charts of a result page by name: share, uplift, posterior, and one for each factor."""
    found = {"share": _share_figure(reading), "posterior": _posterior_figure(reading)}
    if reading.uplift:
        found["uplift"] = _uplift_figure(reading)
    by_factor = factor_levels(reading)
    reach = max((charts.reach_of(effect_rows(levels)) for levels in by_factor.values()), default=0.1)
    for factor, levels in by_factor.items():
        found[f"factor-{factor}"] = _factor_figure(factor, levels, reach)
    return found


def _share_figure(reading: Reading) -> charts.Figure:
    steps = sorted({row["visitors"] for row in reading.share})
    late = {row["arm"]: row["share"] for row in reading.share if row["visitors"] == (steps[-1] if steps else 0)}
    names = {view.letter: view.name for view in reading.arms if view.letter}
    chosen = steps[:: max(1, len(steps) // 6)] + steps[-1:]
    table = [
        (words.number(step), *(words.percent(_share_at(reading.share, step, name), 0) for name in late))
        for step in dict.fromkeys(chosen)
    ]
    most = max(late, key=lambda name: late[name], default="")
    now = f"{names.get(most, most)} has {words.percent(late.get(most), 0)} of the traffic now" if late else "no traffic"
    return charts.figure(
        "share",
        "Share of traffic",
        f"{now}, after {words.number(steps[-1] if steps else 0)} impressions.",
        lambda narrow: share_plot(reading, width="container", narrow=narrow, height=240 if narrow else 280),
        note="Letters are those of the list below. Grey is everything else.",
        columns=("impressions so far", *(name if name == charts.OTHERS else f"{name}" for name in late)),
        rows=table,
    )


def _share_at(rows: Sequence[Row], visitors: int, arm: str) -> float | None:
    return next((row["share"] for row in rows if row["visitors"] == visitors and row["arm"] == arm), None)


def _uplift_figure(reading: Reading) -> charts.Figure:
    last = reading.uplift[-1]
    summary = f"Now {words.lift(last['estimate'])}, {span(last['low'], last['high'])}."
    return charts.figure(
        "uplift",
        "What moving the traffic earned",
        summary,
        lambda narrow: uplift_plot(reading, width="container", narrow=narrow, height=230 if narrow else 280),
        note=f"{summary} The band holds at every look, however often you read it.",
        columns=("impressions so far", "estimate", "at least", "at most"),
        rows=[
            (words.number(r["visitors"]), words.lift(r["estimate"]), words.lift(r["low"]), words.lift(r["high"]))
            for r in reading.uplift[:: max(1, len(reading.uplift) // 8)]
        ],
    )


def span(low: float | None, high: float | None) -> str:
    """An interval in words; an end that is not bounded yet is said."""
    if low is None and high is None:
        return "not bounded yet"
    if high is None:
        return f"at least {words.lift(low)}"
    return f"at most {words.lift(high)}" if low is None else f"between {words.lift(low)} and {words.lift(high)}"


def _posterior_figure(reading: Reading) -> charts.Figure:
    views = [view for view in reading.arms if view.result.state != "retired"][:DRAWN_ARMS]
    left_out = sum(view.result.state != "retired" for view in reading.arms) - len(views)
    best = views[0] if views else None
    note = "Thick: what we believe, with 95 % probability. Thin: what every look has allowed."
    return charts.figure(
        "posterior",
        f"{reading.metric_words.capitalize()} of each ad",
        f"{best.name} leads with {reading.value(best.believed)}." if best else "Nothing was shown yet.",
        lambda narrow: posterior_plot(reading, width="container", narrow=narrow),
        note=f"{note} The first {DRAWN_ARMS} of {len(views) + left_out}." if left_out > 0 else note,
        columns=("ad", "believed", "from", "to", "shown"),
        rows=[
            (
                view.label,
                reading.value(view.believed),
                reading.value(view.result.credible.low),
                reading.value(view.result.credible.high),
                words.number(view.result.exposures),
            )
            for view in views
        ],
    )


def _factor_figure(factor: str, levels: Sequence[LevelResult], reach: float) -> charts.Figure:
    rows = effect_rows(levels)
    return charts.figure(
        f"factor-{factor}",
        PARTS.get(factor, factor.replace("_", " ").capitalize()),
        level_sentence(levels[0]),
        lambda narrow: charts.effects(rows, width="container", narrow=narrow, reach=reach),
        columns=("level", "effect", "from", "to", "shown"),
        rows=[
            (
                row["level"],
                words.lift(row["effect"]),
                words.lift(row["low"]),
                words.lift(row["high"]),
                words.number(level.exposures),
            )
            for row, level in zip(rows, levels, strict=True)
        ],
    )


# --- kept looks ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    reading: Reading
    figures: dict[str, charts.Figure]
    cost_s: float
    made: float  # monotonic


class Readings:
    """The last look at each experiment, used again for a while: never more than a fifth of a core goes into one."""

    def __init__(self, services: Services, least_s: float = 2.0) -> None:
        self._services, self._least_s = services, least_s
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._making: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def known(self, workspace: str, id: str) -> Reading | None:
        """A look that is there already, whatever its age."""
        kept = self._kept.get((workspace, id))
        return kept.reading if kept else None

    def of(self, workspace: str, id: str, now: datetime, afresh: bool = False) -> Reading:
        """A look that is fresh enough, or a new one. Raises NotFound."""
        key = (workspace, id)
        with self._lock:
            lock = self._making.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            test = self._services.store(workspace).tests.get(id)  # raises NotFound, and knows the state of now
            if kept and not afresh and kept.reading.test == test:
                age = time.monotonic() - kept.made
                if age < max(self._least_s, 4.0 * kept.cost_s):
                    return kept.reading
            started = time.monotonic()
            reading = read(self._services, workspace, id, now)
            drawn = figures(reading) if reading.result.exposures else {}
            self._remember(key, _Kept(reading, drawn, time.monotonic() - started, time.monotonic()))
            return reading

    def figures(self, workspace: str, reading: Reading) -> dict[str, charts.Figure]:
        """The charts of a look, drawn once."""
        kept = self._kept.get((workspace, reading.test.id))
        return kept.figures if kept and kept.reading is reading else figures(reading)

    def _remember(self, key: tuple[str, str], kept: _Kept) -> None:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = kept
            for old in list(self._kept)[:-200]:
                self._kept.pop(old, None)
                self._making.pop(old, None)
