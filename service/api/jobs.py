"""``/v1/jobs``: work that goes on in the background."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.errors import NotAllowed
from service.records import Job, JobItem, Scope

from .access import AnyCaller, Caller
from .errors import READ, WRITE
from .idempotency import Idempotent
from .shapes import After, Limit, Listing, shallow

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Idempotent)
JobId = Annotated[str, Path(max_length=128)]
LOOK_S = 0.4
PICTURE_KINDS = frozenset({"images", "batch", "batch-look"})


class JobView(BaseModel):
    """A job and how far it is."""

    id: str
    kind: str
    state: str
    n_items: int
    n_done: int
    n_failed: int
    n_review: int  # of those done: a person should look first
    n_waiting: int
    progress: float
    seconds_each: float | None  # mean of the items done, on one worker
    eta_s: float | None  # until it ends; null while that cannot be said
    round: int  # how often it was taken up again
    reason: str | None  # why it is paused
    created: datetime
    started: datetime | None
    finished: datetime | None


class ItemView(BaseModel):
    position: int
    state: str
    request: dict[str, Any]
    result_id: str | None
    reason: str | None
    seconds: float | None


def job_view(job: Job, workers: int = 1) -> JobView:
    return JobView(**shallow(job), progress=job.progress, eta_s=job.eta_s(workers))


def item_view(item: JobItem) -> ItemView:
    return ItemView(**shallow(item))


@router.get("", responses=READ)
def list_jobs(who: AnyCaller, after: After = None, limit: Limit = 50) -> Listing[JobView]:
    page = who.services.store(who.workspace).jobs.page(after, limit)
    workers = who.services.settings.job_workers
    return Listing[JobView](items=[job_view(job, workers) for job in page.items], next=page.next)


@router.get("/{id}", responses=READ)
def get_job(id: JobId, who: AnyCaller) -> JobView:
    return job_view(who.services.store(who.workspace).jobs.get(id), who.services.settings.job_workers)


@router.get("/{id}/items", responses=READ)
def list_items(
    id: JobId, who: AnyCaller, after: Annotated[int, Query(ge=-1, le=10**9)] = -1, limit: Limit = 100
) -> Listing[ItemView]:
    """Every item with its result, or the reason why there is none. ``after`` is the last position seen."""
    jobs = who.services.store(who.workspace).jobs
    n_items, items = jobs.get(id).n_items, jobs.items(id, after, limit)
    last = items[-1].position if items else n_items
    return Listing[ItemView](items=[item_view(item) for item in items], next=str(last) if last < n_items - 1 else None)


@router.delete("/{id}", responses=WRITE)
def cancel_job(id: JobId, who: AnyCaller) -> JobView:
    """Give up the items that have not begun; what is made already stays. Needs the scope that began it."""
    _check_scope(id, who)
    return job_view(who.services.jobs.cancel(who.workspace, id))


@router.post("/{id}/pause", responses=WRITE)
def pause_job(id: JobId, who: AnyCaller) -> JobView:
    """Begin no more items; those being made are finished."""
    _check_scope(id, who)
    return job_view(who.services.jobs.pause(who.workspace, id))


@router.post("/{id}/resume", responses=WRITE)
def resume_job(id: JobId, who: AnyCaller) -> JobView:
    """Go on with a job that was paused."""
    _check_scope(id, who)
    return job_view(who.services.jobs.resume(who.workspace, id))


@router.post("/{id}/retry", responses=WRITE)
def retry_job(id: JobId, who: AnyCaller) -> JobView:
    """Try what failed or was cancelled once more; what is done stays."""
    _check_scope(id, who)
    return job_view(who.services.jobs.retry(who.workspace, id))


def _check_scope(id: str, who: Caller) -> None:
    kind = who.services.store(who.workspace).jobs.get(id).kind
    scope = Scope.DESIGNER if kind in PICTURE_KINDS else Scope.MERCHANT
    if not who.key.allows(scope):
        raise NotAllowed(f"this needs a key with the scope {scope.value!r}")


@router.get("/{id}/events", responses=READ, response_class=StreamingResponse)
async def watch_job(id: JobId, who: AnyCaller, request: Request) -> StreamingResponse:
    """Progress as server-sent events: ``progress`` whenever something changed, ``end`` once, then the stream closes."""
    await run_in_threadpool(who.services.store(who.workspace).jobs.get, id)
    return StreamingResponse(
        _progress(who, id, request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _progress(who: Caller, id: str, request: Request) -> AsyncIterator[str]:
    jobs, before = who.services.store(who.workspace).jobs, ""
    while not await request.is_disconnected():
        job = await run_in_threadpool(jobs.get, id)
        now = job_view(job, who.services.settings.job_workers).model_dump_json()
        if now != before:
            yield f"event: progress\ndata: {now}\n\n"
        before = now
        if job.state.is_final:
            yield f"event: end\ndata: {json.dumps({'state': job.state.value})}\n\n"
            return
        await asyncio.sleep(LOOK_S)
