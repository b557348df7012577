"""Cut-outs as the designers' page shows them: worked out once in the background, kept beside the photographs.

What is shown is what pictures are made from: the same studio lifts the product, by the mask that a person drew where
there is one. Everything kept lies under a name that follows from photograph, mask and matting backend.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import queue
import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image

import models.matting
from models.errors import ModelError, NoProductFound
from models.types import Alpha, BytePixels, CutOut
from service.domain import Photo
from service.errors import NotFound, ServiceError
from service.masks import write_mask
from service.storage import Objects
from service.storage.photo_masks import KeptMask, PhotoMasks
from service.wiring import Services

log = logging.getLogger("adloom.pictures")

RECIPE = "lift-1"  # raise it when what is kept changes
WORK_PX = 1400  # longer side that the brush works at
TILE_PX = 720  # longer side of the cut-out that tiles show
CLEAN, GOOD = 0.12, 0.3  # uncertainty below which an edge is called so
REMEMBERED = 4_000  # facts kept in memory


class Lifted(Protocol):
    """What the studio knows of a photograph."""

    @property
    def cut_out(self) -> CutOut: ...
    @property
    def view_angle_deg(self) -> float: ...
    @property
    def is_round(self) -> bool: ...


@runtime_checkable
class Lifts(Protocol):
    """The part of a studio that cuts one photograph out."""

    def lift(self, photo: Photo) -> Lifted: ...


@dataclass(frozen=True, slots=True)
class Lift:
    """How a photograph's cut-out turned out."""

    version: str  # what its files are kept under; another mask is another version
    is_found: bool
    is_edited: bool
    uncertainty: float  # 0 sure to 1 lost
    needs_review: bool
    reasons: tuple[str, ...]
    problem: str  # why there is none
    n_products: int
    view_angle_deg: float
    is_round: bool
    backend: str
    work_px: tuple[int, int]  # (width, height) that the brush works at

    def key(self, name: str) -> str:
        """Where a file of it lies: ``cut.webp``, ``photo.webp``, ``fore.webp``, ``mask.png``, ``full.png``."""
        return f"cut-outs/{self.version}/{name}"

    @property
    def tone(self) -> str:
        return "bad" if not self.is_found else "wait" if self.wants_a_look else "good"

    @property
    def wants_a_look(self) -> bool:
        return self.is_found and not self.is_edited and (self.needs_review or self.n_products > 1)

    @property
    def said(self) -> str:
        """In two or three words."""
        if not self.is_found:
            return "No product found"
        if self.is_edited:
            return "Edge set by hand"
        if self.n_products > 1:
            return f"{self.n_products} products on it"
        if self.needs_review:
            return "Look at the edge"
        if self.uncertainty < CLEAN:
            return "Clean edge"
        return "Good edge" if self.uncertainty < GOOD else "Probably good"

    @property
    def why(self) -> str:
        """In a sentence, for whoever wants to know."""
        if not self.is_found:
            return self.problem
        if self.is_edited:
            return "A person drew this edge; every new picture uses it."
        if self.n_products > 1:
            return f"{self.n_products} separate things stand on the photograph. Keep one: brush the others away."
        if self.reasons:
            return f"{'' if self.needs_review else 'Worth a glance: '}{'; '.join(self.reasons)}."
        return "Nothing about this edge looks doubtful." if not self.needs_review else "Its edge is hard to see."


@cache
def _matting_code() -> str:
    """A digest of what cuts out: cut-outs of an older version are made anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(models.matting.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def lifter(request: Request) -> Lifter:
    kept: Lifter | None = getattr(request.app.state, "page_lifter", None)
    if kept is None:
        kept = request.app.state.page_lifter = Lifter(request.app.state.services)
    return kept


class Lifter:
    """Cuts photographs out one after the other, in a thread of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: OrderedDict[tuple[str, str], Lift] = OrderedDict()
        self._asked: set[tuple[str, str]] = set()
        self._queue: queue.SimpleQueue[tuple[str, Photo, str]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def look(self, workspace: str, photo: Photo) -> Lift | None:
        """What is known of a photograph; None while it is being cut out."""
        version, _ = self._version(workspace, photo)
        found = self._find(workspace, version)
        if found is None:
            self._ask(workspace, photo, version)
        return found

    def wait(self, workspace: str, photo: Photo) -> Lift:
        """The same, made at once where it is not there yet."""
        version, mask = self._version(workspace, photo)
        return self._find(workspace, version) or self._make(workspace, photo, version, mask)

    def _version(self, workspace: str, photo: Photo) -> tuple[str, KeptMask | None]:
        mask = PhotoMasks(self._services.database, workspace).get(photo.sha256)
        backend = self._services.settings.matting_backend
        text = json.dumps([RECIPE, photo.sha256, mask.sha256 if mask else "", backend, _matting_code()])
        return hashlib.sha256(text.encode()).hexdigest()[:40], mask

    def _find(self, workspace: str, version: str) -> Lift | None:
        with self._lock:
            if (workspace, version) in self._known:
                return self._known[workspace, version]
        try:
            told = json.loads(self._services.objects(workspace).get(f"cut-outs/{version}/facts.json"))
        except NotFound:
            return None
        return self._remember(workspace, _lift(told))

    def _remember(self, workspace: str, lift: Lift) -> Lift:
        with self._lock:
            self._known[workspace, lift.version] = lift
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return lift

    def _ask(self, workspace: str, photo: Photo, version: str) -> None:
        with self._lock:
            if (workspace, version) in self._asked:
                return
            self._asked.add((workspace, version))
            self._queue.put((workspace, photo, version))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="cut-outs", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            workspace, photo, version = self._queue.get()
            try:
                current, mask = self._version(workspace, photo)
                if current == version and self._find(workspace, version) is None:
                    self._make(workspace, photo, version, mask)
            except Exception:
                log.exception("cut-out of photograph %s", photo.sha256)
                problem = "something went wrong here; the server's log has the details"
                self._remember(workspace, _failed(version, problem, (1, 1)))
            finally:
                with self._lock:
                    self._asked.discard((workspace, version))

    def _make(self, workspace: str, photo: Photo, version: str, mask: KeptMask | None) -> Lift:
        objects = self._services.objects(workspace)
        studio = self._services.studio(workspace)
        try:
            if not isinstance(studio, Lifts):
                raise NoProductFound("this installation makes no cut-outs")
            lifted = studio.lift(photo)
        except (ModelError, ServiceError) as error:
            lift = self._keep_failure(objects, photo, version, _plain(error))
        else:
            lift = _keep(objects, lifted, version, mask is not None)
        objects.replace(lift.key("facts.json"), json.dumps(asdict(lift)).encode())
        return self._remember(workspace, lift)

    def _keep_failure(self, objects: Objects, photo: Photo, version: str, problem: str) -> Lift:
        """Nothing found: the photograph and an empty mask, so that somebody can draw the product."""
        from service.images.intake import decode

        try:
            pixels = decode(objects.get(photo.key)).pixels
        except ModelError as error:
            return _failed(version, str(error), (1, 1))
        shown = _resized(Image.fromarray(pixels), WORK_PX)
        lift = _failed(version, problem, shown.size)
        empty = np.zeros((shown.height, shown.width), np.uint8)
        objects.replace(lift.key("photo.webp"), _webp(shown))
        objects.replace(lift.key("fore.webp"), _webp(shown))
        objects.replace(lift.key("mask.png"), write_mask(empty))
        objects.replace(lift.key("full.png"), write_mask(np.zeros(pixels.shape[:2], np.uint8)))
        return lift


def _plain(error: Exception) -> str:
    text = str(error)
    return text.removeprefix("no product found: ")


def _failed(version: str, problem: str, work_px: tuple[int, int]) -> Lift:
    return Lift(version, False, False, 1.0, True, (), problem, 0, 0.0, False, "", work_px)


def _lift(told: dict[str, Any]) -> Lift:
    return Lift(**{**told, "reasons": tuple(told["reasons"]), "work_px": tuple(told["work_px"])})


def _keep(objects: Objects, lifted: Lifted, version: str, is_edited: bool) -> Lift:
    cut_out = lifted.cut_out
    photo = _resized(Image.fromarray(cut_out.photo), WORK_PX)
    lift = Lift(
        version=version,
        is_found=True,
        is_edited=is_edited,
        uncertainty=round(float(cut_out.uncertainty), 4),
        needs_review=bool(cut_out.needs_review),
        reasons=tuple(cut_out.reasons),
        problem="",
        n_products=cut_out.n_products,
        view_angle_deg=round(float(lifted.view_angle_deg), 2),
        is_round=bool(lifted.is_round),
        backend=cut_out.provenance.backend,
        work_px=photo.size,
    )
    full = np.rint(cut_out.alpha * 255.0).astype(np.uint8)
    small = Image.fromarray(full).resize(photo.size, Image.Resampling.BOX)
    objects.replace(lift.key("photo.webp"), _webp(photo))
    objects.replace(lift.key("fore.webp"), _webp(_resized(Image.fromarray(cut_out.foreground), WORK_PX)))
    objects.replace(lift.key("mask.png"), write_mask(np.asarray(small)))
    objects.replace(lift.key("full.png"), write_mask(full))
    objects.replace(lift.key("cut.webp"), _webp(tile(cut_out.foreground, cut_out.alpha)))
    return lift


def tile(foreground: BytePixels, alpha: Alpha) -> Image.Image:
    """The product with some air around it, nothing behind it."""
    seen = alpha > 0.02
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    pad = round(0.04 * max(np.ptp(rows), np.ptp(columns))) + 2
    top, bottom = max(0, rows[0] - pad), min(alpha.shape[0], rows[-1] + pad + 1)
    left, right = max(0, columns[0] - pad), min(alpha.shape[1], columns[-1] + pad + 1)
    plane = np.rint(alpha[top:bottom, left:right] * 255.0).astype(np.uint8)
    joined: NDArray[np.uint8] = np.dstack([foreground[top:bottom, left:right], plane])
    return _resized(Image.fromarray(joined), TILE_PX)


def _resized(image: Image.Image, longest: int) -> Image.Image:
    """At most so large; never enlarged."""
    copy = image.copy()
    copy.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return copy


def _webp(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=3)
    return buffer.getvalue()
