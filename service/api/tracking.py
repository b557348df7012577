"""Decide, events, click, pixel: what pages call. These four are ``async``, because they wait for a group commit only.

Whatever is answered here was committed first; the one exception is a click while the log is full, which is let
through to its page, counted as lost, and says so in a header.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypeVar

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from service.errors import Busy, NotAllowed, NotFound, UnknownKey
from service.records import Scope, Showing
from service.tracking import EventKind, IncomingEvent, LoggedDecision, Outcome, Report, Token
from service.wiring import Services

from .access import key_text, recognise, services_of
from .creatives import media_type
from .errors import READ, WITH_KEY, responses

T = TypeVar("T")
router = APIRouter(tags=["tracking"])

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
NEVER = {"Cache-Control": "no-store, max-age=0"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
DECISIONS = Counter("adloom_decisions_total", "Decisions committed")
EVENTS = Counter("adloom_events_total", "Events by outcome", ["outcome"])
UNRECORDED = Counter("adloom_clicks_unrecorded_total", "Clicks let through while the log was full")

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_SECURITY: dict[str, Any] = {"security": [{"APIKeyHeader": []}, {"HTTPBearer": []}]}


# --- shapes ------------------------------------------------------------------------------------------------------


@with_config(ConfigDict(extra="forbid"))
class DecideBody(TypedDict, total=False):
    visitor: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    consent: bool
    segment: ShortText


class DecideRequest(BaseModel):
    """Everything may be left out."""

    model_config = ConfigDict(extra="forbid")

    visitor: Annotated[
        str | None, Field(min_length=1, max_length=256, description="the shop's id of the visitor; kept as a digest")
    ] = None
    consent: Annotated[bool, Field(description="false: the visitor is not kept at all")] = True
    segment: Annotated[str | None, Field(max_length=128, description="one of the test's segments")] = None


class Shown(BaseModel):
    """What to show."""

    creative_id: str
    product_id: str
    picture: str
    width_px: int
    height_px: int
    headline: str | None
    body: str | None
    call_to_action: str | None
    is_typeset: Annotated[bool, Field(description="true: the picture carries headline and call to action already")]


class DecisionAnswer(BaseModel):
    """What to show to this visitor, and the links that report what follows."""

    decision: str
    experiment: str
    arm: str
    propensity: Annotated[float, Field(description="the exact probability with which this arm was drawn")]
    weight_version: int
    segment: str
    creative: Shown
    pixel: Annotated[str, Field(description="load it when the ad is seen")]
    click: Annotated[str, Field(description="link the ad to it")]


@with_config(ConfigDict(extra="forbid"))
class EventBody(TypedDict):
    id: ShortText
    decision: ShortText
    kind: EventKind
    value: NotRequired[Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]]
    at: NotRequired[AwareDatetime]


@with_config(ConfigDict(extra="forbid"))
class EventsBody(TypedDict):
    events: Annotated[list[EventBody], Field(min_length=1, max_length=1_000)]


class Refused(BaseModel):
    index: int
    id: str
    reason: Literal["unknown", "future", "early"]


class EventsAnswer(BaseModel):
    """How many had each outcome; everything but ``refused`` is kept for good."""

    accepted: int
    late: int
    duplicate: int
    refused: list[Refused]


def schemas() -> dict[str, Any]:
    """Shapes of bodies that are read here rather than by the framework, for the API description."""
    shape = _events_body.json_schema(ref_template="#/components/schemas/{model}")
    return {**shape.pop("$defs", {}), "EventsBody": shape}


_decide_body = TypeAdapter(DecideBody)
_events_body = TypeAdapter(EventsBody)


# --- who -----------------------------------------------------------------------------------------------------------


async def _speaker(request: Request) -> tuple[str, str | None]:
    """(workspace, the only test it may speak for): a growth key speaks for all tests, a publishable key for its own.

    Raises:
        UnknownKey, NotAllowed, TooMany
    """
    text = key_text(request)
    if text is None:
        raise UnknownKey("send the experiment's publishable key, or a growth key")
    if text.startswith("pk_"):
        ring = services_of(request).ring
        test = ring.remembered_test(text)
        return await run_in_threadpool(ring.test_of, text) if test is None else test
    key = await recognise(request)
    if not key.allows(Scope.GROWTH):
        raise NotAllowed("this needs a key with the scope 'growth', or the experiment's publishable key")
    return key.workspace, None


# --- endpoints -----------------------------------------------------------------------------------------------------


@router.post(
    "/v1/experiments/{id}/decide",
    response_model=DecisionAnswer,
    responses=READ | responses(400, 409, 413),
    openapi_extra=_SECURITY
    | {"requestBody": {"content": {"application/json": {"schema": DecideRequest.model_json_schema()}}}},
)
async def decide(id: str, request: Request) -> Response:
    """Choose what this visitor sees. The answer comes after the decision is on disk."""
    services = services_of(request)
    workspace, only = await _speaker(request)
    if only is not None and only != id:
        raise NotFound("experiment", id)
    raw = await request.body()
    body = _parse(_decide_body, raw) if raw else DecideBody()
    now = time.time()
    if not services.arena.is_live(workspace, id):
        await run_in_threadpool(services.arena.load, workspace, id, datetime.fromtimestamp(now, UTC))
    decision, showing = services.arena.decide(workspace, id, now, body.get("segment"))
    visitor = body.get("visitor") if body.get("consent", True) else None
    digest = services.visitors.digest(workspace, visitor) if visitor else None
    await services.commit.add(LoggedDecision(workspace, decision, digest))
    DECISIONS.inc()
    token = Token(workspace, id, decision.arm, decision.id)
    base = services.settings.address
    return _json(
        {
            "decision": decision.id,
            "experiment": id,
            "arm": decision.arm,
            "propensity": decision.propensity,
            "weight_version": decision.weight_version,
            "segment": decision.segment,
            "creative": _shown(services, workspace, showing),
            "pixel": f"{base}/p/{services.signer.sign('pixel', token)}.gif",
            "click": f"{base}/c/{services.signer.sign('click', token)}",
        }
    )


@router.post(
    "/v1/events",
    response_model=EventsAnswer,
    responses=WITH_KEY | responses(400, 413),
    openapi_extra=_SECURITY
    | {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EventsBody"}}},
        }
    },
)
async def report_events(request: Request) -> Response:
    """Up to 1,000 events. The same event id counts once however often it is sent; the answer comes after the commit."""
    services = services_of(request)
    workspace, only = await _speaker(request)
    received = time.time()
    body = _parse(_events_body, await request.body())
    events = tuple(
        IncomingEvent(
            event["id"],
            event["decision"],
            event["kind"],
            event.get("value", 1.0),
            event["at"].timestamp() if "at" in event else received,
        )
        for event in body["events"]
    )
    outcomes = await services.commit.add(Report(workspace, events, received, only))
    return _json(_tally(events, outcomes))


@router.get("/c/{token}", status_code=302, response_class=Response, responses=responses(404, 422))
async def click(token: str, request: Request) -> Response:
    """Record the click, then on to the landing page that was registered when the test was opened."""
    services = services_of(request)
    link = services.signer.read("click", token)
    if services.arena.is_live(link.workspace, link.experiment):
        showing = services.arena.showing(link.workspace, link.experiment, link.arm)
    else:
        showing = await run_in_threadpool(services.arena.showing, link.workspace, link.experiment, link.arm)
    headers = {"Location": showing.landing_page, **NEVER}
    try:
        await _record(services, link, "clicked")
    except Busy:
        UNRECORDED.inc()
        headers["Adloom-Recorded"] = "no"
    return Response(status_code=302, headers=headers)


@router.get("/p/{token}.gif", response_class=Response, responses=responses(404, 422, 503))
async def pixel(token: str, request: Request) -> Response:
    """Record that the ad was seen; a transparent picture of one pixel."""
    services = services_of(request)
    await _record(services, services.signer.read("pixel", token), "shown")
    return Response(GIF, media_type="image/gif", headers=NEVER)


@router.get("/i/{token}", response_class=Response, responses=responses(404, 422))
def picture(token: str, request: Request) -> Response:
    """A picture of a test, for its visitors; the link is signed and opens this picture only."""
    services = services_of(request)
    workspace, key = services.signer.read_picture(token)
    return Response(services.objects(workspace).get(key), media_type=media_type(key), headers=FOREVER)


# --- parts ---------------------------------------------------------------------------------------------------------


def _parse(adapter: TypeAdapter[T], raw: bytes) -> T:
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


async def _record(services: Services, link: Token, kind: EventKind) -> None:
    """A click or a view; its id follows from the decision, so a reload counts once."""
    now = time.time()
    event = IncomingEvent(f"{kind}:{link.decision}", link.decision, kind, 1.0, now)
    outcomes = await services.commit.add(Report(link.workspace, (event,), now, link.experiment))
    EVENTS.labels(outcomes[0].value).inc()


def _shown(services: Services, workspace: str, showing: Showing) -> dict[str, object]:
    return {
        "creative_id": showing.creative_id,
        "product_id": showing.product_id,
        "picture": f"{services.settings.address}/i/{services.signer.sign_picture(workspace, showing.picture_key)}",
        "width_px": showing.width_px,
        "height_px": showing.height_px,
        "headline": showing.headline,
        "body": showing.body,
        "call_to_action": showing.call_to_action,
        "is_typeset": showing.is_typeset,
    }


def _tally(events: tuple[IncomingEvent, ...], outcomes: tuple[Outcome, ...]) -> dict[str, object]:
    counts: dict[Outcome, int] = {}
    for outcome in outcomes:
        counts[outcome] = counts.get(outcome, 0) + 1
    for outcome, n in counts.items():
        EVENTS.labels(outcome.value).inc(n)
    refused = [
        {"index": i, "id": event.id, "reason": outcome.value}
        for i, (event, outcome) in enumerate(zip(events, outcomes, strict=True))
        if not outcome.is_kept
    ]
    return {
        "accepted": counts.get(Outcome.ACCEPTED, 0),
        "late": counts.get(Outcome.LATE, 0),
        "duplicate": counts.get(Outcome.DUPLICATE, 0),
        "refused": refused,
    }


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
