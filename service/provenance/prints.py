"""Perceptual prints: what a picture looks like in a few hundred bytes, the same after re-encoding and resizing.

A print is eleven hashes of 256 bits: of the whole picture, and of ten windows that a mild crop is likely to leave. Each
hash says of 256 low frequencies whether they are above their median. Pictures that look alike differ in few bits, so a
search counts differing bits against every print there is: 100,000 pictures are 35 MB and some hundredths of a second.

Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (hash of DCT signs against
the median); the windows are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

BITS = 256
SIDE_PX = 64  # a window is looked at this small
LOW = 16  # so many frequencies in each direction
WORDS = BITS // 64
STEP = 32_768  # hashes compared at a time: fits the cache

Window = tuple[float, float, float, float]  # left, top, right, bottom, fractions of the picture
WINDOWS: tuple[Window, ...] = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.95, 0.95),
    (0.1, 0.1, 0.9, 0.9),
    (0.0, 0.0, 0.9, 0.9),
    (0.1, 0.0, 1.0, 0.9),
    (0.0, 0.1, 0.9, 1.0),
    (0.1, 0.1, 1.0, 1.0),
    (0.0, 0.0, 1.0, 0.9),
    (0.0, 0.1, 1.0, 1.0),
    (0.0, 0.0, 0.9, 1.0),
    (0.1, 0.0, 1.0, 1.0),
)
PRINT_BYTES = len(WINDOWS) * BITS // 8

BytePixels = NDArray[np.uint8]  # (H, W, 3) sRGB


@dataclass(frozen=True, slots=True)
class Near:
    """A print that is close to what was looked for."""

    index: int  # which print
    window: int  # which of its windows fits
    bits: int  # how many of 256 differ; some 128 for strangers


def hash_of(picture: BytePixels) -> NDArray[np.uint64]:
    """(4,) the 256 bits of one picture or window."""
    return _hash(_grey(picture))


def print_of(picture: BytePixels) -> bytes:
    """All eleven hashes of a picture, 352 bytes."""
    grey = _grey(picture)
    height, width = grey.shape
    rows = [
        _hash(grey[round(t * height) : round(b * height), round(le * width) : round(r * width)])
        for le, t, r, b in WINDOWS
    ]
    return np.concatenate(rows).tobytes()


def short(picture: BytePixels) -> str:
    """64 bits of a picture's look as 16 hex digits, for people and other programs: every fourth bit of its hash."""
    bits = np.unpackbits(hash_of(picture).view(np.uint8))[::4]
    return np.packbits(bits).tobytes().hex()


def nearest(columns: NDArray[np.uint64], wanted: NDArray[np.uint64], n: int = 5) -> list[Near]:
    """The n closest prints, the closest first. Every print is looked at.

    Args:
        columns: (4, N * 11), see ``unpack``.
        wanted: (4,) one hash.
    """
    each = len(WINDOWS)
    n_prints = columns.shape[1] // each
    if not n_prints:
        return []
    apart = np.empty(columns.shape[1], np.uint8)  # at most 255: the first bit of every hash is 0
    for start in range(0, len(apart), STEP):
        step = slice(start, start + STEP)
        sums = np.bitwise_count(columns[0, step] ^ wanted[0])
        for word in range(1, WORDS):
            sums += np.bitwise_count(columns[word, step] ^ wanted[word])
        apart[step] = sums
    by_print = apart.reshape(n_prints, each)
    best = by_print.min(axis=1)
    first = np.argpartition(best, min(n, n_prints) - 1)[:n]
    first = first[np.argsort(best[first], kind="stable")]
    return [Near(int(i), int(by_print[i].argmin()), int(best[i])) for i in first]


def unpack(rows: Sequence[bytes]) -> NDArray[np.uint64]:
    """(4, N * 11): the words of stored prints, all first words together, then all second ones, and so on."""
    return np.ascontiguousarray(np.frombuffer(b"".join(rows), np.uint64).reshape(-1, WORDS).T)


def _grey(picture: BytePixels) -> NDArray[np.float32]:
    """Brightness at most 288 px wide or high; proportions are kept."""
    import cv2

    scale = min(1.0, 288 / max(picture.shape[:2]))
    size = (max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale)))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _hash(grey: NDArray[np.float32]) -> NDArray[np.uint64]:
    import cv2

    small = cv2.resize(np.ascontiguousarray(grey), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    low = np.asarray(cv2.dct(np.asarray(small, dtype=np.float32)))[:LOW, :LOW].ravel()
    low[0] = np.median(low[1:])  # the mean brightness says nothing; its bit stays 0
    return np.packbits(low > np.median(low[1:])).view(np.uint64)


class Recent:
    """Prints of pictures made a moment ago, so that keeping them needs no second decoding."""

    def __init__(self, size: int = 64) -> None:
        self._size, self._lock = size, Lock()
        self._kept: dict[str, bytes] = {}

    def note(self, sha256: str, picture: BytePixels) -> None:
        made = print_of(picture)
        with self._lock:
            self._kept[sha256] = made
            while len(self._kept) > self._size:
                self._kept.pop(next(iter(self._kept)))

    def take(self, sha256: str) -> bytes | None:
        with self._lock:
            return self._kept.get(sha256)


recent = Recent()
