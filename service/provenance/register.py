"""The register of what our pictures look like: kept when they are made, looked up when one comes back."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import Creative
from service.errors import NotFound
from service.storage import Database, Objects
from service.storage.prints import Prints

from . import prints

log = logging.getLogger("adloom.register")
BytePixels = NDArray[np.uint8]


def keep_print(kept: Prints, creative: Creative, data: bytes) -> None:
    """Note what a new picture looks like. A picture that cannot be read has no print, and is none of ours to find."""
    digest = hashlib.sha256(data).hexdigest()
    known = prints.recent.take(digest)
    if known is None:
        try:
            known = prints.print_of(_pixels(data))
        except (OSError, SyntaxError, ValueError):
            log.warning("creative %s: its picture does not decode, so it has no print", creative.id)
            return
    kept.put(creative.id, digest, known)


def fill_in(kept: Prints, objects: Objects, limit: int, told: Callable[[int], None] | None = None) -> int:
    """Make prints of pictures from before there were prints, at most ``limit`` of them. Returns how many were made."""
    done = 0
    for creative_id, key in kept.missing(limit):
        try:
            data = objects.get(key)
            kept.put(creative_id, hashlib.sha256(data).hexdigest(), prints.print_of(_pixels(data)))
        except (NotFound, OSError, SyntaxError, ValueError):
            kept.put(creative_id, "", bytes(prints.PRINT_BYTES))  # gone or damaged: not to be tried again
        done += 1
        if told is not None:
            told(done)
    return done


class Index:
    """All prints of a workspace in memory, 352 bytes each; what was kept since is read before every search."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seq = 0
        self._ids: list[str] = []
        self._columns = np.zeros((prints.WORDS, 0), np.uint64)

    def refresh(self, kept: Prints) -> int:
        """Read what is new. Returns how many prints there are."""
        with self._lock:
            pieces = [self._columns]
            while rows := kept.after(self._seq):
                pieces.append(prints.unpack([row.print for row in rows]))
                self._ids += [row.creative_id for row in rows]
                self._seq = rows[-1].seq
            if len(pieces) > 1:
                self._columns = np.concatenate(pieces, axis=1)
            return len(self._ids)

    def nearest(self, wanted: NDArray[np.uint64], n: int = 5) -> list[tuple[str, prints.Near]]:
        """(creative, how near) of the n closest, the closest first."""
        with self._lock:
            columns, ids = self._columns, self._ids
        return [(ids[near.index], near) for near in prints.nearest(columns, wanted, n)]


_indices: WeakKeyDictionary[Database, dict[str, Index]] = WeakKeyDictionary()
_indices_lock = Lock()


def index_of(kept: Prints) -> Index:
    """The one index of a database's workspace in this process."""
    with _indices_lock:
        return _indices.setdefault(kept.database, {}).setdefault(kept.workspace, Index())


def _pixels(data: bytes) -> BytePixels:
    with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)
