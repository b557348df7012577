"""What advertising platforms report of ads that they serve: a page apart from our own tests, and marked as such."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from service.arena import utc_now
from service.errors import InvalidInput
from service.records import AuditEntry, Scope
from service.statistics import CAUTION, keep, read_statistics, rows_between, standings
from service.statistics.keeping import forget
from service.statistics.reading import PLATFORMS, columns

from . import words
from .web import Member, PageRoute, member_with

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Growth = Annotated[Member, Depends(member_with(Scope.GROWTH))]
ADDRESS = "/tests/elsewhere"
ROWS = 100


@router.get(ADDRESS)
def elsewhere(who: Growth) -> Response:
    found = standings(rows_between(who.services.database, who.workspace))
    top = max((one.high for one in found[:ROWS]), default=1.0)
    return who.page(
        "tests/elsewhere.html.j2",
        rows=found[:ROWS],
        n_more=max(0, len(found) - ROWS),
        scale=min(1.0, top * 1.05) or 1.0,
        caution=CAUTION,
        titles={name: columns()[name]["title"] for name in PLATFORMS},
    )


@router.post(ADDRESS + "/upload")
async def take_in(who: Growth) -> Response:
    file = who.form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise InvalidInput("file", "choose the table that the platform exported")
    data = await file.read()
    return await run_in_threadpool(_keep, who, data)


def _keep(who: Growth, data: bytes) -> Response:
    order = who.text("date_order")
    found = read_statistics(data, who.text("platform") or None, date_order=cast(Any, order) if order else None)
    now, days = utc_now(), [row.day for row in found.rows]
    kept = keep(who.services.database, who.workspace, found.rows, now)
    first, last = min(days), max(days)
    detail = {"first_day": first.isoformat(), "last_day": last.isoformat(), "rows": len(found.rows)}
    who.store.note(AuditEntry(now, who.key.id, "import", "statistics", found.platform, detail))
    left_out = f" {words.count(len(found.problems), 'line')} left out: {_first(found)}" if found.problems else ""
    undo = None if kept.replaced else f"{ADDRESS}/forget?platform={found.platform}&first={first}&last={last}"
    text = f"{words.count(len(found.rows), 'row')} of {columns()[found.platform]['title']} kept, {first} to {last}."
    return who.go(ADDRESS, text + left_out, "note" if found.problems else "good", undo)


def _first(found: Any) -> str:
    one = found.problems[0]
    return f"line {one.line}: {one.reason}."


@router.post(ADDRESS + "/forget")
def take_back(who: Growth, platform: str, first: date, last: date) -> Response:
    if platform not in PLATFORMS:
        raise InvalidInput("platform", f"there are {', '.join(PLATFORMS)}")
    removed = forget(who.services.database, who.workspace, platform, first, last)
    detail = {"first_day": first.isoformat(), "last_day": last.isoformat(), "rows": removed}
    who.store.note(AuditEntry(utc_now(), who.key.id, "forget", "statistics", platform, detail))
    return who.go(ADDRESS, f"{words.count(removed, 'row')} removed.")
