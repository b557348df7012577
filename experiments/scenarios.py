"""Scenarios of one's own, from plain values (a TOML or JSON file): arms with rates, or factors with effects.

    impressions = 200_000
    rate = 0.02                       # of the average arm

    [[factors]]
    name = "headline"
    effects = {plain = 0.0, warm = 0.15, bold = -0.1}    # 0.15 is +15 % on the odds of a click

    [[factors]]
    name = "image"
    levels = 12                       # or: how many, drawn at random
    sd = 0.11

    [[interactions]]
    levels = {headline = "warm", image = "image-3"}
    effect = 0.2

    [drift]
    walk_sd = 0.01                    # of every arm's logit, per batch of 1,000
    changes = [{at = 0.5, arm = "leader", effect = -0.4}]

    [delay]
    mean_s = 1800
    batch_s = 300

Without factors: `arms = {calm = 0.021, bold = 0.024}` (rates) or `n_arms = 50` with `sd = 0.2`. With segments:
`[[segments]]` with `name`, `share`, `effect`, `sd` (how much its taste differs) and `effects = {arm or level = ...}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from .errors import ExperimentError
from .simulate import BATCH, Scenario, World
from .types import EVERYONE, Arm, Experiment, Factor, Floats, Ints, combinations

Plain = Mapping[str, Any]

_TOP = ("name", "summary", "impressions", "rate", "arms", "n_arms", "sd", "factors", "interactions")
_MORE = ("n_interactions", "interaction_sd", "drift", "delay", "segments", "newcomers")
KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset((*_TOP, *_MORE)),
    "factors": frozenset(["name", "effects", "levels", "sd"]),
    "interactions": frozenset(("levels", "effect")),
    "drift": frozenset(("walk_sd", "changes", "wave", "wave_batches")),
    "drift.changes": frozenset(("at", "arm", "effect")),
    "delay": frozenset(("mean_s", "batch_s")),
    "segments": frozenset(["name", "share", "effect", "sd", "effects"]),
    "newcomers": frozenset(("at", "n")),
}


class InvalidScenario(ExperimentError):
    """A scenario's values cannot be used."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"scenario: {where}: {reason}" if where else f"scenario: {reason}")


def scenario_from(values: Plain, name: str = "own") -> Scenario:
    """A scenario from plain values; see the head of this module for what may stand there.

    Args:
        values: as read from TOML or JSON.
        name: used when the values name none.

    Raises:
        InvalidScenario: an unknown key, a number out of range, a name that is not there; says which and what may be.
    """
    _known(values, "")
    impressions = _number(values, "impressions", 200_000, low=BATCH, high=50_000_000)
    n_batches = max(round(impressions / BATCH), 1)

    def make(rng: np.random.Generator, batches: int) -> World:
        return _world(values, rng, batches)

    _world(values, np.random.default_rng(0), min(n_batches, 5))  # says now what is wrong
    summary = str(values.get("summary", "from a file"))
    return Scenario(str(values.get("name", name)), summary, n_batches, make)


def _world(values: Plain, rng: np.random.Generator, n_batches: int) -> World:
    experiment, logits = _arms(values, rng)
    segments = _rows(values, "segments")
    names, shares, by_segment = _segments(segments, experiment, logits, rng)
    experiment = Experiment(
        "simulated", experiment.arms, experiment.factors, segments=names if segments else (EVERYONE,)
    )
    rates = special.expit(_drifted(values, experiment, by_segment, rng, n_batches))
    delay = _section(values, "delay")
    enters, leaves = _newcomers(values, len(experiment.arms), n_batches)
    return World(
        experiment,
        rates,
        shares,
        delay_mean_s=_number(delay, "mean_s", 0.0, low=0.0, high=1e8, where="delay"),
        batch_s=_number(delay, "batch_s", 300.0, low=1e-3, high=1e8, where="delay"),
        enters=enters,
        leaves=leaves,
    )


def _arms(values: Plain, rng: np.random.Generator) -> tuple[Experiment, Floats]:
    """The arms and their logits before segments and drift; (K,)."""
    base = float(special.logit(_number(values, "rate", 0.02, low=1e-5, high=0.9)))
    sd = _number(values, "sd", 0.2, low=0.0, high=3.0)
    if "factors" in values:
        for key in ("arms", "n_arms"):
            if key in values:
                raise InvalidScenario(key, "give factors or arms, not both")
        return _combined(values, base, rng)
    if "arms" in values:
        rates = values["arms"]
        if not isinstance(rates, Mapping) or len(rates) < 2:
            raise InvalidScenario("arms", "two or more names with their rates, such as {calm = 0.02, bold = 0.024}")
        logits = [special.logit(_number(rates, arm, 0.0, low=1e-6, high=0.99, where="arms")) for arm in rates]
        return Experiment("simulated", tuple(Arm(str(arm)) for arm in rates)), np.array(logits)
    n_arms = int(_number(values, "n_arms", 10, low=2, high=20_000))
    return Experiment("simulated", tuple(Arm(f"arm-{k}") for k in range(n_arms))), base + rng.normal(0.0, sd, n_arms)


def _combined(values: Plain, base: float, rng: np.random.Generator) -> tuple[Experiment, Floats]:
    factors, effects = [], []
    for i, row in enumerate(_rows(values, "factors")):
        factor, effect = _factor(row, f"factors.{i}", rng)
        factors.append(factor)
        effects.append(effect)
    shape = tuple(len(factor.levels) for factor in factors)
    if int(np.prod(shape)) > 20_000:
        raise InvalidScenario("factors", f"{int(np.prod(shape)):,} combinations; at most 20,000")
    logits = np.full(shape, base)
    for axis, effect in enumerate(effects):
        logits += effect.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    for i, row in enumerate(_rows(values, "interactions")):
        where = f"interactions.{i}"
        levels = row.get("levels")
        if not isinstance(levels, Mapping) or len(levels) < 2:
            raise InvalidScenario(where, "levels must name a level of two or more factors")
        unknown = set(levels) - {factor.name for factor in factors}
        if unknown:
            raise InvalidScenario(
                where, f"no factor {sorted(unknown)[0]!r}; here: {', '.join(f.name for f in factors)}"
            )
        at = tuple(
            _place(factor.levels, levels[factor.name], f"{where}.levels.{factor.name}")
            if factor.name in levels
            else slice(None)
            for factor in factors
        )
        logits[at] += np.log1p(_number(row, "effect", 0.0, low=-0.99, high=100.0, where=where))
    logits += _random_pairs(values, shape, rng)
    return Experiment("simulated", combinations(factors), tuple(factors)), logits.ravel()


def _factor(row: Plain, where: str, rng: np.random.Generator) -> tuple[Factor, Floats]:
    name = str(row.get("name", ""))
    if not name:
        raise InvalidScenario(where, "a factor needs a name")
    if "effects" in row:
        effects = row["effects"]
        if not isinstance(effects, Mapping) or not effects:
            raise InvalidScenario(where, "effects are levels with numbers, such as {plain = 0.0, warm = 0.15}")
        numbers = [_number(effects, level, 0.0, low=-0.99, high=100.0, where=f"{where}.effects") for level in effects]
        return Factor(name, tuple(str(level) for level in effects)), np.log1p(np.array(numbers))
    n = int(_number(row, "levels", 0, low=1, high=2_000, where=where))
    sd = _number(row, "sd", 0.11, low=0.0, high=3.0, where=where)
    return Factor(name, tuple(f"{name}-{i}" for i in range(n))), rng.normal(0.0, sd, n)


def _random_pairs(values: Plain, shape: Sequence[int], rng: np.random.Generator) -> Floats:
    """Pairs of levels drawn at random, with normal effects, spread over the pairs of factors by their number."""
    n = int(_number(values, "n_interactions", 0, low=0, high=100_000))
    sd = _number(values, "interaction_sd", 0.15, low=0.0, high=3.0)
    logits = np.zeros(shape)
    pairs = [(a, b) for a in range(len(shape)) for b in range(a + 1, len(shape))]
    possible = sum(shape[a] * shape[b] for a, b in pairs)
    for a, b in pairs:
        size = shape[a] * shape[b]
        effect = np.zeros(size)
        chosen = rng.choice(size, min(round(n * size / possible), size), replace=False)
        effect[chosen] = rng.normal(0.0, sd, chosen.size)
        logits += effect.reshape([shape[i] if i in (a, b) else 1 for i in range(len(shape))])
    return logits


def _segments(
    rows: Sequence[Plain], experiment: Experiment, logits: Floats, rng: np.random.Generator
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names, shares (S,) and logits (S, K)."""
    if not rows:
        return (EVERYONE,), np.ones(1), logits[None]
    names, shares, parts = [], [], []
    for i, row in enumerate(rows):
        where = f"segments.{i}"
        names.append(str(row.get("name", f"segment-{i}")))
        shares.append(_number(row, "share", 1.0 / len(rows), low=1e-6, high=1e6, where=where))
        own = logits + np.log1p(_number(row, "effect", 0.0, low=-0.99, high=100.0, where=where))
        own = own + rng.normal(0.0, _number(row, "sd", 0.0, low=0.0, high=3.0, where=where), logits.size)
        for target, effect in dict(row.get("effects", {})).items():
            mine = [arm.id == target or target in (arm.levels or {}).values() for arm in experiment.arms]
            if not any(mine):
                raise InvalidScenario(f"{where}.effects", f"{target!r} is no arm and no level")
            own = own + np.log1p(float(effect)) * np.array(mine)
        parts.append(own)
    if len(set(names)) != len(names):
        raise InvalidScenario("segments", "a name occurs twice")
    total = np.array(shares)
    return tuple(names), total / total.sum(), np.stack(parts)


def _drifted(values: Plain, experiment: Experiment, logits: Floats, rng: np.random.Generator, n_batches: int) -> Floats:
    """(B, S, K) logits, or (1, S, K) when nothing changes."""
    drift = _section(values, "drift")
    if not drift:
        return logits[None]
    walk = _number(drift, "walk_sd", 0.0, low=0.0, high=1.0, where="drift")
    moved = logits[None] + np.cumsum(rng.normal(0.0, walk, (n_batches, 1, logits.shape[1])), axis=0)
    wave = _number(drift, "wave", 0.0, low=0.0, high=3.0, where="drift")
    period = _number(drift, "wave_batches", 50.0, low=1.0, high=1e6, where="drift")
    moved = moved + wave * np.sin(2.0 * np.pi * np.arange(n_batches) / period)[:, None, None]
    ids = [arm.id for arm in experiment.arms]
    for i, row in enumerate(_rows(drift, "changes", "drift.changes")):
        where = f"drift.changes.{i}"
        at = int(_number(row, "at", 0.5, low=0.0, high=1.0, where=where) * n_batches)
        at = min(at, n_batches - 1)
        target = str(row.get("arm", "leader"))
        mean = moved[at].mean(axis=0)
        column = int(mean.argmax()) if target == "leader" else _place(ids, target, f"{where}.arm")
        moved[at:, :, column] += np.log1p(_number(row, "effect", -0.4, low=-0.99, high=100.0, where=where))
    return np.asarray(moved, dtype=np.float64)


def _newcomers(values: Plain, n_arms: int, n_batches: int) -> tuple[Ints | None, None]:
    """The last `n` arms join at a part of the run."""
    row = _section(values, "newcomers")
    if not row:
        return None, None
    n = int(_number(row, "n", 1, low=1, high=n_arms - 1, where="newcomers"))
    at = int(_number(row, "at", 0.5, low=0.0, high=1.0, where="newcomers") * n_batches)
    return np.r_[np.zeros(n_arms - n), np.full(n, at)].astype(np.int64), None


def _known(values: Plain, where: str) -> None:
    allowed = KEYS[where]
    for key in values:
        if key not in allowed:
            raise InvalidScenario(where, f"unknown key {key!r}; known here: {', '.join(sorted(allowed))}")


def _section(values: Plain, key: str) -> Plain:
    found = values.get(key, {})
    if not isinstance(found, Mapping):
        raise InvalidScenario(key, "must be a table of names and values")
    _known(found, key)
    return found


def _rows(values: Plain, key: str, where: str | None = None) -> list[Plain]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise InvalidScenario(where or key, "must be a list of tables")
    for row in found:
        _known(row, where or key)
    return list(found)


def _number(values: Plain, key: str, default: float, *, low: float, high: float, where: str = "") -> float:
    found = values.get(key, default)
    path = f"{where}.{key}" if where else key
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise InvalidScenario(path, f"must be a number, not {found!r}")
    if not low <= found <= high:
        raise InvalidScenario(path, f"is {found}; allowed: {low:g} to {high:g}")
    return float(found)


def _place(names: Sequence[str], name: Any, where: str) -> int:
    if name not in names:
        raise InvalidScenario(
            where, f"no {name!r}; here: {', '.join(list(names)[:12])}{' ...' if len(names) > 12 else ''}"
        )
    return list(names).index(name)
