"""Is the text on a product still what the photograph says? Compares two readings of the same label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from .ocr import Line

Verdict = Literal["same", "differs", "too small", "no text"]
READABLE_PX = 16.0  # lines lower than this in the finished picture are not held against it
SAME = 0.8  # likeness of two lines: readers err on a sign here and there


@dataclass(frozen=True, slots=True)
class TextKept:
    """What became of a label."""

    verdict: Verdict
    before: tuple[str, ...]  # lines of the photograph
    after: tuple[str, ...]  # lines of the finished picture
    lost: tuple[str, ...]  # lines large enough to be read again that were not
    too_small: tuple[str, ...]  # lines that the placement made too small to read
    likeness: float  # 0 to 1, mean over the readable lines of the photograph; 1 where there are none


def compare_text(before: Sequence[Line], after: Sequence[Line], scale: float) -> TextKept:
    """Look for every line of the photograph among those of the finished picture.

    Lines are found by what they say, not by where they are; case, spaces and accents do not count.

    Args:
        before: read on the photograph.
        after: read on the finished picture, at its own size.
        scale: finished px per photograph px.
    """
    said = [_bare(line.text) for line in after]
    whole = "".join(said)
    lost: list[str] = []
    small: list[str] = []
    likenesses: list[float] = []
    for line in before:
        bare = _bare(line.text)
        if len(bare) < 2:
            continue
        likeness = 1.0 if bare in whole else max((_alike(bare, other) for other in said), default=0.0)
        if likeness < SAME and line.height_px * scale < READABLE_PX:
            small.append(line.text)
            continue
        likenesses.append(likeness)
        if likeness < SAME:
            lost.append(line.text)
    verdict: Verdict = "same"
    if lost:
        verdict = "differs"
    elif not likenesses:
        verdict = "too small" if small else "no text"
    mean = sum(likenesses) / len(likenesses) if likenesses else 1.0
    return TextKept(
        verdict,
        tuple(line.text for line in before),
        tuple(line.text for line in after),
        tuple(lost),
        tuple(small),
        round(mean, 3),
    )


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^\w]", "", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def _alike(one: str, other: str) -> float:
    """Likeness of one line to the part of another that fits it best."""
    if not other:
        return 0.0
    if len(other) <= 1.3 * len(one):
        return SequenceMatcher(None, one, other).ratio()
    starts = range(len(other) - len(one) + 1)
    return max(SequenceMatcher(None, one, other[i : i + len(one)]).ratio() for i in starts)
