"""``/v1/batches``: products x scenes x formats; planned first, started by hand, delivered as a whole."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.batches import asks, delivery, lists, planning
from service.batches.asks import Ask, Line, Refused
from service.batches.planning import Batch, BatchState
from service.provenance.labels import LabelPolicy
from service.usage import PICTURES

from .access import AnyCaller, Caller, Designer
from .copy import Seed
from .errors import READ, WRITE, responses
from .idempotency import Idempotent, new_id
from .jobs import LOOK_S, JobView, job_view
from .shapes import After, Id, Limit, Listing, Strict, shallow
from .shapes import Line as Text

router = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=Idempotent)
BatchId = Annotated[str, Path(max_length=128)]
Status = Literal["waiting", "done", "review", "failed", "cancelled"]
Formats = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1, max_length=40)]
Begin = Annotated[bool, Query(description="make the pictures as soon as the plan is there")]


class BatchRequest(Strict):
    """Every product in every scene and format."""

    product_ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)]
    scenes: Annotated[
        Annotated[int, Field(ge=1, le=asks.MOST_SCENES)] | Annotated[list[Text], Field(min_length=1, max_length=500)],
        Field(description="so many that suit each product, or scene ids, or words to paint from"),
    ] = 6
    formats: Annotated[Formats, Field(strict=False)] = ("square",)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100, strict=False)] = (0,)
    takes: Annotated[int, Field(ge=1, le=6, description="pictures of each place: mirrored, product aside")] = 1
    name: Annotated[str, Field(max_length=200)] = ""
    backend: Id | None = None
    picture_type: Literal["png", "webp", "jpg"] = "png"
    label_policy: LabelPolicy | None = None
    headline: Text | None = None
    body: Text | None = None
    call_to_action: Text | None = None
    copy_id: Id | None = None


class PlanView(BaseModel):
    """What it will make and what that takes; counts are the most it can be until ``is_final``."""

    n_products: int
    n_scenes: int
    n_formats: int
    n_items: int
    seconds: float
    measured: int
    bytes_needed: int
    bytes_free: int | None
    fits_on_disk: bool
    notes: list[str]
    is_final: bool


class RefusedView(BaseModel):
    """A photograph or product that nothing is made of, and why."""

    photo: str | None
    product: str | None
    reason: str
    is_left_aside: bool


class Counts(BaseModel):
    """Pictures by what came of them."""

    waiting: int
    done: int  # and good to go
    review: int  # made, but a person should look first
    failed: int
    cancelled: int


class BatchView(BaseModel):
    """A batch and how far it is: ``look`` is the job that looks at its products, ``job`` makes the pictures."""

    id: str
    name: str
    state: BatchState
    created: datetime
    plan: PlanView
    counts: Counts
    progress: float
    eta_s: float | None
    reason: str | None
    look: JobView
    job: JobView | None
    links: dict[str, str]


class BatchDetail(BatchView):
    """With everything that nothing can be made of, and what each product's photograph is like."""

    refused: list[RefusedView]
    products: list[LookView]


class LookView(BaseModel):
    """What was found out about one product."""

    product_id: str
    photos: list[str]
    view_angle_deg: float
    uncertainty: float
    review: str | None
    scenes: list[str]
    n_believable: int


class ResultView(BaseModel):
    """One picture of a batch."""

    position: int | None
    photo: str | None
    product: str | None
    scene: str | None
    take: int
    format: str | None
    seed: int
    picture: str | None  # its path in the zip
    status: str
    reason: str | None
    receipt: dict[str, Any] | None
    seconds: float | None
    creative: str | None


BatchDetail.model_rebuild()


@router.post("", status_code=202, responses=WRITE)
def plan_batch(
    body: BatchRequest, who: Designer, request: Request, response: Response, start: Begin = False
) -> BatchView:
    """Look at the products and plan; nothing is made before ``/start``, unless ``start`` says so."""
    store = who.services.store(who.workspace)
    if body.copy_id is not None:
        store.copies.get(body.copy_id)
    line = {
        "headline": body.headline,
        "body": body.body,
        "call_to_action": body.call_to_action,
        "copy_id": body.copy_id,
    }
    scenes = body.scenes if isinstance(body.scenes, int) else tuple(body.scenes)
    ask = Ask(
        lines=tuple(
            Line(id, scenes, tuple(body.formats), tuple(body.seeds), **line) for id in dict.fromkeys(body.product_ids)
        ),
        name=body.name,
        backend=body.backend,
        takes=body.takes,
        picture_type=body.picture_type,
        label_policy=body.label_policy,
        start=start,
    )
    return _begin(ask, who, request, response)


@router.post(
    "/import",
    status_code=202,
    responses=WRITE,
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def plan_from_csv(
    request: Request,
    who: Designer,
    response: Response,
    scenes: Annotated[
        str, Query(max_length=2_000, description="of rows that name none: a number, or ids by comma")
    ] = "6",
    formats: Annotated[str, Query(max_length=500, description="of rows that name none, by comma")] = "square",
    takes: Annotated[int, Query(ge=1, le=6)] = 1,
    picture_type: Annotated[Literal["png", "webp", "jpg"], Query()] = "png",
    label_policy: LabelPolicy | None = None,
    name: Annotated[str, Query(max_length=200)] = "",
    start: Begin = False,
) -> BatchView:
    """A CSV of products x scenes x formats: ``product_id`` and, as you like, ``scenes``, ``formats``, ``seeds``,
    ``headline``, ``body``, ``call_to_action``. Several values in a cell stand apart by ``|``.

    A row that cannot be used is told with its number and reason and stops nothing.
    """
    data = await request.body()

    def plan() -> BatchView:
        store = who.services.store(who.workspace)
        read = lists.read_rows(
            data,
            scenes=lists.scenes_of(scenes),
            formats=lists.words_of(formats),
            is_known=store.products.has,
        )
        ask = Ask(
            read.lines,
            name,
            takes=takes,
            picture_type=picture_type,
            label_policy=label_policy,
            refused=read.refused,
            start=start,
        )
        return _begin(ask, who, request, response)

    return await run_in_threadpool(plan)


def _begin(ask: Ask, who: Caller, request: Request, response: Response) -> BatchView:
    with who.spending(PICTURES, asks.most_items(ask) if ask.start else 0):
        batch = planning.create(who.services, who.workspace, ask, new_id(request, "batch"))
    response.headers["Location"] = f"/v1/batches/{batch.id}"
    return _view(who, batch)


def _of(who: Caller, id: str) -> Batch:
    return planning.batch_of(who.services, who.workspace, id)


def _view(who: Caller, batch: Batch) -> BatchView:
    return BatchView(**_fields(who, batch))


def _fields(who: Caller, batch: Batch) -> dict[str, Any]:
    workers = who.services.settings.job_workers
    plan = planning.plan_of(who.services, who.workspace, batch)
    look, job = job_view(batch.look, workers), batch.pictures and job_view(batch.pictures, workers)
    at_work, here = job or look, f"/v1/batches/{batch.id}"
    names = ("items", "events", "results.zip", "results.csv", "batch.json", "contact-sheet.jpg")
    return {
        "id": batch.id,
        "name": batch.ask.name,
        "state": batch.state,
        "created": batch.created,
        "plan": PlanView(**{**shallow(plan), "notes": list(plan.notes)}, fits_on_disk=plan.fits_on_disk),
        "counts": _counts(batch),
        "progress": at_work.progress,
        "eta_s": at_work.eta_s,
        "reason": at_work.reason,
        "look": look,
        "job": job,
        "links": {name: f"{here}/{name}" for name in names},
    }


def _counts(batch: Batch) -> Counts:
    job = batch.pictures
    if job is None:
        return Counts(waiting=0, done=0, review=0, failed=0, cancelled=0)
    cancelled = job.n_items - job.n_waiting - job.n_done - job.n_failed
    return Counts(
        waiting=job.n_waiting,
        done=job.n_done - job.n_review,
        review=job.n_review,
        failed=job.n_failed,
        cancelled=cancelled,
    )


@router.get("", responses=READ)
def list_batches(who: AnyCaller, after: After = None, limit: Limit = 50) -> Listing[BatchView]:
    page = who.services.store(who.workspace).batches.page(after, limit)
    found = planning.each_batch(who.services, who.workspace, page.items)
    return Listing[BatchView](items=[_view(who, batch) for batch in found], next=page.next)


@router.get("/{id}", responses=READ)
def get_batch(id: BatchId, who: AnyCaller) -> BatchDetail:
    batch = _of(who, id)
    looks = planning.looks_of(who.services, who.workspace, batch)
    refused = planning.refused_of(who.services, who.workspace, batch, looks)
    return BatchDetail(
        **_fields(who, batch),
        refused=[_refused(one) for one in refused[:1_000]],
        products=[_look(look) for look in list(looks.values())[:1_000]],
    )


def _refused(one: Refused) -> RefusedView:
    return RefusedView(**shallow(one))


def _look(look: planning.LookedAt) -> LookView:
    return LookView(
        product_id=look.product_id,
        photos=[look.photo_names[key] for key in look.photos],
        view_angle_deg=next(iter(look.view_angles_deg.values()), 0.0),
        uncertainty=look.uncertainty,
        review=look.review,
        scenes=list(look.scenes[:60]),
        n_believable=look.n_believable,
    )


@router.post("/{id}/start", status_code=202, responses=WRITE | responses(507))
def start_batch(id: BatchId, who: Designer) -> BatchView:
    """Make the pictures of a planned batch. Refused while products are looked at, and when the disk has no room."""
    batch = _of(who, id)
    if batch.pictures is not None:
        return _view(who, batch)
    with who.spending(PICTURES, planning.plan_of(who.services, who.workspace, batch).n_items):
        return _view(who, planning.start(who.services, who.workspace, id))


@router.post("/{id}/pause", responses=WRITE)
def pause_batch(id: BatchId, who: Designer) -> BatchView:
    """Begin no more pictures; those being made are finished."""
    who.services.jobs.pause(who.workspace, _job_at_work(_of(who, id)))
    return _view(who, _of(who, id))


@router.post("/{id}/resume", responses=WRITE)
def resume_batch(id: BatchId, who: Designer) -> BatchView:
    """Go on with a batch that was paused, by a person or by a full disk."""
    who.services.jobs.resume(who.workspace, _job_at_work(_of(who, id)))
    return _view(who, _of(who, id))


@router.post("/{id}/cancel", responses=WRITE)
def cancel_batch(id: BatchId, who: Designer) -> BatchView:
    """Give up what has not begun; pictures made already stay."""
    who.services.jobs.cancel(who.workspace, _job_at_work(_of(who, id)))
    return _view(who, _of(who, id))


@router.post("/{id}/retry", responses=WRITE)
def retry_batch(id: BatchId, who: Designer) -> BatchView:
    """Try what failed or was cancelled once more; what is done stays."""
    who.services.jobs.retry(who.workspace, _job_at_work(_of(who, id)))
    return _view(who, _of(who, id))


def _job_at_work(batch: Batch) -> str:
    return batch.id if batch.pictures is not None else planning.look_id(batch.id)


@router.get("/{id}/items", responses=READ)
def list_pictures(
    id: BatchId,
    who: AnyCaller,
    after: Annotated[int, Query(ge=-1, le=10**9, description="`next` of the page before")] = -1,
    limit: Limit = 100,
    status: Status | None = None,
) -> Listing[ResultView]:
    """Every picture with its receipt, or the reason why there is none."""
    found = list(delivery.items_of(who.services, who.workspace, _of(who, id), status, after, limit))
    following = str(found[-1].position) if len(found) == limit else None
    return Listing[ResultView](items=[_result(one) for one in found], next=following)


def _result(one: delivery.Result) -> ResultView:
    return ResultView(**shallow(one))


@router.get("/{id}/results.zip", responses=READ, response_class=StreamingResponse)
def get_zip(id: BatchId, who: AnyCaller) -> StreamingResponse:
    """All pictures as far as they are, a folder for each product, with ``results.csv``; made while it is read."""
    pieces = delivery.write_zip(who.services, who.workspace, _of(who, id))
    return StreamingResponse(pieces, media_type="application/zip", headers=_named(f"{id}.zip"))


@router.get("/{id}/results.csv", responses=READ, response_class=StreamingResponse)
def get_csv(id: BatchId, who: AnyCaller) -> StreamingResponse:
    """One row a picture, and one for everything that nothing could be made of."""
    text = io.StringIO(newline="")
    delivery.write_results_csv(who.services, who.workspace, _of(who, id), text)
    return StreamingResponse(_pieces(text.getvalue()), media_type="text/csv", headers=_named(f"{id}.csv"))


@router.get("/{id}/batch.json", responses=READ, response_class=StreamingResponse)
def get_json(id: BatchId, who: AnyCaller) -> StreamingResponse:
    """The same as one JSON object with items[]."""
    batch = _of(who, id)

    def write() -> Iterator[str]:
        yield f'{{"batch": {json.dumps(id)}, "state": {json.dumps(batch.state.value)}, "items": [\n'
        for number, one in enumerate(delivery.results_of(who.services, who.workspace, batch)):
            yield (",\n" if number else "") + json.dumps(shallow(one), ensure_ascii=False, default=str)
        yield "\n]}\n"

    return StreamingResponse(write(), media_type="application/json")


@router.get("/{id}/contact-sheet.jpg", responses=READ, response_class=Response)
def get_sheet(id: BatchId, who: AnyCaller) -> Response:
    """Every picture small on one sheet."""
    out = io.BytesIO()
    delivery.write_contact_sheet(who.services, who.workspace, _of(who, id), out)
    return Response(out.getvalue(), media_type="image/jpeg")


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _pieces(text: str, size: int = 1 << 16) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


@router.get("/{id}/events", responses=READ, response_class=StreamingResponse)
async def watch_batch(id: BatchId, who: AnyCaller, request: Request) -> StreamingResponse:
    """Server-sent events: ``progress`` with the batch whenever it changed, ``picture`` for each one made, ``end``."""
    await run_in_threadpool(_of, who, id)
    return StreamingResponse(
        _watch(who, id, request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _watch(who: Caller, id: str, request: Request) -> AsyncIterator[str]:
    before, told = "", set[int]()
    while not await request.is_disconnected():
        batch = await run_in_threadpool(_of, who, id)
        view = await run_in_threadpool(_view, who, batch)
        now = view.model_dump_json()
        if now != before:
            yield f"event: progress\ndata: {now}\n\n"
            for one in await run_in_threadpool(_new_pictures, who, batch, told):
                yield f"event: picture\ndata: {_result(one).model_dump_json()}\n\n"
        before = now
        if batch.pictures is not None and batch.pictures.state.is_final:
            yield f"event: end\ndata: {json.dumps({'state': batch.state.value})}\n\n"
            return
        if batch.state is BatchState.CANCELLED or (batch.state is BatchState.PLANNED and not batch.ask.start):
            yield f"event: end\ndata: {json.dumps({'state': batch.state.value})}\n\n"
            return
        await asyncio.sleep(LOOK_S)


def _new_pictures(who: Caller, batch: Batch, told: set[int]) -> list[delivery.Result]:
    """Those settled since the last look; ``told`` grows by them."""
    found = []
    for one in delivery.settled_since(who.services, who.workspace, batch, told):
        if one.position is not None:
            told.add(one.position)
            found.append(one)
    return found
