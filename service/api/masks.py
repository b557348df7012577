"""``/v1/products/{id}/photos/{name}/mask``: the cut-out that a person drew, taken for every later picture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
from service.domain import Photo
from service.errors import NotFound
from service.masks import forget_mask, keep_mask, mask_of, read_mask
from service.wiring import Services

from .access import AnyCaller, Designer
from .errors import READ, WRITE
from .idempotency import Idempotent

router = APIRouter(prefix="/v1/products/{id}/photos/{name}/mask", tags=["products"], route_class=Idempotent)
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
PNG = {"image/png": {"schema": {"type": "string", "format": "binary"}}}


class MaskView(BaseModel):
    """A mask that is kept."""

    photo_sha256: str
    sha256: str
    by_name: str
    updated: datetime


def photo_named(services: Services, workspace: str, id: str, name: str) -> Photo:
    """An uploaded photograph by its name, the last part of its key, or its digest. Raises NotFound."""
    for photo in services.store(workspace).products.get(id).photos:
        if photo.sha256 and name in (photo.name, photo.key.rpartition("/")[2], photo.sha256):
            return photo
    raise NotFound("photograph", name)


@router.put("", responses=WRITE, openapi_extra={"requestBody": {"required": True, "content": PNG}})
async def put_mask(id: Name, name: Name, request: Request, who: Designer) -> MaskView:
    """Keep a mask: a PNG as the body, white or opaque where the product is, of the photograph's size or shape.

    Example: curl -T mask.png -H "X-API-Key: $KEY" $URL/v1/products/mug/photos/front.jpg/mask
    """
    data = await request.body()
    return await run_in_threadpool(_keep, id, name, data, who)


def _keep(id: str, name: str, data: bytes, who: Designer) -> MaskView:
    services = who.services
    photo = photo_named(services, who.workspace, id, name)
    plane = read_mask(data, services.settings.max_photo_pixels)
    kept = keep_mask(services.store(who.workspace), services.objects(who.workspace), photo, plane, who.key, utc_now())
    return MaskView(photo_sha256=kept.photo_sha256, sha256=kept.sha256, by_name=kept.by_name, updated=kept.updated)


@router.get("", responses=READ, response_class=Response)
def get_mask(id: Name, name: Name, who: AnyCaller) -> Any:
    """The mask as a grey PNG of the photograph's size; 404 where nobody drew one and the cut-out is automatic."""
    photo = photo_named(who.services, who.workspace, id, name)
    data = mask_of(who.services.database, who.services.objects(who.workspace), photo)
    if data is None:
        raise NotFound("mask of photograph", name)
    return Response(data, media_type="image/png")


@router.delete("", status_code=204, responses=WRITE, response_class=Response)
def delete_mask(id: Name, name: Name, who: Designer) -> None:
    """Back to the automatic cut-out."""
    photo = photo_named(who.services, who.workspace, id, name)
    if not forget_mask(who.services.store(who.workspace), photo, who.key, utc_now()):
        raise NotFound("mask of photograph", name)
