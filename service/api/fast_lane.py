"""Decide, events, pixel and click for the plain case, before the framework.

A request is answered here when its key is remembered, its test is in memory, its body is whole and valid, and nobody
asked for a rate limit. Everything else, every refusal included, goes to the application beneath with the body put back
in front, so that errors, limits and the API's description are the framework's in both lanes.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments import ExperimentError
from service.errors import Busy, ServiceError
from service.records import Scope as KeyScope
from service.tracking import Token
from service.tracking.meters import UNRECORDED
from service.wiring import Services

from .errors import problem
from .middleware import HEADERS, REQUEST_ID, meters_of
from .plain_events import read_plain
from .tracking import (
    GIF,
    NEVER,
    answer,
    draw,
    hand_in_link,
    hand_in_report,
    location,
    parse_decide,
    tally,
)

log = logging.getLogger("adloom.api")

DECIDE, EVENTS, CLICK, PIXEL = "/v1/experiments/{id}/decide", "/v1/events", "/c/{token}", "/p/{token}.gif"
_JSON = [(b"content-type", b"application/json"), *HEADERS]
_NEVER = [(name.lower().encode(), value.encode()) for name, value in NEVER.items()]
_GIF = [(b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode()), *_NEVER, *HEADERS]
Headers = Mapping[bytes, bytes]


class FastLane:
    """Called with the application beneath; the outermost layer of all."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        settings = services.settings
        cors_origins = settings.cors_origins
        self.app, self._services, self._max_body = app, services, settings.max_body_bytes
        self._any_origin = "*" in cors_origins
        self._origins = {origin.encode() for origin in cors_origins}
        self._keys: dict[bytes, str] = {}
        self._process, self._numbers = secrets.token_hex(4).encode(), itertools.count()
        self._is_limited = settings.rate_limit is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, method = scope["path"], scope["method"]
            if method == "POST":
                if path[:16] == "/v1/experiments/" and path[-7:] == "/decide":
                    return await self._decide(path[16:-7], scope, receive, send)
                if path == "/v1/events":
                    return await self._events(scope, receive, send)
            elif method == "GET":
                if path[:3] == "/p/" and path[-4:] == ".gif":
                    return await self._pixel(path[3:-4], scope, receive, send)
                if path[:3] == "/c/":
                    return await self._click(path[3:], scope, receive, send)
        return await self.app(scope, receive, send)

    # --- the four ------------------------------------------------------------------------------------------------

    async def _decide(self, id: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        who = self._who(headers)
        services = self._services
        if who is None or (who[1] is not None and who[1] != id) or not services.arena.is_live(who[0], id):
            return await self.app(scope, receive, send)
        message = await self._body(headers, receive)
        if message is None:
            return await self.app(scope, receive, send)
        if not message.get("more_body", False):
            try:
                body = parse_decide(message.get("body", b""))
                entry = draw(services, who[0], id, body, headers, who[1] is not None)
                waiting = services.commit.hand_in(entry)
            except (ValidationError, ServiceError, ExperimentError):
                pass
            else:
                try:
                    document = answer(services, entry, await waiting.answer())
                except Exception as error:
                    return await _failed(error, scope, receive, send)
                return await self._send(send, headers, 200, _json(document), document, DECIDE, "POST", started)
        return await self.app(scope, _again(message, receive), send)

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        who = self._who(headers)
        message = None if who is None else await self._body(headers, receive)
        if who is None or message is None:
            return await self.app(scope, receive, send)
        if not message.get("more_body", False):
            try:
                received = time.time()
                events = read_plain(message.get("body", b""), received)
                if events is not None:
                    waiting = hand_in_report(self._services, who[0], who[1], events, received, headers)
            except ServiceError:
                events = None
            if events is not None:
                try:
                    document = tally(events, await waiting.answer())
                except Exception as error:
                    return await _failed(error, scope, receive, send)
                return await self._send(send, headers, 200, _json(document), document, EVENTS, "POST", started)
        return await self.app(scope, _again(message, receive), send)

    async def _pixel(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        services = self._services
        try:
            link = services.signer.read("pixel", token)
            waiting = hand_in_link(services, link, "shown", headers, "GET", _address(scope))
        except ServiceError:
            return await self.app(scope, receive, send)
        try:
            await waiting.answer()
        except Exception as error:
            return await _failed(error, scope, receive, send)
        return await self._send(send, headers, 200, _GIF, GIF, PIXEL, "GET", started)

    async def _click(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        services = self._services
        try:
            link: Token = services.signer.read("click", token)
            if not services.arena.is_live(link.workspace, link.experiment):
                return await self.app(scope, receive, send)
            page = services.arena.showing(link.workspace, link.experiment, link.arm).landing_page
        except ServiceError:
            return await self.app(scope, receive, send)
        given = [(b"location", location(page).encode()), (b"content-length", b"0"), *_NEVER, *HEADERS]
        try:
            waiting = hand_in_link(services, link, "clicked", headers, "GET", _address(scope))
        except Busy:
            UNRECORDED.inc()
            given.append((b"adloom-recorded", b"no"))
        else:
            try:
                await waiting.answer()
            except Exception as error:
                return await _failed(error, scope, receive, send)
        return await self._send(send, headers, 302, given, b"", CLICK, "GET", started)

    # --- parts ---------------------------------------------------------------------------------------------------

    def _who(self, headers: Headers) -> tuple[str, str | None] | None:
        """(workspace, the only test it may speak for) of a key that is remembered."""
        key = headers.get(b"x-api-key")
        if key is None or self._is_limited:
            return None
        text = self._keys.get(key)
        if text is None:
            if len(self._keys) > 10_000:
                self._keys.clear()
            text = self._keys[key] = key.decode("latin-1")
        ring = self._services.ring
        test = ring.remembered_test(text)
        if test is not None:
            return test
        known = ring.remembered(text)
        if known is None or not known.allows(KeyScope.GROWTH):
            return None
        return known.workspace, None

    async def _body(self, headers: Headers, receive: Receive) -> Message | None:
        """The first message of a body of known, allowed length; None if it was not asked for."""
        length = headers.get(b"content-length", b"0")
        if b"transfer-encoding" in headers or not length.isdigit() or int(length) > self._max_body:
            return None
        return await receive()

    async def _send(
        self,
        send: Send,
        asked: Headers,
        status: int,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        route: str,
        method: str,
        started: float,
    ) -> None:
        id = asked.get(b"x-request-id")
        if id is None or not REQUEST_ID.fullmatch(id):
            id = b"%s%08x" % (self._process, next(self._numbers))
        headers = [*headers, (b"x-request-id", id)]
        if self._origins and b"origin" in asked:
            if self._any_origin:
                headers.append((b"access-control-allow-origin", b"*"))
            elif asked[b"origin"] in self._origins:
                headers += [(b"access-control-allow-origin", asked[b"origin"]), (b"vary", b"Origin")]
        requests, seconds = meters_of(route, method, status)
        requests.inc()
        seconds.observe(time.perf_counter() - started)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _failed(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """The commit failed: nothing was kept, and nothing was said yet."""
    log.error("%s %s was not committed", scope["method"], scope["path"].split("/")[1], exc_info=error)
    await problem(500, "something went wrong here; the server's log has the details")(scope, receive, send)


def _json(document: bytes) -> list[tuple[bytes, bytes]]:
    return [*_JSON, (b"content-length", str(len(document)).encode())]


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _again(first: Message, receive: Receive) -> Callable[[], Any]:
    """A body whose first message was taken already."""
    messages = iter((first,))

    async def again() -> Message:
        return next(messages, None) or await receive()

    return again
