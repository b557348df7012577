"""``/v1/copy``: words for a channel, every claim with its evidence."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.arena import utc_now
from service.copy.brief import BriefFile
from service.domain import Copy
from service.usage import TEXTS
from service.wiring import make_copy

from . import copy_stream
from .access import AnyCaller, Merchant
from .errors import READ, WRITE
from .idempotency import Idempotent, new_id
from .jobs import JobView, job_view
from .shapes import After, Id, Limit, Line, Listing, Strict, listing

router = APIRouter(prefix="/v1/copy", tags=["copy"], route_class=Idempotent)

Channel = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$", description="such as google_rsa, meta_feed, email")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Variants = Annotated[int, Field(ge=1, le=64, description="texts wanted of each repeatable field")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class CopyRequest(Strict):
    """Copy for one product and one channel."""

    product_id: Id
    channel: Channel
    language: Language | None = None
    variants: Variants = 8
    seed: Seed = 0
    tone: Line | None = None
    audience: Line | None = None
    brand: Annotated[Id | None, Field(description="a kept brand, whose brief lies under this one")] = None
    brief: BriefFile | None = None


class CopyJobRequest(Strict):
    """Copy for many products and channels, in the background."""

    product_ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)]
    channels: Annotated[list[Channel], Field(min_length=1, max_length=50)]
    language: Language | None = None
    variants: Variants = 8
    seed: Seed = 0
    tone: Line | None = None
    audience: Line | None = None
    brand: Id | None = None
    brief: BriefFile | None = None


def _asked(body: CopyRequest | CopyJobRequest, **exclude: bool) -> dict[str, Any]:
    """A request as JSON values; of a brief only the keys that it sets."""
    said = body.model_dump(mode="json", exclude={"brief", *exclude})
    return {**said, "brief": body.brief.model_dump(mode="json", exclude_unset=True) if body.brief else None}


@router.post("", status_code=201, responses=WRITE)
def write_copy(body: CopyRequest, who: Merchant, response: Response) -> Copy:
    """Write now and answer with the copy. The same request gives the same copy."""
    with who.spending(TEXTS, 1):
        copy = make_copy(who.services, who.workspace, _asked(body))
    response.headers["Location"] = f"/v1/copy/{copy.id}"
    return copy


@router.post(
    "/stream",
    responses={**WRITE, 200: {"content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
)
async def stream_copy(body: CopyRequest, who: Merchant) -> StreamingResponse:
    """Write now and tell as it goes, as server-sent events: ``progress`` ({step, done} with done from 0 to 1), ``line``
    (a line as soon as it is sure to stay), then ``copy`` (all of it, kept) or ``problem``. Hanging up stops the model.

    Example: curl -N -H "X-API-Key: $KEY" --json '{"product_id": "mug", "channel": "email"}' $URL/v1/copy/stream
    """
    await run_in_threadpool(who.services.store(who.workspace).products.get, body.product_id)  # or 404, before it begins
    await run_in_threadpool(who.services.usage.spend, who.key, TEXTS, 1, utc_now())
    return StreamingResponse(
        copy_stream.written(who, _asked(body)), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


@router.post("/jobs", status_code=202, responses=WRITE)
def write_copy_later(body: CopyJobRequest, who: Merchant, request: Request, response: Response) -> JobView:
    """Write in the background; each item of the job names its copy."""
    shared = _asked(body, product_ids=True, channels=True)
    items: list[dict[str, Any]] = [
        {"product_id": product, "channel": channel, **shared}
        for product in body.product_ids
        for channel in body.channels
    ]
    with who.spending(TEXTS, len(items)):
        job = who.services.jobs.submit(who.workspace, "copy", items, new_id(request, "job"))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_view(job)


@router.get("", responses=READ)
def list_copies(
    who: AnyCaller,
    after: After = None,
    limit: Limit = 50,
    product_id: Annotated[str | None, Query(max_length=128)] = None,
    channel: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[Copy]:
    page = who.services.store(who.workspace).copies.page(after, limit, product_id, channel)
    return Listing[Copy](**listing(page))


@router.get("/{id}", responses=READ)
def get_copy(id: Annotated[str, Path(max_length=128)], who: AnyCaller) -> Copy:
    return who.services.store(who.workspace).copies.get(id)
