"""Keys are bounded, rotated and accounted for; every address is closed to other workspaces."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.arena import utc_now
from service.cli import app
from service.errors import Conflict, InvalidInput, TooMany, UnknownKey
from service.keys import Limits
from service.records import Scope
from service.usage import PICTURES, Usage, seconds_to_next_month
from tests.service.conftest import NOW, Shop


def make(shop: Shop, **more: Any) -> Any:
    return shop.call("POST", "/v1/keys", 201, json={"name": "k", "scopes": ["merchant"], **more})


# --- their life --------------------------------------------------------------------------------------------------


def test_a_rotated_key_gives_way_at_once_or_after_its_grace(shop: Shop) -> None:
    old = make(shop, rate="500/second", quotas={"texts": 9})

    new = shop.call("POST", f"/v1/keys/{old['id']}/rotate", 201, json={"grace_s": 3_600})

    assert (new["name"], new["scopes"], new["rate"], new["quotas"]) == ("k", ["merchant"], "500/second", {"texts": 9})
    shop.call("GET", "/v1/products", 200, key=old["key"])
    shop.call("GET", "/v1/products", 200, key=new["key"])
    newest = shop.call("POST", f"/v1/keys/{new['id']}/rotate", 201)
    shop.call("GET", "/v1/products", 401, key=new["key"])
    shop.call("GET", "/v1/products", 200, key=newest["key"])
    shop.call("POST", f"/v1/keys/{new['id']}/rotate", 409)
    actions = [(e["action"], e["thing_id"]) for e in shop.call("GET", "/v1/audit", 200)]
    assert {("create", old["id"]), ("rotate", old["id"]), ("rotate", new["id"])} <= set(actions)
    assert "key" not in str([e["detail"] for e in shop.call("GET", "/v1/audit", 200) if e["kind"] == "key"])


def test_a_key_works_until_it_expires(shop: Shop) -> None:
    ends = utc_now() + timedelta(milliseconds=400)
    key = make(shop, expires=ends.isoformat())["key"]

    shop.call("GET", "/v1/products", 200, key=key)
    threading.Event().wait(0.5)

    answer = shop.call("GET", "/v1/products", 401, key=key)
    assert "expired" in str(answer)


@pytest.mark.parametrize(
    "limits",
    [{"rate": "lots"}, {"quotas": {"cakes": 1}}, {"quotas": {"texts": -1}}, {"expires": "2001-01-01T00:00:00Z"}],
)
def test_limits_that_make_no_sense_are_refused(shop: Shop, limits: Any) -> None:
    shop.call("POST", "/v1/keys", 422, json={"name": "k", "scopes": ["merchant"], **limits})


# --- how much ----------------------------------------------------------------------------------------------------


def test_a_key_has_a_rate_of_its_own(shop: Shop) -> None:
    key = make(shop, rate="2/minute")["key"]

    answers = [shop.client.get("/v1/products", headers={"X-API-Key": key}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    shop.call("GET", "/v1/products", 200)


def test_a_quota_ends_at_its_number_and_is_told_in_the_account(shop: Shop) -> None:
    shop.product("cup", photo=False)
    key = make(shop, quotas={"texts": 2})
    body = {"product_id": "cup", "channel": "email"}

    for _ in range(2):
        shop.call("POST", "/v1/copy", 201, json=body, key=key["key"])
    refused = shop.client.post("/v1/copy", json=body, headers={"X-API-Key": key["key"]})
    too_many = {"product_ids": ["cup"], "channels": ["email"]}
    shop.call("POST", "/v1/copy/jobs", 429, json=too_many, key=key["key"])

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= 31 * 86_400 + 1
    line = next(line for line in shop.call("GET", "/v1/usage", 200)["lines"] if line["key_id"] == key["id"])
    assert (line["n"], line["quota"], line["what"]) == (2, 2, "texts")


def test_what_failed_to_begin_is_given_back(shop: Shop) -> None:
    key = make(shop, quotas={"texts": 1})
    shop.call("POST", "/v1/copy", 404, json={"product_id": "nothing", "channel": "email"}, key=key["key"])
    shop.product("cup", photo=False)
    shop.call("POST", "/v1/copy", 201, json={"product_id": "cup", "channel": "email"}, key=key["key"])


def test_a_quota_is_never_overrun_by_many_at_once(shop: Shop) -> None:
    key, _ = shop.services.ring.create("main", "busy", [Scope.DESIGNER], NOW, limits=Limits(quotas={PICTURES: 50}))
    account, refused = Usage(shop.services.database), []

    def spend() -> None:
        for _ in range(20):
            try:
                account.spend(key, PICTURES, 1, NOW)
            except TooMany:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    used = [line.n for line in account.of("main", "2026-03") if line.key_id == key.id]
    assert used == [50]
    assert len(refused) == 30


@pytest.mark.parametrize(
    ("now", "left_s"),
    [(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 2), (datetime(2028, 2, 1, tzinfo=UTC), 29 * 86_400 + 1)],
)
def test_a_month_ends_in_utc(now: datetime, left_s: int) -> None:
    assert seconds_to_next_month(now) == left_s


# --- who sees what -----------------------------------------------------------------------------------------------

OPEN = {"/v1/rules/check", "/v1/scenes", "/v1/scenes/{id}", "/v1/keys/me", "/v1/formats", "/v1/formats/{name}"}


@pytest.fixture(scope="module")
def ours(shop: Shop) -> dict[str, str]:
    """One of everything, by the resource that its address begins with."""
    test = shop.running_test("Ours")
    copy = shop.call("POST", "/v1/copy", 201, json={"product_id": "mug", "channel": "email"})
    job = shop.call("POST", "/v1/copy/jobs", 202, json={"product_ids": ["mug"], "channels": ["email"]})
    shop.call("PUT", "/v1/brands/ours", 201, json={"tone": "calm"})
    return {
        "products": "mug",
        "copy": copy["id"],
        "jobs": job["id"],
        "creatives": test["arms"][0]["creative_id"],
        "experiments": test["id"],
        "brands": "ours",
        "keys": shop.call("GET", "/v1/keys/me", 200)["id"],
    }


def test_every_address_is_closed_to_other_workspaces(shop: Shop, ours: dict[str, str]) -> None:
    """With another workspace's admin key and our ids: refused where we are named, nothing of ours elsewhere."""
    ids = ours
    _, foreign = shop.services.ring.create("elsewhere", "theirs", [Scope.ADMIN], utc_now())
    before = shop.call("GET", "/v1/products/mug", 200)
    walked, leaked = [], []
    for method, path, operation in sorted(
        _addresses(shop), key=lambda one: one[0] == "put"
    ):  # a PUT makes one of theirs
        if path in OPEN or ("{" not in path and method != "get"):
            continue  # for everybody, or makes something new in the workspace of the key
        body = {"json": _example(operation, shop)} if method in ("post", "put", "patch") else {}
        answer = shop.client.request(
            method.upper(), _filled(path, ids), headers={"X-API-Key": foreign}, follow_redirects=False, **body
        )
        walked.append((method, path, answer.status_code))
        says_ours = answer.status_code < 400 and any(id in answer.text for id in ids.values() if len(id) > 5)
        did_something = "{" in path and answer.status_code < 400 and method != "put"  # PUT makes one of their own
        if says_ours or did_something:
            leaked.append((method, path, answer.status_code, answer.text[:200]))
    assert not leaked, leaked
    assert len(walked) > 40
    found = [row for row in walked if row[2] in (404, 422)]
    assert len(found) > 20
    assert shop.call("GET", "/v1/products/mug", 200) == before
    assert shop.call("GET", f"/v1/experiments/{ids['experiments']}", 200)["state"] == "running"
    assert "calm" in str(shop.call("GET", "/v1/brands/ours", 200))


def _addresses(shop: Shop) -> list[tuple[str, str, Any]]:
    paths = shop.client.get("/openapi.json").json()["paths"]
    return [
        (method, path, operation)
        for path, methods in paths.items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    ]


def _filled(path: str, ids: dict[str, str]) -> str:
    """The address with ids of ours in the place of its parameters."""
    values = {"{id}": ids.get(path.split("/")[2], "x"), "{name}": "front.png", "{arm}": "a"}
    return "/".join(values.get(part, "x") if part.startswith("{") else part for part in path.split("/"))


def _example(operation: Any, shop: Shop) -> Any:
    """A body that the address would take, as far as its description tells; an empty one otherwise."""
    content = operation.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    schema = shop.client.get("/openapi.json").json()["components"]["schemas"].get(reference.rpartition("/")[2], {})
    told = {name: about for name, about in schema.get("properties", {}).items() if name in schema.get("required", [])}
    known = {"id": "mug", "title": "Theirs", "name": "Theirs", "url": "https://shop.example/a.png"}
    return {name: known.get(name, [] if about.get("type") == "array" else "x") for name, about in told.items()}


# --- the command -------------------------------------------------------------------------------------------------


def test_keys_are_managed_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_DATA_DIR", str(tmp_path))
    run = CliRunner()

    def call(*words: str, code: int = 0) -> Any:
        result = run.invoke(app, [*words, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if code == 0 else result.stderr

    assert "adloom workspaces create" in call("keys", "create", "a", "--scope", "admin", "--workspace", "b", code=2)
    call("workspaces", "create", "b", "--name", "Shop B")
    made = call("keys", "create", "a", "--scope", "admin", "--workspace", "b", "--quota", "texts=5", "--expires", "1d")
    new = call("keys", "rotate", made["id"], "--workspace", "b")
    listed = {key["id"]: key["works"] for key in call("keys", "list", "--workspace", "b")}
    call("keys", "revoke", new["id"], "--workspace", "b")

    assert made["key"].startswith(f"adl_{made['id']}_")
    assert new["quotas"] == {"texts": 5}
    assert listed == {made["id"]: False, new["id"]: True}
    assert [key["works"] for key in call("keys", "list", "--workspace", "b")] == [False, False]
    assert [one["id"] for one in call("workspaces", "list")] == ["b"]
    assert "no scope" in call("keys", "create", "a", "--scope", "king", code=2)


def test_the_ring_knows_only_good_keys(shop: Shop) -> None:
    ring = shop.services.ring
    with pytest.raises(InvalidInput):
        ring.create("main", "x", [], NOW)
    with pytest.raises(UnknownKey):
        ring.recognise("adl_000000000000_" + "x" * 30)
    key, text = ring.create("main", "x", [Scope.GROWTH], NOW)
    shop.services.keys.revoke("main", key.id, NOW)
    with pytest.raises(Conflict):
        ring.rotate("main", key.id, NOW)
    with pytest.raises(UnknownKey, match="revoked"):
        ring.recognise(text)
