"""A workspace with experiments that have data, and a real server for a real browser to look at."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.arena import Opening
from service.records import RunningTest
from service.tracking import IncomingEvent, LoggedDecision, Report
from tests.service.conftest import Shop, open_shop

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def grow(
    shop: Shop,
    test: RunningTest,
    n: int,
    rates: Mapping[str, float],
    *,
    seed: int = 5,
    batch: int = 250,
    every: timedelta = timedelta(hours=2),
    begin: datetime = BEGIN,
) -> None:
    """Send n visitors past the HTTP layer: decide, see, click as the rates say, learn after every batch."""
    services, rng, now = shop.services, random.Random(seed), begin
    services.arena._uniform = random.Random(seed + 1).random  # decisions that can be repeated
    for _ in range(n // batch):
        now += every
        at = now.timestamp()
        services.arena.load("main", test.id, now)
        drawn = [services.arena.decide("main", test.id, at)[0] for _ in range(batch)]
        services.log.write([LoggedDecision("main", decision) for decision in drawn])
        events = [IncomingEvent(f"shown:{d.id}", d.id, "shown", 1.0, at) for d in drawn]
        events += [
            IncomingEvent(f"clicked:{d.id}", d.id, "clicked", 1.0, at) for d in drawn if rng.random() < rates[d.arm]
        ]
        services.log.write([Report("main", tuple(events), at)])
        services.arena.refresh("main", test.id, now, force=True)


def opened(shop: Shop, name: str, creatives: list[str], begin: datetime = BEGIN, **more: Any) -> RunningTest:
    """A running experiment over approved creatives."""
    test = shop.services.arena.open("main", Opening(name, tuple(creatives), **more), begin)
    return shop.services.arena.start("main", test.id, "tests", begin)


def rates_of(test: RunningTest, base: float = 0.03) -> dict[str, float]:
    """A truth in which the first headline and the first picture are better, and the rest alike."""
    found = {}
    for arm in test.plan.arms:
        levels = list((arm.levels or {"arm": arm.id}).values())
        firsts = [factor.levels[0] for factor in test.plan.factors] or [test.plan.arms[0].id]
        found[arm.id] = base * (1.0 + 0.45 * sum(level in firsts for level in levels))
    return found


@dataclass(frozen=True)
class Grown:
    """A shop with a finished look at one experiment and an untouched one beside it."""

    shop: Shop
    test: RunningTest  # combined: headlines by pictures, with data
    plain: RunningTest  # three ads as they are, with data


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    for shop in open_shop(tmp_path_factory.mktemp("grown"), refresh_s=3600.0):
        shop.product()
        made = shop.creatives("Pours slowly", "Keeps its heat", "Made to last")
        from experiments import PolicySpec

        test = opened(
            shop, "Which words for the mug", made, combine=True, policy=PolicySpec(kind="factorial"), holdout=0.1
        )
        grow(shop, test, 6_000, rates_of(test))
        plain = opened(shop, "Three ads as they are", made[:3], holdout=0.1)
        grow(shop, plain, 2_000, rates_of(plain))
        yield Grown(shop, test, plain)
