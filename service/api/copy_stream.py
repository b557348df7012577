"""Copy that is sent while it is written. The model works in a thread; the stream waits for what the thread tells."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from pydantic import TypeAdapter

from models import Cancelled
from service.domain import Copy, CopyLine
from service.wiring import make_copy

from .access import Caller
from .errors import problem_of

SIGN_OF_LIFE_S = 15.0  # proxies close a connection on which nothing is said
Say = Callable[[str, Any], None]
_line, _copy = TypeAdapter(CopyLine), TypeAdapter(Copy)


async def written(who: Caller, request: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Server-sent events of one request. When nobody listens any more, the model is told to stop."""
    loop, told = asyncio.get_running_loop(), asyncio.Queue[tuple[str, Any] | None]()
    cancelled = threading.Event()

    def say(event: str, data: Any) -> None:
        if not cancelled.is_set():
            loop.call_soon_threadsafe(told.put_nowait, (event, data))

    def work() -> None:
        _write(who, request, say, cancelled.is_set)
        if not cancelled.is_set():
            loop.call_soon_threadsafe(told.put_nowait, None)

    thread = threading.Thread(target=work, name="adloom-copy-stream", daemon=True)
    thread.start()
    try:
        while True:
            try:
                found = await asyncio.wait_for(told.get(), SIGN_OF_LIFE_S)
            except TimeoutError:
                yield b": still at it\n\n"
                continue
            if found is None:
                return
            yield _event(*found)
    finally:
        cancelled.set()


def _write(who: Caller, request: Mapping[str, Any], say: Say, is_cancelled: Callable[[], bool]) -> None:
    try:
        copy = make_copy(
            who.services,
            who.workspace,
            request,
            progress=lambda step, done: say("progress", {"step": step, "done": round(done, 3)}),
            on_line=lambda line: say("line", _line.dump_python(line, mode="json")),
            is_cancelled=is_cancelled,
        )
    except Cancelled:
        return
    except Exception as error:
        say("problem", problem_of(error))
        return
    say("copy", _copy.dump_python(copy, mode="json"))


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
