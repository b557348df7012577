"""``/v1/images``: every product in every scene and every size, as a job."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from service.errors import InvalidInput

from .access import Designer
from .copy import Seed
from .errors import WRITE
from .idempotency import Idempotent, new_id
from .jobs import JobView, job_view
from .shapes import Id, Line, Strict

router = APIRouter(prefix="/v1/images", tags=["images"], route_class=Idempotent)
MOST_ITEMS = 20_000


class ImagesRequest(Strict):
    """One item for each product, scene, format and seed."""

    product_ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)]
    scenes: Annotated[list[Line], Field(min_length=1, max_length=500, description="scene ids, or words to paint from")]
    formats: Annotated[tuple[Id, ...], Field(min_length=1, max_length=20, strict=False)] = ("square",)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100, strict=False)] = (0,)
    backend: Id | None = None
    copy_id: Id | None = None
    headline: Line | None = None
    body: Line | None = None
    call_to_action: Line | None = None


@router.post("", status_code=202, responses=WRITE)
def make_images(body: ImagesRequest, who: Designer, request: Request, response: Response) -> JobView:
    """Begin; the job's items name the creatives as they are finished."""
    count = len(body.product_ids) * len(body.scenes) * len(body.formats) * len(body.seeds)
    if count > MOST_ITEMS:
        raise InvalidInput("product_ids", f"{count} pictures asked for at once; at most {MOST_ITEMS}")
    store = who.services.store(who.workspace)
    for product_id in dict.fromkeys(body.product_ids):
        store.products.get(product_id)
    if body.copy_id is not None:
        store.copies.get(body.copy_id)
    shared = body.model_dump(include={"backend", "copy_id", "headline", "body", "call_to_action"})
    items: list[dict[str, Any]] = [
        {"product_id": product, "scene": scene, "format": format, "seed": seed, **shared}
        for product, scene, format, seed in itertools.product(body.product_ids, body.scenes, body.formats, body.seeds)
    ]
    job = who.services.jobs.submit(who.workspace, "images", items, new_id(request, "job"))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_view(job)
