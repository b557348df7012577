"""A product's cut-outs, close up: look at every edge on every ground, and mend it with a brush."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from service.arena import utc_now
from service.domain import Photo
from service.errors import Conflict, InvalidInput, NotFound
from service.masks import BytePlane, forget_mask, keep_mask, read_mask
from service.photos import SUFFIXES
from service.storage.photo_masks import PhotoMasks
from service.storage.pictures import Wanted

from .pictures_lifts import Lift, lifter
from .pictures_page import Designer, ProductId, named, pictures_of, sections, uploaded
from .pictures_small import small
from .web import Member, PageRoute, describe

router = APIRouter(include_in_schema=False, route_class=PageRoute)

FILES = {"photo.webp": "image/webp", "fore.webp": "image/webp", "mask.png": "image/png", "full.png": "image/png"}
VERSION = re.compile(r"^[0-9a-f]{40}$")
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("/pictures/products/{id}")
def product_page(id: ProductId, who: Designer, photo: Annotated[str | None, Query(max_length=160)] = None) -> Response:
    product = who.store.products.get(id)
    photos = uploaded(product)
    chosen = named(product, photo) if photo else (photos[0] if photos else None)
    strip = [(one, lifter(who.request).look(who.workspace, one)) for one in photos]
    lift = next((lift for one, lift in strip if one is chosen), None)
    base = f"/pictures/products/{id}"
    return who.page(
        "pictures/product.html.j2",
        product=product,
        strip=[(one, lift, _thumb(who, one, lift)) for one, lift in strip],
        photo=chosen,
        lift=lift,
        base=base,
        bench=bench(base, chosen, lift) if chosen and lift else None,
        counts=pictures_of(who).counts(Wanted(product=id)),
        accept=",".join(kind for _, kind in SUFFIXES.values()),
        **sections(who),
    )


def _thumb(who: Member, photo: Photo, lift: Lift | None) -> str:
    is_cut = lift is not None and lift.is_found
    return small(who, lift.key("cut.webp") if is_cut and lift else photo.key, 192)


def bench(base: str, photo: Photo, lift: Lift) -> str:
    """What the brush needs to begin, as JSON."""
    here = f"/pictures/cut-outs/{lift.version}"
    return json.dumps(
        {
            "version": lift.version,
            "photo": f"{here}/photo.webp",
            "fore": f"{here}/fore.webp",
            "mask": f"{here}/mask.png",
            "size": lift.work_px,
            "save": f"{base}/photos/{photo.name or photo.sha256}/mask/upload",
            "draft": f"mask {photo.sha256} {lift.version}",
            "photoPx": [photo.width_px, photo.height_px],
        }
    )


@router.get("/pictures/cut-outs/{version}/{name}")
def cut_out_file(version: str, name: str, who: Designer) -> Response:
    if name not in FILES or not VERSION.fullmatch(version):
        raise NotFound("cut-out", f"{version[:50]}/{name[:50]}")
    data = who.services.objects(who.workspace).get(f"cut-outs/{version}/{name}")
    return Response(data, media_type=FILES[name], headers=FOREVER)


@router.post("/pictures/products/{id}/photos/{name}/mask/upload")
async def save_mask(id: ProductId, name: str, who: Designer) -> Response:
    """Keep a mask drawn at working size; where it was not touched, the fine edge stays as it is."""
    file = who.form.get("mask")
    data = await file.read() if isinstance(file, UploadFile) else b""
    return await run_in_threadpool(as_json, lambda: _save(who, id, name, data))


def _save(who: Member, id: str, name: str, data: bytes) -> dict[str, Any]:
    photo = named(who.store.products.get(id), name)
    lift = lifter(who.request).wait(who.workspace, photo)
    if who.text("version") != lift.version:
        raise Conflict("this edge was changed elsewhere meanwhile; load it again to see how it stands")
    objects = who.services.objects(who.workspace)
    after = read_mask(data)
    before = read_mask(objects.get(lift.key("mask.png")))
    if after.shape != before.shape:
        raise InvalidInput("mask", f"{after.shape[1]} x {after.shape[0]} px; the brush works at {lift.work_px}")
    full = merged(read_mask(objects.get(lift.key("full.png"))), before, after)
    keep_mask(who.store, objects, photo, full, who.key, utc_now())
    now = lifter(who.request).wait(who.workspace, photo)
    return {
        "version": now.version,
        "bench": json.loads(bench(f"/pictures/products/{id}", photo, now)),
        "said": now.said,
        "tile": small(who, now.key("cut.webp"), 192),
        "pictures": pictures_of(who).counts(Wanted(product=id))[""],
    }


def merged(full: BytePlane, before: BytePlane, after: BytePlane) -> BytePlane:
    """A change drawn on a smaller copy, laid over the fine mask: only what was painted changes.

    Args:
        full: (H, W) as it is now.
        before: (h, w) the copy that the brush began with.
        after: (h, w) the same when it ended.
    """
    size = (full.shape[1], full.shape[0])

    def up(plane: BytePlane) -> BytePlane:
        return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR), dtype=np.uint8)

    drawn, result = up(after), full.copy()
    grown = up(np.where(after > before, 255, 0).astype(np.uint8)) > 0
    shrunk = up(np.where(after < before, 255, 0).astype(np.uint8)) > 0
    result[grown] = np.maximum(result, drawn)[grown]
    result[shrunk] = np.minimum(result, drawn)[shrunk]
    return result


def as_json(make: Callable[[], dict[str, Any]]) -> Response:
    """What a script asked for; a refusal is {problem} with its status."""
    try:
        return JSONResponse(make())
    except Exception as error:
        status, detail, _ = describe(error)
        if status >= 500:
            raise
        return JSONResponse({"problem": detail[:1].upper() + detail[1:]}, status)


@router.post("/pictures/products/{id}/photos/{name}/mask/reset")
def reset_mask(id: ProductId, name: str, who: Designer) -> Response:
    photo = named(who.store.products.get(id), name)
    before = PhotoMasks(who.services.database, who.workspace).get(photo.sha256)
    here = f"/pictures/products/{id}"
    if before is None:
        return who.go(f"{here}?photo={name}", "The edge is automatic already.", "note")
    forget_mask(who.store, photo, who.key, utc_now())
    undo = f"{here}/photos/{name}/mask/restore/{before.sha256}"
    return who.go(f"{here}?photo={name}", "Back to the automatic edge.", undo=undo)


@router.post("/pictures/products/{id}/photos/{name}/mask/restore/{digest}")
def restore_mask(id: ProductId, name: str, digest: str, who: Designer) -> Response:
    photo, objects = named(who.store.products.get(id), name), who.services.objects(who.workspace)
    plane = read_mask(objects.get(f"masks/{digest[:64]}.png"))
    keep_mask(who.store, objects, photo, plane, who.key, utc_now())
    return who.go(f"/pictures/products/{id}?photo={name}", "Your edge is back.")
