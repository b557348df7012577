"""The two steps of a batch as items of durable jobs: look at one product, make one picture."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from service.arena import utc_now
from service.domain import Creative, Product
from service.errors import InvalidInput, ServiceError
from service.jobs import Made
from service.photos import fetch_missing

from .asks import Ask, Refused, from_body
from .planning import LOOK_KIND, PICTURE_KIND, LookedAt, look_key, read_look

if TYPE_CHECKING:
    from service.images.choice import Look, PhotoLook
    from service.wiring import Services

__all__ = ["LOOK_KIND", "PICTURE_KIND", "look_at_line", "make_item"]
MOST_LOOKED = 400  # places ranked for a product at most
WORTH_A_LOOK = ("block", "warn")
ONLY_TOLD = frozenset(  # findings that say something else, or what the look at the photograph said already
    {"scene.words", "cut_out.unsure", "cut_out.several_products"}
)
REMEMBERED = 64


def look_at_line(services: Services, workspace: str, request: Mapping[str, Any]) -> Made:
    """Cut out a product's photographs and choose its places; the answer is kept beside the batch.

    Raises:
        InvalidInput: the product has no photograph, or none that can be used.
    """
    id = request["product_id"]
    store = services.store(workspace)
    product = store.products.get(id)
    if not any(photo.sha256 for photo in product.photos):
        product = fetch_missing(store, services.objects(workspace), product, utc_now(), services.settings)
    uploaded = tuple(photo for photo in product.photos if photo.sha256)
    if not uploaded:
        raise InvalidInput("photos", f"product {id!r} has no photograph")
    look = services.studio(workspace).look(replace(product, photos=uploaded), MOST_LOOKED)
    good = [seen for seen in look.photos if seen.problem is None]
    if not good:
        raise ServiceError("; ".join(dict.fromkeys(str(seen.problem) for seen in look.photos)))
    found = _looked_at(id, look, good)
    key = look_key(request["batch"], id)
    services.objects(workspace).replace(key, json.dumps(asdict(found), ensure_ascii=False).encode())
    return Made(key, found.review)


def _looked_at(product_id: str, look: Look, good: list[PhotoLook]) -> LookedAt:
    names = {seen.photo.key: seen.photo.name or Path(seen.photo.key).name for seen in look.photos}
    reasons = [reason for seen in good for reason in _doubts(seen)]
    return LookedAt(
        product_id=product_id,
        photos=tuple(seen.photo.key for seen in good),
        photo_names=names,
        photo_sha256={seen.photo.key: seen.photo.sha256 for seen in good},
        view_angles_deg={seen.photo.key: round(seen.view_angle_deg, 2) for seen in good},
        uncertainty=max(seen.uncertainty for seen in good),
        review="; ".join(dict.fromkeys(reasons)) or None,
        scenes=tuple(scene.id for scene in look.scenes),
        n_believable=look.n_believable,
        refused=tuple(
            Refused(names[seen.photo.key], product_id, seen.problem) for seen in look.photos if seen.problem is not None
        ),
    )


def _doubts(seen: PhotoLook) -> list[str]:
    found = []
    if seen.n_products > 1:
        found.append(f"{seen.n_products} separate products on the photograph")
    if seen.needs_review:
        said = ": " + ", ".join(seen.reasons) if seen.reasons else ""
        found.append(f"the cut-out is unsure ({seen.uncertainty:.2f} of 1){said}")
    return found


# --- one picture ---------------------------------------------------------------------------------------------------


class _Remembered:
    """Asks and products of the batches at work, so that an item need not read them again."""

    def __init__(self) -> None:
        self._lock, self._asks = Lock(), OrderedDict[tuple[str, ...], tuple[Ask, Product, LookedAt]]()

    def get(self, services: Services, workspace: str, batch: str, product_id: str) -> tuple[Ask, Product, LookedAt]:
        key = (services.database.url.render_as_string(), workspace, batch, product_id)
        with self._lock:
            if key in self._asks:
                return self._asks[key]
        store = services.store(workspace)
        ask = from_body(store.batches.get(batch)[0])
        look = read_look(services.objects(workspace).get(look_key(batch, product_id)))
        product = store.products.get(product_id)
        good = tuple(photo for photo in product.photos if photo.key in look.photos)
        if not good:
            raise InvalidInput("photos", f"the photographs of {product_id!r} are not those looked at; plan again")
        with self._lock:
            self._asks[key] = (ask, replace(product, photos=good), look)
            while len(self._asks) > REMEMBERED:
                self._asks.popitem(last=False)
            return self._asks[key]


_REMEMBERED = _Remembered()


def make_item(services: Services, workspace: str, request: Mapping[str, Any]) -> Made:
    """Make one picture, put it where it belongs, then its record.

    Raises:
        ServiceError: the receipt failed; nothing is delivered then.
        InvalidInput, ModelError: it cannot be made.
    """
    ask, product, look = _REMEMBERED.get(services, workspace, request["batch"], request["product_id"])
    creative, data = services.studio(workspace).make(
        product,
        scene=request["scene"],
        backend=request["backend"],
        format=request["format"],
        seed=request["seed"],
        headline=request["headline"],
        body=request["body"],
        call_to_action=request["call_to_action"],
        copy_id=request["copy_id"],
        take=request["take"],
        picture_type=request["picture_type"],
        **({"label_policy": request["label_policy"]} if request["label_policy"] else {}),
    )
    if not creative.receipt.passed:
        raise ServiceError(
            f"the receipt failed: {creative.receipt.checked_px} product pixels checked, largest difference "
            f"{creative.receipt.max_abs_diff}"
        )
    store = services.store(workspace)
    with services.stage("store"):
        if ask.out is None:
            if not store.creatives.has(creative.id):
                services.objects(workspace).replace(creative.picture_key, data)
        else:
            write_whole(Path(ask.out) / request["picture"], data)
        store.creatives.put(creative, utc_now())
    return Made(creative.id, _worth_a_look(creative, look))


def _worth_a_look(creative: Creative, look: LookedAt) -> str | None:
    found = [look.review] if look.review else []
    found += [
        finding.message
        for finding in creative.findings
        if finding.severity in WORTH_A_LOOK and finding.id not in ONLY_TOLD
    ]
    return "; ".join(dict.fromkeys(found)) or None


def write_whole(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
