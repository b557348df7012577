"""``/v1/keys``, ``/v1/usage`` and ``/v1/audit``: who may do what, how much of it, and who did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from service.arena import utc_now
from service.errors import Conflict
from service.keys import Limits
from service.records import ApiKey, AuditEntry, Scope
from service.usage import month_of

from .access import Admin, AnyCaller, Caller
from .errors import READ, WRITE
from .shapes import Line, Strict, shallow

router = APIRouter(prefix="/v1", tags=["keys"])
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
KeyId = Annotated[str, Path(max_length=128)]


Quota = Annotated[int, Field(ge=0, le=10**12)]
LONGEST_GRACE_S = 90 * 86_400


class KeyRequest(Strict):
    """Expiry, rate and quotas are optional; without a rate that of the settings counts."""

    name: Line
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=4)]
    expires: Annotated[AwareDatetime | None, Field(strict=False, description="when it stops working")] = None
    rate: Annotated[str | None, Field(max_length=64, description='such as "50/second" or "1000/day"')] = None
    quotas: Annotated[
        dict[Literal["pictures", "texts"], Quota] | None, Field(description="how many it may have made in a month")
    ] = None


class Rotation(Strict):
    """How long the old key goes on working beside the new one."""

    grace_s: Annotated[int, Field(ge=0, le=LONGEST_GRACE_S)] = 0


class KeyView(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    workspace: str
    scopes: list[Scope]
    created: datetime
    revoked: datetime | None
    expires: datetime | None
    rate: str | None
    quotas: dict[str, int]


class NewKey(KeyView):
    key: Annotated[str, Field(description="shown now and never again")]


class UsageLine(BaseModel):
    key_id: str
    name: str | None
    what: str
    n: int
    quota: int | None


class UsageView(BaseModel):
    """A month's account."""

    month: str
    total: dict[str, int]
    lines: list[UsageLine]


def key_view(key: ApiKey) -> dict[str, Any]:
    return {**shallow(key), "scopes": list(key.scopes), "quotas": dict(key.quotas)}


@router.get("/keys/me", responses=READ)
def get_own_key(who: AnyCaller) -> KeyView:
    """The key that asks."""
    return KeyView(**key_view(who.key))


@router.post("/keys", status_code=201, responses=WRITE)
def add_key(body: KeyRequest, who: Admin, response: Response) -> NewKey:
    """A new key of this workspace. Only its digest is kept; this answer is the one place where it is told."""
    limits = Limits(body.expires, body.rate, {str(what): n for what, n in (body.quotas or {}).items()})
    key, text = who.services.ring.create(who.workspace, body.name, body.scopes, utc_now(), limits=limits)
    _note(who, "create", key.id, {"name": key.name, "scopes": [scope.value for scope in key.scopes]})
    response.headers["Cache-Control"] = "no-store"
    return NewKey(**key_view(key), key=text)


@router.post("/keys/{id}/rotate", status_code=201, responses=WRITE)
def rotate_key(id: KeyId, who: Admin, response: Response, body: Rotation | None = None) -> NewKey:
    """A new secret for the same rights, limits and name. The old key ends at once, or after ``grace_s``."""
    grace = timedelta(seconds=(body or Rotation()).grace_s)
    key, text = who.services.ring.rotate(who.workspace, id, utc_now(), grace)
    _note(who, "rotate", id, {"new": key.id, "grace_s": int(grace.total_seconds())})
    response.headers["Cache-Control"] = "no-store"
    return NewKey(**key_view(key), key=text)


@router.get("/keys", responses=READ)
def list_keys(who: Admin) -> list[KeyView]:
    return [KeyView(**key_view(key)) for key in who.services.keys.of(who.workspace)]


@router.delete("/keys/{id}", status_code=204, responses=WRITE, response_class=Response)
def revoke_key(id: KeyId, who: Admin) -> None:
    """It stops working at once here, within two seconds in other processes."""
    if id == who.key.id:
        raise Conflict("a key cannot revoke itself; use another admin key")
    who.services.keys.revoke(who.workspace, id, utc_now())
    who.services.ring.forget()
    _note(who, "revoke", id, {})


def _note(who: Caller, action: str, id: str, detail: Mapping[str, Any]) -> None:
    who.services.store(who.workspace).note(AuditEntry(utc_now(), who.key.id, action, "key", id, dict(detail)))


@router.get("/usage", responses=READ)
def get_usage(
    who: Admin,
    month: Annotated[
        str | None, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="default: this one, UTC")
    ] = None,
) -> UsageView:
    """What each key of this workspace had made in a month, beside its quota."""
    month = month or month_of(utc_now())
    keys = {key.id: key for key in who.services.keys.of(who.workspace)}
    lines = [
        UsageLine(
            key_id=used.key_id,
            name=keys[used.key_id].name if used.key_id in keys else None,
            what=used.what,
            n=used.n,
            quota=keys[used.key_id].quotas.get(used.what) if used.key_id in keys else None,
        )
        for used in who.services.usage.of(who.workspace, month)
    ]
    return UsageView(month=month, total=dict(who.services.usage.total(who.workspace, month)), lines=lines)


@router.get("/audit", responses=READ)
def list_audit(who: Admin, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> list[AuditEntry]:
    """Who approved, rejected, started and stopped what; the newest first."""
    return list(who.services.store(who.workspace).audit(limit))
