"""When two lines say the same: shared words, one word swapped, one frame filled twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .words import has_han, plain, tokens

MOST_SHARED = 0.74  # of the words of both
_PIECES = re.compile(r"\d+(?:[.,]\d+)*|[\u3400-\u9fff]|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SMALL = frozenset("a an the and with for of to in on at by your its is it that this".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Print:
    """What a line is recognised by."""

    text: str
    stems: frozenset[str]
    pieces: tuple[str, ...]  # words, or single Chinese characters, in order
    is_han: bool


@lru_cache(maxsize=20_000)
def fingerprint(text: str) -> Print:
    source = plain(text)
    stems = [t.stem for t in tokens(source)]
    is_han = has_han(text)
    if not stems or (is_han and len(stems) < 3):
        stems = [source.lower[i : i + 2] for i in range(len(source.lower) - 1)]
    return Print(source.lower.strip(" .!。！"), frozenset(stems), tuple(_PIECES.findall(source.lower)), is_han)


def alike(a: Print, b: Print) -> bool:
    """Nearly the same words; or the same but for one word added, dropped or swapped."""
    if a.text == b.text:
        return True
    if len(a.stems & b.stems) / max(1, len(a.stems | b.stems)) > MOST_SHARED:
        return True
    longer, shorter = (a.pieces, b.pieces) if len(a.pieces) >= len(b.pieces) else (b.pieces, a.pieces)
    if a.is_han or b.is_han:
        same = _kept(longer, shorter)
        return len(shorter) >= 5 and same >= 0.6 * len(longer) and len(longer) - same <= 3
    a_said, b_said = [p for p in longer if p not in _SMALL], [p for p in shorter if p not in _SMALL]
    if min(len(a_said), len(b_said)) < 2 or abs(len(a_said) - len(b_said)) > 1:
        return False
    same = _kept(tuple(a_said), tuple(b_said))
    if len(a_said) == len(b_said):
        return same >= len(a_said) - 1 and (len(a_said) > 2 or _same_place(longer, shorter))
    fewer = min(len(a_said), len(b_said))
    return fewer >= 3 and same == fewer


def _same_place(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Two words of meaning each: the same frame only if the rest, small words included, is the same too."""
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) <= 1 and len(a) > 2


def _kept(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Pieces at the beginning and at the end that both share."""
    most = min(len(a), len(b))
    start = 0
    while start < most and a[start] == b[start]:
        start += 1
    end = 0
    while end < most - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return start + end


def is_near_duplicate(text: str, others: Iterable[str]) -> bool:
    """Whether a line says nearly the same as one of the others.

    >>> is_near_duplicate("Made for slow mornings today", ["Made for busy mornings today"])
    True
    >>> is_near_duplicate("Holds 350 ml", ["Dishwasher safe"])
    False
    """
    mine = fingerprint(text)
    return any(alike(mine, fingerprint(other)) for other in others)
