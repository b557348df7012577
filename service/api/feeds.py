"""``/v1/copy/feeds``: copy for a whole feed, in the background, and the feed with its copy back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.errors import InvalidInput
from service.feeds.reading import FeedFormat
from service.feeds.work import FeedSettings, KeptFeed, Summary, kept_feed, open_kept, summary, take_in, write_result
from service.feeds.writing import OutFormat, media_type

from .access import AnyCaller, Merchant
from .copy import Channel, Language, Seed, Variants
from .errors import READ, WRITE
from .idempotency import Idempotent
from .jobs import JobView, job_view
from .shapes import shallow

router = APIRouter(prefix="/v1/copy/feeds", tags=["copy"], route_class=Idempotent)
FeedId = Annotated[str, Path(pattern=r"^feed_[0-9a-f]{20}$")]
BODIES = {
    kind: {"schema": {"type": "string"}}
    for kind in ("text/csv", "text/tab-separated-values", "application/xml", "application/json", "application/x-ndjson")
}


class RowProblemView(BaseModel):
    """A row that could not be used: its number, its column and why."""

    row: int
    id: str | None
    field: str
    reason: str


class FeedView(BaseModel):
    """A feed and how far its copy is."""

    id: str
    format: str
    encoding: str
    channel: str
    n_rows: int
    problems: list[RowProblemView]
    ignored_columns: list[str]
    job: JobView


class SummaryView(BaseModel):
    """What a feed came to."""

    rows: int
    done: int
    failed: int
    lines: dict[str, int]
    seconds_per_row: float | None
    reasons: list[RowProblemView]


@router.post("", status_code=202, responses=WRITE, openapi_extra={"requestBody": {"required": True, "content": BODIES}})
async def write_feed(
    request: Request,
    who: Merchant,
    response: Response,
    channel: Annotated[Channel, Query()],
    variants: Annotated[Variants, Query()] = 8,
    language: Annotated[Language | None, Query(description="of products that name none")] = None,
    seed: Annotated[Seed, Query()] = 0,
    currency: Annotated[str, Query(pattern="^[A-Z]{3}$", description="of prices without one")] = "EUR",
    format: Annotated[FeedFormat | None, Query(description="found out when left away")] = None,
    brand: Annotated[str | None, Query(max_length=128, description="id of a kept brand")] = None,
    brief: Annotated[str | None, Query(max_length=8_000, description="a brief as JSON")] = None,
) -> FeedView:
    """A feed as the body: CSV, TSV, Google Merchant data (TSV, RSS, Atom), Shopify's CSV, JSON or JSON lines.

    The same feed with the same settings is the same job. A row that cannot be used is told and stops nothing.
    """
    settings = FeedSettings(channel, variants, language, seed, currency, format, brand, _brief(brief))
    data = await request.body()
    kept = await run_in_threadpool(take_in, who.services, who.workspace, data, settings)
    response.headers["Location"] = f"/v1/copy/feeds/{kept.id}"
    return await run_in_threadpool(_view, who, kept)


def _brief(said: str | None) -> dict[str, Any] | None:
    try:
        parsed = json.loads(said) if said else None
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidInput("brief", f"not JSON: {error}") from error
    if parsed is not None and not isinstance(parsed, dict):
        raise InvalidInput("brief", "not an object")
    return parsed


def _view(who: AnyCaller, kept: KeptFeed) -> FeedView:
    job = who.services.store(who.workspace).jobs.get(kept.id)
    return FeedView(
        id=kept.id,
        format=kept.format,
        encoding=kept.encoding,
        channel=kept.settings.channel,
        n_rows=kept.n_rows,
        problems=[RowProblemView(**shallow(problem)) for problem in kept.problems[:1_000]],
        ignored_columns=list(kept.ignored),
        job=job_view(job),
    )


@router.get("/{id}", responses=READ)
def get_feed(id: FeedId, who: AnyCaller) -> FeedView:
    """How far a feed is; its job can be watched and cancelled under ``/v1/jobs/{id}`` too."""
    return _view(who, kept_feed(who.services, who.workspace, id))


@router.get("/{id}/summary", responses=READ)
def get_summary(id: FeedId, who: AnyCaller) -> SummaryView:
    """Rows done and failed with reasons, lines by origin, seconds a row."""
    found: Summary = summary(who.services, who.workspace, id)
    return SummaryView(
        rows=found.rows,
        done=found.done,
        failed=found.failed,
        lines=dict(found.lines),
        seconds_per_row=found.seconds_per_row,
        reasons=[RowProblemView(**shallow(reason)) for reason in found.reasons],
    )


@router.get("/{id}/result", responses=READ, response_class=StreamingResponse)
def get_result(
    id: FeedId,
    who: AnyCaller,
    format: Annotated[OutFormat, Query(description="the same rows, or a bulk file")] = "same",
    campaign: Annotated[str, Query(min_length=1, max_length=120, description="in bulk files")] = "adloom",
) -> StreamingResponse:
    """The feed with its copy as far as the job is: same rows and columns, new columns at the end; or a bulk file."""
    kept = kept_feed(who.services, who.workspace, id)
    media, ending = media_type(format, open_kept(who.services, who.workspace, kept))
    text = io.StringIO(newline="")
    write_result(who.services, who.workspace, id, format, text, campaign)
    name = f'attachment; filename="{id}-{format}.{ending}"'
    return StreamingResponse(_chunks(text), media_type=f"{media}; charset=utf-8", headers={"Content-Disposition": name})


def _chunks(text: io.StringIO) -> Iterator[bytes]:
    text.seek(0)
    while chunk := text.read(1 << 16):
        yield chunk.encode()
