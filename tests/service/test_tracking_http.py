"""Deciding and reporting over HTTP: both lanes, batches, sticky visitors, robots, erasure, several processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from service.api import tracking
from service.arena import Arena
from service.tracking import segment_for
from service.tracking.filters import Bursts, Filters, agent_kind
from tests.service.conftest import Shop, open_shop

ROOT = Path(__file__).resolve().parents[2]
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def path_of(url: str) -> str:
    return urlsplit(url).path


def decide(shop: Shop, test: Any, expect: int = 200, **body: Any) -> Any:
    headers = body.pop("headers", {})
    url = f"/v1/experiments/{test['id']}/decide"
    return shop.call("POST", url, expect, key=test["publishable_key"], json=body, headers=headers)


def load(shop: Shop, link: str, method: str = "GET", **headers: str) -> Any:
    named = {"User-Agent": PERSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    return shop.client.request(method, path_of(link), headers=named, follow_redirects=False)


def results(shop: Shop, test: Any) -> Any:
    return shop.call("GET", f"/v1/experiments/{test['id']}/results", 200)


def n_rows(shop: Shop, table: str, test: Any) -> int:
    with shop.services.database.reader.connect() as connection:
        query = text(f"select count(*) from {table} where experiment_id = :t")
        return int(connection.execute(query, {"t": test["id"]}).scalar_one())


# --- the two lanes -----------------------------------------------------------------------------------------------


def test_both_lanes_give_the_same_answers_and_headers(shop: Shop) -> None:
    """A chunked body, without a length, is not for the fast lane; everything but ids and chance is alike."""
    test = shop.running_test("A")
    url = f"/v1/experiments/{test['id']}/decide"
    headers = {"X-API-Key": test["publishable_key"], "X-Request-Id": "mine-1"}
    decide(shop, test)  # both know the key now
    fast = shop.client.post(url, content=b'{"visitor": "v"}', headers=headers)
    slow = shop.client.post(url, content=iter([b'{"visitor": ', b'"v"}']), headers=headers)
    for answer in (fast, slow):
        body = answer.json()
        assert tracking.DecisionAnswer.model_validate(body).repeated is False
        assert list(body) == list(tracking.DecisionAnswer.model_fields)
    varying = {"content-length"}
    assert {k: v for k, v in fast.headers.items() if k not in varying} == {
        k: v for k, v in slow.headers.items() if k not in varying
    }
    bad = {"visitor": 7}
    assert decide(shop, test, 422, **bad)["errors"][0]["field"] == "visitor"
    assert shop.client.post(url, content=b"{", headers=headers).status_code == 400
    assert shop.client.post(url, content=b" " * (2 << 20), headers=headers).status_code == 413
    assert shop.client.post(url, content=b"{}").status_code == 401


def test_pages_of_allowed_origins_may_read_the_answers(tmp_path: Path) -> None:
    for shop in open_shop(tmp_path, cors_origins=("https://shop.example",)):
        test = shop.running_test("A")
        url = f"/v1/experiments/{test['id']}/decide"
        for content in (b"{}", iter([b"{}"])):  # the fast lane and the other
            headers = {"X-API-Key": test["publishable_key"], "Origin": "https://shop.example"}
            answer = shop.client.post(url, content=content, headers=headers)
            assert answer.headers["access-control-allow-origin"] == "https://shop.example"
            assert answer.headers["vary"] == "Origin"
        other = shop.client.post(url, content=b"{}", headers=headers | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_a_landing_page_in_another_alphabet_is_sent_as_browsers_want_it() -> None:
    assert tracking.location("https://bücher.example/tee/grün?q=ä#ö") == (
        "https://xn--bcher-kva.example/tee/gr%C3%BCn?q=%C3%A4#%C3%B6"
    )
    assert tracking.location("https://shop.example:8443/a?b=c%20d") == "https://shop.example:8443/a?b=c%20d"


# --- deciding ----------------------------------------------------------------------------------------------------


def test_a_batch_decides_for_many_and_logs_each(shop: Shop) -> None:
    test = shop.running_test("A", "B")
    url = f"/v1/experiments/{test['id']}/decide/batch"
    body = {"requests": [{"visitor": f"b{i}"} for i in range(50)]}
    answers = shop.call("POST", url, 200, key=test["publishable_key"], json=body)["decisions"]
    assert len({answer["decision"] for answer in answers}) == 50
    assert n_rows(shop, "decisions", test) == 50
    wrong = shop.call("POST", url, 422, json={"requests": [{}, {"segment": "nowhere"}]})
    assert wrong["errors"][0]["field"] == "requests.1.segment"
    assert n_rows(shop, "decisions", test) == 50  # all or nothing
    shop.call("POST", url, 422, json={"requests": []})


def test_arms_that_are_not_available_are_not_drawn_and_the_propensity_says_so(shop: Shop) -> None:
    test = shop.running_test("A", "B")
    arms = [arm["id"] for arm in test["arms"]]
    for body in ({"available": arms[:2]}, {"unavailable": arms[2:]}, {"available": arms[:3], "unavailable": arms[2:]}):
        found = [decide(shop, test, **body) for _ in range(12)]
        assert {answer["arm"] for answer in found} <= set(arms[:2])
        assert {answer["propensity"] for answer in found} == {0.5}  # equal weights, renormalised over two
    assert decide(shop, test, available=[arms[3]])["propensity"] == 1.0
    assert decide(shop, test, 422, available=["nobody"])["errors"][0]["field"] == "available"
    decide(shop, test, 422, unavailable=arms)


def test_the_context_chooses_the_segment_and_is_not_kept(shop: Shop) -> None:
    shop.product()
    segments = ["all", "device=phone", "country=DE,device=phone"]
    test = shop.call(
        "POST", "/v1/experiments", 201, json={"name": "s", "creatives": shop.creatives("A"), "segments": segments}
    )
    shop.call("POST", f"/v1/experiments/{test['id']}/start", 200)
    for context, segment in (
        ({"device": "phone", "country": "FR", "note": "secret-note"}, "device=phone"),
        ({"device": "phone", "country": "DE"}, "country=DE,device=phone"),
        ({"device": "tablet"}, "all"),
    ):
        assert decide(shop, test, context=context)["segment"] == segment
    assert segment_for(("a", "b"), {"x": "y"}) == "a"


def test_a_sticky_visitor_gets_the_same_decision_again_and_counts_once(shop: Shop) -> None:
    test = shop.running_test("A", "B", "C")
    first = decide(shop, test, visitor="regular", sticky=True)
    for _ in range(5):
        again = decide(shop, test, visitor="regular", sticky=True)
        assert again == {**first, "repeated": True}
        load(shop, again["pixel"])
    assert n_rows(shop, "decisions", test) == 1
    assert results(shop, test)["result"]["exposures"] == 1
    others = [arm["id"] for arm in test["arms"] if arm["id"] != first["arm"]]
    moved = decide(shop, test, visitor="regular", sticky=True, available=others)
    assert moved["arm"] != first["arm"]
    assert decide(shop, test, visitor="regular", sticky=True)["decision"] == moved["decision"]
    assert decide(shop, test, 422, sticky=True)["errors"][0]["field"] == "visitor"


def test_without_consent_nothing_of_a_visitor_is_kept_sticky_or_not(shop: Shop) -> None:
    test = shop.running_test("A", "B")
    found = [decide(shop, test, visitor="shy-visitor", sticky=True, consent=False) for _ in range(3)]
    assert len({answer["decision"] for answer in found}) == 3
    with shop.services.database.reader.connect() as connection:
        rows = connection.execute(
            text("select visitor from decisions where experiment_id = :t"), {"t": test["id"]}
        ).scalars()
        assert set(rows) == {None}
        kept = connection.execute(text("select count(*) from assignments where experiment_id = :t"), {"t": test["id"]})
        assert kept.scalar_one() == 0


def test_no_file_of_the_server_holds_a_visitors_id_or_address(tmp_path: Path) -> None:
    for shop in open_shop(tmp_path, burst_addresses="all"):
        test = shop.running_test("A")
        answer = decide(shop, test, visitor="visitor-id-in-the-clear", sticky=True)
        load(shop, answer["pixel"], X_Forwarded_For="203.0.113.77")
        load(shop, answer["click"], X_Forwarded_For="203.0.113.77")
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert answer["decision"].encode() in held
    for secret in (b"visitor-id-in-the-clear", b"203.0.113", b"testclient"):
        assert secret not in held


# --- robots, bursts, pages fetched ahead -------------------------------------------------------------------------


def test_what_no_person_did_is_marked_left_out_and_can_be_counted_in(shop: Shop) -> None:
    test = shop.running_test("A")
    answer = decide(shop, test)
    assert load(shop, answer["pixel"], Sec_Purpose="prefetch;prerender").content[:4] == b"GIF8"
    assert load(shop, answer["pixel"], Purpose="prefetch").status_code == 200
    assert load(shop, answer["pixel"], X_Moz="prefetch").status_code == 200
    assert load(shop, answer["click"], "HEAD").headers["location"] == "https://shop.example/mug"
    assert load(shop, answer["pixel"], "HEAD").content == b""
    assert load(shop, answer["click"], User_Agent=ROBOT).status_code == 302
    assert load(shop, answer["click"], User_Agent="curl/8.5").status_code == 302
    assert results(shop, test)["result"]["exposures"] == 0
    load(shop, answer["pixel"])  # the person comes after all: what was fetched ahead is not in the way
    view = results(shop, test)
    assert (view["result"]["exposures"], view["result"]["clicks"]) == (1, 0)
    assert view["traffic"]["marked_events"] == {"bot": 1, "burst": 0, "prefetch": 1, "head": 2}
    assert view["traffic"]["events"]["duplicate"] == 3  # fetched ahead thrice, followed by two robots
    url = f"/v1/experiments/{test['id']}/counted-marks"
    assert shop.call("PUT", url, 200, json={"marks": ["bot"]}) == {"marks": ["bot"], "changed_events": 2}
    view = results(shop, test)
    assert (view["result"]["exposures"], view["result"]["clicks"]) == (1, 1)
    assert view["traffic"]["counted_marks"] == ["bot"]
    shop.call("PUT", url, 200, json={"marks": []})
    assert results(shop, test)["result"]["clicks"] == 0
    shop.call("PUT", url, 422, json={"marks": ["ghost"]})


def test_a_robot_that_asks_is_answered_and_its_decision_marked(shop: Shop) -> None:
    test = shop.running_test("A")
    robot = decide(shop, test, headers={"User-Agent": ROBOT})
    load(shop, robot["pixel"])  # whatever follows
    tool = decide(shop, test, headers={"User-Agent": "python-httpx/0.28"})  # a shop's own server
    load(shop, tool["pixel"])
    view = results(shop, test)
    assert view["result"]["exposures"] == 1
    assert view["traffic"]["marked_decisions"]["bot"] == 1
    assert view["traffic"]["decisions"] == 2


def test_more_decisions_than_a_person_can_ask_for_are_marked(tmp_path: Path) -> None:
    for shop in open_shop(tmp_path, burst_visitor=5):
        test = shop.running_test("A")
        for _ in range(9):
            decide(shop, test, visitor="too-fast")
        assert results(shop, test)["traffic"]["marked_decisions"]["burst"] == 4
        metrics = shop.client.get("/metrics").text
        assert 'adloom_marked_total{mark="burst",what="decisions"}' in metrics


def test_user_agents_are_told_apart() -> None:
    assert agent_kind(PERSON) == "person"
    assert agent_kind(ROBOT) == "crawler"
    assert agent_kind("Mozilla/5.0 (X11) HeadlessChrome/140.0.0.0 Safari/537.36") == "crawler"
    assert {agent_kind(a) for a in ("", "curl/8.5", "python-requests/2.32", "Go-http-client/2.0")} == {"fetcher"}


def test_networks_are_judged_by_their_rate_and_private_ones_not_at_all() -> None:
    headers = {b"user-agent": PERSON.encode()}
    filters = Filters(visitor_limit=30, address_limit=3)
    same_network = [filters.of_link(headers, "GET", f"198.41.0.{i}", 100.0 + i) for i in range(5)]
    assert same_network == [None, None, None, "burst", "burst"]
    assert filters.of_link(headers, "GET", "198.41.1.9", 101.0) is None  # another network
    assert filters.of_link(headers, "GET", "198.41.0.9", 300.0) == "burst"  # held for ten minutes
    assert filters.of_link(headers, "GET", "198.41.0.9", 1_000.0) is None
    assert {filters.of_link(headers, "GET", "10.0.0.1", 100.0) for _ in range(9)} == {None}
    assert b"198.41.0" not in repr(vars(filters._networks)).encode()


def test_a_rate_is_counted_in_windows_of_ten_seconds() -> None:
    bursts = Bursts(2)
    assert [bursts.is_too_many("v", t) for t in (0.0, 1.0, 10.5, 11.0, 12.0, 30.0, 700.0)] == [
        False, False, False, False, True, True, False,
    ]  # fmt: skip


# --- erasure -----------------------------------------------------------------------------------------------------


def test_a_visitor_is_erased_over_http_and_the_results_stay(shop: Shop) -> None:
    test = shop.running_test("A", "B")
    for visitor in ("leaver", "stayer"):
        for _ in range(3):
            answer = decide(shop, test, visitor=visitor)
            load(shop, answer["pixel"])
            load(shop, answer["click"])
    before = results(shop, test)
    shop.call(
        "POST",
        "/v1/visitors/erase",
        403,
        key=shop.call("POST", "/v1/keys", 201, json={"name": "m", "scopes": ["merchant"]})["key"],
        json={"visitor": "leaver"},
    )
    assert shop.call("POST", "/v1/visitors/erase", 200, json={"visitor": "leaver"}) == {"decisions": 3, "events": 6}
    after = results(shop, test)
    assert after["traffic"]["decisions_by_arm"] == before["traffic"]["decisions_by_arm"]
    for name in ("exposures", "clicks"):
        assert after["result"][name] == before["result"][name] == 6
    assert [(a["arm"], a["exposures"], a["clicks"]) for a in after["result"]["arms"]] == [
        (a["arm"], a["exposures"], a["clicks"]) for a in before["result"]["arms"]
    ]
    assert n_rows(shop, "decisions", test) == 3
    assert shop.call("POST", "/v1/retention", 200, json={"older_than_days": 1}) == {"decisions": 0, "events": 0}
    metrics = shop.client.get("/metrics").text
    assert 'adloom_erased_total{what="decisions"}' in metrics


def test_the_commands_erase_and_retain_beside_a_server(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from service.cli import app

    for shop in open_shop(tmp_path):
        test = shop.running_test("A")
        load(shop, decide(shop, test, visitor="by-command")["pixel"])
        here = {"ADLOOM_DATA_DIR": str(tmp_path)}
        run = CliRunner().invoke(app, ["visitors", "erase", "by-command", "--json"], env=here)
        assert json.loads(run.stdout) == {"decisions": 1, "events": 1}
        assert results(shop, test)["result"]["exposures"] == 1
        run = CliRunner().invoke(app, ["retain", "--days", "30", "--json"], env=here)
        assert json.loads(run.stdout) == {"decisions": 0, "events": 0}
        assert CliRunner().invoke(app, ["retain"], env=here).exit_code == 1
        nowhere = CliRunner().invoke(app, ["retain", "--days", "1"], env={"ADLOOM_DATA_DIR": str(tmp_path / "none")})
        assert nowhere.exit_code == 1


# --- weights -----------------------------------------------------------------------------------------------------


def test_nobody_waits_while_new_weights_are_worked_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh that does not end before 20 visitors were answered: they are served by the weights before it."""
    test = shop.running_test("A", "B", refresh_exposures=10)
    working, go_on = threading.Event(), threading.Event()
    real = Arena._weigh

    def slow(*arguments: Any, **more: Any) -> Any:
        working.set()
        assert go_on.wait(60.0)
        return real(*arguments, **more)

    monkeypatch.setattr(Arena, "_weigh", slow)
    for _ in range(15):
        load(shop, decide(shop, test)["pixel"])
    assert working.wait(60.0)
    answers = [decide(shop, test) for _ in range(20)]
    assert {answer["weight_version"] for answer in answers} == {1}
    go_on.set()
    deadline = time.monotonic() + 60.0
    while decide(shop, test)["weight_version"] == 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


PROCESS = """
import random, sys, time
from datetime import datetime, UTC
from service.settings import Settings
from service.wiring import wire
from service.tracking import IncomingEvent, LoggedDecision, Report
from tests.service.conftest import fake_studio
services = wire(Settings(), fake_studio)
test, seed = sys.argv[1], int(sys.argv[2])
services.arena.load("main", test, datetime.now(UTC))
chance, versions = random.Random(seed), set()
print("ready", flush=True)
sys.stdin.readline()
for turn in range(60):
    entries = [LoggedDecision("main", services.arena.decide("main", test, time.time())[0]) for _ in range(8)]
    services.log.write(entries)
    versions |= {entry.decision.weight_version for entry in entries}
    now = time.time()
    services.log.write([Report("main", tuple(
        IncomingEvent(f"{kind}", entry.decision.id, kind, 1.0, now)
        for entry in entries for kind in ("shown", "clicked")[: 1 + (chance.random() < 0.3)]), now)])
    services.arena.refresh_all(datetime.now(UTC))
for word in ("done", "looked"):  # whoever looks first may still make a version; after that nothing is new
    print(word, flush=True)
    sys.stdin.readline()
    services.arena.refresh_all(datetime.now(UTC))
print(max(versions), services.arena._live["main", test].table.version, flush=True)
"""


@pytest.mark.slow
def test_two_processes_agree_on_the_weights_and_log_no_version_that_is_not_kept(tmp_path: Path) -> None:
    """Both decide, report and refresh on one database: one line of versions, and every exposure counted once."""
    import os
    import sqlite3

    from tests.benchmarks.kill_loop import prepare

    test, _, _ = prepare(tmp_path)
    environment = {**os.environ, "ADLOOM_DATA_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [
        subprocess.Popen([sys.executable, "-c", PROCESS, test, str(i)], cwd=ROOT, env=environment, **pipes)  # type: ignore[call-overload]
        for i in range(2)
    ]
    for word in ("ready", "done", "looked"):
        assert [process.stdout.readline().strip() for process in both] == [word, word]
        for process in both:
            process.stdin.write("go\n")
            process.stdin.flush()
    said = [process.communicate(timeout=60)[0].split() for process in both]
    with sqlite3.connect(tmp_path / "adloom.sqlite") as database:
        versions = [v for (v,) in database.execute("select version from weight_tables order by version")]
        used = {v for (v,) in database.execute("select distinct version from decisions")}
        early = database.execute(
            "select count(*) from decisions d join weight_tables w on w.version = d.version where d.at < w.created"
            " and d.version > 1"
        ).fetchone()[0]
        shown, decided = database.execute(
            "select (select sum(adds_exposure) from events), (select count(*) from decisions)"
        ).fetchone()
    assert versions == list(range(1, len(versions) + 1))
    assert len(used) >= 3
    assert used <= set(versions)
    assert early == 0  # no decision is older than its weights
    assert [int(newest) for _, newest in said] == [versions[-1]] * 2  # after a look, both are at the newest
    assert shown == decided == 2 * 60 * 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from open_shop(tmp_path_factory.mktemp("tracking"))
