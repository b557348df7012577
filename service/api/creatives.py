"""``/v1/creatives``: finished ads, their receipts and their approval. Nothing is served that nobody approved."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from service.arena import utc_now
from service.domain import Approval, Creative, Receipt
from service.records import AuditEntry

from .access import AnyCaller, Designer
from .errors import READ, WRITE
from .idempotency import Idempotent
from .shapes import After, Limit, Line, Listing, Strict, listing, shallow, view

router = APIRouter(prefix="/v1/creatives", tags=["creatives"], route_class=Idempotent)
CreativeId = Annotated[str, Path(max_length=128)]


class Links(BaseModel):
    picture: str
    receipt: str


CreativeView: Any = view(Creative, links=(Links, ...))
ReceiptView: Any = view(Receipt, passed=(bool, ...))
MEDIA = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}


class Reason(Strict):
    """Why, for the record."""

    reason: Line | None = None


def creative_view(creative: Creative) -> Any:
    here = f"/v1/creatives/{creative.id}"
    return CreativeView(**shallow(creative), links=Links(picture=f"{here}/picture", receipt=f"{here}/receipt"))


@router.get("", responses=READ, response_model=Listing[CreativeView])
def list_creatives(
    who: AnyCaller,
    after: After = None,
    limit: Limit = 50,
    product_id: Annotated[str | None, Query(max_length=128)] = None,
    approval: Approval | None = None,
    format: Annotated[str | None, Query(max_length=128)] = None,
) -> Any:
    page = who.services.store(who.workspace).creatives.page(after, limit, product_id, approval, format)
    return listing(page, creative_view)


@router.get("/{id}", responses=READ, response_model=CreativeView)
def get_creative(id: CreativeId, who: AnyCaller) -> Any:
    """The finished ad with the record by which it can be made again."""
    return creative_view(who.services.store(who.workspace).creatives.get(id))


@router.get("/{id}/picture", responses=READ, response_class=Response)
def get_picture(id: CreativeId, who: AnyCaller) -> Response:
    creative = who.services.store(who.workspace).creatives.get(id)
    data = who.services.objects(who.workspace).get(creative.picture_key)
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(data, media_type=media_type(creative.picture_key), headers=headers)


@router.get("/{id}/receipt", responses=READ, response_model=ReceiptView)
def get_receipt(id: CreativeId, who: AnyCaller) -> Any:
    """Proof that the product's pixels were not changed."""
    receipt = who.services.store(who.workspace).creatives.get(id).receipt
    return ReceiptView(**shallow(receipt), passed=receipt.passed)


@router.post("/{id}/approve", responses=WRITE, response_model=CreativeView)
def approve(id: CreativeId, who: Designer, body: Reason | None = None) -> Any:
    """From now on it may be shown to visitors. Creatives with a failed receipt or a blocking finding cannot be."""
    creative = who.services.store(who.workspace).creatives.get(id)
    refuse_unfit(creative)
    return _decide(id, Approval.APPROVED, "approve", who, body)


@router.post("/{id}/reject", responses=WRITE, response_model=CreativeView)
def reject(id: CreativeId, who: Designer, body: Reason | None = None) -> Any:
    """From the answer on no visitor is shown it: tests that run leave it out."""
    return _decide(id, Approval.REJECTED, "reject", who, body)


def _decide(id: str, approval: Approval, action: str, who: Designer, body: Reason | None) -> Any:
    now = utc_now()
    detail = {"reason": body.reason} if body and body.reason else {}
    entry = AuditEntry(now, who.key.id, action, "creative", id, detail)
    creative = who.services.store(who.workspace).creatives.decide_approval(id, approval, entry)
    who.services.arena.approval_changed(who.workspace, id, now)
    return creative_view(creative)


def refuse_unfit(creative: Creative) -> None:
    """Raises Conflict for what must not be shown to anyone."""
    from service.errors import Conflict

    if not creative.receipt.passed:
        raise Conflict(f"creative {creative.id!r} has no valid receipt: its product may have been changed")
    blocking = next((finding for finding in creative.findings if finding.severity == "block"), None)
    if blocking is not None:
        raise Conflict(f"creative {creative.id!r} is blocked: {blocking.message}")


def media_type(key: str) -> str:
    return MEDIA.get(key.rpartition(".")[2].lower(), "application/octet-stream")
