"""``/v1/batches``: planned, started, paused, resumed, tried again, delivered."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.service.conftest import Shop, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    for shop in open_shop(tmp_path_factory.mktemp("batches")):
        shop.product("mug")
        shop.product("jar")
        shop.product("bare", photo=False)
        yield shop


def until(shop: Shop, id: str, *states: str) -> Any:
    for _ in range(600):
        view = shop.call("GET", f"/v1/batches/{id}", 200)
        if view["state"] in states:
            return view
        time.sleep(0.05)
    raise AssertionError(view)


def planned(shop: Shop, **asked: Any) -> Any:
    body = {"product_ids": ["mug"], "scenes": 2, "formats": ["square"], **asked}
    return until(shop, shop.call("POST", "/v1/batches", 202, json=body)["id"], "planned")


def test_a_batch_is_planned_first_then_made_and_delivered(shop: Shop) -> None:
    plan = planned(shop, product_ids=["mug", "jar", "bare"], formats=["square", "story"], seeds=[1, 2])
    assert plan["plan"]["n_items"] == 2 * 2 * 2 * 2
    assert plan["plan"]["is_final"]
    assert plan["plan"]["bytes_needed"] > 16 * 900_000
    assert [(one["product"], one["reason"]) for one in plan["refused"]] == [
        ("bare", "photos: product 'bare' has no photograph; upload one first")
    ]
    assert plan["job"] is None
    shop.call("POST", f"/v1/batches/{plan['id']}/start", 202)
    done = until(shop, plan["id"], "done")
    assert done["counts"] == {"waiting": 0, "done": 16, "review": 0, "failed": 0, "cancelled": 0}
    assert done["eta_s"] == 0.0
    first = shop.call("GET", f"/v1/batches/{plan['id']}/items?limit=3", 200)
    rest = shop.call("GET", f"/v1/batches/{plan['id']}/items?after={first['next']}", 200)
    items = [*first["items"], *rest["items"]]
    assert len({item["picture"] for item in items}) == 16
    assert all(item["photo"] == "front.png" and item["receipt"]["max_abs_diff"] == 0 for item in items)
    archive = zipfile.ZipFile(io.BytesIO(shop.call("GET", f"/v1/batches/{plan['id']}/results.zip", 200).content))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {item["picture"] for item in items} | {"results.csv"}
    rows = list(csv.DictReader(io.TextIOWrapper(archive.open("results.csv"), newline="")))
    assert [row["status"] for row in rows] == ["failed", *["done"] * 16]
    sheet = Image.open(io.BytesIO(shop.call("GET", f"/v1/batches/{plan['id']}/contact-sheet.jpg", 200).content))
    assert sheet.width > 1_000
    whole = shop.call("GET", f"/v1/batches/{plan['id']}/batch.json", 200)
    assert len(whole["items"]) == 17


def test_pictures_are_told_as_they_come(shop: Shop) -> None:
    body = {"product_ids": ["mug"], "scenes": ["oak", "nothing"], "formats": ["square"], "seeds": [5]}
    batch = shop.call("POST", "/v1/batches?start=true", 202, json=body)
    stream = shop.call("GET", f"/v1/batches/{batch['id']}/events", 200).text
    events = [part.split("\n") for part in stream.strip().split("\n\n")]
    pictures = [json.loads(data.removeprefix("data: ")) for kind, data in events if kind == "event: picture"]
    assert {(one["scene"], one["status"], one["reason"]) for one in pictures} == {
        ("oak", "done", None),
        ("nothing", "failed", "no product found: the photograph is one colour"),
    }
    assert events[-1][0] == "event: end"


def test_a_paused_batch_waits_and_goes_on_and_failures_are_tried_again(shop: Shop) -> None:
    plan = planned(shop, scenes=["oak", "nothing"], seeds=list(range(20)))
    shop.call("POST", f"/v1/batches/{plan['id']}/start", 202)
    paused = shop.call("POST", f"/v1/batches/{plan['id']}/pause", 200)
    assert paused["state"] == "paused"
    assert paused["eta_s"] is None
    time.sleep(0.5)
    still = shop.call("GET", f"/v1/batches/{plan['id']}", 200)
    assert still["counts"]["waiting"] > 0
    shop.call("POST", f"/v1/batches/{plan['id']}/resume", 200)
    done = until(shop, plan["id"], "done")
    assert (done["counts"]["done"], done["counts"]["failed"]) == (20, 20)
    again = shop.call("POST", f"/v1/batches/{plan['id']}/retry", 200)
    assert again["job"]["round"] == 2
    assert until(shop, plan["id"], "done")["counts"]["failed"] == 20
    shop.call("POST", f"/v1/batches/{plan['id']}/pause", 409)
    failed = shop.call("GET", f"/v1/batches/{plan['id']}/items?status=failed&limit=200", 200)
    assert len(failed["items"]) == 20


def test_a_batch_can_be_cancelled(shop: Shop) -> None:
    plan = planned(shop, seeds=list(range(60)))
    shop.call("POST", f"/v1/batches/{plan['id']}/start", 202)
    view = shop.call("POST", f"/v1/batches/{plan['id']}/cancel", 200)
    assert view["state"] == "cancelled"
    assert sum(view["counts"].values()) == 120


CSV = (
    "product_id;scenes;formats;headline\nmug;oak|linen;square|story;Pours slowly\nnobody;2;square;\n"
    "jar;1;nosuchsize;\njar;;;\n"
)


def test_a_list_of_products_scenes_and_formats_becomes_a_batch(shop: Shop) -> None:
    answer = shop.call("POST", "/v1/batches/import?scenes=1", 202, content=CSV.encode())
    plan = until(shop, answer["id"], "planned")
    assert plan["plan"]["n_items"] == 4 + 1
    assert [one["reason"].split(":")[0] for one in plan["refused"]] == ["row 2", "row 3"]
    for bad in (b"colour,size\nred,2\n", b""):
        shop.call("POST", "/v1/batches/import", 422, content=bad)
    odd = "product_id,seeds\nmug,\u00b2\n".encode()
    assert shop.call("POST", "/v1/batches/import", 202, content=odd)["plan"]["n_items"] == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"product_ids": ["nobody"]}, 404),
        ({"product_ids": []}, 422),
        ({"formats": ["postage-stamp"]}, 422),
        ({"scenes": 0}, 422),
        ({"scenes": ["no-such-scene"]}, 422),
        ({"takes": 9}, 422),
        ({"picture_type": "gif"}, 422),
        ({"copy_id": "nothing"}, 404),
    ],
)
def test_what_cannot_be_planned_is_refused(shop: Shop, change: dict[str, Any], status: int) -> None:
    shop.call("POST", "/v1/batches", status, json={"product_ids": ["mug"], **change})
