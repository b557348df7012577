"""How much tracking costs beside a bare FastAPI endpoint, in requests per CPU-second of the server.

Run it: python -m tests.benchmarks.tracking [seconds for each measurement]

Everything is measured in one run on one machine; wall-clock rates depend on what else runs, the ratios hardly do.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from tests.service.test_crash import free_port, prepare

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


async def ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(2_000):
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise SystemExit("the server did not start")


async def measure(
    process: psutil.Process, request: Request, seconds: float, clients: int = CLIENTS
) -> dict[str, float]:
    """Requests a second, requests a CPU-second, median and 99th percentile in milliseconds."""
    took: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for i in range(3):
            await request(session, i)
        before, began, end = process.cpu_times(), time.perf_counter(), time.perf_counter() + seconds

        async def client(number: int) -> None:
            n = number * 1_000_000
            while time.perf_counter() < end:
                n += 1
                start = time.perf_counter()
                await request(session, n)
                took.append(time.perf_counter() - start)

        await asyncio.gather(*(client(i) for i in range(clients)))
        wall, after = time.perf_counter() - began, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return {
        "requests_per_s": len(took) / wall,
        "requests_per_cpu_s": len(took) / cpu,
        "p50_ms": float(np.percentile(took, 50)) * 1e3,
        "p99_ms": float(np.percentile(took, 99)) * 1e3,
    }


async def run(seconds: float) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        test, key, _ = prepare(Path(folder))
        ports = free_port(), free_port()
        environment = {**os.environ, "ADLOOM_DATA_DIR": folder, "ADLOOM_PORT": str(ports[1]), "OMP_NUM_THREADS": "1"}
        servers = [
            subprocess.Popen([sys.executable, "-c", BARE, str(ports[0])], cwd=ROOT),
            subprocess.Popen(
                [sys.executable, "-m", "service.app"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
            ),
        ]
        try:
            bare, ours = (f"http://127.0.0.1:{port}" for port in ports)
            await ready(bare)
            await ready(ours)
            headers = {"X-API-Key": key, "Content-Type": "application/json"}
            decided: list[dict[str, str]] = []

            async def ask_bare(session: aiohttp.ClientSession, n: int) -> None:
                async with session.get(bare + "/") as answer:
                    await answer.read()

            async def decide(session: aiohttp.ClientSession, n: int) -> None:
                path = f"{ours}/v1/experiments/{test}/decide"
                async with session.post(path, headers=headers, data=b'{"visitor": "v%d"}' % n) as answer:
                    body = await answer.read()
                    assert answer.status == 200, body
                    if len(decided) < 5_000:
                        decided.append(json.loads(body))

            async def pixel(session: aiohttp.ClientSession, n: int) -> None:
                async with session.get(decided[n % len(decided)]["pixel"].replace("http://testserver", ours)) as answer:
                    assert answer.status == 200

            async def events(session: aiohttp.ClientSession, n: int) -> None:
                batch = [
                    {"id": f"{n}-{i}", "decision": decided[(n * 100 + i) % len(decided)]["decision"], "kind": "shown"}
                    for i in range(100)
                ]
                async with session.post(
                    f"{ours}/v1/events", headers=headers, data=json.dumps({"events": batch})
                ) as got:
                    assert got.status == 200, await got.text()

            processes = [psutil.Process(server.pid) for server in servers]
            found["bare"] = await measure(processes[0], ask_bare, seconds)
            found["decide"] = await measure(processes[1], decide, seconds)
            found["pixel"] = await measure(processes[1], pixel, seconds)
            found["events x100"] = await measure(processes[1], events, seconds, clients=8)
            found["bare, 2 clients"] = await measure(processes[0], ask_bare, seconds, clients=2)
            found["decide, 2 clients"] = await measure(processes[1], decide, seconds, clients=2)
        finally:
            for server in servers:
                server.kill()
                server.wait()
    return found


def main() -> None:
    found = asyncio.run(run(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0))
    print(f"{'':20} {'/s':>8} {'/CPU-s':>8} {'of bare':>8} {'p50 ms':>8} {'p99 ms':>8}")
    for name, row in found.items():
        share = row["requests_per_cpu_s"] / found["bare"]["requests_per_cpu_s"]
        print(
            f"{name:20} {row['requests_per_s']:8.0f} {row['requests_per_cpu_s']:8.0f} {share:8.2f}"
            f" {row['p50_ms']:8.2f} {row['p99_ms']:8.2f}"
        )


if __name__ == "__main__":
    main()
