"""A feed's job: killed and started again it goes on; over HTTP it is the same job whatever is sent twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import Shop, open_shop

ROOT = Path(__file__).resolve().parents[3]
N = 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from open_shop(tmp_path_factory.mktemp("feeds"))


def done_in(state: Path) -> dict[int, float]:
    """Position -> seconds of the items that are settled."""
    if not (state / "adloom.sqlite").exists():
        return {}
    try:
        with sqlite3.connect(f"file:{state / 'adloom.sqlite'}?mode=ro", uri=True) as database:
            rows = database.execute("select position, seconds from job_items where state = 'done'").fetchall()
    except sqlite3.OperationalError:  # the tables are being made
        return {}
    return {int(position): float(seconds) for position, seconds in rows}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_kill_9_the_same_command_goes_on_and_redoes_nothing(tmp_path: Path) -> None:
    feed, out = tmp_path / "feed.csv", tmp_path / "out.csv"
    feed.write_text(
        "id,title,fact:capacity\n" + "".join(f"m{i},Stoneware mug,{300 + i} ml\n" for i in range(N)) + ",bad,\n"
    )
    command = [
        sys.executable,
        "-m",
        "service.cli",
        "copy-feed",
        str(feed),
        "--channel",
        "meta_story",
        "--variants",
        "1",
        "--backend",
        "fake",
        "--out",
        str(out),
        "--json",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(before := done_in(tmp_path / "out.csv.state")) < 3:
        assert first.poll() is None, first.stderr.read() if first.stderr else ""
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not out.exists()
    second = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert second.returncode == 1, second.stderr  # one row is bad, and that is told
    said = json.loads(second.stdout)
    assert (said["done"], said["failed"]) == (N, 1)
    after = done_in(tmp_path / "out.csv.state")
    assert {position: after[position] for position in before} == before  # their seconds are those of the first run
    rows = list(csv.DictReader(out.open(newline="")))
    assert [row["adloom_status"] for row in rows] == ["done"] * N + ["failed"]
    assert rows[-1]["adloom_note"] == "id: missing"


CSV = b"id,title,fact:capacity\nk1,Kettle,0.9 l\n,None,\nk2,Mug,350 ml\n"


def test_a_feed_over_http_comes_back_with_its_copy_and_the_same_feed_is_the_same_job(shop: Shop) -> None:
    headers = {"content-type": "text/csv"}
    path = "/v1/copy/feeds?channel=google_rsa&variants=2"
    first = shop.call("POST", path, 202, content=CSV, headers=headers)
    assert [(p["row"], p["field"]) for p in first["problems"]] == [(2, "id")]
    assert shop.call("POST", path, 202, content=CSV, headers=headers)["id"] == first["id"]
    assert shop.call("POST", f"{path}&seed=1", 202, content=CSV, headers=headers)["id"] != first["id"]
    while shop.call("GET", f"/v1/copy/feeds/{first['id']}", 200)["job"]["finished"] is None:
        time.sleep(0.05)
    result = shop.call("GET", f"/v1/copy/feeds/{first['id']}/result", 200)
    rows = list(csv.DictReader(result.text.splitlines()))
    assert [row["adloom_headline_1"] for row in rows] == ["Kettle for google_rsa", "", "Mug for google_rsa"]
    figures = shop.call("GET", f"/v1/copy/feeds/{first['id']}/summary", 200)
    assert (figures["rows"], figures["done"], figures["failed"], figures["lines"]) == (3, 2, 1, {"composer": 2})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("?channel=google_rsa", b"", 422),
        ("?channel=atlantis", CSV, 422),
        ("?channel=google_rsa&brief={", CSV, 422),
        ("?channel=google_rsa&brand=nobody", CSV, 404),
        ("", CSV, 422),
    ],
)
def test_what_is_no_feed_or_no_setting_is_refused(shop: Shop, path: str, body: bytes, status: int) -> None:
    shop.call("POST", f"/v1/copy/feeds{path}", status, content=body, headers={"content-type": "text/csv"})


def test_a_feed_of_another_channel_has_no_ads_editor_file(shop: Shop) -> None:
    headers = {"content-type": "text/csv"}
    feed = shop.call("POST", "/v1/copy/feeds?channel=meta_feed", 202, content=CSV, headers=headers)
    shop.call("GET", f"/v1/copy/feeds/{feed['id']}/result?format=google-ads-editor", 422)
    shop.call("GET", "/v1/copy/feeds/feed_00000000000000000000", 404)


def test_a_brand_is_kept_listed_replaced_and_forgotten(shop: Shop) -> None:
    said = {"tone": {"playful": 1.0}, "words_to_avoid": ["cheap"]}
    assert shop.call("PUT", "/v1/brands/kiln", 201, json=said)["brief"]["words_to_avoid"] == ["cheap"]
    assert shop.call("PUT", "/v1/brands/kiln", 200, json={"tone": "calm"})["brief"] == {"tone": "calm"}
    assert [brand["id"] for brand in shop.call("GET", "/v1/brands", 200)["items"]] == ["kiln"]
    shop.call("PUT", "/v1/brands/kiln", 422, json={"tonne": "calm"})
    shop.product(photo=False)
    shop.call(
        "POST",
        "/v1/copy",
        201,
        json={"product_id": "mug", "channel": "email", "brand": "kiln", "brief": {"keywords": ["mug"]}},
    )
    shop.call("DELETE", "/v1/brands/kiln", 204)
    shop.call("POST", "/v1/copy", 404, json={"product_id": "mug", "channel": "email", "brand": "kiln"})
