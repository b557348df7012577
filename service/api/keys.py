"""``/v1/keys`` and ``/v1/audit``: who may do what, and who did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from service.arena import utc_now
from service.errors import Conflict
from service.records import ApiKey, AuditEntry, Scope

from .access import Admin, AnyCaller
from .errors import READ, WRITE
from .shapes import Line, Strict, shallow

router = APIRouter(prefix="/v1", tags=["keys"])


class KeyRequest(Strict):
    name: Line
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=4)]


class KeyView(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    workspace: str
    scopes: list[Scope]
    created: datetime
    revoked: datetime | None


class NewKey(KeyView):
    key: Annotated[str, Field(description="shown now and never again")]


def key_view(key: ApiKey) -> dict[str, Any]:
    return {**shallow(key), "scopes": list(key.scopes)}


@router.get("/keys/me", responses=READ)
def get_own_key(who: AnyCaller) -> KeyView:
    """The key that asks."""
    return KeyView(**key_view(who.key))


@router.post("/keys", status_code=201, responses=WRITE)
def add_key(body: KeyRequest, who: Admin, response: Response) -> NewKey:
    """A new key of this workspace. Only its digest is kept; this answer is the one place where it is told."""
    key, text = who.services.ring.create(who.workspace, body.name, body.scopes, utc_now())
    response.headers["Cache-Control"] = "no-store"
    return NewKey(**key_view(key), key=text)


@router.get("/keys", responses=READ)
def list_keys(who: Admin) -> list[KeyView]:
    return [KeyView(**key_view(key)) for key in who.services.keys.of(who.workspace)]


@router.delete("/keys/{id}", status_code=204, responses=WRITE, response_class=Response)
def revoke_key(id: Annotated[str, Path(max_length=128)], who: Admin) -> None:
    """It stops working at once here, within two seconds in other processes."""
    if id == who.key.id:
        raise Conflict("a key cannot revoke itself; use another admin key")
    who.services.keys.revoke(who.workspace, id, utc_now())
    who.services.ring.forget()


@router.get("/audit", responses=READ)
def list_audit(who: Admin, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> list[AuditEntry]:
    """Who approved, rejected, started and stopped what; the newest first."""
    return list(who.services.store(who.workspace).audit(limit))
