"""What came of a batch: records, CSV, contact sheet and zip, as far as it is."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from PIL import Image

from service.domain import Creative
from service.errors import NotFound
from service.records import ItemState, JobItem
from service.sheets import contact_sheet

from .asks import Refused
from .planning import Batch, LookedAt, looks_of, plan_of, refused_of

if TYPE_CHECKING:
    from service.wiring import Services

SHEET_TILES = 600  # pictures on a contact sheet; more would be too large to open
TILE_PX = 260
STATUSES = ("done", "review", "failed", "waiting", "cancelled", "left_aside")
COLUMNS = ("photo", "product", "scene", "take", "format", "seed", "picture", "status", "reason")
RECEIPT_COLUMNS = ("max_abs_diff", "checked_px", "resized", "picture_sha256")


@dataclass(frozen=True, slots=True)
class Result:
    """One line of ``batch.json``."""

    photo: str | None
    product: str | None
    scene: str | None
    format: str | None
    picture: str | None  # path in the folder or the zip
    status: str  # done, review, failed, waiting, cancelled, left_aside
    reason: str | None
    receipt: Mapping[str, Any] | None
    seconds: float | None
    take: int = 0
    seed: int = 0
    creative: str | None = None
    position: int | None = None


def item_view(item: JobItem, creative: Creative | None, look: LookedAt | None) -> Result:
    """An item of the job as people read it."""
    request, status = item.request, item.status
    made = status in ("done", "review")
    return Result(
        photo=_photo_of(creative, look),
        product=request["product_id"],
        scene=creative.scene.id if creative and request["scene"] is None else request["scene"],
        format=request["format"],
        picture=request["picture"] if made else None,
        status=status,
        reason=item.reason,
        receipt=None if creative is None else {**asdict(creative.receipt), "passed": creative.receipt.passed},
        seconds=None if item.seconds is None else round(item.seconds, 3),
        take=request["take"],
        seed=request["seed"],
        creative=item.result_id,
        position=item.position,
    )


def _photo_of(creative: Creative | None, look: LookedAt | None) -> str | None:
    """The name of the photograph that a picture shows: of several, the one whose camera fitted."""
    if look is None:
        return None
    if creative is not None:
        for key, digest in look.photo_sha256.items():
            if digest == creative.receipt.photo_sha256:
                return look.photo_names[key]
    return look.photo_names.get(look.photos[0]) if look.photos else None


def items_of(
    services: Services,
    workspace: str,
    batch: Batch,
    status: str | None = None,
    after: int = -1,
    limit: int | None = None,
) -> Iterator[Result]:
    """Pictures in the order they are made."""
    store, looks = services.store(workspace), looks_of(services, workspace, batch)
    if batch.pictures is None:
        return
    n = 0
    while items := store.jobs.items(batch.id, after, min(200, limit or 200), status):
        creatives = _creatives(services, workspace, items)
        for item in items:
            creative = creatives.get(item.result_id or "")
            yield item_view(item, creative, looks.get(item.request["product_id"]))
            n += 1
            if n == limit:
                return
        after = items[-1].position


def settled_since(
    services: Services, workspace: str, batch: Batch, told: Collection[int], most: int = 60
) -> list[Result]:
    """Pictures that something came of and that are not among those told, the first ones."""
    if batch.pictures is None:
        return []
    jobs, looks = services.store(workspace).jobs, looks_of(services, workspace, batch)
    fresh = sorted(set(jobs.settled(batch.id)) - set(told))[:most]
    items = jobs.items_at(batch.id, fresh)
    creatives = _creatives(services, workspace, items)
    return [
        item_view(item, creatives.get(item.result_id or ""), looks.get(item.request["product_id"])) for item in items
    ]


def _creatives(services: Services, workspace: str, items: tuple[JobItem, ...]) -> dict[str, Creative]:
    ids = [item.result_id for item in items if item.state is ItemState.DONE and item.result_id]
    return {creative.id: creative for creative in services.store(workspace).creatives.get_many(ids)}


def record_of(services: Services, workspace: str, batch: Batch, seconds: float | None = None) -> dict[str, Any]:
    """``batch.json``: an answer for every picture, every photograph and every file that could not be used.

    Args:
        seconds: how long the pictures made now took together.
    """
    from service.wiring import workshop

    results = list(results_of(services, workspace, batch))
    looks = looks_of(services, workspace, batch)
    stages = workshop(services.settings).stages.read()
    plan = plan_of(services, workspace, batch)
    failures = Counter(one.reason for one in results if one.status == "failed" and one.reason)
    return {
        "batch": batch.id,
        "state": batch.state.value,
        "created": batch.created.isoformat(),
        "counts": {status: sum(one.status == status for one in results) for status in STATUSES},
        "reasons": dict(failures.most_common(12)),
        "plan": asdict(plan),
        "seconds": seconds,
        "stages": {name: round(spent, 3) for name, (spent, _) in stages.items()},
        "made_now": stages.get("encode", (0.0, 0))[1],
        "products": [
            {
                "product": look.product_id,
                "photos": [
                    {
                        "photo": look.photo_names[key],
                        "sha256": look.photo_sha256[key],
                        "view_angle_deg": look.view_angles_deg[key],
                        "notes": list(batch.ask.notes.get(look.photo_names[key], ())),
                    }
                    for key in look.photos
                ],
                "uncertainty": round(look.uncertainty, 3),
                "review": look.review,
                "n_believable": look.n_believable,
            }
            for look in looks.values()
        ],
        "items": [asdict(one) for one in results],
    }


def plain_refusals(refused: Sequence[Refused]) -> list[dict[str, Any]]:
    return [asdict(_refusal(one)) for one in refused]


def _refusal(one: Refused) -> Result:
    status = "left_aside" if one.is_left_aside else "failed"
    return Result(one.photo, one.product, None, None, None, status, one.reason, None, None)


def refusals_of(services: Services, workspace: str, batch: Batch) -> list[Result]:
    """What nothing was made of."""
    looks = looks_of(services, workspace, batch)
    return [_refusal(one) for one in refused_of(services, workspace, batch, looks)]


def results_of(services: Services, workspace: str, batch: Batch) -> Iterator[Result]:
    """Everything: what could not be used first, then the pictures."""
    yield from refusals_of(services, workspace, batch)
    yield from items_of(services, workspace, batch)


# --- files ---------------------------------------------------------------------------------------------------------


def write_results_csv(services: Services, workspace: str, batch: Batch, out: TextIO) -> None:
    """One row a picture; cells that a spreadsheet would run are made text."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*COLUMNS, "seconds", *RECEIPT_COLUMNS, "creative"])
    for result in results_of(services, workspace, batch):
        receipt = result.receipt or {}
        cells = [getattr(result, name) for name in COLUMNS]
        cells += [result.seconds, *(receipt.get(name) for name in RECEIPT_COLUMNS), result.creative]
        table.writerow([_safe(cell) for cell in cells])


def _safe(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    is_formula = text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:2].isdigit())
    return f"'{text}" if is_formula else text


def picture_reader(services: Services, workspace: str, batch: Batch) -> Callable[[Result], bytes]:
    """How to get a picture's bytes: from the folder, or from storage."""
    if batch.ask.out is not None:
        folder = Path(batch.ask.out)
        return lambda result: (folder / (result.picture or "")).read_bytes()
    store, objects = services.store(workspace), services.objects(workspace)

    def read(result: Result) -> bytes:
        return objects.get(store.creatives.get(result.creative or "").picture_key)

    return read


def write_contact_sheet(services: Services, workspace: str, batch: Batch, out: IO[bytes]) -> int:
    """Every picture small, by product and place, with its name. Returns how many are on it."""
    read, tiles = picture_reader(services, workspace, batch), []
    made = [one for one in items_of(services, workspace, batch) if one.picture is not None]
    made.sort(key=lambda one: (one.product or "", one.scene or "", one.take, one.format or ""))
    for result in made[:SHEET_TILES]:
        try:
            with Image.open(io.BytesIO(read(result))) as picture:
                picture.draft("RGB", (2 * TILE_PX, 2 * TILE_PX))
                small = picture.convert("RGB")
        except (OSError, NotFound):
            continue
        small.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
        flag = "look: " if result.status == "review" else ""
        tiles.append((f"{flag}{result.scene} {result.format}" + (f" take {result.take}" if result.take else ""), small))
    columns = 12 if len(tiles) > 60 else 6
    contact_sheet(tiles, columns, TILE_PX).save(out, "JPEG", quality=88)
    return len(tiles)


class _Pipe(io.RawIOBase):
    """A file that only goes forward and is emptied as it is read."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def write_zip(services: Services, workspace: str, batch: Batch) -> Iterator[bytes]:
    """The pictures in a folder for each product, with ``results.csv``: piece by piece, one picture in memory."""
    read, pipe = picture_reader(services, workspace, batch), _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # pictures do not shrink further
        for result in items_of(services, workspace, batch):
            if result.picture is None:
                continue
            try:
                data = read(result)
            except (OSError, NotFound):
                continue
            archive.writestr(_entry(result.picture), data)
            yield pipe.take()
        text = io.StringIO(newline="")
        write_results_csv(services, workspace, batch, text)
        archive.writestr(_entry("results.csv"), text.getvalue().encode())
    yield pipe.take()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
