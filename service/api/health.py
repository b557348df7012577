"""Is it alive, is it ready, how is it doing?"""

from __future__ import annotations

import shutil
import time
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge
from pydantic import BaseModel
from starlette.responses import JSONResponse

from service.watch.metrics import everything

from .access import services_of

router = APIRouter(tags=["health"])
WAITING = Gauge("adloom_events_waiting", "Rows waiting for the next commit")
GROUPS = Gauge("adloom_commit_groups", "Group commits since the start")
VERSION_AGE = Gauge("adloom_weight_version_age_seconds", "Age of the oldest weights in use")
SMALLEST_DISK = 64 << 20


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    """``ready`` only if every check is ``ok``; otherwise each says what is wrong."""

    ready: bool
    checks: dict[str, str]


@router.get("/healthz")
async def health() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readiness(request: Request) -> Any:
    """It can do its work: database, storage, disk and the commit loop."""
    services = services_of(request)
    checks = {
        "database": _try(services.database.check),
        "storage": _try(lambda: services.objects("main").has("ready")),
        "disk": "ok",
        "tracking": "ok" if services.commit.is_running else "the commit loop has ended",
    }
    try:
        free = shutil.disk_usage(services.settings.data_dir).free
        if free < SMALLEST_DISK:
            checks["disk"] = f"only {free >> 20} MiB free"
    except OSError as error:
        checks["disk"] = str(error)
    ready = all(check == "ok" for check in checks.values())
    return JSONResponse(Readiness(ready=ready, checks=checks).model_dump(), 200 if ready else 503)


def _try(check: Any) -> str:
    try:
        check()
    except Exception as error:  # whatever it is, it is the answer
        return f"{type(error).__name__}: {error}"[:200]
    return "ok"


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Prometheus text."""
    services = services_of(request)
    WAITING.set(services.commit.n_waiting)
    GROUPS.set(services.commit.groups)
    VERSION_AGE.set(max(services.arena.version_age_s(time.time()).values(), default=0.0))
    return Response(everything(request.app.state.waiting), media_type=CONTENT_TYPE_LATEST)
