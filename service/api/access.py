"""Who is asking, and may they? Keys come as ``X-API-Key`` or ``Authorization: Bearer``."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
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

    def spending(self, what: str, n: int) -> AbstractContextManager[None]:
        """Count what is made inside against the key's quota. Raises TooMany."""
        return self.services.usage.spending(self.key, what, n, utc_now())


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
    limiter = request.app.state.limiter
    if limiter.waits:
        await run_in_threadpool(limiter.check, key.id, key.rate)
    else:
        limiter.check(key.id, key.rate)
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
    """So many requests a key in a moving window: the key's own rate, else that of the settings.

    Counts are kept in this process, or, for several, in the store that ``storage`` names (``redis://...``).
    """

    def __init__(self, rate: str | None, storage: str | None = None) -> None:
        from limits.storage import storage_from_string
        from limits.strategies import MovingWindowRateLimiter

        self._rate = rate
        self.waits = bool(storage)  # asks a server: not for the event loop
        self._window = MovingWindowRateLimiter(storage_from_string(storage or "memory://"))

    def check(self, key_id: str, rate: str | None = None) -> None:
        """Raises TooMany."""
        rate = rate or self._rate
        if rate is None:
            return
        item = _parsed(rate)
        if not self._window.hit(item, key_id):
            reset = self._window.get_window_stats(item, key_id).reset_time
            raise TooMany(rate, max(1, math.ceil(reset - time.time())))


@cache
def _parsed(rate: str) -> Any:
    from limits import parse

    return parse(rate)
