"""``/v1/products/{id}/photos/{name}/retouch``: a photograph retouched as asked, kept beside the original."""

from __future__ import annotations

import io
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from PIL import Image
from pydantic import BaseModel, Field

from service.arena import utc_now
from service.domain import Photo, Product
from service.photos import keep_photo
from service.records import AuditEntry
from service.usage import PICTURES

from .access import Designer
from .errors import WRITE
from .products import NAME, Name, named
from .shapes import Strict

router = APIRouter(prefix="/v1/products", tags=["products"])
Step = Literal["straighten", "white_balance", "exposure", "dust", "ground", "blemishes"]


class RetouchRequest(Strict):
    """What to do; without ``steps``, ``packshot`` and ``size_px``: white balance, exposure, dust and ground."""

    steps: Annotated[tuple[Step, ...] | None, Field(max_length=6, strict=False)] = None
    packshot: Annotated[bool, Field(description="alone on pure white, as marketplaces ask for it")] = False
    size_px: Annotated[int | None, Field(ge=64, le=10_000, description="longer side; a packshot's: 2000")] = None
    upscale: Literal["lanczos", "realesrgan", "realesrgan-fast"] = "lanczos"
    save_as: Annotated[str | None, Field(pattern=NAME, description="default: the name with -retouched")] = None


class RetouchView(BaseModel):
    """The product with the new photograph, and the record of what was done."""

    product: Product
    photo: Photo
    record: dict[str, Any]


@router.post("/{id}/photos/{name}/retouch", status_code=201, responses=WRITE, response_model=RetouchView)
def retouch_photo(id: Name, name: Name, who: Designer, response: Response, body: RetouchRequest | None = None) -> Any:
    """Retouch a photograph. The original stays; the record says by how much the product's own pixels moved.

    Example: curl -X POST -H "X-API-Key: $KEY" $URL/v1/products/mug/photos/front.jpg/retouch
    """
    from models import registry
    from service.images.retouching import AUTO, Ask, retouched

    body = body or RetouchRequest()
    services, settings = who.services, who.services.settings
    store, objects = services.store(who.workspace), services.objects(who.workspace)
    photo = named(store.products.get(id), name)
    steps = body.steps if body.steps is not None else (() if body.packshot or body.size_px else AUTO)
    ask = Ask(tuple(steps), packshot=body.packshot, size_px=body.size_px, upscale=body.upscale)
    with who.spending(PICTURES, 1):
        made = retouched(objects.get(photo.key), ask, registry.matting_model(settings.matting_backend))
        data = io.BytesIO()
        Image.fromarray(made.pixels).save(data, "PNG")
        new_name = body.save_as or f"{name.rpartition('.')[0] or name}-retouched.png"
        product = keep_photo(store, objects, id, new_name, data.getvalue(), utc_now(), settings.max_photo_pixels)
        kept = named(product, new_name)
        record = {**made.record, "original": photo.key, "photo": kept.key}
        objects.replace(f"retouch/{kept.sha256}.json", json.dumps(record).encode())
        detail = {"photo": new_name, "steps": list(ask.steps), "packshot": ask.packshot}
        store.note(AuditEntry(utc_now(), who.key.id, "retouch", "product", id, detail))
    response.headers["Location"] = f"/v1/products/{id}/photos/{new_name}"
    return RetouchView(product=product, photo=kept, record=record)
