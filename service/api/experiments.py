"""``/v1/experiments``: tests that learn, and what they learned."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from experiments import EVERYONE, Guardrail, PolicySpec, Result, StopRule
from service import lineup
from service.arena import Opening, utc_now
from service.records import RunningTest, Showing
from service.storage.store import adapter
from service.wiring import Services

from .access import AnyCaller, Caller, Growth
from .errors import READ, WRITE
from .idempotency import Idempotent, new_id
from .shapes import After, Id, Limit, Line, Listing, Strict, shallow

router = APIRouter(prefix="/v1/experiments", tags=["experiments"], route_class=Idempotent)
TestId = Annotated[str, Path(max_length=128)]


def web_page(address: str) -> str:
    """Raises ValueError for what a browser should not be sent to."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("an http or https address with a host and without a user name")
    if any(ord(letter) <= 32 or letter in '\\"<>^`{|}' for letter in address):
        raise ValueError("spaces and control characters must be percent-encoded")
    return address


WebPage = Annotated[str, Field(max_length=2_000), AfterValidator(web_page)]
Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Segment = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._=,-]{0,127}$")]  # a name, or "device=phone,country=DE"


class PolicyRequest(Strict):
    """How traffic is moved."""

    kind: Literal["uniform", "fixed", "thompson", "top_two", "factorial"] = "thompson"
    split: dict[Id, Annotated[float, Field(ge=0, le=1, strict=False)]] | None = None
    scale: Annotated[
        float | None,
        Field(gt=0, le=10, strict=False, description="of the posterior's spread; null falls towards the planned end"),
    ] = None
    discount: Annotated[float, Field(gt=0, le=1, strict=False)] = 1.0
    interactions: bool = True
    change_alarm: Annotated[bool, Field(description="forget an arm's history when its rate has clearly changed")] = True
    top_two_share: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.5


class StopRequest(Strict):
    """When the test has said enough, or has cost enough."""

    max_exposures: Annotated[int | None, Field(ge=1, le=10**10)] = None
    max_seconds: Annotated[float | None, Field(gt=0, le=10**9, strict=False)] = None
    expected_loss_rel: Annotated[
        float, Field(gt=0, le=1, strict=False, description="ship when the leader is expected to lose less than this")
    ] = 0.01
    min_exposures_per_arm: Annotated[int, Field(ge=0, le=10**6)] = 100


class GuardrailRequest(Strict):
    """A rate that an arm must not exceed: an arm that surely does gets no traffic any more."""

    kind: Literal["bounced", "complained", "returned"]
    limit: Annotated[float, Field(gt=0, lt=1, strict=False, description="events per exposure")]
    alpha: Annotated[float, Field(gt=0, le=0.5, strict=False)] = 0.05


class OpenRequest(Strict):
    """A test over approved creatives."""

    name: Line
    creatives: Annotated[list[Id], Field(min_length=1, max_length=2_000)]
    combine: Annotated[
        bool,
        Field(description="every headline with every picture and call to action, instead of the creatives as they are"),
    ] = False
    policy: PolicyRequest = PolicyRequest()
    metric: Literal["clicked", "converted", "value"] = "clicked"
    floor: Annotated[Share, Field(description="part of the learning traffic that is spread evenly")] = 0.05
    holdout: Annotated[Share, Field(description="part of all traffic that never learns")] = 0.0
    segments: Annotated[tuple[Segment, ...], Field(min_length=1, max_length=100, strict=False)] = (EVERYONE,)
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    landing_page: WebPage | None = None
    window_s: Annotated[float, Field(gt=0, le=10**8, strict=False)] = 7 * 86_400.0
    refresh_exposures: Annotated[int, Field(ge=10, le=10**6)] = 500
    stop: StopRequest = StopRequest()
    guardrails: list[GuardrailRequest] = Field(default_factory=list, max_length=3)
    baseline: Annotated[Id | None, Field(description="arm that lifts are also measured against")] = None
    prior_scores: dict[Id, Annotated[float, Field(ge=-5, le=5, strict=False)]] = Field(
        default_factory=dict, description="creative -> what a content model expects, as log-odds", max_length=2_000
    )
    prior_weight: Annotated[Share, Field(description="how much of the scores to believe")] = 0.5


class ArmView(BaseModel):
    """An arm and what it shows."""

    id: str
    state: str
    levels: dict[str, str] | None
    creative_id: str
    product_id: str
    headline: str | None
    call_to_action: str | None
    landing_page: str
    is_typeset: bool


class TestView(BaseModel):
    """A test: its plan, its arms, the key its pages use."""

    __test__ = False

    id: str
    name: str
    state: str
    publishable_key: str
    policy: PolicySpec
    metric: str
    floor: float
    holdout: float
    segments: list[str]
    factors: dict[str, list[str]]
    stop: StopRule
    arms: list[ArmView]
    window_s: float
    refresh_exposures: int
    created: datetime
    started: datetime | None
    stopped: datetime | None


def test_view(test: RunningTest) -> TestView:
    plan, shows = test.plan, {showing.arm: showing for showing in test.showings}
    return TestView(
        **{
            name: getattr(test, name)
            for name in (
                "id", "name", "state", "publishable_key", "window_s", "refresh_exposures", "created", "started",
                "stopped",
            )
        },
        policy=plan.policy,
        metric=plan.metric,
        floor=plan.floor,
        holdout=plan.holdout,
        segments=list(plan.segments),
        factors={factor.name: list(factor.levels) for factor in plan.factors},
        stop=plan.stop,
        arms=[_arm_view(arm.id, arm.state, arm.levels, shows[arm.id]) for arm in plan.arms],
    )  # fmt: skip


def _arm_view(id: str, state: str, levels: Mapping[str, str] | None, shows: Showing) -> ArmView:
    fields = {name: value for name, value in shallow(shows).items() if name in ArmView.model_fields}
    return ArmView(**fields, id=id, state=state, levels=dict(levels) if levels else None)


@router.post("", status_code=201, responses=WRITE)
def open_test(body: OpenRequest, who: Growth, request: Request, response: Response) -> TestView:
    """Open a test as a draft. Every creative must be approved; every click goes to a landing page registered here."""
    fields = {name: getattr(body, name) for name in type(body).model_fields}
    opening = Opening(
        **{
            **fields,
            "creatives": tuple(body.creatives),
            "policy": PolicySpec(**body.policy.model_dump()),
            "stop": StopRule(**body.stop.model_dump()),
            "guardrails": tuple(Guardrail(**each.model_dump()) for each in body.guardrails),
        }
    )
    test = who.services.arena.open(who.workspace, opening, utc_now(), new_id(request, "exp"))
    response.headers["Location"] = f"/v1/experiments/{test.id}"
    return test_view(test)


@router.get("", responses=READ)
def list_tests(who: AnyCaller, after: After = None, limit: Limit = 20) -> Listing[TestView]:
    page = who.services.store(who.workspace).tests.page(after, limit)
    return Listing[TestView](items=[test_view(test) for test in page.items], next=page.next)


@router.get("/{id}", responses=READ)
def get_test(id: TestId, who: AnyCaller) -> TestView:
    return test_view(who.services.store(who.workspace).tests.get(id))


@router.post("/{id}/start", responses=WRITE)
def start_test(id: TestId, who: Growth) -> TestView:
    """Begin, or go on after a pause."""
    return test_view(who.services.arena.start(who.workspace, id, who.key.id, utc_now()))


@router.post("/{id}/pause", responses=WRITE)
def pause_test(id: TestId, who: Growth) -> TestView:
    """Decide nothing until it is started again; events still count."""
    return test_view(who.services.arena.pause(who.workspace, id, who.key.id, utc_now()))


@router.post("/{id}/stop", responses=WRITE)
def stop_test(id: TestId, who: Growth) -> TestView:
    """End for good. Events of past decisions still count within the window; the results stay."""
    return test_view(who.services.arena.stop(who.workspace, id, who.key.id, utc_now()))


class ChallengeRequest(Strict):
    """Approved creatives that join."""

    creatives: Annotated[list[Id], Field(min_length=1, max_length=500)]


class ArmsRequest(Strict):
    """New states of arms."""

    states: Annotated[dict[Id, Literal["active", "paused", "retired"]], Field(min_length=1, max_length=2_000)]


class ShipRequest(Strict):
    arm: Id


@router.post("/{id}/challengers", responses=WRITE)
def add_challengers(id: TestId, body: ChallengeRequest, who: Growth) -> TestView:
    """Add creatives while it runs; in a combined test their parts meet all parts there are. New arms start from what
    is known of their parts."""
    store = who.services.store(who.workspace)
    return test_view(lineup.challenge(who.services.arena, store, id, body.creatives, who.key.id, utc_now()))


@router.post("/{id}/arms", responses=WRITE)
def change_arms(id: TestId, body: ArmsRequest, who: Growth) -> TestView:
    """Pause arms, let them in again, or retire them for good; in force before the answer."""
    store = who.services.store(who.workspace)
    return test_view(lineup.set_arms(who.services.arena, store, id, body.states, who.key.id, utc_now()))


@router.post("/{id}/ship", responses=WRITE)
def ship(id: TestId, body: ShipRequest, who: Growth) -> TestView:
    """Show one arm to everybody from now on; the others are paused and can be let in again."""
    store = who.services.store(who.workspace)
    return test_view(lineup.ship(who.services.arena, store, id, body.arm, who.key.id, utc_now()))


class TrafficView(BaseModel):
    """What came in, and what became of it."""

    decisions: int
    decisions_by_arm: dict[str, int]
    weight_versions: int
    events: dict[str, int]  # outcome -> number
    unknown_in_workspace: int  # events that named no decision of this workspace
    out_of_order: int  # events that are kept although a later one came before
    marked_decisions: dict[str, int]  # mark -> number: robots, bursts
    marked_events: dict[str, int]  # mark -> number: also pages fetched ahead, looks at a header
    counted_marks: list[str]  # marks that are counted in; all others add nothing to the result


class ResultsView(BaseModel):
    experiment: TestView
    result: Result
    traffic: TrafficView


Format = Literal["json", "csv", "png", "html"]
FORMATS: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "png": "image/png",
    "html": "text/html; charset=utf-8",
}
_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/{id}/results",
    responses=READ
    | {
        200: {
            "content": {
                "text/csv": _TEXT,
                "text/html": _TEXT,
                "image/png": {"schema": {"type": "string", "format": "binary"}},
            }
        }
    },
    response_model=ResultsView,
)
def get_results(
    id: TestId,
    who: AnyCaller,
    format: Annotated[Format | None, Query(description="else what Accept asks for, else JSON")] = None,
    accept: Annotated[str, Header(max_length=1_000)] = "",
) -> Response:
    """What was learned, with intervals that hold however often this is read.

    CSV: one line an arm. PNG: the charts. HTML: one page to mail, with everything in it and no script.
    """
    return results_as(who, id, format or _wanted(accept))


def _wanted(accept: str) -> str:
    """The first of our formats that an Accept header names; JSON when it names none."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    ours = {media.partition(";")[0]: name for name, media in FORMATS.items()}
    return next((ours[kind] for kind in kinds if kind in ours), "json")


def results_as(who: Caller, id: str, format: str) -> Response:
    """A result in one of ``FORMATS``. Raises NotFound."""
    data = results_as_bytes(who.services, who.workspace, id, format)
    headers = {"Cache-Control": "private, no-store"}
    if format != "json":
        place = "attachment" if format == "csv" else "inline"
        headers["Content-Disposition"] = f'{place}; filename="{id}.{format}"'
    if format == "html":
        from service import report

        headers["Content-Security-Policy"] = report.POLICY
    return Response(data, media_type=FORMATS[format], headers=headers)


def results_as_bytes(services: Services, workspace: str, id: str, format: str) -> bytes:
    """A result in one of ``FORMATS``, worked out now. Raises NotFound."""
    if format == "json":
        return _results_json(services, workspace, id)
    from service import report
    from service.pages.reading import read

    found = read(services, workspace, id, utc_now())
    if format == "csv":
        return _csv(found.result, found.test, services.log.n_decisions(workspace, id)).encode()
    if format == "png":
        return report.result_png(found)
    objects = services.objects(workspace)
    shown = {view.id: view.showing.picture_key for view in found.arms[: report.PICTURED_ARMS]}
    pictures = {arm: objects.get(key) for arm, key in shown.items() if objects.has(key)}
    address = f"{services.settings.address}/tests/{id}"
    return report.result_page(found, pictures, services.log.quality(workspace, id), address).encode()


def _results_json(services: Services, workspace: str, id: str) -> bytes:
    store = services.store(workspace)
    test = store.tests.get(id)
    result = services.arena.result(workspace, id, utc_now())
    by_arm, quality = services.log.n_decisions(workspace, id), services.log.quality(workspace, id)
    view = ResultsView(
        experiment=test_view(test),
        result=result,
        traffic=TrafficView(
            decisions=sum(by_arm.values()),
            decisions_by_arm=by_arm,
            weight_versions=store.tests.newest_version(id),
            events=services.log.counts(workspace, id),
            unknown_in_workspace=services.log.unknown(workspace),
            out_of_order=quality.out_of_order,
            marked_decisions=quality.marked_decisions,
            marked_events=quality.marked_events,
            counted_marks=list(quality.counted_marks),
        ),
    )
    return adapter(ResultsView).dump_json(view)  # not-a-number becomes null


CSV_COLUMNS = (
    "arm", "state", "headline", "call_to_action", "creative_id", "decisions", "exposures", "successes", "value",
    "sample_rate", "rate", "rate_low", "rate_high", "probability_best", "lift_over_uniform", "lift_low", "lift_high",
)  # fmt: skip


def _csv(result: Result, test: RunningTest, decisions: Mapping[str, int]) -> str:
    shows = {showing.arm: showing for showing in test.showings}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for arm in result.arms:
        lift, shown = arm.lift_over_uniform, shows[arm.arm]
        cells = (
            arm.arm, arm.state, shown.headline, shown.call_to_action, shown.creative_id, decisions.get(arm.arm, 0),
            int(arm.exposures), int(arm.clicks), arm.value, arm.sample_rate, arm.rate, arm.rate_sequence.low,
            arm.rate_sequence.high, arm.probability_best, lift.lift_rel, lift.sequence.low, lift.sequence.high,
        )  # fmt: skip
        writer.writerow(_safe(cell) for cell in cells)
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


class WeightsView(BaseModel):
    version: int
    time: float
    shares: dict[str, dict[str, float]]  # segment -> arm -> probability of being served


@router.get("/{id}/weights", responses=READ)
def get_weights(id: TestId, who: AnyCaller, after: Annotated[int, Query(ge=0)] = 0) -> list[WeightsView]:
    """Every version of the weights: the traffic share over time."""
    store = who.services.store(who.workspace)
    store.tests.get(id)
    return [
        WeightsView(
            version=version,
            time=table.time,
            shares={segment: dict(zip(table.arms, row.logged, strict=True)) for segment, row in table.segments.items()},
        )
        for version, table in store.tests.tables(id, after).items()
    ]


class DecisionView(BaseModel):
    """One line of the log: why was this shown?"""

    seq: int
    id: str
    arm: str
    propensity: float
    weight_version: int
    segment: str
    time: float
    is_holdout: bool


@router.get("/{id}/decisions", responses=READ)
def list_decisions(
    id: TestId,
    who: Growth,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> list[DecisionView]:
    """The log of decisions, in order; ``after`` is the last ``seq`` seen."""
    who.services.store(who.workspace).tests.get(id)
    rows = who.services.log.decisions(who.workspace, id, after, limit)
    names = ("id", "arm", "propensity", "weight_version", "segment", "time", "is_holdout")
    return [DecisionView(seq=seq, **{name: getattr(decision, name) for name in names}) for seq, decision in rows]
