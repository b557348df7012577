"""Copy that is sent while it is written, and a model that stops when nobody listens."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models import Cancelled
from service.api import copy_stream
from service.api.access import Caller
from service.app import create_app
from service.domain import Copy, CopyLine, Ledger, Product
from service.errors import InvalidInput
from tests.service.conftest import FakeStudio, Shop, settings_in


class SlowStudio(FakeStudio):
    """Tells two lines, then writes on until it is told to stop, or not."""

    endless = False
    stopped = threading.Event()

    def write_copy(self, product: Product, channel: str, *args: Any, **more: Any) -> Copy:
        if channel == "sms":
            raise InvalidInput("language", "nobody here writes that")
        lines = []
        for number, text in enumerate(("Pours slowly", "Keeps its heat")):
            more["progress"](f"{channel}: headline", number / 2)
            lines.append(CopyLine("headline", text, "composer", Ledger(text, ())))
            more["on_line"](lines[-1])
        while self.endless:
            if more["is_cancelled"]():
                self.stopped.set()
                raise Cancelled("slow")
            threading.Event().wait(0.01)
        return Copy(f"cp_{product.id}_{channel}", product.id, channel, "en", tuple(lines))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    app = create_app(settings_in(tmp_path_factory.mktemp("slow")), SlowStudio)
    with TestClient(app, raise_server_exceptions=False) as client:
        shop = Shop(client, app.state.services, app.state.first_key)
        shop.product(photo=False)
        yield shop


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_lines_come_before_the_whole_and_the_whole_is_kept(slow: Shop) -> None:
    reply = slow.call("POST", "/v1/copy/stream", 200, json={"product_id": "mug", "channel": "email"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.text)
    assert [name for name, _ in told] == ["progress", "line", "progress", "line", "copy"]
    assert [data["text"] for name, data in told if name == "line"] == ["Pours slowly", "Keeps its heat"]
    assert slow.call("GET", f"/v1/copy/{told[-1][1]['id']}", 200)["lines"] == told[-1][1]["lines"]


def test_a_refusal_in_the_middle_is_a_problem_of_the_stream(slow: Shop) -> None:
    reply = slow.call("POST", "/v1/copy/stream", 200, json={"product_id": "mug", "channel": "sms"})
    ((name, data),) = events(reply.text)
    assert name == "problem"
    assert (data["status"], data["errors"][0]["field"]) == (422, "language")


def test_a_refusal_before_it_begins_is_an_ordinary_one(slow: Shop) -> None:
    slow.call("POST", "/v1/copy/stream", 404, json={"product_id": "nobody", "channel": "email"})
    slow.call("POST", "/v1/copy/stream", 422, json={"product_id": "mug"})


def test_hanging_up_stops_the_model_and_keeps_nothing(slow: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlowStudio, "endless", True)
    SlowStudio.stopped.clear()
    services = slow.services
    key = services.ring.recognise(slow.key)
    asked = {"product_id": "mug", "channel": "push", "brief": None, "brand": None}

    async def listen_and_leave() -> list[bytes]:
        stream = copy_stream.written(Caller(key, services), asked)
        heard = [await anext(stream) for _ in range(4)]
        await stream.aclose()  # what the server does when the connection is gone
        return heard

    heard = asyncio.run(listen_and_leave())
    assert [line.split(b"\n")[0] for line in heard] == [b"event: progress", b"event: line"] * 2
    assert SlowStudio.stopped.wait(10)
    assert all(copy["channel"] != "push" for copy in slow.call("GET", "/v1/copy", 200)["items"])


def test_a_silent_model_is_heard_of_now_and_then(slow: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(SlowStudio, "endless", True)
    monkeypatch.setattr(copy_stream, "SIGN_OF_LIFE_S", 0.05)
    services = slow.services
    key = services.ring.recognise(slow.key)

    async def listen() -> bytes:
        stream = copy_stream.written(Caller(key, services), {"product_id": "mug", "channel": "push"})
        heard = [await anext(stream) for _ in range(5)]
        await stream.aclose()
        return heard[-1]

    assert asyncio.run(listen()).startswith(b":")
