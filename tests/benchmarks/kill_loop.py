"""``kill -9`` at random moments under load: what was acknowledged is there, once, and the results say the same.

Run it: python -m tests.benchmarks.kill_loop --kills 50 [--seed 9] [--keep FOLDER] [--json]

The real server is started on a fresh folder. Visitors decide, load pixels, follow clicks and report batches, send
again what was not answered, and now and then what was. The server is killed at a random moment and started again on
the same folder, so many times. Then everything that was still waiting is sent, and three accounts are compared: what
the server acknowledged to the visitors, what a plain reading of the database says, and the results of the API.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from service.arena import Opening
from service.domain import Product
from service.keys import first_key
from service.wiring import wire
from tests.service.conftest import fake_studio, seed_creatives, settings_in

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0  # a start takes about two seconds; a busy machine takes longer
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
WORKERS = 8


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NURSERY = """
import os, signal, sys
import service.app, uvicorn, dbos  # once: a life begins with what every life would load
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(2, 1)
        os.close(0)
        service.app.serve(quiet=True)
        os._exit(0)
    print(child, flush=True)
"""


class Nursery:
    """Starts the real server, each time as a process of its own that is forked after the imports."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "ADLOOM_DATA_DIR": str(folder),
            "ADLOOM_PORT": str(port),
            "ADLOOM_REFRESH_S": "0.2",
            "OMP_NUM_THREADS": "1",
        }
        self._log = (folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._child: int | None = None

    def start(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        self._child = int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the server, and wait until it is gone."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        while Path(f"/proc/{self._child}").exists():
            time.sleep(0.005)
        self._child = None

    def close(self) -> None:
        self.kill()
        self._process.kill()
        self._process.communicate()
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


@dataclass
class Account:
    """What visitors did and what the server acknowledged, over all lives of the server."""

    decisions: dict[str, tuple[str, float, int]] = field(default_factory=dict)  # id -> arm, propensity, version
    sticky: dict[str, set[str]] = field(default_factory=dict)  # visitor -> decision ids it was given
    acknowledged: set[tuple[str, str]] = field(default_factory=set)  # (decision, event id)
    waiting: list[dict[str, str]] = field(default_factory=list)  # events that nobody acknowledged yet
    links: list[tuple[str, str, str]] = field(default_factory=list)  # (path, decision, event id), the same
    resent: int = 0
    busy: int = 0
    numbers: int = 0


class Visitor:
    """One visitor after another, until the connection breaks."""

    def __init__(self, session: aiohttp.ClientSession, url: str, test: str, key: str, account: Account, who: int):
        self._session, self._url, self._test, self._account = session, url, test, account
        self._headers, self._rng = {"X-API-Key": key}, random.Random(who)

    async def stroll(self) -> None:
        while True:
            await self._decide()
            await self._send_links()
            if len(self._account.waiting) >= 6:
                await self._send_batch()

    async def finish(self) -> None:
        """Send what is still waiting."""
        while self._account.links or self._account.waiting:
            await self._send_links()
            await self._send_batch()

    async def _decide(self) -> None:
        a, rng = self._account, self._rng
        a.numbers += 1
        is_sticky = rng.random() < 0.2
        visitor = f"regular-{rng.randrange(200)}" if is_sticky else f"visitor-{a.numbers}"
        body = {"visitor": visitor, "sticky": is_sticky}
        url = f"{self._url}/v1/experiments/{self._test}/decide"
        async with self._session.post(url, headers=self._headers, json=body) as got:
            if got.status != 200:
                a.busy += 1
                return
            answer = await got.json()
        id = answer["decision"]
        a.decisions[id] = (answer["arm"], answer["propensity"], answer["weight_version"])
        if is_sticky:
            a.sticky.setdefault(visitor, set()).add(id)
        way = rng.random()
        if way < 0.4:
            a.links.append((path_of(answer["pixel"]), id, f"shown:{id}"))
        elif way < 0.6:
            a.links.append((path_of(answer["click"]), id, f"clicked:{id}"))
        else:
            n = a.numbers
            a.waiting += [{"id": f"{kind}-{n}", "decision": id, "kind": kind} for kind in ("shown", "clicked")]

    async def _send_links(self) -> None:
        a = self._account
        while a.links:
            path, decision, event = link = a.links.pop()
            a.links.append(link)  # it stays until it is answered
            async with self._session.get(self._url + path, allow_redirects=False) as got:
                if got.status in (200, 302) and "Adloom-Recorded" not in got.headers:
                    a.acknowledged.add((decision, event))
                    if link in a.links and self._rng.random() < 0.9:
                        a.links.remove(link)
                    else:
                        a.resent += 1
                else:
                    a.busy += 1

    async def _send_batch(self) -> None:
        a = self._account
        batch = a.waiting[:40]
        if not batch:
            return
        url = f"{self._url}/v1/events"
        async with self._session.post(url, headers=self._headers, json={"events": batch}) as got:
            if got.status != 200:
                a.busy += 1
                return
            assert (await got.json())["refused"] == []
        a.acknowledged |= {(event["decision"], event["id"]) for event in batch}
        again = self._rng.random() < 0.1
        a.resent += len(batch) if again else 0
        a.waiting = [event for event in a.waiting if again or event not in batch]


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def live_and_die(server: Nursery, test: str, key: str, account: Account, seconds: float, who: int) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30), headers=BROWSER) as session:
        tasks = [
            asyncio.create_task(Visitor(session, server.url, test, key, account, 100 * who + i).stroll())
            for i in range(WORKERS)
        ]
        before, end = len(account.decisions), time.monotonic() + seconds
        while time.monotonic() < end or len(account.decisions) < before + 20:  # never before it works
            await asyncio.sleep(0.01)
            assert not all(task.done() for task in tasks), [task.exception() for task in tasks]
        server.kill()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Findings:
    """``is_clean`` when nothing was lost, nothing counted twice and all accounts agree."""

    kills: int
    decisions_acknowledged: int
    events_acknowledged: int
    events_sent_again: int
    refused_as_busy: int
    decisions_kept: int
    events_kept: int
    lost_decisions: int
    lost_events: int
    doubled_events: int
    doubled_counts: int  # decisions that add more than one exposure or success
    orphans: int  # events without their decision
    versions_unknown: int  # decisions of weights that were not kept before them
    sticky_broken: int  # visitors who were given two decisions
    counts_wrong: int  # outcomes whose count differs from the rows
    arms_wrong: int  # arms whose exposures or clicks in the results differ from the recount
    integrity: str
    seconds: float

    @property
    def is_clean(self) -> bool:
        wrong = (
            self.lost_decisions, self.lost_events, self.doubled_events, self.doubled_counts, self.orphans,
            self.versions_unknown, self.sticky_broken, self.counts_wrong, self.arms_wrong,
        )  # fmt: skip
        return not any(wrong) and self.integrity == "ok"


async def kill_loop(
    folder: Path, kills: int, seed: int, longest_s: float = 1.5, minutes: float = 600.0, progress: Any = None
) -> Findings:
    began = time.monotonic()
    test, publishable, admin = prepare(folder)
    account, rng = Account(), random.Random(seed)
    server = Nursery(folder, free_port())
    try:
        for kill in range(kills):
            if time.monotonic() - began > minutes * 60.0:
                kills = kill
                break
            server.start()
            await until_ready(server.url)
            await live_and_die(server, test, publishable, account, rng.uniform(0.05, longest_s), 1_000 * seed + kill)
            if progress:
                progress(kill + 1, kills, time.monotonic() - began, account)
        server.start()
        await until_ready(server.url)
        async with aiohttp.ClientSession(headers=BROWSER) as session:
            await Visitor(session, server.url, test, publishable, account, 7).finish()
            url = f"{server.url}/v1/experiments/{test}/results"
            async with session.get(url, headers={"X-API-Key": admin}) as got:
                results = await got.json()
    finally:
        server.close()
    return compare(folder, account, results, kills, time.monotonic() - began)


def compare(folder: Path, account: Account, results: dict[str, Any], kills: int, seconds: float) -> Findings:
    """Count everything again from the bare rows, without the service's own code."""
    with sqlite3.connect(folder / "adloom.sqlite") as database:
        decisions = {
            id: (arm, p, version)
            for id, arm, p, version in database.execute("select id, arm, propensity, version from decisions")
        }
        rows = list(
            database.execute("select decision_id, id, kind, adds_exposure, adds_success from events where not is_late")
        )
        n_events = database.execute("select count(*) from events").fetchone()[0]
        counted = dict(database.execute("select outcome, sum(n) from event_counts group by outcome"))
        versions = {version for (version,) in database.execute("select version from weight_tables")}
        integrity = database.execute("pragma integrity_check").fetchone()[0]
    names = Counter((decision, id) for decision, id, *_ in rows)
    exposed = {decision for decision, _, kind, *_ in rows if kind in ("shown", "clicked")}
    clicked = {decision for decision, _, kind, *_ in rows if kind == "clicked"}
    adds: dict[str, list[int]] = {}
    for decision, _, _, exposure, success in rows:
        sums = adds.setdefault(decision, [0, 0])
        sums[0] += exposure
        sums[1] += success
    by_arm = {
        arm: (sum(decisions[d][0] == arm for d in exposed), sum(decisions[d][0] == arm for d in clicked))
        for arm in {arm for arm, _, _ in decisions.values()}
    }
    said = {arm["arm"]: (int(arm["exposures"]), int(arm["clicks"])) for arm in results["result"]["arms"]}
    wrong_counts = [
        counted.get("accepted", 0) != n_events,
        any(counted.get(outcome, 0) for outcome in ("unknown", "future", "early", "late")),
    ]
    return Findings(
        kills=kills,
        decisions_acknowledged=len(account.decisions),
        events_acknowledged=len(account.acknowledged),
        events_sent_again=account.resent,
        refused_as_busy=account.busy,
        decisions_kept=len(decisions),
        events_kept=n_events,
        lost_decisions=sum(decisions.get(id) != promise for id, promise in account.decisions.items()),
        lost_events=len(account.acknowledged - set(names)),
        doubled_events=sum(n > 1 for n in names.values()),
        doubled_counts=sum(sums != [int(d in exposed), int(d in clicked)] for d, sums in adds.items()),
        orphans=sum(decision not in decisions for decision, *_ in rows),
        versions_unknown=sum(version not in versions for _, _, version in decisions.values()),
        sticky_broken=sum(len(ids) > 1 for ids in account.sticky.values()),
        counts_wrong=sum(wrong_counts),
        arms_wrong=sum(said.get(arm, (0, 0)) != found for arm, found in by_arm.items()),
        integrity=integrity,
        seconds=round(seconds, 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--keep", type=Path, help="data folder to leave behind; must be empty")
    parser.add_argument("--minutes", type=float, default=600.0, help="kill no more after so long; default: 600")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def tell(done: int, all_: int, seconds: float, account: Account) -> None:
        left = seconds / done * (all_ - done)
        print(
            f"  {done}/{all_} kills, {len(account.decisions):,} decisions and {len(account.acknowledged):,} events"
            f" acknowledged, about {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(kill_loop(folder, asked.kills, asked.seed, minutes=asked.minutes, progress=tell))
    if asked.json:
        print(json.dumps({**asdict(found), "is_clean": found.is_clean}))
    else:
        for name, value in asdict(found).items():
            print(f"{name.replace('_', ' '):26} {value}")
        print("clean" if found.is_clean else "NOT CLEAN")
    sys.exit(0 if found.is_clean else 1)


if __name__ == "__main__":
    main()
