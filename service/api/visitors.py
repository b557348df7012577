"""Erasing a visitor, thinning out the log, and which marked traffic a test counts in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.arena import rules_of, utc_now
from service.tracking import Gone, MarkName, count_in, erase_visitor, retain

from .access import Admin, Growth
from .errors import READ, WRITE
from .shapes import Strict

router = APIRouter(tags=["tracking"])
TestId = Annotated[str, Path(max_length=128)]


class EraseRequest(Strict):
    """The shop's own id of the visitor, as it was sent with decide. In the body, so that no access log keeps it."""

    visitor: Annotated[str, Field(min_length=1, max_length=256)]


class RetainRequest(Strict):
    older_than_days: Annotated[float, Field(gt=0, le=36_500, strict=False)]


class GoneView(BaseModel):
    """Rows that were removed. Sums, rates and intervals stay what they were."""

    decisions: int
    events: int


class CountingRequest(Strict):
    """Marks whose traffic is counted like any other; all others are left out."""

    marks: list[MarkName]


class CountingView(BaseModel):
    marks: list[MarkName]
    changed_events: int


def _view(gone: Gone) -> GoneView:
    return GoneView(decisions=gone.decisions, events=gone.events)


@router.post("/v1/visitors/erase", responses=WRITE)
def erase(body: EraseRequest, who: Growth) -> GoneView:
    """Remove all decisions and events of a visitor. What they added to results is kept in sums that name nobody."""
    digest = who.services.visitors.digest(who.workspace, body.visitor)
    return _view(erase_visitor(who.services.database, who.workspace, digest))


@router.post("/v1/retention", responses=WRITE)
def thin_out(body: RetainRequest, who: Admin) -> GoneView:
    """Remove decisions and events older than this, in this workspace; those whose window is open stay."""
    database = who.services.database
    age = timedelta(days=body.older_than_days)
    return _view(retain(database, rules_of(database), age, utc_now(), who.workspace))


@router.put("/v1/experiments/{id}/counted-marks", responses=READ)
def set_counted_marks(id: TestId, body: CountingRequest, who: Growth) -> CountingView:
    """Count marked traffic in again, or out: robots, bursts, pages fetched ahead, looks at a header."""
    services = who.services
    services.store(who.workspace).tests.get(id)
    changed = count_in(services.database, rules_of(services.database), who.workspace, id, body.marks)
    return CountingView(marks=sorted(set(body.marks)), changed_events=changed)
