"""The designers' shelf: drag photographs in, see every product cut out, take some of them to new places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from service.arena import utc_now
from service.domain import Photo, Product
from service.errors import InvalidInput, NotFound
from service.photos import SUFFIXES
from service.records import AuditEntry, Job, Scope
from service.storage.pictures import Pictures, ShelfRow, Wanted

from . import words
from .pictures_lifts import Lift, lifter
from .pictures_small import small
from .pictures_upload import Taken, take
from .web import Member, PageRoute, member_with

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Designer = Annotated[Member, Depends(member_with(Scope.DESIGNER))]
ProductId = Annotated[str, Path(max_length=128)]

PAGE = 24
MOST_AT_ONCE = 60  # files in one form, for browsers without scripts


def pictures_of(who: Member) -> Pictures:
    return Pictures(who.services.database, who.workspace)


def uploaded(product: Product) -> tuple[Photo, ...]:
    return tuple(photo for photo in product.photos if photo.sha256)


@dataclass(frozen=True, slots=True)
class Tile:
    """A product on the shelf."""

    row: ShelfRow
    photo: Photo | None  # the first one
    lift: Lift | None  # None: being cut out, or no photograph
    picture: str  # address of the cut-out, or of the photograph until there is one
    n_unsure: int  # photographs whose edges want a look

    @property
    def is_pending(self) -> bool:
        return self.photo is not None and self.lift is None


def tile_of(who: Member, row: ShelfRow) -> Tile:
    photos = uploaded(row.product)
    lifts = [lifter(who.request).look(who.workspace, photo) for photo in photos]
    first = next((i for i, lift in enumerate(lifts) if lift is None or lift.is_found), 0)
    photo, lift = (photos[first], lifts[first]) if photos else (None, None)
    picture = ""
    if photo is not None:
        is_cut = lift is not None and lift.is_found
        picture = small(who, lift.key("cut.webp") if is_cut and lift else photo.key, 400)
    unsure = sum(1 for one in lifts if one is not None and (one.wants_a_look or not one.is_found))
    return Tile(row, photo, lift, picture, unsure)


def sections(who: Member) -> dict[str, Any]:
    """What the line below the heading of these pages shows."""
    n_pictures, n_waiting = pictures_of(who).totals()
    return {"n_pictures": n_pictures, "n_waiting": n_waiting}


# --- the shelf -----------------------------------------------------------------------------------------------------


@router.get("/pictures")
def shelf(
    who: Designer,
    find: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    pictures = pictures_of(who)
    page = pictures.shelf(find.strip(), after, PAGE)
    context: dict[str, Any] = {
        "tiles": [tile_of(who, row) for row in page.items],
        "following": page.next,
        "find": find,
        "is_first": after is None,
    }
    if after is not None or who.request.headers.get("hx-target") == "shelf":
        return who.part("pictures/tiles.html.j2", **context)
    running = [job for job in pictures.jobs(None, 6).items if not job.state.is_final]
    return who.page(
        "pictures/shelf.html.j2",
        **context,
        **sections(who),
        running=[(job, said(job)) for job in running],
        most_mb=who.services.settings.max_upload_bytes >> 20,
        accept=",".join(kind for _, kind in SUFFIXES.values()),
    )


def said(job: Job) -> str:
    """How far a job is, in words."""
    state = {"queued": "begins soon", "running": "being made", "paused": "paused"}.get(job.state.value, job.state.value)
    return f"{words.number(job.n_done)} of {words.count(job.n_items, 'picture')} {state}"


@router.get("/pictures/shelf/news")
def news(who: Designer, pending: Annotated[list[str] | None, Query()] = None) -> Response:
    """Tiles that were being cut out, for htmx: those that are ready now, and which are still waited for."""
    tiles = []
    for id in (pending or [])[:PAGE]:
        try:
            product = who.store.products.get(id)
        except NotFound:
            continue
        tiles.append(tile_of(who, pictures_of(who).rows([product])[0]))
    return who.part("pictures/news.html.j2", tiles=tiles)


@router.get("/pictures/products/{id}/tile")
def one_tile(id: ProductId, who: Designer) -> Response:
    tile = tile_of(who, pictures_of(who).rows([who.store.products.get(id)])[0])
    return who.part("pictures/one_tile.html.j2", tile=tile)


# --- photographs ---------------------------------------------------------------------------------------------------


@router.post("/pictures/upload")
async def upload(who: Designer) -> Response:
    """Photographs of a form, or one at a time of the page's script, which asks for JSON."""
    files = [file for file in who.form.getlist("photos") if isinstance(file, UploadFile)]
    if len(files) > MOST_AT_ONCE:
        raise InvalidInput("photos", f"{len(files)} files; at most {MOST_AT_ONCE} at once")
    into = who.text("product")
    taken = []
    for file in files:
        data = await file.read()
        taken.append(await run_in_threadpool(take, who, file.filename or "photo", data, into))
    if "application/json" in who.request.headers.get("accept", ""):
        return JSONResponse([_told(one) for one in taken])
    return await run_in_threadpool(_after_upload, who, taken, into)


def _told(taken: Taken) -> dict[str, Any]:
    return {
        "name": taken.name,
        "product": taken.product.id if taken.product else None,
        "title": taken.product.title if taken.product else None,
        "problem": taken.problem,
        "note": taken.note,
        "is_new": taken.is_new,
    }


def _after_upload(who: Member, taken: list[Taken], into: str) -> Response:
    good = [one for one in taken if one.product is not None]
    back = f"/pictures/products/{into}" if into else "/pictures"
    if not taken:
        return who.go(back, "Choose photographs first.", "bad")
    bad = [f"{one.name}: {one.problem}" for one in taken if one.problem]
    message = f"{words.count(len(good), 'photograph')} taken." if good else ""
    return who.go(back, " ".join([message, *bad[:4]]).strip(), "bad" if bad else "good")


@router.post("/pictures/products/{id}/name")
def rename(id: ProductId, who: Designer) -> Response:
    product, title = who.store.products.get(id), who.text("title")[:500]
    if not title:
        raise InvalidInput("title", "give it a name")
    now = utc_now()
    who.store.products.put(replace(product, title=title), now)
    who.store.note(AuditEntry(now, who.key.id, "rename", "product", id, {"before": product.title}))
    return who.go(f"/pictures/products/{id}", "Renamed.")


@router.post("/pictures/products/{id}/photos/{name}/first")
def put_first(id: ProductId, name: str, who: Designer) -> Response:
    """Show this photograph first, and take it where the camera gives no reason for another."""
    product = who.store.products.get(id)
    chosen = named(product, name)
    photos = (chosen, *(photo for photo in product.photos if photo is not chosen))
    who.store.products.put(replace(product, photos=photos), utc_now())
    return who.go(f"/pictures/products/{id}?photo={name}", "This photograph comes first now.")


@router.post("/pictures/products/{id}/photos/{name}/remove")
def remove_photo(id: ProductId, name: str, who: Designer) -> Response:
    """Take a photograph from its product; the last one takes a product that nothing else is known of along."""
    product = who.store.products.get(id)
    gone = named(product, name)
    left = tuple(photo for photo in product.photos if photo is not gone)
    now = utc_now()
    who.store.note(AuditEntry(now, who.key.id, "unphoto", "product", id, {"photo": name, "key": gone.key}))
    is_bare = not left and not product.facts and not product.price
    if is_bare and not pictures_of(who).counts(Wanted(product=id))[""]:
        who.store.products.delete(id)
        return who.go("/pictures", f"“{product.title}” is gone.")
    who.store.products.put(replace(product, photos=left), now)
    return who.go(f"/pictures/products/{id}", "The photograph is gone. Pictures made from it stay.")


def named(product: Product, name: str) -> Photo:
    """Raises NotFound."""
    for photo in product.photos:
        if photo.sha256 and name in (photo.name, photo.key.rpartition("/")[2]):
            return photo
    raise NotFound("photograph", name)


__all__ = ["Designer", "Request", "Tile", "named", "pictures_of", "router", "sections", "uploaded"]
