"""Simulated visitors with a known truth, walking through the real HTTP API: decide, pixel, click.

For demonstrations and load; nothing here is used to serve anyone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

Levels = Mapping[str, str]  # factor -> level
Look = Callable[[int], Awaitable[None]]  # called now and then with the number of visitors so far


@dataclass(frozen=True, slots=True)
class Truth:
    """What each combination is really worth: additive effects on the log-odds of a click, and a little of its own."""

    rates: Mapping[str, float]  # arm -> probability of a click, 0 to 1
    effects: Mapping[str, Mapping[str, float]]  # factor -> level -> log-odds

    @property
    def best_arm(self) -> str:
        return max(self.rates, key=lambda arm: (self.rates[arm], arm))

    @property
    def uniform_rate(self) -> float:
        """Click rate if every arm were shown equally often."""
        return float(np.mean(list(self.rates.values())))


def draw_truth(
    arms: Mapping[str, Levels], rng: np.random.Generator, *, base_rate: float = 0.045, spread: float = 0.32
) -> Truth:
    """A truth that a shop might meet: some headlines and pictures work, a pair surprises, most is noise.

    Args:
        arms: arm id -> its levels.
        base_rate: click rate of an average combination, 0 to 1.
        spread: standard deviation of a level's effect, log-odds.
    """
    factors = sorted({factor for levels in arms.values() for factor in levels})
    effects: dict[str, dict[str, float]] = {}
    for factor in factors:
        names = sorted({levels[factor] for levels in arms.values()})
        drawn = rng.normal(0.0, spread, len(names))
        effects[factor] = dict(zip(names, (drawn - drawn.mean()).tolist(), strict=True))
    base = float(np.log(base_rate / (1.0 - base_rate)))
    rates = {}
    for arm in sorted(arms):
        odds = base + sum(effects[factor][arms[arm][factor]] for factor in factors) + rng.normal(0.0, 0.06)
        rates[arm] = float(1.0 / (1.0 + np.exp(-odds)))
    return Truth(rates, effects)


@dataclass(slots=True)
class Walk:
    """What happened, in the order of the visitors."""

    arms: list[str] = field(default_factory=list)
    propensities: list[float] = field(default_factory=list)
    clicks: int = 0
    decisions: dict[str, bool] = field(default_factory=dict)  # decision id -> clicked, all acknowledged
    retries: int = 0

    def uplift(self, truth: Truth) -> float:
        """True uplift of what was served over uniform traffic, relative."""
        return float(np.mean([truth.rates[arm] for arm in self.arms])) / truth.uniform_rate - 1.0

    def share_of(self, arm: str, since: float = 0.9) -> float:
        """Share of the last visitors that saw this arm; ``since`` .9 is the last tenth."""
        late = self.arms[int(since * len(self.arms)) :]
        return late.count(arm) / max(1, len(late))


async def walk_through(
    address: str,
    experiment: str,
    publishable_key: str,
    truth: Truth,
    n: int,
    rng: np.random.Generator,
    *,
    walk: Walk | None = None,
    at_once: int = 24,
    look: Look | None = None,
    look_every: int = 1_000,
    patience_s: float = 60.0,
) -> Walk:
    """Send n visitors through decide, pixel and click.

    A visitor that meets a server which is down waits and tries again, for up to ``patience_s``.

    Raises:
        aiohttp.ClientError: the server stayed away or answered with an error.
    """
    walk = walk or Walk()
    uniforms = rng.random(n)
    numbers = iter(range(n))
    url = f"{address}/v1/experiments/{experiment}/decide"
    looking = asyncio.Lock()
    connector = aiohttp.TCPConnector(limit=at_once + 2)
    async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "Mozilla/5.0 adloom-demo"}) as session:
        api = _Patient(session, patience_s, walk)

        async def visit(number: int) -> None:
            found = await api.json("POST", url, json={}, headers={"X-API-Key": publishable_key})
            clicked = bool(uniforms[number] < truth.rates[found["arm"]])
            await api.bytes("GET", found["pixel"])
            if clicked:
                await api.bytes("GET", found["click"])
            walk.arms.append(found["arm"])
            walk.propensities.append(found["propensity"])
            walk.decisions[found["decision"]] = clicked
            walk.clicks += clicked
            if look and len(walk.arms) % look_every == 0:
                async with looking:
                    await look(len(walk.arms))

        async def stroll() -> None:
            for number in numbers:
                await visit(number)

        await asyncio.gather(*(stroll() for _ in range(at_once)))
    return walk


class _Patient:
    """Requests that outlast a restart of the server."""

    def __init__(self, session: aiohttp.ClientSession, patience_s: float, walk: Walk) -> None:
        self._session, self._patience_s, self._walk = session, patience_s, walk

    async def json(self, method: str, url: str, **more: Any) -> Any:
        import orjson

        return orjson.loads(await self.bytes(method, url, **more))

    async def bytes(self, method: str, url: str, **more: Any) -> bytes:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        while True:
            try:
                async with self._session.request(method, url, allow_redirects=False, **more) as answer:
                    body = await answer.read()
                    if answer.status < 400:
                        return body
                    if answer.status not in (429, 503):
                        answer.raise_for_status()
            except (TimeoutError, aiohttp.ClientConnectionError):
                if asyncio.get_running_loop().time() > deadline:
                    raise
            self._walk.retries += 1
            await asyncio.sleep(0.2)


def shares(arms: Sequence[str], names: Sequence[str], others: str, bins: int = 40) -> list[dict[str, Any]]:
    """Share of traffic per arm over time, for the plot: every named arm and the rest, in equal steps."""
    rows: list[dict[str, Any]] = []
    edges = np.linspace(0, len(arms), min(bins, max(1, len(arms))) + 1).astype(int)
    for start, end in itertools.pairwise(edges):
        part = arms[start:end]
        known = 0.0
        for name in names:
            share = part.count(name) / max(1, len(part))
            known += share
            rows.append({"visitors": int(end), "arm": name, "share": share})
        rows.append({"visitors": int(end), "arm": others, "share": max(0.0, 1.0 - known)})
    return rows
