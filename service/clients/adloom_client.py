"""A client for adloom's HTTP interface: this one file and ``httpx``. Copy it into your program, or import it from here.

>>> client = Adloom("https://ads.shop.example", "pk_...")  # doctest: +SKIP
>>> choice = client.decide("ex_1", visitor="42", consent=True)  # doctest: +SKIP
>>> choice.creative.headline, choice.click  # doctest: +SKIP
>>> client.report([Event.of(choice, "converted", value=24.90, id="order-1001")])  # doctest: +SKIP

Every call is tried again when the service was busy or could not be reached, and only where a second try can do no harm:
an event carries its own id, a write an Idempotency-Key, and a decision is asked for again only if the first request
certainly never arrived. A decision that fails raises ``AdloomError``: show your default then.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx

T = TypeVar("T")
EventKind = Literal["shown", "clicked", "converted", "bounced", "complained", "returned"]
BUSY = frozenset({429, 502, 503, 504})  # answered before anything was done, or by something in front of the service
EVENTS_A_CALL, DECISIONS_A_CALL = 1_000, 500  # the service's own limits
FINISHED = frozenset({"done", "failed", "cancelled"})


class AdloomError(Exception):
    """The service refused, or could not be reached.

    Attributes:
        status: HTTP status; None if there was no answer.
        problem: the service's problem document (RFC 9457), empty without one.
    """

    def __init__(self, message: str, status: int | None = None, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.problem = status, dict(problem or {})


@dataclass(frozen=True, slots=True)
class Creative:
    """What to show."""

    id: str
    product_id: str
    picture: str  # address
    width_px: int
    height_px: int
    headline: str | None
    body: str | None
    call_to_action: str | None
    is_typeset: bool  # the picture carries the words already


@dataclass(frozen=True, slots=True)
class Decision:
    """What a test chose for one visitor."""

    id: str
    experiment: str
    arm: str
    propensity: float  # exact probability of this arm, above 0, at most 1
    weight_version: int
    segment: str
    creative: Creative
    pixel: str  # load it when the ad is seen
    click: str  # link the ad to it
    repeated: bool  # a sticky visitor's earlier decision


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to what was shown. The same id again counts once."""

    id: str
    decision: str
    kind: EventKind
    value: float = 1.0  # 0 to 1e12, in the unit of the test's metric
    at: datetime | None = None  # with its time zone; None: when the service hears of it

    @classmethod
    def of(
        cls,
        decision: Decision | str,
        kind: EventKind,
        *,
        value: float = 1.0,
        id: str | None = None,
        at: datetime | None = None,
    ) -> Event:
        """An event of a decision. Without ``id`` it gets one, so that reporting *this* object again counts once."""
        return cls(id or uuid.uuid4().hex, decision if isinstance(decision, str) else decision.id, kind, value, at)


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that was not kept, and why: ``unknown`` decision, ``future`` time, ``early`` (before its decision)."""

    event: Event
    reason: str


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of reported events."""

    accepted: int = 0
    late: int = 0
    duplicate: int = 0
    refused: tuple[RefusedEvent, ...] = ()

    def __add__(self, other: Reported) -> Reported:
        return Reported(
            self.accepted + other.accepted,
            self.late + other.late,
            self.duplicate + other.duplicate,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to insist."""

    attempts: int = 4  # tries in all, at least 1
    first_wait_s: float = 0.2  # doubles with each try, with up to half of it added by chance
    longest_wait_s: float = 10.0  # also for what the service asks for by Retry-After

    def wait_s(self, attempt: int, asked_s: float | None, chance: float) -> float:
        """Seconds to wait after try number ``attempt`` (from 0); ``chance`` is 0 to 1."""
        backoff = self.first_wait_s * 2.0**attempt * (1.0 + 0.5 * chance)
        return min(self.longest_wait_s, max(backoff, asked_s or 0.0))


@dataclass
class Adloom:
    """A connection to one service. Use it in ``with``, or call ``close``; threads may share it.

    Args:
        url: where the service is, such as ``https://ads.shop.example``.
        key: API key; a test's publishable key is enough to decide and report.
        timeout_s: longest wait for one answer.
    """

    url: str
    key: str = field(repr=False)
    timeout_s: float = 5.0
    retry: Retry = Retry()
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _http: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(
            base_url=self.url.rstrip("/"),
            headers={"X-API-Key": self.key, "User-Agent": "adloom-client/1 (python)"},
            timeout=self.timeout_s,
            transport=self.transport,
        )

    def __enter__(self) -> Adloom:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- tests -----------------------------------------------------------------------------------------------------

    def decide(
        self,
        experiment: str,
        *,
        visitor: str | None = None,
        consent: bool = True,
        sticky: bool = False,
        segment: str | None = None,
        context: Mapping[str, str] | None = None,
        available: Sequence[str] | None = None,
    ) -> Decision:
        """What to show to one visitor.

        Args:
            visitor: your id of the visitor; the service keeps a salted digest, and nothing without consent.
            sticky: the same visitor gets the same decision again; needs ``visitor`` and consent.
            segment: one of the test's segments; or give ``context``, what is known about the visitor.
            available: arms that may be shown; default all.

        Raises:
            AdloomError: show your default.
        """
        body = _asked(
            visitor=visitor, consent=consent, sticky=sticky, segment=segment, context=context, available=available
        )
        return _decision(self._call("POST", f"/v1/experiments/{_part(experiment)}/decide", body, repeatable=False))

    def decide_many(self, experiment: str, requests: Sequence[Mapping[str, Any]]) -> list[Decision]:
        """One decision for each request (the keyword arguments of ``decide``), in order. Raises AdloomError."""
        path, found = f"/v1/experiments/{_part(experiment)}/decide/batch", list[Decision]()
        for group in _groups(requests, DECISIONS_A_CALL):
            answer = self._call("POST", path, {"requests": [_asked(**request) for request in group]}, repeatable=False)
            found += [_decision(row) for row in answer["decisions"]]
        return found

    def report(self, events: Iterable[Event]) -> Reported:
        """Report what happened. Safe to call again with the same events. Raises AdloomError."""
        told = Reported()
        for group in _groups(list(events), EVENTS_A_CALL):
            answer = self._call("POST", "/v1/events", {"events": [_event(event) for event in group]})
            refused = tuple(RefusedEvent(group[row["index"]], row["reason"]) for row in answer["refused"])
            told += Reported(answer["accepted"], answer["late"], answer["duplicate"], refused)
        return told

    # --- everything else -------------------------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> Any:
        """Any address of the interface, such as ``get("/v1/scenes", family="kitchen")``. Raises AdloomError."""
        return self._call("GET", path, query={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Any:
        """Post a JSON body, with an Idempotency-Key of its own unless you give one. Raises AdloomError."""
        return self._call("POST", path, body, headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex})

    def put(self, path: str, body: Any) -> Any:
        """Put a JSON body. Raises AdloomError."""
        return self._call("PUT", path, body)

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Every item of a paged list, fetched page by page. Raises AdloomError."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from page["items"]
            after = page.get("next")
            if not after:
                return

    def put_product(self, product: Mapping[str, Any]) -> dict[str, Any]:
        """Add or replace a product (the product file's keys). Raises AdloomError."""
        return dict(self.put(f"/v1/products/{_part(str(product['id']))}", dict(product)))

    def put_photo(self, product: str, name: str, data: bytes) -> dict[str, Any]:
        """Upload a photograph: JPEG, PNG or WebP bytes. Raises AdloomError."""
        path = f"/v1/products/{_part(product)}/photos/{_part(name)}"
        return dict(self._call("PUT", path, content=data, headers={"Content-Type": "application/octet-stream"}))

    def write_copy(self, product: str, channel: str, **more: Any) -> dict[str, Any]:
        """Copy for a channel, written while you wait: give the client a long ``timeout_s``. Raises AdloomError."""
        return dict(self.post("/v1/copy", {"product_id": product, "channel": channel, **more}))

    def wait(self, job: str, *, every_s: float = 1.0, timeout_s: float = 3_600.0) -> dict[str, Any]:
        """A job when it has ended, well or not: look at its ``state``. Raises AdloomError, TimeoutError."""
        until = time.monotonic() + timeout_s
        while True:
            found = dict(self.get(f"/v1/jobs/{_part(job)}"))
            if found["state"] in FINISHED:
                return found
            if time.monotonic() >= until:
                raise TimeoutError(f"job {job} is still {found['state']} after {timeout_s:g} s")
            self.sleep(every_s)

    # --- one call --------------------------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Any:
        given = dict(headers or {})
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            given["Content-Type"] = "application/json"
        for attempt in range(self.retry.attempts):
            is_last = attempt + 1 == self.retry.attempts
            try:
                reply = self._http.request(method, path, content=content, params=query, headers=given)
            except httpx.TransportError as error:
                never_arrived = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if is_last or not (repeatable or never_arrived):
                    raise AdloomError(f"{method} {path}: {error or type(error).__name__}") from error
                asked = None
            else:
                if reply.is_success:
                    return _read(reply)
                may_try = reply.status_code in BUSY and (repeatable or reply.status_code in (429, 503))
                if is_last or not may_try:
                    raise _refusal(method, path, reply)
                asked = _seconds(reply.headers.get("Retry-After"))
            self.sleep(self.retry.wait_s(attempt, asked, random.random()))
        raise ValueError("Retry.attempts must be at least 1")


def _part(text: str) -> str:
    """An id as one part of a path."""
    return quote(text, safe="")


def _asked(**given: Any) -> dict[str, Any]:
    """The body of a decision: what was left out stays out."""
    consent = given.get("consent", True)
    body = {name: value for name, value in given.items() if value is not None and value is not False}
    body["consent"] = consent
    return body


def _event(event: Event) -> dict[str, Any]:
    row: dict[str, Any] = {"id": event.id, "decision": event.decision, "kind": event.kind, "value": event.value}
    if event.at is not None:
        if event.at.tzinfo is None:
            raise ValueError(f"event {event.id!r}: a time needs its time zone")
        row["at"] = event.at.astimezone(UTC).isoformat()
    return row


def _decision(row: Mapping[str, Any]) -> Decision:
    shown = row["creative"]
    return Decision(
        id=row["decision"],
        experiment=row["experiment"],
        arm=row["arm"],
        propensity=row["propensity"],
        weight_version=row["weight_version"],
        segment=row["segment"],
        creative=Creative(
            id=shown["creative_id"],
            product_id=shown["product_id"],
            picture=shown["picture"],
            width_px=shown["width_px"],
            height_px=shown["height_px"],
            headline=shown["headline"],
            body=shown["body"],
            call_to_action=shown["call_to_action"],
            is_typeset=shown["is_typeset"],
        ),
        pixel=row["pixel"],
        click=row["click"],
        repeated=row["repeated"],
    )


def _groups(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _read(reply: httpx.Response) -> Any:
    if not reply.content:
        return None
    return reply.json() if "json" in reply.headers.get("Content-Type", "") else reply.content


def _refusal(method: str, path: str, reply: httpx.Response) -> AdloomError:
    problem: dict[str, Any] = {}
    if "json" in reply.headers.get("Content-Type", ""):
        try:
            found = reply.json()
        except ValueError:
            found = None
        problem = found if isinstance(found, dict) else {}
    detail = problem.get("detail") or problem.get("title") or reply.reason_phrase
    return AdloomError(f"{method} {path}: {reply.status_code} {detail}", reply.status_code, problem)


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is ignored."""
    return float(text) if text and text.isdigit() else None
