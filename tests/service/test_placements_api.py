"""``/v1/placements`` and the wishes of ``/v1/images``, with a studio that has no networks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.conftest import Shop


def test_proposals_come_with_boxes_and_with_what_to_send_for_them(shop: Shop) -> None:
    shop.product("mug")
    answer = shop.call("POST", "/v1/placements", 200, json={"product_id": "mug", "scene": "oak"})
    (offer,) = answer["proposals"]
    assert (answer["width_px"], offer["box"], offer["box_fraction"]) == (100, [20, 30, 70, 90], [0.2, 0.3, 0.7, 0.9])
    assert offer["placement"] == {"mode": "automatic", "choice": 0}
    assert offer["reasons"] == ["because"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"product_id": "mug", "placement": {"mode": "hovering"}}, "placement.mode"),
        ({"product_id": "mug", "placement": {"mode": "box", "box": [0.5, 0.1, 0.2, 0.9]}}, "placement.box"),
        ({"product_id": "mug", "products": ["mug", "cup"]}, "product_id"),
        ({"products": ["mug", "mug"]}, "products"),
        ({"product_id": "mug", "arrangement": "set"}, "products"),
        ({}, "product_id"),
    ],
)
def test_a_wish_that_makes_no_sense_names_its_field(shop: Shop, body: dict[str, Any], field: str) -> None:
    shop.product("mug")
    shop.product("cup")
    assert field in shop.call("POST", "/v1/placements", 422, json=body)["detail"]


def test_several_products_are_one_picture_and_the_wish_goes_with_the_item(shop: Shop) -> None:
    shop.product("mug")
    shop.product("cup")
    body = {"products": ["mug", "cup"], "arrangement": "size_comparison", "scenes": ["oak"], "match_light": False}
    job = shop.call("POST", "/v1/images", 202, json=body)
    assert job["n_items"] == 1
    wish = {"mode": "anchor", "at": "left"}
    job = shop.call("POST", "/v1/images", 202, json={"product_ids": ["mug"], "scenes": ["oak"], "placement": wish})
    (item,) = shop.call("GET", f"/v1/jobs/{job['id']}/items", 200)["items"]
    assert item["request"]["placement"] == wish
    both = {"products": ["mug", "cup"], "product_ids": ["mug"], "scenes": ["oak"]}
    shop.call("POST", "/v1/images", 422, json=both)
