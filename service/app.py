"""The service as one ASGI application, and the server that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from .api import (
    batches,
    brands,
    clients,
    copy,
    creatives,
    docs,
    errors,
    experiments,
    exports,
    feeds,
    formats,
    health,
    images,
    jobs,
    keys,
    looks,
    masks,
    placements,
    products,
    retouch,
    rules,
    scenes,
    statistics,
    tracking,
    verify,
    visitors,
)
from .api.access import Limiter
from .api.fast_lane import FastLane
from .api.middleware import Gate
from .arena import rules_of, utc_now
from .domain import Product
from .keys import first_key
from .pages import site
from .settings import Settings
from .tracking import retain
from .tracking.filters import agent_kind
from .watch import logs, tracing
from .watch.metrics import waiting_of
from .wiring import Services, StudioFactory, real_studio, wire

log = logging.getLogger("adloom")

DESCRIPTION = (
    "From a product's facts and one photograph: copy that says nothing untrue, the untouched product in new scenes, "
    "finished ads, and tests that learn. Every refusal is an RFC 9457 problem document. Lists are paged; writes take "
    "an Idempotency-Key; keys go into X-API-Key or a bearer token."
)
# routes are tried in this order: what pages call comes first
ROUTERS = (
    tracking,
    visitors,
    products,
    masks,
    retouch,
    brands,
    looks,
    formats,
    feeds,
    copy,
    rules,
    scenes,
    images,
    placements,
    batches,
    creatives,
    verify,
    jobs,
    experiments,
    keys,
    health,
    docs,
    clients,
    exports,
    statistics,
)


def create_app(settings: Settings | None = None, make_studio: StudioFactory = real_studio) -> FastAPI:
    """The application. Databases are opened and migrated here; work in the background begins with the lifespan.

    Args:
        make_studio: replaces the studio, in tests by one without networks.
    """
    settings = settings or Settings()
    services = wire(settings, make_studio)
    app = Application(
        title="adloom",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.services = services
    app.state.waiting = waiting_of(services.database)
    app.state.limiter = Limiter(settings.rate_limit, settings.rate_storage)
    app.state.first_key = first_key(settings, services.ring, services.keys, utc_now())
    errors.install(app)
    for room in ROUTERS:
        app.include_router(room.router)
    for router in site.ROUTERS:
        app.include_router(router)
    site.install(app)
    _describe_problems(app)
    if settings.cors_origins:
        from starlette.middleware.cors import CORSMiddleware

        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["X-API-Key", "Authorization", "Content-Type", "Idempotency-Key"],
        )
    app.add_middleware(
        Gate,
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        access_log=settings.access_log,
    )
    return app


class Application(FastAPI):
    """The framework's application with the fast lane before all of its layers."""

    lane: FastLane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.lane is None:
            self.lane = FastLane(super().__call__, self.state.services)
        await self.lane(scope, receive, send)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    traces = tracing.install(app, services.database.engine) if services.settings.tracing else None
    services.commit.start()
    await run_in_threadpool(services.jobs.launch)
    await run_in_threadpool(agent_kind, "")  # reads its list before the first visitor comes
    await run_in_threadpool(services.arena.refresh_all, utc_now())
    refresher = asyncio.create_task(_refresh(services), name="refresh-weights")
    retainer = asyncio.create_task(_retain(services), name="retain")
    try:
        yield
    finally:
        refresher.cancel()
        retainer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refresher
        await services.commit.close()  # what was promised is committed
        services.log.close()
        await run_in_threadpool(services.jobs.close)
        services.database.close()
        if traces is not None:
            tracing.remove(app, services.database.engine)
            await run_in_threadpool(traces.shutdown)


async def _retain(services: Services) -> None:
    """Once an hour remove what is older than the settings say."""
    days = services.settings.retain_days
    while days is not None:
        await asyncio.sleep(3_600.0)
        try:
            age, rules = timedelta(days=days), rules_of(services.database)
            await run_in_threadpool(retain, services.database, rules, age, utc_now())
        except Exception:
            log.exception("old rows were not removed; trying again in an hour")


async def _refresh(services: Services) -> None:
    """Look once in a while whether weights are due."""
    while True:
        await asyncio.sleep(services.settings.refresh_s)
        try:
            await run_in_threadpool(services.arena.refresh_all, utc_now())
        except Exception:
            log.exception("weights were not refreshed; trying again")


def _describe_problems(app: FastAPI) -> None:
    """Put the problem shape into the API description, where every refusal points at it."""
    original = app.openapi

    def described() -> dict[str, Any]:
        api = original()
        schemas = api.setdefault("components", {}).setdefault("schemas", {})
        shape = errors.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= shape.pop("$defs", {})
        schemas["Problem"] = shape
        schemas |= tracking.schemas()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        return api

    app.openapi = described  # type: ignore[method-assign]


def serve(settings: Settings | None = None, *, load_samples: bool = False, quiet: bool = False) -> None:
    """Run the server in this process until it is told to stop."""
    import uvicorn

    settings = settings or Settings()
    _log_to_stderr(settings)
    app = create_app(settings)
    samples: tuple[Product, ...] = ()
    if load_samples:
        from .sample_products import load

        samples = load(app.state.services)
    if not quiet:
        say_hello(settings, app.state.first_key, samples[0].id if samples else None)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )


def say_hello(settings: Settings, key: str | None, product: str | None = None) -> None:
    """The address, a key, and three lines to try, on standard error."""
    url = settings.address
    lines = [f"adloom listens at {url}   (pages for people: {url}/   description: {url}/docs)"]
    if key is None:
        lines.append("keys exist already; use one of yours")
    else:
        head = f"curl -sS -H 'X-API-Key: {key}'"
        body = '{"id": "my-mug", "title": "My mug", "facts": [{"key": "capacity", "value": "350 ml"}]}'
        copy = f'{{"product_id": "{product}", "channel": "email"}}'
        lines += [
            f"admin key: {key}",
            "",
            "try:",
            f"  {head} '{url}/v1/products?limit=1'",
            f"  {head} '{url}/v1/scenes?camera_class=eye_level'",
            f"  {head} {url}/v1/copy -H 'Content-Type: application/json' -d '{copy}'"
            if product
            else f"  {head} -X PUT {url}/v1/products/my-mug -H 'Content-Type: application/json' -d '{body}'",
        ]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _log_to_stderr(settings: Settings) -> None:
    logs.configure(settings.log_level, settings.log_format)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


if __name__ == "__main__":
    serve()
