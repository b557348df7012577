"""Weights of a running test: late clicks, changed rates, guardrails, the agreed end and content scores count."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.arena import utc_now
from service.learning import Delays
from tests.service.conftest import Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    yield from open_shop(tmp_path, refresh_s=3_600.0)


def show_and_click(shop: Shop, test: Any, n: int, rates: dict[str, float], kinds: dict[str, str] | None = None) -> None:
    """Decide n times and report what followed: clicks by rate, an unwanted event for the arms in `kinds`."""
    chance, events = random.Random(n), []
    for _ in range(n):
        shown = shop.call("POST", f"/v1/experiments/{test['id']}/decide", 200, json={})
        id, arm = shown["decision"], shown["arm"]
        events.append({"id": f"s-{id}", "decision": id, "kind": "shown"})
        if chance.random() < rates.get(arm, 0.0):
            events.append({"id": f"c-{id}", "decision": id, "kind": "clicked"})
        if kinds and arm in kinds:
            events.append({"id": f"g-{id}", "decision": id, "kind": kinds[arm]})
    for first in range(0, len(events), 500):
        shop.call("POST", "/v1/events", json={"events": events[first : first + 500]})


def served(shop: Shop, id: str) -> dict[str, float]:
    table = max(shop.store.tests.tables(id).items())[1]
    return dict(zip(table.arms, table.segments["all"].logged, strict=True))


def refresh(shop: Shop, id: str) -> Any:
    return shop.services.arena.refresh("main", id, utc_now(), force=False)


def test_an_arm_that_a_guardrail_vetoes_gets_no_more_traffic_and_the_result_says_why(shop: Shop) -> None:
    test = shop.running_test("A", "B", guardrails=[{"kind": "bounced", "limit": 0.1}], refresh_exposures=10)
    bad = test["arms"][0]["id"]
    show_and_click(shop, test, 80, {}, {bad: "bounced"})
    assert refresh(shop, test["id"]) is not None
    assert bad not in served(shop, test["id"])
    result = shop.services.arena.result("main", test["id"], utc_now())
    assert "bounced" in result.vetoed[bad]
    assert result.verdict.arm != bad


def test_the_weights_rest_once_the_agreed_end_is_reached(shop: Shop) -> None:
    test = shop.running_test("A", "B", stop={"max_exposures": 60}, refresh_exposures=10)
    show_and_click(shop, test, 40, {})
    assert refresh(shop, test["id"]) is not None
    show_and_click(shop, test, 40, {})
    assert refresh(shop, test["id"]) is None
    assert shop.services.arena.result("main", test["id"], utc_now()).verdict.action == "stop"


def test_content_scores_say_where_to_begin(shop: Shop) -> None:
    shop.product()
    ids = shop.creatives("A", "B")
    body = {"name": "Scored", "creatives": ids, "prior_scores": {ids[0]: 1.0}, "prior_weight": 1.0}
    body["prior_scores"] |= dict.fromkeys(ids[1:], -1.0)
    test = shop.call("POST", "/v1/experiments", 201, json=body)
    shop.call("POST", f"/v1/experiments/{test['id']}/start", 200)
    shares = served(shop, test["id"])
    assert max(shares, key=lambda arm: shares[arm]) == ids[0]
    stranger = {**body, "prior_scores": {"nobody": 1.0}}
    shop.call("POST", "/v1/experiments", 422, json=stranger)


def test_delays_of_clicks_are_read_once_and_become_a_maturity(shop: Shop) -> None:
    test = shop.running_test("A", refresh_exposures=10)
    arms = {arm["id"]: 1.0 for arm in test["arms"]}
    show_and_click(shop, test, 30, arms)
    delays = Delays("main", test["id"])
    delays.read(shop.services.database)
    now = utc_now().timestamp()
    law = delays.maturity(now, 3_600.0)
    assert float(law.at(3_600.0)) == 1.0
    ages = np.linspace(0.0, 60.0, 50)
    assert np.all(np.diff(law.at(ages)) >= 0.0)
    delays.read(shop.services.database)
    assert len(delays._decided) == 30
