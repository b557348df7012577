"""``/v1/brands``: how a shop speaks, kept once and named in every request for copy."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from service.arena import utc_now
from service.copy.brief import BriefFile, parse_brief

from .access import AnyCaller, Merchant
from .errors import READ, WRITE
from .idempotency import Idempotent
from .shapes import After, Limit, Listing

router = APIRouter(prefix="/v1/brands", tags=["copy"], route_class=Idempotent)
BrandId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class BrandView(BaseModel):
    """A kept brand: its id and the keys of a brief that it sets."""

    id: str
    brief: dict[str, Any]


@router.put("/{id}", responses=WRITE | {201: {"model": BrandView, "description": "it is new"}})
def put_brand(id: BrandId, body: BriefFile, who: Merchant, response: Response) -> BrandView:
    """Keep how a brand speaks: tone, words to use and to avoid, examples, audience, offers. Replaces what was there."""
    said = body.model_dump(mode="json", exclude_unset=True)
    is_new = who.services.store(who.workspace).brands.put(id, said, utc_now())
    response.status_code = 201 if is_new else 200
    return BrandView(id=id, brief=said)


@router.get("", responses=READ)
def list_brands(who: AnyCaller, after: After = None, limit: Limit = 50) -> Listing[BrandView]:
    page = who.services.store(who.workspace).brands.page(after, limit)
    return Listing[BrandView](items=[BrandView(id=id, brief=brief) for id, brief in page.items], next=page.next)


@router.get("/{id}", responses=READ)
def get_brand(id: BrandId, who: AnyCaller) -> BrandView:
    said = who.services.store(who.workspace).brands.get(id)
    return BrandView(id=id, brief=parse_brief(said).model_dump(mode="json", exclude_unset=True))


@router.delete("/{id}", status_code=204, responses=WRITE, response_class=Response)
def delete_brand(id: BrandId, who: Merchant) -> None:
    """Forget a brand. Copy written with it stays."""
    who.services.store(who.workspace).brands.delete(id)
