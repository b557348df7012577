"""Decisions and events: drawn from what is logged, kept before they are acknowledged, counted once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from service.errors import Busy, NotFound
from service.tracking import GroupCommit, Signer, Token, Visitors
from tests.service.conftest import Shop, open_shop

TOKEN = Token("main", "exp_1", "arm", "d1")


def path_of(url: str) -> str:
    return urlsplit(url).path


def decide(shop: Shop, test: Any, **body: Any) -> Any:
    return shop.call("POST", f"/v1/experiments/{test['id']}/decide", 200, key=test["publishable_key"], json=body)


def report(shop: Shop, test: Any, *events: dict[str, Any], expect: int = 200) -> Any:
    return shop.call("POST", "/v1/events", expect, key=test["publishable_key"], json={"events": list(events)})


def traffic(shop: Shop, test: Any) -> Any:
    return shop.call("GET", f"/v1/experiments/{test['id']}/results", 200)["traffic"]


def exposures(shop: Shop, test: Any) -> tuple[float, float]:
    result = shop.call("GET", f"/v1/experiments/{test['id']}/results", 200)["result"]
    return result["exposures"], result["clicks"]


def rows(shop: Shop, sql: str, **values: Any) -> Sequence[Any]:
    with shop.services.database.reader.connect() as connection:
        return connection.execute(text(sql), values).all()


# --- decisions ---------------------------------------------------------------------------------------------------


def test_the_propensity_in_the_answer_is_the_tables_number_and_the_logs(shop: Shop) -> None:
    test = shop.running_test("A", "B")
    answers = [decide(shop, test) for _ in range(20)]
    weights = {w["version"]: w for w in shop.call("GET", f"/v1/experiments/{test['id']}/weights", 200)}
    log = {d["id"]: d for d in shop.call("GET", f"/v1/experiments/{test['id']}/decisions", 200)}
    for answer in answers:
        share = weights[answer["weight_version"]]["shares"]["all"]
        assert answer["propensity"] == share[answer["arm"]] == log[answer["decision"]]["propensity"]
        assert sum(share.values()) == pytest.approx(1.0, abs=1e-12)
    assert len(log) == 20


def test_arms_are_drawn_as_often_as_their_propensity_says(shop: Shop) -> None:
    """A fixed 10/20/30/40 split: chi-square over 20,000 draws stays below the 99.99 % point of 3 degrees, 21.1."""
    test = shop.running_test("A", "B")
    arms = [arm["id"] for arm in test["arms"]]
    body = {
        "name": "split", "creatives": arms, "floor": 0.0,
        "policy": {"kind": "fixed", "split": dict(zip(arms, (0.1, 0.2, 0.3, 0.4), strict=True))},
    }  # fmt: skip
    fixed = shop.call("POST", "/v1/experiments", 201, json=body)
    shop.call("POST", f"/v1/experiments/{fixed['id']}/start", 200)
    arena = shop.services.arena
    arena._uniform = random.Random(11).random
    drawn: Counter[str] = Counter()
    promised: dict[str, float] = {}
    for _ in range(20_000):
        decision, showing = arena.decide("main", fixed["id"], time.time())
        assert showing.arm == decision.arm
        drawn[decision.arm] += 1
        promised[decision.arm] = decision.propensity
    assert [promised[arm] for arm in arms] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert sum((drawn[a] - 20_000 * promised[a]) ** 2 / (20_000 * promised[a]) for a in arms) < 21.1


def test_a_decision_is_in_the_log_when_it_is_answered(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = decide(shop, test, visitor="someone@shop.example")
    found = rows(shop, "select arm, propensity, visitor from decisions where id = :id", id=answer["decision"])
    assert [(row.arm, row.propensity) for row in found] == [(answer["arm"], answer["propensity"])]
    assert found[0].visitor == shop.services.visitors.digest("main", "someone@shop.example")


def test_a_visitor_is_kept_as_a_digest_and_without_consent_not_at_all(shop: Shop) -> None:
    test = shop.running_test("A")
    kept, not_kept = decide(shop, test, visitor="v-42"), decide(shop, test, visitor="v-42", consent=False)
    found = {
        row.id: row.visitor
        for row in rows(shop, "select id, visitor from decisions where experiment_id = :t", t=test["id"])
    }
    assert len(found[kept["decision"]]) == 32
    assert found[not_kept["decision"]] is None
    assert "v-42" not in str(rows(shop, "select * from decisions where experiment_id = :t", t=test["id"]))
    assert (
        Visitors(b"salt").digest("a", "v") != Visitors(b"other").digest("a", "v") != Visitors(b"salt").digest("b", "v")
    )


def test_segments_of_the_plan_are_taken_and_others_refused(shop: Shop) -> None:
    shop.product()
    body = {"name": "s", "creatives": shop.creatives("A"), "segments": ["new", "known"]}
    test = shop.call("POST", "/v1/experiments", 201, json=body)
    shop.call("POST", f"/v1/experiments/{test['id']}/start", 200)
    assert decide(shop, test, segment="known")["segment"] == "known"
    refused = shop.call("POST", f"/v1/experiments/{test['id']}/decide", 422, json={"segment": "other"})
    assert refused["errors"][0]["field"] == "segment"


def test_weights_move_to_the_winner_and_every_version_is_kept(shop: Shop) -> None:
    test = shop.running_test("Good", "Bad", refresh_exposures=50)
    good = {arm["id"] for arm in test["arms"] if arm["headline"] == "Good"}
    for i in range(160):
        answer = decide(shop, test)
        shop.client.get(path_of(answer["pixel"]))
        if answer["arm"] in good and i % 2 == 0:
            shop.client.get(path_of(answer["click"]), follow_redirects=False)
        if i % 55 == 54:
            time.sleep(0.4)  # the refresher looks every 0.1 s
    weights = shop.call("GET", f"/v1/experiments/{test['id']}/weights", 200)
    share = weights[-1]["shares"]["all"]
    assert [w["version"] for w in weights] == list(range(1, len(weights) + 1))
    assert len(weights) >= 2
    assert sum(share[arm] for arm in good) > 0.9  # 50 % against 0 % clicks in 160 exposures
    assert min(share.values()) >= 0.05 / 4 - 1e-12  # the floor stays
    shown, clicked = exposures(shop, test)
    assert shown == 160
    assert clicked > 40


# --- events ------------------------------------------------------------------------------------------------------


def test_the_same_event_counts_once_however_often_it_comes(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = decide(shop, test)
    event = {"id": "e-1", "decision": answer["decision"], "kind": "clicked"}
    assert report(shop, test, event, event)["duplicate"] == 1
    assert report(shop, test, event) == {"accepted": 0, "late": 0, "duplicate": 1, "refused": []}
    again = {**event, "id": "e-2"}  # another event, the same click: kept, but one decision succeeds once
    assert report(shop, test, again)["accepted"] == 1
    for _ in range(3):
        shop.client.get(path_of(answer["pixel"]))
    assert exposures(shop, test) == (1, 1)
    events = traffic(shop, test)["events"]
    assert (events["accepted"], events["duplicate"]) == (3, 4)


def test_a_click_without_a_pixel_is_an_exposure_too(shop: Shop) -> None:
    test = shop.running_test("A")
    report(shop, test, {"id": "only-click", "decision": decide(shop, test)["decision"], "kind": "clicked"})
    assert exposures(shop, test) == (1, 1)


def test_late_unknown_future_and_early_events_are_told_apart_and_counted(shop: Shop) -> None:
    test = shop.running_test("A", window_s=0.2)
    decision = decide(shop, test)["decision"]
    time.sleep(0.3)
    answer = report(
        shop,
        test,
        {"id": "late", "decision": decision, "kind": "clicked"},
        {"id": "unknown", "decision": "d-nobody-made", "kind": "clicked"},
        {"id": "future", "decision": decision, "kind": "clicked", "at": "2099-01-01T00:00:00Z"},
        {"id": "early", "decision": decision, "kind": "clicked", "at": "2020-01-01T00:00:00Z"},
    )
    assert answer["late"] == 1
    assert [(r["index"], r["reason"]) for r in answer["refused"]] == [(1, "unknown"), (2, "future"), (3, "early")]
    events = traffic(shop, test)["events"]
    assert {k: events[k] for k in ("late", "future", "early", "accepted")} == {
        "late": 1,
        "future": 1,
        "early": 1,
        "accepted": 0,
    }
    assert traffic(shop, test)["unknown_in_workspace"] >= 1
    assert exposures(shop, test) == (0, 0)


def test_values_are_summed_for_a_value_test(shop: Shop) -> None:
    test = shop.running_test("A", metric="value")
    decision = decide(shop, test)["decision"]
    report(shop, test, {"id": "v1", "decision": decision, "kind": "converted", "value": 10.5})
    report(shop, test, {"id": "v2", "decision": decision, "kind": "converted", "value": 4.5})
    report(shop, test, {"id": "v3", "decision": decision, "kind": "clicked"})
    cells, _ = shop.services.log.read_cells("main", test["id"])
    assert [(c.shown, c.succeeded, c.value, c.square) for c in cells] == [(1, 1, 15.0, 225.0)]


def test_a_publishable_key_speaks_for_its_own_test_only(shop: Shop) -> None:
    mine, other = shop.running_test("A"), shop.running_test("B")
    decision = decide(shop, other)["decision"]
    answer = report(shop, mine, {"id": "x", "decision": decision, "kind": "clicked"})
    assert answer["refused"][0]["reason"] == "unknown"
    shop.call("POST", f"/v1/experiments/{other['id']}/decide", 404, key=mine["publishable_key"])
    shop.call("GET", "/v1/products", 401, key=mine["publishable_key"])
    shop.call("POST", f"/v1/experiments/{mine['id']}/decide", 401, key="pk_nobody")


def test_events_of_a_stopped_test_still_count(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = decide(shop, test)
    shop.call("POST", f"/v1/experiments/{test['id']}/stop", 200)
    assert shop.client.get(path_of(answer["click"]), follow_redirects=False).status_code == 302
    assert exposures(shop, test) == (1, 1)


# --- links -------------------------------------------------------------------------------------------------------


def test_a_click_goes_to_the_registered_page_and_to_no_other(shop: Shop) -> None:
    test = shop.running_test("A")
    link = path_of(decide(shop, test)["click"])
    answer = shop.client.get(f"{link}?url=https://evil.example&next=//evil.example", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/mug")
    assert "no-store" in answer.headers["cache-control"]


def test_a_bent_link_is_refused_and_records_nothing(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = decide(shop, test)
    link = path_of(answer["click"])
    for i in range(len("/c/"), len(link), 7):
        bent = link[:i] + ("A" if link[i] != "A" else "B") + link[i + 1 :]
        assert shop.client.get(bent, follow_redirects=False).status_code == 404
    pixel_as_click = path_of(answer["pixel"]).replace("/p/", "/c/").removesuffix(".gif")
    assert shop.client.get(pixel_as_click, follow_redirects=False).status_code == 404
    assert exposures(shop, test) == (0, 0)


@pytest.mark.parametrize(
    "page",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https://user@evil.example",
        "https://a b",
        "ftp://x",
    ],
)
def test_a_landing_page_that_is_no_web_page_is_refused(shop: Shop, page: str) -> None:
    shop.product()
    body = {"name": "x", "creatives": shop.creatives("A"), "landing_page": page}
    assert shop.call("POST", "/v1/experiments", 422, json=body)["errors"][0]["field"] == "landing_page"


def test_tokens_are_read_back_and_other_secrets_do_not_open_them() -> None:
    signer = Signer(b"one")
    link = signer.sign("click", TOKEN)
    assert signer.read("click", link) == TOKEN
    for reader, kind, spelled in (
        (Signer(b"two"), "click", link),
        (signer, "pixel", link),
        (signer, "click", link + "="),
        (signer, "click", link[:-1]),
        (signer, "click", ""),
        (signer, "click", "é"),
    ):
        with pytest.raises(NotFound):
            reader.read(kind, spelled)  # type: ignore[arg-type]


def test_the_picture_of_a_test_is_public_by_its_signed_link_only(shop: Shop) -> None:
    test = shop.running_test("A")
    link = path_of(decide(shop, test)["creative"]["picture"])
    seen = shop.client.get(link)
    assert (seen.status_code, seen.headers["content-type"]) == (200, "image/png")
    assert "immutable" in seen.headers["cache-control"]
    assert shop.client.get(link[:-3] + "AAA").status_code == 404


def test_the_pixel_is_a_gif_that_is_never_cached(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = shop.client.get(path_of(decide(shop, test)["pixel"]))
    assert answer.content[:6] == b"GIF89a"
    assert "no-store" in answer.headers["cache-control"]


# --- group commit ------------------------------------------------------------------------------------------------


def test_writers_that_come_together_share_a_commit_and_each_gets_its_own_answer() -> None:
    groups: list[list[int]] = []

    def write(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        time.sleep(0.02)
        return [item * 10 for item in items]

    async def run() -> list[int]:
        commit: GroupCommit[int, int] = GroupCommit(write)
        commit.start()
        answers = await asyncio.gather(*(commit.add(i) for i in range(100)))
        await commit.close()
        return answers

    assert asyncio.run(run()) == [i * 10 for i in range(100)]
    assert len(groups) <= 2  # all were waiting when the first group was taken, or one had gone ahead


def test_a_bad_item_fails_alone() -> None:
    def write(items: Sequence[int]) -> list[int]:
        if 13 in items:
            raise ValueError("thirteen")
        return list(items)

    async def run() -> list[int | BaseException]:
        commit: GroupCommit[int, int] = GroupCommit(write)
        commit.start()
        answers = await asyncio.gather(*(commit.add(i) for i in range(20)), return_exceptions=True)
        await commit.close()
        return answers

    answers = asyncio.run(run())
    assert isinstance(answers[13], ValueError)
    assert [a for a in answers if not isinstance(a, BaseException)] == [i for i in range(20) if i != 13]


def test_a_full_queue_says_busy_and_keeps_nothing_of_what_it_refused() -> None:
    written: list[int] = []

    def write(items: Sequence[int]) -> list[int]:
        time.sleep(0.05)
        written.extend(items)
        return list(items)

    async def run() -> list[int | BaseException]:
        commit: GroupCommit[int, int] = GroupCommit(write, most_waiting=5)
        commit.start()
        answers = await asyncio.gather(*(commit.add(i) for i in range(12)), return_exceptions=True)
        await commit.close()
        return answers

    answers = asyncio.run(run())
    assert sum(isinstance(answer, Busy) for answer in answers) == 7
    assert sorted(written) == [answer for answer in answers if isinstance(answer, int)]


def test_closing_commits_what_waits() -> None:
    written: list[int] = []

    def write(items: Sequence[int]) -> list[int]:
        time.sleep(0.02)
        written.extend(items)
        return list(items)

    async def run() -> None:
        commit: GroupCommit[int, int] = GroupCommit(write, most_rows=3)
        commit.start()
        waiting = [asyncio.create_task(commit.add(i)) for i in range(10)]
        await asyncio.sleep(0)
        await commit.close()
        await asyncio.gather(*waiting)
        with pytest.raises(Busy):
            await commit.add(11)

    asyncio.run(run())
    assert sorted(written) == list(range(10))


@pytest.fixture
def small_shop(tmp_path: Any) -> Iterator[Shop]:
    yield from open_shop(tmp_path, events_waiting=3)


def test_more_events_than_the_queue_takes_are_answered_503_with_retry_after(small_shop: Shop) -> None:
    test = small_shop.running_test("A")
    decision = decide(small_shop, test)["decision"]
    events = [{"id": f"e{i}", "decision": decision, "kind": "shown"} for i in range(4)]
    answer = small_shop.client.post(
        "/v1/events", json={"events": events}, headers={"X-API-Key": test["publishable_key"]}
    )
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert traffic(small_shop, test)["events"]["accepted"] == 0
    assert report(small_shop, test, *events[:3])["accepted"] == 3


# --- restart -----------------------------------------------------------------------------------------------------


def test_a_restart_loses_nothing_and_the_test_goes_on(tmp_path: Any) -> None:
    for before in open_shop(tmp_path):
        test = before.running_test("A", "B")
        answer = decide(before, test)
        before.client.get(path_of(answer["pixel"]))
        weights = before.call("GET", f"/v1/experiments/{test['id']}/weights", 200)
        product = before.call("GET", "/v1/products/mug", 200)
        key = before.key
    for after in open_shop(tmp_path):
        assert after.key == key
        assert after.call("GET", "/v1/products/mug", 200) == product
        assert after.call("GET", f"/v1/experiments/{test['id']}/weights", 200) == weights
        assert after.client.get(path_of(answer["click"]), follow_redirects=False).status_code == 302  # same secret
        assert decide(after, test)["weight_version"] == answer["weight_version"]
        assert exposures(after, test) == (1, 1)
