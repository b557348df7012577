"""How long is a text? Every channel counts in its own way; these are the ways.

Nothing is normalised first: what is counted is what would be sent.

Display width: East Asian Wide and Fullwidth (UAX 11 classes W and F) are 2; non-spacing marks, joiners, controls and
the later parts of a decomposed Korean syllable 0; all else 1. Ambiguous characters (class A, such as curly quotes, the
ellipsis and Greek letters) count 1, as outside legacy East Asian encodings. A whole emoji sequence (variation selector
16, joined families, flags, keycaps; one grapheme cluster, UAX 29) counts 2, as it is drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import regex

_CLUSTER = regex.compile(r"\X")
_URL = regex.compile(r"\bhttps?://[^\s<>\"'，。；！？、）》」]+|\bwww\.[^\s<>\"'，。；！？、）》」]+", regex.IGNORECASE)
_EMOJI_PRESENTATION = regex.compile(r"\p{Emoji_Presentation}")
_EMOJI_SELECTOR = "\ufe0f"
_KEYCAP = "\u20e3"
_NO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc", "Zl", "Zp"})

# 3GPP TS 23.038, 6.2.1: the default alphabet; and the extension table, whose characters cost two septets.
_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

GSM7_SINGLE, GSM7_PART = 160, 153  # septets of a lone message, and of each part of a long one
UCS2_SINGLE, UCS2_PART = 70, 67  # UTF-16 code units of the same


class CountRule(StrEnum):
    """What one unit of length is."""

    CODE_POINTS = "code_points"  # Unicode code points
    DISPLAY_WIDTH = "display_width"  # half-width cells, see the module docstring
    GBK_BYTES = "gbk_bytes"  # bytes in GBK; what GBK lacks is counted in GB 18030, its superset (4 bytes)
    UTF8_BYTES = "utf8_bytes"
    GSM7_SEPTETS = "gsm7_septets"  # characters of an SMS in the 7-bit alphabet
    UCS2_UNITS = "ucs2_units"  # UTF-16 code units, how every other SMS is counted
    GRAPHEMES = "graphemes"  # characters as a reader sees them


@dataclass(frozen=True, slots=True)
class Measures:
    """Every counting rule's figure for one text."""

    code_points: int
    graphemes: int
    display_width: int
    gbk_bytes: int
    utf8_bytes: int
    ucs2_units: int
    gsm7_septets: int | None  # None: some character is outside the 7-bit alphabet
    gsm7_segments: int | None  # None likewise
    ucs2_segments: int  # parts if sent as UCS-2
    sms_segments: int  # parts as a phone would send it: 7-bit where possible
    not_gsm7: tuple[str, ...]  # the characters that rule the 7-bit alphabet out, each once, in order


def measure(text: str) -> Measures:
    """Measure a text by every rule.

    >>> measure("保温杯 750ml").display_width, measure("保温杯 750ml").gbk_bytes
    (12, 12)
    """
    septets = gsm7_septets(text)
    gsm7 = None if septets is None else _segments(_gsm7_costs(text), GSM7_SINGLE, GSM7_PART)
    ucs2 = _segments([_utf16_units(c) for c in text], UCS2_SINGLE, UCS2_PART)
    return Measures(
        code_points=len(text),
        graphemes=sum(1 for _ in graphemes(text)),
        display_width=display_width(text),
        gbk_bytes=gbk_bytes(text),
        utf8_bytes=utf8_bytes(text),
        ucs2_units=ucs2_units(text),
        gsm7_septets=septets,
        gsm7_segments=gsm7,
        ucs2_segments=ucs2,
        sms_segments=ucs2 if gsm7 is None else gsm7,
        not_gsm7=not_gsm7(text),
    )


def count(text: str, rule: CountRule | str) -> int | None:
    """The length of ``text`` by one rule; None only for GSM-7 when a character is outside its alphabet."""
    return _RULES[CountRule(rule)](text)


def graphemes(text: str) -> Iterator[str]:
    """The text's grapheme clusters, in order; joined they are the text again."""
    if text.isascii() and text.isprintable():
        return iter(text)
    return (match.group() for match in _CLUSTER.finditer(text))


def display_width(text: str) -> int:
    """Half-width cells, >= 0. See the module docstring."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_cluster_width(cluster) for cluster in graphemes(text))


def gbk_bytes(text: str) -> int:
    """Bytes in GBK, GB 18030 for what GBK lacks. A lone surrogate counts as the one ``?`` it would become."""
    return len(text.encode("gb18030", errors="replace"))


def utf8_bytes(text: str) -> int:
    """Bytes in UTF-8. A lone surrogate counts as the one ``?`` it would become."""
    return len(text.encode("utf-8", errors="replace"))


def ucs2_units(text: str) -> int:
    """UTF-16 code units: 1 inside the basic plane, 2 for an emoji."""
    return sum(_utf16_units(character) for character in text)


def gsm7_septets(text: str) -> int | None:
    """Septets of the 7-bit SMS alphabet, extension characters 2; None if a character is outside it.

    Source: 3GPP TS 23.038, 6.2.1.
    """
    return None if not_gsm7(text) else sum(_gsm7_costs(text))


def not_gsm7(text: str) -> tuple[str, ...]:
    """The characters outside the 7-bit SMS alphabet, each once, in order of appearance."""
    return tuple(dict.fromkeys(c for c in text if c not in _GSM7_BASIC and c not in _GSM7_EXTENSION))


def urls(text: str) -> tuple[str, ...]:
    """Web addresses in a text, as written, without a sentence's closing punctuation."""
    return tuple(match.group().rstrip(".,;:!?)]") for match in _URL.finditer(text))


def emojis(text: str) -> tuple[str, ...]:
    """Grapheme clusters that are drawn as emoji."""
    return tuple(cluster for cluster in graphemes(text) if _is_emoji(cluster))


def fit(text: str, rule: CountRule | str, limit: int) -> str:
    """The longest beginning of ``text`` within ``limit``: cut at a word's end, never inside a grapheme cluster.

    A first word that is too long by itself is cut between its clusters. Scripts written without spaces are cut between
    clusters too. The result never ends in white space.

    >>> fit("Stainless steel bottle", "code_points", 16)
    'Stainless steel'
    """
    rule = CountRule(rule)
    whole = text.strip()
    if _within(whole, rule, limit):
        return whole
    kept: list[str] = []
    last_break = 0
    clusters = list(graphemes(whole))
    for cluster in clusters:
        if not _within("".join(kept) + cluster, rule, limit):
            break
        if cluster.isspace():
            last_break = len(kept)
        kept.append(cluster)
    following = clusters[len(kept)]
    splits_a_word = bool(kept) and _joins_words(kept[-1]) and _joins_words(following)
    if splits_a_word and last_break:
        kept = kept[:last_break]
    return "".join(kept).rstrip()


def _within(text: str, rule: CountRule, limit: int) -> bool:
    length = count(text, rule)
    return length is not None and length <= limit


def _joins_words(cluster: str) -> bool:
    """Letters and digits of scripts that put spaces between words."""
    return cluster[0].isalnum() and unicodedata.east_asian_width(cluster[0]) not in "WF"


def _cluster_width(cluster: str) -> int:
    if _is_emoji(cluster):
        return 2
    return sum(_code_point_width(c) for c in cluster)


def _is_emoji(cluster: str) -> bool:
    return _EMOJI_SELECTOR in cluster or _KEYCAP in cluster or _EMOJI_PRESENTATION.search(cluster) is not None


def _code_point_width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH or "\u1160" <= character <= "\u11ff":  # Korean vowels and finals
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _utf16_units(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


def _gsm7_costs(text: str) -> list[int]:
    return [2 if c in _GSM7_EXTENSION else 1 for c in text]


def _segments(costs: list[int], single: int, part: int) -> int:
    """Messages needed when a character (an escape pair, a surrogate pair) is never split between two."""
    if sum(costs) <= single:
        return 1
    parts, used = 1, 0
    for cost in costs:
        if used + cost > part:
            parts, used = parts + 1, 0
        used += cost
    return parts


_RULES: dict[CountRule, Callable[[str], int | None]] = {
    CountRule.CODE_POINTS: len,
    CountRule.DISPLAY_WIDTH: display_width,
    CountRule.GBK_BYTES: gbk_bytes,
    CountRule.UTF8_BYTES: utf8_bytes,
    CountRule.GSM7_SEPTETS: gsm7_septets,
    CountRule.UCS2_UNITS: ucs2_units,
    CountRule.GRAPHEMES: lambda text: sum(1 for _ in graphemes(text)),
}
