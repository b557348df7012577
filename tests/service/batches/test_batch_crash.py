"""A server with a batch at work, killed: the next process finishes it and makes no finished picture again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.benchmarks.kill_loop import free_port, prepare, until_ready
from tests.service.conftest import png

ROOT = Path(__file__).resolve().parents[3]
N = 40


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_batch_goes_on_after_kill_9_of_the_server_and_makes_every_picture_once(tmp_path: Path) -> None:
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
    async def server() -> AsyncIterator[None]:
        places = {"ADLOOM_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "ADLOOM_JOB_CHUNK": "4"}
        process = subprocess.Popen(
            [sys.executable, str(script), str(port), str(made)], cwd=ROOT, env=os.environ | places
        )
        try:
            await until_ready(url)
            yield
        finally:
            process.kill()
            process.wait()

    async def run() -> dict[str, Any]:
        async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
            async with server():
                await session.put(f"{url}/v1/products/mug/photos/front.png", data=png())
                body = {"product_ids": ["mug"], "scenes": ["oak"], "seeds": list(range(N))}
                async with session.post(f"{url}/v1/batches?start=true", json=body) as answer:
                    batch = (await answer.json())["id"]
                while not made.exists() or len(made.read_text().split()) < 10:
                    await asyncio.sleep(0.02)
            async with server():
                while True:
                    async with session.get(f"{url}/v1/batches/{batch}") as answer:
                        view: dict[str, Any] = await answer.json()
                    if view["state"] == "done":
                        return view
                    await asyncio.sleep(0.1)

    view = asyncio.run(run())
    assert view["counts"] == {"waiting": 0, "done": N, "review": 0, "failed": 0, "cancelled": 0}
    tries = made.read_text().split()
    assert set(tries) == {str(seed) for seed in range(N)}
    assert len(tries) <= N + 1  # one was being made when the process died
