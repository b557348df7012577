"""Pictures: watch them arrive, hold them against the original, approve or reject, take them along."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from starlette.responses import JSONResponse, StreamingResponse

from service.api.creatives import media_type
from service.arena import utc_now
from service.domain import Approval, Creative, Product
from service.errors import Conflict, InvalidInput, NotFound
from service.images.formats import formats
from service.records import AuditEntry, Job, JobItem, JobState
from service.storage.pictures import PICTURE_JOBS, STATES, Wanted

from . import pictures_proof, words
from .pictures_cut import as_json
from .pictures_page import Designer, pictures_of, sections
from .pictures_places import family_name
from .pictures_small import small
from .pictures_zip import Packed, zipped
from .web import Member, PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)
JobId = Annotated[str, Path(max_length=128)]
PictureId = Annotated[str, Path(max_length=128)]

PAGE = 60
GLANCE = 300  # items of a batch that are looked at for its name
MOST_DECIDED = 20_000
NAMES = {"": "All", "waiting": "Waiting", "review": "Needs a look", "approved": "Approved", "rejected": "Rejected"}
VERDICTS = {"approve": Approval.APPROVED, "reject": Approval.REJECTED, "wait": Approval.PENDING}
MOST_NEWS = 600  # places of a page that may be waited for
FAILED = "failed"  # what a batch could not make
MOST_COUNTED_LIVE = 3_000  # pictures of a batch up to which the states are counted at every look
PACE_FROM = 3  # pictures after which the time that is left can be told


@dataclass(frozen=True, slots=True)
class Shot:
    """One place in the grid: a picture, or what is to become one."""

    mark: str  # for ids in the page
    creative: Creative | None
    title: str
    place: str
    size: str
    small: str
    state: str  # approved, rejected, waiting, review; making, failed, cancelled
    why: str  # why it failed, or wants a look
    blocked: str  # why it cannot be approved
    ratio: tuple[int, int]
    position: int | None = None

    @property
    def alt(self) -> str:
        return f"{self.title}, {self.place}, {self.size}"


class Wall:
    """What one look at pictures needs of products, read once."""

    def __init__(self, who: Member) -> None:
        self._who = who
        self._products: dict[str, Product | None] = {}

    def product(self, id: str) -> Product | None:
        if id not in self._products:
            try:
                self._products[id] = self._who.store.products.get(id)
            except NotFound:
                self._products[id] = None
        return self._products[id]

    def title(self, id: str) -> str:
        product = self.product(id)
        return product.title if product else id

    def shot(self, creative: Creative, position: int | None = None) -> Shot:
        looks = [f.message for f in creative.findings if f.severity in ("warn", "block")]
        blocked = pictures_proof.why_not(creative)
        if blocked and not creative.receipt.passed:
            looks.insert(0, pictures_proof.verdict(creative))
        state = creative.approval.value
        if creative.approval is Approval.PENDING:
            state = "review" if looks else "waiting"
        return Shot(
            mark=creative.id,
            creative=creative,
            title=self.title(creative.product_id),
            place=place_name(creative.scene.id, creative.scene.words),
            size=size_name(creative.format),
            small=small(self._who, creative.picture_key, 400),
            state=state,
            why=words.shorten(". ".join(looks), 160),
            blocked=blocked,
            ratio=(creative.width_px, creative.height_px),
            position=position,
        )

    def empty(self, item: JobItem) -> Shot:
        """A picture that is not there (yet)."""
        request = item.request
        known = formats().get(str(request.get("format", "")))
        size = known.size_px if known else (1, 1)
        state = {"failed": "failed", "cancelled": "cancelled"}.get(item.state.value, "making")
        return Shot(
            mark=f"item-{item.position}",
            creative=None,
            title=self.title(str(request.get("product_id", ""))),
            place=place_name(str(request.get("scene") or ""), ""),
            size=size_name(str(request.get("format", ""))),
            small="",
            state=state,
            why=item.reason or "",
            blocked="",
            ratio=size,
            position=item.position,
        )


def place_name(id: str, said: str) -> str:
    """ "kitchen-oak-bread" as "Kitchen oak bread"; words as they are."""
    if id.startswith("words-") or (" " in id):
        return words.shorten(said or id, 60)
    return family_name(id.replace("-", " ")) if id else "The place that fits best"


def size_name(format: str) -> str:
    return family_name(format)


# --- all pictures --------------------------------------------------------------------------------------------------

State = Annotated[str, Query(max_length=12)]
Short = Annotated[str, Query(max_length=128)]


@router.get("/pictures/all")
def gallery(
    who: Designer, state: State = "", product: Short = "", format: Short = "", after: Short | None = None
) -> Response:
    """Every picture, the newest first."""
    wanted = Wanted(state if state in STATES else "", product, format)
    page = pictures_of(who).page(wanted, after, PAGE)
    wall = Wall(who)
    context: dict[str, Any] = {
        "shots": [wall.shot(creative) for creative in page.items],
        "more": _address("/pictures/all", wanted, page.next) if page.next else None,
    }
    if after is not None:
        return who.part("pictures/more.html.j2", **context)
    return who.page("pictures/gallery.html.j2", **context, **_around(who, wanted, wall), job=None)


def _around(who: Member, wanted: Wanted, wall: Wall) -> dict[str, Any]:
    """What stands around the grid."""
    pictures = pictures_of(who)
    here = f"/pictures/jobs/{wanted.job}" if wanted.job else "/pictures/all"
    counts = pictures.counts(wanted)
    return {
        "wanted": wanted,
        "counts": counts,
        "tabs": _tabs(who, wanted, who.store.jobs.get(wanted.job) if wanted.job else None, counts),
        "base": here,
        "formats": [(name, size_name(name)) for name in pictures.formats()],
        "product_title": wall.title(wanted.product) if wanted.product else "",
        **sections(who),
    }


def _tabs(
    who: Member, wanted: Wanted, job: Job | None, counts: Mapping[str, int] | None = None
) -> list[tuple[str, str, int, str]]:
    """(state, name, how many, address) of each filter."""
    n = counts or pictures_of(who).counts(wanted)
    here = f"/pictures/jobs/{wanted.job}" if wanted.job else "/pictures/all"
    found = [(state, name, n[state], _address(here, _with(wanted, state))) for state, name in NAMES.items()]
    if job is not None and job.n_failed:
        found.append((FAILED, "Not made", job.n_failed, _address(here, _with(wanted, FAILED))))
    return found


def _with(wanted: Wanted, state: str) -> Wanted:
    return Wanted(state, wanted.product, wanted.format, wanted.job)


def _address(path: str, wanted: Wanted, after: str | None = None) -> str:
    from urllib.parse import urlencode

    pairs = {"state": wanted.state, "product": wanted.product, "format": wanted.format, "after": after or ""}
    query = urlencode({name: value for name, value in pairs.items() if value})
    return f"{path}?{query}" if query else path


# --- one batch -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a batch is."""

    job: Job
    said: str
    left: str
    tone: str
    share: float

    @property
    def is_running(self) -> bool:
        return self.job.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def is_paused(self) -> bool:
        return self.job.state is JobState.PAUSED

    @property
    def can_retry(self) -> bool:
        return not self.is_running and not self.is_paused and self.n_again > 0

    @property
    def n_again(self) -> int:
        """Pictures that failed or were cancelled."""
        return self.job.n_items - self.job.n_done - self.job.n_waiting


def progress_of(job: Job, now: datetime, workers: int) -> Progress:
    over = job.n_items - job.n_waiting
    share = over / job.n_items if job.n_items else 1.0
    failed = f", {job.n_failed} could not be made" if job.n_failed else ""
    done = f"{words.number(job.n_done)} of {words.count(job.n_items, 'picture')}"
    left = ""
    if job.state is JobState.QUEUED:
        said, tone = "Begins in a moment.", "note"
    elif job.state is JobState.RUNNING:
        said, tone = f"{done}{failed}.", "note"
        if job.seconds_each and job.n_done >= PACE_FROM:
            left = f"about {words.duration(max(1.0, job.seconds_each * job.n_waiting / workers))} left"
    elif job.state is JobState.PAUSED:
        said, tone = f"Paused at {done}{failed}. {_sentence(job.reason)}".strip(), "wait"
    elif job.state is JobState.CANCELLED:
        said, tone = f"Stopped at {done}{failed}. What is made stays.", "wait"
    elif job.n_failed:
        said, tone = f"{done} made{failed}; see why on each.", "bad" if not job.n_done else "wait"
    else:
        took = f" in {words.duration((job.finished - job.started).total_seconds())}" if _ended(job) else ""  # type: ignore[operator]
        said, tone = f"All {words.count(job.n_items, 'picture')} made{took}.", "good"
    return Progress(job, said, left, tone, share)


def _ended(job: Job) -> bool:
    return job.finished is not None and job.started is not None


def _sentence(text: str | None) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def job_of(who: Member, id: str) -> Job:
    """A batch of pictures. Raises NotFound for other work."""
    job = who.store.jobs.get(id)
    if job.kind not in PICTURE_JOBS:
        raise NotFound("batch", id)
    return job


def _progress(who: Member, job: Job) -> Progress:
    return progress_of(job, utc_now(), who.services.settings.job_workers)


@router.get("/pictures/jobs")
def batches(who: Designer, after: Short | None = None) -> Response:
    page = pictures_of(who).jobs(after, 20)
    return who.page(
        "pictures/batches.html.j2",
        rows=[(_progress(who, job), _glimpse(who, job), _whose(who, job)) for job in page.items],
        following=page.next,
        **sections(who),
    )


def _whose(who: Member, job: Job) -> str:
    """The products of a batch: two by name, the rest by number."""
    wall = Wall(who)
    items = who.store.jobs.items(job.id, -1, GLANCE)
    ids = list(dict.fromkeys(str(item.request.get("product_id", "")) for item in items))
    named = [words.shorten(wall.title(id), 40) for id in ids[:2]]
    more = "others" if len(items) == GLANCE else words.count(len(ids) - 2, "other")
    return words.listed([*named, *([more] if len(ids) > 2 else [])])


def _glimpse(who: Member, job: Job) -> list[Shot]:
    wall = Wall(who)
    return [wall.shot(creative) for creative in pictures_of(who).page(Wanted(job=job.id), None, 4).items]


@router.get("/pictures/jobs/{id}")
def batch(
    id: JobId, who: Designer, state: State = "", product: Short = "", format: Short = "", after: Short | None = None
) -> Response:
    """A batch: pictures that are there and places of those that are still to come."""
    job, wall = job_of(who, id), Wall(who)
    wanted = Wanted(state if state in (*STATES, FAILED) else "", product, format, id)
    if wanted.state == FAILED or wanted == Wanted(job=id):
        shots, following = _all_items(
            who, wall, id, int(after) if after and after.isdigit() else -1, wanted.state or None
        )
    else:
        page = pictures_of(who).page(wanted, after, PAGE)
        shots, following = [wall.shot(creative) for creative in page.items], page.next
    context: dict[str, Any] = {
        "shots": shots,
        "more": _address(f"/pictures/jobs/{id}", wanted, following) if following else None,
    }
    if after is not None:
        return who.part("pictures/more.html.j2", **context)
    return who.page(
        "pictures/gallery.html.j2",
        **context,
        **_around(who, wanted, wall),
        job=_progress(who, job),
        failures=_why(who, id),
    )


def _all_items(who: Member, wall: Wall, id: str, after: int, status: str | None) -> tuple[list[Shot], str | None]:
    rows = who.store.jobs.items(id, after, PAGE + 1, status)
    shots = _shots(who, wall, rows[:PAGE])
    return shots, str(rows[PAGE - 1].position) if len(rows) > PAGE else None


def _shots(who: Member, wall: Wall, items: Sequence[JobItem]) -> list[Shot]:
    made = [item.result_id for item in items if item.result_id]
    known = {one.id: one for one in who.store.creatives.get_many(list(dict.fromkeys(made)))}
    return [
        wall.shot(known[item.result_id], item.position) if item.result_id in known else wall.empty(item)
        for item in items
    ]


def _why(who: Member, id: str) -> list[tuple[str, int]]:
    """Reasons of failures with how often, the most frequent first."""
    tally: dict[str, int] = {}
    for item in who.store.jobs.items(id, -1, 500, "failed"):
        tally[item.reason or "no reason was given"] = tally.get(item.reason or "no reason was given", 0) + 1
    return sorted(tally.items(), key=lambda pair: -pair[1])[:6]


@router.get("/pictures/jobs/{id}/news")
def batch_news(
    id: JobId, who: Designer, waiting: Annotated[str, Query(max_length=8_000)] = "", state: State = ""
) -> Response:
    """How far it is, and those of the pictures waited for that are there now: for htmx."""
    job, wall = job_of(who, id), Wall(who)
    positions = sorted({int(text) for text in waiting.split(",") if text.isdigit()})[:MOST_NEWS]
    shots = _shots(who, wall, pictures_of(who).settled(id, positions))
    is_time = bool(shots) and job.n_items <= MOST_COUNTED_LIVE
    wanted = Wanted(state if state in (*STATES, FAILED) else "", job=id)
    tabs = _tabs(who, wanted, job) if is_time or job.state.is_final else []
    return who.part(
        "pictures/job_news.html.j2", job=_progress(who, job), shots=shots, tabs=tabs, failures=_why(who, id),
        wanted=wanted,
    )  # fmt: skip


@router.post("/pictures/jobs/{id}/{act}")
def steer(id: JobId, act: Annotated[str, Path(pattern="^(pause|resume|cancel|retry)$")], who: Designer) -> Response:
    job_of(who, id)
    jobs = who.services.jobs
    said = {
        "pause": "Paused. The picture at hand is finished first.",
        "resume": "Going on.",
        "cancel": "Stopped. What is made stays.",
        "retry": "Trying the missing ones again.",
    }[act]
    try:
        {"pause": jobs.pause, "resume": jobs.resume, "cancel": jobs.cancel, "retry": jobs.retry}[act](who.workspace, id)
    except Conflict:  # it ended meanwhile, or the button was pressed twice
        return who.go(f"/pictures/jobs/{id}")
    who.store.note(AuditEntry(utc_now(), who.key.id, act, "pictures", id))
    return who.go(f"/pictures/jobs/{id}", said)


# --- decisions -----------------------------------------------------------------------------------------------------


@router.post("/pictures/decide")
def decide(who: Designer) -> Response:
    """Approve, reject or put back: these pictures, or all that a filter shows; refusals come with their reasons."""
    return as_json(lambda: _decide(who))


def _decide(who: Member) -> dict[str, Any]:
    verdict = VERDICTS.get(who.text("verdict"))
    if verdict is None:
        raise InvalidInput("verdict", f"one of {', '.join(VERDICTS)}")
    wanted = _wanted(who)
    ids = [id for id in who.text("ids").split(",") if id]
    if who.text("all") == "yes":
        ids = [id for id, approval in pictures_of(who).ids(wanted, MOST_DECIDED) if approval is not verdict]
    if len(ids) > MOST_DECIDED:
        raise InvalidInput("ids", f"at most {MOST_DECIDED:,} at once")
    found = who.store.creatives.get_many(list(dict.fromkeys(ids)))
    unfit = {one.id: pictures_proof.why_not(one) for one in found} if verdict is Approval.APPROVED else {}
    refused = [{"id": id, "why": why} for id, why in unfit.items() if why]
    good = [creative for creative in found if not unfit.get(creative.id)]
    now, action = utc_now(), {"approved": "approve", "rejected": "reject", "pending": "unapprove"}[verdict.value]
    moved = [creative.id for creative in good if creative.approval is not verdict]
    pictures_of(who).decide(verdict, [AuditEntry(now, who.key.id, action, "creative", id) for id in moved])
    for id in moved:
        who.services.arena.approval_changed(who.workspace, id, now)
    wall, changed = Wall(who), []
    for creative in good:
        before = {"approved": "approve", "rejected": "reject", "pending": "wait"}[creative.approval.value]
        shot = wall.shot(replace(creative, approval=verdict))
        changed.append({"id": creative.id, "before": before, "state": shot.state})
    return {"changed": changed, "refused": refused, "counts": pictures_of(who).counts(wanted)}


def _wanted(who: Member) -> Wanted:
    state = who.text("state")
    return Wanted(state if state in STATES else "", who.text("product"), who.text("format"), who.text("job"))


@router.post("/pictures/again")
def again(who: Designer) -> Response:
    """Ask for these pictures once more: with the edges, facts and brand as they are now."""
    ids = [id for id in who.text("ids").split(",") if id][:MOST_DECIDED]
    requests = pictures_of(who).requests(ids or [id for id, _ in pictures_of(who).ids(_wanted(who), MOST_DECIDED)])
    if not requests:
        raise InvalidInput("pictures", "nothing is known any more of how these were asked for")
    job = who.services.jobs.submit(who.workspace, "images", requests, f"pictures-{secrets.token_hex(12)}")
    who.store.note(AuditEntry(utc_now(), who.key.id, "ask", "pictures", job.id, {"again": len(requests)}))
    return who.go(f"/pictures/jobs/{job.id}", "Being made again; the pictures of before stay until you reject them.")


# --- one picture ---------------------------------------------------------------------------------------------------


@router.get("/pictures/shots/{id}")
def look(id: PictureId, who: Designer) -> Response:
    """A picture beside its original, with its proof: for the viewer."""
    creative, wall = who.store.creatives.get(id), Wall(who)
    photo = pictures_proof.photo_of(creative, wall.product(creative.product_id))
    under = pictures_proof.overlay(creative, photo)
    return who.part(
        "pictures/look.html.j2",
        shot=wall.shot(creative),
        creative=creative,
        picture=f"/pictures/shots/{id}/picture",
        photo=small(who, photo.key, 1600) if photo else "",
        photo_name=(photo.name or photo.sha256) if photo else "",
        photo_px=(photo.width_px, photo.height_px) if photo else (0, 0),
        under=json.dumps(asdict(under)) if under else "",
        verdict=pictures_proof.verdict(creative),
        lines=pictures_proof.lines(
            creative, {part.product_id: wall.title(part.product_id) for part in creative.receipt.parts}
        ),
        origin=pictures_proof.origin(creative),
        receipt=creative.receipt,
        passed=creative.receipt.passed,
    )


@router.get("/pictures/shots/{id}/picture")
def picture(id: PictureId, who: Designer, save: bool = False) -> Response:
    creative = who.store.creatives.get(id)
    data = who.services.objects(who.workspace).get(creative.picture_key)
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    if save:
        headers["Content-Disposition"] = f'attachment; filename="{file_name(creative)}"'
    return Response(data, media_type=media_type(creative.picture_key), headers=headers)


@router.get("/pictures/shots/{id}/receipt.json")
def receipt(id: PictureId, who: Designer) -> Response:
    found = who.store.creatives.get(id)
    told = {"creative_id": found.id, **asdict(found.receipt), "passed": found.receipt.passed}
    headers = {"Content-Disposition": f'inline; filename="{file_name(found)}.receipt.json"'}
    return JSONResponse(told, headers=headers)


def file_name(creative: Creative) -> str:
    """mug-kitchen-oak-bread-square-3f2a.png"""
    suffix = creative.picture_key.rpartition(".")[2]
    parts = (creative.product_id, creative.scene.id, creative.format, creative.id[-4:])
    return (
        "-".join("".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in p) for p in parts)
        + f".{suffix}"
    )


@router.post("/pictures/take")
def take_along(who: Designer) -> Response:
    """The chosen pictures, or all that a filter shows, as a zip that is made while it is sent."""
    ids = [id for id in who.text("ids").split(",") if id]
    if not ids:
        ids = [id for id, _ in pictures_of(who).ids(_wanted(who), MOST_DECIDED)]
    if not ids:
        raise InvalidInput("pictures", "there is none to take along")
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
    return StreamingResponse(zipped(_files(who, ids)), media_type="application/zip", headers=headers)


def _files(who: Member, ids: Sequence[str]) -> Iterator[Packed]:
    objects, receipts = who.services.objects(who.workspace), []
    for start in range(0, len(ids), 100):
        for creative in who.store.creatives.get_many(ids[start : start + 100]):
            name = f"{creative.format}/{file_name(creative)}"
            try:
                yield Packed(name, objects.get(creative.picture_key))
            except NotFound:
                continue
            told = {"file": name, "id": creative.id, "approval": creative.approval.value, **asdict(creative.receipt)}
            receipts.append({**told, "passed": creative.receipt.passed})
    yield Packed("receipts.json", json.dumps(receipts, indent=1, default=str).encode())
