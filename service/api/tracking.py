"""Decide, events, click, pixel: what pages call. They are ``async``, because they wait for a group commit only.

Whatever is answered here was committed first; the one exception is a click while the log is full, which is let
through to its page, counted as lost, and says so in a header. ``fast_lane.py`` answers the plain cases of the same
addresses before the framework sees them, with the functions of this file; whatever is unusual comes here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
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

from experiments import Decision
from service.errors import Busy, InvalidInput, NotAllowed, NotFound, UnknownKey
from service.records import Scope
from service.tracking import EventKind, IncomingEvent, LoggedDecision, Outcome, Report, Token
from service.tracking.commit import Waiting
from service.tracking.log import Answer
from service.tracking.meters import UNRECORDED
from service.wiring import Services

from .access import key_text, recognise, services_of
from .creatives import media_type
from .errors import READ, WITH_KEY, responses

T = TypeVar("T")
router = APIRouter(tags=["tracking"])

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
NEVER = {"Cache-Control": "no-store, max-age=0"}
SAFE = "/%:@!$&'()*+,;=?-._~"  # stays as it is in a landing page
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Arms = Annotated[list[ShortText], Field(max_length=5_000)]
_SECURITY: dict[str, Any] = {"security": [{"APIKeyHeader": []}, {"HTTPBearer": []}]}


# --- shapes ------------------------------------------------------------------------------------------------------


@with_config(ConfigDict(extra="forbid", strict=True))
class DecideBody(TypedDict, total=False):
    """Everything may be left out."""

    visitor: Annotated[
        str,
        Field(min_length=1, max_length=256, description="the shop's id of the visitor; kept as a salted digest only"),
    ]
    consent: Annotated[bool, Field(description="false: nothing about the visitor is kept, not even the digest")]
    segment: Annotated[ShortText, Field(description="one of the test's segments")]
    context: Annotated[
        dict[ShortText, Annotated[str, StringConstraints(max_length=128)]],
        Field(
            max_length=50,
            description="what is known about the visitor, instead of a segment: the segment named by the most of these"
            ' values is taken, such as "device=phone"; the values themselves are not kept',
        ),
    ]
    available: Annotated[Arms, Field(description="arms that may be shown to this visitor; default: all")]
    unavailable: Annotated[Arms, Field(description="arms that may not")]
    sticky: Annotated[
        bool,
        Field(
            description="true: a visitor who comes again gets the same decision, with the same id, while its arm is"
            " served and available; needs `visitor` and consent"
        ),
    ]


@with_config(ConfigDict(extra="forbid", strict=True))
class DecideBatchBody(TypedDict):
    requests: Annotated[list[DecideBody], Field(min_length=1, max_length=500)]


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
    repeated: Annotated[bool, Field(description="true: a sticky visitor's earlier decision, given again")]


class DecisionsAnswer(BaseModel):
    """One answer for each request, in order."""

    decisions: list[DecisionAnswer]


@with_config(ConfigDict(extra="forbid", strict=True))
class EventBody(TypedDict):
    id: Annotated[ShortText, Field(description="unique for its decision: the same again counts once")]
    decision: ShortText
    kind: EventKind
    value: NotRequired[Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]]
    at: NotRequired[AwareDatetime]


@with_config(ConfigDict(extra="forbid", strict=True))
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


_decide_body = TypeAdapter(DecideBody)
_decide_batch_body = TypeAdapter(DecideBatchBody)
_events_body = TypeAdapter(EventsBody)


def schemas() -> dict[str, Any]:
    """Shapes of bodies that are read here rather than by the framework, for the API description."""
    found: dict[str, Any] = {}
    for name, adapter in (("EventsBody", _events_body), ("DecideBatchBody", _decide_batch_body)):
        shape = adapter.json_schema(ref_template="#/components/schemas/{model}")
        found |= {**shape.pop("$defs", {}), name: shape}
    return found


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


async def _test_of(request: Request, id: str) -> tuple[Services, str, bool]:
    """(services, workspace, whether a page asks) for a test that runs here, loaded."""
    services = services_of(request)
    workspace, only = await _speaker(request)
    if only is not None and only != id:
        raise NotFound("experiment", id)
    if not services.arena.is_live(workspace, id):
        await run_in_threadpool(services.arena.load, workspace, id, datetime.now(UTC))
    return services, workspace, only is not None


# --- what both lanes do --------------------------------------------------------------------------------------------


def parse_decide(raw: bytes) -> DecideBody:
    """Raises pydantic's ValidationError."""
    return _decide_body.validate_json(raw) if raw else DecideBody()


def parse_events(raw: bytes) -> EventsBody:
    """Raises pydantic's ValidationError, InvalidInput."""
    if b"\\u0000" in raw:
        raise InvalidInput("events", "an id must not contain the character NUL")
    return _events_body.validate_json(raw)


def draw(
    services: Services, workspace: str, id: str, body: DecideBody, headers: Mapping[bytes, bytes], is_page: bool
) -> LoggedDecision:
    """Choose for one visitor; what comes back is to be logged before anyone is told.

    Raises:
        NotFound, InvalidInput, NothingAvailable
    """
    now = time.time()
    visitor = body.get("visitor") if body.get("consent", True) else None
    if "available" in body or "unavailable" in body or "context" in body:
        decision, _ = services.arena.decide(
            workspace,
            id,
            now,
            body.get("segment"),
            context=body.get("context"),
            available=body.get("available"),
            unavailable=body.get("unavailable", ()),
        )
    else:
        decision, _ = services.arena.decide(workspace, id, now, body.get("segment"))
    digest = None if visitor is None else services.visitors.digest(workspace, visitor)
    sticky = None
    if body.get("sticky"):
        if digest is not None:
            sticky = services.arena.repeatable(workspace, decision)
        elif body.get("consent", True):
            raise InvalidInput("visitor", "a sticky decision needs the visitor's id")
    mark = services.filters.of_decision(headers, digest, now, is_page)
    return LoggedDecision(workspace, decision, digest, mark, sticky)


def answer(services: Services, entry: LoggedDecision, in_force: Answer) -> bytes:
    """The JSON answer to a decision that was committed."""
    assert isinstance(in_force, Decision)
    showing = services.arena.showing(entry.workspace, in_force.experiment, in_force.arm)
    return services.answers.render(entry.workspace, in_force, showing, in_force is not entry.decision)


def hand_in_events(
    services: Services, workspace: str, only: str | None, body: EventsBody, headers: Mapping[bytes, bytes]
) -> tuple[tuple[IncomingEvent, ...], Waiting[Answer]]:
    """Raises Busy."""
    received = time.time()
    make, kind = tuple.__new__, IncomingEvent  # what IncomingEvent(...) does, without a call between
    events: tuple[IncomingEvent, ...] = tuple(
        [
            make(
                kind,
                (
                    event["id"],
                    event["decision"],
                    event["kind"],
                    event.get("value", 1.0),
                    event["at"].timestamp() if "at" in event else received,
                ),
            )
            for event in body["events"]
        ]
    )
    return events, hand_in_report(services, workspace, only, events, received, headers)


def hand_in_report(
    services: Services,
    workspace: str,
    only: str | None,
    events: tuple[IncomingEvent, ...],
    received: float,
    headers: Mapping[bytes, bytes],
) -> Waiting[Answer]:
    """Raises Busy."""
    mark = services.filters.of_report(headers, only is not None)
    return services.commit.hand_in(Report(workspace, events, received, only, mark))


def tally(events: tuple[IncomingEvent, ...], outcomes: Answer) -> bytes:
    """The JSON answer to a batch that was committed."""
    if outcomes.count(Outcome.ACCEPTED) == len(events):  # type: ignore[union-attr]
        return b'{"accepted":%d,"late":0,"duplicate":0,"refused":[]}' % len(events)
    assert isinstance(outcomes, tuple)
    refused = [
        {"index": i, "id": event.id, "reason": outcome.value}
        for i, (event, outcome) in enumerate(zip(events, outcomes, strict=True))
        if not outcome.is_kept
    ]
    return orjson.dumps(
        {
            "accepted": outcomes.count(Outcome.ACCEPTED),
            "late": outcomes.count(Outcome.LATE),
            "duplicate": outcomes.count(Outcome.DUPLICATE),
            "refused": refused,
        }
    )


def hand_in_link(
    services: Services, link: Token, kind: EventKind, headers: Mapping[bytes, bytes], method: str, address: str | None
) -> Waiting[Answer]:
    """A click or a view. Its id follows from the decision, so a reload counts once; what was fetched ahead or by a
    program is another event, so that it does not stand in the way of the real one.

    Raises:
        Busy
    """
    now = time.time()
    mark = services.filters.of_link(headers, method, address, now)
    id = f"{kind}:{link.decision}" if mark is None or mark == "burst" else f"{kind}:{link.decision}:{mark}"
    event = IncomingEvent(id, link.decision, kind, 1.0, now)
    return services.commit.hand_in(Report(link.workspace, (event,), now, link.experiment, mark))


@lru_cache(maxsize=4_096)
def location(page: str) -> str:
    """A landing page as a header can carry it: other alphabets in the form that browsers send."""
    if page.isascii():
        return page
    parts = urlsplit(page)
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError:
        host = quote(parts.hostname or "")
    port = f":{parts.port}" if parts.port else ""
    rest = [quote(part, safe=SAFE) for part in (parts.path, parts.query, parts.fragment)]
    return urlunsplit((parts.scheme, host + port, *rest))


# --- endpoints -----------------------------------------------------------------------------------------------------


@router.post(
    "/v1/experiments/{id}/decide",
    response_model=DecisionAnswer,
    responses=READ | responses(400, 409, 413),
    openapi_extra=_SECURITY
    | {"requestBody": {"content": {"application/json": {"schema": _decide_body.json_schema()}}}},
)
async def decide(id: str, request: Request) -> Response:
    """Choose what this visitor sees. The answer comes after the decision is on disk."""
    services, workspace, is_page = await _test_of(request, id)
    body = _checked(parse_decide, await request.body())
    entry = draw(services, workspace, id, body, _headers(request), is_page)
    return _json(answer(services, entry, await services.commit.add(entry)))


@router.post(
    "/v1/experiments/{id}/decide/batch",
    response_model=DecisionsAnswer,
    responses=READ | responses(400, 409, 413),
    openapi_extra=_SECURITY
    | {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DecideBatchBody"}}},
        }
    },
)
async def decide_batch(id: str, request: Request) -> Response:
    """Choose for up to 500 visitors, or placements of a page, at once; all are on disk when the answer comes."""
    services, workspace, is_page = await _test_of(request, id)
    body = _checked(_decide_batch_body.validate_json, await request.body())
    headers = _headers(request)
    entries = []
    for position, one in enumerate(body["requests"]):
        try:
            entries.append(draw(services, workspace, id, one, headers, is_page))
        except InvalidInput as error:
            raise InvalidInput(f"requests.{position}.{error.field}", error.reason) from error
    if not services.commit.has_room(len(entries)):
        raise Busy("decisions")
    waiting = [services.commit.hand_in(entry) for entry in entries]
    answers = [answer(services, entry, await place.answer()) for entry, place in zip(entries, waiting, strict=True)]
    return _json(b'{"decisions":[%b]}' % b",".join(answers))


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
    """Up to 1,000 events. The same event id counts once for a decision however often it is sent; the answer comes
    after the commit."""
    services = services_of(request)
    workspace, only = await _speaker(request)
    body = _checked(parse_events, await request.body())
    events, waiting = hand_in_events(services, workspace, only, body, _headers(request))
    return _json(tally(events, await waiting.answer()))


@router.get("/c/{token}", status_code=302, response_class=Response, responses=responses(404, 422))
async def click(token: str, request: Request) -> Response:
    """Record the click, then on to the landing page that was registered when the test was opened."""
    services = services_of(request)
    link = services.signer.read("click", token)
    if services.arena.is_live(link.workspace, link.experiment):
        showing = services.arena.showing(link.workspace, link.experiment, link.arm)
    else:
        showing = await run_in_threadpool(services.arena.showing, link.workspace, link.experiment, link.arm)
    headers = {"Location": location(showing.landing_page), **NEVER}
    try:
        await _link(services, link, "clicked", request).answer()
    except Busy:
        UNRECORDED.inc()
        headers["Adloom-Recorded"] = "no"
    return Response(status_code=302, headers=headers)


@router.get("/p/{token}.gif", response_class=Response, responses=responses(404, 422, 503))
async def pixel(token: str, request: Request) -> Response:
    """Record that the ad was seen; a transparent picture of one pixel."""
    services = services_of(request)
    await _link(services, services.signer.read("pixel", token), "shown", request).answer()
    return Response(GIF, media_type="image/gif", headers=NEVER)


router.head("/c/{token}", include_in_schema=False, response_class=Response)(click)  # recorded, but marked
router.head("/p/{token}.gif", include_in_schema=False, response_class=Response)(pixel)


@router.get("/i/{token}", response_class=Response, responses=responses(404, 422))
def picture(token: str, request: Request) -> Response:
    """A picture of a test, for its visitors; the link is signed and opens this picture only."""
    services = services_of(request)
    workspace, key = services.signer.read_picture(token)
    return Response(services.objects(workspace).get(key), media_type=media_type(key), headers=FOREVER)


# --- parts ---------------------------------------------------------------------------------------------------------


def _checked(parse: Any, raw: bytes) -> Any:
    try:
        return parse(raw)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def _headers(request: Request) -> Mapping[bytes, bytes]:
    return dict(request.scope["headers"])


def _link(services: Services, link: Token, kind: EventKind, request: Request) -> Waiting[Answer]:
    address = request.client.host if request.client else None
    return hand_in_link(services, link, kind, _headers(request), request.method, address)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
