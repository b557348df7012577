"""Who plays in a test that runs already: pausing, retiring, shipping, challengers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import lineup
from service.arena import utc_now
from service.errors import Conflict, InvalidInput, NotFound
from tests.service.conftest import Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    yield from open_shop(tmp_path, refresh_s=3_600.0)


def served(shop: Shop, id: str) -> set[str]:
    """Arms that the weights in force can draw."""
    return set(max(shop.store.tests.tables(id).items())[1].arms)


def running(shop: Shop, **more: Any) -> Any:
    return shop.running_test("A", "B", **more)


def test_a_paused_arm_is_not_drawn_and_comes_back_when_asked(shop: Shop) -> None:
    test = running(shop)
    first = test["arms"][0]["id"]
    shop.call("POST", f"/v1/experiments/{test['id']}/arms", 200, json={"states": {first: "paused"}})
    assert first not in served(shop, test["id"])
    shop.call("POST", f"/v1/experiments/{test['id']}/arms", 200, json={"states": {first: "active"}})
    assert first in served(shop, test["id"])


def test_an_arm_that_somebody_paused_stays_paused_when_the_test_goes_on(shop: Shop) -> None:
    test = running(shop)
    first = test["arms"][0]["id"]
    shop.call("POST", f"/v1/experiments/{test['id']}/arms", 200, json={"states": {first: "paused"}})
    shop.call("POST", f"/v1/experiments/{test['id']}/pause", 200)
    shop.call("POST", f"/v1/experiments/{test['id']}/start", 200)
    assert first not in served(shop, test["id"])
    other = test["arms"][1]["creative_id"]
    shop.call("POST", f"/v1/creatives/{other}/reject", 200)
    shop.call("POST", f"/v1/creatives/{other}/approve", 200)
    assert served(shop, test["id"]) == {arm["id"] for arm in test["arms"]} - {first}


def test_a_retired_arm_never_comes_back(shop: Shop) -> None:
    test = running(shop)
    first = test["arms"][0]["id"]
    lineup.set_arms(shop.services.arena, shop.store, test["id"], {first: "retired"}, "me", utc_now())
    with pytest.raises(Conflict, match="retired"):
        lineup.set_arms(shop.services.arena, shop.store, test["id"], {first: "active"}, "me", utc_now())


def test_the_last_arm_cannot_be_taken_out(shop: Shop) -> None:
    test = running(shop)
    states = {arm["id"]: "paused" for arm in test["arms"]}
    shop.call("POST", f"/v1/experiments/{test['id']}/arms", 409, json={"states": states})
    assert served(shop, test["id"]) == set(states)


def test_a_shipped_arm_is_shown_to_everybody_and_shipping_can_be_taken_back(shop: Shop) -> None:
    test = running(shop, holdout=0.2)
    winner = test["arms"][2]["id"]
    shop.call("POST", f"/v1/experiments/{test['id']}/ship", 200, json={"arm": winner})
    answers = [
        shop.call("POST", f"/v1/experiments/{test['id']}/decide", 200, key=test["publishable_key"]) for _ in range(5)
    ]
    assert {(answer["arm"], answer["propensity"]) for answer in answers} == {(winner, 1.0)}
    lineup.take_back(shop.services.arena, shop.store, test["id"], "me", utc_now())
    assert served(shop, test["id"]) == {arm["id"] for arm in test["arms"]}


def test_a_challenger_joins_as_it_is(shop: Shop) -> None:
    test = running(shop)
    new = shop.creatives("C")[0]
    body = {"creatives": [new]}
    after = shop.call("POST", f"/v1/experiments/{test['id']}/challengers", 200, json=body)
    assert len(after["arms"]) == len(test["arms"]) + 1
    assert new in served(shop, test["id"])
    shop.call("POST", f"/v1/experiments/{test['id']}/challengers", 422, json=body)  # twice is refused


def test_a_challenging_headline_meets_every_picture_and_no_id_is_given_twice(shop: Shop) -> None:
    test = running(shop, combine=True, policy={"kind": "factorial"})
    new = shop.creatives("C")
    after = shop.call("POST", f"/v1/experiments/{test['id']}/challengers", 200, json={"creatives": new[:1]})
    ids = [arm["id"] for arm in after["arms"]]
    assert len(ids) == len(set(ids)) == 6  # three headlines by two pictures
    assert {"A", "B", "C"} == set(after["factors"]["headline"])
    assert served(shop, test["id"]) == set(ids)
    assert [arm["id"] for arm in test["arms"]] == ids[:4]  # those that were there keep their ids and places
    shop.call("POST", f"/v1/experiments/{test['id']}/decide", 200, key=test["publishable_key"])


def test_only_approved_creatives_may_challenge(shop: Shop) -> None:
    test = running(shop)
    new = shop.creatives("D", approve=False)[0]
    with pytest.raises(InvalidInput, match="not approved"):
        lineup.challenge(shop.services.arena, shop.store, test["id"], [new], "me", utc_now())


def test_a_stopped_test_cannot_be_changed(shop: Shop) -> None:
    test = running(shop)
    shop.call("POST", f"/v1/experiments/{test['id']}/stop", 200)
    with pytest.raises(Conflict, match="stopped"):
        lineup.ship(shop.services.arena, shop.store, test["id"], test["arms"][0]["id"], "me", utc_now())
    with pytest.raises(NotFound):
        lineup.ship(shop.services.arena, shop.store, "exp_none", "a", "me", utc_now())
