"""``/v1/images``: every product in every scene and every size, as a job."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from service.errors import InvalidInput
from service.provenance.labels import LabelPolicy
from service.usage import PICTURES

from .access import Designer
from .copy import Seed
from .errors import WRITE
from .idempotency import Idempotent, new_id
from .jobs import JobView, job_view
from .placements import Arrangement, PlacementWish, group_of
from .shapes import Id, Line, Strict

router = APIRouter(prefix="/v1/images", tags=["images"], route_class=Idempotent)
MOST_ITEMS = 20_000


class ImagesRequest(Strict):
    """One item for each product, scene, format and seed; with ``products``, one for each scene, format and seed."""

    product_ids: Annotated[list[Id], Field(max_length=10_000, default_factory=list)]
    products: Annotated[
        list[Id] | None, Field(min_length=2, max_length=5, description="several products in one picture")
    ] = None
    arrangement: Annotated[Arrangement | None, Field(description="of `products`; a set without it")] = None
    placement: Annotated[PlacementWish | None, Field(description="where the product stands; none: as usual")] = None
    match_light: Annotated[bool, Field(description="move the scene's white, grain and sharpness to the product's")] = (
        True
    )
    scenes: Annotated[list[Line], Field(min_length=1, max_length=500, description="scene ids, or words to paint from")]
    formats: Annotated[tuple[Id, ...], Field(min_length=1, max_length=20, strict=False)] = ("square",)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100, strict=False)] = (0,)
    label_policy: Annotated[
        LabelPolicy | None, Field(description="none, eu (C2PA), cn (GB 45438) or all; null: as the server is set")
    ] = None
    backend: Id | None = None
    copy_id: Id | None = None
    headline: Line | None = None
    body: Line | None = None
    call_to_action: Line | None = None


@router.post("", status_code=202, responses=WRITE)
def make_images(body: ImagesRequest, who: Designer, request: Request, response: Response) -> JobView:
    """Begin; the job's items name the creatives as they are finished."""
    group = group_of(body.products, body.arrangement)
    if bool(body.product_ids) == bool(group):
        raise InvalidInput("product_ids", "either product_ids, one picture each, or products, all in one picture")
    if group and body.placement is not None:
        raise InvalidInput("placement", "several products find their own places; give an arrangement instead")
    first = body.product_ids or group[:1]
    count = len(first) * len(body.scenes) * len(body.formats) * len(body.seeds)
    if count > MOST_ITEMS:
        raise InvalidInput("product_ids", f"{count} pictures asked for at once; at most {MOST_ITEMS}")
    store = who.services.store(who.workspace)
    for product_id in dict.fromkeys([*first, *group]):
        store.products.get(product_id)
    if body.copy_id is not None:
        store.copies.get(body.copy_id)
    shared = body.model_dump(include={"backend", "copy_id", "headline", "body", "call_to_action"})
    wishes: dict[str, Any] = {} if body.match_light else {"match_light": False}
    if body.label_policy is not None:
        wishes["label_policy"] = body.label_policy
    if body.placement is not None:
        wishes["placement"] = body.placement.told()
    if group:
        wishes |= {"others": group[1:], "arrangement": body.arrangement or "set"}
    items: list[dict[str, Any]] = [
        {"product_id": product, "scene": scene, "format": format, "seed": seed, **shared, **wishes}
        for product, scene, format, seed in itertools.product(first, body.scenes, body.formats, body.seeds)
    ]
    with who.spending(PICTURES, len(items)):
        job = who.services.jobs.submit(who.workspace, "images", items, new_id(request, "job"))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_view(job)
