"""The HTTP surface as merchants, designers and the growth team meet it."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import pytest

from tests.service.conftest import Shop, open_shop, png


def until(check: Any, seconds: float = 20.0) -> Any:
    """Ask again until the answer is true, or fail."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = check()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def finished(shop: Shop, id: str) -> Any:
    return until(lambda: (job := shop.call("GET", f"/v1/jobs/{id}", 200))["finished"] and job)


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "field"),
    [
        ("POST", "/v1/products", {"json": {"id": "a"}}, 422, "title"),
        ("POST", "/v1/products", {"json": {"id": "a", "title": "A", "colour": "red"}}, 422, "colour"),
        ("POST", "/v1/products", {"json": {"id": "a", "title": True}}, 422, "title"),
        ("POST", "/v1/products", {"json": {"id": "../a", "title": "A"}}, 422, "id"),
        ("POST", "/v1/products", {"json": {"id": "a", "title": "A", "facts": [{"key": "k"}]}}, 422, "facts.0.value"),
        ("POST", "/v1/products", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "body"),
        ("GET", "/v1/products?limit=0", {}, 422, "limit"),
        ("GET", "/v1/products/none", {}, 404, None),
        ("GET", "/v1/nothing", {}, 404, None),
        ("DELETE", "/v1/images", {}, 405, None),
        ("POST", "/v1/images", {"json": {"product_ids": ["none"], "scenes": ["oak"]}}, 404, None),
        ("POST", "/v1/images", {"json": {"product_ids": [], "scenes": ["oak"]}}, 422, "product_ids"),
        ("POST", "/v1/products", {"content": b" " * (1 << 20) + b"{}"}, 413, None),
        ("POST", "/v1/experiments", {"json": {"name": "x", "creatives": ["none"]}}, 404, None),
        ("POST", "/v1/events", {"json": {"events": [{"id": "1", "decision": "d", "kind": "x"}]}}, 422, "events.0.kind"),
        ("POST", "/v1/events", {"content": b"nonsense"}, 400, "body"),
        ("POST", "/v1/products/import", {"content": b"x", "headers": {"Content-Type": "a/b"}}, 422, "Content-Type"),
    ],
)  # fmt: skip
def test_every_refusal_is_a_problem_document_with_the_field(
    shop: Shop, method: str, path: str, more: Any, status: int, field: str | None
) -> None:
    answer = shop.client.request(
        method, path, **{**more, "headers": {"X-API-Key": shop.key, **more.get("headers", {})}}
    )
    body = answer.json()
    assert answer.status_code == status == body["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"].startswith("urn:adloom:problem:")
    assert body["title"]
    assert body["detail"]
    if field is not None:
        assert field in [error["field"] for error in body["errors"]]
        assert all(error["reason"] for error in body["errors"])


def test_a_body_without_a_length_is_cut_off_at_the_limit(shop: Shop) -> None:
    parts = (b" " * 65_536 for _ in range(40))  # 2.5 MiB, sent in chunks
    answer = shop.client.post("/v1/products", content=parts, headers={"X-API-Key": shop.key})
    assert answer.status_code == 413


def test_no_key_is_401_and_the_wrong_scope_is_403(shop: Shop) -> None:
    bare = shop.client.get("/v1/products")
    assert bare.status_code == 401
    assert "WWW-Authenticate" in bare.headers
    shop.call("GET", "/v1/products", 401, key="adl_000000000000_aaaaaaaaaaaaaaaaaaaaaaaa")
    merchant = shop.call("POST", "/v1/keys", 201, json={"name": "feed", "scopes": ["merchant"]})
    shop.call("GET", "/v1/products", 200, key=merchant["key"])
    refused = shop.call("POST", "/v1/experiments", 403, key=merchant["key"], json={"name": "x", "creatives": ["a"]})
    assert "growth" in refused["detail"]


def test_a_key_is_told_once_kept_as_a_digest_and_can_be_revoked(shop: Shop) -> None:
    made = shop.call("POST", "/v1/keys", 201, json={"name": "temp", "scopes": ["designer"]})
    secret = made["key"].split("_", 2)[2]
    listed = shop.call("GET", "/v1/keys", 200)
    assert secret not in str(listed)
    with shop.services.database.reader.connect() as connection:
        rows = connection.exec_driver_sql("select * from api_keys").all()
    assert secret not in str(rows)
    shop.call("DELETE", f"/v1/keys/{made['id']}", 204)
    shop.call("GET", "/v1/products", 401, key=made["key"])


def test_an_unexpected_failure_tells_nothing_of_the_inside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(shop.store.products), "page", broken)
    answer = shop.client.get("/v1/products", headers={"X-API-Key": shop.key})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret detail" not in answer.text


# --- merchants ---------------------------------------------------------------------------------------------------


def test_a_product_comes_back_as_it_was_sent(shop: Shop) -> None:
    sent = {
        "id": "kettle-01", "title": "Gooseneck kettle", "brand": "Lumo", "category": "kitchen",
        "price": {"amount": "49.00", "currency": "EUR"}, "facts": [{"key": "capacity", "value": "0.9 l"}],
        "reviews": [{"id": "r1", "stars": 5, "text": "pours exactly where I want", "date": "2026-03-01"}],
    }  # fmt: skip
    shop.call("POST", "/v1/products", 201, json=sent)
    got = shop.call("GET", "/v1/products/kettle-01", 200)
    assert got["price"] == sent["price"]
    assert got["facts"] == [{"key": "capacity", "value": "0.9 l", "unit": None}]
    assert got["reviews"][0]["text"] == "pours exactly where I want"
    shop.call("POST", "/v1/products", 409, json=sent)


def test_pages_of_a_list_cover_it_without_repeats(shop: Shop) -> None:
    for i in range(5):
        shop.call("PUT", f"/v1/products/page-{i}", 201, json={"id": f"page-{i}", "title": "x", "category": "paged"})
    seen, after = [], ""
    while True:
        page = shop.call("GET", f"/v1/products?category=paged&limit=2{after}", 200)
        seen += [product["id"] for product in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [f"page-{i}" for i in range(5)]


def test_a_feed_with_one_bad_row_changes_nothing_and_names_the_row(shop: Shop) -> None:
    feed = b'{"id": "feed-1", "title": "One"}\n{"id": "feed-2", "titel": "Two"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    refused = shop.call("POST", "/v1/products/import", 422, content=feed, headers=headers)
    assert refused["errors"][0]["field"].startswith("2.")
    shop.call("GET", "/v1/products/feed-1", 404)
    kept = shop.call("POST", "/v1/products/import?partial=true", 201, content=feed, headers=headers)
    assert (kept["imported"], kept["new"], len(kept["refused"])) == (1, 1, 1)
    shop.call("GET", "/v1/products/feed-1", 200)


def test_csv_columns_become_facts_and_prices(shop: Shop) -> None:
    feed = b"id,title,price,currency,fact:capacity\ncsv-1,Mug,12.50,USD,350 ml\n"
    shop.call("POST", "/v1/products/import", 201, content=feed, headers={"Content-Type": "text/csv"})
    got = shop.call("GET", "/v1/products/csv-1", 200)
    assert got["price"] == {"amount": "12.50", "currency": "USD"}
    assert got["facts"] == [{"key": "capacity", "value": "350 ml", "unit": None}]


def test_a_shopify_export_is_one_product_a_handle(shop: Shop) -> None:
    feed = (
        b"Handle,Title,Vendor,Type,Body (HTML),Variant Price,Image Src\n"
        b"tee,Plain tee,Lumo,Shirts,<p>Soft &amp; warm</p>,20.00,https://cdn.example/1.jpg\n"
        b"tee,,,,,,https://cdn.example/2.jpg\n"
    )
    done = shop.call("POST", "/v1/products/import", 201, content=feed, headers={"Content-Type": "text/csv"})
    assert done["imported"] == 1
    got = shop.call("GET", "/v1/products/tee", 200)
    assert got["facts"][0]["value"] == "Soft & warm"
    assert [photo["key"] for photo in got["photos"]] == ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]


def test_photographs_take_the_place_of_their_names_and_come_back_byte_for_byte(shop: Shop) -> None:
    body = {"id": "lamp", "title": "Lamp", "photos": ["front.png", "back.png"]}
    shop.call("POST", "/v1/products", 201, json=body)
    data = png((1, 2, 3))
    got = shop.call("PUT", "/v1/products/lamp/photos/front.png", 200, content=data)
    assert got["photos"][0]["key"].startswith("photos/")
    assert (got["photos"][0]["width_px"], got["photos"][1]["sha256"]) == (96, "")
    assert shop.call("GET", "/v1/products/lamp/photos/front.png", 200).content == data
    again = shop.call("PUT", "/v1/products/lamp", 200, json=body)  # the file again: the upload stays
    assert again["photos"][0]["sha256"] == got["photos"][0]["sha256"]
    refused = shop.call("PUT", "/v1/products/lamp/photos/back.png", 422, content=b"GIF89a")
    assert refused["errors"][0]["field"] == "photo"


def test_copy_is_written_kept_and_found_again(shop: Shop) -> None:
    shop.product("mug", photo=False)
    made = shop.call("POST", "/v1/copy", 201, json={"product_id": "mug", "channel": "email"})
    assert shop.call("GET", f"/v1/copy/{made['id']}", 200) == made
    job = shop.call("POST", "/v1/copy/jobs", 202, json={"product_ids": ["mug"], "channels": ["email", "google_rsa"]})
    assert finished(shop, job["id"])["n_done"] == 2


# --- writes that are sent twice ----------------------------------------------------------------------------------


def test_a_write_with_an_idempotency_key_happens_once(shop: Shop) -> None:
    headers = {"Idempotency-Key": "import-7"}
    body = {"id": "once", "title": "Once"}
    first = shop.client.post("/v1/products", json=body, headers={"X-API-Key": shop.key, **headers})
    second = shop.client.post("/v1/products", json=body, headers={"X-API-Key": shop.key, **headers})
    assert (first.status_code, second.status_code) == (201, 201)  # without the key the second would be 409
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    other = shop.call("POST", "/v1/products", 422, json={"id": "twice", "title": "x"}, headers=headers)
    assert other["errors"][0]["field"] == "Idempotency-Key"


def test_a_refused_write_leaves_its_idempotency_key_free(shop: Shop) -> None:
    headers = {"Idempotency-Key": "retry-1"}
    shop.call("POST", "/v1/products", 422, json={"id": "retry"}, headers=headers)
    shop.call("POST", "/v1/products", 201, json={"id": "retry", "title": "Now with a title"}, headers=headers)


# --- designers ---------------------------------------------------------------------------------------------------


def test_an_image_job_makes_every_combination_and_keeps_pictures_and_receipts(shop: Shop) -> None:
    shop.product("mug")
    body = {
        "product_ids": ["mug"],
        "scenes": ["oak", "linen"],
        "formats": ["square", "story"],
        "headline": "Slow coffee",
    }
    job = shop.call("POST", "/v1/images", 202, json=body)
    done = finished(shop, job["id"])
    assert (done["state"], done["n_done"], done["n_failed"], done["progress"]) == ("done", 4, 0, 1.0)
    for item in shop.call("GET", f"/v1/jobs/{job['id']}/items", 200)["items"]:
        creative = shop.call("GET", f"/v1/creatives/{item['result_id']}", 200)
        assert creative["approval"] == "pending"
        picture = shop.call("GET", creative["links"]["picture"], 200)
        assert picture.headers["content-type"] == "image/png"
        receipt = shop.call("GET", creative["links"]["receipt"], 200)
        assert (receipt["passed"], receipt["max_abs_diff"]) == (True, 0)


def test_one_item_that_fails_says_why_and_the_others_are_made(shop: Shop) -> None:
    shop.product("mug")
    job = shop.call("POST", "/v1/images", 202, json={"product_ids": ["mug"], "scenes": ["oak", "nothing"]})
    done = finished(shop, job["id"])
    assert (done["state"], done["n_done"], done["n_failed"]) == ("done", 1, 1)
    failed = shop.call("GET", f"/v1/jobs/{job['id']}/items", 200)["items"][1]
    assert failed["reason"] == "no product found: the photograph is one colour"


def test_a_product_without_a_photograph_fails_with_the_reason(shop: Shop) -> None:
    shop.product("bare", photo=False)
    job = shop.call("POST", "/v1/images", 202, json={"product_ids": ["bare"], "scenes": ["oak"]})
    assert finished(shop, job["id"])["state"] == "failed"
    assert "no photograph" in shop.call("GET", f"/v1/jobs/{job['id']}/items", 200)["items"][0]["reason"]


def test_progress_can_be_watched_until_the_end(shop: Shop) -> None:
    shop.product("mug")
    job = shop.call("POST", "/v1/images", 202, json={"product_ids": ["mug"], "scenes": ["oak"], "seeds": [1, 2, 3]})
    with shop.client.stream("GET", f"/v1/jobs/{job['id']}/events", headers={"X-API-Key": shop.key}) as stream:
        text = "".join(stream.iter_text())
    assert text.endswith('event: end\ndata: {"state": "done"}\n\n')
    assert '"n_done":3' in text


def test_the_same_submission_twice_is_one_job(shop: Shop) -> None:
    shop.product("mug")
    body = {"product_ids": ["mug"], "scenes": ["oak"], "seeds": [77]}
    jobs = [
        shop.call("POST", "/v1/images", 202, json=body, headers={"Idempotency-Key": "night-1"})["id"] for _ in range(2)
    ]
    assert jobs[0] == jobs[1]


def test_a_cancelled_job_gives_up_what_has_not_begun(shop: Shop) -> None:
    shop.product("mug")
    body = {"product_ids": ["mug"], "scenes": ["oak"], "seeds": list(range(100))}
    job = shop.call("POST", "/v1/images", 202, json=body)
    cancelled = shop.call("DELETE", f"/v1/jobs/{job['id']}", 200)
    assert cancelled["state"] == "cancelled"
    time.sleep(0.5)  # an item that had begun may still be settled; nothing new begins
    states = [item["state"] for item in shop.call("GET", f"/v1/jobs/{job['id']}/items?limit=200", 200)["items"]]
    assert states.count("cancelled") > 50
    assert shop.call("GET", f"/v1/jobs/{job['id']}", 200)["state"] == "cancelled"


# --- the growth team ---------------------------------------------------------------------------------------------


def test_only_approved_creatives_enter_an_experiment(shop: Shop) -> None:
    shop.product("mug")
    pending = shop.creatives("Never approved", approve=False)
    refused = shop.call("POST", "/v1/experiments", 422, json={"name": "x", "creatives": pending})
    assert refused["errors"][0]["field"] == "creatives.0"
    assert "not approved" in refused["errors"][0]["reason"]
    shop.call("POST", f"/v1/creatives/{pending[0]}/approve", 200)
    shop.call("POST", "/v1/experiments", 201, json={"name": "x", "creatives": pending[:1]})


def test_a_creative_whose_receipt_failed_cannot_be_approved(shop: Shop) -> None:
    import dataclasses

    from tests.service.conftest import NOW, SCENES, creative_of

    creative, data = creative_of("mug", SCENES[0], headline="Changed")
    changed = dataclasses.replace(
        creative, id="cr_changed", receipt=dataclasses.replace(creative.receipt, max_abs_diff=3)
    )
    shop.services.objects("main").put(changed.picture_key, data)
    shop.store.creatives.put(changed, NOW)
    assert "receipt" in shop.call("POST", "/v1/creatives/cr_changed/approve", 409)["detail"]


def test_rejecting_a_creative_takes_it_out_of_a_running_test_before_the_answer(shop: Shop) -> None:
    test = shop.running_test("Keep", "Drop")
    dropped = next(arm["creative_id"] for arm in test["arms"] if arm["headline"] == "Drop")
    shop.call("POST", f"/v1/creatives/{dropped}/reject", 200, json={"reason": "off brand"})
    path = f"/v1/experiments/{test['id']}/decide"
    shown = {shop.call("POST", path, 200)["creative"]["creative_id"] for _ in range(60)}
    assert dropped not in shown
    assert len(shown) == 3
    shop.call("POST", f"/v1/creatives/{dropped}/approve", 200)
    back = {shop.call("POST", path, 200)["creative"]["creative_id"] for _ in range(60)}
    assert dropped in back  # missing it 60 times at a share near 1/4 has probability 3e-8


def test_a_test_left_with_nothing_approved_pauses(shop: Shop) -> None:
    test = shop.running_test("Alone")
    for arm in test["arms"]:
        shop.call("POST", f"/v1/creatives/{arm['creative_id']}/reject", 200)
    assert shop.call("GET", f"/v1/experiments/{test['id']}", 200)["state"] == "paused"
    shop.call("POST", f"/v1/experiments/{test['id']}/decide", 409)
    shop.call("POST", f"/v1/experiments/{test['id']}/start", 409)


def test_combining_makes_every_headline_with_every_picture_and_the_page_sets_the_words(shop: Shop) -> None:
    shop.product("mug")
    ids = shop.creatives("First", "Second")  # two headlines, two scenes, one call to action
    body = {"name": "x", "creatives": [ids[0], ids[3]], "combine": True, "policy": {"kind": "factorial"}}
    test = shop.call("POST", "/v1/experiments", 201, json=body)
    assert len(test["arms"]) == 4  # the two creatives span 2 x 2 combinations
    assert test["factors"]["headline"] == ["First", "Second"]
    assert not any(arm["is_typeset"] for arm in test["arms"])


def test_start_pause_stop_follow_their_order(shop: Shop) -> None:
    test = shop.running_test("Order")
    path = f"/v1/experiments/{test['id']}"
    shop.call("POST", f"{path}/decide", 200)
    shop.call("POST", f"{path}/pause", 200)
    assert "paused" in shop.call("POST", f"{path}/decide", 409)["detail"]
    shop.call("POST", f"{path}/start", 200)
    shop.call("POST", f"{path}/decide", 200)
    shop.call("POST", f"{path}/stop", 200)
    shop.call("POST", f"{path}/start", 409)


def test_results_come_as_json_and_as_csv_without_formulas(shop: Shop) -> None:
    test = shop.running_test("=SUM(A1)", "Plain")
    for _ in range(5):
        shop.call("POST", f"/v1/experiments/{test['id']}/decide", 200)
    results = shop.call("GET", f"/v1/experiments/{test['id']}/results", 200)
    assert results["traffic"]["decisions"] == 5
    assert len(results["result"]["arms"]) == 4
    text = shop.call("GET", f"/v1/experiments/{test['id']}/results?format=csv", 200).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["headline"] for row in rows} == {"'=SUM(A1)", "Plain"}
    assert sum(int(row["decisions"]) for row in rows) == 5


def test_who_approved_and_started_is_written_down(shop: Shop) -> None:
    test = shop.running_test("Audited")
    me = shop.call("GET", "/v1/keys/me", 200)["id"]
    entries = shop.call("GET", "/v1/audit?limit=20", 200)
    assert any(e["action"] == "start" and e["thing_id"] == test["id"] and e["actor"] == me for e in entries)


# --- workspaces --------------------------------------------------------------------------------------------------


def test_another_workspace_sees_nothing_of_ours(shop: Shop) -> None:
    from service.arena import utc_now
    from service.records import Scope

    test = shop.running_test("Ours")
    _, foreign = shop.services.ring.create("elsewhere", "theirs", [Scope.ADMIN], utc_now())
    creative = test["arms"][0]["creative_id"]
    for method, path in [
        ("GET", "/v1/products/mug"),
        ("GET", "/v1/products/mug/photos/front.png"),
        ("GET", f"/v1/creatives/{creative}"),
        ("GET", f"/v1/creatives/{creative}/picture"),
        ("POST", f"/v1/creatives/{creative}/reject"),
        ("GET", f"/v1/experiments/{test['id']}"),
        ("GET", f"/v1/experiments/{test['id']}/results"),
        ("GET", f"/v1/experiments/{test['id']}/weights"),
        ("GET", f"/v1/experiments/{test['id']}/decisions"),
        ("POST", f"/v1/experiments/{test['id']}/stop"),
        ("POST", f"/v1/experiments/{test['id']}/decide"),
    ]:
        shop.call(method, path, 404, key=foreign)
    for path in ("/v1/products", "/v1/creatives", "/v1/experiments", "/v1/jobs", "/v1/copy"):
        assert shop.call("GET", path, 200, key=foreign)["items"] == []


# --- the rest ----------------------------------------------------------------------------------------------------


def test_health_readiness_metrics_and_description_answer(shop: Shop) -> None:
    assert shop.client.get("/healthz").json() == {"status": "ok"}
    ready = shop.client.get("/readyz").json()
    assert ready["ready"], ready
    assert "adloom_http_requests_total" in shop.client.get("/metrics").text
    docs = shop.client.get("/docs").text
    assert "/v1/experiments/{id}/decide" in docs
    assert "<script" not in docs
    assert "http://" not in docs.replace("http://www.w3.org", "")
    api = shop.client.get("/openapi.json").json()
    for path, methods in api["paths"].items():
        if path.startswith("/v1"):
            for method, about in methods.items():
                assert "401" in about["responses"], (method, path)
                assert "Problem" in str(about["responses"]["401"])


# the next two open servers of their own; background jobs run in one server of a process, so they come last


def test_a_key_brought_in_the_settings_works_and_replaces_the_one_before(tmp_path: Any) -> None:
    for first in open_shop(tmp_path, admin_key="brought-by-the-operator"):
        first.call("GET", "/v1/products", 200, key="brought-by-the-operator")
    for second in open_shop(tmp_path, admin_key="another-long-enough-key"):
        second.call("GET", "/v1/products", 200, key="another-long-enough-key")
        second.call("GET", "/v1/products", 401, key="brought-by-the-operator")


def test_a_key_over_its_rate_is_told_when_to_come_back(tmp_path: Any) -> None:
    for small in open_shop(tmp_path, rate_limit="3/minute"):
        for _ in range(3):
            small.call("GET", "/v1/products", 200)
        answer = small.client.get("/v1/products", headers={"X-API-Key": small.key})
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 60
