"""Batches meet the limits of a server. A file of its own: work in the background runs in one server of a process."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.service.conftest import Shop, open_shop


def planned(shop: Shop, **asked: Any) -> Any:
    """A batch of one product in two scenes, looked at and planned."""
    body = {"product_ids": ["mug"], "scenes": 2, "formats": ["square"], **asked}
    id = shop.call("POST", "/v1/batches", 202, json=body)["id"]
    for _ in range(600):
        view = shop.call("GET", f"/v1/batches/{id}", 200)
        if view["state"] == "planned":
            return view
        time.sleep(0.05)
    raise AssertionError(view)


def test_a_full_queue_answers_429_with_the_time_to_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    for shop in open_shop(tmp_path_factory.mktemp("full"), items_waiting=30):
        shop.product("mug")
        first = planned(shop, seeds=list(range(100)))  # 200 pictures: an empty queue takes them
        shop.call("POST", f"/v1/batches/{first['id']}/start", 202)
        second = shop.client.post(
            "/v1/images",
            headers={"X-API-Key": shop.key},
            json={"product_ids": ["mug"], "scenes": ["oak"], "seeds": list(range(30))},
        )
        assert second.status_code == 429, second.text
        assert int(second.headers["retry-after"]) >= 1


def test_nothing_starts_when_the_disk_has_no_room(tmp_path_factory: pytest.TempPathFactory) -> None:
    for shop in open_shop(tmp_path_factory.mktemp("small")):
        shop.product("mug")
        plan = planned(shop)
        object.__setattr__(
            shop.services, "settings", shop.services.settings.model_copy(update={"disk_reserve_mb": 10**9})
        )
        answer = shop.call("POST", f"/v1/batches/{plan['id']}/start", 507)
        assert "MB stay free" in answer["detail"]
