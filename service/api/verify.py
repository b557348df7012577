"""``/v1/verify``: is this picture ours? By its manifest, its bytes or its look; and receipts measured again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from service.errors import InvalidInput
from service.provenance.recheck import Recheck
from service.provenance.verify import Verification

from .access import AnyCaller, Caller
from .errors import READ, WRITE
from .shapes import view

router = APIRouter(prefix="/v1/verify", tags=["verify"])
KINDS = ("image/png", "image/jpeg", "image/webp", "application/octet-stream")
BODY = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS} | {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    }
}
RecheckView = view(Recheck)


@router.post("", responses=WRITE, openapi_extra={"requestBody": {"required": True, "content": BODY}})
async def verify_picture(request: Request, who: AnyCaller) -> Verification:
    """Send the picture as the body, or as ``file`` of a form. Nothing of it is kept.

    Example: curl -T picture.jpg -X POST -H "X-API-Key: $KEY" $URL/v1/verify
    """
    return await run_in_threadpool(_verify, who, await _picture(request))


@router.post("/receipts/{id}", responses=READ, response_model=RecheckView)
def verify_receipt(id: Annotated[str, Path(max_length=128)], who: AnyCaller) -> Recheck:
    """Measure a creative's receipt again from what is kept, and say whether it comes out equal."""
    from models import image_model
    from service.provenance.recheck import recheck

    store, objects = who.services.store(who.workspace), who.services.objects(who.workspace)
    return recheck(store.creatives.get(id), store, objects, lambda: image_model("plates"))


async def _picture(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=8) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("file", "the form has no file of this name")
        return await file.read()


def _verify(who: Caller, data: bytes) -> Verification:
    from service.provenance.verify import of_workspace, verify
    from service.wiring import labeller

    shelves = of_workspace(who.services.store(who.workspace), who.services.objects(who.workspace))
    return verify(data, shelves, labeller(who.services.settings))
