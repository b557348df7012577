"""Reads a product's label before and after, as far as the settings allow the time for it.

A photograph is read once and remembered. Finished pictures are read on the product's crop only: always, never, or one
in ``EVERY`` of them, drawn by the picture's own digest so that the same picture is always read or never.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Literal

import numpy as np

from models.checks.ocr import Line, Reader, is_installed
from models.checks.text_kept import compare_text
from models.types import BytePixels, CutOut
from service.domain import LabelText

OcrPolicy = Literal["sampled", "always", "never"]
EVERY = 10
REMEMBERED = 64
CROP_LONG_PX = 640  # the product is read at most at this size
PHOTO_LONG_PX = 960


class LabelReader:
    """One for a process: the networks and what was read of photographs are shared."""

    def __init__(self, policy: OcrPolicy = "sampled") -> None:
        self.policy: OcrPolicy = policy
        self._reader = Reader()
        self._lock = Lock()
        self._read: OrderedDict[str, tuple[Line, ...]] = OrderedDict()

    @property
    def weights(self) -> str:
        return self._reader.digest

    def compare(
        self, cut_out: CutOut, photo_sha256: str, there: BytePixels, scale: float, picture_sha256: str, hidden: float
    ) -> LabelText:
        """What the label says in a finished picture, beside what the photograph says.

        Args:
            cut_out: the product.
            there: (h, w, 3) the product's rectangle in the finished picture.
            scale: finished px per photograph px.
            picture_sha256: draws whether this picture is read.
            hidden: share of the product that others stand in front of.
        """
        if self.policy == "never":
            return LabelText("not read", note="reading is switched off (ADLOOM_OCR=never)")
        if not is_installed():
            return LabelText("not read", note="the weights are not installed; run: adloom weights add ocr")
        with self._lock:  # one reading at a time: it uses a core by itself
            before = self._photograph(cut_out, photo_sha256)
        lines = tuple(line.text for line in before)
        if not before:
            return LabelText("no text", note="nothing to read on the photograph")
        if self.policy == "sampled" and int(picture_sha256[:8], 16) % EVERY:
            return LabelText("not read", lines, note=f"one picture in {EVERY} is read again; this one was not drawn")
        with self._lock:
            after = self._reader.read(_readable(there), CROP_LONG_PX)
        kept = compare_text(before, after, scale)
        note = "read on the finished picture's crop of the product"
        if hidden > 0.02:
            note += f"; {hidden:.0%} of the product is behind another"
            if kept.verdict == "differs":
                return LabelText("not read", lines, kept.after, kept.lost, kept.too_small, kept.likeness, note)
        return LabelText(kept.verdict, lines, kept.after, kept.lost, kept.too_small, kept.likeness, note)

    def _photograph(self, cut_out: CutOut, digest: str) -> tuple[Line, ...]:
        if digest not in self._read:
            left, top, right, bottom = _bounds(cut_out)
            crop = np.ascontiguousarray(cut_out.photo[top:bottom, left:right])
            self._read[digest] = self._reader.read(crop, PHOTO_LONG_PX)
        self._read.move_to_end(digest)
        while len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return self._read[digest]


def _bounds(cut_out: CutOut) -> tuple[int, int, int, int]:
    seen = cut_out.alpha > 0.5
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _readable(there: BytePixels) -> BytePixels:
    """Small products are enlarged: the networks were taught on larger letters."""
    import cv2

    longest = max(there.shape[:2])
    if longest >= CROP_LONG_PX:
        return np.ascontiguousarray(there)
    factor = min(2.0, CROP_LONG_PX / longest)
    size = (round(there.shape[1] * factor), round(there.shape[0] * factor))
    return np.asarray(cv2.resize(there, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
