"""What every request passes: a bound on its body, a request id, security headers, metrics."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooLarge
from service.watch import logs

from .errors import answer, problem

log = logging.getLogger("adloom.http")
UPLOADS = re.compile(
    r"^/v1/products/(import$|[^/]+/photos)|^/v1/copy/feeds$|^/v1/batches/import$|^/v1/statistics/import$|^/(?!v1/).+/upload$"
    r"|^/v1/verify$"
    r"|^/v1/brands/[^/]+/look/(logo|fonts/)"
)  # the latter: pages
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUESTS = Counter("adloom_http_requests_total", "Requests by route, method and status", ["route", "method", "status"])
SECONDS = Histogram(
    "adloom_http_request_seconds",
    "Time to the first byte of the answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Gate:
    """One layer for all of it, so that a request pays for one."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_upload_bytes: int, access_log: bool = False) -> None:
        self.app, self._max_body, self._max_upload = app, max_body_bytes, max_upload_bytes
        self._tells_all = access_log
        self._process, self._numbers = secrets.token_hex(4).encode(), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        limit = self._max_upload if UPLOADS.match(scope["path"]) else self._max_body
        sent = dict(scope["headers"])
        asked = sent.get(b"x-request-id")
        request_id = (
            asked if asked and REQUEST_ID.fullmatch(asked) else b"%s%08x" % (self._process, next(self._numbers))
        )
        begun = False
        logs.forget()
        logs.bind(request=request_id.decode())

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in HEADERS if pair[0] not in given),
                    (b"x-request-id", request_id),
                ]
                _measure(scope, message["status"], started)
                self._tell(scope, message["status"], started)
            await send(message)

        length = sent.get(b"content-length", b"0")
        if not length.isdigit():
            await problem(400, "Content-Length is not a number")(scope, receive, send_with_headers)
            return
        if int(length) > limit:
            await answer(TooLarge(limit))(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, _bounded(receive, limit), send_with_headers)
        except TooLarge as error:
            if begun:
                raise
            await answer(error)(scope, receive, send_with_headers)
        except Exception as error:
            if begun:
                raise
            told = await scope["app"].exception_handlers[Exception](Request(scope), error)
            await told(scope, receive, send_with_headers)

    def _tell(self, scope: Scope, status: int, started: float) -> None:
        """A line for what failed here, and for everything if the operator wants that."""
        if status >= 500 or self._tells_all:
            milliseconds = round((time.perf_counter() - started) * 1e3, 1)
            level = logging.ERROR if status >= 500 else logging.INFO
            detail = {"method": scope["method"], "path": scope["path"], "status": status, "ms": milliseconds}
            log.log(level, "%s %s %s", scope["method"], scope["path"], status, extra=detail)


def _bounded(receive: Receive, limit: int) -> Receive:
    """Bodies without a length are counted as they come."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLarge(limit)
        return message

    return bounded


def _measure(scope: Scope, status: int, started: float) -> None:
    path = getattr(scope.get("route"), "path", "(none)")
    requests, seconds = meters_of(path, scope["method"] if path != "(none)" else "(any)", status)
    requests.inc()
    seconds.observe(time.perf_counter() - started)


@cache
def meters_of(path: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Counter and clock of a route; kept, because finding a labelled one costs more than counting."""
    return REQUESTS.labels(path, method, status), SECONDS.labels(path)
