"""``Idempotency-Key``: a write that is sent twice happens once, and the second answer is the first one's.

The key is reserved before the work and the answer is kept after it. If the process dies in between, the next process
takes the key over; what a write makes gets its id from the key (``new_id``), so that doing it again makes the same.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, select, update
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
from service.errors import Conflict, InvalidInput
from service.storage import Database
from service.storage import tables as t
from service.storage.database import insert

from .access import recognise, services_of

HEADER = "idempotency-key"
KEPT = timedelta(days=2)
PROCESS = secrets.token_hex(8)  # an answer in progress that names another process was cut short


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    content_type: str | None
    location: str | None
    answer: str


class Idempotent(APIRoute):
    """Routes of writes that honour the header."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method not in ("POST", "PUT", "PATCH", "DELETE"):
                return await handle(request)
            if not 1 <= len(key) <= 255 or not key.isprintable():
                raise InvalidInput("Idempotency-Key", "1 to 255 printable characters")
            who = await recognise(request)
            database = services_of(request).database
            fingerprint = _fingerprint(request, await request.body())
            kept = await run_in_threadpool(_reserve, database, who.workspace, key, fingerprint)
            if kept is not None:
                return _replay(kept)
            request.state.idempotency = (who.workspace, key)
            try:
                response = await handle(request)
            except BaseException:
                await run_in_threadpool(_release, database, who.workspace, key)
                raise
            await run_in_threadpool(_keep, database, who.workspace, key, response)
            return response

        return handle_once


def new_id(request: Request, prefix: str) -> str:
    """An id for something new; it follows from the idempotency key when there is one."""
    given = getattr(request.state, "idempotency", None)
    if given is None:
        return f"{prefix}_{secrets.token_hex(10)}"
    text = "\n".join((*given, request.url.path))
    return f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _fingerprint(request: Request, body: bytes) -> str:
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _reserve(database: Database, workspace: str, key: str, fingerprint: str) -> Kept | None:
    """The answer if there is one; otherwise the key is ours from now on.

    Raises:
        InvalidInput: the key was used for another request.
        Conflict: the same request is being answered right now.
    """
    c, now = t.idempotency.c, utc_now()
    here = (c.workspace == workspace, c.key == key)
    with database.engine.begin() as connection:
        connection.execute(delete(t.idempotency).where(c.created < now - KEPT))
        row = connection.execute(select(t.idempotency).where(*here)).one_or_none()
        if row is None:
            connection.execute(
                insert(connection, t.idempotency).values(
                    workspace=workspace, key=key, fingerprint=fingerprint, owner=PROCESS, created=now
                )
            )
            return None
        if row.fingerprint != fingerprint:
            raise InvalidInput("Idempotency-Key", "this key was used for another request")
        if row.status is not None:
            return Kept(row.status, row.content_type, row.location, row.answer)
        if row.owner == PROCESS or (not database.is_sqlite and row.created > now - timedelta(minutes=10)):
            raise Conflict("the same request is being answered right now")
        connection.execute(update(t.idempotency).where(*here).values(owner=PROCESS, created=now))
        return None


def _keep(database: Database, workspace: str, key: str, response: Response) -> None:
    if response.status_code >= 500 or not hasattr(response, "body"):
        _release(database, workspace, key)
        return
    with database.engine.begin() as connection:
        connection.execute(
            update(t.idempotency)
            .where(t.idempotency.c.workspace == workspace, t.idempotency.c.key == key)
            .values(
                status=response.status_code,
                content_type=response.headers.get("content-type"),
                location=response.headers.get("location"),
                answer=bytes(response.body).decode(),
            )
        )


def _release(database: Database, workspace: str, key: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            delete(t.idempotency).where(t.idempotency.c.workspace == workspace, t.idempotency.c.key == key)
        )


def _replay(kept: Kept) -> Response:
    response = Response(kept.answer, kept.status, media_type=kept.content_type)
    if kept.location:
        response.headers["location"] = kept.location
    response.headers["idempotency-replayed"] = "true"
    return response
