"""Disguised writing undone, in two readings of a text, each with the way back to the text as it was given.

``words`` is for languages written with spaces: full-width, styled, circled and look-alike letters become plain small
ones, accents go, letters set apart ("b.e.s.t", "T O P 1") come together. ``tight`` is for Chinese and Japanese: also
without blanks, dots, signs and emoji beside Han characters ("最 . 佳"), traditional characters made simplified.
Commas and full stops stay, so that two clauses do not run into one another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from prompts.rules import shared

_JOINED_MARKS = ("Mn", "Me", "Cf")
_STRONG = frozenset(",!?;:\n。、…")  # ends a clause; a full stop of Latin script beside a Han character is a disguise
_NEVER_ENDS_A_CLAUSE = frozenset("最第唯蕞")  # so a comma behind them is a disguise
_NEVER_BEGINS_A_CLAUSE = frozenset("级")
_LETTER_SIGNS = "*_·•~|^+="
_KANA_MARKS = {"\u3099", "\u309a"}


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text."""

    text: str
    origin: Sequence[int]  # index into the raw text of every character of ``text``


@dataclass(frozen=True, slots=True)
class Folded:
    """A text and its two readings."""

    raw: str
    words: View
    tight: View

    def span(self, view: View, start: int, end: int) -> tuple[int, int]:
        """(start, end) in the raw text, code points; marks and joiners that belong to the last character are inside."""
        if end <= start:
            return 0, 0
        first, last = view.origin[start], view.origin[end - 1] + 1
        while last < len(self.raw) and _rides_along(self.raw[last]):
            last += 1
        return first, last


def _rides_along(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) in _JOINED_MARKS


@lru_cache(maxsize=1)
def _pairs() -> dict[str, str]:
    fold = shared().fold
    table: dict[str, str] = {}
    for pairs in (fold.traditional, fold.lookalike):
        for pair in pairs.split():
            table[pair[0]] = pair[1:]
    return table


@lru_cache(maxsize=16_384)
def fold_character(character: str) -> str:
    """What a character is read as: small, plain, simplified; empty if it is invisible.

    >>> [fold_character(c) for c in "Ｂ①級é𝐁"]
    ['b', '1', '级', 'e', 'b']
    """
    if character.isascii():
        return character.lower()
    pairs = _pairs()
    if character in pairs:
        return pairs[character]
    code = ord(character)
    if 0x1F1E6 <= code <= 0x1F1FF:  # letters that flags are made of
        return chr(code - 0x1F1E6 + ord("a"))
    if 0x1F150 <= code <= 0x1F169 or 0x1F170 <= code <= 0x1F189:  # white letters on black
        return chr((code - 0x1F150) % 0x20 + ord("a"))
    for first in (0x2776, 0x278A, 0x24F5):  # digits in circles that have no compatibility form
        if first <= code <= first + 8:
            return chr(code - first + ord("1"))
    if character in _KANA_MARKS:
        return character
    if unicodedata.category(character) in _JOINED_MARKS:
        return ""
    if 0x3040 <= code <= 0x30FF or 0xAC00 <= code <= 0xD7AF:
        return character
    form: Literal["NFKC", "NFKD"] = "NFKC" if 0xFF61 <= code <= 0xFF9F else "NFKD"
    plain = "".join(c for c in unicodedata.normalize(form, character) if unicodedata.category(c) not in _JOINED_MARKS)
    plain = plain.lower().replace("ß", "ss")
    return "".join(pairs.get(c, c) for c in plain)


def fold(raw: str) -> Folded:
    """Both readings of a text."""
    if raw.isascii():
        words = _together(raw.lower(), range(len(raw)))
        return Folded(raw, words, words)
    characters: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(raw):
        for c in fold_character(character):
            if c in _KANA_MARKS and characters:
                whole = unicodedata.normalize("NFC", characters[-1] + c)
                if len(whole) == 1:
                    characters[-1] = whole
                continue
            characters.append(c)
            origin.append(index)
    text = "".join(characters)
    words = _together(text, origin)
    tight = _tight(text, origin) if _HAN.search(text) else words
    return Folded(raw, words, tight)


def fold_pattern(pattern: str) -> str:
    """A pattern written with accents, sharp s or traditional characters, as it meets a folded text."""
    return "".join(c if c.isascii() else fold_character(c) for c in pattern)


_HAN_CLASS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff々〇"
_HAN = re.compile(f"[{_HAN_CLASS}]")
_GAP = r"(?:[^\w\s,!?;:&/+]|[ ]|_){1,3}"
_APART = re.compile(rf"(?<![^\W_])[a-z#](?:{_GAP}[a-z0-9]){{2,}}(?![^\W_])")
_SIGNED = re.compile(rf"(?<=[a-z])[{re.escape(_LETTER_SIGNS)}]+(?=[a-z])")
_BLANKS = re.compile(r"[ \t\u3000]{2,}")


def _together(text: str, origin: Sequence[int]) -> View:
    """Letters that stand apart brought together, runs of blanks made one."""
    gone: set[int] = set()
    for match in _APART.finditer(text):
        gone.update(i for i in range(*match.span()) if not text[i].isalnum() and text[i] != "#")
    for match in _SIGNED.finditer(text):
        gone.update(range(*match.span()))
    for match in _BLANKS.finditer(text):
        gone.update(range(match.start() + 1, match.end()))
    if not gone:
        return View(text, origin)
    kept = [i for i in range(len(text)) if i not in gone]
    return View("".join(text[i] for i in kept), tuple(origin[i] for i in kept))


def is_han(character: str) -> bool:
    return _HAN.match(character) is not None


def has_han(text: str) -> bool:
    """Chinese characters or kana."""
    return _HAN.search(text) is not None


def _tight(text: str, origin: list[int]) -> View:
    """Without what stands between Han characters, or beside one."""
    kept: list[int] = []
    n, i = len(text), 0
    while i < n:
        if text[i].isalnum() or text[i] in "#%":
            kept.append(i)
            i += 1
            continue
        j = i
        while j < n and not (text[j].isalnum() or text[j] in "#%"):
            j += 1
        before = text[i - 1] if i else " "
        after = text[j] if j < n else " "
        if not _melts(text[i:j], before, after):
            kept.extend(range(i, j))
        i = j
    return View("".join(text[k] for k in kept), tuple(origin[k] for k in kept))


def _melts(gap: str, before: str, after: str) -> bool:
    if not (is_han(before) or is_han(after)):
        return False
    if before in _NEVER_ENDS_A_CLAUSE or after in _NEVER_BEGINS_A_CLAUSE:
        return "\n" not in gap
    return not any(c in _STRONG for c in gap)
