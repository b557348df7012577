"""``kill -9`` at random moments under load: what was acknowledged is there exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.arena import Opening
from service.domain import Product
from service.keys import first_key
from service.wiring import wire
from tests.service.conftest import fake_studio, png, seed_creatives, settings_in

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0  # a start takes about two seconds; a busy machine takes longer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Promised:
    """What the server acknowledged."""

    decisions: dict[str, tuple[str, float, int]] = field(default_factory=dict)  # id -> arm, propensity, version
    events: set[str] = field(default_factory=set)
    refused: int = 0
    answered: int = 0


class Server:
    """The real server as a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "ADLOOM_DATA_DIR": str(folder),
            "ADLOOM_PORT": str(port),
            "ADLOOM_REFRESH_S": "0.1",
            "OMP_NUM_THREADS": "1",
        }
        self._log = (folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service.app"], cwd=ROOT, env=environment, stdout=self._log, stderr=self._log
        )

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()


def prepare(folder: Path) -> tuple[str, str, str]:
    """A running test in a fresh data folder: its id, its publishable key and the admin key."""
    settings = settings_in(folder)
    services = wire(settings, fake_studio)
    now = datetime.now(UTC)
    key = first_key(settings, services.ring, services.keys, now)
    assert key is not None
    store = services.store("main")
    store.products.put(Product("mug", "Mug", landing_page="https://shop.example/mug"), now)
    creatives = seed_creatives(store, services, ("One", "Two", "Three"))
    test = services.arena.open("main", Opening("crash", tuple(creatives), refresh_exposures=50), now)
    services.arena.start("main", test.id, "tests", now)
    services.database.close()
    return test.id, test.publishable_key, key


async def visit(session: aiohttp.ClientSession, url: str, test: str, key: str, said: Promised, who: int) -> None:
    """One visitor after another: decide, then pixel, click or a batch; batches cut short are sent again."""
    headers, rng, n = {"X-API-Key": key}, random.Random(who), 0
    waiting: list[dict[str, Any]] = []
    while True:
        n += 1
        async with session.post(
            f"{url}/v1/experiments/{test}/decide", headers=headers, json={"visitor": str(n)}
        ) as got:
            if got.status != 200:
                said.refused += 1
                continue
            answer = await got.json()
        said.answered += 1
        id = answer["decision"]
        said.decisions[id] = (answer["arm"], answer["propensity"], answer["weight_version"])
        kind = rng.random()
        if kind < 0.4:
            async with session.get(answer["pixel"].replace("http://testserver", url)) as got:
                if got.status == 200:
                    said.events.add(f"shown:{id}")
        elif kind < 0.6:
            link = answer["click"].replace("http://testserver", url)
            async with session.get(link, allow_redirects=False) as got:
                if got.status == 302 and "Adloom-Recorded" not in got.headers:
                    said.events.add(f"clicked:{id}")
        else:
            waiting += [{"id": f"{who}-{id}-{kind}", "decision": id, "kind": kind} for kind in ("shown", "clicked")]
        if len(waiting) >= 6:
            async with session.post(f"{url}/v1/events", headers=headers, json={"events": waiting}) as got:
                if got.status == 200:
                    assert (await got.json())["refused"] == []
                    said.events |= {event["id"] for event in waiting}
                    waiting = []


async def load_until_killed(server: Server, test: str, key: str, said: Promised, seconds: float, who: int) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        visitors = [asyncio.create_task(visit(session, server.url, test, key, said, 100 * who + i)) for i in range(8)]
        before = said.answered
        end = time.monotonic() + seconds
        while time.monotonic() < end or said.answered < before + 20:  # never before it works
            await asyncio.sleep(0.01)
            assert not all(task.done() for task in visitors), [task.exception() for task in visitors]
        server.kill()
        await asyncio.gather(*visitors, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_kill_9_under_load_loses_no_acknowledged_event_and_counts_none_twice(tmp_path: Path) -> None:
    test, publishable, _ = prepare(tmp_path)
    said, rng, port = Promised(), random.Random(9), free_port()

    async def run() -> None:
        for kill in range(3):
            server = Server(tmp_path, port)
            await until_ready(server.url)
            await load_until_killed(server, test, publishable, said, rng.uniform(0.3, 1.5), kill)

    asyncio.run(run())
    assert len(said.decisions) >= 60
    assert len(said.events) >= 20
    with sqlite3.connect(tmp_path / "adloom.sqlite") as database:
        kept = {
            id: (arm, p, v) for id, arm, p, v in database.execute("select id, arm, propensity, version from decisions")
        }
        events = [id for (id,) in database.execute("select id from events")]
        doubled = database.execute(
            "select count(*) from (select decision_id from events group by decision_id"
            " having sum(adds_exposure) > 1 or sum(adds_success) > 1)"
        ).fetchone()[0]
        orphans = database.execute(
            "select count(*) from events where decision_id not in (select id from decisions)"
        ).fetchone()[0]
        (counted,) = database.execute("select sum(n) from event_counts where outcome = 'accepted'").fetchone()
        versions = {v for (v,) in database.execute("select version from weight_tables")}
        assert database.execute("pragma integrity_check").fetchone()[0] == "ok"
    lost = [id for id, promise in said.decisions.items() if kept.get(id) != promise]
    assert lost == []
    assert said.events - set(events) == set()
    assert len(events) == len(set(events)) == counted  # each once, and the count is committed with them
    assert (doubled, orphans) == (0, 0)
    assert {version for _, _, version in kept.values()} <= versions  # every decision's weights were kept before it


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_job_goes_on_after_kill_9_and_makes_every_item_once(tmp_path: Path) -> None:
    """The server is killed while a job of 40 items runs; the next process finishes it."""
    script = tmp_path / "serve.py"
    script.write_text(
        "import sys, time, uvicorn\n"
        "from service.app import create_app\n"
        "from service.settings import Settings\n"
        "from tests.service.conftest import FakeStudio\n"
        "class Slow(FakeStudio):\n"
        "    def make(self, product, **asked):\n"
        "        time.sleep(0.05)\n"
        "        with open(sys.argv[2], 'a') as log:\n"
        "            log.write(f\"{asked['seed']}\\n\")\n"
        "        return super().make(product, **asked)\n"
        "uvicorn.run(create_app(Settings(), lambda settings, shelf: Slow(settings, shelf)),"
        " port=int(sys.argv[1]), log_level='warning')\n"
    )
    _, _, key = prepare(tmp_path)
    port, made = free_port(), tmp_path / "made.txt"
    url, headers = f"http://127.0.0.1:{port}", {"X-API-Key": key}

    @asynccontextmanager
    async def server() -> AsyncIterator[subprocess.Popen[bytes]]:
        places = {"ADLOOM_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **places, "ADLOOM_JOB_CHUNK": "4"}
        process = subprocess.Popen([sys.executable, str(script), str(port), str(made)], cwd=ROOT, env=environment)
        try:
            await until_ready(url)
            yield process
        finally:
            process.kill()
            process.wait()

    async def run() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
            async with server():
                await session.put(f"{url}/v1/products/mug/photos/front.png", data=png())
                body = {"product_ids": ["mug"], "scenes": ["oak"], "seeds": list(range(40))}
                async with session.post(f"{url}/v1/images", json=body) as answer:
                    job = (await answer.json())["id"]
                while not made.exists() or len(made.read_text().split()) < 10:
                    await asyncio.sleep(0.02)
            async with server():
                while True:
                    async with session.get(f"{url}/v1/jobs/{job}") as answer:
                        state = await answer.json()
                    if state["finished"]:
                        break
                    await asyncio.sleep(0.1)
                async with session.get(f"{url}/v1/jobs/{job}/items") as answer:
                    return state, (await answer.json())["items"]

    state, items = asyncio.run(run())
    assert (state["state"], state["n_done"]) == ("done", 40)
    assert len({item["result_id"] for item in items}) == 40
    tries = made.read_text().split()
    assert set(tries) == {str(seed) for seed in range(40)}
    assert len(tries) <= 41  # one item was being made when the process died; what was settled is not made again


async def until_ready(url: str) -> None:
    end = time.monotonic() + START_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError("the server did not start")
