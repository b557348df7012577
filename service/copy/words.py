"""A text made comparable: full-width and spaced-out writing undone, words with their stems, offsets kept.

Every offset this module hands out counts code points of the *plain* text; ``Plain.span`` brings it back to the text as
it was given.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from html import unescape

_SINGLE = {
    "’": "'", "‘": "'", "´": "'", "`": "'", "‑": "-", "‐": "-", "−": "-", "\u00a0": " ", "\u202f": " ", "\u3000": " ",
    "。": ".", "﹒": ".", "；": ";", "：": ":", "，": ",", "！": "!", "？": "?", "（": "(", "）": ")", "＃": "#", "㎖": "ml",  # noqa: E501
}  # fmt: skip
_KEEP = frozenset("½¼¾⅓⅔⅛⅜⅝⅞")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uf900-\ufaff々〇"
_HAN_RE = re.compile(f"[{_HAN}]")
_KANA_RE = re.compile("[\u3040-\u30ff]")
_TOKEN_RE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_" + _HAN + r"]+(?:'[^\W\d_" + _HAN + r"]+)*|[#%+&/°]")
_BREAK_RE = re.compile(r"[!?;:,\n•|—–()\"“”\[\]·✓✔★*]|\.(?!\d)(?!\s*\d)|\s-\s")
_ABBREVIATIONS = frozenset({"no", "nr", "fl", "ca", "approx", "vs", "st", "dr", "u", "n"})


@dataclass(frozen=True, slots=True)
class Plain:
    """A text after normalisation, and the way back."""

    raw: str
    text: str  # normalised, case kept
    lower: str  # the same length as ``text``
    origin: tuple[int, ...]  # index into ``raw`` of every character of ``text``

    def span(self, start: int, end: int) -> tuple[int, int]:
        """(start, end) in ``raw`` of a span of ``text``."""
        if end <= start:
            return 0, 0
        return self.origin[start], self.origin[end - 1] + 1


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign of a text written with spaces."""

    text: str
    lower: str
    stem: str
    start: int
    end: int
    clause: int  # number of the stretch between punctuation marks

    @property
    def is_word(self) -> bool:
        return self.lower[0].isalpha()


_MARKUP = re.compile(
    r"<(?P<drop>script|style)\b[^<>]*>.*?</(?P=drop)\s*>|<!--.*?-->|</?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,500})?/?>|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});",
    re.I | re.S,
)
_BLOCK = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|td|table|section)\b", re.I)


def _markup(raw: str) -> dict[int, str]:
    """Index into ``raw`` -> what is read there instead, for HTML tags, comments, scripts and character references."""
    found: dict[int, str] = {}
    for match in _MARKUP.finditer(raw):
        said = match.group()
        shown = (
            unescape(said) if said.startswith("&") else ("\n" if _BLOCK.match(said) else " " if len(said) > 60 else "")
        )
        found.update(dict.fromkeys(range(*match.span()), ""))
        found[match.start()] = "".join(_SINGLE.get(c, c) for c in shown)
    return found


@lru_cache(maxsize=8_192)
def plain(raw: str) -> Plain:
    """Undo full-width letters, ligatures, invisible characters and spaces between Han characters."""
    characters: list[str] = []
    origin: list[int] = []
    unread = _markup(raw) if "<" in raw or "&" in raw else {}
    for index, character in enumerate(raw):
        if character in _INVISIBLE:
            continue
        if index in unread:
            characters.extend(unread[index])
            origin.extend([index] * len(unread[index]))
            continue
        replacement = _SINGLE.get(character)
        if replacement is None:
            replacement = character
            if ord(character) > 127 and character not in _KEEP and not _HAN_RE.match(character):
                replacement = unicodedata.normalize("NFKC", character)
        characters.extend(replacement)
        origin.extend([index] * len(replacement))
    kept = [i for i in range(len(characters)) if not _spaced_han(characters, i)]
    text = "".join(characters[i] for i in kept)
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return Plain(raw=raw, text=text, lower=lower, origin=tuple(origin[i] for i in kept))


def _spaced_han(characters: list[str], i: int) -> bool:
    """True for a blank or dot that stands between two single Han characters ("第 一")."""
    if characters[i] not in " ·." or not 0 < i < len(characters) - 1:
        return False
    if not (_HAN_RE.match(characters[i - 1]) and _HAN_RE.match(characters[i + 1])):
        return False
    lonely_before = i < 2 or characters[i - 2] in " ·."
    lonely_after = i + 2 >= len(characters) or characters[i + 2] in " ·."
    return lonely_before or lonely_after


def has_han(text: str) -> bool:
    return _HAN_RE.search(text) is not None


def written_language(text: str, language: str) -> str:
    """The primary tag of ``language``, corrected when the script says otherwise ("en" with Han text is "zh")."""
    tag = language.lower().replace("_", "-").split("-")[0]
    if tag in ("zh", "ja"):
        return tag
    if not re.fullmatch(r"[a-z]{2,3}", tag) or tag in ("xx", "und", "zxx", "mul"):
        tag = "en"  # no language that we know: read with the strictest eyes
    if _KANA_RE.search(text):
        return "ja"
    n_han = len(_HAN_RE.findall(text))
    return "zh" if n_han * 3 > sum(c.isalpha() for c in text) else tag


def tokens(source: Plain) -> list[Token]:
    """The words, numbers and meaningful signs of a text, with the clause each stands in."""
    found: list[Token] = []
    clause, last_end = 0, 0
    for match in _TOKEN_RE.finditer(source.text):
        gap = source.text[last_end : match.start()]
        if found and _BREAK_RE.search(gap) and not (gap.startswith(".") and found[-1].lower in _ABBREVIATIONS):
            clause += 1
        lower = source.lower[match.start() : match.end()]
        found.append(Token(match.group(), lower, stem(lower), match.start(), match.end(), clause))
        last_end = match.end()
    return found


_SPELLING = {
    "grey": "gray", "aluminium": "aluminum", "litre": "liter", "metre": "meter", "fibre": "fiber", "centre": "center",
    "colour": "color", "flavour": "flavor", "favourite": "favorite", "odour": "odor", "sulphate": "sulfate",
    "children": "child", "women": "woman", "men": "man", "feet": "foot", "leaves": "leaf", "knives": "knife",
    "shelves": "shelf", "mould": "mold", "moisturise": "moisturize", "enamelled": "enamel", "enameled": "enamel",
    "cancelling": "cancel", "canceling": "cancel", "cancellation": "cancel", "glasses": "glass", "tyre": "tire",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A light English stem, so that "washes" meets "wash" and "litre" meets "liters". Other languages lose plurals only.

    >>> stem("bottles"), stem("insulated"), stem("stainless"), stem("carries")
    ('bottl', 'insulat', 'stainless', 'carry')
    """  # noqa: E501
    word = _SPELLING.get(word, word)
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) <= 3 or not word[0].isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = _SPELLING.get(word, word)
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and re.search("[aeiouy]", base):
            word = base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz" else base
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
