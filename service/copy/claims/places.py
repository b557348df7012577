"""Where an English word stands in its clause: in passing ("for small engineers"), or said of the product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from service.copy.lexicon import common_stems, plain_stems, puffery_stems, table
from service.copy.words import Token, stem

from .reading import GRAMMAR, Reading


@lru_cache(maxsize=16)
def shape(name: str) -> frozenset[str]:
    """The words of one row of ``lexicons/shapes.toml``."""
    return frozenset(table("shapes")[name].split())


_TECHNICAL = re.compile(
    r"(?:proof|resistant|repellent|tion|able|ible|less|free|tech|grade|ology|scope|meter|ator|izer|iser|ide|ine|ase|"
    r"oid|ium|ose|ate|ene|yl|ite|gen|phobic|philic|static|bacterial|microbial|septic|allergenic|genic|tronic|"
    r"matic|draulic|sonic|violet|thermal|therm|active|isation|ization)s?$"
)
_NEW_THOUGHT = frozenset("and or but so because while when where if that which who whose as".split())  # noqa: SIM905
_STOPS_HERE = frozenset(
    [
        "with",
        "without",
        "has",
        "have",
        "having",
        "includes",
        "include",
        "including",
        "features",
        "feature",
        "featuring",
        "offers",
        "offer",
        "contains",
        "contain",
        "containing",
        "uses",
        "use",
        "using",
        "made",
        "built",
    ]
)


def is_technical(word: Token) -> bool:
    """Whether a word's own form claims: "-proof", "-ine", letters in capitals, a name in the middle of a sentence."""
    return bool(_TECHNICAL.search(word.lower)) or (word.text.isupper() and len(word.text) > 1)


def is_in_passing(reading: Reading, word: Token) -> bool:
    """Whether a word stands where the reader's world does: after a preposition that no claim governs, in a call."""
    if word.lower in shape("company"):
        return True
    if is_technical(word) or _is_a_name(reading, word):
        return False
    index = reading.index_of(word)
    words = reading.words
    if _is_one_of_the_calls(reading, index):
        return True
    for i in range(index - 1, max(-1, index - 8), -1):
        before = words[i]
        if before.clause != word.clause:
            return _continues_a_list(reading, i, word)
        if before.lower in shape("passing"):
            head = words[i - 1] if i and words[i - 1].clause == word.clause else None
            return head is None or not _governs(words, i - 1)
        if before.lower == "with" and _goes_well(words, i):
            return True
        if before.lower in _STOPS_HERE or before.lower in shape("having"):
            return False
        if before.lower in _NEW_THOUGHT and before.lower not in ("and", "or"):
            return before.lower in ("when", "where", "while", "if", "because", "who", "whose")
    return _is_told_to_do(words, index)


def _governs(words: Sequence[Token], i: int) -> bool:
    """Whether the word before a preposition makes what follows a claim: "resistant to", and "Fried in" at the opening."""  # noqa: E501
    head = words[i]
    if head.lower in shape("governs") or head.stem in shape("governs"):
        return True
    is_first = i == 0 or words[i - 1].clause != head.clause
    return is_first and head.lower.endswith("ed") and not head.lower.endswith("eed")


def _goes_well(words: Sequence[Token], i: int) -> bool:
    """ "plays well with milk", "lovely with jeans": company, not contents."""
    near = {w.lower for w in words[max(0, i - 2) : i] if w.clause == words[i].clause}
    return bool(near & shape("company_verbs"))


def _is_a_name(reading: Reading, word: Token) -> bool:
    """A capital in the middle of a sentence: a make, a place, a system."""
    if not word.text[0].isupper():
        return False
    before = reading.source.text[: word.start].rstrip()
    return bool(before) and before[-1] not in ".!?:;\n\"'“(–—-"


def _continues_a_list(reading: Reading, last: int, word: Token) -> bool:
    """ "for paperbacks, plants and the odd trophy": the comma goes on with what stood in passing."""
    words = reading.words
    gap = reading.source.text[words[last].end : words[last + 1].start]
    if gap.strip() != ",":
        return False
    here = [w for w in words[last + 1 : last + 8] if w.clause == word.clause]
    if len(here) > 6 or any(w.lower in _STOPS_HERE for w in here):
        return False
    for i in range(last, max(-1, last - 5), -1):
        if words[i].clause != words[last].clause:
            return False
        if words[i].lower in shape("passing"):
            return not (i and words[i - 1].clause == words[last].clause and _governs(words, i - 1))
    return False


def _is_one_of_the_calls(reading: Reading, index: int) -> bool:
    """ "Write, solder, sketch": a word between commas after a call."""
    words = reading.words
    clause = words[index].clause
    alone = (index + 1 == len(words) or words[index + 1].clause != clause) and (not index or words[index - 1].clause != clause)  # fmt: skip  # noqa: E501
    if not alone or not index or words[index - 1].lower not in shape("commands"):
        return False
    return reading.source.text[words[index - 1].end : words[index].start].strip() == ","


def _is_told_to_do(words: Sequence[Token], index: int) -> bool:
    """Whether the clause is a call to the reader: what it names is what the reader does it with."""
    first = index
    while first and words[first - 1].clause == words[index].clause:
        first -= 1
    if first == index:
        return words[index].lower in shape("commands")
    opening = words[first].lower
    if opening not in shape("commands"):
        return False
    between = words[first + 1 : index]
    if not any(w.stem in GRAMMAR or w.lower in shape("passing") for w in between):
        return False  # "Turn signals" are a thing
    return not any(w.lower in _STOPS_HERE for w in words[first:index])


def is_idle(word_stem: str) -> bool:
    """Whether a word claims nothing by itself anywhere."""
    return (
        word_stem in GRAMMAR
        or word_stem in plain_stems("en")
        or word_stem in puffery_stems("en")
        or word_stem in common_stems()
    )


@lru_cache(maxsize=1)
def figurative_stems() -> frozenset[str]:
    """Stems of objects that make an effect a figure of speech."""
    return frozenset(stem(word) for word in shape("figurative"))
