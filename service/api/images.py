"""``/v1/images``: every product in every scene and every size, as a job."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from service.arena import utc_now
from service.copy.brief import OfferFile
from service.domain import Product
from service.errors import InvalidInput
from service.images.formats import find_format
from service.looks import layout_wishes
from service.provenance.labels import LabelPolicy
from service.storage import Store
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
Stage = Literal["above", "below", "left", "right"]


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
    relight: Annotated[
        bool, Field(description='give the product the scene\'s light, within a bound; its receipt then says "relit"')
    ] = False
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
    brand: Annotated[Id | None, Field(description="a kept brand: its colours, corners, logo, fonts and offers")] = None
    shows_price: Annotated[bool, Field(description="letter the product's price; crossed out beside an offer's")] = False
    offers: Annotated[tuple[OfferFile, ...], Field(max_length=10, strict=False, description="the first that runs")] = ()
    legal: Annotated[Line | None, Field(description="small print, never left out")] = None
    layout_stage: Annotated[Stage | None, Field(description="where the words stand; null: as suits the product")] = None


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
    wishes |= {"relight": True} if body.relight else {}
    wishes |= _words_of(body, store)
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


def _words_of(body: ImagesRequest, store: Store) -> dict[str, Any]:
    """What belongs to the layout, checked now and not in the middle of the night.

    Raises:
        NotFound: no such brand. InvalidInput: unknown format or stage, an offer that is over.
    """
    for name in body.formats:
        frame = find_format(name)
        if body.layout_stage and frame.words == "allowed":
            frame.staged(body.layout_stage)
    for number, offer in enumerate(body.offers):
        if offer.ends is not None and offer.ends < utc_now().date():
            raise InvalidInput(f"offers.{number}", f"{offer.text!r} ended on {offer.ends}; drop it")
    said = body.model_dump(mode="json", include={"brand", "shows_price", "offers", "legal", "layout_stage"})
    if body.brand:
        layout_wishes(store, {"brand": body.brand}, Product(id="", title=""))
    return {key: value for key, value in said.items() if value}
