"""From what is asked to a list of pictures with its cost, and from there to a job.

A batch goes two steps, each a durable job: first its products are looked at (cut out, camera, scenes that suit), which
gives the plan; then, when somebody starts it, the pictures are made.
"""

from __future__ import annotations

import json
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from service.arena import utc_now
from service.domain import Product
from service.errors import Conflict, NoRoom, NotFound
from service.images.formats import find_format
from service.records import ItemState, Job, JobItem, JobState
from service.storage.photo_masks import PhotoMasks

from .asks import Ask, Line, Refused, check, digest, from_body, most_items, to_body

if TYPE_CHECKING:
    from service.wiring import Services

T = TypeVar("T")
LOOK_KIND = "batch-look"
PICTURE_KIND = "batch"
BLOCK = 4  # products worked on together, so that a decoded place serves all of them and their cut-outs stay in memory
LOOK_SECONDS = 4.0  # until measured here: one photograph cut out, on one core
PICTURE_SECONDS = (0.35, 0.75)  # until measured here: for each picture, and for each million pixels of it
BYTES_EACH = {"png": 0.95, "webp": 0.75, "jpg": 0.30}  # for each pixel, a generous mean
RECORD_BYTES = 6_000  # rows of one picture in the databases
MEASURED_FROM = 400  # newest pictures that rates are taken from


class BatchState(StrEnum):
    LOOKING = "looking"  # at the photographs; the plan follows
    PLANNED = "planned"  # waits for somebody to start it
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"  # nothing came of it
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What was found out about one product."""

    product_id: str
    photos: tuple[str, ...]  # keys of those that can be used
    photo_names: Mapping[str, str]  # key -> the name it came with
    photo_sha256: Mapping[str, str]
    view_angles_deg: Mapping[str, float]
    uncertainty: float  # of the least sure cut-out, 0 to 1
    review: str | None  # why a person should look at the cut-out
    scenes: tuple[str, ...]  # ids that suit, best first
    n_believable: int  # places there were to choose from
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch will make and what that takes."""

    n_products: int
    n_scenes: int  # different places over all products
    n_formats: int
    n_items: int
    seconds: float  # expected wall time on this machine's workers
    measured: int  # pictures that the rate was measured on; 0: a figure from another machine
    bytes_needed: int
    bytes_free: int | None  # None: it cannot be known, as in a bucket
    notes: tuple[str, ...]
    is_final: bool  # False: photographs are still being looked at, counts are at most

    @property
    def fits_on_disk(self) -> bool:
        return self.bytes_free is None or self.bytes_needed <= self.bytes_free


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands."""

    id: str
    ask: Ask
    state: BatchState
    created: datetime
    look: Job
    pictures: Job | None


def look_id(id: str) -> str:
    return f"{id}.look"


def look_key(id: str, product_id: str) -> str:
    """Where it is kept what one product looks like."""
    return f"looks/{digest([id, product_id])}.json"


def create(services: Services, workspace: str, ask: Ask, id: str) -> Batch:
    """Keep a batch and begin to look at its products. The same id again is the same batch.

    Raises:
        InvalidInput: see ``asks.check``.
        NotFound: no such product.
        TooMany: too much is waiting.
    """
    check(ask)
    store = services.store(workspace)
    for product_id in dict.fromkeys(line.product_id for line in ask.lines):
        store.products.get(product_id)
    if not store.batches.has(id):
        store.batches.put(id, to_body(ask), utc_now())
    lines = [
        {"batch": id, "product_id": product_id} for product_id in dict.fromkeys(line.product_id for line in ask.lines)
    ]
    services.jobs.submit(workspace, LOOK_KIND, lines, look_id(id))
    return batch_of(services, workspace, id)


def batch_of(services: Services, workspace: str, id: str) -> Batch:
    """Raises NotFound."""
    store = services.store(workspace)
    body, created = store.batches.get(id)
    look = store.jobs.find(look_id(id))
    if look is None:  # the process died between the two
        raise NotFound("batch", id)
    pictures = store.jobs.find(id)
    return Batch(id, from_body(body), _state(look, pictures), created, look, pictures)


def _state(look: Job, pictures: Job | None) -> BatchState:
    if pictures is not None:
        return BatchState(pictures.state.value)
    if look.state is JobState.CANCELLED:
        return BatchState.CANCELLED
    if look.state is JobState.PAUSED:
        return BatchState.PAUSED
    return BatchState.PLANNED if look.state.is_final else BatchState.LOOKING


def each_batch(services: Services, workspace: str, ids: Sequence[str]) -> Iterator[Batch]:
    for id in ids:
        try:
            yield batch_of(services, workspace, id)
        except NotFound:
            continue


# --- what was seen -------------------------------------------------------------------------------------------------


class _Memo(Generic[T]):
    """What was worked out of the newest batches; a batch that is watched is asked for several times a second."""

    def __init__(self, size: int) -> None:
        self._size, self._lock, self._kept = size, Lock(), OrderedDict[tuple[Any, ...], T]()

    def get(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value


_LOOKS: _Memo[dict[str, LookedAt]] = _Memo(16)
_PLANS: _Memo[Plan] = _Memo(64)


def _key(services: Services, workspace: str, batch: Batch) -> tuple[Any, ...]:
    """Changes whenever another product was looked at."""
    look = batch.look
    return services.database.url.render_as_string(), workspace, batch.id, look.round, look.n_done, look.n_failed


def looks_of(services: Services, workspace: str, batch: Batch) -> dict[str, LookedAt]:
    """By product, as far as they were looked at."""
    return _LOOKS.get(_key(services, workspace, batch), lambda: _read_looks(services, workspace, batch))


def _read_looks(services: Services, workspace: str, batch: Batch) -> dict[str, LookedAt]:
    objects, found = services.objects(workspace), dict[str, LookedAt]()
    for item in services.store(workspace).jobs.each_item(look_id(batch.id), "done"):
        found[item.request["product_id"]] = read_look(objects.get(item.result_id or ""))
    for item in services.store(workspace).jobs.each_item(look_id(batch.id), "review"):
        found[item.request["product_id"]] = read_look(objects.get(item.result_id or ""))
    return found


@lru_cache(maxsize=512)
def read_look(data: bytes) -> LookedAt:
    said = json.loads(data)
    lists = {key: tuple(said[key]) for key in ("photos", "scenes")}
    return LookedAt(**{**said, **lists, "refused": tuple(Refused(**one) for one in said["refused"])})


def refused_of(services: Services, workspace: str, batch: Batch, looks: Mapping[str, LookedAt]) -> tuple[Refused, ...]:
    """Every photograph and product that nothing can be made of, with its reason."""
    found = [*batch.ask.refused, *(one for look in looks.values() for one in look.refused)]
    for item in services.store(workspace).jobs.each_item(look_id(batch.id), "failed"):
        product = item.request["product_id"]
        found.append(Refused(_first_photo(services, workspace, product), product, item.reason or "failed"))
    return tuple(found)


def _first_photo(services: Services, workspace: str, product_id: str) -> str | None:
    try:
        photos = services.store(workspace).products.get(product_id).photos
    except NotFound:
        return None
    return (photos[0].name or photos[0].key) if photos else None


# --- the list of pictures ------------------------------------------------------------------------------------------


def requests_of(batch: Batch, looks: Mapping[str, LookedAt], products: Mapping[str, str]) -> list[dict[str, Any]]:
    """One request a picture, in the order that keeps caches warm: a few products, place by place.

    Args:
        products: product -> digest of what its pictures follow from.
    """
    lines = [line for line in batch.ask.lines if line.product_id in looks]
    order = list(dict.fromkeys(line.product_id for line in lines))
    blocks = {product: number // BLOCK for number, product in enumerate(order)}
    ranks = {product: number for number, product in enumerate(order)}
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    taken: dict[str, int] = {}
    for line in lines:
        for scene, take, format, seed in _pictures(line, looks[line.product_id], batch.ask.takes):
            request = {
                "batch": batch.id,
                "product_id": line.product_id,
                "scene": scene,
                "take": take,
                "format": format,
                "seed": seed,
                "headline": line.headline,
                "body": line.body,
                "call_to_action": line.call_to_action,
                "copy_id": line.copy_id,
                "backend": batch.ask.backend,
                "picture_type": batch.ask.picture_type,
                "label_policy": batch.ask.label_policy,
            }
            request["made_from"] = digest([{**request, "batch": ""}, products[line.product_id]])
            name = _file_name(batch.ask, line, scene, take, format, seed)
            taken[name] = taken.get(name, 0) + 1
            again = f"_{taken[name]}" if taken[name] > 1 else ""
            request["picture"] = f"{name}{again}.{batch.ask.picture_type}"
            place = (blocks[line.product_id], scene, take % 2)
            found.append(((*place, ranks[line.product_id], take, line.formats.index(format), seed), request))
    return [request for _, request in sorted(found, key=lambda pair: pair[0])]


def _pictures(line: Line, look: LookedAt, takes: int) -> Iterator[tuple[str, int, str, int]]:
    """(scene, take, format, seed); so many scenes are filled up by other takes of the first ones."""
    if isinstance(line.scenes, int):
        every = [(scene, take) for take in range(takes) for scene in look.scenes][: line.scenes]
    else:
        every = [(scene, take) for scene in dict.fromkeys(line.scenes) for take in range(takes)]
    for scene, take in every:
        for format in dict.fromkeys(line.formats):
            for seed in dict.fromkeys(line.seeds):
                yield scene, take, format, seed


def _file_name(ask: Ask, line: Line, scene: str, take: int, format: str, seed: int) -> str:
    place = scene if scene.isascii() and " " not in scene else f"words-{digest(scene)[:8]}"
    parts = [place, *([f"take{take}"] if take else []), format.replace("/", "-")]
    if len(line.seeds) > 1:
        parts.append(f"seed{seed}")
    return f"{ask.folder(line.product_id)}/{'_'.join(parts)}"


# --- what it takes -------------------------------------------------------------------------------------------------


def plan_of(services: Services, workspace: str, batch: Batch) -> Plan:
    """Counts, time and room; before every photograph was looked at they are the most it can be."""
    key = (*_key(services, workspace, batch), batch.look.state, batch.pictures is None)
    plan = _PLANS.get(key, lambda: _planned(services, workspace, batch))
    return replace(plan, bytes_free=_free(services, batch.ask))


def _planned(services: Services, workspace: str, batch: Batch) -> Plan:
    is_final = batch.look.state.is_final
    looks = looks_of(services, workspace, batch)
    ask, lines = batch.ask, batch.ask.lines
    if is_final:
        lines = tuple(line for line in lines if line.product_id in looks)
        pictures = [(line, *one) for line in lines for one in _pictures(line, looks[line.product_id], ask.takes)]
        sizes = [find_format(format).size_px for _, _, _, format, _ in pictures]
        scenes = {(scene, take) for _, scene, take, _, _ in pictures}
        n_items, n_scenes = len(pictures), len(scenes)
    else:
        n_items, n_scenes = most_items(ask), max((_count(line) for line in lines), default=0)
        sizes = [
            find_format(format).size_px
            for line in lines
            for format in line.formats
            for _ in range(_count(line) * len(line.seeds))
        ]
    seconds, measured = _expected(services, workspace, sizes)
    left = batch.look.n_waiting * (batch.look.seconds_each or LOOK_SECONDS)
    return Plan(
        n_products=len({line.product_id for line in lines}),
        n_scenes=n_scenes,
        n_formats=len({format for line in lines for format in line.formats}),
        n_items=n_items,
        seconds=(seconds + left) / services.settings.job_workers,
        measured=measured,
        bytes_needed=round(sum(w * h for w, h in sizes) * BYTES_EACH[ask.picture_type]) + n_items * RECORD_BYTES,
        bytes_free=_free(services, ask),
        notes=_notes(ask, looks) if is_final else (),
        is_final=is_final,
    )


def _count(line: Line) -> int:
    return line.scenes if isinstance(line.scenes, int) else len(line.scenes)


def _notes(ask: Ask, looks: Mapping[str, LookedAt]) -> tuple[str, ...]:
    """Where fewer scenes fit than were asked for, and what could be done."""
    found = []
    for line in ask.lines:
        look = looks.get(line.product_id)
        if look is None or not isinstance(line.scenes, int):
            continue
        had = min(line.scenes, len(look.scenes) * ask.takes)
        if had < line.scenes:
            more = "" if ask.takes > 1 else "; more takes of each (mirrored, product aside) give more pictures"
            found.append(
                f"{line.product_id}: {had} of {line.scenes} scenes, as only {look.n_believable} places fit the "
                f"photograph's camera{more}"
            )
        elif line.scenes > len(look.scenes):
            found.append(
                f"{line.product_id}: {line.scenes} scenes are {len(look.scenes)} places in up to {ask.takes} takes"
            )
    return tuple(found)


def _expected(services: Services, workspace: str, sizes: Sequence[tuple[int, int]]) -> tuple[float, int]:
    """(seconds on one worker, pictures that this was measured on)."""
    each, per_million = PICTURE_SECONDS

    def cost(size: tuple[int, int]) -> float:
        return each + per_million * size[0] * size[1] / 1e6

    spent, expected, n = 0.0, 0.0, 0
    for request, seconds in services.store(workspace).jobs.newest_seconds(PICTURE_KIND, MEASURED_FROM):
        spent, expected, n = spent + seconds, expected + cost(find_format(request["format"]).size_px), n + 1
    rate = spent / expected if n >= 5 else 1.0
    return rate * sum(cost(size) for size in sizes), n if n >= 5 else 0


def _free(services: Services, ask: Ask) -> int | None:
    """Bytes that may be written where the pictures go."""
    folder = ask.out
    if folder is None:
        parts = urlsplit(services.settings.storage)
        if parts.scheme != "file":
            return None
        folder = parts.path
    here = Path(folder)
    while not here.exists():
        here = here.parent
    return max(0, shutil.disk_usage(here).free - services.settings.disk_reserve_mb * 2**20)


# --- beginning -----------------------------------------------------------------------------------------------------


def start(services: Services, workspace: str, id: str) -> Batch:
    """Make the pictures of a planned batch; what an earlier batch made from the very same is taken over.

    Raises:
        NotFound
        Conflict: the photographs are still being looked at, or nothing can be made.
        NoRoom: the disk has not the room.
        TooMany: too much is waiting.
    """
    batch = batch_of(services, workspace, id)
    if batch.pictures is not None:
        return batch
    if batch.state is not BatchState.PLANNED:
        raise Conflict(f"batch {id!r} cannot start yet: {batch.state.value}")
    plan = plan_of(services, workspace, batch)
    if plan.n_items == 0:
        raise Conflict(f"batch {id!r} has nothing to make: no photograph can be used")
    requests = requests_for(services, workspace, batch)
    settled = _made_before(services, workspace, batch, requests)
    needed = plan.bytes_needed * (1 - len(settled) / len(requests))
    if plan.bytes_free is not None and needed > plan.bytes_free:
        raise NoRoom(
            f"the pictures need about {needed / 1e6:,.0f} MB, {plan.bytes_free / 1e6:,.0f} MB may be used "
            f"({services.settings.disk_reserve_mb} MB stay free)"
        )
    services.jobs.submit(workspace, PICTURE_KIND, requests, id, settled)
    return batch_of(services, workspace, id)


def start_if_asked(services: Services, workspace: str, look: str) -> None:
    """What follows the look at a batch's products: the pictures, where that was asked for at once.

    Raises:
        NoRoom, TooMany, Conflict: see ``start``; the batch stays planned.
    """
    id = look.removesuffix(".look")
    batch = batch_of(services, workspace, id)
    if batch.ask.start and batch.state is BatchState.PLANNED:
        start(services, workspace, id)


def requests_for(services: Services, workspace: str, batch: Batch) -> list[dict[str, Any]]:
    looks = looks_of(services, workspace, batch)
    store = services.store(workspace)
    masks = PhotoMasks(services.database, workspace)
    return requests_of(
        batch, looks, {id: _digest_of(store.products.get(id), look, masks) for id, look in looks.items()}
    )


def _digest_of(product: Product, look: LookedAt, masks: PhotoMasks) -> str:
    """Of everything that a picture of this product follows from."""
    said = asdict(replace(product, photos=(), reviews=(), price=None))
    photos = [look.photo_sha256.get(key, key) for key in look.photos]
    drawn = [mask.sha256 for mask in (masks.get(photo) for photo in photos) if mask is not None]
    return digest([said, photos, drawn, look.review])


def _made_before(
    services: Services, workspace: str, batch: Batch, requests: Sequence[Mapping[str, Any]]
) -> dict[int, JobItem]:
    """Items that an earlier batch finished, from the same inputs and into the same file."""
    wanted = {request["made_from"]: position for position, request in enumerate(requests)}
    found: dict[int, JobItem] = {}
    for earlier in services.store(workspace).jobs.each_done(PICTURE_KIND):
        position = wanted.get(earlier.request.get("made_from", ""))
        if position is None or earlier.request.get("picture") != requests[position]["picture"]:
            continue
        if batch.ask.out is not None and not (Path(batch.ask.out) / requests[position]["picture"]).is_file():
            continue
        found[position] = JobItem(
            position, requests[position], ItemState.DONE, earlier.result_id, earlier.reason, earlier.seconds
        )
    return found
