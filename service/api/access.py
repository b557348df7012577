"""Who is asking, and may they? Keys come as ``X-API-Key`` or ``Authorization: Bearer``."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.errors import NotAllowed, TooMany, UnknownKey
from service.records import ApiKey, Scope
from service.wiring import Services

_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key of this installation.")
_bearer = HTTPBearer(auto_error=False, description="The same key as a bearer token.")


@dataclass(frozen=True, slots=True)
class Caller:
    """A recognised key, and everything that belongs to its workspace."""

    key: ApiKey
    services: Services

    @property
    def workspace(self) -> str:
        return self.key.workspace


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def key_text(request: Request) -> str | None:
    """The key as it came, if any."""
    text = request.headers.get("x-api-key")
    if text is None:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        text = rest.strip() if scheme.lower() == "bearer" else None
    return text or None


async def recognise(request: Request) -> ApiKey:
    """The key of a request, within its rate limit.

    Raises:
        UnknownKey, TooMany
    """
    text = key_text(request)
    if text is None:
        raise UnknownKey("send a key as X-API-Key or as a bearer token")
    ring = services_of(request).ring
    key = ring.remembered(text)
    if key is None:
        key = await run_in_threadpool(ring.recognise, text)
    request.app.state.limiter.check(key.id)
    return key


async def caller(
    request: Request,
    header: Annotated[str | None, Depends(_header)] = None,
    bearer: Annotated[Any, Depends(_bearer)] = None,
) -> Caller:
    """Any good key."""
    return Caller(await recognise(request), services_of(request))


AnyCaller = Annotated[Caller, Depends(caller)]


def _with_scope(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    async def check(who: AnyCaller) -> Caller:
        if not who.key.allows(scope):
            raise NotAllowed(f"this needs a key with the scope {scope.value!r}; this one has {list(who.key.scopes)}")
        return who

    return check


Merchant = Annotated[Caller, Depends(_with_scope(Scope.MERCHANT))]
Designer = Annotated[Caller, Depends(_with_scope(Scope.DESIGNER))]
Growth = Annotated[Caller, Depends(_with_scope(Scope.GROWTH))]
Admin = Annotated[Caller, Depends(_with_scope(Scope.ADMIN))]


class Limiter:
    """So many requests a key in a moving window; counts in this process."""

    def __init__(self, rate: str | None) -> None:
        self._rate = rate
        if rate:
            from limits import parse
            from limits.storage import MemoryStorage
            from limits.strategies import MovingWindowRateLimiter

            self._item, self._window = parse(rate), MovingWindowRateLimiter(MemoryStorage())

    def check(self, key_id: str) -> None:
        """Raises TooMany."""
        if self._rate and not self._window.hit(self._item, key_id):
            reset = self._window.get_window_stats(self._item, key_id).reset_time
            raise TooMany(self._rate, max(1, math.ceil(reset - time.time())))
