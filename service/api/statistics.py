"""``/v1/statistics``: what advertising platforms report of ads that they serve, kept apart from our own tests."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
from service.errors import InvalidInput
from service.records import AuditEntry
from service.statistics import CAUTION, keep, read_statistics, rows_between, standings
from service.statistics.keeping import forget

from .access import Growth
from .errors import READ, WRITE

router = APIRouter(prefix="/v1/statistics", tags=["statistics"])
Platform = Literal["google_ads", "meta", "tiktok"]
BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}}
MOST_PROBLEMS = 100


class ProblemView(BaseModel):
    line: int
    reason: str


class ImportAnswer(BaseModel):
    """What an import kept."""

    platform: str
    rows: Annotated[int, Field(description="ads times days")]
    new: int
    replaced: Annotated[int, Field(description="days that were there already: platforms restate their numbers")]
    ads: int
    linked: Annotated[int, Field(description="ads whose name carries the id of one of our creatives")]
    first_day: date
    last_day: date
    problems: Annotated[list[ProblemView], Field(description="lines left out, the first hundred")]
    n_problems: int


class StandingView(BaseModel):
    """An ad on a platform."""

    platform: str
    ad: str
    ad_name: str
    creative: str | None
    first_day: date
    last_day: date
    n_days: int
    impressions: int
    clicks: int
    rate: float
    low: float
    high: float
    dispersion: Annotated[float, Field(description="how much more days differ than chance; widens intervals")]
    cost: float | None
    currency: str | None
    conversions: float | None
    value: float | None
    basis: str


class StandingsAnswer(BaseModel):
    """Most impressions first."""

    basis: str = "aggregated by the platform"
    caution: str = CAUTION
    items: list[StandingView]


class ForgetAnswer(BaseModel):
    removed: int


@router.post("/import", responses=WRITE, openapi_extra=BODY)
async def import_statistics(
    request: Request,
    who: Growth,
    platform: Platform | None = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
    date_order: Literal["dmy", "mdy"] | None = None,
) -> ImportAnswer:
    """A platform's daily table as the body (CSV, or the tab-separated text that spreadsheets get). Importing the same
    days again replaces them.

    Example: curl --data-binary @ads.csv -H "X-API-Key: $KEY" $URL/v1/statistics/import
    """
    data = await request.body()
    return await run_in_threadpool(_import, who, data, platform, currency, date_order)


def _import(who: Growth, data: bytes, platform: Any, currency: str | None, date_order: Any) -> ImportAnswer:
    found = read_statistics(data, platform, currency=currency, date_order=date_order)
    now = utc_now()
    kept = keep(who.services.database, who.workspace, found.rows, now)
    days = [row.day for row in found.rows]
    detail = {"first_day": min(days).isoformat(), "last_day": max(days).isoformat(), "rows": len(found.rows)}
    entry = AuditEntry(now, who.key.id, "import", "statistics", found.platform, detail)
    who.services.store(who.workspace).note(entry)
    return ImportAnswer(
        platform=found.platform,
        rows=len(found.rows),
        new=kept.new,
        replaced=kept.replaced,
        ads=len({row.ad for row in found.rows}),
        linked=len({row.ad for row in found.rows if row.creative}),
        first_day=min(days),
        last_day=max(days),
        problems=[ProblemView(line=one.line, reason=one.reason) for one in found.problems[:MOST_PROBLEMS]],
        n_problems=len(found.problems),
    )


@router.get("", responses=READ)
def list_statistics(
    who: Growth,
    first: date | None = None,
    last: date | None = None,
    platform: Platform | None = None,
    by: Literal["ad", "creative"] = "ad",
) -> StandingsAnswer:
    """Rates with their intervals, by ad or by our creative. Not an experiment: see ``caution``."""
    rows = rows_between(who.services.database, who.workspace, first, last, platform)
    found = standings(rows, by_creative=by == "creative")
    return StandingsAnswer(items=[StandingView(**asdict(one)) for one in found])


@router.delete("", responses=WRITE)
def forget_statistics(who: Growth, platform: Platform, first: date, last: date) -> ForgetAnswer:
    """Take an import back: remove these days of a platform."""
    if last < first:
        raise InvalidInput("last", "lies before first")
    now = utc_now()
    removed = forget(who.services.database, who.workspace, platform, first, last)
    detail = {"first_day": first.isoformat(), "last_day": last.isoformat(), "rows": removed}
    who.services.store(who.workspace).note(AuditEntry(now, who.key.id, "forget", "statistics", platform, detail))
    return ForgetAnswer(removed=removed)
